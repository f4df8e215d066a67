/**
 * The one HTTP port: Node's server, with the limits that hold before a request has a route, around the app. In the app every
 * route passes the same steps: the form of the request, the access check (src/ops/access.ts), the body, the handler. Errors
 * are written in one place, by the mount that owns the address.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type Duplex, Readable } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import { type Access, type HttpContext, type HttpEnv, type Mount, type Route, statusOf } from '../core/http.ts'
import type { Log } from '../core/log.ts'
import { requestWording } from '../wording/requests.ts'
import { startWording } from '../wording/startup.ts'
import type { Gate } from './access.ts'

export interface HttpDeps extends HttpAppDeps {
  host: string
  /** 0 takes a free one. */
  port: number
}

export interface HttpServer extends AsyncDisposable {
  url: string
  /** THE table of routes. */
  routes: readonly RouteEntry[]
}

const badRequest = (userMessage: string) =>
  new Response(JSON.stringify({ error: { code: 'request_invalid', userMessage } }), {
    status: 400,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  })

/** Throws `port_in_use`. */
export async function serveHttp({ host, port, ...deps }: HttpDeps): Promise<HttpServer> {
  const app = createHttpApp(deps)
  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    overrideGlobalObjects: false,
    // HTTP/1.0 has no Host header; local-only routes check the header themselves.
    hostname: 'localhost',
    errorHandler: () => badRequest(requestWording.addressOrHostInvalid),
  })
  const server = createServer((request, response) => void listener(request, response))
  // Uploads and event streams take their time; slow headers do not.
  server.requestTimeout = 0
  server.headersTimeout = 15_000
  // Longer than proxies keep idle connections; otherwise a proxy could send a request on a closing connection.
  server.keepAliveTimeout = 75_000
  server.on('clientError', refuse)
  await listen(server, host, port)
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${bound}`,
    routes: app.routes,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

const unreadable: Record<string, [status: string, userMessage: string]> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', requestWording.headersTooLong],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', requestWording.late],
}

/** Answers bytes that Node cannot parse as HTTP. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, userMessage] = unreadable[error.code ?? ''] ?? ['400 Bad Request', requestWording.notHttp]
  const body = JSON.stringify({ error: { code: 'request_invalid', userMessage } })
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  socket.end(head + body)
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host: host.replace(/^\[|\]$/g, ''), port }, resolve)
  try {
    await promise
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE') throw new ParleyError('port_in_use', startWording.portInUse(port), { cause: error })
    if (code === 'EACCES') throw new ParleyError('port_in_use', startWording.portForbidden(port), { cause: error })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new ParleyError('config_invalid', startWording.hostUnknown(host), { cause: error })
    throw error
  }
}

export interface HttpAppDeps {
  mounts: readonly Mount[]
  gate: Gate
  /** Time without a byte of a request's body. */
  idleMs?: number
  log: Log
}

export interface RouteEntry {
  method: Route['method']
  path: string
  access: readonly Access[]
}

const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const
/** A sender slower than 50 kB a second, after the first half minute, is let go. */
const slowestBytesPerMs = 50

function createHttpApp({ mounts, gate, idleMs = 30_000, log }: HttpAppDeps) {
  const app = new Hono<HttpEnv>()
  const byPrefix = [...mounts].sort((a, b) => b.prefix.length - a.prefix.length)

  function mountOf(context: HttpContext): Mount | undefined {
    const { path } = context.req
    return byPrefix.find(({ prefix }) => prefix === '/' || path === prefix || path.startsWith(`${prefix}/`))
  }

  const limitsFor = (maxBytes: number): BodyLimits => ({
    maxBytes,
    idleMs,
    totalMs: idleMs + maxBytes / slowestBytesPerMs,
  })

  async function take(context: HttpContext, { access, body, handle }: Route): Promise<Response> {
    const { incoming } = context.env
    checkForm(context)
    context.set('caller', await gate.admit(incoming, access))
    if (body === 'upload')
      context.set('upload', Readable.from(bodyPieces(incoming, { ...limitsFor(Number.MAX_SAFE_INTEGER), idleMs })))
    else context.set('body', body === undefined ? Buffer.alloc(0) : await readBody(incoming, limitsFor(body.maxBytes)))
    return (await handle(context)) ?? RESPONSE_ALREADY_SENT
  }

  for (const mount of mounts)
    for (const route of mount.routes)
      app.on(route.method, route.path, (context) => {
        setHeaders(context, mount)
        return take(context, route)
      })

  app.notFound((context) => {
    const mount = mountOf(context)
    setHeaders(context, mount)
    const preflight = context.req.method === 'OPTIONS' ? mount?.preflight?.(context) : undefined
    if (preflight !== undefined) return preflight
    const allowed = methods.filter((method) => app.router.match(method, context.req.path)[0].length > 0)
    if (allowed.length > 0) {
      context.env.outgoing.setHeader('allow', allowed.join(', '))
      throw new ParleyError('method_unknown', requestWording.methodUnknown(allowed))
    }
    throw unknownAddress()
  })

  app.onError(async (thrown, context) => {
    const { incoming, outgoing } = context.env
    const error = asParleyError(thrown)
    if (error.code === 'internal') log.error({ ...errorFields(thrown), path: context.req.routePath }, 'request failed')
    if (outgoing.headersSent || outgoing.destroyed) {
      outgoing.destroy()
      return RESPONSE_ALREADY_SENT
    }
    // Most callers read the answer after they have sent everything. Closing early would reset the connection and lose it.
    if (error.code !== 'request_incomplete') await discardBody(incoming, Math.min(idleMs, 5000))
    if (!incoming.complete) outgoing.setHeader('connection', 'close')
    const write = mountOf(context)?.writeError ?? writeError
    return write(context, error)
  })

  const routes: RouteEntry[] = mounts.flatMap((mount) =>
    mount.routes.map(({ method, path, access }) => ({ method, path, access })),
  )
  return { fetch: app.fetch, routes }
}

function setHeaders(context: HttpContext, mount: Mount | undefined): void {
  const headers = typeof mount?.headers === 'function' ? mount.headers(context) : (mount?.headers ?? {})
  for (const [name, value] of Object.entries(headers)) context.env.outgoing.setHeader(name, value)
}

const unknownAddress = () => new ParleyError('address_unknown', requestWording.nothingHere)

/** Headers that must not be repeated: a proxy could read one copy, and Parley the other. */
const once = new Set(
  ['host', 'authorization', 'origin', 'content-type', 'content-length', 'idempotency-key', 'sec-fetch-site'].concat([
    'x-slack-signature',
    'x-slack-request-timestamp',
  ]),
)

function checkForm({ env, req }: HttpContext): void {
  const { rawHeaders, url = '' } = env.incoming
  const seen = new Set<string>()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    if (!once.has(name)) continue
    if (seen.has(name)) throw new ParleyError('request_invalid', requestWording.headerTwice(name))
    seen.add(name)
  }
  if (!url.startsWith('/')) throw new ParleyError('request_invalid', requestWording.addressWithoutSlash)
  try {
    decodeURIComponent(req.path)
  } catch {
    throw unknownAddress()
  }
}

/** JSON for programs; only the sentence for a browser. */
export function writeError(context: HttpContext, error: ParleyError): Response {
  const status = statusOf(error)
  const { outgoing } = context.env
  if (status === 429 || status === 503 || status === 507)
    outgoing.setHeader('retry-after', String(Math.ceil((error.retryAfterMs ?? 1000) / 1000)))
  outgoing.setHeader('cache-control', 'no-store')
  const { code, userMessage } = error
  if (context.req.method === 'GET' && context.req.header('sec-fetch-dest') === 'document')
    return context.text(userMessage, status)
  return context.json({ error: { code, userMessage } }, status)
}

interface BodyLimits {
  maxBytes: number
  /** Without a byte. */
  idleMs: number
  /** All in all. */
  totalMs: number
}

async function readBody(incoming: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of bodyPieces(incoming, limits)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The body as it comes in. Throws `request_too_large` or `request_incomplete`; the rest stays unread then, for the answer. */
export async function* bodyPieces(
  incoming: IncomingMessage,
  { maxBytes, idleMs, totalMs }: BodyLimits,
): AsyncGenerator<Buffer> {
  const tooLarge = () => new ParleyError('request_too_large', requestWording.tooLarge(maxBytes / 1e6))
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  const pieces = incoming.iterator({ destroyOnReturn: false })
  const ends = performance.now() + totalMs
  let bytes = 0
  try {
    for (;;) {
      const next = await inTime(pieces.next(), Math.min(idleMs, ends - performance.now()))
      if (next.done) return
      bytes += next.value.length
      if (bytes > maxBytes) throw tooLarge()
      yield next.value
    }
  } finally {
    // Not awaited: it waits for the piece that did not come.
    void pieces.return?.().catch(() => undefined)
  }
}

/**
 * Reads the rest of a body and throws it away, for half a minute at most. Ends without an error where the caller stops
 * sending. The times are those of nginx: https://nginx.org/en/docs/http/ngx_http_core_module.html#lingering_time
 */
async function discardBody(incoming: IncomingMessage, idleMs: number): Promise<void> {
  if (incoming.complete || incoming.destroyed) return
  const everything: BodyLimits = { maxBytes: Number.MAX_SAFE_INTEGER, idleMs, totalMs: 30_000 }
  try {
    for await (const _ of bodyPieces(incoming, everything));
  } catch {
    // The answer goes out all the same.
  }
}

async function inTime<T>(piece: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new ParleyError('request_incomplete', requestWording.late)),
    Math.max(ms, 0),
  )
  // After a timeout, it fails together with the connection.
  piece.catch(() => undefined)
  try {
    return await Promise.race([piece, late.promise])
  } catch (thrown) {
    if (thrown instanceof ParleyError) throw thrown
    throw new ParleyError('request_incomplete', requestWording.cutOff, {
      cause: thrown,
    })
  } finally {
    clearTimeout(timer)
  }
}
