import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { createConsoleBoard } from './board-postgres.ts'

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
  await board.saveUpload(one)
  await board.saveUpload({ ...one, name: 'b.txt' })
  await expect(board.saveUpload({ ...one, contentHash: hash('b') })).rejects.toMatchObject({ code: 'request_invalid' })
  expect(await board.uploads([one.uploadId])).toEqual([{ ...one, name: 'b.txt' }])
})

test('a message of one thread is refused in another, and creates no thread', async () => {
  const message = { id: randomUUID(), text: 'x', title: 'x', attachments: [] }
  const [threadId, other] = [randomUUID(), randomUUID()]
  const first = await board.addMessage({ ...message, threadId })
  expect(await board.addMessage({ ...message, threadId })).toEqual(first)
  await expect(board.addMessage({ ...message, threadId: other })).rejects.toMatchObject({ code: 'request_invalid' })
  expect(await board.summary(other)).toBeNull()
})

test('uploads that were not sent within a day are deleted with their bytes', async () => {
  const sent = upload(hash('c'))
  const alone = upload(hash('d'))
  const sameAsSent = upload(hash('c'))
  const fresh = upload(hash('e'))
  for (const each of [sent, alone, sameAsSent, fresh]) await board.saveUpload(each)
  const { uploadId: id, name, mediaType, bytes } = sent
  const attachments = [{ id, name, mediaType, bytes }]
  await board.addMessage({ id: randomUUID(), threadId: randomUUID(), text: 'x', title: 'x', attachments })
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
  const left = await board.uploads([sent, alone, sameAsSent, fresh].map(({ uploadId }) => uploadId))
  expect(left).toEqual([sent, fresh])
  expect(await board.sweepUploads()).toBe(0)
})

test('an answer never gets shorter while it streams; only its final text or another answer may be shorter', async () => {
  const threadId = randomUUID()
  await board.addMessage({ id: randomUUID(), threadId, text: 'x', title: 'x', attachments: [] })
  const reply = { id: 'r1', threadId, turnId: randomUUID(), state: 'streaming' as const, citations: [], receipt: null }
  const text = async () => (await board.thread(threadId))?.messages.find(({ id }) => id === 'r1')?.text
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
