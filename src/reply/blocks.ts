/** Markdown by lines, as far as splitting a reply needs it: code blocks, tables, headings, and the context at each line. */
import { close, closesFence, type Fence, openingFence, reopen } from './fences.ts'

/** What a text continues when it begins in the middle of a reply. */
export type Context =
  /**
   * `marks`: styles that are open, outermost first. `quote`: the mark of the quote whose line goes on. `dedent`: characters of
   * indentation that belong to the list before it; `first`: as many as its first line has.
   */
  | { kind: 'text'; marks?: readonly string[]; quote?: string; dedent?: number | 'first' }
  | { kind: 'code'; fence: Fence }
  /** `header`: the table's first two lines with their line breaks; empty when they are too long to be repeated. */
  | { kind: 'table'; header: string }

export interface Line {
  from: number
  /** After the line break. */
  to: number
  role: 'blank' | 'text' | 'heading' | 'open' | 'code' | 'close' | 'header' | 'delimiter' | 'row'
  /** Context of what begins with this line. */
  before: Context
  after: Context
}

export const plain: Context = { kind: 'text' }

const DELIMITER = /^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/

/** The lines of `text`. A last line without a line break is taken as if it were complete. */
export function linesOf(text: string, start: Context, maxHeader: number): Line[] {
  const lines: Line[] = []
  let context = start
  for (let from = 0; from < text.length; ) {
    const to = lineEnd(text, from)
    const line = bare(text, from, to)
    const next = bare(text, to, lineEnd(text, to))
    const previous = lines.at(-1)
    const { role, after, before } = read(line, next, context, previous, text.slice(previous?.from ?? 0, to), maxHeader)
    lines.push({ from, to, role, before, after })
    context = after
    from = to
  }
  return lines
}

function read(
  line: string,
  next: string,
  context: Context,
  previous: Line | undefined,
  withPrevious: string,
  maxHeader: number,
): Pick<Line, 'role' | 'before' | 'after'> {
  if (context.kind === 'code') {
    const closed = closesFence(context.fence, line)
    return { role: closed ? 'close' : 'code', before: context, after: closed ? plain : context }
  }
  if (previous?.role === 'header') {
    const header = withPrevious.endsWith('\n') ? withPrevious : `${withPrevious}\n`
    const after: Context = { kind: 'table', header: header.length <= maxHeader ? header : '' }
    return { role: 'delimiter', before: plain, after }
  }
  if (line.trim() === '') return { role: 'blank', before: plain, after: plain }
  const fence = openingFence(line)
  if (fence) return { role: 'open', before: plain, after: { kind: 'code', fence } }
  if (context.kind === 'table' && line.includes('|')) return { role: 'row', before: context, after: context }
  const isHeader = line.includes('|') && next.includes('-') && DELIMITER.test(next)
  if (isHeader) return { role: 'header', before: plain, after: plain }
  return { role: /^#{1,6}\s/.test(line) ? 'heading' : 'text', before: plain, after: plain }
}

/** What must stand before a text that continues `context`. */
export function opening(context: Context): string {
  if (context.kind === 'code') return reopen(context.fence)
  return context.kind === 'table' ? context.header : (context.quote ?? '') + (context.marks ?? []).join('')
}

/** What must stand after a text that breaks off in `context`. */
export function closing(context: Context): string {
  if (context.kind === 'code') return close(context.fence)
  return context.kind === 'text' ? (context.marks ?? []).toReversed().join('') : ''
}

/**
 * What a continued text turns out to continue, by its first line once that is complete: a code block that ends at once,
 * or a table that had no more rows, is not taken up again. `skip` is what belongs to the block that is left behind.
 */
export function settle(context: Context, firstLine: string): { context: Context; skip: boolean } {
  if (context.kind === 'code' && closesFence(context.fence, firstLine)) return { context: plain, skip: true }
  if (context.kind === 'table' && !firstLine.includes('|')) return { context: plain, skip: false }
  return { context, skip: false }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end + 1
}

function bare(text: string, from: number, to: number): string {
  return text.slice(from, text[to - 1] === '\n' && to > from ? to - 1 : to)
}
