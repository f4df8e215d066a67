/**
 * One model of the catalogue, from all that is said of it: by admins, parley.yaml, its provider, the published list, and its
 * name, in this order. Pure.
 */
import type { AdminChanges, ConfiguredModel, Model, PriceSource, Tier } from './catalogue.ts'
import { type KnownModel, knownFamily, knownModel, parametersIn } from './known-models.ts'
import type { ModelInfo } from './model.ts'
import { onOwnHardware } from './own-hardware.ts'
import { free, type Price } from './price.ts'
import type { Published } from './published.ts'
import { readPrice } from './stated-price.ts'
import { billsWholeAnswer } from './whole-answer-hosts.ts'

export interface Said {
  /** At least its id and provider. */
  configured: ConfiguredModel
  origin: 'configured' | 'discovered'
  info: ModelInfo | undefined
  /** Where it is asked. */
  address: string | undefined
  published: Published | undefined
  /** Its context window where none is known. */
  defaultWindow: number | undefined
  changes: AdminChanges
}

const UNKNOWN_WINDOW = 8_192
const MAX_OUTPUT = 4_096
/** Models of such limits think in their output before they answer, and need the room. */
const REASONS = 100_000
const MAX_REASONED = 16_384
/** Of a million tokens of output. */
const SMALL_BELOW = 3_000_000_000n
const LARGE_FROM = 20_000_000_000n

/** How settings and people name a model in full. */
export function modelKey({ provider, id }: { provider: string; id: string }): string {
  return `${provider}/${id}`
}

export function completeModel(said: Said): Model {
  const { configured, origin, info, address, changes } = said
  const { id, provider, alias } = configured
  const family = knownFamily(id)
  const known: KnownModel = { ...family, ...knownModel(id) }
  const local = configured.local ?? onOwnHardware(provider, address, info ?? { id })
  const price = priceOf(said, local)
  const contextWindow = windowOf(said, local)
  const key = modelKey(configured)
  const adminAliases = Object.entries(changes.aliases ?? {}).flatMap(([name, model]) => (model === key ? [name] : []))
  const label = configured.label ?? info?.label
  return {
    id,
    provider,
    kind: 'generative',
    label,
    aliases: [...adminAliases, ...(alias === undefined || Object.hasOwn(changes.aliases ?? {}, alias) ? [] : [alias])],
    contextWindow,
    maxOutputTokens: outputOf(said, known, contextWindow),
    ...price,
    tier: configured.tier ?? known.tier ?? tierOf(price.price, info?.parameters ?? parametersIn(id)),
    local,
    enabled: !(changes.disabled ?? []).includes(key),
    ...abilities(configured, info, known),
    billsWholeAnswer: billsWholeAnswer(address) ? true : undefined,
    origin,
  }
}

function priceOf(
  { configured, changes, published }: Said,
  local: boolean,
): { price?: Price; priceSource: PriceSource } {
  const key = modelKey(configured)
  const stated = Object.hasOwn(changes.prices ?? {}, key) ? changes.prices?.[key] : undefined
  if (stated !== undefined) return { price: readPrice(stated), priceSource: 'admin' }
  if (configured.price !== undefined) return { price: configured.price, priceSource: 'configured' }
  if (published?.price !== undefined) return { price: published.price, priceSource: 'published' }
  return local ? { price: free, priceSource: 'hardware' } : { priceSource: 'unknown' }
}

/** The provider knows its limit best; an admin may stay below it. */
function windowOf({ configured, info, published, defaultWindow }: Said, local: boolean): number {
  const limits = [info?.contextWindow, configured.contextWindow].filter((limit) => limit !== undefined)
  if (limits.length > 0) return Math.min(...limits)
  const exact = knownModel(configured.id)?.contextWindow ?? published?.contextWindow
  // An own server gives a model the memory that it has, rarely all that the model was trained for.
  const family = local ? undefined : knownFamily(configured.id)?.contextWindow
  return exact ?? defaultWindow ?? family ?? UNKNOWN_WINDOW
}

/** An answer gets at most a quarter of a small window, or nothing is left for the files. */
function outputOf({ configured, info }: Said, known: KnownModel, window: number): number {
  const limit = info?.maxOutputTokens ?? known.maxOutputTokens
  const reasons = info?.reasoning ?? (limit !== undefined && limit >= REASONS)
  const most = reasons ? MAX_REASONED : MAX_OUTPUT
  const output = Math.min(limit ?? most, most, Math.floor(window / 4))
  return Math.min(configured.maxOutputTokens ?? output, Math.floor(window / 2))
}

function abilities(configured: ConfiguredModel, info: ModelInfo | undefined, known: KnownModel) {
  const found: Pick<Model, 'vision' | 'audio' | 'tools'> = {}
  for (const ability of ['vision', 'audio', 'tools'] as const) {
    const has = configured[ability] ?? info?.[ability] ?? known[ability]
    if (has !== undefined) found[ability] = has
  }
  return found
}

function tierOf(price: Price | undefined, parameters: number | undefined): Tier {
  const output = price?.kind === 'tokens' ? price.rates.output : 0n
  if (output > 0n) return output < SMALL_BELOW ? 'small' : output < LARGE_FROM ? 'medium' : 'large'
  if (parameters === undefined) return 'medium'
  return parameters < 10 ? 'small' : parameters < 50 ? 'medium' : 'large'
}
