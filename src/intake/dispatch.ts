/** Hands a turn to the queue: a flow of the turn and one job for each file to read. Ids make a second time harmless. */
import { type Job, jobId, type Queue } from '../queue/queue.ts'
import type { Dispatch } from '../store/turns.ts'

export async function dispatchTurn(queue: Pick<Queue, 'add' | 'addFlow'>, next: Dispatch): Promise<void> {
  const turn = turnJob(next)
  const files = readingJobs(next)
  if (files.length === 0) await queue.add(turn)
  else await queue.addFlow(turn, files)
}

export function turnJob({ turnId, dispatch }: Dispatch): Job {
  return { name: 'turn', id: jobId.turn(turnId, dispatch), payload: { v: 1, turnId } }
}

export function readingJobs({ turnId, attachmentIds, dispatch }: Dispatch): Job[] {
  return attachmentIds.map((attachmentId) => ({
    name: 'extract',
    id: jobId.extract(attachmentId, turnId, dispatch),
    payload: { v: 1, turnId, attachmentId },
  }))
}
