/**
 * What was said before Parley was called: the thread of a channel, from Graph, which allows it with the permission that the
 * team's owner grants when adding the app. A thread costs two calls, and one more for every 50 messages after the first 50.
 * https://learn.microsoft.com/graph/api/chatmessage-list-replies
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
const Page = z.looseObject({ value: z.array(z.unknown()), '@odata.nextLink': z.string().nullish() })

/** Graph answers no: the app lacks the permission, or is not in the team. */
class Forbidden extends Error {}

export function createHistory(deps: HistoryDeps): (request: HistoryRequest) => Promise<Earlier> {
  const { settings, api, tokens, hosts, log } = deps
  const tokenFor = async (url: string) => (hosts.isGraph(url) ? await tokens.get(graphScopeOf(settings)) : undefined)

  async function get(url: string, signal: AbortSignal): Promise<unknown> {
    const response = await guardedFetch(url, { signal }, { hosts, tokenFor })
    if (response.ok) return await response.json()
    await response.body?.cancel()
    if ([401, 403, 404].includes(response.status)) throw new Forbidden(`Graph answered ${response.status}`)
    throw new Error(`Graph answered ${response.status}`)
  }

  /** Newest first, as Graph lists them. */
  async function list(
    url: string,
    { since, pages, signal }: { since?: string; pages: number; signal: AbortSignal },
  ): Promise<{ messages: Message[]; more: boolean }> {
    const messages: Message[] = []
    let next: string | undefined = url
    for (let page = 0; page < pages && next !== undefined; page += 1) {
      const answer: unknown = await get(next, signal).catch((error: unknown) => {
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

  async function read(
    { at, what, since }: HistoryRequest,
    signal: AbortSignal,
  ): Promise<{ messages: Message[]; more: boolean }> {
    const root = `${graphUrlOf(settings)}/v1.0`
    const [channel = '', thread = ''] = at.conversation.split(';messageid=').map(encodeURIComponent)
    if (at.scope !== 'channel') {
      const url = `${root}/chats/${channel}/messages?$top=${most.recent}`
      return await list(url, { since: since?.sentAt, pages: 1, signal })
    }
    const group = await api.group(at)
    if (group === undefined) throw new Forbidden('the team is not known')
    const messages = `${root}/teams/${encodeURIComponent(group)}/channels/${channel}/messages`
    if (what === 'recent')
      return { ...(await list(`${messages}?$top=${most.recent}`, { pages: 1, signal })), more: false }
    const replies = list(`${messages}/${thread}/replies?$top=${pageSize}`, {
      since: since?.sentAt,
      pages: most.pages,
      signal,
    })
    if (since !== undefined) return await replies
    const [first, rest] = await Promise.all([get(`${messages}/${thread}`, signal), replies])
    return { messages: [...rest.messages, Message.parse(first)], more: rest.more }
  }

  return async (request) => {
    const { at, messageId, since } = request
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
      const permission: keyof typeof resourcePermissions =
        at.scope === 'channel' ? 'ChannelMessage.Read.Group' : 'ChatMessage.Read.Chat'
      const { unread } = teamsWording
      return { files: [], unread: [error instanceof Forbidden ? unread.notAllowed(permission) : unread.notNow] }
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
