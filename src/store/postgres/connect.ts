/** Connects to PostgreSQL, explains connection errors in a sentence, and retries after a lost connection. */
import pg from 'pg'
import { ParleyError } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'
import { databaseWording } from '../../wording/storage.ts'

/** A `postgres://` URL or what `pg` takes as its configuration. */
export type Connection = string | pg.ClientConfig

/** A connected client, to be ended by the caller. Throws `database_unreachable`; its text never holds the password. */
export async function connect(connection: Connection, options: { timeoutMs?: number } = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...clientConfig(connection), connectionTimeoutMillis: options.timeoutMs ?? 10_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return client
  } catch (error) {
    client.end().catch(() => {})
    throw describeConnectionError(error, connection)
  }
}

/** The configuration for `pg`. Throws `database_unreachable` when a URL cannot be understood. */
function clientConfig(connection: Connection): pg.ClientConfig {
  if (typeof connection !== 'string') return connection
  try {
    // `pg` itself takes nearly any text for a database name on the host `base`.
    // A `#` begins what a URL does not send: it can only be a password's that was not encoded.
    if (!/^postgres(ql)?:\/\/[^#]+$/.test(connection)) throw new Error('not a URL')
    new pg.Client({ connectionString: connection })
    return { connectionString: connection }
  } catch (error) {
    // The cause is left out where it would repeat the URL, and the password with it.
    const file = codeOf(error) === 'ENOENT' ? { cause: error } : {}
    throw new ParleyError('database_unreachable', databaseWording.invalidAddress, file)
  }
}

interface Target {
  host: string
  port: number
  user: string | undefined
  database: string | undefined
}

function targetOf(connection: Connection): Target {
  const { host, port, user, database } = new pg.Client(clientConfig(connection))
  return { host, port, user, database }
}

/** Code (SQLSTATE or the system's) → what it means for the person who set DATABASE_URL. */
const sentences: Record<string, (at: Target) => string> = {
  ENOTFOUND: ({ host }) => databaseWording.unknownHost(host),
  EAI_AGAIN: ({ host }) => databaseWording.lookupFailed(host),
  ECONNREFUSED: ({ host, port }) => databaseWording.refused(host, port),
  ENOENT: ({ host, port }) => databaseWording.noSocket(host, port),
  EACCES: ({ host }) => databaseWording.socketForbidden(host),
  EHOSTUNREACH: ({ host }) => databaseWording.noRoute(host),
  ENETUNREACH: ({ host }) => databaseWording.noRoute(host),
  ETIMEDOUT: ({ host, port }) => databaseWording.timedOut(host, port),
  '28P01': ({ user }) => databaseWording.wrongPassword(user ?? ''),
  '28000': ({ user, host }) => databaseWording.userNotAllowed(user ?? '', host),
  '3D000': ({ database, host }) => databaseWording.databaseMissing(database ?? '', host),
  '53300': ({ host }) => databaseWording.tooManyConnections(host),
  '57P03': ({ host }) => databaseWording.startingOrStopping(host),
}

/** Any failure to connect as `database_unreachable`. */
function describeConnectionError(error: unknown, connection: Connection): ParleyError {
  if (error instanceof ParleyError) return error
  const at = targetOf(connection)
  const code = codeOf(error)
  const said = error instanceof Error ? error.message : String(error)
  const known = sentences[/timeout|timed out/i.test(said) ? 'ETIMEDOUT' : code]
  const reason = said.replace(/\.$/, '')
  const other = /ssl|tls|certificate/i.test(`${code} ${said}`) ? databaseWording.tlsFailed : databaseWording.unusable
  const userMessage = known?.(at) ?? other(at.host, at.port, reason)
  return new ParleyError('database_unreachable', userMessage, { cause: error })
}

const systemCodes = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  ...['EAI_AGAIN', 'ENOTCONN', 'ECONNABORTED'],
])
/** Shutting down, crashed, starting up, too many connections. */
const serverCodes = new Set(['57P01', '57P02', '57P03', '53300'])
/** Prisma: unreachable (twice), timed out, closed. https://www.prisma.io/docs/orm/reference/error-reference */
const prismaCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017'])
const adapterKinds = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TooManyConnections'])
const messages = [
  /Connection terminated/,
  /connection error and is not queryable/,
  /Client was closed and is not queryable/,
  /timeout exceeded when trying to connect/,
  /timeout expired/,
  /Query read timeout/,
]

/** Whether the connection failed, rather than the statement, so that a retry may help. Also checks wrapped errors. */
export function isConnectionError(error: unknown): boolean {
  return layersOf(error).some((layer) => {
    const code = codeOf(layer)
    if (code === 'ENOENT') return 'syscall' in layer && layer.syscall === 'connect'
    if (systemCodes.has(code) || serverCodes.has(code) || prismaCodes.has(code) || /^08\w{3}$/.test(code)) return true
    if ('kind' in layer && typeof layer.kind === 'string' && adapterKinds.has(layer.kind)) return true
    const { message } = { message: '', ...('message' in layer ? { message: layer.message } : {}) }
    return typeof message === 'string' && messages.some((pattern) => pattern.test(message))
  })
}

function layersOf(error: unknown, depth = 0): object[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []
  const inner = [
    'cause' in error ? error.cause : undefined,
    // Prisma's raw queries keep the adapter's error here.
    'meta' in error && typeof error.meta === 'object' && error.meta !== null && 'driverAdapterError' in error.meta
      ? error.meta.driverAdapterError
      : undefined,
  ]
  return [error, ...inner.flatMap((one) => layersOf(one, depth + 1))]
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return 'originalCode' in error && typeof error.originalCode === 'string' ? error.originalCode : ''
}

export interface RetryOptions {
  signal?: AbortSignal
  /** How long the server may be down before the error is thrown. Default 15 s. */
  forMs?: number
}

/**
 * Runs `fn` again while the connection fails, so that a server restart is only a pause. `fn` must be safe to run twice,
 * because a statement whose answer was lost may have taken effect.
 */
export async function retryOnConnectionLoss<T>(fn: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { signal, forMs = 15_000 } = options
  return await retry(fn, { on: isConnectionError, delays: { firstMs: 40, mostMs: 1000 }, deadlineMs: forMs, signal })
}
