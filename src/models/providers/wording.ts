/** Servers of one dialect differ in the words they know. What one refuses is left out, and the server is asked again. */
import type { Log } from '../../core/log.ts'
import { refusedWord } from './failure.ts'

export interface Wording<Word extends string> {
  /** Sends in words that the server has not refused for this model, and learns from each refusal. */
  send(model: string, request: (without: ReadonlySet<Word>) => Promise<Response>): Promise<Response>
}

export function createWording<Word extends string>(provider: string, words: readonly Word[], log: Log): Wording<Word> {
  const refused = new Map<string, Set<Word>>()
  return {
    async send(model, request) {
      const known = refused.get(model) ?? new Set<Word>()
      refused.set(model, known)
      for (;;) {
        // Other requests may learn something while this one is on its way.
        const without = new Set(known)
        try {
          return await request(without)
        } catch (thrown) {
          const word = refusedWord(thrown, words)
          if (word === undefined || without.has(word)) throw thrown
          known.add(word)
          log.info({ provider, model, without: [...known] }, 'model server does not take a word of the request')
        }
      }
    },
  }
}
