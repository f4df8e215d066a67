/**
 * Two clocks, and which one to ask. Timestamps that are stored or shown are wall time (`Date.now`). Durations inside one
 * process are monotonic (`monotonic`): an administrator or NTP may set the wall clock back or forward at any moment. What
 * must end in time on both, such as a lease, is a `deadlineAfter`: the monotonic clock stands still while a laptop sleeps,
 * the wall clock may be set back. `within` bounds the wait for one piece of work.
 */

/** Milliseconds that only ever grow; for differences within this process. */
export const monotonic = (): number => performance.now()

/** Both clocks at one moment. */
export interface Moment {
  wall: number
  monotonic: number
}

export function moment(): Moment {
  return { wall: Date.now(), monotonic: performance.now() }
}

export interface Deadline {
  /** True as soon as either clock has reached it, and from then on. */
  passed(): boolean
}

/** `ms` after `from`. A wall clock that is set forward ends it early, one that is set back does not extend it. */
export function deadlineAfter(ms: number, from: Moment = moment()): Deadline {
  let over = false
  return {
    passed() {
      over ||= Date.now() >= from.wall + ms || performance.now() >= from.monotonic + ms
      return over
    },
  }
}

/** Waits for `work`, but no longer than `ms`: then `late`, while the work continues. Rejects when the work rejects in time. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(resolve, ms, 'late')
  // A rejection after the deadline has no reader any more.
  work.catch(() => {})
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
