import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type OidcIssuer, startOidcIssuer } from '../../test/servers/oidc-issuer.ts'
import { startOidcProvider } from '../../test/servers/oidc-provider.ts'
import { errorCodes } from '../core/errors.ts'
import { type SignInProblem, signInProblems } from '../wording/sign-in-flows.ts'
import {
  begin,
  finish,
  type Installation,
  type IssuerRig,
  install,
  personIn,
  redirectUri,
  refusal,
  settingsFor,
  signInContract,
} from './sign-in.contract.ts'

async function strictIssuer(): Promise<IssuerRig> {
  const provider = await startOidcProvider([redirectUri])
  return {
    ...provider,
    scopes: ['openid', 'profile', 'email', 'groups'],
    set: (account, claims) => {
      provider.accounts[account] = claims
    },
  }
}

function rigOf(issuer: OidcIssuer): IssuerRig {
  const accounts: Record<string, Record<string, unknown>> = {}
  return {
    url: issuer.url,
    clientId: issuer.clientId,
    clientSecret: issuer.clientSecret,
    scopes: ['openid', 'profile', 'email'],
    set: (account, claims) => {
      accounts[account] = claims
    },
    async signIn(address, account) {
      issuer.claims = { sub: account, ...accounts[account] }
      const response = await fetch(address, { redirect: 'manual' })
      return new URL(response.headers.get('location') ?? '')
    },
    close: issuer.close,
  }
}

signInContract('oidc-provider', strictIssuer)

describe('an issuer that breaks the rules', () => {
  let server: TestServer
  let issuer: OidcIssuer
  let rig: IssuerRig
  let parley: Installation

  beforeAll(async () => {
    server = await startTestDatabase()
  })
  afterAll(() => server?.dispose())
  beforeEach(async () => {
    issuer = await startOidcIssuer()
    rig = rigOf(issuer)
    rig.set('ada', { name: 'Ada', email: 'ada@example.com', email_verified: true })
    parley = await install(server)
    return async () => {
      await parley[Symbol.asyncDispose]()
      await issuer.close()
    }
  })

  it.each<[string, OidcIssuer['forgery'], SignInProblem]>([
    ['another issuer', { claims: { iss: 'https://evil.example' } }, 'sign_in_issuer_wrong'],
    ['another app', { claims: { aud: 'another-app' } }, 'sign_in_audience_wrong'],
    ['another nonce', { claims: { nonce: 'of-another-flow' } }, 'sign_in_nonce_wrong'],
    ['an expired token', { claims: { exp: 1_700_000_000 } }, 'sign_in_token_expired'],
    ['a token without signature', { algorithm: 'none' }, 'sign_in_token_unsigned'],
    ['a token signed with its public key', { algorithm: 'HS256' }, 'sign_in_token_unsigned'],
    ["a stranger's key", { strangerKey: true }, 'sign_in_token_unsigned'],
    ['no subject', { claims: { sub: undefined } }, 'sign_in_answer_incomplete'],
    ['a forged state', { state: 'of-another-flow' }, 'sign_in_forged'],
    ['a refusal', { error: 'access_denied' }, 'sign_in_canceled'],
    ['an outage', { token: { status: 502, body: 'bad gateway' } }, 'sign_in_provider_unreachable'],
  ])('is refused for %s, and leaves nothing', async (_, forgery, problem) => {
    const process = parley.open([settingsFor(rig)])
    const before = personIn(await parley.signIn(process, rig, 'ada'))
    const counted = await parley.count()
    issuer.forgery = forgery
    expect(await parley.signIn(process, rig, 'ada')).toEqual(refusal(problem))
    expect(await parley.count()).toEqual(counted)
    issuer.forgery = {}
    expect(personIn(await parley.signIn(process, rig, 'ada'))).toBe(before)
  })

  it('lets people in who have no address', async () => {
    rig.set('ada', { name: 'Ada' })
    const process = parley.open([settingsFor(rig)])
    const ada = personIn(await parley.signIn(process, rig, 'ada'))
    expect(await process.accounts.people.find(ada)).toMatchObject({ email: null, name: 'Ada' })
  })

  it('shows the name of the provider for people without a name', async () => {
    rig.set('ada', {})
    const process = parley.open([settingsFor(rig)])
    const ada = personIn(await parley.signIn(process, rig, 'ada'))
    expect(await process.accounts.people.find(ada)).toMatchObject({ name: 'Work' })
  })

  it('keeps role and teams when there are too many groups to send, and tells admins', async () => {
    const settings = settingsFor(rig, {
      roles: { bosses: 'admin' },
      teams: { bosses: { team: 'Board', role: 'member' } },
      allow: { everyone: false, groups: ['bosses'], domains: [] },
    })
    const warnings: unknown[] = []
    const log = { warn: (fields: unknown, text: string) => warnings.push([fields, text]) } as never
    const process = parley.open([settings], { log })
    const overage = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: `${issuer.url}/graph` } } }
    rig.set('eve', { name: 'Eve', ...overage })
    expect(await parley.signIn(process, rig, 'eve')).toEqual(refusal('sign_in_groups_unknown'))

    rig.set('ada', { name: 'Ada', groups: ['bosses'] })
    const ada = personIn(await parley.signIn(process, rig, 'ada'))
    rig.set('ada', { name: 'Ada', ...overage })
    expect(personIn(await parley.signIn(process, rig, 'ada'))).toBe(ada)
    const person = (await process.accounts.people.list()).find(({ id }) => id === ada)
    expect(person).toMatchObject({ role: 'admin', teams: [{ name: 'Board' }] })
    expect(JSON.stringify(warnings)).toContain('too many groups')
    const { rows } = await parley.database.pool.query(`select after from audit where name = 'person groups'`)
    expect(rows).toEqual([{ after: expect.stringContaining('too many groups') }])
    expect(issuer.requests).not.toContain('/graph')
  })

  it('leaves the last admin who can sign in their role, with a warning', async () => {
    const warnings: string[] = []
    const log = { warn: (_: unknown, text: string) => warnings.push(text) } as never
    const process = parley.open([settingsFor(rig, { roles: { bosses: 'admin' } })], { log })
    rig.set('ada', { name: 'Ada', groups: ['bosses'] })
    const ada = personIn(await parley.signIn(process, rig, 'ada'))
    await process.accounts.people.setDisabled(parley.adminId, true, { id: 'cli', via: 'cli' })
    rig.set('ada', { name: 'Ada', groups: [] })
    await parley.signIn(process, rig, 'ada')
    expect(await process.accounts.people.find(ada)).toMatchObject({ role: 'admin' })
    expect(warnings.join()).toContain('last admin')
  })

  it('works once it is up, without a restart', async () => {
    const process = parley.open([settingsFor(rig)])
    const { port } = new URL(issuer.url)
    await issuer.close()
    await expect(begin(process)).rejects.toMatchObject({ code: 'sign_in_provider_unreachable' })
    issuer = await startOidcIssuer({ port: Number(port) })
    const again = rigOf(issuer)
    personIn(await parley.signIn(process, again, 'ada'))
  })

  it('makes one person of twenty first sign-ins at once', async () => {
    const processes = [parley.open([settingsFor(rig)]), parley.open([settingsFor(rig)])]
    const ends = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const process = processes[at % 2] ?? processes[0]
        if (process === undefined) throw new Error('no process')
        const { url, cookie } = await begin(process)
        return await finish(process, await rig.signIn(url.href, 'ada'), cookie)
      }),
    )
    expect(new Set(ends.map(personIn)).size).toBe(1)
    expect(await parley.count()).toEqual({ people: 2, identities: 1, sessions: 20 })
  })
})

describe('what can go wrong', () => {
  it('has a code with the same name, and a sentence with a next step', () => {
    for (const [code, sentence] of Object.entries(signInProblems)) {
      expect(Object.keys(errorCodes)).toContain(code)
      expect(sentence).toMatch(/\. \p{Lu}[^.]+/u)
    }
  })
})
