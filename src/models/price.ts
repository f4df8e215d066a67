/**
 * What a call costs and what it can cost at most. Pure. A price is either per token, as providers publish it, or per hour, as
 * hardware is rented. Every token is priced once, at the rate of what it was, and the sum is rounded up once.
 */
import type { NanoUsd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'

export type Price = TokenPrice | HourPrice

/** Nano-USD per million tokens. */
export interface Rates {
  input: NanoUsd
  output: NanoUsd
  /** Of the input, what came from the provider's cache; absent: as input. */
  cacheRead?: NanoUsd
  /** Of the input, what was written to the cache; absent: as input. */
  cacheWrite?: NanoUsd
  /** Of the input, what was sound; absent: as input. */
  inputAudio?: NanoUsd
  /** Of the output; absent: as output. */
  reasoning?: NanoUsd
}

/** Nano-USD for a request, and for an hour of sound. */
export interface Fees {
  request?: NanoUsd
  audioHour?: NanoUsd
}

export interface TokenPrice {
  kind: 'tokens'
  rates: Rates
  /** Above so many tokens of input the whole request costs other rates. Ascending. */
  above?: readonly { tokens: number; rates: Rates }[]
  fees?: Fees
}

/**
 * Rented hardware: a call costs `perHour × its duration ÷ concurrency`. With the default concurrency of 1 each call bears the
 * whole hour alone, so that calls side by side are never priced below what the hardware costs while it works. Hours in which
 * it stands idle are not in it.
 */
export interface HourPrice {
  kind: 'hours'
  perHour: NanoUsd
  /** How many calls the hardware answers at the same time, as its admin says. Default 1. */
  concurrency?: number
}

/** What a request may come to. */
export interface Bounds {
  inputTokens: number
  maxOutputTokens: number
  /** The longest that the call may take. Default an hour: a duration without a bound is not assumed to be short. */
  maxMs?: number
  /** Sound that is sent along. */
  audioMs?: number
}

const HOUR_MS = 3_600_000
/** Millionths for rates and hours in milliseconds for time, over one denominator. */
const WHOLE = 18_000_000n
const PER_TOKEN = WHOLE / 1_000_000n
const PER_MS = WHOLE / BigInt(HOUR_MS)

/** Rates of zero, stated or by rule; never for an unknown price. */
export const free: TokenPrice = { kind: 'tokens', rates: { input: 0n, output: 0n } }

/**
 * What a usage costs. `ms` is how long the call took and counts where hours are paid; not given there, it counts as an hour,
 * because an unmeasured duration is not free.
 */
export function priceUsage(usage: Usage, price: Price, ms = HOUR_MS): NanoUsd {
  if (price.kind === 'hours') return hours(price, ms)
  const { cacheRead, cacheWrite, inputAudio = 0, output, reasoning } = usage
  const rates = ratesFor(price, usage.input)
  const record = Math.max(0, Math.min(inputAudio, usage.input - cacheRead - cacheWrite))
  const fresh = Math.max(0, usage.input - cacheRead - cacheWrite - record)
  const thought = Math.min(reasoning, output)
  const tokens =
    tokensAt(fresh, rates.input) +
    tokensAt(cacheRead, rates.cacheRead ?? rates.input) +
    tokensAt(cacheWrite, rates.cacheWrite ?? rates.input) +
    tokensAt(record, rates.inputAudio ?? rates.input) +
    tokensAt(output - thought, rates.output) +
    tokensAt(thought, rates.reasoning ?? rates.output)
  return roundUp(tokens + feesOf(price, usage), WHOLE)
}

/**
 * The most that a request within `bounds` can cost: never below what `priceUsage` gives for any usage of it, whatever of the
 * input is cached and whatever of the output is thought.
 */
export function worstCase(price: Price, bounds: Bounds): NanoUsd {
  if (price.kind === 'hours') return hours(price, bounds.maxMs ?? HOUR_MS)
  const reached = (price.above ?? []).filter(({ tokens }) => bounds.inputTokens > tokens)
  const tokens = [price.rates, ...reached.map(({ rates }) => rates)].map(
    (rates) =>
      tokensAt(bounds.inputTokens, dearest(rates.input, inputRates(rates))) +
      tokensAt(bounds.maxOutputTokens, dearest(rates.output, [rates.reasoning])),
  )
  return roundUp(dearest(0n, tokens) + feesOf(price, bounds), WHOLE)
}

function ratesFor(price: TokenPrice, input: number): Rates {
  return price.above?.findLast(({ tokens }) => input > tokens)?.rates ?? price.rates
}

function inputRates({ cacheRead, cacheWrite, inputAudio }: Rates) {
  return [cacheRead, cacheWrite, inputAudio]
}

function feesOf({ fees }: TokenPrice, { audioMs = 0 }: Pick<Usage, 'audioMs'>) {
  if (fees === undefined) return 0n
  return (fees.request ?? 0n) * WHOLE + wholeMs(audioMs) * (fees.audioHour ?? 0n) * PER_MS
}

function hours({ perHour, concurrency = 1 }: HourPrice, ms: number): NanoUsd {
  return roundUp(wholeMs(ms) * perHour, BigInt(HOUR_MS) * BigInt(concurrency))
}

function tokensAt(tokens: number, perMillion: NanoUsd): bigint {
  return BigInt(tokens) * perMillion * PER_TOKEN
}

function wholeMs(ms: number): bigint {
  return BigInt(Math.max(0, Math.ceil(ms)))
}

function roundUp(amount: bigint, denominator: bigint): NanoUsd {
  return (amount + denominator - 1n) / denominator
}

function dearest(one: bigint, others: (bigint | undefined)[]): bigint {
  return others.reduce<bigint>((most, other) => (other !== undefined && other > most ? other : most), one)
}
