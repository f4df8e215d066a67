/** What one event of a provider's stream adds to an answer, whatever the dialect. */
import type { TokenLogprob, Usage } from '../../core/reply.ts'
import type { FinishReason } from '../model.ts'

export interface Chunk {
  text?: string
  reasoning?: string
  /** All text so far was reasoning, as its own mark of an end tells only now. */
  thoughtSoFar?: true
  /** Text, by which the model declines. */
  refusal?: string
  call?: CallPiece
  logprobs?: TokenLogprob[]
  finish?: FinishReason
  /** Replaces what was told before. */
  usage?: Usage
  /** The usage counts the whole answer, although the terminator is still to come. */
  usageIsWhole?: boolean
  /** The input as counted before the first word: it stands where the stream breaks off before its usage. */
  input?: Pick<Usage, 'input' | 'cacheRead' | 'cacheWrite'>
  /** The provider's terminator: nothing follows. */
  done?: boolean
  /** The server's own account of a failure in the middle. */
  error?: unknown
}

/** A piece of a tool call; pieces of one call share their key. */
export interface CallPiece {
  key: string | number
  id?: string
  name?: string
  /** Joined to what came before, or with `whole` instead of it. */
  arguments?: string
  whole?: boolean
}

/** `undefined` for what is not JSON. Python's NaN and Infinity count as `null`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (!/\b(?:NaN|Infinity)\b/.test(text)) return undefined
  }
  try {
    return JSON.parse(
      text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (at) => (at.startsWith('"') ? at : 'null')),
    )
  } catch {
    return undefined
  }
}

/** A call's arguments, or what has come of them; `undefined` where that is no whole object. */
export function parseArguments(text: string): { [key: string]: unknown } | undefined {
  const value = text.trim() === '' ? {} : parseJson(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}
