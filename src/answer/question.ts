/** A turn's question, files, asker and rules: everything that is known before the search. */

import type { Capabilities } from '../core/platform.ts'
import { type Spender, spenderOf } from '../core/scope.ts'
import { createSourceRegistry, type Source, type SourceRegistry } from '../core/source.ts'
import type { Model } from '../models/catalogue.ts'
import { type PageRange, pagesWanted, type ReadSource, readSources } from '../prompt/content.ts'
import { textIn, tokensOf, toldHistory } from '../prompt/history.ts'
import { plainQuestion } from '../prompt/question-parts.ts'
import type { VoiceQuestion } from '../prompt/voice-question.ts'
import { questionTokens } from '../routing/complexity.ts'
import type { TurnRules } from '../routing/rules.ts'
import { type Audience, askerOf } from '../search/passages.ts'
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
  /** Tokens of the conversation as its sender tells it; absent where Parley remembers it. */
  toldTokens: number | undefined
  sources: SourceRegistry
  /** Who will read the answer. */
  audience: Audience
  files: ReadSource[]
  spender: Spender
  rules: TurnRules
  models: readonly Model[]
  /** Sentences for the receipt, as steps find them. */
  notes: string[]
}

export async function openQuestion(
  { rules: rulesOf, models: { catalogue }, messaging }: Pick<AnswerDeps, 'rules' | 'models' | 'messaging'>,
  { work, opening }: VoiceQuestion,
  /** Sources that an earlier run has numbered. */
  known: readonly Source[] = [],
): Promise<Question> {
  const spender = spenderOfTurn(work)
  const rules = await rulesOf(spender)
  const text = plainQuestion(work)
  const own = work.messages.at(-1)?.program?.ownPrompt === true
  const instructions = [
    ...(own ? [] : rules.persona.instructions),
    ...work.messages.flatMap((message) => message.instructions ?? []),
  ]
  const sources = createSourceRegistry(known)
  const files = readSources(work, sources)
  const wanted = pagesWanted(text)
  const { after = [], tools = [], format } = work.messages.at(-1)?.program ?? {}
  const beside = [
    ...after.map(textIn),
    ...(tools.length === 0 ? [] : [JSON.stringify(tools)]),
    ...(format === undefined ? [] : [JSON.stringify(format)]),
  ]
  const tokensIn = questionTokens([text, ...beside].join('\n'), instructions)
  const told = toldHistory(work)
  const toldTokens = told === undefined ? undefined : tokensOf(told)
  const models = await catalogue.models()
  const audience = audienceOf(work, messaging.platform(work.platform).capabilities)
  // A program's answer is the model's text, and nothing else.
  const alone = own || format !== undefined
  const about = { tokensIn, toldTokens, sources, audience, files, spender, rules, models, notes: [] }
  return { work, opening: alone ? '' : opening, text, wanted, instructions, ...about }
}

/** In a direct chat, and where the answer is shown to its author only, they alone read it. */
function audienceOf(
  { messages, conversationKey: conversation, placeKey: place }: TurnWork,
  { accounts }: Capabilities,
): Audience {
  const [first] = messages
  if (first === undefined || (first.kind !== 'direct' && first.private !== true)) return { conversation, place }
  return { conversation, place, asker: askerOf(first.conversation, first.author, accounts) }
}

/** The asker of the turn's first message pays. */
function spenderOfTurn({ messages, platform, replyTarget }: TurnWork): Spender {
  const [first] = messages
  if (first === undefined) return spenderOf({ ...replyTarget.conversation, platform }, { id: 'nobody' })
  return spenderOf(first.conversation, first.author, first.keyId)
}

const historyShare = 0.2
/** What an answer keeps, however long the conversation before it is. */
const leastOutput = 1_024

/** How a model's window is divided up. */
export interface Room {
  maxOutputTokens: number
  historyTokens: number
  /** For pictures and the text of sources; below zero when not even the question fits. */
  left: number
}

export function roomOf(
  model: Model,
  { work, rules, tokensIn, toldTokens }: Pick<Question, 'work' | 'rules' | 'tokensIn' | 'toldTokens'>,
): Room {
  const wanted = outputOf(model, work, rules)
  const window = model.contextWindow - tokensIn
  if (toldTokens === undefined) {
    const historyTokens = Math.floor(model.contextWindow * historyShare)
    return { maxOutputTokens: wanted, historyTokens, left: window - wanted - historyTokens }
  }
  // What a program sent comes first: a long answer gives way to it, and files take what both leave.
  const maxOutputTokens = Math.min(wanted, Math.max(leastOutput, window - toldTokens))
  const historyTokens = Math.max(0, window - maxOutputTokens)
  return { maxOutputTokens, historyTokens, left: window - maxOutputTokens - Math.min(toldTokens, historyTokens) }
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
