/** What a screen reader is told: a reply once it is finished, and each new kind of work; never single tokens. */
import { useEffect, useRef, useState } from 'react'
import type { Message } from '../../api.ts'
import type { Conversation } from './conversation.ts'
import { plainText } from './format.ts'

const LONGEST = 1_200

export function useAnnouncements(conversation: Conversation): string {
  const [said, say] = useState('')
  const written = useRef(new Map<string, Message['state']>())
  const work = useRef('')

  useEffect(() => {
    for (const message of conversation.messages) {
      const before = written.current.get(message.id)
      written.current.set(message.id, message.state)
      if (message.role !== 'parley' || before !== 'streaming' || message.state === 'streaming') continue
      const ends = { stopped: 'Stopped.', failed: 'The reply failed.' } as const
      const end = message.state === 'stopped' || message.state === 'failed' ? ends[message.state] : ''
      say(`Parley: ${plainText(message.text, LONGEST)} ${end}`.trim())
    }
  }, [conversation.messages])

  useEffect(() => {
    const text = conversation.status?.text ?? ''
    // "page 120 of 200" and "page 121 of 200" are the same work.
    const kind = text.replace(/\d+/g, '')
    if (kind !== work.current && text !== '') say(text)
    work.current = kind
  }, [conversation.status?.text])

  return said
}
