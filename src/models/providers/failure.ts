/**
 * Translates the errors of model servers into Parley's, and learns from them which parameters a server rejects. No text of a
 * server reaches `userMessage`.
 */
import { type ErrorCode, ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import { readRetryAfter } from '../../core/retry-after.ts'
import { modelErrorWording } from '../../wording/models.ts'
import { causeOf } from '../delivery.ts'
import type { ModelRequest } from '../model.ts'
import type { Ended } from './http.ts'
import {
  memoryShort,
  saysFiltered,
  saysTooLargeForRate,
  saysTooLong,
  type ToldLimit,
  toldOutputLimit,
} from './refusal-words.ts'

export interface ErrorContext {
  provider: string
  /** What its address has to speak, e.g. `the OpenAI API`. */
  api: string
  model?: string
  apiKey: string | undefined
  ended: Ended | undefined
}

interface Failure {
  status: number | undefined
  message: string
  code: string
  type: string
  headers: Headers | undefined
}

/** Anthropic reports an empty account as a bad request. */
const creditWords = /credit balance is too low/i

export function translateError(thrown: unknown, context: ErrorContext): ParleyError {
  if (thrown instanceof ParleyError) return thrown
  if (context.ended !== undefined && context.ended !== 'aborted') return stalledError(context.ended, context)
  const failure = readFailure(thrown)
  const cause = Object.assign(
    new Error(scrub(`${failure.status ?? 'no answer'}: ${failure.message}`, context.apiKey)),
    {
      ...causeOf({ cause: thrown }),
      ...omitUndefined({ status: failure.status }),
    },
  )
  const retryAfterMs = waitOf(failure.headers)
  const code = failure.status === undefined ? connectionCode(thrown) : codeOf(failure)
  return new ParleyError(code, messageText(code, failure, context), {
    cause,
    retryAfterMs,
  })
}

/** The server's own account of a failure inside a stream that began well. */
export class StreamError extends Error {
  readonly failure: Failure

  constructor(body: unknown) {
    const failure = fromBody(body, undefined, undefined)
    super(failure.message)
    this.failure = { ...failure, status: failure.status ?? statusOf(failure) }
  }
}

/** An HTTP error with status and headers, for SDKs whose errors lack them. */
export class HttpFailure extends Error {
  readonly status: number
  readonly headers: Headers
  readonly error: unknown

  constructor(status: number, headers: Headers, error: unknown) {
    super(`status ${status}`)
    this.status = status
    this.headers = headers
    this.error = error
  }
}

/** The parameter that a server rejects; the caller may leave it out. */
function rejectedParameter<Parameter extends string>(
  thrown: unknown,
  parameters: readonly Parameter[],
): Parameter | undefined {
  if (!isHttpFailure(thrown) || (thrown.status !== 400 && thrown.status !== 422)) return undefined
  const param = 'param' in thrown && typeof thrown.param === 'string' ? thrown.param : ''
  const said = `${param} ${thrown.message} ${JSON.stringify(thrown.error ?? '')}`
  if (saysTooLong(said) || !refusingWords.test(said)) return undefined
  // "… is not supported, use max_completion_tokens instead" blames only what stands before the advice.
  const blamed = said.split(/\buse\b|\binstead\b/i)[0] ?? said
  const at = (parameter: Parameter) => blamed.search(new RegExp(`(?<![\\w])${parameter}(?![\\w])`))
  return parameters.filter((parameter) => at(parameter) >= 0).toSorted((a, b) => at(a) - at(b))[0]
}

const refusingWords =
  /unsupported|unknown|unrecogni[sz]ed|not support|not permitted|extra|unexpected|not allowed|deprecated|verified|invalid field/i

/** Milliseconds, from `retry-after-ms` or `retry-after`. */
function waitOf(headers: Headers | undefined): number | undefined {
  const precise = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  if (Number.isFinite(precise) && precise >= 0) return precise
  return readRetryAfter(headers?.get('retry-after'))
}

function stalledError(ended: Exclude<Ended, 'aborted'>, { provider }: ErrorContext): ParleyError {
  const { lateStart, stalled, tooSlow } = modelErrorWording
  const message = { connect: lateStart, idle: stalled, total: tooSlow }[ended]
  return new ParleyError('model_stalled', message(provider))
}

function readFailure(thrown: unknown): Failure {
  if (thrown instanceof StreamError) return thrown.failure
  if (isHttpFailure(thrown)) {
    const failure = fromBody(thrown.error, thrown.status, thrown.headers)
    return failure.message === '' ? { ...failure, message: thrown.message } : failure
  }
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return { status: undefined, message: `${error.message}${cause}`, code: '', type: '', headers: undefined }
}

interface HttpError extends Error {
  status: number
  headers?: Headers
  error?: unknown
}

/** The errors of the SDKs that carry a status, and HttpFailure. */
function isHttpFailure(thrown: unknown): thrown is HttpError {
  return thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number'
}

/** Only message, code and type are taken: validation errors of some servers repeat the whole request. */
function fromBody(body: unknown, status: number | undefined, headers: Headers | undefined): Failure {
  const outer = typeof body === 'object' && body !== null ? body : { message: typeof body === 'string' ? body : '' }
  const told = 'error' in outer ? outer.error : undefined
  const inner = typeof told === 'string' ? { message: told } : typeof told === 'object' && told !== null ? told : outer
  const text = (key: string): string => {
    const value = Reflect.get(inner, key)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const numeric = Number(text('code'))
  return {
    status: status ?? (numeric >= 400 && numeric < 600 ? numeric : undefined),
    message: messageIn(inner).slice(0, 300),
    code: text('code'),
    type: text('type'),
    headers,
  }
}

/** The words for `message` of FastAPI, DashScope, Baidu and others. */
function messageIn(body: object): string {
  for (const key of ['message', 'msg', 'error_msg', 'detail', 'errors']) {
    const value: unknown = Reflect.get(body, key)
    if (typeof value === 'string' && value !== '') return value
    const first: unknown = Array.isArray(value) ? value[0] : value
    if (typeof first === 'string') return first
    if (typeof first === 'object' && first !== null) return messageIn(first)
  }
  return ''
}

function statusOf({ code, type, message }: Failure): number {
  const said = `${code} ${type} ${message}`
  if (/rate.?limit|throttl|overload|capacity|too many requests/i.test(said)) return 429
  if (/invalid|bad.?request/i.test(`${code} ${type}`)) return 400
  return 500
}

function codeOf(failure: Failure): ErrorCode {
  const { status = 500, message, code, type } = failure
  if (saysFiltered(failure)) return 'model_filtered'
  if (memoryShort(failure) !== undefined) return 'model_out_of_memory'
  if (saysTooLargeForRate(failure) || status === 413) return 'model_context_overflow'
  if (code === 'insufficient_quota' || status === 402 || creditWords.test(message)) return 'model_refused_key'
  if (status === 401 || status === 403) return 'model_refused_key'
  if (status === 429 || status === 503 || status === 529) return 'model_busy'
  if (code === 'context_length_exceeded' || saysTooLong(`${code} ${type} ${message}`)) return 'model_context_overflow'
  if (status >= 500 || status === 408 || status === 409) return 'model_unreachable'
  return status >= 400 ? 'model_rejected_request' : 'model_unknown'
}

/** Without a status it never got through, unless it is nothing the network does. */
function connectionCode(thrown: unknown): ErrorCode {
  // The SDKs' connection errors have a status, which is undefined.
  const network = thrown instanceof TypeError || (thrown instanceof Error && ('code' in thrown || 'status' in thrown))
  return network ? 'model_unreachable' : 'model_unknown'
}

function messageText(code: ErrorCode, failure: Failure, { provider, model, api }: ErrorContext): string {
  const { status, code: detail } = failure
  if (detail === 'insufficient_quota' || status === 402 || creditWords.test(failure.message)) {
    return modelErrorWording.noCredit(provider)
  }
  switch (code) {
    case 'model_unreachable':
      return status === undefined
        ? modelErrorWording.unreachable(provider)
        : modelErrorWording.serverError(provider, status)
    case 'model_busy':
      return modelErrorWording.busy(provider)
    case 'model_refused_key':
      return modelErrorWording.keyRejected(provider)
    case 'model_context_overflow':
      return modelErrorWording.tooLong(model)
    case 'model_filtered':
      return modelErrorWording.filtered(provider)
    case 'model_out_of_memory':
      return modelErrorWording.outOfMemory(provider, model, memoryShort(failure))
    case 'model_rejected_request':
      return status === 404
        ? modelErrorWording.notOffered(provider, model)
        : modelErrorWording.rejected(provider, status)
    default:
      return modelErrorWording.notUnderstood(provider, api)
  }
}

function scrub(message: string, apiKey: string | undefined): string {
  const known = apiKey === undefined || apiKey === '' ? message : message.replaceAll(apiKey, '…')
  return known.replace(/\b(?:sk|pk|key|gsk|hf|nvapi)[-_][\w*.-]{6,}/gi, '…').replace(/Bearer\s+\S+/gi, 'Bearer …')
}

/** How long an answer may be, where a server refuses a longer one and says so. */
function allowedOutput(thrown: unknown, asked: number): ToldLimit | undefined {
  if (!isHttpFailure(thrown) || (thrown.status !== 400 && thrown.status !== 422)) return undefined
  return toldOutputLimit(`${thrown.message} ${JSON.stringify(thrown.error ?? '')}`, asked)
}

/**
 * Servers of one API support different parameters and lengths of answers. A parameter that a server rejects is left out, a
 * limit that it tells is kept, and the request is sent again.
 */
export interface ParameterFilter<Parameter extends string> {
  /** `send` gets the request as this server takes it, and which parameters it has rejected for this model. */
  send(
    request: ModelRequest,
    send: (request: ModelRequest, without: ReadonlySet<Parameter>) => Promise<Response>,
  ): Promise<Response>
}

export function createParameterFilter<Parameter extends string>(
  provider: string,
  parameters: readonly Parameter[],
  log: Log,
): ParameterFilter<Parameter> {
  const refused = new Map<string, Set<Parameter>>()
  const limits = new Map<string, number>()
  return {
    async send(request, send) {
      const { model } = request
      const known = refused.get(model) ?? new Set<Parameter>()
      refused.set(model, known)
      let maxOutputTokens = Math.min(request.maxOutputTokens, limits.get(model) ?? request.maxOutputTokens)
      for (;;) {
        // Other requests may learn something while this one is on its way.
        const without = new Set(known)
        try {
          return await send({ ...request, maxOutputTokens }, without)
        } catch (thrown) {
          const limit = allowedOutput(thrown, maxOutputTokens)
          if (limit !== undefined) {
            // Always less than before, so this ends.
            maxOutputTokens = limit.maxOutputTokens
            if (limit.always) limits.set(model, maxOutputTokens)
            log.info({ provider, model, maxOutputTokens }, 'model server told its limit; sent again within it')
            continue
          }
          const parameter = rejectedParameter(thrown, parameters)
          if (parameter === undefined || without.has(parameter)) throw thrown
          known.add(parameter)
          log.info({ provider, model, without: [...known] }, 'model server rejected a parameter; sent again without it')
        }
      }
    },
  }
}
