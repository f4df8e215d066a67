/** Embeddings of Ollama's own API. */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { checkedVectors, type EmbeddingServer, prefixed } from '../../search/embedding.ts'
import { embeds } from '../../search/embedding-families.ts'
import { embeddingWording } from '../../wording/embeddings.ts'
import { connectOllama, Show, Tags } from './ollama-client.ts'
import { askForModels, askOnce, createWire, type ProviderOptions } from './stream-answer.ts'

const Answer = z.object({
  embeddings: z.array(z.array(z.number().nullable())),
  prompt_eval_count: z.number().int().nonnegative().nullish().catch(undefined),
})

export function createOllamaEmbeddings(options: ProviderOptions & { baseUrl: string }): EmbeddingServer {
  const { name: provider } = options
  const wire = createWire({ ...options, timers: { connectMs: 60_000, ...options.timers } }, 'Ollama’s API')
  const connect = connectOllama(options.baseUrl, options.fetch)
  return {
    provider,

    list: (signal) =>
      askForModels(wire, signal, async (watch) => {
        const { models } = Tags.parse(await connect(watch.signal).sdk.list())
        const found: string[] = []
        for (const { name } of models) {
          const { capabilities } = Show.parse(await connect(watch.signal).sdk.show({ model: name }))
          // Older servers tell no abilities.
          if (capabilities?.includes('embedding') ?? embeds(name)) found.push(name)
        }
        return found
      }),

    async embed({ model, texts, as, signal }) {
      const answer = await askOnce(
        wire,
        signal,
        (watch) =>
          connect(watch.signal)
            .sdk.embed({ model, input: prefixed({ model, texts, as }), truncate: true })
            .catch(noJson),
        model,
      )
      const { data, success } = Answer.safeParse(answer)
      if (!success)
        throw new ParleyError('embeddings_unusable', embeddingWording.unusable(provider, embeddingWording.notJson))
      const vectors = data.embeddings.map((vector) => vector.map((value) => value ?? Number.NaN))
      return {
        vectors: checkedVectors(provider, vectors, texts.length),
        tokens: data.prompt_eval_count ?? undefined,
      }
    },
  }
}

/** Its SDK parses the answer. */
function noJson(thrown: unknown): undefined {
  if (thrown instanceof SyntaxError) return undefined
  throw thrown
}
