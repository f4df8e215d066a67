/** Why this model and no other, in one or two sentences that a person can read. */
import { formatUsd } from '../core/money.ts'
import type { RouteDecision } from '../core/route-decision.ts'
import type { Model, Tier } from '../models/catalogue.ts'
import { type Gated, gates } from './gates.ts'
import type { Weighed } from './rank.ts'
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
  /** What the question wants, or the default has. */
  tier: Tier
  withoutImages: boolean
  /** Healthy ones of the chosen one's tier, itself among them. */
  peers: Weighed[]
  /** Whether there is any model that writes. */
  configured: boolean
}

export function reasonFor(of: Reasoning): string {
  const left = of.withoutImages ? ' No model at hand can see images, so they were left out.' : ''
  return because(of) + left
}

function because(of: Reasoning): string {
  const { chosen, wanted } = of
  const name = nameOf(chosen.model)
  const over = passedOver(of)
  if (chosen.model.kind === 'extractive') return quotingReason(of, over)
  const requested = wanted.find(({ by }) => by === chosen.by)
  if (requested?.model === chosen.model) return `${over === undefined ? '' : `${over} `}${name} ${requested.how}.`
  if (over !== undefined) return `${over} So ${name} answers instead.`
  if (chosen.by === 'default') return `${name} is the configured default.`
  return tierReason(of)
}

function quotingReason({ chosen, configured, gated, defaultModel }: Reasoning, over: string | undefined): string {
  if (chosen.by === 'request' || chosen.by === 'pin') return 'Quoting was asked for.'
  if (chosen.model === defaultModel) return 'Quoting is the configured default.'
  if (!configured) return 'No language model is configured, so Parley quotes what fits best in the shared files.'
  const [stopped] = gated.values()
  const why = over ?? (stopped === undefined ? '' : gates[stopped.gate].nobody)
  return `${why} So Parley quotes what fits best in the shared files.`
}

/** Why not who was asked for, or the default, as a sentence. */
function passedOver({ chosen, wanted, defaultModel, gated }: Reasoning): string | undefined {
  for (const requested of wanted) {
    if (requested.model === chosen.model) return undefined
    const why = whyNot(requested, gated)
    if (why !== undefined) return why
  }
  if (chosen.by === 'default' || defaultModel === undefined) return undefined
  return whyNot({ name: nameOf(defaultModel), model: defaultModel }, gated)
}

function whyNot(
  { name, model }: Pick<Requested, 'name' | 'model'>,
  gated: ReadonlyMap<Model, Gated>,
): string | undefined {
  if (model === undefined) return `${name} is not available.`
  const gate = gated.get(model)
  return gate === undefined ? undefined : `${nameOf(model)} ${gate.because}.`
}

function tierReason({ chosen, request, tier, peers }: Reasoning): string {
  const { model, weighed } = chosen
  const name = nameOf(model)
  const parts = request.complexity.parts.slice(0, 3).map(({ says }) => says)
  const why = parts.length === 0 ? '' : ` (${parts.join(', ')})`
  const question =
    parts.length === 0 ? `A plain question wants a ${tier} model` : `The question wants a ${tier} model${why}`
  if (model.tier !== tier) return `${question} and none is at hand: ${name}, a ${model.tier} one, comes nearest.`
  return `${question}: ${name} is ${comparison(weighed, peers)}.`
}

/** Among the models of its tier. */
function comparison(of: Weighed, peers: Weighed[]): string {
  const price = of.cost === null ? '' : `, at about ${formatUsd(of.cost)}`
  if (peers.length === 1) return `the only one${price}`
  const others = peers.filter((peer) => peer !== of)
  if (others.every(({ cost }) => of.cost !== null && cost !== null && of.cost < cost))
    return `the cheapest of ${peers.length}${price}`
  if (others.some(({ cost }) => cost !== null && of.cost !== null && cost < of.cost))
    return `the best of ${peers.length} by price and speed${price}`
  if (of.speed !== undefined && others.every(({ ms }) => of.ms < ms)) return `the fastest of ${peers.length}${price}`
  return `the first of ${peers.length} that cost the same${price}`
}

function nameOf(model: Model): string {
  return model.label ?? model.id
}
