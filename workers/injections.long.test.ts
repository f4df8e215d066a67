/** All orders of BIPIA in content, by every carrier, for a model that obeys them. Without BIPIA, orders of the same kinds. */
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
  const sample = attacks()
  it.each(Object.keys(carriers))('changes nothing and links to nobody: %s', async (carrier) => {
    for (const { text } of sample) await holds(database, text, carrier)
  })
})
