/** Budgets: what admins set and what is left of it. The port, and its rows; the caller audits. */

import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { bounds, type NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import { isTimeZone, type Period } from '../core/window.ts'
import { settingWording } from '../wording/storage.ts'
import type { Database, Statement } from './database.ts'

export interface BudgetRule {
  scope: Scope
  period: Period
  amount: NanoUsd
  /** IANA. In its days, weeks and months the budget resets. */
  timeZone: string
}

export interface BudgetState extends BudgetRule {
  id: string
  createdBy: string
  createdAt: Date
  /** Granted for this window alone. */
  extra: NanoUsd
  spent: NanoUsd
  /** Held back for calls under way. */
  reserved: NanoUsd
  /** Less than nothing where it was lowered below what is spent, or an approval let something pass. */
  left: NanoUsd
  startsAt: Date
  resetsAt: Date
}

export interface Budgets {
  /** Of these scopes, or all. */
  list(scopes?: Scope[]): Promise<BudgetState[]>
  /**
   * Sets the budget of a scope and period, from the start of its window: what was spent in it before counts. Throws
   * `command_invalid` when the zone is none. Answers before and after.
   */
  set(rule: BudgetRule, by: string): Promise<{ before: BudgetState | null; after: BudgetState }>
  /** Answers what it was; `null` when there was none. */
  remove(scope: Scope, period: Period): Promise<BudgetState | null>
  /** An extra for the window under way, once for each id (a UUID). Answers the budget after it; `null` when there is none. */
  grant(id: string, grant: { scope: Scope; period: Period; amount: NanoUsd }, by: string): Promise<BudgetState | null>
  /**
   * The budgets of parley.yaml: a line counts when it is new or has changed since it was last applied, so that what an
   * admin did by command since then stays. A line that is gone takes its budget along, unless an admin has changed it.
   */
  seed(rules: BudgetRule[]): Promise<{ applied: BudgetRule[]; removed: { scope: Scope; period: Period }[] }>
  /** Those that have a budget at all. */
  scopes(): Promise<Set<Scope>>
  /** Another part has changed budgets: a new key brings its own. */
  changed(): void
  /** The most that one attempt of a turn may cost beyond every limit, because an admin approved it; `null`: nothing. */
  approved(turnId: string): Promise<NanoUsd | null>
}

interface StateRow {
  [column: string]: unknown
  id: string
  scope: Scope
  period: Period
  amount: string
  extra: string
  time_zone: string
  created_by: string
  created_at: Date
  starts_at: Date
  ends_at: Date
  spent: string
  reserved: string
}

/** Calls `changed` after each change. */
export function createBudgets(
  { query, prisma }: Pick<Database, 'query' | 'prisma'>,
  changed: () => void = () => {},
): Budgets {
  async function list(scopes?: Scope[]): Promise<BudgetState[]> {
    return (await query<StateRow>(states, [scopes ?? null, null])).map(stateOf)
  }
  async function find(scope: Scope, period: Period): Promise<BudgetState | null> {
    return (await list([scope])).find((each) => each.period === period) ?? null
  }

  async function write({ scope, period, amount, timeZone }: BudgetRule, by: string | null): Promise<boolean> {
    if (amount < 0n) throw new RangeError(`a budget cannot be less than nothing: ${amount}`)
    if (!isTimeZone(timeZone)) throw noZone(timeZone)
    const rule = [randomUUID(), scope, period, amount, timeZone]
    try {
      if (by !== null) await query(set, [...rule, by])
      else return (await query<{ applied: boolean }>(seedApply, rule))[0]?.applied === true
      return true
    } catch (error) {
      // PostgreSQL's table of zones may be older than Node's.
      if (error instanceof Error && 'code' in error && error.code === '22023') throw noZone(timeZone, error)
      throw error
    }
  }

  return {
    list,
    changed,
    async set(rule, by) {
      const before = await find(rule.scope, rule.period)
      await write(rule, by)
      changed()
      const after = await find(rule.scope, rule.period)
      if (after === null) throw new ParleyError('internal', settingWording.budgetRemoved)
      return { before, after }
    },
    async remove(scope, period) {
      const before = await find(scope, period)
      await prisma.budget.deleteMany({ where: { scope, period } })
      changed()
      return before
    },
    async grant(id, { scope, period, amount }, by) {
      if (amount <= 0n) throw new RangeError(`a grant adds something: ${amount}`)
      const before = await find(scope, period)
      if (before !== null && before.amount + before.extra + amount > bounds.amount)
        throw new ParleyError('command_invalid', settingWording.budgetTooLarge)
      await query(grant, [id, scope, period, amount, by])
      return find(scope, period)
    },
    async seed(rules) {
      const applied: BudgetRule[] = []
      for (const rule of rules) if (await write(rule, null)) applied.push(rule)
      const kept = [rules.map(({ scope }) => scope), rules.map(({ period }) => period)]
      const removed = await query<{ scope: Scope; period: Period }>(seedDrop, kept)
      if (applied.length + removed.length > 0) changed()
      return { applied, removed }
    },
    async scopes() {
      const found = await prisma.budget.findMany({ distinct: 'scope', select: { scope: true } })
      return new Set(found.map(({ scope }) => scope as Scope))
    },
    async approved(turnId) {
      const [row] = await query<{ amount: string | null }>(approvedFor, [turnId])
      return row?.amount == null ? null : BigInt(row.amount)
    },
  }
}

function stateOf(row: StateRow): BudgetState {
  const [amount, extra, spent, reserved] = [row.amount, row.extra, row.spent, row.reserved].map(BigInt) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ]
  const { id, scope, period } = row
  return {
    id,
    scope,
    period,
    amount,
    extra,
    spent,
    reserved,
    left: amount + extra - spent - reserved,
    timeZone: row.time_zone,
    createdBy: row.created_by,
    createdAt: row.created_at,
    startsAt: row.starts_at,
    resetsAt: row.ends_at,
  }
}

function noZone(timeZone: string, cause?: unknown): ParleyError {
  return new ParleyError('command_invalid', settingWording.unknownTimeZone(timeZone), { cause })
}

const states: Statement = {
  name: 'budget_states',
  text: `select * from budget_states($1::text[], coalesce($2::timestamptz, clock_timestamp())) order by scope, period, id`,
}

const approvedFor: Statement = {
  name: 'approval_approved',
  text: `
select max(amount) as amount from approval
where state = 'approved' and source_id = coalesce((select source_id from turn where id = $1), $1)`,
}

const set: Statement = {
  name: 'budget_set',
  text: `select budget_set($1, $2, $3::budget_period, $4::bigint, $5, $6)`,
}

const grant: Statement = {
  name: 'budget_grant',
  text: `
insert into budget_grant (id, budget_id, amount, granted_by, granted_at)
select $1, budget.id, $4::bigint, $5, clock_timestamp() from budget where scope = $2 and period = $3::budget_period
on conflict (id) do nothing`,
}

const seedApply: Statement = {
  name: 'budget_seed_apply',
  text: `select budget_seed_apply($1, $2, $3::budget_period, $4::bigint, $5) as applied`,
}

const seedDrop: Statement = {
  name: 'budget_seed_drop',
  text: `select * from budget_seed_drop($1::text[], $2::text[])`,
}
