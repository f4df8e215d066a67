/** Many people at once: a small crowd; `npm run bench -- discord` measures a large one. */
import { expect, it } from 'vitest'
import { gatherCrowd } from '../servers/discord-crowd.ts'
import { removeHome, startParley, temporaryHome } from './parley.ts'

it('a crowd gets complete answers in order, and Discord never reports a rate limit', {
  timeout: 120_000,
}, async () => {
  const home = await temporaryHome()
  try {
    await using crowd = await gatherCrowd()
    await using _parley = await startParley(home, crowd.env)
    const result = await crowd.write({ messages: 80, channels: 16, overMs: 1600 })
    expect(result.unanswered).toEqual([])
    expect(result.disordered).toEqual([])
    expect(result.refused).toEqual([])
    expect(result.violations).toEqual([])
  } finally {
    await removeHome(home)
  }
})
