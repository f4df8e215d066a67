/** A gateway and workers as processes of their own, over PostgreSQL alone and with Redis beside it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ConsoleEvent } from '../../adapters/console/api.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { redisMissing, startTestRedis } from '../servers/redis.ts'
import { ConsoleClient, environment } from './parley.ts'

const root = join(import.meta.dirname, '../..')
let server: TestServer
let model: ScriptedOpenAi
const running: ChildProcess[] = []

beforeAll(async () => {
  server = await startTestDatabase()
  model = await startScriptedOpenAi({
    script: () => ({ tokens: Array.from({ length: 60 }, (_, n) => `word${n} `), everyMs: 25 }),
  })
})
afterAll(async () => {
  await model?.close()
  await server?.dispose()
})
afterEach(async () => {
  const ended = running.splice(0).map(async (child) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  await Promise.all(ended)
})

/** Resolves with the line that says it is ready. */
async function start(
  role: 'gateway' | 'worker',
  env: Record<string, string>,
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [join(root, 'src/cli.ts'), role], {
    cwd: root,
    env: environment(server.home, { OPENAI_BASE_URL: model.url, LOG_LEVEL: 'warn', ...env }),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(child)
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the ${role} ended before it was ready`)))
  const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer]
  return { child, line: line.toString() }
}

const kinds = {
  'PostgreSQL alone': { skip: undefined, redis: async () => null },
  'PostgreSQL and Redis': { skip: redisMissing, redis: startTestRedis },
}

describe.each(Object.entries(kinds))('%s', (_, { skip, redis }) => {
  it.skipIf(skip !== undefined)(
    `a worker dies in the middle of a reply and another one completes the same message, live on the page${skip ? ` (${skip})` : ''}`,
    { timeout: 90_000 },
    async () => {
      const queue = await redis()
      const { url } = await server.createDatabase()
      const env = { DATABASE_URL: url, ...(queue ? { REDIS_URL: queue.url } : {}) }
      const gateway = await start('gateway', env)
      const client = new ConsoleClient(/http:\S+/.exec(gateway.line)?.[0] ?? '')
      const first = await start('worker', env)

      const threadId = randomUUID()
      const asked = model.requests.length
      const page = watch(client.url, threadId)
      const upload = await client.upload('note.txt', 'The key is under the mat.')
      const { turnId } = await client.send(threadId, 'Count the words', [upload])
      await model.request(asked)
      await page.until((text) => text.includes('word20'))
      first.child.kill('SIGKILL')
      await start('worker', env)

      const reply = await client.reply(threadId, turnId, 60_000)
      expect(reply.text.trim()).toBe(Array.from({ length: 60 }, (_, n) => `word${n}`).join(' '))
      expect(reply.receipt).toMatchObject({ attempts: 2, attachments: [{ outcome: 'read' }] })
      const { messages } = await client.thread(threadId)
      expect(messages.filter(({ role }) => role === 'parley')).toHaveLength(1)
      // What the page showed never shrank and ended whole, in one message.
      await page.until((text) => text.includes('word59'))
      expect(page.messageIds()).toEqual([reply.id])
      expect(page.shrank()).toBe(false)
      page.close()
      await queue?.dispose()
    },
  )
})

/** Follows a thread's events as the page does. */
function watch(url: string, threadId: string) {
  const aborted = new AbortController()
  const ids = new Set<string>()
  let text = ''
  let shrank = false
  let waiting: (() => void) | undefined
  const show = (next: string) => {
    shrank ||= next.length < text.length
    text = next
    waiting?.()
  }
  const take = (event: ConsoleEvent) => {
    if (event.type === 'message' && event.message.role === 'parley') {
      ids.add(event.message.id)
      show(event.message.text)
    }
    if (event.type === 'text') {
      expect(event.offset).toBeLessThanOrEqual(text.length)
      show(text.slice(0, event.offset) + event.text)
    }
  }
  const read = async () => {
    const response = await fetch(new URL(`/console/events?thread=${threadId}`, url), { signal: aborted.signal })
    let rest = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const records = (rest + chunk).split('\n\n')
      rest = records.pop() ?? ''
      for (const record of records) if (record.startsWith('data:')) take(JSON.parse(record.slice(5)))
    }
  }
  const reading = read().catch((error: unknown) => {
    if (!aborted.signal.aborted) throw error
  })
  return {
    async until(holds: (text: string) => boolean): Promise<void> {
      while (!holds(text)) {
        const { promise, resolve } = Promise.withResolvers<void>()
        waiting = resolve
        await Promise.race([promise, reading])
      }
    },
    messageIds: () => [...ids],
    shrank: () => shrank,
    close: () => aborted.abort(),
  }
}
