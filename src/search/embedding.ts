/**
 * The port of servers whose models turn text into vectors: the nearer two vectors, the nearer the meanings. Its contract is
 * embedding.contract.ts. Vectors of two models have nothing in common, so each is kept under the key of what made it.
 */
import { ParleyError } from '../core/errors.ts'
import { embeddingWording } from '../wording/embeddings.ts'
import { familyOf } from './embedding-families.ts'

/** Many models are given a question in another form than a passage. `given`: the text as it is. */
export type EmbeddedAs = 'question' | 'passage' | 'given'

export interface EmbeddingRequest {
  model: string
  texts: readonly string[]
  as: EmbeddedAs
  signal: AbortSignal
}

export interface Embedded {
  /** One for each text, in order, all of one width. */
  vectors: Float32Array[]
  /** As the server counted them. */
  tokens: number | undefined
}

export interface EmbeddingServer {
  /** For ledger rows, prices and keys. */
  provider: string
  /** Models for embeddings that the server has, best first. Throws `model_unreachable`, `model_refused_key`. */
  list(signal: AbortSignal): Promise<string[]>
  /**
   * Throws what model servers throw, with `retryAfterMs` where the server says so, and `embeddings_unusable` for an answer that holds no
   * usable vectors. No text is in the error.
   */
  embed(request: EmbeddingRequest): Promise<Embedded>
}

/** What made a vector. Two vectors are compared only if all of this is the same. */
export interface EmbeddingKey {
  provider: string
  model: string
  width: number
}

export function embeddingKey({ provider, model, width }: EmbeddingKey): string {
  return `${provider}/${model}/${width}/${familyOf(model).version}`
}

/** The texts as the model wants them. */
export function prefixed({ model, texts, as }: Pick<EmbeddingRequest, 'model' | 'texts' | 'as'>): string[] {
  const prefix = as === 'given' ? '' : familyOf(model)[as]
  return texts.map((text) => `${prefix}${text}`)
}

/** Vectors as they came, if each text has one, all have one width, and all can be compared. Else `embeddings_unusable`. */
export function checkedVectors(
  provider: string,
  vectors: readonly (readonly number[])[],
  texts: number,
): Float32Array[] {
  const refuse = (why: string) => new ParleyError('embeddings_unusable', embeddingWording.unusable(provider, why))
  const { wrongCount, wrongWidth, notNumbers } = embeddingWording
  if (vectors.length !== texts) throw refuse(wrongCount(vectors.length, texts))
  const width = vectors[0]?.length ?? 0
  return vectors.map((vector) => {
    if (vector.length !== width || width === 0) throw refuse(wrongWidth)
    const found = Float32Array.from(vector)
    if (!found.every(Number.isFinite) || found.every((value) => value === 0)) throw refuse(notNumbers)
    return found
  })
}
