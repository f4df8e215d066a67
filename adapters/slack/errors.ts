/** Slack's errors in Parley's words, translated once. */
import { webApi } from '@slack/bolt'
import { ParleyError } from '../../src/core/errors.ts'

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
const notThere = new Set([
  'not_in_channel',
  'channel_not_found',
  'is_archived',
  'restricted_action',
  'messages_tab_disabled',
])

/** Slack's own word for why it refused, such as `message_not_in_streaming_state`; none where trying again may help. */
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
    return new ParleyError('platform_rejected', userMessageOf(`HTTP ${thrown.statusCode}`, method, undefined), {
      cause,
    })
  return new ParleyError('platform_unreachable', 'Slack cannot be reached. Parley tries again by itself.', { cause })
}

export function rateLimited(retryAfterMs: number, cause?: unknown): ParleyError {
  return new ParleyError('platform_rate_limited', 'Slack asks Parley to slow down. It goes on by itself in a moment.', {
    retryAfterMs,
    cause,
  })
}

function refused(thrown: InstanceType<typeof webApi.WebAPIPlatformError>, method: string): ParleyError {
  const code = thrown.data.error
  const cause = thrown
  if (code === 'ratelimited' || code === 'rate_limited') return rateLimited(30_000, cause)
  if (transient.has(code))
    return new ParleyError('platform_unreachable', 'Slack has trouble at the moment. Parley tries again by itself.', {
      cause,
    })
  return new ParleyError('platform_rejected', userMessageOf(code, method, neededScope(thrown.data)), { cause })
}

function userMessageOf(code: string, method: string, needed: string | undefined): string {
  if (code === 'missing_scope')
    return `Slack refused ${method}: the app lacks the scope ${needed ?? 'that it wants'}. Add it under "OAuth & Permissions" in the app's settings and install the app again.`
  if (lostToken.has(code))
    return "Slack no longer accepts Parley's token for this workspace. An admin has to install the app again."
  if (notThere.has(code))
    return 'Parley may not write in that channel. Invite it with /invite @Parley, or ask in a direct message.'
  return `Slack refused ${method} with "${code}". \`npm run parley -- doctor slack\` says what to do.`
}

function neededScope(data: object): string | undefined {
  const needed = 'needed' in data ? data.needed : undefined
  return typeof needed === 'string' && needed !== '' ? needed : undefined
}
