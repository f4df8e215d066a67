/** The objects within an OpenDocument file that hold text: equations, and charts with their titles and data. */
import type { Archive } from './archive.ts'
import { createEquations } from './equation.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { readXml } from './xml.ts'

/** By the folder of the object. */
export type OdfObjects = ReadonlyMap<string, { kind: 'equation'; text: string } | { kind: 'chart'; lines: string[] }>

/** Objects that are read, each and all together; those beyond are counted as not read. */
const mostObjects = 1_000
const largestObject = 4e6
const largestSum = 64e6

export async function readOdfObjects(archive: Archive): Promise<OdfObjects> {
  const objects = new Map<string, { kind: 'equation'; text: string } | { kind: 'chart'; lines: string[] }>()
  const parts = archive.entries.filter(({ name, bytes }) => /\/content\.xml$/.test(name) && bytes <= largestObject)
  let left = largestSum
  for (const { name: part, bytes } of parts.slice(0, mostObjects)) {
    left -= bytes
    if (left < 0) break
    const object = await readObject(archive, part).catch(() => undefined)
    if (object !== undefined) objects.set(part.slice(0, -'/content.xml'.length), object)
  }
  return objects
}

async function readObject(archive: Archive, part: string) {
  let equation: string | undefined
  const equations = createEquations((text) => {
    equation = `${equation === undefined ? '' : `${equation} `}${text}`
  })
  const chart = { isOne: false, title: '', axes: [] as string[], rows: [] as string[][] }
  let axis: string | undefined
  let title: string | undefined
  let cell: { text: string; repeat: number } | undefined
  await readXml(archive.stream(part, largestObject), {
    open(name, attributes) {
      if (equations.open(name, attributes)) return
      if (name === 'office:chart') chart.isOne = true
      else if (name === 'chart:axis') axis = attributes['chart:dimension'] ?? ''
      else if (name === 'chart:title' || name === 'chart:subtitle') title = ''
      else if (name === 'table:table-row') chart.rows.push([])
      else if (name === 'table:table-cell') {
        const repeat = Math.max(1, Math.min(Number(attributes['table:number-columns-repeated'] ?? 1) || 1, 64))
        cell = { text: '', repeat }
      }
    },
    text(words) {
      if (equations.text(words)) return
      if (title !== undefined) title += words
      else if (cell !== undefined) cell.text += words
    },
    close(name) {
      if (equations.close()) return
      if (name === 'chart:title' || name === 'chart:subtitle') {
        const words = title?.replace(/\s+/g, ' ').trim() ?? ''
        if (axis === undefined) chart.title = [chart.title, words].filter(Boolean).join(': ')
        else if (words !== '') chart.axes.push(`${axis}: ${words}`)
        title = undefined
      } else if (name === 'chart:axis') axis = undefined
      else if (name === 'table:table-cell' && cell !== undefined) {
        const { text, repeat } = cell
        chart.rows.at(-1)?.push(...Array.from({ length: repeat }, () => text.replace(/\s+/g, ' ')))
        cell = undefined
      }
    },
  })
  if (equation !== undefined) return { kind: 'equation' as const, text: equation }
  const table = createMarkdownTable()
  const rows = chart.rows.flatMap((row) => table.row(row))
  if (!chart.isOne || rows.length < 3) return undefined
  const axes = chart.axes.length === 0 ? [] : [`Axes: ${chart.axes.join(', ')}`]
  return { kind: 'chart' as const, lines: [`Chart: ${chart.title}`.trim(), ...axes, ...rows] }
}
