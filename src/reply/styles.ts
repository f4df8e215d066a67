/**
 * What a text continues when its paragraph, quote or list is cut: the styles that were open, the mark of the quote, and the
 * indentation that belongs to the list above. Pure.
 */
import type { Context, Line } from './blocks.ts'

type TextContext = Extract<Context, { kind: 'text' }>

const quoteMark = /^(?:[ \t]{0,3}>[ \t]?)+/
const itemMark = /^[ \t]*(?:>[ \t]?)*(?:[-*+]|\d{1,9}[.)])[ \t]+/

/** The context of what begins at `at`. `lines` are those of `window`, which begins in `start`. */
export function textContextAt(
  window: string,
  lines: Line[],
  at: number,
  midLine: boolean,
  start: Context,
): TextContext {
  const before = start.kind === 'text' ? start : undefined
  const current = lines.findLastIndex(({ from }) => from <= at)
  const line = lines[current]
  if (!midLine && (line === undefined || line.from !== at || line.role !== 'text'))
    return { kind: 'text', dedent: inList(window, lines, at, before) ? 'first' : undefined }
  const from = paragraphStart(window, lines, at, midLine)
  const begun = from === 0 ? before : undefined
  const marks = openMarks(window.slice(from, at), begun?.marks ?? [])
  if (!midLine) return { kind: 'text', marks, dedent: inList(window, lines, at, before) ? 'first' : undefined }
  const first = window.slice(line?.from ?? 0, at)
  const quote = line?.from === 0 && before?.quote !== undefined ? before.quote : quoteMark.exec(first)?.[0]
  return { kind: 'text', marks, quote, dedent: itemMark.exec(window.slice(from, at))?.[0].length }
}

/** The first line of the paragraph, heading or list item that `at` stands in or after. */
function paragraphStart(window: string, lines: Line[], at: number, midLine: boolean): number {
  let start = at
  for (const { from, role } of lines.filter((line) => line.from < at).reverse()) {
    if (role !== 'text' && !(role === 'heading' && midLine && start === at)) break
    start = from
    if (role === 'heading' || itemMark.test(window.slice(from, from + 40))) break
  }
  return start
}

/** Whether indentation after `at` may belong to a list that began before. */
function inList(window: string, lines: Line[], at: number, before: TextContext | undefined): boolean {
  for (const { from, role } of lines.filter((line) => line.from < at).reverse()) {
    if (role === 'blank') continue
    const head = window.slice(from, from + 40)
    if (!/^[ \t]/.test(head)) return itemMark.test(head)
  }
  return before?.dedent !== undefined
}

/** The styles that are open at the end of `text`, outermost first. `**` may not be closed before the text goes on. */
export function openMarks(text: string, begun: readonly string[]): string[] {
  const open = [...begun]
  for (let at = 0; at < text.length; ) {
    const sign = text[at] ?? ''
    const run = /^(?:`+|\*+|_+|~+)/.exec(text.slice(at, at + 64))?.[0] ?? ''
    if (sign === '\\') at += 2
    else if (sign === '`') at = afterCode(text, at, run)
    else if (text.startsWith('](', at)) at = Math.max(at + 2, text.indexOf(')', at) + 1)
    else if (run === '') at += 1
    else {
      step(open, run, text[at - 1], text[at + run.length])
      at += run.length
    }
  }
  return open
}

function afterCode(text: string, at: number, run: string): number {
  const rest = text.slice(at + run.length)
  const end = new RegExp(`(?<!\`)${run}(?!\`)`).exec(rest)
  return at + run.length + (end === null ? 0 : end.index + run.length)
}

/** https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis, as far as one cut needs it. */
function step(open: string[], run: string, before: string | undefined, after: string | undefined): void {
  const sign = run[0] ?? ''
  if (run.length > 3 || (sign === '~' && run.length !== 2) || after === undefined) return
  const isSpace = (char: string | undefined) => char === undefined || /\s/.test(char)
  const isPunctuation = (char: string | undefined) => char !== undefined && /[\p{P}\p{S}]/u.test(char)
  const left = !isSpace(after) && (!isPunctuation(after) || isSpace(before) || isPunctuation(before))
  const right = !isSpace(before) && (!isPunctuation(before) || isSpace(after) || isPunctuation(after))
  const mayOpen = left && (sign !== '_' || !right || isPunctuation(before))
  const mayClose = right && (sign !== '_' || !left || isPunctuation(after))
  let length = run.length
  while (mayClose && length > 0) {
    const at = open.findLastIndex((mark) => mark[0] === sign)
    const mark = open[at]
    if (mark === undefined || mark.length > length) break
    open.splice(at)
    length -= mark.length
  }
  if (!mayOpen || length === 0) return
  if (length >= 2) open.push(sign.repeat(2))
  if (length % 2 === 1) open.push(sign)
}

/** `body` as the beginning of a message: styles opened again, the quote marked, and the list's indentation taken away. */
export function resumed(body: string, { marks = [], quote = '', dedent }: TextContext): string {
  const [, head = '', words = ''] = /^((?:[ \t]{0,3}>[ \t]?)*)([\s\S]*)$/.exec(shifted(body, dedent)) ?? []
  return words.trim() === '' ? body : `${quote}${head}${marks.join('')}${words}`
}

/** Lines without the indentation of the list that they continue, up to the first line that has less of it. */
export function shifted(body: string, dedent: number | 'first' | undefined): string {
  if (dedent === undefined) return body
  const width = dedent === 'first' ? (/^[ \t]*/.exec(body)?.[0].length ?? 0) : dedent
  if (width === 0) return body
  const lines = body.split('\n')
  const end = lines.findIndex((line, at) => {
    const continued = dedent !== 'first' && at === 0
    return !continued && line.trim() !== '' && (/^[ \t]*/.exec(line)?.[0].length ?? 0) < width
  })
  const inside = end < 0 ? lines.length : end
  return lines.map((line, at) => (at < inside && /^[ \t]/.test(line) ? line.slice(width) : line)).join('\n')
}
