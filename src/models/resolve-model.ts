/** The model that somebody means by what they typed: `provider/id`, an id, an alias, or the beginning of one. */

import { ParleyError } from '../core/errors.ts'
import { editDistance } from '../core/text/compare.ts'
import { modelNameWording } from '../wording/models.ts'
import type { Model } from './catalogue.ts'
import { modelKey } from './complete-model.ts'

const MAX_NAME = 200
const SHOWN = 3

/** The model of exactly this name: `provider/id`, an id, an alias; `undefined` where there is none. */
export function modelNamed(models: readonly Model[], typed: string): Model | undefined {
  const name = typed.trim().slice(0, MAX_NAME)
  const folded = name.toLowerCase()
  return (
    models.find((model) => model.id === name || modelKey(model) === name) ??
    models.find(({ aliases }) => aliases.some((alias) => alias.toLowerCase() === folded)) ??
    models.find((model) => [model.id, modelKey(model)].some((each) => each.toLowerCase() === folded))
  )
}

/** Throws `model_unknown`, whose sentence names the nearest ones. Upper and lower case are the same where that is clear. */
export function resolveModel(models: readonly Model[], typed: string): Model {
  const name = typed.trim().slice(0, MAX_NAME)
  const folded = name.toLowerCase()
  const exact = modelNamed(models, name)
  if (exact !== undefined) return exact
  const beginning = name === '' ? [] : models.filter((model) => namesOf(model).some((each) => each.startsWith(folded)))
  const [only] = beginning
  if (only !== undefined && beginning.length === 1) return only
  if (beginning.length > 1) {
    const shown = beginning.slice(0, SHOWN).map(modelKey)
    throw new ParleyError('model_unknown', modelNameWording.ambiguous(printable(name), shown, beginning.length))
  }
  const near = nearest(models, folded).map(modelKey)
  throw new ParleyError('model_unknown', modelNameWording.unknown(printable(name), near))
}

/** Those whose names differ least, if they are near at all. */
function nearest(models: readonly Model[], folded: string): Model[] {
  if (folded === '') return []
  const farthest = Math.max(2, Math.floor(folded.length / 3))
  const away = (name: string) => {
    if (name.includes(folded)) return 0
    return Math.abs(name.length - folded.length) > farthest ? Number.POSITIVE_INFINITY : editDistance(folded, name)
  }
  return models
    .map((model) => ({ model, away: Math.min(...namesOf(model).map(away)) }))
    .filter((each) => each.away <= farthest)
    .sort((a, b) => a.away - b.away)
    .slice(0, SHOWN)
    .map(({ model }) => model)
}

function namesOf(model: Model): string[] {
  return [model.id, modelKey(model), ...model.aliases].map((name) => name.toLowerCase())
}

/** Typed text that is safe to repeat: without mentions, Markdown and line breaks. */
function printable(name: string): string {
  return name.replace(/[^\p{L}\p{N} ./:_-]/gu, '').slice(0, 60)
}
