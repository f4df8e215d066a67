/**
 * Channels, servers and threads as the gateway knows them: kept up to date by events, and looked up over REST when unknown, as
 * after a restart that resumed the old session.
 */
import type { APIChannel, APIGuild, APIOverwrite, APIRole, GatewayDispatchPayload } from 'discord.js'
import { isThread, type Ownership, type Place } from './normalize.ts'
import type { Api } from './rest.ts'

export interface Guild extends Required<Ownership> {
  id: string
  /** Parley's own role. People mention it as if it were the bot. */
  ownRoleIds: string[]
  roleNames: ReadonlyMap<string, string>
}

export interface ChannelCache {
  channel(id: string): Promise<Place>
  guild(id: string): Promise<Guild>
  /** What is known without asking. */
  known(id: string): Place | undefined
  /** Updates the cache from an event. Answers what was known of a channel or thread that is deleted. */
  note(packet: GatewayDispatchPayload): Place | undefined
}

/** The least recently used are dropped and looked up again when needed. */
const maxKnown = 20_000

export function createChannelCache(api: Api, me: () => string): ChannelCache {
  const channels = new Map<string, Place>()
  const guilds = new Map<string, Guild>()

  function keep<T>(known: Map<string, T>, id: string, value: T): T {
    known.delete(id)
    known.set(id, value)
    const [oldest] = known.keys()
    if (known.size > maxKnown && oldest !== undefined) known.delete(oldest)
    return value
  }

  const keepChannel = (channel: RawChannel, guildId?: string) => keep(channels, channel.id, placeOf(channel, guildId))

  function keepGuild(guild: RawGuild): Guild {
    const roles = new Map(guild.roles.map((role) => [role.id, BigInt(role.permissions)]))
    const ownRoleIds = guild.roles.filter(({ tags }) => tags?.bot_id === me()).map(({ id }) => id)
    const roleNames = new Map(guild.roles.map(({ id, name }) => [id, name]))
    return keep(guilds, guild.id, { id: guild.id, ownerId: guild.owner_id, roles, ownRoleIds, roleNames })
  }

  return {
    async channel(id) {
      return channels.get(id) ?? keepChannel(await api.call<APIChannel>('GET', `/channels/${id}`))
    },
    async guild(id) {
      return guilds.get(id) ?? keepGuild(await api.call<APIGuild>('GET', `/guilds/${id}`))
    },
    known: (id) => channels.get(id),
    note(packet) {
      switch (packet.t) {
        case 'GUILD_CREATE': {
          if (packet.d.unavailable) return undefined
          keepGuild(packet.d)
          for (const channel of [...packet.d.channels, ...packet.d.threads]) keepChannel(channel, packet.d.id)
          return undefined
        }
        case 'GUILD_UPDATE':
          keepGuild(packet.d)
          return undefined
        case 'GUILD_DELETE':
          guilds.delete(packet.d.id)
          return undefined
        case 'GUILD_ROLE_CREATE':
        case 'GUILD_ROLE_UPDATE':
        case 'GUILD_ROLE_DELETE':
          // Looked up again with the next question.
          guilds.delete(packet.d.guild_id)
          return undefined
        case 'CHANNEL_CREATE':
        case 'CHANNEL_UPDATE':
        case 'THREAD_CREATE':
        case 'THREAD_UPDATE':
          keepChannel(packet.d)
          return undefined
        case 'CHANNEL_DELETE':
        case 'THREAD_DELETE': {
          const before = channels.get(packet.d.id)
          channels.delete(packet.d.id)
          return before
        }
        case 'THREAD_LIST_SYNC':
          for (const thread of packet.d.threads) keepChannel(thread, packet.d.guild_id)
          return undefined
        default:
          return undefined
      }
    },
  }
}

interface RawGuild {
  id: string
  owner_id: string
  roles: Pick<APIRole, 'id' | 'name' | 'permissions' | 'tags'>[]
}

interface RawChannel {
  id: string
  type: number
  name?: string | null
  guild_id?: string
  parent_id?: string | null
  owner_id?: string
  permission_overwrites?: APIOverwrite[]
}

function placeOf(channel: RawChannel, guildId: string | undefined): Place {
  const place: Place = { id: channel.id, type: channel.type }
  const guild = channel.guild_id ?? guildId
  if (channel.name) place.name = channel.name
  if (guild !== undefined) place.guildId = guild
  // A channel's parent is its category, which does not matter here.
  if (channel.parent_id && isThread(place)) place.parentId = channel.parent_id
  if (channel.permission_overwrites !== undefined) place.overwrites = channel.permission_overwrites
  if (channel.owner_id !== undefined) place.ownerId = channel.owner_id
  return place
}
