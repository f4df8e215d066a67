/**
 * Installing the simulated app, and renewing its tokens: https://docs.slack.dev/authentication/using-token-rotation. A renewal
 * makes the refresh token that it used worthless at once, which is stricter than Slack.
 */
import { bot, type SlackState, team } from './slack-state.ts'

type Args = Record<string, unknown>

export interface SlackTokens {
  access(args: Args): Args
  /** `undefined`: Slack knows the token. */
  refusal(token: string): 'invalid_auth' | 'token_expired' | undefined
}

export function createTokens(state: Pick<SlackState, 'now'>, rotationSeconds: () => number | undefined): SlackTokens {
  const expiring = new Map<string, number>()
  let refreshToken = ''
  let issued = 0

  function issue(seconds: number | undefined): Args {
    if (seconds === undefined) return { access_token: 'xoxb-installed-token' }
    issued += 1
    const token = `xoxe.xoxb-${issued}`
    expiring.set(token, state.now() + seconds * 1000)
    refreshToken = `xoxe-1-${issued}`
    return { access_token: token, refresh_token: refreshToken, expires_in: seconds }
  }

  return {
    access(args) {
      if (args.client_secret !== 'client-secret') return { ok: false, error: 'bad_client_secret' }
      const refreshing = args.grant_type === 'refresh_token'
      if (refreshing && args.refresh_token !== refreshToken) return { ok: false, error: 'invalid_refresh_token' }
      if (!refreshing && args.code !== 'stand-in-code') return { ok: false, error: 'invalid_code' }
      return {
        ok: true,
        ...issue(rotationSeconds()),
        token_type: 'bot',
        scope: 'chat:write',
        bot_user_id: bot.user,
        app_id: 'A0PARLEY01',
        team: { id: team, name: 'Acme' },
        enterprise: null,
        is_enterprise_install: false,
        authed_user: { id: 'U0ADMIN001' },
      }
    },
    refusal(token) {
      if (token === bot.token || token.startsWith('xoxb-installed')) return undefined
      const until = expiring.get(token)
      if (until === undefined) return 'invalid_auth'
      return until <= state.now() ? 'token_expired' : undefined
    },
  }
}
