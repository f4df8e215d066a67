/** Keeps a turn's lease while its worker works, and tells when it must stop. */
import type { Turns } from './turns.ts'

export interface TurnLease extends Disposable {
  /** Aborts when the lease is gone: another worker holds the pen. */
  lost: AbortSignal
  /** Whether it surely holds at this moment: a process that was suspended finds out here before any timer does. */
  held(): boolean
}

export const turnLeaseMs = 15_000
const renewEveryMs = 4000

export function keepTurnLease(
  turns: Pick<Turns, 'renew'>,
  turnId: string,
  owner: string,
  onStop: () => void,
): TurnLease {
  const lost = new AbortController()
  let heldUntil = Date.now() + turnLeaseMs
  let busy = false
  const renew = async () => {
    if (Date.now() > heldUntil) return lost.abort()
    if (busy) return
    busy = true
    const asked = Date.now()
    try {
      const state = await turns.renew(turnId, owner, turnLeaseMs)
      if (state === 'lost') return lost.abort()
      if (state === 'stop') onStop()
      heldUntil = asked + turnLeaseMs
    } catch {
      // The database is away for a moment. The lease runs on; when it has run out, the check above ends the work.
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void renew(), renewEveryMs)
  return {
    lost: lost.signal,
    held: () => !lost.signal.aborted && Date.now() < heldUntil,
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
