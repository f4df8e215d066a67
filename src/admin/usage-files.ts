/** Usage as CSV and JSON, with exact sums. Pure. */
import type { OutgoingFile } from '../core/command.ts'
import { decimalUsd } from '../core/money.ts'
import type { UsageRow } from '../store/usage.ts'
import type { SpanWindow } from './period.ts'

export interface UsageExport {
  window: Pick<SpanWindow, 'from' | 'to'>
  timeZone: string
  by: string
  rows: readonly UsageRow[]
}

function record({ window, by }: UsageExport, row: UsageRow) {
  return {
    from: window.from.toISOString(),
    to: window.to.toISOString(),
    by,
    key: row.key ?? 'all',
    name: row.name ?? '',
    done: row.done,
    failed: row.failed,
    stopped: row.stopped,
    calls: row.calls,
    callsAnswered: row.answered,
    costUsd: decimalUsd(row.cost),
    estimatedUsd: decimalUsd(row.estimated),
    inputTokens: row.inputTokens.toString(),
    outputTokens: row.outputTokens.toString(),
    totalMsMedian: row.total.median,
    totalMsP95: row.total.p95,
    firstTextMsMedian: row.firstText.median,
    firstTextMsP95: row.firstText.p95,
    firstTokenMsMedian: row.firstToken.median,
    firstTokenMsP95: row.firstToken.p95,
    good: row.good,
    bad: row.bad,
  }
}

export function usageJson(usage: UsageExport): OutgoingFile {
  const { window, timeZone, by } = usage
  const rows = usage.rows.map((row) => {
    const { from: _from, to: _to, by: _by, ...rest } = record(usage, row)
    return rest
  })
  const body = { from: window.from, to: window.to, timeZone, by, rows }
  const data = new TextEncoder().encode(`${JSON.stringify(body, null, 2)}\n`)
  return { name: 'usage.json', mediaType: 'application/json', data }
}

export function usageCsv(usage: UsageExport): OutgoingFile {
  const records = usage.rows.map((row) => record(usage, row))
  const names = Object.keys(record(usage, nothing))
  const lines = [names.join(','), ...records.map((each) => Object.values(each).map(cell).join(','))]
  return { name: 'usage.csv', mediaType: 'text/csv', data: new TextEncoder().encode(`${lines.join('\r\n')}\r\n`) }
}

/** Spreadsheets would run a name that starts like a formula. */
function cell(value: string | number | null): string {
  if (typeof value === 'number') return String(Math.round(value))
  const text = value ?? ''
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const none = { median: null, p95: null }
const nothing: UsageRow = {
  key: null,
  name: null,
  done: 0,
  failed: 0,
  stopped: 0,
  calls: 0,
  answered: 0,
  cost: 0n,
  estimated: 0n,
  inputTokens: 0n,
  outputTokens: 0n,
  total: none,
  firstText: none,
  firstToken: none,
  good: 0,
  bad: 0,
}
