/** The contract of the queue's workers; part of queue.contract.ts. */
import { describe, expect, it } from 'vitest'
import { type ContractTools, doing, extractJob, turnJob } from './queue.contract.tools.ts'
import type { JobContext } from './queue.ts'

export function describeWorkers(use: () => ContractTools): void {
  describe('workers', () => {
    it('run up to their limit of jobs at a time', async () => {
      const { queue, work } = use()
      const all = Promise.withResolvers<void>()
      const three = Promise.withResolvers<void>()
      let [running, most, ended] = [0, 0, 0]
      await Promise.all(Array.from({ length: 12 }, () => queue.add(turnJob())))
      const turn = async () => {
        most = Math.max(most, ++running)
        if (running === 3) three.resolve()
        await three.promise
        running--
        if (++ended === 12) all.resolve()
        return 'done' as const
      }
      await work({ turn }, { turn: 3 })
      await all.promise
      expect(most).toBe(3)
    })

    it('take jobs only from their queues', async () => {
      const { queue, work } = use()
      const ran = Promise.withResolvers<void>()
      await work({ extract: doing(() => ran.resolve()) }, { media: 1 })
      await queue.add(turnJob())
      await queue.add(extractJob('a'))
      await ran.promise
      expect((await queue.counts()).turn.waiting).toBe(1)
    })

    it('closing waits for running jobs and takes no new ones', async () => {
      const { queue, work } = use()
      const started = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      let aborted = false
      const turn = async (_: unknown, { signal }: JobContext) => {
        started.resolve()
        await goOn.promise
        aborted = signal.aborted
        return 'done' as const
      }
      const processor = await work({ turn }, { turn: 1 })
      await queue.add(turnJob())
      await started.promise
      await queue.add(turnJob())
      const closed = processor.close(20_000)
      goOn.resolve()
      await closed
      expect(aborted).toBe(false)
      expect((await queue.counts()).turn).toEqual({ waiting: 1, active: 0, delayed: 0, dead: 0 })
    })

    it('closing aborts jobs that exceed the grace period, and another worker gets them with their attempt', async () => {
      const { queue, another, work } = use()
      const started = Promise.withResolvers<void>()
      const processor = await work({
        turn: (_, { signal }) => {
          started.resolve()
          return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        },
      })
      await queue.add(turnJob())
      await started.promise
      await processor.close(20)
      const taken = Promise.withResolvers<number>()
      await work({ turn: doing((_, { attempt }) => taken.resolve(attempt)) }, { turn: 1 }, await another())
      expect(await taken.promise).toBe(1)
    })
  })
}
