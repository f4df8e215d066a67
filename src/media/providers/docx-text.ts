/** Turns Word's tags into paragraphs and table rows in reading order. Deleted text is left out, inserted text is included. */
import type { Unread } from '../unread.ts'
import { createDocxFields } from './docx-fields.ts'
import { type ListNumbers, noteMark } from './docx-numbers.ts'
import { type RunStyle, type RunStyles, setRunProperty } from './docx-runs.ts'
import { createDrawnObjects, type DrawnPart } from './drawn-objects.ts'
import { createEquations } from './equation.ts'
import { createOpenTables, longestRow } from './open-tables.ts'
import type { Relation } from './relations.ts'
import { createStyledText, type StyledText } from './styled-text.ts'
import { fromSymbols, symbolNamed } from './symbol-fonts.ts'
import type { XmlHandler } from './xml.ts'

export type DocxBlock =
  | { kind: 'text'; text: string; heading: boolean }
  /** Another part of the file stands here: a chart, a diagram, or a document in another format. */
  | DrawnPart
  | { kind: 'chunk'; path: string }

export interface DocxText {
  handler: XmlHandler
  take(): DocxBlock[]
}

export interface DocxContext {
  numbers: ListNumbers
  /** Heading styles with their level, and lists that belong to styles. */
  headings: ReadonlyMap<string, number>
  styleLists: ReadonlyMap<string, { list: string; level: number }>
  runStyles: RunStyles
  /** Of the part that is read. */
  relations: ReadonlyMap<string, Relation>
  unread: Unread
  /** Numbers of notes in the order of the text, by kind and id. */
  notes: Map<string, number>
}

interface Paragraph {
  text: string
  styled: StyledText
  /** Whether what was written last is hidden. */
  hiding: boolean
  style?: string
  outline?: number
  list?: string
  level: number
  links: { id: string | undefined; at: number }[]
}

/** Elements whose text is not shown: old versions, field instructions, fallback copies of boxes. */
const unseen = new Set(['w:del', 'w:moveFrom', 'mc:Fallback', 'w:pPrChange', 'w:rPrChange', 'w:rubyPr'])

export function createDocxText(context: DocxContext): DocxText {
  const { numbers, headings, styleLists, runStyles, relations, unread, notes } = context
  let done: DocxBlock[] = []
  /** Parts within the open paragraph or row, which follow it. */
  const later: DocxBlock[] = []
  const paragraphs: Paragraph[] = []
  const tables = createOpenTables('first', (line) => push(line, false))
  const runs: RunStyle[] = []
  const boxes: { isBox: boolean; checked: boolean; shown: boolean }[] = []
  const fields = createDocxFields()
  const objects = createDrawnObjects({
    relations,
    unread,
    describe: (words) => mark(`${/\S$/.test(paragraph()?.text ?? '') ? ' ' : ''}${words} `),
  })
  const equations = createEquations((equation) => mark(equation))
  let hidden = 0
  let inText = 0
  let inCode = 0
  /** The style of a paragraph's own mark is not that of its text. */
  let inParagraphProperties = 0

  const paragraph = () => paragraphs.at(-1)
  const push = (text: string, heading: boolean) => done.push({ kind: 'text', text, heading })
  const append = (text: string) => {
    const open = paragraph()
    if (open === undefined || (tables.depth() > 0 && open.text.length > longestRow)) return
    open.text += text
    // Longer paragraphs are delivered in parts.
    if (open.text.length > longestRow && tables.depth() === 0) {
      push(open.text, false)
      open.text = ''
    }
  }
  /** Text of the document, in the style of its run. */
  const write = (text: string) => {
    const open = paragraph()
    const style = runs.at(-1) ?? {}
    const box = boxes.at(-1)
    if (open === undefined || !fields.result(text)) return
    if (style.hidden === true) {
      if (!open.hiding && text.trim() !== '') {
        unread.saw('hidden passage')
        open.hiding = true
      }
      return
    }
    open.hiding = false
    if (box?.isBox === true) return tick(box)
    append(open.styled.write(style.symbols === undefined ? text : fromSymbols(text, style.symbols), style))
  }
  /** Text that the reader adds, or that has no style. */
  const mark = (text: string) => append(`${paragraph()?.styled.end() ?? ''}${text}`)
  /** A content control that is a check box shows its state, whatever sign the document draws. */
  const tick = (box: { checked: boolean; shown: boolean }) => {
    if (box.shown || paragraph() === undefined) return
    box.shown = true
    mark(box.checked ? '[x]' : '[ ]')
  }

  function open(name: string, attributes: Record<string, string>): void {
    if (hidden > 0 || unseen.has(name)) {
      hidden += 1
      return
    }
    if (equations.open(name, attributes)) return
    const part = objects.open(name, attributes)
    if (part !== undefined) later.push(part)
    fields.open(name, attributes)
    const value = attributes['w:val'] ?? ''
    switch (name) {
      case 'w:p':
        paragraphs.push({ text: '', styled: createStyledText(), hiding: false, level: 0, links: [] })
        return
      case 'w:pPr':
        inParagraphProperties += 1
        return
      case 'w:r':
        runs.push({ ...runStyles.get(paragraph()?.style ?? '') })
        return
      case 'w:rStyle':
        Object.assign(runs.at(-1) ?? {}, runStyles.get(value))
        return
      case 'w:t':
      // Text of a drawing that has no paragraphs of Word.
      case 'a:t':
        inText += 1
        return
      // WordArt and watermarks.
      case 'v:textpath':
        mark(attributes.string ?? '')
        return
      case 'w:instrText':
        inCode += 1
        return
      case 'w:fldChar': {
        const shown = fields.take()
        if (shown !== '') mark(shown)
        return
      }
      case 'w:sdt':
        boxes.push({ isBox: false, checked: false, shown: false })
        return
      case 'w14:checkbox':
      case 'w14:checked': {
        const box = boxes.at(-1)
        if (box === undefined) return
        box.isBox = true
        if (name === 'w14:checked') box.checked = /^(?:1|true|on)$/.test(attributes['w14:val'] ?? '1')
        return
      }
      case 'w:altChunk': {
        const path = relations.get(attributes['r:id'] ?? '')?.target
        if (path !== undefined) (tables.depth() > 0 ? later : done).push({ kind: 'chunk', path })
        return
      }
      case 'w:tab':
        // A tab stop among the properties of a paragraph has a position.
        if (attributes['w:pos'] === undefined) write('\t')
        return
      case 'w:ptab':
        write('\t')
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
        write(symbolNamed(attributes['w:char'], attributes['w:font']))
        return
      case 'w:footnoteReference':
        mark(noteMark(notes, '', attributes))
        return
      case 'w:endnoteReference':
        mark(noteMark(notes, 'e', attributes))
        return
      case 'w:hyperlink':
        mark('')
        paragraph()?.links.push({ id: attributes['r:id'], at: paragraph()?.text.length ?? 0 })
        return
      case 'w:tbl':
        tables.open()
        return
      case 'w:gridSpan':
        tables.columns(Number(value) || 1)
        return
      case 'w:gridBefore':
        tables.skip(Number(value) || 0, 'start')
        return
      case 'w:gridAfter':
        tables.skip(Number(value) || 0, 'end')
        return
      default:
        if (inParagraphProperties > 0) setProperty(name, value)
        else setRunProperty(runs.at(-1) ?? {}, name, attributes)
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
    if (equations.close()) return
    objects.close(name)
    if (name === 'w:t' || name === 'a:t') inText = Math.max(0, inText - 1)
    else if (name === 'a:p') mark(' ')
    else if (name === 'w:instrText') inCode = Math.max(0, inCode - 1)
    else if (name === 'w:r') runs.pop()
    else if (name === 'w:pPr') inParagraphProperties = Math.max(0, inParagraphProperties - 1)
    else if (name === 'w:sdtContent') endBox()
    else if (name === 'w:sdt') boxes.pop()
    else if (name === 'w:p') endParagraph()
    else if (name === 'w:hyperlink') endLink()
    else if (name === 'w:tc') tables.endCell()
    else if (name === 'w:tr') tables.endRow()
    else if (name === 'w:tbl') {
      tables.close()
      endParts()
    }
  }

  function endBox(): void {
    const box = boxes.at(-1)
    if (box?.isBox === true) tick(box)
  }

  function endLink(): void {
    mark('')
    const open = paragraph()
    const link = open?.links.pop()
    const relation = relations.get(link?.id ?? '')
    const address = relation?.external === true ? relation.target : undefined
    if (open === undefined || link === undefined || address === undefined) return
    const words = open.text.slice(link.at)
    if (words.trim() !== '' && words !== address && /^https?:/i.test(address)) {
      open.text = `${open.text.slice(0, link.at)}[${words}](${address})`
    }
  }

  function endParagraph(): void {
    const open = paragraphs.pop()
    if (open === undefined) return
    open.text += open.styled.end()
    addParagraph(open)
    endParts()
  }

  /** Parts stand after their paragraph, or after the table that holds it. */
  function endParts(): void {
    if (paragraphs.length === 0 && tables.depth() === 0) done.push(...later.splice(0))
  }

  function addParagraph(open: Paragraph): void {
    const list = open.list ?? styleLists.get(open.style ?? '')?.list
    const level = open.list === undefined ? (styleLists.get(open.style ?? '')?.level ?? open.level) : open.level
    const heading = headings.get(open.style ?? '') ?? (open.outline === undefined ? undefined : open.outline + 1)
    if (open.text.trim() === '') return
    const label = list === undefined || list === '0' ? '' : numbers.next(list, level)
    if (tables.depth() > 0) {
      tables.add(`${label.trimStart()}${open.text.trim()}`)
      return
    }
    const isHeading = heading !== undefined && heading >= 1 && heading <= 6
    const start = isHeading ? `${'#'.repeat(heading)} ${label.trimStart()}` : label
    push(`${start}${label === '' && !isHeading ? open.text.trimEnd() : open.text.trim()}`, isHeading)
  }

  return {
    handler: {
      open,
      close,
      text(text) {
        if (hidden > 0 || equations.text(text)) return
        if (inCode > 0) fields.code(text)
        else if (inText > 0) write(text)
      },
    },
    take() {
      const taken = done
      done = []
      return taken
    },
  }
}
