/** The models that a button, the message, a pin or the conversation so far requests. The first that may answer does. */
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { modelNamed } from '../models/resolve-model.ts'
import { howWording } from '../wording/routing.ts'
import type { Complexity } from './complexity.ts'
import type { Needs } from './gates.ts'
import type { Endpoint } from './health.ts'
import { byWeight, holdsAll, tierBelow, tierDistance, type Weighed } from './rank.ts'

export interface RouteRequest extends Needs {
  complexity: Complexity
  /** What the message itself asks for: id or alias. */
  requested?: string
  /** No other model may answer in its place. */
  only?: boolean
  /** What a person or an admin set, the narrowest scope's: `provider/id` or id, and the words after "… is pinned". */
  pinned?: { model: string; by: string }
  /** What answered this conversation last. */
  sticky?: Endpoint
  /** A button of an answer: a model of the tier below or above the one that gave it. */
  button?: { towards: 'cheaper' | 'better'; from: Endpoint }
}

export interface Requested {
  by: 'request' | 'button' | 'pin' | 'conversation'
  /** As it was named. */
  name: string
  model: Model | undefined
  /** How it was asked for, as the end of "X …". */
  how: string
}

export function requestedModels(request: RouteRequest, models: readonly Model[], healthy: Weighed[]): Requested[] {
  const button = buttonOf(request, models, healthy)
  return [...(button === undefined ? [] : [button]), ...requestedBy(request, models)]
}

function requestedBy(request: RouteRequest, models: readonly Model[]): Requested[] {
  const { requested: overrides, pinned, sticky, complexity } = request
  const stays = sticky === undefined ? undefined : modelKey(sticky)
  const requested: Requested[] = []
  if (overrides !== undefined)
    requested.push({ by: 'request', name: overrides, model: modelNamed(models, overrides), how: howWording.request })
  if (pinned !== undefined) {
    const model = modelNamed(models, pinned.model)
    requested.push({ by: 'pin', name: pinned.model, model, how: howWording.pin(pinned.by) })
  }
  const model = stays === undefined ? undefined : models.find((each) => modelKey(each) === stays)
  // What only quoted because nothing else could answer is not held on to. Neither is what this question is too much for.
  const outgrown = model !== undefined && (tierBelow(model.tier, complexity.tier) || !holdsAll(model, request))
  if (stays !== undefined && model?.kind !== 'extractive' && !outgrown)
    requested.push({
      by: 'conversation',
      name: sticky?.id ?? stays,
      model,
      how: howWording.conversation,
    })
  return requested
}

/** One tier down for at most the same price, or one up; where there is none, what costs less or more within the tier. */
function buttonOf({ button }: RouteRequest, models: readonly Model[], healthy: Weighed[]): Requested | undefined {
  if (button === undefined) return undefined
  const { towards, from } = button
  const before = models.find((model) => modelKey(model) === modelKey(from))
  const own = healthy.find(({ model }) => model === before)
  const how = howWording.button(towards)
  if (before === undefined) return undefined
  const costs = own?.cost ?? null
  const targets = healthy.flatMap((entry) => {
    if (entry.model === before) return []
    const up = tierDistance(entry.model.tier, before.tier)
    const down = tierDistance(before.tier, entry.model.tier)
    const dearer = costs === null || entry.cost === null ? 0 : entry.cost < costs ? -1 : entry.cost > costs ? 1 : 0
    const fits =
      towards === 'better' ? up < 3 && (up > 0 || dearer > 0) : down < 3 && dearer <= 0 && (down > 0 || dearer < 0)
    const steps = towards === 'better' ? up : down
    return fits ? [{ entry, steps: steps === 0 ? 9 : steps }] : []
  })
  const [best] = targets.toSorted((a, b) => a.steps - b.steps || byWeight(a.entry, b.entry))
  if (best !== undefined) return { by: 'button', name: best.entry.model.id, model: best.entry.model, how }
  return { by: 'button', name: before.id, model: before, how: howWording.noneTowards(towards) }
}
