/**
 * Ollama in its own dialect, `/api/chat`: only there the window can be set, which else is small and cut silently. Its
 * provider, the body of a request, the reader of its stream, and the windows that models are loaded with.
 */

import type { ChatRequest, Message, Tool, ToolCall } from 'ollama'
import { z } from 'zod'
import { monotonic } from '../../core/clock.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import type { Usage } from '../../core/reply.ts'
import type { ModelInfo, ModelMessage, ModelProvider, ModelRequest, Part } from '../model.ts'
import { type Chunk, parseArguments, parseJson } from './chunk.ts'
import { HttpFailure } from './failure.ts'
import { readFinish } from './finish-words.ts'
import { readBody, type Watch } from './http.ts'
import { type ConnectOllama, connectOllama, modelInfo, Show, Tags } from './ollama-client.ts'
import { choiceNotes, countInput, systemText, textOf, withNotes } from './request-text.ts'
import { ollamaSampling, sampled, taken } from './sampling.ts'
import { readNdjson, type ServerEvent } from './server-events.ts'
import { askForModels, createWire, type Dialect, type ProviderOptions, streamAnswer } from './stream-answer.ts'
import { createThoughtReader } from './thoughts.ts'

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
  const thoughts = createThoughtReader()

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
    read: (response, request, watch) =>
      readBody(response, watch, {
        events: readNdjson,
        ...thoughts.apart(request, { read: createOllamaReader() }),
        idleMs: wire.timers.idleMs,
      }),
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

  const takes = taken(ollamaSampling)
  return { name, takes, models, stream: (request, signal) => streamAnswer(wire, dialect, request, signal) }
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

export interface OllamaBody extends ChatRequest {
  stream: true
  messages: Message[]
  /** Too long a request is an error; Ollama's default is to drop its start. */
  truncate: false
  shift: false
}

/** A request in the words of Ollama's `/api/chat`. */
export function ollamaBody(request: ModelRequest, numCtx: number): OllamaBody {
  const rules = withNotes({ system: systemText(request) }, choiceNotes(request))
  const { model, maxOutputTokens, temperature, format } = request
  const tools = offered(request)
  return {
    model,
    stream: true,
    truncate: false,
    shift: false,
    messages: [
      ...(rules === '' ? [] : [{ role: 'system', content: rules }]),
      ...request.messages.flatMap((message) => ollamaMessages(message)),
    ],
    ...(tools.length === 0 ? {} : { tools: tools.map(ollamaTool) }),
    ...(format === undefined ? {} : { format: format.type === 'json' ? 'json' : format.schema }),
    options: {
      num_ctx: numCtx,
      num_predict: maxOutputTokens,
      ...omitUndefined({ temperature }),
      ...sampled(request, ollamaSampling),
    },
  }
}

/** It has no parameter for a choice, so a model is offered only what it may call. Messages may have calls of tools that are not named. */
function offered({ tools = [], toolChoice }: ModelRequest): NonNullable<ModelRequest['tools']> {
  if (toolChoice === 'none') return []
  return typeof toolChoice === 'object' ? tools.filter(({ name }) => name === toolChoice.name) : tools
}

function ollamaMessages({ role, parts }: ModelMessage): Message[] {
  const results = parts.flatMap((part): Message[] =>
    part.type === 'toolResult' ? [{ role: 'tool', content: part.text, tool_name: part.name }] : [],
  )
  const said = parts.filter((part) => part.type !== 'toolResult')
  if (said.length === 0) return results
  const images = said.flatMap(imageBytes)
  const calls = said.flatMap(toolCall)
  return [
    ...results,
    {
      role,
      content: textOf(said),
      ...(images.length === 0 ? {} : { images }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ]
}

/** Bytes only: a text here could name a file of this machine, which the SDK would send. */
function imageBytes(part: Part): Uint8Array[] {
  return part.type === 'image' ? [part.data] : []
}

function toolCall(part: Part): ToolCall[] {
  if (part.type !== 'toolCall') return []
  return [{ function: { name: part.name, arguments: parseArguments(part.arguments) ?? {} } }]
}

function ollamaTool({ name, description, schema }: NonNullable<ModelRequest['tools']>[number]): Tool {
  // The SDK describes only a part of JSON Schema, which Ollama takes whole.
  const parameters: NonNullable<Tool['function']['parameters']> = Object.fromEntries(Object.entries(schema))
  return { type: 'function', function: { name, description, parameters } }
}

const Text = z.string().nullish().catch(undefined)
const Count = z.number().int().nonnegative().nullish().catch(undefined)
const Call = z.object({
  id: Text,
  function: z.object({ name: Text, arguments: z.unknown() }),
})
const Line = z.object({
  message: z
    .object({ content: Text, thinking: Text, tool_calls: z.array(Call).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
  done: z.boolean().nullish().catch(undefined),
  done_reason: Text,
  prompt_eval_count: Count,
  eval_count: Count,
  error: z.unknown().optional(),
})

/** A request without messages only loads a model, or puts it away. */
const ollamaWords: Record<string, string> = { load: 'stop', unload: 'stop' }

/** One line of the stream → what it adds. Only a line that is `done` ends an answer. */
function createOllamaReader(): (event: ServerEvent) => Chunk[] {
  let calls = 0
  return ({ data }) => {
    if (data.trim() === '') return []
    const parsed = parseJson(data)
    const line = Line.safeParse(parsed).data
    if (line === undefined) return [{ error: { message: 'a line of the stream is not JSON' } }]
    if (line.error !== undefined && line.error !== null) return [{ error: parsed }]
    const { message } = line
    const usage = normalizeUsage(line)
    const ending = line.done
      ? (readFinish(ollamaWords[line.done_reason ?? ''] ?? line.done_reason) ?? 'stop')
      : undefined
    const called = (message?.tool_calls ?? []).map(({ id, function: named }): Chunk => {
      const key = calls++
      const whole = typeof named.arguments === 'string' ? named.arguments : JSON.stringify(named.arguments ?? {})
      return { call: { key, whole: true, name: named.name ?? '', arguments: whole, id: id ? id : undefined } }
    })
    return [
      ...called,
      {
        text: message?.content ?? '',
        reasoning: message?.thinking ?? '',
        usage: usage ? usage : undefined,
        done: line.done ? true : undefined,
        finish: typeof ending === 'string' ? ending : undefined,
        error: typeof ending === 'object' ? ending : undefined,
      },
    ]
  }
}

/** What stood in the model's cache counts as input like the rest; a count of nothing at all is one that was not told. */
function normalizeUsage({ prompt_eval_count: input, eval_count: output }: z.infer<typeof Line>): Usage | undefined {
  if (input === undefined || input === null || output === undefined || output === null) return undefined
  if (input === 0 && output === 0) return undefined
  return { input, cacheRead: 0, cacheWrite: 0, output, reasoning: 0, source: 'provider' }
}

const LEAST = 8_192
/** As long as Ollama keeps an idle model loaded. */
const KEPT_MS = 300_000
/** Tokenizers differ, and templates add words of their own. */
const SPARE = 1.15
const TEMPLATE = 256

/**
 * How large a window a local model is loaded with. Another window reloads the model, which takes seconds; a large one takes
 * memory. So windows come in few sizes, and one that was needed lately is kept.
 */
export interface Windows {
  /** `tokens` are the estimate of input and output, `most` is what the model can or may. */
  choose(model: string, tokens: number, most: number): number
}

export function createWindows(now: () => number = monotonic): Windows {
  const lately = new Map<string, { size: number; at: number }>()
  return {
    choose(model, tokens, most) {
      let size = LEAST
      while (size < tokens * SPARE + TEMPLATE) size *= 2
      const before = lately.get(model)
      const kept = before !== undefined && now() - before.at < KEPT_MS ? before.size : 0
      const chosen = Math.min(most, Math.max(size, kept))
      // A large window is kept by those who need it, not by every short question that comes along.
      if (chosen > kept || size >= chosen) lately.set(model, { size: chosen, at: now() })
      return chosen
    },
  }
}
