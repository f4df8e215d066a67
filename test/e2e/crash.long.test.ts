/** Hundreds of turns through dozens of kills. */
import { expect, it } from 'vitest'
import { runCrashes } from './crash-run.ts'

const plan = { threads: 36, messagesEach: 10, kills: 32 }

it('every message is answered once, in order and whole, through 32 kills', { timeout: 600_000 }, async () => {
  const { turns } = await runCrashes({ ...plan, hasFile: () => false })
  expect(turns).toBeGreaterThanOrEqual(200)
})

it('and so are messages with files, through 32 kills', { timeout: 900_000 }, async () => {
  const { turns, filesRead } = await runCrashes({ ...plan, hasFile: (_, n) => n % 4 === 1 })
  expect(filesRead).toBe(108)
  expect(turns).toBeGreaterThanOrEqual(200)
})
