/** Reads the visible text of HTML: headings, paragraphs, lists, tables and links as Markdown. Positions are lines. */
import { type Handler, Parser } from 'htmlparser2'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { createPieces } from './pieces.ts'

const chunkCharacters = 64 * 1024

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    const { text, problem } = decodeText(bytes, name, declaredEncoding(bytes))
    if (problem !== undefined) sink.problem(problem)
    const lines = lineCounter(text)
    await sink.progress({ done: 0, of: lines.total, unit: 'line' })
    const pieces = createPieces(sink)
    const page = createHtmlText()
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
    if (!full) return {}
    return { truncated: fileWording.partial.upTo(name, `line ${pieces.delivered()}`, limits.characters) }
  },
}

/** By the standard, `<meta charset>` is within the first kilobyte. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString('latin1')
  return (
    /<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)/i.exec(head)?.[1] ??
    /^\s*<\?xml[^>]+encoding\s*=\s*["']([\w-]+)/i.exec(head)?.[1]
  )
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
const unseen = new Set(
  'script style noscript template svg math iframe object embed canvas audio video select'.split(' '),
)
/** Elements without content or end tag. */
const empty = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '))
const blocks = new Set(
  'address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary table tbody tfoot thead title tr ul'.split(
    ' ',
  ),
)

function createHtmlText(): HtmlText {
  let done: HtmlBlock[] = []
  let text = ''
  let start = 0
  let prefix = ''
  let heading = false
  let preformatted = 0
  /** Open tables, the innermost last. */
  const tables: { rows: number; row?: string[] | undefined }[] = []
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
        if (name === 'head') return
        if ((unseen.has(name) || isHidden(attributes)) && !empty.has(name)) {
          hidden = { name, depth: 1 }
          return
        }
        open(name, attributes)
      },
      ontext(piece) {
        if (hidden !== undefined) return
        if (text === '' && piece.trim() !== '') start = page.locate()
        text += preformatted > 0 ? piece : piece.replace(/\s+/g, ' ')
      },
      onclosetag(name) {
        if (hidden !== undefined) {
          if (name === hidden.name) hidden.depth -= 1
          if (hidden.depth === 0) hidden = undefined
          return
        }
        close(name)
      },
    },
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
    else if (name === 'li') prefix = bullet()
    else if (name === 'blockquote') prefix = '> '
    else if (name === 'table') openTable()
    else if (name === 'tr') openRow()
    else if (name === 'td' || name === 'th') text = ''
    else if (name === 'br') text += preformatted > 0 ? '\n' : ' '
    else if (name === 'img') text += attributes.alt ? ` [${attributes.alt.trim()}] ` : ''
    else if (name === 'a') links.push({ href: attributes.href, at: text.length })
  }

  function close(name: string): void {
    if (name === 'a') endLink()
    else if (name === 'td' || name === 'th') endCell()
    else if (name === 'tr') endRow()
    else if (name === 'table') tables.pop()
    else if (name === 'ul' || name === 'ol') lists.pop()
    if (blocks.has(name)) endBlock()
    if (name === 'pre') preformatted = Math.max(0, preformatted - 1)
  }

  function bullet(): string {
    const list = lists.at(-1)
    const indent = '  '.repeat(Math.min(8, Math.max(0, lists.length - 1)))
    if (list === undefined || !list.ordered) return `${indent}- `
    list.number += 1
    return `${indent}${list.number - 1}. `
  }

  function endLink(): void {
    const link = links.pop()
    if (link?.href === undefined || !/^https?:/i.test(link.href) || link.at > text.length) return
    const words = text.slice(link.at).trim()
    if (words !== '' && words !== link.href) text = `${text.slice(0, link.at)}[${words}](${link.href})`
  }

  /** Text of an outer cell before a nested table comes first. */
  function openTable(): void {
    const outer = text.trim()
    if (outer !== '') push(outer)
    tables.push({ rows: 0 })
  }

  function openRow(): void {
    const table = tables.at(-1)
    if (table !== undefined) table.row = []
  }

  function endCell(): void {
    tables.at(-1)?.row?.push(text.trim().replace(/\s+/g, ' '))
    if (tables.at(-1)?.row !== undefined) text = ''
  }

  function endRow(): void {
    const table = tables.at(-1)
    const cells = table?.row
    if (table === undefined || cells === undefined) return
    table.row = undefined
    if (cells.every((cell) => cell === '')) return
    const rule = table.rows === 0 ? `\n|${' --- |'.repeat(cells.length)}` : ''
    table.rows += 1
    push(`| ${cells.join(' | ')} |${rule}`)
  }

  function endBlock(): void {
    // Inside a cell, blocks are separated by a space.
    if (tables.at(-1)?.row !== undefined) {
      if (text !== '') text += ' '
      return
    }
    const block = preformatted > 0 ? text.replace(/^\n|\s+$/g, '') : text.trim().replace(/ {2,}/g, ' ')
    if (block === '') {
      text = ''
      return
    }
    push(`${prefix}${block}`)
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

function isHidden(attributes: Record<string, string>): boolean {
  return 'hidden' in attributes || /display\s*:\s*none|visibility\s*:\s*hidden/i.test(attributes.style ?? '')
}

// The readable blocks of HTML whose line numbers do not matter, such as an email's body.

export function htmlBlocks(html: string): string[] {
  const page = createHtmlText()
  const parser = new Parser(page.handler, { decodeEntities: true, lowerCaseTags: true })
  page.locate = () => parser.startIndex
  parser.write(html)
  parser.end()
  return page.finish().map(({ text }) => text)
}
