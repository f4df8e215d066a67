/** The text of one slide, of its notes or of a diagram: headings, paragraphs, rows of tables. */
import { type Archive, smallPart } from './archive.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { readXml } from './xml.ts'

/** Parts repeated on every slide: its number, the date, the footer. */
const repeated = new Set(['sldNum', 'dt', 'ftr', 'hdr', 'sldImg'])

export async function readSlideText(archive: Archive, part: string): Promise<string[]> {
  if (!archive.has(part)) return []
  const lines: string[] = []
  let kind = ''
  let text = ''
  let level = 0
  let inText = 0
  let hidden = 0
  let table: { lines: ReturnType<typeof createMarkdownTable>; row: string[]; cell: string[] } | undefined
  const endParagraph = () => {
    const words = text.trim()
    text = ''
    if (words === '' || repeated.has(kind)) return
    if (table !== undefined) table.cell.push(words)
    else if (/title$/i.test(kind)) lines.push(`# ${words.replace(/\s*\n\s*/g, ' ')}`)
    else lines.push(`${level > 0 ? `${'  '.repeat(Math.min(level, 8))}- ` : ''}${words}`)
    level = 0
  }
  await readXml(archive.stream(part, smallPart), {
    open(name, attributes) {
      if (hidden > 0 || name === 'mc:Fallback') hidden += 1
      else if (name === 'p:sp' || name === 'p:graphicFrame') kind = ''
      else if (name === 'p:ph') kind = attributes.type ?? 'body'
      else if (name === 'a:t') inText += 1
      else if (name === 'a:br') text += '\n'
      else if (name === 'a:tab') text += attributes.pos === undefined ? '\t' : ''
      else if (name === 'a:pPr') level = Number(attributes.lvl ?? 0) || 0
      else if (name === 'a:tbl') table = { lines: createMarkdownTable(), row: [], cell: [] }
    },
    text(words) {
      if (inText > 0 && hidden === 0) text += words
    },
    close(name) {
      if (hidden > 0) hidden -= 1
      else if (name === 'a:t') inText -= 1
      else if (name === 'a:p') endParagraph()
      else if (name === 'a:tc' && table !== undefined) {
        table.row.push(table.cell.join(' '))
        table.cell = []
      } else if (name === 'a:tr' && table !== undefined) {
        lines.push(...table.lines.row(table.row))
        table.row = []
      } else if (name === 'a:tbl') table = undefined
    },
  })
  return lines
}
