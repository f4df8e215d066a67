/**
 * The one retry loop: runs work again while its failure may pass. Every pause has the same jitter, runs on the same clock and
 * ends with the caller's signal. What counts as passing, and for how long, is the caller's to say.
 */

/** Time and chance; tests bring their own. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>
  /** From 0 up to, but not including, 1. */
  random(): number
}

export const systemClock: Clock = { now: () => performance.now(), sleep, random: () => Math.random() }

/** Pauses that double from the first to the longest. */
export interface Delays {
  firstMs: number
  mostMs: number
}

export interface RetryOptions {
  /** Whether another try may help, after that many. */
  on(error: unknown, tries: number): boolean
  delays: Delays
  /** Tries in all. Default: no limit. */
  tries?: number | undefined
  /** How long after the start tries may still begin. Default: no limit. */
  deadlineMs?: number | undefined
  /** What the failure itself asks for, such as `Retry-After`: the pause is at least as long. */
  asked?(error: unknown): number | undefined
  /** Fail at once when the failure asks for a longer pause than this. Default: wait as long as it asks. */
  longestAskedMs?: number | undefined
  signal?: AbortSignal | undefined
  /** Called before each pause. */
  onPause?(error: unknown, pause: { tries: number; ms: number }): void
  clock?: Clock
}

/**
 * Resolves with what `work` returns. Rejects with its last error, or with the signal's reason. `work` must be safe to run
 * again after it failed.
 */
export async function retry<T>(work: (tries: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { on, delays, tries: mostTries = Number.POSITIVE_INFINITY, signal, clock = systemClock } = options
  const { deadlineMs = Number.POSITIVE_INFINITY, longestAskedMs = Number.POSITIVE_INFINITY } = options
  const startedAt = clock.now()
  for (let tries = 1; ; tries += 1) {
    signal?.throwIfAborted()
    try {
      return await work(tries)
    } catch (error) {
      signal?.throwIfAborted()
      if (tries >= mostTries || !on(error, tries)) throw error
      const leftMs = startedAt + deadlineMs - clock.now()
      const askedMs = options.asked?.(error)
      if (leftMs <= 0 || (askedMs ?? 0) > Math.min(leftMs, longestAskedMs)) throw error
      // The last try begins at the deadline, not before it.
      const ms = Math.min(leftMs, pauseAfter(tries, delays, askedMs, clock.random()))
      options.onPause?.(error, { tries, ms })
      await clock.sleep(ms, signal)
    }
  }
}

/**
 * How long to wait after that many failures in a row. Half of a pause is chance, so that many callers do not come back as
 * one; what was asked for is never shortened.
 */
export function pauseAfter(
  failures: number,
  { firstMs, mostMs }: Delays,
  askedMs: number | undefined,
  random: number,
): number {
  if (askedMs !== undefined) return askedMs + random * Math.min(firstMs, mostMs)
  return Math.min(firstMs * 2 ** (failures - 1), mostMs) * (1 - random / 2)
}

/** Resolves after the time; rejects with the signal's reason when it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
