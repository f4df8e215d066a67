/** Turns a transcript into segments: long enough to make sense alone, short enough to jump to. */
import type { Segment } from '../core/artifact.ts'
import { storable } from '../core/json.ts'
import type { TranscribedSegment } from './transcriber.ts'

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
