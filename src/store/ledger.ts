/**
 * The port of the ledger: one row for each attempt at something that costs money, and the sums that budgets are held to.
 * Spending goes through `Budget` (src/routing/budget.ts), which is made of it. Implemented in ledger-postgres.ts.
 */
import type { NanoUsd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import type { Period } from '../core/window.ts'
import type { PaidCall, Settlement } from '../routing/budget.ts'

/** The budget that is in the way of a call. */
export interface Exceeded {
  id: string
  scope: Scope
  period: Period
  timeZone: string
  /** With what was granted for this window. */
  limit: NanoUsd
  spent: NanoUsd
  /** Held back for calls under way. */
  reserved: NanoUsd
  resetsAt: Date
}

export type Admission =
  /** Also when this id was reserved before. */
  { kind: 'admitted' } | { kind: 'refused'; by: Exceeded; alerts: number }

export interface Ended {
  /** It ended with this call; before, it had no end or only an estimated cost. */
  first: boolean
  reserved: NanoUsd
  /** Warnings that became due by it. */
  alerts: number
}

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

/** How fast a model was at most, over so many calls that its provider counted. */
export interface Fastest {
  tokensPerSecond: number
  calls: number
}

export interface Ledger {
  /**
   * Holds the call's worst case back in every budget of `scopes` or in none: one transaction, one round trip. `most` is
   * booked when it is neither renewed nor settled; default: the worst case. `at` is for tests; the database's clock counts.
   */
  reserve(
    call: PaidCall,
    scopes: Scope[],
    options: { leaseMs: number; most?: NanoUsd | undefined; at?: Date },
  ): Promise<Admission>
  /** Safe to repeat. `undefined`: nothing was reserved under this id. */
  settle(id: string, settlement: Settlement): Promise<Ended | undefined>
  release(id: string): Promise<Ended | undefined>
  /** Extends the leases of those that are still reserved, and keeps what each costs at most if it is never settled. */
  renew(open: { id: string; most: NanoUsd }[], leaseMs: number): Promise<void>
  /**
   * Ends reservations whose lease has run out, at the most that they can have cost: `most` as last renewed, and never more
   * than was reserved. Answers how many, and what is due.
   */
  expire(limit: number): Promise<{ expired: number; alerts: number }>
  /** Ends all leases now. Call it only when the processes that held them are gone. */
  dropLeases(): Promise<void>
  /** How fast models were at most, over the newest answers that their providers counted (src/routing/billable.ts). */
  speeds(): Promise<{ provider: string; id: string; fastest: Fastest }[]>
  /** Claims unsent warnings. The caller sends them, then calls `markAlertSent`. */
  claimAlerts(): Promise<DueAlert[]>
  markAlertSent(alert: Pick<DueAlert, 'budgetId' | 'startsAt' | 'threshold'>): Promise<void>
}
