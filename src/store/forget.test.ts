/** Forgetting on a chat platform, where others' words stand beside those of the person who is forgotten. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { silentLog } from '../core/log.ts'
import { conversationKey } from '../core/message.ts'
import { createAudit } from './audit.ts'
import { createCommandCalls } from './command-calls.ts'
import { openDatabase } from './database.ts'
import { createFeedback } from './feedback.ts'
import { createForget } from './forget.ts'
import { createRecords } from './records-postgres.ts'
import { createSecrets } from './secrets.ts'
import { createTurns } from './turns-postgres.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

const conversation = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', threadId: '17.1' }
const place = { platform: 'slack', workspaceId: 'T1' }
const ann = 'slack/T1/ann'

async function open() {
  const { connection } = await server.createDatabase()
  const database = openDatabase(connection, { log: silentLog })
  onTestFinished(() => database.close())
  const turns = createTurns(database)
  const forget = createForget({ database, collect: async () => {}, log: silentLog })
  const ask = async (id: string, author: string, file?: string) => {
    const attachments =
      file === undefined
        ? []
        : [{ id: file, name: file, mediaType: 'text/plain', voiceNote: false, locator: null, blob: file }]
    const replyTarget = { conversation, data: null }
    const sent = message({ id, text: `words of ${author}`, attachments })
    const { turnId } = await turns.accept({
      ...sent,
      conversation,
      replyTarget,
      author: { id: author, name: `Name of ${author}` },
    })
    await database.pool.query(
      `update turn set state = 'done', answer = 'said to ' || $2, outcome = '{"text": "x"}', receipt = '{}' where id = $1`,
      [turnId, author],
    )
    return turnId
  }
  /** The tables with `text` in any column. */
  const tablesWith = async (text: string) => {
    const { rows } = await database.pool.query<{ name: string }>(
      `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
    )
    const found: string[] = []
    for (const { name } of rows) {
      const { rowCount } = await database.pool.query(`select from "${name}" t where strpos(t::text, $1) > 0 limit 1`, [
        text,
      ])
      if (rowCount !== 0) found.push(name)
    }
    return found
  }
  return {
    database,
    turns,
    forget,
    ask,
    tablesWith,
    records: createRecords(database, createSecrets(undefined), 'slack'),
  }
}

it('forgetting a person removes their comments, records, audit names and values, and command answers', async () => {
  const { database, forget, ask, tablesWith, records } = await open()
  const [own, other] = [await ask('1', 'ann'), await ask('2', 'bob')]
  const feedback = createFeedback(database)
  await feedback.give(other, 'ann', 'bad', 'comment canary')
  await feedback.give(other, 'eve', 'bad', 'kept comment')
  await records.put('source/x/canary.pdf', 'https://x.test', { turn: own })
  await records.put('asked/1', { quoted: 'quoted canary' }, { person: { workspaceId: 'T1', userId: 'ann' } })
  await records.put('asked/2', 'kept record', { person: { workspaceId: 'T1', userId: 'bob' } })
  const audit = createAudit(database)
  const by = { id: ann, name: 'Ann Canary', via: 'command' }
  const set = {
    by,
    scope: 'user:slack/T1/ann',
    name: 'persona',
    before: null,
    after: { persona: 'persona canary' },
  } as const
  await audit.record({ ...set, id: '00000000-0000-4000-8000-000000000001' })
  const calls = createCommandCalls(database)
  await calls.begin('c1', { person: ann, conversationKey: 'elsewhere' })
  await calls.end('c1', { text: 'told canary' })

  expect(await tablesWith('anary')).toEqual(['audit', 'command_call', 'feedback', 'platform_record'])
  const counts = await forget.forget({ ...place, userId: 'ann' }, 'ann')
  expect(counts).toMatchObject({ questions: 1, answers: 1 })
  expect(await tablesWith('anary')).toEqual([])
  expect(await tablesWith('Name of ann')).toEqual([])
  expect(await tablesWith('kept comment')).toEqual(['feedback'])
  expect(await tablesWith('kept record')).toEqual(['platform_record'])
  expect(await tablesWith('words of bob')).toEqual(['inbound'])
  // Who changed what stays, by id.
  expect(await audit.list({ scopes: ['user:slack/T1/ann'], limit: 1 })).toMatchObject([
    { name: 'persona', by: { id: ann } },
  ])
})

it('a record of a deleted turn is not kept', async () => {
  const { forget, ask, tablesWith, records } = await open()
  const turn = await ask('1', 'ann')
  await forget.forget({ ...place, channelId: 'C1' }, 'ann')
  await records.put('source/x/canary.pdf', 'canary', { turn })
  await records.put('task/1', 'canary', {})
  await records.assign('task/1', turn)
  expect(await tablesWith('canary')).toEqual([])
})

it('deleting a conversation removes its command answers', async () => {
  const { database, forget, ask, tablesWith } = await open()
  await ask('1', 'ann')
  const calls = createCommandCalls(database)
  await calls.begin('c1', { person: 'slack/T1/bob', conversationKey: conversationKey(conversation) })
  await calls.end('c1', { text: 'told canary' })
  await forget.forget({ ...place, channelId: 'C1', threadId: '17.1' }, 'ann')
  expect(await tablesWith('canary')).toEqual([])
})

it('deleting a file removes the answers given since, and keeps copies that others shared', async () => {
  const { database, forget, ask, tablesWith, turns } = await open()
  const hash = 'f'.repeat(64)
  await knowBlobs(database.pool, hash)
  const early = await ask('1', 'ann')
  const shared = await ask('2', 'ann', hash)
  const later = await ask('3', 'bob')
  await database.pool.query(`insert into blob_ref (hash, owner_kind, owner_id) values ($1, 'record', 'elsewhere')`, [
    hash,
  ])
  const file = { ...place, channelId: 'C1', threadId: '17.1', name: hash.toUpperCase() }
  expect(await forget.lookAtFile(file, 'ann')).toEqual({ questions: 0, answers: 2, files: 1, ofOthers: 0 })
  expect(await forget.lookAtFile({ ...file, threadId: 'other' }, 'ann')).toMatchObject({ files: 0 })
  await forget.forgetFile(file, 'ann')
  expect(await tablesWith(hash)).toEqual(['blob', 'blob_ref', 'blob_released'])
  const { rows } = await database.pool.query<{ id: string }>('select id from turn where answer is not null')
  expect(rows).toEqual([{ id: early }])
  expect(await turns.ended(shared)).toBeNull()
  expect(await turns.ended(later)).toBeNull()
})

it('a file cannot be deleted while an answer uses it', async () => {
  const { database, forget, ask } = await open()
  const hash = 'e'.repeat(64)
  await knowBlobs(database.pool, hash)
  await ask('1', 'ann', hash)
  const writing = await ask('2', 'bob')
  await database.pool.query(`update turn set state = 'answering' where id = $1`, [writing])
  const file = { ...place, channelId: 'C1', threadId: '17.1', name: hash }
  await expect(forget.forgetFile(file, 'ann')).rejects.toMatchObject({ code: 'request_invalid' })
})
