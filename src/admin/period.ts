/** The periods of usage reports in a time zone, and the projected cost at their end. Pure. */
import type { NanoUsd } from '../core/money.ts'
import { windowOf } from '../core/window.ts'
import { usageWording } from '../wording/commands-money.ts'

export const spans = ['today', 'yesterday', 'week', 'month', 'last-month', '30d'] as const
export type Span = (typeof spans)[number]

export interface SpanWindow {
  from: Date
  to: Date
  bucket: 'hour' | 'day'
  /** `this month`. */
  name: string
}

const dayMs = 86_400_000

export function windowOfSpan(span: Span, timeZone: string, now: Date): SpanWindow {
  const until = (period: 'day' | 'week' | 'month') => {
    const { startsAt, endsAt } = windowOf(period, timeZone, now)
    return { from: startsAt, to: endsAt }
  }
  const before = (period: 'day' | 'month') => {
    const { startsAt } = windowOf(period, timeZone, now)
    const earlier = windowOf(period, timeZone, new Date(startsAt.getTime() - 1))
    return { from: earlier.startsAt, to: startsAt }
  }
  switch (span) {
    case 'today':
      return { ...until('day'), bucket: 'hour', name: usageWording.spans.today }
    case 'yesterday':
      return { ...before('day'), bucket: 'hour', name: usageWording.spans.yesterday }
    case 'week':
      return { ...until('week'), bucket: 'day', name: usageWording.spans.week }
    case 'month':
      return { ...until('month'), bucket: 'day', name: usageWording.spans.month }
    case 'last-month':
      return { ...before('month'), bucket: 'day', name: usageWording.spans['last-month'] }
    case '30d': {
      const { endsAt } = windowOf('day', timeZone, now)
      const first = windowOf('day', timeZone, new Date(now.getTime() - 29 * dayMs))
      return { from: first.startsAt, to: endsAt, bucket: 'day', name: usageWording.spans['30d'] }
    }
  }
}

/** The cost of the whole window at the present pace. `null` before a tenth of it has passed, because that would be a guess. */
export function projected(spent: NanoUsd, { from, to }: Pick<SpanWindow, 'from' | 'to'>, now: Date): NanoUsd | null {
  const [whole, passed] = [to.getTime() - from.getTime(), now.getTime() - from.getTime()]
  if (passed < whole / 10 || passed >= whole) return null
  return (spent * BigInt(whole)) / BigInt(passed)
}
