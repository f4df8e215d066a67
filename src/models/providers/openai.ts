/**
 * Chat Completions, the dialect that OpenAI, vLLM, SGLang, LiteLLM, llama.cpp, Ollama and OPEA share. The SDK builds and
 * sends the request; reading the stream, retries and timers are Parley's own, because the SDK ends a cut stream as if it
 * were whole and has no timer for a silent one.
 */
import { OpenAI } from 'openai'
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ModelEvent, ModelInfo, ModelProvider, ModelRequest } from '../model.ts'
import { createAnswer } from './openai-answer.ts'
import { refusedWord, StreamError, translateError } from './openai-error.ts'
import { chatBody, type Dialect } from './openai-request.ts'
import { readAnswer } from './openai-stream.ts'
import { createWatch, type Timers, type Watch } from './watch.ts'

export interface OpenAiOptions {
  name: string
  /** With its version, e.g. `http://localhost:8000/v1`. Default: OpenAI's own. */
  baseUrl?: string
  apiKey?: string
  fetch?: typeof globalThis.fetch
  timers?: Partial<Timers>
  /** Pauses between tries; each is up to twice the one before, and shortened at random by up to half. */
  backoffMs?: number
  log: Log
}

const defaultTimers: Timers = { connectMs: 180_000, idleMs: 60_000, totalMs: 900_000 }
const MAX_TRIES = 3
/** A server that asks for a longer pause than this gets none: the turn is told instead. */
const MAX_PAUSE_MS = 15_000

const ModelList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      max_model_len: z.number().int().positive().nullish().catch(undefined),
      context_length: z.number().int().positive().nullish().catch(undefined),
      context_window: z.number().int().positive().nullish().catch(undefined),
    }),
  ),
})

export function createOpenAiProvider(options: OpenAiOptions): ModelProvider {
  const { name, log, backoffMs = 500 } = options
  const timers = { ...defaultTimers, ...options.timers }
  const baseURL = options.baseUrl ?? 'https://api.openai.com/v1'
  const apiKey = options.apiKey === '' ? undefined : options.apiKey
  const dialects = new Map<string, Dialect>()
  const client = new OpenAI({
    baseURL,
    apiKey: apiKey ?? 'none',
    // Everything the SDK would read from the environment by itself is said here, so that it reads nothing.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: timers.totalMs,
    ...(apiKey === undefined ? { defaultHeaders: { authorization: null } } : {}),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  })

  const translate = (thrown: unknown, watch: Watch, model?: string): ParleyError =>
    translateError(thrown, { provider: name, apiKey, ended: watch.ended(), ...(model === undefined ? {} : { model }) })

  function dialectOf(model: string): Dialect {
    const known = dialects.get(model)
    if (known) return known
    const official = /(?:^|\.)openai\.(?:com|azure\.com)$/.test(new URL(baseURL).hostname)
    const dialect: Dialect = {
      tokenLimit: official ? 'max_completion_tokens' : 'max_tokens',
      limitLearnt: false,
      streamOptions: true,
    }
    dialects.set(model, dialect)
    return dialect
  }

  /** Sends the request, and again in other words where the server does not know ours. */
  async function open(request: ModelRequest, watch: Watch): Promise<Response> {
    const dialect = dialectOf(request.model)
    for (;;) {
      // Other requests may teach the dialect something while this one is on its way.
      const used = { ...dialect }
      try {
        const sent = client.chat.completions.create(chatBody(request, used), { signal: watch.signal }).asResponse()
        return await watch.during(sent, 'connect', timers.connectMs)
      } catch (thrown) {
        if (!adapt(dialect, used, refusedWord(thrown))) throw thrown
        log.info({ provider: name, model: request.model, ...dialect }, 'model server speaks another dialect')
      }
    }
  }

  async function* stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    using watch = createWatch(signal, timers.totalMs)
    const answer = createAnswer(request)
    let started = false
    for (let attempt = 1; ; attempt++) {
      try {
        if (signal.aborted) throw signal.reason
        answer.sent = true
        const response = await open(request, watch)
        if (!started) yield { type: 'start', model: request.model }
        started = true
        for await (const chunk of readAnswer(response, watch, timers.idleMs)) yield* answer.take(chunk)
        const reason = answer.reason()
        if (reason === 'truncated' && !answer.visible && attempt < MAX_TRIES)
          throw new TypeError('the answer was empty')
        yield* answer.end(reason)
        return
      } catch (thrown) {
        if (watch.ended() === 'aborted' || signal.aborted) {
          if (!started) yield { type: 'start', model: request.model }
          yield* answer.end('aborted')
          return
        }
        const error = translate(thrown, watch, request.model)
        if (answer.visible) {
          // What broke the line after visible text is a cut; what the server or a timer says is told as such.
          if (error.code === 'model_unreachable' && !(thrown instanceof StreamError)) {
            log.warn({ provider: name, model: request.model }, 'model stream was cut')
            yield* answer.end('truncated')
            return
          }
          yield { type: 'usage', usage: await answer.usage() }
        }
        const pause = pauseBefore(attempt, error, backoffMs)
        if (answer.visible || pause === undefined) throw error
        log.info(
          { provider: name, model: request.model, attempt, code: error.code, pause },
          'model request tried again',
        )
        await watch.during(sleep(pause, watch.signal), 'idle', pause + 1_000).catch(() => {})
      }
    }
  }

  async function models(signal: AbortSignal): Promise<ModelInfo[]> {
    using watch = createWatch(signal, timers.connectMs)
    try {
      const response = await watch.during(
        client.models.list({ signal: watch.signal }).asResponse(),
        'connect',
        timers.connectMs,
      )
      const list = ModelList.parse(await watch.during(response.json(), 'idle', timers.idleMs))
      return list.data.map(({ id, max_model_len, context_length, context_window }) => {
        const contextWindow = max_model_len ?? context_length ?? context_window
        return { id, ...(contextWindow === null || contextWindow === undefined ? {} : { contextWindow }) }
      })
    } catch (thrown) {
      const error = translate(thrown, watch)
      if (error.code === 'model_refused_key' || error.code === 'model_unreachable') throw error
      throw new ParleyError(
        'model_unreachable',
        `${name} gave no list of its models. Check that its address is right.`,
        {
          cause: error.cause ?? error,
        },
      )
    }
  }

  return { name, stream, models }
}

/** Whether another try in other words than `used` makes sense; then `dialect` says them. */
function adapt(dialect: Dialect, used: Dialect, refused: ReturnType<typeof refusedWord>): boolean {
  if (refused === 'stream_options' && used.streamOptions) {
    dialect.streamOptions = false
    return true
  }
  // Changed once, the word stays: a second change would be a circle.
  if (refused !== used.tokenLimit || used.limitLearnt) return false
  dialect.tokenLimit = refused === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
  dialect.limitLearnt = true
  return true
}

/** Milliseconds to wait before the next try, `undefined` where none makes sense. */
function pauseBefore(attempt: number, error: ParleyError, backoffMs: number): number | undefined {
  if (attempt >= MAX_TRIES || (error.code !== 'model_busy' && error.code !== 'model_unreachable')) return undefined
  if (error.retryAfterMs !== undefined) return error.retryAfterMs > MAX_PAUSE_MS ? undefined : error.retryAfterMs
  return backoffMs * 2 ** (attempt - 1) * (1 - Math.random() / 2)
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
