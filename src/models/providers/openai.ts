/**
 * Chat Completions, the dialect that vLLM, SGLang, LiteLLM, llama.cpp and OPEA share. OpenAI itself is asked in Responses
 * (openai-responses.ts).
 */
import { APIError, type OpenAI } from 'openai'
import type { ModelInfo, ModelProvider } from '../model.ts'
import { readBody } from './body.ts'
import { createChunkReader, readWhole } from './chat-chunk.ts'
import { chatBody, chatParameters } from './chat-request.ts'
import { createOpenAiClient, listOpenAiModels, openAiUrl } from './openai-client.ts'
import { createParameterFilter } from './refused-parameters.ts'
import { readSse } from './sse.ts'
import {
  askForModels,
  createWire,
  type Dialect,
  type ProviderOptions,
  streamAnswer,
  type Wire,
} from './stream-answer.ts'
import { createThoughtFilter } from './thinking.ts'

/** `baseUrl` ends where `/chat/completions` begins, e.g. `http://localhost:8000/v1`, or is that of OPEA's `/v1/chatqna`. */
export function createOpenAiProvider(options: ProviderOptions): ModelProvider {
  const { name, log } = options
  const baseUrl = (options.baseUrl ?? openAiUrl).replace(/\/+$/, '')
  const wire = createWire(options, 'the OpenAI API')
  const client = createOpenAiClient({ ...options, baseUrl }, wire)
  const parameters = createParameterFilter(name, chatParameters, log)
  const official = /(?:^|\.)openai\.(?:com|azure\.com)$/.test(new URL(baseUrl).hostname)
  const limit = official ? 'max_completion_tokens' : 'max_tokens'

  const dialect: Dialect = {
    open: (request, watch) =>
      parameters.send(request.model, (without) => {
        const body = chatBody(request, limit, without)
        const send = { signal: watch.signal }
        // OPEA's pipeline is one address of its own, which is asked as it stands.
        if (isChatQna(baseUrl)) return client.post(baseUrl, { ...send, body, stream: true }).asResponse()
        return client.chat.completions.create(body, send).asResponse()
      }),
    read(response, _request, watch) {
      const read = createChunkReader()
      const apart = createThoughtFilter()
      return readBody(response, watch, {
        events: readSse,
        read: (data) => read(data).flatMap(apart),
        readWhole: (body) => readWhole(body).flatMap(apart),
        idleMs: wire.timers.idleMs,
      })
    },
  }

  return {
    name,
    stream: (request, signal) => streamAnswer(wire, dialect, request, signal),
    models: (signal) =>
      isChatQna(baseUrl) ? chatQnaModels(client, wire, baseUrl, signal) : listOpenAiModels(client, wire, signal),
  }
}

function isChatQna(baseUrl: string): boolean {
  return /\/chatqna$/.test(new URL(baseUrl).pathname)
}

/** A pipeline lists no models: it is one, whatever it is called. Any answer shows that it is there. */
function chatQnaModels(client: OpenAI, wire: Wire, baseUrl: string, signal: AbortSignal): Promise<ModelInfo[]> {
  return askForModels(wire, signal, async (watch) => {
    try {
      await client.get(new URL('/v1/health_check', baseUrl).href, { signal: watch.signal }).asResponse()
    } catch (thrown) {
      if (!(thrown instanceof APIError) || thrown.status === undefined) throw thrown
    }
    return [{ id: 'chatqna', label: 'ChatQnA', tools: false, vision: false }]
  })
}
