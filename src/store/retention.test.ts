/** What is older than the configured days is in no row of any table, and what is younger stays whole. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createConsoleBoard } from '../../adapters/console/board-postgres.ts'
import { retentionOnConsole } from '../../adapters/console/retention-postgres.ts'
import { canary, createCanaryRig, outcome, title } from '../../test/canary-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { file, message } from '../../test/fakes/message.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { silentLog } from '../core/log.ts'
import { artifactOf } from '../search/retriever.contract.ts'
import { createAttachments } from './attachments.ts'
import { createCommandCalls } from './command-calls.ts'
import { type Database, openDatabase } from './database.ts'
import { createFeedback } from './feedback.ts'
import { createLearnedSources } from './learned-sources.ts'
import { createRetention, type RetentionDays, type RetentionDeps } from './retention.ts'

let server: TestServer
let database: Database
let rig: ReturnType<typeof createCanaryRig>
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  rig = createCanaryRig(database)
  return () => database.close()
})

const retain = (days: RetentionDays, more: Partial<RetentionDeps> = {}) =>
  createRetention({ database, days, moreOfOne: retentionOnConsole, ...more })()

/** Everything that is stored happened so many days earlier. */
async function age(days: number): Promise<void> {
  const { rows } = await database.pool.query<{ name: string; columns: string[] }>(
    `select table_name as name, array_agg(column_name::text) as columns from information_schema.columns
     where table_schema = 'public' and data_type = 'timestamp with time zone' group by table_name`,
  )
  for (const { name, columns } of rows) {
    const sets = columns.map((column) => `"${column}" = "${column}" - interval '${days} days'`)
    await database.pool.query(`update "${name}" set ${sets.join(', ')}`)
  }
  await database.pool.query(
    `update turn_attachment set posted = posted || jsonb_build_object('at', (posted ->> 'at')::timestamptz - interval '${days} days')
     where posted is not null`,
  )
}

const withCanary = (own: boolean, ref: string) => ({ ...outcome(ref, own), text: `The ${canary} flies [1].` })

async function answered(channelId: string, more: Partial<Parameters<typeof rig.turns.accept>[0]> = {}) {
  const { turnId } = await rig.turns.accept({
    ...message({ channelId, text: `Where is the ${canary}?` }),
    kind: 'mention',
    ...more,
  })
  await rig.finish(turnId, withCanary(false, 'none'))
  return turnId
}

/** A thread of the page with a question, its file and its answer. */
async function onPage(threadId: string, text: string): Promise<string> {
  const board = createConsoleBoard(database.query)
  const upload = {
    uploadId: randomUUID(),
    name: title,
    mediaType: 'application/pdf',
    bytes: 1,
    contentHash: 'a'.repeat(64),
  }
  await knowBlobs(database.pool, upload.contentHash)
  await board.saveUpload(upload, null)
  const chip = { id: upload.uploadId, name: title, mediaType: 'application/pdf', bytes: 1 }
  const asked = message({ platform: 'console', channelId: threadId, text })
  const at = { threadId, listed: true, owner: null }
  await board.addMessage({ ...at, id: asked.id, title: text, text, attachments: [chip] })
  const conversation = { platform: 'console', workspaceId: 'local', channelId: threadId }
  const { turnId } = await rig.turns.accept({ ...asked, conversation })
  const said = withCanary(false, 'none')
  await rig.finish(turnId, said)
  const { citations, receipt } = said
  await board.saveReply({ id: randomUUID(), threadId, text: said.text, state: 'done', turnId, citations, receipt })
  return turnId
}

const count = async (table: string, where = 'true') =>
  Number((await database.pool.query(`select count(*) from ${table} where ${where}`)).rows[0].count)

describe('after the days', () => {
  it('nothing is left of questions, files, answers, ratings and commands; before them, everything is', async () => {
    const shared = await rig.share()
    await rig.finish(shared.turnId, withCanary(true, shared.ref))
    await rig.resting(shared.ref, 'elsewhere')
    await createFeedback(database).give(shared.turnId, 'bob', 'good', `Nice ${canary}`)
    await onPage(randomUUID(), `What does the ${canary} eat?`)
    const calls = createCommandCalls(database)
    await calls.begin('call', { person: 'test/team/ann', conversationKey: 'test/team/general' })
    await calls.end('call', { text: `Forget ${title}?` })
    await age(29)
    const before = await rig.left()
    expect(before).toEqual(expect.arrayContaining(['artifact', 'command_call', 'console_message', 'console_thread']))
    expect(before).toEqual(
      expect.arrayContaining(['console_upload', 'feedback', 'inbound', 'passage', 'share', 'turn']),
    )
    expect(await retain({ days: 30 })).toBe(0)
    expect(await rig.left()).toEqual(before)

    await age(2)
    const young = await answered('young', { text: 'And today?' })
    await rig.finish(young, outcome('none', false))
    expect(await retain({ days: 30 })).toBeGreaterThan(0)
    await database.pool.query('update turn set outcome = null, answer = null, receipt = null where id = $1', [young])
    expect(await rig.left()).toEqual([])
    expect(await count('turn')).toBe(1)
    expect(await count('conversation')).toBe(1)
    expect(await count('console_thread')).toBe(0)
    // The collector removes the bytes.
    expect(await count('blob_ref')).toBe(0)
    expect(await count('blob_released')).toBeGreaterThan(0)
  })

  it('and without days everything stays', async () => {
    await answered('general')
    await onPage(randomUUID(), 'What?')
    await age(10_000)
    const before = database.roundTrips()
    expect(await retain({})).toBe(0)
    expect(database.roundTrips()).toBe(before)
    expect(await count('turn')).toBe(2)
  })

  it('what one person alone reads can go sooner, or later', async () => {
    const room = await answered('general')
    const direct = await answered('direct-ann', { kind: 'direct' })
    const alone = await answered('general', { private: true })
    const page = await onPage(randomUUID(), 'What?')
    await age(31)
    const kept = async () => (await database.pool.query('select id from turn order by seq')).rows.map(({ id }) => id)
    expect(await retain({ days: 30, directDays: 60 })).toBe(1)
    expect(await kept()).toEqual([direct, alone, page])
    const again = await answered('general')
    await age(31)
    await retain({ directDays: 30 })
    expect(await kept()).toEqual([again])
    expect(room).not.toBe(again)
    expect(await count('console_thread')).toBe(0)
  })

  it('a question stays as long as the last of its answers, and one that is being answered again stays', async () => {
    const first = await answered('general')
    await age(31)
    const { turnId } = await rig.turns.regenerate(first)
    expect(await retain({ days: 30 })).toBe(0)
    await rig.finish(turnId, withCanary(false, 'none'))
    await age(20)
    expect(await retain({ days: 30 })).toBe(0)
    expect((await rig.turns.load(turnId)).messages).toHaveLength(1)
    await age(11)
    expect(await retain({ days: 30 })).toBe(2)
    expect(await rig.left()).toEqual([])
  })

  it('a conversation that is being answered is looked at again later', async () => {
    await answered('general')
    await age(31)
    const { turnId } = await rig.turns.accept({ ...message({ text: 'More?' }), kind: 'mention' })
    await rig.turns.claim(turnId, 'worker', 60_000)
    expect(await retain({ days: 30 })).toBe(0)
    await rig.finish(turnId, outcome('none', false))
    expect(await retain({ days: 30 })).toBe(1)
  })

  it('files of a watched channel go, and what admins taught a collection stays', async () => {
    const learned = createLearnedSources(database)
    const conversation = { platform: 'test', workspaceId: 'team', channelId: 'watched' }
    for (const [key, kind, source] of [
      ['test/team/watched', 'private', 'watch'],
      ['collection/local/x', 'collection', 'pins'],
    ] as const) {
      const id = randomUUID()
      await database.pool.query(
        `insert into place (key, platform, workspace_id, channel_id, kind) values ($1, 'test', 'team', 'watched', $2::place_kind)`,
        [key, kind],
      )
      await database.pool.query(
        `insert into learned_source (id, place_key, kind, key, title, added_by, spender)
         values ($1, $2, $3::learned_kind, 'k', 'x', 'cli', '{}')`,
        [id, key, source],
      )
      const attachment = { ...file(source === 'watch' ? title : 'pinned.pdf'), id: source }
      const posted = { messageId: source, account: 'ann', by: 'Ann', at: new Date().toISOString(), attachment }
      const [work] = await learned.keepFiles(id, [{ ...posted, place: conversation }], { complete: false })
      const artifact = artifactOf(source, [source === 'watch' ? `The ${canary}.` : 'A penguin.'])
      await knowBlobs(database.pool, artifact.contentHash)
      const attachments = createAttachments(database)
      await attachments.claim(work?.attachmentId ?? '', 'reader', 60_000)
      const receipt = {
        attachmentId: source,
        name: attachment.name,
        outcome: 'read' as const,
        summary: '',
        problems: [],
      }
      await attachments.finish(work?.attachmentId ?? '', 'reader', { receipt, key: artifact })
    }
    expect(await count('share')).toBe(2)
    await age(31)
    expect(await retain({ days: 30 })).toBe(1)
    expect(await rig.left()).toEqual([])
    expect((await database.pool.query('select title from share')).rows).toEqual([{ title: 'pinned.pdf' }])
  })
})

describe('a thread of the page', () => {
  it('that goes on keeps its younger messages and is called by them', async () => {
    const threadId = randomUUID()
    await onPage(threadId, `What does the ${canary} eat?`)
    await age(31)
    await onPage(threadId, 'And where does it sleep?')
    await retain({ days: 30 })
    const thread = await createConsoleBoard(database.query).thread(threadId, null)
    expect(thread).toMatchObject({ thread: { title: 'And where does it sleep?' } })
    expect(await count('console_message')).toBe(2)
    expect(await count('console_upload')).toBe(1)
  })
})

it('one look deletes a bounded number of rows, and the next one goes on', async () => {
  for (let n = 0; n < 7; n += 1) await answered(`channel-${n}`)
  await age(31)
  let now = 0
  const look = createRetention({ database, days: { days: 30 }, batch: 2, batches: 2, now: () => now })
  expect(await look()).toBe(4)
  expect(await look()).toBe(3)
  await answered('late')
  await age(31)
  expect(await look()).toBe(0)
  now += 3_600_000
  expect(await look()).toBe(1)
})
