/**
 * The way of a request to any model server and back, tries and timers included. The SDKs build and send requests; reading
 * the stream, retries and timers are Parley's own, because the SDKs end a cut stream as if it were whole and have no timer
 * for a silent one.
 */
import { type ErrorCode, ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { Usage } from '../../core/reply.ts'
import { retry } from '../../core/retry.ts'
import { modelErrorWording } from '../../wording/models.ts'
import { deliveryOf } from '../delivery.ts'
import type { FinishReason, ModelEvent, ModelRequest } from '../model.ts'
import { type CallPiece, type Chunk, parseArguments } from './chunk.ts'
import { StreamError, translateError } from './failure.ts'
import { createWatch, type Timers, type Watch } from './http.ts'
import { countInput, countTokens } from './request-text.ts'

/** What every provider is made from. */
export interface ProviderOptions {
  name: string
  /** Default: the provider's own. */
  baseUrl?: string
  apiKey?: string
  /** Sent with each request, before what the provider sets itself. */
  headers?: Record<string, string>
  fetch?: typeof globalThis.fetch
  timers?: Partial<Timers>
  /** Pauses between tries; each is up to twice the one before, and shortened at random by up to half. */
  backoffMs?: number
  log: Log
}

export interface Wire {
  name: string
  /** What its address has to speak, e.g. `the OpenAI API`. */
  api: string
  apiKey: string | undefined
  timers: Timers
  backoffMs: number
  log: Log
}

export interface Dialect {
  /** Sends the request; the watch's signal reaches the wire. Throws the SDK's errors. */
  open(request: ModelRequest, watch: Watch): Promise<Response>
  read(response: Response, request: ModelRequest, watch: Watch): AsyncIterable<Chunk>
}

const defaultTimers: Timers = { connectMs: 180_000, idleMs: 60_000, totalMs: 900_000 }
const MAX_TRIES = 3
/** If a server asks for a longer pause, the call fails at once. */
const MAX_PAUSE_MS = 15_000

export function createWire({ name, apiKey, timers, backoffMs = 500, log }: ProviderOptions, api: string): Wire {
  return { name, api, apiKey: apiKey || undefined, timers: { ...defaultTimers, ...timers }, backoffMs, log }
}

/**
 * Tries again by itself only what was refused or never arrived, which costs nothing. A try that the server may have worked on
 * is told as it ended: who asks again reserves again (src/answer/ask.ts).
 */
export async function* streamAnswer(
  wire: Wire,
  dialect: Dialect,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent> {
  const { name, log, timers } = wire
  using watch = createWatch(signal, timers.totalMs)
  const answer = createAnswer(request)
  let started = false
  const open = async () => {
    answer.sent = true
    return await watch.during(dialect.open(request, watch), 'connect', timers.connectMs)
  }
  const errorOf = (thrown: unknown) => translate(wire, thrown, watch, request.model)
  try {
    if (signal.aborted) throw signal.reason
    const response = await retry(open, {
      delays: { firstMs: wire.backoffMs, mostMs: MAX_PAUSE_MS },
      tries: MAX_TRIES,
      longestAskedMs: MAX_PAUSE_MS,
      signal: watch.signal,
      on: (thrown) => mayPass(errorOf(thrown)),
      asked: (thrown) => errorOf(thrown).retryAfterMs,
      onPause(thrown, { tries: attempt, ms: pause }) {
        answer.sent = false
        const { code } = errorOf(thrown)
        log.info({ provider: name, model: request.model, attempt, code, pause }, 'model request tried again')
      },
    })
    yield { type: 'start', model: request.model }
    started = true
    for await (const chunk of dialect.read(response, request, watch)) yield* answer.take(chunk)
    yield* answer.end(answer.reason())
  } catch (thrown) {
    if (watch.ended() === 'aborted' || signal.aborted) {
      if (!started) yield { type: 'start', model: request.model }
      yield* answer.end('aborted')
      return
    }
    const error = errorOf(thrown)
    // What broke the line after visible text is a cut; what the server or a timer reports is an error.
    if (answer.visible && error.code === 'model_unreachable' && !(thrown instanceof StreamError)) {
      log.warn({ provider: name, model: request.model }, 'model stream was cut')
      yield* answer.end('truncated')
      return
    }
    if (started) yield { type: 'usage', usage: await answer.usage(false) }
    throw error
  }
}

/** Asks a provider for something small. Throws translated errors. */
export async function askOnce<T>(
  wire: Wire,
  signal: AbortSignal,
  work: (watch: Watch) => Promise<T>,
  model?: string,
): Promise<T> {
  using watch = createWatch(signal, wire.timers.connectMs)
  try {
    return await watch.during(work(watch), 'connect', wire.timers.connectMs)
  } catch (thrown) {
    throw translate(wire, thrown, watch, model)
  }
}

/** Asks for the list of models: what goes wrong is `model_refused_key` or `model_unreachable`. */
export async function askForModels<T>(wire: Wire, signal: AbortSignal, work: (watch: Watch) => Promise<T>): Promise<T> {
  try {
    return await askOnce(wire, signal, work)
  } catch (error) {
    const told: ErrorCode[] = ['model_refused_key', 'model_unreachable']
    if (error instanceof ParleyError && told.includes(error.code)) throw error
    const cause = error instanceof Error ? (error.cause ?? error) : error
    throw new ParleyError('model_unreachable', modelErrorWording.noList(wire.name), { cause })
  }
}

export function translate(wire: Wire, thrown: unknown, watch: Watch, model?: string): ParleyError {
  const { name: provider, api, apiKey } = wire
  return translateError(thrown, {
    provider,
    api,
    apiKey,
    ended: watch.ended(),
    model,
  })
}

/** Only what never reached the model costs nothing when it is tried again. */
function mayPass(error: ParleyError): boolean {
  return (error.code === 'model_busy' || error.code === 'model_unreachable') && deliveryOf(error) !== 'taken'
}

interface Call {
  id: string
  name: string
  arguments: string
}

/** What one stream has said so far: its events, how it ended, and what it used. */
function createAnswer(request: ModelRequest) {
  let text = ''
  let reasoning = ''
  let usage: Usage | undefined
  /** The usage came with the provider's end, or after it. */
  let usageAtEnd = false
  let input: Chunk['input']
  let finish: FinishReason | undefined
  let refused = false
  let done = false
  const calls = new Map<CallPiece['key'], Call>()

  function takeCall({ key, id, name, whole, arguments: piece = '' }: CallPiece): void {
    const call = calls.get(key) ?? { id: `call_${calls.size}`, name: '', arguments: '' }
    calls.set(key, {
      id: id ?? call.id,
      name: name ?? call.name,
      arguments: whole ? piece : call.arguments + piece,
    })
  }

  const answer = {
    /** Whether anything was sent that may cost. */
    sent: false,
    get visible() {
      return text !== '' || reasoning !== ''
    },
    *take(chunk: Chunk): Generator<ModelEvent> {
      usage = chunk.usage ?? usage
      const counted = chunk.input ?? chunk.usage
      if (counted !== undefined && input === undefined) {
        input = { input: counted.input, cacheRead: counted.cacheRead, cacheWrite: counted.cacheWrite }
        yield { type: 'input', counted: input }
      }
      if (chunk.error !== undefined) throw new StreamError(chunk.error)
      if (chunk.reasoning) {
        reasoning += chunk.reasoning
        yield { type: 'reasoning', delta: chunk.reasoning }
      }
      const said = (chunk.text ?? '') + (chunk.refusal ?? '')
      // Some servers tell an end with every piece: only the last one is one.
      if (said !== '' || chunk.call) finish = undefined
      if (chunk.refusal) refused = true
      if (said !== '') {
        text += said
        yield { type: 'text', delta: said }
      }
      if (chunk.thoughtSoFar) {
        reasoning += text
        text = ''
        yield { type: 'thoughtSoFar' }
      }
      if (chunk.logprobs) yield { type: 'logprobs', tokens: chunk.logprobs }
      if (chunk.call) takeCall(chunk.call)
      finish = chunk.finish ?? finish
      done ||= chunk.done === true
      if (chunk.usage !== undefined) usageAtEnd = finish !== undefined || done || chunk.usageIsWhole === true
    },
    reason(): FinishReason {
      if (finish === undefined && !done) return 'truncated'
      if (refused && finish !== 'filter') return 'refusal'
      const ended = finish ?? 'stop'
      if (ended !== 'stop' && ended !== 'tool') return ended
      // Some servers call the end of a message with calls an end like any other.
      if (calls.size === 0) return 'stop'
      return [...calls.values()].every(isWhole) ? 'tool' : 'truncated'
    },
    /** `whole`: the answer ended by itself. What was counted of another one counts only the part before. */
    async usage(whole: boolean): Promise<Usage> {
      const silent = text === '' && reasoning === '' && calls.size === 0
      const counts = usage !== undefined && usage.input > 0 && (usage.output > 0 || silent)
      if (usage && counts && (whole || usageAtEnd)) return usage
      const reasoned = await countTokens(reasoning)
      const called = [...calls.values()].map((call) => `${call.name} ${call.arguments}`).join('\n')
      const output = reasoned + (await countTokens(text)) + (await countTokens(called))
      return {
        ...(input?.input ? input : { input: await countInput(request), cacheRead: 0, cacheWrite: 0 }),
        output: Math.max(output, usage?.output ?? 0),
        reasoning: reasoned,
        source: 'estimated',
      }
    },
    async *end(reason: FinishReason): AsyncGenerator<ModelEvent> {
      if (reason === 'tool') {
        for (const call of calls.values())
          yield { type: 'toolCall', ...call, arguments: plainArguments(call.arguments) }
      }
      const whole = reason !== 'aborted' && reason !== 'truncated'
      if (answer.sent) yield { type: 'usage', usage: await answer.usage(whole) }
      yield { type: 'finish', reason }
    },
  }
  return answer
}

/** As JSON that every program can parse: servers in Python also send NaN and Infinity. */
function plainArguments(given: string): string {
  const text = given.trim() || '{}'
  try {
    JSON.parse(text)
    return text
  } catch {
    return JSON.stringify(parseArguments(text) ?? {})
  }
}

/** Arguments that are cut off are no call: what they ask for is not known. */
function isWhole(call: Call): boolean {
  return call.name !== '' && parseArguments(call.arguments) !== undefined
}
