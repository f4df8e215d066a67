/**
 * Reads Word documents: body, headers and footers, notes, comments. A Word file has no pages until it is printed, so positions are
 * lines of the extracted text, where a paragraph or a table row is one line.
 */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { type Archive, damaged, openArchive, smallPart } from './archive.ts'
import { readListNumbers } from './docx-numbers.ts'
import { createDocxText, type DocxContext, noteMark } from './docx-text.ts'
import { createLineText, type LineText } from './pieces.ts'
import { mainPart, relationsOf } from './relations.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const archive = await openArchive(bytes, name, limits)
    const main = await mainPart(archive, 'word/document.xml')
    if (!archive.has(main)) throw damaged(name)
    const relations = [...(await relationsOf(archive, main)).entries()]
    const partsOf = (type: string) =>
      relations.filter(([, relation]) => relation.type === type && !relation.external).map(([, { target }]) => target)
    const links = new Map(relations.filter(([, { external }]) => external).map(([id, { target }]) => [id, target]))
    const context: DocxContext = {
      numbers: await readListNumbers(archive, partsOf('numbering')[0] ?? 'word/numbering.xml'),
      ...(await readStyles(archive, partsOf('styles')[0] ?? 'word/styles.xml')),
      links,
      notes: new Map(),
    }
    const text = createLineText(sink)
    const part = (path: string, label: (attributes: Record<string, string>) => string | undefined, tag: string) =>
      readNotes(archive, path, context, text, { tag, label })
    try {
      for (const path of partsOf('header')) await part(path, () => 'Header: ', 'w:hdr')
      await readBlocks(archive, main, context, text)
      for (const path of partsOf('footnotes')) await part(path, (note) => mark(note, '', context), 'w:footnote')
      for (const path of partsOf('endnotes')) await part(path, (note) => mark(note, 'e', context), 'w:endnote')
      for (const path of partsOf('comments')) {
        await part(path, (comment) => `Comment by ${comment['w:author'] ?? 'somebody'}: `, 'w:comment')
      }
      for (const path of partsOf('footer')) await part(path, () => 'Footer: ', 'w:ftr')
    } catch (error) {
      // Text before the damage was read.
      if (error instanceof ParleyError && error.code === 'file_too_large') throw error
      const partly = await text.finish(name, limits)
      if (partly === undefined) throw error instanceof ParleyError ? error : damaged(name, error)
      sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.afterDamage(name) })
      return partly
    }
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    return ending
  },
}

async function readBlocks(archive: Archive, part: string, context: DocxContext, text: LineText): Promise<void> {
  const document = createDocxText(context)
  await readXml(archive.stream(part), document.handler, async () => {
    for (const { text: block, heading } of document.take()) if (!(await text.add(block, { heading }))) return 'enough'
    return 'more'
  })
}

/** Parts with several short texts, each labeled on its first line. */
async function readNotes(
  archive: Archive,
  part: string,
  context: DocxContext,
  text: LineText,
  { tag, label }: { tag: string; label(attributes: Record<string, string>): string | undefined },
): Promise<void> {
  if (!archive.has(part)) return
  const document = createDocxText(context)
  const notes: string[] = []
  let start: string | undefined
  const end = () => {
    const words = document
      .take()
      .map((block) => block.text.trim())
      .join('\n')
      .trim()
    if (start !== undefined && words !== '') notes.push(`${start}${words}`)
    start = undefined
  }
  await readXml(
    archive.stream(part),
    {
      open(name, attributes) {
        if (name === tag) start = label(attributes)
        document.handler.open?.(name, attributes)
      },
      text: (words) => document.handler.text?.(words),
      close(name) {
        document.handler.close?.(name)
        if (name === tag) end()
      },
    },
    async () => {
      for (const note of notes.splice(0)) if (!(await text.add(note))) return 'enough'
      return 'more'
    },
  )
}

/** Notes with a type are separator lines. */
function mark(note: Record<string, string>, kind: string, { notes }: DocxContext): string | undefined {
  const ordinary = note['w:type'] === undefined || note['w:type'] === 'normal'
  return ordinary ? `${noteMark(notes, kind, note)}: ` : undefined
}

async function readStyles(archive: Archive, part: string): Promise<Pick<DocxContext, 'headings' | 'styleLists'>> {
  const headings = new Map<string, number>()
  const styleLists = new Map<string, { list: string; level: number }>()
  let id = ''
  let list: { list: string; level: number } | undefined
  if (!archive.has(part)) return { headings, styleLists }
  await readXml(archive.stream(part, smallPart), {
    open(name, attributes) {
      const value = attributes['w:val'] ?? ''
      if (name === 'w:style') {
        id = attributes['w:styleId'] ?? ''
        list = { list: '', level: 0 }
      } else if (name === 'w:name') {
        const level = /^(?:heading ([1-6])|title)$/i.exec(value)
        if (level !== null) headings.set(id, Number(level[1] ?? 1))
      } else if (name === 'w:outlineLvl' && id !== '' && !headings.has(id) && Number(value) < 6) {
        headings.set(id, Number(value) + 1)
      } else if (name === 'w:ilvl' && list !== undefined) list.level = Number(value) || 0
      else if (name === 'w:numId' && list !== undefined) list.list = value
    },
    close(name) {
      if (name !== 'w:style') return
      if (list !== undefined && list.list !== '') styleLists.set(id, list)
      list = undefined
      id = ''
    },
  })
  return { headings, styleLists }
}
