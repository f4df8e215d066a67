/** Pure: a Teams activity → a question, an edit or a command, or the reason to ignore it. */
import type { CommandCall, CommandSpec } from '../../src/core/command.ts'
import { storable } from '../../src/core/json.ts'
import type { Author, IncomingMessage } from '../../src/core/message.ts'
import type { Revision } from '../../src/core/platform.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { type Account, type Activity, eventId, type Mention, mentionsOf, placeOf, scopeOf } from './activity.ts'
import { type Found, fileIn, pictureAt } from './attachments.ts'
import { type Read, readHtml } from './html.ts'
import { platformName } from './settings.ts'

/** A question without its attachments; the listener stores them. */
export type Asked = Omit<IncomingMessage, 'attachments'>

export type NormalizedActivity =
  /** `part`: the message does not mention Parley, so it counts only if Parley is part of the conversation. */
  | { kind: 'message'; message: Asked; files: Found[]; part: boolean }
  | { kind: 'command'; call: CommandCall; mentions: Mention[] }
  | { kind: 'revision'; revision: Revision }
  | { kind: 'ignored'; why: string }

export function normalize(
  activity: Activity,
  commands: readonly Pick<CommandSpec, 'name' | 'args'>[],
): NormalizedActivity {
  const { type, recipient, from, channelData } = activity
  if (type !== 'message' && type !== 'messageUpdate') return ignored(why.notForParley(type))
  if (type === 'messageUpdate' && channelData?.eventType !== 'editMessage')
    return ignored(why.notForParley(channelData?.eventType ?? type))
  if (from.id === recipient?.id || from.id.startsWith('28:')) return ignored(why.byBot)
  const scope = scopeOf(activity)
  const mentions = mentionsOf(activity)
  const called = mentions.some(({ id }) => id === recipient?.id)
  const html = htmlOf(activity)
  const written = html !== undefined && html.text !== '' ? html.text : withoutQuotes(activity.text ?? '')
  const others = mentions.filter(({ id }) => id !== recipient?.id)
  const spoken = withoutCall(written, mentions, recipient)
  const text = storable(named(spoken, others, ({ name }) => `@${name}`))
  const place = placeOf(activity)
  const author = authorOf(from)
  if (type === 'messageUpdate')
    return { kind: 'revision', revision: { platform: platformName, id: eventId(activity), text, by: author } }

  const files = filesOf(activity, html)
  if (files.length === 0 && (scope === 'personal' || called)) {
    const line = commandIn(
      named(spoken, others, ({ id }) => `<@${id}>`),
      commands,
    )
    if (line !== undefined) {
      const call = { id: eventId(activity), ...place, author, text: storable(line), ...localeOf(activity) }
      return { kind: 'command', mentions: others, call: { ...call, replyTarget: place } }
    }
  }
  if (text === '' && files.length === 0 && !called) return ignored(why.empty)
  const quoted = quotedIn(activity, html)
  return {
    kind: 'message',
    files,
    part: scope !== 'personal' && !called,
    message: {
      id: eventId(activity),
      conversation: place.conversation,
      author,
      text,
      replyTarget: place,
      kind: scope === 'personal' ? 'direct' : called ? 'mention' : 'thread',
      sentAt: momentOf(activity.timestamp),
      quoted: quoted === '' ? undefined : storable(quoted),
      ...localeOf(activity),
    },
  }
}

const ignored = (reason: string): NormalizedActivity => ({ kind: 'ignored', why: reason })
const { ignored: why } = teamsWording

/** Uses the directory ID if there is one, because admins can look it up. */
export function authorOf({ id, aadObjectId, name }: Account): Author {
  return { id: aadObjectId || id, name: name ? name.slice(0, 200) : undefined }
}

export function momentOf(timestamp: string | null | undefined): string {
  const moment = new Date(timestamp ?? Number.NaN)
  return (Number.isNaN(moment.getTime()) ? new Date() : moment).toISOString()
}

const localeOf = ({ locale }: Activity) => (locale && /^[\w-]{2,35}$/.test(locale) ? { locale } : {})

function htmlOf({ attachments }: Activity): Read | undefined {
  const own = attachments?.find(({ contentType }) => contentType === 'text/html')
  return typeof own?.content === 'string' ? readHtml(own.content) : undefined
}

/** Without the editor's HTML, quoted messages are marked in the text. */
const withoutQuotes = (text: string) => text.replaceAll(/<quoted\b[^>]*(?:\/>|>[\s\S]*?<\/quoted>)/gi, '')

/** Removes the first mention of Parley; a second one becomes the name. */
function withoutCall(text: string, mentions: Mention[], recipient: Account | null | undefined): string {
  let rest = text
  for (const mention of mentions.filter(({ id }) => id === recipient?.id)) {
    rest = rest.replace(mention.text, '').replace(`<at>${mention.name}</at>`, mention.name)
  }
  return rest.replaceAll(' ', ' ').trim()
}

function named(text: string, mentions: Mention[], as: (mention: Mention) => string): string {
  let rest = text
  for (const mention of mentions)
    rest = rest.replaceAll(mention.text, as(mention)).replaceAll(`<at>${mention.name}</at>`, as(mention))
  return rest
}

function filesOf({ attachments }: Activity, html: Read | undefined): Found[] {
  const found = (attachments ?? []).flatMap((each) => fileIn(each) ?? [])
  const placed = (html?.files ?? []).map((id) => ({
    name: 'shared file',
    mediaType: 'application/octet-stream',
    source: { kind: 'placed' as const, id },
  }))
  const known = new Set(found.flatMap(({ source }) => ('url' in source ? [source.url] : [])))
  const pictures = (html?.pictures ?? []).filter((url) => !known.has(url))
  // An image may be in the HTML and among the attachments; the attachment says more.
  const loose = found.some(({ mediaType }) => mediaType.startsWith('image/')) ? [] : pictures.map(pictureAt)
  return [...found, ...(found.some(({ source }) => source.kind === 'share') ? [] : placed), ...loose].slice(0, 20)
}

function quotedIn({ entities }: Activity, html: Read | undefined): string {
  const previews = (entities ?? []).flatMap((entity) => {
    const reply = entity.type === 'quotedReply' ? entity.quotedReply : undefined
    if (typeof reply !== 'object' || reply === null || !('preview' in reply)) return []
    const by = 'senderName' in reply && typeof reply.senderName === 'string' ? `${reply.senderName}: ` : ''
    return typeof reply.preview === 'string' ? [`${by}${reply.preview}`] : []
  })
  return (previews.length > 0 ? previews : (html?.quoted ?? [])).join('\n\n').slice(0, 20_000)
}

/** A longer line is a question. */
const maxWords = 14

/**
 * The command to run, or `undefined` for a question. Teams has no slash commands: `/parley …` is always a command, and another
 * line is one only if it names a command and cannot be a question.
 */
export function commandIn(text: string, specs: readonly Pick<CommandSpec, 'name' | 'args'>[]): string | undefined {
  const typed = text.trim()
  const called = /^\/?parley(?:\s+([\s\S]*))?$/i.exec(typed)
  if (called && (typed.startsWith('/') || called[1] === undefined)) return (called[1] ?? 'help').trim() || 'help'
  const words = typed.toLowerCase().split(/\s+/)
  if (typed.includes('\n') || typed.includes('?') || words.length > maxWords) return undefined
  const line = words.join(' ')
  if (specs.some(({ name, args }) => name === line && !args.some(({ required }) => required))) return typed
  if (words[0] === 'help')
    return specs.some(({ name }) => line === `help ${name}` || name.startsWith(`${line.slice(5)} `)) ? typed : undefined
  // "budget set channel 20 month" is a command, "models are expensive" is not: many sentences start with a command's first word.
  return specs.some(({ name, args }) => name.includes(' ') && args.length > 0 && line.startsWith(`${name} `))
    ? typed
    : undefined
}
