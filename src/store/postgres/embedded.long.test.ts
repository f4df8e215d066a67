import { chmod, chown, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startOwner } from '../../../test/owner-process.ts'
import { silentLog } from '../../core/log.ts'
import { homeWording } from '../../wording/storage.ts'
import { retryOnConnectionLoss } from './connect.ts'
import { type EmbeddedOptions, startEmbeddedPostgres } from './embedded.ts'
import { processesNaming, signal } from './process.ts'

const root = process.getuid?.() === 0
const nobody = { uid: 65534, gid: 65534 }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-pg-'))
  await chmod(folder, 0o711)
})
afterEach(async () => {
  for (const pid of await processesNaming(folder)) signal(pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

const home = () => join(folder, 'home')
const start = (more: Partial<EmbeddedOptions> = {}) => startEmbeddedPostgres({ home: home(), log: silentLog, ...more })

async function withClient<T>(connection: pg.ClientConfig, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(connection)
  await client.connect()
  return use(client).finally(() => client.end())
}

const count = (connection: pg.ClientConfig) =>
  withClient(connection, async (client) => (await client.query('select count(*)::int as n from t')).rows[0].n)

describe('the built-in PostgreSQL', () => {
  it('starts in an empty home, keeps its data over a stop, and leaves no process behind', async () => {
    const first = await start()
    expect(await stat(join(home(), 'postgres', 'run'))).toMatchObject({ mode: 0o40700 })
    await withClient(first.connection, async (client) => {
      const { rows } = await client.query(
        `select current_setting('fsync') fsync, current_setting('listen_addresses') tcp, datlocale, datcollate,
         pg_encoding_to_char(encoding) encoding from pg_database where datname = current_database()`,
      )
      expect(rows).toEqual([{ fsync: 'on', tcp: '', datlocale: 'C.UTF-8', datcollate: 'C', encoding: 'UTF8' }])
      await client.query('create table t (n int)')
      await client.query('insert into t values (1)')
    })
    await first.stop()
    await first.stop()
    expect(await processesNaming(join(home(), 'postgres'))).toEqual([])

    await using second = await start()
    expect(await count(second.connection)).toBe(1)
  })

  it('is reused after its Parley was killed, and stopped by the next Parley', async () => {
    const owner = startOwner([home()])
    const { pid, connection } = await owner.next()
    await withClient({ ...connection }, (client) => client.query('create table t (n int)'))
    await owner.kill()

    const found = await start()
    expect(found.pid()).toBe(pid)
    expect(await count(found.connection)).toBe(0)
    await found.stop()
    expect(await processesNaming(join(home(), 'postgres'))).toEqual([])
  })

  it('loses no acknowledged row and resumes when its server is killed under load', async () => {
    const onDown = vi.fn()
    const onUp = vi.fn()
    await using postgres = await start({ onDown, onUp })
    const pool = new pg.Pool({ ...postgres.connection, max: 4 })
    pool.on('error', () => {})
    await pool.query('create table t (n int primary key)')
    const acknowledged: number[] = []
    let next = 0
    let done = false
    const writer = async () => {
      while (!done) {
        const n = ++next
        await retryOnConnectionLoss(() => pool.query('insert into t values ($1) on conflict do nothing', [n]))
        acknowledged.push(n)
      }
    }
    const writers = [writer(), writer(), writer(), writer()]
    for (let kills = 1; kills <= 3; kills += 1) {
      const before = acknowledged.length
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(before + 50), { timeout: 10_000 })
      process.kill(postgres.pid(), 'SIGKILL')
      await vi.waitFor(() => expect(onUp).toHaveBeenCalledTimes(kills), { timeout: 10_000 })
    }
    done = true
    await Promise.all(writers)
    const { rows } = await pool.query<{ n: number }>('select n from t')
    const kept = new Set(rows.map((row) => row.n))
    expect(acknowledged.filter((n) => !kept.has(n))).toEqual([])
    expect(onDown).toHaveBeenCalledTimes(3)
    await pool.end()
  })

  it('restarts a server that it found running, and one whose backends exit slowly', async () => {
    const owner = startOwner([home()])
    const { pid } = await owner.next()
    await owner.kill()
    const onUp = vi.fn()
    await using postgres = await start({ onUp })
    expect(postgres.pid()).toBe(pid)
    // Busy without ever waiting: such a backend does not notice that its server is gone.
    const busy = new pg.Client(postgres.connection)
    busy.on('error', () => {})
    await busy.connect()
    const running = busy.query('do $$ begin loop end loop; end $$').catch(() => 'ended')
    await vi.waitFor(async () => expect(await activity(postgres.connection, 'do $$%')).toBe(1))
    process.kill(postgres.pid(), 'SIGKILL')
    await vi.waitFor(() => expect(onUp).toHaveBeenCalledTimes(1), { timeout: 20_000 })
    expect(await running).toBe('ended')
    expect(postgres.pid()).not.toBe(pid)
  })

  it('comes back when one of its backends is killed', async () => {
    const onUp = vi.fn()
    await using postgres = await start({ onUp })
    const pid = postgres.pid()
    await withClient(postgres.connection, async (client) => {
      client.on('error', () => {})
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
      await vi.waitFor(() => expect(onUp).toHaveBeenCalled(), { timeout: 10_000 })
    })
    expect(postgres.pid()).toBe(pid)
  })

  it('rejects a second Parley on the same home, and the first continues', async () => {
    await using first = await start()
    await expect(start()).rejects.toMatchObject({ code: 'home_in_use' })
    const other = startOwner([home()])
    const { code, userMessage } = await other.next()
    expect(code).toBe('home_in_use')
    const [startedAt] = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(userMessage ?? '') ?? []
    expect(userMessage).toBe(
      homeWording.inUse(await realpath(home()), { pid: process.pid, startedAt: startedAt ?? '' }),
    )
    await withClient(first.connection, (client) => client.query('create table t (n int)'))
    expect(await count(first.connection)).toBe(0)
  })

  it('lets exactly one of several Parleys start in an empty home', async () => {
    const owners = [startOwner([home()]), startOwner([home()]), startOwner([home()])]
    const said = await Promise.all(owners.map((owner) => owner.next()))
    expect(said.map(({ event, code }) => code ?? event).sort()).toEqual(['home_in_use', 'home_in_use', 'started'])
    const { connection } = said.find(({ event }) => event === 'started') ?? {}
    expect(await withClient({ ...connection }, async (client) => (await client.query('select 1')).rowCount)).toBe(1)
    expect((await readdir(join(home(), 'postgres'))).sort()).toEqual(['data', 'run'])
  })

  it('starts cleanly after a kill in the middle of creating the database', async () => {
    const owner = startOwner([home()])
    await vi.waitFor(
      async () => {
        const drafts = (await readdir(join(home(), 'postgres'))).filter((name) => name.includes('.init-'))
        expect(await readdir(join(home(), 'postgres', drafts[0] ?? 'none'))).toContain('postgresql.conf')
      },
      { timeout: 10_000 },
    )
    await owner.kill()
    await using postgres = await start()
    await withClient(postgres.connection, (client) => client.query('create table t (n int)'))
    // initdb of the killed process may write on for a moment; the next start has removed all of it.
    await postgres.stop()
    await vi.waitFor(async () => expect(await processesNaming(join(home(), 'postgres'))).toEqual([]))
    await using again = await start()
    expect(await count(again.connection)).toBe(0)
    expect((await readdir(join(home(), 'postgres'))).sort()).toEqual(['data', 'run'])
  })

  it('ignores a postmaster.pid whose process id belongs to another program', async () => {
    const first = await start()
    const file = join(home(), 'postgres', 'data', 'postmaster.pid')
    const text = await readFile(file, 'utf8')
    await first.stop()
    await writeFile(file, text.replace(/^\d+/, String(process.pid)))
    await writeFile(join(first.connection.host, '.s.PGSQL.5432.lock'), text.replace(/^\d+/, String(process.pid)))
    await using second = await start()
    expect(second.pid()).not.toBe(process.pid)
  })

  it('gives up with PostgreSQL’s output when the server cannot start again', async () => {
    const first = await start()
    await first.stop()
    const control = join(home(), 'postgres', 'data', 'global', 'pg_control')
    await writeFile(control, 'no')
    await expect(start()).rejects.toMatchObject({
      code: 'database_start_failed',
      userMessage: expect.stringContaining('pg_control'),
    })
  })

  it('reports that it gave up when a dead server does not restart', async () => {
    const onFatal = vi.fn()
    await using postgres = await start({ onFatal, restarts: 2 })
    await writeFile(join(home(), 'postgres', 'data', 'global', 'pg_control'), 'no')
    process.kill(postgres.pid(), 'SIGKILL')
    await vi.waitFor(() => expect(onFatal).toHaveBeenCalled(), { timeout: 10_000 })
    expect(onFatal.mock.lastCall?.[0]).toMatchObject({ code: 'database_start_failed' })
  })

  it('gives up when another Parley took over the home, and leaves it alone', async () => {
    const owner = startOwner([home()])
    const { pid = 0 } = await owner.next()
    owner.child.kill('SIGSTOP')
    process.kill(pid, 'SIGKILL')
    await using postgres = await start()
    owner.child.kill('SIGCONT')
    expect(await owner.next()).toEqual({ event: 'down' })
    expect(await owner.next()).toEqual({ event: 'fatal', code: 'home_in_use' })
    await owner.kill()
    await withClient(postgres.connection, (client) => client.query('select 1'))
  })

  it('puts its socket into the temporary folder when the home’s path is too long', async () => {
    const deep = join(folder, 'd'.repeat(60), 'e'.repeat(60))
    await using postgres = await start({ home: deep })
    expect(postgres.connection.host.length).toBeLessThan(80)
    expect(await stat(postgres.connection.host)).toMatchObject({ mode: 0o40700 })
    await withClient(postgres.connection, (client) => client.query('select 1'))
    await rm(postgres.connection.host, { recursive: true, force: true })
  })

  it('listens on 127.0.0.1 with a password on systems without sockets', async () => {
    await using postgres = await start({ transport: 'tcp' })
    expect(postgres.connection.host).toBe('127.0.0.1')
    await withClient(postgres.connection, (client) => client.query('select 1'))
    await expect(
      withClient({ ...postgres.connection, password: 'wrong' }, (client) => client.query('select 1')),
    ).rejects.toMatchObject({ code: '28P01' })
  })
})

describe('accounts', () => {
  it('runs as an ordinary user, and as the owner of the data when root starts it later', async (test) => {
    test.skip(!root, 'only root can become another account')
    await mkdir(home())
    await chown(home(), nobody.uid, nobody.gid)
    const owner = startOwner([home()], nobody)
    const { event, connection } = await owner.next()
    expect(event).toBe('started')
    await withClient({ ...connection }, (client) => client.query('create table t (n int)'))
    owner.child.kill('SIGTERM')
    expect(await owner.next()).toEqual({ event: 'stopped' })
    expect(await processesNaming(join(home(), 'postgres'))).toEqual([])

    await using asRoot = await start()
    expect(await count(asRoot.connection)).toBe(0)
    expect((await stat(join(home(), 'postgres', 'data'))).uid).toBe(nobody.uid)
  })

  it('stores data elsewhere when its account cannot enter the home, and finds it again', async (test) => {
    test.skip(!root, 'PostgreSQL runs under another account only when Parley is root')
    const closed = join(folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const options = { home: join(closed, 'home'), elsewhere: join(folder, 'elsewhere') }
    const first = await start(options)
    await withClient(first.connection, (client) => client.query('create table t (n int)'))
    const note = JSON.parse(await readFile(join(options.home, 'postgres-location.json'), 'utf8'))
    expect(note).toEqual({
      base: expect.stringContaining(options.elsewhere),
      why: expect.stringMatching(/^PostgreSQL runs as \w+, which cannot enter .*closed\.$/),
    })
    await first.stop()
    await chmod(closed, 0o711)
    await using second = await start(options)
    expect(await count(second.connection)).toBe(0)
  })
})

async function activity(connection: pg.ClientConfig, like: string): Promise<number> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where query like $1 and state = 'active'",
      [like],
    )
    return rows[0]?.n ?? 0
  })
}
