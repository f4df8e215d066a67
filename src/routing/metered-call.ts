/**
 * The calls of one turn to models, one attempt after the other: let through by the model's health, reserved over the budget,
 * and when they end, settled at what they did cost, whatever way they ended. Keeps what was spent and tried for the receipt.
 */
import { randomUUID } from 'node:crypto'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import type { RouteDecision } from '../core/route-decision.ts'
import type { Spender } from '../core/scope.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { deliveryOf } from '../models/delivery.ts'
import type { FinishReason, ModelEvent, ModelRequest } from '../models/model.ts'
import { type Price, priceSnapshot, priceUsage, worstCase } from '../models/price.ts'
import { modelErrorWording, priceWording } from '../wording/models.ts'
import { type CallMeter, createCallMeter, HANG_UP_MS, mostTokensPerSecond } from './billable.ts'
import { type Budget, BudgetHeld, isRefusal, type Reservation, type Settlement } from './budget.ts'
import type { CallOutcome, Health, Permit } from './health.ts'
import { LONGEST_MS, mostTokens, USEFUL_OUTPUT } from './sent-tokens.ts'

/** `error` beside a reason: the answer ended well, and is none. */
export type AttemptEnd =
  | { reason: FinishReason; error?: ParleyError | undefined }
  | { reason?: undefined; error: ParleyError }

/** A model is not asked now: its health, the budget or its price is in the way. Another one may be. */
export class NotCalled extends Error {
  readonly error: ParleyError

  constructor(error: ParleyError) {
    super(error.message, { cause: error })
    this.name = 'NotCalled'
    this.error = error
  }
}

export interface Attempt {
  /**
   * Before anything is sent. Answers the request to send: with fewer tokens for the answer where a budget does not hold all
   * of them. Throws NotCalled; whatever it throws, the attempt has ended then.
   */
  reserve(request: ModelRequest): Promise<ModelRequest>
  record(event: ModelEvent): void
  /** Again is no harm: the first one counts. */
  end(end: AttemptEnd): Promise<void>
}

export interface Attempts {
  /** Throws NotCalled with what made the model fail before, while it is not to be asked. */
  begin(model: Model): Attempt
  /** The sum over all attempts that cost something. */
  spent(): { usage: Usage | undefined; cost: NanoUsd }
  log(): NonNullable<RouteDecision['attempts']>
}

export interface AttemptsDeps {
  budget: Pick<Budget, 'reserve' | 'left'>
  health: Pick<Health, 'begin' | 'fastest'>
  spender: Spender
  /** Absent outside of any turn. */
  turnId?: string
  now?: () => number
}

/** How often a reservation is tried, each time for a shorter answer: others spend meanwhile, so what was left may be gone. */
const FITTINGS = 4

const free: Reservation = { settle: async () => 0n, release: async () => {} }
const noPermit: Permit = { end() {} }

export function createAttempts({
  budget,
  health,
  spender,
  turnId,
  now = () => performance.now(),
}: AttemptsDeps): Attempts {
  const costs: { usage: Usage | undefined; cost: NanoUsd }[] = []
  const records: NonNullable<RouteDecision['attempts']> = []

  function note(model: Model, outcome: (typeof records)[number]['outcome'], more: Partial<(typeof records)[number]>) {
    records.push({ model: modelKey(model), outcome, costNanoUsd: null, ms: 0, ...more })
  }

  function permitFor(model: Model): Permit {
    try {
      return model.kind === 'extractive' ? noPermit : health.begin(model)
    } catch (thrown) {
      throw notCalled(model, asParleyError(thrown))
    }
  }

  function notCalled(model: Model, error: ParleyError): NotCalled {
    note(model, 'not asked', { because: error.code })
    return new NotCalled(error)
  }

  function meterFor(model: Model, price: Price, request: ModelRequest): CallMeter {
    return createCallMeter({
      request,
      price,
      worst: worstCase(price, boundsOf(request)),
      now,
      tokensPerSecond: mostTokensPerSecond(health.fastest(model)),
      billsWholeAnswer: model.billsWholeAnswer === true,
    })
  }

  async function reserveFor(
    model: Model,
    request: ModelRequest,
  ): Promise<{ meter: CallMeter; reservation: Reservation }> {
    const { provider, id, price } = model
    if (price === undefined) throw unpriced(model)
    const meter = meterFor(model, price, request)
    const reservation = await budget.reserve({
      id: randomUUID(),
      turnId,
      spender,
      kind: 'answer',
      provider,
      model: id,
      worst: worstCase(price, boundsOf(request)),
      price: priceSnapshot(price),
      most: (aheadMs) => meter.most(aheadMs).cost,
    })
    return { meter, reservation }
  }

  /** Reserves all that the answer may have. If budgets hold less, reserves what they hold, if that is enough to be useful. */
  async function withinBudget(
    model: Model,
    request: ModelRequest,
    reserve: (fitted: ModelRequest) => Promise<void>,
  ): Promise<ModelRequest> {
    let refusal: unknown
    let fitted = request
    for (let tries = 0; tries < FITTINGS; tries += 1) {
      try {
        await reserve(fitted)
        return fitted
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown
        refusal ??= thrown
        const least = Math.min(USEFUL_OUTPUT, request.maxOutputTokens)
        if (fitted.maxOutputTokens <= least) throw thrown instanceof BudgetHeld ? thrown : refusal
        // The last try asks for the least, even if it cannot fit: its refusal tells whether calls under way or the budget
        // itself are in the way.
        const [left = null] = tries < FITTINGS - 2 ? await budget.left(spender, [model], turnId) : [0n]
        fitted = { ...request, maxOutputTokens: Math.max(least, outputWithin(model, request, left)) }
      }
    }
    throw refusal
  }

  return {
    begin(model) {
      const permit = permitFor(model)
      let meter: CallMeter | undefined
      let reservation = free
      let begun = false
      let finished = false
      let over = false

      async function settle(call: CallMeter, end: AttemptEnd, ms: number): Promise<NanoUsd> {
        const counted = call.counted(end.reason)
        if (counted === undefined && !call.used() && !mayHaveCost(end, { begun, finished })) {
          await reservation.release()
          return 0n
        }
        // The output was not counted: the most that it can be is booked.
        const { usage, cost } =
          counted === undefined || model.price === undefined
            ? call.most(HANG_UP_MS)
            : { usage: counted, cost: priceUsage(counted, model.price, ms) }
        const firstTokenMs = call.firstTokenMs()
        const settlement: Settlement = {
          cost,
          usage,
          estimated: usage.source === 'estimated',
          outcome: outcomeOf(end),
          ms: Math.round(ms),
          firstTokenMs: firstTokenMs === undefined ? undefined : Math.round(firstTokenMs),
        }
        const booked = await reservation.settle(settlement)
        costs.push({ usage, cost: booked })
        return booked
      }

      return {
        async reserve(request) {
          try {
            if (model.price === undefined) throw unpriced(model)
            if (model.kind === 'extractive') {
              meter = meterFor(model, model.price, request)
              return request
            }
            return await withinBudget(model, request, async (fitted) => {
              const reserved = await reserveFor(model, fitted)
              meter = reserved.meter
              reservation = reserved.reservation
            })
          } catch (thrown) {
            over = true
            permit.end({ kind: 'stopped' })
            if (!isRefusal(thrown) && asParleyError(thrown).code !== 'model_price_unknown') throw thrown
            throw notCalled(model, asParleyError(thrown))
          } finally {
            meter?.start()
          }
        },

        record(event) {
          begun = true
          if (event.type === 'finish') finished = true
          meter?.take(event)
        },

        async end(end) {
          if (over || model.price === undefined) return
          over = true
          if (meter === undefined) return permit.end({ kind: 'stopped' })
          const ms = meter.elapsedMs()
          permit.end(healthOf(end, meter))
          const cost = await settle(meter, end, ms)
          const outcome = outcomeOf(end)
          note(model, outcome === 'ok' ? 'answered' : outcome === 'aborted' ? 'stopped' : 'failed', {
            because: outcome === 'failed' ? (end.error?.code ?? end.reason) : undefined,
            costNanoUsd: cost.toString(),
            ms: Math.round(ms),
          })
        },
      }
    },

    spent: () => ({
      usage: sumUsage(costs.map((each) => each.usage)),
      cost: costs.reduce((all, each) => all + each.cost, 0n),
    }),
    log: () => [...records],
  }
}

/** The most tokens of an answer that an amount holds; 0: none. */
function outputWithin({ price }: Model, request: ModelRequest, left: NanoUsd | null): number {
  if (left === null || price === undefined) return request.maxOutputTokens
  const fits = (maxOutputTokens: number) => worstCase(price, boundsOf({ ...request, maxOutputTokens })) <= left
  let [most, tooMany] = [0, request.maxOutputTokens + 1]
  while (tooMany - most > 1) {
    const middle = Math.floor((most + tooMany) / 2)
    if (fits(middle)) most = middle
    else tooMany = middle
  }
  return most
}

function boundsOf(request: ModelRequest) {
  return { inputTokens: mostTokens(request), maxOutputTokens: request.maxOutputTokens, maxMs: LONGEST_MS }
}

/** Whether an uncounted call may have cost something: yes, unless the provider certainly did not work on it. */
function mayHaveCost(end: AttemptEnd, { begun, finished }: { begun: boolean; finished: boolean }): boolean {
  if (end.reason === undefined) return begun || deliveryOf(end.error) === 'taken'
  // A provider that ends a stopped stream itself gives its usage, unless nothing of the request was sent.
  return end.reason !== 'aborted' || !finished
}

function outcomeOf(end: AttemptEnd): Settlement['outcome'] {
  if (end.error !== undefined || end.reason === 'truncated') return 'failed'
  return end.reason === 'aborted' ? 'aborted' : 'ok'
}

function healthOf(end: AttemptEnd, meter: CallMeter): CallOutcome {
  if (end.error !== undefined) return { kind: 'failed', error: end.error }
  if (end.reason === 'aborted') return { kind: 'stopped' }
  if (end.reason === 'truncated')
    return { kind: 'failed', error: new ParleyError('model_truncated', modelErrorWording.keepsStopping) }
  return {
    kind: 'answered',
    ms: meter.elapsedMs(),
    firstTokenMs: meter.firstTokenMs(),
    outputTokens: meter.counted(end.reason)?.output,
    fastest: meter.speed(),
  }
}

function unpriced(model: Model): ParleyError {
  return new ParleyError('model_price_unknown', priceWording.missing(modelKey(model)))
}

export function sumUsage(usages: (Usage | undefined)[]): Usage | undefined {
  return usages.reduce(
    (all, usage) => (all === undefined || usage === undefined ? (usage ?? all) : added(all, usage)),
    undefined,
  )
}

function added(a: Usage, b: Usage): Usage {
  return {
    ...counted(a, b),
    source: a.source === 'provider' && b.source === 'provider' ? 'provider' : 'estimated',
  }
}

const counts = ['input', 'cacheRead', 'cacheWrite', 'output', 'reasoning'] as const

function counted(a: Usage, b: Usage) {
  const all = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 }
  for (const name of counts) all[name] = a[name] + b[name]
  return all
}
