/** The border to Slack's SDK: its errors become Parley's in one place, and its logs lose what people wrote. */
import { type Logger, LogLevel, webApi } from '@slack/bolt'
import { ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'

const transient = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
])
const lostToken = new Set([
  'invalid_auth',
  'token_revoked',
  'token_expired',
  'account_inactive',
  'not_authed',
  'org_login_required',
])
/** Slack's codes that start with these mean that nobody, or not everybody, may write there. */
const noAccess: readonly (readonly [start: string, sentence: string])[] = [
  ['restricted_action_thread_locked', slackWording.errors.threadLocked],
  ['thread_locked', slackWording.errors.threadLocked],
  ['cannot_reply_to_message', slackWording.errors.threadLocked],
  ['restricted_action', slackWording.errors.readOnly],
  ['is_archived', slackWording.errors.archived],
  ['messages_tab_disabled', slackWording.errors.messagesOff],
  ['not_in_channel', slackWording.errors.noAccess],
  ['channel_not_found', slackWording.errors.noAccess],
  ['user_not_in_channel', slackWording.errors.noAccess],
]

/** Whether the app or the workspace lacks a method altogether; other refusals concern one message or one place. */
export function isUnsupported(code: string): boolean {
  return unsupported.has(code)
}

const unsupported = new Set([
  ...['unknown_method', 'http_404', 'method_deprecated', 'feature_not_enabled'],
  ...['missing_scope', 'not_allowed_token_type', 'team_access_not_granted', 'not_allowed'],
])

/**
 * Whether Slack refused what a message consists of, so that a plainer form of it may pass. Codes of
 * https://docs.slack.dev/reference/methods/chat.postMessage, chat.update and chat.stopStream.
 */
export function isAboutContent(code: string | undefined): boolean {
  return (
    code !== undefined &&
    /^(?:invalid_blocks|invalid_attachments|invalid_arguments|invalid_arg_name|invalid_chunks|invalid_metadata|metadata_|msg_|too_many_attachments|no_text|block_mismatch|only_one_table)/.test(
      code,
    )
  )
}

/** Slack's error code, such as `message_not_in_streaming_state`; undefined when trying again may help. */
export function slackCode(thrown: unknown): string | undefined {
  if (thrown instanceof ParleyError && thrown.code !== 'platform_rejected') return undefined
  const error = thrown instanceof ParleyError ? thrown.cause : thrown
  if (error instanceof webApi.WebAPIHTTPError) return `http_${error.statusCode}`
  return error instanceof webApi.WebAPIPlatformError ? error.data.error : undefined
}

export function translate(thrown: unknown, method: string): ParleyError {
  if (thrown instanceof ParleyError) return thrown
  const cause = thrown
  if (thrown instanceof webApi.WebAPIRateLimitedError) return rateLimited(thrown.retryAfter * 1000, cause)
  if (thrown instanceof webApi.WebAPIPlatformError) return refused(thrown, method)
  if (thrown instanceof webApi.WebAPIHTTPError && thrown.statusCode === 429)
    return rateLimited(Number(thrown.headers['retry-after'] ?? 1) * 1000, cause)
  if (thrown instanceof webApi.WebAPIHTTPError && thrown.statusCode >= 400 && thrown.statusCode < 500)
    return new ParleyError('platform_rejected', slackWording.errors.refused(method, `HTTP ${thrown.statusCode}`), {
      cause,
    })
  return new ParleyError('platform_unreachable', chatWording.unreachable('Slack'), { cause })
}

export function rateLimited(retryAfterMs: number, cause?: unknown): ParleyError {
  return new ParleyError('platform_rate_limited', chatWording.slowDown('Slack'), {
    retryAfterMs,
    cause,
  })
}

function refused(thrown: InstanceType<typeof webApi.WebAPIPlatformError>, method: string): ParleyError {
  const code = thrown.data.error
  const cause = thrown
  if (code === 'ratelimited' || code === 'rate_limited') return rateLimited(30_000, cause)
  if (transient.has(code))
    return new ParleyError('platform_unreachable', slackWording.errors.trouble, {
      cause,
    })
  return new ParleyError('platform_rejected', userMessageOf(code, method, neededScope(thrown.data)), { cause })
}

function userMessageOf(code: string, method: string, needed: string | undefined): string {
  const { errors } = slackWording
  if (code === 'missing_scope') return errors.missingScope(method, needed)
  if (lostToken.has(code)) return errors.tokenRefused
  const [, sentence] = noAccess.find(([start]) => code.startsWith(start)) ?? []
  return sentence ?? errors.refused(method, code)
}

function neededScope(data: object): string | undefined {
  const needed = 'needed' in data ? data.needed : undefined
  return typeof needed === 'string' && needed !== '' ? needed : undefined
}

/** Bolt's debug lines contain whole payloads, so they are dropped. */
export function boltLogger(log: Log): Logger {
  const words = (logged: unknown[]) =>
    logged
      .map((each) => (each instanceof Error ? each.message : typeof each === 'string' ? each : ''))
      .join(' ')
      .slice(0, 300)
  return {
    debug() {},
    info: (...logged: unknown[]) => log.debug({ text: words(logged) }, 'message from the Slack SDK'),
    warn: (...logged: unknown[]) => log.debug({ text: words(logged) }, 'warning from the Slack SDK'),
    error: (...logged: unknown[]) => log.warn({ text: words(logged) }, 'error from the Slack SDK'),
    setLevel() {},
    getLevel: () => LogLevel.INFO,
    setName() {},
  }
}
