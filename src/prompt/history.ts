/** What was said before a question, as much of it as fits: the latest first, then oldest first. */
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import type { ModelMessage } from '../models/model.ts'
import type { PastTurn, TurnWork } from '../store/turns.ts'
import { plainQuestion, quotedParts } from './question-parts.ts'

export interface History {
  messages: ModelMessage[]
  /** Messages that the sender told and that did not fit. */
  cut: number
}

type Told = readonly { role: 'user' | 'assistant'; text: string }[]

/** What the sender tells of the conversation with the question, as programs do. */
export function toldHistory({ messages }: Pick<TurnWork, 'messages'>): Told | undefined {
  return messages.findLast((message) => message.history !== undefined)?.history
}

/** A message has some tokens around its text. */
const AROUND = 8

export function tokensOf(told: Told): number {
  return told.reduce((sum, { text }) => sum + estimateTokens(text) + AROUND, 0)
}

/** The sender's own account of the conversation, where it sends one each time, else what Parley remembers. */
export function chooseHistory(work: Pick<TurnWork, 'messages' | 'history'>, budget: number): History {
  const told = toldHistory(work)
  if (told === undefined) return { messages: pastMessages(work.history, budget), cut: 0 }
  const kept: ModelMessage[] = []
  let tokens = 0
  for (const { role, text } of told.toReversed()) {
    tokens += tokensOf([{ role, text }])
    if (tokens > budget) break
    kept.push({ role, parts: [{ type: 'text', text }] })
  }
  return { messages: kept.toReversed(), cut: told.length - kept.length }
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
