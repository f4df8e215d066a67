/** Whose address counts when somebody tries passwords: over real HTTP, with and without proxies that are trusted. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/core/log.ts'
import { openTestAccounts, goodPassword as password } from '../accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { createPageClient } from './page-client.ts'

let server: TestServer
const ends: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(async () => {
  for (const end of ends.reverse()) await end()
  await server?.dispose()
})

const origin = 'https://parley.example.com'
const email = 'ada@example.com'

/** With Ada's account. `from`: a browser behind something that says it comes from there. */
async function open(trustedProxies: string) {
  const database = await server.createDatabase()
  await using accounts = openTestAccounts(database)
  await accounts.setUp()
  const home = await mkdtemp(join(tmpdir(), 'parley-limits-'))
  await writeFile(join(home, 'parley.yaml'), `trustedProxies: ${trustedProxies}\n`)
  const env = { PARLEY_HOME: home, PORT: '0', DATABASE_URL: database.url, LOG_LEVEL: 'silent', PUBLIC_URL: origin }
  const app: App = await createApp(readConfig({ env, cwd: home }), { log: silentLog })
  ends.push(
    () => rm(home, { recursive: true, force: true }),
    async () => await app[Symbol.asyncDispose](),
  )
  const from = (address: string) =>
    createPageClient(app.url ?? '', {
      origin,
      headers: { 'x-forwarded-for': address, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'parley.example.com' },
    })
  return { from }
}

const tryFrom = async (client: ReturnType<typeof createPageClient>, typed: string) =>
  (await client.call('POST', '/console/sign-in', { email, password: typed })).status

it('ten made-up addresses count as one: the sixth wrong password has to wait, and so does the right one', async () => {
  const { from } = await open('[]')
  const statuses: number[] = []
  for (let n = 1; n <= 10; n += 1) statuses.push(await tryFrom(from(`198.51.100.${n}`), `wrong ${n}`))
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429, 429, 429])
  expect(await tryFrom(from('203.0.113.1'), password)).toBe(429)
})

it('behind a trusted proxy, two callers count separately: one has to wait, the other signs in and is listed by address', async () => {
  const { from } = await open('[127.0.0.1]')
  // What a caller says before the proxy does is not believed.
  const guesses = Array.from({ length: 10 }, (_, n) => from(`10.0.0.${n}, 198.51.100.7`))
  const statuses: number[] = []
  for (const guess of guesses) statuses.push(await tryFrom(guess, 'wrong'))
  expect(statuses.filter((status) => status === 429)).toHaveLength(5)
  const own = from('203.0.113.9')
  expect(await tryFrom(own, password)).toBe(200)
  const { sessions } = (await own.get('/console/me/sessions')) as { sessions: { address: string; current: boolean }[] }
  expect(sessions.find(({ current }) => current)).toMatchObject({ address: '203.0.113.9', userAgent: 'Firefox' })
})
