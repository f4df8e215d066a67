/** The receipt of a reply: which model and why, what it was given, what it cost, how long it took; and that in one line. */
import type { ReactNode } from 'react'
import { formatUsd } from '../../../../src/core/money.ts'
import type { AttachmentReceipt, Receipt, Usage } from '../../../../src/core/reply.ts'
import { formatCount, formatDuration } from '../lib/format.ts'
import { Icon } from './icon.tsx'

export interface ReceiptLineProps {
  receipt: Receipt
  panelId: string
  open: boolean
  onToggle(): void
}

/** Opens the whole receipt. */
export function ReceiptLine({ receipt, panelId, open, onToggle }: ReceiptLineProps) {
  const { model, rest } = inShort(receipt)
  return (
    <button
      type="button"
      className="quiet receipt-line"
      title="Receipt: model, cost, time and files"
      data-opens="receipt"
      aria-expanded={open}
      aria-controls={open ? panelId : undefined}
      onClick={onToggle}
    >
      <Icon name="receipt" />
      <span className="visually-hidden">Receipt: </span>
      {model === null ? null : <span className="receipt-model">{model}</span>}
      <span className="receipt-rest">{model === null ? rest : ` · ${rest}`}</span>
    </button>
  )
}

/** The model, if one answered, and `$0.0042 · 6.8 s`. */
function inShort({ model, provider, costNanoUsd, ms }: Receipt): { model: string | null; rest: string } {
  const cost = costNanoUsd === null ? null : BigInt(costNanoUsd)
  const time = formatDuration(ms.total)
  const paid = cost === null || cost === 0n ? [] : [formatUsd(cost)]
  if (provider === 'none') return { model: null, rest: [...paid, time].join(' · ') }
  if (provider === 'extractive') return { model: 'Quotations', rest: [...paid, time].join(' · ') }
  return { model, rest: [cost === null ? 'cost not known' : formatUsd(cost), time].join(' · ') }
}

export function ReceiptCard({ id, receipt }: { id: string; receipt: Receipt }) {
  const { ms, used, usage } = receipt
  return (
    <section id={id} className="receipt" aria-label="Receipt">
      <dl>
        <Row term="Model">
          {receipt.provider === 'none' ? null : (
            <>
              <strong>{receipt.model}</strong> <span className="faint">{receipt.provider}</span>
            </>
          )}
          <p>{receipt.reason}</p>
        </Row>
        {receipt.attachments.length === 0 ? null : (
          <Row term="Files">
            <ul>
              {receipt.attachments.map((file) => (
                <ReceiptFile key={file.attachmentId} file={file} />
              ))}
            </ul>
          </Row>
        )}
        {used === undefined ? null : (
          <Row term="Given to it">
            {used.summary}
            <p className="faint">
              {formatCount(used.tokens)} of {formatCount(used.tokensAvailable)} tokens
            </p>
          </Row>
        )}
        {usage === undefined ? null : <Row term="Tokens">{describeUsage(usage)}</Row>}
        <Row term="Cost">
          {receipt.costNanoUsd === null ? 'price not known' : formatUsd(BigInt(receipt.costNanoUsd))}
        </Row>
        <Row term="Time">
          {formatDuration(ms.total)} in all
          <p className="faint">
            {[
              ms.queued < 100 ? 'Started at once' : `Started after ${formatDuration(ms.queued)}`,
              ...(ms.firstText === null ? [] : [`first words after ${formatDuration(ms.firstText)}`]),
            ].join(', ')}
          </p>
        </Row>
        {receipt.attempts > 1 ? (
          <Row term="Attempts">
            {receipt.attempts}
            <p className="faint">A restart or another model was needed.</p>
          </Row>
        ) : null}
        {receipt.notices.length === 0 ? null : (
          <Row term="Notices">
            <ul>
              {receipt.notices.map((notice) => (
                <li key={notice}>{notice}</li>
              ))}
            </ul>
          </Row>
        )}
      </dl>
    </section>
  )
}

function Row({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function ReceiptFile({ file }: { file: AttachmentReceipt }) {
  return (
    <li className={file.outcome}>
      <strong>{file.name}</strong> {file.summary}
      {file.problems.map((problem) => (
        <p key={problem.code} className="faint">
          {problem.userMessage}
        </p>
      ))}
    </li>
  )
}

function describeUsage(usage: Usage): ReactNode {
  const details = [
    usage.cacheRead > 0 ? `${formatCount(usage.cacheRead)} of the input from cache` : null,
    usage.reasoning > 0 ? `${formatCount(usage.reasoning)} of the output for thinking` : null,
    usage.source === 'estimated' ? 'estimated, the provider did not count' : null,
  ].filter((detail) => detail !== null)
  return (
    <>
      {formatCount(usage.input)} in, {formatCount(usage.output)} out
      {details.length === 0 ? null : <p className="faint">{details.join('; ')}</p>}
    </>
  )
}
