/**
 * Takes jobs of one queue from BullMQ and runs their handlers.
 *
 * BullMQ's own loop fetches up to `concurrency` jobs before it starts the first, sleeps 15 s after a lost connection
 * (https://github.com/taskforcesh/bullmq/pull/1654) and keeps a job's signal from the handler when its lock is lost. So this
 * is BullMQ's documented manual way: fetch, start at once, renew locks, look for stalled jobs, and keep at it whatever the
 * connection does. No upstream report was found of the first and the last; both seen with 6.7.0.
 */
import { randomUUID } from 'node:crypto'
import { type Job as BullJob, ErrorCode, UnrecoverableError } from 'bullmq'
import { within } from '../core/clock.ts'
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import { traced } from '../core/events.ts'
import type { Log } from '../core/log.ts'
import { retry } from '../core/retry.ts'
import { type BullWorker, type Connections, type ErrorThrottle, pause, pollSeconds } from './bullmq-connections.ts'
import { backoffMs, codeOf, detachChildren, idOf, parkFor, type QueueOf, runHandler } from './bullmq-job.ts'
import type { Handlers, Outcome, QueueName } from './queue.ts'

export interface WorkerDeps {
  connections: Connections
  queueOf: QueueOf
  log: Log
  errorThrottle: ErrorThrottle
  /** How long a job stays with a worker that shows no activity. */
  lockMs: number
}

interface Running {
  job: BullJob
  token: string
  abort: AbortController
  /** The handler has ended and the result is being stored in the queue. */
  telling: boolean
  ended: Promise<void>
}

/** What became of a run: an outcome, or what the handler threw. */
type Verdict = { outcome: Outcome } | { thrown: unknown }

/** Runs at once after its children had all ended, in a row, before the job takes a breath: a handler may ask for ever. */
const rerunsAtOnce = 3
const breathMs = 500
/** Fetches side by side while there is a queue to work off. */
const fetchers = 3
/** How long a handler may take to notice its signal. */
const abortMs = 1_000
/** How long each call to the server may take while the worker closes. If one is lost, the job's lock expires later. */
const farewellMs = 1_000

export async function startWorker(deps: WorkerDeps, queue: QueueName, handlers: Handlers, concurrency: number) {
  const { connections, queueOf, log, errorThrottle, lockMs } = deps
  const running = new Map<string, Running>()
  const stopping = new AbortController()
  let roomMade = () => {}
  let handlerEnded = () => {}
  /** Fetches under way; each may bring a job. */
  let incoming = 0

  const worker = connections.worker(queue, {
    lockDuration: lockMs,
    stalledInterval: Math.ceil(lockMs / 3),
    maxStalledCount: 1_000,
    drainDelay: pollSeconds,
    runRetryDelay: 500,
    settings: { backoffStrategy: (failures, _type, error, job) => backoffMs(job?.name, failures, error) },
  })
  worker.on('error', errorThrottle.report)
  await worker.waitUntilReady()
  await worker.startStalledCheckTimer()

  const renewal = setInterval(() => void renew(), Math.ceil(lockMs / 4))
  const fetching = fetchLoop()

  async function fetchLoop(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (!hasRoom()) {
        await new Promise<void>((resolve) => {
          roomMade = resolve
        })
        continue
      }
      try {
        // Only this one fetch blocks. What it wakes for is started at once; then it looks whether more came, and if so
        // several fetch side by side until nothing is left.
        if ((await fetch({ block: true })) && (await fetch({ block: false }))) {
          await Promise.all(Array.from({ length: fetchers }, fetchAll))
        }
      } catch (error) {
        errorThrottle.report(error)
        await pause(200, stopping.signal)
      }
    }
  }

  async function fetchAll(): Promise<void> {
    while (await fetch({ block: false }));
  }

  /** Takes one job and starts it; false when there is none, or no room. */
  async function fetch(how: { block: boolean }): Promise<boolean> {
    if (stopping.signal.aborted || !hasRoom()) return false
    const token = randomUUID()
    incoming++
    try {
      const job = await worker.getNextJob(token, how)
      if (job === undefined) return false
      errorThrottle.over()
      if (stopping.signal.aborted) {
        await within(farewellMs, job.moveToWait(token).catch(errorThrottle.report))
        return false
      }
      start(job, token)
      return true
    } finally {
      incoming--
    }
  }

  function hasRoom(): boolean {
    return running.size + incoming < concurrency
  }

  function start(job: BullJob, token: string): void {
    // The queue gave out a job that still runs here: its lock was lost with the server's last moments. The new run counts.
    for (const other of running.values()) {
      if (other.job.id === job.id) other.abort.abort(new Error('the job was given out again'))
    }
    const abort = new AbortController()
    const entry: Running = { job, token, abort, telling: false, ended: Promise.resolve() }
    running.set(token, entry)
    entry.ended = run(entry).finally(() => {
      running.delete(token)
      roomMade()
      handlerEnded()
    })
  }

  /** Never rejects. */
  async function run(entry: Running): Promise<void> {
    for (let reruns = 0; ; reruns++) {
      const { job } = entry
      const event = { queue, name: job.name, id: idOf(job), attempt: job.attemptsMade + 1 }
      const running = () => runHandler(handlers, job, entry.abort.signal)
      const verdict = await traced('parley:job', event, running, endOf).then(
        (outcome): Verdict => ({ outcome }),
        (thrown: unknown): Verdict => ({ thrown }),
      )
      entry.telling = true
      handlerEnded()
      const again = await settle(entry, verdict, reruns)
      entry.telling = false
      if (!again) return
    }
  }

  /** Stores how the run ended, however long the connection takes to come back. True: run the job again now. */
  async function settle(entry: Running, verdict: Verdict, reruns: number): Promise<boolean> {
    const { job, token } = entry
    const { signal } = entry.abort
    const work = async () => {
      try {
        return await applyVerdict(job, token, verdict, reruns)
      } catch (error) {
        if (codeOf(error) === ErrorCode.JobPendingChildren)
          await detachChildren(queueOf, job).catch(errorThrottle.report)
        throw error
      }
    }
    const again = (error: unknown) => codeOf(error) === undefined || codeOf(error) === ErrorCode.JobPendingChildren
    const report = (error: unknown) => {
      if (codeOf(error) === undefined) errorThrottle.report(error)
    }
    try {
      return await retry(work, { on: again, onPause: report, delays: { firstMs: 100, mostMs: 1000 }, signal })
    } catch (error) {
      if (!signal.aborted) log.warn({ queue, jobId: job.id, ...errorFields(error) }, 'job taken over')
      // Aborted by a lost lock or by closing. The job belongs to another worker now, unless its work was done anyway.
      if (!signal.aborted || !('outcome' in verdict && verdict.outcome === 'done')) return false
    }
    return await work().catch((error: unknown) => {
      report(error)
      return false
    })
  }

  async function applyVerdict(job: BullJob, token: string, verdict: Verdict, reruns: number): Promise<boolean> {
    if ('thrown' in verdict) {
      await fail(job, token, verdict.thrown)
      return false
    }
    const { outcome } = verdict
    if (outcome === 'done') {
      await job.moveToCompleted(null, token, false)
      return false
    }
    if ('delayMs' in outcome) {
      await job.moveToDelayed(Date.now() + outcome.delayMs, token)
      return false
    }
    const parked = await parkFor(queueOf, job, token, outcome.waitFor)
    if (parked === 'parked') return false
    if (parked === 'ended' && reruns < rerunsAtOnce) return true
    await job.moveToDelayed(Date.now() + breathMs, token)
    return false
  }

  async function fail(job: BullJob, token: string, thrown: unknown): Promise<void> {
    const error = thrown instanceof Error ? thrown : asParleyError(thrown)
    const never = thrown instanceof UnrecoverableError || (thrown instanceof ParleyError && thrown.retry === 'never')
    const fields = { queue, jobId: job.id, job: job.name, attempt: job.attemptsMade + 1, ...errorFields(thrown) }
    const dead = never || job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
    await job.moveToFailed(withoutWords(error, never), token, false)
    if (dead) log.error(fields, 'job dead')
    else log.warn(fields, 'job will be tried again')
  }

  async function renew(): Promise<void> {
    const entries = [...running.values()].filter((entry) => !entry.abort.signal.aborted)
    if (entries.length === 0) return
    try {
      const ids = entries.map((entry) => idOf(entry.job))
      const lost = await worker.extendJobLocks(
        ids,
        entries.map((entry) => entry.token),
        lockMs,
      )
      for (const entry of entries) {
        if (!lost.includes(idOf(entry.job)) || !running.has(entry.token)) continue
        // It may have just ended by itself; a moment later it is gone from `running`, and the signal has no effect.
        log.warn({ queue, jobId: entry.job.id }, 'lock of a job lost')
        entry.abort.abort(new Error('the job went to another worker'))
      }
    } catch (error) {
      errorThrottle.report(error)
    }
  }

  return {
    async close(graceMs: number): Promise<void> {
      stopping.abort()
      roomMade()
      const until = performance.now() + graceMs
      await interrupt(worker)
      await within(farewellMs, fetching)
      await within(Math.max(0, until - performance.now()), handlersEnded())
      // A server that is away is not waited for any longer: what it does not hear, another worker finds done.
      await within(farewellMs, Promise.all([...running.values()].map((entry) => entry.ended)))
      await Promise.all([...running.values()].map(release))
      clearInterval(renewal)
      // By force, because no job runs in BullMQ's own loop: the polite way waits for the blocking connection's end.
      await within(farewellMs, worker.close(true).catch(errorThrottle.report))
    },
  }

  function handlersEnded(): Promise<void> {
    return new Promise((resolve) => {
      handlerEnded = () => {
        if ([...running.values()].every((entry) => entry.telling)) resolve()
      }
      handlerEnded()
    })
  }

  /** Aborts a run and puts its job back, so that another worker takes it at once. */
  async function release(entry: Running): Promise<void> {
    entry.abort.abort(new Error('the worker closes'))
    await within(abortMs, entry.ended)
    try {
      const returned = await within(farewellMs, entry.job.moveToWait(entry.token))
      if (returned === 'late')
        log.warn({ queue, jobId: entry.job.id }, 'could not return the job; its lock will expire')
    } catch (error) {
      if (codeOf(error) === undefined) errorThrottle.report(error) // else it ended by itself in time
    }
  }
}

function endOf(outcome: Outcome): { outcome: 'done' | 'later' | 'parked' } {
  if (outcome === 'done') return { outcome }
  return { outcome: 'delayMs' in outcome ? 'later' : 'parked' }
}

/** As the queue keeps it: messages name people's files, and a deletion does not reach the queue. */
function withoutWords(error: Error, never: boolean): Error {
  if (error instanceof UnrecoverableError) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  const retryAfterMs = error instanceof ParleyError ? error.retryAfterMs : undefined
  const kept = never ? new UnrecoverableError(code) : Object.assign(new Error(code), { retryAfterMs })
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  kept.stack = [code, ...frames].join('\n')
  return kept
}

/**
 * Ends the blocking wait, so that BullMQ's `getNextJob` returns nothing. It does not wait for ioredis's `end`, which never
 * comes while the connection is reconnecting; the blocking command does not return either.
 * https://github.com/taskforcesh/bullmq/issues/4656 (BullMQ 6.7.0), https://github.com/redis/ioredis/pull/2169 (ioredis 6.0.0)
 */
async function interrupt(worker: BullWorker): Promise<void> {
  await within(farewellMs, worker.getBackend().disconnectBlocking(false))
}
