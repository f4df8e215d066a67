/** The built page. Assets carry a hash in their names and may be kept for ever; the page itself may not. */
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { Env, Hono } from 'hono'

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

export function servePage<E extends Env>(app: Hono<E>): void {
  app.get('*', async (context) => {
    const address = decoded(context.req.path)
    if (address === null) return context.text('There is nothing at that address.', 404)
    const path = normalize(address)
    const file = join(dist, path)
    const known =
      (file + sep).startsWith(dist + sep) && extname(file) in types ? await stat(file).catch(() => null) : null
    if (known?.isFile()) {
      context.header('content-type', types[extname(file)] ?? 'application/octet-stream')
      context.header('content-length', String(known.size))
      context.header('cache-control', path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache')
      // The body of an answer to HEAD is thrown away: an open file would stay open.
      if (context.req.method === 'HEAD') return context.body(null)
      return context.body(Readable.toWeb(createReadStream(file)) as ReadableStream)
    }
    if (path !== '/') return context.text('There is nothing at that address.', 404)
    const page = await readFile(join(dist, 'index.html'), 'utf8').catch(() => null)
    if (page === null)
      return context.text('The console page is not built yet. Start Parley with `npm start`, which builds it.', 503)
    context.header('cache-control', 'no-cache')
    return context.html(page)
  })
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}
