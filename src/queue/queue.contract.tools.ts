/** What the queue's contract suites share. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import type { Handlers, Job, Processor, Queue } from './queue.ts'

export interface QueueSpace {
  /** Another process's view of the same queue, for all that it can tell. */
  open(): Promise<Queue>
  dispose(): Promise<void>
}

export interface ContractTools {
  queue: Queue
  space: QueueSpace
  /** Opens another view; closed at the end of the test. */
  another(): Promise<Queue>
  /** Starts workers that are closed at the end of the test. Jobs without a handler here are done at once. */
  work(handlers: Partial<Handlers>, concurrency?: Parameters<Queue['process']>[1], on?: Queue): Promise<Processor>
}

export const doNothing: Handlers = {
  turn: async () => 'done',
  extract: async () => 'done',
  search: async () => 'done',
  learn: async () => 'done',
  webhooks: async () => 'done',
  embed: async () => 'done',
  sweep: async () => 'done',
}

export const turnJob = (id = randomUUID()): Job => ({ name: 'turn', id: `turn-${id}-1`, payload: { v: 1, turnId: id } })
export const extractJob = (attachmentId: string): Job => ({
  name: 'extract',
  id: `extract-${attachmentId}-1`,
  payload: { v: 1, turnId: randomUUID(), attachmentId },
})

/** Fails without a further attempt. */
export const damaged = () => new ParleyError('file_damaged', 'This file is damaged; please send it again.')
/** Fails, and asks for the next attempt after `ms`. */
export const busy = (ms: number) =>
  new ParleyError('model_busy', 'The model is busy; please wait.', { retryAfterMs: ms })

/** A handler that does this and is done. */
export function doing<Args extends unknown[]>(effect: (...args: Args) => unknown) {
  return async (...args: Args) => {
    effect(...args)
    return 'done' as const
  }
}
