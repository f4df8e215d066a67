/** The servers for embeddings and for reranking: what parley.yaml and the environment say of them. */
import { z } from 'zod'
import { type NanoUsd, usd } from '../core/money.ts'
import { embeddingProblem } from '../wording/embeddings.ts'
import { Amount } from './amount.ts'
import type { Environment } from './environment.ts'

export const Embeddings = z
  .strictObject({
    /** How much nearness of meaning counts beside words. */
    weight: z.number().min(0).max(1).optional(),
    /** The similarity from which on a passage fits without a common word. */
    floor: z.number().min(-1).max(1).optional(),
  })
  .prefault({})

export const Rerank = z.strictObject({ pricePerThousand: Amount.optional() }).prefault({})

export type EmbeddingSettings = z.infer<typeof Embeddings> & {
  /** Absent: the best that the server has. */
  model: string | undefined
} & ({ dialect: 'openai'; url: string; apiKey: string | undefined } | { dialect: 'ollama'; url: string })

export interface RerankSettings {
  url: string
  model: string | undefined
  apiKey: string | undefined
  /** Absent: free on own hardware, unknown elsewhere. */
  pricePerCall: NanoUsd | undefined
}

export function embeddingProblems({
  EMBEDDINGS_URL,
  EMBEDDINGS_MODEL,
  EMBEDDINGS_API_KEY,
  OLLAMA_HOST,
  ...rest
}: Environment): string[] {
  const { RERANK_URL, RERANK_MODEL, RERANK_API_KEY } = rest
  const server = EMBEDDINGS_URL ?? OLLAMA_HOST
  return [
    ...(EMBEDDINGS_MODEL !== undefined && server === undefined ? [embeddingProblem.serverMissing] : []),
    ...(EMBEDDINGS_API_KEY !== undefined && EMBEDDINGS_URL === undefined ? [embeddingProblem.urlMissing] : []),
    ...((RERANK_MODEL ?? RERANK_API_KEY) !== undefined && RERANK_URL === undefined
      ? [embeddingProblem.rerankUrlMissing]
      : []),
  ]
}

export function embeddingSettings(
  settings: z.infer<typeof Embeddings>,
  { EMBEDDINGS_URL: url, EMBEDDINGS_MODEL: model, EMBEDDINGS_API_KEY: apiKey }: Environment,
  ollama: string | undefined,
): EmbeddingSettings | undefined {
  if (url !== undefined) return { ...settings, dialect: 'openai', url, model, apiKey }
  return ollama === undefined ? undefined : { ...settings, dialect: 'ollama', url: ollama, model }
}

export function rerankSettings(
  { pricePerThousand }: z.infer<typeof Rerank>,
  { RERANK_URL: url, RERANK_MODEL: model, RERANK_API_KEY: apiKey }: Environment,
): RerankSettings | undefined {
  if (url === undefined) return undefined
  // Rounded up: a call never costs less than its share.
  const pricePerCall = pricePerThousand === undefined ? undefined : (usd(pricePerThousand) + 999n) / 1_000n
  return { url, model, apiKey, pricePerCall }
}
