/** What can go wrong between Parley and PostgreSQL: told in a sentence, recognised, and waited out. */
import pg from 'pg'
import { ParleyError } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'

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
    throw new ParleyError(
      'database_unreachable',
      'DATABASE_URL is not a PostgreSQL address: write it as postgres://user:password@host:5432/database, with special characters of the password percent-encoded.',
      file,
    )
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

/** Code (SQLSTATE or the system's) → what it means for whoever set DATABASE_URL. */
const sentences: Record<string, (at: Target) => string> = {
  ENOTFOUND: ({ host }) => `No machine named ${host} can be found: check the host in DATABASE_URL.`,
  EAI_AGAIN: ({ host }) =>
    `The name ${host} cannot be looked up now: check the host in DATABASE_URL and this machine's DNS.`,
  ECONNREFUSED: ({ host, port }) =>
    `Nothing listens on ${host}:${port}: start PostgreSQL there, or correct host and port in DATABASE_URL.`,
  ENOENT: ({ host, port }) =>
    `There is no PostgreSQL socket in ${host} (port ${port}): start PostgreSQL, or correct DATABASE_URL.`,
  EACCES: ({ host }) => `This user may not open the PostgreSQL socket in ${host}: check the folder's permissions.`,
  EHOSTUNREACH: ({ host }) => `There is no way to ${host} from here: check the host in DATABASE_URL and the network.`,
  ENETUNREACH: ({ host }) => `There is no way to ${host} from here: check the host in DATABASE_URL and the network.`,
  ETIMEDOUT: ({ host, port }) => `${host}:${port} does not answer: check DATABASE_URL and any firewall on the way.`,
  '28P01': ({ user }) => `PostgreSQL does not accept the password of user ${user}: correct it in DATABASE_URL.`,
  '28000': ({ user, host }) =>
    `PostgreSQL on ${host} does not let user ${user} in: check the user in DATABASE_URL and the server's pg_hba.conf.`,
  '3D000': ({ database, host }) =>
    `There is no database ${database} on ${host}: create it (\`createdb ${database}\`), or correct its name in DATABASE_URL.`,
  '53300': ({ host }) =>
    `PostgreSQL on ${host} has no connection left: raise its max_connections, or run fewer workers.`,
  '57P03': ({ host }) => `PostgreSQL on ${host} is starting or stopping: try again in a moment.`,
}

/** Any failure to connect as `database_unreachable`. */
function describeConnectionError(error: unknown, connection: Connection): ParleyError {
  if (error instanceof ParleyError) return error
  const at = targetOf(connection)
  const code = codeOf(error)
  const said = error instanceof Error ? error.message : String(error)
  const known = sentences[/timeout|timed out/i.test(said) ? 'ETIMEDOUT' : code]
  const other = () => {
    const tls = /ssl|tls|certificate/i.test(`${code} ${said}`)
    const next = tls ? 'check sslmode in DATABASE_URL' : 'check DATABASE_URL'
    return `PostgreSQL on ${at.host}:${at.port} cannot be used (${said.replace(/\.$/, '')}): ${next}.`
  }
  return new ParleyError('database_unreachable', (known ?? (() => other()))(at), { cause: error })
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

/** Whether the way to the server broke, rather than the statement: trying again may help. Looks through what wraps it. */
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
  /** How long a server may be away before its error is thrown. Default 15 s. */
  forMs?: number
}

/**
 * Runs `fn` again while the connection is what fails, so that a restart of the server is a pause. `fn` must be safe to
 * run twice: a statement whose answer was lost may have been done.
 */
export async function retryOnConnectionLoss<T>(fn: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { signal, forMs = 15_000 } = options
  return await retry(fn, { on: isConnectionError, delays: { firstMs: 40, mostMs: 1000 }, deadlineMs: forMs, signal })
}
