/** The port of a sign-in provider: what an admin configured, and what somebody proved there. Implemented in src/identity/providers/. */
import type { IdentityKey, PersonRole, TeamRole } from '../core/person.ts'

export const providerKinds = [
  'oidc',
  'entra',
  'google',
  'okta',
  'keycloak',
  'authentik',
  'gitlab',
  'github',
  'slack',
  'discord',
] as const
export type ProviderKind = (typeof providerKinds)[number]

export interface ProviderSettings {
  /** In addresses: `/console/sign-in/<id>`. */
  id: string
  kind: ProviderKind
  /** On the button. */
  label: string
  /** The OpenID issuer; for GitHub and Discord, the address of their site. */
  issuer: string
  clientId: string
  clientSecret: string | undefined
  scopes: readonly string[]
  /** The name of a claim, or the path to one: `realm_access.roles`. */
  groupsClaim: string
  /** Whose accounts count: tenants of Entra, workspaces of Slack, the domain of Google. Empty: all of the issuer. */
  tenants: readonly string[]
  /** The accounts that need no invitation. */
  allow: { everyone: boolean; groups: readonly string[]; domains: readonly string[] }
  /** By group. Empty: roles are given in Parley. */
  roles: Readonly<Record<string, PersonRole>>
  teams: Readonly<Record<string, { team: string; role: TeamRole }>>
  /** A verified address may link to the person with that address. */
  trustEmail: boolean
  prompt: string | undefined
}

/** Values that must come back unchanged. Stored with the flow, never in the browser. */
export interface FlowChecks {
  state: string
  nonce: string
  /** Of PKCE. */
  verifier: string
  redirectUri: string
}

/** An account of the provider, as it was proven at this sign-in. Texts are bounded and cleaned. */
export interface ProvenAccount {
  identity: IdentityKey
  name: string | null
  email: string | null
  /** The provider vouches for the address. */
  emailVerified: boolean
  /** `overage`: there are too many to send, so the provider sent none. */
  groups: readonly string[] | 'overage'
  /** Which claims came. Never their values. */
  claims: readonly string[]
}

/** One thing that "Try it" looked at. */
export interface ProviderCheck {
  name: 'discovery' | 'issuer' | 'clock' | 'keys' | 'redirect'
  ok: boolean
  userMessage: string
}

export type ProviderState = { is: 'waiting' | 'ready' } | { is: 'failing'; userMessage: string }

export interface SignInProvider {
  settings: ProviderSettings
  /** Where to send the browser. Throws `sign_in_provider_unreachable`, `sign_in_provider_misconfigured`. */
  begin(checks: FlowChecks): Promise<URL>
  /** The account that the parameters of the callback prove. Throws a `ParleyError` whose code begins with `sign_in_`. */
  finish(parameters: URLSearchParams, checks: FlowChecks): Promise<ProvenAccount>
  /** How it was when this process last needed it. */
  state(): ProviderState
  /** Looks at the provider afresh. */
  examine(): Promise<ProviderCheck[]>
}
