/**
 * Jobs that come again and again. Time is cut into periods, and a period's number is part of the job's id: however many
 * processes ask, the queue takes each period's job once. Nothing but the jobs themselves is stored.
 *
 * BullMQ's own schedulers are not used: on PostgreSQL two processes that ask at once can deadlock or schedule twice. No
 * upstream report was found for PostgreSQL; on Redis: https://github.com/taskforcesh/bullmq/issues/2876
 */

import { pause } from './error-throttle.ts'
import type { Job } from './queue.ts'

/** Rejects when the first job cannot be added; later ones are tried until they can. Ends with the signal. */
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
