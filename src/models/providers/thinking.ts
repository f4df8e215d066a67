/**
 * Thoughts that a server leaves in the text, between `<think>` and `</think>` at its start: what llama.cpp, vLLM and old
 * Ollama do with models whose thoughts they do not know how to take out.
 */
import type { Chunk } from './chunk.ts'

const OPEN = '<think>'
const CLOSE = '</think>'

/** A filter for one stream: text goes in, text and reasoning come out, in order. Only the start of an answer is looked at. */
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
