/** Ollama in its own dialect, `/api/chat`: only there the window can be set, which else is small and cut silently. */
import type { ModelInfo, ModelProvider, ModelRequest } from '../model.ts'
import { readBody } from './body.ts'
import { HttpFailure } from './failure.ts'
import { createOllamaReader } from './ollama-chunk.ts'
import { type ConnectOllama, connectOllama } from './ollama-client.ts'
import { ollamaBody } from './ollama-request.ts'
import { modelInfo, Show, Tags } from './ollama-show.ts'
import { countInput } from './request-tokens.ts'
import { readLines } from './sse.ts'
import { askForModels, createWire, type Dialect, type ProviderOptions, streamAnswer } from './stream-answer.ts'
import { createThoughtFilter } from './thinking.ts'
import type { Watch } from './watch.ts'
import { createWindows } from './window.ts'

export interface OllamaOptions extends ProviderOptions {
  /** E.g. `http://127.0.0.1:11434`. */
  baseUrl: string
  /** Windows that an admin sets, by model: none is loaded with a larger one. */
  contextWindows?: Record<string, number>
}

/** So many models are asked about at the same time. */
const MAX_CONCURRENT_REQUESTS = 4
const UNKNOWN = Number.POSITIVE_INFINITY

export function createOllamaProvider(options: OllamaOptions): ModelProvider {
  const { name } = options
  const wire = createWire(options, 'Ollama’s API')
  const connect = connectOllama(options.baseUrl, options.fetch)
  const windows = createWindows()
  const abilities = createAbilities(connect)

  async function open(request: ModelRequest, watch: Watch): Promise<Response> {
    const { model } = request
    // A model that cannot be asked about is asked the question all the same: that tells what is wrong.
    const told = await abilities(model, undefined, watch).catch(() => undefined)
    const most = Math.min(told?.contextWindow ?? UNKNOWN, options.contextWindows?.[model] ?? UNKNOWN)
    const input = await countInput(request)
    if (input * 0.8 > most) {
      // Older servers would cut it instead of refusing it.
      throw new HttpFailure(400, new Headers(), { error: 'the input is longer than the context window' })
    }
    const client = connect(watch.signal)
    await client.sdk.chat(ollamaBody(request, windows.choose(model, input + request.maxOutputTokens, most)))
    return client.response()
  }

  const dialect: Dialect = {
    open,
    read(response, _request, watch) {
      const read = createOllamaReader()
      const apart = createThoughtFilter()
      return readBody(response, watch, {
        events: readLines,
        read: (line) => read(line).flatMap(apart),
        idleMs: wire.timers.idleMs,
      })
    },
  }

  async function models(signal: AbortSignal): Promise<ModelInfo[]> {
    return await askForModels(wire, signal, async (watch) => {
      const tags = Tags.parse(await connect(watch.signal).sdk.list()).models
      const infos: (ModelInfo | undefined)[] = []
      for (let at = 0; at < tags.length; at += MAX_CONCURRENT_REQUESTS) {
        const details = tags.slice(at, at + MAX_CONCURRENT_REQUESTS).map(async ({ name: id, digest, size: bytes }) => {
          const info = await abilities(id, digest ?? undefined, watch).catch(() => ({ id }))
          return info && { ...info, bytes }
        })
        infos.push(...(await Promise.all(details)))
      }
      watch.signal.throwIfAborted()
      return infos.filter((info) => info !== undefined)
    })
  }

  return { name, models, stream: (request, signal) => streamAnswer(wire, dialect, request, signal) }
}

/** Asks about a model once, and again when there is another of its name. */
function createAbilities(connect: ConnectOllama) {
  const known = new Map<string, { digest: string | undefined; info: ModelInfo | undefined }>()
  return async (id: string, digest: string | undefined, watch: Watch): Promise<ModelInfo | undefined> => {
    const before = known.get(id)
    if (before && (digest === undefined || before.digest === digest)) return before.info
    const info = modelInfo(id, Show.parse(await connect(watch.signal).sdk.show({ model: id })))
    known.set(id, { digest, info })
    return info
  }
}
