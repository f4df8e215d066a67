/**
 * What someone can do, at three levels: the whole installation (admins named in parley.yaml or by another such admin; this
 * machine's console and command line), a workspace (its owners, and people its admins name), a channel (its managers).
 * Permission at a wider level includes the narrower ones.
 */

import type { Role } from '../core/command.ts'
import { ParleyError } from '../core/errors.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import { type Scope, type Spender, scopeOf, spenderOf } from '../core/scope.ts'
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
}

/** `slack/T1/U1`, as parley.yaml and the audit log name people; parts are escaped as in scopes. */
export function personId({ platform, workspaceId }: ConversationRef, userId: string): string {
  return [platform, workspaceId, userId].map(encodeURIComponent).join('/')
}

export async function grantsOf(
  { conversation, author }: { conversation: ConversationRef; author: Author },
  { settings, admins }: { settings: Pick<Settings, 'read'>; admins: readonly string[] },
): Promise<Grants> {
  const spender = spenderOf(conversation, author.id)
  const [workspaceScope, channelScope] = [scopeOf.workspace(spender), scopeOf.channel(spender)]
  const found = await settings.read(['all', workspaceScope, channelScope])
  const named = (scope: Scope, id: string) => found.get(scope)?.roles?.[id]
  const me = personId(conversation, author.id)
  const installation = admins.includes(me) || named('all', me) === 'admin'
  const workspace = installation || author.membership === 'owner' || named(workspaceScope, author.id) === 'admin'
  const channel = workspace || named(channelScope, author.id) !== undefined
  return { role: workspace ? 'admin' : channel ? 'manager' : 'member', installation, workspace, channel }
}

/** Whether these grants, from where the command was typed, allow changes for a scope. */
export function canChange(grants: Grants, scope: Scope, spender: Spender): boolean {
  if (grants.installation) return true
  if (scope === scopeOf.channel(spender)) return grants.channel
  const own = scopeOf.workspace(spender).slice('workspace:'.length)
  const [kind = '', place = ''] = scope.split(/:(.*)/s)
  const inside = place === own || place.startsWith(`${own}/`)
  return grants.workspace && inside && ['workspace', 'channel', 'user'].includes(kind)
}

/** The people who can change things for a scope, as the subject of a sentence. */
export function whoCanChange(scope: Scope): string {
  if (scope.startsWith('channel:')) return permissionWording.managersAndAdmins
  if (scope.startsWith('workspace:') || scope.startsWith('user:')) return permissionWording.workspaceAdmins
  return permissionWording.installationAdmins
}

/** Throws `command_forbidden`. `what`: a verb with its object, `set prices`. */
export function demandInstallation(grants: Grants, what: string): void {
  if (grants.installation) return
  throw new ParleyError('command_forbidden', permissionWording.only(permissionWording.installationAdmins, what))
}
