/** Runs the platform contract against Slack: simulated, over HTTP and over Socket Mode, with records in a real database. */
import { afterAll, beforeAll } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { platformContract } from '../../src/core/platform.contract.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createRecords } from '../../src/store/records-postgres.ts'
import { createSecrets } from '../../src/store/secrets.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { apart } from '../../test/fakes/records.ts'
import { openSlackRig } from '../../test/servers/slack-rig.ts'

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

for (const way of ['http', 'socket'] as const)
  platformContract(`slack over ${way}`, () =>
    openSlackRig(apart(createRecords(database, createSecrets('a secret of sixteen'), `slack-${way}`)), way),
  )
