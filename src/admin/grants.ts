/**
 * What somebody may do. Three circles: the whole installation (named in parley.yaml or by another such admin; this
 * machine's console and command line), a workspace (its owners, and whom its admins name), a channel (its managers). Who may
 * do something in a wider circle may do it in the narrower ones.
 */

import type { Role } from '../core/command.ts'
import { ParleyError } from '../core/errors.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import { type Scope, type Spender, scopeOf, spenderOf } from '../core/scope.ts'
import type { Settings } from '../store/settings.ts'

export interface Grants {
  /** The highest, for what the command table asks. */
  role: Role
  installation: boolean
  /** Of the workspace that the command came from. */
  workspace: boolean
  /** Of the channel that it came from. */
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

/** Who may change what holds for a scope, seen from where the command came from. */
export function mayChange(grants: Grants, scope: Scope, spender: Spender): boolean {
  if (grants.installation) return true
  if (scope === scopeOf.channel(spender)) return grants.channel
  const own = scopeOf.workspace(spender).slice('workspace:'.length)
  const [kind = '', place = ''] = scope.split(/:(.*)/s)
  const inside = place === own || place.startsWith(`${own}/`)
  return grants.workspace && inside && ['workspace', 'channel', 'user'].includes(kind)
}

/** Who may, as the end of a sentence. */
export function whoMay(scope: Scope): string {
  if (scope.startsWith('channel:')) return "the channel's managers and the workspace's admins"
  if (scope.startsWith('workspace:') || scope.startsWith('user:')) return "the workspace's admins"
  return 'an admin of the whole installation'
}

export function forbidden(what: string, who: string): ParleyError {
  return new ParleyError(
    'command_forbidden',
    `${what} is done by ${who} only. Ask one of them; \`/parley roles list\` names them.`,
  )
}
