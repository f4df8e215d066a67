/**
 * Hands a turn to the queue: a flow of the turn and one job for each file to read, and with `search` one that searches the web
 * meanwhile. Ids make a second time harmless.
 */

import type { LearnedDispatch } from '../core/collections.ts'
import { type Job, jobId, type Queue } from '../queue/queue.ts'
import type { Dispatch } from '../store/turns.ts'

export async function dispatchTurn(
  queue: Pick<Queue, 'add' | 'addFlow'>,
  next: Dispatch,
  { search = false }: { search?: boolean } = {},
): Promise<void> {
  const turn = turnJob(next)
  const files = readingJobs(next)
  if (files.length === 0) await queue.add(turn)
  else await queue.addFlow(turn, search ? [...files, searchJob(next)] : files)
}

export function turnJob({ turnId, dispatch }: Dispatch): Job {
  return { name: 'turn', id: jobId.turn(turnId, dispatch), payload: { v: 1, turnId } }
}

function searchJob({ turnId, dispatch }: Dispatch): Job {
  return { name: 'search', id: jobId.search(turnId, dispatch), payload: { v: 1, turnId } }
}

export function readingJobs({ turnId, attachmentIds, dispatch }: Dispatch): Job[] {
  return attachmentIds.map((attachmentId) => ({
    name: 'extract',
    id: jobId.extract(attachmentId, turnId, dispatch),
    payload: { v: 1, turnId, attachmentId },
  }))
}

/** What is read without a question: a source, or a file of one. */
export function learnJob({ sourceId, attachmentId, dispatch }: LearnedDispatch): Job {
  if (attachmentId === undefined)
    return { name: 'learn', id: jobId.learn(sourceId, dispatch), payload: { v: 1, sourceId } }
  return { name: 'extract', id: jobId.extract(attachmentId, sourceId, dispatch), payload: { v: 1, attachmentId } }
}
