/** Setup: the app package, and the checks of `parley doctor teams`. */
import { asParleyError, ParleyError } from '../../src/core/errors.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { createSigningKeys, createTokens } from './auth.ts'
import { createHosts } from './hosts.ts'
import { appPackage, type SuggestedCommand } from './manifest.ts'
import { botScopeOf, cloudOf, graphPermissions, graphScopeOf, messagesPath, type TeamsSettings } from './settings.ts'

export interface SetupOptions {
  settings: TeamsSettings
  commands: readonly SuggestedCommand[]
  version: string
  publicUrl?: string
}

export interface Finding {
  name: string
  ok: boolean
  /** One sentence, plus the next step if the check failed. */
  userMessage: string
}

export interface Setup {
  package(): Promise<Buffer>
  examine(): Promise<Finding[]>
}

const askMs = 10_000
const { doctor } = teamsWording

export function createSetup(options: SetupOptions): Setup {
  const { settings, publicUrl } = options
  const tokens = createTokens(settings)
  const hosts = createHosts(settings)

  async function attempt(name: string, look: () => Promise<Omit<Finding, 'name'>>): Promise<Finding> {
    try {
      return { name, ...(await look()) }
    } catch (error) {
      return { name, ok: false, userMessage: asParleyError(error).userMessage }
    }
  }

  /** Whether Microsoft accepts the app's secret. */
  async function credentials(): Promise<Omit<Finding, 'name'>> {
    if (settings.clientId === undefined) return { ok: true, userMessage: doctor.authOff }
    await tokens.get(botScopeOf(settings))
    return { ok: true, userMessage: doctor.credentials(settings.clientId, settings.tenantId) }
  }

  /** Whether the keys that events are signed with are readable. */
  async function keys(): Promise<Omit<Finding, 'name'>> {
    const { host, count } = await createSigningKeys(settings).read(AbortSignal.timeout(askMs))
    return { ok: count > 0, userMessage: doctor.signingKeys(count, host) }
  }

  /** The Graph permissions of the app, read from its own token. */
  async function graph(): Promise<Omit<Finding, 'name'>> {
    const token = await tokens.get(graphScopeOf(settings))
    const granted = rolesIn(token ?? '')
    const missing = Object.entries(graphPermissions).filter(([name]) => !granted.includes(name))
    if (missing.length === 0) return { ok: true, userMessage: doctor.filesReadable }
    const wanted = missing.map(([name, why]) => `${name} (${why})`).join(', ')
    return { ok: false, userMessage: doctor.permissionsMissing(wanted) }
  }

  async function endpoint(): Promise<Omit<Finding, 'name'>> {
    if (publicUrl === undefined) return { ok: false, userMessage: doctor.noPublicUrl(messagesPath) }
    const url = new URL(messagesPath, publicUrl).href
    if (!url.startsWith('https:') && !hosts.isService(publicUrl))
      return { ok: false, userMessage: doctor.notHttps(url) }
    // Parley rejects a request without a token, which shows that it is there.
    const response = await fetch(url, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(askMs),
      redirect: 'manual',
    }).catch(() => undefined)
    await response?.body?.cancel()
    const answers = response?.status === 400 || response?.status === 401
    return answers
      ? { ok: true, userMessage: doctor.endpointAnswers(url) }
      : { ok: false, userMessage: doctor.endpointUnreachable(url, response?.status) }
  }

  function cloud(): Omit<Finding, 'name'> {
    const { cloud: name = 'public', loginUrl = cloudOf(settings).login } = settings
    return { ok: true, userMessage: doctor.cloud(name, loginUrl) }
  }

  function tenants(): Omit<Finding, 'name'> {
    const { tenants: served } = settings
    return { ok: true, userMessage: served.length > 0 ? doctor.organizations(served) : doctor.allOrganizations }
  }

  return {
    async package() {
      if (publicUrl === undefined || !publicUrl.startsWith('https:') || settings.clientId === undefined)
        throw new ParleyError('config_invalid', teamsWording.errors.packageSettings)
      return await appPackage({ ...options, publicUrl })
    },
    examine: async () =>
      await Promise.all([
        attempt('credentials', credentials),
        attempt('signing keys', keys),
        attempt('messaging endpoint', endpoint),
        attempt('cloud', async () => cloud()),
        attempt('organizations', async () => tenants()),
        attempt('files in channels', graph),
      ]),
  }
}

function rolesIn(token: string): string[] {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const roles = typeof claims === 'object' && claims !== null && 'roles' in claims ? claims.roles : []
    return Array.isArray(roles) ? roles.map(String) : []
  } catch {
    return []
  }
}
