/**
 * One pool for everything. Prisma serves the plain reads and writes; a step of a turn that must be atomic, or is on the
 * hot path, is one SQL statement of its own (docs/decisions/0004-prisma-and-pg.md). Both outlive a restart of the server:
 * every statement here may be sent twice, so a lost connection is only a pause.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Query } from '../core/sql.ts'
import { databaseWording } from '../wording/storage.ts'
import { PrismaClient } from './generated/client.ts'
import { isConnectionError, retryOnConnectionLoss } from './postgres/connect.ts'
import { queryUntil } from './postgres/query-until.ts'

export type { Statement } from '../core/sql.ts'

export interface Database {
  pool: pg.Pool
  prisma: ReturnType<typeof openPrisma>
  /** For statements made elsewhere; each must be safe to send twice. `signal` ends the statement on the server, too. */
  lasting: { query(text: string, values: unknown[], signal?: AbortSignal): Promise<{ rows: unknown[] }> }
  query: Query
  /** Statements that take effect together or not at all. The whole of it must be safe to run twice. */
  transaction<T>(work: (send: Database['query']) => Promise<T>): Promise<T>
  /** Statements sent so far, by `query` and by Prisma (one for each plain operation), for the count of round trips a turn costs. */
  roundTrips(): number
  close(): Promise<void>
}

export function openDatabase(
  connection: pg.PoolConfig,
  { log, connections = 16 }: { log: Log; connections?: number },
): Database {
  const pool = new pg.Pool({
    ...connection,
    max: connections,
    idleTimeoutMillis: 60_000,
    application_name: 'parley',
    // A network that falls silent must become an error, or every connection would wait for ever.
    keepAlive: true,
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
  })
  // An idle connection that the server closed is replaced at the next use.
  pool.on('error', (error) => log.warn(errorFields(error), 'database connection lost'))
  let sent = 0
  const prisma = openPrisma(pool, () => {
    sent += 1
  })
  return {
    pool,
    prisma,
    query: (statement, values) =>
      outlasting(async () => {
        sent += 1
        const result = await pool.query({ name: statement.name, text: statement.text, values })
        return result.rows
      }),
    transaction: (work) =>
      outlasting(async () => {
        const client = await pool.connect()
        let broken: unknown
        try {
          await client.query('begin')
          const result = await work(async ({ name, text }, values) => {
            sent += 1
            return (await client.query({ name, text, values })).rows
          })
          await client.query('commit')
          return result
        } catch (error) {
          await client.query('rollback').catch((failed: unknown) => {
            broken = failed
          })
          throw error
        } finally {
          client.release(broken !== undefined)
        }
      }),
    lasting: {
      query: (text, values, signal) =>
        outlasting(() => {
          sent += 1
          return signal === undefined ? pool.query(text, values) : queryUntil(pool, text, values, signal)
        }),
    },
    roundTrips: () => sent,
    async close() {
      await prisma.$disconnect()
      await pool.end()
    },
  }
}

function openPrisma(pool: pg.Pool, onSend: () => void) {
  const client = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) })
  const send = <T>(ask: () => Promise<T>): Promise<T> => {
    onSend()
    return ask()
  }
  return client.$extends({
    query: { $allOperations: ({ args, query }) => outlasting(() => send(() => query(args))) },
  })
}

/** Sends again while the server is away, for a while. Throws `database_unreachable` when it stays away. */
async function outlasting<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await retryOnConnectionLoss(() =>
      send().catch((error: unknown) => (isDeadlock(error) ? send() : Promise.reject(error))),
    )
  } catch (error) {
    if (isDiskFull(error))
      throw new ParleyError('disk_full', databaseWording.diskFull, { cause: error, retryAfterMs: 15_000 })
    if (!isConnectionError(error)) throw error
    throw new ParleyError('database_unreachable', databaseWording.unreachable, {
      cause: error,
    })
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: disk_full. */
function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '53100'
}

/** PostgreSQL ended this statement so that another one could go on: its turn comes when it is sent again. */
function isDeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '40P01'
}
