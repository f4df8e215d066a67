/** The port of budgets: what admins set and what is left of it. Implemented in budgets-postgres.ts; the caller audits. */
import type { NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import type { Period } from '../core/window.ts'

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
  /** The most that one attempt of a turn may cost beyond every limit, because an admin approved it; `null`: nothing. */
  approved(turnId: string): Promise<NanoUsd | null>
}
