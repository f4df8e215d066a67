/** Servers with a `/rerank`: Cohere, Jina, vLLM, Infinity and LiteLLM take `documents`, Text Embeddings Inference takes `texts`. */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { embeddingWording } from '../../wording/embeddings.ts'
import { searchWording } from '../../wording/search.ts'
import type { Reranker } from '../rerank.ts'
import { askEngine } from './search-request.ts'

const Score = z
  .object({
    index: z.number().int().nonnegative(),
    score: z.number().optional(),
    relevance_score: z.number().optional(),
  })
  .transform(({ index, score, relevance_score }) => ({ index, score: relevance_score ?? score ?? Number.NaN }))
const Answer = z.union([z.array(Score), z.object({ results: z.array(Score) }).transform(({ results }) => results)])

class OtherFields extends ParleyError {}

export function createRerankEndpoint({
  url,
  model,
  apiKey,
}: {
  url: string
  model?: string | undefined
  apiKey?: string | undefined
}): Reranker {
  const address = new URL(/\/rerank\/?$/.test(url) ? url : `${url.replace(/\/$/, '')}/rerank`)
  const engine = {
    label: embeddingWording.reranker,
    keySetting: 'RERANK_API_KEY',
    addressSetting: 'RERANK_URL',
    failure: (status: number) =>
      status === 400 || status === 422
        ? new OtherFields('search_rejected', searchWording.rejected(embeddingWording.reranker, status))
        : undefined,
  }
  /** What this server was found to take. */
  let field: 'documents' | 'texts' = 'documents'

  async function ask(query: string, texts: readonly string[], as: typeof field, signal: AbortSignal) {
    const body =
      as === 'documents' ? { model, query, documents: texts, top_n: texts.length } : { query, texts, truncate: true }
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    }
    return await askEngine(engine, address, { method: 'POST', headers, body: JSON.stringify(body), signal }, Answer)
  }

  return {
    async scores(question, texts, signal) {
      let found: z.infer<typeof Answer>
      try {
        found = await ask(question, texts, field, signal)
      } catch (thrown) {
        if (!(thrown instanceof OtherFields)) throw thrown
        const other = field === 'documents' ? 'texts' : 'documents'
        found = await ask(question, texts, other, signal)
        field = other
      }
      const scores = texts.map((_, at) => found.find(({ index }) => index === at)?.score ?? Number.NaN)
      if (scores.every(Number.isFinite)) return scores
      throw new ParleyError('search_rejected', searchWording.otherShape(embeddingWording.reranker, 'RERANK_URL'))
    },
  }
}
