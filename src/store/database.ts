/**
 * One pool for everything. Prisma handles plain reads and writes. A step of a turn that must be atomic or fast is a single SQL
 * statement (docs/decisions/0004-prisma-and-pg.md). Both survive a server restart, because every statement here is safe to send
 * twice.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Query, Statement } from '../core/platform-state.ts'
import { databaseWording } from '../wording/storage.ts'
import { PrismaClient } from './generated/client.ts'
import { isConnectionError, retryOnConnectionLoss } from './postgres/connect.ts'

export type { Statement } from '../core/platform-state.ts'

export interface Database {
  pool: pg.Pool
  prisma: ReturnType<typeof openPrisma>
  /**
   * For statements of other modules; each must be safe to send twice. `signal` also ends the statement on the server. One with a name is
   * planned once for each connection.
   */
  lasting: {
    query(statement: string | Statement, values: unknown[], signal?: AbortSignal): Promise<{ rows: unknown[] }>
  }
  query: Query
  /** Statements that take effect together or not at all. All of it must be safe to run twice. */
  transaction<T>(work: (send: Database['query']) => Promise<T>): Promise<T>
  /** Statements sent so far, by `query` and by Prisma (one for each plain operation), for the count of round trips a turn costs. */
  roundTrips(): number
  close(): Promise<void>
}

/**
 * A connection that a server closes while nobody asks it anything emits `error`, and without a listener that ends the process. Pools and
 * BullMQ listen, but not while a connection is checked out, nor in the moment after it was made: https://github.com/brianc/node-postgres/issues/3630.
 * The next statement on it fails, which is how everybody hears of it.
 */
class CalmClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    this.on('error', () => {})
  }
}

export function openDatabase(
  connection: pg.PoolConfig,
  { log, connections = 16 }: { log: Log; connections?: number },
): Database {
  const pool = new pg.Pool({
    ...connection,
    Client: CalmClient,
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
      query: (statement, values, signal) =>
        outlasting(() => {
          sent += 1
          const query = { ...(typeof statement === 'string' ? { text: statement } : statement), values }
          return signal === undefined ? pool.query(query) : queryUntil(pool, query, signal)
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

/** Retries for a while when the server is down, then throws `database_unreachable`. */
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

/** PostgreSQL canceled this statement to resolve a deadlock. Sending it again works. */
function isDeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '40P01'
}

/**
 * A statement that a signal ends on the server too, so that abandoned queries cost no time and memory. Rejects with the signal's reason as soon as it aborts, and gives the connection back when the server has let go of it.
 */
async function queryUntil(pool: pg.Pool, query: pg.QueryConfig, signal: AbortSignal): Promise<{ rows: unknown[] }> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  // It may be rejected after the race is over.
  aborted.promise.catch(() => undefined)
  try {
    return await Promise.race([onConnection(pool, query, signal), aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function onConnection(pool: pg.Pool, query: pg.QueryConfig, signal: AbortSignal) {
  const client = await pool.connect()
  let cancelled: Promise<unknown> | undefined
  const cancel = () => {
    cancelled = pool.query(CANCEL, [backendOf(client)]).catch(() => undefined)
  }
  let broken: Error | undefined
  try {
    signal.throwIfAborted()
    signal.addEventListener('abort', cancel, { once: true })
    return await client.query(query).catch((error: Error) => {
      // What the server says of a statement leaves a good connection; anything else is of the connection.
      if (!('severity' in error)) broken = error
      throw error
    })
  } finally {
    signal.removeEventListener('abort', cancel)
    // Not before: a cancellation that comes late must not meet the next statement of this connection.
    await cancelled
    client.release(broken)
  }
}

function backendOf(client: pg.PoolClient): number | null {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : null
}

const CANCEL = `select pg_cancel_backend(pid) from pg_stat_activity where pid = $1 and usename = current_user and state = 'active'`
