/** A budget in memory with one limit for everybody, and everything that was reserved, settled and released. */
import { ParleyError } from '../../src/core/errors.ts'
import { formatUsd, type NanoUsd } from '../../src/core/money.ts'
import type { Budget, PaidCall, Settlement } from '../../src/routing/budget.ts'

export interface FakeBudget extends Budget {
  /** In the order of the reservations. */
  rows: (PaidCall & { settled?: Settlement; released?: true })[]
  spent(): NanoUsd
  /** Calls that are neither settled nor released. */
  open(): number
}

export function createFakeBudget(limit: NanoUsd | null = null): FakeBudget {
  const rows: FakeBudget['rows'] = []
  const spent = () => rows.reduce((sum, { settled }) => sum + (settled?.cost ?? 0n), 0n)
  const isOpen = ({ settled, released }: FakeBudget['rows'][number]) => settled === undefined && released === undefined
  const left = () => {
    const held = rows.filter(isOpen).reduce((sum, { worst }) => sum + worst, 0n)
    return limit === null ? null : limit - spent() - held
  }
  return {
    rows,
    spent,
    open: () => rows.filter(isOpen).length,
    left: async (_spender, models) => models.map(left),
    async reserve(call) {
      const amount = left()
      if (amount !== null && call.worst > amount)
        throw new ParleyError(
          'budget_exhausted',
          `The budget has ${formatUsd(amount)} left for ${call.model}. It resets on Monday.`,
        )
      const row: FakeBudget['rows'][number] = { ...call }
      rows.push(row)
      return {
        async settle(settlement) {
          if (isOpen(row)) row.settled = settlement
          return settlement.cost
        },
        async release() {
          if (isOpen(row)) row.released = true
        },
      }
    },
  }
}
