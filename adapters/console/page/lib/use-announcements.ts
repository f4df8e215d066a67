/** What a screen reader is told: a reply once it is finished, each notice, and each new kind of work; never single tokens. */
import { useEffect, useRef, useState } from 'react'
import type { Message } from '../../api.ts'
import type { Conversation } from './conversation.ts'
import { plainText } from './format.ts'

const LONGEST = 1_200

export function useAnnouncements(conversation: Conversation): string {
  const [announcement, say] = useState('')
  const written = useRef(new Map<string, Message['state']>())
  const work = useRef('')
  /** The thread whose messages were there when it was opened: those are not news. */
  const opened = useRef<string | null>(null)
  const { threadId, loaded, messages } = conversation

  useEffect(() => {
    const isNews = opened.current === threadId
    for (const message of messages) {
      const before = written.current.get(message.id)
      written.current.set(message.id, message.state)
      const notice = isNews && message.turnId === null && before === undefined
      const finished = before === 'streaming' && message.state !== 'streaming'
      if (message.role !== 'parley' || !(notice || finished)) continue
      const ends = { stopped: 'Stopped.', failed: 'The reply failed.' } as const
      const end = message.state === 'stopped' || message.state === 'failed' ? ends[message.state] : ''
      say(`Parley: ${plainText(message.text, LONGEST)} ${end}`.trim())
    }
    if (loaded) opened.current = threadId
  }, [threadId, loaded, messages])

  useEffect(() => {
    const text = conversation.status?.text ?? ''
    // "page 120 of 200" and "page 121 of 200" are the same work.
    const kind = text.replace(/\d+/g, '')
    if (kind !== work.current && text !== '') say(text)
    work.current = kind
  }, [conversation.status?.text])

  return announcement
}
