/** Setting up: the invitation, the registration of commands, and the checks of `parley doctor discord`. */
import { type APIApplication, type APIGatewayBotInfo, type APIUser, ApplicationIntegrationType } from 'discord.js'
import type { CommandSpec } from '../../src/core/command.ts'
import { asParleyError, ParleyError } from '../../src/core/errors.ts'
import type { Quota } from '../../src/core/platform-state.ts'
import { discordSetupWording } from '../../src/wording/discord.ts'
import { discordCommands } from './commands.ts'
import { invitation, mayReadContent, missingIn, needed, permissionsIn, viewServer } from './permissions.ts'
import { type Api, createApi } from './rest.ts'
import { countedAnew, maySpend } from './session-limit.ts'

export interface SetupOptions {
  token: string
  apiUrl?: string
  /** Parley's table of commands. */
  commands: readonly CommandSpec[]
}

export interface Finding {
  name: string
  ok: boolean
  /** Shown to people. Includes the next step when `ok` is false. */
  userMessage: string
}

export interface Setup {
  invite(): Promise<{ url: string; permissions: string[]; intents: string[] }>
  /** In one server, or everywhere. Writes nothing when Discord's copy is up to date. */
  register(guildId?: string): Promise<{ changed: boolean; names: string[] }>
  /** Takes the commands away from one server, or those that are registered everywhere. */
  unregister(guildId?: string): Promise<{ removed: number }>
  examine(): Promise<Finding[]>
}

/** The command line shares Discord's limits with nobody, so it only waits when Discord says so. */
function ownQuota(): Quota {
  const held = new Map<string, number>()
  return {
    take: async (key) => Math.max(0, (held.get(key) ?? 0) - performance.now()),
    hold: async (key, ms) => void held.set(key, performance.now() + ms),
  }
}

/** Text, announcements and forums. */
const writable = [0, 5, 15]

type Application = Pick<APIApplication, 'id' | 'flags' | 'integration_types_config'>

export function createSetup({ token, apiUrl, commands }: SetupOptions): Setup {
  const api = createApi({ token, quota: ownQuota(), apiUrl })
  const application = () => api.call<APIApplication>('GET', '/applications/@me')

  async function registered(app: Application, guildId: string | undefined) {
    const path = commandsPath(app.id, guildId)
    const userInstall = app.integration_types_config?.[ApplicationIntegrationType.UserInstall] !== undefined
    const wanted = discordCommands(commands, { userInstall }).map((command) =>
      guildId === undefined ? command : withoutContexts(command),
    )
    // Translations are left out unless they are asked for.
    const current = await api.call<object[]>('GET', path, { query: { with_localizations: 'true' } })
    return { path, wanted, current, same: canonical(current) === canonical(wanted) }
  }

  return {
    async invite() {
      const { id } = await application()
      const url = new URL('https://discord.com/oauth2/authorize')
      url.search = new URLSearchParams({
        client_id: id,
        scope: 'bot applications.commands',
        permissions: String(invitation),
      }).toString()
      return { url: url.href, permissions: Object.keys(needed), intents: ['Message Content'] }
    },

    async register(guildId) {
      const { path, wanted, same } = await registered(await application(), guildId)
      if (!same) await api.call('PUT', path, { body: wanted })
      return { changed: !same, names: wanted.map(({ name }) => name) }
    },

    async unregister(guildId) {
      const { id } = await application()
      const path = commandsPath(id, guildId)
      const current = await api.call<object[]>('GET', path)
      if (current.length > 0) await api.call('PUT', path, { body: [] })
      return { removed: current.length }
    },

    async examine() {
      const me = await found('token', async () => {
        const user = await api.call<APIUser>('GET', '/users/@me')
        return { value: user, userMessage: `${user.username} (${user.id})` }
      })
      if (me.value === undefined) return [me.finding]
      const app = await application()
      const findings = [me.finding, (await found('gateway', () => gatewayState(api))).finding, intents(app)]
      const guilds = await api.call<{ id: string; name: string }[]>('GET', '/users/@me/guilds')
      findings.push((await found('commands', () => commandsState(app, guilds))).finding)
      if (guilds.length === 0)
        findings.push({
          name: 'servers',
          ok: false,
          userMessage: discordSetupWording.noServer,
        })
      for (const { id, name } of guilds) findings.push(await permissionsState(api, id, name, me.value.id))
      return findings
    },
  }

  async function commandsState(app: Application, guilds: { id: string; name: string }[]) {
    const states = await Promise.all(
      [undefined, ...guilds].map(async (guild) => ({ guild, ...(await registered(app, guild?.id)) })),
    )
    const there = states.filter(({ current }) => current.length > 0)
    if (there.length === 0) throw rejected(discordSetupWording.commandsMissing)
    // Discord shows both: https://discord.com/developers/docs/interactions/application-commands#registering-a-command
    const twice = there.flatMap(({ guild }) => (guild === undefined ? [] : [guild]))
    if (there.length > twice.length && twice.length > 0) throw rejected(discordSetupWording.commandsTwice(twice))
    if (there.some(({ same }) => !same)) throw rejected(discordSetupWording.commandsOutdated)
    return { value: true, userMessage: discordSetupWording.commandsCurrent }
  }
}

const rejected = (userMessage: string) => new ParleyError('platform_rejected', userMessage)

async function found<T>(name: string, look: () => Promise<{ value: T; userMessage: string }>) {
  try {
    const { value, userMessage } = await look()
    return { value, finding: { name, ok: true, userMessage } }
  } catch (thrown) {
    return { value: undefined, finding: { name, ok: false, userMessage: asParleyError(thrown).userMessage } }
  }
}

async function gatewayState(api: Api) {
  const { session_start_limit: limit, shards } = await api.call<APIGatewayBotInfo>('GET', '/gateway/bot')
  if (maySpend(limit) <= 0) throw rejected(discordSetupWording.noConnectionsLeft(limit.remaining, countedAnew(limit)))
  return {
    value: true,
    userMessage: discordSetupWording.connections({ left: limit.remaining, total: limit.total, shards }),
  }
}

function intents(application: Pick<APIApplication, 'flags'>): Finding {
  const ok = mayReadContent(application)
  const userMessage = ok ? discordSetupWording.contentOn : discordSetupWording.contentOff
  return { name: 'intents', ok, userMessage }
}

/** Parley must be able to answer in every channel that it sees. Hidden channels do not count. */
async function permissionsState(api: Api, guildId: string, name: string, me: string): Promise<Finding> {
  const title = discordSetupWording.permissionsIn(name)
  try {
    const view = await viewServer(api, guildId, me)
    const channels = view.channels.filter(({ type }) => writable.includes(type))
    const lacks = channels.map((channel) => ({
      name: channel.name ?? channel.id,
      missing: missingIn(permissionsIn(view, channel.permission_overwrites)),
    }))
    const seen = lacks.filter(({ missing }) => !missing.includes('View Channels'))
    const wrong = seen.filter(({ missing }) => missing.length > 0)
    if (wrong.length === 0)
      return { name: title, ok: seen.length > 0, userMessage: seenText(seen.length, channels.length) }
    return { name: title, ok: false, userMessage: discordSetupWording.channelsNotReady(wrong) }
  } catch (thrown) {
    return { name: title, ok: false, userMessage: asParleyError(thrown).userMessage }
  }
}

function seenText(seen: number, total: number): string {
  return seen === 0 ? discordSetupWording.seesNoChannel : discordSetupWording.channelsReady(seen, total)
}

const commandsPath = (applicationId: string, guildId: string | undefined) =>
  guildId === undefined
    ? `/applications/${applicationId}/commands`
    : `/applications/${applicationId}/guilds/${guildId}/commands`

/** Discord takes these fields for global commands only. */
function withoutContexts<Command extends object>(command: Command): Command {
  const { contexts: _, integration_types: __, ...rest } = command as Command & Record<string, unknown>
  return rest as Command
}

/** The fields of a command's definition that are compared. Discord adds others and its defaults. */
const compared = [
  'name',
  'name_localizations',
  'type',
  'description',
  'description_localizations',
  'options',
  'required',
  'autocomplete',
  'choices',
  'value',
  'max_length',
  'contexts',
  'integration_types',
]

/** Definitions as comparable text: equal for what Parley sent and what Discord stored. */
export function canonical(definitions: readonly object[]): string {
  const byName = definitions.map((each) => ({ type: 1, ...each }) as { name: string; type: number })
  return JSON.stringify(byName.toSorted((a, b) => (`${a.type}${a.name}` < `${b.type}${b.name}` ? -1 : 1)).map(reduced))
}

function reduced(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reduced)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value)
    .filter(([key, each]) => compared.includes(key) && !isDefault(each))
    .map(([key, each]) => [key, key.endsWith('_localizations') ? sorted(Object.entries(each)) : reduced(each)] as const)
  return Object.fromEntries(sorted(fields))
}

const sorted = <Value>(entries: (readonly [string, Value])[]) => entries.toSorted(([a], [b]) => (a < b ? -1 : 1))

function isDefault(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === false ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )
}
