/**
 * Brings a database to this version's schema. First the migrations (`prisma/migrations/<name>/migration.sql`), once each and in
 * order of name: each in one transaction with its row in Prisma's own table, so that either both are there or neither. Then the
 * functions (`prisma/functions/*.sql`), whenever the text of one has changed.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { errorFields, ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { version } from '../../version.ts'
import { migrationWording } from '../../wording/storage.ts'
import { type Connection, connect, isConnectionError, retryOnConnectionLoss } from './connect.ts'

const prismaFolder = fileURLToPath(new URL('../../../prisma', import.meta.url))
export const migrationsFolder = join(prismaFolder, 'migrations')

/** The number Prisma's own migrate locks, so that the two exclude each other. */
const lockKey = 72_707_369

export interface Migration {
  name: string
  sql: string
  /** SHA-256 of the file, hex. */
  checksum: string
}

/** One subject's functions: a file of `create or replace function` statements. */
interface Functions {
  file: string
  sql: string
  checksum: string
  /** The functions that it makes. */
  names: string[]
}

export interface MigrateOptions {
  log: Log
  /** Holds `migrations/` and `functions/`. */
  folder?: string
  /** Of this Parley: an older one leaves the functions of a newer one as they are. */
  version?: string
}

/**
 * Several processes may run it at once. Throws `database_unreachable`, or `config_invalid` when the database and this
 * version's migrations do not belong together; then nothing of the database was changed.
 */
export async function migrate(connection: Connection, options: MigrateOptions): Promise<{ applied: string[] }> {
  const { log, folder = prismaFolder } = options
  const migrations = await readMigrations(join(folder, 'migrations'))
  const functions = await readFunctions(join(folder, 'functions'))
  const begun = performance.now()
  const applied: string[] = []
  let connected = false
  const run = async () => {
    const client = await connect(connection)
    connected = true
    try {
      for (;;) {
        const name = await alone(client, () => applyNext(client, migrations))
        if (name === undefined) break
        applied.push(name)
        log.info({ migration: name }, 'migration applied')
      }
      const replaced = await alone(client, () => replaceFunctions(client, functions, options.version ?? version))
      if (replaced.length > 0) log.info({ files: replaced }, 'database functions replaced')
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

async function readFunctions(folder: string): Promise<Functions[]> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const files = entries.filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(join(folder, file), 'utf8')
      const names = [...sql.matchAll(/^create or replace function (\w+)\s*\(/gm)].map((match) => match[1] ?? '')
      return { file, sql, checksum: createHash('sha256').update(sql).digest('hex'), names }
    }),
  )
}

/** One transaction of one process at a time. A process that waited here then finds the work done. */
async function alone<T>(client: pg.Client, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    // Held to the end of this transaction.
    await client.query('select pg_advisory_xact_lock($1::bigint)', [lockKey])
    const result = await work()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/** Applies the first migration that is missing, and returns its name. */
async function applyNext(client: pg.Client, migrations: Migration[]): Promise<string | undefined> {
  await client.query(migrationsTable)
  const next = firstMissing(migrations, await appliedTo(client))
  if (next !== undefined) await apply(client, next)
  return next?.name
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

/** The eleven migrations of the days before the first release. */
const unreleased = /^20261121\d{6}_/

function firstMissing(migrations: Migration[], applied: Applied[]): Migration | undefined {
  for (const row of applied) {
    const known = migrations.find((migration) => migration.name === row.name)
    if (known === undefined && unreleased.test(row.name)) {
      throw refused(migrationWording.unreleased)
    }
    if (known === undefined) {
      throw refused(migrationWording.newer(row.name))
    }
    if (!row.finished) {
      throw refused(migrationWording.unfinished(row.name))
    }
    if (known.checksum !== row.checksum) {
      throw refused(migrationWording.edited(row.name))
    }
  }
  const names = new Set(applied.map((row) => row.name))
  return migrations.find((migration) => !names.has(migration.name))
}

function refused(userMessage: string): ParleyError {
  return new ParleyError('config_invalid', userMessage)
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query(migration.sql).catch((error: unknown) => {
    throw rolledBack(error, (reason) => migrationWording.migrationFailed(migration.name, reason))
  })
  await client.query(
    `insert into "_prisma_migrations" (id, checksum, finished_at, migration_name, applied_steps_count)
     values ($1, $2, clock_timestamp(), $3, 1)`,
    [randomUUID(), migration.checksum, migration.name],
  )
}

function rolledBack(cause: unknown, sentence: (reason: string) => string): unknown {
  if (isConnectionError(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ParleyError('config_invalid', sentence(reason), { cause })
}

const functionsTable = `
  create table if not exists "_parley_functions" (
    "file" text primary key,
    "checksum" text not null,
    "names" text[] not null,
    "version" text not null
  )`

interface Kept {
  file: string
  checksum: string
  names: string[]
  version: string
}

/** Replaces the functions of the files that have changed, drops those that are in no file any more, and returns the files. */
async function replaceFunctions(client: pg.Client, functions: Functions[], own: string): Promise<string[]> {
  await client.query(functionsTable)
  const { rows: kept } = await client.query<Kept>('select file, checksum, names, version from "_parley_functions"')
  // While a newer version is rolled out, the older one may still start: it works with the newer functions, not the reverse.
  if (kept.some((row) => isNewer(row.version, own))) return []
  const wanted = new Set(functions.flatMap(({ names }) => names))
  const old = kept.filter((row) => !functions.some(({ file }) => file === row.file))
  const changed = functions.filter(
    ({ file, checksum }) => !kept.some((row) => row.file === file && row.checksum === checksum),
  )
  if (changed.length === 0 && old.length === 0) return []
  // A function may call one of a later file.
  await client.query('set local check_function_bodies = off')
  await dropFunctions(
    client,
    kept.flatMap(({ names }) => names.filter((name) => !wanted.has(name))),
  )
  await client.query('delete from "_parley_functions" where file = any ($1)', [old.map(({ file }) => file)])
  for (const { file, sql, checksum, names } of changed) {
    await replace(client, sql, names).catch((error: unknown) => {
      throw rolledBack(error, (reason) => migrationWording.functionsFailed(file, reason))
    })
    await client.query(
      `insert into "_parley_functions" (file, checksum, names, version) values ($1, $2, $3, $4)
       on conflict (file) do update set checksum = excluded.checksum, names = excluded.names, version = excluded.version`,
      [file, checksum, names, own],
    )
  }
  return [...changed, ...old].map(({ file }) => file)
}

async function replace(client: pg.Client, sql: string, names: string[]): Promise<void> {
  if (await fits(client, sql, names)) return
  await dropFunctions(client, names)
  await client.query(sql)
}

const invalidFunctionDefinition = '42P13'

/** Whether the functions could be replaced where they are: not when what one takes or returns has changed. */
async function fits(client: pg.Client, sql: string, names: string[]): Promise<boolean> {
  await client.query('savepoint functions')
  try {
    await client.query(sql)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === invalidFunctionDefinition)) throw error
    await client.query('rollback to savepoint functions')
    return false
  }
  // Other parameters make a second function of the same name beside the first.
  const { rows } = await client.query(
    `select from pg_proc where pronamespace = current_schema()::regnamespace and proname = any ($1)
     group by proname having count(*) > 1`,
    [names],
  )
  return rows.length === 0
}

async function dropFunctions(client: pg.Client, names: string[]): Promise<void> {
  const { rows } = await client.query<{ signature: string }>(
    `select oid::regprocedure::text as signature from pg_proc
     where pronamespace = current_schema()::regnamespace and proname = any ($1)`,
    [names],
  )
  for (const { signature } of rows) await client.query(`drop function ${signature} cascade`)
}

function isNewer(version: string, than: string): boolean {
  const parts = (text: string) => text.split(/[.-]/, 3).map(Number)
  const [a, b] = [parts(version), parts(than)]
  const at = a.findIndex((part, index) => part !== b[index])
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0)
}
