/**
 * Records which message was posted under which key. Teams has no idempotent post: if a worker dies between Teams' answer and this
 * record, the message may be posted twice.
 */
import { z } from 'zod'
import type { Records } from '../../src/core/platform-state.ts'
import { plain } from './activity.ts'

export type PostRef = z.infer<typeof PostRef>
export const PostRef = z.object({
  /** Empty if there is no message: it was private, or the reader had stopped the answer. */
  id: z.string(),
  /** When its native stream began, in milliseconds; absent for a message that never streamed. */
  stream: z.number().optional(),
  /** The key of a file whose card waits for the person's consent. */
  file: z.string().optional(),
})

const Posted = z.object({ ref: PostRef, at: z.number() })
const Reply = z.object({ turnId: z.string(), at: z.number() })

const dayMs = 24 * 3_600_000
/** How long each kind of record is kept. */
const lives = { post: 2 * dayMs, reply: 60 * dayMs, consent: 30 * dayMs, file: dayMs, stream: dayMs } as const

export interface Posts {
  find(key: string): Promise<PostRef | undefined>
  keep(key: string, ref: PostRef): Promise<void>
  /** Feedback names a message; this record links it to its turn. */
  keepReply(conversation: string, id: string, turnId: string): Promise<void>
  replyOf(conversation: string, id: string): Promise<string | undefined>
}

export function createPosts(records: Records): Posts {
  const replyKey = (conversation: string, id: string) => `reply/${conversation}#${id}`
  return {
    async find(key) {
      return Posted.safeParse(await records.get(`post/${key}`)).data?.ref
    },
    keep: (key, ref) => records.put(`post/${key}`, plain({ ref, at: Date.now() })),
    keepReply: (conversation, id, turnId) =>
      records.put(replyKey(conversation, id), { turnId, at: Date.now() }, { turn: turnId }),
    async replyOf(conversation, id) {
      return Reply.safeParse(await records.get(replyKey(conversation, id))).data?.turnId
    },
  }
}

/** Deletes records that are no longer needed. */
export async function sweepRecords(records: Records, now: number = Date.now()): Promise<void> {
  for (const [kind, lifeMs] of Object.entries(lives)) await records.removeOlder(`${kind}/`, new Date(now - lifeMs))
}
