import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../../test/database.ts'
import { silentLog } from '../../core/log.ts'
import { migrate } from './migrate.ts'

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-migrations-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'migration.sql'), sql)
}

async function rows(connection: pg.ClientConfig, sql: string): Promise<unknown[]> {
  const client = new pg.Client(connection)
  await client.connect()
  return client
    .query(sql)
    .then((result) => result.rows)
    .finally(() => client.end())
}

const options = () => ({ log: silentLog, folder })
const first = 'create table a (n int); insert into a values (1);'

describe('migrate', () => {
  it('applies in order of name, records what Prisma would, and does nothing the second time', async () => {
    const { connection, url } = await server.createDatabase({ empty: true })
    await write('20260102000000_second', 'alter table a add column m int; update a set m = 2;')
    await write('20260101000000_first', first)
    const names = ['20260101000000_first', '20260102000000_second']
    expect(await migrate(connection, options())).toEqual({ applied: names })
    expect(await migrate(url, options())).toEqual({ applied: [] })
    expect(await rows(connection, 'select * from a')).toEqual([{ n: 1, m: 2 }])
    expect(
      await rows(
        connection,
        `select migration_name as name, checksum, applied_steps_count as steps, finished_at >= started_at as ok, length(id) as id,
         logs, rolled_back_at as back from _prisma_migrations order by 1 limit 1`,
      ),
    ).toEqual([
      {
        name: '20260101000000_first',
        checksum: createHash('sha256').update(first).digest('hex'),
        ...{ steps: 1, ok: true, id: 36, logs: null, back: null },
      },
    ])
  })

  it('may be run by four processes at once', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', `${first} select pg_sleep(0.05);`)
    await write('2_second', 'insert into a values (2);')
    const done = await Promise.all(Array.from({ length: 4 }, () => migrate(connection, options())))
    expect(done.flatMap(({ applied }) => applied).sort()).toEqual(['1_first', '2_second'])
    expect(await rows(connection, 'select n from a order by n')).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('undoes a migration that fails, tells what PostgreSQL said, and goes on once it is mended', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', first)
    await write('2_broken', 'create table b (n int); insert into nowhere values (1);')
    await expect(migrate(connection, options())).rejects.toMatchObject({
      code: 'config_invalid',
      tell: expect.stringMatching(/^Migration 2_broken .* was undone; .*relation "nowhere" does not exist/),
    })
    expect(await rows(connection, "select to_regclass('a') as a, to_regclass('b') as b")).toEqual([{ a: 'a', b: null }])
    await write('2_broken', 'create table b (n int)')
    expect(await migrate(connection, options())).toEqual({ applied: ['2_broken'] })
  })

  it.each([
    {
      what: 'an applied migration was edited',
      change: () => write('1_first', `${first} -- edited`),
      tell: /another text of migration 1_first: restore that file/,
    },
    {
      what: 'the database was used by a newer Parley',
      change: () => rm(join(folder, '2_newer'), { recursive: true }),
      tell: /newer Parley \(it holds 2_newer\): update this Parley/,
    },
  ])('refuses when $what, and changes nothing', async ({ change, tell }) => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', first)
    await write('2_newer', 'create table newer (n int)')
    await migrate(connection, options())
    await change()
    await write('3_next', 'create table next (n int)')
    await expect(migrate(connection, options())).rejects.toMatchObject({
      code: 'config_invalid',
      tell: expect.stringMatching(tell),
    })
    expect(await rows(connection, "select to_regclass('next') as next")).toEqual([{ next: null }])
  })

  it('refuses a database in which another tool left a migration unfinished', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', first)
    await migrate(connection, options())
    await rows(connection, 'update _prisma_migrations set finished_at = null')
    await expect(migrate(connection, options())).rejects.toMatchObject({
      tell: expect.stringMatching(/unfinished migration 1_first: restore it from a backup/),
    })
  })
})
