/** Reads the visible text of HTML: headings, paragraphs, lists, tables and links as Markdown. Positions are lines. */
import { type Handler, Parser } from 'htmlparser2'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { createUnread } from '../unread.ts'
import { alternativeText } from './alternative-text.ts'
import { createEquations } from './equation.ts'
import { createHtmlTable, type HtmlTable } from './html-table.ts'
import { createPieces } from './pieces.ts'
import { createStyledText, type TextStyle } from './styled-text.ts'

const chunkCharacters = 64 * 1024

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    const { text, problem } = decodeText(bytes, name)
    if (problem !== undefined) sink.problem(problem)
    const lines = lineCounter(text)
    await sink.progress({ done: 0, of: lines.total, unit: 'line' })
    const pieces = createPieces(sink)
    const unread = createUnread(name, sink)
    const page = createHtmlText((picture) => unread.saw('picture', picture))
    const parser = new Parser(page.handler, { decodeEntities: true, lowerCaseTags: true })
    page.locate = () => parser.startIndex
    let full = false
    let found = false
    const deliver = async (blocks: HtmlBlock[]) => {
      for (const { text: block, heading, start, end } of blocks) {
        found = true
        if (heading && !(await pieces.yieldLoop())) full = true
        else if (!(await pieces.add(block, lines.at(start), lines.at(end)))) full = true
        if (full) return
      }
    }
    for (let at = 0; at < text.length && !full; at += chunkCharacters) {
      parser.write(text.slice(at, at + chunkCharacters))
      await deliver(page.take())
      await sink.progress({ done: lines.reached(), of: lines.total, unit: 'line' })
    }
    parser.end()
    if (!full) await deliver(page.finish())
    full = !(await pieces.finish()) || full
    if (!found) throw new ParleyError('file_empty', fileWording.empty.noTextInPage(name))
    await sink.progress({ done: full ? lines.reached() : lines.total, of: lines.total, unit: 'line' })
    unread.report()
    if (!full) return {}
    return { truncated: fileWording.partial.upTo(name, `line ${pieces.delivered()}`, limits.characters) }
  },
}

/** Line numbers of increasing offsets, counted once over the text. */
function lineCounter(text: string) {
  let offset = 0
  let line = 1
  let total = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) total += 1
  return {
    total,
    reached: () => line,
    at(wanted: number): number {
      for (let feed = text.indexOf('\n', offset); feed >= 0 && feed < wanted; feed = text.indexOf('\n', offset)) {
        line += 1
        offset = feed + 1
      }
      return line
    },
  }
}

interface HtmlBlock {
  text: string
  heading: boolean
  /** Offsets in the page's source. */
  start: number
  end: number
}

interface HtmlText {
  handler: Partial<Handler>
  /** The parser's position; set by the owner of the parser. */
  locate: () => number
  /** The blocks that are complete. */
  take(): HtmlBlock[]
  finish(): HtmlBlock[]
}

/** Nothing in these is shown as text. */
const unseen = new Set('script style noscript template svg iframe object embed canvas audio video select'.split(' '))
/** Elements without content or end tag. */
const empty = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '))
const blocks = new Set(
  'address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody tfoot thead title tr ul'.split(
    ' ',
  ),
)

/** Elements that may raise, lower or strike out their text. */
const styling = new Set('sup sub del s strike span font'.split(' '))

/** Smaller ones are signs and lines. */
const smallestPicture = 4_000

/** `saw` takes the pictures within the page's own text; `fences` marks preformatted text as code. */
function createHtmlText(saw: (picture: string) => void = () => {}, fences = false): HtmlText {
  let done: HtmlBlock[] = []
  let text = ''
  let start = 0
  let prefix = ''
  let heading = false
  let preformatted = 0
  /** Open tables, the innermost last. */
  const tables: HtmlTable[] = []
  const styled = createStyledText()
  /** Open elements that may style their text, the innermost last. */
  const styles: { name: string; style: TextStyle }[] = []
  const equations = createEquations((equation) => append(equation))
  /** The open hidden element, and how many of the same name are open inside it. */
  let hidden: { name: string; depth: number } | undefined
  const lists: { ordered: boolean; number: number }[] = []
  const links: { href: string | undefined; at: number }[] = []

  const page: HtmlText = {
    locate: () => 0,
    take() {
      const taken = done
      done = []
      return taken
    },
    finish() {
      endBlock()
      return page.take()
    },
    handler: {
      onopentag(name, attributes) {
        if (hidden !== undefined) {
          if (name === hidden.name) hidden.depth += 1
          return
        }
        // Of the head, only the title is shown.
        if (name === 'head' || equations.open(name, attributes)) return
        if ((unseen.has(name) || isHidden(attributes)) && !empty.has(name)) {
          hidden = { name, depth: 1 }
          return
        }
        open(name, attributes)
      },
      ontext(piece) {
        if (hidden !== undefined || equations.text(piece)) return
        append(preformatted > 0 ? piece : piece.replace(/\s+/g, ' '))
      },
      onclosetag(name) {
        if (hidden !== undefined) {
          if (name === hidden.name) hidden.depth -= 1
          if (hidden.depth === 0) hidden = undefined
          return
        }
        if (!equations.close()) close(name)
      },
    },
  }

  function append(words: string): void {
    if (text === '' && words.trim() !== '') start = page.locate()
    text += styled.write(words, styles.at(-1)?.style ?? {})
  }

  /** Text that is complete; marks do not reach into what follows. */
  function flush(): void {
    text += styled.end()
  }

  function open(name: string, attributes: Record<string, string>): void {
    if (blocks.has(name)) endBlock()
    const level = /^h([1-6])$/.exec(name)?.[1]
    if (level !== undefined) {
      prefix = `${'#'.repeat(Number(level))} `
      heading = true
    } else if (name === 'title') prefix = '# '
    else if (name === 'pre') preformatted += 1
    else if (name === 'ul' || name === 'ol')
      lists.push({ ordered: name === 'ol', number: Number(attributes.start ?? 1) || 1 })
    else if (name === 'li') prefix = bullet(attributes.value)
    else if (name === 'blockquote') prefix = '> '
    else if (name === 'table') openTable()
    else if (name === 'tr') tables.at(-1)?.openRow()
    else if (name === 'td' || name === 'th') {
      flush()
      text = ''
      tables.at(-1)?.openCell(attributes, name === 'th')
    } else if (name === 'br') append(preformatted > 0 ? '\n' : ' ')
    else if (name === 'img') addPicture(attributes)
    else if (name === 'input') append(fieldOf(attributes))
    else if (name === 'a') {
      flush()
      links.push({ href: attributes.href, at: text.length })
    } else if (styling.has(name)) styles.push({ name, style: styleOf(name, attributes.style, styles.at(-1)?.style) })
  }

  function addPicture({ alt, src = '' }: Record<string, string>): void {
    const words = alternativeText(alt)
    if (words !== undefined) append(` ${words} `)
    if (/^data:image\//i.test(src) && src.length > smallestPicture) saw(src)
  }

  function close(name: string): void {
    if (name === 'a') endLink()
    else if (name === 'td' || name === 'th') endCell()
    else if (name === 'tr') endRow()
    else if (name === 'table') tables.pop()
    else if (name === 'ul' || name === 'ol') lists.pop()
    else if (styling.has(name)) {
      const at = styles.findLastIndex((each) => each.name === name)
      if (at >= 0) styles.splice(at)
    }
    if (blocks.has(name)) endBlock()
    if (name === 'pre') preformatted = Math.max(0, preformatted - 1)
  }

  function bullet(value: string | undefined): string {
    const list = lists.at(-1)
    const indent = '  '.repeat(Math.min(8, Math.max(0, lists.length - 1)))
    if (list === undefined || !list.ordered) return `${indent}- `
    list.number = Number.parseInt(value ?? '', 10) || list.number
    list.number += 1
    return `${indent}${list.number - 1}. `
  }

  function endLink(): void {
    flush()
    const link = links.pop()
    if (link?.href === undefined || !/^https?:/i.test(link.href) || link.at > text.length) return
    const words = text.slice(link.at).trim()
    if (words !== '' && words !== link.href) text = `${text.slice(0, link.at)}[${words}](${link.href})`
  }

  /** Text of an outer cell before a nested table comes first. */
  function openTable(): void {
    flush()
    const outer = text.trim()
    if (outer !== '') push(outer)
    tables.push(createHtmlTable())
  }

  function endCell(): void {
    flush()
    if (tables.at(-1)?.endCell(text.trim().replace(/\s+/g, ' '))) text = ''
  }

  function endRow(): void {
    const lines = tables.at(-1)?.endRow() ?? []
    if (lines.length > 0) push(lines.join('\n'))
  }

  function endBlock(): void {
    flush()
    // Inside a cell, blocks are separated by a space.
    if (tables.at(-1)?.inRow()) {
      if (text !== '') text += ' '
      return
    }
    const block = preformatted > 0 ? text.replace(/^\n|\s+$/g, '') : text.trim().replace(/ {2,}/g, ' ')
    if (block === '') {
      text = ''
      return
    }
    push(fences && preformatted > 0 ? `\`\`\`\n${block}\n\`\`\`` : `${prefix}${block}`)
    prefix = ''
  }

  function push(block: string): void {
    done.push({ text: block, heading, start, end: page.locate() })
    text = ''
    heading = false
    links.length = 0
  }

  return page
}

/** What a reader of the page cannot see, as far as the element itself says so. */
function isHidden({ style = '', ...attributes }: Record<string, string>): boolean {
  if ('hidden' in attributes) return true
  if (style === '') return false
  const css = style.replace(/!important/gi, '')
  if (
    /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0?\.?0*)\s*(?:;|$)/i.test(css)
  )
    return true
  // Not by a size of 0 alone: the elements within may set another one.
  if (/(?:^|;)\s*(?:max-)?height\s*:\s*0(?:px)?\s*(?:;|$)/i.test(css) && /overflow\s*:\s*hidden/i.test(css)) return true
  const color = /(?:^|;)\s*color\s*:\s*([^;]+)/i.exec(css)?.[1]?.trim().toLowerCase()
  if (color === undefined) return false
  const behind = /(?:^|;)\s*background(?:-color)?\s*:\s*([^;]+)/i.exec(css)?.[1]?.trim().toLowerCase()
  return color === 'transparent' || color === behind
}

function styleOf(name: string, css = '', outer: TextStyle = {}): TextStyle {
  const align = /vertical-align\s*:\s*(super|sub)\b/i.exec(css)?.[1]?.toLowerCase()
  const lowered = name === 'sub' || align === 'sub'
  const raised = name === 'sup' || align === 'super'
  const struck = /^(?:del|s|strike)$/.test(name) || /text-decoration[^;]*line-through/i.test(css)
  return { script: lowered ? 'sub' : raised ? 'super' : outer.script, struck: struck || outer.struck === true }
}

/** What a form shows of a field. */
function fieldOf({ type = 'text', value = '', ...attributes }: Record<string, string>): string {
  if (/^(?:checkbox|radio)$/i.test(type)) return 'checked' in attributes ? '[x] ' : '[ ] '
  return /^(?:hidden|password|submit|button|reset|image|file)$/i.test(type) || value === '' ? '' : ` ${value} `
}

// The readable blocks of HTML whose line numbers do not matter, such as an email's body.

export function htmlBlocks(html: string, { fences = false }: { fences?: boolean } = {}): string[] {
  const page = createHtmlText(undefined, fences)
  const parser = new Parser(page.handler, { decodeEntities: true, lowerCaseTags: true })
  page.locate = () => parser.startIndex
  parser.write(html)
  parser.end()
  return page.finish().map(({ text }) => text)
}

/** The same of a whole page in its own encoding. */
export function htmlBlocksOf(bytes: Uint8Array): string[] {
  return htmlBlocks(decodeText(bytes, 'page.html').text)
}
