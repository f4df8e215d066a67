/** What a typical answer of each model costs and how long it takes: by these, models that could all answer are put in order. */
import type { NanoUsd } from '../core/money.ts'
import { type Model, type Tier, tiers } from '../models/catalogue.ts'
import { priceUsage } from '../models/price.ts'
import type { Needs } from './gates.ts'
import type { Speed } from './health.ts'

export interface Weighed {
  model: Model
  /** Of a typical answer; `null`: the price is not known. */
  cost: NanoUsd | null
  speed: Speed | undefined
  /** Cost made dearer by the time that it takes, and the price of that time, in nano-dollars. A number: only its order counts. */
  weight: number
  /** Milliseconds of a typical answer, the others' average where nothing was measured. */
  ms: number
  /** Its place in the catalogue. */
  at: number
}

/** Tokens of an ordinary answer, and of a picture within a prompt. */
const TYPICAL_OUTPUT = 500
const TYPICAL_IMAGE = 900
/** An answer that takes this long weighs as much as one at twice its cost. */
const DOUBLES_AT_MS = 20_000
/** What a millisecond of waiting is worth ($0.00003 a second), so that a slow model does not win because it is free. */
const NANO_USD_PER_MS = 30
const LONGEST_MS = 120_000
const UNMEASURED_SPEED = 60

export function weigh(
  models: readonly { model: Model; at: number }[],
  { tokensIn, tokensLikely = tokensIn, images }: Needs,
  speedOf: (model: Model) => Speed | undefined,
): Weighed[] {
  const input = tokensLikely + images * TYPICAL_IMAGE
  const measured = models.map(({ model }) => speedOf(model))
  const known = measured.flatMap((speed) => (speed === undefined ? [] : [durationOf(speed)]))
  const usual = known.length === 0 ? 0 : known.reduce((sum, ms) => sum + ms, 0) / known.length
  return models.map(({ model, at }, index) => {
    const speed = measured[index]
    const ms = Math.min(LONGEST_MS, speed === undefined ? usual : durationOf(speed))
    const output = Math.min(TYPICAL_OUTPUT, model.maxOutputTokens)
    const usage = { input, output, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'estimated' as const }
    const cost = model.price === undefined ? null : priceUsage(usage, model.price, ms)
    const weight = Number(cost ?? 0n) * (1 + ms / DOUBLES_AT_MS) + ms * NANO_USD_PER_MS
    return { model, cost, speed, weight, ms, at }
  })
}

/** Cheaper first; of those that cost the same the faster, then the catalogue's order. */
export function byWeight(a: Weighed, b: Weighed): number {
  return a.weight - b.weight || a.ms - b.ms || a.at - b.at
}

function durationOf({ firstTokenMs, tokensPerSecond }: Speed): number {
  return firstTokenMs + (TYPICAL_OUTPUT / (tokensPerSecond ?? UNMEASURED_SPEED)) * 1_000
}

/** Whether all that would be sent fits into its window; else it is given passages of the files only. */
export function holdsAll(model: Model, { tokensIn, tokensLikely = tokensIn, tokensOut = 256 }: Needs): boolean {
  return tokensLikely + tokensOut <= model.contextWindow
}

/** The wanted tier first, then what is better by as little as possible, then what is less by as little as possible. */
export function tierDistance(tier: Tier, wanted: Tier): number {
  const steps = tiers.indexOf(tier) - tiers.indexOf(wanted)
  return steps >= 0 ? steps : tiers.length - steps
}

export function tierBelow(tier: Tier, than: Tier): boolean {
  return tiers.indexOf(tier) < tiers.indexOf(than)
}

export function higher(a: Tier, b: Tier): Tier {
  return tiers.indexOf(a) >= tiers.indexOf(b) ? a : b
}
