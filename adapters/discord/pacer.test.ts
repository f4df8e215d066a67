import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { Quota } from '../../src/core/platform-state.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { createPacer, spread } from './pacer.ts'

it('no time window exceeds the limit, wherever it starts', async () => {
  const allowances = fc.record({
    limit: fc.integer({ min: 1, max: 60 }),
    windowMs: fc.integer({ min: 100, max: 10_000 }),
  })
  const rests = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 5, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(allowances, rests, fc.constantFrom(0, 0.1, 0.4), async ({ limit, windowMs }, arrivals, atOnce) => {
      let now = 0
      const quota = createLocalQuota(() => now)
      const { everyMs, burst } = spread({ limit, windowMs }, atOnce)
      const starts: number[] = []
      for (const rest of arrivals) {
        now += rest
        starts.push(now + (await quota.take('line', everyMs, burst)))
      }
      for (const from of starts) {
        const inside = starts.filter((place) => place >= from && place < from + windowMs)
        expect(inside.length).toBeLessThanOrEqual(limit)
      }
    }),
    { numRuns: 300 },
  )
})

interface Taken {
  key: string
  everyMs: number
}

const sent = async () => undefined

function watched() {
  const taken: Taken[] = []
  const held: { key: string; ms: number }[] = []
  const quota: Quota = {
    async take(key, everyMs) {
      taken.push({ key, everyMs })
      return 0
    },
    async hold(key, ms) {
      held.push({ key, ms })
    },
  }
  return { taken, held, pacer: createPacer(quota) }
}

const headers = (limit: number, remaining: number, resetAfter: number) =>
  new Headers({
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset-after': String(resetAfter),
  })

it('the rate of a route follows Discord’s response headers', async () => {
  const { taken, pacer } = watched()
  pacer.learn('PATCH', '/channels/123456789012345678/messages/223456789012345678', headers(10, 9, 2))
  await pacer.run('PATCH', '/channels/323456789012345678/messages/423456789012345678', sent)
  expect(taken[0]?.everyMs).toBe(Math.ceil(2000 / 9))
})

it('the rest of a window is not mistaken for its length', async () => {
  const { taken, pacer } = watched()
  pacer.learn('PATCH', '/channels/123456789012345678/messages/223456789012345678', headers(5, 1, 0.2))
  await pacer.run('PATCH', '/channels/123456789012345678/messages/223456789012345678', sent)
  expect(taken[0]?.everyMs).toBe(1250)
})

it('an empty bucket pauses every process until it is full again', () => {
  const { held, pacer } = watched()
  pacer.learn('POST', '/channels/123456789012345678/messages', headers(5, 0, 3.5))
  expect(held).toEqual([{ key: 'discord/POST /channels/123456789012345678/messages', ms: 3500 }])
})

it('each channel has its own limit, shared by its messages', async () => {
  const { taken, pacer } = watched()
  for (const [channel, message] of [
    ['1', '3'],
    ['1', '4'],
    ['2', '5'],
  ])
    await pacer.run('PATCH', `/channels/${channel}00000000000000000/messages/${message}00000000000000000`, sent)
  const lines = taken.map(({ key }) => key).filter((key) => key !== 'discord/all')
  expect(lines[0]).toBe(lines[1])
  expect(lines[2]).not.toBe(lines[0])
})

it('interaction tokens never appear in limit names, and interaction calls do not count for the bot', async () => {
  const { taken, pacer } = watched()
  await pacer.run('PATCH', '/webhooks/1/a-secret-token/messages/@original', sent)
  expect(taken).toHaveLength(1)
  expect(taken[0]?.key).not.toContain('secret')
})

it('at most fifty requests arrive in a second, also where all that started late arrive together', async () => {
  vi.useFakeTimers()
  try {
    const { pacer } = watched()
    const arrivals: number[] = []
    const stuck = Promise.withResolvers<void>()
    const send = async () => {
      await stuck.promise
      arrivals.push(Date.now())
    }
    const path = '/channels/123456789012345678/messages/223456789012345678'
    const all = Promise.all(Array.from({ length: 120 }, () => pacer.run('PATCH', path, send)))
    await vi.advanceTimersByTimeAsync(3000)
    stuck.resolve()
    await vi.advanceTimersByTimeAsync(5000)
    await all
    expect(arrivals).toHaveLength(120)
    for (const from of arrivals)
      expect(arrivals.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(50)
  } finally {
    vi.useRealTimers()
  }
})
