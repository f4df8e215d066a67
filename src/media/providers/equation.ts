/**
 * Equations as one line of text: `x = (-b ± √(b^2 - 4ac))/(2a)`. Reads Office's markup (OMML, as in docx and pptx) and MathML (OpenDocument,
 * HTML). Every sign of the source is kept, and brackets are added where the line would mean something else.
 */
import { joinPieces, type Piece, piecesOf, primes } from './equation-line.ts'

interface Node {
  /** Without its prefix. */
  name: string
  attributes: Record<string, string>
  children: (Node | string)[]
}

/** Takes the events that belong to an equation. Each function returns whether it took the event. */
export interface Equations {
  open(name: string, attributes: Record<string, string>): boolean
  text(words: string): boolean
  close(): boolean
}

/** Elements and characters of one equation; what is beyond is cut with an ellipsis. */
const mostNodes = 50_000
/** Deeper parts are cut, too. */
const deepest = 200

/** `write` gets each equation at its end. */
export function createEquations(write: (equation: string) => void): Equations {
  const path: Node[] = []
  let skipped = 0
  let size = 0
  let cut = false
  return {
    open(name, attributes) {
      const local = name.slice(name.indexOf(':') + 1)
      const parent = path.at(-1)
      if (parent === undefined && local !== 'oMath' && local !== 'math') return false
      size += 1
      if (size > mostNodes || skipped > 0 || path.length >= deepest) {
        cut = true
        skipped += 1
        return true
      }
      const node: Node = { name: local, attributes, children: [] }
      parent?.children.push(node)
      path.push(node)
      return true
    },
    text(words) {
      const parent = path.at(-1)
      if (parent === undefined) return false
      size += words.length
      if (size > mostNodes || skipped > 0) cut = true
      else parent.children.push(words)
      return true
    },
    close() {
      if (path.length === 0) return false
      if (skipped > 0) {
        skipped -= 1
        return true
      }
      const node = path.pop()
      if (node === undefined || path.length > 0) return true
      write(`${row([node])}${cut ? ' …' : ''}`.trim())
      size = 0
      cut = false
      return true
    },
  }
}

type Render = (node: Node) => Piece[]

const operand = (text: string): Piece[] => [{ kind: 'operand', text }]
const row = (nodes: readonly (Node | undefined)[]) =>
  joinPieces(nodes.flatMap((node) => (node === undefined ? [] : render(node))))
const elements = ({ children }: Node) => children.filter((child) => typeof child !== 'string')
const child = (node: Node, name: string) => elements(node).find((each) => each.name === name)
const children = (node: Node, name: string) => elements(node).filter((each) => each.name === name)
const part = (node: Node, name: string) => row([child(node, name)])
const source = ({ children: all }: Node): string =>
  all.map((each) => (typeof each === 'string' ? each : source(each))).join('')

/** The value of a property of OMML; undefined if it is not set. Rich text has it as the element's text. */
function property(node: Node, name: string): string | undefined {
  const found = elements(node)
    .filter((each) => each.name.endsWith('Pr'))
    .map((each) => child(each, name))
    .find((each) => each !== undefined)
  return found === undefined ? undefined : (found.attributes['m:val'] ?? found.attributes.val ?? source(found).trim())
}
const isOn = (node: Node, name: string) => !/^(?:0|off|false)$/.test(property(node, name) ?? '0')

function render(node: Node): Piece[] {
  const known = renderers.get(node.name)
  if (known !== undefined) return known(node)
  if (node.name.endsWith('Pr')) return []
  return elements(node).flatMap(render)
}

const inOrder = (render: (parts: Node[], node: Node) => Piece[]) => (node: Node) =>
  render(
    elements(node).filter(({ name }) => !name.endsWith('Pr')),
    node,
  )
const only: Render = (node) => elements(node).slice(0, 1).flatMap(render)
const nothing: Render = () => []
/** The sign "&" says where the lines of a system of equations align. */
const token: Render = (node) => piecesOf(source(node).replaceAll('&', ''))
const trimmed: Render = (node) => piecesOf(source(node).trim().replace(/\s+/g, ' '))
/** Words of a sentence; a sign set upright is a sign all the same. */
const words: Render = (node) => {
  const text = source(node).replace(/\s+/g, ' ')
  return /\p{L}.*\s|\s.*\p{L}/u.test(text.trim()) ? [{ kind: 'words', text }] : piecesOf(text)
}

const renderers = new Map<string, Render>(
  Object.entries({
    // OMML
    t: token,
    r: (node) => (property(node, 'nor') === undefined ? children(node, 't').flatMap(render) : words(node)),
    f: (node) => fraction(part(node, 'num'), part(node, 'den'), property(node, 'type') === 'noBar'),
    sSup: (node) => scripts(part(node, 'e'), '', part(node, 'sup')),
    sSub: (node) => scripts(part(node, 'e'), part(node, 'sub'), ''),
    sSubSup: (node) => scripts(part(node, 'e'), part(node, 'sub'), part(node, 'sup')),
    sPre: (node) => before(part(node, 'sub'), part(node, 'sup'), part(node, 'e')),
    limLow: (node) => scripts(part(node, 'e'), part(node, 'lim'), ''),
    limUpp: (node) => scripts(part(node, 'e'), '', part(node, 'lim')),
    rad: (node) => root(part(node, 'e'), isOn(node, 'degHide') ? '' : part(node, 'deg')),
    nary(node) {
      const sub = isOn(node, 'subHide') ? '' : part(node, 'sub')
      const sup = isOn(node, 'supHide') ? '' : part(node, 'sup')
      const sign = scripts(property(node, 'chr') ?? '∫', sub, sup)
      return [
        ...sign,
        { kind: 'apply', text: '' },
        ...elements(node)
          .filter(({ name }) => name === 'e')
          .flatMap(render),
      ]
    },
    func: (node) => [
      ...(child(node, 'fName') === undefined ? [] : operand(part(node, 'fName'))),
      { kind: 'apply', text: '' },
      ...operand(argument(part(node, 'e'))),
    ],
    d(node) {
      const inner = children(node, 'e').map((each) => withoutFence(row([each])))
      const start = property(node, 'begChr') ?? '('
      const end = property(node, 'endChr') ?? ')'
      return operand(`${start}${inner.join(property(node, 'sepChr') ?? '|')}${end}`)
    },
    m: (node) => matrix(children(node, 'mr').map((line) => children(line, 'e').map((cell) => row([cell])))),
    eqArr: (node) =>
      operand(
        children(node, 'e')
          .map((line) => row([line]))
          .join('; '),
      ),
    acc: (node) => accent(part(node, 'e'), property(node, 'chr') ?? '\u0302'),
    bar: (node) => (property(node, 'pos') === 'top' ? accent(part(node, 'e'), '\u0305') : operand(part(node, 'e'))),
    groupChr: (node) => operand(part(node, 'e')),
    phant: (node) => (property(node, 'show') === undefined || isOn(node, 'show') ? operand(part(node, 'e')) : []),
    borderBox(node) {
      const struck = ['strikeH', 'strikeV', 'strikeBLTR', 'strikeTLBR'].some((strike) => isOn(node, strike))
      return operand(struck ? `~~${part(node, 'e')}~~` : part(node, 'e'))
    },
    // MathML
    mi: trimmed,
    mn: trimmed,
    mo: trimmed,
    ms: trimmed,
    mtext: words,
    mspace: () => [{ kind: 'words', text: ' ' }],
    mfrac: inOrder(([over, under], { attributes }) =>
      fraction(row([over]), row([under]), /^0(?:\D|$)/.test(attributes.linethickness ?? '1')),
    ),
    msqrt: (node) => root(row(elements(node)), ''),
    mroot: inOrder(([base, degree]) => root(row([base]), row([degree]))),
    msup: inOrder(([base, sup]) => scripts(row([base]), '', row([sup]))),
    msub: inOrder(([base, sub]) => scripts(row([base]), row([sub]), '')),
    msubsup: inOrder(([base, sub, sup]) => scripts(row([base]), row([sub]), row([sup]))),
    munder: inOrder(([base, under]) => scripts(row([base]), row([under]), '')),
    mover: inOrder(([base, over]) => {
      const mark = accents.get(row([over]))
      return mark === undefined ? scripts(row([base]), '', row([over])) : accent(row([base]), mark)
    }),
    munderover: inOrder(([base, under, over]) => scripts(row([base]), row([under]), row([over]))),
    mmultiscripts: inOrder(([base, ...rest]) => {
      const at = rest.findIndex(({ name }) => name === 'mprescripts')
      const [after, first] = at < 0 ? [rest, []] : [rest.slice(0, at), rest.slice(at + 1)]
      const every = (nodes: Node[], odd: number) => row(nodes.filter((_, place) => place % 2 === odd))
      const whole = joinPieces(scripts(row([base]), every(after, 0), every(after, 1)))
      return before(every(first, 0), every(first, 1), whole)
    }),
    mtable: (node) => matrix(elements(node).map((line) => children(line, 'mtd').map((cell) => row([cell])))),
    mfenced: inOrder((parts, { attributes: { open = '(', close = ')', separators = ',' } }) => {
      const between = separators.trim().charAt(0)
      return operand(
        `${open}${parts.map((each) => withoutFence(row([each]))).join(between === ',' ? ', ' : between)}${close}`,
      )
    }),
    menclose(node) {
      const inner = row(elements(node))
      const notation = node.attributes.notation ?? 'longdiv'
      if (notation.includes('radical')) return root(inner, '')
      return operand(/strike/.test(notation) ? `~~${inner}~~` : inner)
    },
    // The first child is what is shown; the others are the source in other languages.
    semantics: only,
    maction: only,
    annotation: nothing,
    'annotation-xml': nothing,
    mphantom: nothing,
    none: nothing,
  } satisfies Record<string, Render>),
)

/** The signs over a letter in MathML, as combining characters. */
const accents = new Map(
  Object.entries({
    '^': '\u0302',
    ˆ: '\u0302',
    '~': '\u0303',
    '˜': '\u0303',
    '¯': '\u0305',
    '‾': '\u0305',
    '˙': '\u0307',
    '¨': '\u0308',
    '→': '\u20d7',
    '⃗': '\u20d7',
  }),
)
const accentNames = new Map(
  Object.entries({
    '\u0302': 'hat',
    '\u0303': 'tilde',
    '\u0304': 'bar',
    '\u0305': 'bar',
    '\u0307': 'dot',
    '\u0308': 'ddot',
    '\u20d7': 'vec',
  }),
)

function accent(base: string, mark: string): Piece[] {
  if (/^\p{L}$/u.test(base)) return operand(`${base}${mark}`.normalize('NFC'))
  const name = accentNames.get(mark)
  return operand(name === undefined ? base : `${name}(${base})`)
}

function fraction(over: string, under: string, binomial: boolean): Piece[] {
  if (over === '' && under === '') return []
  if (binomial) return operand(`${over} over ${under}`)
  return [{ kind: 'fraction', text: `${factor(over)}/${factor(under)}` }]
}

const roots = new Map([
  ['', '√'],
  ['2', '√'],
  ['3', '∛'],
  ['4', '∜'],
])

function root(inner: string, degree: string): Piece[] {
  const sign = roots.get(degree)
  if (sign !== undefined) return operand(`${sign}${inBrackets(inner)}`)
  return [{ kind: 'script', text: `${inBrackets(inner)}^(1/${factor(degree)})` }]
}

function scripts(base: string, sub: string, sup: string): Piece[] {
  if (sub === '' && sup === '') return operand(base)
  const mark = primes(sup)
  const simple = /^[\p{L}\p{M}\p{N}.,∑∏∫∮⋃⋂∞]*$/u.test(base) || isBracketed(base)
  const whole = simple || (sub === '' && /^\p{L}_\p{L}+$|^\p{L}_\d+$/u.test(base)) ? base : `(${base})`
  const below = sub === '' ? '' : `_${/^[\p{L}\p{N}]+$/u.test(sub) ? sub : inBrackets(sub)}`
  const above =
    sup === '' ? '' : (mark ?? `^${/^(?:[-+]?\d+(?:[.,]\d+)?|\p{L}|[-+*])$/u.test(sup) ? sup : inBrackets(sup)}`)
  return [{ kind: mark === undefined || sub !== '' ? 'script' : 'operand', text: `${whole}${below}${above}` }]
}

/** Scripts before the base, as of isotopes. */
function before(sub: string, sup: string, base: string): Piece[] {
  return operand(`${sup === '' ? '' : `^(${sup})`}${sub === '' ? '' : `_(${sub})`}${base}`)
}

function matrix(rows: readonly (readonly string[])[]): Piece[] {
  return [{ kind: 'matrix', text: `[${rows.map((cells) => cells.join(', ')).join('; ')}]` }]
}

/** A matrix within brackets needs none of its own. */
function withoutFence(text: string): string {
  return text.startsWith('[') && text.includes(';') && isBracketed(text) ? text.slice(1, -1) : text
}

/** The part above or below a fraction's line. */
function factor(text: string): string {
  const atom = String.raw`(?:\d+(?:[.,]\d+)?|\p{L}\p{M}*|∞)`
  const script = String.raw`[_^](?:[-+]?\d+|\p{L}+|\([^()]*\))`
  return new RegExp(`^${atom}(?:${script})*°?$`, 'u').test(text) || isBracketed(text) ? text : `(${text})`
}

function argument(text: string): string {
  const simple = /^[\p{L}\p{N}\p{M}.°]+(?:[_^][\p{L}\p{N}]+)*(?:\([^()]*\))?$/u
  return simple.test(text) || isBracketed(text) ? text : `(${text})`
}

function inBrackets(text: string): string {
  return isBracketed(text) ? text : `(${text})`
}

/** Whether one pair of brackets holds all of it. */
function isBracketed(text: string): boolean {
  if (!/^[([{|‖⌊⌈⟨].*[)\]}|‖⌋⌉⟩]$/su.test(text)) return false
  if (/^[|‖]/.test(text)) return !/[|‖]/.test(text.slice(1, -1))
  let depth = 0
  const last = text.length - 1
  for (let at = 0; at <= last; at += 1) {
    const sign = text.charAt(at)
    if ('([{⌊⌈⟨'.includes(sign)) depth += 1
    else if (')]}⌋⌉⟩'.includes(sign)) depth -= 1
    if (depth === 0 && at < last) return false
  }
  return true
}
