/**
 * Combines a storage (a folder, a bucket) with the references in the database, so that bytes are removed once
 * no row refers to them, and never before. New storages must pass `blobs.contract.ts`.
 */
import { createHash, randomUUID } from 'node:crypto'
import { type Readable, Transform } from 'node:stream'
import { type Blob, type Blobs, type PutOptions, tooLarge } from '../core/blobs.ts'
import { monotonic } from '../core/clock.ts'

/** Bytes that arrived completely and are not visible yet. */
export interface Incoming extends Blob, AsyncDisposable {
  /** Makes them visible under their hash, durably. */
  keep(): Promise<void>
}

export interface BlobStorage extends Pick<Blobs, 'has' | 'open' | 'size' | 'withFile'> {
  /** Disposing of what it returns without `keep` leaves nothing behind. Throws `file_too_large`. */
  receive(content: Readable, options: PutOptions): Promise<Incoming>
  /** Does nothing if the blob does not exist. */
  remove(hash: string): Promise<void>
  /** Removes partial files of killed processes, last written before `before`. */
  clearAbandoned(before: Date): Promise<void>
}

/** The references to blobs in the database. */
export interface BlobReferences {
  /** Protects the blob from collection, from before its bytes are visible until `release`. */
  hold(hash: string, id: string): Promise<void>
  release(hash: string, id: string): Promise<void>
}

/** Without references, nothing is ever collected. */
export function createBlobs(storage: BlobStorage, references?: BlobReferences): Blobs {
  return {
    async put(content, options) {
      await using incoming = await storage.receive(content, options)
      const { hash, bytes } = incoming
      const id = randomUUID()
      // Waits for a collector that is removing the same bytes. Bytes present after this will stay.
      await references?.hold(hash, id)
      const release = async () => await references?.release(hash, id)
      try {
        if (!(await storage.has(hash))) await incoming.keep()
      } catch (error) {
        await release()
        throw error
      }
      return { hash, bytes, [Symbol.asyncDispose]: release }
    },
    has: storage.has,
    open: storage.open,
    size: storage.size,
    withFile: storage.withFile,
  }
}

/** Hashes and counts bytes, and fails beyond `maxBytes`. For implementations of `receive`. */
export function measure(maxBytes: number): { through: Transform; result(): Blob } {
  const digest = createHash('sha256')
  let bytes = 0
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      digest.update(chunk)
      done(bytes > maxBytes ? tooLarge(maxBytes) : null, chunk)
    },
  })
  return { through, result: () => ({ hash: digest.digest('hex'), bytes }) }
}

export interface Collectable {
  /**
   * Passes unreferenced hashes to `remove`, then forgets them. Meanwhile nothing can start to refer to them. Returns how
   * many hashes it looked at.
   */
  collect(remove: (hash: string) => Promise<void>): Promise<number>
  /** Releases holds of killed processes from before `before`. */
  releaseAbandoned(before: Date): Promise<void>
}

/**
 * Removes bytes without references. Deleting a row deletes its references (prisma/functions/blobs.sql), so
 * a deletion is complete when committed. Only the bytes remain, and if a collector is killed, the next one removes them.
 */
export interface Collector {
  /** Removes everything unreferenced, after each deletion and at each sweep. */
  collect(): Promise<void>
  /** Clears partial files of killed processes, once a day. */
  clear(): Promise<void>
}

/** An arriving stream writes at least this often, and a stored blob gets its reference within this time. */
const abandonedAfterMs = 3_600_000
const clearEveryMs = 24 * abandonedAfterMs

export function createCollector(
  storage: Pick<BlobStorage, 'remove' | 'clearAbandoned'>,
  collectable: Collectable,
  now: () => number = monotonic,
): Collector {
  let clearAt = Number.NEGATIVE_INFINITY
  return {
    async collect() {
      await collectable.releaseAbandoned(new Date(Date.now() - abandonedAfterMs))
      // A removed blob may have referred to others, such as a file's pictures.
      while ((await collectable.collect(storage.remove)) > 0);
    },
    async clear() {
      if (now() < clearAt) return
      clearAt = now() + clearEveryMs
      await storage.clearAbandoned(new Date(Date.now() - abandonedAfterMs))
    },
  }
}
