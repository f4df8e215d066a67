/**
 * Work that ends its process (out of memory, a native crash) must not do so for ever, and must not take others with it.
 * A try that ended with neither a result nor a release was broken off. Who is to blame is found by running suspects when
 * nothing else runs, and the first of them alone: only a process that dies then proves anything
 * (docs/decisions/0036-work-that-ends-its-process.md).
 */
import { type BrokenOff, type ClaimMode, suspectAfter } from '../src/store/turns.ts'

/** A suspect runs last and apart. What is `guilty` is ended and its person told; `unspeakable`: telling broke off as well. */
export type Verdict = 'innocent' | 'suspect' | 'guilty' | 'unspeakable'

const guiltyAfterAlone = 3
/** For a process that is never idle, where nothing ever runs alone. */
const guiltyAfter = 10
const unspeakableAfter = 13

export function judge({ tries, alone }: BrokenOff): Verdict {
  if (tries >= unspeakableAfter) return 'unspeakable'
  if (alone >= guiltyAfterAlone || tries >= guiltyAfter) return 'guilty'
  return tries >= suspectAfter ? 'suspect' : 'innocent'
}

export interface Place extends Disposable {
  /** Nothing else runs in this process, and nothing starts until this ends. */
  alone: boolean
}

export interface Isolation {
  /** A place among others; a time to wait while a suspect runs alone. */
  enter(): Place | { waitMs: number }
  /** A place for a suspect, or when to ask again. */
  isolate(id: string, brokenOff: BrokenOff): Place | { waitMs: number }
}

/** A suspect waits until its process has lived so long, and so long again for each time it broke one off alone. */
const quietMs = 3_000
/** A suspect waits so long for others to end; then it runs beside them, which proves nothing. */
const patienceMs = 5_000
/** Others wait so long for one that runs alone. */
const aloneMs = 30_000
const askAgainMs = 250
/** A suspect that asks no more went to another process. */
const forgetMs = 5_000
/** How many times more suspects run at once after one that ended without ending the process. */
const growth = 4
const mostSuspects = 16

export function createIsolation(now: () => number = () => performance.now()): Isolation {
  const startedAt = now()
  /** Suspects that wait: when they asked first and last. */
  const waiting = new Map<string, { first: number; last: number }>()
  let ordinary = 0
  let suspects = 0
  /** Suspects that may run at once. */
  let allowed = 1
  let aloneSince: number | undefined

  return {
    enter() {
      if (aloneSince !== undefined && now() - aloneSince < aloneMs) return { waitMs: askAgainMs }
      ordinary += 1
      return {
        alone: false,
        [Symbol.dispose]() {
          ordinary -= 1
        },
      }
    },

    isolate(id, brokenOff) {
      const at = now()
      const quietUntil = startedAt + quietMs * (1 + brokenOff.alone)
      if (at < quietUntil) return { waitMs: Math.ceil(quietUntil - at) }
      const first = waiting.get(id)?.first ?? at
      waiting.set(id, { first, last: at })
      if (suspects >= allowed || (ordinary > 0 && at - first < patienceMs)) return { waitMs: askAgainMs }
      waiting.delete(id)
      for (const [other, { last }] of waiting) if (at - last > forgetMs) waiting.delete(other)
      const alone = ordinary === 0 && suspects === 0 && (allowed === 1 || waiting.size === 0)
      suspects += 1
      if (alone) aloneSince = at
      return {
        alone,
        [Symbol.dispose]() {
          suspects -= 1
          allowed = Math.min(allowed * growth, mostSuspects)
          if (alone) aloneSince = undefined
        },
      }
    },
  }
}

/** Claims work and gives it its place in this process: first as ordinary work; what that refuses, apart. */
export async function claimInIsolation<Claimed>(
  isolation: Isolation,
  id: string,
  claim: (mode: ClaimMode) => Promise<Claimed>,
  brokenOffOf: (claimed: Claimed) => BrokenOff | undefined,
): Promise<{ waitMs: number } | { claim: Claimed; verdict: Verdict; place: Place }> {
  const among = isolation.enter()
  if ('waitMs' in among) return among
  const first = await claimIn(among, () => claim('ordinary'))
  const brokenOff = brokenOffOf(first)
  if (brokenOff === undefined) return { claim: first, verdict: 'innocent', place: among }
  const verdict = judge(brokenOff)
  // What will only be told needs no place apart.
  if (verdict !== 'suspect') return { claim: await claimIn(among, () => claim('beside')), verdict, place: among }
  among[Symbol.dispose]()
  const apart = isolation.isolate(id, brokenOff)
  if ('waitMs' in apart) return apart
  return { claim: await claimIn(apart, () => claim(apart.alone ? 'alone' : 'beside')), verdict, place: apart }
}

async function claimIn<Claimed>(place: Place, claim: () => Promise<Claimed>): Promise<Claimed> {
  try {
    return await claim()
  } catch (thrown) {
    place[Symbol.dispose]()
    throw thrown
  }
}
