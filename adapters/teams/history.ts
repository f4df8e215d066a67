/**
 * What was said before Parley was called: the thread of a channel, from Graph, which allows it with the permission that the
 * team's owner grants when adding the app. A thread costs two calls, and one more for every 50 messages after the first 50.
 * https://learn.microsoft.com/graph/api/chatmessage-list-replies
 * Of a group or meeting chat, only what the asker can see there: people may be added to a chat without its earlier messages.
 */
import { z } from 'zod'
import { quoteConversation, type SaidBefore } from '../../src/core/context.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { RawAttachment, type TargetData } from './activity.ts'
import type { Api } from './api.ts'
import type { Found } from './attachments.ts'
import type { Tokens } from './auth.ts'
import { type Content, contentOf, nameOf, Sender, wordsOf } from './content.ts'
import { guardedFetch, type Hosts } from './hosts.ts'
import { graphScopeOf, graphUrlOf, type resourcePermissions, type TeamsSettings } from './settings.ts'

export interface Earlier {
  quoted?: string
  /** At most 20, the newest first. */
  files: Found[]
  /** Sentences about what could not be read. */
  unread: string[]
}

export interface HistoryRequest {
  at: TargetData
  /** Who asks: their object ID in the directory. Others, such as anonymous guests of a meeting, are found in no list of members. */
  asker: string
  /** `thread`: the thread of a channel. `recent`: the last messages of a chat or a channel, which people ask about. */
  what: 'thread' | 'recent'
  /** The question itself, which is not part of what was said before it. */
  messageId: string
  /** Only what was said after it: Parley knows the rest. */
  since?: { messageId: string; sentAt: string }
}

export interface HistoryDeps {
  settings: TeamsSettings
  api: Pick<Api, 'group'>
  tokens: Tokens
  hosts: Hosts
  log: Log
}

/** An acknowledgement may wait so long for Graph; Teams gives 15 seconds for all. */
const readMs = 6000
/** Graph's limit. */
const pageSize = 50
const most = { pages: 4, recent: 30, files: 20 }

const Message = z.looseObject({
  id: z.string(),
  messageType: z.string().nullish(),
  createdDateTime: z.string(),
  deletedDateTime: z.string().nullish(),
  subject: z.string().nullish(),
  from: Sender,
  body: z.looseObject({ contentType: z.string().nullish(), content: z.string().nullish() }).nullish(),
  attachments: z.array(RawAttachment).nullish(),
})
type Message = z.infer<typeof Message>
/** https://learn.microsoft.com/graph/api/resources/aaduserconversationmember */
const ChatMember = z.looseObject({
  userId: z.string(),
  /** `0001-01-01T00:00:00Z`: the whole chat. */
  visibleHistoryStartDateTime: z.iso.datetime({ offset: true }),
})
const Page = z.looseObject({ value: z.array(z.unknown()), '@odata.nextLink': z.string().nullish() })

/** The messages are not read; `unread` says why. */
class NotReadable extends Error {
  readonly unread: string

  constructor(message: string, unread: string) {
    super(message)
    this.unread = unread
  }
}

/** Graph answers no: the app lacks the permission, or is not in the team. */
const forbidden = (message: string, permission: keyof typeof resourcePermissions) =>
  new NotReadable(message, teamsWording.unread.notAllowed(permission))

/** `permission`: the one that the call needs. */
interface Reading {
  permission: keyof typeof resourcePermissions
  signal: AbortSignal
}

export function createHistory(deps: HistoryDeps): (request: HistoryRequest) => Promise<Earlier> {
  const { settings, api, tokens, hosts, log } = deps
  const tokenFor = async (url: string) => (hosts.isGraph(url) ? await tokens.get(graphScopeOf(settings)) : undefined)

  async function get(url: string, { permission, signal }: Reading): Promise<unknown> {
    const response = await guardedFetch(url, { signal }, { hosts, tokenFor })
    if (response.ok) return await response.json()
    await response.body?.cancel()
    if ([401, 403, 404].includes(response.status)) throw forbidden(`Graph answered ${response.status}`, permission)
    throw new Error(`Graph answered ${response.status}`)
  }

  /** Newest first, as Graph lists them. */
  async function list(
    url: string,
    { since, pages, ...reading }: Reading & { since?: string; pages: number },
  ): Promise<{ messages: Message[]; more: boolean }> {
    const messages: Message[] = []
    let next: string | undefined = url
    for (let page = 0; page < pages && next !== undefined; page += 1) {
      const answer: unknown = await get(next, reading).catch((error: unknown) => {
        // The newest messages are worth more than none.
        if (page === 0) throw error
        return undefined
      })
      if (answer === undefined) break
      const { value, '@odata.nextLink': link } = Page.parse(answer)
      const found = value.flatMap((each) => Message.safeParse(each).data ?? [])
      messages.push(...found)
      const reached =
        since !== undefined && found.some(({ createdDateTime }) => Date.parse(createdDateTime) <= Date.parse(since))
      next = reached ? undefined : (link ?? undefined)
    }
    return { messages, more: next !== undefined }
  }

  /**
   * Since when the asker sees the chat.
   * https://learn.microsoft.com/graph/api/chat-list-members
   */
  async function visibleSince(chat: string, asker: string, signal: AbortSignal): Promise<string> {
    for (let next: string | undefined = `${chat}/members`; next !== undefined; ) {
      const page = Page.parse(await get(next, { permission: 'ChatMember.Read.Chat', signal }))
      const found = page.value
        .flatMap((each) => ChatMember.safeParse(each).data ?? [])
        .find(({ userId }) => userId.toLowerCase() === asker.toLowerCase())
      if (found !== undefined) return found.visibleHistoryStartDateTime
      next = page['@odata.nextLink'] ?? undefined
    }
    throw new NotReadable('the asker is no member of the chat', teamsWording.unread.notMember)
  }

  async function read(
    { at, asker, what, since }: HistoryRequest,
    signal: AbortSignal,
  ): Promise<{ messages: Message[]; more: boolean }> {
    const root = `${graphUrlOf(settings)}/v1.0`
    const [channel = '', thread = ''] = at.conversation.split(';messageid=').map(encodeURIComponent)
    if (at.scope !== 'channel') {
      const chat = `${root}/chats/${channel}`
      const visible = await visibleSince(chat, asker, signal)
      const from = since === undefined || Date.parse(visible) > Date.parse(since.sentAt) ? visible : since.sentAt
      const permission = 'ChatMessage.Read.Chat'
      const { messages, more } = await list(`${chat}/messages?$top=${most.recent}`, {
        since: from,
        pages: 1,
        permission,
        signal,
      })
      return { messages: messages.filter((each) => Date.parse(each.createdDateTime) >= Date.parse(visible)), more }
    }
    const group = await api.group(at)
    const permission = 'ChannelMessage.Read.Group'
    if (group === undefined) throw forbidden('the team is not known', permission)
    const messages = `${root}/teams/${encodeURIComponent(group)}/channels/${channel}/messages`
    if (what === 'recent')
      return { ...(await list(`${messages}?$top=${most.recent}`, { pages: 1, permission, signal })), more: false }
    const replies = list(`${messages}/${thread}/replies?$top=${pageSize}`, {
      since: since?.sentAt,
      pages: most.pages,
      permission,
      signal,
    })
    if (since !== undefined) return await replies
    const [first, rest] = await Promise.all([get(`${messages}/${thread}`, { permission, signal }), replies])
    return { messages: [...rest.messages, Message.parse(first)], more: rest.more }
  }

  return async (request) => {
    const { messageId, since } = request
    try {
      const { messages, more } = await read(request, AbortSignal.timeout(readMs))
      const known = [messageId, since?.messageId.split('#').at(-1)]
      const said = messages
        .filter((each) => isSaid(each, settings) && !known.includes(each.id))
        .filter(({ createdDateTime }) => since === undefined || Date.parse(createdDateTime) > Date.parse(since.sentAt))
        .sort((a, b) => Date.parse(a.createdDateTime) - Date.parse(b.createdDateTime))
      return earlierOf(said, more)
    } catch (error) {
      log.info(errorFields(error), 'what was said before could not be read')
      return { files: [], unread: [error instanceof NotReadable ? error.unread : teamsWording.unread.notNow] }
    }
  }
}

/** Not what Teams says itself ("Ann added Bob"), what was deleted, and what Parley said. */
function isSaid({ messageType, deletedDateTime, from }: Message, { clientId }: TeamsSettings): boolean {
  const ordinary = messageType === undefined || messageType === null || messageType === 'message'
  return ordinary && !deletedDateTime && (clientId === undefined || from?.application?.id !== clientId)
}

/** `said`: oldest first. `more`: there are older ones that were not read. */
function earlierOf(said: readonly Message[], more: boolean): Earlier {
  const contents = said.map((message) => ({ message, content: contentIn(message) }))
  const lines = contents.map(({ message: { from }, content }): SaidBefore => {
    const files = content.files.map(({ name }) => `[${name}]`).join(' ')
    return {
      author: nameOf(from) ?? teamsWording.unknownAuthor,
      text: [wordsOf(content), files].filter(Boolean).join('\n\n'),
    }
  })
  const quoted = quoteConversation(lines)
  const { unread } = teamsWording
  const notes = contents.flatMap(({ content }) => content.unread)
  if (more) notes.push(unread.tooLong)
  else if (quoted !== undefined && quoted.leftOut > 0) notes.push(unread.leftOut(quoted.leftOut))
  const files = contents.toReversed().flatMap(({ content }) => content.files)
  return {
    quoted: quoted?.text,
    files: files.slice(0, most.files).map((file) => ({ ...file, voiceNote: false })),
    unread: [...new Set(notes)],
  }
}

export function contentIn({ subject, body, attachments }: Pick<Message, 'subject' | 'body' | 'attachments'>): Content {
  const content = body?.content ?? ''
  return contentOf({ subject, attachments, ...(body?.contentType === 'text' ? { plain: content } : { html: content }) })
}
