/** The open tables of a document, the innermost last. Cells collect paragraphs, and each row becomes a line as it ends. */
import { createMarkdownTable, nestedTable } from './markdown-table.ts'

export interface OpenTables {
  /** How many tables are open. */
  depth(): number
  open(): void
  /** A paragraph in the open cell. */
  add(words: string): void
  /** How many columns the open cell takes. */
  columns(count: number): void
  /** Columns that the open row leaves out at its start or end. */
  skip(count: number, where: 'start' | 'end'): void
  endCell(): void
  endRow(): void
  /** A table within a cell becomes text of that cell. */
  close(): void
}

interface Table {
  rows: string[][]
  row: string[]
  cell: string[]
  /** Characters in the row so far: a row is held until it ends. */
  size: number
  columns: number
  after: number
  lines: ReturnType<typeof createMarkdownTable>
}

/** Text of a longer row is left out. */
export const longestRow = 200_000
const mostCells = 1_000
const widest = 64

/** `fill`: whether a cell of several columns is one merged cell, or stands for equal ones. */
export function createOpenTables(fill: 'first' | 'all', line: (text: string) => void): OpenTables {
  const tables: Table[] = []
  const bounded = (count: number, least: number) =>
    Math.max(least, Math.min(Number.isFinite(count) ? count : least, widest))
  return {
    depth: () => tables.length,
    open() {
      tables.push({ rows: [], row: [], cell: [], size: 0, columns: 1, after: 0, lines: createMarkdownTable() })
    },
    add(words) {
      const table = tables.at(-1)
      if (table === undefined) return
      table.size += words.length
      if (table.size <= longestRow) table.cell.push(words)
    },
    columns(count) {
      const table = tables.at(-1)
      if (table !== undefined) table.columns = bounded(count, 1)
    },
    skip(count, where) {
      const table = tables.at(-1)
      if (table === undefined) return
      if (where === 'end') table.after = bounded(count, 0)
      else table.row.push(...Array.from({ length: bounded(count, 0) }, () => ''))
    },
    endCell() {
      const table = tables.at(-1)
      if (table === undefined) return
      const text = table.cell.join(' ')
      if (table.row.length < mostCells)
        table.row.push(...Array.from({ length: table.columns }, (_, at) => (at === 0 || fill === 'all' ? text : '')))
      table.cell = []
      table.columns = 1
    },
    endRow() {
      const table = tables.at(-1)
      if (table === undefined) return
      const row = [...table.row, ...Array.from({ length: table.after }, () => '')]
      table.row = []
      table.after = 0
      if (tables.length > 1) {
        table.rows.push(row)
        return
      }
      table.size = 0
      for (const text of table.lines.row(row)) line(text)
    },
    close() {
      const table = tables.pop()
      if (table !== undefined) tables.at(-1)?.cell.push(nestedTable(table.rows))
    },
  }
}
