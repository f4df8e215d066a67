import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OwnTestServer, startTestServer } from '../../test/database.ts'
import { redisMissing, startTestRedis, type TestRedis } from '../../test/servers/redis.ts'
import { silentLog } from '../core/log.ts'
import type { QueueConnection } from './bullmq-connections.ts'
import { channelContract } from './channel.contract.ts'
import { type Channel, createLocalChannel } from './channel.ts'
import { createRelayChannel } from './channel-relay.ts'

const ends = (connection: QueueConnection) => () => createRelayChannel(connection, { log: silentLog })

describe('the channel within a process', () => {
  channelContract(async () => {
    const channel = createLocalChannel()
    return () => channel
  })
})

/** Messages may be lost while the server is away; then they come again, to the same subscription. */
async function survives(channel: Channel, killServer: () => unknown, serverBack: () => Promise<void>): Promise<void> {
  const got: unknown[] = []
  await channel.subscribe('t', (message) => got.push(message))
  channel.publish('t', 'before')
  await expect.poll(() => got).toContain('before')
  await killServer()
  channel.publish('t', 'maybe lost')
  await serverBack()
  await expect
    .poll(
      () => {
        channel.publish('t', 'after')
        return got
      },
      { timeout: 20_000 },
    )
    .toContain('after')
  await channel.close()
}

describe('the channel on PostgreSQL', () => {
  let server: OwnTestServer
  let config: OwnTestServer['postgres']['connection']
  const fresh = (): QueueConnection => ({ kind: 'postgres', config, schema: `q_${randomUUID().replaceAll('-', '')}` })
  beforeAll(async () => {
    server = await startTestServer()
    config = (await server.createDatabase({ empty: true })).connection
  })
  afterAll(() => server.dispose())

  channelContract(async () => ends(fresh()))
  it('recovers after the server is killed', async () => {
    const kill = () => process.kill(server.postgres.pid(), 'SIGKILL')
    await survives(ends(fresh())(), kill, async () => {})
  })
})

describe.skipIf(redisMissing)(`the channel on Redis${redisMissing ? ` (skipped: ${redisMissing})` : ''}`, () => {
  let server: TestRedis
  const fresh = (): QueueConnection => ({ kind: 'redis', url: server.url, prefix: randomUUID() })
  beforeAll(async () => {
    server = await startTestRedis()
  })
  afterAll(() => server.dispose())

  channelContract(async () => ends(fresh()))
  it('comes back after the server was killed', async () => {
    await survives(
      ends(fresh())(),
      () => server.kill(),
      () => server.start(),
    )
  })
})

describe.each(['postgres', 'redis'] as const)('the channel on %s without a server', (kind) => {
  it('accepts messages and subscriptions silently', async () => {
    const nowhere = '/nonexistent/server.sock'
    const connection: QueueConnection =
      kind === 'postgres' ? { kind, config: { host: nowhere, port: 1 } } : { kind, url: nowhere }
    const channel = createRelayChannel(connection, { log: silentLog })
    channel.publish('t', 1)
    await channel.subscribe('t', () => {})
    channel.publish('t', 2)
    await channel.close()
  })
})
