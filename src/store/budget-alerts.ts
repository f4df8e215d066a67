/**
 * Warnings that a budget is nearly used up. The ledger raises one for each threshold that a window reaches
 * (prisma/functions/ledger.sql); here they are claimed, sent once, and marked as sent.
 */

import type { NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import type { Period } from '../core/window.ts'
import type { Database, Statement } from './database.ts'

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

export interface BudgetAlerts {
  /** Claims unsent warnings. The caller sends them, then calls `markAlertSent`. */
  claimAlerts(): Promise<DueAlert[]>
  markAlertSent(alert: Pick<DueAlert, 'budgetId' | 'startsAt' | 'threshold'>): Promise<void>
}

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

export function createBudgetAlerts({ query }: Pick<Database, 'query'>): BudgetAlerts {
  return {
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
