/**
 * Searches the web for a turn while its files are read, so that the turn finds the result when it begins. Whatever goes wrong here, the turn
 * does it itself.
 */
import { decideWeb, gatherAhead, webRequest } from '../src/answer/gather.ts'
import { openQuestion } from '../src/answer/question.ts'
import { errorFields } from '../src/core/errors.ts'
import { readVoiceQuestion } from '../src/prompt/voice-question.ts'
import type { Handlers } from '../src/queue/queue.ts'
import type { TurnDeps } from './turn.ts'

/** Shorter than the sweep's patience with a turn whose files are all read. */
const longestMs = 5_000

export type SearchDeps = Pick<TurnDeps, 'storage' | 'messaging' | 'models' | 'rules' | 'web' | 'log'>

export function createSearch(deps: SearchDeps): Handlers['search'] {
  const { storage, messaging, web, log } = deps
  return async ({ turnId }, { signal }) => {
    if (web === undefined) return 'done'
    using stop = messaging.stops.watch(turnId)
    try {
      const work = await storage.turns.load(turnId)
      if (work.stopRequested || work.withdrawn || work.outcome !== null) return 'done'
      const question = await openQuestion(deps, await readVoiceQuestion(work, storage.attachments.artifacts))
      const asked = webRequest(question, decideWeb(deps, question))
      if (asked === undefined) return 'done'
      const step = await gatherAhead(
        web,
        question,
        asked,
        AbortSignal.any([signal, stop.signal, AbortSignal.timeout(longestMs)]),
      )
      await storage.turns.saveAhead(turnId, step)
    } catch (thrown) {
      log.info({ turnId, ...errorFields(thrown) }, 'the web was not searched ahead')
    }
    return 'done'
  }
}
