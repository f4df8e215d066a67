/**
 * Removes bytes without references. Deleting a row deletes its references (prisma/functions/blobs.sql), so
 * a deletion is complete when committed. Only the bytes remain, and if a collector is killed, the next one removes them.
 */
import { monotonic } from '../core/clock.ts'
import type { BlobStorage } from './blobs.ts'

export interface Collectable {
  /**
   * Passes unreferenced hashes to `remove`, then forgets them. Meanwhile nothing can start to refer to them. Returns how
   * many hashes it looked at.
   */
  collect(remove: (hash: string) => Promise<void>): Promise<number>
  /** Releases holds of killed processes from before `before`. */
  releaseAbandoned(before: Date): Promise<void>
}

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
