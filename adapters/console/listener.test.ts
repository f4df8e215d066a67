/** The console's HTTP side with a board that fails, and with clients that behave badly. */
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { diskError } from '../../src/blobs/disk.ts'
import type { Collections } from '../../src/core/collections.ts'
import type { Action } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Intake } from '../../src/core/platform.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { noAccounts, noKeys, noLinking } from '../../test/fakes/accounts.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import type { Message } from './api.ts'
import type { Board } from './board.ts'
import { createListener, type ListenerDeps } from './listener.ts'
import { createThreadFeed, publishChanged, publishDeleted, type Topics, threadTopic } from './live.ts'
import type { Previews } from './previews.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})
const unused = () => Promise.reject(new Error('not used'))
const away = () =>
  Promise.reject(new ParleyError('database_unreachable', 'The database does not answer. Please try again in a moment.'))

function storedMessage(id: string, threadId: string, text: string): Message {
  const row = { id, threadId, text, seq: 1, role: 'user' as const, state: 'sent' as const, turnId: null }
  const nothing = { attachments: [], citations: [], buttons: [], receipt: null, feedback: null }
  return { ...row, createdAt: new Date().toISOString(), ...nothing }
}

interface SetUp {
  board?: Partial<Board>
  intake?: Partial<Intake>
  previews?: Partial<Previews>
  blobs?: Partial<ListenerDeps['blobs']>
}

async function setUp({ board = {}, intake = {}, previews = {}, blobs = {} }: SetUp = {}) {
  const channel = createLocalChannel()
  const open = { subscriptions: 0 }
  const topics: Topics = {
    publish: channel.publish,
    async subscribe(topic, handler) {
      const end = await channel.subscribe(topic, handler)
      open.subscriptions += 1
      return async () => {
        open.subscriptions -= 1
        await end()
      }
    },
  }
  const limits = { fileBytes: 1000, files: 10, textChars: 100 }
  const deps: ListenerDeps = {
    board: {
      threads: async () => [],
      summaries: async () => [],
      thread: async () => null,
      anyThread: async () => null,
      ownerOf: async () => undefined,
      threadIds: async () => [],
      hasTurn: async () => true,
      names: async () => new Map(),
      saveReply: unused,
      saveNotice: unused,
      removeReply: unused,
      saveUpload: unused,
      saveOwnFile: unused,
      sweepUploads: async () => 0,
      uploads: async () => [],
      addMessage: async ({ id, threadId, text }) => storedMessage(id, threadId, text),
      knowsFile: async () => false,
      ...board,
    },
    blobs: {
      put: unused,
      has: async () => false,
      open: unused,
      size: unused,
      withFile: unused,
      ...blobs,
    },
    forget: unused,
    maySee: async () => false,
    previews: { page: unused, lines: unused, picture: unused, recording: unused, ...previews },
    status: async () => ({ version: '0', models: [], notice: null, limits, web: null }),
    topics,
    accounts: noAccounts,
    linking: noLinking,
    ownKeys: noKeys,
    recordReading: unused,
    collections: {} as Collections,
    limits,
    log: silentLog,
  }
  const listener = createListener(deps, fakeIntake({ act: unused, ...intake }))
  const http = await serveMounts(listener.mounts)
  ends.push(async () => {
    await listener.stop()
    await http.close()
  })
  const { url } = http
  const port = Number(new URL(url).port)
  const post = (threadId: string, body: unknown) =>
    fetch(`${url}/console/threads/${threadId}/messages`, { method: 'POST', body: JSON.stringify(body) })
  return { url, port, topics, open, post, listener }
}

test('pages see a message once it is stored, together with its turn', async () => {
  const threadId = randomUUID()
  const turnId = randomUUID()
  let works = false
  const intake = { receive: async () => (works ? { turnId, kind: 'new' as const } : away()) }
  const { topics, post } = await setUp({ intake })
  const told: unknown[] = []
  await topics.subscribe(threadTopic(threadId), (event) => void told.push(event))
  const body = { id: randomUUID(), text: 'Please answer me', uploads: [] }
  expect((await post(threadId, body)).status).toBe(503)
  expect(told).toEqual([])
  works = true
  expect((await post(threadId, body)).status).toBe(202)
  await expect.poll(() => told).toMatchObject([{ type: 'message', message: { id: body.id, turnId } }])
})

test('an event stream that ends, fails or is only probed leaves no subscription', async () => {
  const board: Partial<Board> = {}
  const { url, open } = await setUp({ board: { thread: (...of) => (board.thread ?? (async () => null))(...of) } })
  const events = `${url}/console/events?thread=${randomUUID()}`
  const page = new AbortController()
  await fetch(events, { signal: page.signal })
  await expect.poll(() => open.subscriptions).toBe(1)
  page.abort()
  await expect.poll(() => open.subscriptions).toBe(0)
  expect((await fetch(events, { method: 'HEAD' })).status).toBe(200)
  expect(open.subscriptions).toBe(0)
  board.thread = away
  expect(await (await fetch(events)).text()).toBe('')
  await expect.poll(() => open.subscriptions).toBe(0)
})

test('changes of the thread list reach every page, read once for all pages, and again after the database was away', async () => {
  const [changed, deleted] = [randomUUID(), randomUUID()]
  const thread = { id: changed, title: 'Lunch', updatedAt: new Date().toISOString(), busy: false }
  const asked: string[][] = []
  const summaries = async (ids: string[]) => {
    asked.push(ids)
    return asked.length === 1 ? away() : [{ ...thread, listed: true, owner: null }]
  }
  const { url, topics, listener } = await setUp({ board: { summaries, sweepUploads: async () => 0 } })
  await listener.start()
  const pages = await Promise.all(Array.from({ length: 20 }, () => readFrames(`${url}/console/events`)))
  for (const id of [changed, changed, changed]) publishChanged(topics, id)
  publishDeleted(topics, deleted, null)
  const frames = [
    { type: 'thread', thread },
    { type: 'threadDeleted', threadId: deleted },
  ]
  for (const page of pages) await expect.poll(() => page).toEqual(frames)
  expect(asked).toEqual([
    [changed, deleted],
    [changed, deleted],
  ])
})

test('while the thread list cannot be read, it is tried less and less often, and the outage is logged once', async () => {
  vi.useFakeTimers()
  try {
    const tries: number[] = []
    const summaries = async () => {
      tries.push(Date.now())
      if (tries.length <= 8) throw new Error('the database is away')
      return []
    }
    const lines: string[] = []
    const note = (_: object, line: string) => void lines.push(line)
    const topics = createLocalChannel()
    const board = { summaries } as unknown as Board
    const feed = createThreadFeed({ board, topics, log: { ...silentLog, warn: note, info: note } })
    await feed.start()
    feed.follow(null, () => {})
    publishChanged(topics, randomUUID())
    await vi.advanceTimersByTimeAsync(60_000)
    const pauses = tries.slice(1).map((at, n) => at - (tries[n] ?? 0))
    expect(pauses).toEqual([400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000])
    expect(lines).toEqual([expect.stringContaining('cannot be read'), expect.stringContaining('read again')])
    await feed.stop()
  } finally {
    vi.useRealTimers()
  }
})

test('a thread list that cannot be read is not tried again after the close', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const topics = createLocalChannel()
  const summaries = vi.fn(away)
  const feed = createThreadFeed({ board: { summaries } as unknown as Board, topics, log: silentLog })
  await feed.start()
  feed.follow(null, () => {})
  publishChanged(topics, randomUUID())
  await vi.advanceTimersByTimeAsync(1000)
  expect(summaries.mock.calls.length).toBeGreaterThan(1)
  // One is being read at the close.
  const reading = Promise.withResolvers<never>()
  summaries.mockImplementationOnce(() => reading.promise)
  await vi.advanceTimersByTimeAsync(400)
  const { length } = summaries.mock.calls
  const stopped = feed.stop()
  reading.reject(new Error('the pool is closed'))
  await stopped
  await vi.advanceTimersByTimeAsync(5000)
  expect(summaries.mock.calls).toHaveLength(length)
})

/** The events of a stream as they come; it is closed with the test. */
async function readFrames(url: string): Promise<unknown[]> {
  const page = new AbortController()
  ends.unshift(() => page.abort())
  const { body } = await fetch(url, { signal: page.signal })
  const frames: unknown[] = []
  const read = async () => {
    let text = ''
    for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const [rest = '', ...whole] = `${text}${piece}`.split('\n\n').reverse()
      text = rest
      for (const frame of whole.reverse()) if (frame.startsWith('data: ')) frames.push(JSON.parse(frame.slice(6)))
    }
  }
  void read().catch(() => {})
  return frames
}

test('a page that does not read is disconnected before many events pile up', async () => {
  const { port, open, topics } = await setUp({ board: { ownerOf: async () => null } })
  const threadId = randomUUID()
  const socket = connect(port, '127.0.0.1')
  ends.push(() => socket.destroy())
  socket.pause().write(`GET /console/events?thread=${threadId} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  await expect.poll(() => open.subscriptions).toBe(1)
  const text = 'x'.repeat(500_000)
  for (let n = 0; n < 100 && open.subscriptions > 0; n += 1) {
    topics.publish(threadTopic(threadId), {
      type: 'status',
      status: { threadId, turnId: threadId, state: 'reading', text },
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(open.subscriptions).toBe(0)
})

test('an address that cannot be decoded does not exist', async () => {
  const { url } = await setUp()
  expect((await fetch(`${url}/%E0%A4%A`)).status).toBe(404)
})

test('a message body has a size limit, with or without a length header', async () => {
  const { url, post } = await setUp()
  const threadId = randomUUID()
  const long = { id: randomUUID(), text: 'x'.repeat(70_000), uploads: [] }
  expect((await post(threadId, long)).status).toBe(413)
  let left = 10
  const parts = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(10_000))
      else controller.close()
    },
  })
  const init = { method: 'POST', body: parts, duplex: 'half' as const }
  expect((await fetch(`${url}/console/threads/${threadId}/messages`, init)).status).toBe(413)
})

test('IDs ignore case', async () => {
  const asked: string[][] = []
  const uploads = async (ids: string[]) => {
    asked.push(ids)
    return []
  }
  const { post } = await setUp({ board: { uploads } })
  const upload = randomUUID()
  await post(randomUUID(), { id: randomUUID(), text: 'x', uploads: [upload.toUpperCase()] })
  expect(asked).toEqual([[upload]])
})

test('uploads that were never sent are deleted at start', async () => {
  let swept = 0
  const { listener } = await setUp({ board: { sweepUploads: async () => ++swept } })
  await listener.start()
  await listener.stop()
  expect(swept).toBe(1)
})

test('a citation’s place is requested in its own unit, sheet and inner file', async () => {
  const asked: unknown[] = []
  const lines: Previews['lines'] = async (_hash, from, to, where) => {
    asked.push({ from, to, ...where })
    return { from, to, of: to, lines: [] }
  }
  const picture: Previews['picture'] = async (_hash, from, to, { signal: _, ...where }) => {
    asked.push({ from, to, ...where })
    return { png: Uint8Array.of(1, 2, 3) }
  }
  const { url } = await setUp({ board: { knowsFile: async () => true }, previews: { lines, picture } })
  const get = (path: string) => fetch(`${url}/console/files/${'a'.repeat(64)}/${path}`)
  await get('text?from=2&to=9&kind=rows&sheet=Plan+1&inner=a%2Fb.xlsx')
  await get('text?from=0&to=90000&kind=time')
  await get('text?from=5&to=100000&kind=nonsense')
  const response = await get('picture?from=2&to=2&kind=page&inner=b.pdf&width=9000')
  expect(response.headers.get('content-type')).toBe('image/png')
  expect(asked).toEqual([
    { from: 2, to: 9, kind: 'rows', sheet: 'Plan 1', inner: 'a/b.xlsx' },
    { from: 0, to: 90_000, kind: 'time' },
    { from: 5, to: 505 },
    { from: 2, to: 2, kind: 'page', inner: 'b.pdf', width: 2000 },
  ])
})

test('a pressed button carries the user’s comment, and a long comment is refused', async () => {
  const acted: Action[] = []
  const { url } = await setUp({
    intake: {
      async act(action) {
        acted.push(action)
        return { notice: { text: 'Thank you.', private: true } }
      },
    },
  })
  const turnId = randomUUID()
  const press = (comment: string) =>
    fetch(`${url}/console/turns/${turnId}/bad`, { method: 'POST', body: JSON.stringify({ comment }) })
  const pressed = await press('Wrong page.')
  expect([pressed.status, await pressed.json()]).toEqual([200, { notice: { text: 'Thank you.', private: true } }])
  expect(acted).toMatchObject([{ kind: 'bad', turnId, by: { id: 'local' }, comment: 'Wrong page.' }])
  expect((await press('x'.repeat(5000))).status).toBe(400)
  expect((await fetch(`${url}/console/turns/${turnId}/explode`, { method: 'POST' })).status).toBe(404)
  expect(acted).toHaveLength(1)
})

test.each([
  ['ENOSPC', 507, 'disk_full'],
  ['EMFILE', 503, 'disk_failed'],
] as const)(
  'an upload that the disk does not take (%s) is answered with %i and a sentence, though the rest was not read',
  async (code, status, name) => {
    const { url } = await setUp({
      blobs: {
        async put(content) {
          for await (const _ of content) throw diskError(Object.assign(new Error(`${code}: write`), { code }))
          throw new Error('there was nothing to read')
        },
      },
    })
    const megabyte = new Uint8Array(1e6)
    let left = 8
    const body = new ReadableStream({
      pull(controller) {
        if (left-- === 0) controller.close()
        else controller.enqueue(megabyte)
      },
    })
    const init = { method: 'PUT', body, duplex: 'half' }
    const response = await fetch(`${url}/console/uploads/${randomUUID()}?name=a.txt`, init as RequestInit)
    expect(response.status).toBe(status)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(15)
    expect(await response.json()).toMatchObject({
      error: { code: name, userMessage: expect.stringMatching(/disk.*try again/is) },
    })
  },
)
