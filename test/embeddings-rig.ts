/** Finding by words and by meaning on a database, with a server for embeddings of this machine. */
import { randomUUID } from 'node:crypto'
import type { Artifact } from '../src/core/artifact.ts'
import { silentLog } from '../src/core/log.ts'
import { createOpenAiEmbeddings } from '../src/models/providers/openai-embeddings.ts'
import { embeddingSpender } from '../src/routing/metered-embeddings.ts'
import { createEmbedder, type MeteredEmbeddings } from '../src/search/embedder.ts'
import { createEmbeddingFiller } from '../src/search/fill-embeddings.ts'
import { createHybridRetriever, type HybridSettings } from '../src/search/hybrid.ts'
import { createEmbeddingRows, createVectorIndex } from '../src/search/providers/embeddings-postgres.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import type { Database } from '../src/store/database.ts'
import { knowBlobs } from './fixtures/blobs.ts'
import type { EmbeddingsServer } from './servers/embeddings.ts'
import { shareFiles } from './share-files.ts'

/** A server that costs nothing. */
export function freeEmbeddings({ url }: Pick<EmbeddingsServer, 'url'>, local = true): MeteredEmbeddings {
  const server = createOpenAiEmbeddings({ name: 'embeddings', baseUrl: url, log: silentLog })
  return { ...server, isLocal: async () => local }
}

export interface EmbeddingsRigOptions {
  model?: string
  settings?: HybridSettings
  localOnlyPlaces?: () => Promise<string[]>
  local?: boolean
  now?: () => number
}

export function embeddingsRig(
  database: Database,
  server: Pick<EmbeddingsServer, 'url'>,
  { model, settings = {}, localOnlyPlaces = async () => [], local, now }: EmbeddingsRigOptions = {},
) {
  const rows = createEmbeddingRows(database.lasting)
  const lexical = createPassageIndex(database.lasting)
  const vectors = createVectorIndex(database.lasting)
  const metered = freeEmbeddings(server, local)
  const filler = createEmbeddingFiller({
    server: metered,
    rows,
    model,
    localOnlyPlaces,
    spender: embeddingSpender,
    owner: randomUUID(),
    log: silentLog,
  })
  const embedder = createEmbedder({ server: metered, rows, log: silentLog, ...(now === undefined ? {} : { now }) })
  const retriever = createHybridRetriever({ lexical, vectors, embedder, settings, log: silentLog })
  return {
    rows,
    lexical,
    vectors,
    filler,
    retriever,
    /** Embeds all that is missing. */
    async fill() {
      while (await filler.run(AbortSignal.timeout(120_000)));
    },
    /** As if somebody had sent it and a worker had read it. */
    async share(channelId: string, artifact: Artifact) {
      await knowBlobs(database.pool, artifact.contentHash)
      await lexical.add(artifact)
      await shareFiles(database, [artifact], { channelId })
    },
  }
}
