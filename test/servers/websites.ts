/**
 * Sites on this machine, one for each host name, and the way to them through the egress guard: their names lead here, and this
 * address alone counts as public. Unlike real sites they speak plain http on one port.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type EgressOptions, isPublic } from '../../src/egress/guard.ts'

export type Site = (request: IncomingMessage, response: ServerResponse) => void

export interface Websites extends AsyncDisposable {
  /** The address of a path on a host. */
  at(host: string, path: string): string
  /** Adds or replaces a page; `host` without port. */
  serve(host: string, path: string, answer: Site | { type?: string; body: string | Uint8Array }): void
  /** `host/path` of each request. */
  asked: string[]
  egress: EgressOptions
}

export async function startWebsites(): Promise<Websites> {
  const asked: string[] = []
  const pages = new Map<string, Site>()
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    const path = new URL(request.url ?? '/', 'http://here').pathname
    asked.push(`${host}${path}`)
    const page = pages.get(`${host}${path}`)
    if (page === undefined) response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>')
    else page(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    asked,
    at: (host, path) => `http://${host}:${port}${path}`,
    serve(host, path, answer) {
      const site: Site =
        typeof answer === 'function'
          ? answer
          : (_, response) =>
              void response
                .writeHead(200, { 'content-type': answer.type ?? 'text/html; charset=utf-8' })
                .end(answer.body)
      pages.set(`${host}${path}`, site)
    },
    egress: {
      lookup: (host, answer) =>
        answer(null, [{ address: host === 'inside.example' ? '10.0.0.7' : '127.0.0.1', family: 4 }]),
      allowed: (address) => address === '127.0.0.1' || isPublic(address),
      ports: [80, 443, port],
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A page as sites have them: menus and footers around an article. */
export function articlePage(title: string, paragraphs: readonly string[], head = ''): string {
  const menu = Array.from({ length: 30 }, (_, at) => `<li><a href="/section/${at}">Section ${at}</a></li>`).join('')
  return `<!doctype html><html lang="en"><head><title>${title}</title>${head}</head><body>
<nav><ul>${menu}</ul></nav><main><article><h1>${title}</h1>${paragraphs.map((text) => `<p>${text}</p>`).join('\n')}</article></main>
<footer><p>Imprint, terms, cookies</p></footer></body></html>`
}
