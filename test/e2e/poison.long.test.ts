/** A question that kills Parley each time, under a supervisor that starts it again: others are answered, and there is an end. */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

it('a question that kills its process is ended with a sentence after a few tries', { timeout: 240_000 }, async () => {
  const home = await temporaryHome()
  let parley: ParleyProcess
  let deaths = 0
  let over = false
  await using model = await startScriptedOpenAi({
    script: ({ body }) => {
      if (!questionTextOf(body).includes('POISON'))
        return { tokens: Array.from({ length: 40 }, (_, n) => `word${n} `), everyMs: 100 }
      deaths += 1
      void parley.kill('SIGKILL')
      return { tokens: ['never'], firstAfterMs: 600_000 }
    },
  })
  const env = { OPENAI_BASE_URL: model.url, LOG_LEVEL: 'warn' }
  parley = await startParley(home, env)
  let restarted = Promise.withResolvers<void>()
  const supervisor = (async () => {
    for (;;) {
      await parley.ended
      if (over) return
      parley = await startParley(home, env)
      restarted.resolve()
      restarted = Promise.withResolvers()
    }
  })()

  /** What a page does: the same again, when Parley is back. */
  const insist = async <T>(action: (client: ConsoleClient) => Promise<T>): Promise<T> => {
    for (;;) {
      const { url } = parley
      const back = restarted.promise
      try {
        return await action(new ConsoleClient(url))
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('no reply')) throw error
        await back
      }
    }
  }
  const [innocent, poison] = [randomUUID(), randomUUID()]
  const asked = await insist((client) => client.send(innocent, 'A question of four seconds'))
  const bad = await insist((client) => client.send(poison, 'POISON'))
  const answer = await insist((client) => client.reply(innocent, asked.turnId, 60_000))
  expect(answer.state).toBe('done')
  const told = await insist((client) => client.reply(poison, bad.turnId, 120_000))
  expect(told).toMatchObject({ state: 'failed', receipt: { error: 'turn_crashed' } })
  expect(told.text).toMatch(/^Parley stopped several times/)
  // Three in company, three alone; ten if it never runs alone.
  expect(deaths).toBeGreaterThanOrEqual(6)
  expect(deaths).toBeLessThanOrEqual(10)
  // Everybody goes on, in the same conversation too.
  expect(
    (await insist((client) => client.send(poison, 'And now?').then(({ turnId }) => client.reply(poison, turnId))))
      .state,
  ).toBe('done')
  over = true
  await parley[Symbol.asyncDispose]()
  await supervisor
  await removeHome(home)
})
