/** Why this model answers, in one or two sentences for its reader. */
import type { RouteDecision } from '../core/route-decision.ts'
import type { Model, Tier } from '../models/catalogue.ts'
import { comparisonWording, reasonWording } from '../wording/routing.ts'
import { type Gated, gates } from './gates.ts'
import { holdsAll, type Weighed } from './rank.ts'
import type { Requested, RouteRequest } from './requested.ts'

export interface Chosen {
  model: Model
  by: RouteDecision['by']
  weighed: Weighed
}

export interface Reasoning {
  chosen: Chosen
  wanted: Requested[]
  defaultModel: Model | undefined
  gated: ReadonlyMap<Model, Gated>
  request: RouteRequest
  /** The size that the question needs, or that of the default. */
  tier: Tier
  withoutImages: boolean
  /** Healthy models of the chosen one's tier, itself included. */
  peers: Weighed[]
  /** Whether any model that writes is configured. */
  configured: boolean
}

export function reasonFor(of: Reasoning): string {
  return of.withoutImages ? `${because(of)} ${reasonWording.withoutPictures}` : because(of)
}

function because(of: Reasoning): string {
  const { chosen, wanted } = of
  const name = nameOf(chosen.model)
  const over = passedOver(of)
  if (chosen.model.kind === 'extractive') return quotingReason(of, over)
  const requested = wanted.find(({ by }) => by === chosen.by)
  if (requested?.model === chosen.model) {
    const how = reasonWording.requested(name, requested.how)
    return over === undefined ? how : `${over} ${how}`
  }
  if (over !== undefined) return reasonWording.instead(over, name)
  if (chosen.by === 'default') return reasonWording.isDefault(name)
  return tierReason(of)
}

function quotingReason({ chosen, configured, gated, defaultModel }: Reasoning, over: string | undefined): string {
  if (chosen.by === 'request' || chosen.by === 'pin') return reasonWording.quotesRequested
  if (chosen.model === defaultModel) return reasonWording.quotesByDefault
  if (!configured) return reasonWording.nothingConfigured
  const [stopped] = gated.values()
  const why = over ?? (stopped === undefined ? '' : gates[stopped.gate].none)
  return reasonWording.quotesInstead(why)
}

/** Why the requested model, or the default, does not answer. */
function passedOver({ chosen, wanted, defaultModel, gated, request }: Reasoning): string | undefined {
  for (const requested of wanted) {
    if (requested.model === chosen.model) return undefined
    const why = whyNot(requested, gated)
    if (why !== undefined) return why
  }
  if (chosen.by === 'default' || defaultModel === undefined) return undefined
  const name = nameOf(defaultModel)
  const why = whyNot({ name, model: defaultModel }, gated)
  if (why !== undefined || defaultModel.kind === 'extractive') return why
  if (holdsAll(defaultModel, request) || !holdsAll(chosen.model, request)) return undefined
  return reasonWording.narrow(name, defaultModel.contextWindow)
}

function whyNot(
  { name, model }: Pick<Requested, 'name' | 'model'>,
  gated: ReadonlyMap<Model, Gated>,
): string | undefined {
  if (model === undefined) return reasonWording.unavailable(name)
  const gate = gated.get(model)
  return gate === undefined ? undefined : reasonWording.ruledOut(nameOf(model), gate.because)
}

function tierReason({ chosen, request, tier, peers }: Reasoning): string {
  const { model, weighed } = chosen
  const name = nameOf(model)
  const parts = request.complexity.parts.slice(0, 3).map(({ says }) => says)
  if (model.tier !== tier) return reasonWording.nearestSize(tier, parts, name, model.tier)
  return reasonWording.bySize(tier, parts, name, comparisonWording.withCost(comparison(weighed, peers), weighed.cost))
}

/** Among the models of its tier. */
function comparison(of: Weighed, peers: Weighed[]): string {
  if (peers.length === 1) return comparisonWording.only
  const others = peers.filter((peer) => peer !== of)
  if (others.every(({ cost }) => of.cost !== null && cost !== null && of.cost < cost))
    return comparisonWording.cheapest(peers.length)
  if (others.some(({ cost }) => cost !== null && of.cost !== null && cost < of.cost))
    return comparisonWording.best(peers.length)
  if (of.speed !== undefined && others.every(({ ms }) => of.ms < ms)) return comparisonWording.fastest(peers.length)
  return comparisonWording.first(peers.length)
}

function nameOf(model: Model): string {
  return model.label ?? model.id
}
