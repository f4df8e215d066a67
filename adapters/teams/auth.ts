/**
 * Tokens for outgoing calls, and the keys that verify incoming events. Each process caches its tokens until shortly before they
 * expire; concurrent callers share one request.
 */
import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { cloudOf, type TeamsSettings } from './settings.ts'

export interface Tokens {
  /** `undefined` with TEAMS_AUTH=off. Throws `platform_rejected` if an admin must fix a setting, else `platform_unreachable`. */
  get(scope: string): Promise<string | undefined>
  /** The token was refused: the next `get` requests a new one. */
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

/** Renewed this long before it expires, so that it does not expire in transit. */
const earlyMs = 5 * 60_000
const requestMs = 15_000

export function createTokens(settings: TeamsSettings, now: () => number = monotonic): Tokens {
  const kept = new Map<string, Kept>()
  const cloud = cloudOf(settings)
  const { clientId, clientSecret, tenantId, loginUrl = cloud.login } = settings

  async function request(id: string, secret: string, scope: string): Promise<z.infer<typeof Granted>> {
    const url = `${loginUrl.replace(/\/+$/, '')}/${tenantId ?? cloud.loginTenant}/oauth2/v2.0/token`
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
      // All callers await this same promise, so that its rejection is always handled.
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
  return new ParleyError('platform_unreachable', teamsWording.errors.loginUnreachable, { cause })
}

/** Microsoft's codes say which setting is wrong: https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
function refused(error: string, why: string): ParleyError {
  const code = /AADSTS\d+/.exec(why)?.[0]
  const cause = new Error(`${error} ${code ?? ''}`.trim())
  const { login } = teamsWording
  const userMessage =
    code === 'AADSTS7000222'
      ? login.secretExpired
      : error === 'invalid_client' || code === 'AADSTS7000215'
        ? login.wrongSecret
        : code === 'AADSTS90002' || code === 'AADSTS900023'
          ? login.unknownTenant
          : login.refused(code ?? error)
  return new ParleyError('platform_rejected', userMessage, { cause })
}

export interface SigningKeys {
  /** The keys' host, and their number. Throws `platform_unreachable`. */
  read(signal: AbortSignal): Promise<{ host: string; count: number }>
  /** Whether they were readable within the last seconds. */
  reachable(): Promise<boolean>
}

const Keys = z.object({ keys: z.array(z.unknown()) })
const askMs = 5000
const freshMs = 5000

export function createSigningKeys(settings: Pick<TeamsSettings, 'openIdMetadataUrl' | 'cloud'>): SigningKeys {
  // The SDK derives the URL in the same way.
  const url = (settings.openIdMetadataUrl ?? cloudOf(settings).openIdMetadata).replace(/openidconfiguration$/, 'keys')
  let last: { reachable: Promise<boolean>; at: number } | undefined

  async function read(signal: AbortSignal): Promise<{ host: string; count: number }> {
    try {
      const response = await fetch(url, { signal, redirect: 'error' })
      if (!response.ok) throw new Error(`status ${response.status}`)
      return { host: new URL(url).host, count: Keys.parse(await response.json()).keys.length }
    } catch (cause) {
      throw new ParleyError('platform_unreachable', teamsWording.errors.keysUnreachable(url), { cause })
    }
  }

  return {
    read,
    async reachable() {
      if (last === undefined || performance.now() - last.at > freshMs) {
        const asking = read(AbortSignal.timeout(askMs)).then(
          () => true,
          () => false,
        )
        last = { reachable: asking, at: performance.now() }
      }
      return await last.reachable
    },
  }
}
