/**
 * The built-in PostgreSQL under Parley's own supervision: created on the first start, reused when a killed Parley left it
 * running, restarted when it dies, stopped with Parley. One Parley per home, through an advisory lock on a separate connection.
 * PostgreSQL releases it however the holder dies.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { asParleyError, errorFields, ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { retry } from '../../core/retry.ts'
import { embeddedDatabaseWording, homeWording } from '../../wording/storage.ts'
import { ensureCluster } from './cluster.ts'
import { chooseEndpoint, type Endpoint, type EndpointConfig, endpointConfig, isPostmaster } from './endpoint.ts'
import { type Placement, place } from './placement.ts'
import { isAlive, processesNaming, signal } from './process.ts'
import { clusterName, ensureServer, type Server } from './server.ts'

/** What `pg`, Prisma's adapter and BullMQ's backend take as their configuration. */
export interface PostgresConnection extends EndpointConfig {
  database: string
}

export interface EmbeddedPostgres extends AsyncDisposable {
  /** Stays valid across restarts of the server. */
  connection: PostgresConnection
  /** Process id of the server that runs now. */
  pid(): number
  /** Stops the server and waits until it is gone. Safe to call again. */
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  /** PARLEY_HOME; created when missing. */
  home: string
  log: Log
  /** The server is gone; statements fail until `onUp`. */
  onDown?: () => void
  onUp?: () => void
  /** The server does not restart, or another Parley took the home. There are no further tries. */
  onFatal?: (error: ParleyError) => void
  /** `tcp`: 127.0.0.1 with a password, for Windows. Default: a socket in a private folder, where there are such. */
  transport?: Endpoint['kind']
  /** `false` trades safety against power loss for speed; only for throw-away databases. */
  durable?: boolean
  /** Restarts in a row that may fail before `onFatal`. Default 15. */
  restarts?: number
  /** Where the data goes when PostgreSQL's account cannot enter `home`. */
  elsewhere?: string
}

const databaseName = 'parley'
/** About a minute, with the pauses in between. */
const defaultRestarts = 15
const restartGraceMs = 10_000

/** Throws `database_start_failed` or `home_in_use`; then no server of another Parley was touched. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log, durable = true } = options
  const transport = options.transport ?? (process.platform === 'win32' ? 'tcp' : 'socket')
  const placement = await prepare(options)

  const self = { pid: process.pid, startedAt: new Date().toISOString() }
  const stopping = new AbortController()
  /** A restart in progress when Parley stops may finish, within a limit, so that the server can be stopped cleanly. */
  const abandon = new AbortController()
  let endpoint: Endpoint | undefined
  const bringUp = async (): Promise<Server> => {
    const server = await ensureServer({
      placement,
      durable,
      log,
      signal: abandon.signal,
      applicationName: holderName(self),
      endpoint: async () => endpoint ?? chooseEndpoint(placement, transport),
    })
    try {
      await acquireHomeLock(server.client, placement.home, self)
    } catch (error) {
      await server.client.end().catch(() => {})
      throw error
    }
    endpoint = server.endpoint
    return server
  }

  let server = await bringUp()
  const config = await endpointConfig(server.endpoint, placement.data)
  try {
    await ensureDatabase(server.client)
  } catch (error) {
    await stopServer(server.pid, placement, log)
    throw error
  }

  const supervision = supervise()
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= (async () => {
      stopping.abort()
      const timer = setTimeout(() => abandon.abort(), restartGraceMs)
      const held = await supervision
      clearTimeout(timer)
      if (held) await stopServer(server.pid, placement, log)
      await server.client.end().catch(() => {})
    })()
    return stopped
  }
  return { connection: { ...config, database: databaseName }, pid: () => server.pid, stop, [Symbol.asyncDispose]: stop }

  /** Returns when Parley stops or gives up: whether the home is still held, and with it the server to stop. */
  async function supervise(): Promise<boolean> {
    for (;;) {
      await lost(server.client, stopping.signal)
      if (stopping.signal.aborted) return true
      log.warn({ pid: server.pid }, 'PostgreSQL stopped unexpectedly; restarting it')
      options.onDown?.()
      const again = await restart(bringUp, options.restarts ?? defaultRestarts, log, stopping.signal)
      if (again.kind === 'stopped') return false
      if (again.kind === 'fatal') {
        log.error(errorFields(again.error), 'PostgreSQL does not restart; giving up')
        options.onFatal?.(again.error)
        return again.error.code !== 'home_in_use'
      }
      server = again.server
      if (stopping.signal.aborted) return true
      options.onUp?.()
    }
  }
}

async function prepare(options: EmbeddedOptions): Promise<Placement> {
  const { home, log, elsewhere, durable = true } = options
  try {
    const placement = await place(home, log, { elsewhere })
    await ensureCluster(placement, log, { durable })
    return placement
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError('database_start_failed', embeddedDatabaseWording.prepareFailed(home, said), { cause })
  }
}

/** Waits for the end of the lock's connection, which ends with the server however that dies. */
async function lost(client: pg.Client, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  client.once('end', resolve)
  client.once('error', () => resolve())
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (signal.aborted) resolve()
  // A connection that was lost before anyone listened says so here.
  client.query('select 1').catch(() => resolve())
  await promise
}

type Restarted = { kind: 'up'; server: Server } | { kind: 'stopped' } | { kind: 'fatal'; error: ParleyError }

async function restart(
  bringUp: () => Promise<Server>,
  limit: number,
  log: Log,
  signal: AbortSignal,
): Promise<Restarted> {
  // The server that came up while Parley stops is wanted all the same: it has to be stopped.
  try {
    const server = await retry(bringUp, {
      delays: { firstMs: 50, mostMs: 5000 },
      tries: limit,
      signal,
      on: (error) => !(error instanceof ParleyError && error.code === 'home_in_use'),
      onPause: (error, { tries: failures }) =>
        log.warn({ ...errorFields(error), failures }, 'PostgreSQL does not start; trying again'),
    })
    return { kind: 'up', server }
  } catch (error) {
    return signal.aborted ? { kind: 'stopped' } : { kind: 'fatal', error: asParleyError(error) }
  }
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const found = await client.query('select 1 from pg_database where datname = $1', [databaseName])
  if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(databaseName)}`)
}

/** The signals, and how long each may take: finish cleanly; drop everything and recover at the next start; die. */
const steps = [
  { signal: 'SIGINT', ms: 10_000 },
  { signal: 'SIGQUIT', ms: 5_000 },
  { signal: 'SIGKILL', ms: 5_000 },
] as const

/** Returns when the server is gone. */
async function stopServer(pid: number, placement: Placement, log: Log): Promise<void> {
  const begun = performance.now()
  for (const step of steps) {
    if (!(await isPostmaster(pid, placement.data))) break
    signal(pid, step.signal)
    const deadline = performance.now() + step.ms
    while (performance.now() < deadline && (await isPostmaster(pid, placement.data))) await sleep(5)
  }
  // Only a killed postmaster leaves backends behind.
  for (const left of await processesNaming(`${clusterName(placement)}:`)) signal(left, 'SIGKILL')
  log.info({ pid, ms: Math.round(performance.now() - begun) }, 'PostgreSQL is stopped')
}

/** Any fixed number; the lock is taken in the database `postgres`, where nothing else locks. */
const lockKey = 8_787_001
/** How long the server may take to notice that a killed holder is gone. */
const graceMs = 5000

export interface Holder {
  pid: number
  /** ISO 8601. */
  startedAt: string
}

/** Names the holder on its connection, so that a rejected Parley can say who holds the home. At most 63 bytes. */
function holderName(holder: Holder): string {
  return `parley ${holder.pid} ${holder.startedAt}`
}

function readHolderName(text: string): Holder | undefined {
  const [, pid, startedAt] = /^parley (\d+) (\S+)$/.exec(text) ?? []
  return pid === undefined || startedAt === undefined ? undefined : { pid: Number(pid), startedAt }
}

/** Throws `home_in_use` when another Parley holds it. `self` holding it through an older connection is waited for. */
async function acquireHomeLock(client: pg.Client, home: string, self: Holder): Promise<void> {
  const deadline = performance.now() + graceMs
  for (;;) {
    const tried = await client.query<{ ok: boolean }>('select pg_try_advisory_lock($1::bigint) as ok', [lockKey])
    if (tried.rows[0]?.ok === true) return
    const name = await holderOf(client)
    const holder = name === undefined ? undefined : readHolderName(name)
    const leaving = name === undefined || name === holderName(self) || (holder !== undefined && !isAlive(holder.pid))
    if (!leaving || performance.now() > deadline) throw inUse(home, holder)
    await sleep(20)
  }
}

async function holderOf(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.objid = $1::bigint::oid and l.database =
       (select oid from pg_database where datname = current_database())`,
    [lockKey],
  )
  return rows[0]?.name
}

function inUse(home: string, holder: Holder | undefined): ParleyError {
  return new ParleyError('home_in_use', homeWording.inUse(home, holder))
}
