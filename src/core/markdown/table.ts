/** Tables for platforms that have none: aligned columns for a code block, or row by row where that would be too wide. */
import type { AlignType, Nodes, Table } from 'mdast'
import { parseMarkdown, plainText } from './parse.ts'

/** What a phone shows of a code block before it breaks lines is less, what a desktop shows is more. */
export const maxTableColumns = 72

const gap = '  '
/** The words of each cell, the row of headings first. */
const rowsOf = (table: Table) =>
  table.children.map((row) => row.children.map((cell) => plainText(cell).replaceAll(/\s+/g, ' ').trim()))

/** Aligned columns, a line under the first row; `undefined` when a line would be longer than `maxColumns`. */
export function alignedTable(table: Table, maxColumns = maxTableColumns): string | undefined {
  const rows = rowsOf(table)
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, at) => Math.max(1, ...rows.map((row) => columns(row[at] ?? ''))))
  if (totalOf(widths) > maxColumns) return undefined
  const lines = rows.map((row) =>
    widths
      .map((width, at) => pad(row[at] ?? '', width, table.align?.[at] ?? null))
      .join(gap)
      .trimEnd(),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join(gap)
  return [lines[0] ?? '', rule, ...lines.slice(1)].join('\n')
}

export interface TableLimits {
  /** The row of headings counts. */
  rows: number
  columns: number
  /** Characters of all cells together. */
  chars: number
}

export function tableFits(table: Table, limits: TableLimits): boolean {
  const rows = rowsOf(table)
  return (
    rows.length <= limits.rows &&
    rows.every((row) => row.length <= limits.columns) &&
    rows.flat().reduce((sum, cell) => sum + cell.length, 0) <= limits.chars
  )
}

/** Words of a cell go on below, as far as people still see a table. */
const mostLinesInRow = 6

/**
 * As `alignedTable`, with the longest cells broken over several lines; `undefined` when their words, or the lines of a row,
 * would be too many for that.
 */
export function wrappedTable(table: Table, maxColumns = maxTableColumns): string | undefined {
  const rows = rowsOf(table)
  const count = Math.max(0, ...rows.map((row) => row.length))
  const cells = (at: number) => rows.map((row) => row[at] ?? '')
  const widths = Array.from({ length: count }, (_, at) => Math.max(1, ...cells(at).map(columns)))
  const least = Array.from({ length: count }, (_, at) =>
    Math.max(1, ...cells(at).flatMap((cell) => cell.split(' ').map(columns))),
  )
  for (let total = totalOf(widths); total > maxColumns; total -= 1) {
    const wide = widths.reduce((best, width, at) => {
      const mayShrink = width > (least[at] ?? 0)
      return mayShrink && (best < 0 || width > (widths[best] ?? 0)) ? at : best
    }, -1)
    if (wide < 0) return undefined
    widths[wide] = (widths[wide] ?? 1) - 1
  }
  const wrapped = rows.map((row) => widths.map((width, at) => wrap(row[at] ?? '', width)))
  const heights = wrapped.map((row) => Math.max(1, ...row.map((lines) => lines.length)))
  if (Math.max(...heights) > mostLinesInRow) return undefined
  const blocks = wrapped.map((row, n) =>
    Array.from({ length: heights[n] ?? 1 }, (_, line) =>
      widths
        .map((width, at) => pad(row[at]?.[line] ?? '', width, table.align?.[at] ?? null))
        .join(gap)
        .trimEnd(),
    ).join('\n'),
  )
  const rule = widths.map((width) => '─'.repeat(width)).join(gap)
  return [blocks[0] ?? '', rule, blocks.slice(1).join('\n\n')].join('\n')
}

/** The rows of all tables that no code block of this width can show, so that they would have to be lists. */
export function wideTables(markdown: string, maxColumns = maxTableColumns): string[][][] {
  if (!markdown.includes('|')) return []
  const tables = (node: Nodes): Table[] =>
    node.type === 'table' ? [node] : 'children' in node ? node.children.flatMap(tables) : []
  const isWide = (table: Table) => (alignedTable(table, maxColumns) ?? wrappedTable(table, maxColumns)) === undefined
  return tables(parseMarkdown(markdown)).filter(isWide).map(rowsOf)
}

const totalOf = (widths: number[]) => widths.reduce((sum, width) => sum + width + gap.length, -gap.length)

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && columns(last) + 1 + columns(word) <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Each row as what it says under which heading; empty cells are left out. */
export function tableRecords(table: Table): { heading: string; value: string }[][] {
  const [headings = [], ...rows] = rowsOf(table)
  return rows.map((row) => row.flatMap((value, at) => (value === '' ? [] : [{ heading: headings[at] ?? '', value }])))
}

function pad(text: string, width: number, align: AlignType): string {
  const room = Math.max(0, width - columns(text))
  const before = align === 'right' ? room : align === 'center' ? Math.floor(room / 2) : 0
  return ' '.repeat(before) + text + ' '.repeat(room - before)
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
/** Characters that take two columns of a code block: East Asian wide and full-width ones, and emoji. */
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|[\u{20000}-\u{3FFFD}])/u

/** How many columns a text takes where every character is as wide as the next. */
export function columns(text: string): number {
  let sum = 0
  for (const { segment } of graphemes.segment(text)) sum += wide.test(segment) ? 2 : 1
  return sum
}
