/** Limits how much work runs at once; the rest waits in line. */
export interface Semaphore {
  /** Waits for a place and returns a function that frees it; calling it twice is harmless. Rejects like `run`. */
  enter(signal?: AbortSignal): Promise<() => void>
  /** Rejects with the signal's reason when it aborts before the work has begun. */
  run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>
}

export function createSemaphore(places: number): Semaphore {
  const waiting: (() => void)[] = []
  let busy = 0

  async function enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (busy < places) {
      busy += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(admit), 1)
        reject(signal?.reason)
      }
      waiting.push(admit)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  async function take(signal: AbortSignal | undefined): Promise<() => void> {
    await enter(signal)
    let left = false
    return () => {
      if (left) return
      left = true
      const next = waiting.shift()
      if (next === undefined) busy -= 1
      else next()
    }
  }

  return {
    enter: take,
    async run(signal, work) {
      const leave = await take(signal)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
