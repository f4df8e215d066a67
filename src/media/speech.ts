/**
 * Turns transcripts into segments: joins those of overlapping pieces, and divides speech so that a segment is long enough to
 * make sense alone and short enough to jump to. Pure.
 */

import type { Segment } from '../core/artifact.ts'
import { storable } from '../core/json.ts'
import type { TranscribedSegment } from './transcriber.ts'

export interface TranscribedPiece {
  /** Times from the start of the recording. */
  segments: TranscribedSegment[]
  fromMs: number
  toMs: number
  /** The quiet moment where the next piece takes over. */
  cutMs: number
}

interface Word {
  /** Normalized for comparison, because case and punctuation differ between two transcripts. */
  key: string
  /** With whatever follows it up to the next word. */
  text: string
  fromMs: number
  toMs: number
  segment: TranscribedSegment
}

/** Transcribers round times, and the times of words are interpolated. */
const slackMs = 3_000
/** More words than fit into an overlap; a transcript with more has wrong times. */
const mostWords = 150

export function joinSpeech(pieces: TranscribedPiece[]): TranscribedSegment[] {
  let words: Word[] = []
  let before: TranscribedPiece | undefined
  for (const piece of pieces) {
    const next = piece.segments.flatMap(wordsOf)
    words = before === undefined ? next : join(words, next, { from: piece.fromMs, to: before.toMs, cut: before.cutMs })
    before = piece
  }
  return segmentsOf(words)
}

interface Overlap {
  from: number
  to: number
  cut: number
}

function join(earlier: Word[], later: Word[], overlap: Overlap): Word[] {
  const firstOfTail = Math.max(
    earlier.findLastIndex((word) => word.toMs < overlap.from - slackMs) + 1,
    earlier.length - mostWords,
  )
  const tail = earlier.slice(firstOfTail)
  const pastHead = later.findIndex((word) => word.fromMs > overlap.to + slackMs)
  const head = later.slice(0, Math.min(pastHead < 0 ? later.length : pastHead, mostWords))
  const run = bestRun(tail, head, overlap.cut)
  if (run !== undefined)
    return [...earlier.slice(0, firstOfTail + run.tail + run.length), ...later.slice(run.head + run.length)]
  const middle = (word: Word) => (word.fromMs + word.toMs) / 2
  return [
    ...earlier.filter((word, place) => place < firstOfTail || middle(word) <= overlap.cut),
    ...later.filter((word, place) => place >= head.length || middle(word) > overlap.cut),
  ]
}

interface Run {
  tail: number
  head: number
  length: number
}

/** The longest run of words that both transcripts have at about the same time, preferably near the cut. */
function bestRun(tail: Word[], head: Word[], cutMs: number): Run | undefined {
  let best: (Run & { score: number }) | undefined
  const lengths = new Map<string, number>()
  for (const [a, word] of tail.entries()) {
    for (const [b, other] of head.entries()) {
      const apart = Math.abs(word.fromMs - other.fromMs)
      if (word.key !== other.key || apart > slackMs) continue
      const length = (lengths.get(`${a - 1}-${b - 1}`) ?? 0) + 1
      lengths.set(`${a}-${b}`, length)
      if (length === 1 && (word.key.length < 4 || apart > slackMs / 2)) continue
      const first = tail[a - length + 1] ?? word
      const fromCut = Math.abs((first.fromMs + word.toMs) / 2 - cutMs)
      const score = length - (2 * apart) / 1000 - fromCut / 4000
      if (best === undefined || score >= best.score)
        best = { tail: a - length + 1, head: b - length + 1, length, score }
    }
  }
  return best
}

/** In scripts without spaces, each letter counts as a word. */
const wordPattern =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]\p{M}*|[\p{L}\p{N}][\p{L}\p{N}\p{M}'’]*/gu

/** A segment's words, each with its share of the segment's time. */
function wordsOf(segment: TranscribedSegment): Word[] {
  const { text, fromMs, toMs } = segment
  const found = [...text.matchAll(wordPattern)]
  const perCharacter = text.length === 0 ? 0 : (toMs - fromMs) / text.length
  return found.map((match, place) => {
    const start = place === 0 ? 0 : match.index
    const end = found[place + 1]?.index ?? text.length
    return {
      key: match[0].toLowerCase().replaceAll(/['’]/g, ''),
      text: text.slice(start, end),
      fromMs: fromMs + start * perCharacter,
      toMs: place === found.length - 1 ? toMs : fromMs + (match.index + match[0].length) * perCharacter,
      segment,
    }
  })
}

function segmentsOf(words: Word[]): TranscribedSegment[] {
  const segments: TranscribedSegment[] = []
  let of: TranscribedSegment | undefined
  for (const word of words) {
    const last = segments.at(-1)
    if (last === undefined || word.segment !== of) {
      segments.push({ text: word.text, fromMs: word.fromMs, toMs: word.toMs })
      of = word.segment
    } else {
      last.text += word.text
      last.toMs = word.toMs
    }
  }
  return segments.map(({ text, fromMs, toMs }) => ({
    text: text.trim(),
    fromMs: Math.round(fromMs),
    toMs: Math.round(toMs),
  }))
}

const enoughMs = 20_000
const mostMs = 45_000
const enoughCharacters = 300
const mostCharacters = 900
/** After such a pause the speaker or the subject has probably changed. */
const pauseMs = 2_000

/** Scripts that put no space between words. */
const unspaced = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}。！？]$/u

const sentenceEnd = /[.!?…。！？؟।]["'”’»)\]]*$/

export interface Speech {
  segments: Segment[]
  /** Where the limit of characters ended it. */
  cutAtMs?: number
}

/** The segments of a transcript, up to a limit of characters. */
export function speechSegments(
  transcription: TranscribedSegment[],
  maxCharacters: number,
  countTokens: (text: string) => number,
): Speech {
  const groups: TranscribedSegment[] = []
  for (const each of transcription.flatMap(shortened)) {
    const text = storable(each.text).replaceAll(/\s+/g, ' ').trim()
    if (text === '') continue
    const last = groups.at(-1)
    if (last !== undefined && belongs(last, { ...each, text })) {
      last.text = `${last.text}${unspaced.test(last.text) ? '' : ' '}${text}`
      last.toMs = Math.max(last.toMs, each.toMs)
    } else {
      groups.push({ text, fromMs: each.fromMs, toMs: Math.max(each.fromMs, each.toMs) })
    }
  }
  const segments: Segment[] = []
  let characters = 0
  for (const { text, fromMs, toMs } of groups) {
    characters += text.length
    if (characters > maxCharacters) return { segments, cutAtMs: fromMs }
    segments.push({ text, at: { kind: 'time', fromMs, toMs }, tokens: countTokens(text) })
  }
  return { segments }
}

function belongs(group: TranscribedSegment, next: TranscribedSegment): boolean {
  const together = group.text.length + next.text.length
  if (next.toMs - group.fromMs > mostMs || together > mostCharacters) return false
  const full = group.toMs - group.fromMs >= enoughMs || group.text.length >= enoughCharacters
  return !(full && (sentenceEnd.test(group.text) || next.fromMs - group.toMs > pauseMs))
}

/** A sentence, or as many whole words as fit; without spaces, as many characters. */
const sentences =
  /[^.!?…。！？؟।]{1,600}(?:[.!?…。！？؟।]+["'”’»)\]]*|$|(?=\s))\s*|[^.!?…。！？؟।]{1,600}|[.!?…。！？؟।]+/gu

/** A server without times returns one long text. Each sentence gets its share of the time. */
function shortened(segment: TranscribedSegment): TranscribedSegment[] {
  const { text, fromMs, toMs } = segment
  if (text.length <= mostCharacters && toMs - fromMs <= mostMs) return [segment]
  const parts = text.match(sentences) ?? [text]
  const perCharacter = (toMs - fromMs) / Math.max(1, text.length)
  let at = 0
  return parts.map((part) => {
    const start = fromMs + at * perCharacter
    at += part.length
    return { text: part, fromMs: Math.round(start), toMs: Math.round(fromMs + at * perCharacter) }
  })
}
