/**
 * Prices as providers publish them, from the data that comes with @pydantic/genai-prices: nothing is fetched. The library
 * matches names by their beginnings, so that a stranger named `gpt-5-nano-tuned` would get the price of `gpt-5-nano`. Here
 * only a name that the library spells out counts, or one of those with a date at its end.
 */
import {
  type ConditionalPrice,
  findProvider,
  type MatchLogic,
  type ModelPrice,
  type ModelInfo as PricedModel,
} from '@pydantic/genai-prices'
import { type NanoUsd, usd } from '../../core/money.ts'
import { type FindPublished, type Published, undated } from '../known-models.ts'
import type { Fees, Rates, TokenPrice } from '../price.ts'

/**
 * THE table: host → provider whose prices apply there. Exact hosts only: a region may cost more, and on Azure or Modal the
 * customer chooses the names.
 */
const hosts: Record<string, string> = {
  'api.openai.com': 'openai',
  'api.anthropic.com': 'anthropic',
  'generativelanguage.googleapis.com': 'google',
  'api.mistral.ai': 'mistral',
  'api.groq.com': 'groq',
  'api.deepseek.com': 'deepseek',
  'api.x.ai': 'x-ai',
  'openrouter.ai': 'openrouter',
  'api.together.xyz': 'together',
  'api.fireworks.ai': 'fireworks',
  'api.cerebras.ai': 'cerebras',
  'api.moonshot.ai': 'moonshotai',
}

const rateUnits: Record<string, keyof Rates> = {
  input_mtok: 'input',
  output_mtok: 'output',
  cache_read_mtok: 'cacheRead',
  cache_write_mtok: 'cacheWrite',
  input_audio_mtok: 'inputAudio',
  output_reasoning_mtok: 'reasoning',
}
const feeUnits: Record<string, { fee: keyof Fees; each: number }> = {
  requests_kcount: { fee: 'request', each: 1_000 },
  input_audio_hours: { fee: 'audioHour', each: 1 },
}
/** What Parley never asks of a model, and `audio_hours`, which says what `input_audio_hours` does. */
const neverUsed =
  /^(?:output_(?:audio|image|video)_mtok|input_(?:image|video)_mtok|cache_(?:audio|image)_read_mtok|cache_write_1h_mtok|(?:web|storage)_searches_kcount|audio_hours)$/

export function createPublishedPrices(): FindPublished {
  const indexes = new Map<string, Map<string, PricedModel>>()
  const converted = new WeakMap<ModelPrice, { price: TokenPrice | undefined }>()

  function indexOf(provider: string): Map<string, PricedModel> {
    const known = indexes.get(provider)
    if (known) return known
    const index = new Map<string, PricedModel>()
    const models = findProvider({ providerId: provider })?.models ?? []
    for (const model of models) index.set(model.id, model)
    for (const model of models) for (const name of spelledOut(model.match)) if (!index.has(name)) index.set(name, model)
    indexes.set(provider, index)
    return index
  }

  function priceOf(prices: ModelPrice): TokenPrice | undefined {
    const known = converted.get(prices) ?? { price: convert(prices) }
    converted.set(prices, known)
    return known.price
  }

  return function find(address, id, at): Published | undefined {
    const provider = providerAt(address)
    if (provider === undefined) return undefined
    const index = indexOf(provider)
    const name = id.replace(/^models\//, '')
    const model = index.get(name) ?? index.get(undated(name))
    if (model === undefined) return undefined
    const price = priceOf(currentPrices(model, at))
    return {
      price,
      contextWindow: model.context_window,
    }
  }
}

function providerAt(address: string): string | undefined {
  const url = URL.parse(address)
  return url?.protocol === 'https:' && Object.hasOwn(hosts, url.host) ? hosts[url.host] : undefined
}

/** Names in full. A beginning counts as the name that it is, if it is one, and not as all that begin so. */
function spelledOut(match: MatchLogic): string[] {
  if ('equals' in match) return [match.equals]
  if ('starts_with' in match) return /[a-z\d]$/.test(match.starts_with) ? [match.starts_with] : []
  return 'or' in match ? match.or.flatMap(spelledOut) : []
}

/** The last whose condition holds; without one the first. */
function currentPrices({ prices }: PricedModel, at: Date): ModelPrice {
  if (!Array.isArray(prices)) return prices
  return (prices.findLast((each) => holds(each, at)) ?? prices[0])?.prices ?? {}
}

function holds({ constraint }: ConditionalPrice, at: Date): boolean {
  if (constraint === undefined) return true
  if (constraint.type === 'start_date') return at >= new Date(constraint.start_date)
  const now = at.toISOString().slice(11, 19)
  const [from, to] = [constraint.start_time.slice(0, 8), constraint.end_time.slice(0, 8)]
  return from <= to ? now >= from && now < to : now >= from || now < to
}

/** `undefined` where the price has a part that Parley could not count, or none at all: that is no price, least of all zero. */
function convert(prices: ModelPrice): TokenPrice | undefined {
  const set = Object.entries(prices).filter(([unit, value]) => value !== undefined && !neverUsed.test(unit))
  if (set.length === 0 || set.some(([unit]) => !(unit in rateUnits) && !(unit in feeUnits))) return undefined
  const tiers = set.flatMap(([, value]) => (typeof value === 'object' ? value.tiers : []))
  const starts = [...new Set(tiers.map(({ start }) => start))].sort((a, b) => a - b)
  const fees = feesOf(prices)
  return {
    kind: 'tokens',
    rates: ratesAt(prices, 0),
    above: starts.length === 0 ? undefined : starts.map((tokens) => ({ tokens, rates: ratesAt(prices, tokens + 1) })),
    fees: Object.keys(fees).length === 0 ? undefined : fees,
  }
}

/** The rates of a request with so many tokens of input. What has no price, such as the output of embeddings, is not charged. */
function ratesAt(prices: ModelPrice, input: number): Rates {
  const rates: Rates = { input: 0n, output: 0n }
  for (const [unit, rate] of Object.entries(rateUnits)) {
    const value = prices[unit]
    if (value === undefined) continue
    const amount =
      typeof value === 'number' ? value : (value.tiers.findLast(({ start }) => input > start)?.price ?? value.base)
    rates[rate] = nanos(amount, 1)
  }
  return rates
}

function feesOf(prices: ModelPrice): Fees {
  const fees: Fees = {}
  for (const [unit, { fee, each }] of Object.entries(feeUnits)) {
    const value = prices[unit]
    if (value !== undefined) fees[fee] = nanos(typeof value === 'number' ? value : value.base, each)
  }
  return fees
}

/** One of `each` for so much, by the decimal text of the float, which is what the provider wrote; rounded up to a nano. */
function nanos(value: number, each: number): NanoUsd {
  const text = String(value)
  const [whole = '0', fraction = ''] = (/e/.test(text) ? value.toFixed(20) : text).split('.')
  const exact = usd(`${whole}.${fraction.slice(0, 9).padEnd(1, '0')}`) + (/[1-9]/.test(fraction.slice(9)) ? 1n : 0n)
  return (exact + BigInt(each) - 1n) / BigInt(each)
}
