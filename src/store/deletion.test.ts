/** Gone is gone: after each kind of deletion a word of the file is in no row of any table. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  canary,
  conversation,
  createCanaryRig,
  outcome,
  receiptOfFile,
  type SharedCanary,
  title,
} from '../../test/canary-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { file, message } from '../../test/fakes/message.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { silentLog } from '../core/log.ts'
import type { PlaceChange } from '../core/place.ts'
import { createPlaceRows } from '../search/providers/places-postgres.ts'
import { artifactOf } from '../search/retriever.contract.ts'
import { createAttachments } from './attachments.ts'
import { type Database, openDatabase } from './database.ts'
import { createForget } from './forget.ts'
import type { StoredOutcome } from './turns.ts'

let server: TestServer
let database: Database
let turns: ReturnType<typeof createCanaryRig>['turns']
let finish: ReturnType<typeof createCanaryRig>['finish']
let left: ReturnType<typeof createCanaryRig>['left']
let shared: SharedCanary
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  const rig = createCanaryRig(database)
  ;({ turns, finish, left } = rig)
  shared = await rig.share()
  await rig.resting(shared.ref, 'elsewhere')
  return () => database.close()
})

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

  it('also of an answer elsewhere that was regenerated without it, when the file is forgotten', async () => {
    const first = await createCanaryRig(database).resting(shared.ref, 'again')
    await turns.savePart(first, { ordinal: 0, ref: 'posted', text: `The ${canary} flies.` })
    const { turnId } = await turns.regenerate(first)
    await finish(turnId, { ...outcome('none', false), citations: [], receipt })
    expect((await turns.parts(turnId))[0]?.text).toContain(canary)
    await forget().forgetFile({ ...conversation, name: title }, 'ann')
    expect(await left()).toEqual([])
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
