/** Where to end a message whose text does not fit: at the best border that leaves it well filled. Pure. */
import { sentenceEndsBefore } from '../core/text/sentences.ts'
import { type Context, closing, type Line, linesOf, opening, plain } from './blocks.ts'
import { resumed, shifted, textContextAt } from './styles.ts'
import { markUnbreakable } from './unbreakable.ts'

export interface Cut {
  at: number
  /** What the text after the cut continues. */
  context: Context
  /** The line goes on after the cut. */
  midLine: boolean
}

/** A border of a better kind is taken when it leaves the message at least so full. */
const FILL = { paragraph: 0.5, line: 0.5, sentence: 0.4, word: 0.25 }

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * `window` is the shortest beginning of the rest that does not fit: the cut depends on nothing after it, so that it
 * stays where it is when the text grows.
 */
export function chooseCut(window: string, context: Context, maxChars: number, maxHeader: number): Cut {
  const lines = linesOf(window, context, maxHeader)
  const marks = unbreakable(window, lines)
  const fits = ({ at, context: end }: Cut) => messageText(window.slice(0, at), context, end).length <= maxChars
  const cutAt = (at: number, after: Context, midLine: boolean): Cut => {
    const resume = after.kind === 'text' && at < window.length
    return { at, context: resume ? textContextAt(window, lines, at, midLine, context) : after, midLine }
  }

  const byLine = (kind: 'paragraph' | 'line'): Cut | undefined => {
    for (let i = lines.length; i > 0; i--) {
      const line = lines[i]
      const at = line?.from ?? window.length
      if (at < FILL[kind] * window.length) return undefined
      if (i === lines.length && !window.endsWith('\n')) continue
      if (marks[at] || !mayEndAfter(lines, i) || (kind === 'paragraph' && !isParagraphEnd(lines, i))) continue
      const cut = cutAt(at, line?.before ?? lines[i - 1]?.after ?? plain, false)
      if (fits(cut)) return cut
    }
  }
  const within = (isBorder: (window: string, at: number) => boolean, least: number): Cut | undefined => {
    let i = lines.length - 1
    for (let at = window.length - 1; at > 0 && at >= least * window.length; at--) {
      while ((lines[i]?.from ?? 0) > at) i--
      const line = lines[i]
      if (line === undefined || marks[at] || !isBorder(window, at)) continue
      const cut = cutAt(at, at === line.from ? line.before : inLine(line), at !== line.from)
      if (fits(cut)) return cut
    }
  }
  const isGrapheme = graphemeBorders(window)
  const best = () =>
    byLine('paragraph') ??
    byLine('line') ??
    within(isSentenceEnd, FILL.sentence) ??
    within(isWordEnd, FILL.word) ??
    within(isGrapheme, 0)
  // What is longer than a message is broken after all, but still at a word or a character.
  const broken = () => {
    marks.fill(0)
    return within(isWordEnd, FILL.word) ?? within(isGrapheme, 0) ?? within(isCharacter, 0)
  }
  return best() ?? broken() ?? { at: window.length, context: plain, midLine: false }
}

/** A message's text: what it continues is opened again, what it breaks off is closed. */
export function messageText(body: string, start: Context, end: Context): string {
  const trimmed = end.kind === 'code' ? body.replace(/\n$/, '') : body.trimEnd()
  if (start.kind === 'text') return resumed(trimmed, start) + closing(end)
  if (start.kind === 'table') return opening(start) + trimmed + closing(end)
  // Code of a list goes on without the list's indentation, which could make it another block.
  const { prefix } = start.fence
  if (prefix.trim() !== '' || prefix === '') return opening(start) + trimmed + closing(end)
  const fence = { ...start.fence, prefix: '' }
  const last = end.kind === 'code' && end.fence === start.fence ? closing({ kind: 'code', fence }) : closing(end)
  return opening({ kind: 'code', fence }) + shifted(`${prefix}\n${trimmed}`, prefix.length).slice(1) + last
}

/** Code goes on as code; a row that had to be broken goes on as text. */
function inLine(line: Line): Context {
  return line.role === 'code' ? line.before : plain
}

function unbreakable(window: string, lines: Line[]): Uint8Array {
  const marks = new Uint8Array(window.length + 1)
  let paragraph: number | undefined
  for (const [i, { from, to, role }] of lines.entries()) {
    const isText = role === 'text' || role === 'heading'
    if (isText) paragraph ??= from
    const ends = !isText || i === lines.length - 1
    if (ends && paragraph !== undefined) {
      const end = isText ? to : from
      markUnbreakable(window, paragraph, end, end === window.length, marks)
      paragraph = undefined
    }
    // Rows, and the lines that open and close code, stay whole; a header stays with its first row.
    if (role === 'row' || role === 'open' || role === 'close') marks.fill(1, from + 1, to)
    if (role === 'header' || role === 'delimiter') marks.fill(1, from + 1, to + 1)
  }
  return marks
}

/** Whether a message may end before line `i`. */
function mayEndAfter(lines: Line[], i: number): boolean {
  const next = lines[i]
  let last = i - 1
  while (last > 0 && lines[last]?.role === 'blank') last--
  const role = lines[last]?.role
  // Neither a heading nor the beginning of a code block stands alone, nor does the end of one.
  return role !== 'heading' && role !== 'open' && role !== 'header' && role !== 'delimiter' && next?.role !== 'close'
}

function isParagraphEnd(lines: Line[], i: number): boolean {
  const previous = lines[i - 1]?.role
  const next = lines[i]?.role
  if (next === 'code' || next === 'row') return false
  return (
    previous === 'blank' ||
    previous === 'close' ||
    next === 'blank' ||
    next === 'open' ||
    next === 'header' ||
    next === 'heading'
  )
}

/** After white space, where the rest does not become a list, a quote, a fence, nor a citation without its sentence. */
function isWordEnd(text: string, at: number): boolean {
  const next = text.slice(at, at + 12)
  if (/^(?:\s|[-*+>#|=]|\d{1,9}[.)]|```|~~~|\[\d*(?:\]|$))/.test(next)) return false
  return /[\s、，；：]/.test(text[at - 1] ?? '') || isCjkSentenceEnd(text, at)
}

function isSentenceEnd(text: string, at: number): boolean {
  if (isCjkSentenceEnd(text, at)) return true
  return isWordEnd(text, at) && /\s/.test(text[at - 1] ?? '') && sentenceEndsBefore(text, at)
}

function isCjkSentenceEnd(text: string, at: number): boolean {
  return /[。！？]/.test(text[at - 1] ?? '') && !/[”」』）。！？\s[]/.test(text[at] ?? '')
}

function graphemeBorders(window: string): (text: string, at: number) => boolean {
  let borders: Set<number> | undefined
  return (text, at) => {
    const before = text.charCodeAt(at - 1)
    const after = text.charCodeAt(at)
    if (before < 0x300 && after < 0x300) return !(before === 13 && after === 10)
    borders ??= new Set(Array.from(graphemes.segment(window), ({ index }) => index))
    // Half a pair at the window's end may become a mark of the character before it.
    return borders.has(at) && !(at === window.length - 1 && isHigh(after))
  }
}

function isCharacter(text: string, at: number): boolean {
  return !isHigh(text.charCodeAt(at - 1))
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
