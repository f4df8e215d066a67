/**
 * LaTeX as models write it (`$x^2$`, `\(…\)`, `$$…$$`, `\[…\]`) → text that reads without being typeset, for platforms that
 * show the source. Formulas that have no such form are shown as code.
 */
import { escapeMarkdown, fenced } from './escape.ts'
import { accents, alphabets, functionNames, subscripts, superscripts, symbols, vulgar } from './math-symbols.ts'
import { parseMarkdown } from './parse.ts'

const formula =
  /\$\$(?<dollars>[^$]+?)\$\$|\\\[(?<brackets>[\s\S]+?)\\\]|(?<env>\\begin\{(?<name>equation|align|aligned|gather|gathered|multline)\*?\}[\s\S]+?\\end\{\k<name>\*?\})|\\\((?<parens>[\s\S]+?)\\\)|(?<![\\$\w])\$(?=\S)(?<dollar>[^$\n]*?[^$\s\\])\$(?![\w$])/g

/** `markdown` with its formulas as text; code and links stay as they are. */
export function mathAsText(markdown: string): string {
  if (!/\$|\\[([]|\\begin\{/.test(markdown)) return markdown
  const code = literalRanges(markdown)
  return markdown.replaceAll(formula, (whole, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>
    const at = rest.at(-3) as number
    if (code.some(({ from, to }) => at < to && at + whole.length > from)) return whole
    const { dollars, brackets, env, parens, dollar } = groups
    const inline = parens ?? dollar
    if (inline !== undefined) return isMath(inline) ? inText(inline) : whole
    const display = dollars ?? brackets ?? env ?? ''
    const line = lineAround(markdown, at, at + whole.length)
    if (brackets !== undefined && line === undefined && !/\\[a-z]|[=^]/i.test(brackets)) return whole
    return line === undefined ? inText(display) : onItsOwn(display, line.indent)
  })
}

function literalRanges(markdown: string): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = []
  const open = [...parseMarkdown(markdown).children] as { type: string; position?: Position; children?: never[] }[]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const from = node.position?.start.offset
    const to = node.position?.end.offset
    const isAddress = node.type === 'link' && from !== undefined && markdown[from] !== '['
    if ((node.type === 'code' || node.type === 'inlineCode' || isAddress) && from !== undefined && to !== undefined)
      ranges.push({ from, to })
    else if (node.children !== undefined) open.push(...node.children)
  }
  return ranges
}

interface Position {
  start: { offset?: number }
  end: { offset?: number }
}

/** Prices and names of variables are written between dollar signs, too. */
const isMath = (tex: string) =>
  /\\[a-z]|[\^_=<>]|^[a-z]\d?$|^[\w\s]*[a-z]\s*[-+*/(]/i.test(tex) && !/^[A-Z_]{2,}$/.test(tex)

/** The indentation of a line that holds nothing else; `undefined` where there are words beside it. */
function lineAround(markdown: string, from: number, to: number): { indent: string } | undefined {
  const before = markdown.slice(markdown.lastIndexOf('\n', from - 1) + 1, from)
  const end = markdown.indexOf('\n', to)
  const after = markdown.slice(to, end < 0 ? undefined : end)
  return /^[\s>]*$/.test(before) && /^[\s.,;]*$/.test(after) ? { indent: before } : undefined
}

function inText(tex: string): string {
  const text = readableTex(tex)
  if (text !== undefined) return escapeMarkdown(text.replaceAll(/\s*\n\s*/g, '; '))
  return `\`${tex.replaceAll(/\s+/g, ' ').replaceAll('`', "'").trim()}\``
}

function onItsOwn(tex: string, indent: string): string {
  const text = readableTex(tex)
  if (text !== undefined && !text.includes('\n')) return escapeMarkdown(text)
  const block = text === undefined ? fenced(tex.trim(), 'latex') : fenced(text)
  return block.replaceAll('\n', `\n${indent}`)
}

class Unknown extends Error {}

/** One line, or several where the formula has rows. `undefined` for what cannot be written so. */
export function readableTex(tex: string): string | undefined {
  try {
    const text = createReader(tex).all()
    const lines = text.split('\n').map((line) => line.replaceAll(/[^\S\n]+/g, ' ').trim())
    return lines.filter((line) => line !== '').join('\n') || undefined
  } catch (thrown) {
    if (thrown instanceof Unknown) return undefined
    throw thrown
  }
}

const fonts = /^(?:text\w*|math(?:rm|bf|it|sf|tt|normal)|operatorname|boldsymbol|bm|mbox|hbox|boxed|pmb)$/
const sizes = /^(?:left|right|middle|[bB]igg?[lrm]?)$/
const spaces = /^(?:quad|qquad|enspace|thinspace|hspace|space|hfill)$/
const ignored = /^(?:displaystyle|textstyle|limits|nolimits|nonumber|notag|hline|centering)$/
const rowEnds = new Map<string, [string, string]>(
  Object.entries({
    pmatrix: ['(', ')'],
    bmatrix: ['[', ']'],
    vmatrix: ['|', '|'],
    matrix: ['', ''],
    array: ['', ''],
    smallmatrix: ['', ''],
    cases: ['{ ', ''],
  }),
)

const maxDepth = 30

function createReader(tex: string) {
  let at = 0
  let depth = 0
  /** What the innermost group says before `at`. */
  let before = ''

  function all(): string {
    const text = until(() => false)
    if (at < tex.length) throw new Unknown()
    return text
  }

  function until(ends: () => boolean): string {
    depth += 1
    if (depth > maxDepth) throw new Unknown()
    let text = ''
    while (at < tex.length && !ends()) {
      if (tex[at] === '}') throw new Unknown()
      before = text
      text += next()
    }
    depth -= 1
    return text
  }

  function next(): string {
    const sign = tex[at] ?? ''
    at += 1
    switch (sign) {
      case '\\':
        return command()
      case '{':
        return group()
      case '^':
        return raised(argument())
      case '_':
        return lowered(argument())
      case '&':
      case '~':
        return ' '
      case "'":
        return '′'
      case '%':
        throw new Unknown()
      default:
        return /\s/.test(sign) ? ' ' : sign
    }
  }

  /** After its opening brace. */
  function group(): string {
    const text = until(() => tex[at] === '}')
    if (tex[at] !== '}') throw new Unknown()
    at += 1
    return text
  }

  function argument(): string {
    while (/\s/.test(tex[at] ?? '')) at += 1
    if (at >= tex.length) throw new Unknown()
    return next()
  }

  function optional(): string | undefined {
    if (tex[at] !== '[') return undefined
    at += 1
    const text = until(() => tex[at] === ']')
    at += 1
    return text
  }

  function command(): string {
    const name = /^(?:[a-zA-Z]+\*?|[\s\S])/.exec(tex.slice(at))?.[0] ?? ''
    at += name.length
    const symbol = symbols.get(name)
    if (symbol !== undefined) return symbol
    if (functionNames.has(name)) return `${name}${/[a-zA-Z\d\\]/.test(tex[at] ?? '') ? ' ' : ''}`
    const accent = accents.get(name)
    if (accent !== undefined) return accented(argument(), accent)
    const alphabet = alphabets.get(name)
    if (alphabet !== undefined) return [...argument()].map((letter) => alphabet[letter] ?? letter).join('')
    if (fonts.test(name)) return argument()
    if (spaces.test(name)) return ' '
    if (ignored.test(name)) return ''
    if (sizes.test(name)) return tex[at] === '.' ? skip() : ''
    switch (name) {
      case '\\':
        optional()
        return '\n'
      case 'frac':
      case 'dfrac':
      case 'tfrac':
      case 'cfrac':
        return fraction()
      case 'binom':
        return `C(${argument()}, ${argument()})`
      case 'sqrt': {
        const root = optional()
        return `${root === undefined ? '' : raised(root)}√${factor(argument())}`
      }
      case 'pmod':
        return ` (mod ${argument()})`
      case 'tag':
      case 'label':
        argument()
        return ''
      case 'begin':
        return environment(argument())
      default:
        throw new Unknown()
    }
  }

  /** In parentheses where a factor or a power follows, or a function comes before: `(a/b)x`, `sin (x/2)`. */
  function fraction(): string {
    const word = /([a-z]+)[⁻⁰¹²³⁴-⁹]*\s*$/i.exec(before)?.[1]
    const above = argument().trim()
    const below = argument().trim()
    const rest = tex.slice(at)
    const sign = vulgar[`${above}/${below}`]
    if (sign !== undefined) return power.test(rest) ? `(${sign})` : sign
    const text = `${wrapped(above)}/${factor(below)}`
    return isFactor(rest) || (word !== undefined && functionNames.has(word)) ? `(${text})` : text
  }

  function skip(): string {
    at += 1
    return ''
  }

  function environment(name: string): string {
    const end = `\\end{${name}}`
    if (name === 'array') argument()
    const body = until(() => tex.startsWith(end, at))
    if (!tex.startsWith(end, at)) throw new Unknown()
    at += end.length
    const [open, close] = rowEnds.get(name) ?? ['', '']
    const rows = body.split('\n').filter((row) => row.trim() !== '')
    const lines = rows.map((row) => `${open}${row.trim()}${close}`)
    return lines.length > 1 ? `\n${lines.join('\n')}\n` : lines.join('')
  }

  return { all }
}

/** TeX that is multiplied with what comes before it. */
function isFactor(rest: string): boolean {
  if (power.test(rest)) return true
  const next = /^(?:\s|~|\\[,;:! ])*(?:\\([a-zA-Z]+)|([\p{L}\p{N}({[]))/u.exec(rest)
  if (next === null) return false
  const [, command, sign] = next
  if (sign !== undefined) return true
  if (command === undefined) return false
  const symbol = symbols.get(command)
  if (symbol !== undefined) return /^[\p{L}∂∇∞∑∏∐∫∬∭∮√⟨⌊⌈]/u.test(symbol)
  if (/^text|box$/.test(command)) return !/^\s/.test(rest.slice(rest.indexOf('{') + 1))
  return (
    !spaces.test(command) && !ignored.test(command) && !/^(?:right|middle|end|pmod|bmod|mod|tag|label)/.test(command)
  )
}

const power = /^\s*[\^_]/

const raised = (text: string) => shifted(text, superscripts) ?? `^${factor(text)}`
const lowered = (text: string) => shifted(text, subscripts) ?? `_${wrapped(text)}`

function shifted(text: string, letters: Record<string, string>): string | undefined {
  const signs = [...text.trim()]
  const moved = signs.map((sign) => letters[sign])
  return signs.length > 0 && moved.every((sign) => sign !== undefined) ? moved.join('') : undefined
}

/** In parentheses unless it is one thing. */
function wrapped(text: string): string {
  const inner = text.trim()
  return /^(?:[\p{L}\p{N}\p{M}.,′∞%]+|\([^()]*\))$/u.test(inner) ? inner : `(${inner})`
}

/** As `wrapped`, also around a product: `x/(2a)`, `√(2π)`, `e^(iπ)`. Differentials and words stay bare: `dy/dx`. */
function factor(text: string): string {
  const inner = text.trim()
  const isProduct = /^(?:[\d.,]+\p{L}.*|(?!d)\p{L}[\p{L}∞])$/u.test(inner)
  return isProduct ? `(${inner})` : wrapped(text)
}

/** Over each letter of a single symbol; a longer text keeps only its words. */
const accented = (text: string, mark: string) => (Array.from(text).length <= 2 ? text + mark : text)
