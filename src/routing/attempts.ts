/**
 * The calls of one turn to models, one attempt after the other: let through by the model's health, reserved over the budget,
 * and when they end, settled at what they did cost, whatever way they ended. Keeps what was spent and tried for the receipt.
 */
import { randomUUID } from 'node:crypto'
import { asParleyError, ParleyError } from '../core/errors.ts'
import { decimalUsd, type NanoUsd, usd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import type { RouteDecision } from '../core/route-decision.ts'
import type { Spender } from '../core/scope.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import type { FinishReason, ModelEvent, ModelRequest } from '../models/model.ts'
import { type Price, priceUsage, worstCase } from '../models/price.ts'
import { howFar } from '../models/reached.ts'
import { priceSnapshot } from '../models/stated-price.ts'
import type { Budget, Reservation, Settlement } from './budget.ts'
import type { CallOutcome, Health, Trial } from './health.ts'
import { estimateUsage, LONGEST_MS, mostTokens } from './sent-tokens.ts'

export type AttemptEnd = { reason: FinishReason } | { error: ParleyError }

/** A model is not asked now: its health, the budget or its price is in the way. Another one may be. */
export class NotAsked extends Error {
  readonly error: ParleyError

  constructor(error: ParleyError) {
    super(error.message, { cause: error })
    this.name = 'NotAsked'
    this.error = error
  }
}

export interface Attempt {
  /** Before anything is sent. Throws NotAsked; whatever it throws, the attempt has ended then. */
  reserve(request: ModelRequest): Promise<void>
  heard(event: ModelEvent): void
  /** Again is no harm: the first one counts. */
  end(end: AttemptEnd): Promise<void>
}

export interface Attempts {
  /** Throws NotAsked with what made the model fail before, while it is not to be asked. */
  begin(model: Model): Attempt
  /** The sum over all attempts that cost something. */
  spent(): { usage: Usage | undefined; cost: NanoUsd }
  log(): NonNullable<RouteDecision['attempts']>
}

export interface AttemptsDeps {
  budget: Pick<Budget, 'reserve'>
  health: Pick<Health, 'begin'>
  spender: Spender
  /** Absent outside of any turn. */
  turnId?: string
  now?: () => number
}

const free: Reservation = { settle: async () => {}, release: async () => {} }
const noTrial: Trial = { end() {} }

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

  function trialOf(model: Model): Trial {
    try {
      return isQuoting(model) ? noTrial : health.begin(model)
    } catch (thrown) {
      throw notAsked(model, asParleyError(thrown))
    }
  }

  function notAsked(model: Model, error: ParleyError): NotAsked {
    note(model, 'not asked', { because: error.code })
    return new NotAsked(error)
  }

  return {
    begin(model) {
      const trial = trialOf(model)
      let request: ModelRequest | undefined
      let reservation = free
      let startedAt = now()
      let firstAt: number | undefined
      let text = ''
      let usage: Usage | undefined
      let begun = false
      let finished = false
      let over = false

      async function settle(price: Price, end: AttemptEnd, ms: number): Promise<NanoUsd> {
        const told =
          usage ??
          (request !== undefined && mayHaveCost(end, { begun, finished }) ? estimateUsage(request, text) : undefined)
        if (told === undefined) {
          await reservation.release()
          return 0n
        }
        const cost = priceUsage(told, price, ms)
        const settlement: Settlement = {
          ...{ cost, usage: told, estimated: told.source === 'estimated', outcome: outcomeOf(end), ms: Math.round(ms) },
          ...(firstAt === undefined ? {} : { firstTokenMs: Math.round(firstAt - startedAt) }),
        }
        await reservation.settle(settlement)
        costs.push({ usage: told, cost })
        return cost
      }

      return {
        async reserve(of) {
          request = of
          try {
            if (model.price === undefined) throw unpriced(model)
            const { provider, id } = model
            const call = {
              id: randomUUID(),
              ...(turnId === undefined ? {} : { turnId }),
              spender,
              kind: 'answer' as const,
              provider,
              model: id,
            }
            const worst = worstCase(model.price, boundsOf(of))
            const price = priceSnapshot(model.price)
            if (!isQuoting(model)) reservation = await budget.reserve({ ...call, worst, price })
          } catch (thrown) {
            over = true
            trial.end({ kind: 'stopped' })
            const { code } = asParleyError(thrown)
            if (code !== 'budget_exhausted' && code !== 'model_price_unknown') throw thrown
            throw notAsked(model, asParleyError(thrown))
          }
          startedAt = now()
        },

        heard(event) {
          begun = true
          if (event.type === 'finish') finished = true
          if (event.type === 'usage') usage = event.usage
          if (event.type !== 'text' && event.type !== 'reasoning') return
          if (event.delta !== '') firstAt ??= now()
          text += event.delta
        },

        async end(end) {
          if (over || model.price === undefined) return
          over = true
          const ms = now() - startedAt
          const firstTokenMs = firstAt === undefined ? {} : { firstTokenMs: firstAt - startedAt }
          trial.end(
            healthOf(end, { ms, ...firstTokenMs, ...(usage === undefined ? {} : { outputTokens: usage.output }) }),
          )
          const cost = await settle(model.price, end, ms)
          const outcome = outcomeOf(end)
          note(model, outcome === 'ok' ? 'answered' : outcome === 'aborted' ? 'stopped' : 'failed', {
            ...(outcome === 'failed' ? { because: 'error' in end ? end.error.code : end.reason } : {}),
            ...{ costNanoUsd: cost.toString(), ms: Math.round(ms) },
          })
        },
      }
    },

    spent: () => ({
      usage: sum(costs.map((each) => each.usage)),
      cost: costs.reduce((all, each) => all + each.cost, 0n),
    }),
    log: () => [...records],
  }
}

const isQuoting = ({ provider }: Model) => provider === 'extractive'

function boundsOf(request: ModelRequest) {
  const images = request.messages.flatMap(({ parts }) => parts.filter(({ type }) => type === 'image')).length
  return { inputTokens: mostTokens(request), maxOutputTokens: request.maxOutputTokens, images, maxMs: LONGEST_MS }
}

/** Whether a call that told no usage is to be paid for by an estimate: unless it is known that nothing was taken. */
function mayHaveCost(end: AttemptEnd, { begun, finished }: { begun: boolean; finished: boolean }): boolean {
  if ('error' in end) return begun || howFar(end.error) === 'taken'
  // A provider that ends a stopped stream itself tells its usage, unless nothing of it was sent.
  if (end.reason === 'aborted') return !finished
  // Too long a question is refused unread.
  return end.reason !== 'contextOverflow'
}

function outcomeOf(end: AttemptEnd): Settlement['outcome'] {
  if ('error' in end || end.reason === 'truncated' || end.reason === 'contextOverflow') return 'failed'
  return end.reason === 'aborted' ? 'aborted' : 'ok'
}

function healthOf(
  end: AttemptEnd,
  measured: { ms: number; firstTokenMs?: number; outputTokens?: number },
): CallOutcome {
  if ('error' in end) return { kind: 'failed', error: end.error }
  if (end.reason === 'aborted') return { kind: 'stopped' }
  if (end.reason === 'truncated') return { kind: 'failed', error: new ParleyError('model_truncated', brokeOff) }
  return { kind: 'answered', ...measured }
}

const brokeOff = 'The model breaks off its answers. Please ask again shortly, or pick another model.'

function unpriced(model: Model): ParleyError {
  const name = modelKey(model)
  return new ParleyError(
    'model_price_unknown',
    `Nobody has said what ${name} costs, and an unknown price is not a free one. An admin can say it, per million tokens: \`models price ${name} 0.25 2\`.`,
  )
}

function sum(usages: (Usage | undefined)[]): Usage | undefined {
  return usages.reduce(
    (all, usage) => (all === undefined || usage === undefined ? (usage ?? all) : added(all, usage)),
    undefined,
  )
}

function added(a: Usage, b: Usage): Usage {
  const fees = [a, b].flatMap(({ toolFees }) => (toolFees === undefined ? [] : [toolFees]))
  return {
    ...counted(a, b),
    ...(fees.length === 0 ? {} : { toolFees: decimalUsd(fees.reduce((all, fee) => all + usd(fee), 0n)) }),
    source: a.source === 'provider' && b.source === 'provider' ? 'provider' : 'estimated',
  }
}

const counts = ['input', 'cacheRead', 'cacheWrite', 'output', 'reasoning'] as const
const moreCounts = ['cacheWrite1h', 'inputAudio', 'images', 'webSearches', 'fileSearches', 'audioMs'] as const

function counted(a: Usage, b: Usage) {
  const all = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 }
  for (const name of counts) all[name] = a[name] + b[name]
  const more: Partial<Record<(typeof moreCounts)[number], number>> = {}
  for (const name of moreCounts)
    if (a[name] !== undefined || b[name] !== undefined) more[name] = (a[name] ?? 0) + (b[name] ?? 0)
  return { ...all, ...more }
}
