/** How a limit of money is told: to who asked, to admins before it is reached, and to admins who may let it pass. */
import { ParleyError } from '../core/errors.ts'
import { formatUsd, type NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import { localTime } from '../core/window.ts'
import type { DueAlert, Exceeded } from '../store/ledger.ts'

/** `budget_exhausted` with what a request for approval needs to know. */
export class BudgetExhausted extends ParleyError {
  readonly by: Exceeded
  /** The most that the call could have cost. */
  readonly worst: NanoUsd

  constructor(by: Exceeded, worst: NanoUsd) {
    super('budget_exhausted', refusalMessage(by, worst))
    this.name = 'BudgetExhausted'
    this.by = by
    this.worst = worst
  }
}

function refusalMessage(
  { scope, period, timeZone, limit, spent, reserved, resetsAt }: Exceeded,
  worst: NanoUsd,
): string {
  const held = reserved > 0n ? `, ${formatUsd(reserved)} is set aside for answers under way` : ''
  const sums = `${formatUsd(spent)} is spent${held}, and this could cost up to ${formatUsd(worst)}`
  const soon = spent + worst <= limit ? 'Try again when those answers have ended; otherwise it' : 'It'
  return `The budget of ${formatUsd(limit)} a ${period} for ${forPeople(scope)} does not allow this: ${sums}. ${soon} resets on ${localTime(resetsAt, timeZone)}. An admin can raise it.`
}

/** For who stands before it. */
function forPeople(scope: Scope): string {
  const [kind] = scope.split(':', 1)
  if (kind === 'user') return 'you'
  if (kind === 'channel' || kind === 'workspace') return `this ${kind}`
  if (kind === 'key') return 'this API key'
  return scopeName(scope)
}

/** For admins: `channel slack/T1/C1`. */
function scopeName(scope: Scope): string {
  if (scope === 'all') return 'everybody'
  const at = scope.indexOf(':')
  const name = scope
    .slice(at + 1)
    .split('/')
    .map(decodeURIComponent)
    .join('/')
  return `${scope.slice(0, at)} ${name}`
}

export function alertMessage({ scope, period, timeZone, threshold, limit, spent, resetsAt }: DueAlert): string {
  const what = `the budget of ${formatUsd(limit)} a ${period} for ${scopeName(scope)}`
  const reset = `It resets on ${localTime(resetsAt, timeZone)}.`
  const sums = `${formatUsd(spent)} of ${what} is spent`
  return threshold >= 100 ? `**Limit reached:** ${sums}. ${reset}` : `**${threshold} % used:** ${sums}. ${reset}`
}

export function approvalMessage({ scope, period, limit, spent }: Exceeded, worst: NanoUsd, asker: string): string {
  const what = `the budget of ${formatUsd(limit)} a ${period} for ${scopeName(scope)}`
  return `A question of ${asker} met ${what}: ${formatUsd(spent)} is spent, and the answer could cost up to ${formatUsd(worst)}. Let it pass once?`
}

/** The same for a warning that is told again. */
export function alertKey({ budgetId, startsAt, threshold }: DueAlert): string {
  return `budget-${budgetId}-${startsAt.getTime()}-${threshold}`
}
