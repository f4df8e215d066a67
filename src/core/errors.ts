/**
 * Every failure a person may meet. `userMessage` is one sentence safe to show, with a next step; `cause` is for the log.
 * Each code has its line in docs/ERRORS.md, held by a test.
 */
import { noAnswerWording } from '../wording/answers.ts'

/** THE table: code → whether trying again helps. */
export const errorCodes = {
  // set-up
  config_invalid: 'never',
  home_in_use: 'never',
  port_in_use: 'never',
  database_unreachable: 'later',
  database_start_failed: 'never',
  queue_unreachable: 'later',
  secret_missing: 'never',
  // files
  file_missing: 'never',
  file_too_large: 'never',
  file_empty: 'never',
  file_encrypted: 'never',
  file_damaged: 'never',
  file_unsupported: 'never',
  file_too_slow: 'never',
  file_too_hungry: 'never',
  file_reader_crashed: 'now',
  file_crashed: 'never',
  file_fetch_failed: 'later',
  upload_incomplete: 'now',
  disk_full: 'later',
  disk_failed: 'later',
  // recordings
  ffmpeg_missing: 'never',
  transcriber_missing: 'never',
  transcriber_unreachable: 'later',
  transcriber_busy: 'later',
  transcriber_refused_key: 'never',
  transcriber_rejected: 'never',
  // models
  model_unreachable: 'later',
  model_busy: 'later',
  model_refused_key: 'never',
  model_rejected_request: 'never',
  model_context_overflow: 'never',
  model_filtered: 'never',
  model_out_of_memory: 'never',
  // Each try is paid.
  model_stalled: 'never',
  model_empty: 'never',
  model_format_broken: 'never',
  model_truncated: 'now',
  model_unknown: 'never',
  model_not_allowed: 'never',
  model_price_unknown: 'never',
  // embeddings
  embeddings_unusable: 'later',
  // web search
  search_unreachable: 'later',
  search_busy: 'later',
  search_refused_key: 'never',
  search_rejected: 'never',
  // servers of tools
  tool_server_failed: 'later',
  // money and limits
  budget_exhausted: 'never',
  rate_limited: 'later',
  // commands
  command_invalid: 'never',
  command_forbidden: 'never',
  approval_not_found: 'never',
  // turns
  turn_failed: 'now',
  turn_crashed: 'never',
  turn_not_found: 'never',
  turn_not_latest: 'never',
  message_too_long: 'never',
  message_empty: 'never',
  conversation_not_found: 'never',
  // platforms
  platform_rejected: 'never',
  platform_rate_limited: 'later',
  platform_unreachable: 'later',
  request_invalid: 'never',
  request_forbidden: 'never',
  request_too_large: 'never',
  request_incomplete: 'now',
  credentials_missing: 'never',
  sign_in_refused: 'never',
  code_invalid: 'never',
  already_set_up: 'never',
  person_not_found: 'never',
  // signing in at a provider
  mail_failed: 'later',
  sign_in_provider_unreachable: 'later',
  sign_in_provider_misconfigured: 'never',
  sign_in_expired: 'now',
  sign_in_forged: 'never',
  sign_in_canceled: 'now',
  sign_in_code_invalid: 'now',
  sign_in_issuer_wrong: 'never',
  sign_in_audience_wrong: 'never',
  sign_in_nonce_wrong: 'never',
  sign_in_token_expired: 'now',
  sign_in_token_unsigned: 'now',
  sign_in_answer_incomplete: 'never',
  sign_in_tenant_wrong: 'never',
  sign_in_not_invited: 'never',
  sign_in_not_allowed: 'never',
  sign_in_email_unverified: 'never',
  sign_in_groups_unknown: 'never',
  sign_in_invitation_invalid: 'never',
  sign_in_account_disabled: 'never',
  sign_in_account_taken: 'never',
  sign_in_session_changed: 'never',
  team_not_found: 'never',
  address_unknown: 'never',
  method_unknown: 'never',
  internal: 'now',
} as const satisfies Record<string, Retry>

/** Failures that Parley itself does not try again, though a person may: each try is paid, or the next may go better. */
const byHand = new Set(['model_stalled', 'model_empty', 'model_format_broken', 'model_out_of_memory', 'turn_crashed'])

/** Whether asking the same again may help the person who reads of a failure with this code. */
export function mayHelpAgain(code: string | undefined): boolean {
  const retry: Retry = Object.entries(errorCodes).find(([known]) => known === code)?.[1] ?? 'now'
  return retry !== 'never' || byHand.has(code ?? '')
}

export type Retry = 'now' | 'later' | 'never'
export type ErrorCode = keyof typeof errorCodes

export class ParleyError extends Error {
  readonly code: ErrorCode
  readonly retry: Retry
  readonly retryAfterMs: number | undefined
  /** One sentence for the person, with what to do next. */
  readonly userMessage: string

  constructor(code: ErrorCode, userMessage: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(`${code}: ${userMessage}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ParleyError'
    this.code = code
    this.retry = errorCodes[code]
    this.retryAfterMs = options.retryAfterMs
    this.userMessage = userMessage
  }
}

/** Any thrown value as a ParleyError; what is not one already becomes `internal` and keeps its cause for the log. */
export function asParleyError(thrown: unknown, userMessage = noAnswerWording.internal): ParleyError {
  return thrown instanceof ParleyError ? thrown : new ParleyError('internal', userMessage, { cause: thrown })
}

/** Their sentences name people's files or repeat what somebody typed: a log line has the code, and of a cause its kind. */
const ofPeople = /^(?:file|upload|ffmpeg|transcriber|command|message|request|conversation|turn)_/

/** What a log line may say of an error: its kind and message chain without words of people. */
export function errorFields(thrown: unknown): {
  err: { name: string; message: string; code?: string; cause?: string }
} {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  if (error instanceof ParleyError && ofPeople.test(error.code)) {
    const cause = error.cause instanceof Error ? { cause: kindOf(error.cause) } : {}
    return { err: { name: error.name, message: error.code, ...code, ...cause } }
  }
  const cause = error.cause instanceof Error ? { cause: error.cause.message } : {}
  return { err: { name: error.name, message: error.message, ...code, ...cause } }
}

function kindOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? `${error.name} ${error.code}` : error.name
}
