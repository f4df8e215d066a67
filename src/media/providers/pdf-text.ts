/**
 * The text of a page: PDFium's, and for pages that need it put together from the letters, with tables as Markdown at the place of
 * their first word, raised and lowered letters marked, and Arabic ligatures in order.
 */
import { createMarkdownTable } from './markdown-table.ts'
import { type Cell, type ColumnTable, cellsOf, findColumnTables, splitAligned } from './pdf-columns.ts'
import { rawTextOf, withText } from './pdf-document.ts'
import { type Letter, lettersOf, needsLetters, orderLigatures, withLineEnds } from './pdf-letters.ts'
import type { Lines } from './pdf-objects.ts'
import { findStruck, joinFractions, markScripts, markStruck } from './pdf-scripts.ts'
import { cellAt, findGrids, type Grid } from './pdf-tables.ts'
import type { Pdfium } from './pdfium.ts'

export interface PageText {
  /** As PDFium lays it out: lines end in CR LF. */
  raw: string
  text: string
}

/** A page with more is read as PDFium gives it. */
const mostLetters = 50_000

export function textOf(pdfium: Pdfium, page: number, { horizontal, vertical }: Lines): PageText {
  const found = withText(pdfium, page, (text, count) => {
    const raw = rawTextOf(pdfium, text, count)
    const ruled = horizontal.length >= 2 && vertical.length >= 2
    if (raw.trim() === '' || count > mostLetters || !(ruled || needsLetters(pdfium, text, raw, horizontal)))
      return { raw, text: plainText(raw) }
    const all = lettersOf(pdfium, text, count)
    const struck = findStruck(all, horizontal)
    const rules = horizontal.filter((line) => !struck.lines.has(line))
    const grids = ruled ? findGrids({ horizontal: rules, vertical }) : []
    orderLigatures(all)
    joinFractions(all, rules)
    const letters = withLineEnds(all)
    markScripts(letters)
    markStruck(letters, struck)
    return { raw, text: composed(letters, grids) }
  })
  return found ?? { raw: '', text: '' }
}

interface RuledTable {
  grid: Grid
  cells: string[][]
}

type Piece = string | RuledTable | ColumnTable

function composed(letters: Letter[], grids: Grid[]): string {
  const pieces = grids.length === 0 ? [letters] : withRuledTables(letters, grids)
  return pieces
    .flatMap((piece): Piece[] => (Array.isArray(piece) ? withColumnTables(piece) : [piece]))
    .map((piece) => {
      if (typeof piece === 'string') return plainText(piece)
      return 'grid' in piece ? ruledMarkdown(piece) : columnMarkdown(piece)
    })
    .filter((piece) => piece !== '')
    .join('\n\n')
}

/** Takes the letters of ruled tables out of the text and puts each table where its first letter was. */
function withRuledTables(letters: Letter[], grids: Grid[]): (Letter[] | RuledTable)[] {
  const tables = grids.map((grid) => ({ grid, cells: grid.ys.slice(1).map(() => grid.xs.slice(1).map(() => '')) }))
  const pieces: (Letter[] | RuledTable)[] = []
  let where: Place | undefined
  for (const letter of letters) {
    // A space added by PDFium belongs where the letter before it is.
    if (letter.box !== undefined) where = placeOf(tables, letter.box)
    if (where === undefined) {
      const last = pieces.at(-1)
      if (Array.isArray(last)) last.push(letter)
      else pieces.push([letter])
      continue
    }
    const row = where.table.cells[where.row]
    if (row !== undefined) row[where.column] += letter.text
    if (!pieces.includes(where.table)) pieces.push(where.table)
  }
  // Frames around text are not tables; without tables, the text keeps its order.
  return pieces.some((piece) => !Array.isArray(piece) && isTable(piece)) ? pieces : [letters]
}

interface Place {
  table: RuledTable
  row: number
  column: number
}

function placeOf(
  tables: RuledTable[],
  box: { left: number; right: number; bottom: number; top: number },
): Place | undefined {
  for (const table of tables) {
    const cell = cellAt(table.grid, (box.left + box.right) / 2, (box.bottom + box.top) / 2)
    if (cell !== undefined) return { table, ...cell }
  }
  return undefined
}

/** Frames of drawings and forms have lines too, but a table has words in at least two columns of two rows. */
function isTable({ cells }: RuledTable): boolean {
  return cells.filter((row) => row.filter((cell) => cell.trim() !== '').length >= 2).length >= 2
}

function ruledMarkdown(table: RuledTable): string {
  const rows = table.cells.map((row) => row.map(plainText))
  if (!isTable(table))
    return rows
      .map((row) => row.filter((cell) => cell !== '').join(' '))
      .join('\n')
      .trim()
  const used = (rows[0] ?? []).map((_, column) => rows.some((row) => row[column] !== ''))
  return markdown(rows.map((row) => row.filter((_, column) => used[column])))
}

function columnMarkdown({ rows }: ColumnTable): string {
  const texts = rows.map((row) => row.map((cell) => plainText(cell?.text ?? '')))
  const rightToLeft = texts.flat().filter((text) => /^[\u0590-\u08FF]/.test(text)).length > texts.flat().length / 3
  return markdown(rightToLeft ? texts.map((row) => row.toReversed()) : texts)
}

function markdown(rows: string[][]): string {
  const table = createMarkdownTable()
  return rows.flatMap((row) => table.row(row)).join('\n')
}

/** Takes the cells of tables without lines out of the text and puts each table where its first cell was. */
function withColumnTables(letters: Letter[]): (string | ColumnTable)[] {
  const wide = linesIn(letters).map((line) => ({ line, cells: cellsOf(line) }))
  const found = findColumnTables(wide.flatMap(({ cells }) => cells))
  const inTables = new Set(found.flatMap(({ rows, joined }) => [...rows.flat(), ...joined]))
  const rest = wide.flatMap(({ cells }) => cells.filter((cell) => !inTables.has(cell)))
  const split = splitAligned(rest)
  const lines = wide.map(({ line, cells }) => ({ line, cells: cells.flatMap((cell) => split.get(cell) ?? [cell]) }))
  const parts = rest.flatMap((cell) => split.get(cell) ?? [cell])
  const tables = [...found, ...(split.size === 0 ? [] : findColumnTables(parts, { split: true }))]
  if (tables.length === 0) return [letters.map(({ text }) => text).join('')]
  const tableOf = new Map<Cell, ColumnTable>()
  for (const table of tables) {
    for (const cell of [...table.rows.flat(), ...table.joined]) if (cell !== undefined) tableOf.set(cell, table)
  }
  const pieces: (string | ColumnTable)[] = []
  for (const { line, cells } of lines) {
    const outside = cells.filter((cell) => !tableOf.has(cell))
    const words = outside.length === cells.length ? line : outside.flatMap((cell) => cell.letters)
    const text = words.map((letter) => letter.text).join('')
    for (const cell of cells) {
      const table = tableOf.get(cell)
      if (table !== undefined && !pieces.includes(table)) pieces.push(table)
    }
    if (cells.length > 0 && outside.length === 0) continue
    const last = pieces.at(-1)
    if (typeof last === 'string') pieces[pieces.length - 1] = `${last}\n${text}`
    else pieces.push(text)
  }
  return pieces
}

function linesIn(letters: Letter[]): Letter[][] {
  const lines: Letter[][] = [[]]
  for (const letter of letters) {
    if (letter.text === '\n') lines.push([])
    else lines.at(-1)?.push(letter)
  }
  return lines
}

/** PDFium marks a line-end hyphen as U+FFFE or U+0002. */
const lineEndHyphen = '[\\uFFFE\\u0002]'
const partedWord = new RegExp(`(\\p{L})(?:${lineEndHyphen}|\\u00AD)\\n?(?=\\p{Ll})`, 'gu')
const authorsHyphen = new RegExp(`${lineEndHyphen}\\n?`, 'g')
/** Control characters from fonts with broken character tables. */
const controls = /[^\P{Cc}\t\n]/gu

/** Ligatures and the shapes of Arabic and Hebrew letters within a word, as fonts number them. */
const shapes = /[\uFB00-\uFB4F\uFB50-\uFDFB\uFE70-\uFEFC]+/g

/** Joins words split at line ends. Before a capital or a digit, the hyphen belongs to the text. */
export function plainText(raw: string): string {
  return raw
    .replace(/\r\n?/g, '\n')
    .replace(partedWord, '$1')
    .replace(authorsHyphen, '-')
    .replace(/\u00AD/g, '')
    .replace(controls, '')
    .replace(shapes, (letters) => letters.normalize('NFKC'))
    .replace(/[^\S\n]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}
