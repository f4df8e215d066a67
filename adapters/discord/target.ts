/** Where a reply goes, as `normalize` leaves it for whichever worker writes. */
import { z } from 'zod'
import type { ReplyTarget } from '../../src/core/message.ts'

const Id = z.string().regex(/^\d{1,20}$/)

export type Destination = z.infer<typeof Destination>
export const Destination = z.discriminatedUnion('to', [
  /** A channel, thread or direct chat; `replyTo` is the message that is answered there. */
  z.object({ to: z.literal('channel'), channelId: Id, userId: Id, replyTo: Id.exactOptional() }),
  /** A thread on the message `replyTo`, opened with the first post; where that is not allowed, a reply to it. */
  z.object({ to: z.literal('thread'), channelId: Id, userId: Id, replyTo: Id, name: z.string() }),
  /**
   * The answer to an interaction. Its token is worth 15 minutes and this one reply; afterwards the bot writes to
   * `channelId`, and to `userId` directly when the answer is private.
   */
  z.object({
    to: z.literal('interaction'),
    applicationId: Id,
    id: Id,
    token: z.string(),
    channelId: Id,
    userId: Id,
    private: z.boolean(),
    /** Parley cannot write there without the token: a person uses it in a place that did not add it. */
    alone: z.boolean().exactOptional(),
  }),
])

/** `userId` is who asked. */
export function destinationOf(target: ReplyTarget): Destination {
  return Destination.parse(target.data)
}

/**
 * A message of Parley's. `token`: made by an interaction's token, which changes it while it is good; afterwards the bot can.
 * `private`: nothing but the token can change it, because only one person sees it or Parley is not in that place.
 */
export type PostedRef = z.infer<typeof PostedRef>
export const PostedRef = z.object({
  channelId: Id,
  messageId: Id,
  via: z.enum(['token', 'private']).exactOptional(),
})
