/**
 * A job as BullMQ keeps it, and back: its options, its parent and children, its typed handler, the wait before it is tried
 * again.
 *
 * BullMQ counts a child that had failed BEFORE it was attached as pending for ever; `releaseEnded` takes such children off,
 * so that a parent always wakes. Without it five contract tests fail on BullMQ 6.7.0; no upstream report of exactly this was
 * found. Near to it: https://github.com/taskforcesh/bullmq/issues/3362
 */
import { type Job as BullJob, ErrorCode, type FlowJob, UnrecoverableError } from 'bullmq'
import { z } from 'zod'
import type { BullFlows, BullOptions, BullQueue } from './bullmq-connections.ts'
import {
  type Handlers,
  type Job,
  type JobContext,
  type JobName,
  type JobPayload,
  jobs,
  type Outcome,
  type QueueName,
} from './queue.ts'

export type QueueOf = (name: QueueName) => BullQueue

/** Completed jobs are kept so long that a redelivered event still finds its id; dead ones for people to look at. */
const keep = { removeOnComplete: { age: 3_600 }, removeOnFail: { age: 14 * 86_400, count: 1_000 } }

export function optionsOf(job: Job, delayMs = 0): BullOptions {
  const { attempts } = jobs[job.name].failure
  return { ...keep, jobId: job.id, attempts, backoff: { type: 'parley' }, delay: delayMs, stackTraceLimit: 1 }
}

const asChild = { ignoreDependencyOnFailure: true }

export async function addFlow(flows: BullFlows, queueOf: QueueOf, parent: Job, children: Job[]): Promise<void> {
  const node = (job: Job): FlowJob => ({
    name: job.name,
    queueName: jobs[job.name].queue,
    data: job.payload,
    opts: optionsOf(job),
  })
  const parentQueue = queueOf(jobs[parent.name].queue)
  // Adding a known flow again would count its failed children as pending.
  if ((await parentQueue.getJobState(parent.id)) === 'unknown') {
    const nodes = children.map((child) => ({ ...node(child), opts: { ...optionsOf(child), ...asChild } }))
    await flows.add({ ...node(parent), children: nodes })
  }
  await releaseEnded(queueOf, children, () => parentQueue.getJob(parent.id))
}

/**
 * Attaches the children to a running parent and parks it. `ended`: all had ended already, so run it again now.
 * `foreign`: one belongs to another parent, so it cannot wake this one.
 */
export async function parkFor(
  queueOf: QueueOf,
  parent: BullJob,
  token: string,
  children: Job[],
): Promise<'parked' | 'ended' | 'foreign'> {
  const parentRef = { id: idOf(parent), queue: parent.queueQualifiedName }
  const added = await Promise.all(
    children.map((child) =>
      queueOf(jobs[child.name].queue)
        .add(child.name, child.payload, { ...optionsOf(child), ...asChild, parent: parentRef })
        .then(
          () => 'attached' as const,
          (error: unknown) => {
            if (codeOf(error) === ErrorCode.ParentJobCannotBeReplaced) return 'foreign' as const
            throw error
          },
        ),
    ),
  )
  if (added.includes('foreign')) return 'foreign'
  await releaseEnded(queueOf, children, async () => parent)
  return (await parent.moveToWaitingChildren(token)) ? 'parked' : 'ended'
}

async function releaseEnded(
  queueOf: QueueOf,
  children: Job[],
  findParent: () => Promise<BullJob | undefined>,
): Promise<void> {
  const states = await Promise.all(children.map((child) => queueOf(jobs[child.name].queue).getJobState(child.id)))
  const ended = children.filter((_, at) => states[at] === 'failed' || states[at] === 'completed')
  if (ended.length === 0) return
  // Read after the states: a child that ended by then and still counts as pending will never be counted off by BullMQ.
  const dependencies = await (await findParent())?.getDependencies()
  const pending = new Set(dependencies?.unprocessed ?? [])
  for (const child of ended) {
    const queue = queueOf(jobs[child.name].queue)
    if (pending.has(queue.toKey(child.id))) await (await queue.getJob(child.id))?.removeChildDependency()
  }
}

/** Lets a parent end although children are pending: they go on without it. */
export async function detachChildren(queueOf: QueueOf, parent: BullJob): Promise<void> {
  const { unprocessed = [] } = await parent.getDependencies()
  for (const key of unprocessed) {
    const [queueName, id] = key.split(':').slice(-2)
    const queue = Object.values(jobs).find((spec) => spec.queue === queueName)?.queue
    if (queue !== undefined && id !== undefined) await (await queueOf(queue).getJob(id))?.removeChildDependency()
  }
}

/** BullMQ's own error number, where the error is the queue's answer and not a lost connection. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined
}

export function idOf(job: BullJob): string {
  if (job.id === undefined) throw new UnrecoverableError('a job without an id')
  return job.id
}

/** The same table in the form in which the compiler sees that a name's schema fits its handler. */
const schemas: { [Name in JobName]: { payload: z.ZodType<JobPayload<Name>> } } = jobs

/** Rejects with what the handler threw, or with an UnrecoverableError when no attempt could ever read this job. */
export async function runHandler(handlers: Handlers, job: BullJob, signal: AbortSignal): Promise<Outcome> {
  const { name } = job
  if (!isJobName(name)) throw new UnrecoverableError(`no job is called ${name}`)
  const attempt = job.attemptsMade + 1
  const last = attempt >= (job.opts.attempts ?? 1)
  return call(handlers, name, job.data, { id: idOf(job), attempt, last, signal })
}

function call<Name extends JobName>(handlers: Handlers, name: Name, data: unknown, context: JobContext) {
  const read = schemas[name].payload.safeParse(data)
  if (!read.success)
    throw new UnrecoverableError(`the payload of ${name} cannot be read: ${z.prettifyError(read.error)}`)
  return handlers[name](read.data, context)
}

function isJobName(name: string): name is JobName {
  return Object.hasOwn(jobs, name)
}

/** The wait before the next attempt: what the error asks for, else doubling from the job's own first wait. */
export function backoffMs(name: string | undefined, failures: number, error: unknown): number {
  if (error instanceof Error && 'retryAfterMs' in error && typeof error.retryAfterMs === 'number')
    return error.retryAfterMs
  const first = name !== undefined && isJobName(name) ? jobs[name].failure.backoffMs : 1_000
  return first * 2 ** (failures - 1)
}
