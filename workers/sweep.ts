/** The sweep: finds turns that no job will bring to a worker and hands them to the queue again. */

import type { LearnedDispatch } from '../src/core/collections.ts'
import { errorFields } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import { dispatchTurn, learnJob, readingJobs, turnJob } from '../src/intake/dispatch.ts'
import type { Queue } from '../src/queue/queue.ts'
import type { LearnedSources } from '../src/store/learned-sources.ts'
import type { Dispatch, Turns } from '../src/store/turns.ts'

/** How many turns one look takes, and how many of them are handed to the queue side by side. */
const sweepBatch = 200
const sweepAtATime = 8

/**
 * Brings turns back that fell between a commit and the queue, or whose job is lost or ended without ending them. The queue
 * says which: a turn whose job waits there needs nothing. A turn that cannot be handed over now is found again by a later
 * look, and does not keep the others from it.
 */
export function createSweep({
  turns,
  queue,
  log,
}: {
  turns: Pick<Turns, 'orphaned' | 'redispatch'>
  queue: Pick<Queue, 'add' | 'addFlow' | 'states' | 'remove'>
  log: Log
}): (olderThanMs: number) => Promise<number> {
  async function handOver(next: Dispatch): Promise<boolean> {
    try {
      await dispatchTurn(queue, next)
    } catch (error) {
      log.warn(
        { turnId: next.turnId, ...errorFields(error) },
        'turn not handed to the queue; the next sweep tries again',
      )
      return false
    }
    // Of no more use, and no harm where it stays: it finds the turn taken.
    const before = turnJob({ ...next, dispatch: next.dispatch - 1 })
    await queue.remove([before]).catch((error: unknown) => log.debug(errorFields(error), 'old job not removed'))
    return true
  }

  async function look(olderThanMs: number): Promise<{ looked: number; handed: number }> {
    const candidates = await turns.orphaned(olderThanMs, sweepBatch)
    if (candidates.length === 0) return { looked: 0, handed: 0 }
    const lost = await turns.redispatch(await lostOf(queue, candidates))
    let handed = 0
    const left = [...lost]
    const work = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) if (await handOver(next)) handed += 1
    }
    await Promise.all(Array.from({ length: sweepAtATime }, work))
    return { looked: candidates.length, handed }
  }

  return async (olderThanMs) => {
    let sum = 0
    for (;;) {
      const { looked, handed } = await look(olderThanMs)
      sum += handed
      // With no patience at all each look would find the same turns again.
      if (looked < sweepBatch || olderThanMs === 0) break
    }
    if (sum > 0) log.warn({ turns: sum }, 'orphaned turns handed to the queue again')
    return sum
  }
}

/**
 * Turns that no job in the queue will bring to a worker. A running job does not count: its worker would hold the turn's
 * lease, and these turns have none. A job that waits for files does not count if none of their jobs waits or runs.
 */
async function lostOf(queue: Pick<Queue, 'states'>, candidates: Dispatch[]): Promise<Dispatch[]> {
  const states = await queue.states(candidates.map(turnJob))
  const parked = candidates.filter((_, at) => states[at] === 'parked')
  const files = parked.flatMap((next) => readingJobs(next).map((job) => ({ next, job })))
  const fileStates = await queue.states(files.map(({ job }) => job))
  const read = new Set(
    files.flatMap(({ next }, at) => (fileStates[at] === 'waiting' || fileStates[at] === 'running' ? [next] : [])),
  )
  return candidates.filter((next, at) => states[at] !== 'waiting' && !read.has(next))
}

/** The same for what is read without a question; and sources that are due to be read again are handed over. */
export function createLearnSweep({
  learned,
  queue,
  log,
}: {
  learned: Pick<LearnedSources, 'orphaned' | 'redispatch' | 'due'>
  queue: Pick<Queue, 'add' | 'states'>
  log: Log
}): (olderThanMs: number) => Promise<number> {
  async function lost(olderThanMs: number): Promise<LearnedDispatch[]> {
    const candidates = await learned.orphaned(olderThanMs, sweepBatch)
    if (candidates.length === 0) return []
    const states = await queue.states(candidates.map(learnJob))
    const lost = candidates.filter((_, at) => states[at] !== 'waiting')
    return lost.length === 0 ? [] : await learned.redispatch(lost)
  }

  return async (olderThanMs) => {
    const next = [...(await lost(olderThanMs)), ...(await learned.due(sweepBatch))]
    try {
      for (const each of next) await queue.add(learnJob(each))
    } catch (error) {
      log.warn(errorFields(error), 'sources not handed to the queue; the next sweep tries again')
    }
    return next.length
  }
}
