import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { silentLog } from '../core/log.ts'
import { openDatabase } from './database.ts'
import { migrate } from './postgres/migrate.ts'
import { createRecords, recordStatements } from './records-postgres.ts'
import { createSecrets } from './secrets.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

const secrets = createSecrets('a secret for the tests alone')

async function rig() {
  const { connection } = await server.createDatabase()
  const database = openDatabase(connection, { log: silentLog })
  onTestFinished(() => database.close())
  return { database, slack: createRecords(database, secrets, 'slack') }
}

describe('records of a platform', () => {
  it('are stored under their key, replaced and removed', async () => {
    const { slack } = await rig()
    expect(await slack.get('reference/C1')).toBeUndefined()
    await slack.put('reference/C1', { url: 'https://example.org', tries: [1, null, true] })
    expect(await slack.get('reference/C1')).toEqual({ url: 'https://example.org', tries: [1, null, true] })
    await slack.put('reference/C1', null)
    expect(await slack.get('reference/C1')).toBeNull()
    await slack.remove('reference/C1')
    await slack.remove('reference/C1')
    expect(await slack.get('reference/C1')).toBeUndefined()
  })

  it('are claimed by one of many at the same moment, in whatever process, until they are removed', async () => {
    const { database, slack } = await rig()
    const twin = createRecords(database, secrets, 'slack')
    const claims = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? slack : twin).claim('greeted/C1', { n }))
    expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1)
    await slack.remove('greeted/C1')
    expect(await twin.claim('greeted/C1', null)).toBe(true)
    expect(await slack.claim('greeted/C2', null)).toBe(true)
    await expect(slack.claim('', null)).rejects.toThrow(RangeError)
  })

  it('are listed by key prefix, in order, without wildcards', async () => {
    const { slack } = await rig()
    for (const key of ['team/b', 'team/B', 'team/a_1', 'team%', 'teams']) await slack.put(key, key)
    expect((await slack.list('team/')).map(({ key }) => key)).toEqual(['team/B', 'team/a_1', 'team/b'])
    expect((await slack.list('team%')).map(({ key }) => key)).toEqual(['team%'])
    expect(await slack.list('')).toHaveLength(5)
  })

  it('are removed by key prefix and age', async () => {
    const { database, slack } = await rig()
    for (const key of ['post/old', 'post/new', 'posts/old']) await slack.put(key, key)
    await database.pool.query(`update platform_record set updated_at = now() - interval '2 days' where key like '%old'`)
    await slack.removeOlder('post/', new Date(Date.now() - 24 * 3_600_000))
    expect((await slack.list('')).map(({ key }) => key)).toEqual(['post/new', 'posts/old'])
  })

  it('are listed and removed through the index, whatever the collation of the database', async () => {
    const { database } = await rig()
    const { pool } = database
    await pool.query(`create database german template template0 locale_provider icu icu_locale 'de-DE' encoding 'UTF8'`)
    const german = openDatabase({ ...database.pool.options, database: 'german' }, { log: silentLog })
    onTestFinished(() => german.close())
    await migrate({ ...database.pool.options, database: 'german' }, { log: silentLog })
    await german.pool.query(`
      insert into platform_record (platform, key, value)
      select 'slack', 'post/' || n, '1' from generate_series(1, 20000) n;
      insert into platform_record (platform, key, value) values ('slack', 'source/C1/a.pdf', '1'), ('slack', 'source/C1/B.pdf', '2');
      analyze platform_record`)
    const slack = createRecords(german, secrets, 'slack')
    expect((await slack.list('source/C1/')).map(({ key }) => key)).toEqual(['source/C1/B.pdf', 'source/C1/a.pdf'])
    for (const { text } of [recordStatements.list, recordStatements.removeOlder]) {
      const { rows } = await german.pool.query<{ 'QUERY PLAN': string }>(`explain (generic_plan, costs off) ${text}`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/Index Cond: \(\(platform = .*\(key >= .*\(key < /)
      expect(plan).not.toContain('Seq Scan')
    }
  })

  it('of one platform are not seen by another', async () => {
    const { database, slack } = await rig()
    await slack.put('a', 1)
    const discord = createRecords(database, secrets, 'discord')
    expect(await discord.get('a')).toBeUndefined()
    expect(await discord.list('')).toEqual([])
    await discord.remove('a')
    expect(await slack.get('a')).toBe(1)
  })

  it('without a key or too large are rejected', async () => {
    const { slack } = await rig()
    await expect(slack.put('', 1)).rejects.toThrow(RangeError)
    await expect(slack.put('k'.repeat(513), 1)).rejects.toThrow(RangeError)
    await expect(slack.put('a', 'x'.repeat(300_000))).rejects.toThrow(RangeError)
  })

  it('that are secret are never stored as plain text', async () => {
    const { database, slack } = await rig()
    const token = `xoxb-${randomBytes(16).toString('hex')}`
    await slack.put('installation/T1', { token, name: 'Acme' }, { secret: true })
    expect(await slack.get('installation/T1')).toEqual({ token, name: 'Acme' })
    expect(await slack.list('installation/')).toEqual([{ key: 'installation/T1', value: { token, name: 'Acme' } }])
    const found = await everywhere(database, token.slice(5, 21))
    expect(found).toEqual([])
    // The search sees what is not secret.
    await slack.put('installation/T2', { token })
    expect(await everywhere(database, token.slice(5, 21))).toEqual(['platform_record'])
    // What was in clear is gone when it is put as a secret.
    await slack.put('installation/T2', { token }, { secret: true })
    expect(await everywhere(database, token.slice(5, 21))).toEqual([])
  })

  it('that are secret need the secret they were stored with', async () => {
    const { database, slack } = await rig()
    await slack.put('open', 1)
    await slack.put('sealed', 'hush', { secret: true })
    for (const other of [undefined, 'another secret for the tests']) {
      const records = createRecords(database, createSecrets(other), 'slack')
      expect(await records.get('open')).toBe(1)
      await expect(records.get('sealed')).rejects.toMatchObject({ code: 'secret_missing' })
      await expect(records.list('')).rejects.toMatchObject({ code: 'secret_missing' })
    }
    const without = createRecords(database, createSecrets(undefined), 'slack')
    await expect(without.put('sealed', 'hush', { secret: true })).rejects.toMatchObject({ code: 'secret_missing' })
    expect(await slack.get('sealed')).toBe('hush')
  })

  it('that are secret do not open under another key', async () => {
    const { database, slack } = await rig()
    await slack.put('mine', 'hush', { secret: true })
    await database.pool.query(`update platform_record set key = 'yours' where key = 'mine'`)
    await expect(slack.get('yours')).rejects.toMatchObject({ code: 'secret_missing' })
  })
})

/** The tables that hold `text` in any column of any row. */
async function everywhere(database: Awaited<ReturnType<typeof rig>>['database'], text: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select relname as name from pg_class where relkind in ('r', 'm') and relnamespace = 'public'::regnamespace`,
  )
  const found: string[] = []
  for (const { name } of rows) {
    const { rowCount } = await database.pool.query(`select from "${name}" t where strpos(t::text, $1) > 0 limit 1`, [
      text,
    ])
    if (rowCount !== 0) found.push(name)
  }
  return found
}
