/** Decides which messages are for Parley, reads what belongs to them, and passes them to intake. */
import { buffer } from 'node:stream/consumers'
import type { APIAttachment, APIGuildMember, APIMessage } from 'discord.js'
import type { Addressing } from '../../src/core/addressing.ts'
import { asksAboutDiscussion } from '../../src/core/context.ts'
import { asParleyError } from '../../src/core/errors.ts'
import type { IncomingMessage, ReplyTarget } from '../../src/core/message.ts'
import type { Files, Intake, KnownTalk, Received } from '../../src/core/platform.ts'
import type { ChannelCache, Guild } from './channel-cache.ts'
import { rootOf } from './components.ts'
import { attachmentOf, hasTag, type Me, textOf } from './content.ts'
import type { ContextReader } from './context.ts'
import {
  type GatewayMessage,
  isThread,
  normalizeMessage,
  type Place,
  placeOutsideThreads,
  platformName,
  questionOf,
  reply,
  spoken,
  targetOf,
} from './normalize.ts'
import { type Api, DiscordRefusal } from './rest.ts'

export interface MessagesDeps {
  api: Pick<Api, 'call'>
  channelCache: Pick<ChannelCache, 'channel' | 'guild'>
  context: ContextReader
  files: Pick<Files, 'fetch'>
  intake: Pick<Intake, 'receive' | 'revise' | 'concerns'>
  /** Parley's own user. */
  me(): string
}

/** `ignored`: it is not for Parley. `empty`: it only calls Parley, or `unread` says what it shows and nobody can read. */
export type Taken =
  | { kind: 'ignored' }
  | { kind: 'empty'; unread?: string[] }
  | { kind: 'taken'; target: ReplyTarget; received: Received }

/** `changed`: the answer to an earlier text has begun. */
export type Edited = Taken | { kind: 'revised' } | { kind: 'changed'; target: ReplyTarget; turnId: string }

export interface Messages {
  /** Throws when it could not be taken in. */
  take(message: GatewayMessage): Promise<Taken>
  /** A person edited their message: it is taken in now when it calls Parley for the first time. Throws as `take` does. */
  edit(message: EditedMessage): Promise<Edited>
}

/** Discord sends messages as a whole, but only promises these. */
export type EditedMessage = Partial<GatewayMessage> & Pick<GatewayMessage, 'id' | 'channel_id'>

const direct = 1
const ignored = { kind: 'ignored' } as const
/** A question that is older is not taken in because of an edit. */
const editableMs = 24 * 3_600_000
/** A longer paste is read as the file that it comes as. */
const maxPasteBytes = 64_000
const pasteTimeoutMs = 10_000

export function createMessages({ api, channelCache, context, files, intake, me }: MessagesDeps): Messages {
  async function take(message: GatewayMessage): Promise<Taken> {
    if (message.author.bot || message.webhook_id !== undefined || !spoken.includes(message.type)) return ignored
    if (message.guild_id === undefined) return await takeDirect(message)
    const named = message.mentions.some(({ id }) => id === me())
    const answersParley = message.referenced_message?.author.id === me()
    if (!named && !answersParley && message.mention_roles.length === 0 && placeOutsideThreads(message) !== undefined)
      return ignored
    const [place, guild] = await Promise.all([
      channelCache.channel(message.channel_id),
      channelCache.guild(message.guild_id),
    ])
    const asked = await withReference(message)
    const addressing = addressingOf(asked, place, guild, me())
    const concern = await intake.concerns(addressing)
    if (!concern.answers) return ignored
    return await receive(asked, place, guild, {
      kind: addressing.mentioned || addressing.repliesToParley ? 'mention' : 'thread',
      known: concern.known,
    })
  }

  async function takeDirect(message: GatewayMessage): Promise<Taken> {
    const asked = await withPaste(await withReference(message))
    const place = { id: asked.channel_id, type: direct }
    const asker = { id: asked.author.id, roles: [] }
    const before = await context.read({ id: asked.id, text: asked.content, asker, place, called: true })
    return await hand(normalizeMessage(asked, { me: { id: me() }, place, kind: 'direct', context: before }))
  }

  async function receive(
    message: GatewayMessage,
    place: Place,
    guild: Guild,
    { kind, known }: { kind: 'mention' | 'thread'; known?: KnownTalk },
  ): Promise<Taken> {
    const asked = await withPaste(await withMember(message, guild.id))
    const { referenced_message: referenced } = asked
    const asker = { id: asked.author.id, roles: asked.member?.roles ?? [] }
    const reading: Me = { id: me(), roleIds: guild.ownRoleIds }
    const text = textOf(asked, reading)
    const question = {
      id: asked.id,
      text,
      asker,
      place,
      guild,
      called: kind === 'mention' || asksAboutDiscussion(text),
      known,
    }
    const [before, named] = await Promise.all([
      context.read(question),
      context.withNames(reading, asker, guild, asked, referenced),
    ])
    const root = referenced?.author.id === me() && !isThread(place) ? rootOf(referenced.components) : undefined
    const normalized = normalizeMessage(asked, {
      me: named,
      place,
      membership: guild,
      kind,
      context: before,
      root,
    })
    return await hand(normalized)
  }

  async function hand(message: IncomingMessage): Promise<Taken> {
    const { text, attachments, quoted, unread, kind } = message
    if (text === '' && attachments.length === 0 && !quoted)
      return kind === 'thread' && unread === undefined ? ignored : { kind: 'empty', unread }
    const received = await intake.receive(message)
    return { kind: 'taken', target: message.replyTarget, received }
  }

  /** Discord leaves the answered message out where it did not look for it: it is looked up, and null when it is gone. */
  async function withReference(message: GatewayMessage): Promise<GatewayMessage> {
    const { type, referenced_message: known, message_reference: reference } = message
    if (type !== reply || known !== undefined || reference?.message_id === undefined) return message
    const path = `/channels/${reference.channel_id}/messages/${reference.message_id}`
    return {
      ...message,
      referenced_message: (await found(api.call<APIMessage>('GET', path, { urgent: true }))) ?? null,
    }
  }

  /** Messages that are read over REST come without their author's roles. */
  async function withMember(message: GatewayMessage, guildId: string): Promise<GatewayMessage> {
    if (message.member !== undefined) return message
    const path = `/guilds/${guildId}/members/${message.author.id}`
    const member = await found(api.call<APIGuildMember>('GET', path, { urgent: true }))
    return member === undefined ? message : { ...message, member }
  }

  /** A long paste that Discord's client turned into a file, and nothing beside it, is what the person said. */
  async function withPaste(message: GatewayMessage): Promise<GatewayMessage> {
    const [file, ...others] = message.attachments
    if (file === undefined || others.length > 0 || !isPaste(file)) return message
    if (textOf({ content: message.content }, { id: me() }) !== '') return message
    try {
      const signal = AbortSignal.timeout(pasteTimeoutMs)
      const text = (await buffer(await files.fetch(attachmentOf(file), { signal }))).toString('utf8')
      return text.trim() === '' ? message : { ...message, content: text, attachments: [] }
    } catch (error) {
      // Read as a file then, which a worker fetches.
      if (asParleyError(error).code === 'internal') throw error
      return message
    }
  }

  async function revised({ id, channel_id, guild_id, ...message }: EditedMessage, text: string): Promise<Edited> {
    const { author } = message
    if (author === undefined) return ignored
    const result = await intake.revise({ platform: platformName, id, text, by: { id: author.id } })
    if (result.kind !== 'started') return result.kind === 'unknown' ? ignored : { kind: 'revised' }
    const place = guild_id === undefined ? { id: channel_id, type: direct } : await channelCache.channel(channel_id)
    const target = targetOf({ id, guild_id, content: '', attachments: [], mentions: [], ...message, author }, place, {
      id: me(),
    })
    return { kind: 'changed', target, turnId: result.turnId }
  }

  return {
    take,

    async edit(message) {
      const { id, channel_id: channelId, author, content, edited_timestamp: at, mentions = [] } = message
      if (author === undefined || content === undefined || !at || author.bot) return ignored
      const guild = message.guild_id === undefined ? undefined : await channelCache.guild(message.guild_id)
      const asker = { id: author.id, roles: message.member?.roles ?? [] }
      const reading = { id: me(), roleIds: guild?.ownRoleIds ?? [] }
      const named = await context.withNames(reading, asker, guild, content)
      const place = id === channelId ? await channelCache.channel(channelId) : { id: channelId, type: direct }
      const known = await revised(message, questionOf({ id, content, mentions }, named, place))
      if (known.kind !== 'ignored' || Date.parse(at) - (Date.parse(message.timestamp ?? at) || 0) > editableMs)
        return known
      const { mention_roles: roles = [] } = message
      const calls =
        mentions.some(({ id: user }) => user === me()) || roles.some((role) => reading.roleIds.includes(role))
      if (guild !== undefined && !calls) return ignored
      const path = `/channels/${channelId}/messages/${id}`
      const whole = isWhole(message) ? message : await found(api.call<APIMessage>('GET', path, { urgent: true }))
      return whole === undefined ? ignored : await take({ ...whole, guild_id: message.guild_id })
    },
  }
}

/** `undefined` where Discord says no. */
async function found<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (error instanceof DiscordRefusal && error.status !== 401) return undefined
    throw error
  }
}

function isWhole(message: EditedMessage): message is GatewayMessage {
  return message.type !== undefined && message.timestamp !== undefined && message.attachments !== undefined
}

/** https://support.discord.com/hc/en-us/articles/360034632292: a text that is too long is offered as `message.txt`. */
function isPaste({ filename, content_type: type = '', size }: APIAttachment): boolean {
  return filename === 'message.txt' && type.startsWith('text/plain') && size <= maxPasteBytes
}

/** Discord's facts about who a message is for. */
function addressingOf(message: GatewayMessage, place: Place, { id, ownRoleIds }: Guild, me: string): Addressing {
  const { author, content, mentions, mention_roles: roles, referenced_message: referenced } = message
  // A reply mentions the author that it answers, unless that is switched off.
  const others = mentions.filter((each) => each.id !== me && each.id !== referenced?.author.id)
  const everyone = message.mention_everyone || hasTag(content, /(?:^|\s)@(?:everyone|here)\b/)
  const thread = isThread(place)
  const stickers = (message.sticker_items ?? []).map(({ name }) => `:${name.replaceAll(/\W/g, '_')}:`)
  return {
    conversation: {
      platform: platformName,
      workspaceId: id,
      channelId: thread ? (place.parentId ?? place.id) : place.id,
      threadId: thread ? place.id : undefined,
    },
    author,
    // A sticker is said like an emoji.
    text: [textOf(message, { id: me, roleIds: ownRoleIds }), ...stickers].join(' ').trim(),
    place: thread ? 'thread' : 'channel',
    mentioned: isMentioned(message, me) || roles.some((role) => ownRoleIds.includes(role)),
    repliesToParley: referenced?.author.id === me,
    repliesToOther: referenced != null && referenced.author.id !== me && referenced.author.id !== author.id,
    namesOthers: others.length > 0 || everyone || roles.some((role) => !ownRoleIds.includes(role)),
    hasFiles: message.attachments.length > 0 || message.poll !== undefined,
  }
}

/** By name: a reply to Parley has it among its mentions, too, when nobody wrote it. */
function isMentioned({ content, mentions, referenced_message: referenced }: GatewayMessage, me: string): boolean {
  if (referenced?.author.id === me) return hasTag(content, new RegExp(`<@!?${me}>`))
  return mentions.some(({ id }) => id === me)
}
