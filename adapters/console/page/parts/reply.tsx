/** One reply of Parley: its text, what was left out, its sources, and what can be done with it. */
import { memo, useMemo } from 'react'
import { describePosition } from '../../../../src/core/artifact.ts'
import type { Citation } from '../../../../src/core/reply.ts'
import type { Message } from '../../api.ts'
import { headingLevels } from '../lib/blocks.ts'
import { Icon } from './icon.tsx'
import { ReplyMarkdown } from './markdown.tsx'
import { NoticeParts } from './notice-parts.tsx'
import { type Act, ReplyActions, TryAgain } from './reply-actions.tsx'
import { ReplyContext } from './reply-context.ts'
import { Sources } from './sources.tsx'

export interface ReplyProps {
  message: Message
  /** The last reply of a thread in which nothing runs can be written anew. */
  repeatable: boolean
  onOpenSource(citation: Citation, message: Message): void
  onAct: Act
  onPress(action: string): Promise<void>
}

export const Reply = memo(function Reply({ message, repeatable, onOpenSource, onAct, onPress }: ReplyProps) {
  const streaming = message.state === 'streaming'
  const failed = message.state === 'failed'
  const notices = message.receipt?.notices ?? []
  // A failure is told by its notices; without any, the text is the sentence.
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
        <h2 className="visually-hidden">Parley</h2>
        {sentenceOnly || message.text === '' ? null : <ReplyMarkdown text={message.text} open={streaming} />}
        <NoticeParts message={message} onPress={onPress} />
        {failed ? (
          <div className="failure" role="alert">
            <Icon name="warn" />
            <p>{sentenceOnly ? message.text || 'This reply failed.' : notices.join(' ')}</p>
            {repeatable && turnId !== null ? <TryAgain key={turnId} turnId={turnId} onAct={onAct} /> : null}
          </div>
        ) : null}
        {message.state === 'stopped' && notices.length === 0 ? <p className="aside">Stopped.</p> : null}
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
  const sources = message.citations.map((one) => `[${one.n}] ${one.source.title}, ${describePosition(one.at)}`)
  return `${message.text}\n\nSources:\n${sources.join('\n')}`
}
