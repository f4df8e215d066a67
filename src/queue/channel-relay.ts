/**
 * The channel between processes, over whatever server carries the queue: PostgreSQL's LISTEN and NOTIFY, or Redis's publish
 * and subscribe.
 */
import { createHash, randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import pg from 'pg'
import { within } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { createErrorThrottle, type PostgresConfig, pause, type QueueConnection } from './bullmq-connections.ts'
import { type Channel, createSubscribers } from './channel.ts'

/** Connects in the background and for as long as it takes. One connection on PostgreSQL, two on Redis. */
export function createRelayChannel(connection: QueueConnection, options: { log: Log }): Channel {
  return connection.kind === 'postgres'
    ? createPostgresChannel(connection.config, { ...options, space: connection.schema ?? 'bullmq' })
    : createRedisChannel(connection.url, { ...options, space: connection.prefix ?? 'parley' })
}

/** Messages kept while the server is away; older ones are lost. */
const outboxLimit = 1_000
/** How many notifications go in one statement. */
const batch = 200
/** How long what was published last may take to go out when the channel closes. */
const flushMs = 1_000
/** Live text is optional, so a subscription is awaited no longer than this. */
const subscribeMs = 2_000

/**
 * On one connection that comes back by itself. BullMQ's Relay would do the same by way of tables and polling, at several
 * times the delay.
 */
function createPostgresChannel(config: PostgresConfig, options: { log: Log; space: string }): Channel {
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
        // Not waited for: nothing is delivered from here on, and a hanging server must not block the caller.
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

/**
 * PostgreSQL's NOTIFY carries less than 8,000 bytes. A longer message travels as several, in order, and is put together
 * again; one publisher's parts never mix, so an interrupted message is known by the next one's number.
 */
interface Splitter {
  /** A message's notifications. Each differs from all others, because PostgreSQL drops repeats within a transaction. */
  split(text: string): string[]
}

/** In bytes; the head of a part needs some of the 7,999. */
const partBytes = 7_800

function createSplitter(sender: string): Splitter {
  let count = 0
  return {
    split(text) {
      const number = count++
      const whole = Buffer.from(text)
      if (whole.length <= partBytes) return [`${sender} ${number} 0 1 ${text}`]
      // base64, because a cut through a character of several bytes is no text any more.
      const encoded = whole.toString('base64')
      const parts = Math.ceil(encoded.length / partBytes)
      return Array.from(
        { length: parts },
        (_, at) => `${sender} ${number} ${at} ${parts} ${encoded.slice(at * partBytes, (at + 1) * partBytes)}`,
      )
    },
  }
}

interface Joiner {
  /** The message that this notification completes, if it does. */
  join(notification: string): string | undefined
}

function createJoiner(): Joiner {
  /** Per sender what has come of its latest message. */
  const open = new Map<string, { number: string; parts: string[] }>()
  return {
    join(notification) {
      const [, sender = '', number = '', at = '', total = '', body = ''] =
        /^(\S+) (\d+) (\d+) (\d+) (.*)$/s.exec(notification) ?? []
      if (total === '1') return body
      const known = open.get(sender)
      const parts = known?.number === number ? known.parts : []
      if (parts.length !== Number(at)) {
        open.delete(sender)
        return undefined
      }
      parts.push(body)
      if (parts.length < Number(total)) {
        open.set(sender, { number, parts })
        return undefined
      }
      open.delete(sender)
      return Buffer.from(parts.join(''), 'base64').toString()
    },
  }
}

/** How long what was published last may take to go out when the channel closes. */
const quitMs = 1_000

/** ioredis reconnects and resubscribes on its own. */
function createRedisChannel(url: string, options: { log: Log; space: string }): Channel {
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
