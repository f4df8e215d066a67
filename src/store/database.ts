/**
 * One pool for everything. Prisma serves the plain reads and writes; a step of a turn that must be atomic, or is on the
 * hot path, is one SQL statement of its own (docs/decisions/0004-prisma-and-pg.md). Both outlive a restart of the server:
 * every statement here may be sent twice, so a lost connection is only a pause.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { PrismaClient } from './generated/client.ts'
import { retryOnConnectionLoss } from './postgres/connect.ts'

/** A named statement is prepared once a connection. */
export interface Statement {
  name: string
  text: string
}

export interface Database {
  pool: pg.Pool
  prisma: PrismaClient
  /** One round trip. The statement must be safe to send twice. */
  query<Row extends pg.QueryResultRow>(statement: Statement, values: unknown[]): Promise<Row[]>
  /** Statements sent through `query` so far, for the count of round trips a turn costs. */
  roundTrips(): number
  close(): Promise<void>
}

export function openDatabase(
  connection: pg.PoolConfig,
  { log, connections = 16 }: { log: Log; connections?: number },
): Database {
  const pool = new pg.Pool({ ...connection, max: connections, idleTimeoutMillis: 60_000, application_name: 'parley' })
  // An idle connection that the server closed is replaced at the next use.
  pool.on('error', (error) => log.warn(errorFields(error), 'database connection lost'))
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) })
  let sent = 0
  return {
    pool,
    prisma,
    query: (statement, values) =>
      retryOnConnectionLoss(async () => {
        sent += 1
        const result = await pool.query({ name: statement.name, text: statement.text, values })
        return result.rows
      }),
    roundTrips: () => sent,
    async close() {
      await prisma.$disconnect()
      await pool.end()
    },
  }
}
