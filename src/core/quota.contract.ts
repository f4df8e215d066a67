/** The law of a pace: every implementation gives the same places. Run by src/store/quota.test.ts. */
import { describe, expect, it } from 'vitest'
import type { Quota } from './platform-state.ts'

/** So long that the time a test takes is a small part of one place. */
const everyMs = 600_000

export interface QuotaRig {
  /** Two users of the same lines, in two processes where there can be two. */
  quotas: readonly [Quota, Quota]
}

export function quotaContract(name: string, openRig: () => Promise<QuotaRig>): void {
  describe(`quota: ${name}`, () => {
    /** The number of places from now. */
    const places = (waits: number[]) => waits.map((wait) => Math.round(wait / everyMs)).sort((a, b) => a - b)

    it('the first comes at once, the next one place later', async () => {
      const { quotas } = await openRig()
      expect(await quotas[0].take('c1', everyMs)).toBe(0)
      const second = await quotas[0].take('c1', everyMs)
      expect(second).toBeGreaterThan(everyMs * 0.9)
      expect(second).toBeLessThanOrEqual(everyMs)
    })

    it('a burst comes at once, and then every place by itself', async () => {
      const { quotas } = await openRig()
      const waits: number[] = []
      for (let n = 0; n < 6; n += 1) waits.push(await quotas[0].take('c1', everyMs, 4))
      expect(waits.slice(0, 4)).toEqual([0, 0, 0, 0])
      expect(places(waits.slice(4))).toEqual([1, 2])
    })

    it('a hundred who come at once, from two sides, get a hundred different places', async () => {
      const { quotas } = await openRig()
      const waits = await Promise.all(
        Array.from({ length: 100 }, (_, n) => quotas[n % 2 === 0 ? 0 : 1].take('c1', everyMs)),
      )
      expect(places(waits)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    })

    it('lines of different keys know nothing of each other', async () => {
      const { quotas } = await openRig()
      await quotas[0].take('c1', everyMs)
      await quotas[0].hold('c1', everyMs)
      expect(await quotas[1].take('c2', everyMs)).toBe(0)
    })

    it('while the platform says to wait, no caller gets a place before that', async () => {
      const { quotas } = await openRig()
      await quotas[0].hold('c1', 3 * everyMs)
      const waits = [await quotas[1].take('c1', everyMs, 2), await quotas[0].take('c1', everyMs, 2)]
      waits.push(await quotas[0].take('c1', everyMs, 2))
      expect(places(waits)).toEqual([3, 3, 4])
    })

    it('a shorter wait does not undo a longer one', async () => {
      const { quotas } = await openRig()
      await quotas[0].hold('c1', 3 * everyMs)
      await quotas[1].hold('c1', everyMs)
      expect(places([await quotas[0].take('c1', everyMs)])).toEqual([3])
    })
  })
}
