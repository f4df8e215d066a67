/**
 * Who may use a page without sign-in: this machine only. A request must come to a loopback name (another site's DNS name
 * that resolves here is refused) and, when it changes something, from the page itself (no other site's form or script).
 */
import type { MiddlewareHandler } from 'hono'
import { ParleyError } from '../../src/core/errors.ts'

export const securityHeaders: Record<string, string> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), payment=()',
}

export function guard(served: { loopback: boolean }): MiddlewareHandler {
  return async (context, next) => {
    for (const [name, value] of Object.entries(securityHeaders)) context.header(name, value)
    if (!served.loopback) {
      throw new ParleyError(
        'request_forbidden',
        'The console page has no sign-in yet, so it is served to this machine only. Set HOST=127.0.0.1; from another machine, reach it then through an SSH tunnel.',
      )
    }
    const host = nameOf(`http://${context.req.header('host') ?? ''}`)
    if (host === null || !isLocalName(host)) {
      throw new ParleyError(
        'request_forbidden',
        'Open the console as http://localhost or http://127.0.0.1 with its port: other names are refused.',
      )
    }
    const origin = context.req.header('origin')
    const changes = !['GET', 'HEAD'].includes(context.req.method)
    if (origin !== undefined && new URL(context.req.url).host !== hostOf(origin)) {
      throw new ParleyError(
        'request_forbidden',
        'That request came from another site and was refused. Use the console page itself.',
      )
    }
    if (changes && origin === undefined && (context.req.header('sec-fetch-site') ?? 'same-origin') !== 'same-origin') {
      throw new ParleyError(
        'request_forbidden',
        'That request came from another site and was refused. Use the console page itself.',
      )
    }
    await next()
  }
}

function isLocalName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)
}

function nameOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname : null
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}
