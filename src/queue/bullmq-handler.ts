/** From BullMQ's untyped job to a typed handler: the payload is read once, here. */
import { type Job as BullJob, UnrecoverableError } from 'bullmq'
import { z } from 'zod'
import { idOf } from './bullmq-flow.ts'
import { type JobName, type JobPayload, jobs } from './jobs.ts'
import type { Handlers, JobContext, Outcome } from './queue.ts'

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
