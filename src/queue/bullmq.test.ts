import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type OwnTestServer, startTestServer } from '../../test/database.ts'
import { redisMissing, startTestRedis, type TestRedis } from '../../test/servers/redis.ts'
import { silentLog } from '../core/log.ts'
import { describeCrashes } from './bullmq.crashes.ts'
import { createBullQueue, keepAdding } from './bullmq.ts'
import type { QueueConnection } from './bullmq-connections.ts'
import { queueContract } from './queue.contract.ts'
import type { Job } from './queue.ts'

const space = (connection: QueueConnection) => ({
  open: () => createBullQueue(connection, { log: silentLog }),
  dispose: async () => {},
})

describe('the queue on PostgreSQL', () => {
  let server: OwnTestServer
  let config: OwnTestServer['postgres']['connection']
  const fresh = (): QueueConnection => ({ kind: 'postgres', config, schema: `q_${randomUUID().replaceAll('-', '')}` })
  beforeAll(async () => {
    server = await startTestServer()
    config = (await server.createDatabase({ empty: true })).connection
  })
  afterAll(() => server.dispose())

  queueContract(async () => space(fresh()))
  describeCrashes(async () => ({
    connection: fresh(),
    // Parley's supervisor starts it again by itself.
    killServer: async () => void process.kill(server.postgres.pid(), 'SIGKILL'),
    serverBack: async () => {},
  }))
})

describe.skipIf(redisMissing)(`the queue on Redis${redisMissing ? ` (skipped: ${redisMissing})` : ''}`, () => {
  let server: TestRedis
  const fresh = (): QueueConnection => ({ kind: 'redis', url: server.url, prefix: randomUUID() })
  beforeAll(async () => {
    server = await startTestRedis()
  })
  afterAll(() => server.dispose())

  queueContract(async () => space(fresh()))
  describeCrashes(async () => ({
    connection: fresh(),
    killServer: () => server.kill(),
    serverBack: () => server.start(),
  }))
})

describe.each(['postgres', 'redis'] as const)('the queue on %s without a server', (kind) => {
  it('is rejected with the reason', async () => {
    const nowhere = '/nonexistent/server.sock'
    const connection: QueueConnection =
      kind === 'postgres' ? { kind, config: { host: nowhere, port: 1 } } : { kind, url: nowhere }
    const refused = createBullQueue(connection, { log: silentLog })
    await expect(refused).rejects.toMatchObject({ code: 'queue_unreachable', cause: { code: 'ENOENT' } })
  })
})

const everyMs = 40

it('continues within a period even if the wall clock is set back by an hour', async () => {
  const realNow = Date.now
  let shift = 0
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + shift)
  const stop = new AbortController()
  onTestFinished(() => {
    stop.abort()
    vi.restoreAllMocks()
  })
  const added = new Set<string>()
  let wake = () => {}
  const job: Job = { name: 'sweep', id: 'sweep', payload: { v: 1 } }
  const add = async ({ id }: Job) => {
    added.add(id)
    wake()
  }
  const until = async (count: number) => {
    while (added.size < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  await keepAdding(add, job, everyMs, { signal: stop.signal, report: () => {} })
  await until(2)
  shift = -3_600_000
  await until(5)
  expect([...added].every((id) => id.startsWith('sweep-'))).toBe(true)
})
