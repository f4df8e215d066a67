/**
 * What a call costs and what it can cost at most; and a price as people state it, as the ledger keeps it, and in words. Pure.
 * A price is either per token, as providers publish it, or per hour, as hardware is rented. Every token is priced once, at
 * the rate of what it was, and the sum is rounded up once.
 */

import type { Json } from '../core/json.ts'
import { decimalUsd, type NanoUsd, usd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import { priceWording } from '../wording/models.ts'

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
  return roundUp(tokens * PER_TOKEN + feesOf(price, usage), WHOLE)
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
  return roundUp(dearest(0n, tokens) * PER_TOKEN + feesOf(price, bounds), WHOLE)
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

/** In millionths. */
function tokensAt(tokens: number, perMillion: NanoUsd): bigint {
  return tokens === 0 ? 0n : BigInt(tokens) * perMillion
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

/**
 * Decimal USD: per million tokens, per hour of the hardware with how many calls it answers at the same time, or per hour of
 * sound that is heard.
 */
export type StatedPrice =
  | {
      input: string
      output: string
      cacheRead?: string | undefined
      cacheWrite?: string | undefined
    }
  | { perHour: string; concurrency?: number | undefined }
  | { perAudioHour: string }

/** Throws a RangeError on what is no decimal. A stated 0 is a price. */
export function readPrice(stated: StatedPrice): Price {
  if ('perHour' in stated) {
    const { perHour, concurrency } = stated
    return { kind: 'hours', perHour: usd(perHour), concurrency }
  }
  if ('perAudioHour' in stated) return { ...free, fees: { audioHour: usd(stated.perAudioHour) } }
  const { cacheRead, cacheWrite } = stated
  const rates: Rates = { input: usd(stated.input), output: usd(stated.output) }
  if (cacheRead !== undefined) rates.cacheRead = usd(cacheRead)
  if (cacheWrite !== undefined) rates.cacheWrite = usd(cacheWrite)
  return { kind: 'tokens', rates }
}

/** The whole price as JSON, its amounts in decimal USD: what a row of the ledger keeps of it. */
export function priceSnapshot(price: Price): Json {
  return JSON.parse(
    JSON.stringify(price, (_key, value: unknown) => (typeof value === 'bigint' ? decimalUsd(value) : value)),
  )
}

/** In words: `$0.25 in, $2 out per million tokens, cached $0.025`. */
export function describePrice(price: Price): string {
  if (price.kind === 'hours') return priceWording.perHour(money(price.perHour), price.concurrency ?? 1)
  const { rates, above = [], fees = {} } = price
  const charged = fee(fees)
  const tokens = isFree(rates) ? [] : [priceWording.perMillion(inAndOut(rates)), ...special(rates)]
  const tiers = above.map((tier) => {
    const rest = special(tier.rates)
    return priceWording.above(tier.tokens, [inAndOut(tier.rates), ...rest].join(', '))
  })
  const all = [[...tokens, ...charged].join(', '), ...tiers].filter((part) => part !== '')
  return all.length === 0 ? priceWording.free : all.join('; ')
}

function inAndOut({ input, output }: Rates): string {
  return priceWording.inAndOut(money(input), money(output))
}

function isFree(rates: Rates): boolean {
  return Object.values(rates).every((rate: NanoUsd | undefined) => rate === undefined || rate === 0n)
}

function special({ cacheRead, cacheWrite, inputAudio, reasoning }: Rates): string[] {
  return named([
    [priceWording.cached, cacheRead],
    [priceWording.cacheWrite, cacheWrite],
    [priceWording.audio, inputAudio],
    [priceWording.reasoning, reasoning],
  ])
}

function fee({ request, audioHour }: Fees): string[] {
  return [
    ...(request === undefined ? [] : [`${money(request)} ${priceWording.request}`]),
    ...(audioHour === undefined ? [] : [`${money(audioHour)} ${priceWording.audioHour}`]),
  ]
}

function named(amounts: [string, NanoUsd | undefined][]): string[] {
  return amounts.flatMap(([name, amount]) => (amount === undefined ? [] : [`${name} ${money(amount)}`]))
}

/** Exact, as on a price tag: `$2.50`, `$0.025`, `$2`. */
function money(amount: NanoUsd): string {
  return `$${decimalUsd(amount).replace(/\.\d$/, '$&0')}`
}
