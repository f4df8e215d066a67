/** The contract of the queue port. Every implementation, fakes included, runs it: `describe('…', () => queueContract(open))`. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeFlows } from './queue.contract.flows.ts'
import { describeStates } from './queue.contract.states.ts'
import {
  busy,
  type ContractTools,
  damaged,
  doing,
  doNothing,
  extractJob,
  type QueueSpace,
  turnJob,
} from './queue.contract.tools.ts'
import { describeWorkers } from './queue.contract.workers.ts'
import type { Job, JobContext } from './queue.ts'

export type { QueueSpace }

export function queueContract(openSpace: () => Promise<QueueSpace>): void {
  let tools: ContractTools
  let cleanUp: (() => Promise<unknown>)[]
  const use = () => tools

  beforeEach(async () => {
    const space = await openSpace()
    cleanUp = [() => space.dispose()]
    const another = async () => {
      const queue = await space.open()
      cleanUp.unshift(() => queue.close())
      return queue
    }
    const queue = await another()
    const work: ContractTools['work'] = async (
      handlers,
      concurrency = { turn: 10, media: 10, system: 1 },
      on = queue,
    ) => {
      const processor = await on.process({ ...doNothing, ...handlers }, concurrency)
      cleanUp.unshift(() => processor.close(0))
      return processor
    }
    tools = { queue, space, another, work }
  })
  afterEach(async () => {
    for (const step of cleanUp) await step()
  })

  describe('adding', () => {
    it('a job added while no worker runs is run by the first one that starts', async () => {
      const { queue, work } = use()
      const ran = Promise.withResolvers<string>()
      const job = turnJob()
      await queue.add(job)
      await work({ turn: doing((payload) => ran.resolve(payload.turnId)) })
      expect(await ran.promise).toBe(job.name === 'turn' && job.payload.turnId)
    })

    it('a job added many times at once, over two connections, runs once', async () => {
      const { queue, another, work } = use()
      const second = await another()
      const runs: string[] = []
      const last = Promise.withResolvers<void>()
      const job = turnJob()
      const end = turnJob()
      await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? queue : second).add(job)))
      await queue.add(end)
      const turn = async (_: unknown, { id }: JobContext) => {
        runs.push(id)
        if (id === end.id) last.resolve()
        return 'done' as const
      }
      await work({ turn }, { turn: 1 })
      await last.promise
      expect(runs).toEqual([job.id, end.id])
    })

    it('a job added again after it was done does not run again', async () => {
      const { queue, work } = use()
      const runs: string[] = []
      const ran = new Map([turnJob(), turnJob()].map((job) => [job.id, { job, done: Promise.withResolvers<void>() }]))
      const [first, end] = [...ran.values()]
      if (!first || !end) throw new Error('two jobs')
      const turn = async (_: unknown, { id }: JobContext) => {
        runs.push(id)
        ran.get(id)?.done.resolve()
        return 'done' as const
      }
      await work({ turn }, { turn: 1 })
      await queue.add(first.job)
      await first.done.promise
      await queue.add(first.job)
      await queue.add(end.job)
      await end.done.promise
      expect(runs).toEqual([first.job.id, end.job.id])
    })
  })

  describe('delay', () => {
    it('a handler that asks for a delay frees its slot and keeps its attempt', async () => {
      const { queue, work } = use()
      const [waits, passes] = [turnJob(), turnJob()]
      const seen: { id: string; attempt: number }[] = []
      const passed = Promise.withResolvers<void>()
      const again = Promise.withResolvers<void>()
      let runs = 0
      const turn = async (_: unknown, { id, attempt }: JobContext) => {
        seen.push({ id, attempt })
        if (id === passes.id) passed.resolve()
        else if (++runs === 1) return { delayMs: 600_000 }
        else again.resolve()
        return 'done' as const
      }
      await queue.add(waits)
      await queue.add(passes)
      await work({ turn }, { turn: 1 })
      await passed.promise
      expect((await queue.counts()).turn.delayed).toBe(1)
      await queue.nudge('turn', waits.id)
      await again.promise
      expect(seen).toEqual([
        { id: waits.id, attempt: 1 },
        { id: passes.id, attempt: 1 },
        { id: waits.id, attempt: 1 },
      ])
    })

    it('a delayed job runs when its time comes', async () => {
      const { queue, work } = use()
      const ran = Promise.withResolvers<number>()
      await work({ turn: doing(() => ran.resolve(performance.now())) })
      const addedAt = performance.now()
      await queue.add(turnJob(), { delayMs: 300 })
      expect((await ran.promise) - addedAt).toBeGreaterThanOrEqual(295)
    })

    it('nudging an unknown or undelayed job does nothing', async () => {
      const { queue } = use()
      const job = turnJob()
      await queue.add(job)
      await queue.nudge('turn', job.id)
      await queue.nudge('turn', 'turn-nobody-1')
      expect((await queue.counts()).turn).toEqual({ waiting: 1, active: 0, delayed: 0, dead: 0 })
    })
  })

  describe('failure', () => {
    it('a job that keeps failing is tried as often as the table says, then is dead with its reason', async () => {
      const { queue, work } = use()
      const job = extractJob('a')
      const seen: { attempt: number; last: boolean }[] = []
      await work({
        extract: async (_, { attempt, last }) => {
          seen.push({ attempt, last })
          throw busy(1)
        },
      })
      await queue.add(job)
      await expect.poll(() => queue.dead(10)).toHaveLength(1)
      expect(seen).toEqual([
        { attempt: 1, last: false },
        { attempt: 2, last: false },
        { attempt: 3, last: true },
      ])
      const [dead] = await queue.dead(10)
      expect(dead).toMatchObject({ id: job.id, name: 'extract', queue: 'media', attempts: 3 })
      expect(dead?.reason).toContain('model_busy')
      expect((await queue.counts()).media.dead).toBe(1)
    })

    it('the wait that an error asks for is respected', async () => {
      const { queue, work } = use()
      const at: number[] = []
      const twice = Promise.withResolvers<void>()
      await work({
        extract: async () => {
          at.push(performance.now())
          if (at.length === 1) throw busy(900)
          twice.resolve()
          return 'done'
        },
      })
      await queue.add(extractJob('a'))
      await twice.promise
      expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(890)
    })

    it('a permanent failure is dead at once', async () => {
      const { queue, work } = use()
      let runs = 0
      await work({
        extract: async () => {
          runs++
          throw damaged()
        },
      })
      await queue.add(extractJob('a'))
      await expect.poll(() => queue.dead(10)).toHaveLength(1)
      expect(runs).toBe(1)
      expect((await queue.dead(10))[0]).toMatchObject({ attempts: 1 })
    })

    it('dead jobs are listed newest first, up to the limit', async () => {
      const { queue, work } = use()
      const ids = ['a', 'b', 'c'].map((name) => extractJob(name).id)
      await work({ extract: async () => Promise.reject(damaged()) }, { media: 1 })
      for (const [at, name] of ['a', 'b', 'c'].entries()) {
        await queue.add(extractJob(name))
        await expect.poll(() => queue.dead(10)).toHaveLength(at + 1)
      }
      expect((await queue.dead(2)).map((job) => job.id)).toEqual([ids[2], ids[1]])
    })
  })

  describe('schedule', () => {
    it('one job per period, however many processes ask, and the first at once', async () => {
      const { queue, another, work } = use()
      const second = await another()
      const sweep: Job = { name: 'sweep', id: 'sweep', payload: { v: 1 } }
      await Promise.all([queue, second, queue, second].map((one) => one.schedule(sweep, 600_000)))
      const ran: string[] = []
      const end: Job = { name: 'sweep', id: 'the-end', payload: { v: 1 } }
      const ended = Promise.withResolvers<void>()
      const sweepOnce = async (_: unknown, { id }: JobContext) => {
        ran.push(id)
        if (id === end.id) ended.resolve()
        return 'done' as const
      }
      await work({ sweep: sweepOnce })
      await expect.poll(() => ran.length).toBe(1)
      await second.schedule(sweep, 600_000)
      await queue.add(end)
      await ended.promise
      expect(ran).toHaveLength(2)
    })

    it('a scheduled job repeats', async () => {
      const { queue, work } = use()
      let runs = 0
      await work({ sweep: doing(() => runs++) })
      await queue.schedule({ name: 'sweep', id: 'sweep', payload: { v: 1 } }, 100)
      await expect.poll(() => runs).toBeGreaterThanOrEqual(4)
    })
  })

  describeWorkers(use)
  describeFlows(use)
  describeStates(use)
}
