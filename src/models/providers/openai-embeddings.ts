/** Embeddings of servers with OpenAI's API: OpenAI, vLLM, Text Embeddings Inference, Infinity, LiteLLM, llama.cpp. */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { checkedVectors, type EmbeddingServer, prefixed } from '../../search/embedding.ts'
import { embeds } from '../../search/embedding-families.ts'
import { embeddingWording } from '../../wording/embeddings.ts'
import { createOpenAiClient, listOpenAiModels } from './openai-client.ts'
import { askOnce, createWire, type ProviderOptions } from './stream-answer.ts'

const Answer = z.object({
  data: z.array(
    z.object({ index: z.number().int().nonnegative().optional(), embedding: z.array(z.number().nullable()) }),
  ),
  usage: z.object({ prompt_tokens: z.number().int().nonnegative() }).nullish().catch(undefined),
})

export function createOpenAiEmbeddings(options: ProviderOptions): EmbeddingServer {
  const { name: provider } = options
  const wire = createWire({ ...options, timers: { connectMs: 60_000, ...options.timers } }, 'the OpenAI API')
  const client = createOpenAiClient(options, wire)
  return {
    provider,

    async list(signal) {
      const ids = (await listOpenAiModels(client, wire, signal)).map(({ id }) => id)
      // A server of one model serves what it is asked for, whatever its name.
      return ids.length === 1 ? ids : ids.filter(embeds)
    },

    async embed({ model, texts, as, signal }) {
      const answer = await askOnce(
        wire,
        signal,
        async (watch) => {
          const request = { model, input: prefixed({ model, texts, as }), encoding_format: 'float' as const }
          return await bodyOf(await client.embeddings.create(request, { signal: watch.signal }).asResponse())
        },
        model,
      )
      const { data, success } = Answer.safeParse(answer)
      if (!success)
        throw new ParleyError('embeddings_unusable', embeddingWording.unusable(provider, embeddingWording.notJson))
      // The order of the texts is in the index, where there is one.
      const sorted = data.data.map((each, at) => ({ at: each.index ?? at, vector: each.embedding }))
      sorted.sort((a, b) => a.at - b.at)
      const vectors = sorted.map(({ vector }) => vector.map((value) => value ?? Number.NaN))
      return { vectors: checkedVectors(provider, vectors, texts.length), tokens: data.usage?.prompt_tokens }
    },
  }
}

/** Anything but JSON is no embedding; a connection that breaks off is an error of its own. */
async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
