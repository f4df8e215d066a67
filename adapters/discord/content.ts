/**
 * Pure: a Discord message as Markdown for a model. Mentions become names; embeds, polls, components, stickers and forwarded
 * messages become text; files become attachments whose record is enough to fetch them again.
 */
import type { APIAttachment, APIEmbed, APIMessage, APIMessageSnapshotFields, APIPoll, APIUser } from 'discord.js'
import { type Attachment, asContent } from '../../src/core/message.ts'
import { discordPlaces } from '../../src/wording/discord.ts'

type Readable =
  | 'id'
  | 'channel_id'
  | 'embeds'
  | 'attachments'
  | 'mentions'
  | 'flags'
  | 'message_snapshots'
  | 'poll'
  | 'components'
  | 'sticker_items'

/** What of a message is content; messages, snapshots of forwarded ones and messages of interactions have it alike. */
export type QuotableMessage = Pick<APIMessage, 'content'> & Partial<Pick<APIMessage, Readable>>

/** Parley's own id and the roles that stand for it: a mention of either is taken out of the text. */
export interface Me {
  id: string
  roleIds?: readonly string[]
  names?: Names
}

/** By id. A channel that the reader may not see has no name here, as Discord shows it to them. */
export interface Names {
  channels: ReadonlyMap<string, string>
  roles: ReadonlyMap<string, string>
}

const voiceFlag = 1 << 13
const quotedMax = 20_000

/** https://discord.com/developers/docs/reference#message-formatting */
const tags =
  /<(?:@!?(?<user>\d+)|@&(?<role>\d+)|#(?<channel>\d+)|a?:(?<emoji>\w+):\d+|t:(?<time>-?\d{1,12})(?::[a-zA-Z])?|\/(?<command>[^:<>]+):\d+|id:(?<place>customize|browse|guide|home|linked-roles)(?::\d+)?)>/g

/** What a person wrote, without mentions of Parley. What looks like a tag in code is code. */
export function textOf({ content, mentions = [] }: QuotableMessage, me: Me): string {
  const users = new Map(mentions.map((user) => [user.id, nameOf(user)]))
  const written = (...match: unknown[]): string => {
    const { user, role, channel, emoji, time, command, place } = match.at(-1) as Record<string, string | undefined>
    if (user !== undefined) return user === me.id ? '' : `@${users.get(user) ?? user}`
    if (role !== undefined) return me.roleIds?.includes(role) ? '' : `@${me.names?.roles.get(role) ?? 'unknown-role'}`
    if (channel !== undefined) return `#${me.names?.channels.get(channel) ?? 'unknown'}`
    if (emoji !== undefined) return `:${emoji}:`
    if (command !== undefined) return `/${command}`
    if (place !== undefined) return discordPlaces[place as keyof typeof discordPlaces]
    return isoDate(Number(time)) ?? String(match[0])
  }
  return outsideCode(content, (text) => text.replaceAll(tags, written)).trim()
}

/** Whether a tag such as `<@1>` is in the text, and not only in code. */
export function hasTag(content: string, tag: RegExp): boolean {
  let found = false
  outsideCode(content, (text) => {
    found ||= tag.test(text)
    return text
  })
  return found
}

/** Changes what is in neither a code span nor a fence. Takes time in proportion to the text, whatever is in it. */
function outsideCode(text: string, change: (text: string) => string): string {
  const runs = [...text.matchAll(/`+/g)].map(({ index, 0: { length } }) => ({ index, length }))
  const closing = Map.groupBy(runs.toReversed(), ({ length }) => length)
  let changed = ''
  let end = 0
  for (const { index, length } of runs) {
    if (index < end || text[index - 1] === '\\') continue
    const candidates = closing.get(length) ?? []
    while ((candidates.at(-1)?.index ?? Number.POSITIVE_INFINITY) <= index) candidates.pop()
    const close = candidates.at(-1)
    if (close === undefined) continue
    const after = close.index + length
    changed += change(text.slice(end, index)) + text.slice(index, after)
    end = after
  }
  return changed + change(text.slice(end))
}

function isoDate(seconds: number): string | undefined {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

export function nameOf(user: Pick<APIUser, 'username'> & { global_name?: string | null }): string {
  return user.global_name || user.username
}

/** The whole of a message as quoted content: who said it, and everything in it. Empty when there is nothing. */
export function quote(quotable: QuotableMessage & { author?: APIUser }, me: Me): string {
  const text = contentOf(quotable, me)
  if (text === '' || quotable.author === undefined) return text.slice(0, quotedMax).toWellFormed()
  return `${nameOf(quotable.author)}: ${text}`.slice(0, quotedMax).toWellFormed()
}

/** Everything in a message that can be told in words, without its author. */
export function contentOf(quotable: QuotableMessage, me: Me): string {
  const { embeds = [], components = [], attachments = [], sticker_items: stickers = [], poll } = quotable
  return [
    textOf(quotable, me),
    ...componentLines(components, (content) => textOf({ ...quotable, content }, me)),
    ...embeds.map(describeEmbed),
    poll === undefined ? '' : describePoll(poll),
    ...stickers.map(({ name }) => `Sticker: ${name}`),
    ...attachments.map(({ filename, description }) => (description ? `Alt text of ${filename}: ${description}` : '')),
    ...forwardedOf(quotable).map((each) => `Forwarded:\n${quote(each, me)}`),
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

/** Whether neither words nor files can be read in a message. */
export function isUnreadable(quotable: QuotableMessage, me: Me): boolean {
  const forwarded = forwardedOf(quotable)
  const own = { ...quotable, message_snapshots: [] }
  return contentOf(own, me) === '' && filesOf(own).length === 0 && forwarded.every((each) => isUnreadable(each, me))
}

export function forwardedOf(quotable: QuotableMessage): APIMessageSnapshotFields[] {
  return (quotable.message_snapshots ?? []).map(({ message }) => message)
}

/** What a link preview, a bot's card or the result of a poll says. */
export function describeEmbed(embed: APIEmbed): string {
  const title = embed.url && embed.title ? `[${embed.title}](${embed.url})` : embed.title
  const fields = (embed.fields ?? []).map(({ name, value }) => `${name.replaceAll('_', ' ')}: ${value}`)
  const lines = [embed.provider?.name, embed.author?.name, title, embed.description, ...fields, embed.footer?.text]
  return lines.filter((line) => line).join('\n')
}

/**
 * Counts are only there when Discord sends results, and an answer that nobody chose is not among them:
 * https://discord.com/developers/docs/resources/poll#poll-results-object
 */
function describePoll({ question, answers, allow_multiselect: several, results }: APIPoll): string {
  const counts = new Map(results?.answer_counts.map(({ id, count }) => [id, count]))
  const lines = answers.map(({ answer_id: id, poll_media: { text, emoji } }) => {
    const name = [emoji?.name, text].filter((each) => each).join(' ')
    const count = counts.get(id) ?? 0
    return results === undefined ? `- ${name}` : `- ${name}: ${count} ${count === 1 ? 'vote' : 'votes'}`
  })
  const rules = [
    ...(several ? ['several answers allowed'] : []),
    ...(results === undefined ? [] : [results.is_finalized ? 'closed' : 'still open']),
  ]
  return [`Poll: ${question.text ?? ''}${rules.length === 0 ? '' : ` (${rules.join(', ')})`}`, ...lines].join('\n')
}

interface Media {
  url?: string
  content_type?: string
}

/** What is used of a component: https://discord.com/developers/docs/components/reference */
interface Component {
  type?: number
  content?: string
  components?: Component[]
  accessory?: Component
  items?: { media?: Media; description?: string | null }[]
  media?: Media
  file?: Media
  description?: string | null
  label?: string
  url?: string
  name?: string
  size?: number
}

/** Texts, descriptions and links of components, in their order. Buttons that only a bot understands say nothing. */
function componentLines(components: readonly unknown[], read: (content: string) => string): string[] {
  return flat(components).flatMap((component) => {
    const { content, description, label, url } = component
    const pictures = component.items ?? []
    return [
      content === undefined ? '' : read(content),
      description ? `Picture: ${description}` : '',
      ...pictures.map((each) => (each.description ? `Picture: ${each.description}` : '')),
      url === undefined ? '' : `[${label || url}](${url})`,
    ].filter((line) => line !== '')
  })
}

/** A component and those inside it. */
function flat(components: readonly unknown[]): Component[] {
  return (components as Component[]).flatMap((each) => [
    each,
    ...flat(each.components ?? []),
    ...flat(each.accessory === undefined ? [] : [each.accessory]),
  ])
}

const stored = /\/attachments\/\d+\/(\d+)\/([^/?#]+)/

/** A file that a component shows, where Discord itself has it. */
function mediaFile({ url = '', content_type: type }: Media, bytes?: number): Attachment[] {
  const [, id, name] = stored.exec(url) ?? []
  if (id === undefined || name === undefined) return []
  const mediaType = type ?? 'application/octet-stream'
  return [{ id, name: decoded(name), mediaType, bytes, voiceNote: false, locator: { url } }]
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** Where people open a message; the addresses of its files expire after a day. */
export function linkOf(
  { id, channel_id: channel }: Pick<APIMessage, 'id' | 'channel_id'>,
  guildId: string | undefined,
) {
  return `https://discord.com/channels/${guildId ?? '@me'}/${channel}/${id}`
}

/** The files of a message and of what it forwards, each once. A voice note is one of the message's own author alone. */
export function filesOf(quotable: QuotableMessage, link?: string): Attachment[] {
  const own = (quotable.attachments ?? []).map((file) => attachmentOf(file, quotable.flags))
  const shown = flat(quotable.components ?? []).flatMap(({ items = [], media, file, size }) => [
    ...items.flatMap((item) => mediaFile(item.media ?? {})),
    ...mediaFile(media ?? {}),
    ...mediaFile(file ?? {}, size),
  ])
  const forwarded = forwardedOf(quotable).flatMap((each) => filesOf(each))
  const files = once([...own, ...asContent([...shown, ...forwarded])])
  return link === undefined ? files : files.map((file) => ({ ...file, link, messageId: quotable.id }))
}

/** Each file once, as it comes first. */
export function once(files: Attachment[]): Attachment[] {
  return files.filter(({ id }, at) => files.findIndex((file) => file.id === id) === at)
}

export function attachmentOf(file: APIAttachment, flags = 0): Attachment {
  const seconds = file.duration_secs
  return {
    id: file.id,
    name: file.title ? withEnding(file.title, file.filename) : file.filename,
    mediaType: file.content_type ?? 'application/octet-stream',
    bytes: file.size,
    durationMs: seconds === undefined ? undefined : Math.round(seconds * 1000),
    voiceNote: (flags & voiceFlag) !== 0 || (seconds !== undefined && file.waveform !== undefined),
    locator: { url: file.url },
  }
}

/** Discord keeps the name with its special characters as a title without the ending. */
function withEnding(title: string, filename: string): string {
  const ending = /\.[^.]+$/.exec(filename)?.[0] ?? ''
  return title.endsWith(ending) ? title : title + ending
}
