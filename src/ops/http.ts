/** The one HTTP port: health, and whatever the platforms mount. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ConnectionReport } from '../core/connection.ts'
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Mount } from '../core/platform.ts'

export interface HttpDeps {
  host: string
  /** 0 takes a free one. */
  port: number
  mounts: Mount[]
  /** Whether this process can do its work now; a sentence when not. */
  ready(): Promise<string | null>
  /** How each platform's connection is. A broken one is named and leaves Parley ready: the others, and the page, do their work. */
  connections(): (ConnectionReport & { platform: string })[]
  /** What `parley doctor` asks a running Parley; told to this machine only. */
  doctor(): Promise<unknown>
  /** What `parley route` asks a running Parley; told to this machine only. Throws a ParleyError for what makes no sense. */
  explain(asked: unknown): Promise<unknown>
  log: Log
}

export interface HttpServer extends AsyncDisposable {
  url: string
}

/** Throws `port_in_use`. */
export async function serveHttp({
  host,
  port,
  mounts,
  ready,
  connections,
  doctor,
  explain,
  log,
}: HttpDeps): Promise<HttpServer> {
  /** What is wrong, and what to do, is for this machine's own people; which connection it is, for any probe. */
  const connected = (request: IncomingMessage) =>
    connections().map(({ platform, name, state: { is, since, ...state } }) => {
      const shown = { platform, connection: name, state: is, since: since.toISOString() }
      return isLocal(request) ? { ...shown, ...state } : shown
    })
  const health: Mount[] = [
    {
      prefix: '/healthz',
      handle: (request, response) => sendJson(response, 200, { ok: true, connections: connected(request) }),
    },
    {
      prefix: '/readyz',
      async handle(request, response) {
        const problem = await ready()
        const state = problem === null ? { ok: true } : { ok: false, tell: problem }
        sendJson(response, problem === null ? 200 : 503, { ...state, connections: connected(request) })
      },
    },
    {
      prefix: '/doctor',
      async handle(request, response) {
        if (isLocal(request)) sendJson(response, 200, await doctor())
        else refuse(response, 'doctor')
      },
    },
    {
      prefix: '/route',
      async handle(request, response) {
        if (!isLocal(request)) return refuse(response, 'route')
        try {
          sendJson(response, 200, await explain(await readJson(request)))
        } catch (thrown) {
          const { code, tell } = asParleyError(thrown)
          sendJson(response, code === 'internal' ? 500 : 400, { error: { code, tell } })
        }
      },
    },
  ]
  // The longest prefix first, so that a page at `/` leaves the others theirs.
  const table = [...health, ...mounts].sort((a, b) => b.prefix.length - a.prefix.length)
  const server = createServer((request, response) => {
    void route(table, request, response).catch((error: unknown) => {
      log.error(errorFields(error), 'request failed')
      if (!response.headersSent)
        sendJson(response, 500, {
          error: { code: 'internal', tell: 'Something went wrong inside Parley. Please try again.' },
        })
      else response.destroy()
    })
  })
  // Uploads and event streams take their time; slow headers do not.
  server.requestTimeout = 0
  server.headersTimeout = 15_000
  // Longer than proxies keep an idle connection, or theirs would be cut under a request on its way.
  server.keepAliveTimeout = 75_000
  await listen(server, host, port)
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${bound}`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

async function route(table: Mount[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0] ?? '/'
  const mount = table.find(({ prefix }) => prefix === '/' || path === prefix || path.startsWith(`${prefix}/`))
  if (mount === undefined)
    return sendJson(response, 404, { error: { code: 'request_invalid', tell: 'There is nothing at that address.' } })
  await mount.handle(request, response)
}

function refuse(response: ServerResponse, command: string): void {
  const tell = `This is told to its own machine only. Run \`npm run parley -- ${command}\` there.`
  sendJson(response, 403, { error: { code: 'request_forbidden', tell } })
}

const mostQuestionBytes = 1_000_000

/** A page of another site cannot send this type without being asked first. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const invalid = new ParleyError('request_invalid', 'This wants a small JSON object by POST.')
  if (request.method !== 'POST' || request.headers['content-type'] !== 'application/json') throw invalid
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of request) {
    bytes += piece.length
    if (bytes > mostQuestionBytes) throw invalid
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString())
  } catch {
    throw invalid
  }
}

/** From this machine, and under a name of this machine: not through another site's DNS name. */
function isLocal(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? ''
  const name = (request.headers.host ?? '').replace(/:\d+$/, '')
  return /^(127\.|::1$|::ffff:127\.)/.test(address) && /^(localhost|127\.[\d.]+|\[::1\])$/.test(name)
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host: host.replace(/^\[|\]$/g, ''), port }, resolve)
  try {
    await promise
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE')
      throw new ParleyError(
        'port_in_use',
        `Port ${port} is in use by another program. Stop that program, or start Parley with another port: PORT=${port + 1} npm start`,
        { cause: error },
      )
    if (code === 'EACCES')
      throw new ParleyError(
        'port_in_use',
        `Parley may not listen on port ${port}. Choose one above 1023: PORT=8787 npm start`,
        { cause: error },
      )
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new ParleyError(
        'config_invalid',
        `HOST=${host} is not an address of this machine. Leave HOST out to serve this machine only.`,
        { cause: error },
      )
    throw error
  }
}
