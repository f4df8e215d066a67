/** A sample of injections.long.test.ts: orders in content, by every carrier, for a model that obeys them. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { holds } from '../test/injection-checks.ts'
import { attacks, carriers } from '../test/injections.ts'

let server: TestServer
let database: Database
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

describe('a model that obeys what it reads', () => {
  const every = Math.max(1, Math.floor(attacks().length / 3))
  const sample = attacks().filter((_, at) => at % every === 0)
  it.each(Object.keys(carriers))('changes nothing and links to nobody: %s', async (carrier) => {
    for (const { text } of sample) await holds(database, text, carrier)
  })
})
