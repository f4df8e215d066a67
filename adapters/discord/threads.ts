/** Opens threads and direct chats to write in. Opening one twice gives the same one. */
import type { APIChannel } from 'discord.js'
import type { Log } from '../../src/core/log.ts'
import { type Api, codes, DiscordRefusal, refusedWith } from './rest.ts'
import type { Destination } from './target.ts'

export interface Threads {
  /** The thread, or the channel with the message to reply to where no thread may be opened. */
  open(
    on: Extract<Destination, { to: 'thread' }>,
    signal: AbortSignal,
  ): Promise<{ channelId: string; replyTo?: string }>
  /** The direct chat with a person. */
  direct(userId: string, signal: AbortSignal): Promise<string>
}

/** When Discord archives an inactive thread. The next message reopens it. */
const archiveAfterMinutes = 1440
const maxKnown = 5000

export function createThreads({ api, log }: { api: Api; log: Log }): Threads {
  const opened = new Map<string, Promise<{ channelId: string; replyTo?: string }>>()
  const chats = new Map<string, Promise<string>>()

  function once<T>(known: Map<string, Promise<T>>, key: string, open: () => Promise<T>): Promise<T> {
    const before = known.get(key)
    if (before !== undefined) return before
    if (known.size >= maxKnown) known.clear()
    const opening = open()
    known.set(key, opening)
    opening.catch(() => known.delete(key))
    return opening
  }

  return {
    open: ({ channelId, replyTo, name }, signal) =>
      once(opened, replyTo, async () => {
        try {
          await api.call('POST', `/channels/${channelId}/messages/${replyTo}/threads`, {
            body: { name, auto_archive_duration: archiveAfterMinutes },
            signal,
          })
        } catch (thrown) {
          // A thread on a message has the message's id, so the one that is there is the same.
          if (refusedWith(thrown, codes.threadExists)) return { channelId: replyTo }
          if (!(thrown instanceof DiscordRefusal) || thrown.status === 401) throw thrown
          log.info({ code: thrown.discordCode }, 'no thread may be opened; answering in the channel')
          return { channelId, replyTo }
        }
        return { channelId: replyTo }
      }),
    direct: (userId, signal) =>
      once(chats, userId, async () => {
        const { id } = await api.call<APIChannel>('POST', '/users/@me/channels', {
          body: { recipient_id: userId },
          signal,
        })
        return id
      }),
  }
}
