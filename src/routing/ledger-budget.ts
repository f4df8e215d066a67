/**
 * The door of every paid call, over the ledger: reserves, keeps what is under way alive, settles, and has admins warned.
 * A settlement that cannot be written is tried again here until it is. Each renewal stores what the call can have cost at
 * most until the next one; should the process die, the reservation's lease ends and that counts. So the budgets never hold
 * less than what was spent.
 */
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import { type Scope, scopeOf, scopesOf } from '../core/scope.ts'
import type { Channel } from '../queue/channel.ts'
import type { DueAlert } from '../store/budget-alerts.ts'
import type { BudgetState, Budgets } from '../store/budgets.ts'
import type { Ended, Ledger } from '../store/ledger.ts'
import { type Budget, BudgetExhausted, BudgetHeld, type PaidCall, type Reservation, type Settlement } from './budget.ts'

export interface LedgerBudgetDeps {
  ledger: Ledger
  budgets: Pick<Budgets, 'list' | 'approved'>
  /** Which scopes have a budget at all; from memory. */
  limited(): Promise<ReadonlySet<string>>
  /** Tells admins. Rejects when that failed: it is tried again later. */
  alert(due: DueAlert): Promise<void>
  /** Tells admins of a server that counts more tokens than possible. */
  miscounted?(call: PaidCall, booked: Usage & Required<Pick<Usage, 'told'>>): Promise<void>
  log: Log
  leaseMs?: number
  renewMs?: number
}

export interface LedgerBudget extends Budget {
  /** Ends what crashed processes left, and tells what they did not. For the regular sweep. */
  sweep(): Promise<void>
  /** The same at the start of a process that is alone with the database: no other one can still settle anything. */
  takeOver(): Promise<void>
  /** Ends the renewals; what is open ends with its lease. */
  close(): Promise<void>
}

/** Longer than a worker goes on that cannot renew its turn's lease (store/turns.ts): until then the worker settles. */
const defaultLeaseMs = 20_000
const defaultRenewMs = 1_000
/** A process that has not renewed after so many of its intervals was dead by then, also on a machine under load. */
const lateRenewals = 3
/** No call takes longer: what is still open then was forgotten. */
const longestMs = 3_600_000
const expiredAtOnce = 200

interface Open {
  since: number
  most(aheadMs: number): NanoUsd
  /** What could not be written so far. */
  unwritten?: () => Promise<Ended | undefined>
}

export function createLedgerBudget(deps: LedgerBudgetDeps): LedgerBudget {
  const { ledger, budgets, log, leaseMs = defaultLeaseMs, renewMs = Math.min(defaultRenewMs, leaseMs / 3) } = deps
  const aheadMs = renewMs * lateRenewals
  const open = new Map<string, Open>()
  const sendingAlerts = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined

  async function tend(): Promise<void> {
    const now = performance.now()
    for (const [id, { since, unwritten }] of open) {
      if (unwritten) await write(id, unwritten)
      else if (now - since > longestMs) {
        open.delete(id)
        log.error({ ledger: id }, 'a reservation was never settled; its lease ends')
      }
    }
    const alive = [...open].flatMap(([id, { unwritten, most }]) => (unwritten ? [] : [{ id, most: most(aheadMs) }]))
    if (alive.length > 0) await ledger.renew(alive, leaseMs)
  }

  function watch({ id, worst, most = () => worst }: PaidCall): void {
    open.set(id, { since: performance.now(), most })
    timer ??= setInterval(() => {
      tend().catch((error: unknown) => log.warn(errorFields(error), 'reservations not renewed; tried again'))
    }, renewMs).unref()
  }

  async function write(id: string, ending: () => Promise<Ended | undefined>): Promise<Ended | undefined> {
    try {
      const ended = await ending()
      open.delete(id)
      if (ended && ended.alerts > 0) sendAlertsSoon()
      return ended
    } catch (error) {
      if (error instanceof RangeError) throw error
      log.error({ ledger: id, ...errorFields(error) }, 'a settlement is not written yet; tried again')
      open.set(id, { since: performance.now(), most: () => 0n, unwritten: ending })
      return undefined
    }
  }

  async function sendAlerts(): Promise<void> {
    for (const due of await ledger.claimAlerts()) {
      await deps.alert(due)
      await ledger.markAlertSent(due)
    }
  }
  /** A later sweep sends what fails. */
  const sendAlertsSoon = () => inBackground(sendAlerts(), 'budget warning not sent; a later sweep tries again')

  function inBackground(work: Promise<void>, failed: string): void {
    const sending = work
      .catch((error: unknown) => log.warn(errorFields(error), failed))
      .finally(() => sendingAlerts.delete(sending))
    sendingAlerts.add(sending)
  }

  return {
    async reserve(call) {
      const { spender, provider, model, worst } = call
      const scopes = [...scopesOf(spender), scopeOf.model(provider, model)]
      const admission = await ledger.reserve(call, scopes, { leaseMs, most: call.most?.(aheadMs) })
      if (admission.kind === 'refused') {
        if (admission.alerts > 0) sendAlertsSoon()
        const { by } = admission
        throw by.spent + worst <= by.limit ? new BudgetHeld(by) : new BudgetExhausted(by, worst)
      }
      watch(call)
      return reservation(call)
    },

    async left(spender, models, turnId) {
      const limited = await deps.limited()
      const own = scopesOf(spender)
      const each = models.map((model) => scopeOf.model(model.provider, model.id))
      const concerned = [...own, ...new Set(each)].filter((scope) => limited.has(scope))
      if (concerned.length === 0) return models.map(() => null)
      const [states, approved] = await Promise.all([
        budgets.list(concerned),
        turnId === undefined ? null : budgets.approved(turnId),
      ])
      return each.map((scope) => leastLeft(states, [...own, scope], approved))
    },

    async sweep() {
      await expire()
      await sendAlerts()
    },

    async takeOver() {
      await ledger.dropLeases()
      while ((await expire()) === expiredAtOnce);
    },

    async close() {
      clearInterval(timer)
      await Promise.all(sendingAlerts)
    },
  }

  async function expire(): Promise<number> {
    const { expired, alerts } = await ledger.expire(expiredAtOnce)
    if (expired > 0)
      log.warn({ reservations: expired }, 'reservations ended unsettled, charged at the most they can be')
    if (alerts > 0) log.info({ alerts }, 'budget warnings became due')
    return expired
  }

  function tellMiscount(call: PaidCall, usage: Usage | undefined): void {
    if (usage?.told === undefined) return
    const { id, provider, model } = call
    const { input, output, told } = usage
    const counts = { told, booked: { input, output } }
    log.warn({ ledger: id, provider, model, ...counts }, 'a server counted more tokens than possible')
    if (deps.miscounted === undefined) return
    inBackground(deps.miscounted(call, { ...usage, told }), 'admins were not told of a wrong count of tokens')
  }

  function reservation(call: PaidCall): Reservation {
    const { id, worst, provider, model } = call
    return {
      async settle(settlement: Settlement) {
        const booked = settlement.cost > worst ? { ...settlement, cost: worst, estimated: true } : settlement
        if (booked !== settlement) {
          const amounts = { worst: worst.toString(), told: settlement.cost.toString() }
          log.error(
            { ledger: id, provider, model, ...amounts },
            'a call is said to cost more than it can; booked at that',
          )
        }
        await write(id, () => ledger.settle(id, booked))
        tellMiscount(call, settlement.usage)
        return booked.cost
      },
      async release() {
        await write(id, () => ledger.release(id))
      },
    }
  }
}

/** The least over some scopes, never less than nothing; `null`: no limit. An approval counts beyond every limit. */
function leastLeft(states: readonly BudgetState[], scopes: readonly Scope[], approved: NanoUsd | null): NanoUsd | null {
  const limits = states.filter(({ scope }) => scopes.includes(scope)).map(({ left }) => left)
  const [least] = limits.toSorted((a, b) => (a < b ? -1 : 1))
  if (least === undefined) return null
  return approved !== null && approved > least ? approved : least > 0n ? least : 0n
}

/** Published when budgets come or go. */
export const budgetsTopic = 'budgets-changed'

/**
 * Which scopes have a budget, kept in memory: where none concerns a question, nothing is asked. Told of changes through the
 * channel, and looked up again in the background when that is long ago, because the channel may lose a message. It only
 * spares the router questions: a reservation always looks at the budgets themselves.
 */
export interface LimitedScopes {
  scopes(): Promise<ReadonlySet<string>>
  close(): Promise<void>
}

export async function createLimitedScopes(deps: {
  budgets: Pick<Budgets, 'scopes'>
  channel: Pick<Channel, 'subscribe'>
  log: Log
  maxAgeMs?: number
  now?: () => number
}): Promise<LimitedScopes> {
  const { budgets, channel, log, maxAgeMs = 15_000, now = () => performance.now() } = deps
  let known: Promise<ReadonlySet<string>> | undefined
  let loadedAt = Number.NEGATIVE_INFINITY

  function load(): Promise<ReadonlySet<string>> {
    loadedAt = now()
    return budgets.scopes()
  }
  const close = await channel.subscribe(budgetsTopic, () => {
    known = undefined
  })

  return {
    scopes() {
      if (known === undefined) {
        const first = load()
        known = first
        // What failed is asked again by the next.
        first.catch(() => {
          if (known === first) known = undefined
        })
      } else if (now() - loadedAt > maxAgeMs) {
        const before = known
        void load().then(
          (scopes) => {
            // A change that came in meanwhile is newer.
            if (known === before) known = Promise.resolve(scopes)
          },
          (error: unknown) => log.warn(errorFields(error), 'budgets not looked up; those known are used'),
        )
      }
      return known
    },
    close,
  }
}
