/** A budget that would be exceeded: the error for the person who asked, alerts and requests for approval for admins. */
import { ParleyError } from '../core/errors.ts'
import type { NanoUsd } from '../core/money.ts'
import type { DueAlert, Exceeded } from '../store/ledger.ts'
import { budgetWording } from '../wording/routing.ts'

/** `budget_exhausted` with what a request for approval needs to know. */
export class BudgetExhausted extends ParleyError {
  readonly by: Exceeded
  /** The most that the call could have cost. */
  readonly worst: NanoUsd

  constructor(by: Exceeded, worst: NanoUsd) {
    super('budget_exhausted', budgetWording.exceeded({ ...by, worst }))
    this.name = 'BudgetExhausted'
    this.by = by
    this.worst = worst
  }
}

export function alertMessage(due: DueAlert): string {
  return budgetWording.alert(due)
}

export function approvalMessage(by: Exceeded, worst: NanoUsd, asker: string): string {
  return budgetWording.approval({ ...by, worst, asker })
}

/** The same when a warning is sent again. */
export function alertKey({ budgetId, startsAt, threshold }: DueAlert): string {
  return `budget-${budgetId}-${startsAt.getTime()}-${threshold}`
}
