/** Turns Word's tags into paragraphs and table rows in reading order. Deleted text is left out, inserted text is included. */
import type { ListNumbers } from './docx-numbers.ts'
import { createMarkdownTable, nestedTable } from './markdown-table.ts'
import type { XmlHandler } from './xml.ts'

export interface DocxBlock {
  text: string
  heading: boolean
}

export interface DocxText {
  handler: XmlHandler
  take(): DocxBlock[]
}

export interface DocxContext {
  numbers: ListNumbers
  /** Heading styles with their level, and lists that belong to styles. */
  headings: ReadonlyMap<string, number>
  styleLists: ReadonlyMap<string, { list: string; level: number }>
  /** Addresses of links by their id. */
  links: ReadonlyMap<string, string>
  /** Numbers of notes in the order of the text, by kind and id. */
  notes: Map<string, number>
}

interface Paragraph {
  text: string
  style?: string
  outline?: number
  list?: string
  level: number
  links: { id: string | undefined; at: number }[]
}

interface Table {
  rows: string[][]
  row: string[]
  cell: string[]
  /** Characters in the row so far: a row is held until it ends. */
  size: number
  span: number
  lines: ReturnType<typeof createMarkdownTable>
}

/** Elements whose text is not shown: old versions, field instructions, fallback copies of boxes. */
const unseen = new Set(['w:del', 'w:moveFrom', 'w:instrText', 'mc:Fallback', 'w:pPrChange', 'w:rPrChange', 'w:rubyPr'])
/** Longer paragraphs are delivered in parts. */
const longest = 200_000
const mostCells = 1_000

export function createDocxText({ numbers, headings, styleLists, links, notes }: DocxContext): DocxText {
  let done: DocxBlock[] = []
  const paragraphs: Paragraph[] = []
  const tables: Table[] = []
  let hidden = 0
  let inText = 0

  const paragraph = () => paragraphs.at(-1)
  const write = (text: string) => {
    const open = paragraph()
    if (open === undefined || (tables.length > 0 && open.text.length > longest)) return
    open.text += text
    if (open.text.length > longest && tables.length === 0) {
      done.push({ text: open.text, heading: false })
      open.text = ''
    }
  }

  function open(name: string, attributes: Record<string, string>): void {
    if (hidden > 0 || unseen.has(name)) {
      hidden += 1
      return
    }
    const value = attributes['w:val'] ?? ''
    switch (name) {
      case 'w:p':
        paragraphs.push({ text: '', level: 0, links: [] })
        return
      case 'w:t':
      case 'm:t':
        inText += 1
        return
      case 'w:tab':
        // A tab stop among the properties of a paragraph has a position.
        if (attributes['w:pos'] === undefined) write('\t')
        return
      case 'w:br':
        if (attributes['w:type'] === undefined || attributes['w:type'] === 'textWrapping') write('\n')
        return
      case 'w:cr':
        write('\n')
        return
      case 'w:noBreakHyphen':
        write('-')
        return
      case 'w:sym':
        write(symbol(attributes['w:char']))
        return
      case 'w:footnoteReference':
        write(noteMark(notes, '', attributes))
        return
      case 'w:endnoteReference':
        write(noteMark(notes, 'e', attributes))
        return
      case 'w:hyperlink':
        paragraph()?.links.push({ id: attributes['r:id'], at: paragraph()?.text.length ?? 0 })
        return
      case 'w:tbl':
        tables.push({ rows: [], row: [], cell: [], size: 0, span: 1, lines: createMarkdownTable() })
        return
      case 'w:gridSpan': {
        const table = tables.at(-1)
        if (table !== undefined) table.span = Math.max(1, Math.min(Number(value) || 1, 64))
        return
      }
      default:
        setProperty(name, value)
    }
  }

  function setProperty(name: string, value: string): void {
    const open = paragraph()
    if (open === undefined) return
    if (name === 'w:pStyle') open.style = value
    else if (name === 'w:outlineLvl') open.outline = Number(value)
    else if (name === 'w:numId') open.list = value
    else if (name === 'w:ilvl') open.level = Number(value) || 0
  }

  function close(name: string): void {
    if (hidden > 0) {
      hidden -= 1
      return
    }
    if (name === 'w:t' || name === 'm:t') inText = Math.max(0, inText - 1)
    else if (name === 'w:p') endParagraph()
    else if (name === 'w:hyperlink') endLink()
    else if (name === 'w:tc') endCell()
    else if (name === 'w:tr') endRow()
    else if (name === 'w:tbl') endTable()
  }

  function endLink(): void {
    const open = paragraph()
    const link = open?.links.pop()
    const address = links.get(link?.id ?? '')
    if (open === undefined || link === undefined || address === undefined) return
    const words = open.text.slice(link.at)
    if (words.trim() !== '' && words !== address && /^https?:/i.test(address)) {
      open.text = `${open.text.slice(0, link.at)}[${words}](${address})`
    }
  }

  function endParagraph(): void {
    const open = paragraphs.pop()
    if (open === undefined) return
    const list = open.list ?? styleLists.get(open.style ?? '')?.list
    const level = open.list === undefined ? (styleLists.get(open.style ?? '')?.level ?? open.level) : open.level
    const heading = headings.get(open.style ?? '') ?? (open.outline === undefined ? undefined : open.outline + 1)
    if (open.text.trim() === '') return
    const mark = list === undefined || list === '0' ? '' : numbers.next(list, level)
    const table = tables.at(-1)
    if (table !== undefined) {
      table.size += open.text.length
      if (table.size <= longest) table.cell.push(`${mark.trimStart()}${open.text.trim()}`)
      return
    }
    const isHeading = heading !== undefined && heading >= 1 && heading <= 6
    const start = isHeading ? `${'#'.repeat(heading)} ${mark.trimStart()}` : mark
    done.push({
      text: `${start}${mark === '' && !isHeading ? open.text.trimEnd() : open.text.trim()}`,
      heading: isHeading,
    })
  }

  function endCell(): void {
    const table = tables.at(-1)
    if (table === undefined) return
    if (table.row.length < mostCells)
      table.row.push(table.cell.join(' '), ...Array.from({ length: table.span - 1 }, () => ''))
    table.cell = []
    table.span = 1
  }

  function endRow(): void {
    const table = tables.at(-1)
    if (table === undefined) return
    if (tables.length > 1) table.rows.push(table.row)
    else for (const line of table.lines.row(table.row)) done.push({ text: line, heading: false })
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
        if (hidden === 0 && inText > 0) write(text)
      },
    },
    take() {
      const taken = done
      done = []
      return taken
    },
  }
}

/** `[^1]` for a footnote, `[^e1]` for an endnote; the first mention gives the number. */
export function noteMark(notes: Map<string, number>, kind: string, attributes: Record<string, string>): string {
  const key = `${kind}:${attributes['w:id'] ?? ''}`
  const number = notes.get(key) ?? [...notes.keys()].filter((each) => each.startsWith(`${kind}:`)).length + 1
  notes.set(key, number)
  return `[^${kind}${number}]`
}

/** Symbol fonts sit in a private area whose lower half is the plain character. */
function symbol(hex: string | undefined): string {
  const code = Number.parseInt(hex ?? '', 16)
  if (Number.isNaN(code)) return ''
  if (code === 0xf0b7 || code === 0xf0a7) return '•'
  return code >= 0xf000 ? '' : String.fromCodePoint(code)
}
