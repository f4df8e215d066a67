/** Who may call which address, tested on Node's requests without a server. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Access } from '../core/http.ts'
import type { PersonRole, SignedIn } from '../core/person.ts'
import { type AccessDeps, createAccessGate } from './access.ts'
import { createCookies } from './cookies.ts'

const token = `terminal-${'t'.repeat(43)}`
const mine = process.getuid?.() ?? 1000

interface Sent {
  headers?: Record<string, string>
  address?: string
  method?: string
  httpVersion?: string
}

function sent({
  headers = {},
  address = '127.0.0.1',
  method = 'GET',
  httpVersion = '1.1',
}: Sent = {}): IncomingMessage {
  const all = { host: '127.0.0.1:8787', ...headers }
  return { headers: all, method, httpVersion, socket: { remoteAddress: address } } as unknown as IncomingMessage
}

const person = (role: PersonRole): SignedIn => ({ personId: 'p1', name: 'Ann', role, sessionId: 's1' })

interface SetUp extends Partial<AccessDeps> {
  /** Roles by the value of the cookie. */
  signedIn?: Record<string, PersonRole>
}

function setUp({ signedIn, ...more }: SetUp = {}) {
  const cookies = createCookies({ publicUrl: more.publicUrl, installation: '1a2b' })
  const asked: string[] = []
  const gate = createAccessGate({
    loopback: true,
    exposed: more.publicUrl !== undefined,
    publicUrl: undefined,
    terminalToken: token,
    peerUser: async () => mine,
    cookies,
    areSetUp: async () => signedIn !== undefined,
    async findSession(secret) {
      asked.push(secret)
      const role = signedIn?.[secret]
      return role === undefined ? null : person(role)
    },
    findKey: async (secret) =>
      secret === 'parley-key-1' ? { id: 'k1', name: 'CI', ownerId: null, scopes: ['ask'] } : null,
    findToken: async (secret) =>
      secret === 'a.good.token' ? { id: 'k1', name: 'CI', ownerId: null, scopes: ['usage:read'] } : null,
    ...more,
  })
  /** The caller, or the code of the refusal. */
  const as = async (access: Access | Access[], request?: Sent) =>
    await gate.admit(sent(request), [access].flat()).then(
      (caller) => caller.as,
      ({ code }: { code: string }) => code,
    )
  return { gate, as, asked, cookies }
}

const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } })
const local = (secret: string) => ({ cookie: `other=1; __Host-parley-1a2b=${secret}` })

describe('the page without accounts', () => {
  it('opens on this machine if nothing is reachable from outside', async () => {
    const { as } = setUp()
    for (const access of ['page', 'admin', 'costs'] as const) expect(await as(access)).toBe('page')
    expect(await as('signIn')).toBe('signIn')
    for (const address of ['127.1.2.3', '::1', '::ffff:127.0.0.1']) expect(await as('page', { address })).toBe('page')
    for (const host of ['localhost:8787', 'localhost', '[::1]:8787', '127.0.0.1:1'])
      expect(await as('page', { headers: { host } })).toBe('page')
  })

  it('is refused for other host names, machines, sites, and proxies', async () => {
    const { as } = setUp()
    const refused: Sent[] = [
      ...['evil.example', '127.0.0.1.evil.example', '', '127.0.0.1@evil.example', '10.0.0.1'].map((host) => ({
        headers: { host },
      })),
      ...['10.0.0.7', '::ffff:10.0.0.7', '', '1127.0.0.1'].map((address) => ({ address })),
      { headers: { origin: 'https://evil.example' } },
      { headers: { origin: 'null' } },
      { headers: { origin: 'http://127.0.0.1:9999' }, method: 'POST' },
      { headers: { 'sec-fetch-site': 'cross-site' }, method: 'POST' },
      ...['Forwarded', 'Via', 'X-Real-IP', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Prefix'].map((name) => ({
        headers: { [name.toLowerCase()]: 'x' },
      })),
      { headers: { 'cf-connecting-ip': '203.0.113.9' } },
      { httpVersion: '1.0' },
    ]
    for (const request of refused) {
      for (const access of ['page', 'admin', 'costs', 'signIn'] as const)
        expect(await as(access, request), JSON.stringify(request)).toBe('request_forbidden')
      const proven = { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }
      expect(await as('page', proven), JSON.stringify(proven)).toBe('request_forbidden')
      expect(await as('terminal', proven), JSON.stringify(proven)).toBe('request_forbidden')
    }
  })

  it('refuses other users of this machine, such as a proxy, but not root or unknown users', async () => {
    for (const [user, expected] of [
      [mine + 1, 'credentials_missing'],
      [0, 'page'],
      [undefined, 'page'],
    ] as const) {
      const { as } = setUp({ peerUser: async () => user })
      expect(await as('page'), String(user)).toBe(expected)
      expect(await as('signIn'), String(user)).toBe(expected === 'page' ? 'signIn' : expected)
      expect(await as('page', bearer(token))).toBe('terminal')
    }
  })

  it('only offers to make the first account if Parley is reachable from outside', async () => {
    for (const reachable of [{ exposed: true }, { loopback: false }, { publicUrl: 'https://parley.example.com' }]) {
      const { as } = setUp(reachable)
      expect(await as('signIn')).toBe('signIn')
      for (const access of ['page', 'admin', 'costs'] as const) expect(await as(access)).toBe('credentials_missing')
      expect(await as('page', bearer(token))).toBe('terminal')
    }
    const { as } = setUp({ loopback: false })
    expect(await as('signIn', { address: '10.0.0.7', headers: { host: 'parley.lan:8787' } })).toBe('signIn')
    expect(await as('page', { ...bearer(token), address: '10.0.0.7' })).toBe('request_forbidden')
  })

  it('still loads while the database does not answer, but shows no data', async () => {
    const { as } = setUp({ areSetUp: () => Promise.reject(Object.assign(new Error('away'), { code: 'away' })) })
    expect(await as('signIn')).toBe('signIn')
    expect(await as('page')).toBe('away')
  })
})

describe('the page with accounts', () => {
  const signedIn = { m: 'member', v: 'viewer', a: 'admin', g: 'guest' } as const

  it('needs a session, on this machine too, and asks for it once', async () => {
    const { as, asked, gate } = setUp({ signedIn })
    expect(await as('page')).toBe('credentials_missing')
    expect(await as('page', { headers: local('nobody') })).toBe('credentials_missing')
    expect(asked).toEqual(['nobody'])
    const request = sent({ headers: local('m') })
    const wanted = { as: 'page', person: person('member') }
    expect(await gate.admit(request, ['admin', 'costs', 'page'])).toEqual(wanted)
    expect(asked).toEqual(['nobody', 'm'])
    expect(await as('signIn')).toBe('signIn')
    expect(await as('page', bearer(token))).toBe('terminal')
    expect(await as('terminal', { headers: local('a') })).toBe('credentials_missing')
    expect(await as('key', { headers: local('a') })).toBe('credentials_missing')
  })

  it('lets admins do what is theirs, and viewers read costs', async () => {
    const { as } = setUp({ signedIn })
    const allowed = { admin: ['a'], costs: ['a', 'v'], page: ['a', 'v', 'm', 'g'] } as const
    for (const [access, who] of Object.entries(allowed) as [keyof typeof allowed, readonly string[]][])
      for (const each of Object.keys(signedIn))
        expect(await as(access, { headers: local(each) }), `${access} ${each}`).toBe(
          who.includes(each) ? 'page' : 'request_forbidden',
        )
  })

  const post = (headers: Record<string, string>, from: Record<string, string>): Sent => ({
    method: 'POST',
    headers: { ...from, ...headers },
  })

  it('takes changes from its own address alone, as JSON or a file', async () => {
    const { as } = setUp({ signedIn, publicUrl: 'https://parley.example.com' })
    const outside = { host: '127.0.0.1:8787', 'x-forwarded-for': '203.0.113.9', cookie: '__Host-parley=m' }
    const own = { origin: 'https://parley.example.com', 'sec-fetch-site': 'same-origin' }
    for (const access of ['page', 'signIn'] as const) {
      expect(await as(access, post(own, outside))).toBe(access)
      expect(await as(access, post({ ...own, 'content-type': 'application/json; charset=utf-8' }, outside))).toBe(
        access,
      )
      expect(await as(access, post({ 'sec-fetch-site': 'same-origin' }, outside))).toBe(access)
      const put = { ...post({ ...own, 'content-type': 'text/plain' }, outside), method: 'PUT' }
      expect(await as(access, put)).toBe(access)
      const refused: Record<string, string>[] = [
        {},
        { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
        { origin: 'null', 'sec-fetch-site': 'cross-site' },
        { origin: 'https://evil.parley.example.com', 'sec-fetch-site': 'same-site' },
        { origin: 'http://parley.example.com' },
        { origin: 'https://parley.example.com:8443' },
        { origin: 'http://127.0.0.1:8787' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'none' },
        { ...own, 'sec-fetch-site': 'cross-site' },
        ...['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', 'text/plain;x'].map(
          (type) => ({ ...own, 'content-type': type }),
        ),
      ]
      for (const headers of refused)
        expect(await as(access, post(headers, outside)), JSON.stringify(headers)).toBe('request_forbidden')
    }
  })

  it('shows data to its own page alone; a link from elsewhere opens the page itself', async () => {
    const { as } = setUp({ signedIn })
    for (const site of ['cross-site', 'same-site']) {
      expect(await as('page', { headers: { ...local('m'), 'sec-fetch-site': site } })).toBe('request_forbidden')
      expect(await as('signIn', { headers: { ...local('m'), 'sec-fetch-site': site } })).toBe('signIn')
    }
    for (const site of ['same-origin', 'none'])
      expect(await as('page', { headers: { ...local('m'), 'sec-fetch-site': site } })).toBe('page')
  })

  it('is refused through a proxy whose address Parley does not know', async () => {
    const forwarded = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': '127.0.0.1:8787' }
    const { as } = setUp({ signedIn, exposed: true })
    for (const access of ['page', 'signIn'] as const)
      expect(await as(access, { headers: { ...local('m'), ...forwarded } })).toBe('request_forbidden')
    const known = setUp({ signedIn, publicUrl: 'https://parley.example.com' })
    expect(await known.as('page', { headers: { cookie: '__Host-parley=m', ...forwarded } })).toBe('page')
    // The cookie of this machine is not the one of the address outside.
    expect(await known.as('page', { headers: { ...local('m'), ...forwarded } })).toBe('credentials_missing')
    expect(await known.as('page', { headers: local('m') })).toBe('page')
  })

  it('off loopback and without PUBLIC_URL, its address is the one that people open', async () => {
    const { as } = setUp({ signedIn, loopback: false })
    const lan = { host: 'parley.lan:8787', cookie: 'parley=m' }
    const request = (origin: string) => ({ ...post({ origin }, lan), address: '10.0.0.7' })
    expect(await as('page', request('http://parley.lan:8787'))).toBe('page')
    for (const origin of ['http://parley.lan', 'http://parley.lan:8788', 'http://evil.example'])
      expect(await as('page', request(origin)), origin).toBe('request_forbidden')
  })
})

describe('other callers', () => {
  it('a key works, also through a proxy; a missing key, a wrong key and the terminal’s token do not', async () => {
    const { as } = setUp()
    const forwarded = { 'x-forwarded-for': '203.0.113.9', host: 'parley.example.com' }
    expect(await as('key', { headers: { ...forwarded, authorization: 'Bearer parley-key-1' } })).toBe('key')
    expect(await as('key')).toBe('credentials_missing')
    expect(await as('key', bearer('parley-key-2'))).toBe('credentials_missing')
    expect(await as('key', bearer(token))).toBe('credentials_missing')
    expect(await as('terminal', bearer('parley-key-1'))).toBe('credentials_missing')
    expect(await as(['page', 'key'], { headers: { ...forwarded, authorization: 'Bearer parley-key-1' } })).toBe('key')
    expect(await as(['page', 'key'], { headers: forwarded })).toBe('credentials_missing')
  })

  it('a key and a token do what they may do, and nothing else', async () => {
    const { as } = setUp()
    expect(await as('key:ask', bearer('parley-key-1'))).toBe('key')
    expect(await as('key:usage:read', bearer('parley-key-1'))).toBe('request_forbidden')
    expect(await as('key:admin', bearer('parley-key-1'))).toBe('request_forbidden')
    expect(await as('key:usage:read', bearer('a.good.token'))).toBe('key')
    expect(await as('key:ask', bearer('a.good.token'))).toBe('request_forbidden')
    expect(await as('key:ask', bearer('a.forged.token'))).toBe('credentials_missing')
    // A token gives no other token.
    expect(await as('key', bearer('a.good.token'))).toBe('credentials_missing')
  })

  it('a key is the same in each header that programs use, and two different ones are refused', async () => {
    const { as } = setUp()
    const right = 'parley-key-1'
    for (const name of ['x-api-key', 'api-key']) {
      expect(await as('key:ask', { headers: { [name]: right } })).toBe('key')
      expect(await as('key:admin', { headers: { [name]: right } })).toBe('request_forbidden')
      expect(await as('key:ask', { headers: { [name]: 'parley-key-2' } })).toBe('credentials_missing')
      expect(await as('key:ask', { headers: { [name]: right, authorization: `Bearer ${right}` } })).toBe('key')
      expect(await as('key:ask', { headers: { [name]: right, authorization: 'Bearer parley-key-2' } })).toBe(
        'credentials_missing',
      )
    }
  })

  it('everybody can reach platforms and health', async () => {
    const { as } = setUp()
    const request = {
      headers: { via: '1.1 proxy', host: 'parley.example.com' },
      address: '10.0.0.7',
      httpVersion: '1.0',
    }
    expect(await as('platform', request)).toBe('platform')
    expect(await as('public', request)).toBe('public')
    expect(await as('health', request)).toBe('health')
  })
})
