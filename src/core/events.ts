/** What Parley tells about its own work on `node:diagnostics_channel`. Metrics and traces subscribe; nothing here knows them. */
import { tracingChannel } from 'node:diagnostics_channel'

/** One run of a job. Ids and names only, never content. */
export interface JobEvent {
  queue: string
  name: string
  id: string
  /** 1-based. */
  attempt: number
}

/** `start`, `end`, `asyncStart`, `asyncEnd` and `error` of every job, as `tracing:parley:job:…`. */
export const jobEvents = tracingChannel<string, JobEvent>('parley:job')
