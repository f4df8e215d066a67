/**
 * The queue on BullMQ, over PostgreSQL or Redis, with the same contract (queue.contract.ts). While the server restarts,
 * adding rejects at once with `queue_unreachable`; workers continue when it is back.
 */
import type { Job as BullJob } from 'bullmq'
import { z } from 'zod'
import { within } from '../core/clock.ts'
import { ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import {
  type BullQueue,
  createErrorThrottle,
  openConnections,
  pause,
  type QueueConnection,
  unreachable,
} from './bullmq-connections.ts'
import { addFlow, codeOf, optionsOf } from './bullmq-job.ts'
import { startWorker } from './bullmq-worker.ts'
import { type DeadJob, type Job, type JobName, type JobState, jobs, type Queue, type QueueName } from './queue.ts'

export interface BullQueueOptions {
  log: Log
  /** After this long without a sign of life, a worker's job goes to another, at most two thirds of the time later. Default 10 s. */
  lockMs?: number
}

/** The longest that any call may take before it rejects with `queue_unreachable`. */
const deadlineMs = 5_000

/** How long the connections may take to close; after that they are left to the end of the process. */
const closeMs = 1_000
/** BullMQ's error for moving a job without holding its lock. */
const anyToken = '0'

const queueNames = [...new Set(Object.values(jobs).map((spec) => spec.queue))]

/** Rejects with `queue_unreachable` when the server cannot be reached now. Prepares the PostgreSQL schema where needed. */
export async function createBullQueue(connection: QueueConnection, options: BullQueueOptions): Promise<Queue> {
  const { log, lockMs = 10_000 } = options
  const errorThrottle = createErrorThrottle(log, 'queue')
  const connections = await openConnections(connection)
  const queues = new Map<QueueName, BullQueue>()
  for (const name of queueNames) {
    const queue = connections.queue(name)
    queue.on('error', errorThrottle.report)
    queues.set(name, queue)
  }
  const flows = connections.flows()
  flows.on('error', errorThrottle.report)
  const closers = new Set<() => Promise<void>>()
  const closing = new AbortController()
  let closed = false

  function queueOf(name: QueueName): BullQueue {
    const queue = queues.get(name)
    if (queue === undefined) throw new Error(`no queue is called ${name}`)
    return queue
  }

  /** The answer of the server, or `queue_unreachable` in bounded time. */
  async function ask<T>(action: () => Promise<T>): Promise<T> {
    if (closed) throw unreachable(new Error('the queue is closed'))
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs)
    try {
      return await Promise.race([
        action().catch((error: unknown) => (isDeadlock(error) ? action() : Promise.reject(error))),
        late.promise,
      ])
    } catch (cause) {
      throw cause instanceof ParleyError ? cause : unreachable(cause)
    } finally {
      clearTimeout(timer)
    }
  }

  async function add(job: Job, { delayMs = 0 } = {}): Promise<void> {
    check(job)
    await ask(() => queueOf(jobs[job.name].queue).add(job.name, job.payload, optionsOf(job, delayMs)))
  }

  return {
    add,

    async addFlow(parent, children) {
      for (const job of [parent, ...children]) check(job)
      await ask(() => addFlow(flows, queueOf, parent, children))
    },

    async nudge(name, id) {
      await ask(async () => {
        const job = await queueOf(jobs[name].queue).getJob(id)
        if (job === undefined || (await job.getState()) !== 'delayed') return
        // It may have started in between; then there is nothing to do.
        await job.promote().catch(async (error: unknown) => {
          if ((await job.getState()) === 'delayed') throw error
        })
      })
    },

    states: (wanted) =>
      ask(() =>
        Promise.all(wanted.map(async ({ name, id }) => stateOf(await queueOf(jobs[name].queue).getJobState(id)))),
      ),

    async remove(unwanted) {
      await ask(() =>
        Promise.all(
          unwanted.map(({ name, id }) =>
            queueOf(jobs[name].queue)
              .remove(id, { removeChildren: true })
              .catch((error: unknown) => {
                // It runs, or a child of it does.
                if (codeOf(error) === undefined) throw error
              }),
          ),
        ),
      )
    },

    async takeBack() {
      await ask(() =>
        Promise.all(
          [...queues.values()].map(async (queue) => {
            const backend = queue.getBackend()
            const ids = (await queue.getActive()).flatMap(({ id }) => (id === undefined ? [] : [id]))
            await Promise.all(
              ids.map((id) =>
                backend.moveJobFromActiveToWait(id, anyToken).catch((error: unknown) => {
                  if (codeOf(error) === undefined) throw error // else it is gone
                }),
              ),
            )
          }),
        ),
      )
    },

    schedule: (job, everyMs) => keepAdding(add, job, everyMs, { signal: closing.signal, report: errorThrottle.report }),

    async process(handlers, concurrency) {
      const started: Awaited<ReturnType<typeof startWorker>>[] = []
      const close = async (graceMs: number) => {
        await Promise.all(started.map((worker) => worker.close(graceMs)))
        closers.delete(closeNow)
      }
      const closeNow = () => close(0)
      closers.add(closeNow)
      for (const name of queueNames) {
        const slots = concurrency[name] ?? 0
        if (slots > 0)
          started.push(await startWorker({ connections, queueOf, log, errorThrottle, lockMs }, name, handlers, slots))
      }
      return { close }
    },

    async dead(limit) {
      const found = await ask(() => Promise.all(queueNames.map((name) => queueOf(name).getFailed(0, limit - 1))))
      return found
        .flatMap((list, at) => list.map((job) => deadJob(queueNames[at], job)))
        .filter((job) => job !== undefined)
        .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime())
        .slice(0, limit)
    },

    async counts() {
      const none = { waiting: 0, active: 0, delayed: 0, dead: 0 }
      const counts: Record<QueueName, typeof none> = { turn: none, media: none, system: none }
      await ask(() =>
        Promise.all(
          queueNames.map(async (name) => {
            const got = await queueOf(name).getJobCounts('waiting', 'active', 'delayed', 'waiting-children', 'failed')
            const delayed = (got.delayed ?? 0) + (got['waiting-children'] ?? 0)
            counts[name] = { waiting: got.waiting ?? 0, active: got.active ?? 0, delayed, dead: got.failed ?? 0 }
          }),
        ),
      )
      return counts
    },

    async close() {
      if (closing.signal.aborted) return
      closing.abort()
      await Promise.all([...closers].map((close) => close()))
      closed = true
      await within(closeMs, Promise.allSettled([...queues.values(), flows].map((part) => part.close())))
      await within(closeMs, connections.close())
    },
  }
}

function stateOf(state: Awaited<ReturnType<BullQueue['getJobState']>>): JobState {
  switch (state) {
    case 'waiting':
    case 'delayed':
    case 'prioritized':
      return 'waiting'
    case 'waiting-children':
      return 'parked'
    case 'active':
      return 'running'
    case 'completed':
    case 'failed':
      return 'ended'
    default:
      return 'unknown'
  }
}

/**
 * PostgreSQL gave up one of two that waited for each other; every call here may be repeated. No upstream report was found
 * (BullMQ 6.7.0).
 */
function isDeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '40P01'
}

/** Reports a caller's mistake at once, and not as a dead job later. */
function check(job: Job): void {
  const read = z.safeParse(jobs[job.name satisfies JobName].payload, job.payload)
  if (!read.success) throw new TypeError(`the payload of ${job.name} is not valid: ${z.prettifyError(read.error)}`)
  if (job.id.includes(':') || /^\d+$/.test(job.id))
    throw new TypeError(`not a job id (no colon, not a number): ${job.id}`)
}

function deadJob(queue: QueueName | undefined, job: BullJob | undefined): DeadJob | undefined {
  if (queue === undefined || job?.id === undefined) return undefined
  const failedAt = new Date(job.finishedOn ?? job.timestamp)
  return { id: job.id, name: job.name, queue, failedAt, attempts: job.attemptsMade, reason: job.failedReason ?? '' }
}

/**
 * Adds a job again and again. Time is cut into periods, and a period's number is part of the job's id: however many processes
 * ask, the queue takes each period's job once. Nothing but the jobs themselves is stored.
 *
 * BullMQ's own schedulers are not used: on PostgreSQL two processes that ask at once can deadlock or schedule twice. No
 * upstream report was found for PostgreSQL; on Redis: https://github.com/taskforcesh/bullmq/issues/2876
 *
 * Rejects when the first job cannot be added; later ones are tried until they can. Ends with the signal.
 */
export async function keepAdding(
  add: (job: Job) => Promise<void>,
  job: Job,
  everyMs: number,
  options: { signal: AbortSignal; report: (error: unknown) => void },
): Promise<void> {
  const { signal, report } = options
  const inPeriod = (period: number): Job => ({ ...job, id: `${job.id}-${period}` })
  let period = Math.floor(Date.now() / everyMs)
  await add(inPeriod(period))
  void (async () => {
    while (!signal.aborted) {
      // Never longer than a period: the clock may have been set back.
      await pause(Math.min(everyMs, Math.max(0, (period + 1) * everyMs - Date.now())), signal)
      const now = Math.floor(Date.now() / everyMs)
      if (signal.aborted || now === period) continue
      try {
        await add(inPeriod(now))
        period = now
      } catch (error) {
        report(error)
        await pause(Math.min(everyMs, 1_000), signal)
      }
    }
  })()
}
