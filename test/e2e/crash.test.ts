/** The short form of crash.long.test.ts. */
import { expect, it } from 'vitest'
import { runCrashes } from './crash-run.ts'

it('every message is answered once, in order and whole, through 12 kills', { timeout: 240_000 }, async () => {
  const { turns, killed, caughtInState } = await runCrashes({
    threads: 16,
    messagesEach: 5,
    kills: 12,
    hasFile: () => false,
  })
  expect(killed).toEqual({ parley: 8, postgres: 4 })
  expect(turns).toBeGreaterThanOrEqual(40)
  expect(caughtInState.streaming).toBeGreaterThan(0)
})

it('and so are messages with files, through 9 kills', { timeout: 240_000 }, async () => {
  const hasFile = (thread: number, n: number) => thread % 4 < 2 && n % 4 === 1
  const { turns, killed, caughtInState } = await runCrashes({ threads: 8, messagesEach: 6, kills: 9, hasFile })
  expect(killed).toEqual({ parley: 6, postgres: 3 })
  expect(turns).toBeGreaterThanOrEqual(24)
  expect(caughtInState.reading).toBeGreaterThan(0)
})
