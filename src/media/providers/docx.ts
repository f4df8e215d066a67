/**
 * Reads Word documents: body, headers and footers, notes, comments, and the charts, diagrams and documents within them. A Word file has no
 * pages until it is printed, so positions are lines of the extracted text, where a paragraph or a table row is one line.
 */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Provider, Sink } from '../provider.ts'
import { createUnread, type Unread } from '../unread.ts'
import { type Archive, damaged, ifIntact, openArchive, smallPart } from './archive.ts'
import { chunkBlocks } from './docx-chunk.ts'
import { noteMark, readListNumbers } from './docx-numbers.ts'
import { type DeclaredStyle, inheritStyles, setRunProperty } from './docx-runs.ts'
import { createDocxText, type DocxBlock, type DocxContext } from './docx-text.ts'
import { readDrawnPart } from './drawing.ts'
import { createLineText, type LineText } from './pieces.ts'
import { mainPart, relationsOf } from './relations.ts'
import { readXml } from './xml.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const archive = await openArchive(bytes, name, limits, sink)
    const text = createLineText(sink)
    const unread = createUnread(name, sink)
    try {
      await readDocument(archive, { name, limits, sink, text, unread, depth: 1 })
    } catch (error) {
      // Text before the damage was read.
      if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
      const partly = await text.finish(name, limits)
      if (partly === undefined) throw error instanceof ParleyError ? error : damaged(name, error)
      if (!archive.incomplete)
        sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.afterDamage(name) })
      unread.report()
      return partly
    }
    const ending = await text.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInDocument(name))
    unread.report()
    return ending
  },
}

interface Document {
  name: string
  limits: Limits
  sink: Sink
  text: LineText
  unread: Unread
  /** Higher for a document within another one. */
  depth: number
}

/** Documents may hold documents; deeper ones are counted. */
const deepest = 3

async function readDocument(archive: Archive, document: Document): Promise<void> {
  const { name, limits, sink, text, unread, depth } = document
  const main = await mainPart(archive, 'word/document.xml')
  if (!archive.has(main)) throw damaged(name)
  const relations = await relationsOf(archive, main)
  const partsOf = (type: string) =>
    [...relations.values()].filter((one) => one.type === type && !one.external).map(({ target }) => target)
  const shared = {
    numbers: await readListNumbers(archive, partsOf('numbering')[0] ?? 'word/numbering.xml'),
    ...(await readStyles(archive, partsOf('styles')[0] ?? 'word/styles.xml')),
    unread,
    notes: new Map(),
  }
  const contextOf = async (path: string): Promise<DocxContext> => ({
    ...shared,
    relations: path === main ? relations : await relationsOf(archive, path),
  })
  const add = async (block: DocxBlock): Promise<boolean> => {
    if (block.kind === 'text') return text.add(block.text, { heading: block.heading })
    if (block.kind !== 'chunk') return text.add((await readDrawnPart(archive, block, unread)).join('\n'))
    const size = archive.entries.find((entry) => entry.name === block.path)?.bytes ?? 0
    const content = size > 0 && size <= smallPart ? await ifIntact(archive.bytes(block.path)) : undefined
    const inner = content === undefined ? undefined : await chunkBlocks(content, block.path, unread)
    if (content !== undefined && inner === 'docx' && depth < deepest) {
      await readDocument(await openArchive(content, name, limits, sink), { ...document, depth: depth + 1 })
      return true
    }
    if (inner === 'docx' || inner === undefined) unread.saw('embedded file', block.path)
    else for (const each of inner) if (!(await text.add(each))) return false
    return true
  }
  const part = async (path: string, tag: string, label: (attributes: Record<string, string>) => string | undefined) => {
    if (archive.has(path)) await readNotes(archive, path, { context: await contextOf(path), add, tag, label })
  }
  for (const path of partsOf('header')) await part(path, 'w:hdr', () => 'Header: ')
  await readBlocks(archive, main, await contextOf(main), add)
  for (const path of partsOf('footnotes')) await part(path, 'w:footnote', (note) => mark(note, '', shared.notes))
  for (const path of partsOf('endnotes')) await part(path, 'w:endnote', (note) => mark(note, 'e', shared.notes))
  for (const path of partsOf('comments'))
    await part(path, 'w:comment', (comment) => `Comment by ${comment['w:author'] ?? 'somebody'}: `)
  for (const path of partsOf('footer')) await part(path, 'w:ftr', () => 'Footer: ')
}

type Add = (block: DocxBlock) => Promise<boolean>

async function readBlocks(archive: Archive, part: string, context: DocxContext, add: Add): Promise<void> {
  const document = createDocxText(context)
  await readXml(archive.stream(part), document.handler, async () => {
    for (const block of document.take()) if (!(await add(block))) return 'enough'
    return 'more'
  })
}

interface Notes {
  context: DocxContext
  add: Add
  /** The element of each note. */
  tag: string
  /** Undefined for other elements. */
  label(attributes: Record<string, string>): string | undefined
}

/** Parts with several short texts, each labeled on its first line. */
async function readNotes(archive: Archive, part: string, { context, add, tag, label }: Notes): Promise<void> {
  const document = createDocxText(context)
  const notes: DocxBlock[] = []
  let start: string | undefined
  const end = () => {
    const blocks = document.take()
    const words = blocks
      .map((block) => (block.kind === 'text' ? block.text.trim() : ''))
      .filter(Boolean)
      .join('\n')
    if (start !== undefined && words !== '') notes.push({ kind: 'text', text: `${start}${words}`, heading: false })
    if (start !== undefined) notes.push(...blocks.filter(({ kind }) => kind !== 'text'))
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
      for (const note of notes.splice(0)) if (!(await add(note))) return 'enough'
      return 'more'
    },
  )
}

/** Notes with a type are separator lines. */
function mark(note: Record<string, string>, kind: string, notes: DocxContext['notes']): string | undefined {
  const ordinary = note['w:type'] === undefined || note['w:type'] === 'normal'
  return ordinary ? `${noteMark(notes, kind, note)}: ` : undefined
}

async function readStyles(
  archive: Archive,
  part: string,
): Promise<Pick<DocxContext, 'headings' | 'styleLists' | 'runStyles'>> {
  const headings = new Map<string, number>()
  const styleLists = new Map<string, { list: string; level: number }>()
  const declared = new Map<string, DeclaredStyle>()
  let id = ''
  let style: DeclaredStyle | undefined
  let list: { list: string; level: number } | undefined
  let inParagraph = false
  if (!archive.has(part)) return { headings, styleLists, runStyles: new Map() }
  await readXml(archive.stream(part, smallPart), {
    open(name, attributes) {
      const value = attributes['w:val'] ?? ''
      if (name === 'w:style') {
        id = attributes['w:styleId'] ?? ''
        list = { list: '', level: 0 }
        style = { run: {} }
        if (attributes['w:type'] === 'paragraph' || attributes['w:type'] === 'character') declared.set(id, style)
      } else if (name === 'w:name') {
        const level = /^(?:heading ([1-6])|title)$/i.exec(value)
        if (level !== null) headings.set(id, Number(level[1] ?? 1))
      } else if (name === 'w:outlineLvl' && id !== '' && !headings.has(id) && Number(value) < 6) {
        headings.set(id, Number(value) + 1)
      } else if (name === 'w:ilvl' && list !== undefined) list.level = Number(value) || 0
      else if (name === 'w:numId' && list !== undefined) list.list = value
      else if (name === 'w:pPr') inParagraph = true
      else if (name === 'w:basedOn' && style !== undefined) style.basedOn = value
      else if (style !== undefined && !inParagraph) setRunProperty(style.run, name, attributes)
    },
    close(name) {
      if (name === 'w:pPr') inParagraph = false
      if (name !== 'w:style') return
      if (list !== undefined && list.list !== '') styleLists.set(id, list)
      list = undefined
      style = undefined
      id = ''
    },
  })
  return { headings, styleLists, runStyles: inheritStyles(declared) }
}
