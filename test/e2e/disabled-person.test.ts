/** Two processes on one database: what is done to a person at one holds at the other at once. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Log } from '../../src/core/log.ts'
import { openTestAccounts, goodPassword as password } from '../accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { createPageClient, type PageClient } from './page-client.ts'

const settings = `models:
  default: slow
  list:
    - {id: slow, provider: openai, contextWindow: 16000, maxOutputTokens: 300, price: {input: 3, output: 15}}
`

let server: TestServer
let accounts: ReturnType<typeof openTestAccounts>
let model: ScriptedOpenAi
const homes: string[] = []
const apps: App[] = []
/** Every line of the log, as JSON. */
const logged: string[] = []

const log: Log = Object.fromEntries(
  ['debug', 'info', 'warn', 'error'].map((level) => [
    level,
    (fields: object, event: string) => void logged.push(JSON.stringify({ ...fields, event })),
  ]),
) as unknown as Log

beforeAll(async () => {
  server = await startTestDatabase()
  const database = await server.createDatabase()
  accounts = openTestAccounts(database)
  model = await startScriptedOpenAi({
    models: [{ id: 'slow' }],
    // For ten minutes, if nobody stops it.
    script: () => ({ tokens: Array.from({ length: 12_000 }, (_, n) => `word${n} `), everyMs: 50 }),
  })
  for (let n = 0; n < 2; n += 1) {
    const home = await mkdtemp(join(tmpdir(), 'parley-disabled-'))
    homes.push(home)
    await writeFile(join(home, 'parley.yaml'), settings)
    const env = { PARLEY_HOME: home, PORT: '0', DATABASE_URL: database.url, LOG_LEVEL: 'silent' }
    const provider = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'sk-test', PARLEY_SECRET: 'for this test alone' }
    apps.push(await createApp(readConfig({ env: { ...env, ...provider }, cwd: home }), { log }))
  }
})
afterAll(async () => {
  for (const app of apps) await app[Symbol.asyncDispose]()
  await accounts?.[Symbol.asyncDispose]()
  await model?.close()
  await server?.dispose()
  for (const home of homes) await rm(home, { recursive: true, force: true })
})

const at = (n: number) => createPageClient(apps[n]?.url ?? '')
async function signIn(n: number, email: string): Promise<PageClient> {
  const client = at(n)
  await client.send('POST', '/console/sign-in', { email, password })
  return client
}

it('a disabled person loses pages, keys, tokens and running answers at once, in every process', async () => {
  const ada = at(0)
  await ada.send('POST', '/console/set-up', { name: 'Ada', email: 'ada@example.com', password })
  const benId = await accounts.invited('Ben')
  await accounts.invited('Cy')
  const [ben, cy] = [await signIn(1, 'ben@example.com'), await signIn(1, 'cy@example.com')]
  const key = { name: 'robot', amount: '5', period: 'month', scopes: ['ask', 'admin'] }
  const { secret } = (await ben.send('POST', '/console/me/keys', key)) as { secret: string }
  const url = apps[1]?.url ?? ''
  const byKey = async (path: string, body: object, credential = secret) =>
    await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const { access_token } = (await (await byKey('/v1/token', {})).json()) as { access_token: string }

  const open = async (client: PageClient) => {
    const threadId = randomUUID()
    const stream = await client.follow(`/console/events?thread=${threadId}`)
    await client.send('POST', `/console/threads/${threadId}/messages`, { id: randomUUID(), text: 'Well?', uploads: [] })
    const words = () => stream.events.filter(({ type }) => type === 'text').length
    await expect.poll(words).toBeGreaterThan(1)
    return { stream, threadId, words }
  }
  const [bens, cys] = [await open(ben), await open(cy)]
  const question = { model: 'slow', stream: true, messages: [{ role: 'user', content: 'Well?' }] }
  const answer = await byKey('/v1/chat/completions', question)
  const read = answer.text()
  await expect.poll(() => model.requests.length).toBe(3)

  await ada.send('POST', `/console/admin/people/${benId}/disable`, {})
  await bens.stream.ended
  expect(bens.stream.events.at(-1)).toEqual({ type: 'signedOut' })
  expect(await read).toMatch(/revoked|no longer/)
  const openTurns = async () =>
    (await accounts.database.pool.query(`select id from turn where state in ('queued', 'answering')`)).rows
  await expect.poll(openTurns).toHaveLength(1)
  expect((await ben.call('GET', '/console/me')).status).toBe(401)
  for (const credential of [secret, access_token])
    expect((await byKey('/v1/chat/completions', question, credential)).status).toBe(401)
  expect((await byKey('/v1/commands', { command: 'help' })).status).toBe(401)
  expect((await at(1).call('POST', '/console/sign-in', { email: 'ben@example.com', password })).status).toBe(401)
  // Others go on.
  const before = cys.words()
  await expect.poll(cys.words).toBeGreaterThan(before)
  const { rows } = await accounts.database.pool.query<{ id: string }>(`select id from turn where state = 'answering'`)
  await cy.send('POST', `/console/turns/${rows[0]?.id}/stop`, {})
  await expect.poll(openTurns).toEqual([])
  cys.stream.leave()
  // And the log has neither words, addresses nor credentials.
  const text = logged.join('\n')
  for (const never of ['example.com', password, secret, access_token, ben.cookie().split('=')[1] ?? 'x', 'Well?'])
    expect(text).not.toContain(never)
})
