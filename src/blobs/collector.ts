/**
 * Removes bytes that nothing refers to any more. A row that goes takes its references with it (prisma/functions/blobs.sql), so
 * a deletion is done when it is committed; only the bytes are left, and a collector that is killed is followed by the next.
 */
import { monotonic } from '../core/clock.ts'
import type { BlobStorage } from './blobs.ts'

export interface Collectable {
  /**
   * Passes unreferenced hashes to `remove`, then forgets them. While it runs nothing can begin to refer to them. Answers how
   * many hashes it looked at.
   */
  collect(remove: (hash: string) => Promise<void>): Promise<number>
  /** Releases what processes that were killed were still holding since `before`. */
  releaseAbandoned(before: Date): Promise<void>
}

export interface Collector {
  /** Removes all that is unreferenced now: after each deletion, and at each sweep. */
  collect(): Promise<void>
  /** Clears what killed processes left, once a day. */
  clear(): Promise<void>
}

/** A stream that arrives writes at least once in this time, and what has arrived is referred to within it. */
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
      // What is removed may have held others: a file's pictures.
      while ((await collectable.collect(storage.remove)) > 0);
    },
    async clear() {
      if (now() < clearAt) return
      clearAt = now() + clearEveryMs
      await storage.clearAbandoned(new Date(Date.now() - abandonedAfterMs))
    },
  }
}
