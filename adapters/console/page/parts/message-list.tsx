/** The open thread: its messages, those being sent, and the current status. */
import { useEffect, useRef } from 'react'
import type { Citation } from '../../../../src/core/reply.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { Message } from '../../api.ts'
import { type Conversation, runningTurn } from '../lib/conversation.ts'
import { progressOf } from '../lib/format.ts'
import type { Outgoing } from '../lib/outbox.ts'
import { usePinnedScroll } from '../lib/use-pinned-scroll.ts'
import { Icon, Mark } from './icon.tsx'
import { Reply } from './reply.tsx'
import type { Act } from './reply-actions.tsx'
import { OutgoingMessage, UserMessage } from './user-message.tsx'

export interface MessageListProps {
  conversation: Conversation
  outgoing: Outgoing[]
  onOpenSource(citation: Citation, message: Message): void
  onAct: Act
  onPress(action: string): Promise<void>
  onRetry(messageId: string): void
  onDiscard(messageId: string): void
}

export function MessageList(props: MessageListProps) {
  const { conversation, outgoing } = props
  const { messages } = conversation
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { away, pin } = usePinnedScroll(scroller, content)
  // Notices are not answers: after a command, the buttons stay on the last answer.
  const lastReply = messages.findLast((message) => message.role === 'parley' && message.turnId !== null)
  const idle = runningTurn(conversation) === null && outgoing.length === 0
  const happening = statusText(conversation)

  // Your own new message is always scrolled into view.
  const newest = outgoing.at(-1)?.body.id
  useEffect(() => {
    if (newest !== undefined) pin()
  }, [newest, pin])

  return (
    <div className="messages-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={scroller} className="messages" aria-label={pageWording.message.list} tabIndex={0}>
        <div ref={content} className="column">
          {messages.map((message) =>
            message.role === 'user' ? (
              <UserMessage key={message.id} text={message.text} attachments={message.attachments} />
            ) : (
              <Reply
                key={message.id}
                message={message}
                repeatable={idle && message === lastReply}
                onOpenSource={props.onOpenSource}
                onAct={props.onAct}
                onPress={props.onPress}
              />
            ),
          )}
          {outgoing.map((one) => (
            <OutgoingMessage
              key={one.body.id}
              outgoing={one}
              onRetry={() => props.onRetry(one.body.id)}
              onDiscard={() => props.onDiscard(one.body.id)}
            />
          ))}
          {happening === null ? null : <StatusLine text={happening} />}
        </div>
      </section>
      {away ? (
        <button type="button" className="jump" onClick={() => pin(true)}>
          <Icon name="down" />
          <span>{pageWording.message.jumpToLatest}</span>
        </button>
      ) : null}
    </div>
  )
}

/** `null` once streamed text shows that Parley is working. */
function statusText({ status, messages, thread }: Conversation): string | null {
  const last = messages.at(-1)
  const writing = last?.role === 'parley' && last.state === 'streaming'
  if (writing && last.text !== '' && (status === null || status.state === 'answering')) return null
  if (status !== null) return status.text
  if (writing) return pageWording.message.thinking
  return thread?.busy === true && last?.role === 'user' ? pageWording.message.waiting : null
}

function StatusLine({ text }: { text: string }) {
  const progress = progressOf(text)
  return (
    <div className="status-line">
      <Mark working />
      <span className="status-text">{text}</span>
      {progress === null ? null : (
        <progress aria-label={text} max={progress.max} value={progress.value}>
          {text}
        </progress>
      )}
    </div>
  )
}
