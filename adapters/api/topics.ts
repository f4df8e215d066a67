/** Messages from the worker that writes an answer to the request that waits for it, which may be in another process. */
import { z } from 'zod'
import type { Json } from '../../src/core/json.ts'
import { Citation, Receipt } from '../../src/core/reply.ts'

/** The part of src/queue/channel.ts that is needed here. It may lose messages, so the end is also read from the store. */
export interface Topics {
  publish(topic: string, message: Json): void
  subscribe(topic: string, handler: (message: Json) => void): Promise<() => Promise<void>>
}

export const answerTopic = (requestId: string) => `api-answer-${requestId}`

/** How a turn ended. */
export type Ended = z.infer<typeof Ended>
export const Ended = z.object({
  text: z.string(),
  citations: z.array(Citation),
  state: z.enum(['done', 'stopped', 'failed']),
  receipt: Receipt,
})

export type AnswerEvent = z.infer<typeof AnswerEvent>
export const AnswerEvent = z.discriminatedUnion('type', [
  /** Text from `offset` (in UTF-16 units) on is now `text`. */
  z.object({ type: z.literal('text'), offset: z.number(), text: z.string() }),
  z.object({ type: z.literal('status'), text: z.string() }),
  z.object({ type: z.literal('end'), ended: Ended }),
])

export function toJson(event: AnswerEvent): Json {
  return JSON.parse(JSON.stringify(event)) as Json
}
