/**
 * What people said in the simulated Teams, as Graph tells it to apps: threads of channels, chats, and members of both. What was
 * changed last is listed first, with at most 50 messages a page and a link to the next one.
 * https://learn.microsoft.com/graph/api/chatmessage-list-replies, https://learn.microsoft.com/graph/api/chat-list-messages,
 * https://learn.microsoft.com/graph/api/chat-list-members, https://learn.microsoft.com/graph/api/channel-list-allmembers
 * Different from the real one: everyone is a member of each chat and channel and sees all of it, unless `members` says otherwise; a thread that nobody has written in here has an empty first message.
 */
import type { Person } from './teams.ts'
import type { Refusal } from './teams-state.ts'

export interface GraphMessage {
  id: string
  messageType: string
  createdDateTime: string
  lastModifiedDateTime: string
  deletedDateTime: string | null
  subject: string | null
  from: object | null
  body: { contentType: 'html' | 'text'; content: string }
  attachments: object[]
}

export interface Saying {
  id?: string
  /** A person's name, or what Graph says of an app. */
  from?: string | object
  html?: string
  more?: Partial<GraphMessage>
}

const maxTop = 50
const membersPerPage = 20

interface GraphDeps {
  tenant: string
  consent: { messages: boolean; members: boolean }
  people: ReadonlyMap<string, Person>
  nextId(): string
}

export function createGraphMessages({ tenant, consent, people, nextId }: GraphDeps) {
  /** By the chat or channel: object IDs of its members, and since when each sees it. */
  const members = new Map<string, Map<string, string>>()
  /** Oldest first, by the channel or chat and, in a channel, the thread: `19:…@thread.tacv2;messageid=…`. */
  const said = new Map<string, GraphMessage[]>()
  /** Paths that Parley asked for. */
  const asked: string[] = []

  function say(conversation: string, { id = nextId(), from = 'Bob', html = '', more = {} }: Saying): GraphMessage {
    const message: GraphMessage = {
      id,
      messageType: 'message',
      createdDateTime: new Date(Number(id)).toISOString(),
      lastModifiedDateTime: new Date(Number(id)).toISOString(),
      deletedDateTime: null,
      subject: null,
      from:
        typeof from === 'string'
          ? { application: null, device: null, user: { id: `id-of-${from}`, displayName: from } }
          : from,
      body: { contentType: 'html', content: html },
      attachments: [],
      ...more,
    }
    said.set(conversation, [...(said.get(conversation) ?? []), message])
    return message
  }

  function pageOf<T>(all: readonly T[], url: URL, size: number): object {
    const from = Number(url.searchParams.get('$skiptoken') ?? 0)
    const next = new URL(url)
    next.searchParams.set('$skiptoken', String(from + size))
    return { value: all.slice(from, from + size), ...(from + size < all.length && { '@odata.nextLink': next.href }) }
  }

  /** Takes no parameters of OData. */
  function membersOf(chat: string, url: URL): object | Refusal {
    if (!consent.members) return { status: 403, code: 'Forbidden', message: 'Missing role permissions' }
    const everyone = [...people.values()].map(({ aadObjectId }) => [aadObjectId, '0001-01-01T00:00:00Z'] as const)
    const found = [...(members.get(chat) ?? everyone)].map(([userId, visibleHistoryStartDateTime], n) => {
      const person = [...people.values()].find(({ aadObjectId }) => aadObjectId === userId)
      return {
        '@odata.type': '#microsoft.graph.aadUserConversationMember',
        id: `membership-${n}`,
        roles: [person?.userRole === 'guest' ? 'guest' : 'owner'],
        displayName: person?.name ?? null,
        visibleHistoryStartDateTime,
        userId,
        tenantId: person?.tenantId ?? tenant,
      }
    })
    return pageOf(found, url, membersPerPage)
  }

  function list(messages: GraphMessage[], url: URL): object | Refusal {
    const top = Number(url.searchParams.get('$top') ?? 20)
    if (!(top >= 1 && top <= maxTop)) return { status: 400, code: 'BadRequest', message: 'The limit of $top is 50' }
    const changed = ({ lastModifiedDateTime: at }: GraphMessage) => Date.parse(at)
    const newest = [...messages].sort((a, b) => changed(b) - changed(a))
    return pageOf(newest, url, top)
  }

  /** `undefined`: the path is none of a message, a list of them, or the members of a chat. */
  function answer(url: URL): object | Refusal | undefined {
    const path = decodeURIComponent(url.pathname.slice('/graph/v1.0/'.length))
    const [, team, channel, root, replies, reply] =
      /^teams\/([^/]+)\/channels\/([^/]+)\/messages(?:\/(\d+))?(\/replies(?:\/(\d+))?)?$/.exec(path) ?? []
    const [, chat, message] = /^chats\/([^/]+)\/messages(?:\/(\d+))?$/.exec(path) ?? []
    const [, ofChat, place = ofChat] =
      /^(?:chats\/([^/]+)\/members|teams\/group-1\/channels\/([^/]+)\/allMembers)$/.exec(path) ?? []
    if (team === undefined && chat === undefined && place === undefined) return undefined
    asked.push(path)
    if (place !== undefined) return membersOf(place, url)
    if (!consent.messages) return { status: 403, code: 'Forbidden', message: 'Missing role permissions' }
    const missing: Refusal = {
      status: 404,
      code: 'NotFound',
      message: 'No such message, or no team with this Group Id',
    }
    const found = (messages: GraphMessage[], id: string) => messages.find((each) => each.id === id) ?? missing
    if (chat !== undefined) {
      const messages = said.get(chat) ?? []
      return message === undefined ? list(messages, url) : found(messages, message)
    }
    if (team !== 'group-1') return missing
    if (root === undefined) {
      const expanded = url.searchParams.get('$expand') === 'replies'
      const roots = [...said].flatMap(([key, [first, ...replies]]) =>
        key.startsWith(`${channel};`) && first ? [{ ...first, ...(expanded && { replies }) }] : [],
      )
      return list(roots, url)
    }
    const [first = say(`${channel};messageid=${root}`, { id: root }), ...rest] =
      said.get(`${channel};messageid=${root}`) ?? []
    if (reply !== undefined) return found(rest, reply)
    return replies === undefined ? first : list(rest, url)
  }

  return { say, answer, asked, members, isKnown: (conversation: string) => said.has(conversation) }
}
