/**
 * The bot token of each workspace: from the settings, or from installing the app by OAuth. Installed tokens are stored as
 * secret records.
 */

import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Quota, Records } from '../../src/core/platform-state.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { type Api, createApi } from './api.ts'
import { plain, type Self } from './events.ts'
import { Installation } from './installation.ts'
import { createRotation } from './rotation.ts'
import type { SlackSettings } from './settings.ts'

/** The answer of `auth.test`. */
const Identity = z.object({
  user_id: z.string(),
  team_id: z.string(),
  bot_id: z.string().nullish(),
  enterprise_id: z.string().nullish(),
  team: z.string().nullish(),
  response_metadata: z.object({ scopes: z.array(z.string()).optional() }).optional(),
})

export interface Workspace extends Installation {
  api: Api
}

export interface Installations {
  /** Throws `platform_rejected` if the app is not installed, other `platform_*` errors if Slack does not answer. */
  of(teamId: string | undefined, enterpriseId?: string): Promise<Workspace>
  save(installation: Installation): Promise<void>
  remove(teamId: string | undefined, enterpriseId?: string): Promise<void>
  all(): Promise<Workspace[]>
  /** The ids of the workspaces that go when the app is removed there: one, or those of a whole organization. */
  within(teamId: string | undefined, enterpriseId?: string): Promise<string[]>
  /** Asks Slack whether it accepts the token of the settings. Throws `platform_*`; does nothing without a token. */
  verify(signal: AbortSignal): Promise<void>
  /** Renews the tokens of installed workspaces that expire soon. Throws `platform_*` if one cannot be renewed. */
  renew(): Promise<void>
}

/** Parley's identity in a workspace. */
export function selfIn(workspace: Installation, teamId: string, enterpriseId = workspace.enterpriseId): Self {
  const { botId, botUserId, scopes } = workspace
  // Slack grants this scope to apps with the agent view. Without any, it did not say which there are.
  const agentView = scopes.length === 0 || scopes.includes('assistant:write')
  return { teamId, botId, botUserId, enterpriseId, agentView }
}

export interface InstallationsDeps {
  settings: SlackSettings
  records: Records
  quota: Quota
  log: Log
  now?: () => number
}

/** Checks of a token skip the rate limits: neither the database nor other calls may delay them. */
const unlimited: Quota = { take: async () => 0, hold: async () => undefined }
/** How long a process caches an installation. */
const freshMs = 30_000
const prefix = 'installation/'
/** Which organization installed the app for a workspace. */
const organizationOf = (teamId: string) => `organization/${teamId}`

export function createInstallations({ settings, records, quota, log, now }: InstallationsDeps): Installations {
  const { botToken, apiUrl } = settings
  const rotation = createRotation({ settings, records, quota, log, now: now ? now : undefined })
  const known = new Map<string, { workspace: Workspace; at: number }>()
  const organizations = new Map<string, string>()
  let own: Promise<Workspace> | undefined

  const open = (installation: Installation, line = quota): Workspace => ({
    ...installation,
    api: createApi(installation.token, installation.teamId ?? installation.enterpriseId ?? 'unknown', {
      quota: line,
      log,
      apiUrl,
    }),
  })

  /** The workspace of the token in the settings; Slack is asked once. */
  async function ownWorkspace(token: string): Promise<Workspace> {
    own ??= identify(token)
    try {
      return await own
    } catch (error) {
      own = undefined
      throw error
    }
  }

  async function identify(token: string): Promise<Workspace> {
    const bare = open({ token, scopes: [] })
    const answer = await bare.api.call('auth.test', {})
    const found = Identity.parse(answer)
    return open({
      token,
      botUserId: found.user_id,
      teamId: found.team_id,
      scopes: found.response_metadata?.scopes ?? [],
      botId: found.bot_id ? found.bot_id : undefined,
      enterpriseId: found.enterprise_id ? found.enterprise_id : undefined,
      name: found.team ? found.team : undefined,
    })
  }

  async function stored(id: string): Promise<Workspace | undefined> {
    const cached = known.get(id)
    if (cached && monotonic() - cached.at < freshMs) return cached.workspace
    const record = await records.get(prefix + id)
    if (record === undefined) {
      known.delete(id)
      return undefined
    }
    const installation = await rotation.current(prefix + id, Installation.parse(record))
    // The same token keeps its client, and with it the client's rate limits.
    const workspace = cached?.workspace.token === installation.token ? cached.workspace : open(installation)
    known.set(id, { workspace, at: monotonic() })
    return workspace
  }

  /** Of the workspace, else of its organization. Only events name that, so it is remembered. */
  async function installed(teamId: string | undefined, enterpriseId: string | undefined) {
    const own = teamId === undefined ? undefined : await stored(teamId)
    if (own !== undefined || teamId === undefined) return own ?? (enterpriseId && (await stored(enterpriseId)))
    const known = organizations.get(teamId) ?? (await records.get(organizationOf(teamId)))
    const whole = enterpriseId ?? (typeof known === 'string' ? known : undefined)
    const found = whole === undefined ? undefined : await stored(whole)
    if (found !== undefined && whole !== undefined && known !== whole) await records.put(organizationOf(teamId), whole)
    if (found !== undefined && whole !== undefined) organizations.set(teamId, whole)
    return found
  }

  return {
    async of(teamId, enterpriseId) {
      if (settings.oauth) {
        const found = await installed(teamId, enterpriseId)
        if (found) return found
      }
      if (botToken !== undefined) {
        const workspace = await ownWorkspace(botToken)
        if (!settings.oauth || teamId === undefined || workspace.teamId === teamId) return workspace
      }
      throw new ParleyError('platform_rejected', slackWording.errors.notInstalled)
    },
    async save(installation) {
      const id = installation.teamId ?? installation.enterpriseId
      if (id === undefined) throw new Error('an installation of no workspace')
      await records.put(prefix + id, plain(installation), { secret: true })
      known.delete(id)
    },
    async remove(teamId, enterpriseId) {
      for (const id of [teamId, teamId === undefined ? enterpriseId : undefined]) {
        if (id === undefined) continue
        await records.remove(prefix + id)
        known.delete(id)
      }
    },
    async all() {
      const listed = await records.list(prefix)
      const installed = await Promise.all(
        listed.map(async ({ key, value }) => open(await rotation.current(key, Installation.parse(value)))),
      )
      return botToken === undefined ? installed : [await ownWorkspace(botToken), ...installed]
    },
    async within(teamId, enterpriseId) {
      if (teamId !== undefined) return [teamId]
      if (enterpriseId === undefined) return []
      const listed = await records.list(organizationOf(''))
      return listed.flatMap(({ key, value }) => (value === enterpriseId ? [key.slice(organizationOf('').length)] : []))
    },
    async renew() {
      const failed: unknown[] = []
      for (const { key, value } of await records.list(prefix))
        await rotation.current(key, Installation.parse(value)).catch((error: unknown) => failed.push(error))
      if (failed.length > 0) throw failed[0]
    },
    async verify(signal) {
      if (botToken === undefined) return
      await open({ token: botToken, scopes: [] }, unlimited).api.call('auth.test', {}, { signal })
    },
  }
}
