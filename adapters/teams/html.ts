/** Pure: the HTML of Teams' editor, of Graph's messages and of old clients → Markdown, and the quotes, files and images in it. */
import { Parser } from 'htmlparser2'
import { type Cell, inCell, maxRows, table } from './html-table.ts'

export interface Read {
  text: string
  quotes: Quote[]
  /** IDs of attachments, in the places where the text has them: files, cards, snippets, quoted messages. */
  placed: string[]
  pictures: Picture[]
  /** Names, as the text shows them: `<at>Parley</at>`. */
  mentions: string[]
}

/** Another message in this one: what it answers, or forwards. */
export interface Quote {
  kind: 'reply' | 'forward'
  text: string
  by?: string
  /** `8:orgid:<object id>` of a person, `28:<app id>` of an app. */
  byId?: string
  messageId?: string
}

export interface Picture {
  url: string
  /** What its alternative text calls it. */
  name?: string
}

/** An open element, and the Markdown of what it contains so far. */
interface Open {
  tag: string
  attributes: Record<string, string>
  text: string
  quote?: Quote
  rows?: Cell[][]
  cells?: Cell[]
  /** Of a list: the number of its next item. */
  next?: number
}

const marks: Partial<Record<string, string>> = {
  strong: '**',
  b: '**',
  em: '_',
  i: '_',
  s: '~~',
  strike: '~~',
  del: '~~',
}
/** Their words are part of the line that they are in; any other element begins a line of its own. */
const inline = new Set(
  'span font u ins mark small big abbr cite code a sup sub label time at emoji customemoji readonly bdi bdo kbd samp var q tt center nobr'
    .split(' ')
    .concat(Object.keys(marks)),
)
const unseen = new Set('style script title head template noscript svg math object iframe'.split(' '))
/** Elements below this depth are read as if their tags were not there, so that hostile nesting costs nothing. */
const deepest = 60
/** Far above Teams' limit for a message; the parser's time grows with the square of the depth of nesting. */
const longest = 150_000
/** Stands for a block of code while the text around it is tidied. No HTML contains it: parsers replace it. */
const codeMark = '\u0000'

export function readHtml(html: string): Read {
  const read: Read = { text: '', quotes: [], placed: [], pictures: [], mentions: [] }
  const code: string[] = []
  const root: Open = { tag: '', attributes: {}, text: '' }
  const open: Open[] = [root]
  let tooDeep = 0
  let hidden = 0
  let preformatted = 0

  const top = () => open.at(-1) ?? root
  const nearest = (tag: string) => open.findLast((each) => each.tag === tag)

  function add(text: string): void {
    if (hidden === 0) top().text += text
  }

  function addWords(words: string): void {
    const at = top()
    const line = preformatted > 0 ? words : words.replaceAll(/[ \t\r\n\f]+/g, ' ')
    const begins = at.text === '' ? !inline.has(at.tag) : at.text.endsWith('\n')
    add(begins && preformatted === 0 ? line.replace(/^ /, '') : line)
  }

  function begin(tag: string, attributes: Record<string, string>): void {
    if (open.length > deepest) {
      tooDeep += 1
      return
    }
    if (unseen.has(tag)) hidden += 1
    if (isCode(tag)) preformatted += 1
    const element: Open = { tag, attributes, text: '' }
    const type = attributes.itemtype ?? ''
    if (tag === 'blockquote' && /schema\.skype\.com\/(?:Reply|Forward)/i.test(type))
      element.quote = { kind: /Forward/i.test(type) ? 'forward' : 'reply', text: '', messageId: attributes.itemid }
    if (tag === 'table') element.rows = []
    if (tag === 'tr') element.cells = []
    if (tag === 'ol') element.next = Number.parseInt(attributes.start ?? '', 10) || 1
    open.push(element)
  }

  function end(tag: string): void {
    if (tooDeep > 0) {
      tooDeep -= 1
      return
    }
    const element = open.length > 1 ? open.pop() : undefined
    if (element === undefined) return
    if (unseen.has(tag)) {
      hidden -= 1
      if (!inline.has(tag)) add('\n')
      return
    }
    if (isCode(tag)) preformatted -= 1
    if (hidden === 0) top().text += markdownOf(element)
  }

  function markdownOf(element: Open): string {
    const { tag, attributes, text } = element
    const quote = open.findLast((each) => each.quote !== undefined)?.quote
    if (quote !== undefined && attributes.itemprop === 'mri') {
      quote.by = plain(text)
      quote.byId = attributes.itemid
      return ''
    }
    if (quote !== undefined && attributes.itemprop === 'time') return ''
    if (tag === 'at' || /schema\.skype\.com\/Mention/i.test(attributes.itemtype ?? '')) return mention(text)
    switch (tag) {
      case 'blockquote':
        return blockQuote(element)
      case 'attachment':
        if (attributes.id) read.placed.push(attributes.id)
        return text
      case 'img':
        return picture(attributes)
      case 'emoji':
        return attributes.alt ?? text
      case 'customemoji':
        return attributes.alt ? `:${attributes.alt}:` : text
      case 'br':
        return '\n'
      case 'hr':
        return '\n\n---\n\n'
      case 'a':
        return link(text, attributes.href ?? '')
      case 'sup':
      case 'sub':
        return raised(tag === 'sup' ? '^' : '_', text)
      case 'ul':
      case 'ol':
        return list(text)
      case 'li':
        return item(element)
      case 'pre':
      case 'codeblock':
        return fence(element)
      case 'code':
        return preformatted > 0 || text.trim() === '' ? text : inlineCode(text)
      case 'tr':
        return row(element)
      case 'td':
      case 'th':
        return cell(element)
      case 'table':
        return `\n\n${tidy(text)}\n\n${nearest('table') === undefined ? table(element.rows ?? []) : inCell(element.rows ?? [])}\n\n`
      default:
        return /^h[1-6]$/.test(tag) ? heading(tag, text) : other(tag, text)
    }
  }

  function other(tag: string, text: string): string {
    const mark = marks[tag]
    if (mark !== undefined) return preformatted > 0 ? text : marked(mark, text)
    return inline.has(tag) ? text : preformatted > 0 ? `${text}\n` : `\n\n${text}\n\n`
  }

  function mention(text: string): string {
    const name = plain(text)
    if (name === '') return ''
    read.mentions.push(name)
    return `<at>${name}</at>`
  }

  function blockQuote({ quote, text }: Open): string {
    const said = tidy(text)
    if (quote !== undefined) {
      read.quotes.push({ ...quote, text: restored(said, code) })
      return ''
    }
    return said === '' ? '' : `\n\n${said.replaceAll(/^/gm, '> ')}\n\n`
  }

  function picture({ itemtype = '', alt = '', src }: Record<string, string>): string {
    if (/schema\.skype\.com\/(?:Emoji|CustomEmoji)/i.test(itemtype)) return alt
    const says = plain(alt)
    const named = /^(?:|image|picture|img|photo|bild|imagen|immagine)$/i.test(says) ? undefined : says
    // An animation is a mood, not a file.
    const isAnimation = /schema\.skype\.com\/Giphy/i.test(itemtype)
    if (src !== undefined && /^https?:/i.test(src) && !isAnimation) read.pictures.push({ url: src, name: named })
    return named === undefined ? '' : `[${named}]`
  }

  function list(text: string): string {
    const items = tidy(text).replaceAll(/\n{2,}/g, '\n')
    return nearest('li') === undefined ? `\n\n${items}\n\n` : `\n${items}\n`
  }

  function item({ attributes, text }: Open): string {
    const list = open.findLast(({ tag }) => tag === 'ul' || tag === 'ol')
    let bullet = '- '
    if (list?.next !== undefined) {
      const number = Number.parseInt(attributes.value ?? '', 10) || list.next
      list.next = number + 1
      bullet = `${number}. `
    }
    const lines = tidy(text).replaceAll(/\n{2,}/g, '\n')
    return `\n${bullet}${lines.replaceAll('\n', `\n${' '.repeat(bullet === '- ' ? 2 : 3)}`)}\n`
  }

  function fence({ attributes, text }: Open): string {
    const content = text.replaceAll('\u00a0', ' ').replace(/^\n+/, '').trimEnd()
    if (content === '') return ''
    const language = /(?:^|\s)(?:language-)?([\w+#-]+)/i.exec(attributes.class ?? '')?.[1]?.toLowerCase() ?? ''
    const inside = Math.max(2, ...[...content.matchAll(/^\s*(`{3,})/gm)].map(([, ticks = '']) => ticks.length))
    const ticks = '`'.repeat(inside + 1)
    code.push(`${ticks}${/^(?:plaintext|text)$/.test(language) ? '' : language}\n${content}\n${ticks}`)
    return `\n\n${codeMark}${code.length - 1}${codeMark}\n\n`
  }

  function cell({ attributes, text }: Open): string {
    const at = open.findLast(({ tag }) => tag === 'tr' || tag === 'table')
    if (at?.cells === undefined) return `\n\n${text}\n\n`
    const span = (name: string) => Math.min(Math.max(1, Number.parseInt(attributes[name] ?? '', 10) || 1), 100)
    at.cells.push({ text: tidy(text), columns: span('colspan'), rows: span('rowspan') })
    return ''
  }

  function row({ cells = [], text }: Open): string {
    const at = nearest('table')
    if (at?.rows === undefined) return `\n\n${cells.map((each) => each.text).join(' | ')}${text}\n\n`
    if (at.rows.length < maxRows && cells.length > 0) at.rows.push(cells)
    return text
  }

  const parser = new Parser(
    {
      onopentag: (tag, attributes) => begin(tag, attributes),
      ontext: addWords,
      onclosetag: end,
    },
    { decodeEntities: true, lowerCaseTags: true },
  )
  parser.write(html.slice(0, longest).toWellFormed().replaceAll(codeMark, ''))
  parser.end()
  read.text = restored(tidy(root.text), code)
  read.quotes = read.quotes.filter(({ text }) => text !== '')
  return read
}

const isCode = (tag: string) => tag === 'pre' || tag === 'codeblock'

/** Without the marks and the lines of Markdown: a name. */
function plain(text: string): string {
  return text
    .replaceAll(/\*\*|~~|<\/?at>/g, '')
    .replaceAll(/[\s\u00a0]+/g, ' ')
    .trim()
}

/** Spaces stay outside of the marks, where Markdown wants them; a mention is never marked. */
function marked(mark: string, text: string): string {
  const [, before = '', words = '', after = ''] = /^(\s*)([\s\S]*?)(\s*)$/.exec(text) ?? []
  return words === '' || words.includes(codeMark) || /^(?:<at>[^<]*<\/at>\s*)+$/.test(words)
    ? text
    : `${before}${mark}${words}${mark}${after}`
}

function inlineCode(text: string): string {
  const ticks = text.includes('`') ? '``' : '`'
  const pad = text.startsWith('`') || text.endsWith('`') ? ' ' : ''
  return `${ticks}${pad}${text}${pad}${ticks}`
}

/** 10^6, H_2O, x^(n+1). */
function raised(mark: string, text: string): string {
  const words = text.trim()
  return words === '' ? text : `${mark}${/^(?:[\p{L}\p{N}]+|\(.*\))$/u.test(words) ? words : `(${words})`}`
}

function link(text: string, href: string): string {
  const words = text.trim()
  if (!/^(?:https?|mailto|tel|ftp):/i.test(href)) return text
  if (words === '' || words === href || /^(?:mailto|tel):/i.test(href)) return words === '' ? href : text
  return `[${words}](${href.replaceAll(' ', '%20').replaceAll('(', '%28').replaceAll(')', '%29')})`
}

function heading(tag: string, text: string): string {
  const words = tidy(text).replaceAll(/\s*\n\s*/g, ' ')
  return words === '' ? '' : `\n\n${'#'.repeat(Number(tag[1]))} ${words}\n\n`
}

function tidy(text: string): string {
  return text
    .replaceAll('\u00a0', ' ')
    .replaceAll(/[ \t]+\n/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

/** Puts the blocks of code back, as far in as their marks; in a line of a table, on that line. */
function restored(text: string, code: readonly string[]): string {
  return text.replaceAll(new RegExp(`^(.*?)${codeMark}(\\d+)${codeMark}`, 'gm'), (_, before: string, index: string) => {
    const block = code[Number(index)] ?? ''
    if (before.startsWith('|')) return `${before}${inlineCode(block.split('\n').slice(1, -1).join(' '))}`
    return `${before}${block.replaceAll('\n', `\n${before.replaceAll(/[^>]/g, ' ')}`)}`
  })
}
