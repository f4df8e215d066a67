/** THE table of jobs: what each carries, where it runs, and what happens when it fails. Payloads are ids; the truth is in the store. */
import { z } from 'zod'

/** How often a job is tried, and the first of its doubling waits in between. */
export interface FailurePolicy {
  attempts: number
  backoffMs: number
}

export interface JobSpec<Schema extends z.ZodType = z.ZodType> {
  /** Workers choose queues (`QUEUES=turn,media`), so that a slow reader never holds up an answer. */
  queue: 'turn' | 'media' | 'system'
  payload: Schema
  failure: FailurePolicy
}

// Every payload carries `v`, so that a rolling deploy reads old jobs.
export const jobs = {
  turn: {
    queue: 'turn',
    payload: z.object({ v: z.literal(1), turnId: z.uuid() }),
    failure: { attempts: 4, backoffMs: 500 },
  },
  extract: {
    queue: 'media',
    payload: z.object({ v: z.literal(1), turnId: z.uuid(), attachmentId: z.string().min(1) }),
    failure: { attempts: 3, backoffMs: 500 },
  },
  sweep: {
    queue: 'system',
    payload: z.object({ v: z.literal(1) }),
    failure: { attempts: 1, backoffMs: 0 },
  },
} as const satisfies Record<string, JobSpec>

export type JobName = keyof typeof jobs
export type QueueName = (typeof jobs)[JobName]['queue']
export type JobPayload<Name extends JobName> = z.infer<(typeof jobs)[Name]['payload']>

/** Ids are deterministic, so that adding the same work twice is adding it once; BullMQ refuses colons in them. */
export const jobId = {
  turn: (turnId: string, dispatch: number) => `turn-${turnId}-${dispatch}`,
  /** A file that was skipped may be read again for a later turn: the turn is part of the id. */
  extract: (attachmentId: string, turnId: string, dispatch: number) =>
    `extract-${attachmentId.replaceAll(':', '.')}-${turnId.slice(0, 8)}-${dispatch}`,
}
