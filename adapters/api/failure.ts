/** What goes wrong, as OpenAI's clients know it: a status and `{error: {message, type, param, code}}`. */
import { type ErrorCode, errorCodes, type ParleyError } from '../../src/core/errors.ts'

export interface FailureBody {
  error: { message: string; type: string; param: string | null; code: string | null }
}

export class ApiFailure extends Error {
  readonly status: number
  readonly body: FailureBody
  readonly retryAfterMs: number | undefined

  constructor(
    status: number,
    message: string,
    detail: { type?: string; param?: string; code?: string; retryAfterMs?: number } = {},
  ) {
    super(message)
    const { type = 'invalid_request_error', param = null, code = null } = detail
    this.status = status
    this.body = { error: { message, type, param, code } }
    this.retryAfterMs = detail.retryAfterMs
  }
}

interface Kind {
  status: number
  type: string
  /** OpenAI's own word, where it has one. */
  code?: string
}

const kinds: Partial<Record<ErrorCode, Kind>> = {
  budget_exhausted: { status: 429, type: 'insufficient_quota' },
  rate_limited: { status: 429, type: 'rate_limit_error' },
  model_unknown: { status: 404, type: 'invalid_request_error', code: 'model_not_found' },
  model_not_allowed: { status: 403, type: 'permission_error' },
  model_price_unknown: { status: 403, type: 'permission_error' },
  model_context_overflow: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' },
  model_busy: { status: 503, type: 'server_error' },
  model_unreachable: { status: 503, type: 'server_error' },
  model_stalled: { status: 504, type: 'server_error' },
  database_unreachable: { status: 503, type: 'server_error' },
  queue_unreachable: { status: 503, type: 'server_error' },
  disk_full: { status: 507, type: 'server_error' },
  disk_failed: { status: 503, type: 'server_error' },
}

export function failureOf(error: ParleyError): ApiFailure {
  return failureFor(error.code, error.tell, error.retryAfterMs)
}

/** A turn that ended without an answer: its receipt's code and the sentence that stands in its place. */
export function failureFor(code: string, tell: string, retryAfterMs?: number): ApiFailure {
  const known = isErrorCode(code) ? kinds[code] : undefined
  const mine = /^(?:file_|request_|message_|command_|upload_)/.test(code)
  const kind = known ?? (mine ? { status: 400, type: 'invalid_request_error' } : { status: 500, type: 'server_error' })
  return new ApiFailure(kind.status, tell, {
    type: kind.type,
    code: kind.code ?? code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}
