/**
 * OpenAI's own models in OpenAI's own dialect, Responses: the provider, the body of a request and the reader of its stream.
 * Everything compatible speaks Chat Completions (openai.ts).
 */

import type {
  ResponseCreateParamsStreaming,
  ResponseFormatTextConfig,
  ResponseInputContent,
  ResponseInputItem,
} from 'openai/resources/responses/responses'
import type { ReasoningEffort } from 'openai/resources/shared'
import { z } from 'zod'
import { omitUndefined } from '../../core/omit-undefined.ts'
import type { Usage } from '../../core/reply.ts'
import { plainName } from '../../core/text/plain-name.ts'
import type { AnswerFormat } from '../../core/tool-call.ts'
import type { FinishReason, ModelMessage, ModelProvider, ModelRequest, Part } from '../model.ts'
import { type Chunk, parseJson } from './chunk.ts'
import { createParameterFilter } from './failure.ts'
import { readBody } from './http.ts'
import { createOpenAiClient, listOpenAiModels } from './openai-client.ts'
import { dataUrl, formatNotes, partText, systemText, textOf, withNotes } from './request-text.ts'
import { responsesSampling, sampled, taken } from './sampling.ts'
import { isKeepAlive, readSse, type ServerEvent } from './server-events.ts'
import { createWire, type Dialect, type ProviderOptions, streamAnswer } from './stream-answer.ts'

export function createOpenAiResponsesProvider(options: ProviderOptions): ModelProvider {
  const { name, log } = options
  const wire = createWire(options, 'the OpenAI API')
  const client = createOpenAiClient(options, wire)
  const parameters = createParameterFilter(name, responsesParameters, log)

  const dialect: Dialect = {
    open: (request, watch) =>
      parameters.send(request, (allowed, without) =>
        client.responses.create(responsesBody(allowed, without), { signal: watch.signal }).asResponse(),
      ),
    read: (response, _request, watch) =>
      readBody(response, watch, { events: readSse, read: createResponsesReader(), idleMs: wire.timers.idleMs }),
  }

  return {
    name,
    takes: taken(responsesSampling),
    stream: (request, signal) => streamAnswer(wire, dialect, request, signal),
    models: (signal) => listOpenAiModels(client, wire, signal),
  }
}

/** What some models or accounts do not take: reasoning's summary wants a reasoning model and a verified organisation. */
const responsesParameters = [
  'temperature',
  'top_p',
  'reasoning.summary',
  'reasoning.effort',
  'reasoning',
  'parallel_tool_calls',
  'text.format',
  'text',
] as const
export type ResponsesParameter = (typeof responsesParameters)[number]

/** The API takes no less. */
const LEAST_OUTPUT = 16

/** A request in the words of Responses. Nothing is kept there: `store` is false, and no state is referred to. */
export function responsesBody(
  request: ModelRequest,
  without: ReadonlySet<ResponsesParameter>,
): ResponseCreateParamsStreaming {
  const { model, temperature, tools = [], toolChoice, format } = request
  const wordless = without.has('text') || without.has('text.format')
  const rules = withNotes({ system: systemText(request) }, wordless ? formatNotes(request) : [])
  const effort = without.has('reasoning.effort')
    ? undefined
    : (request.sampling?.reasoningEffort as ReasoningEffort | undefined)
  const summary = reasons(model) && !without.has('reasoning') && !without.has('reasoning.summary')
  return {
    model,
    stream: true,
    store: false,
    ...(rules === '' ? {} : { instructions: rules }),
    input: request.messages.flatMap(inputItems),
    max_output_tokens: Math.max(LEAST_OUTPUT, request.maxOutputTokens),
    reasoning:
      without.has('reasoning') || (!summary && effort === undefined)
        ? undefined
        : { summary: summary ? 'auto' : undefined, effort },
    ...sampled(request, responsesSampling, without),
    ...omitUndefined({ temperature: without.has('temperature') ? undefined : temperature }),
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, schema, strict }) => ({
            type: 'function' as const,
            name,
            description,
            parameters: schema,
            // Strict schemas allow only part of JSON Schema; ours are anybody's.
            strict: strict === true,
          })),
          ...(toolChoice === undefined || toolChoice === 'auto'
            ? {}
            : {
                tool_choice: typeof toolChoice === 'string' ? toolChoice : { type: 'function' as const, ...toolChoice },
              }),
          ...(request.parallelCalls === undefined || without.has('parallel_tool_calls')
            ? {}
            : { parallel_tool_calls: request.parallelCalls }),
        }),
    ...(format === undefined || wordless ? {} : { text: { format: formatParam(format) } }),
  }
}

function formatParam(format: AnswerFormat): ResponseFormatTextConfig {
  if (format.type === 'json') return { type: 'json_object' }
  const { name, description, schema, strict } = format
  return { type: 'json_schema', name, schema, strict, ...omitUndefined({ description }) }
}

function reasons(model: string): boolean {
  return /^(?:o\d|gpt-[5-9])/.test(model) && !/chat/.test(model)
}

function inputItems({ role, parts }: ModelMessage): ResponseInputItem[] {
  const calls = parts.flatMap((part): ResponseInputItem[] => {
    if (part.type === 'toolCall')
      return [{ type: 'function_call', call_id: part.id, name: part.name, arguments: part.arguments }]
    if (part.type === 'toolResult') return [{ type: 'function_call_output', call_id: part.id, output: part.text }]
    return []
  })
  const said = parts.filter((part) => part.type !== 'toolCall' && part.type !== 'toolResult')
  if (said.length === 0) return calls
  // What calls gave comes before what is said about it; a call comes after the words that led to it.
  return role === 'user'
    ? [...calls, { role, content: said.flatMap(inputContent) }]
    : [{ role, content: textOf(said) }, ...calls]
}

function inputContent(part: Part): ResponseInputContent[] {
  if (part.type === 'image') {
    return [{ type: 'input_image', detail: 'auto', image_url: dataUrl(part.mediaType, part.data) }]
  }
  if (part.type === 'file') {
    return [{ type: 'input_file', filename: plainName(part.title), file_data: dataUrl(part.mediaType, part.data) }]
  }
  const text = partText(part)
  return text === undefined ? [] : [{ type: 'input_text', text }]
}

const Count = z.number().int().nonnegative().nullish().catch(undefined)
const WireUsage = z
  .object({
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: z.object({ cached_tokens: Count, cache_write_tokens: Count }).nullish().catch(undefined),
    output_tokens_details: z.object({ reasoning_tokens: Count }).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)
const Payload = z.object({
  type: z.string(),
  delta: z.string().nullish().catch(undefined),
  summary_index: z.number().nullish().catch(undefined),
  output_index: z.number().nullish().catch(undefined),
  item: z
    .object({
      type: z.string(),
      call_id: z.string().nullish().catch(undefined),
      name: z.string().nullish().catch(undefined),
      arguments: z.string().nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  response: z
    .object({
      status: z.string().nullish().catch(undefined),
      usage: WireUsage,
      incomplete_details: z.object({ reason: z.string().nullish() }).nullish().catch(undefined),
      error: z.unknown().optional(),
    })
    .nullish()
    .catch(undefined),
})
type Payload = z.infer<typeof Payload>

const incomplete: Record<string, FinishReason> = { max_output_tokens: 'length', content_filter: 'filter' }

/** One event of the stream → what it adds. Only `completed`, `incomplete` and `failed` end an answer. */
function createResponsesReader(): (event: ServerEvent) => Chunk[] {
  return ({ data }) => {
    if (data.trim() === '[DONE]' || isKeepAlive(data)) return []
    const parsed = parseJson(data)
    const payload = Payload.safeParse(parsed).data
    if (payload !== undefined) return [readEvent(payload, parsed)]
    const error = typeof parsed === 'object' && parsed !== null && 'error' in parsed ? parsed : notAnEvent
    return [{ error }]
  }
}

const notAnEvent = { message: 'an event of the stream is not JSON' }

function readEvent({ type, delta, item, response, output_index, summary_index }: Payload, parsed: unknown): Chunk {
  const usage = normalizeUsage(response?.usage)
  const ended = usage ? { usage, done: true } : { done: true }
  switch (type) {
    case 'response.output_text.delta':
      return { text: delta ?? '' }
    case 'response.refusal.delta':
      return { refusal: delta ?? '' }
    case 'response.reasoning_summary_text.delta':
    case 'response.reasoning_text.delta':
      return { reasoning: delta ?? '' }
    case 'response.reasoning_summary_part.added':
      return summary_index ? { reasoning: '\n\n' } : {}
    case 'response.output_item.done':
      return item?.type === 'function_call' ? { call: wholeCall(item, output_index ?? 0) } : {}
    case 'response.completed':
    case 'response.incomplete': {
      const whole = type === 'response.completed' && response?.status !== 'incomplete'
      return { ...ended, finish: whole ? 'stop' : (incomplete[response?.incomplete_details?.reason ?? ''] ?? 'length') }
    }
    case 'response.failed':
      return { usage: usage ? usage : undefined, error: response?.error ?? { message: 'the response failed' } }
    case 'error':
      return { error: parsed }
    default:
      return usage ? { usage } : {}
  }
}

function wholeCall(item: NonNullable<Payload['item']>, key: number): NonNullable<Chunk['call']> {
  return {
    key,
    whole: true,
    name: item.name ?? '',
    arguments: item.arguments ?? '',
    id: item.call_id ? item.call_id : undefined,
  }
}

/** Its input includes cached tokens, as Parley's does; `null` is not 0. */
function normalizeUsage(usage: z.infer<typeof WireUsage>): Usage | undefined {
  const { input_tokens: input, output_tokens: output } = usage ?? {}
  if (input === undefined || input === null || output === undefined || output === null) return undefined
  const cacheRead = Math.min(usage?.input_tokens_details?.cached_tokens ?? 0, input)
  return {
    input,
    cacheRead,
    cacheWrite: Math.min(usage?.input_tokens_details?.cache_write_tokens ?? 0, input - cacheRead),
    output,
    reasoning: Math.min(usage?.output_tokens_details?.reasoning_tokens ?? 0, output),
    source: 'provider',
  }
}
