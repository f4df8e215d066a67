/**
 * What the readers of OpenDocument texts, presentations and spreadsheets share: opening the archive, and turning its tags into
 * paragraphs and table rows, with the slide of each.
 */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import { type Archive, damaged, openArchive, smallPart } from './archive.ts'
import { createMarkdownTable, nestedTable } from './markdown-table.ts'
import { readXml, type XmlHandler } from './xml.ts'

export const contentPart = 'content.xml'

/** Refuses a file with a password, which its manifest shows. */
export async function openDocument(bytes: Uint8Array, name: string, limits: Limits): Promise<Archive> {
  const archive = await openArchive(bytes, name, limits)
  let encrypted = archive.has('encrypted-package')
  if (archive.has('META-INF/manifest.xml')) {
    await readXml(archive.stream('META-INF/manifest.xml', smallPart), {
      open(tag) {
        if (/(?:^|:)encryption-data$/.test(tag)) encrypted = true
      },
    })
  }
  if (encrypted) throw new ParleyError('file_encrypted', fileWording.refusal.encrypted(name))
  if (!archive.has(contentPart)) throw damaged(name)
  return archive
}

export interface OdfBlock {
  text: string
  heading: boolean
  /** Which drawn page, counted from 1; 0 outside of them. */
  slide: number
  notes: boolean
}

export interface OdfText {
  handler: XmlHandler
  take(): OdfBlock[]
  slides(): number
}

interface Paragraph {
  text: string
  level?: number
  link: { href: string; at: number } | undefined
}

interface Table {
  rows: string[][]
  row: string[]
  cell: string[]
  /** Characters in the row so far: a row is held until it ends. */
  size: number
  repeat: number
  lines: ReturnType<typeof createMarkdownTable>
}

/** Old versions of changed text, and alternative text of pictures. */
const unseen = new Set([
  'text:tracked-changes',
  'office:forms',
  'text:sequence-decls',
  'svg:title',
  'svg:desc',
  'office:scripts',
])
const longest = 200_000
const mostCells = 1_000

export function createOdfText(): OdfText {
  let done: OdfBlock[] = []
  let after: OdfBlock[] = []
  const paragraphs: Paragraph[] = []
  const tables: Table[] = []
  const lists: { header: boolean }[] = []
  let hidden = 0
  let slide = 0
  let notes = 0
  let title = false
  let footnote: { mark: string; texts: string[]; inMark: boolean } | undefined
  let comment: { author: string; texts: string[]; inAuthor: boolean } | undefined

  const write = (text: string) => {
    if (comment?.inAuthor) {
      comment.author += text
      return
    }
    if (footnote?.inMark) {
      footnote.mark += text
      return
    }
    const open = paragraphs.at(-1)
    if (open === undefined) return
    if (tables.length > 0 && open.text.length > longest) return
    open.text += text
    if (open.text.length > longest && tables.length === 0 && paragraphs.length === 1) {
      push(open.text, false)
      open.text = ''
    }
  }
  const push = (text: string, heading: boolean) => done.push({ text, heading, slide, notes: notes > 0 })

  function open(name: string, attributes: Record<string, string>): void {
    if (hidden > 0 || unseen.has(name)) {
      hidden += 1
      return
    }
    switch (name) {
      case 'text:p':
        paragraphs.push({ text: '', link: undefined })
        break
      case 'text:h':
        paragraphs.push({ text: '', link: undefined, level: Number(attributes['text:outline-level'] ?? 1) || 1 })
        break
      case 'text:s':
        write(' '.repeat(Math.max(1, Math.min(Number(attributes['text:c'] ?? 1) || 1, 100))))
        break
      case 'text:tab':
        write('\t')
        break
      case 'text:line-break':
        write('\n')
        break
      case 'text:a':
        startLink(attributes['xlink:href'])
        break
      case 'text:list':
        lists.push({ header: false })
        break
      case 'text:note':
        footnote = { mark: '', texts: [], inMark: false }
        break
      case 'text:note-citation':
        if (footnote !== undefined) footnote.inMark = true
        break
      case 'office:annotation':
        comment = { author: '', texts: [], inAuthor: false }
        break
      case 'dc:creator':
        if (comment !== undefined) comment.inAuthor = true
        break
      case 'dc:date':
      case 'meta:creator-initials':
        if (comment !== undefined) hidden = 1
        break
      case 'draw:page':
        slide += 1
        break
      case 'presentation:notes':
        notes += 1
        break
      case 'draw:frame':
        title = attributes['presentation:class'] === 'title'
        if (/^(?:page-number|date-time|footer|header)$/.test(attributes['presentation:class'] ?? '')) hidden = 1
        break
      case 'table:table':
        tables.push({ rows: [], row: [], cell: [], size: 0, repeat: 1, lines: createMarkdownTable() })
        break
      case 'table:table-cell':
      case 'table:covered-table-cell': {
        const table = tables.at(-1)
        if (table !== undefined) {
          table.repeat = Math.max(1, Math.min(Number(attributes['table:number-columns-repeated'] ?? 1) || 1, 64))
        }
        break
      }
    }
  }

  function close(name: string): void {
    if (hidden > 0) {
      hidden -= 1
      return
    }
    if (name === 'text:p' || name === 'text:h') endParagraph()
    else if (name === 'text:a') endLink()
    else if (name === 'text:list') lists.pop()
    else if (name === 'text:note-citation' && footnote !== undefined) {
      footnote.inMark = false
      const { mark } = footnote
      const open = paragraphs.at(-1)
      if (open !== undefined) open.text += `[^${mark.trim()}]`
    } else if (name === 'text:note') endNote()
    else if (name === 'dc:creator' && comment !== undefined) comment.inAuthor = false
    else if (name === 'office:annotation') endComment()
    else if (name === 'presentation:notes') notes -= 1
    else if (name === 'draw:frame') title = false
    else if (name === 'table:table-cell' || name === 'table:covered-table-cell') endCell()
    else if (name === 'table:table-row') endRow()
    else if (name === 'table:table') endTable()
    else if (name === 'office:body') {
      done.push(...after)
      after = []
    }
  }

  function startLink(href: string | undefined): void {
    const open = paragraphs.at(-1)
    if (open !== undefined && href !== undefined && /^https?:/i.test(href)) open.link = { href, at: open.text.length }
  }

  function endLink(): void {
    const open = paragraphs.at(-1)
    if (open?.link === undefined) return
    const { href, at } = open.link
    const words = open.text.slice(at)
    if (words.trim() !== '' && words !== href) open.text = `${open.text.slice(0, at)}[${words}](${href})`
    open.link = undefined
  }

  function endParagraph(): void {
    const open = paragraphs.pop()
    const words = open?.text.trim() ?? ''
    if (open === undefined || words === '') return
    if (comment !== undefined) comment.texts.push(words)
    else if (footnote !== undefined) footnote.texts.push(words)
    else if (tables.length > 0) addToCell(words)
    else if (title && notes === 0) push(`# ${words.replace(/\s*\n\s*/g, ' ')}`, true)
    else if (open.level !== undefined) push(`${'#'.repeat(Math.min(open.level, 6))} ${words}`, true)
    else push(`${lists.length > 0 ? `${'  '.repeat(Math.min(lists.length - 1, 8))}- ` : ''}${words}`, false)
  }

  function addToCell(words: string): void {
    const table = tables.at(-1)
    if (table === undefined) return
    table.size += words.length
    if (table.size <= longest) table.cell.push(words)
  }

  function endNote(): void {
    if (footnote === undefined) return
    const text = `[^${footnote.mark.trim()}]: ${footnote.texts.join('\n')}`
    after.push({ text, heading: false, slide, notes: notes > 0 })
    footnote = undefined
  }

  function endComment(): void {
    if (comment === undefined) return
    const text = `Comment by ${comment.author.trim() || 'somebody'}: ${comment.texts.join('\n')}`
    if (comment.texts.length > 0) after.push({ text, heading: false, slide, notes: notes > 0 })
    comment = undefined
  }

  function endCell(): void {
    const table = tables.at(-1)
    if (table === undefined) return
    const text = table.cell.join(' ')
    if (table.row.length < mostCells) table.row.push(...Array.from({ length: table.repeat }, () => text))
    table.cell = []
    table.repeat = 1
  }

  function endRow(): void {
    const table = tables.at(-1)
    if (table === undefined) return
    if (tables.length > 1) table.rows.push(table.row)
    else for (const line of table.lines.row(table.row)) push(line, false)
    table.row = []
    if (tables.length === 1) table.size = 0
  }

  function endTable(): void {
    const table = tables.pop()
    const outer = tables.at(-1)
    if (table !== undefined && outer !== undefined) outer.cell.push(nestedTable(table.rows))
  }

  return {
    handler: {
      open,
      close,
      text(text) {
        // White space in the source collapses to one space; intended white space has tags.
        if (hidden === 0) write(text.replace(/\s+/g, ' '))
      },
    },
    take() {
      const taken = done
      done = []
      return taken
    },
    slides: () => slide,
  }
}
