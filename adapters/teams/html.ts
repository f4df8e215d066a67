/** Pure: the HTML of Teams' editor → Markdown, plus the quotes, files and images in it. */

export interface Read {
  text: string
  quoted: string[]
  /** IDs of the files in the text. */
  files: string[]
  /** URLs of the images in the text. */
  pictures: string[]
}

interface Tag {
  name: string
  closing: boolean
  attributes: string
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
const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** Reads the HTML once, from left to right; unknown tags are replaced by their text. */
export function readHtml(html: string): Read {
  const quoted: string[] = []
  const files: string[] = []
  const pictures: string[] = []
  /** A stack: the text, then the open quotes. */
  const open: { text: string; quote: boolean }[] = [{ text: '', quote: false }]
  /** The bullets of the open lists. */
  const lists: string[] = []
  const links: string[] = []
  let inCode = 0

  const add = (text: string) => {
    const top = open.at(-1)
    if (top) top.text += text
  }

  function blockQuote({ closing, attributes }: Tag): string {
    if (!closing) {
      open.push({ text: '', quote: /schema\.skype\.com\/(?:Reply|Forward)/i.test(attributes) })
      return ''
    }
    const ended = open.length > 1 ? open.pop() : undefined
    const text = tidy(ended?.text ?? '')
    if (ended?.quote) quoted.push(text)
    return text === '' || ended?.quote ? '' : `\n\n${text.replaceAll(/^/gm, '> ')}\n\n`
  }

  function link({ closing, attributes }: Tag): string {
    if (closing) return `](${links.pop() ?? ''})`
    links.push(attribute(attributes, 'href') ?? '')
    return '['
  }

  function picture({ attributes }: Tag): string {
    // Emoji are images with a text alternative.
    if (/schema\.skype\.com\/Emoji/i.test(attributes)) return attribute(attributes, 'alt') ?? ''
    const source = attribute(attributes, 'src')
    if (source !== undefined) pictures.push(source)
    return ''
  }

  function list({ name, closing }: Tag): string {
    if (closing) lists.pop()
    else lists.push(name === 'ol' ? '1.' : '-')
    return closing ? '\n' : ''
  }

  function fence({ closing }: Tag): string {
    inCode += closing ? -1 : 1
    return '\n```\n'
  }

  /** The Markdown for a tag. */
  function markdownOf(tag: Tag): string {
    const { name, closing, attributes } = tag
    switch (name) {
      case 'blockquote':
        return blockQuote(tag)
      case 'attachment':
        files.push(...(closing ? [] : [attribute(attributes, 'id') ?? '']).filter((id) => id !== ''))
        return ''
      case 'img':
        return picture(tag)
      case 'br':
        return '\n'
      case 'a':
        return link(tag)
      case 'ul':
      case 'ol':
        return list(tag)
      case 'li':
        return closing ? '' : `\n${'  '.repeat(Math.max(0, lists.length - 1))}${lists.at(-1) ?? '-'} `
      case 'pre':
      case 'codeblock':
        return fence(tag)
      case 'code':
        return inCode > 0 ? '' : '`'
      case 'h1':
      case 'h2':
      case 'h3':
        return closing ? '\n\n' : `\n\n${'#'.repeat(Number(name[1]))} `
      case 'td':
      case 'th':
        return closing ? ' | ' : ''
      case 'tr':
        return '\n'
      case 'p':
        // In a list, a paragraph is a line of its item.
        return lists.length > 0 ? '' : '\n\n'
      case 'div':
      case 'table':
        return '\n\n'
      default:
        return inCode > 0 ? '' : (marks[name] ?? '')
    }
  }

  // Mentions become what they are in the activity's plain text.
  const marked = html.replaceAll(
    /<span\b[^>]*schema\.skype\.com\/Mention[^>]*>([^<]*)<\/span>/gi,
    (_, name) => `&lt;at&gt;${String(name)}&lt;/at&gt;`,
  )
  for (const [piece] of marked.matchAll(/<[^<>]*>|[^<]+|</g)) {
    const tag = /^<(\/?)([a-z][\w]*)([^>]*)>$/i.exec(piece)
    if (tag) add(markdownOf({ closing: tag[1] === '/', name: (tag[2] ?? '').toLowerCase(), attributes: tag[3] ?? '' }))
    else if (!piece.startsWith('<!')) add(decode(inCode > 0 ? piece : piece.replaceAll(/[ \t\r\n]+/g, ' ')))
  }
  while (open.length > 1) add(blockQuote({ name: 'blockquote', closing: true, attributes: '' }))
  return { text: tidy(open[0]?.text ?? ''), quoted: quoted.filter((each) => each !== ''), files, pictures }
}

function attribute(attributes: string, name: string): string | undefined {
  const found = new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'i').exec(attributes)
  return found ? decode(found[1] ?? found[2] ?? '') : undefined
}

function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{1,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[String(name).toLowerCase()] ?? whole
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal)
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code).toWellFormed() : ''
  })
}

function tidy(text: string): string {
  return text
    .replaceAll(/[ \t]+\n/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}
