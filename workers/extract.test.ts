/** Reading attachments on a real database, with real files and the real reader. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createBlobs } from '../src/blobs/blobs.ts'
import { diskError } from '../src/blobs/disk.ts'
import { createLocalBlobs } from '../src/blobs/local.ts'
import type { Blobs } from '../src/core/blobs.ts'
import type { ParleyError } from '../src/core/errors.ts'
import { silentLog } from '../src/core/log.ts'
import { listenForStops, stopTopic } from '../src/intake/stop.ts'
import { createReader } from '../src/media/create-reader.ts'
import type { Reader } from '../src/media/reader.ts'
import { type Channel, createLocalChannel } from '../src/queue/channel.ts'
import type { JobContext } from '../src/queue/queue.ts'
import { createProgress } from '../src/reply/progress.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { type Attachments, createAttachments } from '../src/store/attachments.ts'
import { createBlobReferences } from '../src/store/blob-references.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import type { Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { file, message } from '../test/fakes/message.ts'
import { createFakePlatform, type FakePlatform } from '../test/fakes/platform.ts'
import { receipt } from '../test/fakes/receipt.ts'
import { createExtract } from './extract.ts'
import { createIsolation } from './isolation.ts'

const leaseMs = 60_000
let server: TestServer
let database: Database
let turns: Turns
let attachments: Attachments
let fake: FakePlatform
let blobs: Blobs
let reader: Reader
/** While set, nothing can be written to the disk. */
let full: boolean

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  attachments = createAttachments(database)
  fake = createFakePlatform()
  reader = createReader()
  full = false
  const real = createBlobs(createLocalBlobs(server.home), createBlobReferences(database))
  blobs = {
    ...real,
    async put(content, options) {
      if (full) throw diskError(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
      return real.put(content, options)
    },
  }
  return async () => {
    await reader.close()
    await database.close()
  }
})

async function extractor(more: { reader?: Reader; readers?: number; channel?: Channel } = {}) {
  return createExtract({
    storage: { attachments, blobs, index: createPassageIndex(database.lasting) },
    messaging: {
      platform: () => fake.platform,
      progress: createProgress({ platform: () => fake.platform, store: turns, log: silentLog }),
      stops: await listenForStops(more.channel ?? createLocalChannel()),
    },
    money: { paying: () => (_recording, transcribe) => transcribe() },
    reader: more.reader ?? reader,
    limits: { fileBytes: 1e6 },
    readers: more.readers ?? 2,
    owner: 'test',
    log: silentLog,
    isolation: createIsolation(),
  })
}

const context = (last = false): JobContext => ({
  id: 'job',
  attempt: 1,
  last,
  signal: new AbortController().signal,
})

const textFile = (name: string) => ({ ...file(name), mediaType: 'text/plain', locator: name })

async function ask(text: string, names: string[] = []) {
  for (const name of names) fake.files.set(name, Buffer.from(`The contents of ${name}.\n`))
  const { turnId, dispatch } = await turns.accept(message({ text, attachments: names.map(textFile) }))
  return { turnId, files: dispatch.attachmentIds }
}

async function end(turnId: string) {
  expect(await turns.claim(turnId, 'w', leaseMs)).toEqual({ kind: 'claimed' })
  await turns.finish(turnId, 'w', { text: 'An answer.', state: 'done', citations: [], receipt }, null)
}

describe('a file that is to be read while the disk is full', () => {
  it('is tried again patiently, then skipped by name, and read with the next question of its thread', async () => {
    const extract = await extractor()
    const { turnId, files } = await ask('What does it say?', ['before.txt'])
    const payload = { v: 1 as const, turnId, attachmentId: files[0] ?? '' }
    full = true
    const failed: ParleyError = await extract(payload, context()).then(
      () => expect.unreachable(),
      (thrown: ParleyError) => thrown,
    )
    expect(failed).toMatchObject({ code: 'disk_full', retry: 'later' })
    expect(failed.retryAfterMs).toBeGreaterThanOrEqual(15_000)
    expect(await extract(payload, context(true))).toBe('done')
    const [skipped] = (await turns.load(turnId)).attachments
    expect(skipped).toMatchObject({
      state: 'failed',
      receipt: { outcome: 'skipped', problems: [{ code: 'disk_full' }] },
    })
    expect(skipped?.receipt?.summary).toMatch(/disk.*full.*try again.*next question/is)
    await end(turnId)

    full = false
    const next = await ask('And now?')
    const claim = await turns.claim(next.turnId, 'w', leaseMs)
    expect(claim).toMatchObject({ kind: 'reading', unread: { turnId: next.turnId, attachmentIds: files } })
    expect(await extract({ ...payload, turnId: next.turnId }, context())).toBe('done')
    await expect(turns.claim(next.turnId, 'w', leaseMs)).resolves.toEqual({ kind: 'claimed' })
    expect((await turns.load(next.turnId)).attachments).toMatchObject([
      { id: files[0], state: 'read', receipt: { name: 'before.txt', outcome: 'read' } },
    ])
  })

  it('is skipped again where the disk is still full, and does not keep that question waiting', async () => {
    const extract = await extractor()
    const first = await ask('What does it say?', ['before.txt'])
    full = true
    const attachmentId = first.files[0] ?? ''
    await extract({ v: 1, turnId: first.turnId, attachmentId }, context(true))
    await end(first.turnId)
    const second = await ask('And now?')
    expect(await turns.claim(second.turnId, 'w', leaseMs)).toMatchObject({ kind: 'reading' })
    await extract({ v: 1, turnId: second.turnId, attachmentId }, context(true))
    await end(second.turnId)
    const third = await ask('And now?')
    expect(await turns.claim(third.turnId, 'w', leaseMs)).toMatchObject({ kind: 'reading' })
  })

  it('that cannot be read whatever the disk is not tried again', async () => {
    const extract = await extractor()
    const { turnId, files } = await ask('What does it say?', ['empty.txt'])
    fake.files.set('empty.txt', Buffer.alloc(0))
    await extract({ v: 1, turnId, attachmentId: files[0] ?? '' }, context())
    await end(turnId)
    const next = await ask('And now?')
    expect(await turns.claim(next.turnId, 'w', leaseMs)).toEqual({ kind: 'claimed' })
  })
})

describe('progress that is told as a message', () => {
  it('is shown although an earlier worker died between reserving that message and posting it', async () => {
    fake = createFakePlatform({ status: 'message' })
    const { turnId, files } = await ask('What does it say?', ['note.txt'])
    expect(await turns.reservePart(turnId, 0)).toBe(true)
    await database.pool.query(`update reply_part set posted_at = now() - interval '13 seconds'`)
    const extract = await extractor()
    await extract({ v: 1, turnId, attachmentId: files[0] ?? '' }, context())
    expect([...fake.posted.values()].map(({ text }) => text)).toEqual([expect.stringMatching(/^_(?:Fetching|Reading)/)])
    expect((await turns.parts(turnId))[0]?.ref).not.toBeNull()
  })
})

describe('many files', () => {
  /** Holds every file until it is let go. */
  function slowReader(elsewhere: (name: string) => boolean) {
    const open: { name: string; go(): void }[] = []
    const slow: Reader = {
      identify: async ({ name }) => ({ engine: 'slow-1', mediaType: 'text/plain', elsewhere: elsewhere(name) }),
      async read({ contentHash, name }) {
        await new Promise<void>((go) => open.push({ name, go }))
        return { contentHash, engine: 'slow-1', mediaType: 'text/plain', segments: [], tokens: 0, problems: [] }
      },
      async close() {},
    }
    return { slow, open }
  }

  async function states() {
    const { rows } = await database.pool.query('select state::text, count(*)::int from turn_attachment group by 1')
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
  }

  it('are taken only as far as they can be read: the rest is untouched by a kill', async () => {
    const { slow, open } = slowReader(() => false)
    const extract = await extractor({ reader: slow, readers: 2 })
    const names = Array.from({ length: 12 }, (_, n) => `note-${n}.txt`)
    const { turnId, files } = await ask('What do they say?', names)
    const running = files.map((attachmentId) => extract({ v: 1, turnId, attachmentId }, context()))
    await expect.poll(() => open.length).toBe(4)
    for (let n = 0; n < 50; n += 1) await yieldLoop()
    expect(await states()).toEqual({ waiting: 8, reading: 4 })
    const all = Promise.all(running)
    let over = false
    void all.then(() => (over = true))
    let most = 0
    while (!over) {
      most = Math.max(most, (await states()).reading ?? 0)
      for (const { go } of open.splice(0)) go()
      await yieldLoop()
    }
    expect(most).toBeLessThanOrEqual(4)
    expect(await all).toEqual(names.map(() => 'done'))
  })

  it('do not hold up a turn that is stopped', async () => {
    const { slow, open } = slowReader(() => false)
    const channel = createLocalChannel()
    const extract = await extractor({ reader: slow, readers: 1, channel })
    const others = await ask('What do they say?', ['a.txt', 'b.txt'])
    const running = others.files.map((attachmentId) =>
      extract({ v: 1, turnId: others.turnId, attachmentId }, context()),
    )
    await expect.poll(() => open.length).toBe(2)
    const { turnId, dispatch } = await turns.accept(
      message({ channelId: 'other', text: 'And this?', attachments: [textFile('c.txt')] }),
    )
    const waiting = extract({ v: 1, turnId, attachmentId: dispatch.attachmentIds[0] ?? '' }, context())
    await turns.requestStop(turnId)
    channel.publish(stopTopic, { turnId })
    expect(await waiting).toBe('done')
    expect(await states()).toEqual({ reading: 2, failed: 1 })
    for (const { go } of open.splice(0)) go()
    await Promise.all(running)
  })

  it('are read past recordings that wait for their transcript', async () => {
    const { slow, open } = slowReader((name) => name.endsWith('.mp3'))
    const extract = await extractor({ reader: slow, readers: 1 })
    const names = ['a.mp3', 'b.mp3', 'c.mp3', 'd.mp3', 'note.txt']
    const { turnId, files } = await ask('What do they say?', names)
    const running = files.map((attachmentId) => extract({ v: 1, turnId, attachmentId }, context()))
    await expect.poll(() => open.map(({ name }) => name).toSorted()).toEqual(names)
    for (const { go } of open.splice(0)) go()
    await Promise.all(running)
  })
})
