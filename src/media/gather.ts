/** The parent's side of a read: collects segments from the reading process and handles an early end. */
import { describePosition, type Picture, type Segment } from '../core/artifact.ts'
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import type { Limits } from './limits.ts'
import type { InnerRecording } from './provider.ts'
import type { PictureStore, ReadProgress } from './reader.ts'
import { mostImages, mostRecordings } from './sink.ts'
import type { ReaderMessage } from './wire.ts'

type Batch = Extract<ReaderMessage, { kind: 'batch' }>
type End = Extract<ReaderMessage, { kind: 'end' }>

export interface Gathered {
  segments: Segment[]
  /** False when there is more text than the limit allows, which means that the process can no longer be trusted. */
  add(batch: Batch): boolean
  /** Keeps what was read before a limit or a crash, marked as partial. Throws `error` when nothing was read. */
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
      // OCR progress counts scanned pages only, not the pages of the file.
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

/** A provider's failure with its own message, if it had one. */
export function failed({ code, userMessage }: Extract<ReaderMessage, { kind: 'fail' }>, name: string): ParleyError {
  return userMessage === '' ? crashed(name, code) : new ParleyError(code, userMessage)
}

export function crashed(name: string, cause: unknown): ParleyError {
  return new ParleyError('file_reader_crashed', fileWording.failure.unreadable(name), { cause })
}

// The parent's side of pictures from a reading process: stores them in order, up to a limit.

type Given = Extract<ReaderMessage, { kind: 'image' }>

/** A picture of 1568 pixels a side is far smaller, whatever is on it. */
const largestPicture = 8e6

export interface Pictures {
  /** False when the process sends more than it may. */
  add(image: Given): boolean
  /** Resolves when all are stored. Rejects when one could not be written. */
  stored(): Promise<Picture[]>
}

/** Without a store, only the text is kept. */
export function createPictures(store: PictureStore | undefined, signal: AbortSignal): Pictures {
  const storing: Promise<Picture>[] = []
  return {
    add({ kind: _, data, ...picture }) {
      if (storing.length >= mostImages || data.length > largestPicture) return false
      if (store === undefined) return true
      const stored = store.put(data, signal).then((hash) => ({ contentHash: hash, ...picture }))
      stored.catch(() => {})
      storing.push(stored)
      return true
    },
    stored: () => Promise.all(storing),
  }
}

// The parent's side of recordings inside a file: hands them on in order, up to a limit.

export interface Recordings {
  /** False when the process sends more than it may. */
  add(recording: InnerRecording): boolean
  /** Resolves when all are stored. Rejects when one could not be written. */
  stored(): Promise<void>
}

export function createRecordings(store: ((recording: InnerRecording) => Promise<void>) | undefined): Recordings {
  let [files, bytes] = [0, 0]
  let last = Promise.resolve()
  return {
    add({ name, mediaType, data }) {
      files += 1
      bytes += data.length
      if (store === undefined || files > mostRecordings.files || bytes > mostRecordings.bytes) return false
      last = last.then(() => store({ name, mediaType, data }))
      last.catch(() => {})
      return true
    },
    stored: () => last,
  }
}
