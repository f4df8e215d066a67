/** Rate limits, the time zone, and where alerts go: `limits …`, `timezone`, `alerts …`. */
import { ParleyError } from '../../core/errors.ts'
import { scopeOf, scopesOf } from '../../core/scope.ts'
import { isTimeZone, localTime } from '../../core/window.ts'
import type { SettingName } from '../../store/settings.ts'
import { alertWording, type Limit, limitWording, scopeName, timeZoneWording } from '../../wording/commands.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeSetting } from '../changes.ts'
import { arg, type Command, define } from '../define.ts'
import { timeZoneFor } from '../effective.ts'
import { type BudgetDeps, moveBudgets } from './budget.ts'

const limits = {
  rate: 'limits.requestsPerMinute',
  turns: 'limits.concurrentTurns',
} as const satisfies Record<Limit, SettingName>
const alertsOf = 'Whose alerts: the workspace, this channel, or everywhere'

export function limitCommands(deps: BudgetDeps): Command[] {
  const { settings } = deps
  return [
    define({
      name: 'limits show',
      summary: 'Shows the limits on questions and answers',
      role: 'member',
      args: {},
      examples: ['limits show'],
      async run(_, { spender, names }) {
        const scopes = scopesOf(spender)
        const found = await settings.read(scopes)
        const lines = scopes.flatMap((scope) =>
          (['rate', 'turns'] as const).flatMap((limit) => {
            const value = found.get(scope)?.[limits[limit]]
            return value === undefined ? [] : [limitWording.line(scopeName(scope, spender, names), limit, value)]
          }),
        )
        return { text: lines.length === 0 ? limitWording.none : bulleted(lines) }
      },
    }),
    define({
      name: 'limits set',
      summary: 'Limits questions per minute (rate) or answers at a time (turns)',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('rate or turns', ['rate', 'turns']),
        most: arg.word('A whole number, or off'),
        for: arg.optional(arg.place('A channel, a person, the workspace, or everywhere')),
      },
      examples: [
        'limits set rate 10 for channel',
        'limits set turns 2 for workspace',
        'limits set rate off for channel',
      ],
      async run({ what, most, for: place }, caller) {
        const limit = /^(?:off|none)$/i.test(most) ? null : Number(most)
        if (limit !== null && (!Number.isInteger(limit) || limit < 1 || limit > 100_000))
          throw new ParleyError('command_invalid', limitWording.notALimit(most))
        const { before, who } = await changeSetting(settings, caller, limits[what], () => limit, { place })
        const was = before === limit ? null : before
        if (limit === null) return { text: limitWording.removed(who, what, was) }
        return { text: limitWording.set(who, what, limit, was) }
      },
    }),
    define({
      name: 'timezone',
      summary: 'Shows or sets the time zone in which budgets reset',
      role: 'member',
      changes: true,
      args: {
        zone: {
          ...arg.optional(arg.word('A time zone, such as Europe/Berlin')),
          suggest: async () => ['UTC', ...Intl.supportedValuesOf('timeZone')],
        },
        for: arg.optional(arg.place()),
      },
      examples: ['timezone', 'timezone Europe/Berlin', 'timezone America/New_York for workspace'],
      async run({ zone, for: place }, caller) {
        if (zone === undefined) {
          const current = await timeZoneFor(deps, caller.spender)
          return { text: `${timeZoneWording.current(current)} ${timeZoneWording.now(localTime(new Date(), current))}` }
        }
        if (!isTimeZone(zone)) throw new ParleyError('command_invalid', timeZoneWording.unknown(zone))
        const { scope, who } = await changeSetting(settings, caller, 'timezone', () => zone, { place })
        const moved = await moveBudgets(deps, caller, scope, zone)
        const now = timeZoneWording.now(localTime(new Date(), zone))
        return { text: `${timeZoneWording.set(who, zone)} ${now}${timeZoneWording.budgetsMoved(moved)}` }
      },
    }),
    define({
      name: 'alerts show',
      summary: 'Shows where alerts go',
      role: 'member',
      args: {},
      examples: ['alerts show'],
      async run(_, { spender, names }) {
        const found = await settings.read(scopesOf(spender))
        const lines = [...found].flatMap(([scope, values]) => {
          const target = values['alerts.target']?.conversation
          if (target === undefined) return []
          const channel = scopeOf.channel(target)
          return [alertWording.line(scopeName(scope, spender, names), scopeName(channel, spender, names))]
        })
        return { text: lines.length === 0 ? alertWording.off : bulleted(lines) }
      },
    }),
    define({
      name: 'alerts here',
      summary: 'Sends alerts and approval requests to this channel',
      role: 'manager',
      changes: true,
      args: { for: arg.optional(arg.place(alertsOf)) },
      examples: ['alerts here', 'alerts here for channel'],
      async run({ for: place }, caller) {
        const target = caller.call.replyTarget
        const { who } = await changeSetting(settings, caller, 'alerts.target', () => target, { place })
        return { text: alertWording.here(who) }
      },
    }),
    define({
      name: 'alerts off',
      summary: 'Turns alerts and approval requests off',
      role: 'manager',
      changes: true,
      args: { for: arg.optional(arg.place(alertsOf)) },
      examples: ['alerts off', 'alerts off for channel'],
      async run({ for: place }, caller) {
        const { before, who } = await changeSetting(settings, caller, 'alerts.target', () => null, { place })
        return { text: before === null ? alertWording.wasOff(who) : alertWording.turnedOff(who) }
      },
    }),
  ]
}
