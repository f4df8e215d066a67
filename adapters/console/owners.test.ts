/** Two people on one page: what one of them does, the other neither reads nor hears. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Collections } from '../../src/core/collections.ts'
import { encodeAction } from '../../src/core/command.ts'
import { silentLog } from '../../src/core/log.ts'
import { sessionsEndedTopic } from '../../src/core/topics.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { createPlaceReaders } from '../../src/search/places.ts'
import { createPlaceRows } from '../../src/search/providers/places-postgres.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createForget } from '../../src/store/forget.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { noAccounts, noKeys, noLinking } from '../../test/fakes/accounts.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import type { ConsoleEvent } from './api.ts'
import type { Board } from './board.ts'
import { countOnConsole, createConsoleBoard, forgetOnConsole } from './board-postgres.ts'
import { createListener } from './listener.ts'

let server: TestServer
let database: Database
let board: Board
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  board = createConsoleBoard(database.query)
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

let channel: ReturnType<typeof createLocalChannel>
let url: string
let ann: string
let ben: string
const signedOut = new Set<string>()
/** Accounts that can read the channel of a chat. */
const readers = new Set<string>()

beforeEach(async () => {
  channel = createLocalChannel()
  ;[ann, ben] = (await Promise.all(
    ['Ann', 'Ben'].map(
      async (name) => (await database.prisma.person.create({ data: { id: randomUUID(), name, role: 'member' } })).id,
    ),
  )) as [string, string]
  const limits = { fileBytes: 1000, files: 10, textChars: 100 }
  const unused = () => Promise.reject(new Error('not used'))
  const forget = createForget({ database, collect: async () => {}, log: silentLog, more: forgetOnConsole })
  const places = createPlaceReaders({
    rows: createPlaceRows(database.lasting),
    log: silentLog,
    places: () => ({ look: async () => null, canRead: async (_, account) => readers.has(account) }),
  })
  const listener = createListener(
    {
      board,
      topics: channel,
      blobs: { put: unused, has: async () => true, open: unused, size: unused, withFile: unused },
      forget: async (conversation) => void (await forget.forget(conversation, '')),
      maySee: (author, hash, signal) =>
        places.maySee(
          { platform: 'console', workspaceId: 'local', account: author.id, personId: author.id },
          hash,
          signal,
        ),
      previews: {
        page: async () => ({ png: new Uint8Array(8), width: 1, height: 1, marks: [] }),
        lines: unused,
        picture: unused,
        recording: unused,
      },
      status: async () => ({ version: '0', models: [], notice: null, limits, web: null }),
      accounts: {
        ...noAccounts,
        people: { ...noAccounts.people, areSetUp: async () => true },
        sessions: { ...noAccounts.sessions, holds: async (id) => !signedOut.has(id) },
      },
      linking: noLinking,
      ownKeys: noKeys,
      recordReading: unused,
      collections: {} as Collections,
      limits,
      log: silentLog,
    },
    fakeIntake({
      receive: async () => ({ kind: 'new', turnId: randomUUID() }),
      act: async () => ({ notice: { text: 'done' } }),
    }),
  )
  await listener.start()
  const http = await serveMounts(listener.mounts, {
    areSetUp: async () => true,
    cookies: { read: ({ headers }) => headers.cookie },
    findSession: async (personId) => ({ personId, name: 'x', role: 'member', sessionId: personId }),
  })
  url = http.url
  ends.push(async () => {
    await listener.stop()
    await http.close()
    await channel.close()
  })
})

async function call(person: string, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { cookie: person, origin: url, 'content-type': 'application/json' }
  return await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
}

async function say(person: string, threadId: string, text: string, uploads: string[] = []): Promise<Response> {
  return await call(person, 'POST', `/console/threads/${threadId}/messages`, { id: randomUUID(), text, uploads })
}

/** The events of a stream as they come. */
async function follow(person: string, threadId?: string): Promise<{ events: ConsoleEvent[]; ended: Promise<void> }> {
  const leave = new AbortController()
  ends.unshift(() => leave.abort())
  const answer = await fetch(`${url}/console/events${threadId === undefined ? '' : `?thread=${threadId}`}`, {
    headers: { cookie: person },
    signal: leave.signal,
  })
  expect(answer.status).toBe(200)
  const events: ConsoleEvent[] = []
  const read = async () => {
    let text = ''
    for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const [rest = '', ...frames] = `${text}${piece}`.split('\n\n').reverse()
      text = rest
      for (const frame of frames.reverse()) if (frame.startsWith('data: ')) events.push(JSON.parse(frame.slice(6)))
    }
  }
  return { events, ended: read().catch(() => {}) }
}

test('each hears of changes of their own list alone, deletions included', async () => {
  const [hers, his] = [await follow(ann), await follow(ben)]
  const [annsThread, bensThread] = [randomUUID(), randomUUID()]
  await say(ann, annsThread, 'A secret')
  await say(ben, bensThread, 'Hello')
  await expect.poll(() => hers.events).toMatchObject([{ type: 'thread', thread: { id: annsThread } }])
  await expect.poll(() => his.events).toMatchObject([{ type: 'thread', thread: { id: bensThread } }])
  expect((await call(ben, 'DELETE', `/console/threads/${annsThread}`)).status).toBe(404)
  expect((await call(ann, 'DELETE', `/console/threads/${annsThread}`)).status).toBe(204)
  await say(ben, bensThread, 'Again')
  await expect.poll(() => hers.events.at(-1)).toEqual({ type: 'threadDeleted', threadId: annsThread })
  await expect.poll(() => his.events).toHaveLength(2)
  expect(JSON.stringify(his.events)).not.toContain(annsThread)
})

test('a page that waits for its new thread hears nothing of it if somebody else begins it', async () => {
  const [own, foreign] = [randomUUID(), randomUUID()]
  const [waiting, hoping] = [await follow(ann, own), await follow(ben, foreign)]
  await say(ann, foreign, 'A secret')
  await say(ann, own, 'Mine')
  await expect.poll(() => waiting.events.some((event) => event.type === 'message')).toBe(true)
  await say(ann, foreign, 'Another secret')
  await say(ben, randomUUID(), 'Hello')
  await expect.poll(() => hoping.events.some((event) => event.type === 'thread')).toBe(true)
  expect(JSON.stringify(hoping.events)).not.toContain('secret')
  const refused = await fetch(`${url}/console/events?thread=${foreign}`, { headers: { cookie: ben } })
  expect(refused.status).toBe(404)
})

test('nobody writes into a thread, sends a file or answers in a message of somebody else', async () => {
  const [threadId, uploadId, messageId] = [randomUUID(), randomUUID(), randomUUID()]
  const contentHash = 'a'.repeat(64)
  await knowBlobs(database.pool, contentHash)
  await board.saveUpload({ uploadId, name: 'a.txt', mediaType: 'text/plain', bytes: 1, contentHash }, ann)
  const first = { id: messageId, text: 'A secret', uploads: [uploadId] }
  expect((await call(ann, 'POST', `/console/threads/${threadId}/messages`, first)).status).toBe(202)
  expect((await say(ben, threadId, 'Hello')).status).toBe(404)
  expect((await say(ben, randomUUID(), 'What is in it?', [uploadId])).status).toBe(404)
  const same = await call(ben, 'POST', `/console/threads/${randomUUID()}/messages`, { ...first, uploads: [] })
  expect([same.status, await same.text()]).toEqual([404, expect.not.stringContaining('secret')])
  // What a button answers has the id of its press.
  const action = encodeAction({ kind: 'command', text: '/help' })
  await call(ann, 'POST', `/console/threads/${threadId}/press`, { id: messageId, action })
  const bens = randomUUID()
  await say(ben, bens, 'Hello')
  expect((await call(ben, 'POST', `/console/threads/${bens}/press`, { id: messageId, action })).status).toBe(404)
  const known = await board.thread(threadId, ann)
  expect(known?.messages.map(({ text }) => text)).toEqual(['A secret', 'done'])
  expect(await board.knowsFile(contentHash, ben)).toBe(false)
  expect(await board.knowsFile(contentHash, ann)).toBe(true)
})

test('what is shown to one is kept by no cache for the next', async () => {
  const contentHash = 'b'.repeat(64)
  await knowBlobs(database.pool, contentHash)
  await board.saveUpload(
    { uploadId: randomUUID(), name: 'a.pdf', mediaType: 'application/pdf', bytes: 1, contentHash },
    ann,
  )
  for (const path of ['/console/threads', '/console/commands', '/console/status'])
    expect((await call(ann, 'GET', path)).headers.get('cache-control'), path).toBe('no-store')
  const picture = `/console/files/${contentHash}/page/1`
  const { headers } = await call(ann, 'GET', picture)
  expect([headers.get('cache-control'), headers.get('vary')]).toEqual([expect.stringMatching(/^private,/), 'cookie'])
  expect((await call(ben, 'GET', picture)).status).toBe(404)
})

test('open streams end with their session, at once, and the page is told', async () => {
  const threadId = randomUUID()
  await say(ann, threadId, 'Hello')
  const [hers, his] = [await follow(ann, threadId), await follow(ben)]
  signedOut.add(ann)
  channel.publish(sessionsEndedTopic, ann)
  await hers.ended
  expect(hers.events.at(-1)).toEqual({ type: 'signedOut' })
  channel.publish(sessionsEndedTopic, ben)
  await say(ben, randomUUID(), 'Still here')
  await expect.poll(() => his.events).toMatchObject([{ type: 'thread' }])
})

test('an open stream ends with its session within 30 seconds where the news of it was lost', async () => {
  // Of the page alone: nothing else of this process waits for an interval.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  ends.push(() => vi.useRealTimers())
  const [hers, his] = [await follow(ann), await follow(ben)]
  signedOut.add(ann)
  vi.advanceTimersByTime(29_000)
  await say(ann, randomUUID(), 'Not yet')
  await expect.poll(() => hers.events).toMatchObject([{ type: 'thread' }])
  vi.advanceTimersByTime(1000)
  await hers.ended
  expect(hers.events.at(-1)).toEqual({ type: 'signedOut' })
  await say(ben, randomUUID(), 'Still here')
  await expect.poll(() => his.events).toMatchObject([{ type: 'thread' }])
})

test('who is forgotten takes their own threads and files along, and what was asked there before accounts', async () => {
  const forget = createForget({
    database,
    collect: async () => {},
    log: silentLog,
    more: forgetOnConsole,
    countMore: [countOnConsole],
  })
  const threads = { [ann]: randomUUID(), [ben]: randomUUID() }
  for (const person of [ann, ben]) await say(person, threads[person] ?? '', 'Hello')
  const local = randomUUID()
  const message = { text: 'x', title: 'x', attachments: [], listed: true }
  await board.addMessage({ ...message, id: randomUUID(), threadId: local, owner: null })
  await forget.forget({ platform: 'console', workspaceId: 'local', userId: ann }, ann)
  expect(await board.thread(threads[ann] ?? '', ann)).toBeNull()
  expect(await board.thread(threads[ben] ?? '', ben)).not.toBeNull()
  expect(await board.thread(local, null)).not.toBeNull()
  await forget.forget({ platform: 'console', workspaceId: 'local', userId: 'local' }, 'local')
  expect(await board.thread(local, null)).toBeNull()
  expect(await board.thread(threads[ben] ?? '', ben)).not.toBeNull()
})

test('a source that was shared in a chat opens for a person who can read it there now, and for nobody else', async () => {
  const contentHash = 'c'.repeat(64)
  await database.pool.query(
    `insert into identity (provider, issuer, subject, person_id) values ('slack', 'T1', 'U1', $1)`,
    [ben],
  )
  await database.pool.query(
    `insert into place (key, platform, workspace_id, channel_id, kind) values ('slack/T1/C1', 'slack', 'T1', 'C1', 'private')`,
  )
  await database.pool.query(
    `insert into share (id, place_key, content_hash, engine, title, shared_at) values ('s1', 'slack/T1/C1', $1, 'pdf-1', 'plan.pdf', now())`,
    [contentHash],
  )
  const open = (person: string) => call(person, 'GET', `/console/files/${contentHash}/page/1`)
  expect((await open(ben)).status).toBe(404)
  readers.add('U1')
  await createPlaceRows(database.lasting).change({
    kind: 'joined',
    place: { platform: 'slack', workspaceId: 'T1', channelId: 'C1' },
    account: 'U1',
  })
  const opened = await open(ben)
  expect(opened.status).toBe(200)
  // The next one may not see it any more.
  expect(opened.headers.get('cache-control')).toBe('private, no-store')
  expect((await open(ann)).status).toBe(404)
  await createPlaceRows(database.lasting).change({
    kind: 'left',
    place: { platform: 'slack', workspaceId: 'T1', channelId: 'C1' },
    account: 'U1',
  })
  expect((await open(ben)).status).toBe(404)
})
