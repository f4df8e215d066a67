/**
 * Who can read a channel, asked of Discord now. No privileged intent is needed: members are asked for one by one, and what a channel's
 * readers are is told by its roles, not by names.
 */
import {
  type APIChannel,
  type APIGuildChannel,
  type APIGuildMember,
  type APIThreadChannel,
  ChannelType,
  PermissionFlagsBits as may,
} from 'discord.js'
import type { PlaceAddress, PlaceFacts, Places } from '../../src/core/place.ts'
import { createShared } from '../../src/core/shared.ts'
import { directWorkspace, guestFlag, privateThread } from './normalize.ts'
import { grants, isVoice, permissionsIn, readersOf, type ServerView, toRead, toSee, viewServer } from './permissions.ts'
import { type Api, DiscordRefusal } from './rest.ts'

export interface PlacesDeps {
  api: Pick<Api, 'call'>
  /** Parley's own id. */
  me(): Promise<string>
}

type GuildChannel = APIGuildChannel & { nsfw?: boolean }

interface Ground {
  server: ServerView
  channel: GuildChannel
  /** Where the place is a private thread of the channel. */
  thread: APIThreadChannel | undefined
}

const snowflake = /^\d{1,20}$/

export function createPlaces({ api, me }: PlacesDeps): Places {
  const servers = createShared<ServerView | null>()
  const members = createShared<APIGuildMember | null>()
  const threads = createShared<APIThreadChannel | null>()
  const threadMembers = createShared<object | null>()
  const chats = createShared<APIChannel | null>()

  /** `null` where Discord says no. A search waits about a second, so the calls skip the queue. */
  async function ask<T>(call: () => Promise<T>): Promise<T | null> {
    try {
      return await call()
    } catch (error) {
      if (error instanceof DiscordRefusal && error.status !== 401) return null
      throw error
    }
  }

  function get<T>(shared: ReturnType<typeof createShared<T | null>>, path: string, signal: AbortSignal) {
    return shared(signal, path, () => ask(() => api.call<T>('GET', path, { signal, urgent: true })))
  }

  function serverOf(guildId: string, signal: AbortSignal): Promise<ServerView | null> {
    return servers(signal, guildId, () =>
      ask(async () => viewServer(api, guildId, await me(), { signal, urgent: true })),
    )
  }

  /** `null` where there is no such place, or Parley cannot see it. */
  async function groundOf(place: PlaceAddress, signal: AbortSignal): Promise<Ground | null> {
    const { workspaceId, channelId, threadId } = place
    if (threadId !== undefined && !snowflake.test(threadId)) return null
    const server = await serverOf(workspaceId, signal)
    const channel = server?.channels.find(({ id }) => id === channelId)
    if (server === null || channel === undefined) return null
    if (!grants(permissionsIn(server, channel.permission_overwrites), toSee(channel.type))) return null
    if (threadId === undefined) return { server, channel, thread: undefined }
    const thread = await get(threads, `/channels/${threadId}`, signal)
    return thread?.parent_id === channelId ? { server, channel, thread } : null
  }

  async function directOf({ channelId }: PlaceAddress, signal: AbortSignal) {
    const chat = await get(chats, `/channels/${channelId}`, signal)
    if (chat?.type !== ChannelType.DM) return null
    const people = (chat.recipients ?? []).filter(({ bot }) => bot !== true)
    return { kind: 'direct' as const, members: people.map(({ id }) => id) }
  }

  return {
    async look(place, { signal }) {
      if (place.workspaceId === directWorkspace) return await directOf(place, signal)
      const ground = await groundOf(place, signal)
      return ground === null ? null : factsOf(ground, await me())
    },

    async canRead(place, account, { signal }) {
      if (place.workspaceId === directWorkspace)
        return (await directOf(place, signal))?.members.includes(account) === true
      // A person is in few of the servers that Parley is in: one call for each of the others.
      const member = await get(members, `/guilds/${place.workspaceId}/members/${account}`, signal)
      const ground = member === null ? null : await groundOf(place, signal)
      if (ground === null || member === null) return false
      const { server, channel, thread } = ground
      // Discord shows an age-restricted channel to adults alone, and a guest nothing but the voice channel of their invitation.
      if (channel.nsfw === true || (member.flags & guestFlag) !== 0) return false
      const grounds = { guild: server.guild, member: { userId: account, roles: member.roles } }
      const granted = permissionsIn(grounds, channel.permission_overwrites)
      if (!grants(granted, toRead(channel.type))) return false
      if (thread?.type !== privateThread || grants(granted, may.ManageThreads)) return true
      return (await get(threadMembers, `/channels/${thread.id}/thread-members/${account}`, signal)) !== null
    },
  }
}

/**
 * A server has no guests but in voice channels. People who look at a server that is listed in Discord's directory before they join it read
 * exactly what `@everyone` reads, which is public here, too.
 */
function factsOf({ server: { guild }, channel, thread }: Ground, me: string): PlaceFacts {
  const outsiders = isVoice(channel.type) ? undefined : false
  if (thread !== undefined) return { kind: 'private', name: thread.name ?? undefined, outsiders }
  const groups = channel.nsfw === true ? undefined : readersOf(guild, channel, me)
  return { kind: groups?.includes(guild.id) ? 'public' : 'private', name: channel.name, outsiders, groups }
}
