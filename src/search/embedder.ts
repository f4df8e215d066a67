/** What embeds questions, paid for, and which of the known models they are compared by. */
import { monotonic } from '../core/clock.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Spender } from '../core/scope.ts'
import { embeddingWording } from '../wording/embeddings.ts'
import type { Embedded, EmbeddingRequest } from './embedding.ts'
import type { EmbeddingRows, KnownModel } from './embeddings.ts'

/** The server, with its calls paid by `spender`; they belong to the turn, if there is one. */
export interface MeteredEmbeddings {
  provider: string
  list(signal: AbortSignal): Promise<string[]>
  /** Whether what is embedded stays on own hardware. */
  isLocal(model: string): Promise<boolean>
  /** Throws what the server throws, `model_price_unknown`, `budget_exhausted` and `rate_limited`. */
  embed(request: EmbeddingRequest & { spender: Spender; turnId?: string | undefined }): Promise<Embedded>
}

export interface EmbeddedQuestion {
  model: KnownModel
  vector: Float32Array
}

export interface Embedder {
  /**
   * The question as the active model sees it; `undefined` where no model is active, or the question must not leave the network. Throws what
   * the server throws. The same question is embedded once.
   */
  question(text: string, options: AskedEmbedding): Promise<EmbeddedQuestion | undefined>
}

export interface AskedEmbedding {
  spender: Spender
  turnId?: string | undefined
  /** Only own hardware may be asked. */
  localOnly: boolean
}

/** How long what the database says of the models counts. A model that was active a moment ago still has its vectors. */
const modelsForMs = 2_000
/** A server may load a model first. Whoever waits for an answer does not wait that long, but the next question finds it. */
const longestMs = 30_000
/** A server that failed is left alone for so long. */
const pauseMs = 10_000
const mostKept = 200

export function createEmbedder({
  server,
  rows,
  log,
  now = monotonic,
}: {
  server: MeteredEmbeddings
  rows: Pick<EmbeddingRows, 'models'>
  log: Log
  now?: () => number
}): Embedder {
  let models: { at: number; active: Promise<KnownModel | undefined> } | undefined
  let failed: { at: number; thrown: unknown } | undefined
  const kept = new Map<string, Promise<Float32Array>>()

  function active(): Promise<KnownModel | undefined> {
    if (models !== undefined && now() - models.at < modelsForMs) return models.active
    const found = rows
      .models()
      .then((all) => all.find(({ state, provider }) => state === 'active' && provider === server.provider))
    models = { at: now(), active: found }
    found.catch(() => {
      models = undefined
    })
    return found
  }

  async function embed(model: KnownModel, text: string, { spender, turnId }: AskedEmbedding): Promise<Float32Array> {
    try {
      const signal = AbortSignal.timeout(longestMs)
      const request = { model: model.model, texts: [text], as: 'question', signal, spender, turnId } as const
      const [vector] = (await server.embed(request)).vectors
      if (vector?.length === model.width) return vector
      const { unusable, wrongWidth } = embeddingWording
      throw new ParleyError('embeddings_unusable', unusable(server.provider, wrongWidth))
    } catch (thrown) {
      // A budget is of one person, and a question may be too long: the server is well.
      if (!(thrown instanceof ParleyError && isOfQuestion(thrown))) failed = { at: now(), thrown }
      log.warn({ model: model.model, ...errorFields(thrown) }, 'question not embedded')
      throw thrown
    }
  }

  return {
    async question(text, options) {
      const model = await active()
      if (model === undefined || (options.localOnly && !(await server.isLocal(model.model)))) return undefined
      const key = `${model.id} ${text}`
      const known = kept.get(key)
      if (known !== undefined) return { model, vector: await known }
      if (failed !== undefined && now() - failed.at < pauseMs) throw failed.thrown
      const vector = embed(model, text, options)
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
      kept.set(key, vector)
      vector.catch(() => kept.delete(key))
      return { model, vector: await vector }
    },
  }
}

function isOfQuestion({ code }: ParleyError): boolean {
  return code === 'budget_exhausted' || code === 'rate_limited' || code === 'model_context_overflow'
}
