import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../../test/database.ts'
import { silentLog } from '../../core/log.ts'
import { migrationWording } from '../../wording/storage.ts'
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
  await mkdir(join(folder, 'migrations', name), { recursive: true })
  await writeFile(join(folder, 'migrations', name, 'migration.sql'), sql)
}

async function writeFunctions(file: string, sql: string): Promise<void> {
  await mkdir(join(folder, 'functions'), { recursive: true })
  await writeFile(join(folder, 'functions', file), sql)
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
  it('applies migrations in order of name, records them as Prisma does, and does nothing the second time', async () => {
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
        steps: 1,
        ok: true,
        id: 36,
        logs: null,
        back: null,
      },
    ])
  })

  it('can run in four processes at once', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', `${first} select pg_sleep(0.05);`)
    await write('2_second', 'insert into a values (2);')
    const done = await Promise.all(Array.from({ length: 4 }, () => migrate(connection, options())))
    expect(done.flatMap(({ applied }) => applied).sort()).toEqual(['1_first', '2_second'])
    expect(await rows(connection, 'select n from a order by n')).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('rolls back a migration that fails, reports what PostgreSQL said, and continues once it is fixed', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', first)
    await write('2_broken', 'create table b (n int); insert into nowhere values (1);')
    await expect(migrate(connection, options())).rejects.toMatchObject({
      code: 'config_invalid',
      userMessage: migrationWording.migrationFailed('2_broken', 'relation "nowhere" does not exist'),
    })
    expect(await rows(connection, "select to_regclass('a') as a, to_regclass('b') as b")).toEqual([{ a: 'a', b: null }])
    await write('2_broken', 'create table b (n int)')
    expect(await migrate(connection, options())).toEqual({ applied: ['2_broken'] })
  })

  it.each([
    {
      what: 'an applied migration was edited',
      change: () => write('1_first', `${first} -- edited`),
      userMessage: migrationWording.edited('1_first'),
    },
    {
      what: 'the database was used by a newer Parley',
      change: () => rm(join(folder, 'migrations', '2_newer'), { recursive: true }),
      userMessage: migrationWording.newer('2_newer'),
    },
  ])('rejects the database when $what, and changes nothing', async ({ change, userMessage }) => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', first)
    await write('2_newer', 'create table newer (n int)')
    await migrate(connection, options())
    await change()
    await write('3_next', 'create table next (n int)')
    await expect(migrate(connection, options())).rejects.toMatchObject({
      code: 'config_invalid',
      userMessage: userMessage,
    })
    expect(await rows(connection, "select to_regclass('next') as next")).toEqual([{ next: null }])
  })

  it('rejects a database in which another tool left a migration unfinished', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('1_first', first)
    await migrate(connection, options())
    await rows(connection, 'update _prisma_migrations set finished_at = null')
    await expect(migrate(connection, options())).rejects.toMatchObject({
      userMessage: migrationWording.unfinished('1_first'),
    })
  })

  it('explains that a database from before the first release cannot be used', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await write('20261121022126_init', first)
    await migrate(connection, options())
    await rm(join(folder, 'migrations', '20261121022126_init'), { recursive: true })
    await write('0001_init', first)
    await expect(migrate(connection, options())).rejects.toMatchObject({
      code: 'config_invalid',
      userMessage: migrationWording.unreleased,
    })
  })
})

describe('functions', () => {
  const one = `create or replace function answer(n int) returns int language sql as $$ select n + 1 $$;`
  const calls = `create or replace function twice(n int) returns int language sql as $$ select answer(answer(n)) $$;`
  const made = `select proname as name, pg_get_function_arguments(oid) as takes from pg_proc
    where pronamespace = 'public'::regnamespace order by 1, 2`

  it('are replaced when their file changes, once for four processes', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await writeFunctions('a-calls.sql', calls)
    await writeFunctions('one.sql', one)
    await Promise.all(Array.from({ length: 4 }, () => migrate(connection, options())))
    expect(await rows(connection, 'select twice(1) as n')).toEqual([{ n: 3 }])
    const oid = "select 'answer'::regproc::oid as oid"
    const [before] = await rows(connection, oid)
    await writeFunctions('one.sql', one.replace('n + 1', 'n + 10'))
    await migrate(connection, options())
    expect(await rows(connection, 'select twice(1) as n')).toEqual([{ n: 21 }])
    expect(await rows(connection, oid)).toEqual([before])
  })

  it('are recreated when their signature changes and dropped when their file is gone', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await writeFunctions('one.sql', one)
    await writeFunctions('calls.sql', calls)
    await migrate(connection, options())
    await writeFunctions('one.sql', one.replace('n int', 'n int, m int default 5').replace('n + 1', 'n + m'))
    await migrate(connection, options())
    expect(await rows(connection, 'select twice(1) as n')).toEqual([{ n: 11 }])
    await writeFunctions('one.sql', one.replaceAll('int', 'bigint'))
    await migrate(connection, options())
    expect(await rows(connection, made)).toEqual([
      { name: 'answer', takes: 'n bigint' },
      { name: 'twice', takes: 'n integer' },
    ])
    await writeFunctions('one.sql', one.replace('returns int', 'returns text').replace('n + 1', "'none'"))
    await rm(join(folder, 'functions', 'calls.sql'))
    await migrate(connection, options())
    expect(await rows(connection, 'select answer(1) as n')).toEqual([{ n: 'none' }])
    expect(await rows(connection, made)).toEqual([{ name: 'answer', takes: 'n integer' }])
  })

  it('of a newer version stay when an older version starts', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await writeFunctions('one.sql', one)
    await migrate(connection, { ...options(), version: '0.10.0' })
    await writeFunctions('one.sql', one.replace('n + 1', 'n - 1'))
    await migrate(connection, { ...options(), version: '0.9.2' })
    expect(await rows(connection, 'select answer(1) as n')).toEqual([{ n: 2 }])
    await migrate(connection, { ...options(), version: '0.10.0' })
    expect(await rows(connection, 'select answer(1) as n')).toEqual([{ n: 0 }])
  })

  it('that PostgreSQL rejects leave everything unchanged', async () => {
    const { connection } = await server.createDatabase({ empty: true })
    await writeFunctions('one.sql', one)
    await migrate(connection, options())
    await writeFunctions(
      'another.sql',
      'create or replace function other() returns int language sql as $$ select 1 $$;',
    )
    await writeFunctions('one.sql', one.replace('returns int', 'returns nonsense'))
    await expect(migrate(connection, options())).rejects.toMatchObject({
      code: 'config_invalid',
      userMessage: migrationWording.functionsFailed('one.sql', 'type "nonsense" does not exist'),
    })
    expect(await rows(connection, made)).toEqual([{ name: 'answer', takes: 'n integer' }])
  })
})
