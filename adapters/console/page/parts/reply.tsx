/** One reply of Parley: its text, what was left out, its sources, and what can be done with it. */
import { memo, useId, useMemo, useState } from 'react'
import { describePosition } from '../../../../src/core/artifact.ts'
import type { Citation } from '../../../../src/core/reply.ts'
import type { Message } from '../../api.ts'
import { headingLevels } from '../lib/blocks.ts'
import { CopyButton } from './copy-button.tsx'
import { Icon } from './icon.tsx'
import { ReplyMarkdown } from './markdown.tsx'
import { NoticeParts } from './notice-parts.tsx'
import { ReceiptCard } from './receipt.tsx'
import { ReplyContext } from './reply-context.ts'
import { Sources } from './sources.tsx'

export interface ReplyProps {
  message: Message
  /** The last reply of a thread in which nothing runs can be written anew. */
  repeatable: boolean
  onOpenSource(citation: Citation, message: Message): void
  onRegenerate(turnId: string): void
  onPress(action: string): void
}

export const Reply = memo(function Reply({ message, repeatable, onOpenSource, onRegenerate, onPress }: ReplyProps) {
  const [receiptOpen, setReceiptOpen] = useState(false)
  const receiptId = useId()
  const streaming = message.state === 'streaming'
  const failed = message.state === 'failed'
  const notices = message.receipt?.notices ?? []
  // A failure is told by its notices; without any, the text is the sentence.
  const sentenceOnly = failed && notices.length === 0
  const { turnId } = message
  const regenerate = repeatable && turnId !== null ? () => onRegenerate(turnId) : null
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
        <h2 className="visually-hidden">Parley</h2>
        {sentenceOnly || message.text === '' ? null : <ReplyMarkdown text={message.text} open={streaming} />}
        <NoticeParts message={message} onPress={onPress} />
        {failed ? (
          <div className="failure" role="alert">
            <Icon name="warn" />
            <p>{sentenceOnly ? message.text || 'This reply failed.' : notices.join(' ')}</p>
            {regenerate !== null ? (
              <button type="button" className="button" onClick={regenerate}>
                Try again
              </button>
            ) : null}
          </div>
        ) : null}
        {message.state === 'stopped' ? <p className="aside">Stopped.</p> : null}
        <LeftOut message={message} notices={failed ? [] : notices} />
        {message.citations.length === 0 || streaming ? null : (
          <Sources citations={message.citations} onOpen={context.openSource} />
        )}
        {streaming ? null : (
          <div className="reply-actions">
            {message.text === '' ? null : <CopyButton what="reply" text={() => replyAsText(message)} />}
            {regenerate !== null && !failed ? (
              <button type="button" className="quiet" onClick={regenerate}>
                <Icon name="again" />
                <span className="label">Regenerate</span>
              </button>
            ) : null}
            {message.receipt === null ? null : (
              <button
                type="button"
                className="quiet"
                aria-expanded={receiptOpen}
                aria-controls={receiptId}
                onClick={() => setReceiptOpen(!receiptOpen)}
              >
                <Icon name="receipt" />
                <span className="label">Receipt</span>
              </button>
            )}
          </div>
        )}
        {receiptOpen && message.receipt !== null ? <ReceiptCard id={receiptId} receipt={message.receipt} /> : null}
      </article>
    </ReplyContext>
  )
})

/** What the reader must know without opening the receipt. */
function LeftOut({ message, notices }: { message: Message; notices: string[] }) {
  const files = message.receipt?.attachments.filter((file) => file.outcome !== 'read') ?? []
  if (files.length === 0 && notices.length === 0) return null
  return (
    <ul className="left-out" aria-label="What to know about this reply">
      {files.map((file) => (
        <li key={file.attachmentId}>
          <Icon name="warn" />
          <span>
            <strong>{file.name}</strong> {file.outcome === 'skipped' ? 'was not read' : 'was read in part'}:{' '}
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
  const sources = message.citations.map((one) => `[${one.n}] ${one.title}, ${describePosition(one.at)}`)
  return `${message.text}\n\nSources:\n${sources.join('\n')}`
}
