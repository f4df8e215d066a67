/**
 * Sign-in by OpenID Connect. Discovery happens at the first use and again after a failure, so an issuer that was down when Parley
 * started works once it is up. The library checks the answer and its claims; the signature is checked with keys that are read
 * again when an unknown one appears. No token is kept.
 */
import { createRemoteJWKSet, errors, type JWTPayload, customFetch as joseFetch, jwtVerify } from 'jose'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  discovery,
  fetchUserInfo,
  None,
} from 'openid-client'
import type { FlowChecks, ProvenAccount, ProviderSettings, ProviderState, SignInProvider } from '../provider.ts'
import { type Claims, emailOf, groupsOf, hasClaim, idOf, isTrue, lineOf, nameOf, namesOf } from './claims.ts'
import { asCustomFetch, clockToleranceSeconds, isTemplate, type ProviderDeps } from './deps.ts'
import { examineOpenId } from './examine.ts'
import { problem, translate } from './failure.ts'

const rediscoverMs = 3_600_000
const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** What one kind does its own way. */
interface Traits {
  pkce: boolean
  /** Says that the answer comes in the address, where the flow's cookie is sent along. */
  responseMode: boolean
  /** Whether the user info has more than the ID token. */
  userInfo: boolean
  parameters(settings: ProviderSettings): Record<string, string>
  /** Throws `sign_in_tenant_wrong`; `null`: the claims do not say who it is. */
  identityOf(claims: Claims, settings: ProviderSettings): ProvenAccount['identity'] | null
  emailOf(claims: Claims): { email: string | null; verified: boolean }
}

const plain: Traits = {
  pkce: true,
  responseMode: true,
  userInfo: true,
  parameters: () => ({}),
  identityOf: ({ iss, sub }) => identity('oidc', iss, sub),
  emailOf: ({ email, email_verified }) => ({ email: emailOf(email), verified: isTrue(email_verified) }),
}

/** The account in Teams is the account in Entra: tenant and object. A person who signs in with one is known by the other. */
const entra: Traits = {
  ...plain,
  userInfo: false,
  identityOf({ tid, oid }, { tenants }) {
    const tenant = idOf(tid)?.toLowerCase()
    if (tenant !== undefined && !tenants.includes(tenant)) throw problem('sign_in_tenant_wrong')
    return identity('teams', tenant, oid)
  },
  // Entra never says `email_verified`, and the address alone may be anything: https://aka.ms/claimsvalidation
  emailOf: ({ email, xms_edov, preferred_username }) => ({
    email: emailOf(email) ?? emailOf(preferred_username),
    verified: emailOf(email) !== null && isTrue(xms_edov),
  }),
}

const google: Traits = {
  ...plain,
  parameters: ({ tenants: [domain] }): Record<string, string> => (domain === undefined ? {} : { hd: domain }),
  identityOf(claims, settings) {
    // The parameter is only a wish: people can remove it from the address.
    checkTenant(claims.hd, settings)
    return plain.identityOf(claims, settings)
  },
}

/** https://docs.slack.dev/authentication/sign-in-with-slack: the accounts are those of chats. */
const slack: Traits = {
  ...plain,
  pkce: false,
  responseMode: false,
  parameters: ({ tenants: [team] }): Record<string, string> => (team === undefined ? {} : { team }),
  identityOf(claims, settings) {
    const team = claims['https://slack.com/team_id']
    checkTenant(team, settings)
    return identity('slack', team, claims['https://slack.com/user_id'])
  },
}

const traits: Partial<Record<ProviderSettings['kind'], Traits>> = { entra, google, slack }

function identity(provider: string, issuer: unknown, subject: unknown): ProvenAccount['identity'] | null {
  const [issuerId, subjectId] = [idOf(issuer), idOf(subject)]
  return issuerId === null || subjectId === null ? null : { provider, issuer: issuerId, subject: subjectId }
}

function checkTenant(claim: unknown, { tenants }: ProviderSettings): void {
  if (tenants.length > 0 && !(typeof claim === 'string' && tenants.includes(claim)))
    throw problem('sign_in_tenant_wrong')
}

interface Found {
  client: Configuration
  keys: ReturnType<typeof createRemoteJWKSet>
}

export function createOidcProvider(settings: ProviderSettings, { fetchFrom }: ProviderDeps): SignInProvider {
  const { kind, issuer, clientId, clientSecret, scopes, groupsClaim, prompt } = settings
  const trait = traits[kind] ?? plain
  const server = new URL(issuer)
  const isPlainHttp = server.protocol === 'http:'
  let found: Promise<Found> | undefined
  let foundAt = 0
  let health: ProviderState = { is: 'waiting' }

  async function discover(): Promise<Found> {
    const client = await discovery(server, clientId, { [clockTolerance]: clockToleranceSeconds }, authenticate, {
      [customFetch]: asCustomFetch(fetchFrom([server.origin])),
      timeout: 5,
      ...(isPlainHttp ? { execute: [allowInsecureRequests] } : {}),
    })
    const { issuer: name, token_endpoint, userinfo_endpoint, jwks_uri } = client.serverMetadata()
    // The library lets every tenant of Entra call itself as it likes.
    if (kind === 'entra' && !isTemplate(name) && name !== issuer) throw problem('sign_in_provider_misconfigured')
    if (jwks_uri === undefined || token_endpoint === undefined) throw problem('sign_in_provider_misconfigured')
    const endpoints = [token_endpoint, userinfo_endpoint, jwks_uri]
    const fetchOwn = fetchFrom(endpoints.flatMap((endpoint) => (endpoint === undefined ? [] : [originOf(endpoint)])))
    client[customFetch] = asCustomFetch(fetchOwn)
    client.timeout = 10
    const keys = createRemoteJWKSet(new URL(jwks_uri), {
      // An unknown key is looked for at once: a rotation must not shut people out.
      cooldownDuration: 1000,
      timeoutDuration: 5000,
      [joseFetch]: fetchOwn,
    })
    return { client, keys }
  }

  /** Once for all who ask at the same time. A failed one is dropped, and one is renewed when it is old. */
  async function discovered(): Promise<Found> {
    if (found !== undefined && performance.now() - foundAt > rediscoverMs) found = undefined
    if (found === undefined) {
      const finding = discover()
      found = finding
      foundAt = performance.now()
      finding.then(
        () => {
          health = { is: 'ready' }
        },
        (thrown: unknown) => {
          if (found === finding) found = undefined
          health = { is: 'failing', userMessage: translate(thrown).userMessage }
        },
      )
    }
    return await found
  }

  /** Basic only where the issuer takes nothing else. */
  const authenticate: ClientAuth = (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? []
    const basic = methods.includes('client_secret_basic') && !methods.includes('client_secret_post')
    const auth =
      clientSecret === undefined ? None() : basic ? ClientSecretBasic(clientSecret) : ClientSecretPost(clientSecret)
    return auth(server, client, body, headers)
  }

  async function checkSignature(idToken: string | undefined, { client, keys }: Found): Promise<JWTPayload> {
    if (idToken === undefined) throw problem('sign_in_answer_incomplete')
    const supported = client.serverMetadata().id_token_signing_alg_values_supported ?? ['RS256']
    try {
      const { payload } = await jwtVerify(idToken, keys, {
        algorithms: asymmetric.filter((algorithm) => supported.includes(algorithm)),
        audience: clientId,
        clockTolerance: clockToleranceSeconds,
      })
      return payload
    } catch (thrown) {
      // Its keys may have moved.
      found = undefined
      const isRefusal = thrown instanceof errors.JOSEError && !/^ERR_(?:JOSE_GENERIC|JWKS_TIMEOUT)$/.test(thrown.code)
      throw problem(isRefusal ? 'sign_in_token_unsigned' : 'sign_in_provider_unreachable', thrown)
    }
  }

  async function claimsOf(parameters: URLSearchParams, checks: FlowChecks): Promise<Claims> {
    const known = await discovered()
    const { client } = known
    const server = client.serverMetadata()
    const from = parameters.get('iss')
    const mustSay = server.authorization_response_iss_parameter_supported === true
    if (!isTemplate(server.issuer) && (from === null ? mustSay : from !== server.issuer))
      throw problem('sign_in_issuer_wrong')
    const callback = new URL(checks.redirectUri)
    callback.search = parameters.toString()
    // Only the token says which tenant it is.
    if (isTemplate(server.issuer)) callback.searchParams.delete('iss')
    const tokens = await authorizationCodeGrant(client, callback, {
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      idTokenExpected: true,
      ...(trait.pkce ? { pkceCodeVerifier: checks.verifier } : {}),
    })
    const signed = await checkSignature(tokens.id_token, known)
    const sub = idOf(signed.sub)
    if (sub === null) throw problem('sign_in_answer_incomplete')
    const isComplete = signed.email !== undefined && signed.name !== undefined && hasClaim(signed, groupsClaim)
    if (!trait.userInfo || isComplete || server.userinfo_endpoint === undefined) return signed
    // Signed claims win.
    return { ...(await fetchUserInfo(client, tokens.access_token, sub)), ...signed }
  }

  return {
    settings,

    async begin(checks) {
      try {
        const { client } = await discovered()
        const pkce: Record<string, string> = trait.pkce
          ? { code_challenge: await calculatePKCECodeChallenge(checks.verifier), code_challenge_method: 'S256' }
          : {}
        return buildAuthorizationUrl(client, {
          response_type: 'code',
          redirect_uri: checks.redirectUri,
          scope: scopes.join(' '),
          state: checks.state,
          nonce: checks.nonce,
          ...pkce,
          ...(trait.responseMode ? { response_mode: 'query' } : {}),
          ...(prompt === undefined ? {} : { prompt }),
          ...trait.parameters(settings),
        })
      } catch (thrown) {
        throw translate(thrown)
      }
    },

    async finish(parameters, checks) {
      try {
        const claims = await claimsOf(parameters, checks)
        const who = trait.identityOf(claims, settings)
        if (who === null) throw problem('sign_in_answer_incomplete')
        const { email, verified } = trait.emailOf(claims)
        return {
          identity: who,
          name: nameOf(claims) ?? lineOf(email?.split('@')[0], 100),
          email,
          emailVerified: verified,
          groups: groupsOf(claims, groupsClaim),
          claims: namesOf(claims),
        }
      } catch (thrown) {
        throw translate(thrown)
      }
    },

    state: () => health,
    examine: () => examineOpenId(settings, { fetchFrom }),
  }
}

const originOf = (url: string) => (URL.canParse(url) ? new URL(url).origin : '')
