/** Finds tables without lines by their columns, so that an empty cell keeps its place. Pure; y grows upwards. */
import { columnGap, type Letter } from './pdf-letters.ts'

/** A part of a line between two wide gaps. */
export interface Cell {
  letters: Letter[]
  text: string
  left: number
  right: number
  baseline: number
  height: number
}

export interface ColumnTable {
  /** Rows from the top; a column without a cell is undefined. */
  rows: (Cell | undefined)[][]
  /** Cells of the page whose words stand in others: headings of several columns. */
  joined: Cell[]
}

/** A table has so many rows, and cells of few words. Prose in columns has many. */
const leastRows = 3
const mostWords = 5
const mostCharacters = 34
const longestCell = 12
/** Rows further apart, in heights of a letter, are not of one table. */
const farthestRow = 3.5
/** More text than a line or a page holds. */
const longestLine = 2_000
const mostCells = 5_000

/** `split`: the cells are parts of others, so that only short ones in three columns count: two are also a list with its numbers. */
export function findColumnTables(cells: readonly Cell[], { split = false } = {}): ColumnTable[] {
  if (cells.length > mostCells) return []
  const rows = rowsOf(cells)
  const tables: ColumnTable[] = []
  for (let from = 0; from < rows.length; ) {
    const tableAt = (at: number) => {
      const block = blockFrom(rows, at)
      const table = block === undefined || (split && !isShort(block)) ? undefined : tableOf(block)
      return table === undefined || block === undefined ? undefined : { table, size: block.rows.length }
    }
    const below = mayGroup(rows[from], rows[from + 1]) ? tableAt(from + 1) : undefined
    const grouped = below === undefined ? undefined : withGroups(below.table, rows[from] ?? [])
    const found =
      grouped === undefined || below === undefined ? tableAt(from) : { table: grouped, size: below.size + 1 }
    if (found !== undefined) tables.push(found.table)
    from += found?.size ?? 1
  }
  return tables
}

/** Splits a line at its wide gaps. A gap of several real spaces is kept as text: the columns of a typewriter. */
export function cellsOf(line: Letter[]): Cell[] {
  if (line.length > longestLine) return cellOf(line)
  const placed = line.flatMap(({ box, text }) => (box === undefined ? [] : [{ ...box, blank: text.trim() === '' }]))
  const words = placed.filter(({ blank }) => !blank).toSorted((one, other) => one.left - other.left)
  const starts: number[] = []
  let right = Number.NEGATIVE_INFINITY
  for (const { left, right: end, top, bottom } of words) {
    const spaces = () => placed.filter((box) => box.blank && box.left > right - 1 && box.right < left + 1).length
    if (left - right > columnGap * (top - bottom) && spaces() < 2) starts.push(left)
    right = Math.max(right, end)
  }
  if (starts.length < 2) return cellOf(line)
  const parts: Letter[][] = starts.map(() => [])
  let at = 0
  for (const letter of line) {
    // A space stays with the word before it.
    if (letter.box !== undefined && letter.text.trim() !== '')
      at = starts.findLastIndex((start) => (letter.box?.left ?? start) >= start)
    parts[at]?.push(letter)
  }
  return parts.flatMap(cellOf)
}

/** Cells of the same column begin within this, in points. */
const sameEdge = 0.7
/** Rows above and below whose columns are compared. */
const neighbors = 4
/** Longer ones are prose, in which a word stands below another one by chance. */
const mostAligned = 6

/**
 * Columns of narrow tables have gaps like spaces. A word that begins where a cell of a row nearby does is a cell, too. Gives the parts of
 * those cells that have several.
 */
export function splitAligned(cells: readonly Cell[]): Map<Cell, Cell[]> {
  const split = new Map<Cell, Cell[]>()
  if (cells.length > mostCells) return split
  const rows = rowsOf(cells)
  for (const [at, row] of rows.entries()) {
    const near = rows.slice(Math.max(0, at - neighbors), at + neighbors + 1)
    const others = near.flatMap((other) => (other === row ? [] : other.slice(1)))
    if (others.length === 0) continue
    for (const cell of row) {
      if (wordsIn(cell.text) > mostAligned || isTypewriter([cell])) continue
      const parts = partsOf(cell, others)
      if (parts.length > 1) split.set(cell, parts)
    }
  }
  return split
}

function partsOf(cell: Cell, others: readonly Cell[]): Cell[] {
  const words: Letter[][] = []
  let inside = false
  for (const letter of cell.letters) {
    const blank = letter.text.trim() === ''
    if (!blank && !inside) words.push([])
    inside = !blank
    if (words.length === 0) words.push([])
    words.at(-1)?.push(letter)
  }
  const parts: Letter[][] = []
  for (const word of words) {
    const boxes = word.flatMap(({ box, text }) => (box === undefined || text.trim() === '' ? [] : [box]))
    const left = boxes[0]?.left ?? 0
    const isCell = others.some((other) => Math.abs(other.left - left) < sameEdge)
    if (parts.length === 0 || isCell) parts.push([...word])
    else parts.at(-1)?.push(...word)
  }
  return parts.flatMap(cellOf)
}

function cellOf(letters: Letter[]): Cell[] {
  const words = letters.filter(({ box, text }) => box !== undefined && text.trim() !== '')
  const boxes = words.flatMap(({ box }) => box ?? [])
  const [first] = words
  const [box] = boxes
  if (first === undefined || box === undefined) return []
  return [
    {
      letters,
      text: letters.map(({ text }) => text).join(''),
      left: Math.min(...boxes.map(({ left }) => left)),
      right: Math.max(...boxes.map(({ right }) => right)),
      baseline: first.baseline,
      height: box.top - box.bottom,
    },
  ]
}

/** From the top; the cells of each from the left. */
function rowsOf(cells: readonly Cell[]): Cell[][] {
  const rows: Cell[][] = []
  for (const cell of cells.toSorted((one, other) => other.baseline - one.baseline)) {
    const row = rows.at(-1)
    const first = row?.[0]
    if (row !== undefined && first !== undefined && first.baseline - cell.baseline < first.height / 3) row.push(cell)
    else rows.push([cell])
  }
  return rows.map((row) => row.toSorted((one, other) => one.left - other.left))
}

interface Span {
  left: number
  right: number
}

interface Block {
  rows: Cell[][]
  columns: Span[]
}

/** The rows from `from` on that fit into the same columns. */
function blockFrom(rows: Cell[][], from: number): Block | undefined {
  const first = rows[from]
  if (first === undefined || first.length < 2) return undefined
  let columns: Span[] = first.map(({ left, right }) => ({ left, right }))
  const taken = [first]
  for (const row of rows.slice(from + 1)) {
    const above = taken.at(-1)?.[0]
    const top = row[0]
    if (above === undefined || top === undefined) break
    if (row.some(({ text }) => wordsIn(text) > longestCell)) break
    if (above.baseline - top.baseline > farthestRow * Math.max(above.height, top.height)) break
    const next = widened(columns, row)
    if (next === undefined) break
    // Only a heading may stand over none of the cells below it.
    if (next.length === columns.length + row.length && taken.length > 1) break
    // A single cell belongs to a table only in a column that it does not widen much.
    if (row.length === 1 && (next.length > columns.length || growth(columns, next) > 4 * top.height)) break
    columns = next
    taken.push(row)
  }
  while (taken.length > 1 && taken.at(-1)?.length === 1) taken.pop()
  return { rows: taken, columns }
}

/** The columns with the row's cells in them. Undefined if a cell spans two columns, or two cells share one. */
function widened(columns: Span[], row: Cell[]): Span[] | undefined {
  const next = columns.map((column) => ({ ...column }))
  const used = new Set<Span>()
  for (const { left, right } of row) {
    const touched = next.filter((column) => left < column.right && right > column.left)
    const [column] = touched
    if (touched.length > 1 || (column !== undefined && used.has(column))) return undefined
    if (column === undefined) {
      const added = { left, right }
      next.push(added)
      used.add(added)
    } else {
      column.left = Math.min(column.left, left)
      column.right = Math.max(column.right, right)
      used.add(column)
    }
  }
  const sorted = next.toSorted((one, other) => one.left - other.left)
  return sorted.some(({ left }, at) => left < (sorted[at - 1]?.right ?? left)) ? undefined : sorted
}

function wordsIn(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}

/** Letters of one width. */
function isTypewriter(cells: Cell[]): boolean {
  const widths = cells.flatMap(({ letters }) =>
    letters.flatMap(({ box, text }) => (box === undefined || text.trim() === '' ? [] : [box.right - box.left])),
  )
  return widths.length >= 10 && Math.max(...widths) - Math.min(...widths) < 0.05
}

function growth(columns: Span[], next: Span[]): number {
  const width = (spans: Span[]) => spans.reduce((sum, { left, right }) => sum + right - left, 0)
  return width(next) - width(columns)
}

function hasProse(rows: readonly (Cell | undefined)[][]): boolean {
  return [0, 1].some((column) => {
    const texts = rows.flatMap((row) => row[column]?.text ?? [])
    return texts.reduce((sum, text) => sum + wordsIn(text), 0) > (mostWords + 1) * texts.length
  })
}

function isShort({ rows, columns }: Block): boolean {
  const cells = rows.flat()
  const inColumn = ({ left, right }: Span) => cells.filter((cell) => cell.left < right && cell.right > left).length
  const words = cells.reduce((sum, { text }) => sum + wordsIn(text), 0)
  return columns.length >= 3 && words <= cells.length * 2 && columns.every((column) => inColumn(column) >= 2)
}

/** Bullets and numbers of lists. */
const bullet = /^(?:[•▪◦‣●○■□–—*·o-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)])$/i

function tableOf({ rows, columns }: Block): ColumnTable | undefined {
  const several = rows.filter((row) => row.length > 1)
  if (several.length < leastRows || columns.length < 2) return undefined
  const cells = rows.flat()
  const words = cells.reduce((sum, { text }) => sum + wordsIn(text), 0)
  const characters = cells.reduce((sum, { text }) => sum + text.trim().length, 0)
  if (words > mostWords * cells.length || characters > mostCharacters * cells.length) return undefined
  const placed = rows.map((row) =>
    columns.map(({ left, right }) => row.find((cell) => cell.left < right && cell.right > left)),
  )
  const isList = columns.some((_, at) => {
    const texts = placed.flatMap((row) => (row[at] === undefined ? [] : [row[at].text.trim()]))
    return columns.length === 2 && texts.every((text) => bullet.test(text))
  })
  if (isList) return undefined
  // Two columns are also what two blocks of prose, or lines of code, look like.
  if (columns.length === 2 && (several.length < rows.length * 0.6 || isTypewriter(cells) || hasProse(placed)))
    return undefined
  return { rows: withHeadings(placed, columns), joined: [] }
}

/** How far above the headings of single columns those of several are at most, in heights of a letter. */
const farthestGroup = 2.5

/** Whether the cells of a row may be headings over several of the next one. */
function mayGroup(upper: readonly Cell[] = [], lower: readonly Cell[] = []): boolean {
  const [first, below] = [upper[0], lower[0]]
  if (first === undefined || below === undefined || upper.length < 2 || lower.length <= upper.length / 2) return false
  if (first.baseline - below.baseline > farthestGroup * Math.max(first.height, below.height)) return false
  const named = lower.filter(({ text }) => /\p{L}/u.test(text)).length
  return named * 2 >= lower.length && upper.every(({ text }) => wordsIn(text) <= mostAligned)
}

/** Puts the headings of several columns before those of each: `2023 Q1`. Undefined if they stand over single columns. */
function withGroups(
  { rows: [head = [], ...body], joined }: ColumnTable,
  upper: readonly Cell[],
): ColumnTable | undefined {
  const spans = head.map((_, column) => spanOf([head, ...body].flatMap((row) => row[column] ?? [])))
  const groups = upper.map((cell) => columnsUnder(cell, spans))
  const covered = groups.flat()
  const several = groups.filter(({ length }) => length > 1)
  if (spans.length < 3 || several.length === 0 || groups.some(({ length }) => length === 0)) return undefined
  if (new Set(covered).size < covered.length || several.flat().some((column) => head[column] === undefined))
    return undefined
  const headings = head.map((cell, column) => {
    const over = upper[groups.findIndex((group) => group.includes(column))]
    if (over === undefined || cell === undefined) return over ?? cell
    return { ...cell, text: `${over.text.trim()} ${cell.text.trim()}` }
  })
  return { rows: [headings, ...body], joined: [...joined, ...upper, ...head.flatMap((cell) => cell ?? [])] }
}

function spanOf(cells: readonly Cell[]): Span {
  return { left: Math.min(...cells.map(({ left }) => left)), right: Math.max(...cells.map(({ right }) => right)) }
}

const mostGrouped = 4

/** The columns that it reaches over, or else those that it stands over the middle of. */
function columnsUnder({ left, right, height }: Cell, columns: readonly Span[]): number[] {
  const touched = columns.flatMap((column, at) => (left < column.right && right > column.left ? [at] : []))
  if (touched.length > 1) return touched
  const middle = (left + right) / 2
  const off = (from: number, to: number) =>
    Math.abs(((columns[from]?.left ?? 0) + (columns[to]?.right ?? 0)) / 2 - middle)
  const [single] = touched
  let best = single === undefined ? undefined : { from: single, to: single, off: off(single, single) }
  for (let from = 0; from < columns.length; from += 1) {
    for (let to = from + 1; to < Math.min(columns.length, from + mostGrouped); to += 1) {
      const inside = (columns[from]?.left ?? 0) < middle && (columns[to]?.right ?? 0) > middle
      const near = off(from, to)
      if (inside && near < height && near < (best?.off ?? height)) best = { from, to, off: near }
    }
  }
  const { from = 0, to = -1 } = best ?? {}
  return columns.flatMap((_, at) => (at >= from && at <= to ? [at] : []))
}

/** A heading in the middle of its column can stand over none of its cells, which are on the left or right: joins both. */
function withHeadings(rows: (Cell | undefined)[][], columns: Span[]): (Cell | undefined)[][] {
  const [head = [], ...body] = rows
  const cellsIn = (column: number) => body.filter((row) => row[column] !== undefined).length
  const taken = new Map<number, number>()
  for (const [column, cell] of head.entries()) {
    if (cell === undefined || cellsIn(column) > 0) continue
    const free = [column - 1, column + 1].filter((at) => cellsIn(at) > 0 && head[at] === undefined && !taken.has(at))
    const [nearest] = free.toSorted((one, other) => distance(columns, column, one) - distance(columns, column, other))
    if (nearest !== undefined) taken.set(nearest, column)
  }
  if (taken.size === 0) return rows
  const dropped = new Set(taken.values())
  const headings = head.map((cell, column) => cell ?? head[taken.get(column) ?? -1])
  return [headings, ...body].map((row) => row.filter((_, column) => !dropped.has(column)))
}

function distance(columns: Span[], one: number, other: number): number {
  const [left, right] = [columns[Math.min(one, other)], columns[Math.max(one, other)]]
  return (right?.left ?? Infinity) - (left?.right ?? 0)
}
