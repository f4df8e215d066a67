/** Anthropic's Messages. Passages are document blocks, whose citations come back as the labels of their passages. */
import { Anthropic } from '@anthropic-ai/sdk'
import { z } from 'zod'
import type { ModelInfo, ModelProvider } from '../model.ts'
import { createAnthropicReader } from './anthropic-chunk.ts'
import { anthropicBody, anthropicParameters, citedParts } from './anthropic-request.ts'
import { createParameterFilter } from './failure.ts'
import { createSdkFetch, readBody } from './http.ts'
import { anthropicSampling, taken } from './sampling.ts'
import { readSse } from './server-events.ts'
import {
  askForModels,
  createWire,
  type Dialect,
  type ProviderOptions,
  streamAnswer,
  type Wire,
} from './stream-answer.ts'

export interface AnthropicOptions extends ProviderOptions {
  /**
   * Whether the server knows document blocks and their citations. Default: Anthropic itself does; of others it is not
   * known, and one that ignored them would answer without having seen the passages.
   */
  documents?: boolean
}

export const anthropicUrl = 'https://api.anthropic.com'

/** `baseUrl` ends where `/v1/messages` begins. */
export function createAnthropicProvider(options: AnthropicOptions): ModelProvider {
  const { name, log } = options
  const baseUrl = (options.baseUrl ?? anthropicUrl).replace(/\/+(?:v1\/*)?$/, '')
  const documents = options.documents ?? /(?:^|\.)anthropic\.com$/.test(new URL(baseUrl).hostname)
  const wire = createWire(options, 'the Anthropic API')
  const client = createClient(options, wire, baseUrl)
  const parameters = createParameterFilter(name, anthropicParameters, log)

  const dialect: Dialect = {
    open: (request, watch) =>
      parameters.send(request, (allowed, without) => {
        const body = anthropicBody(allowed, documents, without)
        // Not `messages.create`: that prints to the console for models which are to retire.
        return client.post('/v1/messages', { body, stream: true, signal: watch.signal }).asResponse()
      }),
    read: (response, request, watch) => {
      const read = createAnthropicReader(documents ? citedParts(request) : [])
      return readBody(response, watch, { events: readSse, read, idleMs: wire.timers.idleMs })
    },
  }

  return {
    name,
    takes: taken(anthropicSampling),
    stream: (request, signal) => streamAnswer(wire, dialect, request, signal),
    models: (signal) => listModels(client, wire, signal),
  }
}

function createClient({ fetch }: ProviderOptions, { apiKey, timers }: Wire, baseURL: string): Anthropic {
  return new Anthropic({
    baseURL,
    // Sets everything that the SDK would otherwise read from the environment or a profile.
    apiKey: apiKey ?? 'none',
    authToken: null,
    webhookKey: null,
    openTelemetry: false,
    logLevel: 'off',
    maxRetries: 0,
    timeout: timers.totalMs,
    fetch: createSdkFetch({
      fetch,
      headers: apiKey === undefined ? {} : { 'x-api-key': apiKey },
    }),
  })
}

const Limit = z.number().int().positive().nullish().catch(undefined)
const Support = z.object({ supported: z.boolean() }).nullish().catch(undefined)
const ModelList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      display_name: z.string().nullish().catch(undefined),
      max_input_tokens: Limit,
      max_tokens: Limit,
      lifecycle: z.string().nullish().catch(undefined),
      capabilities: z
        .object({ image_input: Support, pdf_input: Support, thinking: Support })
        .nullish()
        .catch(undefined),
    }),
  ),
})

function listModels(client: Anthropic, wire: Wire, signal: AbortSignal): Promise<ModelInfo[]> {
  return askForModels(wire, signal, async (watch) => {
    const response = await client.models.list({ limit: 1000 }, { signal: watch.signal }).asResponse()
    const { data } = ModelList.parse(await response.json())
    return data.filter(({ lifecycle }) => lifecycle !== 'retired').map(modelInfo)
  })
}

function modelInfo(told: z.infer<typeof ModelList>['data'][number]): ModelInfo {
  const { id, display_name: label, max_input_tokens: window, max_tokens: most, capabilities } = told
  return {
    id,
    label: label ? label : undefined,
    contextWindow: window ? window : undefined,
    maxOutputTokens: most ? most : undefined,
    // Who tells abilities is Anthropic itself, all of whose models call tools.
    tools: capabilities ? true : undefined,
    vision: capabilities?.image_input ? capabilities.image_input.supported : undefined,
    pdf: capabilities?.pdf_input ? capabilities.pdf_input.supported : undefined,
    reasoning: capabilities?.thinking ? capabilities.thinking.supported : undefined,
  }
}
