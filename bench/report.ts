/** What a bench gives, and how people see it: aligned tables, and whether the aims were met. */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'

export type Cell = number | string | null

export interface Table {
  title: string
  /** All with the same keys, which are the columns. */
  rows: Record<string, Cell>[]
  /** What a reader has to know to judge the figures. */
  notes?: string[]
}

export interface Aim {
  what: string
  value: number
  unit: string
  atMost: number
  /** Cores that others kept busy meanwhile: a reason to measure again rather than to search. */
  otherCores?: number | null
}

export interface Result {
  bench: string
  tables: Table[]
  aims: Aim[]
  /** Figures mean little without the load that the machine carried beside them. */
  load: { before: number; after: number }
}

/** Tells on stderr what is being measured; stdout is for results. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

export function describeHost() {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memoryGb: Math.round(totalmem() / 1e9),
    load: round(loadavg()[0] ?? 0),
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    }).trim()
  } catch {
    return 'unknown'
  }
}

export function print(result: Result): string {
  const aims = result.aims.map(({ what, value, unit, atMost, otherCores }) => {
    const met = value <= atMost ? 'met   ' : 'MISSED'
    const beside = otherCores == null ? '' : `, while other work kept ${round(otherCores)} cores busy`
    return `  ${met}  ${what}: ${round(value)} ${unit} (aim: at most ${atMost} ${unit})${beside}`
  })
  const { before, after } = result.load
  return [
    ...result.tables.map(printTable),
    ...(aims.length > 0 ? [`Aims\n${aims.join('\n')}\n`] : []),
    `Load average of the machine: ${before} before, ${after} after\n`,
  ].join('\n')
}

function printTable({ title, rows, notes = [] }: Table): string {
  const columns = Object.keys(rows[0] ?? {})
  const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column] ?? null)))]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  const numeric = columns.map((column) => rows.every((row) => typeof row[column] !== 'string'))
  const align = (line: string[]) =>
    line.map((text, at) => (numeric[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0))).join('  ')
  const rule = widths.map((width) => '─'.repeat(width)).join('  ')
  const [head = [], ...body] = lines
  return [title, align(head), rule, ...body.map(align), ...notes.map((note) => `· ${note}`), ''].join('\n')
}

function cell(value: Cell): string {
  if (value === null) return '–'
  return typeof value === 'number' ? round(value).toLocaleString('en-US') : value
}

/** For people: three figures that count, at most three after the point. */
export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(Number(value.toPrecision(3)).toFixed(3))
}

export function median(values: number[]): number {
  return quantile(values, 0.5)
}

/** Nearest rank, so that it is a value that was measured. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** How long people waited: a row of a table. */
export const spread = (what: string, ms: number[]) => ({
  what,
  p50: round(quantile(ms, 0.5)),
  p95: round(quantile(ms, 0.95)),
  most: round(quantile(ms, 1)),
})
