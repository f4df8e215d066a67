/** What may be spent: `budget …`. */
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd, formatUsd, type NanoUsd } from '../../core/money.ts'
import { type Scope, scopeOf, scopesOf } from '../../core/scope.ts'
import { localTime, periods } from '../../core/window.ts'
import type { Model } from '../../models/catalogue.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import type { Audit } from '../../store/audit.ts'
import type { BudgetState, Budgets } from '../../store/budgets.ts'
import type { Keys } from '../../store/keys.ts'
import { changeId } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { demand, nameOf, type Place, scopeOfPlace } from '../place.ts'
import { bulleted, code } from '../text.ts'
import { timeZoneFor, type ZoneDeps } from '../time-zone.ts'

export interface BudgetDeps extends ZoneDeps {
  audit: Audit
  budgets: Budgets
  keys: Keys
  models(): Promise<Model[]>
}

const ofWhat = 'channel, workspace, everywhere, me, a mention, model:<name> or key:<name>'
const period = arg.choice('In each', periods)

export function budgetCommands(deps: BudgetDeps): Command[] {
  const { budgets } = deps
  const scopeFor = (place: Place, { spender }: Caller) =>
    scopeOfPlace(place, spender, (kind, id) => named(deps, kind, id))

  return [
    define({
      name: 'budget list',
      summary: 'What may be spent, and what is left of it',
      role: 'member',
      args: {},
      examples: ['budget list'],
      async run(_, { spender, grants: membership }) {
        const own = scopesOf(spender)
        const all = await budgets.list(membership.installation ? undefined : membership.workspace ? undefined : own)
        const below = scopeOf.workspace(spender).slice('workspace:'.length)
        const mine = all.filter(
          ({ scope }) =>
            membership.installation ||
            own.includes(scope) ||
            scope.startsWith('model:') ||
            scope.split(/:(.*)/s)[1]?.startsWith(`${below}/`),
        )
        if (mine.length === 0) return { text: 'No budgets are set. `/parley budget set workspace 100 month` sets one.' }
        return {
          text: bulleted(
            mine.map((state) => lineOf(state, nameOf(state.scope, spender))),
            '`/parley budget list` in the channel in question',
          ),
        }
      },
    }),
    define({
      name: 'budget set',
      summary: 'Sets what may be spent in each day, week or month',
      role: 'manager',
      changes: true,
      args: { for: arg.place(ofWhat), amount: arg.usd(), period },
      examples: [
        'budget set channel 20 month',
        'budget set workspace 100 month',
        'budget set <@U123> 1.50 day',
        'budget set model:gpt-5 5 day',
      ],
      async run({ for: place, amount, period }, caller) {
        const { spender, grants: membership, by } = caller
        const scope = await scopeFor(place, caller)
        demand(membership, scope, spender)
        const timeZone = await timeZoneFor(deps, spender)
        const { before, after } = await budgets.set({ scope, period, amount, timeZone }, by.id)
        await record(deps, caller, scope, `budget ${period}`, before, after)
        const was = before === null ? '' : ` It was ${formatUsd(before.amount)}.`
        return { text: `${capital(nameOf(scope, spender))}: ${formatUsd(amount)} a ${period}.${was} ${leftOf(after)}` }
      },
    }),
    define({
      name: 'budget remove',
      summary: 'Takes a budget away: there is no limit then',
      role: 'manager',
      changes: true,
      args: { for: arg.place(ofWhat), period },
      examples: ['budget remove channel month'],
      async run({ for: place, period }, caller) {
        const { spender, grants: membership } = caller
        const scope = await scopeFor(place, caller)
        demand(membership, scope, spender)
        const before = await budgets.remove(scope, period)
        if (before === null) return { text: none(nameOf(scope, spender), period) }
        await record(deps, caller, scope, `budget ${period}`, before, null)
        return {
          text: `${capital(nameOf(scope, spender))} has no budget for a ${period} any more. It was ${formatUsd(before.amount)}.`,
        }
      },
    }),
    define({
      name: 'budget grant',
      summary: 'Adds something to a budget, for this day, week or month alone',
      role: 'manager',
      changes: true,
      args: { for: arg.place(ofWhat), amount: arg.usd(), period },
      examples: ['budget grant channel 5 month'],
      async run({ for: place, amount, period }, caller) {
        const { spender, grants: membership, by } = caller
        const scope = await scopeFor(place, caller)
        demand(membership, scope, spender)
        if (amount === 0n)
          throw new ParleyError('command_invalid', 'Grant something, such as `/parley budget grant channel 5 month`.')
        const name = `budget grant ${period}`
        const after = await budgets.grant(changeId(caller, name), { scope, period, amount }, by.id)
        if (after === null) return { text: none(nameOf(scope, spender), period) }
        const before = { ...after, extra: after.extra - amount }
        await record(deps, caller, scope, name, before, after)
        return {
          text: `${capital(nameOf(scope, spender))} may spend ${formatUsd(amount)} more this ${period}. ${leftOf(after)}`,
        }
      },
    }),
  ]
}

/**
 * The budgets of a scope, with that of everybody those of models and keys, begin their windows by another zone. Answers how
 * many did not before.
 */
export async function moveBudgets(deps: BudgetDeps, caller: Caller, scope: Scope, timeZone: string): Promise<number> {
  const all = await deps.budgets.list(scope === 'all' ? undefined : [scope])
  const moving = all.filter((each) => (scope !== 'all' || placeless.test(each.scope)) && each.timeZone !== timeZone)
  for (const { scope: of, period, amount } of moving) {
    const { before, after } = await deps.budgets.set({ scope: of, period, amount, timeZone }, caller.by.id)
    await record(deps, caller, of, `budget ${period}`, before, after)
  }
  return moving.length
}

const placeless = /^(?:all$|model:|key:)/

async function record(
  { audit }: Pick<BudgetDeps, 'audit'>,
  caller: Caller,
  scope: Scope,
  name: string,
  before: BudgetState | null,
  after: BudgetState | null,
): Promise<void> {
  const change = { scope, name, before: amountOf(before), after: amountOf(after) }
  await audit.record({ id: changeId(caller, `${name} ${scope}`), by: caller.by, ...change })
}

/** Of a model or a key by its name. */
async function named(
  { models, keys }: Pick<BudgetDeps, 'models' | 'keys'>,
  kind: 'model' | 'key',
  id: string,
): Promise<Scope> {
  if (kind === 'model') {
    const found = resolveModel(await models(), id)
    return scopeOf.model(found.provider, found.id)
  }
  const key = (await keys.list()).find((each) => each.revokedAt === null && (each.name === id || each.id === id))
  if (key === undefined)
    throw new ParleyError('command_invalid', `There is no key ${code(id)}. \`/parley keys list\` shows all.`)
  return scopeOf.key(key.id)
}

function amountOf(state: BudgetState | null) {
  if (state === null) return null
  const { amount, extra, timeZone } = state
  return { amount: decimalUsd(amount), timeZone, ...(extra === 0n ? {} : { extra: decimalUsd(extra) }) }
}

function lineOf(state: BudgetState, where: string): string {
  const { amount, period, extra } = state
  const more = extra === 0n ? '' : ` and ${formatUsd(extra)} granted`
  return `${capital(where)}: ${formatUsd(amount)} a ${period}${more}. ${leftOf(state)}`
}

function leftOf({ spent, reserved, left, resetsAt, timeZone }: BudgetState): string {
  const held = reserved === 0n ? '' : `, ${formatUsd(reserved)} held for answers under way`
  return `Spent ${formatUsd(spent)}${held}, left ${formatUsd(atLeastNothing(left))}; it resets on ${localTime(resetsAt, timeZone)}`
}

const atLeastNothing = (amount: NanoUsd) => (amount < 0n ? 0n : amount)
const capital = (where: string) => where.charAt(0).toUpperCase() + where.slice(1)
const none = (where: string, period: string) =>
  `${capital(where)} has no budget for a ${period}. \`/parley budget list\` shows those there are.`
