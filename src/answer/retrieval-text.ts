/**
 * What files shared earlier are searched for. A short question of a conversation ("And the price?") says too little alone: what the last
 * questions were about goes with it, and the names and numbers of the last answers.
 */
import { plainQuestion } from '../prompt/question-parts.ts'
import { subjectTerms, terms } from '../search/terms.ts'
import type { TurnWork } from '../store/turns.ts'

/** With more words of its own, a question stands alone. */
const fewTerms = 3
const turnsBefore = 2
const mostEntities = 8

/** `own`: in the person's words alone, which may leave for a model. */
export interface RetrievalText {
  text: string
  own: string
}

export function retrievalText(text: string, history: TurnWork['history']): RetrievalText {
  if (!asksSomething(text) || subjectTerms(text).length > fewTerms) return { text, own: text }
  const before = history.slice(-turnsBefore)
  const last = before.at(-1)
  if (last === undefined) return { text, own: text }
  const asked = plainQuestion(last)
  const own = asked.trim() === '' ? text : `${asked}\n${text}`
  const entities = before.flatMap((turn) => [
    ...(turn === last ? [] : entitiesIn(plainQuestion(turn))),
    ...entitiesIn(turn.answer.replace(/\[\d+\]/g, ' ')),
  ])
  const known = new Set(terms(own))
  const more = [...new Set(entities)].filter((entity) => !terms(entity).every((term) => known.has(term)))
  return { text: [own, ...more.slice(-mostEntities)].join('\n'), own }
}

/** Whether somebody asks something, and not only with words of grammar. */
export function asksSomething(text: string): boolean {
  const count = subjectTerms(text).length
  return count >= fewTerms || (count >= 1 && /[?？؟]/u.test(text))
}

/** Names and numbers: words with a capital that begin no sentence, and words with digits. */
function entitiesIn(text: string): string[] {
  const names = text.matchAll(
    /(?<=[\p{Ll}\p{N},;:(„“"'’-] ?)(?<name>\p{Lu}[\p{L}\p{N}-]+(?: \p{Lu}[\p{L}\p{N}-]+){0,2})/gu,
  )
  const numbers = text.matchAll(/(?<![\p{L}\p{N}])[\p{L}-]*\d[\p{L}\d.-]*\p{N}/gu)
  return [...names, ...numbers].map(([found]) => found)
}
