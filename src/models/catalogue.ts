/**
 * Which models there are: those of the configuration, those that providers tell of, and always `extractive`. Asking
 * providers happens in the background; one that fails costs only its own models, and a turn waits for it once, briefly.
 */
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { chats, knownModel, preference } from './known-models.ts'
import type { ModelInfo, ModelProvider } from './model.ts'
import { free, type Price } from './price.ts'
import type { StatedPrice } from './stated-price.ts'

export const tiers = ['small', 'medium', 'large'] as const
export type Tier = (typeof tiers)[number]

/**
 * Who says what a model costs: an admin by command, parley.yaml, the provider's published list, or nobody. `hardware`: it
 * runs on own hardware, where tokens cost nothing by rule until somebody states otherwise.
 */
export type PriceSource = 'admin' | 'configured' | 'published' | 'hardware' | 'unknown'

export interface Model {
  id: string
  /** Name of the provider that serves it. */
  provider: string
  label?: string
  /** Other names that people may type for it. */
  aliases: readonly string[]
  /** Tokens of input and output together. */
  contextWindow: number
  maxOutputTokens: number
  /** Absent: nobody has said what it costs, and it must not be asked. */
  price?: Price
  priceSource: PriceSource
  tier: Tier
  /** Whether it runs on own hardware, so that what is asked stays in the house. */
  local: boolean
  /** `false`: an admin has switched it off for everybody. */
  enabled: boolean
  /** Whether it takes images, takes sound, calls tools; absent: not known. */
  vision?: boolean
  audio?: boolean
  tools?: boolean
  /** `configured` in parley.yaml, told by a provider, or Parley's own. */
  origin: 'configured' | 'discovered' | 'builtin'
  /** What an admin or the configuration names as the default. */
  isDefault?: boolean
}

export interface ConfiguredModel {
  id: string
  provider: string
  label?: string
  alias?: string
  contextWindow?: number
  maxOutputTokens?: number
  price?: Price
  tier?: Tier
  local?: boolean
  vision?: boolean
  audio?: boolean
  tools?: boolean
}

/** What admins changed by command for everybody (src/store/settings.ts). Models are named `provider/id`. */
export interface AdminChanges {
  disabled?: readonly string[] | undefined
  /** What people type → model. */
  aliases?: Readonly<Record<string, string>> | undefined
  prices?: Readonly<Record<string, StatedPrice>> | undefined
  default?: string | undefined
}

export interface CatalogueOptions {
  configured: ConfiguredModel[]
  providers: ModelProvider[]
  /** Id of the model that answers unless something else is asked for. */
  defaultModel?: string
  /** Windows of a provider's models that neither it nor the configuration tells. Default: 4,096 for `ollama`. */
  defaultContextWindows?: Record<string, number>
  log: Log
  now?: () => number
  /** The longest that the first call waits for providers. Default 2 s. */
  firstWaitMs?: number
  /** After this long, the next call asks the providers again, in the background. Default 5 minutes. */
  refreshMs?: number
}

export interface Catalogue {
  /** Best default first: configured, then discovered, then `extractive`. Never throws. */
  models(): Promise<Model[]>
  provider(name: string): ModelProvider | undefined
  /** Asks every provider again and returns when all have answered or failed. */
  refresh(): Promise<void>
}

const UNKNOWN_WINDOW = 8_192
const MAX_OUTPUT = 4_096
/** Models of such limits think in their output before they answer, and need the room. */
const REASONS = 100_000
const MAX_REASONED = 16_384
const ASK_MS = 15_000
/** A provider that failed is asked again sooner. */
const AGAIN_MS = 10_000
const ollamaWindow = { ollama: 4_096 }

const extractive: Model = {
  id: 'extractive',
  provider: 'extractive',
  label: 'Quotes from the shared files',
  contextWindow: 100_000,
  maxOutputTokens: MAX_OUTPUT,
  aliases: [],
  price: free,
  priceSource: 'hardware',
  tier: 'small',
  local: true,
  enabled: true,
  vision: false,
  audio: false,
  tools: false,
  origin: 'builtin',
}

export function createCatalogue(options: CatalogueOptions): Catalogue {
  const { configured, providers, defaultModel, log, now = Date.now, firstWaitMs = 2_000, refreshMs = 300_000 } = options
  const windows: Record<string, number> = options.defaultContextWindows ?? ollamaWindow
  const asked = providers.filter(({ name }) => name !== extractive.provider)
  const told = new Map<string, ModelInfo[]>()
  let askedAt = Number.NEGATIVE_INFINITY
  let someFailed = true
  let refreshing: Promise<void> | undefined
  let first: Promise<void> | undefined

  async function ask(provider: ModelProvider): Promise<boolean> {
    try {
      const found = await provider.models(AbortSignal.timeout(ASK_MS))
      told.set(provider.name, found)
      log.debug({ provider: provider.name, models: found.length }, 'models listed')
      return true
    } catch (thrown) {
      // What it told before stays: a server that restarts keeps its models.
      log.warn({ provider: provider.name, ...errorFields(thrown) }, 'models not listed')
      return false
    }
  }

  function refresh(): Promise<void> {
    refreshing ??= Promise.all(asked.map(ask)).then((answered) => {
      refreshing = undefined
      someFailed = answered.includes(false)
      askedAt = now()
    })
    return refreshing
  }

  async function models(): Promise<Model[]> {
    if (first === undefined) {
      first = within(firstWaitMs, refresh())
    } else if (now() - askedAt > (someFailed ? Math.min(AGAIN_MS, refreshMs) : refreshMs)) {
      void refresh()
    }
    // Calls that come while the first one waits wait with it; none waits again.
    await first
    return merge()
  }

  function merge(): Model[] {
    const mine = configured.map((model) => complete(model, 'configured'))
    const named = new Set(mine.map(key))
    const found = asked.flatMap(({ name: provider }) =>
      (told.get(provider) ?? [])
        .filter(({ id }) => chats(id))
        .map((info) => complete({ id: info.id, provider }, 'discovered'))
        .filter((model) => !named.has(key(model))),
    )
    found.sort((a, b) => preference(a.id) - preference(b.id))
    const all = [...mine, ...found, extractive]
    const chosen = all.find(({ id }) => id === defaultModel)
    return chosen === undefined ? all : [{ ...chosen, isDefault: true }, ...all.filter((model) => model !== chosen)]
  }

  /** The provider knows its limit best; an admin may stay below it. */
  function complete(model: ConfiguredModel, origin: 'configured' | 'discovered'): Model {
    const info = told.get(model.provider)?.find(({ id }) => id === model.id)
    const known = knownModel(model.id)
    const limits = [info?.contextWindow, model.contextWindow].filter((limit) => limit !== undefined)
    const fallback = known?.contextWindow ?? windows[model.provider] ?? UNKNOWN_WINDOW
    const contextWindow = limits.length > 0 ? Math.min(...limits) : fallback
    // An answer gets at most a quarter of a small window, or nothing is left for the files.
    const most = known !== undefined && known.maxOutputTokens >= REASONS ? MAX_REASONED : MAX_OUTPUT
    const output = Math.min(known?.maxOutputTokens ?? most, most, Math.floor(contextWindow / 4))
    return {
      ...(known === undefined ? {} : { vision: known.vision }),
      ...model,
      aliases: model.alias === undefined ? [] : [model.alias],
      priceSource: model.price === undefined ? 'unknown' : 'configured',
      tier: model.tier ?? 'medium',
      local: model.local ?? model.provider === 'ollama',
      enabled: true,
      contextWindow,
      maxOutputTokens: Math.min(model.maxOutputTokens ?? output, Math.floor(contextWindow / 2)),
      origin,
    }
  }

  return {
    models,
    refresh,
    provider: (name) => providers.find((provider) => provider.name === name),
  }
}

function key(model: { id: string; provider: string }): string {
  return JSON.stringify([model.provider, model.id])
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
