/**
 * A flow: the browser goes to a provider and comes back with an account that was proven there. A flow is a row that one answer uses
 * up, so it may begin in one process and end in another, and no answer counts twice. See docs/decisions/0052.
 */
import { createHash, randomBytes } from 'node:crypto'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type Changer, consoleIdOf, type PersonRole, personRoles, type SignedIn } from '../core/person.ts'
import { claimsWording, providerCheckWording, type SignInProblem, signInProblems } from '../wording/sign-in-flows.ts'
import type { Invitations } from './invitations.ts'
import { type Claimed, loginOf, type People, type PersonAbout } from './people.ts'
import type { FlowChecks, ProvenAccount, ProviderSettings, SignInProvider } from './provider.ts'
import type { Sessions } from './sessions.ts'

export const flowSeconds = 600

/** What the account is for once the browser is back. */
export type Purpose =
  | { kind: 'signIn' }
  /** The code stays in the browser's cookie. */
  | { kind: 'invitation' }
  /** Connects the account to somebody who is signed in. */
  | { kind: 'connect'; personId: string }
  /** Makes the account's person and the one who is signed in one person. */
  | { kind: 'merge'; personId: string }
  /** An admin looks at what the provider says. */
  | { kind: 'try' }

export interface Flow {
  provider: string
  purpose: Purpose
  checks: FlowChecks
  returnTo: string
}

/** Implemented in src/store/sign-in-flows.ts. */
export interface FlowRows {
  put(hash: string, flow: Flow): Promise<void>
  /** Uses the flow up, if `state` is its own. `null`: there is none, it has expired, or it was used. */
  take(hash: string, state: string): Promise<Flow | 'forged' | null>
  /** Which claims came, so that an admin sees why groups or addresses are missing. Never their values. */
  rememberClaims(provider: string, claims: readonly string[]): Promise<void>
  claimsOf(provider: string): Promise<string[] | null>
  /** The ids of teams with these names. Those that do not exist are created. */
  teamIds(names: readonly string[]): Promise<Map<string, string>>
  /** The people with this address, as an admin or a provider vouched, except those who already have an account of this issuer. */
  peopleByEmail(login: string, issuer: { provider: string; issuer: string }): Promise<string[]>
  /** Remembers that the provider vouches for the address. */
  vouch(personId: string, login: string): Promise<void>
  noteOverage(personId: string, by: Changer): Promise<void>
}

export interface FlowsDeps {
  providers: readonly SignInProvider[]
  inviteOnly: boolean
  rows: FlowRows
  people: Pick<People, 'areSetUp' | 'find' | 'personOf' | 'create' | 'signIn' | 'link' | 'merge'>
  invitations: Pick<Invitations, 'find' | 'accept'>
  sessions: Pick<Sessions, 'create'>
  log: Log
}

/** What the browser keeps until it comes back. */
export interface Begun {
  url: URL
  cookie: string
}

export type Finished =
  | { kind: 'entered'; personId: string; secret: string; returnTo: string }
  | { kind: 'connected' | 'tried'; returnTo: string }
  | {
      kind: 'refused'
      problem: SignInProblem
      purpose: Purpose['kind']
      invitation: string | undefined
      returnTo: string | undefined
    }

export interface Return {
  provider: string
  parameters: URLSearchParams
  cookie: string | undefined
  /** The person that this browser's session belongs to now. */
  signedIn: SignedIn | null
  from: { userAgent: string; address: string }
}

export interface Flows {
  providers: readonly SignInProvider[]
  inviteOnly: boolean
  find(id: string): SignInProvider | undefined
  /** Throws `sign_in_provider_unreachable`, `sign_in_provider_misconfigured`, `sign_in_invitation_invalid`. */
  begin(
    provider: SignInProvider,
    purpose: Purpose,
    options: { redirectUri: string; returnTo: string; invitation?: string | undefined },
  ): Promise<Begun>
  /** Never throws for what the browser or the provider did. */
  finish(back: Return): Promise<Finished>
  /** Names of the claims of the last sign-in, also of one that was refused. */
  claimsOf(provider: string): Promise<string[] | null>
}

const random = () => randomBytes(32).toString('base64url')
const hashOf = (secret: string) => createHash('sha256').update(`flow ${secret}`).digest('base64url')

function refuse(problem: SignInProblem, cause?: unknown): never {
  throw new ParleyError(problem, signInProblems[problem], cause === undefined ? {} : { cause })
}

export function createFlows({ providers, inviteOnly, rows, people, invitations, sessions, log }: FlowsDeps): Flows {
  const find = (id: string) => providers.find(({ settings }) => settings.id === id)

  /** The way back, for which nothing is known yet but the cookie. */
  async function take({ provider, parameters, cookie }: Return): Promise<Flow & { code: string | undefined }> {
    const [secret = '', code] = (cookie ?? '').split('.')
    const state = parameters.get('state') ?? ''
    const flow = secret === '' ? null : await rows.take(hashOf(secret), state)
    if (flow === null) refuse('sign_in_expired')
    if (flow === 'forged' || flow.provider !== provider) refuse('sign_in_forged')
    return { ...flow, code }
  }

  async function enter(provider: SignInProvider, account: ProvenAccount, code: string | undefined): Promise<string> {
    const { settings } = provider
    const known = await people.personOf(account.identity)
    const person = known === null ? null : await people.find(known)
    if (person !== null && person.disabledAt !== null) refuse('sign_in_account_disabled')
    // A person known from chats alone has no account yet.
    if (person === null || person.signedInAt === null) await admit(settings, account, person, code)
    const personId = (await people.personOf(account.identity)) ?? refuse('sign_in_not_allowed')
    const by = { id: consoleIdOf(personId), name: account.name ?? undefined, via: settings.id }
    const current = (await people.find(personId)) ?? refuse('sign_in_not_allowed')
    const signedIn = await people.signIn(named(account), await claimedOf(settings, account, current), by)
    if (signedIn === null) refuse('sign_in_not_allowed')
    if (settings.trustEmail && account.email !== null && account.emailVerified)
      await rows.vouch(personId, loginOf(account.email))
    if (account.groups === 'overage' && usesClaims(settings)) {
      log.warn({ provider: settings.id, person: personId }, claimsWording.overage)
      await rows.noteOverage(personId, by)
    }
    if (signedIn.roleKept) log.warn({ provider: settings.id, person: personId }, claimsWording.lastAdmin)
    return personId
  }

  /** Makes the account belong to a person who may come. */
  async function admit(
    settings: ProviderSettings,
    account: ProvenAccount,
    person: PersonAbout | null,
    code: string | undefined,
  ): Promise<void> {
    const email = account.emailVerified ? account.email : null
    const name = account.name ?? settings.label
    if (code !== undefined) {
      const proof = { kind: 'identity', identity: named(account), email } as const
      const accepted = await invitations.accept(code, name, proof)
      if (accepted === null) refuse('sign_in_invitation_invalid')
      return
    }
    const by = { id: accountId(account), name, via: settings.id }
    const owner = person === null && settings.trustEmail && email !== null ? await ownerOf(email, account) : null
    if (owner !== null) return await people.link(owner, named(account), by)
    checkAllowed(settings, account)
    if (person !== null) return
    const { role = 'member' } = await claimedOf(settings, account, null)
    await people.create({ name, email, role, signedIn: true }, named(account), by).catch(async (thrown: unknown) => {
      // Two sign-ins of a new account at once: the other one made the person.
      if ((await people.personOf(account.identity)) === null) throw thrown
    })
  }

  /** The one person with this address. Of two, neither. */
  async function ownerOf(email: string, { identity }: ProvenAccount): Promise<string | null> {
    const owners = await rows.peopleByEmail(loginOf(email), identity)
    return owners.length === 1 ? (owners[0] ?? null) : null
  }

  function checkAllowed({ allow }: ProviderSettings, { email, emailVerified, groups }: ProvenAccount): void {
    if (inviteOnly) refuse('sign_in_not_invited')
    const isDomain = email !== null && allow.domains.includes(loginOf(email).split('@')[1] ?? '')
    const isGroup = groups !== 'overage' && groups.some((group) => allow.groups.includes(group))
    if (allow.everyone || isGroup || (isDomain && emailVerified)) return
    if (groups === 'overage' && allow.groups.length > 0) refuse('sign_in_groups_unknown')
    refuse(isDomain ? 'sign_in_email_unverified' : 'sign_in_not_allowed')
  }

  /** What the groups give. Nothing where nothing is mapped, or where the groups are too many to be sent. */
  async function claimedOf(
    { roles, teams }: ProviderSettings,
    { groups }: ProvenAccount,
    person: PersonAbout | null,
  ): Promise<Claimed> {
    if (groups === 'overage') return {}
    const wanted = groups
      .flatMap((group) => (Object.hasOwn(teams, group) ? [teams[group]] : []))
      .filter((team) => team !== undefined)
    const claimed: Claimed = {}
    if (Object.keys(roles).length > 0) claimed.role = roleOf(roles, groups, person)
    if (Object.keys(teams).length > 0) {
      const ids = await rows.teamIds(wanted.map(({ team }) => team))
      const best = new Map<string, (typeof wanted)[number]['role']>()
      for (const { team, role } of wanted) {
        const id = ids.get(team)
        if (id !== undefined && best.get(id) !== 'manager') best.set(id, role)
      }
      claimed.teams = [...best].map(([id, role]) => ({ id, role }))
    }
    return claimed
  }

  async function connect(
    { kind, personId }: Extract<Purpose, { kind: 'connect' | 'merge' }>,
    account: ProvenAccount,
    signedIn: SignedIn | null,
  ): Promise<void> {
    const merges = kind === 'merge'
    if (signedIn?.personId !== personId) refuse('sign_in_session_changed')
    const by = { id: consoleIdOf(personId), name: signedIn.name, via: 'page' }
    const owner = await people.personOf(account.identity)
    const other = owner === null || owner === personId ? null : await people.find(owner)
    // Threads, files and keys of somebody who signs in move only if that was chosen.
    if (other !== null && other.signedInAt !== null && !merges) refuse('sign_in_account_taken')
    // Both are proven here: the person by the session, the account of the chats by the provider.
    if (other !== null) await people.merge(other.id, personId, by)
    await people.link(personId, named(account), by).catch((thrown: unknown) => refuse('sign_in_account_taken', thrown))
  }

  async function rememberClaims({ id, groupsClaim }: ProviderSettings, { claims, groups }: ProvenAccount) {
    await rows.rememberClaims(
      id,
      groups === 'overage' ? [...claims, providerCheckWording.overage(groupsClaim)] : claims,
    )
  }

  async function end(flow: Flow & { code: string | undefined }, back: Return): Promise<Finished> {
    const { purpose, returnTo, code } = flow
    const provider = find(flow.provider) ?? refuse('sign_in_expired')
    const account = await provider.finish(back.parameters, flow.checks)
    await rememberClaims(provider.settings, account)
    switch (purpose.kind) {
      case 'try':
        return { kind: 'tried', returnTo }
      case 'connect':
      case 'merge':
        await connect(purpose, account, back.signedIn)
        return { kind: 'connected', returnTo }
      case 'signIn':
      case 'invitation': {
        const personId = await enter(provider, account, purpose.kind === 'invitation' ? code : undefined)
        const secret = await sessions.create(personId, back.from)
        return { kind: 'entered', personId, secret, returnTo }
      }
    }
  }

  return {
    providers,
    inviteOnly,
    find,
    claimsOf: rows.claimsOf,

    async begin(provider, purpose, { redirectUri, returnTo, invitation }) {
      if (invitation !== undefined && (await invitations.find(invitation)) === null)
        refuse('sign_in_invitation_invalid')
      const checks = { state: random(), nonce: random(), verifier: random(), redirectUri }
      const url = await provider.begin(checks)
      const secret = random()
      await rows.put(hashOf(secret), { provider: provider.settings.id, purpose, checks, returnTo })
      return { url, cookie: invitation === undefined ? secret : `${secret}.${invitation}` }
    },

    async finish(back) {
      let purpose: Purpose['kind'] = 'signIn'
      let invitation: string | undefined
      let returnTo: string | undefined
      try {
        const flow = await take(back)
        purpose = flow.purpose.kind
        invitation = flow.code
        returnTo = flow.returnTo
        return await end(flow, back)
      } catch (thrown) {
        const problem = problemOf(thrown)
        log.warn({ provider: back.provider, problem, ...errorFields(thrown) }, 'sign-in refused')
        return { kind: 'refused', problem, purpose, invitation, returnTo }
      }
    },
  }
}

const usesClaims = ({ roles, teams }: ProviderSettings) =>
  Object.keys(roles).length > 0 || Object.keys(teams).length > 0

/**
 * The widest role of the groups. Without any of these groups, a person becomes a member; a guest stays a guest, since no group
 * says that they are more.
 */
function roleOf(
  roles: ProviderSettings['roles'],
  groups: readonly string[],
  person: PersonAbout | null,
): PersonRole | undefined {
  const given = new Set(groups.flatMap((group) => (Object.hasOwn(roles, group) ? [roles[group]] : [])))
  const widest = personRoles.find((role) => given.has(role))
  return widest ?? (person?.role === 'guest' ? undefined : 'member')
}

const named = ({ identity, name, email }: ProvenAccount) => ({ ...identity, name, email })

/** How the audit log names an account that belongs to nobody yet. */
const accountId = ({ identity: { provider, issuer, subject } }: ProvenAccount) =>
  [provider, issuer, subject].map(encodeURIComponent).join('/')

/** The sign-in problem that an error of another part means. All other errors are defects, or the database is away. */
function problemOf(thrown: unknown): SignInProblem {
  if (!(thrown instanceof ParleyError)) throw thrown
  if (Object.hasOwn(signInProblems, thrown.code)) return thrown.code as SignInProblem
  if (thrown.code === 'credentials_missing') return 'sign_in_account_disabled'
  if (thrown.code === 'request_invalid') return 'sign_in_account_taken'
  throw thrown
}
