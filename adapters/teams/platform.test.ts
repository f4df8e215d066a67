/** Runs the platform contract against Teams: simulated, in a personal chat and in a channel's thread, with records in a real database. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { platformContract } from '../../src/core/platform.contract.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createRecords } from '../../src/store/records-postgres.ts'
import { createSecrets } from '../../src/store/secrets.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { apart } from '../../test/fakes/records.ts'
import { openTeamsRig } from '../../test/servers/teams-rig.ts'

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

/** Each rig starts a separate Teams. */
const records = () => apart(createRecords(database, createSecrets('a secret of sixteen'), `teams-${randomUUID()}`))

platformContract('teams in a personal chat', () => openTeamsRig(records(), 'personal'), {
  lacks: { follow: 'a personal chat has no threads, and needs no mention' },
})
platformContract('teams in a thread of a channel', () => openTeamsRig(records(), 'channel'), {
  lacks: { attach: 'Teams takes files of an app in personal chats alone' },
})
