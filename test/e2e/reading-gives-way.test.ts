/** Reading never starves answers: a plain question is answered while many files still wait, also after a kill. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

let model: ScriptedOpenAi
let home: string

beforeAll(async () => {
  model = await startScriptedOpenAi({ script: () => ({ tokens: ['Fine, ', 'thank ', 'you.'] }) })
  home = await temporaryHome()
})
afterAll(async () => {
  await model?.close()
  if (home) await removeHome(home)
})

it('a plain question is answered while sixty files wait, before and after a kill, and all of them are read', async () => {
  const env = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', LOG_LEVEL: 'warn' }
  let parley: ParleyProcess = await startParley(home, env)
  try {
    const client = new ConsoleClient(parley.url)
    // Tables are parsed, each by a reading process.
    const asked: { threadId: string; turnId: string }[] = []
    for (let thread = 0; thread < 6; thread += 1) {
      const uploads = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          client.upload(`table-${thread}-${n}.csv`, `name,price\n${`item ${thread} ${n},12.50\n`.repeat(2_000)}`),
        ),
      )
      const threadId = randomUUID()
      asked.push({ threadId, ...(await client.send(threadId, 'What do they cost?', uploads)) })
    }
    const plainQuestion = async () => {
      const now = new ConsoleClient(parley.url)
      expect((await now.ask('How are you?')).state).toBe('done')
      const threads = await Promise.all(asked.map(({ threadId }) => now.thread(threadId)))
      expect(threads.filter(({ thread }) => thread.busy).length, 'questions whose files wait').toBeGreaterThan(0)
    }
    await plainQuestion()
    await parley.kill('SIGKILL')
    parley = await startParley(home, env)
    await plainQuestion()

    for (const { threadId, turnId } of asked) {
      const { receipt } = await new ConsoleClient(parley.url).reply(threadId, turnId, 200_000)
      expect(receipt.attachments.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'read'))
    }
  } finally {
    await parley.kill('SIGTERM')
  }
})
