/** What the stand-in for Discord knows: people, servers, channels, messages, and who may do what. */
import type {
  APIAttachment,
  APIChannel,
  APIMessage,
  APIRole,
  APIUser,
  ChannelFlags,
  GuildMemberFlags,
  RoleFlags,
} from 'discord.js'
import { PermissionFlagsBits as may } from 'discord.js'

export interface WorldGuild {
  id: string
  name: string
  ownerId: string
  roles: APIRole[]
  /** Roles of each member. Who is not in it is not in the server. */
  members: Map<string, string[]>
  /** Of them, those who were invited to one voice channel. */
  guests: Set<string>
  /** Until when a moderator silences a member. */
  timeOuts: Map<string, string>
}

export interface WorldChannel {
  id: string
  type: number
  name: string
  guildId?: string
  parentId?: string
  overwrites: { id: string; type: 0 | 1; allow: string; deny: string }[]
  /** Of a direct chat: who is in it beside the bot. */
  userId?: string
  /** Of a thread: who opened it. */
  ownerId?: string
  /** Of a private thread: who was added to it, beside the bot. */
  threadMembers?: string[]
  /** For adults alone. */
  nsfw?: boolean
  /** Of a thread. */
  archived?: boolean
  locked?: boolean
}

export interface WorldMessage extends APIMessage {
  guild_id?: string
  channel_type?: number
  pinnedAt?: string
  /** Only this person sees it. */
  visibleTo?: string
  /** When it was made and edited, in milliseconds, for those who measure. */
  times: number[]
}

export interface StoredFile {
  data: Buffer
  type: string
  /** An address that is older is refused. */
  expiresAt: number
}

const epoch = 1_420_070_400_000

export type World = ReturnType<typeof createWorld>

/** Everything a bot is granted at first: what `parley discord invite` asks for. */
const granted =
  may.ViewChannel |
  may.SendMessages |
  may.SendMessagesInThreads |
  may.CreatePublicThreads |
  may.ReadMessageHistory |
  may.AttachFiles

export function createWorld() {
  const clock = { ahead: 0 }
  const now = () => Date.now() + clock.ahead
  let last = 0n
  const snowflake = (): string => {
    const at = (BigInt(now() - epoch) << 22n) | 1n
    last = at > last ? at : last + 1n
    return String(last)
  }
  const bot = user('Parley', true)
  const users = new Map<string, APIUser>([[bot.id, bot]])
  const guilds = new Map<string, WorldGuild>()
  const channels = new Map<string, WorldChannel>()
  const messages = new Map<string, WorldMessage[]>()
  const files = new Map<string, StoredFile>()

  function user(name: string, isBot = false): APIUser {
    const id = snowflake()
    const made = { id, username: name.toLowerCase(), global_name: name, discriminator: '0', avatar: null }
    return isBot ? { ...made, bot: true } : made
  }

  function role(id: string, name: string, permissions: bigint, tags?: APIRole['tags']): APIRole {
    return {
      id,
      name,
      permissions: String(permissions),
      position: 0,
      color: 0,
      hoist: false,
      managed: tags !== undefined,
      mentionable: false,
      flags: 0 as RoleFlags,
      colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
      ...(tags === undefined ? {} : { tags }),
    }
  }

  return {
    clock,
    now,
    snowflake,
    bot,
    users,
    guilds,
    channels,
    messages,
    files,
    addUser(name: string, isBot = false): APIUser {
      const made = user(name, isBot)
      users.set(made.id, made)
      return made
    },
    addGuild(name: string, owner: APIUser): WorldGuild {
      const id = snowflake()
      const own = role(snowflake(), 'Parley', granted, { bot_id: bot.id })
      const everyone = role(id, '@everyone', may.ViewChannel | may.SendMessages | may.ReadMessageHistory)
      const guild = {
        id,
        name,
        ownerId: owner.id,
        roles: [everyone, own],
        members: new Map([
          [owner.id, []],
          [bot.id, [own.id]],
        ]),
        guests: new Set<string>(),
        timeOuts: new Map<string, string>(),
      }
      guilds.set(id, guild)
      return guild
    },
    /** Answers its id. */
    addRole(guild: WorldGuild, name: string, permissions = 0n): string {
      const made = role(snowflake(), name, permissions)
      guild.roles.push(made)
      return made.id
    },
    addChannel(guild: WorldGuild, name: string, more: Partial<WorldChannel> = {}): WorldChannel {
      const channel = { id: snowflake(), type: 0, name, guildId: guild.id, overwrites: [], ...more }
      channels.set(channel.id, channel)
      return channel
    },
    directChat(userId: string): WorldChannel {
      const known = [...channels.values()].find((channel) => channel.type === 1 && channel.userId === userId)
      if (known) return known
      const channel: WorldChannel = { id: snowflake(), type: 1, name: '', overwrites: [], userId }
      channels.set(channel.id, channel)
      return channel
    },
    permissions(channel: WorldChannel, userId: string): bigint {
      const guild = guilds.get(channel.guildId ?? '')
      if (guild === undefined || guild.ownerId === userId) return (1n << 53n) - 1n
      if (userId === bot.id && !guild.members.has(bot.id)) return 0n
      const own = [guild.id, ...(guild.members.get(userId) ?? [])]
      let sum = guild.roles
        .filter(({ id }) => own.includes(id))
        .reduce((all, each) => all | BigInt(each.permissions), 0n)
      if ((sum & may.Administrator) !== 0n) return (1n << 53n) - 1n
      const { overwrites } = channels.get(channel.parentId ?? '') ?? channel
      const steps = [
        overwrites.filter(({ id }) => id === guild.id),
        overwrites.filter(({ id }) => id !== guild.id && own.includes(id)),
        overwrites.filter(({ id }) => id === userId),
      ]
      for (const step of steps) {
        sum &= ~step.reduce((all, { deny }) => all | BigInt(deny), 0n)
        sum |= step.reduce((all, { allow }) => all | BigInt(allow), 0n)
      }
      // https://discord.com/developers/docs/topics/permissions#permissions-for-timed-out-members
      const until = guild.timeOuts.get(userId)
      const silenced = until !== undefined && Date.parse(until) > now()
      return silenced ? sum & (may.ViewChannel | may.ReadMessageHistory) : sum
    },
    memberOf(guildId: string, userId: string) {
      const found = users.get(userId)
      return {
        roles: guilds.get(guildId)?.members.get(userId) ?? [],
        nick: null,
        avatar: null,
        deaf: false,
        mute: false,
        joined_at: '2026-01-01T00:00:00+00:00',
        communication_disabled_until: guilds.get(guildId)?.timeOuts.get(userId) ?? null,
        flags: (guilds.get(guildId)?.guests.has(userId) ? 16 : 0) as GuildMemberFlags,
        ...(found ? { user: found } : {}),
      }
    },
    channelJson(channel: WorldChannel): APIChannel {
      const { id, type, name, guildId, parentId, overwrites, userId, ownerId } = channel
      const { archived = false, locked = false, nsfw = false } = channel
      const last = messages.get(id)?.at(-1)?.id ?? null
      const of = users.get(userId ?? '')
      if (type === 1) return { id, type, name: null, recipients: of ? [of] : [], last_message_id: last } as APIChannel
      const thread = {
        owner_id: ownerId ?? bot.id,
        message_count: 0,
        member_count: 2,
        thread_metadata: { ...threadMetadata, archived, locked },
      }
      return {
        id,
        type,
        name,
        guild_id: guildId,
        parent_id: parentId ?? null,
        last_message_id: last,
        flags: 0 as ChannelFlags,
        ...([10, 11, 12].includes(type) ? thread : { permission_overwrites: overwrites, position: 0, nsfw }),
      } as APIChannel
    },
    /** Stores bytes as Discord's own servers would; the address is good for a day. */
    store(base: string, channelId: string, name: string, data: Buffer, type: string, more: object = {}): APIAttachment {
      const id = snowflake()
      const path = `/attachments/${channelId}/${id}/${encodeURIComponent(name)}`
      files.set(path, { data, type, expiresAt: now() + 86_400_000 })
      const url = `${base}${path}?ex=${now().toString(16)}&is=1&hm=2`
      return {
        id,
        filename: name,
        size: data.length,
        url,
        proxy_url: url,
        content_type: type,
        ...more,
      } as APIAttachment
    },
    put(message: WorldMessage): WorldMessage {
      messages.set(message.channel_id, [...(messages.get(message.channel_id) ?? []), message])
      return message
    },
    find: (channelId: string, id: string) => messages.get(channelId)?.find((message) => message.id === id),
  }
}

const threadMetadata = {
  archived: false,
  auto_archive_duration: 1440,
  archive_timestamp: '2026-01-01T00:00:00+00:00',
  locked: false,
  create_timestamp: '2026-01-01T00:00:00+00:00',
}
