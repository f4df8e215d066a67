/** OpenAI's SDK as both of its dialects use it, and the list of models that both share. */
import { OpenAI } from 'openai'
import { z } from 'zod'
import type { ModelInfo } from '../model.ts'
import { createSdkFetch } from './http.ts'
import { askForModels, type ProviderOptions, type Wire } from './stream-answer.ts'

export const openAiUrl = 'https://api.openai.com/v1'

/** Whether an address is OpenAI's own, which speaks Responses; others speak at most Chat Completions. */
export function isOpenAi(baseUrl: string = openAiUrl): boolean {
  return /(?:^|\.)openai\.com$/.test(new URL(baseUrl).hostname)
}

const ModelList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      max_model_len: z.number().int().positive().nullish().catch(undefined),
      context_length: z.number().int().positive().nullish().catch(undefined),
      context_window: z.number().int().positive().nullish().catch(undefined),
      owned_by: z.string().nullish().catch(undefined),
    }),
  ),
})

export function createOpenAiClient(
  { baseUrl, fetch, headers = {} }: ProviderOptions,
  { apiKey, timers }: Wire,
): OpenAI {
  return new OpenAI({
    baseURL: baseUrl ?? openAiUrl,
    apiKey: apiKey ?? 'none',
    // Sets everything that the SDK would otherwise read from the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: timers.totalMs,
    fetch: createSdkFetch({
      fetch,
      headers: apiKey === undefined ? headers : { authorization: `Bearer ${apiKey}`, ...headers },
    }),
  })
}

/** The models that the server lists, with the context windows that vLLM, LiteLLM and others add. */
export function listOpenAiModels(client: OpenAI, wire: Wire, signal: AbortSignal): Promise<ModelInfo[]> {
  return askForModels(wire, signal, async (watch) => {
    const response = await client.models.list({ signal: watch.signal }).asResponse()
    const list = ModelList.parse(await response.json())
    // Google lists `models/gemini-2.5-flash`, and everything else calls it `gemini-2.5-flash`.
    const google = /(?:^|\.)googleapis\.com$/.test(new URL(client.baseURL).hostname)
    return list.data.map(({ id, max_model_len, context_length, context_window, owned_by }) => {
      const info: ModelInfo = { id: google ? id.replace(/^models\//, '') : id }
      const contextWindow = max_model_len ?? context_length ?? context_window
      if (typeof contextWindow === 'number') info.contextWindow = contextWindow
      if (typeof owned_by === 'string') info.owner = owned_by
      return info
    })
  })
}
