/**
 * Measures one call to a model: what the provider counted, and where it counted nothing because the call was stopped, broke
 * off or lost its process, the most that it can bill. The bound rests on the bytes that were sent, the text that came back
 * and the time that passed. A model may think without showing it, so silence counts as generation at the highest speed.
 * Used by metered-call.ts. Why so: docs/decisions/0038-calls-without-a-count.md.
 */
import type { NanoUsd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import type { FinishReason, ModelEvent, ModelRequest } from '../models/model.ts'
import { type Price, priceUsage } from '../models/price.ts'
import type { Fastest } from '../store/ledger.ts'
import { estimateUsage, mostIn, mostInCounted, mostTokens, mostTokensCounted } from './sent-tokens.ts'

/** No hosted model that is sold by the token generates faster (wafer-scale hardware: about 3,000). */
const UNMEASURED_TOKENS_PER_SECOND = 3_000
/** So many measurements are needed before they count, and the bound is so many times the fastest of them. */
const MEASUREMENTS = 5
const MARGIN = 2
/** Below this a measured bound is not believed: the server was busy each time. */
const LEAST_TOKENS_PER_SECOND = 50
/** Between two pieces of text that follow each other this closely, nothing else is generated. */
const STREAMING_MS = 500
/** How long a provider may go on before it notices that its client has hung up. */
export const HANG_UP_MS = 500
/** After so much streaming text a call has shown its own speed. */
const OWN_SPEED_MS = 1_000
/** A shorter or smaller stream says little about a model's speed: it may have come in one packet. */
const MEASURED_MS = 200
const MEASURED_TOKENS = 20

export function mostTokensPerSecond(fastest: Fastest | undefined): number {
  if (fastest === undefined || fastest.calls < MEASUREMENTS) return UNMEASURED_TOKENS_PER_SECOND
  return Math.max(LEAST_TOKENS_PER_SECOND, MARGIN * fastest.tokensPerSecond)
}

export interface CallMeter {
  /** The request is sent now. Before that, no time counts. */
  start(): void
  take(event: ModelEvent): void
  /** The provider has given a usage, counted or estimated: the request went out. */
  used(): boolean
  /** What is booked for a complete answer, or for an incomplete one that the provider counted. */
  counted(reason: FinishReason | undefined): Usage | undefined
  /** The most that the provider can bill when the call ends so many milliseconds from now, and not more than was reserved. */
  most(aheadMs: number): { usage: Usage; cost: NanoUsd }
  /** Since the request was sent. */
  elapsedMs(): number
  firstTokenMs(): number | undefined
  /** Tokens a second, where the provider counted enough of them. */
  speed(): number | undefined
}

export interface CallMeterOptions {
  request: ModelRequest
  price: Price
  /** What is reserved. */
  worst: NanoUsd
  tokensPerSecond: number
  /** Whether the provider bills the whole answer although its client has hung up. */
  billsWholeAnswer: boolean
  now: () => number
}

export function createCallMeter(options: CallMeterOptions): CallMeter {
  const { request, price, worst, tokensPerSecond, billsWholeAnswer, now } = options
  let startedAt: number | undefined
  let firstAt: number | undefined
  let lastTextAt: number | undefined
  /** Milliseconds in which text came in without a pause. */
  let streamingMs = 0
  let text = ''
  let reasoned = false
  let input: Pick<Usage, 'input' | 'cacheRead' | 'cacheWrite'> | undefined
  let usage: Usage | undefined

  const elapsedMs = () => (startedAt === undefined ? 0 : now() - startedAt)

  /** Output: what was shown, and what may have been generated while nothing was shown. */
  function mostOutput(aheadMs: number): number {
    if (billsWholeAnswer) return request.maxOutputTokens
    const estimate = usage?.output ?? 0
    const shown = usage === undefined ? mostIn(text) : mostInCounted(text, estimate, request.model)
    const passedMs = elapsedMs() + aheadMs
    const own = streamingMs < OWN_SPEED_MS ? tokensPerSecond : (MARGIN * mostIn(text) * 1_000) / streamingMs
    const speed = Math.max(LEAST_TOKENS_PER_SECOND, Math.min(tokensPerSecond, own))
    const tokensIn = (ms: number) => Math.ceil((speed * Math.max(0, ms)) / 1_000)
    const most = Math.min(shown + tokensIn(passedMs - streamingMs), tokensIn(passedMs))
    return Math.min(request.maxOutputTokens, Math.max(estimate, most))
  }

  function mostInput(): Pick<Usage, 'input' | 'cacheRead' | 'cacheWrite'> {
    if (input !== undefined) return input
    const most = usage === undefined ? mostTokens(request) : mostTokensCounted(request, usage.input)
    return { input: most, cacheRead: 0, cacheWrite: 0 }
  }

  /** A server that counts more than was sent or allowed is wrong: the most that was possible is booked. */
  function possible(told: Usage): Usage {
    if (told.source !== 'provider') return told
    const most = Math.min(told.input, mostTokens(request))
    const output = Math.min(told.output, Math.max(request.maxOutputTokens, mostIn(text)))
    if (most === told.input && output === told.output) return told
    const cacheRead = Math.min(told.cacheRead, most)
    return {
      ...told,
      input: most,
      cacheRead,
      cacheWrite: Math.min(told.cacheWrite, most - cacheRead),
      output,
      reasoning: Math.min(told.reasoning, output),
      source: 'estimated',
      told: { input: told.input, output: told.output },
    }
  }

  function mostUsage(aheadMs: number): Usage {
    const sent = mostInput()
    const output = mostOutput(aheadMs)
    const base: Usage = { ...sent, output, reasoning: 0, source: 'estimated' }
    // Whether the input was written to a cache and how much was thought is known where the provider said so.
    const cached = input === undefined ? [base, { ...base, cacheWrite: sent.input }] : [base]
    const all = cached.flatMap((each) => [each, { ...each, reasoning: output }])
    return dearest(all, price, elapsedMs() + aheadMs)
  }

  return {
    start() {
      startedAt = now()
    },

    take(event) {
      if (event.type === 'usage') usage = possible(event.usage)
      if (event.type === 'input' && event.counted.input <= mostTokens(request)) input = event.counted
      if ((event.type !== 'text' && event.type !== 'reasoning') || event.delta === '') return
      const at = now()
      firstAt ??= at
      text += event.delta
      if (event.type === 'reasoning') {
        // Providers show a summary of what was thought, and bill the whole of it.
        reasoned = true
        lastTextAt = undefined
        return
      }
      if (lastTextAt !== undefined && at - lastTextAt <= STREAMING_MS) streamingMs += at - lastTextAt
      lastTextAt = at
    },

    used: () => usage !== undefined,

    counted(reason) {
      const whole = reason !== undefined && reason !== 'aborted' && reason !== 'truncated'
      if (usage !== undefined && (whole || usage.source === 'provider' || usage.told !== undefined)) return usage
      return whole ? estimateUsage(request, text) : undefined
    },

    most(aheadMs) {
      const used = mostUsage(aheadMs)
      const cost = priceUsage(used, price, elapsedMs() + aheadMs)
      return cost > worst ? { usage: used, cost: worst } : { usage: used, cost }
    },
    elapsedMs,
    firstTokenMs: () => (firstAt === undefined || startedAt === undefined ? undefined : firstAt - startedAt),

    speed() {
      if (usage?.source !== 'provider' || firstAt === undefined || startedAt === undefined) return undefined
      // What was thought without being shown was generated before the first text.
      const hidden = reasoned ? 0 : usage.reasoning
      const rates = [
        { tokens: usage.output - hidden, ms: now() - firstAt },
        { tokens: hidden, ms: firstAt - startedAt },
      ].filter(({ tokens, ms }) => tokens >= MEASURED_TOKENS && ms >= MEASURED_MS)
      return rates.length === 0 ? undefined : Math.max(...rates.map(({ tokens, ms }) => (tokens * 1_000) / ms))
    },
  }
}

function dearest(usages: Usage[], price: Price, ms: number): Usage {
  return usages.reduce((most, each) => (priceUsage(each, price, ms) > priceUsage(most, price, ms) ? each : most))
}
