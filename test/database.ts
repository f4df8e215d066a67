/**
 * Real PostgreSQL for a test file:
 *
 *     const server = await startTestDatabase()       // beforeAll
 *     const db = await server.createDatabase()        // per test: fresh, migrated, a few milliseconds
 *     …openDatabase(db.connection)…
 *     await server.dispose()                          // afterAll
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { silentLog } from '../src/core/log.ts'
import type { EmbeddedPostgres, PostgresConnection } from '../src/store/postgres/embedded.ts'
import { migrate } from '../src/store/postgres/migrate.ts'
import { sharedPostgresUrl, startTestPostgres } from './shared-postgres.ts'

export interface TestDatabase {
  name: string
  /** For `pg.Pool`, Prisma's adapter and BullMQ's backend. */
  connection: PostgresConnection
  /** The same place as a `DATABASE_URL`, for child processes. */
  url: string
}

export interface TestServer extends AsyncDisposable {
  /** A folder for this file alone. */
  home: string
  /** A fresh, migrated database; `empty` leaves the migrations out. */
  createDatabase(options?: { empty?: boolean }): Promise<TestDatabase>
  dispose(): Promise<void>
}

export interface OwnTestServer extends TestServer {
  postgres: EmbeddedPostgres
}

/** Databases in the server that all files share. A bench, which has no such run, gets a server of its own. */
export async function startTestDatabase(): Promise<TestServer> {
  const url = process.env[sharedPostgresUrl]
  if (url === undefined) return startTestServer()
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`PostgreSQL did not start: ${await answer.text()}`)
  return databasesAt((await answer.json()) as PostgresConnection)
}

/** A server of its own, for a file that kills it or needs what it writes to be durable. */
export async function startTestServer({ durable = false } = {}): Promise<OwnTestServer> {
  const { postgres, [Symbol.asyncDispose]: stop } = await startTestPostgres(durable)
  const server = await databasesAt(postgres.connection)
  const dispose = async () => {
    await server.dispose()
    await stop()
  }
  return { ...server, postgres, dispose, [Symbol.asyncDispose]: dispose }
}

/** Counts within this process, whose ID the names contain. */
let count = 0
const template = 'template_parley'

async function databasesAt(connection: PostgresConnection): Promise<TestServer> {
  const home = await mkdtemp(join(tmpdir(), 'parley-test-'))
  await chmod(home, 0o711)
  const admin = new pg.Pool({ ...connection, database: 'postgres', max: 1 })
  admin.on('error', () => {})
  const at = (name: string): PostgresConnection => ({ ...connection, database: name })

  let prepared: Promise<void> | undefined
  const created: string[] = []
  const dispose = async () => {
    for (const name of created) await admin.query(`drop database if exists ${name} with (force)`).catch(() => {})
    await admin.end()
    await rm(home, { recursive: true, force: true })
  }
  return {
    home,
    async createDatabase({ empty = false } = {}) {
      count += 1
      const name = `test_${process.pid}_${count}`
      if (!empty) {
        prepared ??= prepareTemplate(admin, connection)
        await prepared
      }
      created.push(name)
      // A copy of the files costs a third of one by the log: https://www.postgresql.org/docs/18/sql-createdatabase.html
      await admin.query(`create database ${name} template ${empty ? 'template1' : template} strategy file_copy`)
      const { host, user, port } = connection
      return {
        name,
        connection: at(name),
        url: `postgresql:///${name}?user=${user}&host=${encodeURIComponent(host)}&port=${port}`,
      }
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}

/** Made by the first file that needs it, while the others wait. */
async function prepareTemplate(admin: pg.Pool, connection: PostgresConnection): Promise<void> {
  const client = await admin.connect()
  try {
    await client.query('select pg_advisory_lock(1)')
    const found = await client.query('select from pg_database where datname = $1', [template])
    if (found.rowCount !== 0) return
    const draft = `${template}_draft_${process.pid}`
    await client.query(`create database ${draft} strategy file_copy`)
    await migrate({ ...connection, database: draft }, { log: silentLog })
    await client.query(`alter database ${draft} rename to ${template}`)
  } finally {
    await client.query('select pg_advisory_unlock(1)')
    client.release()
  }
}
