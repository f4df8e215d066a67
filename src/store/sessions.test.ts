import { afterAll, beforeAll, expect, it } from 'vitest'
import { byTest, here, openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { sessionsEndedTopic } from '../core/topics.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const open = async () => openTestAccounts(await server.createDatabase())

it('a session tells who is signed in as they are now, in one statement', async () => {
  await using accounts = await open()
  const { sessions, people, database } = accounts
  await accounts.setUp()
  const bea = await accounts.invited('Bea')
  const secret = await sessions.create(bea, here)
  const before = database.roundTrips()
  const signedIn = await sessions.find(secret)
  expect(database.roundTrips() - before).toBe(1)
  expect(signedIn).toEqual({ personId: bea, name: 'Bea', role: 'member', sessionId: expect.any(String) })
  await people.setRole(bea, 'viewer', byTest)
  await people.setProfile(bea, { name: 'Beatrix' })
  expect(await sessions.find(secret)).toMatchObject({ role: 'viewer', name: 'Beatrix' })
  for (const other of ['', 'x'.repeat(43), `${secret}x`, secret.toUpperCase()])
    expect(await sessions.find(other)).toBeNull()
  await people.setDisabled(bea, true, byTest)
  expect(await sessions.find(secret)).toBeNull()
  await expect(sessions.create(bea, here)).rejects.toMatchObject({ code: 'credentials_missing' })
})

it('a session lasts 14 days without use and 90 with it', async () => {
  await using accounts = await open()
  const { sessions, database } = accounts
  const ada = await accounts.setUp()
  const secret = await sessions.create(ada, here)
  const { sessionId = '' } = (await sessions.find(secret)) ?? {}
  const set = (change: string) => database.pool.query(`update session set ${change} where id = $1`, [sessionId])
  const about = async () => (await sessions.list(ada)).find(({ id }) => id === sessionId)
  await set(`used_at = now() - interval '13 days 23 hours'`)
  expect(await sessions.find(secret)).not.toBeNull()
  // It counted as use.
  expect(Date.now() - ((await about())?.usedAt.getTime() ?? 0)).toBeLessThan(3_600_000)
  await set(`used_at = now() - interval '30 seconds'`)
  const kept = (await about())?.usedAt
  await sessions.find(secret)
  expect((await about())?.usedAt).toEqual(kept)
  await set(`used_at = now() - interval '14 days'`)
  expect([await sessions.find(secret), await sessions.holds(sessionId), await about()]).toEqual([
    null,
    false,
    undefined,
  ])
  await set(`used_at = now(), ends_at = now() + interval '1 minute'`)
  expect([(await sessions.find(secret))?.personId, await sessions.holds(sessionId)]).toEqual([ada, true])
  await set(`ends_at = now()`)
  expect([await sessions.find(secret), await sessions.holds(sessionId)]).toEqual([null, false])
})

it('people see where they are signed in, and sign out there', async () => {
  await using accounts = await open()
  const { sessions, channel } = accounts
  const ada = await accounts.setUp()
  const bea = await accounts.invited('Bea')
  await sessions.endAll(ada)
  const laptop = await sessions.create(ada, { userAgent: `Firefox${'x'.repeat(500)}\0`, address: '192.0.2.1' })
  const phone = await sessions.create(ada, { userAgent: 'Safari', address: '2001:db8::1' })
  const listed = await sessions.list(ada)
  expect(listed.map(({ userAgent, address }) => [userAgent.slice(0, 7), userAgent.length, address])).toEqual(
    expect.arrayContaining([
      ['Firefox', 300, '192.0.2.1'],
      ['Safari', 6, '2001:db8::1'],
    ]),
  )
  const heard: unknown[] = []
  await channel.subscribe(sessionsEndedTopic, (id) => heard.push(id))
  const { sessionId: there = '' } = (await sessions.find(phone)) ?? {}
  // Not somebody else's.
  expect(await sessions.end(bea, there)).toBe(false)
  expect(heard).toEqual([])
  expect(await sessions.end(ada, there)).toBe(true)
  expect(await sessions.end(ada, there)).toBe(false)
  expect([await sessions.find(phone), (await sessions.find(laptop))?.personId]).toEqual([null, ada])
  const { sessionId = '' } = (await sessions.find(laptop)) ?? {}
  const other = await sessions.create(ada, here)
  await sessions.endAll(ada, sessionId)
  expect([await sessions.find(other), (await sessions.find(laptop))?.personId]).toEqual([null, ada])
  expect(heard).toEqual([ada, ada])
})

it('a sign-in at the moment in which its person is disabled leaves no session for the day they are enabled', async () => {
  await using accounts = await open()
  const { sessions, people } = accounts
  await accounts.setUp()
  const bea = await accounts.invited('Bea')
  const tries = Array.from({ length: 20 }, () => sessions.create(bea, here).catch(() => null))
  const disabled = people.setDisabled(bea, true, byTest)
  await Promise.all([...tries, disabled])
  await people.setDisabled(bea, false, byTest)
  expect(await sessions.list(bea)).toEqual([])
})
