/** Who may do what: `roles …`, and what was done: `audit`. */
import { ParleyError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import { type Scope, scopeOf } from '../../core/scope.ts'
import { localTime } from '../../core/window.ts'
import type { Audit, AuditEntry } from '../../store/audit.ts'
import { orNull } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { personId } from '../grants.ts'
import { demand, nameOf, scopeOfPlace, widest } from '../place.ts'
import { bulleted, code, listed, quoted } from '../text.ts'
import { timeZoneFor, type ZoneDeps } from '../time-zone.ts'

export interface RoleDeps extends ZoneDeps {
  audit: Audit
  /** Of the whole installation, by whoever runs it. */
  admins: readonly string[]
}

const auditLines = 15

export function roleCommands(deps: RoleDeps): Command[] {
  const { settings, audit, admins } = deps
  return [
    define({
      name: 'roles list',
      summary: 'Who may change things here',
      role: 'member',
      args: {},
      examples: ['roles list'],
      async run(_, { spender }) {
        const [workspace, channel] = [scopeOf.workspace(spender), scopeOf.channel(spender)]
        const found = await settings.read(['all', workspace, channel])
        const named = (scope: Scope) => Object.keys(found.get(scope)?.roles ?? {})
        const own = `${spender.platform}/${spender.workspaceId}/`
        const everywhere = [...new Set([...admins, ...named('all')])]
        // People of other workspaces are counted, not named.
        const ours = everywhere.flatMap((id) => (id.startsWith(own) ? [`<@${id.slice(own.length)}>`] : []))
        const others = everywhere.length - ours.length
        const rest = others === 0 ? [] : [`${others} elsewhere`]
        const people = (ids: string[], nobody: string) =>
          ids.length === 0 ? nobody : listed(ids.slice(0, 25).map((id) => `<@${id}>`))
        return {
          text: bulleted([
            `Admins of the whole installation: ${listed([...ours, ...rest]) || 'none named'}`,
            `Admins of this workspace: its owners, ${people(named(workspace), 'and nobody else')}`,
            `Managers of this channel: ${people(named(channel), 'nobody')}`,
          ]),
        }
      },
    }),
    define({
      name: 'roles set',
      summary: 'Makes somebody an admin of the workspace, a manager of this channel, or a member again',
      role: 'admin',
      changes: true,
      args: {
        person: arg.person(),
        role: arg.choice('The role', ['admin', 'manager', 'member']),
        for: arg.optional(arg.place('Of what: everywhere for an admin of the whole installation')),
      },
      examples: ['roles set <@U123> manager', 'roles set <@U123> admin', 'roles set <@U123> member'],
      run: async ({ person, role, for: place }, caller) => {
        const { spender, grants: membership, by, call } = caller
        const kind = role === 'admin' ? 'workspace' : 'channel'
        // Without a place, a member is one in both circles.
        const places = place !== undefined ? [place] : role === 'member' ? both : [{ kind } as const]
        const told: string[] = []
        for (const each of places) {
          const scope = await scopeOfPlace(each, spender)
          if (scope !== 'all' && !/^(?:workspace|channel):/.test(scope))
            throw new ParleyError('command_invalid', 'A role is for the channel, the workspace or everywhere.')
          demand(membership, scope, spender)
          if (role === 'manager' && !scope.startsWith('channel:'))
            throw new ParleyError(
              'command_invalid',
              'Managers are of a channel. For the workspace: `/parley roles set <person> admin`.',
            )
          const id = scope === 'all' ? personId(call.conversation, person) : person
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
          if (role !== 'member') told.push(`<@${person}> is now ${value} of ${nameOf(scope, spender)}.`)
          else if (was !== undefined) told.push(`<@${person}> is no ${was} of ${nameOf(scope, spender)} any more.`)
        }
        if (told.length === 0) return { text: `<@${person}> has no role here that was given by command.` }
        return { text: told.join(' ') }
      },
    }),
    define({
      name: 'audit',
      summary: 'Who changed what, newest first',
      role: 'manager',
      args: {
        for: arg.optional(arg.place('Of what alone')),
        count: arg.optional(arg.number('How many', 1, 100)),
      },
      examples: ['audit', 'audit channel', 'audit 50'],
      async run({ for: place, count = auditLines }, caller) {
        const { spender, grants: membership } = caller
        const targetPlace = place ?? widest(membership)
        const scope = await scopeOfPlace(targetPlace, spender)
        demand(membership, scope, spender)
        const within =
          targetPlace.kind === 'workspace'
            ? { workspace: scope }
            : targetPlace.kind === 'all'
              ? {}
              : { scopes: [scope] }
        const entries = await audit.list({ ...within, limit: count })
        if (entries.length === 0) return { text: `Nothing was changed for ${nameOf(scope, spender)} by command yet.` }
        const timeZone = await timeZoneFor(deps, spender)
        const lines = entries.map((entry) => `- ${lineOf(entry, caller, timeZone)}`)
        return { text: lines.join('\n'), private: true }
      },
    }),
  ]
}

/** A stored value as people would say it: `on`, `amount 5, time zone UTC`. */
function inWords(value: Json): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (Array.isArray(value)) return value.map(inWords).join(', ')
  if (value === null || typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(
      ([name, each]) => `${name.replaceAll(/(?<=[a-z])[A-Z]/g, (sign) => ` ${sign.toLowerCase()}`)} ${inWords(each)}`,
    )
    .join(', ')
}

const both = [{ kind: 'workspace' }, { kind: 'channel' }] as const

function lineOf({ at, by, scope, name, before, after }: AuditEntry, { spender }: Caller, zone: string): string {
  const show = (value: Json) => (value === null ? 'nothing' : quoted(inWords(value), 120))
  return `${localTime(at, zone)}: ${by.name ?? by.id} changed ${code(name)} for ${nameOf(scope, spender)} from ${show(before)} to ${show(after)}`
}
