import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { byTest, goodPassword, here, openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const open = async () => openTestAccounts(await server.createDatabase())
const bea = { name: 'Bea', email: 'bea@example.com', password: goodPassword }
const slack = { provider: 'slack', issuer: 'T1', subject: 'U1' }
const refused = { code: 'code_invalid', userMessage: expect.stringContaining('invitation') }

it('an invitation lasts 72 hours and makes one person, with its role and team', async () => {
  await using accounts = await open()
  const { invitations, signIn, people, database } = accounts
  await expect(invitations.create({ role: 'member' }, byTest)).rejects.toMatchObject({ code: 'request_forbidden' })
  await accounts.setUp()
  const team = randomUUID()
  await database.pool.query(`insert into team (id, name) values ($1, 'Red')`, [team])
  const wanted = { role: 'viewer', team: { id: team, role: 'manager' }, email: 'Bea@Example.com', name: 'Bea' } as const
  const { id, code, expiresAt } = await invitations.create(wanted, byTest)
  expect(Math.round((expiresAt.getTime() - Date.now()) / 3_600_000)).toBe(72)
  const shown = { id, role: 'viewer', team: { name: 'Red', role: 'manager' }, email: 'Bea@Example.com', resets: false }
  expect(await invitations.find(code)).toMatchObject(shown)
  expect(await invitations.list()).toMatchObject([shown])
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      signIn.acceptInvitation(code, { ...bea, email: `bea${index}@example.com` }, here),
    ),
  )
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const each of results) if (each.status === 'rejected') expect(each.reason).toMatchObject(refused)
  expect((await people.list()).filter(({ name }) => name === 'Bea')).toMatchObject([
    { role: 'viewer', teams: [{ name: 'Red', role: 'manager' }], hasPassword: true },
  ])
  expect([await invitations.find(code), await invitations.list()]).toEqual([null, []])
  expect((await accounts.audit.list({ limit: 9 })).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['invitation', 'invitation accepted']),
  )
})

it('an expired, revoked or made-up invitation lets nobody in', async () => {
  await using accounts = await open()
  const { invitations, signIn, database } = accounts
  await accounts.setUp()
  const revoked = await invitations.create({ role: 'admin' }, byTest)
  expect(await invitations.revoke(revoked.id, byTest)).toBe(true)
  expect(await invitations.revoke(revoked.id, byTest)).toBe(false)
  const expired = await invitations.create({ role: 'admin' }, byTest)
  await database.pool.query('update invitation set expires_at = now()')
  for (const code of [revoked.code, expired.code, 'aaaaa-aaaaa-aaaaa-aaaaa', '']) {
    await expect(signIn.acceptInvitation(code, bea, here)).rejects.toMatchObject(refused)
    await expect(signIn.invitation(code)).rejects.toMatchObject(refused)
    const proof = { kind: 'password', login: bea.email, email: bea.email, hash: 'x' } as const
    expect(await invitations.accept(code, 'Bea', proof)).toBeNull()
  }
})

it('an address that somebody has is refused, and the invitation stays', async () => {
  await using accounts = await open()
  const { invitations, signIn } = accounts
  await accounts.setUp()
  const { code } = await invitations.create({ role: 'member' }, byTest)
  await expect(signIn.acceptInvitation(code, { ...bea, email: 'ADA@example.com' }, here)).rejects.toMatchObject({
    userMessage: expect.stringContaining('already belongs'),
  })
  await expect(signIn.acceptInvitation(code, { ...bea, password: 'short' }, here)).rejects.toMatchObject({
    code: 'request_invalid',
  })
  expect(await signIn.acceptInvitation(code, bea, here)).toHaveProperty('secret')
})

it('somebody who used the bot first gets a way to sign in, and stays one person', async () => {
  await using accounts = await open()
  const { invitations, signIn, people } = accounts
  await accounts.setUp()
  const chat = await accounts.fromChat('bea.chat', slack)
  const { code } = await invitations.create({ role: 'viewer', personId: chat }, byTest)
  expect(await invitations.find(code)).toMatchObject({ name: 'bea.chat', personId: chat, resets: false })
  expect(await signIn.acceptInvitation(code, bea, here)).toMatchObject({ personId: chat })
  expect(await people.find(chat)).toMatchObject({ role: 'viewer', email: bea.email, signedInAt: expect.any(Date) })
  expect(await people.personOf(slack)).toBe(chat)
  expect(await signIn.signIn(bea, here)).toMatchObject({ personId: chat })
})

it('is accepted with an account of a provider, too, unless that is somebody else’s', async () => {
  await using accounts = await open()
  const { invitations, people } = accounts
  const ada = await accounts.setUp()
  const oidc = { provider: 'oidc', issuer: 'https://id.example', subject: 's-1' }
  const first = await invitations.create({ role: 'guest' }, byTest)
  const proof = { kind: 'identity', identity: { ...oidc, name: 'bea' }, email: null } as const
  const accepted = await invitations.accept(first.code, 'Bea', proof)
  expect(await people.find(accepted?.personId ?? '')).toMatchObject({ name: 'Bea', role: 'guest', email: null })
  expect(await people.signIn(oidc, {}, byTest)).toMatchObject({ person: { name: 'Bea' } })
  await people.link(ada, slack, byTest)
  const second = await invitations.create({ role: 'admin' }, byTest)
  await expect(invitations.accept(second.code, 'Bea', { ...proof, identity: slack })).rejects.toMatchObject({
    userMessage: expect.stringContaining('connected to somebody else'),
  })
  expect(await invitations.find(second.code)).not.toBeNull()
})

it('an admin’s reset link sets a new password, ends all sessions and keeps the role', async () => {
  await using accounts = await open()
  const { invitations, signIn, people, sessions } = accounts
  await accounts.setUp()
  const id = await accounts.invited('Bea', 'admin')
  const cookie = await sessions.create(id, here)
  const reset = await invitations.create({ role: 'admin', personId: id }, byTest)
  await people.setRole(id, 'member', byTest)
  expect(await signIn.invitation(reset.code)).toMatchObject({ resets: true, email: bea.email, name: 'Bea' })
  // Name and address that come with it are not taken.
  const sent = { name: 'Eve', email: 'eve@example.com', password: 'walrus lantern quartz' }
  const entered = await signIn.acceptInvitation(reset.code, sent, here)
  expect(entered.personId).toBe(id)
  expect(await people.find(id)).toMatchObject({ role: 'member', name: 'Bea', email: bea.email })
  expect([await sessions.find(cookie), (await sessions.find(entered.secret))?.personId]).toEqual([null, id])
  await expect(signIn.signIn(bea, here)).rejects.toMatchObject({ code: 'sign_in_refused' })
  expect(await signIn.signIn({ ...bea, password: sent.password }, here)).toMatchObject({ personId: id })
  await expect(invitations.create({ role: 'member', personId: randomUUID() }, byTest)).rejects.toMatchObject({
    code: 'person_not_found',
  })
})
