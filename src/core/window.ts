/**
 * The day, week (from Monday) or month of a time zone: in which budgets are spent and after which they reset. Clocks that
 * change at midnight make days of 23 and 25 hours, midnights that do not exist and some that come twice; a window begins
 * at the first moment of its date. The database computes the same (`budget_window_at`), held together by a test.
 */
export const periods = ['day', 'week', 'month'] as const
export type Period = (typeof periods)[number]

export interface Window {
  startsAt: Date
  /** The first moment of the next one. */
  endsAt: Date
}

const dayMs = 86_400_000

/** Throws a RangeError when there is no such zone. */
export function windowOf(period: Period, timeZone: string, at: Date): Window {
  const now = at.getTime()
  const first = truncated(period, now + offsetMs(timeZone, now))
  const startsAt = instantOf(timeZone, first)
  const endsAt = instantOf(timeZone, next(period, first))
  // Where clocks go back over midnight, a day's first moment may lie behind its date.
  if (now < startsAt) return windowFrom(instantOf(timeZone, truncated(period, first - dayMs)), startsAt)
  if (now >= endsAt) return windowFrom(endsAt, instantOf(timeZone, next(period, next(period, first))))
  return windowFrom(startsAt, endsAt)
}

/**
 * Whether budgets can reset in it: an IANA name such as `Europe/Berlin` or `UTC`. Bare offsets such as `+02:00` are none:
 * PostgreSQL and JavaScript read their sign in opposite ways.
 */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/.test(name)) return false
  try {
    clockOf(name)
    return true
  } catch {
    return false
  }
}

/** `2026-11-22`. */
export function localDay(at: Date, timeZone: string): string {
  return new Date(at.getTime() + offsetMs(timeZone, at.getTime())).toISOString().slice(0, 10)
}

/** `Sunday 22 November 2026 at 00:00 (Europe/Berlin)`. */
export function localTime(at: Date, timeZone: string): string {
  const day = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
  })
  const time = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' })
  return `${day.format(at).replace(',', '')} at ${time.format(at)} (${timeZone})`
}

function windowFrom(startsAt: number, endsAt: number): Window {
  return { startsAt: new Date(startsAt), endsAt: new Date(endsAt) }
}

/** Local times are written as the milliseconds that UTC would have at the same reading of the clock. */
function truncated(period: Period, local: number): number {
  const day = Math.floor(local / dayMs) * dayMs
  const date = new Date(day)
  if (period === 'week') return day - ((date.getUTCDay() + 6) % 7) * dayMs
  return period === 'month' ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth()) : day
}

function next(period: Period, first: number): number {
  if (period === 'day') return first + dayMs
  if (period === 'week') return first + 7 * dayMs
  const date = new Date(first)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** The first moment at which the clocks show a local time, or the one after it where they skip it. */
function instantOf(timeZone: string, local: number): number {
  const before = offsetMs(timeZone, local - dayMs)
  const after = offsetMs(timeZone, local + dayMs)
  let early = local - Math.max(before, after)
  let late = local - Math.min(before, after)
  for (const each of [early, late]) if (each + offsetMs(timeZone, each) === local) return each
  while (late - early > 1000) {
    const middle = Math.floor((early + (late - early) / 2) / 1000) * 1000
    if (offsetMs(timeZone, middle) === before) early = middle
    else late = middle
  }
  return late
}

const clocks = new Map<string, Intl.DateTimeFormat>()

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone)
  if (known) return known
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
  const clock = new Intl.DateTimeFormat('en-US', { ...fields, timeZone, second: 'numeric', hourCycle: 'h23' })
  clocks.set(timeZone, clock)
  return clock
}

/** How far the clocks are ahead of UTC. */
function offsetMs(timeZone: string, at: number): number {
  const parts = clockOf(timeZone).formatToParts(at)
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((each) => each.type === type)?.value)
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return shown - Math.floor(at / 1000) * 1000
}
