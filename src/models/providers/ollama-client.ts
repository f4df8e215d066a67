/**
 * Ollama's SDK, and what Ollama tells of a model it has. One client for each request: its own `abort` ends every stream of a
 * client, and it prints what it cannot parse to the console. So the signal reaches the wire in fetch, and refusals and
 * streams are read here.
 */
import { Ollama } from 'ollama'
import { z } from 'zod'
import type { ModelInfo } from '../model.ts'
import { parseJson } from './chunk.ts'
import { HttpFailure } from './failure.ts'
import { createSdkFetch } from './http.ts'

export interface OllamaClient {
  sdk: Ollama
  /** Of the last request, its body unread where a stream was asked for. */
  response(): Response
}

/** The most of a refusal that is read. */
const MAX_REFUSAL = 2_000

export type ConnectOllama = (signal: AbortSignal) => OllamaClient

export function connectOllama(host: string, fetch?: typeof globalThis.fetch): ConnectOllama {
  // Without a key, the SDK would use one for ollama.com from the environment.
  const plain = createSdkFetch({ fetch, headers: {} })
  return (signal) => {
    let last: Response | undefined
    const watched: typeof globalThis.fetch = async (input, init) => {
      const response = await plain(input, { ...init, signal })
      if (!response.ok) {
        const text = (await response.text()).slice(0, MAX_REFUSAL)
        throw new HttpFailure(response.status, response.headers, parseJson(text) ?? text)
      }
      last = response
      return response
    }
    return {
      sdk: new Ollama({ host, fetch: watched }),
      response() {
        if (last === undefined) throw new Error('no request was made')
        return last
      },
    }
  }
}

const Text = z.string().nullish().catch(undefined)
const Details = z.object({ family: Text, parameter_size: Text, quantization_level: Text }).nullish().catch(undefined)

export const Tags = z.object({
  models: z
    .array(
      z.object({
        name: z.string(),
        size: z.number().nonnegative().catch(0),
        digest: Text,
        modified_at: z.coerce.date().nullish().catch(undefined),
        details: Details,
      }),
    )
    .nullish()
    .transform((models) => models ?? []),
})
export type Tag = z.infer<typeof Tags>['models'][number]

export const Show = z.object({
  capabilities: z.array(z.string()).nullish().catch(undefined),
  model_info: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  parameters: Text,
  license: Text,
  details: Details,
})
export type Show = z.infer<typeof Show>

/** `undefined` for a model that writes no answers, such as one for embeddings. */
export function modelInfo(id: string, show: Show, bytes?: number): ModelInfo | undefined {
  const { capabilities, details } = show
  if (capabilities && !capabilities.includes('completion')) return undefined
  const contextWindow = windowOf(show)
  const billions = parseBillions(details?.parameter_size)
  return {
    id,
    contextWindow,
    ...(capabilities
      ? {
          vision: capabilities.includes('vision'),
          tools: capabilities.includes('tools'),
          reasoning: capabilities.includes('thinking'),
          audio: capabilities.includes('audio') ? true : undefined,
        }
      : {}),
    parameters: billions,
    bytes,
  }
}

/** What the model was made for, or less where its Modelfile says so. */
function windowOf({ model_info, parameters }: Show): number | undefined {
  const made = Object.entries(model_info ?? {}).find(([name]) => name.endsWith('.context_length'))?.[1]
  const set = Number(/^num_ctx\s+(\d+)/m.exec(parameters ?? '')?.[1] ?? Number.NaN)
  const limits = [made, set].filter((limit) => typeof limit === 'number' && Number.isInteger(limit) && limit > 0)
  return limits.length === 0 ? undefined : Math.min(...limits.map(Number))
}

/** `8.0B`, `567M`. */
function parseBillions(size: string | null | undefined): number | undefined {
  const [, count, unit] = /^([\d.]+)\s*([KMBT])$/i.exec(size ?? '') ?? []
  const scale = { K: 1e-6, M: 1e-3, B: 1, T: 1e3 }[unit?.toUpperCase() ?? '']
  const value = Number(count) * (scale ?? Number.NaN)
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : undefined
}
