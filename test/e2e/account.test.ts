/** What people do with their own account, over real HTTP on Parley itself. The steps build on each other. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConsoleEvent } from '../../adapters/console/api.ts'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import { type NanoUsd, usd } from '../../src/core/money.ts'
import { scopeOf } from '../../src/core/scope.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { createTurns } from '../../src/store/turns-postgres.ts'
import { mailWording, personWording, signInWording } from '../../src/wording/sign-in.ts'
import { byTest, openTestAccounts, goodPassword as password } from '../accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { paidAnswer, paidSettings } from '../fixtures/paid-answers.ts'
import { slackAccount } from '../people.ts'
import { startMailServer } from '../servers/mail.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { createPageClient, type PageClient } from './page-client.ts'

let server: TestServer
let accounts: ReturnType<typeof openTestAccounts>
let model: ScriptedOpenAi
let mail: Awaited<ReturnType<typeof startMailServer>>
let home: string
let app: App
let url: string
/** What the model's bills sum up to. */
let billed: NanoUsd = 0n

beforeAll(async () => {
  server = await startTestDatabase()
  const database = await server.createDatabase()
  accounts = openTestAccounts(database)
  model = await startScriptedOpenAi({
    models: [{ id: 'paid' }],
    script(_, index) {
      const { cost, answer } = paidAnswer(index)
      billed += cost
      return answer
    },
  })
  home = await mkdtemp(join(tmpdir(), 'parley-account-'))
  await writeFile(join(home, 'parley.yaml'), paidSettings)
  const env = { PARLEY_HOME: home, PORT: '0', DATABASE_URL: database.url, LOG_LEVEL: 'silent' }
  mail = await startMailServer()
  const letters = { SMTP_URL: `smtp://127.0.0.1:${mail.port}`, MAIL_FROM: 'Parley <parley@example.com>' }
  const provider = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'sk-test', PARLEY_SECRET: 'for this test alone' }
  app = await createApp(readConfig({ env: { ...env, ...provider, ...letters }, cwd: home }), { log: silentLog })
  url = app.url ?? ''
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await accounts?.[Symbol.asyncDispose]()
  await model?.close()
  await mail?.close()
  await server?.dispose()
  if (home) await rm(home, { recursive: true, force: true })
})

let ada: PageClient
let ben: PageClient
let benId: string
/** Ben's second password. */
const changed = 'three quiet lighthouses'

async function signIn(email: string, typed = password): Promise<PageClient> {
  const client = createPageClient(url)
  await client.send('POST', '/console/sign-in', { email, password: typed })
  return client
}

interface Thread {
  thread: { title: string }
  messages: { role: string; text: string; receipt: unknown }[]
}

/** Asks in a new thread and waits for the answer. */
async function ask(client: PageClient, text: string): Promise<{ threadId: string; answer: string }> {
  const threadId = randomUUID()
  await client.send('POST', `/console/threads/${threadId}/messages`, { id: randomUUID(), text, uploads: [] })
  let answer: string | undefined
  await expect
    .poll(
      async () => {
        const { messages } = (await client.get(`/console/threads/${threadId}`)) as unknown as Thread
        answer = messages.find(
          (each) => each.role === 'parley' && (each.receipt !== null || text.startsWith('/')),
        )?.text
        return answer
      },
      { timeout: 60_000 },
    )
    .toBeDefined()
  return { threadId, answer: answer ?? '' }
}

const last = (events: readonly ConsoleEvent[]) => events.at(-1)

describe('the first account', () => {
  it('ends the open pages of the user of this machine, and takes over what they asked', async () => {
    const local = createPageClient(url)
    const { threadId } = await ask(local, 'Who asked before?')
    const [list, thread] = [
      await local.follow('/console/events'),
      await local.follow(`/console/events?thread=${threadId}`),
    ]
    ada = createPageClient(url)
    await ada.send('POST', '/console/set-up', { name: 'Ada Lovelace', email: 'ada@example.com', password })
    await Promise.all([list.ended, thread.ended])
    expect([last(list.events), last(thread.events)]).toEqual([{ type: 'signedOut' }, { type: 'signedOut' }])
    expect((await local.call('GET', `/console/threads/${threadId}`)).status).toBe(401)
    expect((await ada.get(`/console/threads/${threadId}`)) as unknown as Thread).toMatchObject({
      thread: { title: 'Who asked before?' },
    })
  })
})

describe('an invitation', () => {
  it('holds where the mail server is away, and the page says that it was not sent', async () => {
    await mail.close()
    const invite = { role: 'guest', email: 'dee@example.com' }
    const { mail: sent, url: link } = await ada.send('POST', '/console/admin/invitations', invite)
    expect(sent).toEqual({ problem: mailWording.failed('127.0.0.1', mailWording.unreachable) })
    expect(String(link)).toContain('/invite/')
    mail = await startMailServer({}, mail.port)
  })
})

describe('an invitation by the manager of a team', () => {
  let teamId: string

  it('lets somebody into the team with the role that it says, once', async () => {
    teamId = String((await ada.send('POST', '/console/admin/teams', { name: 'Research' })).id)
    benId = await accounts.invited('Ben')
    ben = await signIn('ben@example.com')
    expect((await ben.call('POST', `/console/teams/${teamId}/invitations`, {})).status).toBe(404)
    await ada.send('PUT', `/console/admin/teams/${teamId}/members/${benId}`, { role: 'manager' })
    expect(await ben.get('/console/me')).toMatchObject({ teams: [{ id: teamId, name: 'Research', role: 'manager' }] })
    const invite = { role: 'member', teamRole: 'viewer', name: 'Cy', email: 'cy@example.com' }
    const { url: link, mail: sent } = await ben.send('POST', `/console/teams/${teamId}/invitations`, invite)
    expect(sent).toEqual({ sentTo: 'cy@example.com' })
    const [letter] = mail.arrived
    expect(letter?.to).toEqual(['cy@example.com'])
    expect(letter?.content).toContain('Ben invites you to Parley')
    expect(letter?.content).toContain(String(link))
    const code = String(link).split('/invite/')[1]

    const cy = createPageClient(url)
    expect(await cy.get(`/console/invitations/${code}`)).toMatchObject({
      ...{ role: 'member', team: 'Research', name: 'Cy', email: 'cy@example.com', resets: false },
    })
    const { person } = (await cy.send('POST', `/console/invitations/${code}`, { password })) as { person: object }
    expect(person).toMatchObject({ name: 'Cy', role: 'member', teams: [{ id: teamId, role: 'viewer' }] })
    // Used up.
    const late = createPageClient(url)
    expect((await late.call('GET', `/console/invitations/${code}`)).body).toMatchObject({
      error: { code: 'code_invalid', userMessage: signInWording.invitationInvalid },
    })
    // A viewer of the team invites nobody.
    expect((await cy.call('POST', `/console/teams/${teamId}/invitations`, invite)).status).toBe(404)
  })

  it('makes no member if they are a guest', async () => {
    await accounts.people.setRole(benId, 'guest', byTest)
    const invite = (role: string) =>
      ben.call('POST', `/console/teams/${teamId}/invitations`, { role, teamRole: 'member' })
    expect((await invite('member')).status).toBe(403)
    const made = await invite('guest')
    expect(made.status).toBe(201)
    const { id } = made.body.invitation as { id: string }
    await ben.send('DELETE', `/console/teams/${teamId}/invitations/${id}`)
    await accounts.people.setRole(benId, 'member', byTest)
  })

  it('makes no admin, and ends when it is withdrawn', async () => {
    const admin = { role: 'admin', teamRole: 'member' }
    expect((await ben.call('POST', `/console/teams/${teamId}/invitations`, admin)).status).toBe(400)
    const made = await ben.send('POST', `/console/teams/${teamId}/invitations`, { role: 'guest', teamRole: 'member' })
    const { id } = made.invitation as { id: string }
    expect(await ben.get(`/console/teams/${teamId}`)).toMatchObject({ invitations: [{ id }] })
    await ben.send('DELETE', `/console/teams/${teamId}/invitations/${id}`)
    const code = String(made.url).split('/invite/')[1]
    expect((await createPageClient(url).call('GET', `/console/invitations/${code}`)).body).toMatchObject({
      error: { code: 'code_invalid' },
    })
  })
})

describe('one’s own account', () => {
  it('has a profile, which must make sense', async () => {
    const profile = { name: 'Ben Okri', language: 'German', timeZone: 'Pacific/Kiritimati', instructions: 'Be brief.' }
    expect(await ben.send('PUT', '/console/me', profile)).toMatchObject(profile)
    expect(await ben.get('/console/me')).toMatchObject(profile)
    for (const wrong of [
      { timeZone: 'Mars/Olympus' },
      { timeZone: '+02:00' },
      { language: 'x'.repeat(81) },
      { email: 'nobody' },
    ])
      expect((await ben.call('PUT', '/console/me', wrong)).status, JSON.stringify(wrong)).toBe(400)
    // Read by the model, and by nobody else's.
    await ask(ben, 'How long is the notice period?')
    const read = JSON.stringify(model.requests.at(-1)?.body)
    expect(read).toContain('Be brief.')
    expect(read).toContain('in this language: German')
    // Where Ben is, the day begins 14 hours earlier.
    const days = [0, 1].map((more) => new Date(Date.now() + 14 * 3_600_000 - more * 60_000).toISOString().slice(0, 10))
    expect(days.some((day) => read.includes(`Today is ${day}.`))).toBe(true)
    await ask(ada, 'How long is the notice period?')
    expect(JSON.stringify(model.requests.at(-1)?.body)).not.toMatch(/Be brief|German/)
    await ben.send('PUT', '/console/me', { language: null })
    expect(await ben.get('/console/me')).toMatchObject({ ...profile, language: null })
  })

  it('lists its sessions, and ends one from another, with its open pages', async () => {
    const elsewhere = await signIn('ben@example.com')
    const open = await elsewhere.follow('/console/events')
    const { sessions } = (await ben.get('/console/me/sessions')) as { sessions: { id: string; current: boolean }[] }
    expect(sessions.map(({ current }) => current).filter(Boolean)).toHaveLength(1)
    const others = sessions.filter(({ current }) => !current)
    expect((await ada.call('DELETE', `/console/me/sessions/${others[0]?.id}`)).status).toBe(404)
    for (const { id } of others) await ben.send('DELETE', `/console/me/sessions/${id}`)
    await open.ended
    expect(last(open.events)).toEqual({ type: 'signedOut' })
    expect((await elsewhere.call('GET', '/console/me')).status).toBe(401)
    expect((await ben.call('GET', '/console/me')).status).toBe(200)
  })

  it('changes its password with the old one, which ends all other sessions', async () => {
    const elsewhere = await signIn('ben@example.com')
    const refused = async (body: object) => (await ben.call('POST', '/console/me/password', body)).body.error
    expect(await refused({ current: 'not this one', new: changed })).toMatchObject({ code: 'request_invalid' })
    expect(await refused({ current: password, new: 'short' })).toMatchObject({ code: 'request_invalid' })
    await ben.send('POST', '/console/me/password', { current: password, new: changed })
    expect((await elsewhere.call('GET', '/console/me')).status).toBe(401)
    expect((await ben.call('GET', '/console/me')).status).toBe(200)
    const old = { email: 'ben@example.com', password }
    expect((await createPageClient(url).call('POST', '/console/sign-in', old)).status).toBe(401)
    await signIn('ben@example.com', changed)
  })

  it('signs out everywhere else at once', async () => {
    const elsewhere = [await signIn('ben@example.com', changed), await signIn('ben@example.com', changed)]
    await ben.send('DELETE', '/console/me/sessions')
    for (const each of elsewhere) expect((await each.call('GET', '/console/me')).status).toBe(401)
    expect((await ben.get('/console/me/sessions')).sessions).toMatchObject([{ current: true }])
  })

  it('takes nobody else’s address, and keeps the last way in', async () => {
    const taken = await ben.call('PUT', '/console/me', { email: 'ada@example.com' })
    expect(taken.body.error).toMatchObject({ userMessage: personWording.emailTaken })
    // Somebody who came by a provider has no password yet.
    const oidc = { provider: 'oidc', issuer: 'https://id.example', subject: 'dee' }
    const about = { name: 'Dee', email: 'dee@example.com', role: 'member', signedIn: true } as const
    const dee = await accounts.people.create(about, { ...oidc, name: 'Dee' }, byTest)
    const secret = await accounts.sessions.create(dee.id, { userAgent: 'Firefox', address: '' })
    const client = createPageClient(url, { headers: { cookie: ben.cookie().replace(/=.*/, `=${secret}`) } })
    const unlink = () => client.call('DELETE', '/console/me/identities', oidc)
    expect((await unlink()).body.error).toMatchObject({ userMessage: personWording.lastIdentity })
    await client.send('POST', '/console/me/password', { new: password })
    expect((await unlink()).status).toBe(204)
    await signIn('dee@example.com')
  })

  it('shows its linked accounts and unlinks one', async () => {
    const [slack, discord] = [slackAccount('UBEN'), { provider: 'discord', issuer: 'discord', subject: '42' }]
    for (const each of [slack, discord]) await accounts.people.link(benId, { ...each, name: 'Ben' }, byTest)
    const identities = async () => (await ben.get('/console/me/identities')).identities
    expect(await identities()).toMatchObject([slack, discord])
    expect((await ada.call('DELETE', '/console/me/identities', discord)).body.error).toMatchObject({
      userMessage: personWording.identityMissing,
    })
    await ben.send('DELETE', '/console/me/identities', discord)
    expect(await identities()).toMatchObject([slack])
  })
})

describe('a person with a key', () => {
  let secret: string

  it('pays for what it asks from the same budget as on the page, to the nano-dollar', async () => {
    const { answer } = await ask(ben, '/keys create notebook 5 week --mine')
    secret = /parley-[\w-]{43}/.exec(answer)?.[0] ?? `no key in: ${answer}`
    const before = billed
    const budgets = createBudgets(accounts.database)
    const scope = scopeOf.person(benId)
    const { after } = await budgets.set({ scope, period: 'month', amount: usd('5'), timeZone: 'UTC' }, 'test')
    // What was spent before there was a budget counts.
    const spentBefore = after.spent
    await ask(ben, 'Asked on the page?')
    for (const text of ['Asked by a program?', 'And again?']) expect(await askByKey(text)).toBe(200)
    const bens = billed - before
    await ask(ada, 'Asked by somebody else?')
    const [own] = await budgets.list([scope])
    expect(own).toMatchObject({ spent: spentBefore + bens, reserved: 0n })
    const { rows } = await accounts.database.pool.query<{ cost: string }>('select cost from ledger')
    expect(rows.reduce((sum, { cost }) => sum + BigInt(cost), 0n)).toBe(billed)

    // Used up on the page, it is used up for the key.
    await budgets.set({ scope, period: 'month', amount: own?.spent ?? 0n, timeZone: 'UTC' }, 'test')
    expect(await askByKey('One more?')).toBe(429)
    await budgets.remove(scope, 'month')
  })

  it('exports all of their own and nothing of anybody else', async () => {
    const answer = await fetch(`${url}/console/me/export`, { headers: { cookie: ben.cookie() } })
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="parley-\d{4}-\d\d-\d\d\.json"$/)
    const text = await answer.text()
    const whole = JSON.parse(text) as Record<string, unknown> & { threads: Thread['thread'][] }
    expect(whole).toMatchObject({
      me: { name: 'Ben Okri', instructions: 'Be brief.', teams: [{ name: 'Research' }] },
      identities: [slackAccount('UBEN')],
    })
    expect(whole.threads.map(({ title }) => title)).toEqual(
      expect.arrayContaining(['Asked on the page?', 'How long is the notice period?']),
    )
    expect(text).toContain('Thirty days.')
    expect(text).not.toContain('somebody else')
    expect(text).not.toContain('argon2')
  })

  it('is erased with all that they asked in chats and by key, and nothing of others goes', async () => {
    const turns = createTurns(accounts.database)
    const conversation = { platform: 'slack', workspaceId: 'T1', channelId: 'C1' }
    for (const id of ['UBEN', 'UCY']) {
      const replyTarget: ReplyTarget = { conversation, data: null }
      const about = { id: `said-${id}`, conversation, author: { id }, text: `Said by ${id}`, replyTarget }
      await turns.accept({ ...about, kind: 'mention', attachments: [], sentAt: '2026-01-01T00:00:00Z' })
    }
    const words = async () =>
      (await accounts.database.pool.query<{ text: string }>(`select message ->> 'text' as text from inbound`)).rows.map(
        ({ text }) => text,
      )
    expect(await words()).toEqual(expect.arrayContaining(['Said by UBEN', 'Asked by a program?', 'Asked on the page?']))
    const open = await ben.follow('/console/events')
    expect((await ben.call('POST', '/console/me/erase', { name: 'Ben', chats: true })).status).toBe(400)
    await ben.send('POST', '/console/me/erase', { name: 'Ben Okri', chats: true })
    await open.ended
    expect(ben.cookie()).toBe('')
    const left = await words()
    for (const gone of ['Said by UBEN', 'Asked by a program?', 'And again?', 'Asked on the page?'])
      expect(left).not.toContain(gone)
    expect(left).toEqual(expect.arrayContaining(['Said by UCY', 'Asked by somebody else?', 'Who asked before?']))
    expect(await askByKey('Still there?')).toBe(401)
    expect(await accounts.people.personOf(slackAccount('UBEN'))).toBeNull()
    const back = { email: 'ben@example.com', password: changed }
    expect((await createPageClient(url).call('POST', '/console/sign-in', back)).status).toBe(401)
  })

  async function askByKey(text: string): Promise<number> {
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'paid', messages: [{ role: 'user', content: text }] }),
    })
    await answer.text()
    return answer.status
  }
})

it('the last admin cannot erase their account', async () => {
  const { id } = (await ada.get('/console/me')) as { id: string }
  await accounts.people.link(id, { ...slackAccount('UCY'), name: 'Ada' }, byTest)
  const refused = await ada.call('POST', '/console/me/erase', { name: 'Ada Lovelace', chats: true })
  expect(refused.body.error).toMatchObject({ userMessage: personWording.lastAdmin })
  const { rows } = await accounts.database.pool.query(`select from inbound where message ->> 'text' = 'Said by UCY'`)
  expect(rows).toHaveLength(1)
})
