/**
 * One circuit breaker: closed while calls go well, open for a while when they do not, then half open for one probe at a
 * time, whose outcome decides. Pure but for its own state; time is passed in.
 */

export interface CircuitLimits {
  /** Failures in a row that open it. */
  inARow: number
  /** Or this share of failures among at least so many calls within the window. */
  share: number
  among: number
  windowMs: number
  /** The first cool-down; each next one in a row is twice as long, up to the longest. */
  coolMs: number
  longestMs: number
  /** A probe without an end is given up after this time because its process died. */
  probeMs: number
}

export const circuitLimits: CircuitLimits = {
  inARow: 3,
  share: 0.5,
  among: 10,
  windowMs: 60_000,
  coolMs: 5_000,
  longestMs: 300_000,
  probeMs: 180_000,
}

export type CircuitState = 'closed' | 'open' | 'probing'

/** A call that was let through. */
export interface Pass {
  startedAt: number
  probe: boolean
}

/** `forMs`: the server itself said for how long it wants to be left alone; one failure is enough then. */
export interface Failure {
  forMs?: number
}

export interface Circuit {
  /**
   * How long calls are held back at least; `undefined`: calls are let through. The clock is read only where it matters,
   * because the router asks for every model.
   */
  closedTo(now: () => number): { state: 'open' | 'probing'; forMs: number } | undefined
  /** Takes the probe where one is due. Only when `closedTo` says nothing. */
  enter(now: number): Pass
  /** Answers whether that closed it. */
  succeeded(pass: Pass, now: number): boolean
  /** Answers for how many milliseconds that opened it. */
  failed(pass: Pass, failure: Failure, now: number): number | undefined
  /** The call ended in a way that says nothing, as when somebody stopped it. */
  unknown(pass: Pass): void
  /** What another process found out. */
  record(news: { state: CircuitState; forMs: number }, now: number): void
  state(now: number): CircuitState
  recent(now: number): { calls: number; failures: number }
}

/** `random` spreads cool-downs, so that many processes do not come back at the same moment. */
export function createCircuit(limits: CircuitLimits = circuitLimits, random: () => number = Math.random): Circuit {
  let calls: { at: number; ok: boolean }[] = []
  let inARow = 0
  let opensInARow = 0
  let openedAt = Number.NEGATIVE_INFINITY
  /** Set while it is not closed; in the past: half open. */
  let openUntil: number | undefined
  let probeUntil = Number.NEGATIVE_INFINITY

  const within = (now: number) => calls.filter(({ at }) => at > now - limits.windowMs)

  function note(ok: boolean, now: number): void {
    calls = [...within(now), { at: now, ok }].slice(-50)
    inARow = ok ? 0 : inARow + 1
  }

  function close(): void {
    openUntil = undefined
    probeUntil = Number.NEGATIVE_INFINITY
    opensInARow = 0
    calls = []
  }

  function open(forMs: number, now: number): number {
    openUntil = now + forMs
    openedAt = now
    probeUntil = Number.NEGATIVE_INFINITY
    opensInARow += 1
    return forMs
  }

  const circuit: Circuit = {
    closedTo(clock) {
      if (openUntil === undefined) return undefined
      const now = clock()
      if (now < openUntil) return { state: 'open', forMs: openUntil - now }
      return now < probeUntil ? { state: 'probing', forMs: 1_000 } : undefined
    },

    enter(now) {
      const probe = openUntil !== undefined
      if (probe) probeUntil = now + limits.probeMs
      return { startedAt: now, probe }
    },

    succeeded(pass, now) {
      note(true, now)
      // A call from before the trouble says nothing about its end.
      if (openUntil === undefined || (!pass.probe && pass.startedAt <= openedAt)) return false
      close()
      return true
    },

    failed(pass, { forMs }, now) {
      note(false, now)
      // The calls that were under way when it opened fail one after the other: they are the same trouble.
      if (openUntil !== undefined && !pass.probe) return undefined
      const seen = within(now)
      const failures = seen.filter(({ ok }) => !ok).length
      const often = seen.length >= limits.among && failures >= seen.length * limits.share
      if (!pass.probe && forMs === undefined && inARow < limits.inARow && !often) return undefined
      const cooling = Math.min(limits.longestMs, limits.coolMs * 2 ** Math.min(opensInARow, 16))
      return open(Math.min(limits.longestMs, forMs ?? cooling * (0.8 + 0.4 * random())), now)
    },

    unknown(pass) {
      if (pass.probe) probeUntil = Number.NEGATIVE_INFINITY
    },

    record({ state, forMs }, now) {
      const bounded = Math.min(limits.longestMs, forMs)
      if (state === 'closed') close()
      else if (state === 'open') open(Math.max(bounded, (openUntil ?? now) - now), now)
      else if (openUntil !== undefined) probeUntil = now + Math.min(limits.probeMs, bounded)
    },

    state(now) {
      return openUntil === undefined ? 'closed' : now < openUntil ? 'open' : 'probing'
    },

    recent(now) {
      const seen = within(now)
      return { calls: seen.length, failures: seen.filter(({ ok }) => !ok).length }
    },
  }
  return circuit
}
