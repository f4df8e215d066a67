/**
 * How an answer reaches the request that waits for it, which may be in another process: live over the channel, and from the
 * store when the channel lost messages.
 */
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
  z.object({ type: z.literal('text'), offset: z.number(), text: z.string(), model: z.string().optional() }),
  /** The same for what the model thinks. */
  z.object({ type: z.literal('thoughts'), offset: z.number(), text: z.string() }),
  z.object({ type: z.literal('status'), text: z.string() }),
  z.object({ type: z.literal('end'), ended: Ended }),
])

export function toJson(event: AnswerEvent): Json {
  return JSON.parse(JSON.stringify(event)) as Json
}

export interface Following extends AsyncDisposable {
  /** Settles with how the turn ended. Rejects when `signal` aborts. */
  end(turnId: string): Promise<Ended>
}

export interface Follower {
  /** All text so far, and the model that writes it. It grows at its end, or starts over. */
  onText(text: string, model: string | undefined): void
  /** All that the model has thought so far. It grows at its end, or starts over. */
  onThoughts(thoughts: string): void
  onStatus(text: string): void
}

export interface WaitDeps {
  topics: Topics
  /** How a turn ended; `null` while it has not. */
  ended(turnId: string): Promise<Ended | null>
  /** How often the store is checked as well. Default 3 s. */
  lookEveryMs?: number
}

/** Subscribes before the question is handed over, so that no event is missed. */
export async function follow(
  requestId: string,
  { topics, ended, lookEveryMs = 3000 }: WaitDeps,
  follower: Follower,
  signal: AbortSignal,
): Promise<Following> {
  const finished = Promise.withResolvers<Ended>()
  finished.promise.catch(() => undefined)
  const onAbort = () => finished.reject(signal.reason)
  // A signal that has aborted already fires no event.
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  let text = ''
  let thoughts = ''
  let look: NodeJS.Timeout | undefined

  const take = (event: AnswerEvent) => {
    if (event.type === 'status') follower.onStatus(event.text)
    else if (event.type === 'end') finished.resolve(event.ended)
    else if (event.type === 'thoughts') {
      if (event.offset > thoughts.length) return
      thoughts = thoughts.slice(0, event.offset) + event.text
      follower.onThoughts(thoughts)
    } else if (event.offset <= text.length) {
      // After a lost message the text waits; the end brings all of it.
      text = text.slice(0, event.offset) + event.text
      follower.onText(text, event.model)
    }
  }
  const unsubscribe = await topics.subscribe(answerTopic(requestId), (message) => {
    const { success, data } = AnswerEvent.safeParse(message)
    if (success) take(data)
  })

  return {
    async end(turnId) {
      const lookUp = async () => {
        const known = await ended(turnId).catch(() => null)
        if (known !== null) finished.resolve(known)
      }
      look = setInterval(() => void lookUp(), lookEveryMs)
      await lookUp()
      return await finished.promise
    },
    async [Symbol.asyncDispose]() {
      clearInterval(look)
      signal.removeEventListener('abort', onAbort)
      await unsubscribe()
    },
  }
}
