/** The parent's side of pictures that a reading process gives: into the blob store, in order, and never too many. */
import { Readable } from 'node:stream'
import type { Picture } from '../core/artifact.ts'
import type { Blobs } from './blobs.ts'
import { mostImages } from './sink.ts'
import type { Said } from './wire.ts'

type Given = Extract<Said, { kind: 'image' }>

/** A picture of 1568 pixels a side is far smaller, whatever is on it. */
const largestPicture = 8e6

export interface Pictures {
  /** False when the process gives more than it may. */
  add(image: Given): boolean
  /** Those that are stored, when all are. Rejects when one could not be written. */
  stored(): Promise<Picture[]>
}

/** Without a store, what was read keeps its text alone. */
export function createPictures(blobs: Pick<Blobs, 'put'> | undefined): Pictures {
  const storing: Promise<Picture>[] = []
  return {
    add({ kind: _, data, ...picture }) {
      if (storing.length >= mostImages || data.length > largestPicture) return false
      if (blobs === undefined) return true
      const stored = blobs
        .put(Readable.from([data]), { maxBytes: largestPicture })
        .then(({ hash }) => ({ contentHash: hash, ...picture }))
      stored.catch(() => {})
      storing.push(stored)
      return true
    },
    stored: () => Promise.all(storing),
  }
}
