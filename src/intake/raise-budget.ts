/** The button under a notice that a budget is used up: it adds about a quarter of the budget until it resets. */
import type { Button } from '../core/command.ts'
import { decimalUsd, type NanoUsd, usd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import type { Period } from '../core/window.ts'
import { approvalWording } from '../wording/answers.ts'

/** Whoever presses it needs the rights of the command that it runs. */
export function raiseButton({ scope, period, limit }: { scope: Scope; period: Period; limit: NanoUsd }): Button {
  const amount = roundAmount(limit / 4n)
  const place = scope === 'all' ? 'everywhere' : scope
  return {
    label: approvalWording.raise(amount, period),
    action: { kind: 'command', text: `budget grant ${decimalUsd(amount)} ${period} for ${place}` },
  }
}

/** The largest 1, 2 or 5 of any power of ten that is not above `amount`; at least a cent. */
function roundAmount(amount: NanoUsd): NanoUsd {
  let rounded = usd('0.01')
  for (let unit = rounded; unit <= amount; unit *= 10n)
    for (const step of [1n, 2n, 5n]) if (unit * step <= amount) rounded = unit * step
  return rounded
}
