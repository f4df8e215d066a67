/** The headings of a sheet's columns, which may take several rows with merged cells: "2023 Sales", "2023 Cost". */

export interface HeadingRow {
  number: number
  cells: ReadonlyMap<number, string>
}

/** Merged cells; rows as people count them, columns from 0. */
export interface Merge {
  top: number
  bottom: number
  left: number
  right: number
}

const mostLevels = 3

/** By column; undefined if no row looks like one. */
export function headingOf(
  rows: readonly HeadingRow[],
  merges: readonly Merge[],
  columns: number,
): { last: number; titles: string[] } | undefined {
  const found = rows.findIndex(({ cells }) => isHeading(cells))
  if (found < 0) return undefined
  let [first, last] = [found, found]
  while (last - first < mostLevels && groups(rows[last], rows[last + 1], merges)) last += 1
  while (last - first < mostLevels && groups(rows[first - 1], rows[first], merges)) first -= 1
  const levels = rows.slice(first, last + 1)
  const titles = Array.from({ length: columns }, (_, column) => {
    const texts = levels.map((row, at) => textAt(row, column, { rows, merges, lowest: at === levels.length - 1 }))
    return texts.filter((text, at) => text !== '' && text !== texts[at - 1]).join(' ')
  })
  return { last, titles }
}

/** Whether the cells of `upper` name groups of columns that `lower` names. */
function groups(upper: HeadingRow | undefined, lower: HeadingRow | undefined, merges: readonly Merge[]): boolean {
  if (upper === undefined || lower === undefined || lower.number !== upper.number + 1) return false
  if (upper.cells.size < 2 || ![...lower.cells.values()].every((text) => isWords(text) || isYear(text))) return false
  const wide = merges.filter(({ top, left, right }) => top === upper.number && right > left)
  if (wide.length > 0)
    return wide.some(({ left, right }) => [...lower.cells.keys()].some((at) => at > left && at <= right))
  // Without merged cells, names that repeat below need a group each.
  const names = [...lower.cells.values()]
  return new Set(names).size < names.length && upper.cells.size < names.length
}

interface Around {
  rows: readonly HeadingRow[]
  merges: readonly Merge[]
  lowest: boolean
}

function textAt(row: HeadingRow, column: number, { rows, merges, lowest }: Around): string {
  const own = row.cells.get(column)
  if (own !== undefined) return own
  const merge = merges.find(
    ({ top, bottom, left, right }) => row.number >= top && row.number <= bottom && column >= left && column <= right,
  )
  if (merge !== undefined) return rows.find(({ number }) => number === merge.top)?.cells.get(merge.left) ?? ''
  if (lowest || merges.some(({ top }) => top === row.number)) return ''
  const left = [...row.cells.keys()].filter((at) => at < column)
  return left.length === 0 ? '' : (row.cells.get(Math.max(...left)) ?? '')
}

/** A heading names at least two columns, in words; years may stand among them. */
function isHeading(cells: ReadonlyMap<number, string>): boolean {
  const texts = [...cells.values()]
  return cells.size >= 2 && texts.some(isWords) && texts.every((text) => isWords(text) || isYear(text))
}

/** Not a number, with or without its unit. */
function isWords(text: string): boolean {
  return !/^[^\p{L}]*$/u.test(text) && !/^[^\p{L}\d]*\d[\d.,]*\s*\p{L}{1,3}$/u.test(text)
}

function isYear(text: string): boolean {
  return /^(?:19|20)\d\d$/.test(text)
}
