/** People on the stand-in: they write, change what they wrote, use commands, press buttons and send forms. */
import type { APIUser } from 'discord.js'
import type { RestState, Use } from './discord-state.ts'
import type { World, WorldChannel, WorldGuild, WorldMessage } from './discord-world.ts'

export interface Writing {
  author: APIUser
  channel: WorldChannel
  text?: string
  /** The bot is mentioned in front of the text. */
  mention?: boolean
  files?: { name: string; data: Buffer; type?: string; durationSecs?: number }[]
  /** Repeats an event: the same id as before. */
  id?: string
  replyTo?: WorldMessage
  more?: object
}

export interface Using {
  user: APIUser
  channel: WorldChannel
  /** Discord's number of the kind: 2 command, 3 button or menu, 4 suggestions, 5 form. */
  type: 2 | 3 | 4 | 5
  data: Record<string, unknown>
  message?: WorldMessage
  permissions?: bigint
  /** The person brought Parley along, to a place that did not add it. */
  alone?: boolean
}

export interface People {
  write(what: Writing): WorldMessage
  /** `more`: what else changes with it, such as mentions. */
  edit(message: WorldMessage, text: string, more?: Partial<WorldMessage>): void
  /** Its author, or a moderator, deletes messages of a channel: two or more at once are one event. */
  delete(...messages: WorldMessage[]): void
  /** A moderator deletes a channel or a thread: no event comes for what was written in it. */
  deleteChannel(channel: WorldChannel): void
  /** Moderators change what others may see: these events come without privileged intents. */
  allow(channel: WorldChannel, overwrites: WorldChannel['overwrites']): void
  /** A role is changed, or taken away with `null`. */
  changeRole(guild: WorldGuild, roleId: string, permissions: bigint | null): void
  /** Somebody gets other roles, or leaves (`null`): Discord tells bots with the server members intent, and of themselves. */
  changeMember(guild: WorldGuild, userId: string, roles: string[] | null): void
  /** Somebody is added to a private thread, or removed from it. */
  changeThread(thread: WorldChannel, change: { added?: string; removed?: string }): void
  pin(message: WorldMessage): void
  /** The bot is removed from a server. */
  expel(guild: WorldGuild): void
  use(what: Using): Use
}

export interface PeopleDeps {
  world: World
  /** Below which files lie. */
  url: string
  uses: Map<string, Use>
  dispatch: RestState['dispatch']
}

export function createPeople({ world, url, uses, dispatch }: PeopleDeps): People {
  function memberFields(channel: WorldChannel, user: APIUser) {
    if (channel.guildId === undefined) return {}
    const { user: _, ...member } = world.memberOf(channel.guildId, user.id)
    return { guild_id: channel.guildId, member }
  }

  return {
    write({ author, channel, text = '', mention = false, files = [], id = world.snowflake(), replyTo, more = {} }) {
      const voice = files.some(({ durationSecs }) => durationSecs !== undefined)
      const attachments = files.map(({ name, data, type = 'application/octet-stream', durationSecs }) =>
        world.store(
          url,
          channel.id,
          name,
          data,
          type,
          durationSecs === undefined ? {} : { duration_secs: durationSecs, waveform: 'AAAA' },
        ),
      )
      const reference = replyTo && {
        type: 19,
        message_reference: { type: 0, channel_id: channel.id, message_id: replyTo.id },
        referenced_message: replyTo,
      }
      const content = mention ? `<@${world.bot.id}> ${text}` : text
      const message = {
        id,
        type: 0,
        channel_id: channel.id,
        channel_type: channel.type,
        author,
        tts: false,
        mention_everyone: false,
        content,
        timestamp: new Date(world.now()).toISOString(),
        edited_timestamp: null,
        // Discord reads them from the text.
        mentions: [...content.matchAll(/<@!?(\d+)>/g)].flatMap(([, id = '']) => world.users.get(id) ?? []),
        mention_roles: [...content.matchAll(/<@&(\d+)>/g)].map(([, id]) => id),
        attachments,
        embeds: [],
        pinned: false,
        components: [],
        flags: voice ? 8192 : 0,
        times: [Date.now()],
        ...memberFields(channel, author),
        ...reference,
        ...more,
      } as WorldMessage
      if (world.find(channel.id, id) === undefined) world.put(message)
      dispatch('MESSAGE_CREATE', message, channel.guildId)
      return message
    },
    delete(...messages) {
      const [first] = messages
      if (first === undefined) return
      const { channel_id, guild_id } = first
      const ids = messages.map(({ id }) => id)
      const kept = (world.messages.get(channel_id) ?? []).filter(({ id }) => !ids.includes(id))
      world.messages.set(channel_id, kept)
      // What answered it, or grew out of it, refers to nothing from now on.
      for (const each of [...world.messages.values()].flat())
        if (ids.includes(each.referenced_message?.id ?? '')) each.referenced_message = null
      const where = { channel_id, guild_id }
      if (ids.length === 1) dispatch('MESSAGE_DELETE', { id: first.id, ...where }, guild_id)
      else dispatch('MESSAGE_DELETE_BULK', { ids, ...where }, guild_id)
    },
    deleteChannel(channel) {
      const { id, guildId, parentId, type } = channel
      const thread = [10, 11, 12].includes(type)
      const gone = thread ? { id, guild_id: guildId, parent_id: parentId, type } : world.channelJson(channel)
      const inside = [channel, ...[...world.channels.values()].filter((each) => each.parentId === id)]
      for (const each of inside) {
        world.channels.delete(each.id)
        world.messages.delete(each.id)
      }
      dispatch(thread ? 'THREAD_DELETE' : 'CHANNEL_DELETE', gone, guildId)
    },
    allow(channel, overwrites) {
      channel.overwrites = overwrites
      dispatch('CHANNEL_UPDATE', world.channelJson(channel), channel.guildId)
    },
    changeRole(guild, roleId, permissions) {
      const role = guild.roles.find(({ id }) => id === roleId)
      if (role === undefined) return
      if (permissions === null) {
        guild.roles = guild.roles.filter((each) => each !== role)
        for (const [id, roles] of guild.members)
          guild.members.set(
            id,
            roles.filter((each) => each !== roleId),
          )
        dispatch('GUILD_ROLE_DELETE', { guild_id: guild.id, role_id: roleId }, guild.id)
      } else {
        role.permissions = String(permissions)
        dispatch('GUILD_ROLE_UPDATE', { guild_id: guild.id, role }, guild.id)
      }
    },
    changeMember(guild, userId, roles) {
      const user = world.users.get(userId)
      if (roles === null) guild.members.delete(userId)
      else guild.members.set(userId, roles)
      if (roles === null) dispatch('GUILD_MEMBER_REMOVE', { guild_id: guild.id, user }, guild.id)
      else dispatch('GUILD_MEMBER_UPDATE', { guild_id: guild.id, ...world.memberOf(guild.id, userId) }, guild.id)
    },
    changeThread(thread, { added, removed }) {
      const kept = (thread.threadMembers ?? []).filter((id) => id !== removed)
      thread.threadMembers = [...kept, ...(added === undefined ? [] : [added])]
      const joined = { id: thread.id, user_id: added, join_timestamp: new Date(world.now()).toISOString(), flags: 0 }
      const change = {
        id: thread.id,
        guild_id: thread.guildId,
        member_count: thread.threadMembers.length,
        ...(added !== undefined && { added_members: [joined] }),
        ...(removed !== undefined && { removed_member_ids: [removed] }),
      }
      dispatch('THREAD_MEMBERS_UPDATE', change, thread.guildId)
    },
    pin(message) {
      message.pinned = true
      message.pinnedAt = new Date(world.now()).toISOString()
    },
    expel(guild) {
      guild.members.delete(world.bot.id)
      dispatch('GUILD_DELETE', { id: guild.id }, guild.id)
    },
    edit(message, text, more = {}) {
      Object.assign(message, more)
      message.content = text
      message.edited_timestamp = new Date(world.now()).toISOString()
      dispatch('MESSAGE_UPDATE', message, message.guild_id)
    },
    use({ user, channel, type, data, message, permissions, alone = false }) {
      const id = world.snowflake()
      const use: Use = {
        id,
        token: `aW50ZXJhY3Rpb24${id}${'x'.repeat(40)}`,
        user,
        channel,
        madeAt: world.now(),
        ephemeral: false,
        alone,
        followUps: [],
        message,
      }
      uses.set(id, use)
      const granted = String(permissions ?? world.permissions(channel, user.id))
      const who =
        channel.guildId === undefined
          ? { user }
          : {
              guild_id: channel.guildId,
              member: { ...world.memberOf(channel.guildId, user.id), user, permissions: granted },
            }
      dispatch(
        'INTERACTION_CREATE',
        {
          id,
          application_id: world.bot.id,
          type,
          data,
          token: use.token,
          version: 1,
          locale: 'en-GB',
          ...who,
          channel_id: channel.id,
          channel: world.channelJson(channel),
          ...(message === undefined ? {} : { message }),
          app_permissions: String(world.permissions(channel, world.bot.id)),
          entitlements: [],
          attachment_size_limit: 10_000_000,
          // https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-authorizing-integration-owners-object
          authorizing_integration_owners: alone ? { '1': user.id } : { '0': channel.guildId ?? '0' },
          context: channel.guildId !== undefined ? 0 : alone ? 2 : 1,
        },
        channel.guildId,
      )
      return use
    },
  }
}
