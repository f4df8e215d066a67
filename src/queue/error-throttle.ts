/** Logs an error that repeats while a server is down only once. */
import { setTimeout as timeout } from 'node:timers/promises'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'

export interface ErrorThrottle {
  report(error: unknown): void
  /** Something worked: the next error is news again. */
  over(): void
}

const quietMs = 30_000

export function createErrorThrottle(log: Log, what: string): ErrorThrottle {
  let reportedAt = Number.NEGATIVE_INFINITY
  return {
    report(error) {
      if (performance.now() - reportedAt < quietMs) return
      reportedAt = performance.now()
      log.warn(errorFields(error), `${what} trouble`)
    },
    over() {
      if (reportedAt === Number.NEGATIVE_INFINITY) return
      reportedAt = Number.NEGATIVE_INFINITY
      log.info({}, `${what} works again`)
    },
  }
}

/** Resolves after the time, or as soon as the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await timeout(ms, undefined, { signal }).catch(() => {})
}
