/** Follows one answer to its end: live over the channel, and from the store when the channel lost messages. */
import { type AnswerEvent, AnswerEvent as AnswerEventSchema, answerTopic, type Ended, type Topics } from './topics.ts'

export interface Following extends AsyncDisposable {
  /** Settles with how the turn ended. Rejects when `signal` aborts. */
  end(turnId: string): Promise<Ended>
}

export interface Follower {
  /** All text so far. It grows at its end, or starts over. */
  onText(text: string): void
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
  signal.addEventListener('abort', onAbort, { once: true })
  let text = ''
  let look: NodeJS.Timeout | undefined

  const take = (event: AnswerEvent) => {
    if (event.type === 'status') follower.onStatus(event.text)
    else if (event.type === 'end') finished.resolve(event.ended)
    else if (event.offset <= text.length) {
      // After a lost message the text waits; the end brings all of it.
      text = text.slice(0, event.offset) + event.text
      follower.onText(text)
    }
  }
  const unsubscribe = await topics.subscribe(answerTopic(requestId), (message) => {
    const { success, data } = AnswerEventSchema.safeParse(message)
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
