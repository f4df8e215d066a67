/** Positions of a text where it must not be broken: inside links, addresses, code spans, citations and escapes. */

/** An opener that was not closed may still be, if it is not far back: in characters, and as a share of the text. */
const MAX_OPEN = 400
const MAX_OPEN_SHARE = 0.4
const MAX_LINK_TEXT = 400
const MAX_TARGET = 2_000
/** Brackets that are no link are kept whole while they are short: `[12]`, `[x]`. */
const MAX_BRACKET = 40

/**
 * Marks the inner positions of what must stay whole in the paragraph `text[from, to)`. `open`: the paragraph goes on
 * beyond `to`, so that what is unfinished there may still be closed.
 */
export function markUnbreakable(text: string, from: number, to: number, open: boolean, marks: Uint8Array): void {
  const spans = codeSpans(text, from, to)
  const openFrom = open ? to - Math.min(MAX_OPEN, MAX_OPEN_SHARE * text.length) : to
  for (let at = from; at < to; ) {
    const found = unbreakableAt(text, at, to, { open, near: at >= openFrom }, spans)
    const end = found === 'unfinished' ? text.length + 1 : found
    marks.fill(1, at + 1, end)
    at = Math.max(end, at + 1)
  }
}

interface Unfinished {
  /** What began like a link or an address goes on to the end of the text, and perhaps beyond. */
  open: boolean
  /** The same may be true of what could still turn out to be a link or code. */
  near: boolean
}

/** The end of what must stay whole from `at` on; `at` itself when there is nothing of the kind. */
function unbreakableAt(
  text: string,
  at: number,
  to: number,
  { open, near }: Unfinished,
  spans: Map<number, number>,
): number | 'unfinished' {
  const sign = text[at]
  if (sign === '\\') return at + 2
  if (sign === '`') {
    const run = /^`+/.exec(text.slice(at, Math.min(to, at + 64)))?.[0].length ?? 1
    return spans.get(at) ?? (near ? 'unfinished' : at + run)
  }
  if (sign === '[') return bracketed(text, at, to, { open, near })
  if (/^https?:\/\/|^<https?:/.test(text.slice(at, at + 9))) {
    const end = addressEnd(text, at, to)
    return end === to && open ? 'unfinished' : end
  }
  return at
}

function bracketed(text: string, at: number, to: number, { open, near }: Unfinished): number | 'unfinished' {
  const end = bracketEnd(text, at, to)
  if (end === undefined) return at
  if (end === 'open') return near ? 'unfinished' : at
  if (end === to && open) return 'unfinished'
  if (text[end] === '(') {
    const target = targetEnd(text, end, to)
    if (target === 'open') return open ? 'unfinished' : at
    if (target !== undefined) return target
  }
  return end - at <= MAX_BRACKET ? end : at
}

/** Code spans by their start: a run of backticks and the next run that is as long. */
function codeSpans(text: string, from: number, to: number): Map<number, number> {
  const runs = Array.from(text.slice(from, to).matchAll(/`+/g), (run) => ({
    at: from + run.index,
    length: run[0].length,
  }))
  const last = new Map(runs.map((run, i) => [run.length, i]))
  const spans = new Map<number, number>()
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i]
    if (run === undefined || (last.get(run.length) ?? i) <= i) continue
    let j = i + 1
    while (runs[j]?.length !== run.length) j++
    spans.set(run.at, (runs[j]?.at ?? 0) + run.length)
    i = j
  }
  return spans
}

/** After the bracket that closes the one at `at`; `open` when the text ends before. */
function bracketEnd(text: string, at: number, to: number): number | 'open' | undefined {
  const limit = Math.min(to, at + MAX_LINK_TEXT)
  let depth = 0
  for (let i = at; i < limit; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '[') depth++
    else if (text[i] === ']' && --depth === 0) return i + 1
  }
  return limit === to ? 'open' : undefined
}

/** After the parenthesis that closes a link's target. */
function targetEnd(text: string, at: number, to: number): number | 'open' | undefined {
  const limit = Math.min(to, at + MAX_TARGET)
  let depth = 0
  for (let i = at; i < limit; i++) {
    if (text[i] === '\n') return undefined
    if (text[i] === '(') depth++
    else if (text[i] === ')' && --depth === 0) return i + 1
  }
  return limit === to ? 'open' : undefined
}

function addressEnd(text: string, at: number, to: number): number {
  let end = at
  while (end < to && !/[\s>]/.test(text[end] ?? ' ')) end++
  return text[end] === '>' && text[at] === '<' && end < to ? end + 1 : end
}
