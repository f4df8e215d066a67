/** What a screen reader announces: each finished answer, each notice, and each new step of work, but no single tokens. */

import { useEffect, useRef, useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import type { Message } from '../../api.ts'
import type { Conversation } from './conversation.ts'
import { plainText } from './format.ts'

const LONGEST = 1_200

export function useAnnouncements(conversation: Conversation): string {
  const [announcement, say] = useState('')
  const written = useRef(new Map<string, Message['state']>())
  const work = useRef('')
  /** The thread whose first messages have been seen; only later ones are announced. */
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
      const ends = { stopped: pageWording.answer.stopped, failed: pageWording.answer.announceFailed }
      const end = message.state === 'stopped' || message.state === 'failed' ? ends[message.state] : ''
      say(pageWording.message.announce(plainText(message.text, LONGEST), end))
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
