import { expect, it } from 'vitest'
import { type Clock, pauseAfter, retry, sleep } from './retry.ts'

/** Time passes only in pauses, and chance is what the test says. */
function testClock(random = 0): Clock & { paused: number[] } {
  let at = 0
  const paused: number[] = []
  return {
    paused,
    now: () => at,
    random: () => random,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      paused.push(ms)
      at += ms
    },
  }
}

const delays = { firstMs: 100, mostMs: 1000 }
const always = { on: () => true, delays }
const failing = (times: number) => {
  let calls = 0
  return async () => {
    calls += 1
    if (calls <= times) throw new Error(`failure ${calls}`)
    return calls
  }
}

it('tries until the work succeeds, with pauses that double up to the longest', async () => {
  const clock = testClock()
  expect(await retry(failing(6), { ...always, clock })).toBe(7)
  expect(clock.paused).toEqual([100, 200, 400, 800, 1000, 1000])
})

it('takes up to half of a pause away by chance, and nothing of one that was asked for', () => {
  expect(pauseAfter(3, delays, undefined, 0.999)).toBeCloseTo(200, 0)
  expect(pauseAfter(3, delays, undefined, 0)).toBe(400)
  expect(pauseAfter(3, delays, 5000, 0)).toBe(5000)
  expect(pauseAfter(3, delays, 5000, 0.5)).toBe(5050)
  expect(pauseAfter(5000, delays, undefined, 0)).toBe(1000)
})

it('ends at the number of tries, and at what no other try helps', async () => {
  await expect(retry(failing(9), { ...always, tries: 3, clock: testClock() })).rejects.toThrow('failure 3')
  await expect(retry(failing(9), { delays, on: () => false, clock: testClock() })).rejects.toThrow('failure 1')
  await expect(retry(failing(9), { delays, on: (_, tries) => tries < 2, clock: testClock() })).rejects.toThrow(
    'failure 2',
  )
})

it('begins its last try at the deadline, not before and not after it', async () => {
  const clock = testClock()
  await expect(retry(failing(99), { ...always, deadlineMs: 1000, clock })).rejects.toThrow('failure 5')
  expect(clock.paused).toEqual([100, 200, 400, 300])
})

it('waits as long as the failure asks, unless that is longer than is left or allowed', async () => {
  const asked = () => 3000
  const clock = testClock()
  expect(await retry(failing(1), { ...always, asked, clock })).toBe(2)
  expect(clock.paused).toEqual([3000])
  const limited = { ...always, asked, clock: testClock() }
  await expect(retry(failing(1), { ...limited, longestAskedMs: 2000 })).rejects.toThrow('failure 1')
  await expect(retry(failing(1), { ...limited, deadlineMs: 2000 })).rejects.toThrow('failure 1')
})

it('ends with the reason of its signal: before a try, after one, and in a pause', async () => {
  const before = AbortSignal.abort(new Error('stopped'))
  await expect(retry(failing(0), { ...always, signal: before })).rejects.toThrow('stopped')
  const during = new AbortController()
  const work = async () => {
    during.abort(new Error('stopped within'))
    throw new Error('a failure that came of it')
  }
  await expect(retry(work, { ...always, signal: during.signal })).rejects.toThrow('stopped within')
  const pausing = new AbortController()
  const waiting = retry(failing(1), {
    on: () => true,
    delays: { firstMs: 60_000, mostMs: 60_000 },
    signal: pausing.signal,
    onPause: () => queueMicrotask(() => pausing.abort(new Error('stopped in a pause'))),
  })
  await expect(waiting).rejects.toThrow('stopped in a pause')
  await expect(sleep(60_000, before)).rejects.toThrow('stopped')
})

it('tells of each pause before it begins', async () => {
  const told: unknown[] = []
  await retry(failing(2), {
    ...always,
    clock: testClock(),
    onPause: (error, { tries, ms }) => told.push([String(error), tries, ms]),
  })
  expect(told).toEqual([
    ['Error: failure 1', 1, 100],
    ['Error: failure 2', 2, 200],
  ])
})
