import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byTest, cheap, goodPassword, here, openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { createPasswordHasher } from './passwords.ts'
import { createSignIn } from './sign-in.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const open = async () => openTestAccounts(await server.createDatabase())
const ada = { email: 'ada@example.com', password: goodPassword }
const wrong = { ...ada, password: 'not my password' }

describe('signing in', () => {
  it('hashes once for an unknown address as for a wrong password, so both take as long', async () => {
    await using accounts = await open()
    await accounts.setUp()
    const { people, passwords, sessions, invitations, attempts, hasher } = accounts
    const seen: (string | null)[] = []
    const watched = {
      ...hasher,
      matches(password: string, hash: string | null) {
        seen.push(hash)
        return hasher.matches(password, hash)
      },
    }
    const signIn = createSignIn({ people, passwords, sessions, invitations, attempts, hasher: watched })
    for (const email of [wrong.email, 'nobody@example.com'])
      await expect(signIn.signIn({ ...wrong, email }, here)).rejects.toMatchObject({ code: 'sign_in_refused' })
    expect(seen).toEqual([expect.stringContaining('$argon2id$'), null])
  })

  it('hashes an old password anew with today’s parameters', async () => {
    await using accounts = await open()
    const personId = await accounts.setUp()
    const { passwords } = accounts
    const before = await passwords.ofPerson(personId)
    const signIn = createSignIn({ ...accounts, hasher: createPasswordHasher({ ...cheap, passes: 3 }) })
    await signIn.signIn(ada, here)
    const after = await passwords.ofPerson(personId)
    expect([before?.hash, after?.hash]).toEqual([expect.stringContaining('t=2'), expect.stringContaining('t=3')])
    expect(await signIn.signIn(ada, here)).toHaveProperty('secret')
    expect(await passwords.ofPerson(personId)).toEqual(after)
  })

  it('takes the address in any case and the password in any Unicode form', async () => {
    await using accounts = await open()
    await accounts.setUp()
    const entered = await accounts.signIn.signIn({ ...ada, email: ' ADA@Example.COM ' }, here)
    expect(await accounts.sessions.find(entered.secret)).toMatchObject({ name: 'Ada Lovelace', role: 'admin' })
    const { code } = await accounts.invitations.create({ role: 'member' }, byTest)
    const bea = { name: 'Bea', email: 'bea@example.com', password: 'Zwo\u0308lf Fu\u0308chse' }
    await accounts.signIn.acceptInvitation(code, bea, here)
    const composed = { email: bea.email, password: 'Zwölf Füchse' }
    expect(await accounts.signIn.signIn(composed, here)).toHaveProperty('secret')
  })

  it('is seen in the list of people', async () => {
    await using accounts = await open()
    const personId = await accounts.setUp()
    const first = (await accounts.people.find(personId))?.signedInAt
    await accounts.signIn.signIn(ada, here)
    const last = (await accounts.people.find(personId))?.signedInAt
    expect(last?.getTime()).toBeGreaterThan(first?.getTime() ?? Number.POSITIVE_INFINITY)
  })

  it('answers an unknown address and a wrong password with the same sentence', async () => {
    await using accounts = await open()
    await accounts.setUp()
    const refused = async (credentials: typeof ada) =>
      await accounts.signIn.signIn(credentials, here).then(
        () => undefined,
        ({ code, userMessage }) => ({ code, userMessage }),
      )
    const known = await refused(wrong)
    expect(known).toMatchObject({ code: 'sign_in_refused' })
    expect(await refused({ ...wrong, email: 'nobody@example.com' })).toEqual(known)
  })

  it('is refused from the sixth wrong password, before it is looked at; another account is not', async () => {
    await using accounts = await open()
    await accounts.setUp()
    await accounts.invited('Bea')
    for (let n = 0; n < 5; n += 1)
      await expect(accounts.signIn.signIn(wrong, here)).rejects.toMatchObject({ code: 'sign_in_refused' })
    for (const credentials of [wrong, ada])
      await expect(accounts.signIn.signIn(credentials, { ...here, address: '192.0.2.1' })).rejects.toMatchObject({
        code: 'rate_limited',
        retryAfterMs: expect.any(Number),
      })
    expect(await accounts.signIn.signIn({ ...ada, email: 'bea@example.com' }, here)).toHaveProperty('secret')
    // From another address the right password still works.
    expect(await accounts.signIn.signIn(ada, { ...here, address: '198.51.100.7' })).toHaveProperty('secret')
  })

  it('works at once with the new password of a link, after wrong ones', async () => {
    await using accounts = await open()
    const personId = await accounts.setUp()
    for (let n = 0; n < 6; n += 1) await expect(accounts.signIn.signIn(wrong, here)).rejects.toThrow()
    const { code } = await accounts.invitations.create(
      { role: 'admin', personId, name: 'Ada', email: ada.email },
      { id: 'cli', via: 'cli' },
    )
    const password = 'nine quiet harbor lamps'
    await accounts.signIn.acceptInvitation(code, { password }, here)
    expect(await accounts.signIn.signIn({ email: ada.email, password }, here)).toHaveProperty('secret')
  })
})

it('of two sign-ins at once that hash the password anew, both succeed', async () => {
  await using accounts = await open()
  await accounts.setUp()
  const signIn = createSignIn({ ...accounts, hasher: createPasswordHasher({ ...cheap, passes: 3 }) })
  const entered = await Promise.all(Array.from({ length: 4 }, () => signIn.signIn(ada, here)))
  for (const { secret } of entered) expect(await accounts.sessions.find(secret)).not.toBeNull()
})

describe('changing a password', () => {
  const next = 'walrus lantern quartz'

  it('needs the present one, ends the other sessions and keeps this one', async () => {
    await using accounts = await open()
    await accounts.setUp()
    const { signIn, sessions } = accounts
    const [laptop, phone] = [await signIn.signIn(ada, here), await signIn.signIn(ada, here)]
    const me = await sessions.find(laptop.secret)
    if (me === null) throw new Error('not signed in')
    for (const current of ['not my password', undefined])
      await expect(signIn.changePassword(me, { current, next }, here)).rejects.toMatchObject({
        userMessage: expect.stringContaining('current password is wrong'),
      })
    await expect(
      signIn.changePassword(me, { current: ada.password, next: 'Lovelace-2026' }, here),
    ).rejects.toMatchObject({ userMessage: expect.stringContaining('attackers') })
    await signIn.changePassword(me, { current: ada.password, next }, here)
    expect([(await sessions.find(laptop.secret))?.sessionId, await sessions.find(phone.secret)]).toEqual([
      me.sessionId,
      null,
    ])
    await expect(signIn.signIn(ada, here)).rejects.toMatchObject({ code: 'sign_in_refused' })
    expect(await signIn.signIn({ ...ada, password: next }, here)).toHaveProperty('secret')
  })

  it('shuts out whoever signs in with the old one at that moment', async () => {
    await using accounts = await open()
    const personId = await accounts.setUp()
    const { passwords, sessions, hasher } = accounts
    const changed = await hasher.hash(next)
    const late = {
      ...hasher,
      async matches(password: string, hash: string | null) {
        const matched = await hasher.matches(password, hash)
        if (matched) await passwords.set(personId, { login: ada.email, hash: changed, replaces: hash }, byTest)
        return matched
      },
    }
    await expect(createSignIn({ ...accounts, hasher: late }).signIn(ada, here)).rejects.toMatchObject({
      code: 'sign_in_refused',
    })
    expect(await sessions.list(personId)).toEqual([])
    expect(await accounts.signIn.signIn({ ...ada, password: next }, here)).toHaveProperty('secret')
  })

  it('is limited as signing in is', async () => {
    await using accounts = await open()
    const personId = await accounts.setUp()
    const me = { personId, name: 'Ada', role: 'admin', sessionId: randomUUID() } as const
    const change = () => accounts.signIn.changePassword(me, { current: 'wrong', next }, here)
    for (let n = 0; n < 5; n += 1) await expect(change()).rejects.toMatchObject({ code: 'request_invalid' })
    await expect(change()).rejects.toMatchObject({ code: 'rate_limited' })
  })

  it('sets a first one for somebody who signed in by a provider', async () => {
    await using accounts = await open()
    await accounts.setUp()
    const { people, sessions, signIn } = accounts
    const identity = { provider: 'oidc', issuer: 'https://id.example', subject: 's-1' }
    const about = { name: 'Bea', email: 'Bea@Example.com', role: 'member', signedIn: true } as const
    const bea = await people.create(about, identity, byTest)
    const me = await sessions.find(await sessions.create(bea.id, here))
    if (me === null) throw new Error('not signed in')
    await signIn.changePassword(me, { next }, here)
    expect(await signIn.signIn({ email: 'bea@example.com', password: next }, here)).toMatchObject({ personId: bea.id })
    // Not an address of somebody else.
    const cleo = await people.create({ ...about, name: 'Cleo' }, { ...identity, subject: 's-2' }, byTest)
    const other = { personId: cleo.id, name: 'Cleo', role: 'member', sessionId: me.sessionId } as const
    await expect(signIn.changePassword(other, { next }, here)).rejects.toMatchObject({
      userMessage: expect.stringContaining('already belongs'),
    })
    // Two changes at once: one of them has not seen the other.
    const both = await Promise.allSettled(
      ['plum tractor violin', 'cedar anchor mitten'].map((each) =>
        signIn.changePassword(me, { current: next, next: each }, here),
      ),
    )
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

it('after a day of use nothing in the database works as a cookie, a code or a password', async () => {
  await using accounts = await open()
  const { signIn, invitations, sessions, database } = accounts
  const secrets: string[] = []
  const { code } = await invitations.createSetUpCode(15)
  const first = await signIn.setUp(code, { name: 'Ada', ...ada }, here)
  const invitation = await invitations.create({ role: 'member' }, byTest)
  const unused = await invitations.create({ role: 'admin' }, byTest)
  const bea = await signIn.acceptInvitation(invitation.code, { ...ada, name: 'Bea', email: 'bea@example.com' }, here)
  await signIn.signIn(wrong, here).catch(() => {})
  const again = await signIn.signIn(ada, here)
  secrets.push(code, invitation.code, unused.code, first.secret, bea.secret, again.secret, goodPassword, wrong.password)
  const { rows } = await database.pool.query<{ table_name: string }>(
    `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  )
  const stored: string[] = []
  for (const { table_name: table } of rows) {
    const found = await database.pool.query<{ row: object }>(`select to_jsonb(t) as row from "${table}" t`)
    for (const { row } of found.rows) stored.push(...Object.values(row).map(String))
  }
  expect(stored.length).toBeGreaterThan(50)
  for (const secret of secrets)
    for (const value of stored) {
      expect(value).not.toContain(secret)
      expect(value).not.toContain(secret.replaceAll('-', ''))
    }
  for (const value of stored) {
    expect(await sessions.find(value)).toBeNull()
    expect(await invitations.find(value)).toBeNull()
  }
})
