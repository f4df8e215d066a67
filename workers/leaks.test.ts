/** No turn tells anybody what not everybody who reads its answer may see, from the question to the last line of the log. */
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { openDatabase } from '../src/store/database.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { leakTurns } from '../test/leak-turns.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

it('in prompts, answers, citations, receipts, events, logs and what is stored, whatever happens to places, people and files', async () => {
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  const seed = Number(process.env.LEAK_SEED ?? inject('propertySeed'))
  const found = await leakTurns(database, seed, 1, 5).finally(() => database.close())
  expect(found.turns).toBeGreaterThan(100)
  expect(found.regenerated).toBeGreaterThan(20)
  expect(found.cases).toBeGreaterThan(4_000)
  expect(found.given).toBeGreaterThan(500)
}, 300_000)
