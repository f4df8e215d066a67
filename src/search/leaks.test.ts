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

it('finds, reads and opens nothing that not everybody in the audience may see, in 10,000 cases', async () => {
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  const { cases } = await leakMatrix(database, Number(process.env.LEAK_SEED ?? 20_261_127), 1).finally(() =>
    database.close(),
  )
  expect(cases).toBeGreaterThan(10_000)
})
