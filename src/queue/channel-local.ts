/** The channel within one process: for one-process installations and for tests. */
import type { Channel } from './channel.ts'
import { createSubscribers } from './subscribers.ts'

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
