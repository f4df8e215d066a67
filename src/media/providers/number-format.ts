/**
 * Shows a number of a spreadsheet or a chart by its format code (ECMA-376 part 1, 18.8.31): leading zeros, currencies, words, conditions,
 * thousands, percentages, fractions, powers of ten, dates and times. Unlike on screen, no digit is rounded away and no sign is left to a color;
 * dates are in ISO form, which reads the same everywhere.
 */
import { dateKindOf, plain, showDate } from './number-dates.ts'

export interface NumberFormat {
  number(value: number, since1904: boolean): string
  /** Words in cells, to which a format may add. */
  text(words: string): string
}

/** Formats that files name by number only (ECMA-376, 18.8.30). The dates of East Asian programs are shown in ISO form too. */
const builtin: Readonly<Record<number, string>> = {
  9: '0%',
  10: '0.00%',
  11: '0.00E+00',
  12: '# ?/?',
  13: '# ??/??',
  18: 'h:mm AM/PM',
  19: 'h:mm:ss AM/PM',
  20: 'h:mm',
  21: 'h:mm:ss',
  22: 'm/d/yy h:mm',
  45: 'mm:ss',
  46: '[h]:mm:ss',
  47: 'mm:ss.0',
  48: '##0.0E+0',
  49: '@',
}

export function builtinFormat(id: number): string {
  const isDate = (id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58)
  const isTime = id >= 32 && id <= 35
  return builtin[id] ?? (isDate ? 'yyyy-mm-dd' : isTime ? 'h:mm:ss' : 'General')
}

/** Excel's own limit is 255. */
const longestCode = 1_000

/** The format of most cells. */
const general: NumberFormat = { number: plain, text: (words) => words }

export function compileFormat(code: string): NumberFormat {
  if (code === '' || code === 'General') return general
  const sections = splitSections(code.slice(0, longestCode)).map(parseSection)
  const textSection = sections.find(({ tokens }) => tokens.some(({ kind }) => kind === 'text'))
  const numeric = sections.filter((section) => section !== textSection).slice(0, 3)
  return {
    number(value, since1904) {
      const at = sectionOf(numeric, value)
      const section = numeric[at]
      return section === undefined ? plain(value) : show(section, value, { at, of: numeric.length, since1904 })
    },
    text(words) {
      const shown = textSection?.tokens
        .map(({ kind, text }) => (kind === 'text' ? words : literal(kind, text)))
        .join('')
      return shown?.trim() || words
    },
  }
}

interface Token {
  kind: 'literal' | 'digit' | 'point' | 'comma' | 'percent' | 'exponent' | 'slash' | 'general' | 'text' | 'date'
  text: string
}

export interface Section {
  tokens: Token[]
  condition: ((value: number) => boolean) | undefined
  /** The condition is one value, so that words can stand for it. */
  exact: boolean
  /** The unit that counts on over its usual end, as in `[h]:mm`. */
  elapsed: boolean
}

function splitSections(code: string): string[] {
  const sections = ['']
  for (const [piece] of code.matchAll(/"[^"]*"?|\\.|\[[^\]]*\]?|[_*].|;|[\s\S]/gsu)) {
    if (piece === ';') sections.push('')
    else sections[sections.length - 1] += piece
  }
  return sections
}

const pattern =
  /"([^"]*)"?|[\\!](.)|\[([^\]]*)\]?|[_*].|(general|standard|g\/通用格式)|(e[+-])|(am\/pm|a\/p|上午\/下午)|([ymdhsbeg]+)|([0#?])|([.,%/@])|([\s\S])/gisu

function parseSection(code: string): Section {
  const section: Section = { tokens: [], condition: undefined, exact: false, elapsed: false }
  const add = (kind: Token['kind'], text: string) => section.tokens.push({ kind, text })
  for (const [, quoted, escaped, bracket, general, exponent, noon, date, digit, sign, other] of code.matchAll(
    pattern,
  )) {
    if (quoted !== undefined || escaped !== undefined) add('literal', quoted ?? escaped ?? '')
    else if (bracket !== undefined) addBracket(section, bracket)
    else if (general !== undefined) add('general', general)
    else if (exponent !== undefined) add('exponent', exponent)
    else if (noon !== undefined) add('date', 'h')
    else if (date !== undefined) add('date', date.toLowerCase())
    else if (digit !== undefined) add('digit', digit)
    else if (sign !== undefined)
      add(({ '.': 'point', ',': 'comma', '%': 'percent', '/': 'slash', '@': 'text' } as const)[sign] ?? 'literal', sign)
    else if (other !== undefined) add('literal', other)
  }
  return section
}

function addBracket(section: Section, inner: string): void {
  const currency = /^\$([^-\]]*)/.exec(inner)?.[1]
  const condition = /^(<=|>=|<>|<|>|=)\s*(-?[\d.]+(?:e[+-]?\d+)?)$/i.exec(inner.trim())
  // System formats of dates and times.
  if (/^\$-F800/i.test(inner)) section.tokens.push({ kind: 'date', text: 'yyyy' })
  else if (/^\$-F400/i.test(inner)) section.tokens.push({ kind: 'date', text: 'h' })
  else if (currency !== undefined) section.tokens.push({ kind: 'literal', text: currency })
  else if (/^(?:h+|m+|s+)$/i.test(inner)) {
    section.elapsed = true
    section.tokens.push({ kind: 'date', text: inner.toLowerCase() })
  } else if (condition !== null) {
    const [, sign = '', bound = ''] = condition
    section.condition = (value) => compare(value, sign, Number(bound))
    section.exact = sign === '='
  }
}

function compare(value: number, sign: string, bound: number): boolean {
  switch (sign) {
    case '<':
      return value < bound
    case '<=':
      return value <= bound
    case '>':
      return value > bound
    case '>=':
      return value >= bound
    case '=':
      return value === bound
    default:
      return value !== bound
  }
}

function sectionOf(sections: readonly Section[], value: number): number {
  const last = sections.length - 1
  if (sections.some(({ condition }) => condition !== undefined)) {
    const found = sections.findIndex(
      ({ condition }, at) => condition?.(value) ?? (at === last || (at === 0 ? value > 0 : value < 0)),
    )
    return found
  }
  if (value < 0 && last >= 1) return 1
  return value === 0 && last >= 2 ? 2 : 0
}

interface Place {
  at: number
  of: number
  since1904: boolean
}

function show(section: Section, value: number, { at, of, since1904 }: Place): string {
  const { tokens } = section
  const dates = dateKindOf(
    tokens.filter(({ kind }) => kind === 'date').map(({ text }) => text),
    section.elapsed,
  )
  const digits = tokens.some(({ kind }) => kind === 'digit')
  const general = tokens.some(({ kind }) => kind === 'general')
  if (dates !== undefined && !general)
    return withWords(tokens, showDate(value, dates, { since1904, seconds: secondsOf(tokens) }))
  if (general) return affixed(tokens, value, plain(Math.abs(value)), 'general')
  if (!digits) return showWords(section, value, at === 2 && of === 3 && section.condition === undefined)
  if (tokens.some(({ kind }, place) => kind === 'slash' && tokens[place - 1]?.kind === 'digit'))
    return showFraction(tokens, value)
  if (tokens.some(({ kind }) => kind === 'exponent')) return showExponent(tokens, value)
  return showDigits(tokens, value)
}

function secondsOf(tokens: readonly Token[]): 'none' | 'whole' | 'split' {
  if (tokens.some(({ kind }, at) => kind === 'point' && tokens[at + 1]?.text === '0')) return 'split'
  return tokens.some(({ kind, text }) => kind === 'date' && text.startsWith('s')) ? 'whole' : 'none'
}

/** Words before and after a date, such as "Week of"; not the signs within it. */
function withWords(tokens: readonly Token[], shown: string): string {
  const first = tokens.findIndex(({ kind }) => kind === 'date')
  const last = tokens.findLastIndex(({ kind }) => kind === 'date')
  const words = (some: readonly Token[]) => {
    const text = some.map(({ kind, text }) => (kind === 'literal' ? text : '')).join('')
    return /\p{L}{2}/u.test(text) ? text : ''
  }
  return `${words(tokens.slice(0, first))}${shown}${words(tokens.slice(last + 1))}`.trim()
}

/** Words in place of a number, with the number where they do not name it. */
function showWords({ tokens, exact }: Section, value: number, isZero: boolean): string {
  const words = tokens
    .map(({ kind, text }) => literal(kind, text))
    .join('')
    .trim()
  if (!/[\p{L}\p{N}✓✔✗✘☑☒☐]/u.test(words)) return plain(value)
  return exact || isZero || Math.abs(value) === 1 ? words : `${words} (${plain(value)})`
}

function literal(kind: Token['kind'], text: string): string {
  return kind === 'literal' || kind === 'percent' ? text : kind === 'slash' || kind === 'point' ? text : ''
}

/**
 * The number between the words and signs of its format. Brackets that stand for a minus become one; a format of digits alone adds nothing.
 */
function affixed(tokens: readonly Token[], value: number, shown: string, core: 'digit' | 'general'): string {
  const first = tokens.findIndex(({ kind }) => kind === core)
  const last = tokens.findLastIndex(({ kind }) => kind === core || kind === 'digit')
  const side = (some: readonly Token[]) => some.map(({ kind, text }) => literal(kind, text)).join('')
  let before = side(tokens.slice(0, first))
  let after = side(tokens.slice(last + 1).filter(({ kind }) => kind !== 'point'))
  if (value === 0) before = before.replace(/[-–−]/, '')
  if (value < 0) {
    before = before.replace(/[-–−]/, '')
    if (before.includes('(') && after.includes(')')) {
      before = before.replace('(', '')
      after = after.replace(')', '')
    }
    before = `-${before.trimStart()}`
  }
  return `${before}${shown}${after}`.trim()
}

function showDigits(tokens: readonly Token[], value: number): string {
  const first = tokens.findIndex(({ kind }) => kind === 'digit')
  const point = tokens.findIndex(({ kind }, at) => kind === 'point' && at >= first - 1)
  const last = tokens.findLastIndex(({ kind }) => kind === 'digit')
  const wholeEnd = point < 0 ? last + 1 : point
  const whole = tokens.slice(first, wholeEnd)
  const decimals = point < 0 ? [] : tokens.slice(point + 1, last + 1)
  const scale = scaleOf(tokens, whole, last)
  const grouped = whole.some(
    ({ kind }, at) => kind === 'comma' && whole.slice(at).some((next) => next.kind === 'digit'),
  )
  const percent = tokens.filter(({ kind }) => kind === 'percent').length
  const shown = plain((Math.abs(value) * 100 ** percent) / 1000 ** scale)
  const zeros = whole.filter(({ text }) => text === '0').length
  const others =
    tokens.some(({ kind, text }) => kind === 'literal' && /[^\s()+\-–−]/u.test(text)) ||
    whole.some(({ kind, text }) => kind === 'literal' && text.trim() !== '')
  if (!others && scale === 0 && zeros <= 1) {
    const sign = value < 0 ? '-' : ''
    return percent === 1 ? `${sign}${shown}%` : percent === 0 ? `${sign}${shown}` : plain(value)
  }
  if (shown.includes('e')) return affixed(tokens, value, shown, 'digit')
  const [digits = '0', fraction = ''] = shown.split('.')
  const least = decimals.filter(({ text }) => text === '0').length
  const rest = fraction.padEnd(least, '0')
  const inner = whole.some(({ kind }) => kind === 'literal')
    ? distribute(whole, digits)
    : group(digits.padStart(zeros, '0'), grouped)
  return affixed(tokens, value, rest === '' ? inner : `${inner}.${rest}`, 'digit')
}

/** Commas at the end of the digits show thousands, millions and so on. */
function scaleOf(tokens: readonly Token[], whole: readonly Token[], last: number): number {
  const trailing = (some: readonly Token[]) => some.length - 1 - some.findLastIndex(({ kind }) => kind !== 'comma')
  const after = tokens.slice(last + 1)
  const end = after.findIndex(({ kind }) => kind !== 'comma')
  return (end < 0 ? after.length : end) + (whole.at(-1)?.kind === 'comma' ? trailing(whole) : 0)
}

function group(digits: string, grouped: boolean): string {
  return grouped ? digits.replace(/\B(?=(?:\d{3})+$)/g, ',') : digits
}

/** Digits among signs, as in `000-00-0000`: filled from the right. */
function distribute(whole: readonly Token[], digits: string): string {
  const places = whole.filter(({ kind }) => kind === 'digit').length
  const filled = digits.padStart(places, ' ')
  let left = filled.length - places
  let shown = filled.slice(0, left)
  for (const { kind, text } of whole) {
    if (kind === 'literal') shown += text
    if (kind !== 'digit') continue
    const digit = filled.charAt(left)
    shown += digit === ' ' ? (text === '0' ? '0' : '') : digit
    left += 1
  }
  return shown
}

function showExponent(tokens: readonly Token[], value: number): string {
  const at = tokens.findIndex(({ kind }) => kind === 'exponent')
  const mantissa = tokens.slice(0, at)
  const point = mantissa.findIndex(({ kind }) => kind === 'point')
  const wholes = (point < 0 ? mantissa : mantissa.slice(0, point)).filter(({ kind }) => kind === 'digit').length
  const least = point < 0 ? 0 : mantissa.slice(point).filter(({ text }) => text === '0').length
  const [digits = '0', power = '0'] = Number(Math.abs(value).toPrecision(15)).toExponential().split('e')
  const exponent = Number(power)
  const step = Math.max(1, wholes)
  const shift = value === 0 ? 0 : ((exponent % step) + step) % step
  const shifted = Number(digits) * 10 ** shift
  const [whole = '0', fraction = ''] = plain(shifted).split('.')
  const width = tokens.slice(at + 1).filter(({ kind }) => kind === 'digit').length
  const sign = exponent - shift < 0 ? '-' : tokens[at]?.text.endsWith('+') ? '+' : ''
  const rest = fraction.padEnd(least, '0')
  const shown = `${whole}${rest === '' ? '' : `.${rest}`}E${sign}${String(Math.abs(exponent - shift)).padStart(width, '0')}`
  return affixed(tokens, value, shown, 'digit')
}

/** A fraction if the number is one; otherwise all its digits. */
function showFraction(tokens: readonly Token[], value: number): string {
  const code = tokens.map(({ text }) => text).join('')
  const [, wholes, , under = ''] = /([0#?]+\s+)?([0#?]+)\s*\/\s*([1-9]\d*|[0#?]+)/.exec(code) ?? []
  const size = Math.abs(value)
  const whole = wholes === undefined ? 0 : Math.floor(size + 1e-9)
  const part = size - whole
  const fixed = /^[1-9]/.test(under) ? Number(under) : undefined
  const most = Math.min(fixed ?? 10 ** under.length - 1, 999)
  for (let below = fixed ?? 1; below <= most; below += 1) {
    const above = Math.round(part * below)
    if (Math.abs(above / below - part) > 1e-9) continue
    const fraction = above === 0 && wholes !== undefined ? '' : `${above}/${below}`
    const shown = [whole === 0 && fraction !== '' ? '' : String(whole), fraction].filter(Boolean).join(' ')
    return affixed(
      tokens.filter(({ kind, text }) => (kind !== 'slash' && !/^\d$|^\s$/.test(text)) || kind === 'digit'),
      value,
      shown,
      'digit',
    )
  }
  return plain(value)
}
