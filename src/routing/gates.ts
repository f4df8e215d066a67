/**
 * What a model must pass before models are compared. THE table: name → why a model is ruled out, as words that follow its
 * name, and what is said when no model is left.
 */
import type { ErrorCode } from '../core/errors.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { mostImageTokens } from '../models/known-models.ts'
import { worstCase } from '../models/price.ts'
import { gateWording } from '../wording/routing.ts'
import { LONGEST_MS, USEFUL_OUTPUT } from './sent-tokens.ts'

/** What the answer needs of a model. */
export interface Needs {
  /** The least that has to fit: question, rules, history that may not be left out. */
  tokensIn: number
  /** What will probably be sent; default `tokensIn`. */
  tokensLikely?: number
  /** Room that the answer needs. Default 256. */
  tokensOut?: number
  /** Pictures that are to be sent along. */
  images: number
}

export interface GateContext {
  needs: Needs
  policy: { localOnly: boolean; allowed: ReadonlySet<string> | undefined; disabled: ReadonlySet<string> }
  /** What is wrong with a model at the moment, after "because it"; `undefined` for a healthy one. */
  health: (model: Model) => string | undefined
  /** What is left to spend on a model; `null`: no limit; `undefined`: not looked up, the reservation will tell. */
  left: (model: Model) => NanoUsd | null | undefined
}

interface Gate {
  because(model: Model, context: GateContext): string | undefined
  /** Said when this gate stopped most models and none is left, with what to do then. */
  none: string
  remedy: string
  code: ErrorCode
}

export const gates = {
  disabled: {
    because: (model, { policy }) =>
      model.enabled && !(policy.disabled.size > 0 && policy.disabled.has(modelKey(model)))
        ? undefined
        : gateWording.disabled.because,
    none: gateWording.disabled.none,
    remedy: gateWording.disabled.remedy,
    code: 'model_not_allowed',
  },
  allowed: {
    because: (model, { policy: { allowed } }) =>
      allowed === undefined || allowed.has(modelKey(model)) ? undefined : gateWording.allowed.because,
    none: gateWording.allowed.none,
    remedy: gateWording.allowed.remedy,
    code: 'model_not_allowed',
  },
  local: {
    because: (model, { policy }) => (policy.localOnly && !model.local ? gateWording.local.because : undefined),
    none: gateWording.local.none,
    remedy: gateWording.local.remedy,
    code: 'model_not_allowed',
  },
  price: {
    because: ({ price }) => (price === undefined ? gateWording.price.because : undefined),
    none: gateWording.price.none,
    remedy: gateWording.price.remedy,
    code: 'model_price_unknown',
  },
  window: {
    because: (model, { needs }) => tooSmall(model, needs),
    none: gateWording.window.none,
    remedy: gateWording.window.remedy,
    code: 'model_context_overflow',
  },
  budget: {
    because: (model, { needs, left }) => tooExpensive(model, needs, left(model)),
    none: gateWording.budget.none,
    remedy: gateWording.budget.remedy,
    code: 'budget_exhausted',
  },
  images: {
    because: ({ vision }, { needs }) => (needs.images > 0 && vision === false ? gateWording.images.because : undefined),
    none: gateWording.images.none,
    remedy: gateWording.images.remedy,
    code: 'model_rejected_request',
  },
  health: {
    because: (model, { health }) => {
      const unhealthy = health(model)
      return unhealthy === undefined ? undefined : gateWording.health.because(unhealthy)
    },
    none: gateWording.health.none,
    remedy: gateWording.health.remedy,
    code: 'model_unreachable',
  },
} as const satisfies Record<string, Gate>

export type GateName = keyof typeof gates

const names = Object.keys(gates) as GateName[]
/** If no model passes, a question may still go past these: without its pictures, or to a model that may have recovered. */
const soft: readonly GateName[] = ['images', 'health']

export interface Gated {
  gate: GateName
  because: string
}

/** What admins decided, rather than what the model can do or has left. */
export function isRule({ gate }: Gated): boolean {
  return gate === 'disabled' || gate === 'allowed' || gate === 'local' || gate === 'price'
}

/** The first gate that stops it: what rules say before what it can do, and its health last. */
export function gateOf(model: Model, context: GateContext): Gated | undefined {
  for (const gate of names) {
    const because = gates[gate].because(model, context)
    if (because !== undefined) return { gate, because }
  }
  return undefined
}

export function isSoft({ gate }: Gated): boolean {
  return soft.includes(gate)
}

/** What is reserved bounds the tokens by their characters, which is up to so many times what a text has (sent-tokens.ts). */
const BOUND = 2.5

/** The most that the shortest useful answer of this model can cost, as far as is known before its prompt is composed. */
function worstOf(model: Model, { tokensIn, tokensLikely = tokensIn, images }: Needs): NanoUsd | undefined {
  if (model.price === undefined) return undefined
  const shown = model.vision === false ? 0 : images
  return worstCase(model.price, {
    inputTokens: Math.ceil(tokensLikely * BOUND) + shown * mostImageTokens(model.id),
    maxOutputTokens: Math.min(model.maxOutputTokens, USEFUL_OUTPUT),
    maxMs: LONGEST_MS,
  })
}

function tooExpensive(model: Model, needs: Needs, left: NanoUsd | null | undefined): string | undefined {
  if (left === undefined || left === null) return undefined
  const worst = worstOf(model, needs)
  if (worst === undefined || worst <= left) return undefined
  return gateWording.budget.because
}

function tooSmall(model: Model, { tokensIn, tokensOut = 256 }: Needs): string | undefined {
  if (tokensIn + tokensOut <= model.contextWindow) return undefined
  return gateWording.window.because(model.contextWindow, tokensIn + tokensOut)
}
