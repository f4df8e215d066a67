/**
 * Whether a page of another origin may call the endpoint: only those named in parley.yaml
 * (https://fetch.spec.whatwg.org/#http-cors-protocol).
 */
import type { HttpContext } from '../../src/core/http.ts'

const exposed = [
  ...['x-request-id', 'retry-after', 'x-parley-ignored', 'x-parley-cut-messages'],
  ...['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
].join(', ')

export function crossOrigin({ req }: HttpContext, origins: readonly string[]): Record<string, string> {
  if (origins.length === 0) return {}
  const origin = req.header('origin')
  // Caches must not give the answer for one origin to another.
  if (origin === undefined || !origins.includes(origin)) return { vary: 'origin' }
  return { vary: 'origin', 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed }
}

export function preflight({ req }: HttpContext, origins: readonly string[]): Response | undefined {
  const origin = req.header('origin')
  if (origin === undefined || !origins.includes(origin)) return undefined
  const headers = {
    'access-control-allow-methods': 'GET, POST',
    // Clients send headers of their own, such as x-stainless-os.
    'access-control-allow-headers': req.header('access-control-request-headers') ?? 'authorization, content-type',
    'access-control-max-age': '600',
  }
  return new Response(null, { status: 204, headers })
}
