/**
 * What was said before Parley was called: the thread of a channel, from Graph, which allows it with the permission that the
 * team's owner grants when adding the app. A thread costs two calls, and one more for every 50 messages after the first 50.
 * https://learn.microsoft.com/graph/api/chatmessage-list-replies
 * Of a group or meeting chat, only what the asker can see there: people may be added to a chat without its earlier messages.
 */
import { quoteConversation, type SaidBefore } from '../../src/core/context.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { KnownTalk } from '../../src/core/platform.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { TargetData } from './activity.ts'
import type { Api } from './api.ts'
import type { Found } from './attachments.ts'
import { nameOf, wordsOf } from './content.ts'
import { contentIn, Forbidden, type Graph, type GraphMessage, isWritten } from './graph.ts'
import type { TeamsSettings } from './settings.ts'

export interface Earlier {
  quoted?: string
  /** At most 20, the newest first. */
  files: Found[]
  /** Sentences about what could not be read. */
  unread: string[]
  /** All that was said before in the conversation was read, or nothing was. */
  upToDate?: boolean
}

export interface HistoryRequest {
  at: TargetData
  /** Who asks: their object ID in the directory. Others, such as anonymous guests of a meeting, are found in no list of members. */
  asker: string
  /** `thread`: the thread of a channel. `recent`: the last messages of a chat or a channel, which people ask about. */
  what: 'thread' | 'recent'
  /** The question itself, which is not part of what was said before it. */
  messageId: string
  /** Absent: Parley joins the conversation. */
  known?: KnownTalk
}

export interface HistoryDeps {
  settings: TeamsSettings
  api: Pick<Api, 'group'>
  graph: Graph
  log: Log
}

/** An acknowledgement may wait so long for Graph; Teams gives 15 seconds for all. */
const readMs = 6000
/** Graph's limit. */
const pageSize = 50
const most = { pages: 4, recent: 30, files: 20 }

/** The messages are not read; `unread` says why. */
class NotReadable extends Error {
  readonly unread: string

  constructor(message: string, unread: string) {
    super(message)
    this.unread = unread
  }
}

export function createHistory(deps: HistoryDeps): (request: HistoryRequest) => Promise<Earlier> {
  const { settings, api, graph, log } = deps

  /** Since when the asker sees the chat. */
  async function visibleSince(chat: string, asker: string, signal: AbortSignal): Promise<number> {
    for await (const member of graph.members(`${chat}/members`, { permission: 'ChatMember.Read.Chat', signal }))
      if (member.id === asker.toLowerCase() && member.visibleSince !== undefined) return member.visibleSince
    throw new NotReadable('the asker is no member of the chat', teamsWording.unread.notMember)
  }

  async function read(
    { at, asker, what, known }: HistoryRequest,
    signal: AbortSignal,
  ): Promise<{ messages: GraphMessage[]; more: boolean }> {
    const since = known?.upTo && createdAt(known.upTo)
    const [id = '', thread = ''] = at.conversation.split(';messageid=')
    if (at.scope !== 'channel') {
      const chat = graph.placeUrl({ id })
      const visible = await visibleSince(chat, asker, signal)
      const from = Math.max(visible, since ?? 0)
      const permission = 'ChatMessage.Read.Chat'
      const { messages, more } = await graph.messages(`${chat}/messages?$top=${most.recent}`, {
        since: from,
        pages: 1,
        permission,
        signal,
      })
      return { messages: messages.filter((each) => Date.parse(each.createdDateTime) >= visible), more }
    }
    const group = await api.group(at)
    const permission = 'ChannelMessage.Read.Group'
    if (group === undefined) throw new Forbidden('the team is not known', permission)
    const messages = `${graph.placeUrl({ id, group })}/messages`
    if (what === 'recent')
      return {
        ...(await graph.messages(`${messages}?$top=${most.recent}`, { pages: 1, permission, signal })),
        more: false,
      }
    const replies = graph.messages(`${messages}/${encodeURIComponent(thread)}/replies?$top=${pageSize}`, {
      since,
      pages: most.pages,
      permission,
      signal,
    })
    if (since !== undefined) return await replies
    const [first, rest] = await Promise.all([
      graph.message(`${messages}/${encodeURIComponent(thread)}`, { permission, signal }),
      replies,
    ])
    return { messages: [...rest.messages, first], more: rest.more }
  }

  return async (request) => {
    const { messageId, known } = request
    const since = known?.upTo && createdAt(known.upTo)
    try {
      const { messages, more } = await read(request, AbortSignal.timeout(readMs))
      const told = new Set([messageId, ...(known?.taken ?? []).map((id) => id.split('#').at(-1))])
      const said = messages
        .filter((each) => isSaid(each, settings) && !told.has(each.id))
        .filter(({ createdDateTime }) => since === undefined || Date.parse(createdDateTime) > since)
        .sort((a, b) => Date.parse(a.createdDateTime) - Date.parse(b.createdDateTime))
      return { ...earlierOf(said, more), upToDate: true }
    } catch (error) {
      log.info(errorFields(error), 'what was said before could not be read')
      return { files: [], unread: [sentenceOf(error)] }
    }
  }
}

/** In milliseconds. The id of a message is the moment when it was created; the bot hears of it a little later. */
function createdAt({ messageId, sentAt }: { messageId: string; sentAt: string }): number {
  return Number(/#(\d{13})$/.exec(messageId)?.[1] ?? Date.parse(sentAt))
}

function sentenceOf(error: unknown): string {
  const { unread } = teamsWording
  if (error instanceof NotReadable) return error.unread
  return error instanceof Forbidden ? unread.notAllowed(error.permission) : unread.notNow
}

/** Parley knows what it said itself. */
function isSaid(message: GraphMessage, { clientId }: TeamsSettings): boolean {
  return isWritten(message) && (clientId === undefined || message.from?.application?.id !== clientId)
}

/** `said`: oldest first. `more`: there are older ones that were not read. */
export function earlierOf(said: readonly GraphMessage[], more: boolean): Earlier {
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
