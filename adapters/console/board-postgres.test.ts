import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createForget } from '../../src/store/forget.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { countOnConsole, createConsoleBoard, forgetOnConsole } from './board-postgres.ts'

let server: TestServer
let database: Database
let board: ReturnType<typeof createConsoleBoard>
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  board = createConsoleBoard(database.query)
  await knowBlobs(database.pool, ...['a', 'b', 'c', 'd', 'e'].map(hash))
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

const hash = (letter: string) => letter.repeat(64)
const upload = (contentHash: string) => ({
  uploadId: randomUUID(),
  name: 'a.txt',
  mediaType: 'text/plain',
  bytes: 1,
  contentHash,
})

test('an upload keeps its content: repeating it is safe, and other content is refused', async () => {
  const one = upload(hash('a'))
  await board.saveUpload(one, null)
  await board.saveUpload({ ...one, name: 'b.txt' }, null)
  await expect(board.saveUpload({ ...one, contentHash: hash('b') }, null)).rejects.toMatchObject({
    code: 'request_invalid',
  })
  expect(await board.uploads([one.uploadId], null)).toEqual([{ ...one, name: 'b.txt' }])
})

test('a message of one thread is refused in another, and creates no thread', async () => {
  const message = { id: randomUUID(), text: 'x', title: 'x', attachments: [], listed: true, owner: null }
  const [threadId, other] = [randomUUID(), randomUUID()]
  const first = await board.addMessage({ ...message, threadId })
  expect(await board.addMessage({ ...message, threadId })).toEqual(first)
  await expect(board.addMessage({ ...message, threadId: other })).rejects.toMatchObject({ code: 'request_invalid' })
  expect(await board.summaries([other])).toEqual([])
})

test('uploads that were not sent within a day are deleted with their bytes', async () => {
  const sent = upload(hash('c'))
  const alone = upload(hash('d'))
  const sameAsSent = upload(hash('c'))
  const fresh = upload(hash('e'))
  for (const each of [sent, alone, sameAsSent, fresh]) await board.saveUpload(each, null)
  const { uploadId: id, name, mediaType, bytes } = sent
  const attachments = [{ id, name, mediaType, bytes }]
  await board.addMessage({
    id: randomUUID(),
    threadId: randomUUID(),
    text: 'x',
    title: 'x',
    attachments,
    listed: true,
    owner: null,
  })
  await database.prisma.consoleUpload.updateMany({
    where: { id: { in: [sent, alone, sameAsSent].map(({ uploadId }) => uploadId) } },
    data: { createdAt: new Date(Date.now() - 25 * 3_600_000) },
  })
  const kept = async () => {
    const { rows } = await database.pool.query<{ hash: string }>('select hash from blob_ref order by hash')
    return rows.map((row) => row.hash)
  }
  expect(await kept()).toEqual(['a', 'c', 'c', 'd', 'e'].map(hash))
  expect(await board.sweepUploads()).toBe(2)
  expect(await kept()).toEqual(['a', 'c', 'e'].map(hash))
  const left = await board.uploads(
    [sent, alone, sameAsSent, fresh].map(({ uploadId }) => uploadId),
    null,
  )
  expect(left).toEqual([sent, fresh])
  expect(await board.sweepUploads()).toBe(0)
})

test('an answer never gets shorter while it streams; only its final text or another answer may be shorter', async () => {
  const threadId = randomUUID()
  await board.addMessage({
    id: randomUUID(),
    threadId,
    text: 'x',
    title: 'x',
    attachments: [],
    listed: true,
    owner: null,
  })
  const reply = { id: 'r1', threadId, turnId: randomUUID(), state: 'streaming' as const, citations: [], receipt: null }
  const text = async () => (await board.thread(threadId, null))?.messages.find(({ id }) => id === 'r1')?.text
  await board.saveReply({ ...reply, text: 'A long beginning' })
  await board.saveReply({ ...reply, text: 'A long' })
  expect(await text()).toBe('A long beginning')
  await board.saveReply({ ...reply, text: 'A long beginning of it' })
  expect(await text()).toBe('A long beginning of it')
  await board.saveReply({ ...reply, text: 'Short.', state: 'done', receipt })
  expect(await text()).toBe('Short.')
  await board.saveReply({ ...reply, turnId: randomUUID(), text: 'New' })
  expect(await text()).toBe('New')
  await board.saveReply({ ...reply, turnId: null, text: 'Said outside' })
  await board.saveReply({ ...reply, turnId: null, text: 'Said' })
  expect(await text()).toBe('Said')
})

test('a thread of commands alone is counted and deleted with their answers and files', async () => {
  const forget = createForget({
    database,
    collect: async () => {},
    log: silentLog,
    more: forgetOnConsole,
    countMore: [countOnConsole],
  })
  const [threadId, other] = [randomUUID(), randomUUID()]
  const say = async (thread: string, text: string, files: ReturnType<typeof upload>[] = []) => {
    const id = randomUUID()
    await board.addMessage({ id, threadId: thread, text, title: text, attachments: [], listed: false, owner: null })
    const attachments = files.map(({ uploadId, name, mediaType, bytes }) => ({ id: uploadId, name, mediaType, bytes }))
    const answer = { id: `${id}.answer`, threadId: thread, text: `answer to ${text}`, attachments, buttons: [] }
    await board.saveNotice({ ...answer, listed: false })
    await database.pool.query(
      `insert into command_call (id, run, notice, person, conversation_key) values ($1, gen_random_uuid(), '{}', 'console/local/you', $2)`,
      [id, `console/local/${thread}`],
    )
  }
  const report = upload(hash('b'))
  await board.saveUpload(report, null)
  await say(threadId, '/usage month', [report])
  await say(threadId, '/help')
  await say(threadId, '/forget thread')
  await say(other, '/help')
  const thread = (channelId: string) => ({ platform: 'console', workspaceId: 'local', channelId })
  const all = { questions: 2, answers: 2, files: 1, ofOthers: 0 }
  expect(await forget.look(thread(threadId), 'local')).toEqual(all)
  expect(await forget.look(thread(randomUUID()), 'local')).toEqual({ questions: 0, answers: 0, files: 0, ofOthers: 0 })
  expect(await forget.forget(thread(threadId), 'local')).toEqual(all)
  expect(await board.thread(threadId, null)).toBeNull()
  expect(await board.uploads([report.uploadId], null)).toEqual([])
  const { rows } = await database.pool.query('select conversation_key as key from command_call')
  expect(rows).toEqual([{ key: `console/local/${other}` }])
  expect((await board.thread(other, null))?.messages).toHaveLength(2)
})
