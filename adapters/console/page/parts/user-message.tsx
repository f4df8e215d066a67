/** A message of yours: sent, or still being sent. */

import { memo } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import type { FileChip } from '../../api.ts'
import type { Outgoing } from '../lib/outbox.ts'
import { SentFile } from './file-chip.tsx'

export const UserMessage = memo(function UserMessage(props: { text: string; attachments: FileChip[] }) {
  return (
    <article className="user-message">
      <h2 className="visually-hidden">{pageWording.message.you}</h2>
      <UserContent {...props} />
    </article>
  )
})

export function OutgoingMessage(props: { outgoing: Outgoing; onRetry(): void; onDiscard(): void }) {
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
      {text === '' ? null : <p className="bubble">{text}</p>}
    </>
  )
}
