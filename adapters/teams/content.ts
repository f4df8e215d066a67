/**
 * Pure: what a message of Teams contains. Activities, messages of Graph and the message that somebody asks about have the same
 * parts: HTML or plain text, and attachments, which are files, cards, code, and other messages.
 */
import { z } from 'zod'
import { teamsWording } from '../../src/wording/teams.ts'
import type { RawAttachment } from './activity.ts'
import { type Found, fileIn, pictureAt, snippetAt } from './attachments.ts'
import { parsed, wordsOfCard } from './cards.ts'
import { type Quote, readHtml } from './html.ts'

export interface RawMessage {
  /** HTML, if there is any. */
  html?: string
  /** The words of a message without HTML. */
  plain?: string
  subject?: string | null
  attachments?: readonly RawAttachment[] | null
}

export interface Content {
  subject: string
  /** Markdown; mentions are `<at>name</at>`. */
  text: string
  quotes: Quote[]
  /** The words of each card. */
  cards: string[]
  files: Found[]
  /** IDs of attachments that the message names and that did not come with it. */
  placed: string[]
  /** Sentences about what cannot be read. */
  unread: string[]
  /** The names of the people it mentions. */
  mentions: string[]
}

const Person = z.looseObject({ id: z.string().nullish(), displayName: z.string().nullish() }).nullish()
/** https://learn.microsoft.com/graph/api/resources/chatmessagefromidentityset */
export const Sender = z.looseObject({ user: Person, application: Person, device: Person }).nullish()
export type Sender = z.infer<typeof Sender>

export const nameOf = (sender: Sender) =>
  sender?.user?.displayName || sender?.application?.displayName || sender?.device?.displayName || undefined

const Reference = z.looseObject({
  messageId: z.string().nullish(),
  messagePreview: z.string().nullish(),
  messageSender: Sender,
})
const Forward = z.looseObject({
  originalMessageId: z.string().nullish(),
  originalMessageContent: z.string().nullish(),
  originalMessageSender: Sender,
  body: z.looseObject({ content: z.string().nullish() }).nullish(),
})
const Snippet = z.looseObject({
  name: z.string().nullish(),
  language: z.string().nullish(),
  codeSnippetUrl: z.string(),
})

export function contentOf(message: RawMessage): Content {
  const read = readHtml(message.html ?? '')
  const content: Content = {
    subject: (message.subject ?? '').trim(),
    text: read.text,
    quotes: [...read.quotes],
    cards: [],
    files: [],
    placed: [],
    unread: [],
    mentions: read.mentions,
  }
  const attachments = (message.attachments ?? []).filter(({ contentType }) => contentType !== 'text/html')
  for (const attachment of attachments) sort(attachment, content, read.placed.includes(attachment.id ?? ''))
  const known = new Set(attachments.map(({ id }) => id))
  content.placed = read.placed.filter((id) => !known.has(id))
  // The plain text repeats the words of a quoted message, and those are not what this one says.
  const shows = read.text !== '' || content.quotes.length + read.pictures.length + read.placed.length > 0
  if (!shows) content.text = message.plain ?? ''
  // A picture may be in the HTML and among the attachments; the attachment says more.
  if (!content.files.some(({ mediaType }) => mediaType.startsWith('image/')))
    content.files.push(...read.pictures.map(pictureAt))
  return content
}

/** Puts an attachment where it belongs. `placed`: people see it in the text, so that it is more than a link's preview. */
function sort(attachment: RawAttachment, content: Content, placed: boolean): void {
  const file = fileIn(attachment)
  if (file !== undefined) {
    content.files.push(file)
    return
  }
  const { contentType, name } = attachment
  const about = parsed(attachment.content)
  if (contentType === 'messageReference' || contentType === 'forwardedMessageReference') {
    const quote = contentType === 'messageReference' ? replyIn(about) : forwardIn(about, content)
    if (quote === undefined) content.unread.push(teamsWording.unread.quote)
    else content.quotes.push(quote)
    return
  }
  const snippet = contentType.endsWith('.codesnippet') ? Snippet.safeParse(about).data : undefined
  if (snippet !== undefined) {
    content.files.push(snippetAt(snippet.codeSnippetUrl, snippet.name ?? '', snippet.language ?? ''))
    return
  }
  const words = wordsOfCard(about) ?? (name || undefined)
  if (words !== undefined && !/fluid/i.test(contentType)) content.cards.push(words)
  else if (placed || /card/i.test(contentType)) content.unread.push(teamsWording.unread.part)
}

function replyIn(about: unknown): Quote | undefined {
  const { messageId, messagePreview, messageSender } = Reference.safeParse(about).data ?? {}
  const text = wordsIn(messagePreview ?? '')
  return text === ''
    ? undefined
    : {
        kind: 'reply',
        text,
        messageId: messageId ?? undefined,
        by: nameOf(messageSender),
        byId: idOf(messageSender),
      }
}

/** Its pictures are files of the message that forwards it. */
function forwardIn(about: unknown, content: Content): Quote | undefined {
  const { originalMessageContent, originalMessageId, originalMessageSender, body } = Forward.safeParse(about).data ?? {}
  const { text: words, pictures } = readHtml(originalMessageContent ?? body?.content ?? '')
  content.files.push(...pictures.map(pictureAt))
  const text = mentionsAsNames(words)
  return text === '' && pictures.length === 0
    ? undefined
    : {
        kind: 'forward',
        text,
        messageId: originalMessageId ?? undefined,
        by: nameOf(originalMessageSender),
        byId: idOf(originalMessageSender),
      }
}

/** As in Teams' HTML. */
function idOf(sender: Sender): string | undefined {
  if (sender?.user?.id) return `8:orgid:${sender.user.id}`
  return sender?.application?.id ? `28:${sender.application.id}` : undefined
}

/** A preview is plain text, and sometimes HTML. */
const wordsIn = (text: string) =>
  /<\/?[a-z][^>]*>|&\w+;/i.test(text) ? mentionsAsNames(readHtml(text).text) : text.trim()

export const mentionsAsNames = (text: string) => text.replaceAll(/<at>([^<]*)<\/at>/g, '@$1')

export function quoteLine({ by, text }: Quote): string {
  return by === undefined || text === '' ? text : `${by}: ${text}`
}

/** All that a message of others says, as Markdown: empty if it has no words. */
export function wordsOf({ subject, text, quotes, cards }: Content): string {
  return [
    ...(subject === '' ? [] : [`**${subject}**`]),
    ...quotes.filter(({ text: said }) => said !== '').map((quote) => quoteLine(quote).replaceAll(/^/gm, '> ')),
    mentionsAsNames(text).trim(),
    ...cards,
  ]
    .filter((each) => each !== '')
    .join('\n\n')
}
