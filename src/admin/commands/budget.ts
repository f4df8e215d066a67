/** Spending limits: `budget …`. */
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd } from '../../core/money.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import { type Scope, scopeOf, scopesOf } from '../../core/scope.ts'
import { localTime, periods } from '../../core/window.ts'
import type { Model } from '../../models/catalogue.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import type { Audit } from '../../store/audit.ts'
import type { BudgetState, Budgets } from '../../store/budgets.ts'
import type { Keys } from '../../store/keys.ts'
import { scopeName } from '../../wording/commands.ts'
import { budgetWording, keyWording } from '../../wording/commands-money.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeId } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { timeZoneFor, type ZoneDeps } from '../effective.ts'
import { demand, type Place, scopeOfPlace } from '../place.ts'

export interface BudgetDeps extends ZoneDeps {
  audit: Audit
  budgets: Budgets
  keys: Keys
  models(): Promise<Model[]>
}

const budgetOf = 'channel, workspace, everywhere, me, a mention, model:<name> or key:<name>'
const period = arg.choice('How often it resets', periods)

export function budgetCommands(deps: BudgetDeps): Command[] {
  const { budgets } = deps
  const scopeFor = (place: Place, { spender }: Caller) =>
    scopeOfPlace(place, spender, (kind, id) => named(deps, kind, id))

  return [
    define({
      name: 'budget list',
      summary: 'Lists the budgets and how much of them is left',
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
        if (mine.length === 0) return { text: budgetWording.none }
        return {
          text: bulleted(
            mine.map((state) => budgetWording.line(scopeName(state.scope, spender), state, resetsOf(state))),
            budgetWording.listAll,
          ),
        }
      },
    }),
    define({
      name: 'budget set',
      summary: 'Limits spending per day, week or month',
      role: 'manager',
      changes: true,
      args: { for: arg.place(budgetOf), amount: arg.usd(), period },
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
        return { text: budgetWording.set(scopeName(scope, spender), after, before?.amount ?? null, resetsOf(after)) }
      },
    }),
    define({
      name: 'budget remove',
      summary: 'Removes a budget, so that spending has no limit',
      role: 'manager',
      changes: true,
      args: { for: arg.place(budgetOf), period },
      examples: ['budget remove channel month'],
      async run({ for: place, period }, caller) {
        const { spender, grants: membership } = caller
        const scope = await scopeFor(place, caller)
        demand(membership, scope, spender)
        const before = await budgets.remove(scope, period)
        const who = scopeName(scope, spender)
        if (before === null) return { text: budgetWording.missing(who, period) }
        await record(deps, caller, scope, `budget ${period}`, before, null)
        return { text: budgetWording.removed(who, period, before.amount) }
      },
    }),
    define({
      name: 'budget grant',
      summary: 'Adds money to a budget, only for the current day, week or month',
      role: 'manager',
      changes: true,
      args: { for: arg.place(budgetOf), amount: arg.usd(), period },
      examples: ['budget grant channel 5 month'],
      async run({ for: place, amount, period }, caller) {
        const { spender, grants: membership, by } = caller
        const scope = await scopeFor(place, caller)
        demand(membership, scope, spender)
        if (amount === 0n) throw new ParleyError('command_invalid', budgetWording.grantNothing)
        const name = `budget grant ${period}`
        const after = await budgets.grant(changeId(caller, name), { scope, period, amount }, by.id)
        const who = scopeName(scope, spender)
        if (after === null) return { text: budgetWording.missing(who, period) }
        const before = { ...after, extra: after.extra - amount }
        await record(deps, caller, scope, name, before, after)
        return { text: budgetWording.granted(who, amount, after, resetsOf(after)) }
      },
    }),
  ]
}

/**
 * Moves the budgets of a scope to another time zone; those of models and keys move with the scope of everyone. Returns how
 * many moved.
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

/** The scope of a model or a key, by its name. */
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
  if (key === undefined) throw new ParleyError('command_invalid', keyWording.unknown(id))
  return scopeOf.key(key.id)
}

function amountOf(state: BudgetState | null) {
  if (state === null) return null
  const { amount, extra, timeZone } = state
  return omitUndefined({ amount: decimalUsd(amount), timeZone, extra: extra === 0n ? undefined : decimalUsd(extra) })
}

const resetsOf = ({ resetsAt, timeZone }: BudgetState) => localTime(resetsAt, timeZone)
