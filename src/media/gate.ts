/** Lets a bounded number of pieces of work run at once; the others wait in line. */
export interface Gate {
  /** Rejects with the signal's reason when it aborts before the work has begun. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

export function createGate(places: number): Gate {
  const waiting: (() => void)[] = []
  let busy = 0

  async function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (busy < places) {
      busy += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(admit), 1)
        reject(signal.reason)
      }
      waiting.push(admit)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  return {
    async run(signal, work) {
      await enter(signal)
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) busy -= 1
        else next()
      }
    },
  }
}
