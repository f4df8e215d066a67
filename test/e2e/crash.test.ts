/** The short form of crash.long.test.ts. */
import { expect, it } from 'vitest'
import { runCrashes } from './crash-run.ts'

// The time that is promised is held for each turn by itself; starting Parley again and again has none on a loaded machine.
const timeout = 900_000

it('every message is answered once, in order and whole, through 6 kills', { timeout }, async () => {
  const plan = { threads: 16, messagesEach: 5, kills: 6, hasFile: () => false }
  const { turns, killed, caughtInState } = await runCrashes(plan)
  expect(killed).toEqual({ parley: 4, postgres: 2 })
  expect(turns).toBeGreaterThanOrEqual(40)
  expect(Object.keys(caughtInState)).not.toEqual([])
})

it('and so are messages with files, through 6 kills', { timeout }, async () => {
  const hasFile = (thread: number, n: number) => thread % 4 < 2 && n % 4 === 1
  const { turns, killed, filesRead } = await runCrashes({ threads: 8, messagesEach: 6, kills: 6, hasFile })
  expect(killed).toEqual({ parley: 4, postgres: 2 })
  expect(turns).toBeGreaterThanOrEqual(24)
  expect(filesRead).toBe(8)
})
