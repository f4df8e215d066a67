/** Setting up: the app package, and what `parley doctor teams` looks at. */
import type { CommandSpec } from '../../src/core/command.ts'
import { asParleyError, ParleyError } from '../../src/core/errors.ts'
import { createHosts } from './hosts.ts'
import { createSigningKeys } from './keys.ts'
import { appPackage } from './manifest.ts'
import { graphPermissions, graphScopeOf, messagesPath, microsoft, type TeamsSettings } from './settings.ts'
import { createTokens } from './tokens.ts'

export interface SetupOptions {
  settings: TeamsSettings
  commands: readonly Pick<CommandSpec, 'name' | 'summary' | 'args'>[]
  version: string
  publicUrl?: string
}

export interface Finding {
  name: string
  ok: boolean
  /** For people, with what to do when it is not. */
  userMessage: string
}

export interface Setup {
  package(): Promise<Buffer>
  examine(): Promise<Finding[]>
}

const askMs = 10_000

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

  /** Whether Microsoft takes the app's secret. */
  async function credentials(): Promise<Omit<Finding, 'name'>> {
    if (settings.clientId === undefined)
      return {
        ok: true,
        userMessage: 'TEAMS_AUTH=off: nobody is checked, and nothing is signed. For this machine alone.',
      }
    await tokens.get(microsoft.botScope)
    const kind = settings.tenantId === undefined ? 'of the multi-tenant kind' : `of the tenant ${settings.tenantId}`
    return { ok: true, userMessage: `Microsoft’s login knows the app ${settings.clientId}, ${kind}.` }
  }

  /** The keys that events are signed with. */
  async function keys(): Promise<Omit<Finding, 'name'>> {
    const { host, count } = await createSigningKeys(settings).read(AbortSignal.timeout(askMs))
    return { ok: count > 0, userMessage: `Keys for checking events were read from ${host}: ${count}.` }
  }

  /** Which of Graph's permissions the app was granted, as its own token says. */
  async function graph(): Promise<Omit<Finding, 'name'>> {
    const token = await tokens.get(graphScopeOf(settings))
    const granted = rolesIn(token ?? '')
    const missing = Object.entries(graphPermissions).filter(([name]) => !granted.includes(name))
    if (missing.length === 0) return { ok: true, userMessage: 'Files of channels and group chats can be read.' }
    const wanted = missing.map(([name, why]) => `${name} (${why})`).join(', ')
    return {
      ok: false,
      userMessage: `Without ${wanted} Parley says so when somebody shares a file there. An admin grants it in the Entra admin center: App registrations, API permissions, Microsoft Graph, Application permissions, Grant admin consent.`,
    }
  }

  async function endpoint(): Promise<Omit<Finding, 'name'>> {
    if (publicUrl === undefined)
      return {
        ok: false,
        userMessage: `PUBLIC_URL is not set. Teams delivers to an HTTPS address on the internet: set it, and ${messagesPath} under it as the bot’s messaging endpoint.`,
      }
    const url = new URL(messagesPath, publicUrl).href
    if (!url.startsWith('https:') && !hosts.isService(publicUrl))
      return { ok: false, userMessage: `${url} is not HTTPS; Teams delivers nowhere else.` }
    // Without a token a Parley that is there refuses.
    const response = await fetch(url, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(askMs),
      redirect: 'manual',
    }).catch(() => undefined)
    await response?.body?.cancel()
    const there = response?.status === 400 || response?.status === 401
    if (there)
      return { ok: true, userMessage: `${url} answers as Parley does. It must be the bot’s messaging endpoint.` }
    return {
      ok: false,
      userMessage: `${url} does not lead to a running Parley (${response?.status ?? 'no answer'}). Start Parley, and forward that address to its port.`,
    }
  }

  function tenants(): Omit<Finding, 'name'> {
    const { tenants: served } = settings
    if (served.length > 0) return { ok: true, userMessage: `Served: ${served.join(', ')}.` }
    return {
      ok: true,
      userMessage: 'Every organisation that installs the app is served. Name yours in parley.yaml: teams.tenants.',
    }
  }

  return {
    async package() {
      if (publicUrl === undefined || !publicUrl.startsWith('https:') || settings.clientId === undefined)
        throw new ParleyError(
          'config_invalid',
          'The app package wants TEAMS_CLIENT_ID, and PUBLIC_URL with the https:// address of this Parley. Set both, and call this again.',
        )
      return await appPackage({ ...options, publicUrl })
    },
    examine: async () =>
      await Promise.all([
        attempt('credentials', credentials),
        attempt('signing keys', keys),
        attempt('messaging endpoint', endpoint),
        attempt('organisations', async () => tenants()),
        attempt('files by Graph', graph),
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
