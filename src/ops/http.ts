/** The one HTTP port: Node's server around the app, with the limits that hold before a request has a route. */

import { createServer, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { ParleyError } from '../core/errors.ts'
import { requestWording } from '../wording/requests.ts'
import { startWording } from '../wording/startup.ts'
import { createHttpApp, type HttpAppDeps, type RouteEntry } from './http-app.ts'

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
