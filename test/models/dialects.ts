/** The dialects of model servers as the contract of providers plays them: stand-in, provider, and how each says a scene. */
import { silentLog } from '../../src/core/log.ts'
import { type ModelRig, type Scene, type SceneUsage, Unplayable } from '../../src/models/model.contract.ts'
import type { ModelProvider } from '../../src/models/model.ts'
import { createAnthropicProvider } from '../../src/models/providers/anthropic.ts'
import { createOllamaProvider } from '../../src/models/providers/ollama.ts'
import { createOpenAiProvider } from '../../src/models/providers/openai.ts'
import { createOpenAiResponsesProvider } from '../../src/models/providers/openai-responses.ts'
import { startScriptedAnthropic } from '../servers/anthropic.ts'
import { startScriptedOllama } from '../servers/ollama.ts'
import { startScriptedOpenAi } from '../servers/openai.ts'
import { startScriptedResponses } from '../servers/responses.ts'
import type { Script, ScriptedReply, ScriptedServer } from '../servers/scripted.ts'
import { type ReadSent, sentChat, sentMessages, sentOllama, sentResponses } from './sent.ts'

export const secret = 'sk-test-0123456789abcdef'
export const model = 'scripted:latest'

/** What is different between the dialects, as far as the contract is concerned. */
export interface Spoken {
  start(script: Script): Promise<ScriptedServer>
  /** At a server without a path. */
  provider(origin: string): ModelProvider
  sent: ReadSent
  finishes: Partial<Record<NonNullable<Scene['finish']>, Partial<ScriptedReply>>>
  /** In the dialect's words; throws Unplayable for what it has none for. */
  usage(usage: SceneUsage): Record<string, unknown>
  refusals: Record<NonNullable<Scene['refuse']>, ScriptedReply>
  overloaded: { message: string; [more: string]: unknown }
  /** Arguments of calls come as text, in pieces. */
  partialCalls: boolean
}

const common = {
  name: 'stand-in',
  apiKey: secret,
  backoffMs: 5,
  log: silentLog,
  timers: { connectMs: 30_000, idleMs: 400, totalMs: 60_000 },
}

const openAiRefusals: Spoken['refusals'] = {
  key: { status: 401, error: { message: `Incorrect API key provided: ${secret}`, code: 'invalid_api_key' } },
  busy: { status: 429, error: { message: 'slow down', code: 'rate_limit_exceeded' } },
  broken: { status: 502, error: { message: `upstream said Bearer ${secret}` } },
  malformed: { status: 400, error: { message: 'messages.0.role is wrong', type: 'invalid_request_error' } },
  unknownModel: { status: 404, error: { message: 'no such model', code: 'model_not_found' } },
  overflow: { status: 400, error: { message: "This model's maximum context length is 4096 tokens.", code: null } },
}

export const dialects = {
  'chat completions': {
    start: (script) => startScriptedOpenAi({ script, models: [{ id: model }] }),
    provider: (origin) => createOpenAiProvider({ ...common, baseUrl: `${origin}/v1` }),
    sent: sentChat,
    finishes: { filter: { finish: 'content_filter' }, refusal: { refusal: [' but no more'] } },
    usage: ({ input, output, cacheRead = 0, cacheWrite = 0, reasoning = 0 }) => ({
      prompt_tokens: input,
      completion_tokens: output,
      total_tokens: input + output,
      prompt_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
      completion_tokens_details: { reasoning_tokens: reasoning },
    }),
    refusals: openAiRefusals,
    overloaded: { message: 'engine overloaded', code: 503 },
    partialCalls: true,
  },
  responses: {
    start: (script) => startScriptedResponses({ script, models: [{ id: model }] }),
    provider: (origin) => createOpenAiResponsesProvider({ ...common, baseUrl: `${origin}/v1` }),
    sent: sentResponses,
    finishes: {
      length: { finish: 'max_output_tokens' },
      filter: { finish: 'content_filter' },
      refusal: { refusal: [' but no more'] },
    },
    usage: ({ input, output, cacheRead = 0, cacheWrite = 0, reasoning = 0 }) => ({
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
      output_tokens_details: { reasoning_tokens: reasoning },
    }),
    refusals: openAiRefusals,
    overloaded: { message: 'The engine is currently overloaded.', code: 'server_is_overloaded' },
    partialCalls: true,
  },
  anthropic: {
    start: (script) => startScriptedAnthropic({ script, models: [{ id: model }] }),
    provider: (origin) => createAnthropicProvider({ ...common, baseUrl: origin, documents: true }),
    sent: sentMessages,
    finishes: { length: { finish: 'max_tokens' }, refusal: { finish: 'refusal' }, stop: { finish: 'end_turn' } },
    usage: ({ input, output, cacheRead = 0, cacheWrite = 0, reasoning = 0 }) => ({
      input_tokens: input - cacheRead - cacheWrite,
      cache_read_input_tokens: cacheRead,
      cache_creation_input_tokens: cacheWrite,
      output_tokens: output,
      output_tokens_details: { thinking_tokens: reasoning },
    }),
    refusals: {
      key: { status: 401, error: { message: `invalid x-api-key ${secret}` } },
      busy: { status: 429, error: { message: 'This request would exceed your rate limit.' } },
      broken: { status: 500, error: { message: `Internal server error for ${secret}` } },
      malformed: { status: 400, error: { message: 'messages.0.content: Field required' } },
      unknownModel: { status: 404, error: { message: 'model: scripted' } },
      overflow: { status: 400, error: { message: 'prompt is too long: 215000 tokens > 200000 maximum' } },
    },
    overloaded: { type: 'overloaded_error', message: 'Overloaded' },
    partialCalls: true,
  },
  ollama: {
    start: (script) => startScriptedOllama({ script }),
    provider: (origin) => createOllamaProvider({ ...common, baseUrl: origin }),
    sent: sentOllama,
    finishes: { length: { finish: 'length' } },
    usage({ input, output, cacheRead, cacheWrite, reasoning }) {
      if (cacheRead || cacheWrite || reasoning) throw new Unplayable('Ollama counts neither caches nor thoughts apart')
      return { prompt_eval_count: input, eval_count: output }
    },
    refusals: {
      key: { status: 401, error: { message: `unauthorized ${secret}` } },
      busy: { status: 503, error: { message: 'server busy, please try again.  maximum pending requests exceeded' } },
      broken: { status: 500, error: { message: `llama runner process has terminated: ${secret}` } },
      malformed: { status: 400, error: { message: 'json: cannot unmarshal string into Go value' } },
      unknownModel: { status: 404, error: { message: "model 'scripted:latest' not found" } },
      overflow: { status: 400, error: { message: 'the input length exceeds the context length' } },
    },
    overloaded: { message: 'server overloaded, too many requests' },
    partialCalls: false,
  },
} as const satisfies Record<string, Spoken>

/** The rig of a dialect at its scripted server. */
export function scriptedRig(spoken: Spoken): (scenes: Scene[]) => Promise<ModelRig> {
  return async (scenes) => {
    const server = await spoken.start(scenes.map((scene) => reply(spoken, scene)))
    return {
      provider: spoken.provider(server.origin),
      model,
      secret,
      async sent(index) {
        const { body, closed } = await server.request(index)
        return { ...spoken.sent(body), closed }
      },
      count: () => server.requests.length,
      goAway: () => server.close(),
      [Symbol.asyncDispose]: () => server.close(),
    }
  }
}

function reply(spoken: Spoken, scene: Scene): ScriptedReply {
  const { usages, finish = 'stop', refuse, retryAfterS, tokens = ['ok'], failure, calls, ...same } = scene
  const headers: Record<string, string> = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }
  if (refuse) return { ...spoken.refusals[refuse], headers }
  const ended = spoken.finishes[finish] ?? (finish === 'stop' || finish === 'length' ? { finish } : undefined)
  if (ended === undefined) throw new Unplayable(`this dialect has no word for an end by ${finish}`)
  const told = usages?.map((usage) => spoken.usage(usage))
  return {
    ...same,
    tokens,
    ...(calls ? { calls: calls.map((call) => ({ ...call, arguments: pieces(spoken, call.arguments) })) } : ended),
    ...(told?.[0] && told[1] ? { earlierUsage: told[0] } : {}),
    ...(told ? { usage: told.at(-1) ?? false } : {}),
    ...(failure ? { failure: spoken.overloaded } : {}),
  }
}

function pieces({ partialCalls }: Spoken, json: string): string[] {
  if (!partialCalls && !isJson(json)) throw new Unplayable('calls come whole in this dialect')
  return partialCalls ? (json.match(/.{1,7}/gsu) ?? []) : [json]
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
