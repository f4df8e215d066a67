/**
 * Finds bracketed markers in a growing Markdown text. What is ready comes out at once; what may still become a marker or
 * code is held until it is known. The result is a function of the whole text: it does not depend on how the text came in.
 */
import { closesFence, type Fence, openingFence } from './fences.ts'

export interface MarkerReader {
  /**
   * What stands for a marker in the text; an empty string takes it away, `undefined` leaves the text as it is. `around`: absent
   * unless `looksAround`.
   */
  replace(inner: string, opener: '[' | '【' | '(', around?: Around): string | undefined
  /** A marker waits until it is known whether others follow it at once. */
  looksAround?: boolean
}

export interface Around {
  /** What was shown before it, as far as it is of use. */
  before: string
  /** What may be markers and follows at once. */
  following: string[]
}

/** What is held back is never longer than this. */
const MAX_MARKER = 160
/** More markers in a row are none. */
const MAX_GROUP = 20
const MAX_SPAN = 1_000
/** So much of the text before a marker is kept. */
const MAX_BEFORE = 4_000

const CLOSERS = { '[': ']', '【': '】', '(': ')' } as const
type Opener = keyof typeof CLOSERS

/** `next`: where reading goes on. `wait`: more text is needed. */
type Step = { next: number } | 'wait'

export function createMarkerScanner(reader: MarkerReader): { push(delta: string): string; flush(): string } {
  let held = ''
  let out = ''
  /** White space whose fate depends on what follows. */
  let spaces = ''
  let dropped = false
  let before = ''
  /** The line so far while only indentation and list signs stood in it; `undefined` once there was text. */
  let lineStart: string | undefined = ''
  let fence: Fence | undefined
  let fenceLine = ''

  function emit(text: string): void {
    // Where a marker was taken away, the space before it goes too, unless it parts two words.
    if (!dropped || /^[\p{L}\p{N}[(【`*_"„“]/u.test(text)) out += spaces
    if (reader.looksAround) before = (before + spaces + text).slice(-MAX_BEFORE)
    out += text
    spaces = ''
    dropped = false
    const lineBreak = text.lastIndexOf('\n')
    const line: string = lineBreak < 0 ? (lineStart ?? 'x') + text : text.slice(lineBreak + 1)
    lineStart = /^(?:[ \t>]|(?:[-*+]|\d{1,3}[.)])[ \t])*(?:[-*+]|\d{1,3}[.)]?)?$/.test(line) ? line : undefined
  }

  function step(text: string, at: number, final: boolean): Step {
    const sign = text[at] ?? ''
    if (fence) return inFence(text, at, fence)
    if (lineStart !== undefined && (sign === '`' || sign === '~')) {
      const found = fenceAt(text, at, lineStart + spaces, final)
      if (found === 'wait') return 'wait'
      if (found !== undefined) {
        fence = found.fence
        emit(text.slice(at, found.end))
        return { next: found.end }
      }
    }
    if (sign === ' ' || sign === '\t') {
      if (dropped) spaces = ''
      dropped = false
      const run = /^[ \t]+/.exec(text.slice(at))?.[0] ?? sign
      spaces += run
      return { next: at + run.length }
    }
    if (sign === '\\') return at + 1 < text.length || final ? plainText(text, at, at + 2) : 'wait'
    if (sign === '`') return inSpan(text, at, final)
    if (sign === '[' || sign === '【' || sign === '(') return bracket(text, at, sign, final)
    const end = text.slice(at + 1).search(/[\s\\`~[【(]/)
    return plainText(text, at, end < 0 ? text.length : at + 1 + end)
  }

  function plainText(text: string, from: number, to: number): Step {
    emit(text.slice(from, to))
    return { next: to }
  }

  function inFence(text: string, at: number, open: Fence): Step {
    const lineBreak = text.indexOf('\n', at)
    const end = lineBreak < 0 ? text.length : lineBreak + 1
    fenceLine += text.slice(at, end)
    if (lineBreak >= 0) {
      if (closesFence(open, fenceLine.slice(0, -1))) fence = undefined
      fenceLine = ''
    }
    return plainText(text, at, end)
  }

  function inSpan(text: string, at: number, final: boolean): Step {
    const run = /^`+/.exec(text.slice(at))?.[0] ?? '`'
    if (at + run.length === text.length && !final) return 'wait'
    const line = text.slice(at + run.length, at + run.length + MAX_SPAN)
    const rest = line.split('\n', 1)[0] ?? ''
    for (const { 0: other, index } of rest.matchAll(/`+/g)) {
      const end = at + run.length + index + other.length
      if (end === text.length && !final) return 'wait'
      if (other.length === run.length) return plainText(text, at, end)
    }
    const isDecided = final || rest.length < line.length || line.length === MAX_SPAN
    return isDecided ? plainText(text, at, at + run.length) : 'wait'
  }

  function bracket(text: string, at: number, opener: Opener, final: boolean): Step {
    const literal = () => plainText(text, at, at + 1)
    const doubled = opener === '[' && text[at + 1] === '['
    const from = at + (doubled ? 2 : 1)
    const window = text.slice(from, from + MAX_MARKER)
    const close = window.indexOf(CLOSERS[opener])
    const inner = close < 0 ? window : window.slice(0, close)
    if (!mayBeMarker(inner, opener)) return literal()
    if (close < 0) {
      if (window.length === MAX_MARKER) return literal()
      if (!final) return 'wait'
      // The text ended in the middle of a marker: a piece of one says nothing.
      return /^\s*\d{1,3}\s*:\s*(?:(?:[ft]\d+\s*){1,2}[a-z]?|[a-z])[\d\s-]*$/i.test(inner)
        ? { next: text.length }
        : literal()
    }
    const end = from + close + 1
    // Its next sign tells a link, and a doubled bracket's end.
    if (end === text.length && !final && opener === '[') return 'wait'
    if (doubled && text[end] !== ']') return literal()
    if (/^\d+$/.test(inner) && opener === '[' && !doubled) return number(text, at, end)
    const after = doubled ? end + 1 : end
    const following = reader.looksAround ? followingIn(text, after, final) : []
    if (following === 'wait') return 'wait'
    const around = reader.looksAround ? { before, following } : undefined
    const replacement = reader.replace(inner, opener, around)
    if (replacement === undefined) return literal()
    if (replacement === '') dropped = true
    else emit(replacement)
    return { next: after }
  }

  /** What stands in the brackets that follow with nothing but white space before them. */
  function followingIn(text: string, from: number, final: boolean): string[] | 'wait' {
    const found: string[] = []
    for (let at = from; ; ) {
      const open = at + (/^[ \t]*/.exec(text.slice(at, at + MAX_MARKER))?.[0].length ?? 0)
      const opener = text[open]
      if (opener === undefined) return final || found.length >= MAX_GROUP ? found : 'wait'
      if (opener !== '[' && opener !== '【') return found
      const window = text.slice(open + 1, open + 1 + MAX_MARKER)
      const close = window.indexOf(CLOSERS[opener])
      if (close < 0) return final || window.length === MAX_MARKER || !mayBeMarker(window, opener) ? found : 'wait'
      found.push(window.slice(0, close).replace(/^\[/, ''))
      at = open + 1 + close + 1
      if (text[at] === ']') at += 1
    }
  }

  /** `[3]` of the model's own is not a citation, and must not look like one; a link or its definition stays. */
  function number(text: string, at: number, end: number): Step {
    const isLink = text[end] === '(' || (text[end] === ':' && lineStart !== undefined)
    emit(isLink ? text.slice(at, end) : `\\[${text.slice(at + 1, end - 1)}\\]`)
    return { next: end }
  }

  function run(final: boolean): string {
    out = ''
    let at = 0
    while (at < held.length) {
      const done = step(held, at, final)
      if (done === 'wait') break
      at = done.next
    }
    held = held.slice(at)
    if (final && !dropped) {
      out += spaces
      spaces = ''
    }
    return out
  }

  return {
    push(delta) {
      held += delta
      return run(false)
    },
    flush: () => run(true),
  }
}

/** The fence that the line from `at` opens; its info is not known before the line's end. */
function fenceAt(
  text: string,
  at: number,
  before: string,
  final: boolean,
): { fence: Fence; end: number } | 'wait' | undefined {
  const sign = text[at]
  let end = at
  while (text[end] === sign) end++
  if (end - at < 3) return end === text.length && !final ? 'wait' : undefined
  const lineBreak = text.indexOf('\n', at)
  const line = text.slice(at, lineBreak < 0 ? text.length : lineBreak)
  if (lineBreak < 0 && !final && !(sign === '`' && text.includes('`', end))) return 'wait'
  const fence = openingFence(before + line)
  return fence && { fence, end: lineBreak < 0 ? text.length : lineBreak + 1 }
}

function mayBeMarker(inner: string, opener: Opener): boolean {
  // Parentheses are common in prose: only the exact form counts.
  if (opener === '(') return /^\d{0,3}(?:(?<=\d):\s?(?:[ftpsrlm][\s\d.,;:–—a-z-]*)?)?$/i.test(inner)
  if (!/^[\p{L}\p{Nd} \t:：.,;&†–—#_-]*$/u.test(inner)) return false
  return inner.trim().length <= 12 || /^\D{0,12}\d{1,3}\s*[:：,\s]\s*[a-z\d]/i.test(inner)
}
