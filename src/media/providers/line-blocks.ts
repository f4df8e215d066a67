/** Delivers blocks of text with the lines of the file that they come from. */
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Sink } from '../provider.ts'
import { createPieces } from './pieces.ts'

export interface LineBlock {
  text: string
  from: number
  to: number
}

/** Undefined if there are none. */
export async function deliverBlocks(
  blocks: Iterable<LineBlock>,
  { name, limits, sink }: { name: string; limits: Limits; sink: Sink },
): Promise<Ending | undefined> {
  const pieces = createPieces(sink)
  let found = false
  let full = false
  let last = 0
  for (const { text, from, to } of blocks) {
    found = true
    last = to
    if (!(await pieces.yieldLoop()) || !(await pieces.add(text, from, to))) {
      full = true
      break
    }
  }
  full = !(await pieces.finish()) || full
  if (!found) return undefined
  await sink.progress({ done: last, of: last, unit: 'line' })
  return full ? { truncated: fileWording.partial.upTo(name, `line ${pieces.delivered()}`, limits.characters) } : {}
}
