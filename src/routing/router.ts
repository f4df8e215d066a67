/**
 * Which model answers, and which ones stand by, in order. Pure: gates that a model must pass (gates.ts), then who was asked
 * for, then the tier that the question's structure wants (complexity.ts), then price and measured speed (rank.ts). Quoting
 * (`extractive`) is always the last resort and never gated.
 */
import type { ErrorCode } from '../core/errors.ts'
import type { NanoUsd } from '../core/money.ts'
import { chosenByQuestion, type RouteDecision } from '../core/route-decision.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { modelNamed } from '../models/resolve-model.ts'
import { gateWording } from '../wording/routing.ts'
import { type Gated, type GateName, gateOf, gates, isRule, isSoft, type Needs } from './gates.ts'
import type { Speed } from './health.ts'
import { byWeight, higher, holdsAll, tierDistance, type Weighed, weigh } from './rank.ts'
import { type Chosen, reasonFor } from './reason.ts'
import { type Requested, type RouteRequest, requestedModels } from './requested.ts'
import { describePolicy, openPolicy, type Policy } from './rules.ts'

export interface RouteInput {
  /** In the catalogue's order: best default first. */
  models: readonly Model[]
  request: RouteRequest
  policy?: Policy
  /** The default of this channel or person, where it is another than the catalogue's. */
  defaultModel?: string
  /** Why a model cannot be asked at the moment, as the end of "… because it"; `undefined` when it can. */
  health?: (model: Model) => string | undefined
  speed?: (model: Model) => Speed | undefined
  /** What is left to spend on a model, by `provider/id`; absent: not looked up, the reservation will tell. */
  left?: ReadonlyMap<string, NanoUsd | null>
}

export interface Route {
  model: Model
  provider: string
  /** Why this model, as a sentence. */
  reason: string
  /** The others that may answer, best first, other providers' before the same one's, `extractive` last. */
  fallbacks: Model[]
  /** No model that may answer takes images: they are left out of the prompt. */
  withoutImages: boolean
  /** What a typical answer costs; `null`: not known. */
  estimate: NanoUsd | null
  /** Set when there are models that write and none may answer: what is said where there is nothing to quote either. */
  refusal?: { code: ErrorCode; userMessage: string }
  /**
   * Set when rules forbid the model that the message requests or, with `only`, when anything else is in its way: the question
   * is refused, and no other model answers.
   */
  forbidden?: { code: ErrorCode; userMessage: string }
  decision: RouteDecision
}

/** More would be tried one after the other while somebody waits. */
const MOST_FALLBACKS = 2
/** Of those that could answer, and of those that were stopped for one reason, so many are kept by name. */
const MOST_RANKED = 8
const MOST_NAMED = 20

/** Throws a RangeError when `models` has nothing at all, not even `extractive`. */
export function route(input: RouteInput): Route {
  const { models, request, policy = openPolicy, health = () => undefined, speed = () => undefined } = input
  const asked = request.requested === undefined ? undefined : modelNamed(models, request.requested)
  const only = request.only === true && asked !== undefined ? asked : undefined
  const writing = models.filter((model) => model.kind !== 'extractive' && (only === undefined || model === only))
  const quoting = models.filter(({ kind }) => kind === 'extractive')
  const gated = stopped(writing, input)
  const { candidates, unhealthy } = mayAnswer(writing, gated, request, health)
  const defaultModel = defaultOf(models, input.defaultModel)

  const tier = wantedTier(request, defaultModel, gated)
  const weighed = weigh(candidates, request, speed)
  const healthy = weighed.filter(({ model }) => !unhealthy.has(model))
  const wanted = requestedModels(request, models, healthy)

  const placed = weighed.map((entry) => ({ entry, place: placeOf(entry) }))
  const ordered = best(placed, MOST_RANKED).map(({ entry }) => entry)

  /** Lower is better, digit by digit: well, asked for, known to see, with room for all files, of the wanted tier, the default. */
  function placeOf({ model }: Weighed): number {
    const requested = wanted.length === 0 ? -1 : wanted.findIndex((each) => each.model === model)
    const isDefault = model === defaultModel
    const maySee = request.images > 0 && model.vision !== true && !isDefault
    const narrow = holdsAll(model, request) ? 0 : 50
    const kept = (maySee ? 100 : 0) + narrow + tierDistance(model.tier, tier) * 10 + (isDefault ? 0 : 1)
    return (unhealthy.has(model) ? 10_000 : 0) + (requested < 0 ? 9 : requested) * 1_000 + kept
  }

  const first = firstOf({ ordered, quoting, wanted, defaultModel })
  if (first === undefined) throw new RangeError('no models to choose from')
  const model = first.model
  const chosen: Chosen = { model, by: byWhom(model), weighed: first }
  const withoutImages = request.images > 0 && model.kind !== 'extractive' && model.vision === false
  const reason = reasonFor({
    chosen,
    wanted,
    defaultModel,
    gated,
    request,
    tier,
    withoutImages,
    peers: weighed.filter(
      (entry) => entry.model.tier === model.tier && unhealthy.has(entry.model) === unhealthy.has(model),
    ),
    configured: writing.length > 0,
  })
  const standbys = standBy(placed, ordered, model, unhealthy)
  const fallbacks = [...standbys, ...quoting.filter((quoter) => quoter !== model)]
  const forbidden = forbiddenRequest(wanted, gated, only)
  const refused = model.kind === 'extractive' && chosen.by === 'nobody' ? mostCommon(gated) : undefined
  return {
    model,
    provider: model.provider,
    reason,
    fallbacks,
    withoutImages,
    estimate: first.cost,
    refusal:
      refused === undefined
        ? undefined
        : { code: gates[refused].code, userMessage: gateWording.refusal(gates[refused].none, gates[refused].remedy) },
    forbidden,
    decision: {
      model: modelKey(model),
      by: chosen.by,
      reason,
      complexity: request.complexity,
      policy: describePolicy(policy),
      gated: grouped(gated),
      ranking: ordered.map(rankingEntry),
      eligible: healthy.length,
      fallbacks: fallbacks.map(modelKey),
    },
  }

  function byWhom(of: Model): Chosen['by'] {
    const requested = wanted.find((each) => each.model === of)
    const byDefault = of === defaultModel && (of.kind === 'extractive' || tier === of.tier)
    if (requested !== undefined && !(requested.by === 'conversation' && byDefault)) return requested.by
    if (byDefault) return 'default'
    return of.kind === 'extractive' ? 'nobody' : 'tier'
  }
}

/** `only`: no other model may answer, so whatever is in the way of this one refuses the question. */
function forbiddenRequest(
  wanted: Requested[],
  gated: ReadonlyMap<Model, Gated>,
  only: Model | undefined,
): Route['forbidden'] {
  const requested = wanted.find(({ by }) => by === 'request')?.model
  const gate = requested === undefined ? undefined : gated.get(requested)
  if (requested === undefined || gate === undefined) return undefined
  if (!isRule(gate) && (only === undefined || isSoft(gate))) return undefined
  const userMessage = gateWording.requestRefused(requested.label ?? requested.id, gate.because)
  return { code: gates[gate.gate].code, userMessage }
}

function stopped(writing: readonly Model[], input: RouteInput): Map<Model, Gated> {
  const { request, policy = openPolicy, health = () => undefined, left } = input
  const context = {
    needs: request,
    policy: {
      localOnly: policy.localOnly,
      allowed: policy.allowed === undefined ? undefined : new Set(policy.allowed),
      disabled: new Set(policy.disabled),
    },
    health,
    left: (model: Model) => left?.get(modelKey(model)),
  }
  const gated = new Map<Model, Gated>()
  for (const model of writing) {
    const gate = gateOf(model, context)
    if (gate !== undefined) gated.set(model, gate)
  }
  return gated
}

/** Who may answer: without a model that sees, one that reads the text around the images still helps; the ailing come last. */
function mayAnswer(
  writing: readonly Model[],
  gated: ReadonlyMap<Model, Gated>,
  { images }: Needs,
  health: (model: Model) => string | undefined,
): { candidates: { model: Model; at: number }[]; unhealthy: ReadonlySet<Model> } {
  const passed: { model: Model; at: number }[] = []
  for (const [at, model] of writing.entries()) {
    const gate = gated.get(model)
    if (gate === undefined || isSoft(gate)) passed.push({ model, at })
  }
  const seeing = images === 0 ? passed : passed.filter(({ model }) => model.vision !== false)
  const candidates = seeing.length > 0 ? seeing : passed
  // A model that no gate stopped is healthy; for one that cannot see, health was not checked yet.
  const isUnhealthy = (gate: Gated | undefined, model: Model) =>
    gate !== undefined && (gate.gate === 'health' || health(model) !== undefined)
  const ailing = candidates.filter(({ model }) => isUnhealthy(gated.get(model), model))
  return { candidates, unhealthy: new Set(ailing.map(({ model }) => model)) }
}

/** The default is the floor: a plain question is no evidence that less would do. Where rules are against it, it is none. */
function wantedTier({ complexity }: RouteRequest, defaultModel: Model | undefined, gated: ReadonlyMap<Model, Gated>) {
  if (defaultModel === undefined || defaultModel.kind === 'extractive') return complexity.tier
  const gate = gated.get(defaultModel)
  return gate !== undefined && isRule(gate) ? complexity.tier : higher(defaultModel.tier, complexity.tier)
}

function defaultOf(models: readonly Model[], name: string | undefined): Model | undefined {
  if (name === chosenByQuestion) return undefined
  const named = name === undefined ? undefined : modelNamed(models, name)
  return named ?? models.find(({ isDefault }) => isDefault === true)
}

function firstOf(of: {
  ordered: Weighed[]
  quoting: Model[]
  wanted: Requested[]
  defaultModel: Model | undefined
}): Weighed | undefined {
  const { ordered, quoting, wanted, defaultModel } = of
  const requested = wanted.find(
    ({ model }) => model !== undefined && (model.kind === 'extractive' || ordered[0]?.model === model),
  )
  const quotes = requested?.model ?? defaultModel
  const quoter = quotes !== undefined && quotes.kind === 'extractive' ? quotes : undefined
  const last = quoter ?? (ordered.length === 0 ? quoting[0] : undefined)
  return last === undefined ? ordered[0] : { model: last, cost: 0n, speed: undefined, weight: 0, ms: 0, at: 0 }
}

interface Placed {
  entry: Weighed
  place: number
}

/** The first `count` in order, without putting the many others in order, too. */
function best(of: readonly Placed[], count: number): Placed[] {
  const first: Placed[] = []
  for (const each of of) {
    if (first.length === count && !isBefore(each, first[count - 1])) continue
    const at = first.findIndex((other) => isBefore(each, other))
    first.splice(at < 0 ? first.length : at, 0, each)
    if (first.length > count) first.pop()
  }
  return first
}

function isBefore(a: Placed, b: Placed | undefined): boolean {
  return b !== undefined && (a.place - b.place || byWeight(a.entry, b.entry)) < 0
}

/** The best of another provider first, because one that fails for a model often fails for its others; then by rank. */
function standBy(all: Placed[], ordered: Weighed[], chosen: Model, unhealthy: ReadonlySet<Model>): Model[] {
  const others = all.filter(({ entry: { model } }) => model.provider !== chosen.provider && !unhealthy.has(model))
  const elsewhere = best(others, 1)[0]?.entry.model
  const rest = ordered.map(({ model }) => model).filter((model) => model !== chosen && model !== elsewhere)
  return [...(elsewhere === undefined ? [] : [elsewhere]), ...rest].slice(0, MOST_FALLBACKS)
}

function mostCommon(gated: ReadonlyMap<Model, Gated>): GateName | undefined {
  const counts = new Map<GateName, number>()
  for (const { gate } of gated.values()) counts.set(gate, (counts.get(gate) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0]
}

function grouped(gated: ReadonlyMap<Model, Gated>): RouteDecision['gated'] {
  const groups = new Map<string, RouteDecision['gated'][number]>()
  for (const [model, { gate, because }] of gated) {
    const group = groups.get(because) ?? { gate, because, models: [], more: 0 }
    if (group.models.length < MOST_NAMED) group.models.push(modelKey(model))
    else group.more += 1
    groups.set(because, group)
  }
  const all = [...groups.values()]
  return all.slice(0, MOST_NAMED)
}

function rankingEntry({ model, cost, speed }: Weighed): RouteDecision['ranking'][number] {
  return {
    model: modelKey(model),
    tier: model.tier,
    costNanoUsd: cost?.toString() ?? null,
    firstTokenMs: speed?.firstTokenMs ?? null,
    tokensPerSecond: speed?.tokensPerSecond ?? null,
  }
}
