/** The contract of parents and children; part of queue.contract.ts. */
import { describe, expect, it } from 'vitest'
import { type ContractTools, damaged, doing, extractJob, turnJob } from './queue.contract.tools.ts'
import type { Job } from './queue.ts'

export function describeFlows(use: () => ContractTools): void {
  const children = () => ['good', 'bad', 'other'].map(extractJob)
  const extract = (log: string[]) => async (payload: { attachmentId: string }) => {
    log.push(payload.attachmentId)
    if (payload.attachmentId.startsWith('bad')) throw damaged()
    return 'done' as const
  }

  /** Runs a last job through the only slot of `turn`: whatever would have run before it has. */
  async function settled({ queue }: ContractTools, end: Job, ran: Promise<void>): Promise<void> {
    await queue.add(end)
    await ran
  }

  describe('a flow', () => {
    it('runs its parent when all children have ended, even failed ones', async () => {
      const { queue, work } = use()
      const log: string[] = []
      const ran = Promise.withResolvers<number>()
      await queue.addFlow(turnJob(), children())
      await work({ extract: extract(log), turn: doing(() => ran.resolve(log.push('parent'))) })
      await ran.promise
      expect(log.toSorted()).toEqual(['bad', 'good', 'other', 'parent'])
      expect(log.at(-1)).toBe('parent')
    })

    it('without children runs its parent at once', async () => {
      const { queue, work } = use()
      const ran = Promise.withResolvers<void>()
      await queue.addFlow(turnJob(), [])
      await work({ turn: doing(() => ran.resolve()) })
      await ran.promise
    })

    it('runs parent and children once, however often it is added', async () => {
      const tools = use()
      const { queue, another, work } = tools
      const second = await another()
      const [parent, end] = [turnJob(), turnJob()]
      const parts = children()
      const log: string[] = []
      const ran = Promise.withResolvers<void>()
      const ended = Promise.withResolvers<void>()
      await Promise.all(Array.from({ length: 6 }, (_, at) => (at % 2 ? queue : second).addFlow(parent, parts)))
      const turn = async (_: unknown, { id }: { id: string }) => {
        log.push(id)
        if (id === parent.id) ran.resolve()
        else ended.resolve()
        return 'done' as const
      }
      await work({ extract: extract(log), turn }, { turn: 1, media: 1 })
      await ran.promise
      await queue.addFlow(parent, parts)
      await settled(tools, end, ended.promise)
      expect(log.toSorted()).toEqual(['bad', 'good', 'other', parent.id, end.id].toSorted())
    })

    it('runs its parent even if some children had ended before', async () => {
      const { queue, work } = use()
      const ran = Promise.withResolvers<void>()
      const log: string[] = []
      await work({ extract: extract(log), turn: doing(() => ran.resolve()) })
      const [good, bad, other] = children()
      if (!good || !bad || !other) throw new Error('three children')
      await queue.add(good)
      await queue.add(bad)
      await expect.poll(() => queue.dead(1)).toHaveLength(1)
      await queue.addFlow(turnJob(), [good, bad, other])
      await ran.promise
      expect(log.toSorted()).toEqual(['bad', 'good', 'other'])
    })

    it('added again while a child runs does not hang on a failed child', async () => {
      const { queue, work } = use()
      const parent = turnJob()
      const parts = children()
      const ran = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      await work({
        extract: async ({ attachmentId }) => {
          if (attachmentId === 'bad') throw damaged()
          await goOn.promise
          return 'done'
        },
        turn: doing(() => ran.resolve()),
      })
      await queue.addFlow(parent, parts)
      await expect.poll(() => queue.dead(1)).toHaveLength(1)
      await queue.addFlow(parent, parts)
      goOn.resolve()
      await ran.promise
    })
  })

  describe('a running job that asks to wait for children', () => {
    it('frees its slot, runs again when they end, and keeps its attempt', async () => {
      const { queue, work } = use()
      const log: string[] = []
      const attempts: number[] = []
      const ran = Promise.withResolvers<void>()
      await work(
        {
          extract: extract(log),
          turn: async (_, { attempt }) => {
            attempts.push(attempt)
            if (attempts.length === 1) return { waitFor: children() }
            ran.resolve()
            return 'done'
          },
        },
        { turn: 1, media: 1 },
      )
      await queue.add(turnJob())
      await ran.promise
      expect(log.toSorted()).toEqual(['bad', 'good', 'other'])
      expect(attempts).toEqual([1, 1])
    })

    it('runs again at once when they had all ended before', async () => {
      const { queue, work } = use()
      const log: string[] = []
      let runs = 0
      const ran = Promise.withResolvers<void>()
      await work({
        extract: extract(log),
        turn: async () => {
          if (++runs === 1) return { waitFor: children() }
          ran.resolve()
          return 'done'
        },
      })
      for (const child of children()) await queue.add(child)
      await expect
        .poll(async () => (await queue.counts()).media)
        .toEqual({ waiting: 0, active: 0, delayed: 0, dead: 1 })
      expect(log).toHaveLength(3)
      await queue.add(turnJob())
      await ran.promise
      expect(log).toHaveLength(3)
    })

    it('can ask for the same children twice; it waits once and they run once', async () => {
      const { queue, work } = use()
      const log: string[] = []
      let runs = 0
      const ran = Promise.withResolvers<void>()
      await work({
        extract: extract(log),
        turn: async () => {
          if (++runs <= 2) return { waitFor: children() }
          ran.resolve()
          return 'done'
        },
      })
      await queue.add(turnJob())
      await ran.promise
      expect(log.toSorted()).toEqual(['bad', 'good', 'other'])
    })
  })
}
