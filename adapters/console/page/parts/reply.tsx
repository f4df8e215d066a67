/** One answer or notice: its text, what was left out, its sources, its pictures and files, and its buttons. */
import { memo, useMemo, useState } from 'react'
import { describePosition } from '../../../../src/core/artifact.ts'
import { approvalActions, decodeAction } from '../../../../src/core/command.ts'
import type { Citation } from '../../../../src/core/reply.ts'
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
  /** Only the last answer of an idle thread can be regenerated. */
  repeatable: boolean
  onOpenSource(citation: Citation, message: Message): void
  onAct: Act
  onPress(action: string): Promise<void>
}

export const Reply = memo(function Reply({ message, repeatable, onOpenSource, onAct, onPress }: ReplyProps) {
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
  return (
    <ReplyContext value={context}>
      <article className={`reply ${message.state}`} aria-busy={streaming}>
        <h2 className="visually-hidden">{pageWording.app.name}</h2>
        {sentenceOnly || message.text === '' ? null : <ReplyMarkdown text={message.text} open={streaming} />}
        <NoticeParts message={message} onPress={onPress} />
        {failed ? (
          <div className="failure" role="alert">
            <Icon name="warn" />
            <p>{sentenceOnly ? message.text || pageWording.answer.failed : notices.join(' ')}</p>
            {repeatable && turnId !== null ? <TryAgain key={turnId} turnId={turnId} onAct={onAct} /> : null}
          </div>
        ) : null}
        {message.state === 'stopped' && notices.length === 0 ? (
          <p className="aside">{pageWording.answer.stopped}</p>
        ) : null}
        <LeftOut message={message} notices={failed ? [] : notices} />
        {message.citations.length === 0 || streaming ? null : (
          <Sources citations={message.citations} onOpen={context.openSource} />
        )}
        {streaming ? null : (
          <ReplyActions
            key={turnId}
            message={message}
            text={message.text === '' ? null : () => replyAsText(message)}
            repeatable={repeatable}
            onAct={onAct}
          />
        )}
      </article>
    </ReplyContext>
  )
})

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
  const sources = message.citations.map((one) => `[${one.n}] ${one.source.title}, ${describePosition(one.at)}`)
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
            <button type="button" className="source" onClick={() => onOpen(citation)} title={citation.source.title}>
              <span className="source-n">{citation.n}</span>
              <span className="source-title">{citation.source.title}</span>
              <span className="source-at">{describePosition(citation.at)}</span>
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

function isDecision(encoded: string): boolean {
  const kind = decodeAction(encoded)?.kind
  return approvalActions.some((each) => each === kind)
}
