/** Pure: what Discord sends → what Parley takes in. A message's id and an interaction's are Discord's own. */
import type {
  APIMessage,
  APIModalSubmitInteraction,
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
import { discordWording } from '../../src/wording/discord.ts'
import { filesOf, type Me, nameOf, type QuotableMessage, quote, textOf } from './content.ts'
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
}

const threadTypes = [10, 11, 12]
/** Where a thread may grow out of a message: text and announcement channels. */
const threadable = [0, 5]
const administrator = 8n

export const isThread = (place: Place): boolean => threadTypes.includes(place.type)

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
  /** What a thread began with, where Parley joins it now. */
  starter?: QuotableMessage & { author?: APIUser }
  /** Of an earlier exchange in a channel, which this message goes on. */
  root?: string
}

/** What the gateway sends beside the message itself. */
export type GatewayMessage = APIMessage & {
  guild_id?: string
  member?: { roles: string[]; nick?: string | null; flags?: number }
}

export function normalizeMessage(message: GatewayMessage, context: MessageContext): IncomingMessage {
  const { me, place, kind, starter, root } = context
  const { conversation, destination } = whereTo(message, place, root, me)
  const referenced = message.referenced_message ?? undefined
  const own = message.embeds.filter(({ type }) => type === 'rich' || type === 'article' || type === 'link')
  const quoted = [
    ...(starter === undefined ? [] : [[place.name, quote(starter, me)].filter((each) => each).join('\n\n')]),
    ...(referenced === undefined ? [] : [quote(referenced, me)]),
    quote({ content: '', embeds: own, message_snapshots: message.message_snapshots ?? [] }, me),
  ].filter((text) => text !== '')
  const isOwn = (each: { author?: { id: string } }) => each.author?.id === message.author.id
  const files = [message, referenced, starter].flatMap((each) =>
    each === undefined ? [] : isOwn(each) ? filesOf(each) : asContent(filesOf(each)),
  )
  return {
    id: message.id,
    conversation,
    author: authorOf(message, context.membership),
    text: textOf(message, me),
    kind,
    attachments: once(files),
    replyTarget: { conversation, data: destination },
    quoted: quoted.length === 0 ? undefined : quoted.join('\n\n'),
    sentAt: new Date(message.timestamp).toISOString(),
  }
}

/**
 * A mention in a channel is its own conversation: the thread that grows out of it has the message's id, no matter who
 * opens it, and replies belong to the same conversation where no thread can be opened.
 */
function whereTo(message: GatewayMessage, place: Place, root: string | undefined, me: Me) {
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
const guestFlag = 1 << 4

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

interface InteractionPlace {
  id: string
  token: string
  application_id: string
  guild_id?: string
  channel?: { id: string; type: number; parent_id?: string | null }
  channel_id?: string
  user?: APIUser
  member?: { user: APIUser; nick?: string | null; permissions: string; flags?: number }
  context?: number
  authorizing_integration_owners?: Partial<Record<string, string>>
}

/** In the direct chat with the bot: https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-context-types */
const botDirect = 1
const guildInstall = '0'

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
  private: boolean
  quoted?: string
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
    quoted: input.quoted ? input.quoted : undefined,
    overrides: input.model === undefined ? undefined : { model: input.model },
    private: input.private ? true : undefined,
    locale: interaction.locale,
    sentAt: new Date(madeAt(interaction.id)).toISOString(),
  }
}

function once(files: Attachment[]): Attachment[] {
  return [...new Map(files.map((file) => [file.id, file])).values()]
}

const epoch = 1_420_070_400_000n

/** Milliseconds since 1970. Discord's ids contain the time: https://discord.com/developers/docs/reference#snowflakes */
export function madeAt(id: string): number {
  return Number((BigInt(id) >> 22n) + epoch)
}
