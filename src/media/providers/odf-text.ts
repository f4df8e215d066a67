/** Turns the tags of an OpenDocument text or presentation into paragraphs and table rows, with the slide of each. */
import { alternativeText } from './alternative-text.ts'
import { createEquations } from './equation.ts'
import type { OdfContext } from './odf.ts'
import { type OdfFieldMark, setFieldParameter, shownByFieldMark } from './odf-forms.ts'
import type { OdfStyle } from './odf-styles.ts'
import { createOpenTables, longestRow } from './open-tables.ts'
import { createStyledText, type StyledText } from './styled-text.ts'
import type { XmlHandler } from './xml.ts'

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
  /** The notes and comments, which otherwise follow at the end of the document. */
  rest(): OdfBlock[]
  slides(): number
}

interface Paragraph {
  text: string
  /** Of the paragraph and of the spans open in it, the innermost last. */
  looks: OdfStyle[]
  styled: StyledText
  /** Whether what was written last is hidden. */
  hiding: boolean
  level?: number
  link: { href: string; at: number } | undefined
}

/** Old versions of changed text, and programs. */
const unseen = new Set(['text:tracked-changes', 'text:sequence-decls', 'office:scripts'])

export function createOdfText({ styles, objects, forms, unread }: OdfContext): OdfText {
  let done: OdfBlock[] = []
  let after: OdfBlock[] = []
  const paragraphs: Paragraph[] = []
  const tables = createOpenTables('all', (line) => push(line, false))
  const lists: { header: boolean }[] = []
  let hidden = 0
  let slide = 0
  let notes = 0
  let title = false
  let footnote: { mark: string; texts: string[]; inMark: boolean } | undefined
  let comment: { author: string; texts: string[]; inAuthor: boolean } | undefined
  /** Open frames, with whether their content is known, of which they hold pictures, too. */
  const frames: { known: boolean }[] = []
  const marks: OdfFieldMark[] = []
  /** The open alternative text. */
  let alternative: string | undefined
  /** Charts within the open paragraph or table, which follow it. */
  const later: string[] = []
  const equations = createEquations((equation) => mark(equation))

  const write = (text: string) => {
    if (alternative !== undefined) {
      alternative += text
      return
    }
    if (comment?.inAuthor) {
      comment.author += text
      return
    }
    if (footnote?.inMark) {
      footnote.mark += text
      return
    }
    const open = paragraphs.at(-1)
    const look = open?.looks.at(-1) ?? {}
    if (open === undefined) return
    if (look.hidden === true) {
      if (!open.hiding && text.trim() !== '') unread.saw('hidden passage')
      open.hiding ||= text.trim() !== ''
      return
    }
    open.hiding = false
    append(open, open.styled.write(text, look))
  }
  /** Text that the reader adds, or that has no style. */
  const mark = (text: string) => {
    const open = paragraphs.at(-1)
    if (open !== undefined) append(open, open.styled.end() + text)
    else if (text !== '') push(text, false)
  }
  const append = (open: Paragraph, text: string) => {
    if (tables.depth() > 0 && open.text.length > longestRow) return
    open.text += text
    if (open.text.length > longestRow && tables.depth() === 0 && paragraphs.length === 1) {
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
    if (equations.open(name, attributes)) return
    if (isHidden(name, attributes)) {
      unread.saw('hidden passage')
      hidden = 1
      return
    }
    styles.open(name, attributes)
    forms.open(name, attributes)
    switch (name) {
      case 'text:p':
        openParagraph(attributes)
        break
      case 'text:h':
        openParagraph(attributes, Number(attributes['text:outline-level'] ?? 1) || 1)
        break
      case 'text:span': {
        const looks = paragraphs.at(-1)?.looks
        looks?.push({ ...looks.at(-1), ...styles.of(attributes['text:style-name']) })
        break
      }
      case 'field:fieldmark':
      case 'field:fieldmark-start':
        marks.push({ type: attributes['field:type'] ?? '', checked: false, entries: [], chosen: 0 })
        break
      case 'field:param': {
        const field = marks.at(-1)
        if (field !== undefined) setFieldParameter(field, attributes)
        break
      }
      case 'draw:control':
        mark(forms.shown(attributes['draw:control']))
        break
      case 'draw:object':
      case 'draw:object-ole':
      case 'draw:plugin':
      case 'draw:applet':
      case 'draw:image':
        openObject(name, attributes['xlink:href'] ?? '')
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
      case 'svg:title':
      case 'svg:desc':
        alternative = ''
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
      case 'officeooo:annotation':
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
        if (/^(?:page-number|date-time|footer|header)$/.test(attributes['presentation:class'] ?? '')) {
          hidden = 1
          break
        }
        frames.push({ known: attributes['loext:decorative'] === 'true' })
        title = attributes['presentation:class'] === 'title'
        break
      case 'table:table': {
        const frame = frames.at(-1)
        if (frame !== undefined) frame.known = true
        tables.open()
        break
      }
      case 'table:table-cell':
      case 'table:covered-table-cell':
        tables.columns(Number(attributes['table:number-columns-repeated'] ?? 1) || 1)
        break
    }
  }

  function close(name: string): void {
    if (hidden > 0) {
      hidden -= 1
      return
    }
    if (equations.close()) return
    styles.close(name)
    forms.close(name)
    if (name === 'text:p' || name === 'text:h') endParagraph()
    else if (name === 'text:span') paragraphs.at(-1)?.looks.pop()
    else if (name === 'field:fieldmark' || name === 'field:fieldmark-start') {
      const field = marks.pop()
      if (field !== undefined) mark(shownByFieldMark(field))
    } else if (name === 'text:a') endLink()
    else if (name === 'text:list') lists.pop()
    else if (name === 'svg:title' || name === 'svg:desc') endAlternative()
    else if (name === 'text:note-citation' && footnote !== undefined) {
      footnote.inMark = false
      const { mark: citation } = footnote
      const open = paragraphs.at(-1)
      if (open !== undefined) append(open, `${open.styled.end()}[^${citation.trim()}]`)
    } else if (name === 'text:note') endNote()
    else if (name === 'dc:creator' && comment !== undefined) comment.inAuthor = false
    else if (name === 'office:annotation' || name === 'officeooo:annotation') endComment()
    else if (name === 'presentation:notes') notes -= 1
    else if (name === 'draw:frame') {
      title = false
      frames.pop()
    } else if (name === 'table:table-cell' || name === 'table:covered-table-cell') tables.endCell()
    else if (name === 'table:table-row') tables.endRow()
    else if (name === 'table:table') {
      tables.close()
      endParts()
    } else if (name === 'office:body') {
      done.push(...after)
      after = []
    }
  }

  function openParagraph(attributes: Record<string, string>, level?: number): void {
    const look = styles.of(attributes['text:style-name'])
    const start = { text: '', looks: [look], styled: createStyledText(), hiding: false, link: undefined }
    paragraphs.push(level === undefined ? start : { ...start, level })
  }

  function openObject(name: string, href: string): void {
    const frame = frames.at(-1)
    if (name === 'draw:image') {
      if (frame?.known !== true) unread.saw('picture', href === '' ? undefined : href)
    } else if (name === 'draw:plugin') unread.saw('recording', href)
    else {
      const object = objects.get(href.replace(/^\.\//, ''))
      if (object === undefined) unread.saw('embedded file', href)
      else if (object.kind === 'equation') mark(object.text)
      else later.push(...object.lines)
      endParts()
    }
    // What follows in the frame shows the same in another way.
    if (frame !== undefined) frame.known = true
  }

  function endAlternative(): void {
    const words = alternativeText(alternative)
    alternative = undefined
    if (words === undefined) return
    const before = paragraphs.at(-1)?.text ?? ''
    mark(paragraphs.length === 0 ? words : `${/\S$/.test(before) ? ' ' : ''}${words} `)
  }

  function startLink(href: string | undefined): void {
    mark('')
    const open = paragraphs.at(-1)
    if (open !== undefined && href !== undefined && /^https?:/i.test(href)) open.link = { href, at: open.text.length }
  }

  function endLink(): void {
    mark('')
    const open = paragraphs.at(-1)
    if (open?.link === undefined) return
    const { href, at } = open.link
    const words = open.text.slice(at)
    if (words.trim() !== '' && words !== href) open.text = `${open.text.slice(0, at)}[${words}](${href})`
    open.link = undefined
  }

  function endParagraph(): void {
    const open = paragraphs.pop()
    if (open !== undefined) addParagraph(open, `${open.text}${open.styled.end()}`.trim())
    endParts()
  }

  /** Charts stand after their paragraph, or after the table that holds it. */
  function endParts(): void {
    if (paragraphs.length > 0 || tables.depth() > 0) return
    for (const line of later.splice(0)) push(line, false)
  }

  function addParagraph(open: Paragraph, words: string): void {
    if (words === '') return
    if (comment !== undefined) comment.texts.push(words)
    else if (footnote !== undefined) footnote.texts.push(words)
    else if (tables.depth() > 0) tables.add(words)
    else if (title && notes === 0) push(`# ${words.replace(/\s*\n\s*/g, ' ')}`, true)
    else if (open.level !== undefined) push(`${'#'.repeat(Math.min(open.level, 6))} ${words}`, true)
    else push(`${lists.length > 0 ? `${'  '.repeat(Math.min(lists.length - 1, 8))}- ` : ''}${words}`, false)
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

  return {
    handler: {
      open,
      close,
      text(text) {
        // White space in the source collapses to one space; intended white space has tags.
        if (hidden === 0 && !equations.text(text)) write(text.replace(/\s+/g, ' '))
      },
    },
    take() {
      const taken = done
      done = []
      return taken
    },
    rest() {
      endParts()
      const taken = [...done, ...after]
      done = []
      after = []
      return taken
    },
    slides: () => slide,
  }
}

/** Sections and paragraphs that their author hid. */
function isHidden(name: string, attributes: Record<string, string>): boolean {
  if (name === 'text:section') return attributes['text:display'] === 'none'
  if (name !== 'text:hidden-text' && name !== 'text:hidden-paragraph') return false
  return attributes['text:is-hidden'] !== 'false'
}
