/** `/v1/embeddings`: texts become vectors by the server that Parley itself searches with, through the door of paid calls. */
import { z } from 'zod'
import type { ActiveKey } from '../../src/core/api-key.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import { apiErrors, apiInstead } from '../../src/wording/api.ts'
import type { Answering } from './answering.ts'
import { limits } from './chat-request.ts'
import { ApiFailure } from './failure.ts'
import { keyOf } from './normalize.ts'
import { ignoredIn, invalid, jsonIn, objectIn, type Refused, refuse } from './program-request.ts'

export interface ProgramEmbeddings {
  /** Names of the models, best first. */
  models(signal: AbortSignal): Promise<string[]>
  /**
   * The texts as they are, with no words around them. Paid by the key. Throws what the server throws, `model_not_allowed`,
   * `model_price_unknown`, `budget_exhausted` and `rate_limited`.
   */
  embed(
    key: ActiveKey,
    request: { model: string; texts: readonly string[]; signal: AbortSignal },
  ): Promise<{ vectors: Float32Array[]; tokens: number }>
}

export interface EmbeddingsDeps {
  /** `undefined`: there is no server for embeddings. */
  embeddings: ProgramEmbeddings | undefined
  isActive(key: ActiveKey): Promise<boolean>
}

/** Texts of one request, as at OpenAI, and of one call to the server, which often takes few. */
const mostTexts = 2048
const batch = 64

const Text = z.string().min(1)
export const EmbeddingsRequest = z.object({
  model: z.string().min(1).max(200),
  input: z.union([Text, z.array(Text).min(1).max(mostTexts)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
})

const isTokens = (input: unknown) => Array.isArray(input) && input.some((each) => typeof each !== 'string')
const refused: Refused = {
  dimensions: { unless: () => false, instead: apiInstead.dimensions },
  input: { unless: (value) => !isTokens(value), instead: apiInstead.tokens },
}

export function embeddingRoute({ embeddings, isActive }: EmbeddingsDeps, answering: Answering): Route {
  async function embed(context: HttpContext): Promise<Response> {
    const key = keyOf(context)
    const body = objectIn(jsonIn(context.get('body')))
    refuse(body, refused)
    const parsed = EmbeddingsRequest.safeParse(body)
    if (!parsed.success) throw invalid(parsed.error.issues[0])
    if (embeddings === undefined)
      throw new ApiFailure(400, apiErrors.noEmbeddings, { param: 'model', code: 'model_not_found' })
    const gone = new AbortController()
    context.env.outgoing.once('close', () => gone.abort())
    const { signal } = gone
    const { model: wanted, input, encoding_format: format } = parsed.data
    const model = await named(embeddings, wanted, signal)
    const texts = [input].flat()
    await answering.setRate(key, context)
    const ignored = ignoredIn(body, [EmbeddingsRequest.shape, refused], {})
    const vectors: Float32Array[] = []
    let tokens = 0
    for (let at = 0; at < texts.length; at += batch) {
      // It may be revoked while a long list is embedded.
      if (!(await isActive(key)))
        throw new ApiFailure(401, apiErrors.keyRevoked, { type: 'authentication_error', code: 'invalid_api_key' })
      const some = await embeddings.embed(key, { model, texts: texts.slice(at, at + batch), signal })
      vectors.push(...some.vectors)
      tokens += some.tokens
    }
    return context.json(
      {
        object: 'list',
        model,
        data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encoded(vector, format) })),
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      },
      200,
      ignored.length === 0
        ? {}
        : { 'x-parley-ignored': ignored.filter((name) => /^[\w.-]{1,100}$/.test(name)).join(', ') },
    )
  }

  return {
    method: 'POST',
    path: '/v1/embeddings',
    access: ['key:ask'],
    body: { maxBytes: limits.bodyBytes },
    handle: (context) => answering.within(() => embed(context)),
  }
}

/** `parley` is the best that the server has. */
async function named({ models }: ProgramEmbeddings, wanted: string, signal: AbortSignal): Promise<string> {
  const known = await models(signal)
  const found = wanted === 'parley' || wanted === 'auto' ? known[0] : known.find((each) => each === wanted)
  if (found !== undefined) return found
  throw new ApiFailure(404, apiErrors.embeddingModelUnknown(wanted, known), { param: 'model', code: 'model_not_found' })
}

/** Little-endian, as every client reads it. */
function encoded(vector: Float32Array, format: 'float' | 'base64' | null | undefined): number[] | string {
  if (format !== 'base64') return [...vector]
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4)
  return bytes.toString('base64')
}
