/**
 * Every route of the router's own table, asked by everybody who might: before there are accounts and after, with what belongs to
 * somebody and what belongs to nobody. What must come back follows from the route's rule and from whose the thing is.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { keyScopes } from '../../src/core/api-key.ts'
import { encodeAction } from '../../src/core/command.ts'
import type { Access } from '../../src/core/http.ts'
import { silentLog } from '../../src/core/log.ts'
import { usd } from '../../src/core/money.ts'
import type { PersonRole } from '../../src/core/person.ts'
import { createAccessTokens } from '../../src/identity/providers/access-tokens.ts'
import type { RouteEntry } from '../../src/ops/http.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { readTerminalToken } from '../../src/store/home.ts'
import { createKeys, type NewKey } from '../../src/store/keys.ts'
import { createPeople } from '../../src/store/people.ts'
import { createRecords } from '../../src/store/records-postgres.ts'
import { createSecrets } from '../../src/store/secrets.ts'
import { createSessions } from '../../src/store/sessions.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { startTestDatabase, type TestServer } from '../database.ts'

const parleySecret = 'a secret for the tests alone'
let server: TestServer
let database: Database
let home: string
let app: App
let url: string
let routes: RouteEntry[]
let terminal: string
let key: string
let cases = 0

beforeAll(async () => {
  server = await startTestDatabase()
  const { connection, url: databaseUrl } = await server.createDatabase()
  database = openDatabase(connection, { log: silentLog })
  home = await mkdtemp(join(tmpdir(), 'parley-access-'))
  const config = readConfig({
    env: { PARLEY_HOME: home, PORT: '0', DATABASE_URL: databaseUrl, LOG_LEVEL: 'silent', PARLEY_SECRET: parleySecret },
    cwd: home,
  })
  app = await createApp(config, { log: silentLog })
  url = app.url ?? ''
  terminal = `Bearer ${await readTerminalToken(home)}`
  routes = (await (await fetch(`${url}/routes`, { headers: { authorization: terminal } })).json()) as RouteEntry[]
  const budget = { period: 'day', amount: usd('1'), timeZone: 'UTC' } as const
  const made = await createKeys(database).create({ name: 'ci', budget, by: 'test', scopes: ['ask'] })
  key = `Bearer ${made?.secret}`
})
afterAll(async () => {
  await app?.[Symbol.asyncDispose]()
  await database?.close()
  await server?.dispose()
  if (home) await rm(home, { recursive: true, force: true })
})

/** What the routes are asked for. */
interface Things {
  threadId: string
  turnId: string
  uploadId: string
  hash: string
  teamId: string
}
const unknown: Things = {
  threadId: '00000000-0000-4000-8000-000000000001',
  turnId: '00000000-0000-4000-8000-000000000002',
  uploadId: '00000000-0000-4000-8000-000000000003',
  hash: 'e'.repeat(64),
  teamId: '00000000-0000-4000-8000-000000000004',
}
const nobody = '00000000-0000-4000-8000-00000000000f'

/** Who owns what a route is about; nothing: it is nobody's. */
type Owned = 'thread' | 'turn' | 'upload' | 'file' | 'team'

function ownedBy({ method, path }: RouteEntry): Owned | undefined {
  if (path.startsWith('/console/threads/:id') || path === '/console/events') return 'thread'
  if (path.startsWith('/console/turns/')) return 'turn'
  if (path === '/console/uploads/:uploadId' && method === 'GET') return 'upload'
  if (path.startsWith('/console/files/')) return 'file'
  return path.startsWith('/console/teams/') ? 'team' : undefined
}

function addressOf(route: RouteEntry, things: Things): string {
  const owned = ownedBy(route)
  const path = route.path
    .replace(/:turnId/, things.turnId)
    .replace(/:uploadId/, route.method === 'PUT' ? randomUUID() : things.uploadId)
    .replace(/:hash/, things.hash)
    .replace(/:action\{(\w+)[^}]*\}/, 'why')
    .replace(/:id(?=\/|$)/, owned === 'thread' ? things.threadId : owned === 'team' ? things.teamId : nobody)
    .replaceAll(/:(?:personId|invitationId|collectionId|sourceId)/g, nobody)
    .replaceAll(/:\w+(?:\{[^}]*\})?/g, '1')
  return path === '/console/events' ? `${path}?thread=${things.threadId}` : path
}

function bodyOf({ method, path }: RouteEntry, things: Things): string | undefined {
  if (method === 'GET') return undefined
  if (path.endsWith('/messages'))
    return JSON.stringify({ id: randomUUID(), text: 'What is in it?', uploads: [things.uploadId] })
  if (path.endsWith('/press'))
    return JSON.stringify({ id: randomUUID(), action: encodeAction({ kind: 'why', turnId: things.turnId }) })
  // Refused by its form, so that nothing happens that the next case would notice.
  return '{}'
}

interface Answer {
  status: number
  code: string | undefined
  text: string
}

async function ask(
  route: RouteEntry,
  things: Things,
  headers: Record<string, string>,
  body = bodyOf(route, things),
): Promise<Answer> {
  cases += 1
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  const leave = new AbortController()
  const answer = await fetch(url + addressOf(route, things), {
    method: route.method,
    headers: { ...type, ...headers },
    redirect: 'manual',
    signal: leave.signal,
    ...(body === undefined ? {} : { body }),
  })
  const { status } = answer
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    leave.abort()
    return { status, code: undefined, text: '' }
  }
  const text = await answer.text()
  // As the page reads it, or as programs of OpenAI's API do.
  const code = /^\{"error":\{(?:"code":"(\w+)"|"message":"[^"]*","type":"(\w+)")/.exec(text)
  return { status, code: code?.[1] ?? code?.[2], text }
}

const refused = ({ status, code }: Answer) =>
  status === 401 || code === 'credentials_missing' || code === 'request_forbidden' || code === 'permission_error'
const fromPage = { origin: '', 'sec-fetch-site': 'same-origin' }
const own = () => ({ ...fromPage, origin: url })
const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
const changes = ({ method }: RouteEntry) => method !== 'GET'
const isOpen = ({ access }: RouteEntry) => access.some((each) => ['health', 'public', 'platform'].includes(each))
/** About oneself: it needs a person. */
const isPersonal = ({ path }: RouteEntry) => path.startsWith('/console/me') || path.startsWith('/console/teams/')

const wrong: string[] = []
function check(ok: boolean, who: string, { method, path }: RouteEntry, { status, text }: Answer, wanted: string): void {
  if (!ok) wrong.push(`${who}: ${method} ${path} answered ${status} ${text.slice(0, 120)}, not ${wanted}`)
}

interface Who {
  name: string
  headers(): Promise<Record<string, string>> | Record<string, string>
  /** Whether one of the entries lets them in. */
  admitted(access: RouteEntry['access']): boolean
  /** Has an account. */
  person: boolean
  owns?: readonly Owned[]
}

const anyOf =
  (...mine: RouteEntry['access']) =>
  (access: RouteEntry['access']) =>
    access.some((each) => mine.includes(each) || ['health', 'public', 'platform'].includes(each))

async function inTurn<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all]
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await each(next)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

it('without accounts, the user of this machine may do everything, and nobody from elsewhere anything', async () => {
  expect(routes.length).toBeGreaterThan(60)
  const everything = anyOf('page', 'admin', 'costs', 'signIn')
  const callers: Who[] = [
    { name: 'local', headers: () => ({}), admitted: everything, person: false },
    { name: 'local page', headers: own, admitted: everything, person: false },
    {
      name: 'terminal',
      headers: () => ({ authorization: terminal }),
      admitted: anyOf('page', 'admin', 'costs', 'signIn', 'terminal'),
      person: false,
    },
    {
      name: 'key',
      headers: () => ({ authorization: key, 'x-forwarded-for': '203.0.113.9' }),
      admitted: anyOf('key', 'key:ask'),
      person: false,
    },
    { name: 'forwarded', headers: () => ({ 'x-forwarded-for': '203.0.113.9' }), admitted: anyOf(), person: false },
    {
      name: 'forwarded terminal',
      headers: () => ({ via: '1.1 x', authorization: terminal }),
      admitted: anyOf(),
      person: false,
    },
    { name: 'other site', headers: () => elsewhere, admitted: anyOf(), person: false },
  ]
  await inTurn(
    callers.flatMap((who) => routes.map((route) => ({ who, route }))),
    async ({ who, route }) => {
      const answer = await ask(route, unknown, await who.headers())
      // A program on this machine needs no page to call it.
      const admitted = who.admitted(route.access) && !(isPersonal(route) && !who.person)
      check(
        refused(answer) === !admitted || route.access.includes('platform'),
        who.name,
        route,
        answer,
        admitted ? 'let in' : 'refused',
      )
    },
  )
  expect(wrong).toEqual([])
})

it('with accounts, everybody sees what is theirs, and everything else looks as if it did not exist', async () => {
  const before = await state()
  const made = await fetch(`${url}/console/set-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Root', email: 'root@example.com', password: 'a few unrelated words' }),
  })
  expect([made.status, before]).toEqual([201, { setUp: false, local: true }])
  const rootCookie = (made.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const cookieName = rootCookie.split('=')[0] ?? ''
  expect(cookieName).toMatch(/^__Host-parley-[0-9a-f]{4}$/)
  expect(await state()).toEqual({ setUp: true, local: false })

  const deps = { database, channel: createLocalChannel() }
  const [people, sessions] = [createPeople(deps), createSessions(deps)]
  const by = { id: 'test', via: 'test' }
  const person = async (name: string, role: PersonRole) =>
    (
      await people.create(
        { name, email: null, role, signedIn: true },
        { provider: 'oidc', issuer: 'https://id.example', subject: name },
        by,
      )
    ).id
  const ids = {
    owner: await person('Ann', 'member'),
    other: await person('Ben', 'member'),
    manager: await person('Mia', 'member'),
    viewer: await person('Vic', 'viewer'),
    guest: await person('Gus', 'guest'),
    admin: await person('Ada', 'admin'),
    disabled: await person('Dan', 'admin'),
  }
  const signedIn = async (id: string) => {
    const secret = await sessions.create(id, { userAgent: 'test', address: '' })
    return { ...own(), cookie: `${cookieName}=${secret}` }
  }
  const revoked = await signedIn(ids.owner)
  await sessions.endAll(ids.owner)
  const disabled = await signedIn(ids.disabled)
  await people.setDisabled(ids.disabled, true, by)

  const json = { 'content-type': 'application/json' }
  const teamId = (
    (await (
      await fetch(`${url}/console/admin/teams`, {
        method: 'POST',
        headers: { ...json, ...(await signedIn(ids.admin)) },
        body: JSON.stringify({ name: 'Sales' }),
      })
    ).json()) as { id: string }
  ).id
  await fetch(`${url}/console/admin/teams/${teamId}/members/${ids.manager}`, {
    method: 'PUT',
    headers: { ...json, ...(await signedIn(ids.admin)) },
    body: JSON.stringify({ role: 'manager' }),
  })
  const anns: Things = { ...(await askedBy(await signedIn(ids.owner))), teamId }

  const page = ['page', 'signIn'] as const
  const personal = (name: keyof typeof ids, ...more: RouteEntry['access']): Who => ({
    name,
    headers: () => signedIn(ids[name]),
    admitted: anyOf(...page, ...more),
    person: true,
    owns: name === 'owner' ? ['thread', 'turn', 'upload', 'file'] : ['manager', 'admin'].includes(name) ? ['team'] : [],
  })
  const stranger = (name: string, headers: Record<string, string>, admitted = anyOf('signIn')): Who => ({
    name,
    headers: () => headers,
    admitted,
    person: false,
  })
  const program = (name: string, secret: string, ...may: Access[]): Who =>
    stranger(name, { authorization: `Bearer ${secret}`, 'x-forwarded-for': '203.0.113.9' }, anyOf(...may))
  const programs = await keysOfAllKinds(ids, program)
  const callers: Who[] = [
    personal('owner'),
    personal('other'),
    personal('manager'),
    personal('guest'),
    personal('viewer', 'costs'),
    personal('admin', 'costs', 'admin'),
    stranger('nobody', own()),
    stranger('revoked', revoked),
    stranger('disabled', disabled),
    stranger('terminal', { ...own(), authorization: terminal }, anyOf(...page, 'admin', 'costs', 'terminal')),
    ...programs,
    {
      ...personal('owner'),
      name: 'forwarded',
      person: false,
      headers: async () => ({ ...(await signedIn(ids.owner)), 'x-forwarded-for': '1.2.3.4' }),
      admitted: anyOf(),
    },
    {
      ...personal('admin'),
      name: 'other site',
      person: false,
      headers: async () => ({ ...(await signedIn(ids.admin)), ...elsewhere }),
      admitted: anyOf(),
    },
  ]
  // What a case changes must not be there for the next: the routes that delete come last, one after another.
  const deleting = routes.filter(({ method }) => method === 'DELETE')
  const rest = routes.filter((route) => !deleting.includes(route))
  const each = async ({ who, route }: { who: Who; route: RouteEntry }) => {
    const owned = ownedBy(route)
    const answer = await ask(route, anns, await who.headers())
    const admitted = who.admitted(route.access)
    if (route.access.includes('platform')) return
    if (!admitted || (isPersonal(route) && !who.person))
      return check(refused(answer), who.name, route, answer, 'refused')
    if (refused(answer)) return check(false, who.name, route, answer, 'let in')
    if (owned === undefined) return
    if (who.owns?.includes(owned)) {
      // Of a text there is neither a picture nor a recording, and the team has no open invitation.
      const missing = (owned === 'file' && !route.path.endsWith('/text')) || answer.code === 'address_unknown'
      return check(answer.status !== 404 || missing, who.name, route, answer, 'theirs')
    }
    check(answer.status === 404, who.name, route, answer, '404')
    // It looks as if it did not exist.
    if (changes(route) || route.path === '/console/events') return
    const none = await ask(route, unknown, await who.headers())
    check(none.text === answer.text && none.status === 404, who.name, route, none, answer.text)
  }
  await inTurn(
    callers.flatMap((who) => rest.map((route) => ({ who, route }))),
    each,
  )
  const last = [...callers.filter(({ name }) => name !== 'owner'), ...callers.filter(({ name }) => name === 'owner')]
  for (const route of deleting) for (const who of last) await each({ who, route })
  expect(wrong).toEqual([])
  const gone = await fetch(`${url}/console/threads/${anns.threadId}`, { headers: await signedIn(ids.owner) })
  expect(gone.status).toBe(404)

  await noChangeFromElsewhere(await signedIn(ids.admin))
  expect(wrong).toEqual([])
  await readByAnAdmin(ids.admin, signedIn, ids.owner)
  expect(cases).toBeGreaterThan(1000)

  /** A form and a script of another site, a form of a neighbour, and a request that says nothing of its origin. */
  async function noChangeFromElsewhere(session: Record<string, string>): Promise<void> {
    const form = 'application/x-www-form-urlencoded'
    const attacks: Record<string, Record<string, string>> = {
      'form of another site': { ...elsewhere, 'content-type': form, 'sec-fetch-mode': 'navigate' },
      'script of another site': { ...elsewhere, 'content-type': 'application/json' },
      'form with a hidden origin': { origin: 'null', 'sec-fetch-site': 'cross-site', 'content-type': form },
      'another port of this machine': { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' },
      'no origin': { origin: '', 'sec-fetch-site': '' },
      'own form': { ...own(), 'content-type': form },
      'own text': { ...own(), 'content-type': 'text/plain' },
    }
    const attacked = Object.entries(attacks).flatMap(([name, headers]) =>
      routes.filter((route) => changes(route) && !isOpen(route)).map((route) => ({ name, headers, route })),
    )
    await inTurn(attacked, async ({ name, headers, route }) => {
      // Files keep their type. No form can send them, since it cannot PUT.
      if (name.startsWith('own') && route.method === 'PUT') return
      const sent = Object.fromEntries(Object.entries({ ...session, ...headers }).filter(([, value]) => value !== ''))
      const answer = await ask(route, anns, sent)
      check(answer.status === 401 || answer.status === 403, name, route, answer, 'refused')
      check(refused(answer), name, route, answer, 'refused by the gate')
    })
  }
})

async function state(): Promise<{ setUp: boolean; local: boolean }> {
  const { setUp, local } = (await (await fetch(`${url}/console/session`)).json()) as { setUp: boolean; local: boolean }
  return { setUp, local }
}

/** A thread with a file and an answer, asked on the page. */
async function askedBy(headers: Record<string, string>): Promise<Omit<Things, 'teamId'>> {
  const [threadId, uploadId] = [randomUUID(), randomUUID()]
  const file = 'The secret of Ann is 4711.\n'
  await fetch(`${url}/console/uploads/${uploadId}?name=secret.txt`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'text/plain' },
    body: file,
  })
  const sent = await fetch(`${url}/console/threads/${threadId}/messages`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ id: randomUUID(), text: 'What is the secret?', uploads: [uploadId] }),
  })
  const { turnId } = (await sent.json()) as { turnId: string }
  await expect
    .poll(async () => await (await fetch(`${url}/console/threads/${threadId}`, { headers })).text(), {
      timeout: 60_000,
    })
    .toContain('"receipt":{')
  const upload = await database.prisma.consoleUpload.findUnique({ where: { id: uploadId } })
  return { threadId, uploadId, turnId, hash: upload?.contentHash ?? '' }
}

/** Keys and tokens: with every right, with few, and such as ended in every way. */
async function keysOfAllKinds(
  ids: { admin: string; disabled: string },
  program: (name: string, secret: string, ...may: Access[]) => Who,
): Promise<Who[]> {
  const keys = createKeys(database)
  const budget = { period: 'day', amount: usd('1'), timeZone: 'UTC' } as const
  const create = async (name: string, more: Partial<NewKey> = {}) => {
    const made = await keys.create({ name, budget, by: 'test', scopes: keyScopes, ...more })
    if (made === null) throw new Error(`the name ${name} is taken`)
    return made
  }
  const tokenOf = async (secret: string, scope: string) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}/v1/token`, { method: 'POST', headers, body: JSON.stringify({ scope }) })
    return ((await answer.json()) as { access_token: string }).access_token
  }
  const [all, revoked, expired] = [
    await create('all', { ownerId: ids.admin }),
    await create('revoked'),
    await create('expired'),
  ]
  const ofDisabled = await create('disabled', { ownerId: ids.disabled })
  const tokenOfRevoked = await tokenOf(revoked.secret, 'ask admin')
  await keys.revoke('revoked')
  await database.pool.query("update api_key set expires_at = now() - interval '1 second' where id = $1", [expired.id])
  const foreign = createAccessTokens({
    records: createRecords(database, createSecrets(parleySecret), 'another'),
    issuer: 'urn:parley',
  })
  const about = { id: all.id, name: 'all', ownerId: ids.admin, scopes: keyScopes }
  return [
    program('key', key.replace('Bearer ', ''), 'key', 'key:ask'),
    program('key with all scopes', all.secret, 'key', 'key:ask', 'key:usage:read', 'key:admin'),
    program('token', await tokenOf(all.secret, 'ask'), 'key:ask'),
    program('admin token', await tokenOf(all.secret, 'ask usage:read admin'), 'key:ask', 'key:usage:read', 'key:admin'),
    program('token of a revoked key', tokenOfRevoked),
    program('token of another Parley', await foreign.issue(about, keyScopes)),
    program('revoked key', revoked.secret),
    program('expired key', expired.secret),
    program('key of a disabled person', ofDisabled.secret),
  ]
}

/** Another right than any other: it needs a reason, is written down, and the owner reads of it. */
async function readByAnAdmin(
  admin: string,
  signedIn: (id: string) => Promise<Record<string, string>>,
  owner: string,
): Promise<void> {
  const { threadId } = await askedBy(await signedIn(owner))
  const read = async (who: string, body: unknown) =>
    await fetch(`${url}/console/admin/threads/${threadId}/read`, {
      method: 'POST',
      headers: { ...(await signedIn(who)), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  expect((await read(admin, {})).status).toBe(400)
  expect((await read(owner, { reason: 'curious' })).status).toBe(403)
  const answer = await read(admin, { reason: 'A court asked for it' })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain('What is the secret?')
  const told = await fetch(`${url}/console/threads/${threadId}`, { headers: await signedIn(owner) })
  expect(await told.text()).toContain(consoleWording.threadWasRead('Ada', 'A court asked for it'))
  const entry = await database.prisma.audit.findFirst({ where: { name: 'thread read' } })
  expect(entry).toMatchObject({ by: `console/local/${admin}`, scope: `person:${owner}` })
  expect(entry?.after).toEqual({ thread: threadId, reason: 'A court asked for it' })
}
