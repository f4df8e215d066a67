/**
 * Embeddings through the door of paid calls: the most that the texts can cost is reserved before they are sent. A model whose price is not
 * known is not asked. A call that can cost nothing makes no booking
 * unless a program asked for it.
 */
import { randomUUID } from 'node:crypto'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { Usage } from '../core/reply.ts'
import type { Spender } from '../core/scope.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { deliveryOf } from '../models/delivery.ts'
import { priceSnapshot, priceUsage, worstCase } from '../models/price.ts'
import type { MeteredEmbeddings } from '../search/embedder.ts'
import type { EmbeddingServer } from '../search/embedding.ts'
import { embeddingWording } from '../wording/embeddings.ts'
import type { Budget } from './budget.ts'

export function createMeteredEmbeddings(deps: {
  server: EmbeddingServer
  budget: Pick<Budget, 'reserve'>
  /** What the catalogue knows of the server's model. */
  about(model: string): Promise<Model>
  /** What costs nothing has a row in the ledger, too. */
  booksFree?: boolean
}): MeteredEmbeddings {
  const { server, budget } = deps
  return {
    provider: server.provider,
    list: (signal) => server.list(signal),
    isLocal: async (model) => (await deps.about(model)).local,

    async embed({ spender, turnId, ...request }) {
      const model = await deps.about(request.model)
      const { price, provider, id } = model
      if (price === undefined)
        throw new ParleyError('model_price_unknown', embeddingWording.priceUnknown(modelKey(model)))
      const most = request.texts.reduce((sum, text) => sum + mostTokens(text), 0)
      const worst = worstCase(price, { inputTokens: most, maxOutputTokens: 0 })
      if (worst === 0n && !deps.booksFree) return await server.embed(request)
      const started = performance.now()
      const reservation = await budget.reserve({
        id: randomUUID(),
        turnId,
        spender,
        kind: 'embedding',
        provider,
        model: id,
        worst,
        price: priceSnapshot(price),
      })
      const settle = (input: number, source: Usage['source'], outcome: 'ok' | 'failed' | 'aborted') => {
        const usage = { input, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0, source }
        const ms = performance.now() - started
        return reservation.settle({
          cost: priceUsage(usage, price, ms),
          usage,
          estimated: source === 'estimated',
          outcome,
          ms,
        })
      }
      try {
        const embedded = await server.embed(request)
        await settle(embedded.tokens ?? most, embedded.tokens === undefined ? 'estimated' : 'provider', 'ok')
        return embedded
      } catch (thrown) {
        if (request.signal.aborted) await settle(most, 'estimated', 'aborted')
        else if (deliveryOf(asParleyError(thrown)) === 'taken') await settle(most, 'estimated', 'failed')
        else await reservation.release()
        throw thrown
      }
    },
  }
}

/** No token is shorter than a byte, and a prefix is short. */
const mostTokens = (text: string) => Buffer.byteLength(text) + 100

/** Who pays for embedding what was shared: nobody in particular asked for it. */
export const embeddingSpender: Spender = {
  platform: 'parley',
  workspaceId: 'local',
  channelId: 'embeddings',
  userId: 'parley',
}
