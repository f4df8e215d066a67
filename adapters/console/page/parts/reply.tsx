/** One answer or notice: its text, what was left out, its sources, its pictures and files, and its buttons. */
import { memo, useMemo, useState } from 'react'
import { approvalActions, decodeAction, encodeAction } from '../../../../src/core/command.ts'
import { mayHelpAgain } from '../../../../src/core/errors.ts'
import type { Citation } from '../../../../src/core/reply.ts'
import { describeCited } from '../../../../src/core/source.ts'
import { approvalWording } from '../../../../src/wording/answers.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import type { Message } from '../../api.ts'
import { headingLevels } from '../lib/blocks.ts'
import { uploadUrl } from '../lib/server.ts'
import { usePress } from './action-button.tsx'
import { Icon } from './icon.tsx'
import { ReplyContext, ReplyMarkdown } from './markdown.tsx'
import { type Act, ReplyActions, TryAgain } from './reply-actions.tsx'

export interface ReplyProps {
  message: Message
  /** What its model thinks, while it is written. */
  thoughts: string | undefined
  /** Only the last answer of an idle thread can be regenerated. */
  repeatable: boolean
  hasModel: boolean
  onOpenSource(citation: Citation, message: Message): void
  onAct: Act
  onPress(action: string): Promise<void>
}

export const Reply = memo(function Reply(props: ReplyProps) {
  const { message, thoughts, repeatable, hasModel, onOpenSource, onAct, onPress } = props
  const streaming = message.state === 'streaming'
  const failed = message.state === 'failed'
  const notices = message.receipt?.notices ?? []
  // The notices describe a failure; without any, the text itself is the error.
  const sentenceOnly = failed && notices.length === 0
  const { turnId } = message
  const levels = useMemo(() => headingLevels(message.text).join(''), [message.text])
  const context = useMemo(
    () => ({
      citations: message.citations,
      streaming,
      levels: levels.split('').map(Number),
      openSource: (citation: Citation) => onOpenSource(citation, message),
    }),
    [message, streaming, levels, onOpenSource],
  )
  const { approvalId } = message.receipt ?? {}
  const approve = approvalId === undefined ? null : <ApproveOnce key={approvalId} id={approvalId} onPress={onPress} />
  return (
    <ReplyContext value={context}>
      <article className={`reply ${message.state}`} aria-busy={streaming} tabIndex={-1}>
        <h2 className="visually-hidden">{pageWording.app.name}</h2>
        <Thoughts turnId={turnId} thoughts={message.receipt?.thoughts ?? thoughts} />
        {sentenceOnly || message.text === '' ? null : <ReplyMarkdown text={message.text} open={streaming} />}
        <NoticeParts message={message} onPress={onPress} />
        {failed ? (
          <div className="failure" role="alert">
            <Icon name="warn" />
            <p>{sentenceOnly ? message.text || pageWording.answer.failed : notices.join(' ')}</p>
            {repeatable && turnId !== null && mayHelpAgain(message.receipt?.error) ? (
              <TryAgain key={turnId} turnId={turnId} onAct={onAct} />
            ) : null}
            {failed && repeatable ? approve : null}
          </div>
        ) : null}
        {message.state === 'stopped' && notices.length === 0 ? (
          <p className="aside">{pageWording.answer.stopped}</p>
        ) : null}
        <LeftOut message={message} notices={failed ? [] : notices} />
        {!failed && repeatable ? approve : null}
        {message.citations.length === 0 || streaming ? null : (
          <Sources citations={message.citations} onOpen={context.openSource} />
        )}
        {streaming ? null : (
          <ReplyActions
            key={turnId}
            message={message}
            text={message.text === '' ? null : () => replyAsText(message)}
            repeatable={repeatable}
            hasModel={hasModel}
            onAct={onAct}
          />
        )}
      </article>
    </ReplyContext>
  )
})

/** Turns with open thoughts. They stay open when the thoughts move from the status to the answer. */
const opened = new Set<string>()

/** What the model thinks or has thought, for those who open it. */
export function Thoughts({ turnId, thoughts }: { turnId: string | null; thoughts: string | undefined }) {
  if (thoughts === undefined) return null
  const key = turnId ?? ''
  const remember = (open: boolean) => void (open ? opened.add(key) : opened.delete(key))
  return (
    <details className="thoughts" open={opened.has(key)} onToggle={(event) => remember(event.currentTarget.open)}>
      <summary>{pageWording.answer.thoughts}</summary>
      <p dir="auto">{thoughts}</p>
    </details>
  )
}

/** What the reader must see without opening the receipt. */
function LeftOut({ message, notices }: { message: Message; notices: string[] }) {
  const files = message.receipt?.attachments.filter((file) => file.outcome !== 'read') ?? []
  if (files.length === 0 && notices.length === 0) return null
  return (
    <ul className="left-out" aria-label={pageWording.answer.leftOut}>
      {files.map((file) => (
        <li key={file.attachmentId}>
          <Icon name="warn" />
          <span>
            <strong>{file.name}</strong>{' '}
            {file.outcome === 'skipped' ? pageWording.file.skipped : pageWording.file.partlyRead}:{' '}
            {file.summary.replace(/^(skipped|partly read|partly): */i, '')}
          </span>
        </li>
      ))}
      {notices.map((notice) => (
        <li key={notice}>
          <Icon name="info" />
          <span>{notice}</span>
        </li>
      ))}
    </ul>
  )
}

function replyAsText(message: Message): string {
  if (message.citations.length === 0) return message.text
  const sources = message.citations.map((one) => `[${one.n}] ${one.source.title}, ${describeCited(one)}`)
  return `${message.text}\n\n${pageWording.source.asText(sources.join('\n'))}`
}

/** The sources below an answer; each opens its cited passage. */
function Sources({ citations, onOpen }: { citations: Citation[]; onOpen(citation: Citation): void }) {
  return (
    <section className="sources">
      <h3>{pageWording.source.heading}</h3>
      <ol>
        {citations.map((citation) => (
          <li key={citation.n}>
            <button
              type="button"
              className="source"
              onClick={() => onOpen(citation)}
              title={`${citation.source.title}, ${describeCited(citation)}`}
            >
              <span className="source-n">{citation.n}</span>
              <span className="source-title" dir="auto">
                {citation.source.title}
              </span>
              <span className="source-at">{describeCited(citation)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}

interface NoticePartsProps {
  message: Message
  onPress(action: string): Promise<void>
}

/** The pictures, files and buttons of a notice. */
function NoticeParts({ message, onPress }: NoticePartsProps) {
  const { attachments, buttons } = message
  if (attachments.length === 0 && buttons.length === 0) return null
  return (
    <div className="notice-parts">
      {attachments.map(({ id, name, mediaType, alt }) =>
        mediaType === 'image/png' ? (
          <img key={id} className="notice-picture" src={uploadUrl(id)} alt={alt ?? name} />
        ) : (
          <a key={id} className="button small" href={uploadUrl(id)} download={name}>
            {pageWording.file.save(name)}
          </a>
        ),
      )}
      {buttons.length === 0 ? null : <NoticeButtons buttons={buttons} onPress={onPress} />}
    </div>
  )
}

/** Each button works once, and one decision settles a request. */
function NoticeButtons({ buttons, onPress }: { buttons: Message['buttons']; onPress: NoticePartsProps['onPress'] }) {
  const [done, setDone] = useState<readonly string[]>([])
  const { pending, error, press } = usePress<string>()
  const over = (action: string) => done.includes(action) || (isDecision(action) && done.some(isDecision))
  return (
    <div className="notice-buttons">
      {buttons.map(({ label, action, style }) => (
        <button
          key={action}
          type="button"
          className={style === undefined ? 'button small' : `button small ${style}`}
          aria-disabled={pending !== null || over(action)}
          onClick={async () => {
            if (over(action)) return
            const worked = await press(action, () => onPress(action).then(() => true))
            if (worked !== null) setDone((before) => [...before, action])
          }}
        >
          {label}
        </button>
      ))}
      {error === null ? null : (
        <p className="action-error" role="alert">
          {error}
        </p>
      )}
    </div>
  )
}

/** For an admin whose question met a budget. */
function ApproveOnce({ id, onPress }: { id: string; onPress: NoticePartsProps['onPress'] }) {
  const buttons = [
    {
      label: approvalWording.approve,
      action: encodeAction({ kind: 'approve', approvalId: id }),
      style: 'primary' as const,
    },
  ]
  return <NoticeButtons buttons={buttons} onPress={onPress} />
}

function isDecision(encoded: string): boolean {
  const kind = decodeAction(encoded)?.kind
  return approvalActions.some((each) => each === kind)
}
