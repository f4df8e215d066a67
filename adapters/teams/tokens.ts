/**
 * The app's own tokens, by client credentials: for the connector and for Graph. Kept until shortly before they end, once a
 * process; everybody who asks meanwhile waits for the same request.
 */

import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { microsoft, type TeamsSettings } from './settings.ts'

export interface Tokens {
  /** `undefined` where nothing is checked. Throws `platform_rejected` for what an admin must mend, else `platform_unreachable`. */
  get(scope: string): Promise<string | undefined>
  /** The next `get` asks anew: this one was refused. */
  forget(scope: string, token: string): void
}

const Granted = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() })
const Refused = z.object({ error: z.string(), error_description: z.string().optional() })

interface Kept {
  granted: Promise<z.infer<typeof Granted>>
  /** In milliseconds. */
  until: number
  value?: string
}

/** Before its end, so that it does not end on the way. */
const earlyMs = 5 * 60_000
const requestMs = 15_000

export function createTokens(settings: TeamsSettings, now: () => number = monotonic): Tokens {
  const kept = new Map<string, Kept>()
  const { clientId, clientSecret, tenantId, loginUrl = microsoft.login } = settings

  async function request(id: string, secret: string, scope: string): Promise<z.infer<typeof Granted>> {
    const url = `${loginUrl.replace(/\/+$/, '')}/${tenantId ?? microsoft.loginTenant}/oauth2/v2.0/token`
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret, scope })
    let status = 0
    let answer: unknown
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(requestMs),
      })
      status = response.status
      answer = await response.json()
    } catch (cause) {
      if (status === 0 || status >= 500) throw unreachable(cause)
    }
    const granted = Granted.safeParse(answer)
    if (status === 200 && granted.success) return granted.data
    if (status === 429 || status >= 500) throw unreachable(undefined)
    const { error, error_description: why = '' } = Refused.safeParse(answer).data ?? { error: `status ${status}` }
    throw refused(error, why)
  }

  return {
    async get(scope) {
      if (clientId === undefined || clientSecret === undefined) return undefined
      const known = kept.get(scope)
      if (known && known.until > now()) return (await known.granted).access_token
      const asked = request(clientId, clientSecret, scope)
      // This very promise is the one that everybody awaits, so that its failure is nobody's unheard one.
      const entry: Kept = { granted: asked, until: now() + requestMs }
      kept.set(scope, entry)
      try {
        const { access_token: value, expires_in: seconds } = await asked
        entry.value = value
        entry.until = now() + Math.max(seconds * 1000 - earlyMs, seconds * 500)
        return value
      } catch (error) {
        if (kept.get(scope) === entry) kept.delete(scope)
        throw error
      }
    },
    forget(scope, token) {
      if (kept.get(scope)?.value === token) kept.delete(scope)
    },
  }
}

function unreachable(cause: unknown): ParleyError {
  return new ParleyError('platform_unreachable', 'Microsoft’s login does not answer. Please try again.', { cause })
}

/** Microsoft's codes say which of the three settings is wrong. */
function refused(error: string, why: string): ParleyError {
  const code = /AADSTS\d+/.exec(why)?.[0]
  const cause = new Error(`${error} ${code ?? ''}`.trim())
  const what =
    code === 'AADSTS7000222'
      ? 'TEAMS_CLIENT_SECRET has expired. Make a new one in the app registration and set it.'
      : error === 'invalid_client' || code === 'AADSTS7000215'
        ? 'TEAMS_CLIENT_SECRET is not the secret of TEAMS_CLIENT_ID. Set its value, not its id.'
        : code === 'AADSTS90002' || code === 'AADSTS900023'
          ? 'TEAMS_TENANT_ID is no tenant that Microsoft knows. Set the Directory (tenant) ID of the app registration.'
          : `TEAMS_CLIENT_ID, TEAMS_CLIENT_SECRET or TEAMS_TENANT_ID is not right (${code ?? error}). Compare them with the app registration.`
  return new ParleyError('platform_rejected', `Microsoft’s login refuses Parley: ${what}`, { cause })
}
