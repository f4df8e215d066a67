/** Follows one answer from its request to its end: live where the channel carries it, from the store where it did not. */
import { type AnswerEvent, AnswerEvent as AnswerEventSchema, answerTopic, type Ended, type Topics } from './topics.ts'

export interface Following extends AsyncDisposable {
  /** Settles with how the turn ended. Rejects when `signal` aborts. */
  end(turnId: string): Promise<Ended>
}

export interface Follower {
  /** All text so far; it grows at its end, or was begun anew. */
  onText(text: string): void
  onStatus(text: string): void
}

export interface WaitDeps {
  topics: Topics
  /** How a turn ended; `null` while it has not. */
  ended(turnId: string): Promise<Ended | null>
  /** How often the store is looked at beside. Default 3 s. */
  lookEveryMs?: number
}

/** Subscribes before the question is handed over, so that nothing falls between. */
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
      // Where something before it was lost the text waits: the end brings the whole of it.
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
