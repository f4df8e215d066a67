/** Rate limits in memory, for a single process. Same results as quota-postgres.ts, without queries. */
import { performance } from 'node:perf_hooks'
import type { Quota } from '../core/platform-state.ts'

interface Line {
  /** When the key is completely free again. */
  freeAt: number
  heldUntil: number
}

const sweepEveryMs = 10 * 60_000

/** `now` is monotonic, in milliseconds. */
export function createLocalQuota(now: () => number = () => performance.now()): Quota & { lines(): number } {
  const lines = new Map<string, Line>()
  let sweptAt = now()

  function lineOf(key: string): Line {
    const line = lines.get(key) ?? { freeAt: 0, heldUntil: 0 }
    lines.set(key, line)
    return line
  }

  function sweep(moment: number): void {
    if (moment - sweptAt < sweepEveryMs) return
    sweptAt = moment
    for (const [key, { freeAt, heldUntil }] of lines) if (Math.max(freeAt, heldUntil) < moment) lines.delete(key)
  }

  return {
    async take(key, everyMs, burst = 1) {
      const moment = now()
      sweep(moment)
      const line = lineOf(key)
      const fromThen = Math.max(moment, line.freeAt, line.heldUntil)
      line.freeAt = fromThen + everyMs
      return Math.max(moment, line.heldUntil, fromThen - everyMs * (burst - 1)) - moment
    },
    async hold(key, ms) {
      const line = lineOf(key)
      line.heldUntil = Math.max(line.heldUntil, now() + ms)
    },
    lines: () => lines.size,
  }
}
