/** The subscriptions of this process. */
import type { Json } from '../core/json.ts'

type Handler = (message: Json) => void

export interface Subscribers {
  /** True for the topic's first handler. */
  add(topic: string, handler: Handler): boolean
  /** True for the topic's last handler. */
  remove(topic: string, handler: Handler): boolean
  topics(): string[]
  /** Drops invalid JSON. A handler that throws does not affect the others. */
  deliver(topic: string, text: string): void
  clear(): void
}

export function createSubscribers(report: (error: unknown) => void = () => {}): Subscribers {
  const byTopic = new Map<string, Handler[]>()
  return {
    add(topic, handler) {
      const handlers = byTopic.get(topic) ?? []
      byTopic.set(topic, [...handlers, handler])
      return handlers.length === 0
    },
    remove(topic, handler) {
      const handlers = byTopic.get(topic)
      if (handlers === undefined) return false
      const left = handlers.toSpliced(handlers.indexOf(handler), handlers.includes(handler) ? 1 : 0)
      if (left.length > 0) byTopic.set(topic, left)
      else byTopic.delete(topic)
      return left.length === 0
    },
    topics: () => [...byTopic.keys()],
    deliver(topic, text) {
      for (const handler of byTopic.get(topic) ?? []) {
        try {
          handler(JSON.parse(text) as Json)
        } catch (error) {
          report(error)
        }
      }
    },
    clear: () => byTopic.clear(),
  }
}
