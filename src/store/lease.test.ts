import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keepTurnLease } from './turns.ts'

const minute = 60_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** `answers`: what the database says to each renewal; an error where it is away. */
function held(answer: () => 'held' | 'lost' | 'stop' | Error) {
  return keepTurnLease(
    {
      async renew() {
        const said = answer()
        if (said instanceof Error) throw said
        return said
      },
    },
    'turn',
    'owner',
    () => {},
  )
}

const away = () => new Error('the database is away')

describe('a lease of a turn', () => {
  it('ends 15 s after the last renewal even if the wall clock is set back', async () => {
    using lease = held(away)
    await vi.advanceTimersByTimeAsync(5_000)
    vi.setSystemTime(Date.now() - minute)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(lease.held()).toBe(true)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(lease.held()).toBe(false)
    await vi.advanceTimersByTimeAsync(4_000)
    expect(lease.lost.aborted).toBe(true)
  })

  it('ends at once when the wall clock jumps forward, as after the machine sleeps', async () => {
    using lease = held(away)
    await vi.advanceTimersByTimeAsync(1_000)
    vi.setSystemTime(Date.now() + minute)
    expect(lease.held()).toBe(false)
  })

  it('stays lost when the clock is set forward and back again', () => {
    using lease = held(away)
    const before = Date.now()
    vi.setSystemTime(before + minute)
    expect(lease.held()).toBe(false)
    vi.setSystemTime(before)
    expect(lease.held()).toBe(false)
  })

  it('is valid after a renewal, whatever the wall clock says', async () => {
    using lease = held(() => 'held')
    for (const shift of [-minute, 0, -10 * minute]) {
      vi.setSystemTime(Date.now() + shift)
      await vi.advanceTimersByTimeAsync(20_000)
      expect(lease.held()).toBe(true)
    }
    expect(lease.lost.aborted).toBe(false)
  })

  it('counts from the request, not from the response', async () => {
    const asked = { wall: Date.now(), monotonic: performance.now() }
    await vi.advanceTimersByTimeAsync(14_000)
    using lease = keepTurnLease({ renew: async () => Promise.reject(away()) }, 'turn', 'owner', () => {}, asked)
    expect(lease.held()).toBe(true)
    await vi.advanceTimersByTimeAsync(1_500)
    expect(lease.held()).toBe(false)
  })
})
