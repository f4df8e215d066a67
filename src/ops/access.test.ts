/** Who may call which address, tested on Node's requests without a server. */
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Access } from '../core/http.ts'
import { type AccessDeps, createAccessGate, isForwarded, userIn } from './access.ts'

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

function setUp(more: Partial<AccessDeps> = {}) {
  const gate = createAccessGate({
    loopback: true,
    exposed: false,
    terminalToken: token,
    peerUser: async () => mine,
    findKey: async (secret) => (secret === 'parley-key-1' ? { id: 'k1', name: 'CI' } : null),
    ...more,
  })
  /** The caller, or the code of the refusal. */
  const as = async (access: Access | Access[], request?: Sent) =>
    await gate.admit(sent(request), [access].flat()).then(
      (caller) => caller.as,
      ({ code }: { code: string }) => code,
    )
  return { gate, as }
}

const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } })

describe('the page', () => {
  it('opens on this machine without a cookie if nothing is reachable from outside', async () => {
    const { as } = setUp()
    expect(await as('page')).toBe('page')
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
      expect(await as('page', request), JSON.stringify(request)).toBe('request_forbidden')
      const proven = { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }
      expect(await as('page', proven), JSON.stringify(proven)).toBe('request_forbidden')
      expect(await as('terminal', proven), JSON.stringify(proven)).toBe('request_forbidden')
      expect(await as('link', proven), JSON.stringify(proven)).toBe('request_forbidden')
    }
  })

  it('asks other users of this machine, such as a proxy, for a cookie, but not root or unknown users', async () => {
    for (const [user, expected] of [
      [mine + 1, 'credentials_missing'],
      [0, 'page'],
      [undefined, 'page'],
    ] as const) {
      const { as } = setUp({ peerUser: async () => user })
      expect(await as('page'), String(user)).toBe(expected)
      expect(await as('page', bearer(token))).toBe('terminal')
    }
  })

  it('asks everybody for its cookie if Parley is reachable from outside', async () => {
    const { gate, as } = setUp({ exposed: true })
    expect(await as('page')).toBe('credentials_missing')
    expect(await as('page', bearer(token))).toBe('terminal')
    const cookie = gate.redeem(gate.createLinkCode()) ?? ''
    expect(cookie).toMatch(/; HttpOnly; SameSite=Lax$/)
    expect(cookie).not.toContain(token)
    const pair = cookie.split(';')[0] ?? ''
    expect(await as('page', { headers: { cookie: `other=1; ${pair}` } })).toBe('page')
    expect(await as('terminal', { headers: { cookie: pair } })).toBe('credentials_missing')
    for (const forged of [`${pair}x`, pair.replace(/=\d/, '=9'), pair.replace(/\..*/, '.'), pair.replace(/=.*/, '=')])
      expect(await as('page', { headers: { cookie: forged } }), forged).toBe('credentials_missing')
  })

  it('is open to the terminal only if others can reach the port', async () => {
    const { gate, as } = setUp({ loopback: false, exposed: true })
    const [cookie = ''] = (gate.redeem(gate.createLinkCode()) ?? '').split(';')
    expect(await as('page', { headers: { cookie } })).toBe('request_forbidden')
    expect(await as('page', bearer(token))).toBe('terminal')
    expect(await as('page', { ...bearer(token), address: '10.0.0.7' })).toBe('request_forbidden')
  })
})

describe('a link', () => {
  it('opens the page once within 15 minutes, and its cookie lasts 30 days', async () => {
    let now = 1_000_000
    const { gate, as } = setUp({ exposed: true, now: () => now })
    const [used, late] = [gate.createLinkCode(), gate.createLinkCode()]
    const [cookie = ''] = (gate.redeem(used) ?? '').split(';')
    expect(gate.redeem(used)).toBeNull()
    expect(gate.redeem('')).toBeNull()
    now += 15 * 60_000
    expect(gate.redeem(late)).toBeNull()
    now += 29 * 86_400_000
    expect(await as('page', { headers: { cookie } })).toBe('page')
    now += 2 * 86_400_000
    expect(await as('page', { headers: { cookie } })).toBe('credentials_missing')
  })

  it('stops working when the token that signed its cookie changes', async () => {
    const [cookie = ''] = (setUp().gate.redeem(setUp().gate.createLinkCode()) ?? 'none').split(';')
    expect(cookie).toBe('none')
    const { gate } = setUp({ exposed: true })
    const [signed = ''] = (gate.redeem(gate.createLinkCode()) ?? '').split(';')
    const other = setUp({ exposed: true, terminalToken: `terminal-${'u'.repeat(43)}` })
    expect(await other.as('page', { headers: { cookie: signed } })).toBe('credentials_missing')
  })

  it('is limited to a maximum number of unused links', () => {
    const { gate } = setUp()
    const first = gate.createLinkCode()
    for (let n = 0; n < 1000; n += 1) gate.createLinkCode()
    expect(gate.redeem(first)).toBeNull()
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

it('headers of browsers and programs do not look like a proxy', () => {
  const headers = { host: 'x', 'user-agent': 'x', 'x-requested-with': 'x', 'x-parley': 'x', forward: 'x', viable: 'x' }
  expect(isForwarded({ headers, httpVersion: '1.1' })).toBe(false)
})

it('the user of a connection is read from the kernel’s table', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  32: 0100007F:907D 0100007F:E7B8 01 00000000:00000000 00:00000000 00000000  1000        0 166510 1 0 20 4 30 10 -1
 141: 0100007F:E7B8 0100007F:907D 06 00000000:00000000 02:0000176E 00000000     0        0 0 3 0 20 0 0 11 -1
 142: 0100007F:E7B8 0100007F:907D 01 00000000:00000000 02:0000176E 00000000 65534        0 166509 3 0 20 0 0 11 -1`
  expect(userIn(table, 0xe7b8, 0x907d)).toBe(65_534)
  expect(userIn(table, 0x907d, 0xe7b8)).toBe(1000)
  expect(userIn(table, 1, 2)).toBeUndefined()
  const six = '  1: 00000000000000000000000001000000:E7B8 00000000000000000000000001000000:907D 01 0:0 0:0 0   501 0 1'
  expect(userIn(six, 0xe7b8, 0x907d)).toBe(501)
})
