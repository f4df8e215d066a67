/**
 * Keeps a turn's lease while its worker works, and signals when it must stop. The lease counts as held only while both the
 * wall clock and the monotonic clock allow it.
 */
import { deadlineAfter, moment } from '../core/clock.ts'
import type { Turns } from './turns.ts'

export interface TurnLease extends Disposable {
  /** Aborts when the lease is lost, because another worker may hold the turn then. */
  lost: AbortSignal
  /** Whether the lease is certainly held right now. After a suspend, this notices before any timer does. */
  held(): boolean
}

export const turnLeaseMs = 15_000
const renewEveryMs = 4000

export function keepTurnLease(
  turns: Pick<Turns, 'renew'>,
  turnId: string,
  owner: string,
  onStop: () => void,
  claimed = moment(),
): TurnLease {
  const lost = new AbortController()
  let until = deadlineAfter(turnLeaseMs, claimed)
  let busy = false
  const renew = async () => {
    if (until.passed()) return lost.abort()
    if (busy) return
    busy = true
    const asked = moment()
    try {
      const state = await turns.renew(turnId, owner, turnLeaseMs)
      if (state === 'lost') return lost.abort()
      if (state === 'stop') onStop()
      until = deadlineAfter(turnLeaseMs, asked)
    } catch {
      // The database is away for a moment. The lease runs on; when it has run out, the check above ends the work.
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void renew(), renewEveryMs)
  return {
    lost: lost.signal,
    held: () => !lost.signal.aborted && !until.passed(),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
