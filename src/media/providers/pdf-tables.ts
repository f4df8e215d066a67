/** The text of a page with its ruled tables as Markdown, each at the place of its first word. */
import { cellAt, findGrids, type Grid } from './grid.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { withText } from './pdf-document.ts'
import { linesOf } from './pdf-lines.ts'
import { type Pdfium, viewOf, withMemory } from './pdfium.ts'

interface Table {
  grid: Grid
  cells: string[][]
}

/** Undefined for a page without a ruled table. `clean` turns PDFium's text into plain text. */
export function textWithTables(pdfium: Pdfium, page: number, clean: (raw: string) => string): string | undefined {
  const lines = linesOf(pdfium, page)
  const grids = lines === undefined ? [] : findGrids(lines)
  if (grids.length === 0) return undefined
  const tables = grids.map((grid) => ({ grid, cells: grid.ys.slice(1).map(() => grid.xs.slice(1).map(() => '')) }))
  const pieces: (string | Table)[] = []
  withText(pdfium, page, (text, count) => {
    let where: Place | undefined
    for (let index = 0; index < count; index += 1) {
      const letter = String.fromCodePoint(Math.min(0x10ffff, pdfium._FPDFText_GetUnicode(text, index)))
      const middle = middleOf(pdfium, text, index)
      // A space added by PDFium belongs where the letter before it is.
      if (middle !== undefined) where = placeOf(tables, middle)
      if (where === undefined) append(pieces, letter)
      else {
        const row = where.table.cells[where.row]
        if (row !== undefined) row[where.column] += letter
        if (!pieces.includes(where.table)) pieces.push(where.table)
      }
    }
  })
  if (!pieces.some((piece) => typeof piece !== 'string' && isTable(piece))) return undefined
  return pieces
    .map((piece) => (typeof piece === 'string' ? clean(piece) : markdownOf(piece, clean)))
    .filter((piece) => piece !== '')
    .join('\n\n')
}

interface Place {
  table: Table
  row: number
  column: number
}

function placeOf(tables: Table[], { x, y }: { x: number; y: number }): Place | undefined {
  for (const table of tables) {
    const cell = cellAt(table.grid, x, y)
    if (cell !== undefined) return { table, ...cell }
  }
  return undefined
}

function append(pieces: (string | Table)[], letter: string): void {
  const last = pieces.at(-1)
  if (typeof last === 'string') pieces[pieces.length - 1] = last + letter
  else pieces.push(letter)
}

/** Frames of drawings and forms have lines too, but a table has words in at least two columns of two rows. */
function isTable({ cells }: Table): boolean {
  return cells.filter((row) => row.filter((cell) => cell.trim() !== '').length >= 2).length >= 2
}

function markdownOf(table: Table, clean: (raw: string) => string): string {
  const rows = table.cells.map((row) => row.map(clean))
  if (!isTable(table))
    return rows
      .map((row) => row.filter((cell) => cell !== '').join(' '))
      .join('\n')
      .trim()
  const used = (rows[0] ?? []).map((_, column) => rows.some((row) => row[column] !== ''))
  const markdown = createMarkdownTable()
  return rows.flatMap((row) => markdown.row(row.filter((_, column) => used[column]))).join('\n')
}

function middleOf(pdfium: Pdfium, text: number, index: number): { x: number; y: number } | undefined {
  return withMemory(pdfium, 16, (memory) => {
    if (pdfium._FPDFText_GetLooseCharBox(text, index, memory) === 0) return undefined
    const box = viewOf(pdfium, memory, 16)
    // FS_RECTF: left, top, right, bottom.
    const [left = 0, top = 0, right = 0, bottom = 0] = [0, 4, 8, 12].map((at) => box.getFloat32(at, true))
    return left === right || top === bottom ? undefined : { x: (left + right) / 2, y: (top + bottom) / 2 }
  })
}
