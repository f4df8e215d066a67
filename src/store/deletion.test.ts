/** Gone is gone: after each kind of deletion a word of the file is in no row of any table. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createConsoleBoard } from '../../adapters/console/board-postgres.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { file, message } from '../../test/fakes/message.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { silentLog } from '../core/log.ts'
import type { IncomingMessage } from '../core/message.ts'
import type { PlaceChange } from '../core/place.ts'
import { createPlaceRows } from '../search/providers/places-postgres.ts'
import { createPassageIndex } from '../search/providers/postgres.ts'
import { artifactOf } from '../search/retriever.contract.ts'
import { createAttachments } from './attachments.ts'
import { type Database, openDatabase } from './database.ts'
import { createForget } from './forget.ts'
import type { StoredOutcome, Turns } from './turns.ts'
import { createTurns } from './turns-postgres.ts'

/** A word that only the file and its name have. */
const canary = 'kolibri'
const title = `${canary}.pdf`
const thread = randomUUID()

let server: TestServer
let database: Database
let turns: Turns
/** Where the file was shared, by which turn, and as which attachment of the platform. */
let shared: { turnId: string; messageId: string; ref: string }
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  shared = await share()
  await resting('elsewhere')
  return () => database.close()
})

const conversation = { platform: 'test', workspaceId: 'team', channelId: 'general' }
const attachment = { ...file(title), id: 'F1', messageId: 'M1' }

async function share() {
  const asked: IncomingMessage = {
    ...message({ author: 'ann', text: 'Look', attachments: [attachment] }),
    kind: 'mention',
  }
  const { turnId, dispatch } = await turns.accept(asked)
  const [ref = ''] = dispatch.attachmentIds
  const artifact = artifactOf(title, [`The ${canary} flies.`])
  const attachments = createAttachments(database)
  await knowBlobs(database.pool, artifact.contentHash)
  await attachments.claim(ref, 'reader', 60_000)
  await attachments.refer(ref, 'reader', artifact.contentHash)
  await attachments.saveArtifact(artifact)
  await createPassageIndex(database.lasting).add(artifact)
  await attachments.finish(ref, 'reader', { receipt: receiptOfFile(), key: artifact })
  return { turnId, messageId: asked.id, ref }
}

const receiptOfFile = () => ({
  attachmentId: 'F1',
  name: title,
  outcome: 'read' as const,
  summary: `1 page of ${title}`,
  problems: [],
})

function outcome(ref: string, own: boolean): StoredOutcome {
  const source = {
    n: 1,
    kind: own ? ('file' as const) : ('memory' as const),
    title,
    ref,
    url: `https://files.example/${canary}`,
  }
  return {
    text: 'It flies [1].',
    state: 'done',
    citations: [{ n: 1, source, at: { kind: 'page', page: 1 }, quote: `The ${canary} flies.` }],
    receipt: {
      model: 'm',
      provider: 'p',
      reason: '',
      costNanoUsd: null,
      attempts: 1,
      attachments: own ? [receiptOfFile()] : [],
      thoughts: `They ask about the ${canary}.`,
      used: { summary: `all of ${title}`, tokens: 1, tokensAvailable: 1 },
      memory: { files: own ? [] : [{ title, ref, where: '#general', outcome: 'used' }] },
      notices: [`A newer version of ${title} was shared.`, 'Something else.'],
      ms: { queued: 0, firstText: null, total: 0 },
    },
  }
}

async function finish(turnId: string, with_: StoredOutcome): Promise<void> {
  await turns.claim(turnId, 'worker', 60_000)
  await turns.saveOutcome(turnId, 'worker', with_)
  await turns.finish(turnId, 'worker', with_, null)
}

/** An answer elsewhere that rests on the file, also on the page. */
async function resting(channelId: string): Promise<string> {
  const { turnId } = await turns.accept({ ...message({ channelId, author: 'bob' }), kind: 'mention' })
  await finish(turnId, outcome(shared.ref, false))
  const board = createConsoleBoard(database.query)
  const at = { threadId: thread, listed: true, owner: null }
  const asked = message({ platform: 'console', channelId: thread })
  await board.addMessage({ ...at, id: asked.id, title: 'x', text: 'x', attachments: [] })
  const onPage = await turns.accept({
    ...asked,
    conversation: { platform: 'console', workspaceId: 'local', channelId: thread },
  })
  await finish(onPage.turnId, outcome(shared.ref, false))
  const { text, citations, receipt } = outcome(shared.ref, false)
  await board.saveReply({
    id: randomUUID(),
    threadId: thread,
    text,
    state: 'done',
    turnId: onPage.turnId,
    citations,
    receipt,
  })
  return turnId
}

/** The tables in which the word still is. */
async function left(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  )
  const found: string[] = []
  for (const { name } of rows) {
    const { rows: hits } = await database.pool.query(`select 1 from "${name}" row where row::text ilike '%${canary}%'`)
    if (hits.length > 0) found.push(name)
  }
  return found.sort()
}

const sweep = () => createPlaceRows(database.lasting).sweep()
const change = (what: PlaceChange) => createPlaceRows(database.lasting).change(what)
const forget = () => createForget({ database, collect: async () => {}, log: silentLog })
const workspace = { platform: 'test', workspaceId: 'team' }

describe('after an answer, nothing of a file is left', () => {
  beforeEach(() => finish(shared.turnId, outcome(shared.ref, true)))

  it.each<[string, () => Promise<unknown>]>([
    ['its message is deleted', () => turns.withdraw('test', [shared.messageId])],
    ['it is deleted on the platform', () => change({ kind: 'fileDeleted', ...workspace, attachmentId: 'F1' })],
    ['an edit removes it', () => change({ kind: 'filesLeft', ...workspace, messageIds: ['M1'], left: [] })],
    ['Parley is removed from the channel', () => change({ kind: 'removed', place: conversation })],
    ['Parley is removed from the workspace', () => change({ kind: 'workspaceRemoved', ...workspace })],
    ['its sender is forgotten', () => forget().forget({ ...workspace, userId: 'ann' }, 'ann')],
    ['the channel is forgotten', () => forget().forget(conversation, 'ann')],
    ['it is forgotten', () => forget().forgetFile({ ...conversation, name: title }, 'ann')],
  ])('when %s', async (_, remove) => {
    expect(await left()).toEqual([
      'artifact',
      'console_message',
      'inbound',
      'passage',
      'share',
      'turn',
      'turn_attachment',
    ])
    await remove()
    expect(await left()).toEqual([])
    // Once more does no harm.
    await remove()
  })

  it('but what was said stays, and so does what has nothing to do with it', async () => {
    await change({ kind: 'fileDeleted', ...workspace, attachmentId: 'F1' })
    const { rows } = await database.pool.query<{ answer: string; outcome: StoredOutcome }>(
      'select answer, outcome from turn order by seq',
    )
    for (const { answer, outcome: kept } of rows) {
      expect(answer).toBe('It flies [1].')
      expect(kept.receipt.notices).toEqual(['Something else.'])
      expect(kept.citations).toMatchObject([
        { n: 1, source: { n: 1, title: 'Deleted file' }, at: { kind: 'page', page: 1 } },
      ])
    }
  })
})

describe('while a question is open', () => {
  it('a file that is deleted before it begins is gone at once', async () => {
    await change({ kind: 'fileDeleted', ...workspace, attachmentId: 'F1' })
    expect(await left()).toEqual([])
  })

  it('a file that is deleted meanwhile is found by nobody else, and gone after the end', async () => {
    await turns.claim(shared.turnId, 'worker', 60_000)
    await change({ kind: 'fileDeleted', ...workspace, attachmentId: 'F1' })
    expect(await left()).toEqual(['artifact', 'inbound', 'passage', 'turn_attachment'])
    await finish(shared.turnId, outcome(shared.ref, true))
    await sweep()
    expect(await left()).toEqual([])
  })

  it('an answer elsewhere that is stored after the deletion loses what it kept with the next sweep', async () => {
    const { turnId } = await turns.accept({ ...message({ channelId: 'third', author: 'bob' }), kind: 'mention' })
    await turns.withdraw('test', [shared.messageId])
    await turns.requestStop(shared.turnId)
    await database.pool.query('delete from turn where id = $1', [shared.turnId])
    await finish(turnId, outcome(shared.ref, false))
    expect(await left()).toEqual(['turn'])
    await sweep()
    expect(await left()).toEqual([])
  })
})

describe('somebody who is forgotten', () => {
  it('is in no list of readers, and their direct chats are gone', async () => {
    const asked = {
      ...message({ channelId: 'direct-ann', author: 'ann', attachments: [{ ...file('other.pdf'), id: 'F2' }] }),
      kind: 'direct' as const,
    }
    const { dispatch } = await turns.accept(asked)
    const [ref = ''] = dispatch.attachmentIds
    const artifact = artifactOf('other.pdf', ['Other.'])
    await knowBlobs(database.pool, artifact.contentHash)
    const attachments = createAttachments(database)
    await attachments.claim(ref, 'reader', 60_000)
    await attachments.finish(ref, 'reader', { receipt: { ...receiptOfFile(), name: 'other.pdf' }, key: artifact })
    await database.pool.query(
      `insert into place_member (place_key, account, reads) values ('test/team/general', 'ann', true)`,
    )
    await forget().forget({ ...workspace, userId: 'ann' }, 'ann')
    expect((await database.pool.query(`select place_key from place_member where account = 'ann'`)).rows).toEqual([])
    expect(
      (await database.pool.query(`select key from place where kind = 'direct' and platform = 'test'`)).rows,
    ).toEqual([])
  })
})
