/**
 * Takes each message in once. Slack announces a mention by two events, `app_mention` and `message`, at about the same time and
 * in any order. The first may lack files: https://github.com/slackapi/bolt-js/issues/2099
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Delivery {
  /** Of the message. */
  id: string
  event: 'message' | 'app_mention'
  /** Ids of its files. */
  files: readonly string[]
}

export interface Once {
  /** Runs `work` once for all deliveries of a message, and again for a delivery that brings more files. Rejects as `work` does. */
  take(delivery: Delivery, work: () => Promise<void>): Promise<void>
  /** The message was deleted. Resolves when nothing of it is being taken in any more. */
  remove(id: string): Promise<void>
  isRemoved(id: string): boolean
}

interface Taking {
  files: readonly string[]
  done: Promise<void>
  /** While it waits for the other event: that one does the work. */
  handOver?: ((done: Promise<void>) => void) | undefined
}

/** How long a mention without files waits for the other event of its message. */
const twinMs = 250
const maxKnown = 2000

export function createOnce(): Once {
  const taken = new Map<string, Taking>()
  const removed = new Set<string>()

  function remember(id: string, taking: Taking): Promise<void> {
    taken.delete(id)
    taken.set(id, taking)
    if (taken.size > maxKnown) dropOldest(taken)
    // Slack delivers again what failed.
    taking.done.catch(() => {
      if (taken.get(id) === taking) taken.delete(id)
    })
    return taking.done
  }

  /** Waits for the other event, which may do the work. */
  function afterTwin(id: string, work: () => Promise<void>): Promise<void> {
    const twin = Promise.withResolvers<{ done: Promise<void> }>()
    const waited = new AbortController()
    const taking: Taking = { files: [], done: wait(), handOver: (done) => twin.resolve({ done }) }
    async function wait(): Promise<void> {
      const moment = sleep(twinMs, undefined, { signal: waited.signal }).catch(() => undefined)
      const other = await Promise.race([twin.promise, moment])
      waited.abort()
      taking.handOver = undefined
      await (other === undefined ? work() : other.done)
    }
    return remember(id, taking)
  }

  return {
    take({ id, event, files }, work) {
      const earlier = taken.get(id)
      if (earlier?.handOver !== undefined) {
        const done = work()
        earlier.handOver(done)
        return remember(id, { files, done })
      }
      if (earlier !== undefined) {
        if (files.every((file) => earlier.files.includes(file))) return earlier.done
        return remember(id, {
          files: [...earlier.files, ...files],
          done: earlier.done.catch(() => undefined).then(work),
        })
      }
      if (event === 'app_mention' && files.length === 0) return afterTwin(id, work)
      return remember(id, { files, done: work() })
    },
    async remove(id) {
      removed.add(id)
      if (removed.size > maxKnown) dropOldest(removed)
      await taken.get(id)?.done.catch(() => undefined)
      taken.delete(id)
    },
    isRemoved: (id) => removed.has(id),
  }
}

function dropOldest(known: Map<string, unknown> | Set<string>): void {
  for (const key of known.keys()) {
    known.delete(key)
    return
  }
}
