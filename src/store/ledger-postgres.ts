import { z } from 'zod'
import { storableJson } from '../core/json.ts'
import type { Scope } from '../core/scope.ts'
import { type Period, periods } from '../core/window.ts'
import type { Database } from './database.ts'
import type { Ended, Ledger } from './ledger.ts'
import * as sql from './ledger-sql.ts'

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
    const [row] = await query<{ answer: unknown }>(sql.end, values)
    return End.parse(row?.answer) ?? undefined
  }

  return {
    async reserve(call, scopes, { leaseMs, most = call.worst, at }) {
      const { id, turnId, spender, kind, provider, model, worst, price } = call
      if (worst < 0n) throw new RangeError(`a call cannot cost less than nothing: ${worst}`)
      const { platform, workspaceId, channelId, userId, keyId } = spender
      const who = [platform, workspaceId, channelId, userId, keyId ?? null]
      const what = [kind, provider, model, worst, storableJson(price), leaseMs, at ?? null, most]
      const [row] = await query<{ answer: unknown }>(sql.reserve, [id, turnId ?? null, ...who, scopes, ...what])
      const answer = Reserved.parse(row?.answer)
      if (answer.state !== 'refused') return { kind: 'admitted' }
      return { kind: 'refused', by: answer.budget, alerts: answer.alerts }
    },

    settle(id, { cost, usage, estimated, outcome, ms, firstTokenMs }) {
      if (cost < 0n) throw new RangeError(`a call cannot cost less than nothing: ${cost}`)
      const told = usage === undefined ? null : storableJson(usage)
      const first = firstTokenMs === undefined ? null : Math.round(firstTokenMs)
      return end(id, 'settled', cost, told, estimated, outcome, Math.round(ms), first)
    },
    release: (id) => end(id, 'released', 0n, null, false, null, null, null),

    async renew(open, leaseMs) {
      await query(sql.renew, [open.map(({ id }) => id), open.map(({ most }) => most), leaseMs])
    },

    async dropLeases() {
      await query(sql.dropLeases, [])
    },

    async expire(limit) {
      const rows = await query<{ id: string }>(sql.lapsed, [limit])
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
      const rows = await query<{ provider: string; model: string; fastest: number; calls: number }>(sql.speeds, [])
      return rows.map(({ provider, model, fastest, calls }) => ({
        provider,
        id: model,
        fastest: { tokensPerSecond: fastest, calls },
      }))
    },

    async claimAlerts() {
      const rows = await query<AlertRow>(sql.claimAlerts, [])
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
      await query(sql.markAlertSent, [budgetId, startsAt, threshold])
    },
  }
}
