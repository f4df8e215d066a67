/** Decides which messages are for Parley and passes them to intake. */
import type { APIMessage } from 'discord.js'
import type { Addressing } from '../../src/core/addressing.ts'
import type { IncomingMessage, ReplyTarget } from '../../src/core/message.ts'
import type { Intake, Received } from '../../src/core/platform.ts'
import type { ChannelCache, Guild } from './channel-cache.ts'
import { rootOf } from './components.ts'
import { type Me, textOf } from './content.ts'
import { type GatewayMessage, isThread, normalizeMessage, type Place, platformName } from './normalize.ts'
import { type Api, DiscordRefusal } from './rest.ts'

export interface MessagesDeps {
  api: Pick<Api, 'call'>
  channelCache: Pick<ChannelCache, 'channel' | 'guild'>
  intake: Pick<Intake, 'receive' | 'revise' | 'concerns'>
  /** Parley's own user. */
  me(): string
}

/** `ignored`: it is not for Parley. `empty`: it only calls Parley. */
export type Taken = { kind: 'ignored' | 'empty' } | { kind: 'taken'; target: ReplyTarget; received: Received }

export interface Messages {
  /** Throws when it could not be taken in. */
  take(message: GatewayMessage): Promise<Taken>
  /** A person edited their message. */
  revise(message: Partial<GatewayMessage> & { id: string }): Promise<void>
}

/** Ordinary messages and replies; the other types are Discord's own, such as "joined the server". */
const spoken = [0, 19]
const ignored = { kind: 'ignored' } as const
const empty = { kind: 'empty' } as const

export function createMessages({ api, channelCache, intake, me }: MessagesDeps): Messages {
  /** What a thread began with: a forum's post, or the message that it grew out of. */
  async function starterOf(place: Place, message: GatewayMessage): Promise<APIMessage | undefined> {
    if (message.id === place.id) return undefined
    for (const channelId of [place.id, place.parentId]) {
      if (channelId === undefined) continue
      try {
        const path = `/channels/${channelId}/messages/${place.id}`
        return await api.call<APIMessage>('GET', path, { urgent: true })
      } catch (error) {
        // In a forum it is in the thread, elsewhere in the parent channel. It may be deleted or unreadable.
        if (!(error instanceof DiscordRefusal)) throw error
      }
    }
    return undefined
  }

  return {
    async take(message) {
      if (message.author.bot || message.webhook_id !== undefined || !spoken.includes(message.type)) return ignored
      const { guild_id: guildId } = message
      const myself: Me = { id: me() }
      if (guildId === undefined) {
        const place = { id: message.channel_id, type: 1 }
        const normalized = normalizeMessage(message, { me: myself, place, kind: 'direct' })
        if (normalized.text === '' && normalized.attachments.length === 0 && !normalized.quoted) return empty
        return await hand(normalized)
      }
      const calls = message.mentions.some(({ id }) => id === me()) || message.referenced_message?.author.id === me()
      if (!calls && message.mention_roles.length === 0 && !mayBeThread(message)) return ignored
      const [place, guild] = await Promise.all([channelCache.channel(message.channel_id), channelCache.guild(guildId)])
      const addressing = addressingOf(message, place, guild, me())
      const concern = await intake.concerns(addressing)
      if (!concern.answers) return ignored
      const called = addressing.mentioned || addressing.repliesToParley === true
      return await receive(message, place, guild, called ? 'mention' : 'thread', concern.last === undefined)
    },

    async revise({ id, author, content, edited_timestamp, mentions = [], guild_id }) {
      if (author === undefined || content === undefined || !edited_timestamp || author.bot) return
      const roleIds =
        guild_id !== undefined && content.includes('<@&') ? (await channelCache.guild(guild_id)).ownRoleIds : []
      const text = textOf({ content, mentions }, { id: me(), roleIds })
      await intake.revise({ platform: platformName, id, text, by: { id: author.id } })
    },
  }

  async function receive(
    message: GatewayMessage,
    place: Place,
    guild: Guild,
    kind: 'mention' | 'thread',
    isNew: boolean,
  ) {
    const root =
      message.referenced_message?.author.id === me() ? rootOf(message.referenced_message.components) : undefined
    const joins = kind === 'mention' && isThread(place) && isNew
    const starter = joins ? await starterOf(place, message) : undefined
    const normalized = normalizeMessage(message, {
      me: { id: me(), roleIds: guild.ownRoleIds },
      place,
      membership: guild,
      kind,
      starter,
      root: root === undefined || isThread(place) ? undefined : root,
    })
    if (normalized.text === '' && normalized.attachments.length === 0 && !normalized.quoted) return empty
    return await hand(normalized)
  }

  async function hand(message: IncomingMessage) {
    const received = await intake.receive(message)
    return { kind: 'taken' as const, target: message.replyTarget, received }
  }
}

/** Messages usually, but not always, include the type of their channel. */
function mayBeThread(message: GatewayMessage & { channel_type?: number }): boolean {
  return message.channel_type === undefined || [10, 11, 12].includes(message.channel_type)
}

/** Discord's facts about whom a message is meant for. */
function addressingOf(message: GatewayMessage, place: Place, { id, ownRoleIds }: Guild, me: string): Addressing {
  const { author, mentions, mention_roles: roles, mention_everyone: everyone, referenced_message: referenced } = message
  // A reply mentions the author that it answers, unless that is switched off.
  const others = mentions.filter((each) => each.id !== me && each.id !== referenced?.author.id)
  const thread = isThread(place)
  return {
    conversation: {
      platform: platformName,
      workspaceId: id,
      channelId: thread ? (place.parentId ?? place.id) : place.id,
      threadId: thread ? place.id : undefined,
    },
    author,
    text: textOf(message, { id: me, roleIds: ownRoleIds }),
    place: thread ? 'thread' : 'channel',
    mentioned: isMentioned(message, me) || roles.some((role) => ownRoleIds.includes(role)),
    repliesToParley: referenced?.author.id === me,
    repliesToOther: referenced != null && referenced.author.id !== me && referenced.author.id !== author.id,
    namesOthers: others.length > 0 || everyone || roles.some((role) => !ownRoleIds.includes(role)),
    hasFiles: message.attachments.length > 0,
  }
}

/** By name: a reply to Parley has it among its mentions, too, when nobody wrote it. */
function isMentioned({ content, mentions, referenced_message: referenced }: GatewayMessage, me: string): boolean {
  if (referenced?.author.id === me) return new RegExp(`<@!?${me}>`).test(content)
  return mentions.some(({ id }) => id === me)
}
