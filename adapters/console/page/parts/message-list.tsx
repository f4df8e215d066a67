/** The open thread: its messages, those being sent, and the current status; a welcome while it is empty. */
import { memo, type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Citation } from '../../../../src/core/reply.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { FileChip, Message } from '../../api.ts'
import { account } from '../lib/account.ts'
import { type Conversation, readingOrder, runningTurn } from '../lib/conversation.ts'
import { progressOf } from '../lib/format.ts'
import type { Outgoing } from '../lib/outbox.ts'
import { useStore } from '../lib/store.ts'
import { usePress } from './action-button.tsx'
import { SentFile } from './file-chip.tsx'
import { Icon, Mark } from './icon.tsx'
import { Reply, Thoughts } from './reply.tsx'
import type { Act } from './reply-actions.tsx'

export interface MessageListProps {
  conversation: Conversation
  outgoing: Outgoing[]
  /** Whether a model can answer; `null`: not loaded yet. */
  hasModel: boolean | null
  onOpenSource(citation: Citation, message: Message): void
  onAct: Act
  onPress(action: string): Promise<void>
  onRetry(messageId: string): void
  onDiscard(messageId: string): void
}

export function MessageList(props: MessageListProps) {
  const { conversation, outgoing } = props
  const { thoughts } = conversation
  const { messages, queued } = useMemo(() => readingOrder(conversation), [conversation])
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
                thoughts={message.turnId === thoughts?.turnId ? thoughts?.text : undefined}
                repeatable={idle && message === lastReply}
                hasModel={props.hasModel !== false}
                onOpenSource={props.onOpenSource}
                onAct={props.onAct}
                onPress={props.onPress}
              />
            ),
          )}
          {thoughts === null ||
          messages.some(({ role, turnId }) => role === 'parley' && turnId === thoughts.turnId) ? null : (
            <Thoughts turnId={thoughts.turnId} thoughts={thoughts.text} />
          )}
          {happening === null ? null : <StatusLine text={happening} />}
          {queued.map(({ id, text, attachments, turnId }) => (
            <QueuedMessage
              key={id}
              text={text}
              attachments={attachments}
              onCancel={async () => {
                if (turnId !== null) await props.onAct('stop', turnId)
              }}
            />
          ))}
          {outgoing.map((one) => (
            <OutgoingMessage
              key={one.body.id}
              outgoing={one}
              onRetry={() => props.onRetry(one.body.id)}
              onDiscard={() => props.onDiscard(one.body.id)}
            />
          ))}
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

/** A message of yours that was sent. */
const UserMessage = memo(function UserMessage(props: { text: string; attachments: FileChip[] }) {
  return (
    <article className="user-message">
      <h2 className="visually-hidden">{pageWording.message.you}</h2>
      <UserContent {...props} />
    </article>
  )
})

/** A question that waits for the answer to an earlier one. */
function QueuedMessage(props: { text: string; attachments: FileChip[]; onCancel(): Promise<void> }) {
  const { pending, error, press } = usePress<'stop'>()
  return (
    <article className="user-message outgoing">
      <h2 className="visually-hidden">{pageWording.message.you}</h2>
      <UserContent {...props} />
      <p className="outgoing-note">
        {pageWording.message.queued}{' '}
        <button
          type="button"
          className="link-button"
          aria-disabled={pending !== null}
          onClick={() => void press('stop', () => props.onCancel().then(() => true))}
        >
          {pageWording.message.cancelQueued}
        </button>
      </p>
      {error === null ? null : (
        <p className="action-error" role="alert">
          {error}
        </p>
      )}
    </article>
  )
}

/** A message of yours that is still being sent. */
function OutgoingMessage(props: { outgoing: Outgoing; onRetry(): void; onDiscard(): void }) {
  const { outgoing } = props
  return (
    <article className="user-message outgoing">
      <h2 className="visually-hidden">{pageWording.message.you}</h2>
      <UserContent text={outgoing.body.text} attachments={outgoing.attachments} />
      {outgoing.state === 'sending' ? <p className="outgoing-note">{pageWording.message.sending}</p> : null}
      {outgoing.state === 'waiting' ? (
        <p className="outgoing-note" role="status">
          {pageWording.message.retrying}{' '}
          <button type="button" className="link-button" onClick={props.onRetry}>
            {pageWording.message.retryNow}
          </button>
        </p>
      ) : null}
      {outgoing.state === 'refused' ? (
        <p className="outgoing-note refused" role="alert">
          {pageWording.message.refused(outgoing.userMessage ?? '')}{' '}
          <button type="button" className="link-button" onClick={props.onRetry}>
            {pageWording.message.tryAgain}
          </button>{' '}
          <button type="button" className="link-button" onClick={props.onDiscard}>
            {pageWording.message.discard}
          </button>
        </p>
      ) : null}
    </article>
  )
}

function UserContent({ text, attachments }: { text: string; attachments: FileChip[] }) {
  return (
    <>
      {attachments.length === 0 ? null : (
        <ul className="sent-files" aria-label={pageWording.composer.files}>
          {attachments.map((file) => (
            <SentFile key={file.id} file={file} />
          ))}
        </ul>
      )}
      {text === '' ? null : (
        <p className="bubble" dir="auto">
          {text}
        </p>
      )}
    </>
  )
}

interface WelcomeProps {
  /** Models that can answer; `null`: not loaded yet. */
  models: string[] | null
  /** Puts the text into the input without sending it. */
  onPick(prompt: string): void
}

/** Shown in a thread without messages. */
export function Welcome({ models, onPick }: WelcomeProps) {
  const wording = pageWording.welcome
  // Only they can change settings of the server; without accounts, that is whoever uses this machine.
  const manages = useStore(account, ({ state }) => (state?.person ?? null) === null || state?.person?.role === 'admin')
  const command = (text: string) => (
    <button type="button" className="command-link" onClick={() => onPick(text)}>
      {text}
    </button>
  )
  return (
    <div className="welcome">
      <Mark />
      <h2>{wording.heading}</h2>
      <p>{wording.lead}</p>
      <ul>
        {wording.examples.map((example) => (
          <li key={example.title}>
            <button type="button" onClick={() => onPick(example.prompt)}>
              <strong>{example.title}</strong>
              <span>{example.prompt}</span>
              <Icon name="right" />
            </button>
          </li>
        ))}
      </ul>
      <p className="welcome-ways">
        {command('/help')} {wording.afterHelpCommand}{' '}
        {models === null || (models.length === 0 && !manages) ? null : models.length === 0 ? (
          <>
            {wording.addModel} <code>OPENAI_API_KEY</code>, <code>ANTHROPIC_API_KEY</code> {wording.or}{' '}
            <code>OLLAMA_HOST</code> {wording.in} <code>.env</code> {wording.restart}
          </>
        ) : (
          <>
            {command('/models list')} {wording.afterModelsCommand}{' '}
            {manages ? (
              <>
                {wording.addMore} <code>.env</code> {wording.or} <code>parley.yaml</code>.
              </>
            ) : null}
          </>
        )}
      </p>
    </div>
  )
}

const NEAR_PX = 56

/** Follows growing content at the bottom of a scroller until you scroll up. */
function usePinnedScroll(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
): { away: boolean; pin(smooth?: boolean): void } {
  const pinned = useRef(true)
  const [away, setAway] = useState(false)

  const pin = useCallback(
    (smooth = false) => {
      pinned.current = true
      setAway(false)
      const element = scroller.current
      if (element === null) return
      const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
      element.scrollTo({ top: element.scrollHeight, behavior: smooth && !calm ? 'smooth' : 'instant' })
    },
    [scroller],
  )

  useEffect(() => {
    const element = scroller.current
    const inner = content.current
    if (element === null || inner === null) return
    let last = element.scrollTop
    const onScroll = () => {
      const left = element.scrollHeight - element.clientHeight - element.scrollTop
      if (left < NEAR_PX) pinned.current = true
      else if (element.scrollTop < last - 1) pinned.current = false
      last = element.scrollTop
      setAway(!pinned.current)
    }
    const grown = new ResizeObserver(() => {
      if (pinned.current) element.scrollTop = element.scrollHeight
      last = element.scrollTop
    })
    grown.observe(inner)
    grown.observe(element)
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      grown.disconnect()
      element.removeEventListener('scroll', onScroll)
    }
  }, [scroller, content])

  return { away, pin }
}
