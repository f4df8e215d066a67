/** Setting up: the invitation, the registration of commands, and what `parley doctor discord` looks at. */
import type { APIApplication, APIGatewayBotInfo, APIUser } from 'discord.js'
import type { CommandSpec } from '../../src/core/command.ts'
import { asParleyError } from '../../src/core/errors.ts'
import type { Quota } from '../../src/core/quota.ts'
import { discordCommands } from './commands.ts'
import { invitation, mayReadContent, missingIn, needed, permissionsIn, viewServer } from './permissions.ts'
import { type Api, createApi } from './rest.ts'

export interface SetupOptions {
  token: string
  apiUrl?: string
  /** Parley's table of commands. */
  commands: readonly CommandSpec[]
}

export interface Finding {
  name: string
  ok: boolean
  /** For people, with what to do when it is not. */
  userMessage: string
}

export interface Setup {
  invite(): Promise<{ url: string; permissions: string[]; intents: string[] }>
  /** In one server, or everywhere. Writes nothing when Discord has them as they are. */
  register(guildId?: string): Promise<{ changed: boolean; names: string[] }>
  examine(): Promise<Finding[]>
}

/** A command line is alone: what Discord allows is waited for when it says so. */
const noLine: Quota = { take: async () => 0, hold: async () => undefined }
/** Text, announcements and forums. */
const writable = [0, 5, 15]

export function createSetup({ token, apiUrl, commands }: SetupOptions): Setup {
  const api = createApi({ token, quota: noLine, apiUrl })
  const application = () => api.call<APIApplication>('GET', '/applications/@me')

  async function registered(applicationId: string, guildId: string | undefined) {
    const path = commandsPath(applicationId, guildId)
    const wanted = discordCommands(commands).map((command) =>
      guildId === undefined ? command : withoutContexts(command),
    )
    const current = await api.call<object[]>('GET', path)
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
      const { id } = await application()
      const { path, wanted, same } = await registered(id, guildId)
      if (!same) await api.call('PUT', path, { body: wanted })
      return { changed: !same, names: wanted.map(({ name }) => name) }
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
      findings.push((await found('commands', () => commandsState(app.id, guilds))).finding)
      if (guilds.length === 0)
        findings.push({
          name: 'servers',
          ok: false,
          userMessage: 'Parley is in no server. Open the link of `parley discord invite`.',
        })
      for (const { id, name } of guilds) findings.push(await permissionsState(api, id, name, me.value.id))
      return findings
    },
  }

  async function commandsState(applicationId: string, guilds: { id: string; name: string }[]) {
    const places = [undefined, ...guilds.map(({ id }) => id)]
    const states = await Promise.all(places.map((place) => registered(applicationId, place)))
    const there = states.filter(({ current }) => current.length > 0)
    const stale = there.filter(({ same }) => !same)
    if (there.length === 0)
      throw asParleyError(new Error(), 'No commands are registered. Run `parley discord register`.')
    if (stale.length > 0)
      throw asParleyError(new Error(), 'The registered commands are of another version. Run `parley discord register`.')
    return { value: true, userMessage: 'registered and up to date' }
  }
}

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
  if (limit.remaining === 0)
    throw asParleyError(new Error(), 'Discord allows no new connection today: Parley was started too often.')
  return {
    value: true,
    userMessage: `${limit.remaining} of ${limit.total} connections left today, ${shards} recommended at once`,
  }
}

function intents(application: Pick<APIApplication, 'flags'>): Finding {
  const ok = mayReadContent(application)
  const userMessage = ok
    ? 'Message Content is on'
    : 'Message Content Intent is off. Switch it on, on the Bot page of the developer portal: without it Parley does not connect.'
  return { name: 'intents', ok, userMessage }
}

/** Channels that Parley may not see are not its business; those it sees, it must be able to answer in. */
async function permissionsState(api: Api, guildId: string, name: string, me: string): Promise<Finding> {
  const title = `permissions in ${name}`
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
    const told = wrong
      .slice(0, 10)
      .map(({ name: channel, missing }) => `#${channel} lacks ${missing.map((each) => `"${each}"`).join(', ')}`)
    const more = wrong.length > 10 ? `, and ${wrong.length - 10} more channels` : ''
    return {
      name: title,
      ok: false,
      userMessage: `${told.join('; ')}${more}. The server's owner grants it to Parley's role.`,
    }
  } catch (thrown) {
    return { name: title, ok: false, userMessage: asParleyError(thrown).userMessage }
  }
}

function seenText(seen: number, of: number): string {
  if (seen === 0) return 'Parley sees no channel. Grant "View Channels" to its role where it is to answer.'
  return `all that is needed in ${seen} of ${of} channels${seen < of ? '; the others are hidden from Parley' : ''}`
}

const commandsPath = (applicationId: string, guildId: string | undefined) =>
  guildId === undefined
    ? `/applications/${applicationId}/commands`
    : `/applications/${applicationId}/guilds/${guildId}/commands`

/** Where a command may be used is said of global ones alone. */
function withoutContexts<Command extends object>(command: Command): Command {
  const { contexts: _, integration_types: __, ...rest } = command as Command & Record<string, unknown>
  return rest as Command
}

/** What counts of a command's definition. What Discord adds, and its defaults, are left out. */
const compared = [
  'name',
  'type',
  'description',
  'options',
  'required',
  'autocomplete',
  'choices',
  'value',
  'max_length',
  'contexts',
  'integration_types',
]

/** Definitions as one text: the same for what was asked for and for what Discord made of it. */
export function canonical(definitions: readonly object[]): string {
  const byName = definitions.map((each) => ({ type: 1, ...each }) as { name: string; type: number })
  return JSON.stringify(byName.toSorted((a, b) => (`${a.type}${a.name}` < `${b.type}${b.name}` ? -1 : 1)).map(reduced))
}

function reduced(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reduced)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value)
    .filter(([key, each]) => compared.includes(key) && !isDefault(each))
    .map(([key, each]) => [key, reduced(each)] as const)
  return Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function isDefault(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === false ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )
}
