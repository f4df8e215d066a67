import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OAuthSite, startOAuthSite } from '../../../test/servers/oauth-site.ts'
import { createConfiguredFetch } from '../../egress/configured.ts'
import type { FlowChecks, ProviderSettings } from '../provider.ts'
import { createOAuthProvider } from './oauth.ts'

let site: OAuthSite

beforeEach(async () => {
  site = await startOAuthSite()
})
afterEach(() => site.close())

const checks: FlowChecks = {
  state: 'a-state',
  nonce: 'unused',
  verifier: 'v'.repeat(43),
  redirectUri: 'https://parley.example.com/console/sign-in/work/callback',
}

function create(kind: 'github' | 'discord', more: Partial<ProviderSettings> = {}) {
  const settings: ProviderSettings = {
    id: 'work',
    kind,
    label: 'Work',
    issuer: site.url,
    clientId: site.clientId,
    clientSecret: site.clientSecret,
    scopes: kind === 'github' ? ['read:user', 'user:email', 'read:org'] : ['identify', 'email', 'guilds'],
    groupsClaim: 'groups',
    tenants: [],
    allow: { everyone: false, groups: [], domains: [] },
    roles: {},
    teams: {},
    trustEmail: false,
    prompt: undefined,
    ...more,
  }
  return createOAuthProvider(settings, { fetchFrom: createConfiguredFetch() })
}

async function signIn(provider: ReturnType<typeof create>) {
  const response = await fetch(await provider.begin(checks), { redirect: 'manual' })
  return await provider.finish(new URL(response.headers.get('location') ?? '').searchParams, checks)
}

const refused = (provider: ReturnType<typeof create>) =>
  signIn(provider).then(
    () => 'signed in',
    (thrown: { code?: string }) => thrown.code,
  )

describe('GitHub', () => {
  beforeEach(() => {
    site.answers['/api/v3/user'] = { id: 583231, login: 'octocat', name: 'The Octocat', email: 'public@example.com' }
    site.answers['/api/v3/user/emails'] = [
      { email: 'old@example.com', primary: false, verified: true },
      { email: 'octocat@example.com', primary: true, verified: true },
    ]
    site.answers['/api/v3/user/orgs'] = [{ login: 'acme' }]
    site.answers['/api/v3/user/teams'] = [{ slug: 'support', organization: { login: 'acme' } }]
  })

  it('knows people by their number, with organizations and teams as groups', async () => {
    expect(await signIn(create('github'))).toEqual({
      identity: { provider: 'github', issuer: '127.0.0.1', subject: '583231' },
      name: 'The Octocat',
      email: 'octocat@example.com',
      emailVerified: true,
      groups: ['acme', 'acme/support'],
      claims: ['email', 'id', 'login', 'name'],
    })
    expect(site.asked.get('code_challenge_method')).toBe('S256')
  })

  it('reads organizations only where they decide something', async () => {
    expect(await signIn(create('github', { scopes: ['read:user'] }))).toMatchObject({ groups: [], email: null })
    expect(site.requests).not.toContain('/api/v3/user/orgs')
  })

  it('does not guess from one page of many', async () => {
    site.more = '/api/v3/user/teams'
    expect(await signIn(create('github'))).toMatchObject({ groups: 'overage' })
  })

  it('refuses a code that was used, which GitHub says with status 200', async () => {
    site.token = { error: 'bad_verification_code' }
    expect(await refused(create('github'))).toBe('sign_in_code_invalid')
  })

  it('refuses a secret that is wrong', async () => {
    site.token = { error: 'incorrect_client_credentials' }
    expect(await refused(create('github'))).toBe('sign_in_provider_misconfigured')
  })

  it('refuses an answer without a number', async () => {
    site.answers['/api/v3/user'] = { login: 'octocat' }
    expect(await refused(create('github'))).toBe('sign_in_answer_incomplete')
  })

  it('says that it is away', async () => {
    delete site.answers['/api/v3/user']
    expect(await refused(create('github'))).toBe('sign_in_provider_unreachable')
  })
})

describe('Discord', () => {
  beforeEach(() => {
    site.answers['/api/v10/users/@me'] = {
      id: '80351110224678912',
      username: 'nelly',
      global_name: 'Nelly',
      email: 'nelly@example.com',
      verified: true,
    }
    site.answers['/api/v10/users/@me/guilds'] = [{ id: '197038439483310086' }]
  })

  it('knows people as they are known in chats, with servers as groups', async () => {
    expect(await signIn(create('discord'))).toMatchObject({
      identity: { provider: 'discord', issuer: 'discord', subject: '80351110224678912' },
      name: 'Nelly',
      email: 'nelly@example.com',
      emailVerified: true,
      groups: ['197038439483310086'],
    })
    expect(site.asked.get('code_challenge')).toBeNull()
  })

  it('does not vouch for an address that Discord does not vouch for', async () => {
    site.answers['/api/v10/users/@me'] = { id: '1', username: 'n', email: 'nelly@example.com', verified: false }
    expect(await signIn(create('discord'))).toMatchObject({ emailVerified: false, name: 'n' })
  })

  it('is tried by its API, which has no configuration to read', async () => {
    expect((await create('discord').examine()).map(({ name, ok }) => [name, ok])).toEqual([
      ['discovery', true],
      ['clock', true],
    ])
  })
})
