/** Reads PowerPoint presentations: the slides in their order, each with its tables and the speaker's notes. */
import { ParleyError } from '../../core/errors.ts'
import type { Provider } from '../provider.ts'
import { type Archive, damaged, openArchive, smallPart } from './archive.ts'
import { createMarkdownTable } from './markdown-table.ts'
import { mainPart, type Relation, relationsOf } from './relations.ts'
import { deliverSlides } from './slides.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'slide' })
    const archive = await openArchive(bytes, name, limits)
    const main = await mainPart(archive, 'ppt/presentation.xml')
    if (!archive.has(main)) throw damaged(name)
    const paths = await slidesOf(archive, main)
    return deliverSlides({ name, limits, sink, of: paths.length }, async (at) => {
      const path = paths[at]
      if (path === undefined || !archive.has(path)) throw damaged(name)
      const relations = [...(await relationsOf(archive, path)).values()].filter(({ external }) => !external)
      const text = await readSlideText(archive, path)
      for (const { target } of drawings(relations)) text.push(...(await readSlideText(archive, target)))
      const notes = relations.find(({ type }) => type === 'notesSlide')?.target
      return { text, notes: notes === undefined ? [] : await readSlideText(archive, notes) }
    })
  },
}

/** Diagrams keep their text outside the slide. */
function drawings(relations: readonly Relation[]): Relation[] {
  return relations.filter(({ type }) => type === 'diagramData')
}

async function slidesOf(archive: Archive, main: string): Promise<string[]> {
  const relations = await relationsOf(archive, main)
  const paths: string[] = []
  try {
    await readXml(archive.stream(main, smallPart), {
      open(name, attributes) {
        const target = name === 'p:sldId' ? relations.get(attributes['r:id'] ?? '')?.target : undefined
        if (target !== undefined) paths.push(target)
      },
    })
  } catch (error) {
    if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
  }
  if (paths.length > 0) return paths
  // The list is broken, so the numbers in the file names give the order.
  return archive.entries
    .map(({ name }) => name)
    .filter((name) => /(?:^|\/)slides\/slide\d+\.xml$/.test(name))
    .sort((a, b) => Number(/(\d+)\.xml$/.exec(a)?.[1]) - Number(/(\d+)\.xml$/.exec(b)?.[1]))
}

// The text of one slide, of its notes or of a diagram: headings, paragraphs, rows of tables.

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
