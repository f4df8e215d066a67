/**
 * Decides who may call which address, before any handler runs. With accounts, the page needs a session. Without, it belongs to the
 * user who runs Parley, on this machine, and where Parley can be reached from outside it only offers to make the first account.
 * The terminal proves its user by a token from a private file. See docs/decisions/0055.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ActiveKey, KeyScope } from '../core/api-key.ts'
import { ParleyError } from '../core/errors.ts'
import type { Access, Caller } from '../core/http.ts'
import type { SignedIn } from '../core/person.ts'
import type { Cookies } from '../identity/cookies.ts'
import { accessWording } from '../wording/requests.ts'
import { peerUserOf, whyNotThisMachine } from './this-machine.ts'

export interface AccessDeps {
  /** The port is bound to an address that only this machine reaches. */
  loopback: boolean
  /** Something of Parley is meant to be reached from outside, so a proxy is likely. */
  exposed: boolean
  /** The page's address from outside. */
  publicUrl: string | undefined
  /** From the file in PARLEY_HOME that only Parley's own user can read. */
  terminalToken: string
  cookies: Pick<Cookies, 'read'>
  /** Whether there are accounts. Asked for each request of the page. */
  areSetUp(): Promise<boolean>
  /** The person of this cookie's session. */
  findSession(secret: string): Promise<SignedIn | null>
  findKey(secret: string): Promise<ActiveKey | null>
  /** The key that a token was made with, and the part of its scopes that the token has. */
  findToken(token: string): Promise<ActiveKey | null>
  /** The user of this machine at the other end of a connection. */
  peerUser?: (socket: Socket) => Promise<number | undefined>
}

/** Of a gate where nobody can sign in. */
export const withoutAccounts = {
  publicUrl: undefined,
  cookies: { read: () => undefined },
  areSetUp: async () => false,
  findSession: async () => null,
  findToken: async () => null,
} satisfies Partial<AccessDeps>

export interface Gate {
  /** Throws `request_forbidden` or `credentials_missing` if no entry of `access` matches. */
  admit(request: IncomingMessage, access: readonly Access[]): Promise<Caller>
}

type PageCaller = Extract<Caller, { as: 'page' | 'terminal' }>

export function createAccessGate(deps: AccessDeps): Gate {
  const { loopback, exposed, publicUrl, terminalToken, cookies, areSetUp, peerUser = peerUserOf } = deps
  const publicOrigin = publicUrl === undefined ? undefined : new URL(publicUrl).origin
  /** One statement for each request, however many entries of `access` ask. */
  const sessions = new WeakMap<IncomingMessage, Promise<SignedIn | null>>()

  const isTerminal = (request: IncomingMessage) => same(bearerOf(request) ?? '', terminalToken)

  const rules: Record<Access, (request: IncomingMessage) => Promise<Caller> | Caller> = {
    health: () => ({ as: 'health' }),
    public: () => ({ as: 'public' }),
    platform: () => ({ as: 'platform' }),
    async key(request) {
      const secret = keyIn(request)
      const key = isToken(secret) ? null : await deps.findKey(secret)
      if (key !== null) return { as: 'key', key }
      throw new ParleyError('credentials_missing', isToken(secret) ? accessWording.keyItself : accessWording.keyInvalid)
    },
    'key:ask': (request) => keyCaller(request, 'ask'),
    'key:usage:read': (request) => keyCaller(request, 'usage:read'),
    'key:admin': (request) => keyCaller(request, 'admin'),
    terminal(request) {
      demandThisMachine(request)
      if (isTerminal(request)) return { as: 'terminal' }
      throw new ParleyError('credentials_missing', accessWording.terminalOnly)
    },
    async signIn(request) {
      // The page also loads while the database does not answer.
      if (await isLocalOnly().catch(() => false)) await demandOwnUser(request)
      else demandFromPage(request)
      return { as: 'signIn' }
    },
    page: pageCaller,
    async admin(request) {
      const caller = await pageCaller(request)
      return demandRole(caller, ['admin'], accessWording.adminOnly)
    },
    async costs(request) {
      const caller = await pageCaller(request)
      return demandRole(caller, ['admin', 'viewer'], accessWording.costsOnly)
    },
  }

  async function keyCaller(request: IncomingMessage, scope: KeyScope): Promise<Caller> {
    const secret = keyIn(request)
    const key = await (isToken(secret) ? deps.findToken(secret) : deps.findKey(secret))
    if (key === null)
      throw new ParleyError(
        'credentials_missing',
        isToken(secret) ? accessWording.tokenInvalid : accessWording.keyInvalid,
      )
    if (key.scopes.includes(scope)) return { as: 'key', key }
    throw new ParleyError('request_forbidden', accessWording.scopeMissing(scope, key.scopes))
  }

  async function pageCaller(request: IncomingMessage): Promise<PageCaller> {
    if (isTerminal(request)) {
      demandThisMachine(request)
      return { as: 'terminal' }
    }
    if (await isLocalOnly()) {
      await demandOwnUser(request)
      return { as: 'page', person: null }
    }
    demandFromPage(request)
    const person = await sessionOf(request)
    if (person !== null) return { as: 'page', person }
    throw new ParleyError(
      'credentials_missing',
      (await areSetUp()) ? accessWording.signInNeeded : accessWording.setUpNeeded,
    )
  }

  /** There are no accounts, and nobody else can reach the page: it needs no sign-in. */
  const isLocalOnly = async () => loopback && !exposed && !(await areSetUp())

  /** Parley's own user and root, who can read the token's file. Everybody on this machine, if the system does not report the user. */
  async function demandOwnUser(request: IncomingMessage): Promise<void> {
    demandThisMachine(request)
    const user = await peerUser(request.socket)
    if (user === undefined || user === 0 || user === process.getuid?.()) return
    throw new ParleyError('credentials_missing', accessWording.ownUserOnly)
  }

  /** Where it comes through a proxy, PUBLIC_URL must say from which. A change comes from a page of Parley's own, as JSON or as a file. */
  function demandFromPage(request: IncomingMessage): void {
    const { headers, method = 'GET' } = request
    const elsewhere = whyNotThisMachine(request)
    if (loopback && publicOrigin === undefined && elsewhere !== undefined)
      throw new ParleyError('request_forbidden', elsewhere)
    const { origin, 'sec-fetch-site': site } = headers
    const isOwn = (from: string) =>
      from === publicOrigin ||
      (hostOf(from) === ownHost(headers) && (elsewhere === undefined || publicOrigin === undefined))
    if (origin !== undefined && !isOwn(origin)) throw fromElsewhere()
    if (method === 'GET' || method === 'HEAD') return
    // Every browser sends one of both with a change.
    if (site === undefined ? origin === undefined : site !== 'same-origin') throw fromElsewhere()
    // Other sites can send forms and plain text without asking. Files keep their type: they come by PUT, which no form can.
    if (method !== 'PUT' && !/^application\/(?:json|octet-stream)\b|^$/i.test(headers['content-type'] ?? ''))
      throw new ParleyError('request_forbidden', accessWording.noForms)
  }

  async function sessionOf(request: IncomingMessage): Promise<SignedIn | null> {
    // Only a page of Parley's own reads data; a link from elsewhere opens the page.
    const site = request.headers['sec-fetch-site']
    if (site === 'cross-site' || site === 'same-site') throw fromElsewhere()
    const known = sessions.get(request)
    if (known !== undefined) return await known
    const secret = cookies.read(request, 'session')
    const session = secret === undefined ? Promise.resolve(null) : deps.findSession(secret)
    sessions.set(request, session)
    return await session
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
  }
}

/** While there are no accounts, the user of this machine may do everything. */
function demandRole(caller: PageCaller, roles: readonly SignedIn['role'][], userMessage: string): PageCaller {
  if (caller.as === 'terminal' || caller.person === null || roles.includes(caller.person.role)) return caller
  throw new ParleyError('request_forbidden', userMessage)
}

/** The request must come directly from this machine, to a local name, and not from another site's page. */
function demandThisMachine(request: IncomingMessage): void {
  const { headers, method = 'GET' } = request
  const problem = whyNotThisMachine(request)
  if (problem !== undefined) throw new ParleyError('request_forbidden', problem)
  const { origin } = headers
  const site = headers['sec-fetch-site'] ?? 'same-origin'
  const changes = method !== 'GET' && method !== 'HEAD'
  if (origin !== undefined ? hostOf(origin) !== ownHost(headers) : changes && site !== 'same-origin')
    throw fromElsewhere()
}

const fromElsewhere = () => new ParleyError('request_forbidden', accessWording.otherSite)

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined
}

const ownHost = ({ host = '' }: IncomingMessage['headers']) => hostOf(`http://${host}`) ?? ''

function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer\s+(\S{8,2000})\s*$/i.exec(headers.authorization ?? '')?.[1]
}

/** The headers by which programs send a key. One that is sent by two must be the same in both: no proxy may see another than Parley. */
function keyIn(request: IncomingMessage): string {
  const { 'x-api-key': plain, 'api-key': azure } = request.headers
  const sent = [bearerOf(request), plain, azure].flatMap((value) => (value === undefined ? [] : [String(value).trim()]))
  const [first] = sent
  if (first === undefined) throw new ParleyError('credentials_missing', accessWording.keyMissing)
  if (sent.some((other) => other !== first)) throw new ParleyError('credentials_missing', accessWording.keysDiffer)
  return first
}

/** A JSON Web Token has three parts; no key has a dot. */
const isToken = (secret: string) => secret.split('.').length === 3

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares in constant time. */
function same(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted))
}
