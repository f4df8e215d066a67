/** Joins the pieces of an equation to a line: spaces around operators, none after a sign, and no two numbers that run together. */

export interface Piece {
  /**
   * `apply`: what follows is the argument of what stands before it. `script` ends with an index or an exponent. `name` is a function.
   */
  kind: 'operand' | 'operator' | 'fraction' | 'script' | 'matrix' | 'name' | 'words' | 'apply'
  text: string
}

const operators = '=≠≈≡≤≥<>±∓+-×÷∈∉⊂⊆∪∩→←↔⇒⇔∝∼≅≪≫∧∨'
const signs = '+-±∓'
const names = /^(?:a?(?:sin|cos|tan|cot|sec|csc)h?|arc(?:sin|cos|tan)|log|lg|ln|exp|lim|max|min|sup|inf|det|gcd|mod)$/
const split = new RegExp(String.raw`([${operators.replace('-', '\\-')}]|\s+|\u2061|\p{L}{2,})`, 'u')

/** The pieces of typed text. */
export function piecesOf(text: string): Piece[] {
  return text
    .replaceAll('\u2212', '-')
    .replace(/[\u2063\u200b]/g, '')
    .replace(/(\d)\u2062(?=\d)/g, '$1·')
    .replaceAll('\u2062', '')
    .replaceAll('\u2064', '+')
    .split(split)
    .flatMap((each): Piece[] => {
      if (each === '') return []
      if (each === '\u2061') return [{ kind: 'apply', text: '' }]
      if (each.trim() === '') return [{ kind: 'words', text: ' ' }]
      if (each.length === 1 && operators.includes(each)) return [{ kind: 'operator', text: each }]
      return [{ kind: names.test(each) ? 'name' : 'operand', text: each }]
    })
}

export function joinPieces(pieces: readonly Piece[]): string {
  let line = ''
  let last: Piece['kind'] | undefined
  for (const { kind, text } of pieces) {
    if (kind === 'apply') {
      if (last !== undefined) last = 'apply'
      continue
    }
    if (text === '') continue
    const opened = line === '' || /[([{|,;/^_]\s*$/.test(line)
    if (kind === 'operator') {
      const sign = signs.includes(text) && (opened || last === 'operator')
      line = sign ? `${line}${text}` : opened ? `${line}${text} ` : `${line.trimEnd()} ${text} `
      // A sign is followed by its number without a space.
      last = sign ? undefined : 'operator'
      continue
    }
    line += `${opened ? '' : between(line, last, kind, text)}${text}`
    last = text.trim() === '' ? (last === 'operator' ? last : 'words') : kind
  }
  return line.replace(/ {2,}/g, ' ').trim()
}

function between(line: string, last: Piece['kind'] | undefined, kind: Piece['kind'], text: string): string {
  if (/\s$/.test(line) || /^\s/.test(text) || kind === 'words' || last === undefined || last === 'words') return ''
  const startsPlain = /^[\p{L}\p{N}√∛∜∑∏∫]/u.test(text)
  if (last === 'apply' || last === 'name') return startsPlain || kind === 'fraction' ? ' ' : ''
  if (last === 'fraction' && /^\d/.test(text)) return '·'
  if (last === 'fraction') return /^[\p{L}(√∛∜]/u.test(text) ? ' ' : ''
  if (kind === 'fraction') return /[\p{L}\p{N})\]]$/u.test(line) ? ' ' : ''
  if (last === 'script' && startsPlain) return ' '
  if (kind === 'name' && /[\p{L})]$/u.test(line)) return ' '
  return ''
}

/** Exponents that are marks of their own: primes, and the small circle of degrees. Undefined for all others. */
export function primes(text: string): string | undefined {
  if (/^[∘°]$/.test(text)) return '°'
  return /^['′″‴†‡]+$/.test(text) ? text : undefined
}
