/** More than 10,000 whole turns in long lives of the world: see leaks.test.ts. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { openDatabase } from '../src/store/database.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { leakTurns } from '../test/leak-turns.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'no turn tells anybody what not everybody who reads its answer may see, seed %i',
  async (seed) => {
    const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
    const found = await leakTurns(database, seed, 4, 2).finally(() => database.close())
    console.log(JSON.stringify({ seed, ...found }))
    expect(found.turns).toBeGreaterThan(1_250)
  },
  1_800_000,
)
