/**
 * The ledger: one row for each attempt at something that costs money, and the sums that budgets are held to. Spending goes
 * through `Budget` (src/routing/budget.ts), which is made of it. The port, and its rows.
 */

import { z } from 'zod'
import { storableJson } from '../core/json.ts'
import { boundedCost, boundedCount, type NanoUsd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import { isScope, type Scope } from '../core/scope.ts'
import { type Period, periods } from '../core/window.ts'
import type { PaidCall, Settlement } from '../routing/budget.ts'
import type { AuditEntry } from './audit.ts'
import { type BudgetAlerts, createBudgetAlerts } from './budget-alerts.ts'
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

/** A call that has ended, and what it is booked at. */
export interface Booking {
  id: string
  at: Date
  scopes: Scope[]
  kind: string
  provider: string
  model: string
  cost: NanoUsd
  /** The most that was held back for it. */
  reserved: NanoUsd
  estimated: boolean
}

/** The entry in the audit log that a correction makes; what it was booked at before and after is added. */
export interface Correction extends Pick<AuditEntry, 'id' | 'by' | 'scope' | 'name'> {
  before: { model: string }
  after: { reason: string }
}

/** How fast a model was at most, over so many calls that its provider counted. */
export interface Fastest {
  tokensPerSecond: number
  calls: number
}

export interface Ledger extends BudgetAlerts {
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
  /**
   * Books another cost for a call that has ended, in every budget that it counted for, and writes the audit log: one
   * transaction. It is final: a late `settle` does not change it. Answers the booking with the cost before; `null`: there is
   * no such booking, or it is not known yet. Safe to repeat with the same entry.
   */
  correct(id: string, cost: NanoUsd, entry: Correction): Promise<Booking | null>
  /** What calls cost, dearest first; `idStart`: those whose id begins so. */
  bookings(of: { scope?: Scope; from: Date; idStart?: string; limit: number }): Promise<Booking[]>
  /** Whether a provider has reported more tokens than possible for another call of this model since then. */
  miscounted(of: { provider: string; model: string; since: Date; otherThan: string }): Promise<boolean>
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
}

/** Amounts come as text: JSON's numbers end at 2^53. */
const Amount = z.string().transform(BigInt)

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

interface BookingRow {
  [column: string]: unknown
  id: string
  reserved_at: Date
  scopes: Scope[]
  kind: string
  provider: string
  model: string
  cost: string
  reserved: string
  estimated: boolean
}

export function createLedger({ query }: Pick<Database, 'query'>): Ledger {
  async function end(...values: unknown[]): Promise<Ended | undefined> {
    const [row] = await query<{ answer: unknown }>(endCall, values)
    return End.parse(row?.answer) ?? undefined
  }

  return {
    ...createBudgetAlerts({ query }),

    async reserve(call, scopes, { leaseMs, most = call.worst, at }) {
      const { id, turnId, spender, kind, provider, model, worst, price } = call
      if (worst < 0n) throw new RangeError(`a call cannot cost less than nothing: ${worst}`)
      const { platform, workspaceId, channelId, userId, keyId } = spender
      const who = [platform, workspaceId, channelId, userId, keyId ?? null]
      const amounts = { worst: boundedCost(worst), most: boundedCost(most) }
      const what = [kind, provider, model, amounts.worst, storableJson(price), leaseMs, at ?? null, amounts.most]
      const [row] = await query<{ answer: unknown }>(reserve, [id, turnId ?? null, ...who, scopes, ...what])
      const answer = Reserved.parse(row?.answer)
      if (answer.state !== 'refused') return { kind: 'admitted' }
      return { kind: 'refused', by: answer.budget, alerts: answer.alerts }
    },

    settle(id, { cost, usage, estimated, outcome, ms, firstTokenMs }) {
      if (cost < 0n) throw new RangeError(`a call cannot cost less than nothing: ${cost}`)
      const counted = usage === undefined ? null : storableJson(boundedUsage(usage))
      const first = firstTokenMs === undefined ? null : boundedCount(firstTokenMs)
      return end(id, 'settled', boundedCost(cost), counted, estimated, outcome, boundedCount(ms), first)
    },
    release: (id) => end(id, 'released', 0n, null, false, null, null, null),

    async correct(id, cost, { id: entry, by, scope, name, before, after }) {
      if (cost < 0n) throw new RangeError(`a call cannot cost less than nothing: ${cost}`)
      const who = [by.id, by.name ?? null, by.via]
      const what = [scope, name, storableJson(before), storableJson(after)]
      const [row] = await query<BookingRow>(correct, [id, boundedCost(cost), entry, ...who, ...what])
      return row === undefined ? null : bookingOf(row)
    },

    async bookings({ scope, from, idStart, limit }) {
      return (await query<BookingRow>(bookings, [scope ?? null, from, idStart ?? null, limit])).map(bookingOf)
    },

    async miscounted({ provider, model, since, otherThan }) {
      const [row] = await query<{ found: boolean }>(miscounted, [provider, model, since, otherThan])
      return row?.found === true
    },

    async renew(open, leaseMs) {
      await query(renew, [open.map(({ id }) => id), open.map(({ most }) => boundedCost(most)), leaseMs])
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
  }
}

function bookingOf({ id, reserved_at, scopes, kind, provider, model, cost, reserved, estimated }: BookingRow): Booking {
  const amounts = { cost: BigInt(cost), reserved: BigInt(reserved) }
  return { id, at: reserved_at, scopes, kind, provider, model, ...amounts, estimated }
}

function boundedUsage(usage: Usage): Usage {
  const { input, output, cacheRead, cacheWrite, reasoning, inputAudio, audioMs } = usage
  const counts = { input, output, cacheRead, cacheWrite, reasoning, inputAudio, audioMs }
  const bounded = Object.entries(counts).flatMap(([name, count]) =>
    count === undefined ? [] : [[name, boundedCount(count)]],
  )
  return { ...usage, ...Object.fromEntries(bounded) }
}

const correct: Statement = {
  name: 'ledger_correct',
  text: `
select id, reserved_at, scopes, kind, provider, model, cost, reserved, estimated
from ledger_correct($1, $2::bigint, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::jsonb)`,
}

const bookings: Statement = {
  name: 'ledger_bookings',
  text: `
select id, reserved_at, scopes, kind, provider, model, cost, reserved, estimated from ledger
where state in ('settled', 'expired') and reserved_at >= $2 and ($1::text is null or $1 = any (scopes))
  and ($3::text is null or starts_with(id::text, $3))
order by cost desc, reserved_at desc limit $4`,
}

const miscounted: Statement = {
  name: 'ledger_miscounted',
  text: `
select exists (select from ledger
  where provider = $1 and model = $2 and reserved_at >= $3 and id <> $4 and usage ? 'told') as found`,
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
