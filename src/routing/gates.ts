/**
 * What a model must pass before anything is weighed. THE table: name → why not, as the end of a sentence that begins with
 * the model's name, and what is said when a gate let no model through.
 */
import type { ErrorCode } from '../core/errors.ts'
import { formatUsd, type NanoUsd } from '../core/money.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { mostImageTokens } from '../models/image-tokens.ts'
import { worstCase } from '../models/price.ts'
import { LONGEST_MS } from './sent-tokens.ts'

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
  /** Why a model cannot be asked at the moment, as the end of "… because it"; `undefined` when it can. */
  health: (model: Model) => string | undefined
  /** What is left to spend on a model; `null`: no limit; `undefined`: not looked up, the reservation will tell. */
  left: (model: Model) => NanoUsd | null | undefined
}

interface Gate {
  because(model: Model, context: GateContext): string | undefined
  /** Said when it stands in the way of most models and nobody else is left, and what to do then. */
  nobody: string
  remedy: string
  code: ErrorCode
}

export const gates = {
  disabled: {
    because: (model, { policy }) =>
      model.enabled && !(policy.disabled.size > 0 && policy.disabled.has(modelKey(model)))
        ? undefined
        : 'is disabled by an admin',
    nobody: 'Every language model is disabled.',
    remedy: 'Ask an admin to enable one.',
    code: 'model_not_allowed',
  },
  allowed: {
    because: (model, { policy: { allowed } }) =>
      allowed === undefined || allowed.has(modelKey(model))
        ? undefined
        : 'is not among the models that are allowed here',
    nobody: 'None of the models that are allowed here is available.',
    remedy: 'Ask an admin to allow another one.',
    code: 'model_not_allowed',
  },
  local: {
    because: (model, { policy }) =>
      policy.localOnly && !model.local
        ? 'does not run on own hardware, and only such models may answer here'
        : undefined,
    nobody: 'Only models on own hardware may answer here, and there is none.',
    remedy: 'Ask an admin to connect one.',
    code: 'model_not_allowed',
  },
  price: {
    because: ({ price }) => (price === undefined ? 'has no known price, and nothing is spent blindly' : undefined),
    nobody: 'The price of no model is known, and nothing is spent blindly.',
    remedy: 'Ask an admin to set prices: models price.',
    code: 'model_price_unknown',
  },
  window: {
    because: (model, { needs }) => tooSmall(model, needs),
    nobody: 'The question is too long for every model.',
    remedy: 'Ask a shorter one.',
    code: 'model_context_overflow',
  },
  budget: {
    because: (model, { needs, left }) => tooExpensive(model, needs, left(model)),
    nobody: 'The budget does not hold what any model can cost.',
    remedy: 'Ask an admin to raise it, or wait until it resets.',
    code: 'budget_exhausted',
  },
  images: {
    because: ({ vision }, { needs }) => (needs.images > 0 && vision === false ? 'cannot see images' : undefined),
    nobody: 'No model at hand can see images.',
    remedy: 'Ask an admin to connect one that can.',
    code: 'model_rejected_request',
  },
  health: {
    because: (model, { health }) => {
      const unhealthy = health(model)
      return unhealthy === undefined ? undefined : `cannot be asked because it ${unhealthy}`
    },
    nobody: 'No model can be asked at the moment.',
    remedy: 'Please ask again shortly.',
    code: 'model_unreachable',
  },
} as const satisfies Record<string, Gate>

export type GateName = keyof typeof gates

const names = Object.keys(gates) as GateName[]
/** A question may still go through these where nobody passes: its text without its pictures, to a model that may be back. */
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

/** The most that an answer of this model can cost, as far as is known before its prompt is composed. */
function worstOf(model: Model, { tokensIn, tokensLikely = tokensIn, images }: Needs): NanoUsd | undefined {
  if (model.price === undefined) return undefined
  const shown = model.vision === false ? 0 : images
  return worstCase(model.price, {
    inputTokens: Math.ceil(tokensLikely * BOUND) + shown * mostImageTokens(model.id),
    maxOutputTokens: model.maxOutputTokens,
    maxMs: LONGEST_MS,
  })
}

function tooExpensive(model: Model, needs: Needs, left: NanoUsd | null | undefined): string | undefined {
  if (left === undefined || left === null) return undefined
  const worst = worstOf(model, needs)
  if (worst === undefined || worst <= left) return undefined
  return `may cost up to ${formatUsd(worst)}, and the budget has ${formatUsd(left < 0n ? 0n : left)} left`
}

const count = new Intl.NumberFormat('en')

function tooSmall(model: Model, { tokensIn, tokensOut = 256 }: Needs): string | undefined {
  if (tokensIn + tokensOut <= model.contextWindow) return undefined
  return `reads at most ${count.format(model.contextWindow)} tokens and the question needs ${count.format(tokensIn + tokensOut)}`
}
