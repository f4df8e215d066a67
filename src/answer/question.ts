/** A turn's question, files, asker and rules: everything that is known before the search. */

import { type Spender, spenderOf } from '../core/scope.ts'
import { createSourceRegistry, type SourceRegistry } from '../core/source.ts'
import type { Model } from '../models/catalogue.ts'
import { plainQuestion } from '../prompt/compose.ts'
import { type PageRange, pagesWanted, type ReadSource, readSources } from '../prompt/content.ts'
import type { VoiceQuestion } from '../prompt/voice-question.ts'
import { questionTokens } from '../routing/complexity.ts'
import type { TurnRules } from '../routing/rules.ts'
import type { TurnWork } from '../store/turns.ts'
import type { AnswerDeps } from './deps.ts'

export interface Question {
  work: TurnWork
  /** What was heard of a spoken question, ahead of everything. */
  opening: string
  /** In the person's own words; empty when there are none. */
  text: string
  /** The pages that it is restricted to. */
  wanted: PageRange | undefined
  /** Of the place, the person and the message. */
  instructions: string[]
  /** Tokens of the prompt beside content and history. */
  tokensIn: number
  sources: SourceRegistry
  files: ReadSource[]
  spender: Spender
  rules: TurnRules
  models: readonly Model[]
}

export async function openQuestion(
  { rules: rulesOf, models: { catalogue } }: Pick<AnswerDeps, 'rules' | 'models'>,
  { work, opening }: VoiceQuestion,
): Promise<Question> {
  const spender = spenderOfTurn(work)
  const rules = await rulesOf(spender)
  const text = plainQuestion(work)
  const instructions = [
    ...rules.persona.instructions,
    ...work.messages.flatMap((message) => message.instructions ?? []),
  ]
  const sources = createSourceRegistry()
  const files = readSources(work, sources)
  const wanted = pagesWanted(text)
  const tokensIn = questionTokens(text, instructions)
  const models = await catalogue.models()
  return { work, opening, text, wanted, instructions, tokensIn, sources, files, spender, rules, models }
}

/** The asker of the turn's first message pays. */
function spenderOfTurn({ messages, platform, replyTarget }: TurnWork): Spender {
  const [first] = messages
  if (first === undefined) return spenderOf({ ...replyTarget.conversation, platform }, 'nobody')
  return spenderOf(first.conversation, first.author.id, first.keyId)
}

const historyShare = 0.2

/** How a model's window is divided up. */
export interface Room {
  maxOutputTokens: number
  historyTokens: number
  /** For pictures and the text of sources; below zero when not even the question fits. */
  left: number
}

export function roomOf(model: Model, { work, rules, tokensIn }: Pick<Question, 'work' | 'rules' | 'tokensIn'>): Room {
  const maxOutputTokens = outputOf(model, work, rules)
  const historyTokens = Math.floor(model.contextWindow * historyShare)
  return { maxOutputTokens, historyTokens, left: model.contextWindow - maxOutputTokens - historyTokens - tokensIn }
}

/** The narrowest of what the model, the persona and the message allow. */
function outputOf(model: Model, work: TurnWork, { persona }: TurnRules): number {
  const overrides = work.messages.at(-1)?.overrides?.maxOutputTokens
  return Math.min(
    model.maxOutputTokens,
    persona.maxOutputTokens ?? Number.POSITIVE_INFINITY,
    overrides ?? Number.POSITIVE_INFINITY,
  )
}
