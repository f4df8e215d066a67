/** What a question may still cost, for the router. */
import type { NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import type { BudgetState } from '../store/budgets.ts'

/** The least over some scopes, never less than nothing; `null`: no limit. An approval counts beyond every limit. */
export function leastLeft(
  states: readonly BudgetState[],
  scopes: readonly Scope[],
  approved: NanoUsd | null,
): NanoUsd | null {
  const limits = states.filter(({ scope }) => scopes.includes(scope)).map(({ left }) => left)
  const [least] = limits.toSorted((a, b) => (a < b ? -1 : 1))
  if (least === undefined) return null
  return approved !== null && approved > least ? approved : least > 0n ? least : 0n
}
