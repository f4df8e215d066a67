/** Finding in files: by words always, and by meaning too where there is a server for embeddings. A part of the composition root. */
import { createTurnRules } from '../admin/turn-rules.ts'
import type { Config } from '../config.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { omitUndefined } from '../core/omit-undefined.ts'
import { modelKey, onOwnHardware } from '../models/complete-model.ts'
import { createOllamaEmbeddings } from '../models/providers/ollama-embeddings.ts'
import { createOpenAiEmbeddings } from '../models/providers/openai-embeddings.ts'
import { createMeteredEmbeddings, embeddingSpender } from '../routing/metered-embeddings.ts'
import { createMeteredReranker } from '../routing/metered-reranker.ts'
import { createEmbedder } from '../search/embedder.ts'
import type { EmbeddingServer } from '../search/embedding.ts'
import { createEmbeddingFiller, type EmbeddingFiller } from '../search/fill-embeddings.ts'
import { createHybridRetriever } from '../search/hybrid.ts'
import type { Retriever } from '../search/passages.ts'
import { createRerankEndpoint } from '../search/providers/rerank-endpoint.ts'
import { createReranked } from '../search/rerank.ts'
import { embeddingWording, fileSearchWording } from '../wording/embeddings.ts'
import type { Messaging, Models, Money, State } from './services.ts'

interface Opening {
  config: Config
  state: State
  messaging: Messaging
  models: Models
  money: Money
  log: Log
}

export interface FileSearch {
  retriever: Retriever
  /** Absent: files are searched by words only. */
  filler: EmbeddingFiller | undefined
}

export function openFileSearch(opening: Opening): FileSearch {
  const { config, money, log } = opening
  const found = openHybrid(opening)
  const pricePerCall = config.rerank && rerankPrice(config.rerank)
  // Doctor says that it is off.
  if (config.rerank === undefined || pricePerCall === undefined) return found
  const { url, model } = config.rerank
  const reranker = createMeteredReranker({
    reranker: createRerankEndpoint(config.rerank),
    model,
    isLocal: isOwn(url),
    pricePerCall,
    budget: money.budget,
  })
  return { ...found, retriever: createReranked({ retriever: found.retriever, reranker, log }) }
}

const isOwn = (url: string) => onOwnHardware('reranker', url, { id: 'rerank' })

/** Own hardware costs nothing by itself; elsewhere an admin must say. */
function rerankPrice({ url, pricePerCall }: NonNullable<Config['rerank']>): bigint | undefined {
  return pricePerCall ?? (isOwn(url) ? 0n : undefined)
}

function openHybrid({ config, state, messaging, models, money, log }: Opening): FileSearch {
  const { index: lexical, vectors, embeddingRows: rows, owner } = state
  const { embeddings: settings } = config
  if (settings === undefined) return { retriever: lexical, filler: undefined }
  const server = openEmbeddingServer(settings, log)
  const metered = createMeteredEmbeddings({
    server,
    budget: money.budget,
    about: (model) => models.catalogue.about(server.provider, model),
  })
  const rulesOf = createTurnRules(messaging.settings)
  async function localOnlyPlaces(): Promise<string[]> {
    const found = await Promise.all(
      (await rows.places()).map(async ({ key, ...place }) => {
        const { policy } = await rulesOf({ ...place, userId: embeddingSpender.userId })
        return policy.localOnly ? [key] : []
      }),
    )
    return found.flat()
  }
  const { model, weight, floor } = settings
  return {
    retriever: createHybridRetriever({
      lexical,
      vectors,
      embedder: createEmbedder({ server: metered, rows, log }),
      settings: { weight, floor },
      log,
    }),
    filler: createEmbeddingFiller({
      server: metered,
      rows,
      model,
      localOnlyPlaces,
      spender: embeddingSpender,
      owner,
      log,
    }),
  }
}

/** What doctor says of it. */
export async function describeFileSearch({
  config: { embeddings, rerank },
  state,
  models,
  log,
}: Pick<Opening, 'config' | 'state' | 'models' | 'log'>): Promise<{ ok: boolean; userMessage: string }> {
  const meaning = embeddings === undefined ? { ok: true, says: [fileSearchWording.off] } : await ofMeaning(embeddings)
  const reranked =
    rerank === undefined
      ? []
      : [
          rerankPrice(rerank) === undefined
            ? embeddingWording.rerankPriceUnknown
            : fileSearchWording.reranked(rerank.url),
        ]
  return { ok: meaning.ok, userMessage: [...meaning.says, ...reranked].join(' ') }

  async function ofMeaning(settings: NonNullable<Config['embeddings']>): Promise<{ ok: boolean; says: string[] }> {
    const server = openEmbeddingServer(settings, log)
    const listed = await server.list(AbortSignal.timeout(10_000)).catch(asParleyError)
    // Not all servers list their models: one that is named may be there.
    if (listed instanceof ParleyError && (settings.model === undefined || listed.code === 'model_refused_key'))
      return { ok: false, says: [fileSearchWording.unusable(listed.userMessage)] }
    const wanted = settings.model ?? (listed instanceof ParleyError ? undefined : listed[0])
    // Ollama without one is no mistake.
    if (wanted === undefined)
      return { ok: settings.dialect === 'ollama', says: [fileSearchWording.noModel(server.provider)] }
    const about = await models.catalogue.about(server.provider, wanted)
    if (about.price === undefined)
      return { ok: false, says: [fileSearchWording.unusable(embeddingWording.priceUnknown(modelKey(about)))] }
    const known = (await state.embeddingRows.models()).filter(({ provider }) => provider === server.provider)
    if (known.length === 0) return { ok: true, says: [fileSearchWording.notYet(wanted)] }
    const says = await Promise.all(
      known.map(async ({ id, model, state: is }) =>
        fileSearchWording.model(model, is === 'active', await state.embeddingRows.fill(id, [])),
      ),
    )
    return { ok: true, says }
  }
}

export function openEmbeddingServer(settings: NonNullable<Config['embeddings']>, log: Log): EmbeddingServer {
  if (settings.dialect === 'ollama') return createOllamaEmbeddings({ name: 'ollama', baseUrl: settings.url, log })
  return createOpenAiEmbeddings({
    name: 'embeddings',
    baseUrl: settings.url,
    ...omitUndefined({ apiKey: settings.apiKey }),
    log,
  })
}
