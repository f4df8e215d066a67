/**
 * Other words to search files with, from a small model, when those of the question find little: a file says "notice period" where a person
 * asks what happens if they quit. The model is given the person's words alone, and what it says is used as words to search for and for
 * nothing else.
 */
import { asParleyError } from '../core/errors.ts'
import type { Model, Tier } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import type { ModelRequest } from '../models/model.ts'
import { worstCase } from '../models/price.ts'
import { resolveModel } from '../models/resolve-model.ts'
import { gateOf } from '../routing/gates.ts'
import { type Attempts, NotCalled } from '../routing/metered-call.ts'
import type { AnswerDeps } from './deps.ts'
import type { Question } from './question.ts'

const otherWordsMs = 2_500
const mostWords = 10
const longestWord = 40
const longestQuestion = 600
const maxOutputTokens = 120

const system = `Files are searched by their words, and the words of a question found little. Reply with up to ${mostWords} other words or short terms, separated by commas, that a document with the answer is likely to contain: synonyms, formal and technical terms, in the language of the question. Do not answer the question, and write no sentence.`

export interface OtherWordsDeps {
  models: { provider: AnswerDeps['models']['provider']; health: Pick<AnswerDeps['models']['health'], 'because'> }
  log: AnswerDeps['log']
}

/** None where no model may be asked, or it says nothing useful in time. Throws where `signal` ends it. */
export async function otherWords(
  { models: { provider, health }, log }: OtherWordsDeps,
  question: Pick<Question, 'text' | 'models' | 'rules' | 'work'>,
  attempts: Attempts,
  signal: AbortSignal,
  waitMs = otherWordsMs,
): Promise<string[]> {
  const model = cheapest(question, (each) => health.because(each))
  if (model === undefined) return []
  const deadline = AbortSignal.timeout(waitMs)
  const within = AbortSignal.any([signal, deadline])
  try {
    return wordsIn(await say(provider(model.provider), requestOf(model, question.text), model, attempts, within))
  } catch (thrown) {
    signal.throwIfAborted()
    if (!(thrown instanceof NotCalled)) log.info({ model: model.id }, 'no other words to search with')
    return []
  }
}

function requestOf({ id }: Model, text: string): ModelRequest {
  const asked = text.slice(0, longestQuestion).toWellFormed()
  return { model: id, system, messages: [{ role: 'user', parts: [{ type: 'text', text: asked }] }], maxOutputTokens }
}

async function say(
  provider: ReturnType<AnswerDeps['models']['provider']>,
  request: ModelRequest,
  model: Model,
  attempts: Attempts,
  signal: AbortSignal,
): Promise<string> {
  const call = attempts.begin(model)
  const reserved = await call.reserve(request)
  let text = ''
  try {
    for await (const event of provider.stream(reserved, signal)) {
      call.record(event)
      if (event.type === 'text') text += event.delta
      else if (event.type === 'thoughtSoFar') text = ''
      else if (event.type === 'finish') await call.end({ reason: event.reason })
    }
    signal.throwIfAborted()
    return text
  } catch (thrown) {
    if (!signal.aborted) await call.end({ error: asParleyError(thrown) })
    throw thrown
  } finally {
    // Again is no harm: the first end counts.
    await call.end({ reason: signal.aborted ? 'aborted' : 'truncated' })
  }
}

const tierOrder: Record<Tier, number> = { small: 0, medium: 1, large: 2 }

/** The model that costs least of those that may answer here; only the one that the person or an admin named, where one is. */
function cheapest(
  { models, rules, work }: Pick<Question, 'models' | 'rules' | 'work'>,
  health: (model: Model) => string | undefined,
): Model | undefined {
  const named = work.overrides?.model ?? work.messages.at(-1)?.overrides?.model ?? rules.pinned?.model
  const { policy, aliases } = rules
  const context = {
    needs: { tokensIn: longestQuestion, images: 0, tokensOut: maxOutputTokens },
    policy: {
      localOnly: policy.localOnly,
      allowed: policy.allowed === undefined ? undefined : new Set(policy.allowed),
      disabled: new Set(policy.disabled),
    },
    health,
    left: () => undefined,
  }
  const only = named === undefined ? undefined : keyOf(models, aliases[named] ?? named)
  const bounds = { inputTokens: longestQuestion, maxOutputTokens }
  const cost = ({ price }: Model) => (price === undefined ? 0n : worstCase(price, bounds))
  return models
    .filter((model) => model.kind === 'generative' && gateOf(model, context) === undefined)
    .filter((model) => named === undefined || modelKey(model) === only)
    .toSorted((a, b) => tierOrder[a.tier] - tierOrder[b.tier] || Number(cost(a) - cost(b)))[0]
}

function keyOf(models: readonly Model[], name: string): string | undefined {
  try {
    return modelKey(resolveModel(models, name))
  } catch {
    return undefined
  }
}

/** Words and short terms of what a model said, without its punctuation. */
export function wordsIn(said: string): string[] {
  const words = said
    .slice(0, 2_000)
    .split(/[,;，、；\n]/u)
    .map((each) =>
      each
        .replace(/[^\p{L}\p{M}\p{N} .%§-]+/gu, ' ')
        .replace(/\s+/g, ' ')
        .replace(/^[\s.\d-]*[.-]\s+/, '')
        .trim(),
    )
    .filter((each) => each !== '' && each.length <= longestWord)
  return [...new Map(words.map((each) => [each.toLowerCase(), each])).values()].slice(0, mostWords)
}
