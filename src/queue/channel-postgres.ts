/**
 * The channel over PostgreSQL's LISTEN and NOTIFY, on one connection that comes back by itself. BullMQ's Relay would do
 * the same by way of tables and polling, at several times the delay.
 */
import { createHash, randomUUID } from 'node:crypto'
import pg from 'pg'
import { within } from '../core/deadline.ts'
import type { Log } from '../core/log.ts'
import type { PostgresConfig } from './bullmq-connections.ts'
import type { Channel } from './channel.ts'
import { createJoiner, createSplitter } from './channel-parts.ts'
import { createErrorThrottle, pause } from './error-throttle.ts'
import { createSubscribers } from './subscribers.ts'

/** Messages kept while the server is away; older ones are lost. */
const outboxLimit = 1_000
/** How many notifications go in one statement. */
const batch = 200
/** How long what was published last may take to go out when the channel closes. */
const flushMs = 1_000
/** Live text is a courtesy: nobody waits longer than this for a subscription. */
const subscribeMs = 2_000

export function createPostgresChannel(config: PostgresConfig, options: { log: Log; space: string }): Channel {
  const errorThrottle = createErrorThrottle(options.log, 'channel')
  const subscribers = createSubscribers(errorThrottle.report)
  const splitter = createSplitter(randomUUID())
  const topicOf = new Map<string, string>()
  const closing = new AbortController()
  let outbox: { channel: string; payload: string }[] = []
  let client: pg.Client | undefined
  let statements: Promise<unknown> = Promise.resolve()
  let flushing = false
  let connected = Promise.withResolvers<void>()
  const keeping = keepConnected()

  async function keepConnected(): Promise<void> {
    while (!closing.signal.aborted) {
      const next = new pg.Client({
        ...config,
        keepAlive: true,
        connectionTimeoutMillis: 5_000,
        application_name: 'parley-channel',
        options: '-c synchronous_commit=off',
      })
      const lost = Promise.withResolvers<void>()
      next.on('error', (error) => {
        errorThrottle.report(error)
        lost.resolve()
      })
      next.on('end', lost.resolve)
      const joiner = createJoiner()
      next.on('notification', ({ channel, payload = '' }) => {
        const topic = topicOf.get(channel)
        const text = joiner.join(payload)
        if (topic !== undefined && text !== undefined) subscribers.deliver(topic, text)
      })
      try {
        await next.connect()
        client = next
        await Promise.all(subscribers.topics().map((topic) => listen(topic)))
        errorThrottle.over()
        connected.resolve()
        void flush()
        await Promise.race([lost.promise, aborted(closing.signal)])
      } catch (error) {
        errorThrottle.report(error)
      }
      client = undefined
      connected = Promise.withResolvers<void>()
      await next.end().catch(() => {})
      await pause(100, closing.signal)
    }
  }

  /** One statement at a time, in order. */
  function run(text: string, values: unknown[] = []): Promise<unknown> {
    const result = statements.then(() => {
      if (client === undefined) throw new Error('not connected')
      return client.query(text, values)
    })
    statements = result.catch(() => {})
    return result
  }

  /** Topics of any form; PostgreSQL's names end after 63 bytes. */
  function channelOf(topic: string): string {
    const name = `parley_${createHash('sha256').update(`${options.space}\n${topic}`).digest('hex').slice(0, 40)}`
    if (subscribers.topics().includes(topic)) topicOf.set(name, topic)
    return name
  }

  function listen(topic: string): Promise<unknown> {
    return run(`listen ${channelOf(topic)}`)
  }

  async function flush(): Promise<void> {
    if (flushing) return
    flushing = true
    while (outbox.length > 0 && client !== undefined) {
      const sent = outbox.slice(0, batch)
      outbox = outbox.slice(batch)
      const columns = [sent.map((one) => one.channel), sent.map((one) => one.payload)]
      // With the server gone what was under way may be lost: allowed, and better than twice.
      await run('select pg_notify(c, p) from unnest($1::text[], $2::text[]) as m(c, p)', columns).catch(
        errorThrottle.report,
      )
    }
    flushing = false
  }

  return {
    publish(topic, message) {
      if (closing.signal.aborted) return
      const channel = channelOf(topic)
      outbox.push(...splitter.split(JSON.stringify(message)).map((payload) => ({ channel, payload })))
      if (outbox.length > outboxLimit) outbox = outbox.slice(-outboxLimit)
      void flush()
    },
    async subscribe(topic, handler) {
      const first = subscribers.add(topic, handler)
      const patience = new AbortController()
      // Away now: the subscription begins when the connection does.
      const ready = connected.promise.then(() => (first ? listen(topic) : run('select 1'))).catch(errorThrottle.report)
      await Promise.race([ready.then(() => patience.abort()), pause(subscribeMs, patience.signal)])
      return async () => {
        if (!subscribers.remove(topic, handler)) return
        const channel = channelOf(topic)
        topicOf.delete(channel)
        // Not waited for: nothing is delivered from here on, and a server that hangs holds nobody.
        if (client !== undefined) run(`unlisten ${channel}`).catch(errorThrottle.report)
      }
    },
    async close() {
      if (client !== undefined) await within(flushMs, flush())
      closing.abort()
      subscribers.clear()
      connected.resolve()
      await within(flushMs, keeping)
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
