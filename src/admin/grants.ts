/**
 * What someone can do, at three levels: the whole installation (admins named in parley.yaml, by another such admin or by their
 * role as a person; this machine's command line), a workspace (its owners, and people its admins name), a channel (its managers).
 * Permission at a wider level includes the narrower ones. Managers of a team have these rights in the team's places and for its
 * members. What is given to one account of a person holds for the person, because accounts are linked only when both are proven.
 */

import type { Role } from '../core/command.ts'
import { ParleyError } from '../core/errors.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import { isWithin, ownScope, type Scope, type Spender, scopeOf, spenderOf } from '../core/scope.ts'
import { type Directory, isAccountNamed, type Standing } from '../identity/directory.ts'
import type { Settings } from '../store/settings.ts'
import { permissionWording } from '../wording/commands.ts'

export interface Grants {
  /** The highest role, compared with the role of a command. */
  role: Role
  installation: boolean
  /** In the workspace that the command came from. */
  workspace: boolean
  /** In the channel that it came from. */
  channel: boolean
  /** Reads all amounts. */
  amounts: boolean
  /** What managers of teams can change beside that: the teams, their places and their members, as scopes. */
  managed: ReadonlySet<Scope>
}

export interface GrantDeps {
  settings: Pick<Settings, 'read'>
  /** Of the whole installation now, by parley.yaml: accounts of chats, such as `slack/T1/U1`. Persons have it in their role. */
  admins(): Promise<readonly string[]>
  people: Pick<Directory, 'standing' | 'places' | 'members'>
}

/** `slack/T1/U1`, as parley.yaml and the audit log name people; parts are escaped as in scopes. */
export function accountName({ platform, workspaceId }: Omit<ConversationRef, 'channelId'>, userId: string): string {
  return [platform, workspaceId, userId].map(encodeURIComponent).join('/')
}

export async function grantsOf(
  { conversation, author }: { conversation: ConversationRef; author: Author },
  deps: GrantDeps,
): Promise<Grants> {
  const { settings, people } = deps
  const spender = spenderOf(conversation, author)
  const [workspaceScope, channelScope] = [scopeOf.workspace(spender), scopeOf.channel(spender)]
  const [found, person, admins] = await Promise.all([
    settings.read(['all', workspaceScope, channelScope]),
    author.personId === undefined ? null : people.standing(author.personId),
    deps.admins(),
  ])
  if (person?.disabled) return nothing
  const everywhere = Object.entries(found.get('all')?.roles ?? {}).flatMap(([id, role]) =>
    role === 'admin' ? [id] : [],
  )
  const me = accountName(conversation, author.id)
  const installation =
    admins.includes(me) ||
    everywhere.includes(me) ||
    person?.role === 'admin' ||
    person?.accounts.some((account) => everywhere.some((name) => isAccountNamed(account, name))) === true
  const managed = await managedBy(person, people)
  const named = (scope: Scope) => found.get(scope)?.roles?.[author.id]
  const workspace =
    installation || author.membership === 'owner' || named(workspaceScope) === 'admin' || managed.has(workspaceScope)
  const channel = workspace || named(channelScope) !== undefined || managed.has(channelScope)
  return {
    role: workspace ? 'admin' : channel || managed.size > 0 ? 'manager' : 'member',
    installation,
    workspace,
    channel,
    amounts: installation || person?.role === 'viewer',
    managed,
  }
}

/**
 * The role in the place itself, for buttons there. The role of `grantsOf` is for commands, which say what they are for: a team's
 * managers have it everywhere.
 */
export function roleHere({ workspace, channel }: Pick<Grants, 'workspace' | 'channel'>): Role {
  return workspace ? 'admin' : channel ? 'manager' : 'member'
}

const nothing: Grants = {
  role: 'member',
  installation: false,
  workspace: false,
  channel: false,
  amounts: false,
  managed: new Set(),
}

async function managedBy(person: Standing | null, people: GrantDeps['people']): Promise<ReadonlySet<Scope>> {
  const teams = person?.teams.filter(({ role }) => role === 'manager').map(({ id }) => id) ?? []
  if (teams.length === 0) return nothing.managed
  const [places, members] = await Promise.all([people.places(), people.members(teams)])
  const own = [...places].flatMap(([scope, team]) => (teams.includes(team) ? [scope] : []))
  return new Set([...teams.map(scopeOf.team), ...own, ...members.map(scopeOf.person)])
}

/** Whether these grants, from where the command was typed, allow changes for a scope. */
export function canChange(grants: Grants, scope: Scope, spender: Spender): boolean {
  if (grants.installation) return true
  if (grants.managed.has(scope)) return true
  if (scope === scopeOf.channel(spender)) return grants.channel
  return isWithin(scope, grants.workspace ? [scopeOf.workspace(spender), ...grants.managed] : grants.managed)
}

/**
 * Whether someone may read the amounts of a budget: viewers, those who can change it, and the one person whose spending alone it holds.
 * Of every other budget the amounts tell what other people spend.
 */
export function canReadBudget(grants: Grants, scope: Scope, spender: Spender): boolean {
  return grants.amounts || canChange(grants, scope, spender) || isOwn(scope, spender)
}

/** Whether a scope is the asker's alone. */
export function isOwn(scope: Scope, spender: Spender): boolean {
  return scope === scopeOf.user(spender) || scope === ownScope(spender)
}

/** The people who can change things for a scope, as the subject of a sentence. */
export function whoCanChange(scope: Scope): string {
  if (scope.startsWith('channel:')) return permissionWording.managersAndAdmins
  if (scope.startsWith('workspace:') || scope.startsWith('user:')) return permissionWording.workspaceAdmins
  if (scope.startsWith('team:') || scope.startsWith('person:')) return permissionWording.teamManagers
  return permissionWording.installationAdmins
}

/** Throws `command_forbidden`. `what`: a verb with its object, `set prices`. */
export function demandInstallation(grants: Grants, what: string): void {
  if (grants.installation) return
  throw new ParleyError('command_forbidden', permissionWording.only(permissionWording.installationAdmins, what))
}
