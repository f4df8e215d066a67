/**
 * BullMQ's classes over one small set of connections, whatever the backend. Left to itself BullMQ opens a pool and a LISTEN
 * connection for every Queue and every Worker; here all queues of a process share them:
 *
 *   PostgreSQL  3 for adding (durable commits), 4 for working (asynchronous commits), 1 that listens: 8 at most
 *   Redis       1 for adding (fails at once when the server is away), 1 for working, 1 blocking per processed queue
 */

import { setTimeout as timeout } from 'node:timers/promises'
import {
  type BackendFactory,
  createRedisBackend,
  FlowProducer,
  type IQueueBackend,
  type JobsOptions,
  PostgresConnection,
  PostgresQueueBackend,
  Queue,
  type QueueOptions,
  runMigrations,
  Worker,
  type WorkerOptions,
} from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { queueWording } from '../wording/storage.ts'
import type { QueueName } from './queue.ts'

export type QueueConnection =
  /** `schema` separates installations within one database. */
  | { kind: 'postgres'; config: PostgresConfig; schema?: string }
  /** `prefix` separates installations within one server. */
  | { kind: 'redis'; url: string; prefix?: string }

/** As `pg` takes it; all parts are optional there. */
export interface PostgresConfig {
  connectionString?: string
  /** A host name, or the folder of a Unix socket. */
  host?: string
  port?: number
  user?: string
  password?: string
  database?: string
}

export type BullQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend>
export type BullFlows = FlowProducer<IQueueBackend>
export type BullWorker = Worker<unknown, unknown, string, IQueueBackend>
export type BullOptions = JobsOptions

export interface Connections {
  queue(name: QueueName): BullQueue
  flows(): BullFlows
  worker(name: QueueName, options: Omit<WorkerOptions, 'connection' | 'prefix'>): BullWorker
  close(): Promise<void>
}

/** How long opening, and waiting for a free connection, may take. */
const connectMs = 5_000
/** The longest a worker sleeps without looking, should a notification get lost: the tail of a failover, never the usual way. */
export const pollSeconds = 2

/** What was added is there after a crash, whatever the server's own setting. */
const durable = '-c synchronous_commit=on'
/** Workers' bookkeeping of the last half second may be lost in a crash: jobs then run again, which every job bears. */
const fast = '-c synchronous_commit=off'

export function unreachable(cause: unknown): ParleyError {
  return new ParleyError('queue_unreachable', queueWording.unreachable, { cause })
}

export async function openConnections(connection: QueueConnection): Promise<Connections> {
  try {
    return connection.kind === 'postgres'
      ? await openPostgres(connection.config, connection.schema ?? 'bullmq')
      : await openRedis(connection.url, connection.prefix ?? 'parley')
  } catch (cause) {
    throw unreachable(cause)
  }
}

function classes(
  adding: QueueOptions,
  addingBackend: BackendFactory,
  workingBackend: BackendFactory,
  working: QueueOptions = adding,
): Omit<Connections, 'close'> {
  // Nobody reads BullMQ's stream of events, so it is kept short.
  const streams = { events: { maxLen: 1_000 } }
  return {
    queue: (name) => new Queue(name, { ...adding, streams }, addingBackend),
    flows: () => new FlowProducer(adding, addingBackend),
    worker: (name, options) => new Worker(name, null, { ...working, ...options }, workingBackend),
  }
}

/**
 * A connection that a server closes while nobody asks it anything emits `error`, and without a listener that ends the process. BullMQ
 * listens, but not before a connection is made and not while it is checked out: https://github.com/brianc/node-postgres/issues/3630.
 * The next statement on it fails, which is how everybody hears of it.
 */
class CalmClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    this.on('error', () => {})
  }
}

/**
 * Three workers may ask to LISTEN at once; `pg` wants a connection's statements one after another. No upstream report was
 * found (BullMQ 6.7.0 with pg 8.23). BullMQ reopens a lost LISTEN connection since
 * https://github.com/taskforcesh/bullmq/issues/4729.
 */
export class SharedConnection extends PostgresConnection {
  readonly #queued = new WeakSet<object>()

  constructor(config: ConstructorParameters<typeof PostgresConnection>[0] & object) {
    super({ ...config, Client: CalmClient } as typeof config)
    // Its LISTEN connection is no pool's: BullMQ makes it from the module that it loaded.
    Object.assign(this, { pgModule: { ...pg, Client: CalmClient } })
  }

  override async getListenClient() {
    const client = await super.getListenClient()
    if (!this.#queued.has(client)) {
      this.#queued.add(client)
      const query = client.query.bind(client)
      let before: Promise<unknown> = Promise.resolve()
      client.query = (text, params) => {
        const result = before.then(() => query(text, params))
        before = result.catch(() => {})
        return result
      }
    }
    return client
  }
}

/** A backend on a shared connection: it hears of a lost LISTEN connection like an owner, and closes nothing. */
class SharedBackend extends PostgresQueueBackend {
  /**
   * BullMQ blocks for up to an hour on NOTIFY alone (https://github.com/taskforcesh/bullmq/issues/4601) and forgives a failed
   * first look: a job could then sleep that long.
   */
  override get maximumBlockTimeout(): number {
    return pollSeconds
  }

  override async close(): Promise<void> {
    await this.disconnectBlocking()
  }
}

async function openPostgres(config: PostgresConfig, schema: string): Promise<Connections> {
  await migrate(config, schema)
  // `idleTimeoutMillis: 0` keeps connections: a new one costs more than the whole way from add to start.
  const shared = { ...config, schema, keepAlive: true, idleTimeoutMillis: 0, connectionTimeoutMillis: connectMs }
  const adding = new SharedConnection({ ...shared, application_name: 'parley-add', max: 3, options: durable })
  const working = new SharedConnection({ ...shared, application_name: 'parley-work', max: 4, options: fast })
  for (const one of [adding, working]) {
    one.setMaxListeners(0)
    one.on('error', () => {}) // each backend reports it
  }
  // A connection remembers a failed first check for ever, so both must pass it before anything uses them. No upstream report
  // was found (BullMQ 6.7.0); the same of its LISTEN connection was https://github.com/taskforcesh/bullmq/pull/4781.
  await Promise.all([adding.waitUntilReady(), working.waitUntilReady()]).catch(async (cause: unknown) => {
    await Promise.allSettled([adding.close(), working.close()])
    throw cause
  })
  const over =
    (one: PostgresConnection): BackendFactory =>
    (name, given) =>
      new SharedBackend(one, name, { ...given, connection: {} })
  return {
    ...classes({ connection: {} }, over(adding), over(working)),
    async close() {
      await Promise.allSettled([adding.close(), working.close()])
    },
  }
}

/** BullMQ takes an advisory lock and one transaction, so any number of processes may start at once. */
async function migrate(config: PostgresConfig, schema: string): Promise<void> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: connectMs, options: durable })
  client.on('error', () => {}) // the query under way rejects as well
  try {
    await client.connect()
    await runMigrations(client, schema)
  } finally {
    await client.end().catch(() => {})
  }
}

async function openRedis(url: string, prefix: string): Promise<Connections> {
  const retryStrategy = (times: number) => Math.min(times * 50, 1_000)
  // Without an offline queue a command fails at once while the server is away, instead of waiting for it.
  const adding = new Redis(url, {
    retryStrategy,
    connectTimeout: connectMs,
    enableOfflineQueue: false,
    lazyConnect: true,
  })
  const working = new Redis(url, {
    retryStrategy,
    connectTimeout: connectMs,
    maxRetriesPerRequest: null,
    lazyConnect: true,
  })
  let reason: unknown
  for (const client of [adding, working]) {
    client.setMaxListeners(0)
    // Later BullMQ reports it through each queue and worker.
    client.on('error', (error) => {
      reason ??= error
    })
  }
  const disconnect = () => {
    adding.disconnect()
    working.disconnect()
  }
  await Promise.all([adding.connect(), working.connect()]).catch((cause: unknown) => {
    disconnect()
    throw reason ?? cause
  })
  return {
    ...classes({ connection: adding, prefix }, createRedisBackend, createRedisBackend, { connection: working, prefix }),
    async close() {
      disconnect()
    },
  }
}

/** Logs an error that repeats while a server is down only once. */
export interface ErrorThrottle {
  report(error: unknown): void
  /** Something worked: the next error is news again. */
  over(): void
}

const quietMs = 30_000

export function createErrorThrottle(log: Log, what: string): ErrorThrottle {
  let reportedAt = Number.NEGATIVE_INFINITY
  return {
    report(error) {
      if (performance.now() - reportedAt < quietMs) return
      reportedAt = performance.now()
      log.warn(errorFields(error), `${what} trouble`)
    },
    over() {
      if (reportedAt === Number.NEGATIVE_INFINITY) return
      reportedAt = Number.NEGATIVE_INFINITY
      log.info({}, `${what} works again`)
    },
  }
}

/** Resolves after the time, or as soon as the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await timeout(ms, undefined, { signal }).catch(() => {})
}
