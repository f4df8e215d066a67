/**
 * Opens links to messages of Teams in a question. A link is opened only if its author may read that channel or chat, and everyone
 * who sees the answer may read it, too.
 */
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { TargetData } from './activity.ts'
import type { Api } from './api.ts'
import { Forbidden, type Graph, type GraphMessage, type GraphPlace, isWritten, type Reading } from './graph.ts'
import { type Earlier, earlierOf } from './history.ts'
import { readersOf } from './readers.ts'

interface Link extends GraphPlace {
  url: string
  tenant?: string | undefined
  message: string
  /** The first message of the thread that it is in. */
  root?: string | undefined
}

export interface LinksDeps {
  api: Pick<Api, 'group'>
  graph: Graph
  log: Log
}

const readMs = 6000
const mostLinks = 3
const mostReplies = 50
/** https://learn.microsoft.com/microsoftteams/platform/concepts/build-and-test/deep-link-teams */
const form =
  /https:\/\/(?:teams\.microsoft\.com|teams\.cloud\.microsoft|(?:gov|dod)\.teams\.microsoft\.us|teams\.microsoftonline\.cn)\/l\/message\/([^/\s?\\]+)\/(\d{10,20})(\?[^\s<>()[\]"|]*)?/g
const { links: wording } = teamsWording.unread

/** Each message once. */
export function linksIn(text: string): Link[] {
  const found = [...text.matchAll(form)].flatMap(([whole, place = '', message = '', query = '']): Link[] => {
    // "What is <link>?"
    const url = whole.replace(/[?.,!;:]+$/, '')
    const given = new URLSearchParams(query.replace(/[?.,!;:]+$/, '').replaceAll('&amp;', '&'))
    const { contextType } = contextOf(given.get('context'))
    const of = { url, message, tenant: given.get('tenantId') ?? undefined }
    const isChat =
      contextType === 'chat' || (!given.has('groupId') && !/@thread\.(?:tacv2|skype)$/.test(decoded(place)))
    if (isChat) return [{ ...of, id: decoded(place) }]
    const root = given.get('parentMessageId') ?? message
    return [{ ...of, id: decoded(place), group: given.get('groupId') ?? '', root: /^\d+$/.test(root) ? root : message }]
  })
  return [...new Map(found.map((link) => [`${link.id}/${link.message}`, link])).values()]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function contextOf(json: string | null): { contextType?: unknown } {
  try {
    return json === null ? {} : ((JSON.parse(json) as object | null) ?? {})
  } catch {
    return {}
  }
}

export function createLinks({ api, graph, log }: LinksDeps) {
  /** Why the link stays closed; `undefined` if it may be opened. */
  async function refusal(link: Link, at: TargetData, here: GraphPlace, asker: string, signal: AbortSignal) {
    const isHere = link.id === here.id
    // Everyone in a channel sees all of it.
    if (isHere && at.scope === 'channel') return undefined
    // The id of a message is the moment when it was written.
    const written = Number(link.message)
    const isPrivate = at.scope === 'personal'
    const [linked, room] = await Promise.all([
      readersOf(graph, link, signal),
      isPrivate || isHere ? undefined : readersOf(graph, here, signal),
    ])
    const reads = (id: string) => (linked.readers.get(id)?.since ?? Number.POSITIVE_INFINITY) <= written
    if (!reads(asker.toLowerCase())) return wording.notYours(link.url)
    // As with what is said above a question in a chat, its asker decides.
    if (isPrivate || isHere) return undefined
    return room?.areAll && [...room.readers.keys()].every(reads) ? undefined : wording.notForAll(link.url)
  }

  async function messagesOf(link: Link, signal: AbortSignal): Promise<{ messages: GraphMessage[]; more: boolean }> {
    const channel: Reading = { permission: 'ChannelMessage.Read.Group', signal }
    const address = graph.placeUrl(link)
    const { message, root = message } = link
    if (link.group === undefined) {
      const reading: Reading = { permission: 'ChatMessage.Read.Chat', signal }
      return { messages: [await graph.message(`${address}/messages/${message}`, reading)], more: false }
    }
    const thread = `${address}/messages/${root}`
    if (root !== message)
      return { messages: [await graph.message(`${thread}/replies/${message}`, channel)], more: false }
    const [first, replies] = await Promise.all([
      graph.message(thread, channel),
      graph.messages(`${thread}/replies?$top=${mostReplies}`, { ...channel, pages: 1 }),
    ])
    return { messages: [first, ...replies.messages], more: replies.more }
  }

  async function open(given: Link, at: TargetData, asker: string, signal: AbortSignal): Promise<Earlier> {
    const { url } = given
    const closed = (sentence: string): Earlier => ({ files: [], unread: [sentence] })
    try {
      const [id = at.conversation] = at.conversation.split(';messageid=')
      const own = at.scope === 'channel' ? await api.group(at) : undefined
      const here = { id, group: at.scope === 'channel' ? (own ?? '') : undefined }
      // A link into this channel may leave its team out.
      const link =
        given.group !== undefined && (given.group === '' || given.id === id) ? { ...given, group: own ?? '' } : given
      if (link.group === '' || (link.tenant !== undefined && link.tenant !== at.tenant))
        return closed(wording.foreign(url))
      const why = await refusal(link, at, here, asker, signal)
      if (why !== undefined) return closed(why)
      const { messages, more } = await messagesOf(link, signal)
      const said = messages
        .filter(isWritten)
        .sort((a, b) => Date.parse(a.createdDateTime) - Date.parse(b.createdDateTime))
      const { quoted, files, unread, ...rest } = earlierOf(said, more)
      if (quoted === undefined) return closed(wording.notFound(url))
      // Parley may open files that those who read the message may not, so files of another place are only named.
      const named = link.id === here.id ? [] : files.map(({ name }) => wording.fileElsewhere(name, url))
      const read = link.id === here.id ? files : []
      return { ...rest, files: read, unread: [...unread, ...named], quoted: wording.linked(url, quoted) }
    } catch (error) {
      log.info(errorFields(error), 'a link to a message could not be opened')
      return closed(error instanceof Forbidden ? wording.notAllowed(url, error.permission) : wording.notFound(url))
    }
  }

  /** Never throws: what cannot be opened is among `unread`. `asker`: their object ID in the directory. */
  return async (text: string, at: TargetData, asker: string): Promise<Earlier[]> => {
    const [, thread] = at.conversation.split(';messageid=')
    const links = linksIn(text).filter(({ message, id }) => !(message === thread && at.conversation.startsWith(id)))
    const signal = AbortSignal.timeout(readMs)
    const opened = await Promise.all(links.slice(0, mostLinks).map((link) => open(link, at, asker, signal)))
    return links.length > mostLinks ? [...opened, { files: [], unread: [wording.tooMany(mostLinks)] }] : opened
  }
}
