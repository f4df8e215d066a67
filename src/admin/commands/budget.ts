/** Spending limits: `budget …`. */
import { ParleyError } from '../../core/errors.ts'
import { decimalUsd } from '../../core/money.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import { readScope, type Scope, scopeOf, scopesOf } from '../../core/scope.ts'
import { localTime, periods } from '../../core/window.ts'
import type { Model } from '../../models/catalogue.ts'
import { resolveModel } from '../../models/resolve-model.ts'
import type { Audit } from '../../store/audit.ts'
import type { BudgetState, Budgets } from '../../store/budgets.ts'
import type { Keys } from '../../store/keys.ts'
import type { Booking, Ledger } from '../../store/ledger.ts'
import { modelName, scopeName } from '../../wording/commands.ts'
import { budgetWording, keyWording } from '../../wording/commands-money.ts'
import { bulleted } from '../../wording/phrases.ts'
import { changeId } from '../changes.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { timeZoneFor, type ZoneDeps } from '../effective.ts'
import { canReadBudget, demandInstallation } from '../grants.ts'
import { demand, type Place, scopeOfPlace } from '../place.ts'

export interface BudgetDeps extends ZoneDeps {
  audit: Audit
  budgets: Budgets
  keys: Keys
  models(): Promise<Model[]>
  ledger: Pick<Ledger, 'bookings' | 'correct'>
}

const budgetOf = 'channel, workspace, everywhere, me, a mention, @name, team:, model: or key:'
const period = arg.choice('How often it resets', periods)

export function budgetCommands(deps: BudgetDeps): Command[] {
  const { budgets, ledger } = deps
  const scopeFor = (place: Place, caller: Caller) =>
    scopeOfPlace(place, caller, (kind, id) => {
      // Whether there is such a key is only for those who can change its budget.
      if (kind === 'key') demandInstallation(caller.grants, budgetWording.changeOfKeys)
      return named(deps, kind, id)
    })

  return [
    define({
      name: 'budget list',
      summary: 'Lists the budgets and how much of them is left',
      role: 'member',
      args: {},
      examples: ['budget list'],
      async run(_, { spender, grants, names }) {
        const everything = grants.workspace || grants.amounts || grants.managed.size > 0
        const all = await budgets.list(everything ? undefined : scopesOf(spender))
        const shown = all.filter(({ scope }) => canReadBudget(grants, scope, spender))
        if (shown.length === 0) return { text: grants.installation ? budgetWording.none : budgetWording.noneForYou }
        return {
          text: bulleted(
            shown.map((state) => budgetWording.line(scopeName(state.scope, spender, names), state, resetsOf(state))),
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
        'budget set 20 month for channel',
        'budget set 100 month for workspace',
        'budget set 1.50 day for <@U123>',
        'budget set 5 day for model:gpt-5',
      ],
      async run({ for: place, amount, period }, caller) {
        const { spender, by } = caller
        const scope = await scopeFor(place, caller)
        demand(caller, scope)
        const timeZone = await timeZoneFor(deps, spender)
        const { before, after } = await budgets.set({ scope, period, amount, timeZone }, by.id)
        await record(deps, caller, scope, `budget ${period}`, before, after)
        const who = scopeName(scope, spender, caller.names)
        return { text: budgetWording.set(who, after, before?.amount ?? null, resetsOf(after)) }
      },
    }),
    define({
      name: 'budget remove',
      summary: 'Removes a budget, so that spending has no limit',
      role: 'manager',
      changes: true,
      args: { for: arg.place(budgetOf), period },
      examples: ['budget remove month for channel'],
      async run({ for: place, period }, caller) {
        const { spender } = caller
        const scope = await scopeFor(place, caller)
        demand(caller, scope)
        const before = await budgets.remove(scope, period)
        const who = scopeName(scope, spender, caller.names)
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
      examples: ['budget grant 5 month for channel'],
      async run({ for: place, amount, period }, caller) {
        const { spender, by } = caller
        const scope = await scopeFor(place, caller)
        demand(caller, scope)
        if (amount === 0n) throw new ParleyError('command_invalid', budgetWording.grantNothing)
        const name = `budget grant ${period}`
        const after = await budgets.grant(changeId(caller, name), { scope, period, amount }, by.id)
        const who = scopeName(scope, spender, caller.names)
        if (after === null) return { text: budgetWording.missing(who, period) }
        const before = { ...after, extra: after.extra - amount }
        await record(deps, caller, scope, name, before, after)
        return { text: budgetWording.granted(who, amount, after, resetsOf(after)) }
      },
    }),
    define({
      name: 'budget bookings',
      summary: 'Lists the dearest calls of the last 31 days, with the ids for `budget correct`',
      role: 'admin',
      args: { for: arg.optional(arg.place(budgetOf)) },
      examples: ['budget bookings', 'budget bookings key:website', 'budget bookings model:gpt-5'],
      async run({ for: place }, caller) {
        demandInstallation(caller.grants, budgetWording.seeBookings)
        const scope = place === undefined ? undefined : await scopeFor(place, caller)
        const timeZone = await timeZoneFor(deps, caller.spender)
        const found = await ledger.bookings({ scope, from: monthAgo(), limit: shownBookings })
        if (found.length === 0) return { text: budgetWording.noBookings, private: true }
        const lines = found.map((booking) => {
          const whose = scopeName(narrowest(booking), caller.spender, caller.names)
          return budgetWording.booking(booking, modelOf(booking, caller), whose, localTime(booking.at, timeZone))
        })
        return { text: bulleted(lines), private: true }
      },
    }),
    define({
      name: 'budget correct',
      summary: 'Corrects what a call is booked at, in all of its budgets',
      role: 'admin',
      changes: true,
      args: {
        booking: arg.word('The id of the call, from `budget bookings`', 36),
        amount: arg.usd('What it really cost, in USD'),
        reason: arg.rest('Why, for the audit log', 500),
      },
      examples: ['budget correct 1f0c9a52 0.02 the provider counted 140 million tokens for one word'],
      async run({ booking: id, amount, reason }, caller) {
        demandInstallation(caller.grants, budgetWording.correctBookings)
        const found = await bookingNamed(ledger, id)
        const name = `booking ${found.id.slice(0, 8)}`
        const before = await ledger.correct(found.id, amount, {
          id: changeId(caller, name),
          by: caller.by,
          scope: narrowest(found),
          name,
          before: { model: `${found.provider}/${found.model}` },
          after: { reason },
        })
        if (before === null) throw new ParleyError('command_invalid', budgetWording.noBooking(id))
        return { text: budgetWording.corrected(before, modelOf(before, caller), amount) }
      },
    }),
  ]
}

const shownBookings = 20

const modelOf = ({ provider, model }: Booking, { names }: Caller) => modelName(provider, model, names)

function monthAgo(): Date {
  const at = new Date()
  at.setUTCDate(at.getUTCDate() - 31)
  return at
}

/** By its id or the beginning of it; a correction may come long after the call. */
async function bookingNamed(ledger: BudgetDeps['ledger'], typed: string): Promise<Booking> {
  const idStart = typed.toLowerCase()
  if (!/^[0-9a-f-]{6,36}$/.test(idStart)) throw new ParleyError('command_invalid', budgetWording.noBooking(typed))
  const [found, another] = await ledger.bookings({ from: new Date(0), idStart, limit: 2 })
  if (found === undefined) throw new ParleyError('command_invalid', budgetWording.noBooking(typed))
  if (another !== undefined) throw new ParleyError('command_invalid', budgetWording.severalBookings(typed))
  return found
}

/** Whose call it was: the key's or the person's. The model's scope is the last of all. */
function narrowest({ scopes }: Booking): Scope {
  return scopes.findLast((scope) => !scope.startsWith('model:')) ?? 'all'
}

/**
 * Moves the budgets of a scope to another time zone; those of teams, people, models and keys move with the scope of everyone. Returns how
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

const placeless = /^(?:all$|team:|person:|model:|key:)/

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
    const all = await models()
    // As a scope is written, with its parts escaped: buttons name it so.
    const scope = readScope(`model:${id}`)
    const found = all.find((each) => scopeOf.model(each.provider, each.id) === scope) ?? resolveModel(all, id)
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
