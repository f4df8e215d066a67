/** The REST side of the stand-in: what a bot may call, with Discord's own codes for what it may not. */
import { PermissionFlagsBits as may } from 'discord.js'
import {
  type Answer,
  apply,
  type Call,
  checkContent,
  checkThread,
  demand,
  found,
  type Handler,
  nothing,
  ok,
  Refusal,
  type RestState,
  take,
  threadTypes,
  visible,
  write,
} from './discord-state.ts'
import { callback, deleteOfUse, editOfUse, followUp, ofUse } from './discord-uses.ts'
import type { WorldChannel, WorldMessage } from './discord-world.ts'

/** https://discord.com/developers/docs/resources/message#message-object-message-types */
const starterType = 21

/** THE table: method and path → what happens. */
const routes: [string, RegExp, Handler][] = [
  ['GET', /^\/gateway\/bot$/, gatewayBot],
  ['GET', /^\/users\/@me$/, ({ world }) => ok(world.bot)],
  [
    'GET',
    /^\/users\/@me\/guilds$/,
    ({ world }) =>
      ok(
        [...world.guilds.values()]
          .filter(({ members }) => members.has(world.bot.id))
          .map(({ id, name }) => ({ id, name })),
      ),
  ],
  [
    'GET',
    /^\/applications\/@me$/,
    ({ world, flags, userInstall }) =>
      ok({
        id: world.bot.id,
        name: 'Parley',
        flags,
        integration_types_config: { '0': {}, ...(userInstall && { '1': {} }) },
      }),
  ],
  ['POST', /^\/users\/@me\/channels$/, directChat],
  ['GET', /^\/guilds\/(\d+)$/, guild],
  ['GET', /^\/guilds\/(\d+)\/channels$/, guildChannels],
  [
    'GET',
    /^\/guilds\/(\d+)\/members\/(\d+)$/,
    ({ world }, _, [guildId = '', userId = '']) => {
      const guild = world.guilds.get(guildId)
      if (!guild?.members.has(world.bot.id)) throw new Refusal(404, 10004, 'Unknown Guild')
      if (!guild.members.has(userId)) throw new Refusal(404, 10007, 'Unknown Member')
      return ok(world.memberOf(guildId, userId))
    },
  ],
  ['GET', /^\/guilds\/(\d+)\/threads\/active$/, activeThreads],
  ['GET', /^\/channels\/(\d+)$/, (state, _, [id = '']) => ok(state.world.channelJson(visible(state, id)))],
  [
    'GET',
    /^\/channels\/(\d+)\/messages\/(\d+)$/,
    (state, _, [id = '', message = '']) => {
      demand(state, visible(state, id), may.ReadMessageHistory)
      return ok(overRest(found(state, id, message)))
    },
  ],
  ['GET', /^\/channels\/(\d+)\/messages\/pins$/, pins],
  ['GET', /^\/channels\/(\d+)\/messages$/, channelMessages],
  ['GET', /^\/channels\/(\d+)\/thread-members\/(\d+)$/, threadMember],
  ['PATCH', /^\/channels\/(\d+)$/, changeChannel],
  ['POST', /^\/channels\/(\d+)\/messages$/, postMessage],
  ['PATCH', /^\/channels\/(\d+)\/messages\/(\d+)$/, editMessage],
  ['DELETE', /^\/channels\/(\d+)\/messages\/(\d+)$/, deleteMessage],
  ['POST', /^\/channels\/(\d+)\/messages\/(\d+)\/threads$/, openThread],
  ['POST', /^\/channels\/(\d+)\/typing$/, typing],
  [
    'GET',
    /^\/applications\/\d+(?:\/guilds\/(\d+))?\/commands$/,
    ({ commands }, { query }, [scope = 'global']) =>
      ok(
        query.get('with_localizations') === 'true'
          ? (commands.get(scope) ?? [])
          : untranslated(commands.get(scope) ?? []),
      ),
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
      if (state.failing?.test(`${call.method} ${call.path}`)) throw new Refusal(500, 0, 'Internal Server Error')
      return handle(state, call, match.slice(1))
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      return { status: thrown.status, body: { message: thrown.message, code: thrown.code } }
    }
  }
  return { status: 404, body: { message: '404: Not Found', code: 0 } }
}

function gatewayBot(state: RestState): Answer {
  const session_start_limit = {
    total: 1000,
    remaining: state.sessionsLeft,
    reset_after: state.sessionsBackMs,
    max_concurrency: 16,
  }
  return ok({ url: state.gatewayUrl(), shards: 1, session_start_limit })
}

function guild({ world }: RestState, _: Call, [id = '']: string[]): Answer {
  const known = world.guilds.get(id)
  if (known === undefined || !known.members.has(world.bot.id)) throw new Refusal(404, 10004, 'Unknown Guild')
  return ok({ id, name: known.name, owner_id: known.ownerId, roles: known.roles, features: [] })
}

function guildChannels({ world }: RestState, _: Call, [id = '']: string[]): Answer {
  if (!world.guilds.get(id)?.members.has(world.bot.id)) throw new Refusal(403, 50001, 'Missing Access')
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

/** Messages that are read come without what events add to them. */
function overRest({
  guild_id: _guild,
  member: _member,
  channel_type: _type,
  pinnedAt: _pinnedAt,
  ...message
}: WorldMessage & { member?: unknown }) {
  return message
}

/**
 * Newest first, whichever of `before` and `after` is asked for; the page after a message holds the oldest ones after it.
 * Without Read Message History there are none: https://discord.com/developers/docs/resources/message#get-channel-messages
 */
function channelMessages(state: RestState, { query }: Call, [id = '']: string[]): Answer {
  const channel = visible(state, id)
  const limit = Number(query.get('limit') ?? 50)
  if (!(limit >= 1 && limit <= 100)) throw new Refusal(400, 50035, 'Invalid Form Body: limit must be between 1 and 100')
  if ((state.world.permissions(channel, state.world.bot.id) & may.ReadMessageHistory) === 0n) return ok([])
  const all = (state.world.messages.get(id) ?? [])
    .filter(({ visibleTo }) => visibleTo === undefined)
    .toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
  const [before, after] = [query.get('before'), query.get('after')]
  if (after !== null) return ok(page(all.filter((each) => BigInt(each.id) > BigInt(after)).slice(0, limit)))
  return ok(page(all.filter((each) => before === null || BigInt(each.id) < BigInt(before)).slice(-limit)))
}

/** https://discord.com/developers/docs/resources/message#get-channel-pins */
function pins(state: RestState, { query }: Call, [id = '']: string[]): Answer {
  const channel = visible(state, id)
  const limit = Number(query.get('limit') ?? 50)
  if (!(limit >= 1 && limit <= 50)) throw new Refusal(400, 50035, 'Invalid Form Body: limit must be between 1 and 50')
  const readable = (state.world.permissions(channel, state.world.bot.id) & may.ReadMessageHistory) !== 0n
  const before = query.get('before')
  const all = (readable ? (state.world.messages.get(id) ?? []) : [])
    .flatMap((message) => (message.pinnedAt === undefined ? [] : [{ pinned_at: message.pinnedAt, message }]))
    .filter(({ pinned_at }) => before === null || pinned_at < before)
    .toSorted((a, b) => (a.pinned_at < b.pinned_at ? 1 : -1))
  const items = all.slice(0, limit).map(({ pinned_at, message }) => ({ pinned_at, message: overRest(message) }))
  return ok({ items, has_more: all.length > limit })
}

/** https://discord.com/developers/docs/resources/guild#list-active-guild-threads */
function activeThreads({ world }: RestState, _: Call, [id = '']: string[]): Answer {
  if (!world.guilds.get(id)?.members.has(world.bot.id)) throw new Refusal(403, 50001, 'Missing Access')
  const threads = [...world.channels.values()].filter(
    ({ guildId, type, archived = false }) => guildId === id && threadTypes.includes(type) && !archived,
  )
  return ok({ threads: threads.map((thread) => world.channelJson(thread)), members: [], has_more: false })
}

const page = (oldestFirst: WorldMessage[]) => oldestFirst.toReversed().map(overRest)

function threadMember(state: RestState, _: Call, [id = '', userId = '']: string[]): Answer {
  const { threadMembers = [], type } = visible(state, id)
  if (type === 12 && !threadMembers.includes(userId)) throw new Refusal(404, 10007, 'Unknown Member')
  return ok({ id, user_id: userId, join_timestamp: '2026-01-01T00:00:00+00:00', flags: 0 })
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
  if (reference !== undefined && state.refusedReferences !== undefined)
    throw new Refusal(400, state.refusedReferences, 'Message reference refused')
  if (reference !== undefined)
    demand(state, channel, may.ReadMessageHistory, 160002, 'Cannot reply without permission to read message history')
  checkContent(state, body, call)
  checkThread(channel, true)
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

function editMessage(state: RestState, call: Call, [channelId = '', id = '']: string[]): Answer {
  const channel = visible(state, channelId)
  const message = found(state, channelId, id)
  if (message.author.id !== state.world.bot.id)
    throw new Refusal(403, 50005, 'Cannot edit a message authored by another user')
  checkContent(state, call.body, call, true)
  checkThread(channel, false)
  apply(state, message, call)
  message.edited_timestamp = new Date(state.world.now()).toISOString()
  state.dispatch('MESSAGE_UPDATE', message, channel.guildId)
  return ok(message)
}

function deleteMessage(state: RestState, _: Call, [channelId = '', id = '']: string[]): Answer {
  const channel = visible(state, channelId)
  const message = found(state, channelId, id)
  checkThread(channel, false)
  take(state, message)
  state.dispatch('MESSAGE_DELETE', { id, channel_id: channelId, guild_id: channel.guildId }, channel.guildId)
  return nothing
}

function openThread(state: RestState, { body }: Call, [channelId = '', id = '']: string[]): Answer {
  const channel = visible(state, channelId)
  const starter = found(state, channelId, id)
  if (![0, 5].includes(channel.type)) throw new Refusal(400, 50024, 'Cannot execute action on this channel type')
  demand(state, channel, may.CreatePublicThreads)
  const name = String(body.name)
  if (name.length < 1 || name.length > 100 || !name.isWellFormed())
    throw new Refusal(400, 50035, 'Invalid Form Body: name')
  if (state.world.channels.has(id)) throw new Refusal(400, 160004, 'A thread has already been created for this message')
  const thread: WorldChannel = {
    id,
    type: channel.type === 5 ? 10 : 11,
    name,
    overwrites: [],
    parentId: channelId,
    guildId: channel.guildId,
    ownerId: state.world.bot.id,
  }
  state.world.channels.set(id, thread)
  putStarter(state, thread, starter)
  state.dispatch('THREAD_CREATE', { ...state.world.channelJson(thread), newly_created: true }, channel.guildId)
  return { status: 201, body: state.world.channelJson(thread) }
}

/** Its first message is Discord's own and carries the one that it grew out of. */
function putStarter({ world }: RestState, thread: WorldChannel, starter: WorldMessage): void {
  world.put({
    ...starter,
    id: world.snowflake(),
    type: starterType,
    channel_id: thread.id,
    content: '',
    attachments: [],
    embeds: [],
    mentions: [],
    message_reference: { type: 0, channel_id: starter.channel_id, message_id: starter.id },
    referenced_message: starter,
  })
}

/**
 * Its creator may rename a thread (https://discord.com/developers/docs/topics/threads#editing-deleting-threads), and everybody
 * opens it again; nothing else of a channel is changed without more permissions.
 */
function changeChannel(state: RestState, { body }: Call, [id = '']: string[]): Answer {
  const channel = visible(state, id)
  const own = (channel.ownerId ?? state.world.bot.id) === state.world.bot.id
  if (!threadTypes.includes(channel.type) || (body.archived !== false && !(own && typeof body.name === 'string')))
    throw new Refusal(403, 50013, 'Missing Permissions')
  demand(state, channel, may.SendMessagesInThreads)
  if (channel.locked) throw new Refusal(403, 160005, 'This thread is locked')
  if (typeof body.name === 'string') channel.name = body.name
  if (body.archived === false) channel.archived = false
  state.dispatch('THREAD_UPDATE', state.world.channelJson(channel), channel.guildId)
  return ok(state.world.channelJson(channel))
}

function typing(state: RestState, _: Call, [channelId = '']: string[]): Answer {
  const channel = visible(state, channelId)
  demand(state, channel, threadTypes.includes(channel.type) ? may.SendMessagesInThreads : may.SendMessages)
  state.typing.push({ channelId, at: Date.now() })
  return nothing
}

function putCommands(state: RestState, { body }: Call, [scope = 'global']: string[]): Answer {
  const commands: object[] = Array.isArray(body) ? body : []
  const written = commands.map((command) => ({
    id: state.world.snowflake(),
    application_id: state.world.bot.id,
    version: state.world.snowflake(),
    type: 1,
    default_member_permissions: null,
    nsfw: false,
    description: '',
    name_localizations: null,
    ...command,
  }))
  state.commands.set(scope, written)
  state.registrations += 1
  return ok(written)
}

/** https://discord.com/developers/docs/interactions/application-commands#get-global-application-commands */
function untranslated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untranslated)
  if (typeof value !== 'object' || value === null) return value
  const shown = Object.entries(value).filter(([key]) => !key.endsWith('_localizations'))
  return Object.fromEntries(shown.map(([key, each]) => [key, untranslated(each)]))
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
