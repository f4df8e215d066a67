/**
 * Pure: a Discord message as Markdown for a model. Mentions become names, embeds and forwarded messages become
 * text, files become attachments whose record is enough to fetch them again.
 */
import type { APIAttachment, APIEmbed, APIMessage, APIMessageSnapshotFields, APIUser } from 'discord.js'
import { type Attachment, asContent } from '../../src/core/message.ts'

/** What of a message is content; messages, snapshots of forwarded ones and messages of interactions have it alike. */
export type QuotableMessage = Pick<APIMessage, 'content'> &
  Partial<Pick<APIMessage, 'id' | 'channel_id' | 'embeds' | 'attachments' | 'mentions' | 'flags' | 'message_snapshots'>>

/** Parley's own id and the roles that stand for it: a mention of either is taken out of the text. */
export interface Me {
  id: string
  roleIds?: readonly string[]
}

const voiceFlag = 1 << 13
const quotedMax = 20_000

export function textOf({ content, mentions = [] }: QuotableMessage, me: Me): string {
  const names = new Map(mentions.map((user) => [user.id, nameOf(user)]))
  return content
    .replaceAll(/<@!?(\d+)>/g, (_, id: string) => (id === me.id ? '' : `@${names.get(id) ?? id}`))
    .replaceAll(/<@&(\d+)>/g, (whole, id: string) => (me.roleIds?.includes(id) ? '' : whole))
    .replaceAll(/<a?:(\w+):\d+>/g, ':$1:')
    .replaceAll(/<t:(-?\d{1,12})(?::[a-zA-Z])?>/g, (whole, seconds: string) => isoDate(Number(seconds)) ?? whole)
    .replaceAll(/<\/([^:>]+):\d+>/g, '/$1')
    .trim()
}

function isoDate(seconds: number): string | undefined {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

export function nameOf(user: Pick<APIUser, 'username'> & { global_name?: string | null }): string {
  return user.global_name || user.username
}

/** The whole of a message as quoted content: who said it, text, embeds, and what it forwards. Empty when there is nothing. */
export function quote(quotable: QuotableMessage & { author?: APIUser }, me: Me): string {
  const own = [textOf(quotable, me), ...(quotable.embeds ?? []).map(describeEmbed)].filter((text) => text !== '')
  const text = [...own, ...forwardedOf(quotable).map((each) => `Forwarded:\n${quote(each, me)}`)].join('\n\n')
  if (text === '' || quotable.author === undefined) return text.slice(0, quotedMax)
  return `${nameOf(quotable.author)}: ${text}`.slice(0, quotedMax)
}

export function forwardedOf(quotable: QuotableMessage): APIMessageSnapshotFields[] {
  return (quotable.message_snapshots ?? []).map(({ message }) => message)
}

/** What a link preview or a bot's card says. */
export function describeEmbed(embed: APIEmbed): string {
  const title = embed.url && embed.title ? `[${embed.title}](${embed.url})` : embed.title
  const fields = (embed.fields ?? []).map(({ name, value }) => `${name}: ${value}`)
  const lines = [embed.provider?.name, embed.author?.name, title, embed.description, ...fields, embed.footer?.text]
  return lines.filter((line) => line).join('\n')
}

/** The files of a message and of what it forwards, each once. A voice note is one of the message's own author alone. */
export function filesOf(quotable: QuotableMessage): Attachment[] {
  const own = (quotable.attachments ?? []).map((file) => attachmentOf(file, quotable.flags))
  const forwarded = forwardedOf(quotable).flatMap((each) => (each.attachments ?? []).map((file) => attachmentOf(file)))
  const files = [...own, ...asContent(forwarded)]
  return [...new Map(files.map((file) => [file.id, file])).values()]
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
