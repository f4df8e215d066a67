/**
 * Brings a database to this version's schema: `prisma/migrations/<name>/migration.sql` in order of name, each in one
 * transaction with its row in Prisma's own table, so that either both are there or neither.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { errorFields, ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { type Connection, connect, isConnectionError, retryOnConnectionLoss } from './connect.ts'

export const migrationsFolder = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

/** The number Prisma's own migrate locks, so that the two exclude each other. */
const lockKey = 72_707_369

export interface Migration {
  name: string
  sql: string
  /** SHA-256 of the file, hex. */
  checksum: string
}

export interface MigrateOptions {
  log: Log
  folder?: string
}

/**
 * Several processes may run it at once. Throws `database_unreachable`, or `config_invalid` when the database and this
 * version's migrations do not belong together; then nothing of the database was changed.
 */
export async function migrate(connection: Connection, options: MigrateOptions): Promise<{ applied: string[] }> {
  const { log } = options
  const migrations = await readMigrations(options.folder)
  const begun = performance.now()
  const applied: string[] = []
  let connected = false
  const run = async () => {
    const client = await connect(connection)
    connected = true
    try {
      for (;;) {
        const name = await applyNext(client, migrations)
        if (name === undefined) return
        applied.push(name)
        log.info({ migration: name }, 'migration applied')
      }
    } finally {
      await client.end().catch(() => {})
    }
  }
  await run().catch(async (error: unknown) => {
    // An address that never answered is wrong; a server that went away comes back, and what was applied stays so.
    if (!connected || !isConnectionError(error)) throw error
    log.warn(errorFields(error), 'connection lost while migrating, trying again')
    await retryOnConnectionLoss(run)
  })
  log.info({ applied: applied.length, ms: Math.round(performance.now() - begun) }, 'database schema is up to date')
  return { applied }
}

export async function readMigrations(folder = migrationsFolder): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(join(folder, name, 'migration.sql'))
      return { name, sql: bytes.toString('utf8'), checksum: createHash('sha256').update(bytes).digest('hex') }
    }),
  )
}

/** Applies the first migration that is missing, and returns its name. */
async function applyNext(client: pg.Client, migrations: Migration[]): Promise<string | undefined> {
  await client.query('begin')
  try {
    // Held to the end of this transaction; whoever waited here then finds the migration applied.
    await client.query('select pg_advisory_xact_lock($1::bigint)', [lockKey])
    await client.query(migrationsTable)
    const next = firstMissing(migrations, await appliedTo(client))
    if (next !== undefined) await apply(client, next)
    await client.query('commit')
    return next?.name
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

const migrationsTable = `
  create table if not exists "_prisma_migrations" (
    "id" varchar(36) primary key not null,
    "checksum" varchar(64) not null,
    "finished_at" timestamptz,
    "migration_name" varchar(255) not null,
    "logs" text,
    "rolled_back_at" timestamptz,
    "started_at" timestamptz not null default now(),
    "applied_steps_count" integer not null default 0
  )`

interface Applied {
  name: string
  checksum: string
  finished: boolean
}

async function appliedTo(client: pg.Client): Promise<Applied[]> {
  const { rows } = await client.query<Applied>(
    `select migration_name as name, checksum, finished_at is not null as finished
     from "_prisma_migrations" where rolled_back_at is null order by migration_name`,
  )
  return rows
}

function firstMissing(migrations: Migration[], applied: Applied[]): Migration | undefined {
  for (const row of applied) {
    const known = migrations.find((migration) => migration.name === row.name)
    if (known === undefined) {
      throw refused(`was used by a newer Parley (it holds ${row.name}): update this Parley, or use another database`)
    }
    if (!row.finished) {
      throw refused(`holds the unfinished migration ${row.name}: restore it from a backup, or use another database`)
    }
    if (known.checksum !== row.checksum) {
      throw refused(
        `was made by another text of migration ${row.name}: restore that file as it was released, or use another database`,
      )
    }
  }
  const names = new Set(applied.map((row) => row.name))
  return migrations.find((migration) => !names.has(migration.name))
}

function refused(why: string): ParleyError {
  return new ParleyError('config_invalid', `This database ${why}.`)
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query(migration.sql)
  } catch (cause) {
    if (isConnectionError(cause)) throw cause
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError(
      'config_invalid',
      `Migration ${migration.name} does not fit this database and was undone; use a database that only Parley writes to. PostgreSQL said: ${said}`,
      { cause },
    )
  }
  await client.query(
    `insert into "_prisma_migrations" (id, checksum, finished_at, migration_name, applied_steps_count)
     values ($1, $2, clock_timestamp(), $3, 1)`,
    [randomUUID(), migration.checksum, migration.name],
  )
}
