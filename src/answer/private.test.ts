/** Answers that one person alone sees: what they use, and what they leave behind for the others in the room. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { file, message } from '../../test/fakes/message.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { silentLog } from '../core/log.ts'
import type { IncomingMessage } from '../core/message.ts'
import { type PlaceFacts, placeKey } from '../core/place.ts'
import { plainRules } from '../routing/rules.ts'
import { createMemory } from '../search/memory.ts'
import { createPlaceReaders } from '../search/places.ts'
import { createPlaceRows } from '../search/providers/places-postgres.ts'
import { createPassageIndex } from '../search/providers/postgres.ts'
import { artifactOf } from '../search/retriever.contract.ts'
import { createAttachments } from '../store/attachments.ts'
import { type Database, openDatabase } from '../store/database.ts'
import type { StoredOutcome, Turns } from '../store/turns.ts'
import { createTurns } from '../store/turns-postgres.ts'
import { createUsage } from '../store/usage.ts'
import { forMeWording } from '../wording/search.ts'
import { searchForMe } from './for-me.ts'

let server: TestServer
let database: Database
let turns: Turns
const facts = new Map<string, PlaceFacts>()
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  facts.clear()
  return () => database.close()
})

const sent = (author: string, text: string, more: Partial<IncomingMessage> = {}): IncomingMessage => ({
  ...message({ author, text }),
  kind: 'mention',
  ...more,
})
const alone = { kind: 'command', private: true } as const

/** Asks, lets a worker read the files, and answers. */
async function answered(asked: IncomingMessage, text = `Answer to ${asked.text}`): Promise<string> {
  const { turnId, dispatch } = await turns.accept(asked)
  const attachments = createAttachments(database)
  for (const [at, id] of dispatch.attachmentIds.entries()) {
    const name = asked.attachments[at]?.name ?? ''
    const artifact = artifactOf(name, [`${name}: the heron is at the third lake, says ${name}.`])
    await knowBlobs(database.pool, artifact.contentHash)
    await createPassageIndex(database.lasting).add(artifact)
    await attachments.claim(id, 'reader', 60_000)
    const receipt = { attachmentId: id, name, outcome: 'read' as const, summary: '', problems: [] }
    await attachments.finish(id, 'reader', { receipt, key: artifact })
  }
  await turns.claim(turnId, 'worker', 60_000)
  const receipt = {
    model: 'm',
    provider: 'p',
    reason: '',
    attachments: [],
    costNanoUsd: null,
    attempts: 1,
    notices: [],
  }
  const outcome: StoredOutcome = {
    text,
    citations: [],
    state: 'done',
    receipt: { ...receipt, ms: { queued: 0, firstText: null, total: 0 } },
  }
  await turns.finish(turnId, 'worker', outcome, null)
  return turnId
}

/** What a question is given of what was asked before it. */
async function known(asked: IncomingMessage) {
  const { turnId } = await turns.accept(asked)
  const { history, earlierFiles } = await turns.load(turnId)
  await turns.requestStop(turnId)
  await database.pool.query(`update turn set state = 'stopped' where id = $1`, [turnId])
  return { history: history.map(({ answer }) => answer), files: earlierFiles.map(({ attachment }) => attachment.name) }
}
const withFile = (name: string) => ({ attachments: [{ ...file(name), id: randomUUID() }] })

describe('what somebody asked for themselves alone', () => {
  it("is in their own private history, and in nobody else's, nor in that of the room", async () => {
    await answered(sent('ann', 'open', withFile('open.pdf')))
    await answered(sent('ann', 'secret', { ...alone, ...withFile('secret.pdf') }))
    const room = { history: ['Answer to open'], files: ['open.pdf'] }
    expect(await known(sent('bob', 'room?'))).toEqual(room)
    expect(await known(sent('ann', 'room?'))).toEqual(room)
    expect(await known(sent('bob', 'mine?', alone))).toEqual(room)
    expect(await known(sent('ann', 'mine?', alone))).toEqual({
      history: ['Answer to open', 'Answer to secret'],
      files: ['secret.pdf', 'open.pdf'],
    })
  })

  it('joins no question that the room sees, and no question of the room joins it', async () => {
    const open = await turns.accept(sent('ann', 'open'))
    const secret = await turns.accept(sent('ann', 'secret', alone))
    const next = await turns.accept(sent('ann', 'open again'))
    expect(new Set([open.turnId, secret.turnId, next.turnId]).size).toBe(3)
    const more = await turns.accept(sent('ann', 'more', alone))
    expect(more.kind).toBe('new')
  })

  it('gives the room no file that could not be read at first', async () => {
    const { turnId, dispatch } = await turns.accept(sent('ann', 'secret', { ...alone, ...withFile('secret.pdf') }))
    const [id = ''] = dispatch.attachmentIds
    const attachments = createAttachments(database)
    await attachments.claim(id, 'reader', 60_000)
    const problems = [{ code: 'file_fetch_failed' as const, userMessage: 'Not now.' }]
    const receipt = { attachmentId: id, name: 'secret.pdf', outcome: 'skipped' as const, summary: '', problems }
    await attachments.finish(id, 'reader', { receipt, key: null })
    await database.pool.query(`update turn set state = 'done' where id = $1`, [turnId])
    const { turnId: open } = await turns.accept(sent('ann', 'open'))
    expect(await turns.claim(open, 'worker', 60_000)).toEqual({ kind: 'claimed' })
  })

  it('is no reason for Parley to take part in the thread', async () => {
    await answered(sent('ann', 'secret', alone))
    expect(await turns.participation('test/team/general', 'ann')).toBeNull()
    await answered(sent('bob', 'open'))
    expect(await turns.participation('test/team/general', 'ann')).toMatchObject({ asked: false })
    expect((await turns.participation('test/team/general', 'bob'))?.known.taken).toHaveLength(1)
  })

  it('is not the last answer that others ask about, and keeps nobody from regenerating theirs', async () => {
    const open = await answered(sent('bob', 'open'))
    const secret = await answered(sent('ann', 'secret', alone))
    const { conversation } = message()
    const usage = createUsage(database)
    expect(await usage.latestTurn(conversation, 'bob')).toBe(open)
    expect(await usage.latestTurn(conversation, 'ann')).toBe(secret)
    await expect(turns.regenerate(open)).resolves.toMatchObject({ dispatch: 1 })
    const again = await turns.regenerate(secret)
    expect((await turns.about(again.turnId))?.private).toBe(true)
  })
})

describe('"Search what only I can see"', () => {
  const memory = () => {
    const places = createPlaceReaders({
      rows: createPlaceRows(database.lasting),
      log: silentLog,
      places: () => ({
        look: async (place) => facts.get(placeKey(place)) ?? null,
        canRead: async (place, account) => facts.get(placeKey(place))?.members?.includes(account) === true,
      }),
    })
    const index = createPassageIndex(database.lasting)
    return { turns, index, memory: createMemory({ retriever: index, places }) }
  }
  const press = (turnId: string, id: string, remembers = true) =>
    searchForMe(
      {
        ...memory(),
        accounts: () => 'workspace',
        rules: async () => ({ ...plainRules, policy: { ...plainRules.policy, memory: remembers } }),
      },
      turnId,
      { id },
    )
  const at = (channelId: string) => ({ conversation: { ...message().conversation, channelId } })

  it('quotes to the presser what the room may not see, with its place, and to others what is theirs', async () => {
    facts.set('test/team/general', { kind: 'public', name: 'general', members: ['ann', 'bob'], outsiders: false })
    facts.set('test/team/board', { kind: 'private', name: 'board', members: ['ann'], outsiders: false })
    await answered(sent('ann', 'minutes', { ...at('board'), ...withFile('minutes.pdf') }))
    await answered(sent('bob', 'news', withFile('news.pdf')))
    const asked = await answered(sent('bob', 'Where is the heron?'))
    const mine = await press(asked, 'ann')
    expect(mine).toMatchObject({ private: true })
    expect(mine.text).toContain('minutes.pdf')
    expect(mine.text).toContain('#board')
    expect(mine.text).toContain('the heron is at the third lake')
    // What everybody here may see is no news.
    expect(mine.text).not.toContain('news.pdf')
    expect(await press(asked, 'bob')).toEqual({ text: forMeWording.nothing, private: true })
  })

  it('says so where the answer was for them alone, or the memory is off', async () => {
    const own = await answered(sent('ann', 'Where is the heron?', alone))
    expect((await press(own, 'ann')).text).toBe(forMeWording.alone)
    const asked = await answered(sent('ann', 'Where is the heron?'))
    expect((await press(asked, 'ann', false)).text).toBe(forMeWording.off)
  })
})
