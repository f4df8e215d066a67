/** The channel between processes, over whatever server carries the queue. */
import type { Log } from '../core/log.ts'
import type { QueueConnection } from './bullmq-connections.ts'
import type { Channel } from './channel.ts'
import { createPostgresChannel } from './channel-postgres.ts'
import { createRedisChannel } from './channel-redis.ts'

/** Connects in the background and for as long as it takes. One connection on PostgreSQL, two on Redis. */
export function createRelayChannel(connection: QueueConnection, options: { log: Log }): Channel {
  return connection.kind === 'postgres'
    ? createPostgresChannel(connection.config, { ...options, space: connection.schema ?? 'bullmq' })
    : createRedisChannel(connection.url, { ...options, space: connection.prefix ?? 'parley' })
}
