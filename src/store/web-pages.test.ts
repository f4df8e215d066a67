/** How long a page of the web is kept: as long as a turn was given something of it, or as long as it is fresh. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { silentLog } from '../core/log.ts'
import { type Database, openDatabase } from './database.ts'
import { createTurns } from './turns-postgres.ts'
import { createWebPages } from './web-pages.ts'

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

const hour = 3_600_000
const ids = async (table: string, column: string) =>
  (await database.pool.query<Record<string, string>>(`select ${column} as id from ${table} order by 1`)).rows.map(
    ({ id }) => id,
  )

async function page(id: string, freshMs: number) {
  const contentHash = id.repeat(64).slice(0, 64)
  await knowBlobs(database.pool, contentHash)
  const kept = {
    id,
    address: `https://${id}.example/`,
    contentHash,
    engine: 'web-1',
    title: id,
    site: undefined,
    published: undefined,
  }
  await createWebPages(database).save(kept.address, kept, freshMs)
}

async function turn(): Promise<string> {
  const { turnId } = await createTurns(database).accept(message({ channelId: randomUUID() }))
  return turnId
}

it('goes with the last turn that was given something of it, with its bytes; what no turn has goes when it is stale', async () => {
  const pages = createWebPages(database)
  await page('a', hour)
  await page('b', -hour)
  await page('c', hour)
  await page('d', -hour)
  const [first, second] = [await turn(), await turn()]
  await pages.use(first, ['a', 'b'])
  await pages.use(second, ['a'])
  await pages.saveResults('old', [], -hour)
  await pages.saveResults('new', [], hour)

  // Nobody was given anything of d, which is stale.
  await pages.sweep()
  expect(await ids('web_page', 'id')).toEqual(['a', 'b', 'c'])
  expect(await ids('web_result', 'key')).toEqual(['new'])

  const gone = (turnId: string) => database.pool.query('delete from turn where id = $1', [turnId])
  await gone(first)
  expect(await ids('web_page', 'id')).toEqual(['a', 'c'])
  await gone(second)
  expect(await ids('web_page', 'id')).toEqual(['c'])
  expect(await ids("blob_ref where owner_kind = 'page'", 'owner_id')).toEqual(['c'])
})
