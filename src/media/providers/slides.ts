/** Gives out slides one by one, whatever format they came from: the text first, then what the speaker noted. */
import { ParleyError } from '../../core/errors.ts'
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

/** `slide` is asked by the place, counted from 0. A slide that cannot be read costs only itself. */
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
        const limit = limits.characters.toLocaleString('en')
        return {
          pages: of,
          truncated: `Only the first ${at} of ${of} slides of ${name} were read: the limit is ${limit} characters.`,
        }
      }
    }
    await sink.progress({ done: at + 1, of, unit: 'slide' })
  }
  if (!found) throw nothing(name, broken.length > 0)
  if (broken.length > 0) {
    const which = broken.length === 1 ? `slide ${broken[0]}` : `slides ${broken.slice(0, 20).join(', ')}`
    sink.problem({
      code: 'file_damaged',
      userMessage: `${name} is damaged: ${which} could not be read. Save it anew and share that.`,
    })
  }
  if (last === of) return { pages: of }
  return { pages: of, truncated: `Only the first ${last} of ${of} slides of ${name} were read: that is the limit.` }
}

function nothing(name: string, broken: boolean): ParleyError {
  return broken
    ? new ParleyError('file_damaged', `${name} is damaged: no slide of it could be read. Save it anew and share that.`)
    : new ParleyError(
        'file_empty',
        `${name} shows no text: its slides are pictures. Export it as a PDF and share that.`,
      )
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
