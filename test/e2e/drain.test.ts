/** A signal ends a gateway and a worker soon, whatever is away. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../database.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { redisMissing, startTestRedis } from '../servers/redis.ts'
import { ConsoleClient } from './parley.ts'
import { createRoles, type Roles, terminate } from './roles.ts'

let server: TestServer
let model: ScriptedOpenAi
let roles: Roles

beforeAll(async () => {
  server = await startTestDatabase()
  model = await startScriptedOpenAi({
    script: () => ({ tokens: Array.from({ length: 20 }, (_, n) => `word${n} `), everyMs: 50 }),
  })
  roles = createRoles(server.home)
})
afterAll(async () => {
  await model?.close()
  await server?.dispose()
})
afterEach(() => roles.killAll())

/** Well below the 20 s that running jobs may take: nothing runs here. */
const soonMs = 15_000

describe.skipIf(redisMissing)(`SIGTERM while Redis is away${redisMissing ? ` (skipped: ${redisMissing})` : ''}`, () => {
  it('ends a gateway and an idle worker by themselves', async () => {
    await using redis = await startTestRedis()
    const { url } = await server.createDatabase()
    const env = { DATABASE_URL: url, REDIS_URL: redis.url, OPENAI_BASE_URL: model.url }
    const [gateway, worker] = await Promise.all([roles.start('gateway', env), roles.start('worker', env)])
    await redis.kill()
    // Both have noticed, and try to connect again and again.
    await expect.poll(() => [gateway.log(), worker.log()].every((log) => log.includes('trouble'))).toBe(true)
    const ends = await Promise.all([terminate(gateway), terminate(worker)])
    for (const { code, ms } of ends) {
      expect(code).toBe(0)
      expect(ms).toBeLessThan(soonMs)
    }
  })

  it('in the middle of an answer ends the worker after that answer, and the turn ends once', async () => {
    await using redis = await startTestRedis()
    const { url } = await server.createDatabase()
    const env = { DATABASE_URL: url, REDIS_URL: redis.url, OPENAI_BASE_URL: model.url }
    const [gateway, worker] = await Promise.all([roles.start('gateway', env), roles.start('worker', env)])
    const client = new ConsoleClient(/http:\S+/.exec(gateway.line)?.[0] ?? '')
    const threadId = randomUUID()
    const asked = model.requests.length
    const { turnId } = await client.send(threadId, 'Count')
    await model.request(asked)
    await redis.kill()
    const { code, ms } = await terminate(worker)
    expect(code).toBe(0)
    expect(ms).toBeLessThan(soonMs)
    const reply = await client.reply(threadId, turnId)
    expect(reply.text.trim()).toBe(Array.from({ length: 20 }, (_, n) => `word${n}`).join(' '))
    expect(reply.receipt.attempts).toBe(1)
  })
})
