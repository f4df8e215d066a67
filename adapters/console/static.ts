/** The built page. Assets carry a hash in their names and may be kept for ever; the page itself may not. */
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import { consoleWording } from '../../src/wording/page.ts'

const dist = join(import.meta.dirname, 'dist')
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

export function pageRoutes(): Route[] {
  return [
    { method: 'GET', path: '/', access: ['page'], handle: sendPage },
    { method: 'GET', path: '/assets/:name', access: ['page'], handle: sendAsset },
  ]
}

async function sendPage(context: HttpContext): Promise<Response> {
  const page = await readFile(join(dist, 'index.html'), 'utf8').catch(() => null)
  if (page === null) return context.text(consoleWording.notBuilt, 503)
  context.header('cache-control', 'no-cache')
  return context.html(page)
}

async function sendAsset(context: HttpContext): Promise<Response | undefined> {
  const name = context.req.param('name') ?? ''
  const file = join(dist, 'assets', name)
  // A name that leads elsewhere has a slash, encoded or not; there is none in the names of assets.
  const known = /^[\w.-]+$/.test(name) && extname(name) in types ? await stat(file).catch(() => null) : null
  if (!known?.isFile()) throw new ParleyError('address_unknown', consoleWording.nothingHere)
  const headers = {
    'content-type': types[extname(name)] ?? 'application/octet-stream',
    'content-length': String(known.size),
    'cache-control': 'public, max-age=31536000, immutable',
  }
  // The body of an answer to HEAD is thrown away: an open file would stay open.
  if (context.req.method === 'HEAD') return context.body(null, 200, headers)
  const { outgoing } = context.env
  outgoing.writeHead(200, headers)
  await pipeline(createReadStream(file), outgoing).catch(() => outgoing.destroy())
  return undefined
}

export const securityHeaders: Record<string, string> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), payment=()',
}
