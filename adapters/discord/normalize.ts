/** Pure: what Discord sends → what Parley takes in. A message's id and an interaction's are Discord's own. */
import type {
  APIMessage,
  APIModalSubmitInteraction,
  APIOverwrite,
  APIUser,
  APIChatInputApplicationCommandInteraction as CommandInteraction,
  APIMessageApplicationCommandInteraction as MessageCommandInteraction,
} from 'discord.js'
import {
  type Attachment,
  type Author,
  asContent,
  type ConversationRef,
  type IncomingMessage,
  type ReplyTarget,
} from '../../src/core/message.ts'
import type { PlaceAddress } from '../../src/core/place.ts'
import { discordUnread, discordWording } from '../../src/wording/discord.ts'
import { filesOf, isUnreadable, linkOf, type Me, nameOf, once, quote, textOf } from './content.ts'
import type { Context } from './context.ts'
import type { Destination } from './target.ts'
import { threadName } from './thread-name.ts'

export const platformName = 'discord'
/** The workspace of direct chats, which belong to no server. */
export const directWorkspace = '@me'

/** What is known of a channel: https://discord.com/developers/docs/resources/channel#channel-object-channel-types */
export interface Place {
  id: string
  type: number
  name?: string
  guildId?: string
  parentId?: string
  /** Of a channel; a thread has those of its channel. */
  overwrites?: readonly APIOverwrite[]
  /** Who opened a thread. */
  ownerId?: string
}

const threadTypes = [10, 11, 12]
/** Those who were added to it can read it, and those who manage threads. */
export const privateThread = 12
/** Where a thread may grow out of a message: text and announcement channels. */
const threadable = [0, 5]
const administrator = 8n
/** The type of a message that answers another: https://discord.com/developers/docs/resources/message#message-object-message-types */
export const reply = 19
/** Ordinary messages and replies; the other types are Discord's own, such as "joined the server". */
export const spoken: readonly number[] = [0, reply]

export const isThread = (place: Place): boolean => threadTypes.includes(place.type)

/** Of a message that says where it is, and that this is no thread, whose channel would have to be looked up. */
export function placeOutsideThreads({ channel_id: id, channel_type: type }: GatewayMessage): Place | undefined {
  return type === undefined || threadTypes.includes(type) ? undefined : { id, type }
}

/** The place that a channel or thread of a server is, or belongs to. */
export function addressOf({ id, type, parentId }: Place, workspaceId: string): PlaceAddress {
  const here = { platform: platformName, workspaceId }
  if (!threadTypes.includes(type)) return { ...here, channelId: id }
  return { ...here, channelId: parentId ?? id, threadId: type === privateThread ? id : undefined }
}

/** Parts of a server that say who its owners are. */
export interface Ownership {
  ownerId?: string
  /** Permissions of each role as Discord's number. */
  roles?: ReadonlyMap<string, bigint>
}

export interface MessageContext {
  me: Me
  place: Place
  membership?: Ownership
  kind: IncomingMessage['kind']
  /** What was said before and belongs to the question. */
  context?: Context
  /** Of an earlier exchange in a channel, which this message goes on. */
  root?: string
}

/** What the gateway sends beside the message itself. */
export type GatewayMessage = APIMessage & {
  guild_id?: string
  /** Messages usually, but not always, include the type of their channel. */
  channel_type?: number
  member?: { roles: string[]; nick?: string | null; flags?: number }
}

export function normalizeMessage(message: GatewayMessage, context: MessageContext): IncomingMessage {
  const { me, place, kind, root, context: before } = context
  const { conversation, destination } = whereTo(message, place, root, me)
  const referenced = message.referenced_message ?? undefined
  const quoted = [
    ...(before?.quoted ?? []),
    ...(referenced === undefined ? [] : [quote(referenced, me)]),
    ownContent(message, me),
  ].filter((text) => text !== '')
  const isOwn = (each: { author?: { id: string } }) => each.author?.id === message.author.id
  const files = [message, referenced].flatMap((each) => {
    if (each === undefined) return []
    const found = filesOf(each, linkOf(each, message.guild_id ?? place.guildId))
    return isOwn(each) ? found : asContent(found)
  })
  const unread = [...(before?.unread ?? []), ...unreadOf(message, me)]
  return {
    id: message.id,
    conversation,
    author: authorOf(message, context.membership),
    text: questionOf(message, me, place),
    kind,
    attachments: once([...files, ...(before?.files ?? [])]),
    replyTarget: { conversation, data: destination },
    quoted: quoted.length === 0 ? undefined : quoted.join('\n\n'),
    unread: unread.length === 0 ? undefined : unread,
    upToDate: before?.upToDate,
    ownPlace: place.type === privateThread ? true : undefined,
    sentAt: new Date(message.timestamp).toISOString(),
  }
}

/** A post in a forum or a media channel asks with its title, too. It has the id of its thread. */
export function questionOf(message: Pick<APIMessage, 'id' | 'content' | 'mentions'>, me: Me, place: Place): string {
  const text = textOf(message, me)
  return message.id === place.id && place.name !== undefined ? `${place.name}\n\n${text}`.trim() : text
}

/** What the message itself shows beside its words. A sticker alone says nothing. */
function ownContent(message: GatewayMessage, me: Me): string {
  const { attachments, poll, message_snapshots, sticker_items } = message
  const embeds = message.embeds.filter(({ type }) => type === 'rich' || type === 'article' || type === 'link')
  const content = quote({ content: '', embeds, attachments, poll, message_snapshots }, me)
  if (content === '' && attachments.length === 0 && textOf(message, me) === '') return ''
  return quote({ content: '', embeds, attachments, poll, message_snapshots, sticker_items }, me)
}

function unreadOf({ type, referenced_message: referenced, message_snapshots: forwarded = [] }: GatewayMessage, me: Me) {
  const answersNothing = type === reply && (referenced == null || isUnreadable(referenced, me))
  const forwardsNothing = forwarded.some(({ message }) => isUnreadable(message, me))
  return [...(answersNothing ? [discordUnread.reply] : []), ...(forwardsNothing ? [discordUnread.forward] : [])]
}

/** What says where a message was written, and what a thread on it would be called. */
type Located = Pick<GatewayMessage, 'id' | 'guild_id' | 'author' | 'content' | 'attachments' | 'mentions'>

/** Where a message is answered. */
export function targetOf(message: Located, place: Place, me: Me): ReplyTarget {
  const { conversation, destination } = whereTo(message, place, undefined, me)
  return { conversation, data: destination }
}

/**
 * A mention in a channel is its own conversation: the thread that grows out of it has the message's id, no matter who
 * opens it, and replies belong to the same conversation where no thread can be opened.
 */
function whereTo(message: Located, place: Place, root: string | undefined, me: Me) {
  const to = (ref: Omit<ConversationRef, 'platform'>, destination: Destination) => ({
    conversation: { platform: platformName, ...ref },
    destination,
  })
  const userId = message.author.id
  const here = { to: 'channel', channelId: place.id, userId, replyTo: message.id } as const
  const workspaceId = message.guild_id ?? place.guildId
  if (workspaceId === undefined)
    return to({ workspaceId: directWorkspace, channelId: place.id }, { to: 'channel', channelId: place.id, userId })
  if (isThread(place)) return to({ workspaceId, channelId: place.parentId ?? place.id, threadId: place.id }, here)
  const ref = { workspaceId, channelId: place.id, threadId: root ?? message.id }
  if (root !== undefined || !threadable.includes(place.type)) return to(ref, here)
  const otherwise = message.attachments[0]?.filename ?? discordWording.threadOf(nameOf(message.author))
  const name = threadName(textOf(message, me), otherwise)
  return to(ref, { to: 'thread', channelId: place.id, userId, replyTo: message.id, name })
}

function authorOf({ author, member, guild_id }: GatewayMessage, membership: Ownership = {}): Author {
  const roles = [...(member?.roles ?? []), ...(guild_id === undefined ? [] : [guild_id])]
  const rules =
    membership.ownerId === author.id || roles.some((id) => ((membership.roles?.get(id) ?? 0n) & administrator) !== 0n)
  return { id: author.id, name: member?.nick || nameOf(author), ...membershipOf(rules, member?.flags) }
}

/** Invited to one voice channel, for as long as they are in it: https://discord.com/developers/docs/resources/guild#guild-member-object-guild-member-flags */
export const guestFlag = 1 << 4

function membershipOf(rules: boolean, flags = 0): Pick<Author, 'membership'> {
  if (rules) return { membership: 'owner' }
  return (flags & guestFlag) === 0 ? {} : { membership: 'guest' }
}

export type AskInteraction = CommandInteraction | MessageCommandInteraction | APIModalSubmitInteraction

/** Of any interaction: who it is, as Discord itself computed their permissions. */
export function authorOfInteraction(
  interaction: Pick<InteractionPlace, 'user' | 'member' | 'context' | 'authorizing_integration_owners'>,
): Author {
  const { member } = interaction
  const user = member?.user ?? interaction.user
  if (user === undefined) throw new TypeError('an interaction without a person')
  // Whoever rules a server that did not add Parley rules nothing of Parley's.
  if (isAlone(interaction)) return { id: user.id, name: member?.nick || nameOf(user), membership: 'stranger' }
  const rules = member !== undefined && (BigInt(member.permissions) & administrator) !== 0n
  return { id: user.id, name: member?.nick || nameOf(user), ...membershipOf(rules, member?.flags) }
}

/** What of an interaction says where it was used, and by whom. */
export interface InteractionPlace {
  id: string
  token: string
  application_id: string
  guild_id?: string
  channel?: { id: string; type: number; parent_id?: string | null }
  channel_id?: string
  user?: APIUser
  member?: { user: APIUser; nick?: string | null; permissions: string; flags?: number; roles?: string[] }
  context?: number
  authorizing_integration_owners?: Partial<Record<string, string>>
}

/** In the direct chat with the bot: https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-context-types */
const botDirect = 1
const guildInstall = '0'

export function isDirect({ context }: Pick<InteractionPlace, 'context'>): boolean {
  return context === botDirect
}

/** Parley is not there: a person brought it along, and only the interaction's token reaches that place. */
function isAlone({
  context,
  authorizing_integration_owners: owners = {},
}: Pick<InteractionPlace, 'context' | 'authorizing_integration_owners'>): boolean {
  return context !== undefined && context !== botDirect && !(guildInstall in owners)
}

/** Where something was used: what is said there later, such as an alert, is an ordinary message. */
export function placeOfInteraction(interaction: InteractionPlace): ReplyTarget {
  const { id: userId } = authorOfInteraction(interaction)
  const { channelId, ref } = groundOf(interaction)
  return { conversation: { platform: platformName, ...ref }, data: { to: 'channel', channelId, userId } }
}

/**
 * Where a question asked by a command is answered. In a channel each is a conversation of its own, called by the
 * interaction's id; a private one never shares a conversation with anybody.
 */
export function targetOfAsk(interaction: InteractionPlace, isPrivate: boolean): ReplyTarget {
  const { id: userId } = authorOfInteraction(interaction)
  const { channelId, ref } = groundOf(interaction)
  const { id, application_id: applicationId, token, guild_id: guildId } = interaction
  const alone = isAlone(interaction)
  const own =
    guildId === undefined
      ? alone
        ? { threadId: id }
        : {}
      : isPrivate
        ? { threadId: `private-${channelId}-${userId}` }
        : { threadId: alone ? id : (ref.threadId ?? id) }
  const destination: Destination = {
    to: 'interaction',
    applicationId,
    id,
    token,
    channelId,
    userId,
    private: isPrivate,
    ...(alone && { alone }),
  }
  return { conversation: { platform: platformName, ...ref, ...own }, data: destination }
}

function groundOf({ guild_id: workspaceId, channel, channel_id }: InteractionPlace) {
  const channelId = channel?.id ?? channel_id
  if (channelId === undefined) throw new TypeError('an interaction without a channel')
  const ref: Omit<ConversationRef, 'platform'> =
    workspaceId === undefined
      ? { workspaceId: directWorkspace, channelId }
      : threadTypes.includes(channel?.type ?? -1)
        ? { workspaceId, channelId: channel?.parent_id ?? channelId, threadId: channelId }
        : { workspaceId, channelId }
  return { channelId, ref }
}

export interface AskInput {
  text: string
  files: Attachment[]
  model?: string
  /** Whether the web is searched, where the person says. */
  search?: boolean | undefined
  private: boolean
  /** What was said before, or is asked about. */
  quoted: string[]
  unread?: string[]
  /** As in IncomingMessage. */
  upToDate?: boolean
  /** Parley is called into the conversation, and not asked about one message. */
  called: boolean
}

function overridesOf({ model, search }: AskInput): IncomingMessage['overrides'] {
  if (model === undefined && search === undefined) return undefined
  const web = search === undefined ? undefined : search ? ('on' as const) : ('off' as const)
  return { model, web }
}

export function normalizeAsk(interaction: AskInteraction, input: AskInput): IncomingMessage {
  const replyTarget = targetOfAsk(interaction as InteractionPlace, input.private)
  return {
    id: interaction.id,
    conversation: replyTarget.conversation,
    author: authorOfInteraction(interaction as InteractionPlace),
    text: input.text.trim(),
    kind: 'command',
    attachments: once(input.files),
    replyTarget,
    quoted: input.quoted.join('\n\n') || undefined,
    unread: input.unread?.length ? input.unread : undefined,
    upToDate: input.upToDate,
    overrides: overridesOf(input),
    private: input.private ? true : undefined,
    // A private answer has a conversation that nobody else reads anyway.
    ownPlace: !input.private && interaction.channel?.type === privateThread ? true : undefined,
    locale: interaction.locale,
    sentAt: new Date(madeAt(interaction.id)).toISOString(),
  }
}

const epoch = 1_420_070_400_000n

/** Milliseconds since 1970. Discord's ids contain the time: https://discord.com/developers/docs/reference#snowflakes */
export function madeAt(id: string): number {
  return Number((BigInt(id) >> 22n) + epoch)
}

/** The smallest id of a moment, in milliseconds since 1970. */
export function idAt(ms: number): string {
  const sinceEpoch = BigInt(Math.floor(ms)) - epoch
  return String((sinceEpoch > 0n ? sinceEpoch : 0n) << 22n)
}
