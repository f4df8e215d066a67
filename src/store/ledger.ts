/**
 * The ledger: one row for each attempt at something that costs money, and the sums that budgets are held to. Spending goes
 * through `Budget` (src/routing/budget.ts), which is made of it. The port, and its rows.
 */

import { z } from 'zod'
import { storableJson } from '../core/json.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import { type Period, periods } from '../core/window.ts'
import type { PaidCall, Settlement } from '../routing/budget.ts'
import type { Database, Statement } from './database.ts'

/** The budget that is in the way of a call. */
export interface Exceeded {
  id: string
  scope: Scope
  period: Period
  timeZone: string
  /** With what was granted for this window. */
  limit: NanoUsd
  spent: NanoUsd
  /** Held back for calls under way. */
  reserved: NanoUsd
  resetsAt: Date
}

export type Admission =
  /** Also when this id was reserved before. */
  { kind: 'admitted' } | { kind: 'refused'; by: Exceeded; alerts: number }

export interface Ended {
  /** It ended with this call; before, it had no end or only an estimated cost. */
  first: boolean
  reserved: NanoUsd
  /** Warnings that became due by it. */
  alerts: number
}

/** A warning to send. */
export interface DueAlert {
  budgetId: string
  scope: Scope
  period: Period
  timeZone: string
  startsAt: Date
  resetsAt: Date
  /** The highest threshold, in percent, that has no warning yet. */
  threshold: number
  limit: NanoUsd
  spent: NanoUsd
}

/** How fast a model was at most, over so many calls that its provider counted. */
export interface Fastest {
  tokensPerSecond: number
  calls: number
}

export interface Ledger {
  /**
   * Holds the call's worst case back in every budget of `scopes` or in none: one transaction, one round trip. `most` is
   * booked when it is neither renewed nor settled; default: the worst case. `at` is for tests; the database's clock counts.
   */
  reserve(
    call: PaidCall,
    scopes: Scope[],
    options: { leaseMs: number; most?: NanoUsd | undefined; at?: Date },
  ): Promise<Admission>
  /** Safe to repeat. `undefined`: nothing was reserved under this id. */
  settle(id: string, settlement: Settlement): Promise<Ended | undefined>
  release(id: string): Promise<Ended | undefined>
  /** Extends the leases of those that are still reserved, and keeps what each costs at most if it is never settled. */
  renew(open: { id: string; most: NanoUsd }[], leaseMs: number): Promise<void>
  /**
   * Ends reservations whose lease has run out, at the most that they can have cost: `most` as last renewed, and never more
   * than was reserved. Answers how many, and what is due.
   */
  expire(limit: number): Promise<{ expired: number; alerts: number }>
  /** Ends all leases now. Call it only when the processes that held them are gone. */
  dropLeases(): Promise<void>
  /** How fast models were at most, over the newest answers that their providers counted (src/routing/billable.ts). */
  speeds(): Promise<{ provider: string; id: string; fastest: Fastest }[]>
  /** Claims unsent warnings. The caller sends them, then calls `markAlertSent`. */
  claimAlerts(): Promise<DueAlert[]>
  markAlertSent(alert: Pick<DueAlert, 'budgetId' | 'startsAt' | 'threshold'>): Promise<void>
}

/** Amounts come as text: JSON's numbers end at 2^53. */
const Amount = z.string().transform(BigInt)
const isScope = (text: string): text is Scope => text === 'all' || /^(?:workspace|channel|user|model|key):./.test(text)

const Reserved = z.discriminatedUnion('state', [
  z.object({ state: z.enum(['reserved', 'settled', 'released', 'expired']) }),
  z.object({
    state: z.literal('refused'),
    alerts: z.number(),
    budget: z.object({
      id: z.string(),
      scope: z.custom<Scope>((scope) => typeof scope === 'string' && isScope(scope)),
      period: z.enum(periods),
      timeZone: z.string(),
      limit: Amount,
      spent: Amount,
      reserved: Amount,
      resetsAt: z.coerce.date(),
    }),
  }),
])
const End = z.object({ first: z.boolean(), reserved: Amount, alerts: z.number() }).nullable()

interface AlertRow {
  [column: string]: unknown
  id: string
  scope: Scope
  period: Period
  time_zone: string
  starts_at: Date
  ends_at: Date
  threshold: number
  spent: string
  limit: string
}

export function createLedger({ query }: Pick<Database, 'query'>): Ledger {
  async function end(...values: unknown[]): Promise<Ended | undefined> {
    const [row] = await query<{ answer: unknown }>(endCall, values)
    return End.parse(row?.answer) ?? undefined
  }

  return {
    async reserve(call, scopes, { leaseMs, most = call.worst, at }) {
      const { id, turnId, spender, kind, provider, model, worst, price } = call
      if (worst < 0n) throw new RangeError(`a call cannot cost less than nothing: ${worst}`)
      const { platform, workspaceId, channelId, userId, keyId } = spender
      const who = [platform, workspaceId, channelId, userId, keyId ?? null]
      const what = [kind, provider, model, worst, storableJson(price), leaseMs, at ?? null, most]
      const [row] = await query<{ answer: unknown }>(reserve, [id, turnId ?? null, ...who, scopes, ...what])
      const answer = Reserved.parse(row?.answer)
      if (answer.state !== 'refused') return { kind: 'admitted' }
      return { kind: 'refused', by: answer.budget, alerts: answer.alerts }
    },

    settle(id, { cost, usage, estimated, outcome, ms, firstTokenMs }) {
      if (cost < 0n) throw new RangeError(`a call cannot cost less than nothing: ${cost}`)
      const counted = usage === undefined ? null : storableJson(usage)
      const first = firstTokenMs === undefined ? null : Math.round(firstTokenMs)
      return end(id, 'settled', cost, counted, estimated, outcome, Math.round(ms), first)
    },
    release: (id) => end(id, 'released', 0n, null, false, null, null, null),

    async renew(open, leaseMs) {
      await query(renew, [open.map(({ id }) => id), open.map(({ most }) => most), leaseMs])
    },

    async dropLeases() {
      await query(dropLeases, [])
    },

    async expire(limit) {
      const rows = await query<{ id: string }>(lapsed, [limit])
      let [expired, alerts] = [0, 0]
      // One at a time: two rows of the ledger locked at once could wait for each other across processes.
      for (const { id } of rows) {
        const ended = await end(id, 'expired', null, null, true, null, null, null)
        if (ended?.first === true) expired += 1
        alerts += ended?.alerts ?? 0
      }
      return { expired, alerts }
    },

    async speeds() {
      const rows = await query<{ provider: string; model: string; fastest: number; calls: number }>(speeds, [])
      return rows.map(({ provider, model, fastest, calls }) => ({
        provider,
        id: model,
        fastest: { tokensPerSecond: fastest, calls },
      }))
    },

    async claimAlerts() {
      const rows = await query<AlertRow>(claimAlerts, [])
      return rows.map(({ id, scope, period, time_zone, starts_at, ends_at, threshold, spent, limit }) => ({
        budgetId: id,
        scope,
        period,
        timeZone: time_zone,
        startsAt: starts_at,
        resetsAt: ends_at,
        threshold,
        spent: BigInt(spent),
        limit: BigInt(limit),
      }))
    },

    async markAlertSent({ budgetId, startsAt, threshold }) {
      await query(markAlertSent, [budgetId, startsAt, threshold])
    },
  }
}

const reserve: Statement = {
  name: 'ledger_reserve',
  text: `
select ledger_reserve($1, $2, $3, $4, $5, $6, $7, $8::text[], $9, $10, $11, $12::bigint, $13::jsonb, $14::bigint,
  $15::timestamptz, $16::bigint) as answer`,
}

const endCall: Statement = {
  name: 'ledger_end',
  text: `
select ledger_end($1, $2::ledger_state, $3::bigint, $4::jsonb, $5::boolean, $6::text, $7::int, $8::int) as answer`,
}

const renew: Statement = {
  name: 'ledger_renew',
  text: `
update ledger set lease_until = clock_timestamp() + $3 * interval '1 millisecond', at_most = renewed.at_most
from unnest($1::uuid[], $2::bigint[]) renewed (id, at_most)
where ledger.id = renewed.id and ledger.state = 'reserved'`,
}

/** A little in the past: the column is rounded to milliseconds. */
const dropLeases: Statement = {
  name: 'ledger_drop_leases',
  text: `update ledger set lease_until = clock_timestamp() - interval '1 second' where state = 'reserved'`,
}

const lapsed: Statement = {
  name: 'ledger_lapsed',
  text: `select id from ledger where state = 'reserved' and lease_until < clock_timestamp() order by lease_until limit $1`,
}

/**
 * As `speed` of src/routing/billable.ts measures: the shown tokens after the first text, and the hidden ones before it. Whether
 * thoughts were shown is not in the ledger; where they were, this comes out too fast, which is the safe side.
 */
const speeds: Statement = {
  name: 'ledger_speeds',
  text: `
select provider, model, max(greatest(shown, hidden))::float8 as fastest, count(*)::int as calls
from (
  select provider, model,
    case when output - reasoning >= 20 and ms - first_token_ms >= 200
      then (output - reasoning) * 1000.0 / (ms - first_token_ms) end as shown,
    case when reasoning >= 20 and first_token_ms >= 200 then reasoning * 1000.0 / first_token_ms end as hidden
  from (
    select provider, model, ms, first_token_ms, (usage ->> 'output')::int as output, (usage ->> 'reasoning')::int as reasoning
    from ledger
    where state = 'settled' and outcome = 'ok' and kind = 'answer' and not estimated and first_token_ms is not null
    order by reserved_at desc limit 2000
  ) newest
) measured
where coalesce(shown, hidden) is not null
group by provider, model`,
}

const claimForMs = 60_000

/** The highest threshold of each window; it covers the lower ones. An unsent claim expires and can be claimed again. */
const claimAlerts: Statement = {
  name: 'budget_claim_alerts',
  text: `
with claimed as (
  update budget_alert set claimed_at = clock_timestamp()
  where told_at is null and (claimed_at is null or claimed_at < clock_timestamp() - ${claimForMs} * interval '1 millisecond')
  returning budget_id, starts_at, threshold
)
select budget.id, budget.scope, budget.period::text, budget.time_zone, highest.starts_at, counter.ends_at, highest.threshold,
  counter.spent, budget.amount + coalesce((
    select sum(given.amount) from budget_grant given where given.budget_id = budget.id
      and given.granted_at >= counter.starts_at and given.granted_at < counter.ends_at), 0)::bigint as limit
from (select budget_id, starts_at, max(threshold) as threshold from claimed group by budget_id, starts_at) highest
join budget on budget.id = highest.budget_id
join budget_window counter on counter.budget_id = highest.budget_id and counter.starts_at = highest.starts_at`,
}

const markAlertSent: Statement = {
  name: 'budget_alert_told',
  text: `
update budget_alert set told_at = clock_timestamp()
where budget_id = $1 and starts_at = $2 and threshold <= $3 and told_at is null`,
}
