/** Reads delimited text: rows with the header repeated in every segment, so that each is understandable alone. */
import { Readable } from 'node:stream'
import { type CsvError, parse } from 'csv-parse'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Input, Provider, Sink } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { segmentCharacters, split } from './pieces.ts'

/** A longer header is not repeated as a line; each value gets its column's name instead. */
const longHeader = 400
const progressRows = 1_000

export const provider: Provider = {
  async read(input, limits, sink) {
    const { text, problem } = decodeText(input.bytes, input.name)
    if (problem !== undefined) sink.problem(problem)
    if (text.trim() === '') throw new ParleyError('file_empty', fileWording.empty.noRows(input.name))
    await sink.progress({ done: 0, of: countRows(text), unit: 'row' })
    const declared = declaredDelimiter(text)
    const usual = input.mediaType === 'text/tab-separated-values' ? '\t' : ','
    const delimiter = declared ?? detectDelimiter(text.slice(0, 64 * 1024), usual)
    const skip = declared === undefined ? 0 : 1
    if (!(await quotesClose(text, delimiter))) {
      const userMessage = fileWording.notice.openQuotationMark(input.name)
      sink.problem({ code: 'csv_quotes', userMessage })
      return readRows(text, { delimiter, quote: false, skip }, { input, limits, sink })
    }
    return readRows(text, { delimiter, quote: '"', skip }, { input, limits, sink })
  },
}

interface Dialect {
  delimiter: string
  quote: '"' | false
  /** Rows at the start that are not part of the table. */
  skip: number
}

/** Excel reads a first line such as `sep=;` as the delimiter and does not show it. */
function declaredDelimiter(text: string): string | undefined {
  return /^\uFEFF?"?sep=(.)"?(?:\r|\n)/i.exec(text)?.[1]
}

function parser(text: string, { delimiter, quote }: Omit<Dialect, 'skip'>) {
  const stream = parse({
    delimiter,
    quote,
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: false,
    record_delimiter: ['\r\n', '\n', '\r'],
  })
  // In one piece, the parser would hold all rows in memory.
  return Readable.from(slices(text), { objectMode: false }).pipe(stream)
}

function* slices(text: string): Generator<string> {
  let at = 0
  while (at < text.length) {
    let end = at + 64 * 1024
    const unit = text.charCodeAt(end - 1)
    if (unit >= 0xd800 && unit <= 0xdbff) end += 1
    yield text.slice(at, end)
    at = end
  }
}

/** An unclosed quotation mark swallows the rest of the file. The parser notices only at the end, so this checks first. */
async function quotesClose(text: string, delimiter: string): Promise<boolean> {
  if (!text.includes('"')) return true
  try {
    for await (const _ of parser(text, { delimiter, quote: '"' })) {
      // Only the end matters.
    }
    return true
  } catch (error) {
    if (isCsvError(error)) return false
    throw error
  }
}

async function readRows(
  text: string,
  dialect: Dialect,
  { input, limits, sink }: { input: Input; limits: Limits; sink: Sink },
): Promise<Ending> {
  const of = countRows(text)
  let row = 0
  let table: Table | undefined
  let full = false
  for await (const record of parser(text, dialect) as AsyncIterable<string[]>) {
    if (row >= limits.rows) {
      await table?.finish()
      await sink.progress({ done: row, of: row, unit: 'row' })
      return { truncated: fileWording.partial.first(input.name, 'row', { done: row }) }
    }
    row += 1
    if (row <= dialect.skip) continue
    if (table === undefined) {
      if (record.every((cell) => cell.trim() === '')) continue
      table = createTable(record, row, sink)
      continue
    }
    if (!(await table.add(record, row))) {
      full = true
      break
    }
    if (row % progressRows === 0) await sink.progress({ done: row, of: Math.max(of, row), unit: 'row' })
  }
  if (table !== undefined && !full) full = !(await table.finish())
  if (full) {
    const done = table?.delivered() ?? 0
    return { truncated: fileWording.partial.first(input.name, 'row', { done, characters: limits.characters }) }
  }
  await sink.progress({ done: row, of: row, unit: 'row' })
  return {}
}

interface Table {
  add(record: string[], row: number): Promise<boolean>
  finish(): Promise<boolean>
  delivered(): number
}

function createTable(firstRecord: string[], firstRow: number, sink: Sink): Table {
  const header = isHeader(firstRecord) ? firstRecord : undefined
  const headerLine = header === undefined ? '' : line(header)
  const named = headerLine.length > longHeader
  let lines: string[] = header === undefined ? [line(firstRecord)] : []
  let size = lines.join('').length
  let from = firstRow
  let to = firstRow
  let delivered = 0

  async function deliver(text: string): Promise<boolean> {
    const shown = header === undefined || named ? text : `${headerLine}\n${text}`
    if (!(await sink.segment(shown, { kind: 'rows', from, to }))) return false
    delivered = to
    return true
  }

  async function flush(): Promise<boolean> {
    if (lines.length === 0) return true
    const text = lines.join('\n')
    lines = []
    size = 0
    return deliver(text)
  }

  return {
    delivered: () => delivered,
    async add(record, row) {
      if (record.every((cell) => cell.trim() === '')) return true
      const text = named && header !== undefined ? pairs(header, record) : line(record)
      if (size > 0 && size + text.length + headerLine.length > segmentCharacters && !(await flush())) return false
      if (lines.length === 0) from = row
      to = row
      if (text.length > segmentCharacters) {
        for (const part of split(text)) if (!(await deliver(part))) return false
        return true
      }
      lines.push(text)
      size += text.length + 1
      return true
    },
    async finish() {
      // The header is all there is to read.
      if (lines.length === 0 && delivered === 0) return sink.segment(headerLine, { kind: 'rows', from, to })
      return flush()
    },
  }
}

/** A header names columns: words, or words and years, each filled in. A first row with other numbers or gaps is data already. */
function isHeader(record: string[]): boolean {
  const filled = record.filter((cell) => cell.trim() !== '')
  const numbers = filled.filter((cell) => /^[\s\d.,:;+\-/%$€£]+$/.test(cell))
  const years = new Set(numbers.filter((cell) => /^\s*(?:19|20)\d\d\s*$/.test(cell)))
  const onlyYears = years.size === numbers.length && years.size !== 1 && years.size < filled.length
  return filled.length * 2 > record.length && onlyYears
}

function line(record: string[]): string {
  return record.map(oneLine).join(' | ')
}

function pairs(header: string[], record: string[]): string {
  return record
    .map((cell, column) => [header[column] ?? `column ${column + 1}`, oneLine(cell)])
    .filter(([, cell]) => cell !== '')
    .map(([name, cell]) => `${oneLine(name ?? '')}: ${cell}`)
    .join('; ')
}

function oneLine(cell: string): string {
  return cell.trim().replace(/\s*[\r\n]+\s*/g, ' ')
}

/** An estimate of rows, for progress: quoted line feeds make it a little too high. */
function countRows(text: string): number {
  let rows = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) rows += 1
  return text.endsWith('\n') ? rows - 1 : rows
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('CSV_')
}

/** Detects the delimiter: the character that gives most rows the same number of columns. */
const candidates = [',', ';', '\t', '|'] as const

export function detectDelimiter(sample: string, usual: ',' | '\t'): string {
  const rows = rowsOf(sample).slice(0, 50)
  let best = { delimiter: usual as string, score: 0 }
  for (const delimiter of [usual, ...candidates.filter((candidate) => candidate !== usual)]) {
    // Tabs are rare inside cells, while commas are common in text.
    const score = scoreOf(rows, delimiter) * (delimiter === '\t' ? 1.25 : 1)
    // The usual one comes first; another must be clearly better.
    if (score > best.score * 1.1) best = { delimiter, score }
  }
  return best.delimiter
}

function scoreOf(rows: string[], delimiter: string): number {
  const counts = rows.map((row) => row.split(delimiter).length - 1).filter((count) => count > 0)
  if (counts.length === 0) return 0
  const tally = new Map<number, number>()
  for (const count of counts) tally.set(count, (tally.get(count) ?? 0) + 1)
  const [columns = 0, agreeing = 0] = [...tally].sort((a, b) => b[1] - a[1])[0] ?? []
  return (agreeing / rows.length) * (1 + Math.log2(1 + columns) / 10)
}

/** Rows without quoted text, and without the last one, which may be cut off. */
function rowsOf(sample: string): string[] {
  const rows = sample
    .replace(/"(?:[^"]|"")*"/g, '')
    .split(/\r\n|\n|\r/)
    .filter((row) => row.trim() !== '')
  return rows.length > 1 ? rows.slice(0, -1) : rows
}
