/** What one event of a provider's stream adds to an answer, whatever the dialect; and thoughts taken out of its text. */
import type { Usage } from '../../core/reply.ts'
import type { FinishReason } from '../model.ts'

export interface Chunk {
  text?: string
  reasoning?: string
  /** Text, by which the model declines. */
  refusal?: string
  call?: CallPiece
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

/** `undefined` for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A call's arguments, or what has come of them; `undefined` where that is no whole object. */
export function parseArguments(text: string): { [key: string]: unknown } | undefined {
  const value = text.trim() === '' ? {} : parseJson(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

const OPEN = '<think>'
const CLOSE = '</think>'

/**
 * A filter for one stream: text goes in, text and reasoning come out, in order. It takes out thoughts that a server leaves in
 * the text, between `<think>` and `</think>` at its start: what llama.cpp, vLLM and old Ollama do with models whose thoughts
 * they do not know how to take out.
 */
export function createThoughtFilter(): (chunk: Chunk) => Chunk[] {
  let state: 'start' | 'thinking' | 'after' | 'said' = 'start'
  let held = ''

  /** What is left when the stream ends, or speaks otherwise, while a tag is still open to doubt. */
  function rest(): Chunk[] {
    const text = held
    held = ''
    if (text === '') return []
    return [state === 'thinking' ? { reasoning: text } : { text }]
  }

  function read(piece: string): Chunk[] {
    held += piece
    if (state === 'start') {
      const begun = held.trimStart()
      if (begun.length < OPEN.length && OPEN.startsWith(begun)) return []
      state = begun.startsWith(OPEN) ? 'thinking' : 'said'
      if (state === 'thinking') held = begun.slice(OPEN.length)
    }
    if (state === 'thinking') return think()
    return say()
  }

  function think(): Chunk[] {
    const end = held.indexOf(CLOSE)
    if (end >= 0) {
      const reasoning = held.slice(0, end)
      held = held.slice(end + CLOSE.length)
      state = 'after'
      return [{ reasoning }, ...say()]
    }
    const kept = halfTag(held)
    const reasoning = held.slice(0, held.length - kept)
    held = held.slice(held.length - kept)
    return reasoning === '' ? [] : [{ reasoning }]
  }

  /** The blank lines between thoughts and answer belong to neither. */
  function say(): Chunk[] {
    const text = state === 'after' ? held.trimStart() : held
    held = ''
    if (text === '') return []
    state = 'said'
    return [{ text }]
  }

  return (chunk) => {
    const { text = '', ...others } = chunk
    const said = text === '' ? [] : read(text)
    const ends = chunk.finish !== undefined || chunk.done === true || chunk.error !== undefined
    return [...said, ...(ends ? rest() : []), others]
  }
}

/** How many characters at the end may become the closing tag. */
function halfTag(text: string): number {
  for (let length = Math.min(CLOSE.length - 1, text.length); length > 0; length--) {
    if (CLOSE.startsWith(text.slice(-length))) return length
  }
  return 0
}
