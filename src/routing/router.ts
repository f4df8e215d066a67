/**
 * Which model answers, and which ones stand by, in order. Pure: gates that a model must pass first, then what was asked
 * for, then the catalogue's order. Quoting (`extractive`) is always the last resort and never gated.
 */
import type { Model } from '../models/catalogue.ts'

export interface RouteRequest {
  /** The least that has to fit: question, rules, history that may not be left out. */
  tokensIn: number
  images: number
  /** Id of the model that a person or a channel asked for. */
  pinned?: string
  /** Room that the answer needs. Default 256. */
  tokensOut?: number
}

export interface RouteInput {
  /** In the catalogue's order: best default first. */
  models: Model[]
  request: RouteRequest
  /** Why a model cannot be asked at the moment, as the end of "… because it"; `undefined` when it can. */
  health?: (model: Model) => string | undefined
}

export interface Route {
  model: Model
  provider: string
  /** Why this model, as a sentence. */
  reason: string
  /** The others that may answer, best first, `extractive` last. */
  fallbacks: Model[]
  /** No model that may answer takes images: they are left out of the prompt. */
  withoutImages: boolean
}

const isQuoting = (model: Model) => model.provider === 'extractive'

/** Throws a RangeError when `models` has nothing at all, not even `extractive`. */
export function route({ models, request, health = () => undefined }: RouteInput): Route {
  const writing = models.filter((model) => !isQuoting(model))
  const quoting = models.filter(isQuoting)
  const passed = writing.filter((model) => tooSmall(model, request) === undefined)
  const seeing = passed.filter((model) => request.images === 0 || model.vision !== false)
  // Without a model that sees, one that reads the text around the images still helps.
  const able = seeing.length > 0 ? seeing : passed
  const wellFirst = [...able.filter((model) => !health(model)), ...able.filter((model) => health(model))]
  const knownToSee = (model: Model) => (request.images > 0 && model.vision === true ? 0 : 1)
  const ordered = wellFirst
    .map((model, at) => ({ model, at }))
    .sort((a, b) => rank(a.model) - rank(b.model) || knownToSee(a.model) - knownToSee(b.model) || a.at - b.at)
    .map(({ model }) => model)

  /** Healthy before ailing, and of the healthy what was asked for, then the configured default. */
  function rank(model: Model): number {
    if (health(model)) return 3
    if (model.id === request.pinned) return 0
    return model.isDefault === true ? 1 : 2
  }

  const pinnedQuoting = quoting.filter(({ id }) => id === request.pinned)
  const [model, ...fallbacks] = [
    ...pinnedQuoting,
    ...ordered,
    ...quoting.filter((quoter) => !pinnedQuoting.includes(quoter)),
  ]
  if (model === undefined) throw new RangeError('no models to choose from')
  const withoutImages = request.images > 0 && (seeing.length === 0 || model.vision === false)
  return { model, provider: model.provider, reason: reasonFor(model), fallbacks, withoutImages }

  function reasonFor(chosen: Model): string {
    const why = [because(chosen), withoutImages ? 'No model at hand can see images, so they were left out.' : '']
    return why.filter((sentence) => sentence !== '').join(' ')
  }

  function because(chosen: Model): string {
    const name = chosen.label ?? chosen.id
    const wanted = request.pinned ?? writing.find(({ isDefault }) => isDefault)?.id
    if (chosen.id === request.pinned) return isQuoting(chosen) ? 'Quoting was asked for.' : `${name} was asked for.`
    const passedOver = wanted === undefined || wanted === chosen.id ? undefined : whyNot(wanted)
    if (isQuoting(chosen)) {
      if (writing.length === 0)
        return 'No language model is configured, so Parley quotes what fits best in the shared files.'
      return `${passedOver ?? `The question is too long for every model.`} So Parley quotes what fits best in the shared files.`
    }
    if (passedOver !== undefined) return `${passedOver} So ${name} answers instead.`
    if (chosen.isDefault) return `${name} is the configured default.`
    if (request.images > 0 && chosen.vision && writing[0] !== chosen) return `${name} can see images.`
    if (chosen.origin === 'configured') return `${name} is the first configured model that fits.`
    return `No default is configured; ${name} is the first model that ${chosen.provider} offers and that fits.`
  }

  /** Why the wanted model does not answer, as a sentence. */
  function whyNot(id: string): string {
    const model = models.find((other) => other.id === id)
    if (model === undefined) return `${id} is not available.`
    const ailing = health(model)
    const small = tooSmall(model, request)
    if (small !== undefined) return `${id} ${small}.`
    if (request.images > 0 && model.vision === false) return `${id} cannot see images.`
    return ailing === undefined ? `${id} is not the best fit.` : `${id} cannot be asked because it ${ailing}.`
  }
}

/** Why the question does not fit, as the end of a sentence. */
function tooSmall(model: Model, { tokensIn, tokensOut = 256 }: RouteRequest): string | undefined {
  if (tokensIn + tokensOut <= model.contextWindow) return undefined
  return `reads at most ${model.contextWindow.toLocaleString('en')} tokens and the question needs ${(tokensIn + tokensOut).toLocaleString('en')}`
}
