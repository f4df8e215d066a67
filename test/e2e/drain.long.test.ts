/** A signal ends every role within its time even if work is under way that cannot end, and its database hangs. */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, startTestServer, type TestServer } from '../database.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { redisMissing, startTestRedis } from '../servers/redis.ts'
import { ConsoleClient, environment, removeHome, run, startParley, temporaryHome } from './parley.ts'
import { createRoles, type Roles, terminate } from './roles.ts'

let server: TestServer
let model: ScriptedOpenAi
let roles: Roles

beforeAll(async () => {
  server = await startTestDatabase()
  // Begins and never ends.
  model = await startScriptedOpenAi({ script: () => ({ tokens: ['One ', 'two '], everyMs: 600_000 }) })
  roles = createRoles(server.home)
})
afterAll(async () => {
  await model?.close()
  await server?.dispose()
})
afterEach(() => roles.killAll())

/** 20 s for running jobs, 5 s for all that is left; the process itself needs a moment on a loaded machine. */
const limitMs = 27_000

it.skipIf(redisMissing)(
  `a worker whose model hangs ends in time while Redis is away, and another worker takes the turn over${redisMissing ? ` (skipped: ${redisMissing})` : ''}`,
  { timeout: 150_000 },
  async () => {
    await using redis = await startTestRedis()
    const { url } = await server.createDatabase()
    const env = { DATABASE_URL: url, REDIS_URL: redis.url, OPENAI_BASE_URL: model.url }
    const [gateway, worker] = await Promise.all([roles.start('gateway', env), roles.start('worker', env)])
    const client = new ConsoleClient(/http:\S+/.exec(gateway.line)?.[0] ?? '')
    const asked = model.requests.length
    await client.send(randomUUID(), 'Hang')
    await model.request(asked)
    await redis.kill()
    const { ms } = await terminate(worker)
    expect(ms).toBeLessThan(limitMs)
    await redis.start()
    await roles.start('worker', env)
    await model.request(asked + 1)
  },
)

it('a gateway and a worker end in time while PostgreSQL hangs', { timeout: 120_000 }, async () => {
  await using hanging = await startTestServer()
  const { url } = await hanging.createDatabase()
  const env = { DATABASE_URL: url, OPENAI_BASE_URL: model.url }
  const [gateway, worker] = await Promise.all([roles.start('gateway', env), roles.start('worker', env)])
  const client = new ConsoleClient(/http:\S+/.exec(gateway.line)?.[0] ?? '')
  const asked = model.requests.length
  await client.send(randomUUID(), 'Hang')
  await model.request(asked)
  const pids = [hanging.postgres.pid(), ...childrenOf(hanging.postgres.pid())]
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    for (const { ms } of await Promise.all([terminate(gateway), terminate(worker)])) expect(ms).toBeLessThan(limitMs)
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
})

it('Parley in one process ends in time while its model hangs and a page is open', { timeout: 120_000 }, async () => {
  const home = await temporaryHome()
  const parley = await startParley(home, { OPENAI_BASE_URL: model.url })
  const client = new ConsoleClient(parley.url)
  const threadId = randomUUID()
  const asked = model.requests.length
  await client.send(threadId, 'Hang')
  await model.request(asked)
  const page = await fetch(new URL(`/console/events?thread=${threadId}`, parley.url))
  const begun = performance.now()
  const { code } = await parley.kill('SIGTERM')
  expect(performance.now() - begun).toBeLessThan(limitMs)
  expect(code).toBe(0)
  await page.body?.cancel().catch(() => {})
  await removeHome(home)
})

it('a process whose closing never ends leaves all the same', { timeout: 60_000 }, async () => {
  const code = `
    import { runUntilSignal } from ${JSON.stringify(new URL('../../src/ops/closing.ts', import.meta.url).href)}
    const log = { debug() {}, info() {}, warn() {}, error: (_, event) => console.log(event) }
    const never = () => new Promise(() => {})
    await runUntilSignal(async () => {
      setInterval(() => {}, 1_000) // as an open port keeps it alive
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 100)
      return { log, app: { fatal: never(), [Symbol.asyncDispose]: never } }
    })`
  const begun = performance.now()
  const ended = await run(['--input-type=module', '-e', code], environment(server.home))
  expect(performance.now() - begun).toBeLessThan(limitMs)
  expect(ended).toMatchObject({ code: 1, stdout: 'not closed in time; leaving\n' })
})

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
  return stdout.split('\n').filter(Boolean).map(Number)
}
