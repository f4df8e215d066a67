/** Reranking through the door of paid calls: each is reserved at its price before it is sent. An unknown price means that it is off. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { decimalUsd, type NanoUsd } from '../core/money.ts'
import type { MeteredReranker, Reranker } from '../search/rerank.ts'
import { embeddingWording } from '../wording/embeddings.ts'
import type { Budget } from './budget.ts'
import { isUncharged } from './metered-search.ts'

export function createMeteredReranker(deps: {
  reranker: Reranker
  model: string | undefined
  isLocal: boolean
  pricePerCall: NanoUsd | undefined
  budget: Pick<Budget, 'reserve'>
}): MeteredReranker {
  const { reranker, model = 'rerank', isLocal, pricePerCall: cost, budget } = deps
  return {
    isLocal,
    async scores(question, texts, { signal, spender, turnId }) {
      if (cost === undefined) throw new ParleyError('model_price_unknown', embeddingWording.rerankPriceUnknown)
      if (cost === 0n) return await reranker.scores(question, texts, signal)
      const started = performance.now()
      const reservation = await budget.reserve({
        id: randomUUID(),
        turnId,
        spender,
        kind: 'rerank',
        provider: 'reranker',
        model,
        worst: cost,
        price: { perCall: decimalUsd(cost) },
      })
      const settle = (outcome: 'ok' | 'failed' | 'aborted') =>
        reservation.settle({ cost, estimated: outcome !== 'ok', outcome, ms: performance.now() - started })
      try {
        const scores = await reranker.scores(question, texts, signal)
        await settle('ok')
        return scores
      } catch (thrown) {
        if (isUncharged(thrown)) await reservation.release()
        else await settle(signal.aborted ? 'aborted' : 'failed')
        throw thrown
      }
    },
  }
}
