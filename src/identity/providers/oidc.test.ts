import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OidcIssuer, startOidcIssuer } from '../../../test/servers/oidc-issuer.ts'
import { createConfiguredFetch } from '../../egress/configured.ts'
import type { FlowChecks, ProviderSettings, SignInProvider } from '../provider.ts'
import { createOidcProvider } from './oidc.ts'

const tenant = '11111111-2222-3333-4444-555555555555'
const other = '99999999-2222-3333-4444-555555555555'
const redirectUri = 'https://parley.example.com/console/sign-in/work/callback'
const fetchFrom = createConfiguredFetch()

let issuer: OidcIssuer
let flows = 0

beforeEach(async () => {
  issuer = await startOidcIssuer()
})
afterEach(() => issuer.close())

function settingsOf(
  issuer: Pick<OidcIssuer, 'url' | 'clientId' | 'clientSecret'>,
  more: Partial<ProviderSettings> = {},
): ProviderSettings {
  return {
    id: 'work',
    kind: 'oidc',
    label: 'Work',
    issuer: issuer.url,
    clientId: issuer.clientId,
    clientSecret: issuer.clientSecret,
    scopes: ['openid', 'profile', 'email'],
    groupsClaim: 'groups',
    tenants: [],
    allow: { everyone: false, groups: [], domains: [] },
    roles: {},
    teams: {},
    trustEmail: false,
    prompt: undefined,
    ...more,
  }
}

const create = (more: Partial<ProviderSettings> = {}) => createOidcProvider(settingsOf(issuer, more), { fetchFrom })

function checksOf(): FlowChecks {
  flows += 1
  return {
    state: `state-${flows}`,
    nonce: `nonce-${flows}`,
    verifier: `verifier-${flows}-`.padEnd(43, 'v'),
    redirectUri,
  }
}

/** What the browser brings back. */
async function visit(url: URL): Promise<URLSearchParams> {
  const response = await fetch(url, { redirect: 'manual' })
  return new URL(response.headers.get('location') ?? '').searchParams
}

async function signIn(provider: SignInProvider) {
  const checks = checksOf()
  return await provider.finish(await visit(await provider.begin(checks)), checks)
}

const refused = async (provider: SignInProvider) =>
  await signIn(provider).then(
    () => 'signed in',
    (thrown: { code?: string }) => thrown.code,
  )

describe('sign-in by OpenID Connect', () => {
  it('sends the browser with PKCE, state, nonce and the answer in the address', async () => {
    const checks = checksOf()
    const { searchParams } = await create({ prompt: 'select_account' }).begin(checks)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      response_mode: 'query',
      redirect_uri: redirectUri,
      scope: 'openid profile email',
      state: checks.state,
      nonce: checks.nonce,
      code_challenge_method: 'S256',
      prompt: 'select_account',
    })
    expect(searchParams.get('code_challenge')).not.toContain(checks.verifier)
  })

  it('says who came back, with the names of the claims', async () => {
    const account = await signIn(create())
    expect(account).toEqual({
      identity: { provider: 'oidc', issuer: issuer.url, subject: 'ada' },
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      emailVerified: true,
      groups: [],
      claims: ['aud', 'email', 'email_verified', 'exp', 'iat', 'iss', 'name', 'nonce', 'sub'],
    })
  })

  it('asks for the user info where the token says little, and believes the signed token more', async () => {
    issuer.claims = { sub: 'ada', email: 'ada@example.com' }
    issuer.userInfo = { name: 'Ada', email: 'somebody@else.example', email_verified: true, groups: ['staff'] }
    expect(await signIn(create())).toMatchObject({ name: 'Ada', email: 'ada@example.com', groups: ['staff'] })
  })

  it('needs no address', async () => {
    issuer.claims = { sub: 'ada', name: 'Ada' }
    expect(await signIn(create())).toMatchObject({ email: null, emailVerified: false })
  })

  it.each([
    [{ realm_access: { roles: ['a', 'b'] } }, 'realm_access.roles', ['a', 'b']],
    [{ 'https://example.com/groups': ['a'] }, 'https://example.com/groups', ['a']],
    [{ groups: 'a' }, 'groups', ['a']],
    [{ groups: ['a', 7, null, ''] }, 'groups', ['a']],
    [{ groups: { a: true } }, 'groups', []],
    [{}, 'groups', []],
    [{}, '__proto__.toString', []],
    [
      { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } },
      'groups',
      'overage',
    ],
    [{ hasgroups: true }, 'groups', 'overage'],
  ])('reads groups of %j at %s', async (claims, groupsClaim, groups) => {
    issuer.claims = { ...issuer.claims, ...claims }
    expect(await signIn(create({ groupsClaim }))).toMatchObject({ groups })
    expect(issuer.requests.filter((path) => path.includes('graph'))).toEqual([])
  })

  it('cleans names and bounds them', async () => {
    issuer.claims = { sub: 'ada', name: `  Ada\u202e\u0000\n\n<b>${'x'.repeat(5000)}`, email: 'no address' }
    const { name, email } = await signIn(create())
    expect(name).toMatch(/^Ada <b>x+$/)
    expect(name).toHaveLength(100)
    expect(email).toBeNull()
  })

  it.each<[string, OidcIssuer['forgery'], string]>([
    ['another issuer in the token', { claims: { iss: 'https://evil.example' } }, 'sign_in_issuer_wrong'],
    ['another issuer in the address', { iss: 'https://evil.example' }, 'sign_in_issuer_wrong'],
    ['no issuer in the address, where it always says it', { iss: null }, 'sign_in_issuer_wrong'],
    ['a token for another app', { claims: { aud: 'another-app' } }, 'sign_in_audience_wrong'],
    [
      'a token that was made for another app, too',
      { claims: { aud: ['parley', 'x'], azp: 'x' } },
      'sign_in_audience_wrong',
    ],
    ['another nonce', { claims: { nonce: 'other' } }, 'sign_in_nonce_wrong'],
    ['no nonce', { claims: { nonce: undefined } }, 'sign_in_answer_incomplete'],
    ['an expired token', { claims: { exp: 1_700_000_000 } }, 'sign_in_token_expired'],
    ['no subject', { claims: { sub: undefined } }, 'sign_in_answer_incomplete'],
    ['a subject that is too long', { claims: { sub: 'x'.repeat(256) } }, 'sign_in_answer_incomplete'],
    ['alg none', { algorithm: 'none' }, 'sign_in_token_unsigned'],
    ['the public key as a shared secret', { algorithm: 'HS256' }, 'sign_in_token_unsigned'],
    ['the key of a stranger', { strangerKey: true }, 'sign_in_token_unsigned'],
    ['a refusal', { error: 'access_denied' }, 'sign_in_canceled'],
    ['an error of the set-up', { error: 'unauthorized_client' }, 'sign_in_provider_misconfigured'],
    ['an error of its own', { error: 'server_error' }, 'sign_in_provider_unreachable'],
    ['a wrong secret', { token: { status: 401, body: { error: 'invalid_client' } } }, 'sign_in_provider_misconfigured'],
    ['an outage', { token: { status: 503, body: {} } }, 'sign_in_provider_unreachable'],
    ['no token', { token: { status: 200, body: {} } }, 'sign_in_answer_incomplete'],
    [
      'an error with status 200, as Slack',
      { token: { status: 200, body: { ok: false, error: 'invalid_code' } } },
      'sign_in_code_invalid',
    ],
    [
      'somebody else in the user info',
      { userInfo: { status: 200, body: { sub: 'eve' } } },
      'sign_in_answer_incomplete',
    ],
    ['a user info that is away', { userInfo: { status: 500, body: {} } }, 'sign_in_provider_unreachable'],
  ])('refuses %s', async (_, forgery, code) => {
    issuer.forgery = forgery
    expect(await refused(create())).toBe(code)
  })

  it('refuses a code that was used, and one that was made for another flow', async () => {
    const provider = create()
    const checks = checksOf()
    const back = await visit(await provider.begin(checks))
    await provider.finish(back, checks)
    await expect(provider.finish(back, checks)).rejects.toMatchObject({ code: 'sign_in_code_invalid' })

    const mine = checksOf()
    const stolen = await visit(await provider.begin(checksOf()))
    stolen.set('state', mine.state)
    await expect(provider.finish(stolen, mine)).rejects.toMatchObject({ code: 'sign_in_code_invalid' })
  })

  it('goes on when the issuer changes its key', async () => {
    const provider = create()
    await signIn(provider)
    await issuer.rotate()
    // Its keys were read within the last second, which is how often they are read at most.
    await expect.poll(() => refused(provider), { timeout: 20_000, interval: 200 }).toBe('signed in')
  })

  it('works once an issuer is up that was down before', async () => {
    const provider = create()
    const { port } = new URL(issuer.url)
    await issuer.close()
    await expect(provider.begin(checksOf())).rejects.toMatchObject({ code: 'sign_in_provider_unreachable' })
    issuer = await startOidcIssuer({ port: Number(port) })
    expect(await refused(provider)).toBe('signed in')
  })

  it('asks for the configuration once, however many come at the same time', async () => {
    const provider = create()
    await Promise.all(Array.from({ length: 20 }, () => provider.begin(checksOf())))
    expect(issuer.requests.filter((path) => path.startsWith('/.well-known'))).toHaveLength(1)
  })

  it('needs the issuer to the letter', async () => {
    issuer.metadata = { issuer: issuer.url.replace('127.0.0.1', 'localhost') }
    const provider = create()
    await expect(provider.begin(checksOf())).rejects.toMatchObject({ code: 'sign_in_provider_misconfigured' })
    const checks = await provider.examine()
    expect(checks.find(({ name }) => name === 'issuer')).toMatchObject({
      ok: false,
      userMessage: expect.stringContaining('Copy the provider'),
    })
  })

  it('takes no megabytes from a provider', async () => {
    issuer.metadata = { padding: 'x'.repeat(1_100_000) }
    await expect(create().begin(checksOf())).rejects.toMatchObject({ code: 'sign_in_provider_unreachable' })
  })
})

describe('Microsoft Entra', () => {
  const claims = { tid: tenant, oid: 'object-1', sub: 'pairwise', name: 'Ada', preferred_username: 'ada@contoso.com' }
  /** Microsoft's address, answered by the issuer of the test. */
  const microsoft = 'https://login.microsoftonline.com'
  const template = `${microsoft}/{tenantid}/v2.0`

  it('knows people by tenant and object, which is who they are in Teams', async () => {
    issuer.claims = { ...claims, tid: tenant.toUpperCase() }
    const account = await signIn(create({ kind: 'entra', tenants: [tenant] }))
    expect(account.identity).toEqual({ provider: 'teams', issuer: tenant, subject: 'object-1' })
    expect(issuer.requests).not.toContain('/userinfo')
  })

  it('is refused for a tenant that is not listed', async () => {
    issuer.claims = { ...claims, tid: other }
    expect(await refused(create({ kind: 'entra', tenants: [tenant] }))).toBe('sign_in_tenant_wrong')
  })

  it.each([
    [{ email: 'ada@contoso.com' }, false],
    [{ email: 'ada@contoso.com', xms_edov: true }, true],
    [{ email: 'ada@contoso.com', xms_edov: '1' }, true],
    [{ email: 'ada@contoso.com', xms_edov: false }, false],
    [{ email: 'ada@contoso.com', email_verified: true }, false],
    [{ xms_edov: true }, false],
  ])('vouches for an address by xms_edov alone: %j', async (more, emailVerified) => {
    issuer.claims = { ...claims, ...more }
    const account = await signIn(create({ kind: 'entra', tenants: [tenant] }))
    expect(account).toMatchObject({ email: 'ada@contoso.com', emailVerified })
  })

  it('accepts the listed tenants of a shared address, whose issuer is a template', async () => {
    const settings = settingsOf(issuer, { kind: 'entra', issuer: `${microsoft}/organizations/v2.0`, tenants: [tenant] })
    issuer.metadata = {
      issuer: template,
      authorization_endpoint: `${microsoft}/authorize`,
      token_endpoint: `${microsoft}/token`,
      jwks_uri: `${microsoft}/keys`,
      authorization_response_iss_parameter_supported: false,
    }
    issuer.forgery = { iss: null }
    issuer.claims = { ...claims, iss: template.replace('{tenantid}', tenant) }
    const provider = createOidcProvider(settings, {
      fetchFrom: () =>
        (async (input, init) =>
          await fetch(
            String(input).replace(`${microsoft}/organizations/v2.0`, issuer.url).replace(microsoft, issuer.url),
            init,
          )) as typeof fetch,
    })
    const sign = async () => {
      const checks = checksOf()
      const url = await provider.begin(checks)
      return await provider.finish(await visit(new URL(url.href.replace(microsoft, issuer.url))), checks)
    }
    expect((await sign()).identity.issuer).toBe(tenant)

    issuer.claims = { ...claims, tid: other, iss: template.replace('{tenantid}', other) }
    await expect(sign()).rejects.toMatchObject({ code: 'sign_in_tenant_wrong' })
    issuer.claims = { ...claims, iss: template.replace('{tenantid}', other) }
    await expect(sign()).rejects.toMatchObject({ code: 'sign_in_issuer_wrong' })
  })
})

describe('Google', () => {
  it('takes accounts of the named domain only, whatever the address of the browser asked for', async () => {
    const provider = create({ kind: 'google', tenants: ['example.com'] })
    expect((await provider.begin(checksOf())).searchParams.get('hd')).toBe('example.com')
    issuer.claims = { ...issuer.claims, hd: 'evil.example' }
    expect(await refused(provider)).toBe('sign_in_tenant_wrong')
    issuer.claims = { sub: 'private', email: 'ada@gmail.com', email_verified: true }
    expect(await refused(provider)).toBe('sign_in_tenant_wrong')
    issuer.claims = { ...issuer.claims, hd: 'example.com' }
    expect(await refused(provider)).toBe('signed in')
  })
})

describe('Slack', () => {
  const claims = { sub: 'U1', name: 'Ada', 'https://slack.com/team_id': 'T1', 'https://slack.com/user_id': 'U1' }

  it('knows people as they are known in chats', async () => {
    issuer.claims = claims
    const account = await signIn(create({ kind: 'slack' }))
    expect(account.identity).toEqual({ provider: 'slack', issuer: 'T1', subject: 'U1' })
    expect(issuer.asked.get('code_challenge')).toBeNull()
  })

  it('takes the named workspace only', async () => {
    issuer.claims = { ...claims, 'https://slack.com/team_id': 'T2' }
    const provider = create({ kind: 'slack', tenants: ['T1'] })
    expect((await provider.begin(checksOf())).searchParams.get('team')).toBe('T1')
    expect(await refused(provider)).toBe('sign_in_tenant_wrong')
  })
})

describe('"Try it"', () => {
  it('finds a provider in order', async () => {
    const checks = await create().examine()
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
      ['discovery', true],
      ['issuer', true],
      ['keys', true],
      ['clock', true],
    ])
  })

  it('says why a provider cannot be reached', async () => {
    await issuer.close()
    expect(await create().examine()).toMatchObject([
      { ok: false, userMessage: expect.stringContaining('ECONNREFUSED') },
    ])
    issuer = await startOidcIssuer()
  })

  it('says what is no configuration', async () => {
    const checks = await create({ issuer: `${issuer.url}/realms/none` }).examine()
    expect(checks).toMatchObject([{ ok: false, userMessage: expect.stringContaining('404') }])
  })
})
