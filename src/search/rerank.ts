/**
 * Passages in the order of a server that reads question and passage together. It knows better what fits, but costs time and maybe money:
 * the best passages alone are sent, and where it fails or is late they keep their order.
 */
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Spender } from '../core/scope.ts'
import { embeddingWording } from '../wording/embeddings.ts'
import type { RankedPassage, Retriever } from './passages.ts'

export interface Reranker {
  /** A score for each text: the higher, the better it fits. Throws as search engines do; no text is in the error. */
  scores(question: string, texts: readonly string[], signal: AbortSignal): Promise<number[]>
}

/** The same, paid for. */
export interface MeteredReranker {
  /** Whether what it is sent stays on own hardware. */
  isLocal: boolean
  /** Throws what the server throws, `model_price_unknown`, `budget_exhausted` and `rate_limited`. */
  scores(
    question: string,
    texts: readonly string[],
    options: { signal: AbortSignal; spender: Spender; turnId?: string | undefined },
  ): Promise<number[]>
}

const mostSent = 40
const usualWaitMs = 1_500

export function createReranked({
  retriever,
  reranker,
  waitMs = usualWaitMs,
  log,
}: {
  retriever: Retriever
  reranker: MeteredReranker
  waitMs?: number
  log: Log
}): Retriever {
  return {
    name: `${retriever.name}, reranked`,
    async retrieve(question, options) {
      const found = await retriever.retrieve(question, options)
      const { signal, spender, turnId, localOnly = false, note } = options
      if (found.length < 2 || (localOnly && !reranker.isLocal)) return found
      const first = found.slice(0, mostSent)
      const deadline = AbortSignal.timeout(waitMs)
      try {
        const texts = first.map(({ text }) => text)
        const within = AbortSignal.any([signal, deadline])
        const scores = await reranker.scores(question, texts, { signal: within, spender, turnId })
        return [...inOrder(first, scores), ...found.slice(mostSent)]
      } catch (thrown) {
        signal.throwIfAborted()
        log.warn(errorFields(thrown), 'passages not reranked')
        note?.(deadline.aborted ? embeddingWording.rerankLate : embeddingWording.rerankFailed)
        return found
      }
    },
  }
}

/** The places keep their scores, so that these fall along the ranking. */
function inOrder(passages: readonly RankedPassage[], scores: readonly number[]): RankedPassage[] {
  return passages
    .map((passage, at) => ({ passage, by: scores[at] ?? Number.NEGATIVE_INFINITY }))
    .sort((a, b) => b.by - a.by)
    .map(({ passage }, at) => ({ ...passage, score: passages[at]?.score ?? 0 }))
}
