/** The console under the law of platforms: real HTTP, real board, real files. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { createBlobs } from '../../src/blobs/blobs.ts'
import { createLocalBlobs } from '../../src/blobs/local.ts'
import type { Collections } from '../../src/core/collections.ts'
import { silentLog } from '../../src/core/log.ts'
import type { PlatformRig } from '../../src/core/platform.contract.rig.ts'
import { platformContract } from '../../src/core/platform.contract.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { createBlobReferences } from '../../src/store/blob-references.ts'
import { openDatabase } from '../../src/store/database.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { ConsoleClient } from '../../test/e2e/parley.ts'
import { noAccounts, noKeys, noLinking } from '../../test/fakes/accounts.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { createConsoleBoard } from './board-postgres.ts'
import { threadOf } from './normalize.ts'
import { createConsole } from './platform.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

platformContract('console', openRig, {
  lacks: {
    attach: 'a message holds a million characters',
    buttons: 'the page itself draws them, by the state of a message',
    command: 'the page has no line for commands',
    revise: 'what was sent is not changed there',
    erase: 'a whole thread is deleted there',
    follow: 'every thread is with Parley alone',
  },
})

async function openRig(): Promise<PlatformRig> {
  const { connection } = await server.createDatabase()
  const database = openDatabase(connection, { log: silentLog })
  const limits = { fileBytes: 1_000_000, files: 10, textChars: 10_000 }
  const blobs = createBlobs(createLocalBlobs(server.home), createBlobReferences(database))
  // The contract's turns are known to its own intake alone.
  const board = { ...createConsoleBoard(database.query), hasTurn: async () => true }
  const platform = await createConsole({
    board,
    topics: createLocalChannel(),
    blobs,
    limits,
    accounts: noAccounts,
    linking: noLinking,
    ownKeys: noKeys,
    recordReading: () => Promise.reject(new Error('not used')),
    collections: {} as Collections,
    log: silentLog,
    forget: () => Promise.reject(new Error('not used')),
    maySee: async () => false,
    previews: {
      page: () => Promise.reject(new Error('not used')),
      lines: () => Promise.reject(new Error('not used')),
      picture: () => Promise.reject(new Error('not used')),
      recording: () => Promise.reject(new Error('not used')),
    },
    status: async () => ({ version: '0', models: [], notice: null, limits, web: null }),
  })
  const threadId = randomUUID()
  let http: Awaited<ReturnType<typeof serveMounts>>
  let client: ConsoleClient
  return {
    platform,
    async open(intake) {
      http = await serveMounts(platform.listen(intake).mounts)
      client = new ConsoleClient(http.url)
    },
    async write({ eventId, text, file }) {
      const uploads = file ? [await client.upload(file.name, file.content)] : []
      try {
        await client.send(threadId, text, uploads, eventId)
        return { acknowledged: true }
      } catch (error) {
        return { acknowledged: false, told: String(error) }
      }
    },
    async seen(target) {
      const known = await board.thread(threadOf(target), null)
      const replies = (known?.messages ?? []).filter(({ role, turnId }) => role === 'parley' && turnId !== null)
      return replies.map(({ text, receipt }) => ({ text, finished: receipt !== null }))
    },
    async notices(target) {
      const known = await board.thread(threadOf(target), null)
      return (known?.messages ?? []).flatMap((each) => (each.role === 'parley' && !each.turnId ? [each.text] : []))
    },
    async press({ button }) {
      const turnId = 'turnId' in button ? button.turnId : ''
      const response = await fetch(`${client.url}/console/turns/${turnId}/${button.kind}`, { method: 'POST' })
      const body = (await response.json()) as { notice?: { text: string }; error?: { userMessage: string } }
      return { acknowledged: response.ok, told: body.notice?.text ?? body.error?.userMessage ?? '' }
    },
    async close() {
      await http.close()
      await database.close()
    },
  }
}
