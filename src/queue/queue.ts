/**
 * The queue port and THE table of its jobs: what each carries, where it runs, and what happens when it fails. Payloads are
 * ids; the truth is in the store. A queue brings a job to a worker at least once; what must happen exactly once is held by
 * the store's claims and leases, never by the queue. Its contract is queue.contract.ts.
 */
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
    /** No turn: a file that is read without a question. */
    payload: z.object({ v: z.literal(1), turnId: z.uuid().optional(), attachmentId: z.string().min(1) }),
    failure: { attempts: 3, backoffMs: 500 },
  },
  /** The web is searched for a turn while its files are read. Failing costs time only: the turn then does it itself. */
  search: {
    queue: 'turn',
    payload: z.object({ v: z.literal(1), turnId: z.uuid() }),
    failure: { attempts: 1, backoffMs: 500 },
  },
  /** Reads a page, a site or a list of files that Parley was told to know. */
  learn: {
    queue: 'media',
    payload: z.object({ v: z.literal(1), sourceId: z.uuid() }),
    failure: { attempts: 3, backoffMs: 2_000 },
  },
  /** Passages without a vector get one. Whoever comes while another one is at it has nothing to do. */
  embed: {
    queue: 'media',
    payload: z.object({ v: z.literal(1) }),
    failure: { attempts: 1, backoffMs: 500 },
  },
  /** Sends what is due to programs outside. What it misses, the sweep finds. */
  webhooks: {
    queue: 'system',
    payload: z.object({ v: z.literal(1) }),
    failure: { attempts: 1, backoffMs: 500 },
  },
  sweep: {
    queue: 'system',
    payload: z.object({ v: z.literal(1) }),
    failure: { attempts: 3, backoffMs: 500 },
  },
} as const satisfies Record<string, JobSpec>

export type JobName = keyof typeof jobs
export type QueueName = (typeof jobs)[JobName]['queue']
export type JobPayload<Name extends JobName> = z.infer<(typeof jobs)[Name]['payload']>

/** The number at the end of a job's id; not a number for ids that have none. */
export const dispatchOf = (id: string): number => Number(id.slice(id.lastIndexOf('-') + 1))

/** Ids are deterministic, so that adding the same work twice is adding it once; BullMQ refuses colons in them. */
export const jobId = {
  turn: (turnId: string, dispatch: number) => `turn-${turnId}-${dispatch}`,
  search: (turnId: string, dispatch: number) => `search-${turnId}-${dispatch}`,
  /** A file that was skipped may be read again for a later turn: the turn, or the source without one, is part of the id. */
  extract: (attachmentId: string, ownerId: string, dispatch: number) =>
    `extract-${attachmentId.replaceAll(':', '.')}-${ownerId.slice(0, 8)}-${dispatch}`,
  learn: (sourceId: string, dispatch: number) => `learn-${sourceId}-${dispatch}`,
  /** `cause`: the turn that ended, or the call of a command. */
  webhooks: (cause: string) => `webhooks-${cause}`,
}

export type Job = { [Name in JobName]: { name: Name; id: string; payload: JobPayload<Name> } }[JobName]

/** A handler's result when it does not throw. */
export type Outcome =
  | 'done'
  /** Run the job again after this time; its worker slot is free meanwhile. Costs no attempt. */
  | { delayMs: number }
  /** Add these children (safe to repeat) and run the job again when all have ended, well or not. Costs no attempt. */
  | { waitFor: Job[] }

export interface JobContext {
  id: string
  /** 1-based. */
  attempt: number
  /** No further attempt follows when this one throws. */
  last: boolean
  /** Aborts when the worker closes without waiting, or when the job went to another worker. */
  signal: AbortSignal
}

export type Handlers = {
  [Name in JobName]: (payload: JobPayload<Name>, context: JobContext) => Promise<Outcome>
}

export interface DeadJob {
  id: string
  name: string
  queue: QueueName
  failedAt: Date
  attempts: number
  reason: string
}

/** A job by its name and id. */
export type JobRef = Pick<Job, 'name' | 'id'>

/** `parked` waits for its children; `waiting` goes to a worker now or after its delay; `ended` well or not. */
export type JobState = 'waiting' | 'parked' | 'running' | 'ended' | 'unknown'

export interface Processor {
  /** Takes no new job; waits for running ones up to `graceMs`, then aborts their signal and leaves them to another worker. */
  close(graceMs: number): Promise<void>
}

/** Every call rejects with `queue_unreachable`, and soon, while the server is away; what it asked for may have been done. */
export interface Queue {
  /** Adds a job unless one with this id is known. Returns when it is stored. */
  add(job: Job, options?: { delayMs?: number }): Promise<void>
  /**
   * Adds a parent that runs when all its children have ended, well or not, in one step. Idempotent by ids. A child has
   * one parent.
   */
  addFlow(parent: Job, children: Job[]): Promise<void>
  /** Runs a delayed job now. Nothing happens when it is not delayed or not known. */
  nudge(name: JobName, id: string): Promise<void>
  /** What the queue knows of these jobs, in their order. */
  states(jobs: JobRef[]): Promise<JobState[]>
  /** Forgets these jobs and their children, whatever their state. One that runs is left alone. */
  remove(jobs: JobRef[]): Promise<void>
  /**
   * Gives every running job out again, next in line: for a process that alone uses the queue, before it starts workers.
   * Without it a job of a killed process comes back when its lock runs out.
   */
  takeBack(): Promise<void>
  /**
   * Adds `job` now and every `everyMs` until this queue closes: one per period, however many processes ask. The period's
   * number is added to its id. A period may pass without when the server is away.
   */
  schedule(job: Job, everyMs: number): Promise<void>
  /** Starts workers for these queues. `concurrency`: jobs at a time, per queue. */
  process(handlers: Handlers, concurrency: Partial<Record<QueueName, number>>): Promise<Processor>
  /** Jobs that used up their attempts, newest first. */
  dead(limit: number): Promise<DeadJob[]>
  /** `delayed` includes those that wait for their children. */
  counts(): Promise<Record<QueueName, { waiting: number; active: number; delayed: number; dead: number }>>
  close(): Promise<void>
}
