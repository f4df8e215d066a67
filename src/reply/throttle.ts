/** Runs a task again and again while there is something to show, never two at once and never sooner than `everyMs()` apart. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface Throttle {
  /** Something changed: show it as soon as the pace allows. */
  wake(): void
  /** Waits for the task under way; none starts after. Rejects with what a task threw. */
  end(): Promise<void>
}

export function createThrottle(everyMs: () => number, task: () => Promise<void>): Throttle {
  const ending = new AbortController()
  let dirty = false
  let running: Promise<void> | undefined
  let failure: { error: unknown } | undefined

  async function run(): Promise<void> {
    while (dirty && !ending.signal.aborted && !failure) {
      dirty = false
      const started = performance.now()
      try {
        await task()
      } catch (error) {
        failure = { error }
      }
      const rest = everyMs() - (performance.now() - started)
      if (rest > 0) await sleep(rest, undefined, { signal: ending.signal }).catch(() => undefined)
    }
    running = undefined
  }

  return {
    wake() {
      dirty = true
      if (!ending.signal.aborted) running ??= run()
    },
    async end() {
      ending.abort()
      await running
      if (failure) throw failure.error
    },
  }
}
