/**
 * Who may call what: the one place that decides, before any handler. Until people sign in, the page and the terminal are for
 * the user who runs Parley, on this machine. A proxy connects from this machine too, and may add no header at all: so the
 * terminal proves its user by a file, the page by the user of its connection, and where anything of Parley is offered to the
 * outside, the page wants a cookie from a link that only the terminal prints. See docs/decisions/0029.
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { ParleyError } from '../core/errors.ts'
import type { Access, Caller } from '../core/http.ts'
import { peerUserOf } from './peer-user.ts'

export interface AccessDeps {
  /** Bound to an address that only this machine reaches. */
  loopback: boolean
  /** Anything is meant to be reached from outside: the page then wants its cookie. */
  exposed: boolean
  /** Of the file in PARLEY_HOME that only Parley's own user can read. */
  terminalToken: string
  findKey(secret: string): Promise<{ id: string; name: string } | null>
  /** The user of this machine who holds the other end of a connection. */
  peerUser?: (socket: Socket) => Promise<number | undefined>
  now?: () => number
}

export interface Gate {
  /** Throws `request_forbidden` or `credentials_missing` where no entry of `access` fits. */
  admit(request: IncomingMessage, access: readonly Access[]): Promise<Caller>
  /** A code that opens the page once. */
  createLinkCode(): string
  /** The cookie that the code is worth; `null` where it was used or is too old. */
  redeem(code: string): string | null
}

export const linkMinutes = 15
const cookieDays = 30
const dayMs = 86_400_000
/** Codes that nobody opens go by age; this bounds what a loop of `parley page` can leave. */
const mostCodes = 1000

export function createSemaphore(deps: AccessDeps): Gate {
  const { loopback, exposed, terminalToken, findKey, peerUser = peerUserOf, now = Date.now } = deps
  // Two Parleys on one machine share a browser's cookies, which know no ports.
  const cookieName = `parley-page-${digest(terminalToken).toString('hex').slice(0, 8)}`
  const codes = new Map<string, number>()
  const sign = (until: string) => createHmac('sha256', terminalToken).update(`page until ${until}`).digest('base64url')

  function hasCookie(request: IncomingMessage): boolean {
    return cookiesOf(request, cookieName).some((value) => {
      const [until = '', signature = ''] = value.split('.')
      return same(signature, sign(until)) && Number(until) > now()
    })
  }

  const isTerminal = (request: IncomingMessage) => same(bearerOf(request) ?? '', terminalToken)

  const rules: Record<Access, (request: IncomingMessage) => Promise<Caller> | Caller> = {
    health: () => ({ as: 'health' }),
    platform: () => ({ as: 'platform' }),
    async key(request) {
      const secret = bearerOf(request)
      const key = secret === undefined ? null : await findKey(secret)
      if (key !== null) return { as: 'key', key }
      const what = secret === undefined ? 'This needs an API key.' : 'That API key is not valid.'
      throw new ParleyError('credentials_missing', `${what} An admin makes one with \`/parley keys create\`.`)
    },
    link(request) {
      checkThisMachine(request)
      return { as: 'link' }
    },
    terminal(request) {
      checkThisMachine(request)
      if (isTerminal(request)) return { as: 'terminal' }
      throw new ParleyError(
        'credentials_missing',
        'This is for the terminal of the user who runs Parley. Run `npm run parley -- doctor` there, or another command.',
      )
    },
    async page(request) {
      checkThisMachine(request)
      if (isTerminal(request)) return { as: 'terminal' }
      if (!loopback)
        throw new ParleyError(
          'request_forbidden',
          'The page has no sign-in yet, so it is served to this machine only. Set HOST=127.0.0.1; from another machine, reach it through an SSH tunnel.',
        )
      if (hasCookie(request)) return { as: 'page' }
      if (!exposed && (await mayReadToken(request))) return { as: 'page' }
      throw new ParleyError(
        'credentials_missing',
        'Open the page by its link: run `npm run parley -- page` as the user who runs Parley.',
      )
    },
  }

  /** Parley's own user, and root: whom the token's file does not keep out. Where the system does not tell: everybody. */
  async function mayReadToken({ socket }: IncomingMessage): Promise<boolean> {
    const user = await peerUser(socket)
    return user === undefined || user === 0 || user === process.getuid?.()
  }

  return {
    async admit(request, access) {
      let refusal: unknown
      for (const each of access) {
        try {
          return await rules[each](request)
        } catch (thrown) {
          refusal = thrown
        }
      }
      throw refusal
    },
    createLinkCode() {
      for (const [known, until] of codes) if (until <= now() || codes.size >= mostCodes) codes.delete(known)
      const code = randomBytes(32).toString('base64url')
      codes.set(digest(code).toString('hex'), now() + linkMinutes * 60_000)
      return code
    },
    redeem(code) {
      const known = digest(code).toString('hex')
      const until = codes.get(known)
      codes.delete(known)
      if (until === undefined || until <= now()) return null
      const ends = String(now() + cookieDays * dayMs)
      return `${cookieName}=${ends}.${sign(ends)}; Max-Age=${cookieDays * 86_400}; Path=/; HttpOnly; SameSite=Lax`
    },
  }
}

/** What proxies, load balancers and tunnels add. One of them is enough to know that the request comes from elsewhere. */
const forwarding =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-original-.*|x-envoy-.*|x-proxy.*|x-client-ip|x-cluster-client-ip|true-client-ip|fastly-client-ip|cf-.*|cdn-.*|tailscale-.*)$/

export function isForwarded({ headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'>): boolean {
  // No browser speaks HTTP/1.0. nginx did by default until 1.29.7, and adds no header by itself.
  return httpVersion === '1.0' || Object.keys(headers).some((name) => forwarding.test(name))
}

/** Directly from this machine, under a name of this machine, and not from another site's page. */
function checkThisMachine(request: IncomingMessage): void {
  const { headers, socket, method = 'GET' } = request
  if (isForwarded(request))
    throw new ParleyError(
      'request_forbidden',
      'This request came through a proxy. The page and the terminal answer on their own machine only; forward /slack, /api/messages and /v1 alone.',
    )
  if (!/^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? ''))
    throw new ParleyError(
      'request_forbidden',
      'The page has no sign-in yet, so it is served to this machine only. From another machine, reach it through an SSH tunnel.',
    )
  const host = parse(`http://${headers.host ?? ''}`)
  if (headers.host === undefined || host === null || !isLocalName(host.hostname))
    throw new ParleyError(
      'request_forbidden',
      'Open the page as http://localhost or http://127.0.0.1 with its port: other names are refused.',
    )
  const { origin } = headers
  const site = headers['sec-fetch-site'] ?? 'same-origin'
  const changes = method !== 'GET' && method !== 'HEAD'
  if (origin !== undefined ? parse(origin)?.host !== host.host : changes && site !== 'same-origin')
    throw new ParleyError(
      'request_forbidden',
      'That request came from another site and was refused. Use the page itself.',
    )
}

function isLocalName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name)
}

function parse(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null
}

function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer\s+(\S{8,200})\s*$/i.exec(headers.authorization ?? '')?.[1]
}

function cookiesOf({ headers }: IncomingMessage, name: string): string[] {
  return (headers.cookie ?? '').split(';').flatMap((pair) => {
    const [key, value = ''] = pair.trim().split('=', 2)
    return key === name ? [value] : []
  })
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** In a time that tells nothing of where they differ. */
function same(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted))
}
