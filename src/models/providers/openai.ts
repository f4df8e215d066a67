/**
 * Chat Completions, the dialect that vLLM, SGLang, LiteLLM, llama.cpp and OPEA share: the provider and the body of a request
 * (its stream is read in chat-chunk.ts). OpenAI itself is asked in Responses (openai-responses.ts).
 */
import { APIError, type OpenAI } from 'openai'
import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionContentPart,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
  ChatCompletionToolChoiceOption,
} from 'openai/resources/chat/completions'
import { omitUndefined } from '../../core/omit-undefined.ts'
import type { AnswerFormat, ToolChoice } from '../../core/tool-call.ts'
import type { ModelInfo, ModelMessage, ModelProvider, ModelRequest, Part } from '../model.ts'
import { createChunkReader } from './chat-chunk.ts'
import { createParameterFilter } from './failure.ts'
import { readBody } from './http.ts'
import { createOpenAiClient, listOpenAiModels, openAiUrl } from './openai-client.ts'
import { dataUrl, formatNotes, partText, systemText, textOf, withNotes } from './request-text.ts'
import { chatSampling, sampled, taken } from './sampling.ts'
import { readSse } from './server-events.ts'
import {
  askForModels,
  createWire,
  type Dialect,
  type ProviderOptions,
  streamAnswer,
  type Wire,
} from './stream-answer.ts'
import { createThoughtReader } from './thoughts.ts'

/** `baseUrl` ends where `/chat/completions` begins, e.g. `http://localhost:8000/v1`, or is that of OPEA's `/v1/chatqna`. */
export function createOpenAiProvider(options: ProviderOptions): ModelProvider {
  const { name, log } = options
  const baseUrl = (options.baseUrl ?? openAiUrl).replace(/\/+$/, '')
  const wire = createWire(options, 'the OpenAI API')
  const client = createOpenAiClient({ ...options, baseUrl }, wire)
  const parameters = createParameterFilter(name, chatParameters, log)
  const thoughts = createThoughtReader()
  const official = /(?:^|\.)openai\.(?:com|azure\.com)$/.test(new URL(baseUrl).hostname)
  const limit = official ? 'max_completion_tokens' : 'max_tokens'

  const dialect: Dialect = {
    open: (request, watch) =>
      parameters.send(request, (allowed, without) => {
        const body = chatBody(allowed, limit, without)
        const send = { signal: watch.signal }
        // OPEA's pipeline is one address of its own, which is asked as it stands.
        if (isChatQna(baseUrl)) return client.post(baseUrl, { ...send, body, stream: true }).asResponse()
        return client.chat.completions.create(body, send).asResponse()
      }),
    read: (response, request, watch) =>
      readBody(response, watch, {
        events: readSse,
        ...thoughts.apart(request, createChunkReader({ bareText: isChatQna(baseUrl) })),
        idleMs: wire.timers.idleMs,
      }),
  }

  return {
    name,
    takes: taken(chatSampling),
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

/** What a server may not know and a request can do without, or say by the other word for the limit. */
const chatParameters = [
  'stream_options',
  'include_usage',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'parallel_tool_calls',
  'response_format',
  'top_logprobs',
  ...Object.values(chatSampling),
] as const
export type ChatParameter = (typeof chatParameters)[number]
export type LimitWord = 'max_tokens' | 'max_completion_tokens'

/** `limit` is the word to begin with; `without` is what the server has refused. */
export function chatBody(
  request: ModelRequest,
  limit: LimitWord,
  without: ReadonlySet<ChatParameter>,
): ChatCompletionCreateParamsStreaming {
  const inWords = without.has('response_format') ? formatNotes(request) : []
  const rules = withNotes({ system: systemText(request) }, inWords)
  const system = rules === '' ? [] : [{ role: 'system' as const, content: rules }]
  const other = limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  const { temperature, tools = [], toolChoice, format } = request
  return {
    model: request.model,
    stream: true,
    messages: [...system, ...request.messages.flatMap(chatMessages)],
    // Always sent: without it, OPEA answers with at most 1,024 tokens.
    [without.has(limit) ? other : limit]: request.maxOutputTokens,
    ...(without.has('stream_options') || without.has('include_usage')
      ? {}
      : { stream_options: { include_usage: true } }),
    ...omitUndefined({ temperature: without.has('temperature') ? undefined : temperature }),
    ...sampled(request, chatSampling, without),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, schema, strict }) => ({
            type: 'function' as const,
            function: { name, description, parameters: schema, ...(strict ? { strict } : {}) },
          })),
          ...(toolChoice === undefined || toolChoice === 'auto' ? {} : { tool_choice: chosen(toolChoice) }),
          ...(request.parallelCalls === undefined || without.has('parallel_tool_calls')
            ? {}
            : { parallel_tool_calls: request.parallelCalls }),
        }),
    ...(format === undefined || without.has('response_format') ? {} : { response_format: formatParam(format) }),
  }
}

function chosen(choice: ToolChoice): ChatCompletionToolChoiceOption {
  return typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } }
}

function formatParam(format: AnswerFormat): ChatCompletionCreateParamsStreaming['response_format'] {
  if (format.type === 'json') return { type: 'json_object' }
  const { name, description, schema, strict } = format
  return { type: 'json_schema', json_schema: { name, schema, strict, ...omitUndefined({ description }) } }
}

function chatMessages({ role, parts }: ModelMessage): ChatCompletionMessageParam[] {
  if (parts.length === 0) return []
  if (role === 'assistant') return [assistantMessage(parts)]
  // What calls gave stands right behind the calls, before anything else is said.
  const results = parts.flatMap((part) =>
    part.type === 'toolResult' ? [{ role: 'tool' as const, tool_call_id: part.id, content: part.text }] : [],
  )
  const said = parts.filter((part) => part.type !== 'toolResult')
  if (said.length === 0) return results
  const content = said.some((part) => part.type === 'image') ? said.flatMap(contentPart) : textOf(said)
  return [...results, { role: 'user', content }]
}

function assistantMessage(parts: Part[]): ChatCompletionAssistantMessageParam {
  const calls = parts.flatMap((part) =>
    part.type === 'toolCall'
      ? [{ id: part.id, type: 'function' as const, function: { name: part.name, arguments: part.arguments } }]
      : [],
  )
  const content = textOf(parts)
  if (calls.length === 0) return { role: 'assistant', content }
  return { role: 'assistant', content: content === '' ? null : content, tool_calls: calls }
}

/** Text around images keeps its place. */
function contentPart(part: Part): ChatCompletionContentPart[] {
  if (part.type === 'image') {
    return [{ type: 'image_url', image_url: { url: dataUrl(part.mediaType, part.data) } }]
  }
  const text = partText(part)
  return text === undefined ? [] : [{ type: 'text', text }]
}
