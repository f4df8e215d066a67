/** How much at a time, in which time zone, and where alerts go: `limits …`, `timezone`, `alerts …`. */
import { ParleyError } from '../../core/errors.ts'
import { scopeOf, scopesOf } from '../../core/scope.ts'
import { isTimeZone, localTime } from '../../core/window.ts'
import { changeSetting, forWhere } from '../changes.ts'
import { arg, type Command, define } from '../define.ts'
import { nameOf } from '../place.ts'
import { bulleted, code } from '../text.ts'
import { timeZoneFor } from '../time-zone.ts'
import { type BudgetDeps, moveBudgets } from './budget.ts'

const kinds = {
  rate: { setting: 'limits.requestsPerMinute', unit: 'questions a minute' },
  turns: { setting: 'limits.concurrentTurns', unit: 'answers at the same time' },
} as const

export function limitCommands(deps: BudgetDeps): Command[] {
  const { settings } = deps
  return [
    define({
      name: 'limits show',
      summary: 'How many questions people and channels may ask',
      role: 'member',
      args: {},
      examples: ['limits show'],
      async run(_, { spender }) {
        const scopes = scopesOf(spender)
        const found = await settings.read(scopes)
        const lines = scopes.flatMap((scope) =>
          Object.values(kinds).flatMap(({ setting, unit }) => {
            const value = found.get(scope)?.[setting]
            return value === undefined ? [] : [`For ${nameOf(scope, spender)}: ${value} ${unit}`]
          }),
        )
        if (lines.length === 0)
          return { text: 'No limits are set by command here. `/parley limits set rate 10 channel` sets one.' }
        return { text: bulleted(lines) }
      },
    }),
    define({
      name: 'limits set',
      summary: 'Limits questions a minute (rate) or answers at the same time (turns)',
      role: 'manager',
      changes: true,
      args: {
        what: arg.choice('rate or turns', ['rate', 'turns']),
        most: arg.word('A number, or off'),
        for: arg.optional(arg.place('The channel, a person, or everybody: workspace')),
      },
      examples: ['limits set rate 10 channel', 'limits set turns 2 workspace', 'limits set rate off channel'],
      async run({ what, most, for: place }, caller) {
        const { setting, unit } = kinds[what]
        const limit = /^(?:off|none)$/i.test(most) ? null : Number(most)
        if (limit !== null && (!Number.isInteger(limit) || limit < 1 || limit > 100_000))
          throw new ParleyError('command_invalid', `A limit is a whole number from 1, or off, not ${code(most)}.`)
        const { before, where } = await changeSetting(settings, caller, setting, () => limit, { place })
        const was = before === null || before === limit ? '' : ` It was ${before}.`
        if (limit === null) return { text: `No limit on ${unit}${forWhere(where)} any more.${was}` }
        return { text: `At most ${limit} ${unit}${forWhere(where)}.${was}` }
      },
    }),
    define({
      name: 'timezone',
      summary: 'In which time zone days, weeks and months begin',
      role: 'member',
      changes: true,
      args: {
        zone: {
          ...arg.optional(arg.word('Such as Europe/Berlin')),
          suggest: async () => ['UTC', ...Intl.supportedValuesOf('timeZone')],
        },
        for: arg.optional(arg.place()),
      },
      examples: ['timezone', 'timezone Europe/Berlin', 'timezone America/New_York for workspace'],
      async run({ zone, for: place }, caller) {
        if (zone === undefined) {
          const holds = await timeZoneFor(deps, caller.spender)
          return { text: `Days begin by ${holds}. It is ${localTime(new Date(), holds)}.` }
        }
        if (!isTimeZone(zone))
          throw new ParleyError(
            'command_invalid',
            `${code(zone)} is no time zone. Use a name such as \`Europe/Berlin\` or \`UTC\`.`,
          )
        const { scope, where } = await changeSetting(settings, caller, 'timezone', () => zone, { place })
        const moved = await moveBudgets(deps, caller, scope, zone)
        const budgets = moved === 0 ? '' : ` Budgets that reset by it from now on: ${moved}.`
        return { text: `Days begin by ${zone}${forWhere(where)}: it is ${localTime(new Date(), zone)}.${budgets}` }
      },
    }),
    define({
      name: 'alerts show',
      summary: 'Where alerts are told',
      role: 'member',
      args: {},
      examples: ['alerts show'],
      async run(_, { spender }) {
        const found = await settings.read(scopesOf(spender))
        const lines = [...found].flatMap(([scope, values]) => {
          const target = values['alerts.target']?.conversation
          if (target === undefined) return []
          const channel = scopeOf.channel(target)
          return [`For ${nameOf(scope, spender)}: in ${nameOf(channel, spender)}`]
        })
        if (lines.length === 0)
          return { text: 'Alerts are told nowhere. `/parley alerts here` tells them in the channel it is typed in.' }
        return { text: bulleted(lines) }
      },
    }),
    define({
      name: 'alerts here',
      summary: 'Tells alerts and asks for approvals in this channel',
      role: 'manager',
      changes: true,
      args: { for: arg.optional(arg.place('Of what: the workspace, this channel, everywhere')) },
      examples: ['alerts here', 'alerts here for channel'],
      async run({ for: place }, caller) {
        const target = caller.call.replyTarget
        const { where } = await changeSetting(settings, caller, 'alerts.target', () => target, { place })
        return { text: `Alerts and requests for approval${forWhere(where)} come here from now on.` }
      },
    }),
    define({
      name: 'alerts off',
      summary: 'Tells alerts nowhere',
      role: 'manager',
      changes: true,
      args: { for: arg.optional(arg.place('Of what: the workspace, this channel, everywhere')) },
      examples: ['alerts off', 'alerts off for channel'],
      async run({ for: place }, caller) {
        const { before, where } = await changeSetting(settings, caller, 'alerts.target', () => null, { place })
        if (before === null) return { text: `No place for alerts was set${forWhere(where)}.` }
        return {
          text: `Alerts and requests for approval${forWhere(where)} are told nowhere now. \`/parley alerts here\` brings them back.`,
        }
      },
    }),
  ]
}
