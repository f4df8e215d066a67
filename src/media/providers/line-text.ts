/** Delivers the text of a document without fixed pages, and numbers its lines. */

import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Sink } from '../provider.ts'
import { createPieces } from './pieces.ts'

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
