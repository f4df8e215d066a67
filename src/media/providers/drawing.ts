/** The text of a drawing: a slide, its notes, a diagram, or the shapes on a sheet: headings, paragraphs, rows of tables, charts. */
import type { Unread } from '../unread.ts'
import { type Archive, ifIntact, smallPart } from './archive.ts'
import { readChart } from './chart.ts'
import { createDrawnObjects, type DrawnPart } from './drawn-objects.ts'
import { createEquations } from './equation.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { relationsOf } from './relations.ts'
import { createStyledText, type TextStyle } from './styled-text.ts'
import { readXml } from './xml.ts'

export interface DrawingLine {
  text: string
  /** The row of a sheet that the shape stands on, counted from 1. */
  row: number
}

/** Parts repeated on every slide: its number, the date, the footer. */
const repeated = new Set(['sldNum', 'dt', 'ftr', 'hdr', 'sldImg'])

export async function readDrawing(archive: Archive, part: string, unread: Unread): Promise<DrawingLine[]> {
  if (!archive.has(part)) return []
  const found: (DrawingLine | (DrawnPart & { row: number }))[] = []
  let kind = ''
  let text = ''
  let level = 0
  let inText = 0
  let hidden = 0
  let row = 1
  let anchor: string | undefined
  let style: TextStyle = {}
  const styled = createStyledText()
  let table: { lines: ReturnType<typeof createMarkdownTable>; row: string[]; cell: string[] } | undefined
  const add = (line: string) => found.push({ text: line, row })
  const objects = createDrawnObjects({ relations: await relationsOf(archive, part), unread, describe: add })
  const equations = createEquations((equation) => {
    text += `${styled.end()}${equation}`
  })
  const endParagraph = () => {
    const words = `${text}${styled.end()}`.trim()
    text = ''
    if (words === '' || repeated.has(kind)) return
    if (table !== undefined) table.cell.push(words)
    else if (/title$/i.test(kind)) add(`# ${words.replace(/\s*\n\s*/g, ' ')}`)
    else add(`${level > 0 ? `${'  '.repeat(Math.min(level, 8))}- ` : ''}${words}`)
    level = 0
  }
  await readXml(archive.stream(part, smallPart), {
    open(name, attributes) {
      if (hidden > 0 || name === 'mc:Fallback') {
        hidden += 1
        return
      }
      if (equations.open(name, attributes)) return
      const drawn = objects.open(name, attributes)
      if (drawn !== undefined) found.push({ ...drawn, row })
      else if (name === 'p:sp' || name === 'p:graphicFrame') kind = ''
      else if (name === 'p:ph') kind = attributes.type ?? 'body'
      else if (name === 'a:r' || name === 'a:fld') style = {}
      else if (name === 'a:rPr') style = styleOf(attributes)
      else if (name === 'a:t') inText += 1
      else if (name === 'a:br') text += styled.write('\n', style)
      else if (name === 'a:tab') text += attributes.pos === undefined ? styled.write('\t', style) : ''
      else if (name === 'a:pPr') level = Number(attributes.lvl ?? 0) || 0
      else if (name === 'a:tbl') table = { lines: createMarkdownTable(), row: [], cell: [] }
      else if (name === 'xdr:from') anchor = ''
      else if (name === 'xdr:row' && anchor !== undefined) anchor = 'row'
    },
    text(words) {
      if (hidden > 0 || equations.text(words)) return
      if (inText > 0) text += styled.write(words, style)
      else if (anchor === 'row') row = (Number(words) || 0) + 1
    },
    close(name) {
      if (hidden > 0) {
        hidden -= 1
        return
      }
      if (equations.close()) return
      objects.close(name)
      if (name === 'a:t') inText -= 1
      else if (name === 'a:p') endParagraph()
      else if (name === 'xdr:row' && anchor !== undefined) anchor = ''
      else if (name === 'xdr:from') anchor = undefined
      else if (name === 'a:tc' && table !== undefined) {
        table.row.push(table.cell.join(' '))
        table.cell = []
      } else if (name === 'a:tr' && table !== undefined) {
        for (const line of table.lines.row(table.row)) add(line)
        table.row = []
      } else if (name === 'a:tbl') table = undefined
    },
  })
  const lines: DrawingLine[] = []
  for (const one of found) {
    if ('text' in one) lines.push(one)
    else for (const text of await readDrawnPart(archive, one, unread)) lines.push({ text, row: one.row })
  }
  return lines
}

/** Charts and diagrams keep their text outside the drawing. One without text is counted. */
export async function readDrawnPart(archive: Archive, { kind, path }: DrawnPart, unread: Unread): Promise<string[]> {
  const reading = kind === 'chart' ? readChart(archive, path) : readDiagram(archive, path, unread)
  const lines = (await ifIntact(reading)) ?? []
  if (lines.length === 0) unread.saw(kind, path)
  return lines
}

async function readDiagram(archive: Archive, path: string, unread: Unread): Promise<string[]> {
  return (await readDrawing(archive, path, unread)).map(({ text }) => text)
}

function styleOf({ baseline, strike }: Record<string, string>): TextStyle {
  const raised = Number.parseFloat(baseline ?? '0')
  return {
    script: raised > 0 ? 'super' : raised < 0 ? 'sub' : undefined,
    struck: strike !== undefined && strike !== 'noStrike',
  }
}
