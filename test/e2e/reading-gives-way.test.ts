/** Reading never starves answers: a plain question is answered in its own time while many files wait, also after a kill. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

let model: ScriptedOpenAi
let home: string

beforeAll(async () => {
  model = await startScriptedOpenAi({
    script: () => ({ tokens: Array.from({ length: 10 }, (_, n) => `word${n} `), firstAfterMs: 100, everyMs: 40 }),
  })
  home = await temporaryHome()
})
afterAll(async () => {
  await model?.close()
  if (home) await removeHome(home)
})

it('a plain question is answered in its own time and two seconds while sixty files wait, before and after a kill', async () => {
  const env = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', LOG_LEVEL: 'warn' }
  let parley: ParleyProcess = await startParley(home, env)
  try {
    const timed = async () => {
      const startedAt = performance.now()
      await new ConsoleClient(parley.url).ask('How are you?')
      return performance.now() - startedAt
    }
    // The first question after a start takes longer, here and after the kill.
    const own = Math.max(await timed(), await timed(), await timed())

    // Tables are parsed, each by a reading process.
    const client = new ConsoleClient(parley.url)
    const waiting: { threadId: string; turnId: string }[] = []
    for (let thread = 0; thread < 6; thread += 1) {
      const uploads = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          client.upload(`table-${thread}-${n}.csv`, `name,price\n${`item ${thread} ${n},12.50\n`.repeat(2_000)}`),
        ),
      )
      const threadId = randomUUID()
      waiting.push({ threadId, ...(await client.send(threadId, 'What do they cost?', uploads)) })
    }
    const stillWaiting = async () => {
      const threads = await Promise.all(waiting.map(({ threadId }) => new ConsoleClient(parley.url).thread(threadId)))
      return threads.filter(({ thread }) => thread.busy).length
    }
    const beside = await timed()
    expect(await stillWaiting(), 'files have to wait while the question is answered').toBeGreaterThan(0)
    expect(beside).toBeLessThan(own + 2_000)

    await parley.kill('SIGKILL')
    parley = await startParley(home, env)
    const afterKill = await timed()
    expect(await stillWaiting(), 'files have to wait while the question is answered').toBeGreaterThan(0)
    expect(afterKill).toBeLessThan(own + 2_000)

    for (const { threadId, turnId } of waiting) {
      const { receipt } = await new ConsoleClient(parley.url).reply(threadId, turnId, 120_000)
      expect(receipt.attachments.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'read'))
    }
  } finally {
    await parley.kill('SIGTERM')
  }
}, 240_000)
