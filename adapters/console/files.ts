/** The console's files lie in Parley's own blobs already: fetching one is opening it. */
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import type { Files } from '../../src/core/platform.ts'

/** What the console needs of src/media/blobs.ts. */
export interface BlobStore {
  put(content: Readable, options: { maxBytes: number; signal?: AbortSignal }): Promise<{ hash: string; bytes: number }>
  has(hash: string): Promise<boolean>
  path(hash: string): string
  open(hash: string): Readable
  remove(hash: string): Promise<void>
}

const Locator = z.object({ blob: z.string() })

export function createFiles(blobs: BlobStore): Files {
  return {
    async fetch(attachment) {
      const { blob } = Locator.parse(attachment.locator)
      if (!(await blobs.has(blob)))
        throw new ParleyError('file_missing', `${attachment.name} is no longer here. Please share it again.`)
      return blobs.open(blob)
    },
  }
}
