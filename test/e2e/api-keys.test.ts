/** Keys of people, tokens made with them, usage and commands: with real clients, over a real port. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { type KeyScope, keyScopes } from '../../src/core/api-key.ts'
import { silentLog } from '../../src/core/log.ts'
import { usd } from '../../src/core/money.ts'
import { namedAdmins } from '../../src/identity/people.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createKeys, type Keys } from '../../src/store/keys.ts'
import { createPeople } from '../../src/store/people.ts'
import { createSessions } from '../../src/store/sessions.ts'
import { keyWording } from '../../src/wording/commands-money.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { addPerson } from '../people.ts'

let server: TestServer
let database: Database
let home: string
let app: App
let url: string
let keys: Keys

beforeAll(async () => {
  server = await startTestDatabase()
  const { connection, url: databaseUrl } = await server.createDatabase()
  database = openDatabase(connection, { log: silentLog })
  keys = createKeys(database)
  // There are accounts, so the page wants a session.
  await database.prisma.installation.create({
    data: { personId: await addPerson(database, 'First', { role: 'admin' }) },
  })
  home = await mkdtemp(join(tmpdir(), 'parley-keys-'))
  const env = { PARLEY_HOME: home, PORT: '0', DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent' }
  const config = readConfig({ env: { ...env, PARLEY_SECRET: 'a secret for the tests alone' }, cwd: home })
  app = await createApp(config, { log: silentLog })
  url = app.url ?? ''
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await database?.close()
  await server?.dispose()
  if (home) await rm(home, { recursive: true, force: true })
})

async function createKey(name: string, scopes: readonly KeyScope[] = keyScopes, ownerId?: string) {
  const budget = { period: 'month', amount: usd('20'), timeZone: 'UTC' } as const
  const made = await keys.create({ name, budget, by: 'test', scopes, ownerId })
  if (made === null) throw new Error(`the name ${name} is taken`)
  return made
}

async function call(path: string, secret: string, body?: object) {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
  const answer = await fetch(url + path, init)
  return { status: answer.status, body: (await answer.json()) as Record<string, never> & { [name: string]: unknown } }
}

const ask = (apiKey: string) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }).chat.completions.create({
    model: 'parley',
    messages: [{ role: 'user', content: 'What is a notice period?' }],
  })

describe('a token', () => {
  it('answers to OpenAI’s client, is verified by the published keys, and ends with its key', async () => {
    const { secret, id } = await createKey('site')
    const { status, body } = await call('/v1/token', secret, { scope: 'ask' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'ask' })
    const token = String(body.access_token)
    expect((await ask(token)).choices).toHaveLength(1)

    const published = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(token, published, { issuer: 'urn:parley', audience: 'parley-api' })
    expect(payload).toMatchObject({ sub: `key:${id}`, scope: 'ask' })

    expect((await call('/v1/usage', token)).status).toBe(403)
    expect((await call('/v1/token', token, {})).status).toBe(401)
    await keys.revoke('site')
    await expect(ask(token)).rejects.toMatchObject({ status: 401 })
  })

  it('never has more than its key', async () => {
    const { secret } = await createKey('asker', ['ask'])
    const { status, body } = await call('/v1/token', secret, { scope: 'ask admin' })
    expect(status).toBe(400)
    expect(body.error).toMatchObject({ code: 'invalid_scope', param: 'scope' })
    expect((await call('/v1/token', secret, {})).body).toMatchObject({ scope: 'ask' })
  })

  it('is also given to clients of OAuth, which send forms', async () => {
    const { secret } = await createKey('form', ['ask', 'usage:read'])
    const answer = await fetch(`${url}/v1/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'usage:read' }),
    })
    expect(await answer.json()).toMatchObject({ scope: 'usage:read' })
  })
})

it('a program reads what its key has spent, and what is left', async () => {
  const { secret } = await createKey('reader', ['ask', 'usage:read'])
  await ask(secret)
  const usage = () => call('/v1/usage?period=month', secret)
  // The turn may end after its answer is there.
  await expect.poll(async () => (await usage()).body.questions).toBe(1)
  const { status, body } = await usage()
  expect(status).toBe(200)
  expect(body).toMatchObject({ object: 'usage', period: 'month', time_zone: 'UTC', cost_usd: '0' })
  expect(body.budgets).toMatchObject([{ period: 'month', limit_usd: '20', spent_usd: '0', reserved_usd: '0' }])
  expect((await call('/v1/usage?period=decade', secret)).status).toBe(400)
})

describe('commands by key', () => {
  it('do what the owner may do at that moment', async () => {
    const ada = await addPerson(database, 'Ada', { role: 'admin' })
    await addPerson(database, 'Root', { role: 'admin' })
    const { secret } = await createKey('robot', ['admin'], ada)
    const set = { command: 'budget set everywhere 500 month' }
    expect((await call('/v1/commands', secret, set)).body).toMatchObject({ object: 'command.answer' })
    const listed = await call('/v1/commands', secret, { command: 'budget list' })
    expect(listed.body.text).toContain('$500.00')

    const channel = createLocalChannel()
    await createPeople({ database, channel, named: namedAdmins([]) }).setRole(ada, 'member', {
      id: 'test',
      via: 'command',
    })
    await expect
      .poll(async () => (await call('/v1/commands', secret, set)).body.error)
      .toMatchObject({ code: 'command_failed' })
  })

  it('need the scope admin', async () => {
    const { secret } = await createKey('plain', ['ask', 'usage:read'])
    expect((await call('/v1/commands', secret, { command: 'budget list' })).status).toBe(403)
  })
})

describe('keys on the page', () => {
  it('are made, listed and revoked by their owner, count for their budget, and are nobody else’s', async () => {
    const [cleo, dan] = [await addPerson(database, 'Cleo'), await addPerson(database, 'Dan')]
    const [asCleo, asDan] = [await signedIn(cleo), await signedIn(dan)]
    const made = await asCleo('POST', '/console/me/keys', {
      name: 'notebook',
      amount: '2.50',
      period: 'week',
      scopes: ['ask', 'usage:read'],
      days: 30,
    })
    expect([made.status, made.caching]).toEqual([201, 'no-store'])
    const { secret, key } = made.body as unknown as { secret: string; key: { id: string; name: string } }
    expect((await asCleo('GET', '/console/me/keys')).body).toMatchObject({ keys: [{ id: key.id, lastUsedAt: null }] })
    expect((await asDan('GET', '/console/me/keys')).body).toEqual({ keys: [] })
    await ask(secret)
    expect((await call('/v1/usage', secret)).body.budgets).toMatchObject([{ period: 'week', limit_usd: '2.5' }])
    const { rows } = await database.pool.query(
      "select message->'author'->>'personId' as person from inbound where message->>'keyId' = $1",
      [key.id],
    )
    expect(rows).toEqual([{ person: cleo }])

    for (const id of [key.id, '000000000000'])
      expect((await asDan('DELETE', `/console/me/keys/${id}`)).body).toMatchObject({
        error: { userMessage: keyWording.unknown(id) },
      })
    expect((await asCleo('DELETE', `/console/me/keys/${key.id}`)).status).toBe(204)
    await expect(ask(secret)).rejects.toMatchObject({ status: 401 })
    expect(
      (await asCleo('POST', '/console/me/keys', { name: 'two words', amount: '1', period: 'day', scopes: ['ask'] }))
        .body,
    ).toMatchObject({ error: { userMessage: keyWording.notOneWord('two words') } })
  })

  it('are not for guests', async () => {
    const asGuest = await signedIn(await addPerson(database, 'Eve', { role: 'guest' }))
    const wanted = { name: 'mine', amount: '1', period: 'day', scopes: ['ask'] }
    expect((await asGuest('POST', '/console/me/keys', wanted)).status).toBe(403)
  })
})

/** Calls as a browser of this person. */
async function signedIn(personId: string) {
  const secret = await createSessions({ database, channel: createLocalChannel() }).create(personId, {
    userAgent: 'test',
    address: '127.0.0.1',
  })
  const installation = createHash('sha256').update(home).digest('hex').slice(0, 4)
  const headers = {
    cookie: `__Host-parley-${installation}=${secret}`,
    origin: url,
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/json',
  }
  return async (method: string, path: string, body?: object) => {
    const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    const text = await answer.text()
    const read = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    return { status: answer.status, caching: answer.headers.get('cache-control'), body: read }
  }
}
