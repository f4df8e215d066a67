/** The parts of a question that are the same in the prompt and in the history after it. */
import type { Part } from '../models/model.ts'
import type { TurnWork } from '../store/turns.ts'

/** What the person asks, in their own words: also what passages are ranked by. */
export function plainQuestion(work: Pick<TurnWork, 'messages'>): string {
  return work.messages
    .map((message) => message.text)
    .filter((text) => text !== '')
    .join('\n\n')
}

export function quotedParts({ messages }: Pick<TurnWork, 'messages'>): Extract<Part, { type: 'data' }>[] {
  return messages.flatMap(({ quoted = '' }) =>
    quoted.trim() === '' ? [] : [{ type: 'data' as const, about: 'quoted message' as const, text: quoted }],
  )
}
