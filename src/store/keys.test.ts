import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import type { KeyScope } from '../core/api-key.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import { type Database, openDatabase } from './database.ts'
import { createKeys, type Keys, type NewKey } from './keys.ts'

let server: TestServer
let database: Database
let keys: Keys

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  const { connection } = await server.createDatabase()
  database = openDatabase(connection, { log: silentLog })
  keys = createKeys(database)
  return () => database.close()
})

async function create(key: Partial<NewKey> = {}): Promise<{ id: string; secret: string }> {
  const budget = { amount: usd('5'), period: 'day', timeZone: 'UTC' } as const
  const made = await keys.create({ name: 'site', budget, by: 'test', scopes: ['ask'], ...key })
  if (made === null) throw new Error('the name is taken')
  return made
}

async function person(name: string): Promise<string> {
  const id = randomUUID()
  await database.pool.query('insert into person (id, name) values ($1, $2)', [id, name])
  return id
}

describe('an API key', () => {
  it('is found by its secret and by its id, with its owner and what it may do', async () => {
    const ownerId = await person('Ada')
    const scopes: KeyScope[] = ['ask', 'usage:read']
    const { id, secret } = await create({ ownerId, scopes })
    const active = { id, name: 'site', ownerId, scopes }
    expect(await keys.find(secret)).toEqual(active)
    expect(await keys.findById(id)).toEqual(active)
    expect(await keys.find(`${secret}x`)).toBeNull()
    expect(await keys.findById('nobody')).toBeNull()
  })

  it('ends at its time, and its name is free then', async () => {
    const { id, secret } = await create({ expiresAt: new Date(Date.now() + 3_600_000) })
    expect(await keys.find(secret)).not.toBeNull()
    await database.pool.query("update api_key set expires_at = now() - interval '1 second' where id = $1", [id])
    expect(await keys.find(secret)).toBeNull()
    expect(await keys.findById(id)).toBeNull()
    expect(await keys.isActive(id)).toBe(false)
    expect((await create()).id).not.toBe(id)
  })

  it('stops while its owner is disabled, and goes with them', async () => {
    const ownerId = await person('Ada')
    const { id, secret } = await create({ ownerId })
    await database.pool.query('update person set disabled_at = now() where id = $1', [ownerId])
    expect(await keys.find(secret)).toBeNull()
    expect(await keys.isActive(id)).toBe(false)
    await database.pool.query('update person set disabled_at = null where id = $1', [ownerId])
    expect(await keys.find(secret)).not.toBeNull()
    await database.pool.query('delete from person where id = $1', [ownerId])
    expect(await keys.find(secret)).toBeNull()
  })

  it('is listed to its owner and revoked by its owner, and not by others', async () => {
    const [ada, ben] = [await person('Ada'), await person('Ben')]
    const { id, secret } = await create({ ownerId: ada, name: 'ada-site' })
    await create({ name: 'shared' })
    expect((await keys.list(ada)).map(({ name }) => name)).toEqual(['ada-site'])
    expect(await keys.list(ben)).toEqual([])
    expect(await keys.list()).toHaveLength(2)
    expect(await keys.revoke('ada-site', ben)).toBeNull()
    expect(await keys.find(secret)).not.toBeNull()
    expect(await keys.revoke(id, ada)).toMatchObject({ name: 'ada-site', ownerId: ada })
    expect(await keys.find(secret)).toBeNull()
  })

  it('notes its last use once a minute', async () => {
    const { id, secret } = await create()
    expect((await keys.list())[0]?.lastUsedAt).toBeNull()
    await keys.find(secret)
    const first = (await keys.list())[0]?.lastUsedAt
    expect(first).toBeInstanceOf(Date)
    await keys.find(secret)
    expect((await keys.list())[0]?.lastUsedAt).toEqual(first)
    await database.pool.query("update api_key set last_used_at = now() - interval '2 minutes' where id = $1", [id])
    await keys.findById(id)
    expect((await keys.list())[0]?.lastUsedAt?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? 0)
  })

  it('gives nothing for a scope that this version does not know', async () => {
    const { id } = await create()
    await database.pool.query("update api_key set scopes = array['ask', 'fly'] where id = $1", [id])
    expect(await keys.findById(id)).toMatchObject({ scopes: ['ask'] })
  })
})
