/**
 * A real PostgreSQL for a test file, in a temporary home:
 *
 *     const server = await startTestDatabase()       // beforeAll, about 0.4 s
 *     const db = await server.createDatabase()        // per test: fresh, migrated, a few milliseconds
 *     …openDatabase(db.connection)…
 *     await server.dispose()                          // afterAll
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Log, silentLog } from '../src/core/log.ts'
import {
  type EmbeddedPostgres,
  type PostgresConnection,
  startEmbeddedPostgres,
} from '../src/store/postgres/embedded.ts'
import { migrate } from '../src/store/postgres/migrate.ts'

export interface TestDatabase {
  name: string
  /** For `pg.Pool`, Prisma's adapter and BullMQ's backend. */
  connection: PostgresConnection
  /** The same place as a `DATABASE_URL`, for child processes. */
  url: string
}

export interface TestServer extends AsyncDisposable {
  postgres: EmbeddedPostgres
  home: string
  /** A fresh, migrated database; `empty` leaves the migrations out. */
  createDatabase(options?: { empty?: boolean }): Promise<TestDatabase>
  dispose(): Promise<void>
}

export async function startTestDatabase(options: { log?: Log; durable?: boolean } = {}): Promise<TestServer> {
  const { log = silentLog, durable = false } = options
  const home = await mkdtemp(join(tmpdir(), 'parley-test-'))
  // mkdtemp makes it private; PostgreSQL's account must pass through when the tests run as root.
  await chmod(home, 0o711)
  const postgres = await startEmbeddedPostgres({ home, log, durable })
  // A test file that crashes leaves no server behind.
  const killed = () => {
    try {
      process.kill(postgres.pid(), 'SIGQUIT')
    } catch {}
  }
  process.once('exit', killed)
  const admin = new pg.Pool({ ...postgres.connection, database: 'postgres', max: 1 })
  admin.on('error', () => {})
  const at = (name: string): PostgresConnection => ({ ...postgres.connection, database: name })

  let template: Promise<void> | undefined
  const prepareTemplate = async () => {
    await admin.query('create database template_parley')
    await migrate(at('template_parley'), { log })
  }
  let count = 0
  const dispose = async () => {
    await admin.end()
    await postgres.stop()
    process.off('exit', killed)
    await rm(home, { recursive: true, force: true })
  }
  return {
    postgres,
    home,
    async createDatabase({ empty = false } = {}) {
      const name = `test_${++count}`
      if (!empty) {
        template ??= prepareTemplate()
        await template
      }
      await admin.query(`create database ${name} template ${empty ? 'template1' : 'template_parley'}`)
      const { host, user } = postgres.connection
      return {
        name,
        connection: at(name),
        url: `postgresql:///${name}?user=${user}&host=${encodeURIComponent(host)}&port=${postgres.connection.port}`,
      }
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  }
}
