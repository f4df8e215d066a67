/**
 * Posts each message once. Slack has no idempotent post, so an intent is recorded before each post. A post that finds an intent
 * first looks for its message: by the key in its metadata, or, for a stream that never ended, by its position.
 */
import { z } from 'zod'
import type { Records } from '../../src/core/platform-state.ts'
import type { Api, CallOptions } from './api.ts'
import { plain, type TargetData } from './events.ts'

export type PostRef = z.infer<typeof PostRef>
export const PostRef = z.object({
  channel: z.string(),
  key: z.string(),
  /** Absent under load: the message is posted when it is complete. */
  ts: z.string().optional(),
  /** The message started as a native stream. */
  stream: z.boolean().optional(),
})

const Intent = z.object({ at: z.number(), ts: z.string().optional() })

const Replies = z.object({
  messages: z
    .array(
      z.object({
        ts: z.string(),
        bot_id: z.string().nullish(),
        user: z.string().nullish(),
        metadata: z.object({ event_payload: z.record(z.string(), z.unknown()).optional() }).nullish(),
      }),
    )
    .default([]),
})

export interface Posts {
  /** Returns the message that an earlier try with this key posted; otherwise records the intent to post it. */
  begin(api: Api, data: TargetData, key: string, self: Author, options: CallOptions): Promise<Found | undefined>
  /** Stores the position of a message whose ref has none. */
  settle(key: string, ts: string): Promise<void>
  /** The stored position. */
  find(key: string): Promise<string | undefined>
  /** Deletes the record: the ref is stored, or the message is gone. */
  forget(key: string): Promise<void>
  /** Deletes records that are no longer needed. */
  sweep(): Promise<void>
}

export interface Found {
  ts: string
  /** It is a stream that never ended. */
  stream: boolean
}

/** Parley's identity as the author of messages. */
export interface Author {
  botId?: string | undefined
  botUserId?: string | undefined
}

/** The allowed difference between Slack's clock and ours. */
const skewSeconds = 120
const dayMs = 24 * 3_600_000
/**
 * How long each kind of record is kept. An answer can be regenerated in its message while its post record exists; a dialog is
 * open for minutes, and so is the handover of a stream.
 */
const lives = {
  ...{ post: 30 * dayMs, file: 30 * dayMs, task: dayMs, running: 7 * dayMs, asked: dayMs, deleted: dayMs },
  recent: 30 * dayMs,
} as const
const recordOf = (key: string) => `post/${key}`

export function createPosts(records: Records): Posts {
  async function lookUp(api: Api, data: TargetData, key: string, since: number, self: Author, options: CallOptions) {
    const oldest = String(since / 1000 - skewSeconds)
    const common = { channel: data.channel, oldest, limit: 100, include_all_metadata: true }
    const answer =
      data.thread === undefined
        ? await api.call('conversations.history', common, options)
        : await api.call('conversations.replies', { ...common, ts: data.thread }, options)
    const own = Replies.parse(answer).messages.filter(
      ({ bot_id: bot, user }) => (bot != null && bot === self.botId) || (user != null && user === self.botUserId),
    )
    const keyOf = (message: (typeof own)[number]) => message.metadata?.event_payload?.key
    const marked = own.find((message) => keyOf(message) === key)
    // A stream has no metadata until it ends, and a conversation has one stream at a time.
    const unmarked = own.filter((message) => keyOf(message) === undefined && message.ts !== data.thread)
    if (marked) return { ts: marked.ts, stream: false }
    const open = unmarked.findLast(({ ts }) => data.ts === undefined || Number(ts) > Number(data.ts))
    return open === undefined ? undefined : { ts: open.ts, stream: true }
  }

  return {
    async begin(api, data, key, self, options) {
      const record = await records.get(recordOf(key))
      const intent = Intent.safeParse(record)
      if (intent.success) {
        const { at, ts } = intent.data
        const found = ts === undefined ? await lookUp(api, data, key, at, self, options) : { ts, stream: false }
        if (found) return found
      }
      await records.put(recordOf(key), plain({ at: Date.now() }))
      return undefined
    },
    async settle(key, ts) {
      await records.put(recordOf(key), plain({ at: Date.now(), ts }))
    },
    async find(key) {
      const intent = Intent.safeParse(await records.get(recordOf(key)))
      return intent.success ? intent.data.ts : undefined
    },
    forget: (key) => records.remove(recordOf(key)),
    async sweep() {
      for (const [kind, lifeMs] of Object.entries(lives))
        await records.removeOlder(`${kind}/`, new Date(Date.now() - lifeMs))
    },
  }
}

/** Metadata of every message from Parley, to find the message again. */
export function metadataOf(key: string, kind: 'reply' | 'notice' = 'reply') {
  return { event_type: `parley_${kind}`, event_payload: { key } }
}
