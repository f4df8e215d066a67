/** The text of a page with its ruled tables as Markdown, each at the place of its first word. */
import { createMarkdownTable } from './markdown-table.ts'
import { withText } from './pdf-document.ts'
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

// Finds the straight lines of a page, drawn as strokes, rectangles or thin filled boxes.

/** In points, from the page's lower left corner. Horizontal ones run along x at y = `at`, vertical ones the other way. */
export interface Line {
  at: number
  from: number
  to: number
}

export interface Lines {
  horizontal: Line[]
  vertical: Line[]
}

const pathObject = 2
const lineTo = 0
const moveTo = 2
/** A line is at most this thick, and at least this long. */
const thick = 3
const long = 5
/** A page with more is a drawing and would take long. */
const mostObjects = 4_000
const mostSegments = 20_000

/** Undefined for a page with too few lines for a table, or so many that it is a drawing. */
export function linesOf(pdfium: Pdfium, page: number): Lines | undefined {
  const objects = pdfium._FPDFPage_CountObjects(page)
  if (objects < 2 || objects > mostObjects) return undefined
  const lines: Lines = { horizontal: [], vertical: [] }
  let segments = 0
  for (let index = 0; index < objects; index += 1) {
    const object = pdfium._FPDFPage_GetObject(page, index)
    if (pdfium._FPDFPageObj_GetType(object) !== pathObject) continue
    segments += pdfium._FPDFPath_CountSegments(object)
    if (segments > mostSegments) return undefined
    addPath(pdfium, object, lines)
  }
  return lines.horizontal.length >= 2 && lines.vertical.length >= 2 ? lines : undefined
}

function addPath(pdfium: Pdfium, object: number, lines: Lines): void {
  withMemory(pdfium, 40, (memory) => {
    if (pdfium._FPDFPageObj_GetBounds(object, memory, memory + 4, memory + 8, memory + 12) === 0) return
    const view = viewOf(pdfium, memory, 40)
    const float = (offset: number) => view.getFloat32(offset, true)
    const [left, bottom, right, top] = [float(0), float(4), float(8), float(12)]
    const wide = right - left
    const high = top - bottom
    if (high <= thick && wide >= long) lines.horizontal.push({ at: (top + bottom) / 2, from: left, to: right })
    else if (wide <= thick && high >= long) lines.vertical.push({ at: (left + right) / 2, from: bottom, to: top })
    else addSegments(pdfium, object, memory, lines)
  })
}

function addSegments(pdfium: Pdfium, object: number, memory: number, lines: Lines): void {
  if (pdfium._FPDFPageObj_GetMatrix(object, memory + 16) === 0) return
  const view = viewOf(pdfium, memory, 40)
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = [16, 20, 24, 28, 32, 36].map((at) => view.getFloat32(at, true))
  const count = pdfium._FPDFPath_CountSegments(object)
  let start: Point = { x: 0, y: 0 }
  let last: Point = start
  for (let index = 0; index < count; index += 1) {
    const segment = pdfium._FPDFPath_GetPathSegment(object, index)
    if (pdfium._FPDFPathSegment_GetPoint(segment, memory, memory + 4) === 0) continue
    const [x, y] = [view.getFloat32(0, true), view.getFloat32(4, true)]
    const point = { x: a * x + c * y + e, y: b * x + d * y + f }
    const type = pdfium._FPDFPathSegment_GetType(segment)
    if (type === moveTo) start = point
    else if (type === lineTo) addLine(last, point, lines)
    last = point
    if (pdfium._FPDFPathSegment_GetClose(segment) !== 0) addLine(last, start, lines)
  }
}

interface Point {
  x: number
  y: number
}

function addLine(one: Point, other: Point, { horizontal, vertical }: Lines): void {
  const wide = Math.abs(one.x - other.x)
  const high = Math.abs(one.y - other.y)
  if (high < 0.5 && wide >= long)
    horizontal.push({ at: one.y, from: Math.min(one.x, other.x), to: Math.max(one.x, other.x) })
  else if (wide < 0.5 && high >= long)
    vertical.push({ at: one.x, from: Math.min(one.y, other.y), to: Math.max(one.y, other.y) })
}

// Finds ruled tables among the lines of a page, and the cell of a point. Pure; y grows upwards, as in PDFs.

export interface Grid {
  /** Edges from left to right. */
  xs: number[]
  /** Edges from top to bottom. */
  ys: number[]
  /** For each row and column, the column in which its cell begins: further left where no line separates them. */
  starts: number[][]
}

/** Lines this close together are one, because cells draw their own borders. */
const near = 2.5
/** A page with more lines is a drawing or a chart. */
const mostLines = 6_000

/** Tables of at least two rows and two columns, from top to bottom. */
export function findGrids({ horizontal, vertical }: Lines): Grid[] {
  if (horizontal.length + vertical.length > mostLines) return []
  const rows = merged(horizontal)
  const columns = merged(vertical)
  return connected(rows, columns)
    .flatMap(({ horizontals, verticals }) => {
      const xs = distinct(verticals.map(({ at }) => at))
      const ys = distinct(horizontals.map(({ at }) => at)).reverse()
      return xs.length >= 3 && ys.length >= 3 ? [{ xs, ys, starts: startsOf(xs, ys, verticals) }] : []
    })
    .toSorted((a, b) => (b.ys[0] ?? 0) - (a.ys[0] ?? 0))
}

/** The row and the column whose cell holds the point; undefined outside. */
export function cellAt({ xs, ys, starts }: Grid, x: number, y: number): { row: number; column: number } | undefined {
  const column = xs.findIndex((edge, at) => x >= edge && x < (xs[at + 1] ?? Number.NEGATIVE_INFINITY))
  const row = ys.findIndex((edge, at) => y <= edge && y > (ys[at + 1] ?? Number.POSITIVE_INFINITY))
  return row < 0 || column < 0 ? undefined : { row, column: starts[row]?.[column] ?? column }
}

/** Pieces of one line, such as the borders of the cells along it, joined. */
function merged(lines: Line[]): Line[] {
  const joined: Line[] = []
  const byPlace = lines.toSorted((a, b) => a.at - b.at || a.from - b.from)
  for (const group of grouped(byPlace)) {
    let last: Line | undefined
    for (const line of group.toSorted((a, b) => a.from - b.from)) {
      if (last !== undefined && line.from <= last.to + near) last.to = Math.max(last.to, line.to)
      else {
        last = { ...line }
        joined.push(last)
      }
    }
  }
  return joined
}

function grouped(lines: Line[]): Line[][] {
  const groups: Line[][] = []
  for (const line of lines) {
    const first = groups.at(-1)?.[0]
    if (first !== undefined && line.at - first.at <= near) groups.at(-1)?.push(line)
    else groups.push([line])
  }
  return groups
}

interface Component {
  horizontals: Line[]
  verticals: Line[]
}

/** Lines that cross or touch belong together. */
function connected(horizontals: Line[], verticals: Line[]): Component[] {
  const components: Component[] = []
  const left = new Set(verticals)
  const seen = new Set<Line>()
  for (const first of horizontals) {
    if (seen.has(first)) continue
    seen.add(first)
    const component: Component = { horizontals: [first], verticals: [] }
    for (const horizontal of component.horizontals) {
      for (const vertical of left) {
        if (!touch(horizontal, vertical)) continue
        left.delete(vertical)
        component.verticals.push(vertical)
        for (const other of horizontals) {
          if (seen.has(other) || !touch(other, vertical)) continue
          seen.add(other)
          component.horizontals.push(other)
        }
      }
    }
    components.push(component)
  }
  return components
}

function touch(horizontal: Line, vertical: Line): boolean {
  return (
    vertical.at >= horizontal.from - near &&
    vertical.at <= horizontal.to + near &&
    horizontal.at >= vertical.from - near &&
    horizontal.at <= vertical.to + near
  )
}

function distinct(places: number[]): number[] {
  const edges: number[] = []
  for (const place of places.toSorted((a, b) => a - b)) {
    const last = edges.at(-1)
    if (last === undefined || place - last > near) edges.push(place)
  }
  return edges
}

function startsOf(xs: number[], ys: number[], verticals: Line[]): number[][] {
  return ys.slice(1).map((bottom, row) => {
    const middle = ((ys[row] ?? bottom) + bottom) / 2
    let start = 0
    return xs.slice(0, -1).map((left, column) => {
      const parted = verticals.some(({ at, from, to }) => Math.abs(at - left) <= near && from <= middle && to >= middle)
      if (parted || column === 0) start = column
      return start
    })
  })
}
