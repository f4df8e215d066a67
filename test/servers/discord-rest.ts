/** The REST side of the stand-in: what a bot may call, with Discord's own codes for what it may not. */
import { type APIUser, PermissionFlagsBits as may } from 'discord.js'
import type { World, WorldChannel, WorldMessage } from './discord-world.ts'

/** A request as it came in; `body` is the JSON, or the `payload_json` of a form with files. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  authorized: boolean
  body: Record<string, unknown>
  files: { name: string; type: string; data: Buffer; index: number }[]
}

export interface Answer {
  status: number
  body?: unknown
}

/** A use of a command, a button or a form. */
export interface Use {
  id: string
  token: string
  user: APIUser
  channel: WorldChannel
  madeAt: number
  /** What Discord was told first: `4` a message, `5` to wait, `6` nothing to show, `8` suggestions, `9` a form. */
  acknowledged?: { type: number; data?: Record<string, unknown>; afterMs: number }
  ephemeral: boolean
  original?: WorldMessage
  /** Of a button: the message that it is under. */
  message?: WorldMessage
  followUps: WorldMessage[]
}

export interface RestState {
  world: World
  uses: Map<string, Use>
  /** How long a token is good. */
  tokenLifeMs: number
  /** Scope (`global` or a server's id) → commands. */
  commands: Map<string, Record<string, unknown>[]>
  /** How often commands were written. */
  registrations: number
  typing: { channelId: string; at: number }[]
  /** People who take no direct messages. */
  closed: Set<string>
  nonces: Map<string, WorldMessage>
  flags: number
  base(): string
  gatewayUrl(): string
  dispatch(t: string, d: object, guildId?: string): void
  changed(): void
}

class Refusal extends Error {
  readonly status: number
  readonly code: number
  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const ackWithinMs = 3000
const threadTypes = [10, 11, 12]

type Handler = (state: RestState, call: Call, ids: string[]) => Answer

/** THE table: method and path → what happens. */
const routes: [string, RegExp, Handler][] = [
  ['GET', /^\/gateway\/bot$/, gatewayBot],
  ['GET', /^\/users\/@me$/, ({ world }) => ok(world.bot)],
  [
    'GET',
    /^\/users\/@me\/guilds$/,
    ({ world }) => ok([...world.guilds.values()].map(({ id, name }) => ({ id, name }))),
  ],
  ['GET', /^\/applications\/@me$/, ({ world, flags }) => ok({ id: world.bot.id, name: 'Parley', flags })],
  ['POST', /^\/users\/@me\/channels$/, directChat],
  ['GET', /^\/guilds\/(\d+)$/, guild],
  ['GET', /^\/guilds\/(\d+)\/channels$/, guildChannels],
  [
    'GET',
    /^\/guilds\/(\d+)\/members\/(\d+)$/,
    ({ world }, _, [guildId = '', userId = '']) => ok(world.memberOf(guildId, userId)),
  ],
  ['GET', /^\/channels\/(\d+)$/, (state, _, [id = '']) => ok(state.world.channelJson(visible(state, id)))],
  [
    'GET',
    /^\/channels\/(\d+)\/messages\/(\d+)$/,
    (state, _, [id = '', message = '']) => ok(found(state, visible(state, id).id, message)),
  ],
  ['POST', /^\/channels\/(\d+)\/messages$/, postMessage],
  ['PATCH', /^\/channels\/(\d+)\/messages\/(\d+)$/, editMessage],
  ['DELETE', /^\/channels\/(\d+)\/messages\/(\d+)$/, deleteMessage],
  ['POST', /^\/channels\/(\d+)\/messages\/(\d+)\/threads$/, openThread],
  ['POST', /^\/channels\/(\d+)\/typing$/, typing],
  [
    'GET',
    /^\/applications\/\d+(?:\/guilds\/(\d+))?\/commands$/,
    ({ commands }, _, [scope = 'global']) => ok(commands.get(scope) ?? []),
  ],
  ['PUT', /^\/applications\/\d+(?:\/guilds\/(\d+))?\/commands$/, putCommands],
  ['POST', /^\/interactions\/(\d+)\/([^/]+)\/callback$/, callback],
  ['POST', /^\/webhooks\/\d+\/([^/]+)$/, followUp],
  [
    'GET',
    /^\/webhooks\/\d+\/([^/]+)\/messages\/(@original|\d+)$/,
    (state, _, [token = '', id = '']) => ok(ofUse(state, token, id).message),
  ],
  ['PATCH', /^\/webhooks\/\d+\/([^/]+)\/messages\/(@original|\d+)$/, editOfUse],
  ['DELETE', /^\/webhooks\/\d+\/([^/]+)\/messages\/(@original|\d+)$/, deleteOfUse],
  ['POST', /^\/attachments\/refresh-urls$/, refreshUrls],
]

export function answer(state: RestState, call: Call): Answer {
  for (const [method, pattern, handle] of routes) {
    const match = method === call.method ? pattern.exec(call.path) : null
    if (match === null) continue
    try {
      const open = call.path.startsWith('/webhooks/') || call.path.startsWith('/interactions/')
      if (!call.authorized && !open) throw new Refusal(401, 0, '401: Unauthorized')
      return handle(state, call, match.slice(1))
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      return { status: thrown.status, body: { message: thrown.message, code: thrown.code } }
    }
  }
  return { status: 404, body: { message: '404: Not Found', code: 0 } }
}

const ok = (body: unknown): Answer => ({ status: 200, body })
const nothing: Answer = { status: 204 }

function gatewayBot(state: RestState): Answer {
  const session_start_limit = { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 16 }
  return ok({ url: state.gatewayUrl(), shards: 1, session_start_limit })
}

function guild({ world }: RestState, _: Call, [id = '']: string[]): Answer {
  const known = world.guilds.get(id)
  if (known === undefined) throw new Refusal(404, 10004, 'Unknown Guild')
  return ok({ id, name: known.name, owner_id: known.ownerId, roles: known.roles })
}

function guildChannels({ world }: RestState, _: Call, [id = '']: string[]): Answer {
  const inside = [...world.channels.values()].filter(
    ({ guildId, type }) => guildId === id && !threadTypes.includes(type),
  )
  return ok(inside.map((channel) => world.channelJson(channel)))
}

function directChat({ world }: RestState, { body }: Call): Answer {
  const id = String(body.recipient_id)
  if (!world.users.has(id)) throw new Refusal(400, 50033, 'Invalid Recipient(s)')
  return ok(world.channelJson(world.directChat(id)))
}

function channelOf({ world }: RestState, id: string): WorldChannel {
  const channel = world.channels.get(id)
  if (channel === undefined) throw new Refusal(404, 10003, 'Unknown Channel')
  return channel
}

function visible(state: RestState, id: string): WorldChannel {
  const channel = channelOf(state, id)
  demand(state, channel, may.ViewChannel, 50001, 'Missing Access')
  return channel
}

function demand(
  { world }: RestState,
  channel: WorldChannel,
  flag: bigint,
  code = 50013,
  message = 'Missing Permissions',
) {
  if ((world.permissions(channel, world.bot.id) & flag) === 0n) throw new Refusal(403, code, message)
}

function found(state: RestState, channelId: string, id: string): WorldMessage {
  const message = state.world.find(channelId, id)
  if (message === undefined || message.visibleTo !== undefined) throw new Refusal(404, 10008, 'Unknown Message')
  return message
}

function postMessage(state: RestState, call: Call, [channelId = '']: string[]): Answer {
  const channel = visible(state, channelId)
  const { body } = call
  const inThread = threadTypes.includes(channel.type)
  demand(state, channel, inThread ? may.SendMessagesInThreads : may.SendMessages)
  if (call.files.length > 0) demand(state, channel, may.AttachFiles)
  if (channel.userId !== undefined && state.closed.has(channel.userId))
    throw new Refusal(403, 50007, 'Cannot send messages to this user')
  const reference = body.message_reference as { message_id?: string } | undefined
  if (reference !== undefined) demand(state, channel, may.ReadMessageHistory)
  checkContent(body, call)
  const nonce = body.nonce === undefined || body.enforce_nonce !== true ? undefined : `${channelId}/${body.nonce}`
  const before = nonce === undefined ? undefined : state.nonces.get(nonce)
  if (before !== undefined) return ok(before)
  const message = write(state, channel, call)
  if (reference?.message_id !== undefined) {
    message.type = 19
    message.message_reference = { type: 0, channel_id: channelId, message_id: reference.message_id }
  }
  if (nonce !== undefined) state.nonces.set(nonce, message)
  state.dispatch('MESSAGE_CREATE', message, channel.guildId)
  return ok(message)
}

/** Stores what the bot says. */
function write(state: RestState, channel: WorldChannel, call: Call, use?: Use): WorldMessage {
  const { world } = state
  const ephemeral = (Number(call.body.flags ?? 0) & 64) !== 0
  const message = world.put({
    ...{
      id: world.snowflake(),
      type: use === undefined ? 0 : 20,
      channel_id: channel.id,
      author: world.bot,
      content: '',
    },
    ...{ timestamp: new Date(world.now()).toISOString(), edited_timestamp: null, tts: false, mention_everyone: false },
    ...{ mentions: [], mention_roles: [], attachments: [], embeds: [], pinned: false, components: [], times: [] },
    ...(channel.guildId === undefined ? {} : { guild_id: channel.guildId }),
    ...(use !== undefined && ephemeral ? { visibleTo: use.user.id } : {}),
    flags: Number(call.body.flags ?? 0),
  } as WorldMessage)
  apply(state, message, call)
  return message
}

function apply(state: RestState, message: WorldMessage, { body, files }: Call): void {
  if (typeof body.content === 'string') message.content = body.content
  if (Array.isArray(body.components)) message.components = body.components as NonNullable<WorldMessage['components']>
  if (files.length > 0)
    message.attachments = files.map(({ name, data, type }) =>
      state.world.store(state.base(), message.channel_id, name, data, type),
    )
  message.times.push(Date.now())
  state.changed()
}

/** Discord's own rules that its document does not hold. */
function checkContent(body: Record<string, unknown>, { files }: Call, mayBeEmpty = false): void {
  const content = typeof body.content === 'string' ? body.content : ''
  if (content.length > 2000) throw new Refusal(400, 50035, 'Invalid Form Body: content must be 2000 or fewer in length')
  const components = (body.components as unknown[] | undefined) ?? []
  if (!mayBeEmpty && content === '' && files.length === 0 && components.length === 0)
    throw new Refusal(400, 50006, 'Cannot send an empty message')
  const ids = [...JSON.stringify(components).matchAll(/"custom_id":"([^"]*)"/g)].map(([, id]) => id)
  if (new Set(ids).size !== ids.length) throw new Refusal(400, 50035, 'Component custom id cannot be duplicated')
}

function editMessage(state: RestState, call: Call, [channelId = '', id = '']: string[]): Answer {
  const channel = visible(state, channelId)
  const message = found(state, channelId, id)
  if (message.author.id !== state.world.bot.id)
    throw new Refusal(403, 50005, 'Cannot edit a message authored by another user')
  checkContent(call.body, call, true)
  apply(state, message, call)
  message.edited_timestamp = new Date(state.world.now()).toISOString()
  state.dispatch('MESSAGE_UPDATE', message, channel.guildId)
  return ok(message)
}

function deleteMessage(state: RestState, _: Call, [channelId = '', id = '']: string[]): Answer {
  const channel = visible(state, channelId)
  take(state, found(state, channelId, id))
  state.dispatch('MESSAGE_DELETE', { id, channel_id: channelId, guild_id: channel.guildId }, channel.guildId)
  return nothing
}

function take(state: RestState, message: WorldMessage): void {
  const { messages } = state.world
  messages.set(
    message.channel_id,
    (messages.get(message.channel_id) ?? []).filter((each) => each !== message),
  )
  state.changed()
}

function openThread(state: RestState, { body }: Call, [channelId = '', id = '']: string[]): Answer {
  const channel = visible(state, channelId)
  found(state, channelId, id)
  if (![0, 5].includes(channel.type)) throw new Refusal(400, 50024, 'Cannot execute action on this channel type')
  demand(state, channel, may.CreatePublicThreads)
  if (state.world.channels.has(id)) throw new Refusal(400, 160004, 'A thread has already been created for this message')
  const thread: WorldChannel = {
    ...{ id, type: channel.type === 5 ? 10 : 11, name: String(body.name), overwrites: [], parentId: channelId },
    ...(channel.guildId === undefined ? {} : { guildId: channel.guildId }),
  }
  state.world.channels.set(id, thread)
  state.dispatch('THREAD_CREATE', { ...state.world.channelJson(thread), newly_created: true }, channel.guildId)
  return { status: 201, body: state.world.channelJson(thread) }
}

function typing(state: RestState, _: Call, [channelId = '']: string[]): Answer {
  const channel = visible(state, channelId)
  demand(state, channel, threadTypes.includes(channel.type) ? may.SendMessagesInThreads : may.SendMessages)
  state.typing.push({ channelId, at: Date.now() })
  return nothing
}

function putCommands(state: RestState, { body }: Call, [scope = 'global']: string[]): Answer {
  const written = (body as unknown as Record<string, unknown>[]).map((command) => ({
    ...{ id: state.world.snowflake(), application_id: state.world.bot.id, version: state.world.snowflake(), type: 1 },
    ...{ default_member_permissions: null, nsfw: false, description: '', name_localizations: null },
    ...command,
  }))
  state.commands.set(scope, written)
  state.registrations += 1
  return ok(written)
}

function interactionOf(state: RestState, token: string): Use {
  const use = [...state.uses.values()].find((each) => each.token === token)
  // Nothing is known of a token before the interaction is acknowledged.
  if (use?.acknowledged === undefined) throw new Refusal(404, 10015, 'Unknown Webhook')
  if (state.world.now() > use.madeAt + state.tokenLifeMs) throw new Refusal(401, 50027, 'Invalid Webhook Token')
  return use
}

function callback(state: RestState, call: Call, [id = '', token = '']: string[]): Answer {
  const use = state.uses.get(id)
  const afterMs = state.world.now() - (use?.madeAt ?? 0)
  if (use === undefined || use.token !== token || (use.acknowledged === undefined && afterMs > ackWithinMs))
    throw new Refusal(404, 10062, 'Unknown interaction')
  if (use.acknowledged !== undefined) throw new Refusal(400, 40060, 'Interaction has already been acknowledged.')
  const { type, data = {} } = call.body as { type: number; data?: Record<string, unknown> }
  if (type === 4) checkContent(data, call)
  use.acknowledged = { type, data, afterMs }
  use.ephemeral = (Number(data.flags ?? 0) & 64) !== 0
  if (type === 4) use.original = write(state, use.channel, { ...call, body: data }, use)
  // Shown as "thinking" until it is changed.
  if (type === 5) {
    use.original = write(
      state,
      use.channel,
      { ...call, body: { flags: Number(data.flags ?? 0) | 128, content: '' } },
      use,
    )
    use.original.times.length = 0
  }
  if (type === 6 && use.message !== undefined) use.original = use.message
  state.changed()
  return nothing
}

function ofUse(state: RestState, token: string, id: string): { use: Use; message: WorldMessage } {
  const use = interactionOf(state, token)
  const message = id === '@original' ? use.original : [use.original, ...use.followUps].find((each) => each?.id === id)
  if (message === undefined) throw new Refusal(404, 10008, 'Unknown Message')
  return { use, message }
}

function editOfUse(state: RestState, call: Call, [token = '', id = '']: string[]): Answer {
  const { message } = ofUse(state, token, id)
  checkContent(call.body, call, true)
  message.flags = (message.flags ?? 0) & ~128
  apply(state, message, call)
  return ok(message)
}

function deleteOfUse(state: RestState, _: Call, [token = '', id = '']: string[]): Answer {
  take(state, ofUse(state, token, id).message)
  return nothing
}

function followUp(state: RestState, call: Call, [token = '']: string[]): Answer {
  const use = interactionOf(state, token)
  checkContent(call.body, call)
  const message = write(state, use.channel, call, use)
  use.followUps.push(message)
  return ok(message)
}

function refreshUrls(state: RestState, { body }: Call): Answer {
  const urls = body.attachment_urls as string[]
  const refreshed = urls.map((original) => {
    const path = new URL(original).pathname.replace(/^\/api/, '')
    const file = state.world.files.get(path)
    if (file === undefined) return { original, refreshed: null }
    file.expiresAt = state.world.now() + 86_400_000
    return { original, refreshed: `${state.base()}${path}?ex=${file.expiresAt.toString(16)}&is=2&hm=3` }
  })
  return ok({ refreshed_urls: refreshed })
}
