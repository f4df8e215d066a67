/**
 * Thoughts and marks that a server leaves in the text, taken out of one stream. Servers do so with models whose chat template
 * they do not know: llama.cpp, vLLM and old Ollama, and proxies in front of them.
 */
import type { ModelRequest } from '../model.ts'
import type { Chunk } from './chunk.ts'
import type { ServerEvent } from './server-events.ts'
import {
  beginnings,
  closes,
  endingFrom,
  type Family,
  families,
  isEndMark,
  loneClose,
  mayBegin,
  nextTurns,
  openedBy,
  opensStrike,
  tailThatMayBecome,
} from './thought-marks.ts'

export interface ThoughtOptions {
  /** Whether the request itself names a tag, so that it is part of what was asked for. */
  names?: (tag: string) => boolean
  /** Whether this model's answers have begun in thought without an opening mark before. */
  begun?: boolean
  /** Called when that is learnt. */
  onBegun?: (begun: boolean) => void
}

export interface ThoughtFilter {
  take(chunk: Chunk): Chunk[]
  /** What is still held back when the stream ends. */
  end(): Chunk[]
}

type State =
  /** Before the first word of the answer. */
  | 'start'
  | 'thinking'
  /** As `thinking`, by what was learnt from earlier answers. */
  | 'assumed'
  | 'said'
  /** Behind the end of the answer. */
  | 'over'

/** A filter for one stream: text goes in, text and reasoning come out, in order. */
export function createThoughtFilter({ names, begun = false, onBegun }: ThoughtOptions = {}): ThoughtFilter {
  let state: State = begun ? 'assumed' : 'start'
  let family: Family | undefined
  let held = ''
  /** All text that was given, or all that was assumed to be thought. */
  let said = ''
  /** Thoughts came between two marks, or apart from the text: an end without a beginning is part of the text then. */
  let apart = false
  let trims = false
  let finish: Chunk['finish']

  function read(piece: string): Chunk[] {
    held += piece
    const chunks: Chunk[] = []
    for (let before = ''; before !== `${state} ${held}`; ) {
      before = `${state} ${held}`
      chunks.push(...steps[state]())
    }
    return chunks
  }

  const steps: Record<State, () => Chunk[]> = {
    start() {
      const text = held.trimStart()
      if (text === '') return []
      const mark = beginnings.find((beginning) => text.startsWith(beginning))
      if (mark !== undefined) {
        held = text.slice(mark.length)
        trims = true
        return []
      }
      for (const known of families) {
        const opened = openedBy(known, text)
        if (opened === 0 || (known.word && names?.(text.slice(0, opened)))) continue
        family = known
        state = 'thinking'
        apart = true
        held = text.slice(opened)
        return []
      }
      if (mayBegin(text)) return []
      // The blank lines between thoughts and answer belong to neither.
      if (apart || trims) held = text
      state = 'said'
      return []
    },

    thinking() {
      const close = family?.close ?? ''
      const at = held.indexOf(close)
      if (at < 0) return release(tailThatMayBecome(held, [close]), 'reasoning')
      const reasoning = held.slice(0, at)
      held = held.slice(at + close.length)
      state = 'start'
      return reasoning === '' ? [] : [{ reasoning }]
    },

    assumed() {
      const opened = said === '' ? families.find((known) => openedBy(known, held.trimStart()) > 0) : undefined
      if (opened !== undefined) {
        state = 'start'
        return []
      }
      if (said === '' && mayBegin(held.trimStart())) return []
      const close = closes.map((mark) => ({ mark, at: held.indexOf(mark) })).find(({ at }) => at >= 0)
      if (close === undefined) {
        const chunks = release(tailThatMayBecome(held, closes), 'reasoning')
        said += chunks.map(({ reasoning = '' }) => reasoning).join('')
        return chunks
      }
      const reasoning = held.slice(0, close.at)
      held = held.slice(close.at + close.mark.length)
      state = 'start'
      apart = true
      said = ''
      return reasoning === '' ? [] : [{ reasoning }]
    },

    said() {
      const lone = apart ? undefined : loneClose(said, held)
      if (lone !== undefined) {
        const reasoning = held.slice(0, lone.from)
        held = held.slice(lone.to)
        said = ''
        apart = true
        state = 'start'
        onBegun?.(true)
        return [{ text: reasoning }, { thoughtSoFar: true }]
      }
      const from = endingFrom(held)
      if (from !== undefined && nextTurns.some((mark) => held.slice(from).includes(mark))) {
        const text = held.slice(0, from)
        held = ''
        state = 'over'
        return text === '' ? [] : [{ text }]
      }
      const kept = Math.max(held.length - (from ?? held.length), apart ? 0 : tailThatMayBecome(held, closes))
      const chunks = release(kept, 'text')
      said += chunks.map(({ text = '' }) => text).join('')
      return chunks
    },

    over() {
      held = ''
      return []
    },
  }

  /** All that is held but its last `kept` characters. */
  function release(kept: number, as: 'text' | 'reasoning'): Chunk[] {
    const given = held.slice(0, held.length - kept)
    held = held.slice(held.length - kept)
    return given === '' ? [] : [as === 'text' ? { text: given } : { reasoning: given }]
  }

  /** What is left when the stream ends while a mark is still open to doubt. */
  function rest(done: boolean): Chunk[] {
    const left = state === 'start' && apart ? held.trimStart() : held
    held = ''
    if (state === 'assumed') {
      if (finish === 'length' || (finish === undefined && !done)) return left === '' ? [] : [{ reasoning: left }]
      // It did not think this time, or its server keeps thoughts apart now.
      onBegun?.(false)
      state = 'over'
      return said + left === '' ? [] : [{ text: said + left }]
    }
    if (left === '' || state === 'over') return []
    if (state === 'thinking') return [{ reasoning: left }]
    const from = endingFrom(left)
    const isMark = from !== undefined && isEndMark(left.slice(from)) && !opensStrike(said, left.slice(from))
    const text = isMark ? left.slice(0, from) : left
    return text === '' ? [] : [{ text }]
  }

  return {
    take(chunk) {
      const { text = '', ...others } = chunk
      if (chunk.reasoning && !apart) {
        apart = true
        if (state === 'assumed') state = 'start'
      }
      finish = chunk.finish ?? finish
      const chunks = text === '' ? [] : read(text)
      // Servers may announce an end early: what is held back waits for the terminator.
      return [...chunks, ...(chunk.done ? rest(true) : []), others]
    },
    end: () => rest(false),
  }
}

interface EventReader {
  read(event: ServerEvent): Chunk[]
  end?(): Chunk[]
}

/** The filters of a provider's streams, and what was learnt from them: which models' answers begin in thought. */
export function createThoughtReader() {
  const begun = new Set<string>()
  return {
    apart({ model, system, messages }: ModelRequest, reader: EventReader): Required<EventReader> {
      const filter = createThoughtFilter({
        begun: begun.has(model),
        onBegun: (now) => void (now ? begun.add(model) : begun.delete(model)),
        names: (tag) =>
          system.includes(tag) ||
          messages.some(({ parts }) => parts.some((part) => 'text' in part && part.text.includes(tag))),
      })
      return {
        read: (event) => reader.read(event).flatMap((chunk) => filter.take(chunk)),
        end: () => [...(reader.end?.() ?? []).flatMap((chunk) => filter.take(chunk)), ...filter.end()],
      }
    },
  }
}
