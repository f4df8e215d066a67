import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byTest, goodPassword, here, openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import type { Json } from '../core/json.ts'
import { usd } from '../core/money.ts'
import { type Changer, consoleIdOf } from '../core/person.ts'
import type { Scope } from '../core/scope.ts'
import { peopleChangedTopic, sessionsEndedTopic } from '../core/topics.ts'
import { codeHash } from '../identity/invitations.ts'
import { createKeys } from './keys.ts'
import { createTeams } from './teams.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const open = async (admins: readonly string[] = []) => openTestAccounts(await server.createDatabase(), admins)
const slack = { provider: 'slack', issuer: 'T1', subject: 'U1' }
const oidc = { provider: 'oidc', issuer: 'https://id.example', subject: 's-1' }
const account = { name: 'Ada', email: 'Ada@Example.com', password: goodPassword }

describe('set-up', () => {
  it('of 30 tries at once from 4 processes makes exactly one admin', async () => {
    const db = await server.createDatabase()
    await using accounts = openTestAccounts(db)
    const { code } = await accounts.invitations.createSetUpCode(15)
    const program = fileURLToPath(new URL('../../test/set-up-child.ts', import.meta.url))
    const children = ['a', 'b', 'c', 'd'].map((name, index) => {
      const args = [program, JSON.stringify(db.connection), code, name, String(index < 2 ? 8 : 7)]
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
    })
    for (const { lines } of children) expect((await lines.next()).value).toBe('ready')
    for (const { child } of children) child.stdin.write('go\n')
    const outcomes = await Promise.all(
      children.map(async ({ child, lines }) => {
        const exit = once(child, 'exit')
        const said = JSON.parse((await lines.next()).value ?? '[]') as string[]
        await exit
        return said
      }),
    )
    expect(outcomes.flat().toSorted()).toEqual([...Array.from({ length: 29 }, () => 'already_set_up'), 'made'])
    expect(await accounts.people.list()).toMatchObject([{ role: 'admin', hasPassword: true }])
  })

  it('wants a code that holds; a wrong, expired or used one makes nobody', async () => {
    await using accounts = await open()
    const { invitations, signIn, people, database } = accounts
    await expect(signIn.setUp('aaaaa-aaaaa-aaaaa-aaaaa', account, here)).rejects.toMatchObject({ code: 'code_invalid' })
    const { code, expiresAt } = await invitations.createSetUpCode(15)
    expect(expiresAt.getTime() - Date.now()).toBeGreaterThan(14 * 60_000)
    await database.pool.query(`update invitation set expires_at = now() - interval '1 second'`)
    await expect(signIn.setUp(code, account, here)).rejects.toMatchObject({ code: 'code_invalid' })
    expect(await people.setUp({ code, ...account, login: 'x', passwordHash: 'x' })).toEqual({ kind: 'code_invalid' })
    expect([await people.areSetUp(), await people.list()]).toEqual([false, []])
    await database.pool.query(`update invitation set expires_at = now() + interval '1 minute'`)
    // Typed by hand.
    const { personId } = await signIn.setUp(` ${code.toUpperCase().replaceAll('-', ' ')}`, account, here)
    expect(await people.find(personId)).toMatchObject({ name: 'Ada', email: 'Ada@Example.com', role: 'admin' })
    await expect(signIn.setUp(code, account, here)).rejects.toMatchObject({ code: 'already_set_up' })
    await expect(signIn.createFirst(account, here)).rejects.toMatchObject({ code: 'already_set_up' })
    await expect(invitations.createSetUpCode(15)).rejects.toMatchObject({ code: 'already_set_up' })
    expect(await people.areSetUp()).toBe(true)
  })

  it('gives the first admin the threads and files of the page, not those of the terminal', async () => {
    await using accounts = await open()
    const { pool } = accounts.database
    const [listed, hidden, sent, loose, typed] = Array.from({ length: 5 }, () => randomUUID())
    await pool.query(
      `insert into console_thread (id, title, listed) values ($1, 'page', true), ($2, 'terminal', false)`,
      [listed, hidden],
    )
    await pool.query(
      `insert into console_upload (id, name, media_type, bytes, content_hash) select unnest($1::uuid[]), 'f', 'text/plain', 1, 'h'`,
      [[sent, loose, typed]],
    )
    const message = `insert into console_message (id, thread_id, role, text, state, attachments) values ($1, $2, 'person', '', 'done', $3)`
    await pool.query(message, ['1', listed, JSON.stringify([{ id: sent }])])
    await pool.query(message, ['2', hidden, JSON.stringify([{ id: typed }])])
    const owner = await accounts.setUp()
    const owners = async (table: string) =>
      new Map(
        (await pool.query<{ id: string; owner_id: string | null }>(`select id, owner_id from ${table}`)).rows.map(
          ({ id, owner_id }) => [id, owner_id],
        ),
      )
    expect(await owners('console_thread')).toEqual(
      new Map([
        [listed, owner],
        [hidden, null],
      ]),
    )
    expect(await owners('console_upload')).toEqual(
      new Map([
        [sent, owner],
        [loose, owner],
        [typed, null],
      ]),
    )
  })

  it('on this machine needs no code, and is in the audit log', async () => {
    await using accounts = await open()
    const personId = await accounts.setUp()
    expect(await accounts.audit.list({ limit: 9 })).toMatchObject([
      { name: 'set-up', scope: `person:${personId}`, by: { id: `console/local/${personId}`, via: 'page' } },
    ])
  })
})

describe('roles', () => {
  it('change with an audit entry and tell other processes', async () => {
    await using accounts = await open()
    await accounts.setUp()
    const bea = await accounts.invited('Bea')
    const told: unknown[] = []
    await accounts.channel.subscribe(peopleChangedTopic, (id) => told.push(id))
    expect(await accounts.people.setRole(bea, 'viewer', byTest)).toMatchObject({ role: 'viewer' })
    expect(await accounts.people.setRole(bea, 'viewer', byTest)).toMatchObject({ role: 'viewer' })
    const roles = (await accounts.audit.list({ limit: 99 })).filter(({ name }) => name === 'person role')
    expect(roles).toMatchObject([
      { by: byTest, scope: `person:${bea}`, before: { role: 'member' }, after: { role: 'viewer' } },
    ])
    expect(told).toContain(bea)
    await expect(accounts.people.setRole(randomUUID(), 'viewer', byTest)).rejects.toMatchObject({
      code: 'person_not_found',
    })
  })

  it('the last admin who can sign in stays one, whatever comes at once', async () => {
    await using accounts = await open()
    const { people } = accounts
    const ada = await accounts.setUp()
    // Admins who have never signed in, or no longer can, do not count.
    await people.setRole(await accounts.fromChat('Cleo', slack), 'admin', byTest)
    await people.setDisabled(await accounts.invited('Dan', 'admin'), true, byTest)
    for (const attempt of [
      () => people.setRole(ada, 'member', byTest),
      () => people.setDisabled(ada, true, byTest),
      () => people.erase(ada, byTest),
    ])
      await expect(attempt()).rejects.toMatchObject({ userMessage: expect.stringContaining('last admin') })

    const others = await Promise.all(['Eve', 'Fay', 'Gus', 'Hal', 'Ida'].map((name) => accounts.invited(name, 'admin')))
    const all = [ada, ...others]
    const results = await Promise.allSettled(
      all.map((id, index) =>
        index % 3 === 0
          ? people.setRole(id, 'member', byTest)
          : index % 3 === 1
            ? people.setDisabled(id, true, byTest)
            : people.erase(id, byTest),
      ),
    )
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    const left = (await people.list()).filter(
      ({ role, disabledAt, signedInAt }) => role === 'admin' && disabledAt === null && signedInAt !== null,
    )
    expect(left).toHaveLength(1)
  })

  it('of those named in parley.yaml are admin everywhere, and nobody else gets their address', async () => {
    const db = await server.createDatabase()
    await using plain = openTestAccounts(db)
    const ada = await plain.setUp()
    const bea = await plain.invited('Bea')
    const cleo = await plain.fromChat('Cleo', slack)
    const dan = await plain.people.create(
      { name: 'Dan', email: null, role: 'guest', signedIn: true },
      { ...oidc, subject: 'a#b' },
      byTest,
    )
    const admins = [`console/local/${bea}`, 'slack/T1/U1', `oidc:${oidc.issuer}#a#b`, 'email:Boss@Example.com']
    await using accounts = openTestAccounts(db, admins)
    const { people, sessions, signIn, invitations } = accounts
    for (const id of [bea, cleo, dan.id])
      expect(await people.find(id)).toMatchObject({ role: 'admin', namedAdmin: true })
    expect(await people.find(ada)).toMatchObject({ role: 'admin', namedAdmin: false })
    expect(await sessions.find(await sessions.create(dan.id, here))).toMatchObject({ role: 'admin' })
    const named = { userMessage: expect.stringContaining('parley.yaml') }
    await expect(people.setRole(bea, 'guest', byTest)).rejects.toMatchObject(named)
    await expect(people.setDisabled(bea, true, byTest)).rejects.toMatchObject(named)
    // Claims do not change them either.
    const claims = { role: 'guest' } as const
    expect((await people.signIn({ ...oidc, subject: 'a#b' }, claims, byTest))?.person.role).toBe('admin')

    const boss = { name: 'Boss', email: 'boss@example.com', password: goodPassword }
    const taken = { userMessage: expect.stringContaining('already belongs') }
    const { code } = await invitations.create({ role: 'guest' }, byTest)
    await expect(signIn.acceptInvitation(code, boss, here)).rejects.toMatchObject(taken)
    await expect(people.setProfile(ada, { email: 'BOSS@example.com' })).rejects.toMatchObject(taken)
    await expect(invitations.create({ role: 'member', email: boss.email }, byTest)).rejects.toMatchObject({
      userMessage: expect.stringContaining('invitation for an admin'),
    })
    const open = await invitations.create({ role: 'admin' }, byTest)
    await expect(signIn.acceptInvitation(open.code, boss, here)).rejects.toMatchObject(taken)
    const meant = await invitations.create({ role: 'admin', email: boss.email }, byTest)
    const { personId } = await signIn.acceptInvitation(meant.code, boss, here)
    expect(await people.find(personId)).toMatchObject({ namedAdmin: true })
  })
})

describe('disabling', () => {
  it('ends the sessions and the invitations of a person; enabling lets them sign in again', async () => {
    await using accounts = await open()
    const { people, sessions, signIn, invitations } = accounts
    await accounts.setUp()
    const bea = await accounts.invited('Bea', 'admin')
    const ended: unknown[] = []
    await accounts.channel.subscribe(sessionsEndedTopic, (id) => ended.push(id))
    const cookie = await sessions.create(bea, here)
    const by = { id: `console/local/${bea}`, via: 'page' }
    const links = [
      await invitations.create({ role: 'admin' }, by),
      await invitations.create({ role: 'member', personId: bea }, byTest),
    ]
    expect(await people.setDisabled(bea, true, byTest)).toMatchObject({ disabledAt: expect.any(Date) })
    expect(await sessions.find(cookie)).toBeNull()
    for (const { code } of links) expect(await invitations.find(code)).toBeNull()
    expect(ended).toContain(bea)
    const credentials = { email: 'bea@example.com', password: goodPassword }
    await expect(signIn.signIn(credentials, here)).rejects.toMatchObject({ code: 'credentials_missing' })
    await people.setDisabled(bea, false, byTest)
    expect(await signIn.signIn(credentials, here)).toMatchObject({ personId: bea })
  })

  it('a demoted admin does not come back by an invitation that they made', async () => {
    await using accounts = await open()
    await accounts.setUp()
    const bea = await accounts.invited('Bea', 'admin')
    const { code } = await accounts.invitations.create({ role: 'admin' }, { id: `console/local/${bea}`, via: 'page' })
    const inChat = { id: 'slack/T1/UBEA', personId: bea, via: 'command' }
    const { code: fromChat } = await accounts.invitations.create({ role: 'admin' }, inChat)
    await accounts.people.setRole(bea, 'member', byTest)
    expect(await accounts.invitations.find(code)).toBeNull()
    expect(await accounts.invitations.find(fromChat)).toBeNull()
  })

  it('a manager who leaves a team does not come back by an invitation that they made, whoever took them out', async () => {
    await using accounts = await open()
    const ada = await accounts.setUp()
    const teams = createTeams(accounts)
    const team = await teams.create('Red', byTest)
    const bea = await accounts.invited('Bea')
    await accounts.people.link(bea, slack, byTest)
    const invite = async () =>
      (
        await accounts.invitations.create(
          { role: 'member', team: { id: team.id, role: 'manager' } },
          { id: `console/local/${bea}`, via: 'page' },
        )
      ).code
    const ends: [string, () => Promise<unknown>][] = [
      ['left', () => teams.removeMember(team.id, bea, byTest)],
      ['is a member', () => teams.setMember(team.id, bea, 'member', byTest)],
      ['lost the group', () => accounts.people.signIn(slack, { teams: [] }, byTest)],
    ]
    for (const [how, end] of ends) {
      await teams.removeMember(team.id, bea, byTest)
      await accounts.people.signIn(slack, { teams: [{ id: team.id, role: 'manager' }] }, byTest)
      const code = await invite()
      const others = await accounts.invitations.create(
        { role: 'member', team: { id: team.id, role: 'member' } },
        byTest,
      )
      await end()
      expect(await accounts.invitations.find(code), how).toBeNull()
      expect(await accounts.invitations.find(others.code), how).not.toBeNull()
    }
    expect(await accounts.people.find(ada)).toMatchObject({ role: 'admin' })
  })
})

describe('profile', () => {
  it('moves the address that somebody signs in with', async () => {
    await using accounts = await open()
    const { people, signIn } = accounts
    const ada = await accounts.setUp()
    await accounts.invited('Bea')
    const changed = await people.setProfile(ada, {
      name: '  Ada \n Byron ',
      email: 'Ada.Byron@Example.com',
      timeZone: 'Europe/Berlin',
    })
    expect(changed).toMatchObject({ name: 'Ada Byron', timeZone: 'Europe/Berlin' })
    expect(await people.setProfile(ada, { timeZone: null })).toMatchObject({ timeZone: null })
    expect(await signIn.signIn({ email: ' ADA.byron@example.com', password: goodPassword }, here)).toBeTruthy()
    await expect(people.setProfile(ada, { email: 'BEA@example.com' })).rejects.toMatchObject({
      userMessage: expect.stringContaining('already belongs'),
    })
    await expect(people.setProfile(ada, { email: null })).rejects.toMatchObject({ code: 'request_invalid' })
    await expect(people.setProfile(ada, { email: 'no address' })).rejects.toMatchObject({ code: 'request_invalid' })
    await expect(people.setProfile(ada, { name: ' ' })).rejects.toMatchObject({ code: 'request_invalid' })
  })
})

describe('accounts elsewhere', () => {
  it('belong to one person; the last way to sign in stays', async () => {
    await using accounts = await open()
    const { people, sessions } = accounts
    await expect(
      people.create({ name: 'Zoe', email: null, role: 'admin', signedIn: true }, oidc, byTest),
    ).rejects.toMatchObject({ code: 'request_forbidden' })
    const ada = await accounts.setUp()
    await people.link(ada, { ...slack, name: 'ada' }, byTest)
    await people.link(ada, { ...slack, name: 'ada.l' }, byTest)
    expect(await people.personOf(slack)).toBe(ada)
    expect(await people.identitiesOf(ada)).toMatchObject([{ ...slack, name: 'ada.l', linkedAt: expect.any(Date) }])
    const bea = await people.create({ name: 'Bea', email: null, role: 'member', signedIn: true }, oidc, byTest)
    await expect(people.link(bea.id, slack, byTest)).rejects.toMatchObject({
      userMessage: expect.stringContaining('connected to somebody else'),
    })
    // A connected chat is no way to sign in.
    await people.link(bea.id, { ...slack, subject: 'U2' }, byTest)
    await expect(people.unlink(bea.id, oidc, byTest)).rejects.toMatchObject({
      userMessage: expect.stringContaining('only way'),
    })
    await expect(people.unlink(ada, oidc, byTest)).rejects.toMatchObject({ code: 'request_invalid' })
    // What nobody signs in with ends no session.
    const [here1, there] = [await sessions.create(bea.id, here), await sessions.create(bea.id, here)]
    await people.unlink(bea.id, { ...slack, subject: 'U2' }, byTest)
    expect(await sessions.find(there)).not.toBeNull()
    // Somebody else may have signed in with the other.
    await people.link(bea.id, { ...oidc, subject: 'second' }, byTest)
    await people.signIn({ ...oidc, subject: 'second' }, {}, byTest)
    const { sessionId } = (await sessions.find(here1)) ?? {}
    await people.unlink(bea.id, { ...oidc, subject: 'second' }, byTest, sessionId)
    expect([(await sessions.find(here1))?.sessionId, await sessions.find(there)]).toEqual([sessionId, null])
    await people.unlink(ada, slack, byTest)
    expect(await people.personOf(slack)).toBeNull()
    expect((await people.list()).map(({ name, identities }) => [name, identities.length])).toEqual([
      ['Ada Lovelace', 0],
      ['Bea', 1],
    ])
  })

  it('at each sign-in bring role and teams, and take them away; by hand stays by hand', async () => {
    await using accounts = await open()
    const { people, database } = accounts
    const ada = await accounts.setUp()
    const [red, blue, green] = ['red', 'blue', 'green'].map((name) => ({ id: randomUUID(), name }))
    for (const team of [red, blue, green])
      await database.pool.query('insert into team (id, name) values ($1, $2)', [team?.id, team?.name])
    const team = (of: { id: string } | undefined, role: 'member' | 'manager' = 'member') => ({ id: of?.id ?? '', role })
    const bea = await people.create({ name: 'Bea', email: null, role: 'member', signedIn: true }, oidc, byTest)
    await database.pool.query('insert into team_member (team_id, person_id) values ($1, $2)', [green?.id, bea.id])
    const teams = async () =>
      (await people.list()).find(({ id }) => id === bea.id)?.teams.map(({ name, role }) => `${name} ${role}`)
    expect(
      await people.signIn(
        { ...oidc, name: 'bea' },
        { role: 'admin', teams: [team(red, 'manager'), team(blue)] },
        byTest,
      ),
    ).toMatchObject({ person: { role: 'admin' }, roleKept: false })
    expect(await teams()).toEqual(['blue member', 'green member', 'red manager'])
    await people.signIn(oidc, { role: 'viewer', teams: [team(blue), team(green, 'manager')] }, byTest)
    expect(await teams()).toEqual(['blue member', 'green member'])
    expect(await people.signIn(oidc, {}, byTest)).toMatchObject({ person: { role: 'viewer' } })
    expect(await teams()).toEqual(['blue member', 'green member'])
    expect(await people.signIn({ ...oidc, subject: 'nobody' }, {}, byTest)).toBeNull()
    // Claims do not remove the last admin.
    await people.link(ada, slack, byTest)
    expect(await people.signIn(slack, { role: 'member' }, byTest)).toMatchObject({
      person: { role: 'admin' },
      roleKept: true,
    })
    await people.setDisabled(bea.id, true, byTest)
    await expect(people.signIn(oidc, {}, byTest)).rejects.toMatchObject({ code: 'credentials_missing' })
  })
})

describe('merging', () => {
  it('makes one person of two, with the wider role and everything that both had', async () => {
    await using accounts = await open()
    const { people, sessions, database } = accounts
    const ada = await accounts.setUp()
    const chat = await accounts.fromChat('ada.l', slack)
    const { pool } = database
    const [thread, upload, team] = [randomUUID(), randomUUID(), randomUUID()]
    await pool.query(`insert into console_thread (id, title, owner_id) values ($1, 't', $2)`, [thread, ada])
    await pool.query(
      `insert into console_upload (id, name, media_type, bytes, content_hash, owner_id) values ($1, 'f', 'm', 1, 'h', $2)`,
      [upload, ada],
    )
    await pool.query(`insert into team (id, name) values ($1, 'red')`, [team])
    await pool.query(`insert into team_member (team_id, person_id) values ($1, $2)`, [team, ada])
    const cookie = await sessions.create(ada, here)
    await people.merge(ada, chat, byTest)
    expect(await people.list()).toMatchObject([
      {
        ...{ id: chat, name: 'ada.l', role: 'admin', email: 'ada@example.com', hasPassword: true },
        ...{ identities: [slack], teams: [{ name: 'red' }], signedInAt: expect.any(Date) },
      },
    ])
    expect(await sessions.find(cookie)).toBeNull()
    expect(
      (await pool.query('select owner_id from console_thread union select owner_id from console_upload')).rows,
    ).toEqual([{ owner_id: chat }])
    expect(await accounts.signIn.signIn({ email: 'ada@example.com', password: goodPassword }, here)).toMatchObject({
      personId: chat,
    })
    await expect(people.merge(chat, chat, byTest)).rejects.toMatchObject({ code: 'request_invalid' })
    const bea = await accounts.invited('Bea')
    await people.setDisabled(bea, true, byTest)
    await expect(people.merge(bea, chat, byTest)).rejects.toMatchObject({ code: 'request_invalid' })
  })
})

describe('erasing', () => {
  it('leaves no name of theirs in the audit, whichever account or key they used', async () => {
    await using accounts = await open()
    const { people, database } = accounts
    await accounts.setUp()
    // By a provider's sign-in, which names the account before there is a person.
    const atProvider = { id: `oidc/${encodeURIComponent(oidc.issuer)}/${oidc.subject}`, name: 'Carolina', via: 'work' }
    const person = { name: 'Carolina', email: null, role: 'member', signedIn: true } as const
    const { id } = await people.create(person, { ...oidc, name: 'Carolina' }, atProvider)
    await people.link(id, { ...slack, name: 'Carolina' }, atProvider)
    const note = async (by: Changer, scope: Scope, after: Json) =>
      await accounts.audit.record({ id: randomUUID(), by, scope, name: 'key', before: null, after })
    await note({ id: 'slack/T1/U1', name: 'Carolina', via: 'command' }, 'channel:slack/T1/C1', null)
    await note({ id: 'slack/T2/U1', name: 'Ulf', via: 'command' }, 'all', null)
    const key = await createKeys(database).create({
      name: 'carolina-notebook',
      budget: { period: 'month', amount: usd('1'), timeZone: 'UTC' },
      by: consoleIdOf(id),
      ownerId: id,
      scopes: ['ask'],
    })
    await note({ id: `api/api/${key?.id}`, name: 'carolina-notebook', via: 'command' }, 'all', null)
    await note({ id: consoleIdOf(id), name: 'Carolina', via: 'page' }, `key:${key?.id}`, { name: 'carolina-notebook' })
    await people.erase(id, { id: consoleIdOf(id), name: 'Carolina', via: 'page' })
    const { rows } = await database.pool.query(
      `select to_jsonb(audit)::text as row from audit union all select to_jsonb(budget)::text from budget`,
    )
    expect(JSON.stringify(rows)).not.toMatch(/carolina/i)
    expect(JSON.stringify(rows)).toContain('Ulf')
    expect((await database.pool.query('select scope from budget')).rows).toEqual([])
  })

  it('leaves no word of the person, and the audit without names', async () => {
    await using accounts = await open()
    const { people, sessions, database, invitations } = accounts
    await accounts.setUp()
    const bea = await accounts.invited('Beatrix')
    const { pool } = database
    await people.link(bea, { ...slack, name: 'Beatrix' }, byTest)
    await people.setRole(bea, 'viewer', { id: `console/local/${bea}`, name: 'Beatrix', via: 'page' })
    await invitations.create({ role: 'member', personId: bea, name: 'Beatrix' }, byTest)
    const thread = randomUUID()
    const conversation = `console/local/${thread}`
    await pool.query(`insert into console_thread (id, title, owner_id) values ($1, 'Beatrix asks', $2)`, [thread, bea])
    await pool.query(
      `insert into console_message (id, thread_id, role, text, state) values ('1', $1, 'person', 'I am Beatrix', 'done')`,
      [thread],
    )
    await pool.query(
      `insert into conversation (key, platform, workspace_id, channel_id, place_key) values ($1, 'console', 'local', $2, $1)`,
      [conversation, thread],
    )
    await pool.query(
      `insert into turn (id, conversation_key, source_id, author_id, platform, reply_target, answer)
       values ($1, $2, $1, $3, 'console', '{}', 'Hello Beatrix')`,
      [randomUUID(), conversation, bea],
    )
    const cookie = await sessions.create(bea, here)
    await people.erase(bea, byTest)
    expect([await people.find(bea), await sessions.find(cookie)]).toEqual([null, null])
    const { rows } = await pool.query<{ table_name: string }>(
      `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    )
    for (const { table_name: table } of rows) {
      const found = await pool.query(
        `select to_jsonb(t)::text as row from "${table}" t where to_jsonb(t)::text ilike '%beatrix%'`,
      )
      expect(found.rows, table).toEqual([])
    }
    expect((await accounts.audit.list({ scopes: [`person:${bea}`], limit: 9 })).map(({ name }) => name)).toContain(
      'person erased',
    )
    await expect(people.erase(bea, byTest)).rejects.toMatchObject({ code: 'person_not_found' })
  })
})

it('codes are only kept as hashes', () => {
  expect(codeHash('AAAAA-bbbbb')).toBe(codeHash('aaaaa bbbbb'))
})
