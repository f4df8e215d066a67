/** Nobody is told what not everybody in the room may see, whatever happened before. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { leakMatrix } from '../../test/leak-matrix.ts'
import { silentLog } from '../core/log.ts'
import { openDatabase } from '../store/database.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'tells nothing in a long life of the world, seed %i',
  async (seed) => {
    const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
    const { cases } = await leakMatrix(database, seed, 4).finally(() => database.close())
    expect(cases).toBeGreaterThan(10_000)
  },
  600_000,
)
