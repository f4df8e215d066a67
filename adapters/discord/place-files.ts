/** Files that people posted in a channel, and not to Parley. */
import type { APIMessage, APIThreadChannel, RESTGetAPIChannelMessagesPinsResult } from 'discord.js'
import { asContent } from '../../src/core/message.ts'
import { newestFiles, type PlaceAddress, type PlaceFiles, type PostedFile } from '../../src/core/place.ts'
import { filesOf, linkOf, nameOf } from './content.ts'
import { spoken } from './normalize.ts'
import { type Api, codes, refusedWith } from './rest.ts'

export interface PlaceFilesDeps {
  api: Pick<Api, 'call'>
  /** Parley's own id. */
  me(): Promise<string>
}

type Message = APIMessage & { webhook_id?: string }

const pinsPage = 50
/** Discord lets people pin 250 messages in a channel. */
const maxPinPages = 5
const messagesPage = 100
const maxPages = 10
/** Of a channel: those with the newest messages, a page of each. */
const maxThreads = 20
const openThreads = [10, 11]

export function createPlaceFiles({ api, me }: PlaceFilesDeps): PlaceFiles {
  async function* pinsOf(channelId: string, signal: AbortSignal) {
    let before: string | undefined
    for (let page = 1; page <= maxPinPages; page += 1) {
      const query = { limit: String(pinsPage), ...(before === undefined ? {} : { before }) }
      const path = `/channels/${channelId}/messages/pins`
      const { items, has_more } = await api.call<RESTGetAPIChannelMessagesPinsResult>('GET', path, { query, signal })
      yield items.map(({ message }) => message)
      before = items.at(-1)?.pinned_at
      if (!has_more || before === undefined) return
    }
  }

  async function* messagesOf(channelId: string, pages: number, signal: AbortSignal) {
    let before: string | undefined
    for (let page = 1; page <= pages; page += 1) {
      const query = { limit: String(messagesPage), ...(before === undefined ? {} : { before }) }
      const found = await api.call<Message[]>('GET', `/channels/${channelId}/messages`, { query, signal })
      yield found
      before = found.at(-1)?.id
      if (found.length < messagesPage) return
    }
  }

  async function threadsOf({ workspaceId, channelId, threadId }: PlaceAddress, signal: AbortSignal): Promise<string[]> {
    if (threadId !== undefined) return []
    const path = `/guilds/${workspaceId}/threads/active`
    const { threads } = await api.call<{ threads: APIThreadChannel[] }>('GET', path, { signal })
    const last = ({ last_message_id: id }: APIThreadChannel) => BigInt(id ?? 0)
    return threads
      .filter((thread) => thread.parent_id === channelId && openThreads.includes(thread.type))
      .toSorted((a, b) => (last(b) > last(a) ? 1 : -1))
      .slice(0, maxThreads)
      .map(({ id }) => id)
  }

  async function collect(
    pages: AsyncIterable<Message[]>,
    { workspaceId }: PlaceAddress,
    limit: number,
    counts: (message: Message) => boolean,
  ): Promise<PostedFile[]> {
    const files: PostedFile[] = []
    for await (const messages of pages) {
      files.push(...messages.filter(counts).flatMap((message) => postedFiles(message, workspaceId)))
      if (files.length >= limit) break
    }
    return files
  }

  return {
    async pinned(place, { limit, signal }) {
      const own = await me()
      const pins = pinsOf(place.threadId ?? place.channelId, signal)
      return newestFiles(await collect(pins, place, limit, ({ author }) => author.id !== own), limit)
    },

    async recent(place, { limit, signal }) {
      const own = await me()
      const toParley = ({ mentions }: Message) => mentions.some(({ id }) => id === own)
      const counts = (message: Message) => isPosted(message) && !toParley(message)
      const files = await collect(
        messagesOf(place.threadId ?? place.channelId, maxPages, signal),
        place,
        limit,
        counts,
      ).catch((error: unknown): PostedFile[] => {
        // A forum has threads alone.
        if (refusedWith(error, codes.wrongChannelType)) return []
        throw error
      })
      for (const id of await threadsOf(place, signal))
        files.push(...(await collect(messagesOf(id, 1, signal), place, limit, counts)))
      return newestFiles(files, limit)
    },
  }
}

/** By a person, in their own words. */
export function isPosted({ author, type, webhook_id: webhook }: Message): boolean {
  return author.bot !== true && webhook === undefined && spoken.includes(type)
}

export function postedFiles(message: Message, workspaceId: string): PostedFile[] {
  const { id: messageId, author, timestamp } = message
  const about = { messageId, account: author.id, by: nameOf(author), at: new Date(timestamp).toISOString() }
  return asContent(filesOf(message, linkOf(message, workspaceId))).map((attachment) => ({ attachment, ...about }))
}
