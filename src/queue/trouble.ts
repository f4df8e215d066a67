/** What goes wrong again and again while a server is away, told once. */
import { setTimeout as timeout } from 'node:timers/promises'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'

export interface Trouble {
  report(error: unknown): void
  /** Something worked: the next error is news again. */
  over(): void
}

const quietMs = 30_000

export function createTrouble(log: Log, what: string): Trouble {
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    report(error) {
      if (performance.now() - toldAt < quietMs) return
      toldAt = performance.now()
      log.warn(errorFields(error), `${what} trouble`)
    },
    over() {
      if (toldAt === Number.NEGATIVE_INFINITY) return
      toldAt = Number.NEGATIVE_INFINITY
      log.info({}, `${what}.works_again`)
    },
  }
}

/** Resolves after the time, or as soon as the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await timeout(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {})
}
