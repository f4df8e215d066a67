/**
 * Which models there are: those of the configuration, those that providers tell of, and always `extractive`. Asking
 * providers happens in the background; one that fails costs only its own models, and a turn waits for it once, briefly.
 */
import { isDeepStrictEqual } from 'node:util'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { chosenByQuestion } from '../core/route-decision.ts'
import { quoteWording } from '../wording/models.ts'
import { completeModel, modelKey } from './complete-model.ts'
import { chats, type FindPublished, preference } from './known-models.ts'
import type { ModelInfo, ModelProvider } from './model.ts'
import { free, type Price, type StatedPrice } from './price.ts'

export const tiers = ['small', 'medium', 'large'] as const
export type Tier = (typeof tiers)[number]

/**
 * The source of a model's price: an admin's command, parley.yaml, the provider's published list, or none. `hardware`: it
 * runs on own hardware, where tokens cost nothing by rule until somebody states otherwise.
 */
export type PriceSource = 'admin' | 'configured' | 'published' | 'hardware' | 'unknown'

export interface Model {
  id: string
  /** Name of the provider that serves it. */
  provider: string
  /** `generative` writes an answer; `extractive` quotes the files, and there is nothing to pay or to wait for. */
  kind: 'generative' | 'extractive'
  label?: string
  /** Other names that people may type for it. */
  aliases: readonly string[]
  /** Tokens of input and output together. */
  contextWindow: number
  maxOutputTokens: number
  /** Absent: the price is unknown, and the model must not be called. */
  price?: Price
  priceSource: PriceSource
  tier: Tier
  /** Whether it runs on own hardware, so that what is asked stays in the house. */
  local: boolean
  /** `false`: an admin has switched it off for everybody. */
  enabled: boolean
  /** Its server goes on after its client has hung up, and bills the whole answer; absent: it stops (complete-model.ts). */
  billsWholeAnswer?: boolean
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
  /** Where a provider is asked, by its name: decides which prices hold, and whether it is own hardware. */
  addresses?: Record<string, string>
  /** What is published; without it prices are stated or unknown. */
  published?: FindPublished
  /** What admins changed. Called for every list of models, so implementations cache it. */
  changes?: () => Promise<AdminChanges>
  /** Windows of a provider's models that neither it nor the configuration tells. Default: 4,096 for `ollama`. */
  defaultContextWindows?: Record<string, number>
  log: Log
  now?: () => number
  /** The longest that the first call waits for providers. Default 2 s. */
  firstWaitMs?: number
  /** After this long, the next call asks the providers again, in the background. Default 5 minutes. */
  refreshMs?: number
}

/** What a server may turn out not to take. */
export type Refusable = 'pictures' | 'tools'

export interface Catalogue {
  /**
   * Best default first: configured, then discovered, then `extractive`. Never throws. Returns the same list until something
   * changes, including a price by the hour. Callers must not modify it.
   */
  models(): Promise<Model[]>
  /**
   * What is known of any model by name, also of one that writes no answers, such as what hears recordings (`transcriber`):
   * above all its price, for the calls that are made of it. Never throws.
   */
  about(provider: string, id: string): Promise<Model>
  provider(name: string): ModelProvider | undefined
  /** Its server has refused pictures, or tools: for an hour the model counts as one that takes none. */
  refused(model: Pick<Model, 'provider' | 'id'>, what: Refusable): void
  /** Asks every provider again and returns when all have answered or failed. */
  refresh(): Promise<void>
}

const ASK_MS = 15_000
/** Behind a gateway, a server that takes pictures or tools may come back. */
const REFUSED_MS = 3_600_000
/** A provider that failed is asked again sooner. */
const AGAIN_MS = 10_000
const ollamaWindow = { ollama: 4_096 }

const extractive: Model = {
  id: 'extractive',
  provider: 'extractive',
  kind: 'extractive',
  label: quoteWording.label,
  contextWindow: 100_000,
  maxOutputTokens: 4_096,
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
  const { addresses = {}, changes } = options
  const windows: Record<string, number> = options.defaultContextWindows ?? ollamaWindow
  const remoteProviders = providers.filter(({ name }) => name !== extractive.provider)
  // Without its provider a model cannot be asked, whatever is said of it.
  const mine = configured.filter((model) => remoteProviders.some(({ name }) => name === model.provider))
  for (const model of configured)
    if (!mine.includes(model) && addresses[model.provider] === undefined)
      log.warn({ model: modelKey(model) }, 'a model of parley.yaml has no provider: set its key or address')
  const told = new Map<string, ModelInfo[]>()
  /** Grows whenever providers have told something. */
  let tellings = 0
  /** Until when, by what was refused and the model's key. */
  const refusals = new Map<string, number>()
  let changed: AdminChanges = {}
  let merged: { of: { tellings: number; minute: number; changed: AdminChanges }; models: Model[] } | undefined
  let refreshedAt = Number.NEGATIVE_INFINITY
  let someFailed = true
  let refreshing: Promise<void> | undefined
  let first: Promise<void> | undefined

  async function ask(provider: ModelProvider): Promise<boolean> {
    try {
      const found = await provider.models(AbortSignal.timeout(ASK_MS))
      told.set(provider.name, found)
      tellings += 1
      log.debug({ provider: provider.name, models: found.length }, 'models listed')
      return true
    } catch (thrown) {
      // What it told before stays: a server that restarts keeps its models.
      log.warn({ provider: provider.name, ...errorFields(thrown) }, 'models not listed')
      return false
    }
  }

  function refresh(): Promise<void> {
    refreshing ??= Promise.all(remoteProviders.map(ask)).then((answered) => {
      refreshing = undefined
      someFailed = answered.includes(false)
      refreshedAt = now()
    })
    return refreshing
  }

  async function models(): Promise<Model[]> {
    if (first === undefined) {
      first = within(firstWaitMs, refresh())
    } else if (Math.abs(now() - refreshedAt) > (someFailed ? Math.min(AGAIN_MS, refreshMs) : refreshMs)) {
      void refresh()
    }
    // Calls that come while the first one waits wait with it; none waits again.
    await first
    await readChanges()
    // Prices that change with the date or the hour do so at a full minute.
    const of = { tellings, minute: Math.floor(now() / 60_000), changed }
    if (merged === undefined || !isDeepStrictEqual(merged.of, of)) merged = { of, models: merge() }
    return merged.models
  }

  async function readChanges(): Promise<void> {
    try {
      changed = (await changes?.()) ?? {}
    } catch (thrown) {
      // What was read before stays.
      log.warn(errorFields(thrown), "admins' changes of models not read")
    }
  }

  async function about(provider: string, id: string): Promise<Model> {
    await readChanges()
    const model = configured.find((each) => each.provider === provider && each.id === id)
    return complete(model ?? { id, provider }, model === undefined ? 'discovered' : 'configured')
  }

  function complete(model: ConfiguredModel, origin: 'configured' | 'discovered', info = infoOf(model)): Model {
    const address = addresses[model.provider]
    const hasRefused = (what: Refusable) => (refusals.get(`${what} ${modelKey(model)}`) ?? 0) > now()
    const completed = completeModel({
      configured: model,
      origin,
      info,
      address,
      changes: changed,
      published: address === undefined ? undefined : options.published?.(address, model.id, new Date(now())),
      defaultWindow: windows[model.provider],
    })
    return {
      ...completed,
      ...(hasRefused('pictures') ? { vision: false } : {}),
      ...(hasRefused('tools') ? { tools: false } : {}),
    }
  }

  function infoOf({ provider, id }: ConfiguredModel): ModelInfo | undefined {
    return told.get(provider)?.find((info) => info.id === id)
  }

  function merge(): Model[] {
    const listed = mine.map((model) => complete(model, 'configured'))
    const named = new Set(listed.map(modelKey))
    const found = remoteProviders.flatMap(({ name: provider }) =>
      (told.get(provider) ?? [])
        .filter(({ id }) => chats(id) && !named.has(modelKey({ provider, id })))
        .map((info) => complete({ id: info.id, provider }, 'discovered', info)),
    )
    found.sort((a, b) => preference(a.id) - preference(b.id))
    const all = [...listed, ...found, extractive]
    const chosen =
      changed.default === chosenByQuestion ? undefined : (called(all, changed.default) ?? called(all, defaultModel))
    return chosen === undefined ? all : [{ ...chosen, isDefault: true }, ...all.filter((model) => model !== chosen)]
  }

  return {
    models,
    about,
    refresh,
    refused(model, what) {
      refusals.set(`${what} ${modelKey(model)}`, now() + REFUSED_MS)
      tellings += 1
    },
    provider: (name) => providers.find((provider) => provider.name === name),
  }
}

function called(models: Model[], name: string | undefined): Model | undefined {
  if (name === undefined) return undefined
  const is = (model: Model) => model.id === name || modelKey(model) === name
  return models.find(is) ?? models.find(({ aliases }) => aliases.includes(name))
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
