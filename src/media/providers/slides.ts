/** Delivers slides one by one, from any format: the text first, then the speaker's notes. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Ending, Sink } from '../provider.ts'
import { segmentCharacters, split } from './pieces.ts'

export interface Slide {
  text: readonly string[]
  notes: readonly string[]
}

interface Presentation {
  name: string
  limits: Limits
  sink: Sink
  of: number
}

/** `slide` takes the index, counted from 0. An unreadable slide does not affect the others. */
export async function deliverSlides(
  { name, limits, sink, of }: Presentation,
  slide: (at: number) => Promise<Slide>,
): Promise<Ending> {
  const broken: number[] = []
  let found = false
  const last = Math.min(of, limits.pages)
  for (let at = 0; at < last; at += 1) {
    const read = await slide(at).catch((error: unknown) => {
      if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
      broken.push(at + 1)
      return { text: [], notes: [] }
    })
    for (const text of segmentsOf(read)) {
      found = true
      if (!(await sink.segment(text, { kind: 'slide', slide: at + 1 }))) {
        await sink.progress({ done: at, of, unit: 'slide' })
        const read = { done: at, of, characters: limits.characters }
        return { pages: of, truncated: fileWording.partial.first(name, 'slide', read) }
      }
    }
    await sink.progress({ done: at + 1, of, unit: 'slide' })
  }
  if (!found) throw nothing(name, broken.length > 0)
  if (broken.length > 0) {
    sink.problem({
      code: 'file_damaged',
      userMessage: fileWording.partlyDamaged.slides(name, broken),
    })
  }
  if (last === of) return { pages: of }
  return { pages: of, truncated: fileWording.partial.first(name, 'slide', { done: last, of }) }
}

function nothing(name: string, broken: boolean): ParleyError {
  return broken
    ? new ParleyError('file_damaged', fileWording.damaged.slides(name))
    : new ParleyError('file_empty', fileWording.empty.noTextOnSlides(name))
}

function* segmentsOf({ text, notes }: Slide): Generator<string> {
  const lines = [...text, ...(notes.length === 0 ? [] : [`Notes: ${notes.join('\n')}`])]
  let open = ''
  for (const line of lines.flatMap((each) => [...split(each)])) {
    if (open !== '' && open.length + line.length > segmentCharacters) {
      yield open
      open = ''
    }
    open += open === '' ? line : `\n${line}`
  }
  if (open !== '') yield open
}
