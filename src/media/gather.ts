/** The parent's side of a read: what has come from the reading process, and what to make of an early end. */
import { describePosition, type Segment } from '../core/artifact.ts'
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import type { Limits } from './limits.ts'
import type { ReadProgress } from './reader.ts'
import type { ReaderMessage } from './wire.ts'

type Batch = Extract<ReaderMessage, { kind: 'batch' }>
type End = Extract<ReaderMessage, { kind: 'end' }>

export interface Gathered {
  segments: Segment[]
  /** False when there is more text than the limit: then the process is not to be trusted further. */
  add(batch: Batch): boolean
  /** What was read before a limit or a crash is worth having, and said to be a part. Throws `error` when it is nothing. */
  partial(error: unknown): End
}

export function gather(limits: Limits, name: string): Gathered {
  const segments: Segment[] = []
  let characters = 0
  let reached: ReadProgress | undefined
  return {
    segments,
    add(batch) {
      for (const segment of batch.segments) characters += segment.text.length
      if (characters > limits.characters) return false
      segments.push(...batch.segments)
      // How far OCR is counts other pages than those of the file.
      if (batch.progress?.by === undefined) reached = batch.progress ?? reached
      return true
    },
    partial(error) {
      const last = segments.at(-1)
      if (!(error instanceof ParleyError) || last === undefined) throw error
      const pages = reached?.unit === 'page' ? reached.of : undefined
      return {
        kind: 'end',
        problems: [{ code: error.code, userMessage: error.userMessage }],
        truncated: fileWording.partial.brokeOff(name, describePosition(last.at), pages),
        pages,
      }
    },
  }
}

/** A provider's failure in its own words, where it had some. */
export function failed({ code, userMessage }: Extract<ReaderMessage, { kind: 'fail' }>, name: string): ParleyError {
  return userMessage === '' ? crashed(name, code) : new ParleyError(code, userMessage)
}

export function crashed(name: string, cause: unknown): ParleyError {
  return new ParleyError('file_reader_crashed', fileWording.failure.unreadable(name), { cause })
}
