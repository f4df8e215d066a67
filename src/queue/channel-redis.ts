/** The channel over Redis's publish and subscribe. ioredis reconnects and resubscribes on its own. */
import { Redis } from 'ioredis'
import { within } from '../core/deadline.ts'
import type { Log } from '../core/log.ts'
import type { Channel } from './channel.ts'
import { createErrorThrottle, pause } from './error-throttle.ts'
import { createSubscribers } from './subscribers.ts'

/** How long what was published last may take to go out when the channel closes. */
const quitMs = 1_000
/** Live text is optional, so a subscription is awaited no longer than this. */
const subscribeMs = 2_000

export function createRedisChannel(url: string, options: { log: Log; space: string }): Channel {
  const errorThrottle = createErrorThrottle(options.log, 'channel')
  const subscribers = createSubscribers(errorThrottle.report)
  const retryStrategy = (times: number) => Math.min(times * 50, 1_000)
  // What cannot be sent now is lost: allowed, and better than late.
  const sending = new Redis(url, { retryStrategy, enableOfflineQueue: false, maxRetriesPerRequest: 0 })
  const receiving = new Redis(url, { retryStrategy, maxRetriesPerRequest: null })
  for (const client of [sending, receiving]) client.on('error', errorThrottle.report)
  const start = `${options.space}:channel:`
  receiving.on('message', (channel, text) => subscribers.deliver(channel.slice(start.length), text))

  return {
    publish(topic, message) {
      sending.publish(start + topic, JSON.stringify(message)).then(errorThrottle.over, errorThrottle.report)
    },
    async subscribe(topic, handler) {
      subscribers.add(topic, handler)
      const patience = new AbortController()
      const ready = receiving.subscribe(start + topic).then(() => patience.abort(), errorThrottle.report)
      await Promise.race([ready, pause(subscribeMs, patience.signal)])
      return async () => {
        // Not waited for: it may never be answered while the server is away, and nothing is delivered from here on.
        if (subscribers.remove(topic, handler)) receiving.unsubscribe(start + topic).catch(errorThrottle.report)
      }
    },
    async close() {
      subscribers.clear()
      // Lets what was published go out. While ioredis reconnects, `quit` is never answered; no upstream report was
      // found (6.0.0). Its sibling: https://github.com/redis/ioredis/issues/1247
      if (sending.status === 'ready')
        await within(
          quitMs,
          sending.quit().catch(() => {}),
        )
      sending.disconnect()
      receiving.disconnect()
    },
  }
}
