/**
 * The one door of every paid call: the most that it can cost is reserved over all its scopes in one transaction
 * before it is made, and what it did cost is settled after, once; and what people are told when a budget
 * would be exceeded. Implemented in ledger-budget.ts over src/store/ledger.ts.
 */

import { ParleyError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { ConversationRef } from '../core/message.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import type { Spender } from '../core/scope.ts'
import type { DueAlert } from '../store/budget-alerts.ts'
import type { Exceeded } from '../store/ledger.ts'
import type { ScopeNames } from '../wording/commands.ts'
import { budgetWording } from '../wording/routing.ts'

export type PaidKind = 'answer' | 'transcription' | 'search' | 'embedding' | 'rerank'

export interface PaidCall {
  /** Made by the caller, one for each attempt: the same id reserves once. A uuid. */
  id: string
  turnId?: string | undefined
  spender: Spender
  kind: PaidKind
  provider: string
  model: string
  /** The most that it can cost. */
  worst: NanoUsd
  /** By which it is priced; kept on the ledger's row. */
  price: Json
  /**
   * The most that it can have cost when it ends so many milliseconds from now, by what has come so far. Asked while the call
   * is under way and kept with the reservation: if the process dies, this is booked. Default: `worst`.
   */
  most?: ((aheadMs: number) => NanoUsd) | undefined
}

export interface Settlement {
  cost: NanoUsd
  usage?: Usage
  /** The provider told no usage: the cost is Parley's own estimate. */
  estimated: boolean
  outcome: 'ok' | 'failed' | 'aborted'
  /** Milliseconds from the request to its end, and to the first text. */
  ms: number
  firstTokenMs?: number
}

export interface Reservation {
  /**
   * What the call did cost. Again is no harm: the first one counts. Does not throw while the database is away: it is
   * written later. A stream that was stopped or broke off is settled too, at what it did cost. Answers what is booked: never
   * more than was reserved, because nothing that was sent can cost more.
   */
  settle(settlement: Settlement): Promise<NanoUsd>
  /** Nothing was sent, so nothing was spent. */
  release(): Promise<void>
}

export interface Budget {
  /**
   * Throws `budget_exhausted` (`BudgetExhausted`), which names the rule that is in the way and when it resets, or
   * `rate_limited` (`BudgetHeld`) where only calls under way are in the way. A call that can cost nothing always passes.
   * What is reserved is kept alive until it is settled or released.
   */
  reserve(call: PaidCall): Promise<Reservation>
  /**
   * The least that is left over all of a person's scopes, by model; `null`: no limit. What is reserved is not left; what an
   * admin approved for the turn is. No query where no budget concerns the question. When nothing fits, have `reserve` say no.
   */
  left(spender: Spender, models: { provider: string; id: string }[], turnId?: string): Promise<(NanoUsd | null)[]>
}

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

/** How soon calls under way may have ended. */
const heldMs = 3_000

/** `rate_limited`: the budget has room for the call as soon as other calls, which are still under way, have ended. */
export class BudgetHeld extends ParleyError {
  constructor(by: Exceeded) {
    super('rate_limited', budgetWording.held(by), { retryAfterMs: heldMs })
    this.name = 'BudgetHeld'
  }
}

/** Money is in the way of a call, for now or until the budget resets. */
export function isRefusal(thrown: unknown): thrown is ParleyError {
  return thrown instanceof BudgetHeld || (thrown instanceof ParleyError && thrown.code === 'budget_exhausted')
}

/** `at`: the channel for alerts, if there is one. */
export function alertMessage(due: DueAlert, at: ConversationRef | undefined, names?: ScopeNames): string {
  return budgetWording.alert({ ...due, at, names })
}

export function approvalMessage(
  { by, worst }: Pick<BudgetExhausted, 'by' | 'worst'>,
  asker: string,
  at: ConversationRef,
  names?: ScopeNames,
): string {
  return budgetWording.approval({ ...by, worst, asker, at, names })
}

/** The same when a warning is sent again. */
export function alertKey({ budgetId, startsAt, threshold }: DueAlert): string {
  return `budget-${budgetId}-${startsAt.getTime()}-${threshold}`
}
