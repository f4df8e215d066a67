/** Permissions, `roles …`, and the audit log, `audit`. */
import { ParleyError } from '../../core/errors.ts'
import type { ConversationRef } from '../../core/message.ts'
import { type Scope, scopeOf } from '../../core/scope.ts'
import { localTime } from '../../core/window.ts'
import type { Audit, AuditEntry } from '../../store/audit.ts'
import { auditWording, roleWording, scopeName } from '../../wording/commands.ts'
import { bulleted } from '../../wording/phrases.ts'
import { orNull } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { timeZoneFor, type ZoneDeps } from '../effective.ts'
import { accountName } from '../grants.ts'
import { demand, scopeOfPlace, widest } from '../place.ts'

export interface RoleDeps extends ZoneDeps {
  audit: Audit
  /** Admins of the whole installation, from the configuration. */
  admins(): Promise<readonly string[]>
  /** Whether a platform says who owns a workspace. */
  tellsOwners(platform: string): boolean
}

const auditLines = 15

export function roleCommands(deps: RoleDeps): Command[] {
  const { settings, audit, admins, tellsOwners } = deps
  return [
    define({
      name: 'roles list',
      summary: 'Lists the admins and managers here',
      role: 'member',
      args: {},
      examples: ['roles list'],
      async run(_, { spender }) {
        const [workspace, channel] = [scopeOf.workspace(spender), scopeOf.channel(spender)]
        const [found, byFile] = await Promise.all([settings.read(['all', workspace, channel]), admins()])
        const named = (scope: Scope) => Object.keys(found.get(scope)?.roles ?? {})
        const own = `${spender.platform}/${spender.workspaceId}/`
        const everywhere = [...new Set([...byFile, ...named('all')])]
        // People in other workspaces are counted but not named.
        const ours = everywhere.flatMap((id) => (id.startsWith(own) ? [`<@${id.slice(own.length)}>`] : []))
        const others = everywhere.length - ours.length
        const rest = others === 0 ? [] : [roleWording.elsewhere(others)]
        const people = (ids: string[]) => ids.slice(0, 25).map((id) => `<@${id}>`)
        return {
          text: bulleted([
            roleWording.installation([...ours, ...rest]),
            roleWording.workspace(people(named(workspace)), tellsOwners(spender.platform)),
            roleWording.channel(people(named(channel))),
          ]),
        }
      },
    }),
    define({
      name: 'roles set',
      summary: 'Makes someone an admin of the workspace, a manager of this channel, or a member again',
      role: 'admin',
      changes: true,
      args: {
        person: arg.person(),
        role: arg.choice('The new role', ['admin', 'manager', 'member']),
        for: arg.optional(arg.place('Where the role applies; everywhere makes an admin of the whole installation')),
      },
      examples: ['roles set <@U123> manager', 'roles set <@U123> admin', 'roles set <@U123> member'],
      run: async ({ person, role, for: place }, caller) => {
        const { spender, names, by, call } = caller
        const kind = role === 'admin' ? 'workspace' : 'channel'
        // By default, a member loses both roles.
        const places = place !== undefined ? [place] : role === 'member' ? both : [{ kind } as const]
        const changed: string[] = []
        for (const each of places) {
          const scope = await scopeOfPlace(each, caller)
          if (scope !== 'all' && !/^(?:workspace|channel):/.test(scope))
            throw new ParleyError('command_invalid', roleWording.wrongScope)
          demand(caller, scope)
          if (role === 'manager' && !scope.startsWith('channel:'))
            throw new ParleyError('command_invalid', roleWording.managersAreOfChannels)
          const id = roleOwner(person, scope, call.conversation)
          const value = scope.startsWith('channel:') ? 'manager' : 'admin'
          const { before } = await settings.change(
            scope,
            'roles',
            (roles) => {
              const { [id]: _was, ...others } = roles ?? {}
              return orNull(role === 'member' ? others : { ...others, [id]: value })
            },
            by,
          )
          const was = before?.[id]
          const who = scopeName(scope, spender, names)
          if (role !== 'member') changed.push(roleWording.set(person, value, who))
          else if (was !== undefined) changed.push(roleWording.removed(person, was, who))
        }
        return { text: changed.length === 0 ? roleWording.none(person) : changed.join(' ') }
      },
    }),
    define({
      name: 'audit',
      summary: 'Lists who changed what, newest first',
      role: 'manager',
      args: {
        for: arg.optional(arg.place('Only changes for this scope')),
        count: arg.optional(arg.number('How many entries', 1, 100)),
      },
      examples: ['audit', 'audit for channel', 'audit 50'],
      async run({ for: place, count = auditLines }, caller) {
        const { spender, grants, names } = caller
        const targetPlace = place ?? widest(grants)
        const scope = await scopeOfPlace(targetPlace, caller)
        demand(caller, scope)
        const within =
          targetPlace.kind === 'workspace'
            ? { workspace: scope }
            : targetPlace.kind === 'all'
              ? {}
              : { scopes: [scope] }
        const entries = await audit.list({ ...within, limit: count })
        if (entries.length === 0) return { text: auditWording.none(scopeName(scope, spender, names)) }
        const timeZone = await timeZoneFor(deps, spender)
        const lines = entries.map((entry) => `- ${lineOf(entry, caller, timeZone)}`)
        return { text: lines.join('\n'), private: true }
      },
    }),
  ]
}

/**
 * How the roles of a scope name a person: `slack/T1/U1` everywhere, `U1` in a workspace and its channels. People are typed as a
 * mention, by id, or in full.
 */
function roleOwner(typed: string, scope: Scope, at: ConversationRef): string {
  const parts = typed.split('/')
  if ((parts.length !== 1 && parts.length !== 3) || parts.includes('') || /\s/.test(typed))
    throw new ParleyError('command_invalid', roleWording.notAPerson(typed))
  const [platform = '', workspaceId = '', id = ''] = parts.length === 3 ? parts : [at.platform, at.workspaceId, typed]
  if (scope === 'all') {
    // People of other platforms are not in the terminal, so they are named in full there.
    if (parts.length === 1 && at.workspaceId === 'local' && !['local', 'cli'].includes(id))
      throw new ParleyError('command_invalid', roleWording.notAPerson(typed))
    return accountName({ platform, workspaceId }, id)
  }
  const home = scopeOf.workspace({ platform, workspaceId }).slice('workspace:'.length)
  if (parts.length === 3 && !`${scope.split(/:(.*)/s)[1]}/`.startsWith(`${home}/`)) {
    const where = scopeName(scope, { ...at, userId: '' }, new Map())
    throw new ParleyError('command_invalid', roleWording.elsewherePerson(typed, where))
  }
  return id
}

const both = [{ kind: 'workspace' }, { kind: 'channel' }] as const

function lineOf({ at, by, scope, name, before, after }: AuditEntry, { spender, names }: Caller, zone: string): string {
  const change = auditWording.change(name, scopeName(scope, spender, names), before, after)
  return auditWording.line(localTime(at, zone), by.name ?? by.id, change)
}
