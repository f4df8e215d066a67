import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { silentLog } from '../core/log.ts'
import { quotaContract } from '../core/quota.contract.ts'
import { openDatabase } from './database.ts'
import { createLocalQuota, createPostgresQuota } from './quota.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

const database = async () => {
  const { connection } = await server.createDatabase()
  const opened = [openDatabase(connection, { log: silentLog }), openDatabase(connection, { log: silentLog })] as const
  onTestFinished(async () => void (await Promise.all(opened.map((each) => each.close()))))
  return opened
}

quotaContract('in PostgreSQL', async () => {
  const [one, other] = await database()
  return { quotas: [createPostgresQuota(one), createPostgresQuota(other)] }
})

quotaContract('of one process', async () => {
  const quota = createLocalQuota()
  return { quotas: [quota, quota] }
})

describe('quotas unused for a long time', () => {
  const later = 11 * 60_000

  it('are removed from the table, and used ones stay', async () => {
    const [db] = await database()
    let clock = 0
    const quota = createPostgresQuota(db, () => clock)
    await quota.take('old', 1000)
    await quota.take('held', 1000)
    await quota.hold('held', 3_600_000)
    await db.pool.query(`update platform_quota set free_at = now() - interval '1 hour'`)
    await quota.take('new', 1000)
    clock = later
    await quota.take('new', 1000)
    const { rows } = await db.pool.query('select key from platform_quota order by key')
    expect(rows).toEqual([{ key: 'held' }, { key: 'new' }])
  })

  it('are removed from memory, and used ones stay', async () => {
    let clock = 0
    const quota = createLocalQuota(() => clock)
    await quota.take('old', 1000)
    await quota.hold('held', 3_600_000)
    clock = later
    await quota.take('new', 1000)
    expect(quota.lines()).toBe(2)
    expect(await quota.take('held', 1000)).toBe(3_600_000 - later)
  })
})

it('the quota table writes no write-ahead log', async () => {
  const [db] = await database()
  const { rows } = await db.pool.query(
    `select relpersistence::text as kind from pg_class where relname = 'platform_quota'`,
  )
  expect(rows).toEqual([{ kind: 'u' }])
})
