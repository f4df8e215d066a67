/** One signal for everything that may end a model's stream early: the caller, and three timers that really fire. */

export interface Timers {
  /** Request sent → response headers. A server that loads a model first needs minutes here. */
  connectMs: number
  /** The longest silence between two pieces of the stream. */
  idleMs: number
  /** The whole stream, tries and pauses included. */
  totalMs: number
}

export type Ended = 'aborted' | 'connect' | 'idle' | 'total'

export interface Watch extends Disposable {
  /** Aborts when anything fired, and on dispose. */
  signal: AbortSignal
  /** What fired first. */
  ended(): Ended | undefined
  /** Settles as `work` does, or rejects as soon as something fires; `timer` runs for the while. */
  during<T>(work: Promise<T>, timer: 'connect' | 'idle', ms: number): Promise<T>
}

export function createWatch(caller: AbortSignal, totalMs: number): Watch {
  const wire = new AbortController()
  let ended: Ended | undefined
  let rejectFired: (reason: Error) => void = () => {}

  function fire(why: Ended): void {
    if (wire.signal.aborted) return
    ended = why
    const reason = new Error(`stream ended: ${why}`)
    wire.abort(reason)
    rejectFired(reason)
  }

  const onAbort = () => fire('aborted')
  caller.addEventListener('abort', onAbort, { once: true })
  if (caller.aborted) onAbort()
  const total = setTimeout(() => fire('total'), totalMs)

  return {
    signal: wire.signal,
    ended: () => ended,
    async during(work, timer, ms) {
      if (wire.signal.aborted) {
        work.catch(() => {})
        throw wire.signal.reason
      }
      const handle = setTimeout(() => fire(timer), ms)
      try {
        return await new Promise((resolve, reject) => {
          rejectFired = reject
          work.then(resolve, reject)
        })
      } finally {
        clearTimeout(handle)
      }
    },
    [Symbol.dispose]() {
      clearTimeout(total)
      caller.removeEventListener('abort', onAbort)
      wire.abort()
    },
  }
}
