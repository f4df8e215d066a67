/**
 * Decides who may call which address, before any handler runs. There is no sign-in yet, so the page and the terminal are only
 * for the user who runs Parley, on this machine. A proxy also connects from this machine and may add no header. Therefore the
 * terminal sends a token from a private file, the page is checked by the user of its connection, and if Parley is reachable
 * from outside, the page needs a cookie from a link that only the terminal prints. See docs/decisions/0029.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { ParleyError } from '../core/errors.ts'
import type { Access, Caller } from '../core/http.ts'
import { accessWording } from '../wording/requests.ts'

export interface AccessDeps {
  /** The port is bound to an address that only this machine reaches. */
  loopback: boolean
  /** Parley is reachable from outside, so the page needs its cookie. */
  exposed: boolean
  /** From the file in PARLEY_HOME that only Parley's own user can read. */
  terminalToken: string
  findKey(secret: string): Promise<{ id: string; name: string } | null>
  /** The user of this machine at the other end of a connection. */
  peerUser?: (socket: Socket) => Promise<number | undefined>
  now?: () => number
}

export interface Gate {
  /** Throws `request_forbidden` or `credentials_missing` if no entry of `access` matches. */
  admit(request: IncomingMessage, access: readonly Access[]): Promise<Caller>
  /** A code that opens the page once. */
  createLinkCode(): string
  /** Exchanges a code for the page's cookie; `null` if the code was used or has expired. */
  redeem(code: string): string | null
}

export const linkMinutes = 15
const cookieDays = 30
const dayMs = 86_400_000
/** Bounds the unused codes that a loop of `parley page` can create. */
const mostCodes = 1000

export function createAccessGate(deps: AccessDeps): Gate {
  const { loopback, exposed, terminalToken, findKey, peerUser = peerUserOf, now = Date.now } = deps
  // Cookies ignore ports, so two Parleys on one machine need different names.
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
    public: () => ({ as: 'public' }),
    platform: () => ({ as: 'platform' }),
    async key(request) {
      const secret = bearerOf(request)
      const key = secret === undefined ? null : await findKey(secret)
      if (key !== null) return { as: 'key', key }
      throw new ParleyError(
        'credentials_missing',
        secret === undefined ? accessWording.keyMissing : accessWording.keyInvalid,
      )
    },
    link(request) {
      checkThisMachine(request)
      return { as: 'link' }
    },
    terminal(request) {
      checkThisMachine(request)
      if (isTerminal(request)) return { as: 'terminal' }
      throw new ParleyError('credentials_missing', accessWording.terminalOnly)
    },
    async page(request) {
      checkThisMachine(request)
      if (isTerminal(request)) return { as: 'terminal' }
      if (!loopback) throw new ParleyError('request_forbidden', accessWording.pageLocalOnly)
      if (hasCookie(request)) return { as: 'page' }
      if (!exposed && (await mayReadToken(request))) return { as: 'page' }
      throw new ParleyError('credentials_missing', accessWording.linkNeeded)
    },
  }

  /** Parley's own user and root, who can read the token's file. Everybody, if the system does not report the user. */
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

/** Headers of proxies, load balancers and tunnels. One of them shows that the request comes from elsewhere. */
const forwarding =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-original-.*|x-envoy-.*|x-proxy.*|x-client-ip|x-cluster-client-ip|true-client-ip|fastly-client-ip|cf-.*|cdn-.*|tailscale-.*)$/

export function isForwarded({ headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'>): boolean {
  // No browser uses HTTP/1.0. nginx did by default until 1.29.7, and adds no header of its own.
  return httpVersion === '1.0' || Object.keys(headers).some((name) => forwarding.test(name))
}

/** The request must come directly from this machine, to a local name, and not from another site's page. */
function checkThisMachine(request: IncomingMessage): void {
  const { headers, socket, method = 'GET' } = request
  if (isForwarded(request)) throw new ParleyError('request_forbidden', accessWording.proxied)
  if (!/^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? ''))
    throw new ParleyError('request_forbidden', accessWording.notThisMachine)
  const host = parse(`http://${headers.host ?? ''}`)
  if (headers.host === undefined || host === null || !isLocalName(host.hostname))
    throw new ParleyError('request_forbidden', accessWording.wrongHost)
  const { origin } = headers
  const site = headers['sec-fetch-site'] ?? 'same-origin'
  const changes = method !== 'GET' && method !== 'HEAD'
  if (origin !== undefined ? parse(origin)?.host !== host.host : changes && site !== 'same-origin')
    throw new ParleyError('request_forbidden', accessWording.otherSite)
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

/** Compares in constant time. */
function same(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted))
}

const known = new WeakMap<Socket, Promise<number | undefined>>()

/**
 * Finds which user of this machine is at the other end of a loopback connection; Linux reports it for each socket. A proxy runs
 * as a separate user (`www-data`, `nginx`), so this also detects a proxy that adds no headers. Once for each connection.
 * `undefined` where the system does not tell.
 */
function peerUserOf(socket: Socket): Promise<number | undefined> {
  const before = known.get(socket)
  if (before !== undefined) return before
  const user = findUser(socket)
  known.set(socket, user)
  return user
}

async function findUser({ remotePort, localPort }: Socket): Promise<number | undefined> {
  if (process.platform !== 'linux' || remotePort === undefined || localPort === undefined) return undefined
  for (const table of ['tcp', 'tcp6']) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '')
    const user = userIn(text, remotePort, localPort)
    if (user !== undefined) return user
  }
  return undefined
}

/** The user of the socket from `from` to `to`, in the kernel's table of sockets. */
export function userIn(table: string, from: number, to: number): number | undefined {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  // A row: number, own address and port, other address and port, state, queues, timer, retransmits, user.
  const row = new RegExp(
    String.raw`^\s*\d+: [0-9A-F]+:${hex(from)} [0-9A-F]+:${hex(to)} (?!06)[0-9A-F]{2} \S+ \S+ \S+\s+(\d+)`,
    'm',
  ).exec(table)
  return row?.[1] === undefined ? undefined : Number(row[1])
}
