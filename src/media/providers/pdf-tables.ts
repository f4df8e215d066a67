/** Finds ruled tables among the lines of a page, and the cell of a point. Pure; y grows upwards, as in PDFs. */
import type { Line, Lines } from './pdf-objects.ts'

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
