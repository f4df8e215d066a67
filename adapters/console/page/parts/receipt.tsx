/** An answer's receipt, and its one-line summary: model, reason, input, cost, and time. */

import type { ReactNode } from 'react'
import { formatUsd } from '../../../../src/core/money.ts'
import type {
  AttachmentReceipt,
  MemoryReceipt,
  Receipt,
  ToolReceipt,
  Usage,
  WebReceipt,
} from '../../../../src/core/reply.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import { toolWording } from '../../../../src/wording/tools.ts'
import { formatCount, formatDuration } from '../lib/format.ts'
import { Icon } from './icon.tsx'

export interface ReceiptLineProps {
  receipt: Receipt
  panelId: string
  open: boolean
  onToggle(): void
}

/** Opens the full receipt. */
export function ReceiptLine({ receipt, panelId, open, onToggle }: ReceiptLineProps) {
  const { model, rest } = inShort(receipt)
  return (
    <button
      type="button"
      className="quiet receipt-line"
      title={pageWording.receipt.title}
      data-opens="receipt"
      aria-expanded={open}
      aria-controls={open ? panelId : undefined}
      onClick={onToggle}
    >
      <Icon name="receipt" />
      <span className="visually-hidden">{pageWording.receipt.prefix}</span>
      {model === null ? null : <span className="receipt-model">{model}</span>}
      <span className="receipt-rest">{model === null ? rest : ` · ${rest}`}</span>
    </button>
  )
}

/** The model, if one answered, and cost and time, such as `$0.0042 · 6.8 s`. */
function inShort({ model, modelLabel, provider, costNanoUsd, ms }: Receipt): { model: string | null; rest: string } {
  const cost = costNanoUsd === null ? null : BigInt(costNanoUsd)
  const time = formatDuration(ms.total)
  const paid = cost === null || cost === 0n ? [] : [formatUsd(cost)]
  if (provider === 'none') return { model: null, rest: [...paid, time].join(' · ') }
  if (provider === 'extractive') return { model: pageWording.receipt.quotations, rest: [...paid, time].join(' · ') }
  return {
    model: modelLabel ?? model,
    rest: [cost === null ? pageWording.receipt.noPriceInShort : formatUsd(cost), time].join(' · '),
  }
}

export function ReceiptCard({ id, receipt }: { id: string; receipt: Receipt }) {
  const { ms, used, usage } = receipt
  return (
    <section id={id} className="receipt" aria-label={pageWording.receipt.label}>
      <dl>
        <Row term={pageWording.receipt.model}>
          {receipt.provider === 'none' ? null : (
            <>
              <strong>{receipt.modelLabel ?? receipt.model}</strong>{' '}
              <span className="faint">
                {receipt.modelLabel === undefined ? receipt.provider : `${receipt.provider}/${receipt.model}`}
              </span>
            </>
          )}
          <p>{receipt.reason}</p>
        </Row>
        {receipt.attachments.length === 0 ? null : (
          <Row term={pageWording.receipt.files}>
            <ul>
              {receipt.attachments.map((file) => (
                <ReceiptFile key={file.attachmentId} file={file} />
              ))}
            </ul>
          </Row>
        )}
        {used === undefined ? null : (
          <Row term={pageWording.receipt.input}>
            {used.summary}
            <p className="faint">
              {pageWording.receipt.tokensOf(formatCount(used.tokens), formatCount(used.tokensAvailable))}
            </p>
          </Row>
        )}
        {receipt.memory === undefined ? null : <MemoryRow memory={receipt.memory} />}
        {receipt.tools === undefined ? null : <ToolsRow tools={receipt.tools} />}
        {receipt.web === undefined ? null : <WebRow web={receipt.web} />}
        {usage === undefined ? null : <Row term={pageWording.receipt.tokens}>{describeUsage(usage)}</Row>}
        <Row term={pageWording.receipt.cost}>
          {receipt.costNanoUsd === null ? pageWording.receipt.noPrice : formatUsd(BigInt(receipt.costNanoUsd))}
        </Row>
        <Row term={pageWording.receipt.time}>
          {pageWording.receipt.total(formatDuration(ms.total))}
          <p className="faint">
            {[
              ms.queued < 100
                ? pageWording.receipt.startedAtOnce
                : pageWording.receipt.startedAfter(formatDuration(ms.queued)),
              ...(ms.firstText === null ? [] : [pageWording.receipt.firstWords(formatDuration(ms.firstText))]),
            ].join(', ')}
          </p>
        </Row>
        {receipt.attempts > 1 ? (
          <Row term={pageWording.receipt.attempts}>
            {receipt.attempts}
            <p className="faint">{pageWording.receipt.moreAttempts}</p>
          </Row>
        ) : null}
        {receipt.notices.length === 0 ? null : (
          <Row term={pageWording.receipt.notices}>
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

/** Files shared earlier that were found for the answer. */
function ToolsRow({ tools }: { tools: readonly ToolReceipt[] }) {
  return (
    <Row term={pageWording.receipt.tools}>
      <ul>
        {tools.map((tool, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a finished list, in which equal calls may occur
          <li key={at}>{toolWording.receipt(tool)}</li>
        ))}
      </ul>
    </Row>
  )
}

function MemoryRow({ memory: { files } }: { memory: MemoryReceipt }) {
  return (
    <Row term={pageWording.receipt.memory}>
      <ul>
        {files.map(({ title, where, outcome }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: files do not move
          <li key={at}>
            <strong dir="auto">{title}</strong> <bdi>{where}</bdi>{' '}
            <span className="faint">{pageWording.receipt.memoryFile[outcome]}</span>
          </li>
        ))}
      </ul>
    </Row>
  )
}

function WebRow({ web: { because, engine = '', queries, pages } }: { web: WebReceipt }) {
  return (
    <Row term={pageWording.receipt.web}>
      {because}
      {queries.length + pages.length === 0 ? null : (
        <ul>
          {queries.map(({ query, found, problem }) => (
            <li key={query}>{pageWording.receipt.query(engine, query, found, problem)}</li>
          ))}
          {pages.map(({ title, address, outcome, problem }) => (
            <li key={address}>
              <a href={address} target="_blank" rel="noopener noreferrer nofollow" dir="auto">
                {title}
              </a>{' '}
              <span className="faint">{problem ?? pageWording.receipt.page[outcome]}</span>
            </li>
          ))}
        </ul>
      )}
    </Row>
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
    usage.cacheRead > 0 ? pageWording.receipt.fromCache(formatCount(usage.cacheRead)) : null,
    usage.reasoning > 0 ? pageWording.receipt.forReasoning(formatCount(usage.reasoning)) : null,
    usage.source === 'estimated' ? pageWording.receipt.estimated : null,
  ].filter((detail) => detail !== null)
  return (
    <>
      {pageWording.receipt.inAndOut(formatCount(usage.input), formatCount(usage.output))}
      {details.length === 0 ? null : <p className="faint">{details.join('; ')}</p>}
    </>
  )
}
