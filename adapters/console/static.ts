/** The built page. Assets carry a hash in their names and may be kept for ever; the page itself may not. */
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { pagePaths } from './paths.ts'

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
    ...Object.values(pagePaths).map((path): Route => ({ method: 'GET', path, access: ['signIn'], handle: sendPage })),
    { method: 'GET', path: '/assets/:name', access: ['signIn'], handle: sendAsset },
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
  const form = await smallestForm(file, context.req.header('accept-encoding') ?? '')
  const etag = `"${name}${form.ending}"`
  const headers: Record<string, string> = {
    'content-type': types[extname(name)] ?? 'application/octet-stream',
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    etag,
  }
  if (
    context.req
      .header('if-none-match')
      ?.split(/\s*,\s*/)
      .includes(etag)
  )
    return context.body(null, 304, headers)
  headers['content-length'] = String(form.bytes ?? known.size)
  if (form.encoding !== undefined) headers['content-encoding'] = form.encoding
  // The body of an answer to HEAD is thrown away: an open file would stay open.
  if (context.req.method === 'HEAD') return context.body(null, 200, headers)
  const { outgoing } = context.env
  outgoing.writeHead(200, headers)
  await pipeline(createReadStream(file + form.ending), outgoing).catch(() => outgoing.destroy())
  return undefined
}

/** What the build has put beside an asset, smallest first. */
const encodings = [
  { encoding: 'br', ending: '.br' },
  { encoding: 'gzip', ending: '.gz' },
]

interface Form {
  encoding?: string
  ending: string
  bytes?: number
}

/** The smallest form of a file that the caller takes; the file itself where it takes no other. */
async function smallestForm(file: string, accepted: string): Promise<Form> {
  for (const { encoding, ending } of encodings) {
    if (!takes(accepted, encoding)) continue
    const found = await stat(file + ending).catch(() => null)
    if (found !== null) return { encoding, ending, bytes: found.size }
  }
  return { ending: '' }
}

/** `br;q=0` refuses it. Nothing is sent compressed for `*`, which old programs send without being able to read it. */
function takes(accepted: string, encoding: string): boolean {
  return accepted.split(',').some((each) => {
    const [name = '', ...parameters] = each
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    return name === encoding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}

export const securityHeaders: Record<string, string> = {
  // What a route may be kept for, it says itself.
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), payment=()',
}
