/** Rows of an HTML table. A cell that spans rows is repeated in each, and a heading that spans columns above each, so that a row reads alone. */
import { createMarkdownTable } from './markdown-table.ts'

export interface HtmlTable {
  openRow(): void
  openCell(attributes: Record<string, string>, heading: boolean): void
  /** False outside of a row. */
  endCell(text: string): boolean
  /** The lines of the row. */
  endRow(): string[]
  inRow(): boolean
}

const mostColumns = 1_000
const longestRow = 200_000

export function createHtmlTable(): HtmlTable {
  const lines = createMarkdownTable()
  /** By column: cells of rows above that reach into the next rows. */
  const reaching = new Map<number, { text: string; rows: number }>()
  let row: string[] | undefined
  let size = 0
  let span = { columns: 1, rows: 1, heading: false }

  function place(text: string): void {
    if (row === undefined || row.length >= mostColumns) return
    size += text.length
    row.push(size > longestRow ? '' : text)
  }

  /** Fills the columns that cells from above take. */
  function fill(cells: string[]): void {
    for (let above = reaching.get(cells.length); above !== undefined; above = reaching.get(cells.length)) {
      const column = cells.length
      place(above.text)
      if (cells.length === column) return
      above.rows -= 1
      if (above.rows <= 0) reaching.delete(column)
    }
  }

  return {
    openRow() {
      row = []
      size = 0
    },
    openCell(attributes, heading) {
      const columns = Math.min(mostColumns, Math.max(1, Number.parseInt(attributes.colspan ?? '', 10) || 1))
      const rows = Number.parseInt(attributes.rowspan ?? '', 10)
      // 0 means all rows that follow.
      span = { columns, rows: rows === 0 ? 65_534 : Math.min(65_534, Math.max(1, rows || 1)), heading }
    },
    endCell(text) {
      if (row === undefined) return false
      fill(row)
      for (let at = 0; at < span.columns && row.length < mostColumns; at += 1) {
        const shown = at === 0 || span.heading ? text : ''
        if (span.rows > 1) reaching.set(row.length, { text: shown, rows: span.rows - 1 })
        place(shown)
      }
      span = { columns: 1, rows: 1, heading: false }
      return true
    },
    endRow() {
      if (row === undefined) return []
      fill(row)
      // A row without cells still counts for those that reach over it.
      for (const [column, above] of reaching) {
        if (column < row.length) continue
        above.rows -= 1
        if (above.rows <= 0) reaching.delete(column)
      }
      const cells = row
      row = undefined
      return lines.row(cells)
    },
    inRow: () => row !== undefined,
  }
}
