/**
 * The data of a chart, which Office stores in the chart itself: its title, and a table of categories, series and values. Reads charts of all
 * kinds (DrawingML) and the newer ones such as waterfalls (chartex).
 */
import { type Archive, smallPart } from './archive.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { compileFormat } from './number-format.ts'
import { readXml, type XmlHandler } from './xml.ts'

/** Values by their index, and the format of numbers. */
interface Points {
  format: string
  /** Several levels of categories, the innermost first. */
  levels: Map<number, string>[]
}

type Role = 'tx' | 'cat' | 'val' | 'xVal' | 'yVal' | 'bubbleSize'
type Series = Partial<Record<Role, Points>>

interface Chart {
  title: string
  /** Titles of the axes of categories and of values. */
  axes: { category: string; value: string }
  series: Series[]
}

/** Lines of text; none for a chart without stored data. */
export async function readChart(archive: Archive, part: string): Promise<string[]> {
  if (!archive.has(part)) return []
  const chart: Chart = { title: '', axes: { category: '', value: '' }, series: [] }
  await readXml(archive.stream(part, smallPart), collect(chart))
  const rows = tableOf(chart)
  if (rows.length < 2) return []
  const table = createMarkdownTable()
  const title = chart.title.replace(/\s+/g, ' ').trim()
  const value = chart.axes.value.trim()
  return [
    title === '' ? 'Chart:' : `Chart: ${title}`,
    ...(value === '' ? [] : [`Values: ${value.replace(/\s+/g, ' ')}`]),
    ...rows.flatMap((row) => table.row(row)),
  ]
}

const roles = new Set<string>(['tx', 'cat', 'val', 'xVal', 'yVal', 'bubbleSize'])
/** Kinds of data of the newer charts, by their type. */
const dataRoles = new Map<string, Role>(
  Object.entries({ cat: 'cat', entityId: 'cat', colorStr: 'cat', x: 'xVal', y: 'yVal' } as const),
)

function collect(chart: Chart): XmlHandler {
  const path: string[] = []
  /** In newer charts the data come before their series. */
  const data = new Map<string, Series>()
  let series: Series | undefined
  let role: Role | undefined
  let index = 0
  const points = (): Points | undefined => {
    if (series === undefined || role === undefined) return undefined
    series[role] ??= { format: 'General', levels: [new Map()] }
    return series[role]
  }
  return {
    open(tag, attributes) {
      const name = tag.slice(tag.indexOf(':') + 1)
      const parent = path.at(-1)
      path.push(name)
      if (name === 'ser' || name === 'series') {
        series = {}
        chart.series.push(series)
      } else if (name === 'data' && parent === 'chartData') {
        series = {}
        data.set(attributes.id ?? '', series)
      } else if (name === 'dataId' && series !== undefined)
        Object.assign(series, { ...data.get(attributes.val ?? ''), ...series })
      else if (series !== undefined && roles.has(name) && (parent === 'ser' || parent === 'series')) role = name as Role
      else if ((name === 'strDim' || name === 'numDim') && series !== undefined)
        role = dataRoles.get(attributes.type ?? '') ?? 'val'
      else if (name === 'lvl') {
        const own = points()
        if (own !== undefined && (own.levels[0]?.size ?? 0) > 0) own.levels.push(new Map())
        if (own !== undefined && attributes.formatCode !== undefined) own.format = attributes.formatCode
      } else if (name === 'pt') index = Number(attributes.idx ?? 0) || 0
    },
    text(words) {
      const name = path.at(-1)
      if (name === 'formatCode') {
        const own = points()
        if (own !== undefined) own.format = own.format === 'General' ? words : own.format + words
      } else if (role !== undefined && (name === 'v' || name === 'pt' || (name === 't' && role === 'tx'))) {
        const level = points()?.levels.at(-1)
        const at = role === 'tx' ? 0 : index
        // A name from several cells has their texts side by side.
        level?.set(at, `${level.get(at) ?? ''}${words}`)
      } else if (role === undefined && (name === 't' || name === 'v') && path.includes('title'))
        addTitle(chart, path, words)
    },
    close(tag) {
      const name = path.pop() ?? ''
      if (name === 'ser' || name === 'series' || (name === 'data' && path.at(-1) === 'chartData')) series = undefined
      if (name === role || name === 'strDim' || name === 'numDim') role = undefined
      if (tag.endsWith(':p') && path.includes('title') && role === undefined) addTitle(chart, path, ' ')
    },
  }
}

function addTitle(chart: Chart, path: readonly string[], words: string): void {
  const axis = path.find((name) => name.endsWith('Ax') || name === 'axis')
  if (axis === undefined) chart.title += words
  else if (axis === 'catAx' || axis === 'dateAx') chart.axes.category += words
  else chart.axes.value += words
}

/** The values by their index. */
type Column = ReadonlyMap<number, string>

function tableOf({ series, axes }: Chart): string[][] {
  const filled = series.filter(({ val, xVal, yVal }) => [val, xVal, yVal].some((points) => columnOf(points).size > 0))
  if (filled.length === 0) return []
  const names = filled.map(({ tx }, at) => tx?.levels[0]?.get(0)?.trim() || `Series ${at + 1}`)
  if (filled.some(({ yVal, xVal }) => yVal !== undefined || xVal !== undefined)) return pointsOf(filled, names)
  const axis = axes.category.replace(/\s+/g, ' ').trim() || 'Category'
  const labels = filled.map(({ cat }) => labelsOf(cat))
  const values = filled.map(({ val }) => columnOf(val))
  const [first = new Map<number, string>()] = labels.filter(({ size }) => size > 0)
  const same = labels.every((own) => own.size === 0 || [...first].every(([at, label]) => own.get(at) === label))
  if (same) {
    const rows = indicesOf([first, ...values])
    return [
      [axis, ...names],
      ...rows.map((at) => [first.get(at) ?? String(at + 1), ...values.map((own) => own.get(at) ?? '')]),
    ]
  }
  return [
    ['Series', axis, 'Value'],
    ...values.flatMap((own, at) =>
      indicesOf([own]).map((row) => [names[at] ?? '', labels[at]?.get(row) ?? String(row + 1), own.get(row) ?? '']),
    ),
  ]
}

/** Scatter and bubble charts: each point with its coordinates. */
function pointsOf(series: readonly Series[], names: readonly string[]): string[][] {
  const sized = series.some(({ bubbleSize }) => columnOf(bubbleSize).size > 0)
  return [
    ['Series', 'x', 'y', ...(sized ? ['Size'] : [])],
    ...series.flatMap(({ xVal, yVal, val, bubbleSize }, place) => {
      const [x, y, size] = [columnOf(xVal), columnOf(yVal ?? val), columnOf(bubbleSize)]
      return indicesOf([x, y]).map((at) => [
        names[place] ?? '',
        x.get(at) ?? String(at + 1),
        y.get(at) ?? '',
        ...(sized ? [size.get(at) ?? ''] : []),
      ])
    }),
  ]
}

function indicesOf(columns: readonly Column[]): number[] {
  return [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((one, other) => one - other)
}

function columnOf(points: Points | undefined): Column {
  const column = new Map<number, string>()
  if (points === undefined) return column
  const format = compileFormat(points.format)
  for (const [at, text] of points.levels[0] ?? []) {
    const raw = text.trim()
    const value = Number(raw)
    if (raw !== '') column.set(at, Number.isFinite(value) ? format.number(value, false) : raw)
  }
  return column
}

/** An outer level names a group by its first point. */
function labelsOf(points: Points | undefined): Column {
  const inner = columnOf(points)
  const outer = points?.levels.slice(1) ?? []
  const open = outer.map(() => '')
  const labels = new Map<number, string>()
  for (const at of indicesOf([inner, ...outer])) {
    for (const [place, level] of outer.entries()) open[place] = level.get(at)?.trim() ?? open[place] ?? ''
    labels.set(at, [...open.toReversed(), inner.get(at) ?? ''].filter(Boolean).join(' '))
  }
  return labels
}
