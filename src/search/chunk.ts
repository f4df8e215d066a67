/** An artifact in pieces that can be found and cited. Pure; every piece lies within one position. */
import type { Artifact, Segment } from '../core/artifact.ts'
import { sentenceSpans } from '../core/text/sentences.ts'
import type { Passage } from './passages.ts'

/** Small enough to be about one thing, large enough to be understood alone. */
const MAX_TOKENS = 400
/** Whatever its tokens are said to be, a piece stays readable and below the index's limits. */
const MAX_CHARS = 6_000
/** Where a segment's tokens were not counted. */
const CHARS_PER_TOKEN = 4

/** Borders of a text, best first. A piece ends at the best border that leaves it at least half full. */
const borders: readonly ((window: string) => Iterable<number>)[] = [
  (window) => endsOf(window, /\n[^\S\n]*\n\s*/g),
  (window) => sentenceSpans(window).map(({ to }) => to + (/^\s+/.exec(window.slice(to, to + 100))?.[0].length ?? 0)),
  (window) => endsOf(window, /(?<=[:;；]["'”’»)\]]*)\s+|(?<=；)/g),
  (window) => endsOf(window, /\n\s*/g),
  (window) => endsOf(window, /\s+|(?<=[、，,;])/g),
]

function* endsOf(window: string, border: RegExp): Generator<number> {
  for (const match of window.matchAll(border)) yield match.index + match[0].length
}

/** The passages of an artifact in reading order. Blank segments give none; their tokens add up to the segment's. */
export function chunk(artifact: Pick<Artifact, 'contentHash' | 'engine' | 'segments'>): Passage[] {
  const passages: Passage[] = []
  for (const segment of artifact.segments) {
    for (const { text, tokens } of pieces(segment)) {
      const { contentHash, engine } = artifact
      passages.push({ contentHash, engine, ordinal: passages.length, text, at: segment.at, tokens })
    }
  }
  return passages
}

function pieces({ text, tokens }: Segment): { text: string; tokens: number }[] {
  if (text.trim() === '') return []
  const counted = tokens > 0 ? tokens : Math.ceil(text.length / CHARS_PER_TOKEN)
  const perChar = counted / text.length
  const cuts = cutPoints(text, Math.max(1, Math.min(MAX_CHARS, Math.floor(MAX_TOKENS / perChar))))
  const parts: { text: string; tokens: number }[] = []
  let from = 0
  let given = 0
  for (const to of [...cuts, text.length]) {
    const part = text.slice(from, to).trim()
    // Rounded on the running total, so that nothing is lost over many pieces.
    const until = Math.round(to * perChar)
    if (part !== '') {
      parts.push({ text: part, tokens: Math.max(1, until - given) })
      given = until
    }
    from = to
  }
  return parts
}

/** Equal shares rather than full pieces and a rest: 450 tokens are 225 and 225, not 400 and 50. */
function cutPoints(text: string, maxChars: number): number[] {
  const cuts: number[] = []
  let from = 0
  while (text.length - from > maxChars) {
    const left = text.length - from
    const share = Math.ceil(left / Math.ceil(left / maxChars))
    const to = from + cutWithin(text.slice(from, from + maxChars), share)
    cuts.push(to)
    from = to
  }
  return cuts
}

/** Where to cut `window`: nearest to `share` at the best kind of border, never before half of it. */
function cutWithin(window: string, share: number): number {
  for (const border of borders) {
    let best = 0
    for (const at of border(window)) {
      if (at > share / 2 && at <= window.length && Math.abs(at - share) < Math.abs(best - share)) best = at
    }
    if (best > 0) return best
  }
  const high = window.charCodeAt(share - 1)
  return high >= 0xd800 && high <= 0xdbff && share > 1 ? share - 1 : share
}
