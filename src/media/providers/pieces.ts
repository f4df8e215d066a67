/** Splits text into segments of a bounded size, each with its line numbers. */

import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Sink } from '../provider.ts'

/** About 350 tokens: small enough to cite, large enough to make sense alone. */
export const segmentCharacters = 1_500

export interface Pieces {
  /** Adds a block with its lines in the file; kept whole if it fits. False: the sink is full. */
  add(block: string, from: number, to: number): Promise<boolean>
  /** Marks a good place to split, such as a heading: the segment ends here if it is half full. */
  yieldLoop(): Promise<boolean>
  finish(): Promise<boolean>
  /** The last line delivered, to report where a limit ended the text. */
  delivered(): number
}

export function createPieces(sink: Sink): Pieces {
  let blocks: string[] = []
  let size = 0
  let first = 0
  let last = 0
  let delivered = 0

  async function finish(): Promise<boolean> {
    if (blocks.length === 0) return true
    const text = blocks.join('\n')
    blocks = []
    size = 0
    if (!(await sink.segment(text, { kind: 'lines', from: first, to: last }))) return false
    delivered = last
    return true
  }

  async function addSmall(block: string, from: number, to: number): Promise<boolean> {
    if (size + block.length > segmentCharacters && !(await finish())) return false
    if (blocks.length === 0) first = from
    blocks.push(block)
    size += block.length + 1
    last = to
    return true
  }

  return {
    finish,
    delivered: () => delivered,
    async yieldLoop() {
      return size < segmentCharacters / 2 || finish()
    },
    async add(block, from, to) {
      if (block.length <= segmentCharacters) return addSmall(block, from, to)
      if (!(await finish())) return false
      for (const part of split(block)) if (!(await addSmall(part, from, to))) return false
      return true
    },
  }
}

/** Parts of at most a segment's size, cut at a space where there is one, and never inside a character. */
export function* split(text: string): Generator<string> {
  const size = segmentCharacters
  let at = 0
  while (text.length - at > size) {
    // Only in this window: in a text without spaces, looking further back each time would take the square of its length.
    const space = text.slice(at + size / 2, at + size).lastIndexOf(' ')
    let end = at + (space < 0 ? size : size / 2 + space + 1)
    const unit = text.charCodeAt(end - 1)
    if (unit >= 0xd800 && unit <= 0xdbff) end -= 1
    yield text.slice(at, end)
    at = end
  }
  if (at < text.length) yield text.slice(at)
}

// Delivers the text of a document without fixed pages, and numbers its lines.

export interface LineText {
  /** A paragraph or a row of a table. False: the limit is reached. */
  add(block: string, options?: { heading?: boolean }): Promise<boolean>
  /** The ending; `undefined` when there was no text. */
  finish(name: string, limits: Limits): Promise<Ending | undefined>
}

const progressLines = 500

export function createLineText(sink: Sink): LineText {
  const pieces = createPieces(sink)
  let line = 0
  let full = false
  return {
    async add(block, { heading = false } = {}) {
      if (full || block.trim() === '') return !full
      const lines = block.trimEnd().split('\n')
      if (heading && !(await pieces.yieldLoop())) full = true
      for (const each of lines) {
        line += 1
        if (!full && each.trim() !== '' && !(await pieces.add(each, line, line))) full = true
      }
      if (line % progressLines < lines.length) await sink.progress({ done: line, of: 0, unit: 'line' })
      return !full
    },
    async finish(name, limits) {
      full = !(await pieces.finish()) || full
      if (line === 0) return undefined
      await sink.progress({ done: line, of: line, unit: 'line' })
      if (!full) return {}
      return { truncated: fileWording.partial.upTo(name, `line ${pieces.delivered()}`, limits.characters) }
    },
  }
}
