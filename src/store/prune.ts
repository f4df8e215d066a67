/** Deletes old rows once a day, so that no table grows forever. Called by the regular sweep. */
import { monotonic } from '../core/clock.ts'
import { webhookKeptDays } from '../core/webhook.ts'
import { windowMinutes } from '../identity/attempts.ts'
import { sessionIdleDays } from '../identity/sessions.ts'
import type { Database, Statement } from './database.ts'

const dayMs = 24 * 3_600_000
/** Per statement, so that locks are short. The rest is deleted by later sweeps. */
const most = 10_000

/** Returns how many rows were deleted. Runs once a day at most. */
export function createPrune({ query }: Pick<Database, 'query'>, now: () => number = monotonic): () => Promise<number> {
  let nextAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (now() < nextAt) return 0
    nextAt = now() + dayMs
    const counts: number[] = []
    for (const { statement } of stale) counts.push((await query(statement, [most])).length)
    if (counts.some((count) => count >= most)) nextAt = Number.NEGATIVE_INFINITY
    return counts.reduce((sum, count) => sum + count, 0)
  }
}

/** Thirteen months, so that each month can be compared with the same month a year before. */
const KEPT = `now() - interval '13 months'`

function pruning(table: string, key: string, where: string): { statement: Statement } {
  const text = `
delete from ${table} where (${key}) in (select ${key} from ${table} where ${where} limit $1)
returning true as gone`
  return { statement: { name: `prune_${table}`, text } }
}

const stale = [
  pruning('ledger', 'id', `reserved_at < ${KEPT} and state <> 'reserved'`),
  pruning('budget_window', 'budget_id, starts_at', `ends_at < ${KEPT}`),
  pruning('budget_alert', 'budget_id, starts_at, threshold', `raised_at < ${KEPT}`),
  pruning('approval', 'id', `asked_at < ${KEPT}`),
  pruning(
    'turn_limit',
    'scope, turn_id',
    `at < now() - interval '1 day'
    and not exists (select from turn where turn.id = turn_limit.turn_id and turn.state in ('queued', 'answering'))`,
  ),
  pruning(
    'webhook_delivery',
    'id',
    `created_at < now() - interval '${webhookKeptDays} days' and coalesce(lease_until < now(), true)`,
  ),
  // An invitation that was used ends at the same time.
  pruning('invitation', 'id', 'expires_at < now()'),
  pruning('session', 'id', `ends_at < now() or used_at < now() - interval '${sessionIdleDays} days'`),
  pruning('sign_in_flow', 'hash', 'expires_at < now()'),
  pruning('link_code', 'hash', 'expires_at < now()'),
  pruning('sign_in_attempt', 'key, at', `at < now() - interval '${windowMinutes} minutes'`),
]
