/** The parent's side of pictures from a reading process: stores them in order, up to a limit. */
import type { Picture } from '../core/artifact.ts'
import type { PictureStore } from './reader.ts'
import { mostImages } from './sink.ts'
import type { ReaderMessage } from './wire.ts'

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
