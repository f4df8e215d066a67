/** A webhook in a running Parley: added by a command, told of an answer by the real queue, listed and shown by doctor. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { KeyScope } from '../../src/core/api-key.ts'
import { silentLog } from '../../src/core/log.ts'
import { usd } from '../../src/core/money.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createKeys } from '../../src/store/keys.ts'
import { doctorWording } from '../../src/wording/terminal.ts'
import { webhookWording } from '../../src/wording/webhooks.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { addPerson } from '../people.ts'
import { startWebhookReceiver, status, verify, type WebhookReceiver } from '../servers/webhook-receiver.ts'

let server: TestServer
let database: Database
let home: string
let app: App
let receiver: WebhookReceiver

beforeAll(async () => {
  receiver = await startWebhookReceiver()
  server = await startTestDatabase()
  const { connection, url: databaseUrl } = await server.createDatabase()
  database = openDatabase(connection, { log: silentLog })
  home = await mkdtemp(join(tmpdir(), 'parley-webhooks-'))
  await writeFile(join(home, 'parley.yaml'), `webhooks: { allow: ['${receiver.origin}'] }\n`)
  const env = { PARLEY_HOME: home, PORT: '0', DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent' }
  const config = readConfig({ env: { ...env, PARLEY_SECRET: 'a secret for the tests alone' }, cwd: home })
  app = await createApp(config, { log: silentLog })
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await database?.close()
  await server?.dispose()
  await receiver?.[Symbol.asyncDispose]()
  if (home) await rm(home, { recursive: true, force: true })
})

async function createKey(name: string, scope: KeyScope, ownerId?: string): Promise<string> {
  const budget = { period: 'month', amount: usd('20'), timeZone: 'UTC' } as const
  const made = await createKeys(database).create({ name, budget, by: 'test', scopes: [scope], ownerId })
  return made?.secret ?? ''
}

it('is told of an answer, and says what is wrong with it when it fails', async () => {
  const admin = await createKey('robot', 'admin', await addPerson(database, 'Ada', { role: 'admin' }))
  const say = async (command: string) => {
    const headers = { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }
    const answer = await fetch(`${app.url}/v1/commands`, { method: 'POST', headers, body: JSON.stringify({ command }) })
    return z.object({ text: z.string() }).parse(await answer.json()).text
  }
  const added = await say(`webhooks add crm ${receiver.at('/hook')} for everywhere`)
  const [signing = ''] = /whsec_[\w+/=]+/.exec(added) ?? []
  expect(await say('webhooks test crm')).toContain('204')
  const test = await receiver.next()
  verify(signing, test)
  expect(test.body).toMatchObject({ type: 'webhook.test', data: { name: 'crm' } })

  const client = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: await createKey('site', 'ask'), maxRetries: 0 })
  const question = { model: 'parley', messages: [{ role: 'user' as const, content: 'What is a notice period?' }] }
  await client.chat.completions.create(question)
  const told = await receiver.next()
  verify(signing, told)
  expect(told.body).toMatchObject({ type: 'turn.finished', data: { platform: 'api', state: 'done', costUsd: '0' } })
  expect(told.raw).not.toContain('notice')

  receiver.reply('/hook', status(410))
  await client.chat.completions.create(question)
  await receiver.next()
  const problem = webhookWording.answered(410)
  await expect.poll(() => say('webhooks list')).toContain(webhookWording.isDisabled('gone', problem))
  const check = (await app.doctor()).find(({ name }) => name === doctorWording.check.webhooks)
  expect(check).toMatchObject({ ok: false, userMessage: expect.stringContaining(problem) })
})
