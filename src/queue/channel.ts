/**
 * Small, lossy, ordered messages between processes: stop signals to the worker that holds a turn, and live text for the
 * console page. Nothing rests on one arriving: receivers also read the store. Its contract is channel.contract.ts. Here are the
 * port and the channel within one process; channel-relay.ts is the one between processes.
 */
import type { Json } from '../core/json.ts'

export interface Channel {
  /** Sends to every subscriber of the topic, this process included. Never rejects: a lost message is allowed. */
  publish(topic: string, message: Json): void
  /** Calls `handler` for each message, in the order one publisher sent them. Returns the end of the subscription. */
  subscribe(topic: string, handler: (message: Json) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** The channel within one process: for one-process installations and for tests. */
export function createLocalChannel(): Channel {
  const subscribers = createSubscribers()
  let closed = false
  return {
    publish(topic, message) {
      if (closed) return
      // As JSON, so that no two parts of the program share an object; later, as it would be over a network.
      const text = JSON.stringify(message)
      queueMicrotask(() => subscribers.deliver(topic, text))
    },
    async subscribe(topic, handler) {
      subscribers.add(topic, handler)
      return async () => {
        subscribers.remove(topic, handler)
      }
    },
    async close() {
      closed = true
      subscribers.clear()
    },
  }
}

type Handler = (message: Json) => void

/** The subscriptions of this process. */
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
