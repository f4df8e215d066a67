/** One running PostgreSQL: found and adopted, or spawned, and in either case proved by a real connection. */
import { spawn } from 'node:child_process'
import { open, stat, truncate } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { embeddedDatabaseWording } from '../../wording/storage.ts'
import { serverEnv } from './cluster.ts'
import {
  type Endpoint,
  endpointConfig,
  endpointSettings,
  isPostmaster,
  type PidFile,
  readPidFile,
  removeStaleLocks,
} from './endpoint.ts'
import { give, hashOf, type Placement, spawnAs } from './placement.ts'
import { processesNaming, signal } from './process.ts'

export interface Server {
  pid: number
  endpoint: Endpoint
  /** True for a server that an earlier Parley left running. */
  adopted: boolean
  /** A live connection to it, in the database `postgres`. The caller ends it. */
  client: pg.Client
}

export interface StartOptions {
  placement: Placement
  /** Where a server that is not running yet is to listen. */
  endpoint: () => Promise<Endpoint>
  durable: boolean
  /** Shown by PostgreSQL beside the connection. */
  applicationName: string
  log: Log
  signal: AbortSignal
}

const logLimit = 10 * 1024 * 1024
/** A server that answers "starting up" is recovering, which after a crash may take long. */
const recoveryMs = 10 * 60_000
const silenceMs = 30_000

/** Returns when the server takes connections. Throws `database_start_failed` with what PostgreSQL wrote. */
export async function ensureServer(options: StartOptions): Promise<Server> {
  const state: { spawned: Spawned | undefined } = { spawned: undefined }
  try {
    return await bringUp(options, state)
  } catch (error) {
    // It accepts no connections, so no other process uses it.
    if (state.spawned?.pid !== undefined && !state.spawned.exited) signal(state.spawned.pid, 'SIGQUIT')
    throw error
  }
}

async function bringUp(options: StartOptions, state: { spawned: Spawned | undefined }): Promise<Server> {
  const { placement, log } = options
  const begun = performance.now()
  let answeredAt = begun
  await boundLog(placement.logFile)
  for (;;) {
    options.signal.throwIfAborted()
    const file = await readPidFile(placement.data)
    const probed = file === undefined ? silent : await probe(file, options)
    if (probed.kind === 'ready') {
      const pid = file?.pid ?? 0
      const adopted = pid !== state.spawned?.pid
      log.info({ pid, adopted, ms: Math.round(performance.now() - begun) }, 'PostgreSQL is up')
      return { pid, endpoint: probed.endpoint, adopted, client: probed.client }
    }
    if (probed.kind === 'foreign') throw probed.error
    if (probed.kind === 'busy') answeredAt = performance.now()

    if (state.spawned?.exited) {
      const { spawned } = state
      state.spawned = undefined
      await explainExit(spawned, placement, begun)
      await sleep(100, undefined, { signal: options.signal })
    } else if (state.spawned === undefined && !(file !== undefined && (await isPostmaster(file.pid, placement.data)))) {
      // Backends that outlive their server use its memory still. Its lock file is what keeps a second server from that,
      // and is not to be cleared away as stale before they are gone.
      if ((await endStragglers(placement, performance.now() - begun)) === 0) {
        if (file !== undefined) await removeStaleLocks(placement.data, file)
        state.spawned = await spawnServer(options)
      }
    }
    if (performance.now() - answeredAt > silenceMs || performance.now() - begun > recoveryMs) {
      throw failed(placement, embeddedDatabaseWording.notAccepting, await tail(placement.logFile))
    }
    await sleep(performance.now() - begun > 1000 ? 100 : 10, undefined, { signal: options.signal })
  }
}

/** Names this database's processes among all PostgreSQL processes of the machine. */
export function clusterName(placement: Placement): string {
  return `parley-${hashOf(placement.data)}`
}

type Probe =
  | { kind: 'ready'; client: pg.Client; endpoint: Endpoint }
  /** Starting up, shutting down or full. */
  | { kind: 'busy' }
  | { kind: 'silent' }
  | { kind: 'foreign'; error: ParleyError }

const silent: Probe = { kind: 'silent' }

async function probe(file: PidFile, options: StartOptions): Promise<Probe> {
  if (file.endpoint === undefined) return silent
  const config = await endpointConfig(file.endpoint, options.placement.data)
  const client = new pg.Client({
    ...config,
    database: 'postgres',
    application_name: options.applicationName,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ data: string }>("select current_setting('data_directory') as data")
    if (rows[0]?.data === options.placement.data) return { kind: 'ready', client, endpoint: file.endpoint }
    await client.end()
    return silent
  } catch (error) {
    client.end().catch(() => {})
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === '57P03' || code === '53300') return { kind: 'busy' }
    if (code.startsWith('28')) return { kind: 'foreign', error: foreign(options.placement, error) }
    return silent
  }
}

function foreign(placement: Placement, cause: unknown): ParleyError {
  return new ParleyError('database_start_failed', embeddedDatabaseWording.otherServer(placement.data), { cause })
}

interface Spawned {
  pid: number | undefined
  exited: boolean
  error: Error | undefined
  logFrom: number
}

/** Detached, so that Ctrl-C reaches Parley alone and PostgreSQL outlives the drain; unreferenced, so that it never holds the process. */
async function spawnServer(options: StartOptions): Promise<Spawned> {
  const { placement } = options
  const settings = {
    ...endpointSettings(await options.endpoint()),
    shared_buffers: '64MB',
    max_connections: '200',
    jit: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    // Part of every backend's process title: how those of a dead server are told apart.
    cluster_name: clusterName(placement),
    max_wal_size: '256MB',
    log_checkpoints: 'off',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...(options.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const log = await open(placement.logFile, 'a', 0o640)
  try {
    await give(placement.logFile, placement.account)
    const child = spawn(
      placement.binaries.postgres,
      ['-D', placement.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...spawnAs(placement.account),
        cwd: placement.data,
        env: serverEnv(),
        detached: true,
        windowsHide: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    )
    const spawned: Spawned = { pid: child.pid, exited: false, error: undefined, logFrom: (await log.stat()).size }
    child.once('error', (error) => Object.assign(spawned, { exited: true, error }))
    child.once('exit', () => Object.assign(spawned, { exited: true }))
    child.unref()
    return spawned
  } finally {
    await log.close()
  }
}

/** Returns where another try may succeed; throws where it will not. */
async function explainExit(spawned: Spawned, placement: Placement, begun: number): Promise<void> {
  if (spawned.error !== undefined) {
    throw new ParleyError('database_start_failed', embeddedDatabaseWording.cannotRun(placement.binaries.postgres), {
      cause: spawned.error,
    })
  }
  const said = await tail(placement.logFile, spawned.logFrom)
  const waited = performance.now() - begun
  if (waited > silenceMs) throw failed(placement, embeddedDatabaseWording.startFailed, said)
  if (said.includes('pre-existing shared memory block')) {
    await endStragglers(placement, waited)
    return
  }
  // Another Parley starts the same database at the same moment.
  if (said.includes('lock file') && said.includes('already exists')) return
  throw failed(placement, embeddedDatabaseWording.startFailed, said)
}

/**
 * Backends of a killed server finish what they are at before they notice. Waiting for them is right, but not for ever.
 * Answers how many there are.
 */
async function endStragglers(placement: Placement, waited: number): Promise<number> {
  // Backends by their titles: a server that is just starting carries the name in its arguments and is none.
  const stragglers = await processesNaming(`postgres: ${clusterName(placement)}`)
  for (const pid of waited > 1000 ? stragglers : []) signal(pid, waited > 4000 ? 'SIGKILL' : 'SIGTERM')
  return stragglers.length
}

function failed(
  placement: Placement,
  sentence: typeof embeddedDatabaseWording.startFailed,
  output: string,
): ParleyError {
  return new ParleyError('database_start_failed', sentence(placement.logFile, output))
}

/** The last lines of PostgreSQL's log, from an offset in bytes where one is given. */
export async function tail(path: string, from = 0): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return embeddedDatabaseWording.noOutput
  try {
    const { size } = await file.stat()
    const start = Math.max(from, size - 2000)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - start)), 0, undefined, start)
    return buffer.toString('utf8', 0, bytesRead).trim() || embeddedDatabaseWording.noOutput
  } finally {
    await file.close()
  }
}

async function boundLog(path: string): Promise<void> {
  const size = await stat(path).then(
    (at) => at.size,
    () => 0,
  )
  if (size > logLimit) await truncate(path)
}
