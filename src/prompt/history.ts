/** What was said before a question, as much of it as fits: the latest first, then oldest first. */

import type { Told } from '../core/message.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import type { ModelMessage, Part } from '../models/model.ts'
import type { PastTurn, TurnWork } from '../store/turns.ts'
import { plainQuestion, quotedParts } from './question-parts.ts'

export interface History {
  messages: ModelMessage[]
  /** Messages that the sender told and that did not fit. */
  cut: number
}

/** What the sender tells of the conversation with the question, as programs do. */
export function toldHistory({ messages }: Pick<TurnWork, 'messages'>): readonly Told[] | undefined {
  return messages.findLast((message) => message.history !== undefined)?.history
}

/** A message has some tokens around its text. */
const AROUND = 8

export function tokensOf(told: readonly Told[]): number {
  return told.reduce((sum, each) => sum + estimateTokens(textIn(each)) + AROUND, 0)
}

/** All words of it, those of calls and their results, too. */
export function textIn({ text, calls = [], results = [] }: Told): string {
  const called = calls.map((call) => `${call.name} ${call.arguments}`)
  return [text, ...called, ...results.map((result) => result.text)].join('\n')
}

export function toldMessage({ role, text, calls = [], results = [] }: Told): ModelMessage {
  const given = results.map<Part>((result) => ({ type: 'toolResult', ...result }))
  const said: Part[] = text === '' ? [] : [{ type: 'text', text }]
  return { role, parts: [...given, ...said, ...calls.map<Part>((call) => ({ type: 'toolCall', ...call }))] }
}

/** The sender's own account of the conversation, where it sends one each time, else what Parley remembers. */
export function chooseHistory(work: Pick<TurnWork, 'messages' | 'history'>, budget: number): History {
  const told = toldHistory(work)
  if (told === undefined) return { messages: pastMessages(work.history, budget), cut: 0 }
  let from = told.length
  let tokens = 0
  for (; from > 0; from -= 1) {
    tokens += tokensOf(told.slice(from - 1, from))
    if (tokens > budget) break
  }
  // What a call gave means nothing without the call.
  while ((told[from]?.results ?? []).length > 0 && from > 0) from += 1
  return { messages: told.slice(from).map(toldMessage), cut: from }
}

/** The latest turns that fit, oldest first. `[n]` of old answers would be taken for labels and is left out. */
function pastMessages(history: PastTurn[], budget: number): ModelMessage[] {
  const kept: ModelMessage[][] = []
  let tokens = 0
  for (const past of history.toReversed()) {
    const questionText = plainQuestion(past) || '(files without a question)'
    const answer = past.answer.replaceAll(/ ?\[\d{1,3}\](?!\()/g, '')
    tokens += estimateTokens(questionText) + estimateTokens(answer)
    if (tokens > budget) break
    // What was said before the question, such as the thread above it, unless it leaves no room.
    const quoted = quotedParts(past)
    const quotedTokens = quoted.reduce((sum, { text }) => sum + estimateTokens(text), 0)
    const fits = tokens + quotedTokens <= budget
    if (fits) tokens += quotedTokens
    kept.push([
      { role: 'user', parts: [...(fits ? quoted : []), { type: 'text', text: questionText }] },
      { role: 'assistant', parts: [{ type: 'text', text: answer }] },
    ])
  }
  return kept.toReversed().flat()
}
