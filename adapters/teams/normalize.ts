/** Pure: a Teams activity → a question, an edit, a deletion or a command, or the reason to ignore it. */
import type { Addressing } from '../../src/core/addressing.ts'
import type { CommandCall, CommandSpec } from '../../src/core/command.ts'
import { storable } from '../../src/core/json.ts'
import type { Author, IncomingMessage, ReplyTarget } from '../../src/core/message.ts'
import type { Revision } from '../../src/core/platform.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { type Account, type Activity, eventIds, type Mention, mentionsOf, placeOf, scopeOf } from './activity.ts'
import type { Found } from './attachments.ts'
import { type Content, contentOf, quoteLine } from './content.ts'
import { type Quote, readHtml } from './html.ts'
import { platformName } from './settings.ts'

/** A question without its attachments; the listener stores them. */
export type Asked = Omit<IncomingMessage, 'attachments'>

export interface AskedMessage {
  message: Asked
  files: Found[]
  /** Whom it is meant for, as far as the activity says it. */
  addressing: Addressing
  /** The messages that it answers. */
  repliesTo: Quote[]
}

export type NormalizedActivity =
  | ({ kind: 'message' } & AskedMessage)
  /** Parley is mentioned, and nothing is said. */
  | { kind: 'hello'; id: string; place: ReplyTarget }
  /** It has nothing but parts that apps cannot read; `why` are sentences for its author. */
  | { kind: 'unreadable'; id: string; place: ReplyTarget; why: string[] }
  | { kind: 'command'; call: CommandCall; mentions: Mention[] }
  /** `asks`: the edited message calls Parley, which is new to Parley if it does not know the message. */
  | { kind: 'revision'; revision: Revision; asks?: AskedMessage }
  | { kind: 'deletion'; ids: string[] }
  | { kind: 'ignored'; why: string }

export function normalize(
  activity: Activity,
  commands: readonly Pick<CommandSpec, 'name' | 'args'>[],
): NormalizedActivity {
  const { type, recipient, from, channelData } = activity
  const event = channelData?.eventType
  if (type === 'messageDelete' && event === 'softDeleteMessage') return { kind: 'deletion', ids: eventIds(activity) }
  if (type !== 'message' && type !== 'messageUpdate') return ignored(why.notForParley(type))
  if (type === 'messageUpdate' && event !== 'editMessage') return ignored(why.notForParley(event ?? type))
  if (from.id === recipient?.id || from.id.startsWith('28:')) return ignored(why.byBot)
  const scope = scopeOf(activity)
  const mentions = mentionsOf(activity)
  const called = mentions.some(({ id }) => id === recipient?.id)
  const content = contentIn(activity)
  const spoken = withoutCall(content, mentions, recipient)
  const asked = askedMessage(
    activity,
    content,
    spoken(({ name }) => `@${name}`),
  )
  const { message, files } = asked
  if (type === 'messageUpdate') {
    const { id, text, author: by } = message
    const asks = called && !isEmpty(asked) ? asked : undefined
    return { kind: 'revision', revision: { platform: platformName, id, text, by }, asks }
  }
  if (files.length === 0 && (scope === 'personal' || called)) {
    const line = commandIn(
      spoken(({ id }) => `<@${id}>`),
      commands,
    )
    if (line !== undefined) {
      const { id, author, conversation, replyTarget, locale } = message
      const others = mentions.filter((each) => each.id !== recipient?.id)
      return {
        kind: 'command',
        mentions: others,
        call: {
          ...{ id, conversation, author, replyTarget, locale },
          text: storable(line),
          direct: scope === 'personal',
          beginsThread: scope === 'channel' && conversation.threadId === activity.id,
        },
      }
    }
  }
  if (!isEmpty(asked)) return { kind: 'message', ...asked }
  const { id, replyTarget: place, unread } = message
  if (unread !== undefined && (called || scope === 'personal')) return { kind: 'unreadable', id, place, why: unread }
  return called ? { kind: 'hello', id, place } : ignored(why.empty)
}

const isEmpty = ({ message: { text, quoted }, files }: AskedMessage) =>
  text === '' && files.length === 0 && quoted === undefined

function askedMessage(activity: Activity, content: Content, text: string): AskedMessage {
  const { recipient, from } = activity
  const scope = scopeOf(activity)
  const place = placeOf(activity)
  const mentions = mentionsOf(activity)
  const called = mentions.some(({ id }) => id === recipient?.id)
  const quotes = quotesIn(activity, content)
  const quoted = storable(
    [...quotes.map(quoteLine).filter((line) => line !== ''), ...content.cards].join('\n\n').slice(0, 20_000),
  )
  const author = authorOf(from)
  // What somebody forwards is not what they say themselves.
  const forwards = quotes.some(({ kind }) => kind === 'forward')
  const files = foundIn(content).map((file) => (forwards ? { ...file, voiceNote: false } : file))
  const { threadId } = place.conversation
  // A mention that is in the text alone is one of a person, a team or a tag, too.
  const names = new Set(mentions.flatMap((each) => [plainName(each.name), plainName(each.text)]))
  const own = [from.id, author.id, `8:orgid:${author.id}`]
  return {
    files,
    repliesTo: quotes.filter(({ kind, byId }) => kind === 'reply' && !own.includes(byId ?? '')),
    addressing: {
      conversation: place.conversation,
      author,
      text: storable(text),
      place:
        scope === 'personal'
          ? 'direct'
          : scope === 'groupChat'
            ? 'group'
            : threadId === activity.id
              ? 'channel'
              : 'thread',
      mentioned: called,
      namesOthers:
        mentions.some(({ id }) => id !== recipient?.id) || content.mentions.some((name) => !names.has(plainName(name))),
      hasFiles: files.length > 0,
    },
    message: {
      id: eventIds(activity)[0],
      conversation: place.conversation,
      author,
      text: storable(text),
      replyTarget: place,
      kind: scope === 'personal' ? 'direct' : called ? 'mention' : 'thread',
      sentAt: momentOf(activity.timestamp),
      quoted: quoted === '' ? undefined : quoted,
      unread: content.unread.length === 0 ? undefined : [...new Set(content.unread)],
      locale: localeOf(activity),
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

const localeOf = ({ locale }: Activity) => (locale && /^[\w-]{2,35}$/.test(locale) ? locale : undefined)

function contentIn(activity: Activity): Content {
  const { attachments, textFormat } = activity
  const text = activity.text ?? ''
  const own = attachments?.find(({ contentType }) => contentType === 'text/html')?.content
  const html = typeof own === 'string' ? own : textFormat === 'xml' ? text : undefined
  return contentOf({ html, plain: plainIn(text), attachments })
}

/**
 * Without the editor's HTML, quoted messages are marked in the text. Old clients write `&nbsp;` into it after a mention, which
 * shows that the whole text is encoded.
 */
function plainIn(text: string): string {
  const own = text.replaceAll(/<quoted\b[^>]*(?:\/>|>[\s\S]*?<\/quoted>)/gi, '')
  return own.includes('&nbsp;') ? own.replaceAll(/&(?:#\w{1,8}|\w{1,30});/g, (code) => readHtml(code).text || ' ') : own
}

/** A name as people see it: `<at>R&amp;D</at>` and `**R&D**` are `R&D`. */
const plainName = (name: string) =>
  readHtml(name.replaceAll(/<\/?at\b[^>]*>/gi, ''))
    .text.replaceAll(/\*\*|~~/g, '')
    .replaceAll(/\s+/g, ' ')
    .toLowerCase()

/**
 * The text with each mention as `as` writes it. The first mention of Parley is left out, with a comma or a colon after it at the
 * beginning; another one becomes the name.
 */
function withoutCall(
  { text, mentions: inHtml }: Content,
  mentions: Mention[],
  recipient: Account | null | undefined,
): (as: (mention: Mention) => string) => string {
  const known = new Map(
    mentions.flatMap((each) => [[plainName(each.name), each] as const, [plainName(each.text), each] as const]),
  )
  const marked = new Set(inHtml.map(plainName))
  return (as) => {
    const taken = new Set<string>()
    const told = text.replaceAll(/<at\b[^>]*>([\s\S]*?)<\/at>/gi, (whole, inner: string) => {
      const name = plainName(inner)
      const mention = known.get(name)
      if (mention === undefined) return marked.has(name) ? `@${inner}` : whole
      if (mention.id !== recipient?.id) return as(mention)
      if (taken.has(name)) return mention.name
      taken.add(name)
      return ''
    })
    const words = told.replaceAll('\u00a0', ' ').trim()
    return /^\s*<at\b/i.test(text) ? words.replace(/^[,:;]\s*/, '') : words
  }
}

/** At most 20 files; those that the message only names are looked up later. */
export function foundIn({ files, placed }: Pick<Content, 'files' | 'placed'>): Found[] {
  const named = files.some(({ source }) => source.kind === 'share') ? [] : placed
  const unknown = named.map((id) => ({
    name: 'shared file',
    mediaType: 'application/octet-stream',
    source: { kind: 'placed' as const, id },
  }))
  return [...files, ...unknown].slice(0, 20)
}

/** What it answers and forwards. Teams tells a reply in up to two forms: the entity names the sender. */
function quotesIn({ entities }: Activity, { quotes }: Content): Quote[] {
  const replies = (entities ?? []).flatMap((entity): Quote[] => {
    const reply = entity.type === 'quotedReply' ? entity.quotedReply : undefined
    if (typeof reply !== 'object' || reply === null) return []
    const field = (name: string) => {
      const value: unknown = Reflect.get(reply, name)
      return typeof value === 'string' && value !== '' ? value : undefined
    }
    const text = field('preview') ?? ''
    return [{ kind: 'reply', text, by: field('senderName'), byId: field('senderId'), messageId: field('messageId') }]
  })
  return replies.length > 0 ? [...replies, ...quotes.filter(({ kind }) => kind === 'forward')] : quotes
}

/** A longer line is a question. */
const maxWords = 14

/**
 * The command to run, or `undefined` for a question. Teams has no slash commands: `/parley …` and `/name` are always commands, and
 * another line is one only if it names a command and cannot be a question. One word alone ("Why", "usage") may be part of the
 * talk; "help" may not, because Microsoft wants every bot to answer it:
 * https://learn.microsoft.com/microsoftteams/platform/concepts/deploy-and-publish/appsource/prepare/teams-store-validation-guidelines
 */
export function commandIn(text: string, specs: readonly Pick<CommandSpec, 'name' | 'args'>[]): string | undefined {
  const typed = text.trim()
  const called = /^\/?parley(?:\s+([\s\S]*))?$/i.exec(typed)
  if (called && (typed.startsWith('/') || called[1] === undefined)) return (called[1] ?? 'help').trim() || 'help'
  const slashed = /^\/([a-z][\s\S]*)$/i.exec(typed)?.[1]
  if (slashed !== undefined) {
    const wanted = slashed.toLowerCase().split(/\s+/).join(' ')
    return specs.some(({ name }) => wanted === name || wanted.startsWith(`${name} `)) ? slashed : undefined
  }
  const words = typed.toLowerCase().split(/\s+/)
  if (typed.includes('\n') || typed.includes('?') || words.length > maxWords) return undefined
  const line = words.join(' ')
  if (words[0] === 'help') {
    const isHelp =
      line === 'help' || specs.some(({ name }) => line === `help ${name}` || name.startsWith(`${line.slice(5)} `))
    return isHelp ? typed : undefined
  }
  if (words.length === 1) return undefined
  if (specs.some(({ name, args }) => name === line && !args.some(({ required }) => required))) return typed
  // "budget set 20 month for channel" is a command, "models are expensive" is not: many sentences start with a command's first word.
  return specs.some(({ name, args }) => name.includes(' ') && args.length > 0 && line.startsWith(`${name} `))
    ? typed
    : undefined
}
