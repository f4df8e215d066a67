/** Sign-in by OAuth 2 without OpenID Connect: GitHub and Discord, whose APIs describe the signed-in account. */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretPost,
  Configuration,
  calculatePKCECodeChallenge,
  customFetch,
} from 'openid-client'
import { z } from 'zod'
import type { ProvenAccount, ProviderSettings, ProviderState, SignInProvider } from '../provider.ts'
import { emailOf, idOf, lineOf, namesOf } from './claims.ts'
import { asCustomFetch, type ProviderDeps } from './deps.ts'
import { examineSite } from './examine.ts'
import { problem, translate } from './failure.ts'

interface Site {
  authorize: string
  token: string
  api: string
  pkce: boolean
  accountOf(get: Get, settings: ProviderSettings): Promise<ProvenAccount | null>
}

/** Asks the API for one JSON; `more`: there is another page. */
type Get = (path: string) => Promise<{ body: unknown; more: boolean }>

const GitHubUser = z.object({ id: z.int(), login: z.string(), name: z.unknown().optional() })
const GitHubEmails = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }))
const GitHubOrganizations = z.array(z.object({ login: z.string() }))
const GitHubTeams = z.array(z.object({ slug: z.string(), organization: z.object({ login: z.string() }) }))

/** https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
function gitHub(issuer: string): Site {
  const { hostname } = new URL(issuer)
  const base = issuer.replace(/\/$/, '')
  const isCloud = hostname === 'github.com'

  async function groupsOf(get: Get): Promise<ProvenAccount['groups']> {
    const [organizations, teams] = [await get('/user/orgs?per_page=100'), await get('/user/teams?per_page=100')]
    if (organizations.more || teams.more) return 'overage'
    return [
      ...GitHubOrganizations.parse(organizations.body).map(({ login }) => login),
      ...GitHubTeams.parse(teams.body).map(({ slug, organization }) => `${organization.login}/${slug}`),
    ]
  }

  return {
    authorize: `${base}/login/oauth/authorize`,
    token: `${base}/login/oauth/access_token`,
    api: isCloud ? 'https://api.github.com' : `${base}/api/v3`,
    pkce: true,
    async accountOf(get, { scopes }) {
      const { body } = await get('/user')
      const { id, login, name } = GitHubUser.parse(body)
      const emails = scopes.includes('user:email')
        ? GitHubEmails.parse((await get('/user/emails?per_page=100')).body)
        : []
      const primary = emails.find((each) => each.primary)
      return {
        identity: { provider: 'github', issuer: isCloud ? 'github' : hostname, subject: String(id) },
        name: lineOf(name, 100) ?? lineOf(login, 100),
        email: emailOf(primary?.email),
        emailVerified: primary?.verified === true,
        groups: scopes.includes('read:org') ? await groupsOf(get) : [],
        claims: namesOf(body as Record<string, unknown>),
      }
    },
  }
}

const DiscordUser = z.object({
  id: z.string(),
  username: z.string(),
  global_name: z.unknown().optional(),
  email: z.unknown().optional(),
  verified: z.unknown().optional(),
})
const DiscordServers = z.array(z.object({ id: z.string() }))

/** https://discord.com/developers/docs/topics/oauth2: a Discord account is the same in every server. */
function discord(issuer: string): Site {
  const base = issuer.replace(/\/$/, '')
  return {
    authorize: `${base}/oauth2/authorize`,
    token: `${base}/api/oauth2/token`,
    api: `${base}/api/v10`,
    // Not among its parameters.
    pkce: false,
    async accountOf(get, { scopes }) {
      const { body } = await get('/users/@me')
      const { id, username, global_name, email, verified } = DiscordUser.parse(body)
      const subject = idOf(id)
      if (subject === null) return null
      // Nobody can be in more than 200 servers, which is one page.
      const servers = scopes.includes('guilds') ? DiscordServers.parse((await get('/users/@me/guilds')).body) : []
      return {
        identity: { provider: 'discord', issuer: 'discord', subject },
        name: lineOf(global_name, 100) ?? lineOf(username, 100),
        email: emailOf(email),
        emailVerified: verified === true,
        groups: servers.map((server) => server.id),
        claims: namesOf(body as Record<string, unknown>),
      }
    },
  }
}

export function createOAuthProvider(settings: ProviderSettings, deps: ProviderDeps): SignInProvider {
  const { kind, issuer, clientId, clientSecret = '', scopes, prompt } = settings
  const site = kind === 'github' ? gitHub(issuer) : discord(issuer)
  const client = new Configuration(
    { issuer, authorization_endpoint: site.authorize, token_endpoint: site.token },
    clientId,
    undefined,
    ClientSecretPost(clientSecret),
  )
  client[customFetch] = asCustomFetch(deps.fetchFrom([new URL(site.token).origin]))
  client.timeout = 10
  if (issuer.startsWith('http:')) allowInsecureRequests(client)
  let health: ProviderState = { is: 'waiting' }
  const fetchApi = deps.fetchFrom([new URL(site.api).origin])

  const challengeOf = async (verifier: string): Promise<Record<string, string>> =>
    site.pkce ? { code_challenge: await calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' } : {}

  const getWith =
    (accessToken: string): Get =>
    async (path) => {
      const headers = { authorization: `Bearer ${accessToken}`, accept: 'application/json', 'user-agent': 'Parley' }
      const response = await fetchApi(site.api + path, { headers })
      if (!response.ok) {
        const isOurs = response.status === 401 || response.status === 403 || response.status === 404
        throw problem(isOurs ? 'sign_in_provider_misconfigured' : 'sign_in_provider_unreachable')
      }
      return { body: await response.json(), more: /rel="next"/.test(response.headers.get('link') ?? '') }
    }

  return {
    settings,

    async begin({ redirectUri, state, verifier }) {
      return buildAuthorizationUrl(client, {
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state,
        ...(await challengeOf(verifier)),
        ...promptOf(settings.kind, prompt),
      })
    },

    async finish(parameters, { redirectUri, state, verifier }) {
      const callback = new URL(redirectUri)
      callback.search = parameters.toString()
      try {
        const { access_token } = await authorizationCodeGrant(client, callback, {
          expectedState: state,
          ...(site.pkce ? { pkceCodeVerifier: verifier } : {}),
        })
        const account = await site.accountOf(getWith(access_token), settings)
        if (account === null) throw problem('sign_in_answer_incomplete')
        health = { is: 'ready' }
        return account
      } catch (thrown) {
        const error = thrown instanceof z.ZodError ? problem('sign_in_answer_incomplete', thrown) : translate(thrown)
        if (error.code.startsWith('sign_in_provider_')) health = { is: 'failing', userMessage: error.userMessage }
        throw error
      }
    },

    state: () => health,
    examine: () => examineSite(site.api, deps),
  }
}

/** GitHub knows `select_account`. Discord knows `consent`, and otherwise skips its page for people who agreed before. */
function promptOf(kind: ProviderSettings['kind'], prompt: string | undefined): Record<string, string> {
  if (kind === 'github') return prompt === 'select_account' ? { prompt } : {}
  return { prompt: prompt === 'consent' ? 'consent' : 'none' }
}
