import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ProviderSettings } from '../../src/identity/provider.ts'
import { type Installation, install, settingsFor } from '../../src/identity/sign-in.contract.ts'
import { createCookies } from '../../src/ops/cookies.ts'
import { whyNotThisMachine } from '../../src/ops/this-machine.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { type OidcIssuer, startOidcIssuer } from '../../test/servers/oidc-issuer.ts'
import { providerRoutes } from './providers.ts'

const publicUrl = 'https://parley.example.com'
const agent = 'a browser'

let server: TestServer
let issuer: OidcIssuer
let parley: Installation
let close: (() => Promise<void>)[]

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  issuer = await startOidcIssuer()
  parley = await install(server)
  close = []
  return async () => {
    for (const each of close) await each()
    await parley[Symbol.asyncDispose]()
    await issuer.close()
  }
})

/** A process of this Parley behind a proxy at PUBLIC_URL, or on this machine alone. */
async function serve(more: { settings?: Partial<ProviderSettings>; local?: boolean; setUp?: boolean } = {}) {
  const { settings = {}, local = false, setUp = true } = more
  const { url, clientId, clientSecret } = issuer
  const rig = { url, clientId, clientSecret, scopes: ['openid'], set: () => {}, signIn: never, close: never }
  const { flows, accounts } = parley.open([settingsFor(rig, settings)])
  const ownUrl = local ? undefined : publicUrl
  const cookies = createCookies({ publicUrl: ownUrl, installation: 'a1b2' })
  const people = { ...accounts.people, areSetUp: async () => setUp }
  const routes = providerRoutes({
    flows,
    people,
    sessions: accounts.sessions,
    cookies,
    addressOf: () => '192.0.2.1',
    baseUrlOf: (request) =>
      ownUrl ?? (whyNotThisMachine(request) === undefined ? `http://${request.headers.host}` : undefined),
  })
  const served = await serveMounts([{ prefix: '/console', routes }], {
    publicUrl: ownUrl,
    cookies,
    areSetUp: people.areSetUp,
    findSession: accounts.sessions.find,
    exposed: !local,
  })
  close.push(served.close)
  return { url: served.url, accounts }
}
const never = () => Promise.reject(new Error('unused'))

/** Keeps cookies as a browser does, and comes through a proxy unless it is told otherwise. */
function createBrowser({ local = false }: { local?: boolean } = {}) {
  const jar = new Map<string, string>()
  const set: string[] = []
  return {
    jar,
    set,
    async open(url: string, headers: Record<string, string> = {}, method = 'GET') {
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        headers: {
          'user-agent': agent,
          cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(local ? {} : { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' }),
          ...(method === 'POST'
            ? {
                'content-type': 'application/json',
                origin: local ? new URL(url).origin : publicUrl,
                'sec-fetch-site': 'same-origin',
              }
            : {}),
          ...headers,
        },
        ...(method === 'POST' ? { body: '{}' } : {}),
      })
      for (const cookie of response.headers.getSetCookie()) {
        set.push(cookie)
        const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=')
        if (value === '') jar.delete(name)
        else jar.set(name, value)
      }
      return response
    },
  }
}
type Browser = ReturnType<typeof createBrowser>

/** From a link of the page to the issuer and back, to the address that the browser ends at. */
async function follow(browser: Browser, url: string, backTo = url): Promise<string> {
  const sent = await browser.open(url)
  const location = sent.headers.get('location') ?? ''
  if (!location.startsWith(issuer.url)) return location
  const back = new URL((await fetch(location, { redirect: 'manual' })).headers.get('location') ?? '')
  const response = await browser.open(new URL(back.pathname + back.search, backTo).href)
  return response.headers.get('location') ?? `${response.status}`
}

describe('a browser that signs in at a provider', () => {
  it('comes back to where it wanted to go, with a cookie that scripts and other sites cannot use', async () => {
    const { url, accounts } = await serve()
    const browser = createBrowser()
    const thread = '/t/0198c1f2-7a3b-7c4d-8e5f-001122334455'
    expect(await follow(browser, `${url}/console/sign-in/work?returnTo=${thread}`)).toBe(thread)
    expect([...browser.jar.keys()]).toEqual(['__Host-parley'])
    expect(await accounts.sessions.find(browser.jar.get('__Host-parley') ?? '')).toMatchObject({ name: 'Ada Lovelace' })
    for (const cookie of browser.set)
      expect(cookie).toMatch(/^__Host-parley.*; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
    expect(issuer.asked.get('redirect_uri')).toBe(`${publicUrl}/console/sign-in/work/callback`)
  })

  it('may end at another process than the one it began at', async () => {
    const [here, there] = [await serve(), await serve()]
    const browser = createBrowser()
    expect(await follow(browser, `${here.url}/console/sign-in/work`, there.url)).toBe('/')
    expect(browser.jar.has('__Host-parley')).toBe(true)
  })

  it('is sent back to the local name that it uses, where Parley is on this machine alone', async () => {
    const { url } = await serve({ local: true })
    const browser = createBrowser({ local: true })
    expect(await follow(browser, `${url}/console/sign-in/work`)).toBe('/')
    expect(issuer.asked.get('redirect_uri')).toBe(`${url}/console/sign-in/work/callback`)
    expect([...browser.jar.keys()]).toEqual(['__Host-parley-a1b2'])
  })

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/t/../..//evil.example',
    'javascript:alert(1)',
  ])('goes nowhere else afterwards: %s', async (returnTo) => {
    const { url } = await serve()
    expect(await follow(createBrowser(), `${url}/console/sign-in/work?returnTo=${encodeURIComponent(returnTo)}`)).toBe(
      '/',
    )
  })

  it('leaves its earlier session behind', async () => {
    const { url, accounts } = await serve()
    const browser = createBrowser()
    await follow(browser, `${url}/console/sign-in/work`)
    const before = browser.jar.get('__Host-parley') ?? ''
    issuer.claims = { sub: 'eve', name: 'Eve' }
    await follow(browser, `${url}/console/sign-in/work`)
    expect(await accounts.sessions.find(before)).toBeNull()
    expect(await accounts.sessions.find(browser.jar.get('__Host-parley') ?? '')).toMatchObject({ name: 'Eve' })
  })

  it('reads why it did not work on the screen that it came from', async () => {
    const { url, accounts } = await serve({ settings: { allow: { everyone: false, groups: [], domains: [] } } })
    const browser = createBrowser()
    expect(await follow(browser, `${url}/console/sign-in/work`)).toBe('/sign-in?problem=sign_in_not_allowed')
    expect(await follow(browser, `${url}/console/sign-in/work?returnTo=/me`)).toBe(
      '/sign-in?problem=sign_in_not_allowed&returnTo=%2Fme',
    )
    const by = { id: 'cli', via: 'cli' }
    const { code } = await accounts.invitations.create({ role: 'member' }, by)
    issuer.forgery = { claims: { nonce: 'another' } }
    const invited = `${url}/console/sign-in/work?invitation=${code}`
    expect(await follow(browser, invited)).toBe(`/invite/${code}?problem=sign_in_nonce_wrong`)
    expect(browser.jar.size).toBe(0)
    issuer.forgery = {}
    expect(await follow(browser, invited)).toBe('/')
    expect(browser.jar.has('__Host-parley')).toBe(true)
  })

  it('reads that the provider is away, and signs in once it is back', async () => {
    const { url } = await serve()
    const { port } = new URL(issuer.url)
    await issuer.close()
    const browser = createBrowser()
    const unreachable = '/sign-in?problem=sign_in_provider_unreachable'
    expect(await follow(browser, `${url}/console/sign-in/work`)).toBe(unreachable)
    issuer = await startOidcIssuer({ port: Number(port) })
    expect(await follow(browser, `${url}/console/sign-in/work`)).toBe('/')
  })

  it('is not signed in as somebody else by an answer that it did not ask for', async () => {
    const { url } = await serve()
    const mallory = createBrowser()
    const sent = await mallory.open(`${url}/console/sign-in/work`)
    const back = new URL(
      (await fetch(sent.headers.get('location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '',
    )
    const victim = createBrowser()
    const answer = url + back.pathname + back.search
    expect((await victim.open(answer)).headers.get('location')).toBe('/sign-in?problem=sign_in_expired')
    await victim.open(`${url}/console/sign-in/work`)
    expect((await victim.open(answer)).headers.get('location')).toBe('/sign-in?problem=sign_in_forged')
    // Its own sign-in still works.
    expect([...victim.jar.keys()]).toEqual(['__Host-parley-flow'])
    expect(await parley.count()).toMatchObject({ people: 1, sessions: 0 })
  })

  it('does not use an answer up by looking at it', async () => {
    const { url } = await serve()
    const browser = createBrowser()
    const sent = await browser.open(`${url}/console/sign-in/work`)
    const back = new URL(
      (await fetch(sent.headers.get('location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '',
    )
    const answer = url + back.pathname + back.search
    expect((await browser.open(answer, {}, 'HEAD')).status).toBe(204)
    expect((await browser.open(answer, { 'sec-purpose': 'prefetch' })).status).toBe(204)
    expect((await browser.open(answer)).headers.get('location')).toBe('/')
    expect((await browser.open(answer)).headers.get('location')).toBe('/sign-in?problem=sign_in_expired')
  })

  it('finds no provider that is not configured, and none before there are accounts', async () => {
    const { url } = await serve()
    expect((await createBrowser().open(`${url}/console/sign-in/other`)).status).toBe(404)
    const young = await serve({ setUp: false })
    const response = await createBrowser().open(`${young.url}/console/sign-in/work`)
    expect(response.headers.get('location')).toBe('/set-up')
  })
})

describe('connecting an account', () => {
  it('is for who is signed in, and never begun by another site', async () => {
    const { url, accounts } = await serve()
    const browser = createBrowser()
    const connect = `${url}/console/me/connect/work`
    expect((await browser.open(connect)).status).toBe(401)
    browser.jar.set('__Host-parley', await accounts.sessions.create(parley.adminId, { userAgent: agent, address: '' }))
    expect((await browser.open(connect, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect(await follow(browser, connect)).toBe('/me/connections')
    expect(await accounts.people.identitiesOf(parley.adminId)).toMatchObject([{ provider: 'oidc', subject: 'ada' }])
  })

  it('does nothing after signing out', async () => {
    const { url, accounts } = await serve()
    const browser = createBrowser()
    browser.jar.set('__Host-parley', await accounts.sessions.create(parley.adminId, { userAgent: agent, address: '' }))
    const sent = await browser.open(`${url}/console/me/connect/work`)
    const back = new URL(
      (await fetch(sent.headers.get('location') ?? '', { redirect: 'manual' })).headers.get('location') ?? '',
    )
    await accounts.sessions.endAll(parley.adminId)
    const response = await browser.open(url + back.pathname + back.search)
    expect(response.headers.get('location')).toBe('/me/connections?problem=sign_in_session_changed')
    expect(await accounts.people.identitiesOf(parley.adminId)).toEqual([])
  })
})

describe('merging accounts by a provider', () => {
  it('makes one person of two who both sign in, where that was chosen, and connecting alone does not', async () => {
    const { url, accounts } = await serve()
    const eve = createBrowser()
    await follow(eve, `${url}/console/sign-in/work`)
    const other = await accounts.people.personOf({ provider: 'oidc', issuer: issuer.url, subject: 'ada' })
    const browser = createBrowser()
    browser.jar.set('__Host-parley', await accounts.sessions.create(parley.adminId, { userAgent: agent, address: '' }))
    expect(await follow(browser, `${url}/console/me/connect/work`)).toBe(
      '/me/connections?problem=sign_in_account_taken',
    )
    const merge = `${url}/console/me/merge/work`
    expect((await browser.open(merge, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect(await follow(browser, merge)).toBe('/me/connections')
    expect(await accounts.people.identitiesOf(parley.adminId)).toMatchObject([{ provider: 'oidc', subject: 'ada' }])
    expect(await accounts.people.find(other ?? '')).toBeNull()
    expect(await accounts.sessions.find(eve.jar.get('__Host-parley') ?? '')).toBeNull()
  })
})

describe('"Try it"', () => {
  async function asAdmin() {
    const { url, accounts } = await serve()
    const browser = createBrowser()
    browser.jar.set('__Host-parley', await accounts.sessions.create(parley.adminId, { userAgent: agent, address: '' }))
    return { url, browser }
  }

  it('shows the state of each provider and the address to register, exactly', async () => {
    const { url, browser } = await asAdmin()
    const listed = await (await browser.open(`${url}/console/admin/sign-in`)).json()
    expect(listed).toEqual({
      providers: [
        {
          ...{ id: 'work', label: 'Work', kind: 'oidc', issuer: issuer.url, state: 'waiting', userMessage: null },
          redirectUri: `${publicUrl}/console/sign-in/work/callback`,
        },
      ],
    })
    expect(JSON.stringify(listed)).not.toContain(issuer.clientSecret)
    const trial = await (await browser.open(`${url}/console/admin/sign-in/work/try`, {}, 'POST')).json()
    expect(trial.checks.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok])).toEqual([
      ['Reachable', true],
      ['Issuer', true],
      ['Keys', true],
      ['Clock', true],
      ['Redirect address', true],
    ])
    expect(trial.claims).toEqual([])
  })

  it('shows which claims come, after the admin signed in there once', async () => {
    const { url, browser } = await asAdmin()
    expect(await follow(browser, `${url}/console/admin/sign-in/work/try`)).toBe('/admin/sign-in?tried=work')
    const trial = await (await browser.open(`${url}/console/admin/sign-in/work/try`, {}, 'POST')).json()
    expect(trial.claims).toContain('email_verified')
    expect(await parley.count()).toMatchObject({ people: 1, identities: 0, sessions: 1 })
  })

  it('is for admins only', async () => {
    const { url } = await serve()
    const browser = createBrowser()
    await follow(browser, `${url}/console/sign-in/work`)
    for (const [path, method] of [
      ['/console/admin/sign-in', 'GET'],
      ['/console/admin/sign-in/work/try', 'GET'],
      ['/console/admin/sign-in/work/try', 'POST'],
    ] as const)
      expect((await browser.open(url + path, {}, method)).status, `${method} ${path}`).toBe(403)
  })
})
