/** The contract of what the queue knows, forgets and takes back; part of queue.contract.ts. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import type { PublishedEvent } from '../core/events.ts'
import { type ContractTools, damaged, doing, extractJob, turnJob } from './queue.contract.tools.ts'
import type { JobContext } from './queue.ts'

export function describeStates(use: () => ContractTools): void {
  describe('the states of jobs', () => {
    it('are returned in the requested order', async () => {
      const { queue, work } = use()
      const [unknown, waits, later, parent, runs, done, dead] = Array.from({ length: 7 }, () => turnJob())
      if (!unknown || !waits || !later || !parent || !runs || !done || !dead) throw new Error('seven jobs')
      const started = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      const turn = async (_: unknown, { id }: JobContext) => {
        if (id === dead.id) throw damaged()
        if (id === runs.id) {
          started.resolve()
          await goOn.promise
        }
        return 'done' as const
      }
      await queue.add(later, { delayMs: 600_000 })
      await queue.addFlow(parent, [extractJob('unread')])
      await work({ turn }, { turn: 1 })
      for (const job of [done, dead, runs]) await queue.add(job)
      await started.promise
      await queue.add(waits)
      const asked = [unknown, waits, later, parent, runs, done, dead, extractJob('unread')]
      const states = ['unknown', 'waiting', 'waiting', 'parked', 'running', 'ended', 'ended', 'waiting']
      expect(await queue.states(asked)).toEqual(states)
      expect(await queue.states([])).toEqual([])
      goOn.resolve()
    })
  })

  describe('removing', () => {
    it('forgets waiting jobs with their children, and accepts unknown ones', async () => {
      const { queue } = use()
      const [waits, later, parent] = [turnJob(), turnJob(), turnJob()]
      await queue.add(waits)
      await queue.add(later, { delayMs: 600_000 })
      await queue.addFlow(parent, [extractJob('a'), extractJob('b')])
      const all = [waits, later, parent, extractJob('a'), extractJob('b')]
      await queue.remove([waits, later, parent, turnJob()])
      expect(await queue.states(all)).toEqual(all.map(() => 'unknown'))
      const nothing = { waiting: 0, active: 0, delayed: 0, dead: 0 }
      expect(await queue.counts()).toMatchObject({ turn: nothing, media: nothing })
    })

    it('leaves a running job alone', async () => {
      const { queue, work } = use()
      const job = turnJob()
      const started = Promise.withResolvers<void>()
      const goOn = Promise.withResolvers<void>()
      await work({
        turn: async () => {
          started.resolve()
          await goOn.promise
          return 'done'
        },
      })
      await queue.add(job)
      await started.promise
      await queue.remove([job])
      expect(await queue.states([job])).toEqual(['running'])
      goOn.resolve()
      await expect.poll(() => queue.states([job])).toEqual(['ended'])
    })
  })

  describe('taking back', () => {
    it('hands out a running job again at once, despite its lock, and keeps its attempt', async () => {
      const { queue, another, work } = use()
      const job = turnJob()
      const started = Promise.withResolvers<void>()
      const lost = Promise.withResolvers<void>()
      await work(
        {
          turn: (_, { signal }) => {
            started.resolve()
            return new Promise((_, reject) =>
              signal.addEventListener('abort', () => {
                lost.resolve()
                reject(signal.reason)
              }),
            )
          },
        },
        { turn: 1 },
      )
      await queue.add(job)
      await started.promise
      const second = await another()
      await second.takeBack()
      expect(await second.states([job])).toEqual(['waiting'])
      const taken = Promise.withResolvers<number>()
      await work({ turn: doing((_, { attempt }) => taken.resolve(attempt)) }, { turn: 1 }, second)
      expect(await taken.promise).toBe(1)
      await lost.promise
      await expect.poll(() => second.states([job])).toEqual(['ended'])
    })
  })

  describe('events of jobs', () => {
    it('report start, end and failure of each run, with names and ids only', async () => {
      const { queue, work } = use()
      const [good, bad] = [turnJob(), turnJob()]
      const seen: string[] = []
      const listen = (what: string) => (event: unknown) => {
        const { queue: of, name, id, attempt, outcome, errorCode } = event as PublishedEvent<'parley:job'>
        if (id !== good.id && id !== bad.id) return
        seen.push(`${what} ${of} ${name} ${id === good.id ? 'good' : 'bad'} ${attempt} ${outcome ?? errorCode}`)
      }
      const listeners = ['start', 'asyncEnd', 'error'].map(
        (what) => [`tracing:parley:job:${what}`, listen(what)] as const,
      )
      for (const [channel, listener] of listeners) subscribe(channel, listener)
      try {
        const turn = async (_: unknown, { id }: JobContext) => {
          if (id === bad.id) throw damaged()
          return 'done' as const
        }
        await work({ turn }, { turn: 1 })
        await queue.add(good)
        await expect.poll(() => queue.states([good])).toEqual(['ended'])
        await queue.add(bad)
        await expect.poll(() => queue.states([bad])).toEqual(['ended'])
      } finally {
        for (const [channel, listener] of listeners) unsubscribe(channel, listener)
      }
      expect(seen).toEqual([
        'start turn turn good 1 undefined',
        'asyncEnd turn turn good 1 done',
        'start turn turn bad 1 undefined',
        'error turn turn bad 1 file_damaged',
        'asyncEnd turn turn bad 1 file_damaged',
      ])
    })
  })
}
