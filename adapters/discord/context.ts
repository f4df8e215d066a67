/**
 * Reads what belongs to a question and was said before it: the thread that Parley is called into, the discussion above it in a
 * channel, and messages that it links to. Only what the asker may read themselves, and only when Parley is called or asked about it.
 */
import { type APIMessage, type APIUser, PermissionFlagsBits as may } from 'discord.js'
import { asksAboutDiscussion, quoteConversation, type SaidBefore } from '../../src/core/context.ts'
import { type Attachment, asContent } from '../../src/core/message.ts'
import type { KnownTalk } from '../../src/core/platform.ts'
import { discordUnread } from '../../src/wording/discord.ts'
import type { ChannelCache, Guild } from './channel-cache.ts'
import { contentOf, filesOf, isUnreadable, linkOf, type Me, nameOf, once, quote } from './content.ts'
import { isThread, type Place, privateThread } from './normalize.ts'
import { grants, permissionsIn, toRead, toSee } from './permissions.ts'
import { type Api, DiscordRefusal } from './rest.ts'

/** What was said before, for `IncomingMessage`. */
export interface Context {
  quoted: string[]
  /** As content: nobody but the asker asks. */
  files: Attachment[]
  /** Sentences. */
  unread: string[]
  /** All that was said before in the conversation was read, or nothing was. */
  upToDate?: boolean
}

export interface Asker {
  id: string
  roles: readonly string[]
}

export interface Question {
  /** Of its message or interaction: what was said before has a smaller one. */
  id: string
  text: string
  asker: Asker
  place: Place
  /** Absent in a direct chat. */
  guild?: Guild
  /** Parley is called, by a mention, a reply or a command, or is asked about the discussion. */
  called: boolean
  /** Of the thread. Absent: Parley joins it now. */
  known?: KnownTalk
}

export interface ContextReader {
  /**
   * Of a thread that Parley is called into, everything before the question that it does not know: one call for each hundred
   * messages, five at most, and up to two for what it began with. Of a channel, the newest messages, in one call, when the
   * question is about them. Of messages that it links to, the first three: a call each, and one for a private thread.
   */
  read(question: Question): Promise<Context>
  /** With the names of the channels and roles that are mentioned anywhere in what is given, as the asker sees them. */
  withNames(me: Me, asker: Asker, guild: Guild | undefined, ...texts: unknown[]): Promise<Me>
}

type Message = APIMessage & { author: APIUser }

const pageSize = 100
const maxPages = 5
/** Of a channel, which unlike a thread has no subject and no beginning. */
const maxAbove = 50
const maxFiles = 20
const maxLinks = 3
const maxNames = 20
/** Ordinary messages, replies, answers to commands, and results of polls; others are Discord's own, such as "pinned a message". */
const told = [0, 19, 20, 23, 46]
/** The first message of a thread that grew out of another one, which it carries. */
const starterType = 21
const messageLink = /https:\/\/(?:\w+\.)?discord(?:app)?\.com\/channels\/(\d+|@me)\/(\d+)\/(\d+)/g

export function createContextReader(deps: {
  api: Pick<Api, 'call'>
  channelCache: Pick<ChannelCache, 'channel'>
  me(): Me
}): ContextReader {
  const { api, channelCache, me } = deps

  /** `undefined` where Discord says no. */
  async function asked<T>(call: Promise<T>): Promise<T | undefined> {
    try {
      return await call
    } catch (error) {
      if (error instanceof DiscordRefusal && error.status !== 401) return undefined
      throw error
    }
  }
  const get = <T>(path: string, query?: Record<string, string>) =>
    asked(api.call<T>('GET', path, { urgent: true, query }))

  /** The channel as the asker sees it; `undefined` when they do not, or when that is not known. */
  async function seenBy(asker: Asker, guild: Guild, channelId: string, history = false): Promise<Place | undefined> {
    const place = await asked(channelCache.channel(channelId))
    if (place === undefined || place.guildId !== guild.id) return undefined
    const ground = isThread(place) ? await asked(channelCache.channel(place.parentId ?? '0')) : place
    if (ground?.overwrites === undefined) return undefined
    const roles = [...guild.roles].map(([id, permissions]) => ({ id, permissions: String(permissions) }))
    const grounds = {
      guild: { id: guild.id, owner_id: guild.ownerId, roles },
      member: { userId: asker.id, roles: asker.roles },
    }
    const granted = permissionsIn(grounds, [...ground.overwrites])
    if (!grants(granted, history ? toRead(ground.type) : toSee(ground.type))) return undefined
    const isPrivate = place.type === privateThread && !grants(granted, may.ManageThreads)
    if (isPrivate && (await get(`/channels/${place.id}/thread-members/${asker.id}`)) === undefined) return undefined
    return place
  }

  /** Newest first, as Discord pages them. `complete`: nothing older is left, or it is known. */
  async function messagesBefore(channelId: string, before: string, since: string | undefined) {
    const messages: Message[] = []
    for (let next = before, page = 1; ; page += 1) {
      const found = await get<Message[]>(`/channels/${channelId}/messages`, { before: next, limit: String(pageSize) })
      if (found === undefined) return { messages, complete: false, refused: true }
      const fresh = found.filter(({ id }) => since === undefined || BigInt(id) > BigInt(since))
      messages.push(...fresh)
      const oldest = found.at(-1)
      if (oldest === undefined || found.length < pageSize || fresh.length < found.length)
        return { messages, complete: true, refused: false }
      if (page >= maxPages) return { messages, complete: false, refused: false }
      next = oldest.id
    }
  }

  /** What a thread began with: a forum's post, or the message that it grew out of. */
  async function starterOf(place: Place, read: readonly Message[]): Promise<Message | undefined> {
    const known =
      read.find(({ id }) => id === place.id) ?? read.find(({ type }) => type === starterType)?.referenced_message
    if (known) return known as Message
    // In a forum it is in the thread, elsewhere in the parent channel. It may be deleted or unreadable.
    for (const channelId of [place.id, place.parentId]) {
      const found = channelId && (await get<Message>(`/channels/${channelId}/messages/${place.id}`))
      if (found) return found
    }
    return undefined
  }

  /** Oldest first. The first one's files count as the newest, because the thread is about it. */
  function quoted(messages: readonly Message[], reading: Me, guild: Guild): Context {
    const said: SaidBefore[] = messages.map((each) => ({
      author: nameOf(each.author),
      text: contentOf(each, reading) || namesOf(filesOf(each)),
    }))
    const found = quoteConversation(said)
    const [first, ...rest] = messages
    const inOrder = [...(first === undefined ? [] : [first]), ...rest.toReversed()]
    const files = once(asContent(inOrder.flatMap((each) => filesOf(each, linkOf(each, guild.id)))))
    const leftOut = found?.leftOut ?? 0
    return {
      quoted: found === undefined ? [] : [found.text],
      files: files.slice(0, maxFiles),
      unread: [
        ...(leftOut === 0 ? [] : [discordUnread.messages(leftOut)]),
        ...(files.length <= maxFiles ? [] : [discordUnread.files(files.length - maxFiles)]),
      ],
    }
  }

  const isTold = ({ type, author }: Message) => told.includes(type) && author.id !== me().id

  async function withNames(myself: Me, asker: Asker, guild: Guild | undefined, ...texts: unknown[]): Promise<Me> {
    if (guild === undefined) return myself
    const ids = new Set(Array.from(JSON.stringify(texts).matchAll(/<#(\d+)>/g), ([, id = '']) => id))
    const places = await Promise.all([...ids].slice(0, maxNames).map((id) => seenBy(asker, guild, id)))
    const channels = new Map(places.flatMap((place) => (place?.name === undefined ? [] : [[place.id, place.name]])))
    return { ...myself, names: { channels, roles: guild.roleNames } }
  }

  async function thread({ id, place, asker, known }: Question, guild: Guild): Promise<Context> {
    const since = known?.upTo?.messageId
    const taken = new Set(known?.taken)
    if ((await seenBy(asker, guild, place.parentId ?? place.id, true)) === undefined)
      return nothingBut(discordUnread.thread)
    const { messages, complete, refused } = await messagesBefore(place.id, id, since)
    const starter = since === undefined ? await starterOf(place, messages) : undefined
    // Without the permission, Discord says that there is nothing.
    if (refused || (since === undefined && starter === undefined && messages.length === 0))
      return nothingBut(discordUnread.thread)
    const rest = messages.filter((each) => isTold(each) && each.id !== starter?.id).toReversed()
    const all = (starter === undefined ? rest : [starter, ...rest]).filter((each) => !taken.has(each.id))
    const context = quoted(all, await withNames(me(), asker, guild, all), guild)
    const title = since === undefined && place.name !== undefined ? [place.name] : []
    return {
      ...context,
      quoted: context.quoted.length === 0 ? [] : [[...title, ...context.quoted].join('\n\n')],
      unread: [...context.unread, ...(complete ? [] : [discordUnread.older(messages.length)])],
      upToDate: true,
    }
  }

  async function above({ id, place, asker }: Question, guild: Guild): Promise<Context> {
    if ((await seenBy(asker, guild, place.id, true)) === undefined) return nothingBut(discordUnread.discussion)
    const query = { before: id, limit: String(maxAbove) }
    const found = (await get<Message[]>(`/channels/${place.id}/messages`, query)) ?? []
    if (found.length === 0) return nothingBut(discordUnread.discussion)
    const all = found.filter(isTold).toReversed()
    return quoted(all, await withNames(me(), asker, guild, all), guild)
  }

  async function links({ text, asker, guild }: Question): Promise<Context> {
    const links = [...new Map(Array.from(text.matchAll(messageLink), (match) => [match[0], match])).values()]
    const opened = await Promise.all(
      links.slice(0, maxLinks).map(async ([url, guildId, channelId = '', id = '']): Promise<Context> => {
        if (guild === undefined || guildId !== guild.id) return nothingBut(discordUnread.foreignLink(url))
        const place = await seenBy(asker, guild, channelId, true)
        const found = place && (await get<Message>(`/channels/${channelId}/messages/${id}`))
        const reading = await withNames(me(), asker, guild, found)
        if (!found || isUnreadable(found, reading)) return nothingBut(discordUnread.link(url))
        return { quoted: [`${url}\n${quote(found, reading)}`], files: asContent(filesOf(found, url)), unread: [] }
      }),
    )
    return joined(...opened, ...(links.length > maxLinks ? [nothingBut(discordUnread.moreLinks(maxLinks))] : []))
  }

  async function before(question: Question): Promise<Context> {
    const { called, guild, id, place, text } = question
    if (guild === undefined) return joined()
    // A forum's post is itself what its thread began with.
    if (isThread(place) && id !== place.id) return called ? await thread(question, guild) : joined()
    const asksAbove = called && !isThread(place) && asksAboutDiscussion(text)
    // It begins a conversation.
    return { ...(asksAbove ? await above(question, guild) : joined()), upToDate: true }
  }

  return {
    async read(question) {
      const [said, linked] = await Promise.all([before(question), links(question)])
      return { ...joined(said, linked), upToDate: said.upToDate }
    },
    withNames,
  }
}

function joined(...contexts: Context[]): Context {
  return {
    quoted: contexts.flatMap(({ quoted }) => quoted),
    files: once(contexts.flatMap(({ files }) => files)),
    unread: contexts.flatMap(({ unread }) => unread),
  }
}

function nothingBut(sentence: string): Context {
  return { quoted: [], files: [], unread: [sentence] }
}

/** A message that is files alone is told by their names, so that it is clear who shared them. */
function namesOf(files: readonly Attachment[]): string {
  return files.map(({ name }) => `[${name}]`).join(' ')
}
