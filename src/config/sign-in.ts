/** The providers of sign-in: what parley.yaml says of them, completed by what is known of each kind. */
import { z } from 'zod'
import { PersonRole, TeamRole } from '../core/person.ts'
import { type ProviderKind, type ProviderSettings, providerKinds } from '../identity/provider.ts'
import { signInProblem } from '../wording/sign-in-settings.ts'
import { settingMust } from '../wording/startup.ts'
import { isLoopback } from './environment.ts'

/** Codes and secrets go to this address, so it must be encrypted, unless it is this machine. */
const issuerUrl = z.url({ protocol: /^https?$/, error: settingMust.beIssuer }).refine((text) => {
  const { protocol, hostname, search, hash } = new URL(text)
  return (protocol === 'https:' || isLoopback(hostname)) && search === '' && hash === ''
}, settingMust.beIssuer)

const domain = z
  .string()
  .toLowerCase()
  .regex(/^(?=.{1,253}$)[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, settingMust.beDomain)

const group = z.string().min(1).max(200)
/** `Support`, or `Support:manager`. */
const TeamOfGroup = z
  .string()
  .regex(/^[^:]{1,80}(?::(?:manager|member|viewer))?$/, settingMust.beTeam)
  .transform((written) => {
    const [team = '', role = 'member'] = written.split(':')
    return { team: team.trim(), role: TeamRole.parse(role) }
  })

const Provider = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, settingMust.beProviderId),
  kind: z.enum(providerKinds),
  label: z.string().trim().min(1).max(60).optional(),
  issuer: issuerUrl.optional(),
  tenant: z
    .string()
    .regex(/^[\w.-]{1,100}$/, settingMust.beTenant)
    .optional(),
  tenants: z.array(z.guid(settingMust.beTenantId).toLowerCase()).optional(),
  domain: domain.optional(),
  clientId: z.string().min(1).max(500),
  clientSecretVariable: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, settingMust.beVariableName)
    .optional(),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, settingMust.beValid))
    .min(1)
    .optional(),
  groupsClaim: z.string().min(1).max(200).optional(),
  allow: z
    .strictObject({
      everyone: z.boolean().default(false),
      groups: z.array(group).default([]),
      domains: z.array(domain).default([]),
    })
    .prefault({}),
  roles: z.record(group, PersonRole).default({}),
  teams: z.record(group, TeamOfGroup).default({}),
  trustEmail: z.boolean().default(false),
  prompt: z.enum(['select_account', 'login', 'consent']).optional(),
})
type Provider = z.infer<typeof Provider>

export const SignIn = z
  .strictObject({
    inviteOnly: z.boolean().default(false),
    providers: z.array(Provider).max(20).default([]),
  })
  .prefault({})
type SignIn = z.infer<typeof SignIn>

export interface SignInSettings {
  /** Nobody comes without an invitation, whatever `allow` says. */
  inviteOnly: boolean
  providers: ProviderSettings[]
}

type Field = 'issuer' | 'tenant' | 'tenants' | 'domain' | 'clientSecretVariable'

interface Preset {
  label: string
  /** Without one of each it is incomplete. */
  needs: readonly (Field | readonly Field[])[]
  /** Of `tenant`, `tenants` and `domain`, what it knows. */
  knows: readonly Field[]
  issuer(provider: Provider): string | undefined
  scopes: readonly string[]
  groupsClaim: string
  tenants(provider: Provider): readonly string[]
  /** Strangers can have an account there, so membership says nothing. */
  open(provider: Provider): boolean
}

const openIdScopes = ['openid', 'profile', 'email']
const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
/** The tenant of all personal accounts of Microsoft. */
const personalTenant = '9188040d-6c67-4c5b-b112-36a304b66dad'
const slackTeam = /^[TE][A-Z0-9]{2,20}$/
const given = (value: string | undefined): string[] => (value === undefined ? [] : [value])

const own: Omit<Preset, 'label'> = {
  needs: ['issuer'],
  knows: [],
  issuer: ({ issuer }) => issuer,
  scopes: openIdScopes,
  groupsClaim: 'groups',
  tenants: () => [],
  open: () => false,
}

const presets: Record<ProviderKind, Preset> = {
  oidc: { ...own, label: 'OpenID Connect' },
  keycloak: { ...own, label: 'Keycloak' },
  authentik: { ...own, label: 'authentik' },
  okta: {
    ...own,
    label: 'Okta',
    needs: [['issuer', 'domain'], 'clientSecretVariable'],
    knows: ['domain'],
    issuer: ({ issuer, domain }) => issuer ?? (domain === undefined ? undefined : `https://${domain}`),
    scopes: [...openIdScopes, 'groups'],
  },
  entra: {
    ...own,
    label: 'Microsoft',
    needs: ['tenant', 'clientSecretVariable'],
    knows: ['tenant', 'tenants'],
    issuer: ({ issuer, tenant }) => issuer ?? `https://login.microsoftonline.com/${tenant?.toLowerCase()}/v2.0`,
    tenants: ({ tenant = '', tenants }) => (guid.test(tenant) ? [tenant.toLowerCase()] : (tenants ?? [])),
    open: ({ tenant = '', tenants = [] }) => [tenant.toLowerCase(), ...tenants].includes(personalTenant),
  },
  google: {
    ...own,
    label: 'Google',
    needs: ['clientSecretVariable'],
    knows: ['domain'],
    issuer: ({ issuer }) => issuer ?? 'https://accounts.google.com',
    tenants: ({ domain }) => given(domain),
    open: ({ domain }) => domain === undefined,
  },
  gitlab: {
    ...own,
    label: 'GitLab',
    needs: ['clientSecretVariable'],
    issuer: ({ issuer }) => issuer ?? 'https://gitlab.com',
    groupsClaim: 'groups_direct',
    open: ({ issuer = 'https://gitlab.com' }) => new URL(issuer).hostname === 'gitlab.com',
  },
  github: {
    ...own,
    label: 'GitHub',
    needs: ['clientSecretVariable'],
    issuer: ({ issuer }) => issuer ?? 'https://github.com',
    // Organizations and teams are read only where they decide something.
    scopes: ['read:user', 'user:email'],
    open: ({ issuer = 'https://github.com' }) => new URL(issuer).hostname === 'github.com',
  },
  slack: {
    ...own,
    label: 'Slack',
    needs: ['clientSecretVariable'],
    knows: ['tenant'],
    issuer: ({ issuer }) => issuer ?? 'https://slack.com',
    tenants: ({ tenant }) => given(tenant),
    open: ({ tenant }) => tenant === undefined,
  },
  discord: {
    ...own,
    label: 'Discord',
    needs: ['clientSecretVariable'],
    issuer: ({ issuer }) => issuer ?? 'https://discord.com',
    scopes: ['identify', 'email'],
    open: () => true,
  },
}

/** More scopes where groups decide something. */
const groupScopes: Partial<Record<ProviderKind, string>> = { github: 'read:org', discord: 'guilds' }

const usesGroups = ({ allow, roles, teams }: Provider) =>
  allow.groups.length > 0 || Object.keys(roles).length > 0 || Object.keys(teams).length > 0

function settled(provider: Provider, variables: Record<string, string>): ProviderSettings {
  const { id, kind, clientId, clientSecretVariable, allow, roles, teams, trustEmail, prompt } = provider
  const preset = presets[kind]
  const more = usesGroups(provider) ? given(groupScopes[kind]) : []
  return {
    id,
    kind,
    label: provider.label ?? preset.label,
    issuer: preset.issuer(provider) ?? '',
    clientId,
    clientSecret: clientSecretVariable === undefined ? undefined : variables[clientSecretVariable],
    scopes: provider.scopes ?? [...preset.scopes, ...more],
    groupsClaim: provider.groupsClaim ?? preset.groupsClaim,
    tenants: preset.tenants(provider),
    allow,
    roles,
    teams,
    trustEmail,
    prompt,
  }
}

export function signInSettings({ inviteOnly, providers }: SignIn, variables: Record<string, string>): SignInSettings {
  return { inviteOnly, providers: providers.map((provider) => settled(provider, variables)) }
}

/** Every mistake, each with its field. */
export function signInProblems(
  { providers }: SignIn,
  variables: Record<string, string>,
  { HOST, PUBLIC_URL, ROLE }: { HOST: string; PUBLIC_URL?: string | undefined; ROLE: string },
): string[] {
  const unreachable = providers.length > 0 && ROLE !== 'worker' && PUBLIC_URL === undefined && !isLoopback(HOST)
  return [
    ...(unreachable ? [signInProblem.publicUrlNeeded(HOST)] : []),
    ...providers
      .filter(({ id }, at) => providers.findIndex((other) => other.id === id) !== at)
      .map(({ id }) => signInProblem.idTaken(id)),
    ...providers.flatMap((provider) => problemsOf(provider, variables)),
  ]
}

function problemsOf(provider: Provider, variables: Record<string, string>): string[] {
  const { id, kind, clientSecretVariable: variable, scopes, allow, trustEmail } = provider
  const preset = presets[kind]
  const has = (field: Field) => provider[field] !== undefined
  const missing = preset.needs
    .map((fields) => (typeof fields === 'string' ? [fields] : fields))
    .filter((fields) => !fields.some(has))
  const unknown = (['tenant', 'tenants', 'domain'] as const).filter(
    (field) => has(field) && !preset.knows.includes(field),
  )
  const isOpenId = kind !== 'github' && kind !== 'discord'
  const open = preset.open(provider)
  return [
    ...missing.map((fields) => signInProblem.missing(id, fields, kind)),
    ...unknown.map((field) => signInProblem.unknown(id, field, kind)),
    ...(variable !== undefined && variables[variable] === undefined ? [signInProblem.secretMissing(id, variable)] : []),
    ...(isOpenId && scopes !== undefined && !scopes.includes('openid') ? [signInProblem.openIdScope(id)] : []),
    ...(allow.everyone && open ? [signInProblem.everyoneIsTheWorld(id)] : []),
    ...(trustEmail && (open || !isOpenId || kind === 'slack' || isMultiTenant(provider))
      ? [signInProblem.trustEmailNeedsOneTenant(id)]
      : []),
    ...(kind === 'entra' ? entraProblems(provider) : []),
    ...(kind === 'slack' && provider.tenant !== undefined && !slackTeam.test(provider.tenant)
      ? [signInProblem.slackTenant(id)]
      : []),
  ]
}

const shared = ['common', 'organizations']
const isMultiTenant = ({ tenant = '', tenants = [] }: Provider) =>
  shared.includes(tenant.toLowerCase()) && tenants.length !== 1

/** `common` publishes an issuer with a placeholder, which fits every tenant of the world. */
function entraProblems({ id, tenant, tenants = [] }: Provider): string[] {
  if (tenant === undefined) return []
  if (guid.test(tenant)) return tenants.length === 0 ? [] : [signInProblem.entraTenantsUnused(id)]
  if (!shared.includes(tenant.toLowerCase())) return [signInProblem.entraTenant(id)]
  return tenants.length === 0 ? [signInProblem.entraTenantsNeeded(id, tenant.toLowerCase())] : []
}

export const signInSecrets = ({ providers }: SignInSettings): string[] =>
  providers.flatMap(({ clientSecret }) => given(clientSecret))
