/** Errors in the format of the dialect: OpenAI's is a status and `{error: {message, type, param, code}}`. */
import { type ErrorCode, errorCodes, ParleyError } from '../../src/core/errors.ts'
import type { HttpContext } from '../../src/core/http.ts'

export interface FailureBody {
  error: { message: string; type: string; param: string | null; code: string | null }
}

/** A failure with its status and body as OpenAI would send them. */
export class ApiFailure extends ParleyError {
  readonly status: number
  readonly body: FailureBody

  constructor(
    status: number,
    message: string,
    detail: { type?: string; param?: string; code?: string; retryAfterMs?: number } = {},
  ) {
    const { type = 'invalid_request_error', param = null, code = null, retryAfterMs } = detail
    super('request_invalid', message, { retryAfterMs })
    this.status = status
    this.body = { error: { message, type, param, code } }
  }
}

interface Kind {
  status: number
  type: string
  /** OpenAI's own code, where it has one. */
  code?: string
}

const kinds: Partial<Record<ErrorCode, Kind>> = {
  budget_exhausted: { status: 429, type: 'insufficient_quota' },
  rate_limited: { status: 429, type: 'rate_limit_error' },
  credentials_missing: { status: 401, type: 'authentication_error', code: 'invalid_api_key' },
  request_forbidden: { status: 403, type: 'permission_error' },
  address_unknown: { status: 404, type: 'invalid_request_error', code: 'unknown_url' },
  method_unknown: { status: 405, type: 'invalid_request_error', code: 'method_not_allowed' },
  request_incomplete: { status: 408, type: 'invalid_request_error' },
  file_too_large: { status: 413, type: 'invalid_request_error' },
  request_too_large: { status: 413, type: 'invalid_request_error' },
  model_unknown: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  model_not_allowed: { status: 403, type: 'permission_error' },
  model_price_unknown: { status: 403, type: 'permission_error' },
  model_context_overflow: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' },
  model_filtered: { status: 400, type: 'invalid_request_error', code: 'content_filter' },
  model_rejected_request: { status: 400, type: 'invalid_request_error' },
  model_empty: { status: 502, type: 'server_error' },
  model_format_broken: { status: 502, type: 'server_error' },
  model_out_of_memory: { status: 503, type: 'server_error' },
  model_busy: { status: 503, type: 'server_error' },
  model_unreachable: { status: 503, type: 'server_error' },
  model_stalled: { status: 504, type: 'server_error' },
  embeddings_unusable: { status: 502, type: 'server_error' },
  transcriber_missing: { status: 400, type: 'invalid_request_error' },
  transcriber_rejected: { status: 400, type: 'invalid_request_error' },
  transcriber_busy: { status: 503, type: 'server_error' },
  transcriber_unreachable: { status: 503, type: 'server_error' },
  database_unreachable: { status: 503, type: 'server_error' },
  queue_unreachable: { status: 503, type: 'server_error' },
  disk_full: { status: 507, type: 'server_error' },
  disk_failed: { status: 503, type: 'server_error' },
}

export function writeFailure(context: HttpContext, error: ParleyError): Response {
  const failure = error instanceof ApiFailure ? error : failureFor(error.code, error.userMessage, error.retryAfterMs)
  return Response.json(bodyFor(context, failure), { status: failure.status, headers: retryAfter(failure) })
}

/** The failure in the words of the dialect that the address speaks. */
export function bodyFor({ req, env: { outgoing } }: HttpContext, failure: ApiFailure): object {
  if (!speaksAnthropic(req.path)) return failure.body
  const requestId = outgoing.getHeader('x-request-id')
  return anthropicFailure(failure, typeof requestId === 'string' ? requestId : null)
}

export const speaksAnthropic = (path: string) => /^\/v1\/messages(?:\/|$)/.test(path)

const anthropicTypes: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
}

/** A failure in Anthropic's format. `param` and Parley's code are beside its own fields. */
export function anthropicFailure({ status, body: { error } }: ApiFailure, requestId: string | null = null) {
  const type = anthropicTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  return {
    type: 'error' as const,
    error: { type, message: error.message, param: error.param, code: error.code },
    request_id: requestId,
  }
}

/** When another try is worth it, for a failure that passes by itself and names no time. */
const againMs = 5_000

/** How long clients wait before they try again by themselves. Waiting does not help with a used-up budget. */
export function retryAfter({ status, body, retryAfterMs }: ApiFailure): Record<string, string> {
  const passes = status === 503 || (status === 429 && body.error.type !== 'insufficient_quota')
  const ms = retryAfterMs ?? (passes ? againMs : undefined)
  return ms === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(ms / 1000))) }
}

/** A turn that ended without an answer: its receipt's error code, and the sentence shown instead. */
export function failureFor(code: string, userMessage: string, retryAfterMs?: number): ApiFailure {
  const known = isErrorCode(code) ? kinds[code] : undefined
  const causedByRequest = /^(?:file_|request_|message_|command_|upload_)/.test(code)
  const kind =
    known ?? (causedByRequest ? { status: 400, type: 'invalid_request_error' } : { status: 500, type: 'server_error' })
  return new ApiFailure(kind.status, userMessage, {
    type: kind.type,
    code: kind.code ?? code,
    retryAfterMs,
  })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}
