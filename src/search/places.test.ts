/** Who may be told what: files of other places are found only where everybody who reads the answer may see them. */
import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { file, message } from '../../test/fakes/message.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { silentLog } from '../core/log.ts'
import type { IncomingMessage } from '../core/message.ts'
import type { PlaceAddress, PlaceFacts } from '../core/place.ts'
import { placeKey } from '../core/place.ts'
import { spenderOf } from '../core/scope.ts'
import { createAttachments } from '../store/attachments.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createTurns } from '../store/turns-postgres.ts'
import { createMemory, memoryFloor } from './memory.ts'
import type { Audience } from './passages.ts'
import { createPlaceReaders, type PlaceRows, placeLimits } from './places.ts'
import { createPlaceRows } from './providers/places-postgres.ts'
import { createPassageIndex } from './providers/postgres.ts'
import { artifactOf } from './retriever.contract.ts'

let server: TestServer
let database: Database
let rows: PlaceRows
/** What the platform says now, by place. */
const facts = new Map<string, PlaceFacts | null>()
let asked: string[] = []

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  await database?.close()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  rows = createPlaceRows(database.lasting)
  facts.clear()
  asked = []
})
afterAll(() => database?.close())

const address = (channelId: string): PlaceAddress => ({ platform: 'test', workspaceId: 'team', channelId })
const channel = (channelId: string, kind: PlaceFacts['kind'], members: string[], outsiders = false) =>
  facts.set(placeKey(address(channelId)), { kind, name: channelId, members, outsiders })

function memory() {
  const index = createPassageIndex(database.lasting)
  const places = createPlaceReaders({
    rows,
    log: silentLog,
    places: () => ({
      async look(place) {
        asked.push(`look ${place.channelId}`)
        return facts.get(placeKey(place)) ?? null
      },
      async canRead(place, account) {
        asked.push(`read ${place.channelId} ${account}`)
        return facts.get(placeKey(place))?.members?.includes(account) === true
      },
    }),
  })
  return createMemory({ retriever: index, places })
}

/** Somebody sends a file in a channel, or in their direct chat, and a worker reads it. */
async function share(name: string, text: string, where: Partial<IncomingMessage> & { channelId: string }) {
  const { channelId, ...more } = where
  const artifact = artifactOf(`${name} ${text}`, [text])
  await knowBlobs(database.pool, artifact.contentHash)
  await createPassageIndex(database.lasting).add(artifact)
  const attachments = [{ ...file(name), id: randomUUID() }]
  const sent = { ...message({ channelId, attachments }), ...more }
  const { dispatch } = await createTurns(database).accept(sent)
  const store = createAttachments(database)
  for (const id of dispatch.attachmentIds) {
    await store.claim(id, 'reader', 60_000)
    const receipt = { attachmentId: id, name, outcome: 'read' as const, summary: '', problems: [] }
    await store.finish(id, 'reader', { receipt, key: artifact })
  }
  return createHash('sha256').update(`${name} ${text}`).digest('hex')
}

async function find(...given: Parameters<typeof search>) {
  return (await search(...given)).map(({ share: from }) => from?.title)
}

async function search(question: string, channelId: string, asker?: string, workspaceId: string | null = 'team') {
  const { conversation } = message({ channelId })
  // A question comes before the search: the conversation is known.
  await createTurns(database).accept({
    ...message({ channelId }),
    kind: asker === undefined ? 'mention' : 'direct',
  })
  const place = placeKey(conversation)
  const audience: Audience = {
    conversation: place,
    place,
    asker:
      asker === undefined
        ? undefined
        : { platform: 'test', workspaceId: workspaceId ?? undefined, account: asker, personId: undefined },
  }
  return await memory().find(question, {
    audience,
    except: [],
    floor: memoryFloor.alone,
    signal: AbortSignal.timeout(10_000),
    spender: spenderOf(conversation, { id: asker ?? 'ann' }),
  })
}

const question = 'When is the Heron release?'
const text = 'The Heron release is on the third of May.'

describe('a file that was shared in a private channel', () => {
  beforeEach(async () => {
    channel('private', 'private', ['ann', 'bob'])
    channel('general', 'public', ['ann', 'bob', 'cem'])
    channel('pair', 'private', ['ann', 'bob'])
    await share('plan.pdf', text, { channelId: 'private', kind: 'mention' })
  })

  it('is found there again, by everybody', async () => {
    expect(await find(question, 'private')).toEqual(['plan.pdf'])
  })

  it('is not found in a channel that has a reader more', async () => {
    expect(await find(question, 'general')).toEqual([])
  })

  it('is found in a channel whose readers can all read it', async () => {
    expect(await find(question, 'pair')).toEqual(['plan.pdf'])
  })

  it('is found by a member in a direct chat, and by nobody else', async () => {
    expect(await find(question, 'dm-ann', 'ann')).toEqual(['plan.pdf'])
    expect(await find(question, 'dm-cem', 'cem')).toEqual([])
  })

  it('is not found by somebody who left, from the event on, nor from the next look on', async () => {
    expect(await find(question, 'dm-bob', 'bob')).toEqual(['plan.pdf'])
    channel('private', 'private', ['ann'])
    await rows.change({ kind: 'left', place: address('private'), account: 'bob' })
    expect(await find(question, 'dm-bob', 'bob')).toEqual([])
    expect(await find(question, 'pair')).toEqual([])
  })

  it('is not found while nobody knows who reads', async () => {
    facts.clear()
    expect(await find(question, 'dm-ann', 'ann')).toEqual([])
    expect(await find(question, 'pair')).toEqual([])
    expect(await find(question, 'private')).toEqual(['plan.pdf'])
  })

  it('asks the platform once a minute', async () => {
    await find(question, 'dm-ann', 'ann')
    expect(asked.toSorted()).toEqual(['look private', 'read private ann'])
    await find(question, 'dm-ann', 'ann')
    expect(asked).toHaveLength(2)
  })

  it('goes with the place', async () => {
    await database.pool.query(`update turn set state = 'done'`)
    await rows.change({ kind: 'removed', place: address('private') })
    expect(await find(question, 'private')).toEqual([])
    expect((await database.pool.query('select 1 from share')).rows).toEqual([])
    expect((await database.pool.query('select 1 from turn_attachment')).rows).toEqual([])
  })
})

describe('a guest who reads a room', () => {
  it('counts as its reader after an event about their account, too', async () => {
    channel('secret', 'private', ['ann'])
    channel('room', 'private', ['ann', 'gil'], true)
    await share('plan.pdf', text, { channelId: 'secret', kind: 'mention' })
    expect(await find(question, 'room')).toEqual([])
    await rows.change({ kind: 'accountGone', platform: 'test', workspaceId: 'team', account: 'gil' })
    expect(await find(question, 'room')).toEqual([])
  })
})

describe('a file of a public channel', () => {
  beforeEach(async () => {
    channel('general', 'public', ['ann'])
    channel('private', 'private', ['bob', 'cem'])
    await share('plan.pdf', text, { channelId: 'general', kind: 'mention' })
  })

  it('is found in a channel of the workspace, unless somebody from outside reads it', async () => {
    expect(await find(question, 'private')).toEqual(['plan.pdf'])
    channel('shared', 'external', ['bob', 'eve'], true)
    expect(await find(question, 'shared')).toEqual([])
    channel('guests', 'private', ['bob', 'guest'], true)
    expect(await find(question, 'guests')).toEqual([])
  })

  it('is not found there once it is private', async () => {
    expect(await find(question, 'private')).toEqual(['plan.pdf'])
    channel('general', 'private', ['ann'])
    await rows.change({ kind: 'changed', place: address('general') })
    expect(await find(question, 'private')).toEqual([])
  })
})

describe('channels whose readers are told by groups', () => {
  const grouped = (channelId: string, groups: string[] | undefined, outsiders: boolean | undefined = false) =>
    facts.set(placeKey(address(channelId)), { kind: 'private', name: channelId, groups, outsiders })

  beforeEach(async () => {
    grouped('staff', ['lead', 'staff'])
    await share('plan.pdf', text, { channelId: 'staff', kind: 'mention' })
  })

  it.each([
    ['fewer', ['lead'], false, true],
    ['the same', ['staff', 'lead'], false, true],
    ['none but those who read everything', [], false, true],
    ['other', ['lead', 'guild'], false, false],
    ['unknown', undefined, false, false],
    ['fewer, but perhaps with guests', ['lead'], undefined, false],
  ])('a room of %s', async (_, groups, outsiders, found) => {
    facts.set(placeKey(address('room')), { kind: 'private', name: 'room', groups, outsiders })
    expect(await find(question, 'room')).toEqual(found ? ['plan.pdf'] : [])
  })

  it('is not found from the event on that changes them', async () => {
    grouped('room', ['lead'])
    expect(await find(question, 'room')).toEqual(['plan.pdf'])
    grouped('staff', ['staff'])
    await rows.change({ kind: 'workspaceChanged', platform: 'test', workspaceId: 'team' })
    expect(await find(question, 'room')).toEqual([])
  })
})

describe('the name of a place', () => {
  const named = async (asker: string) => {
    const found = await search(question, `dm-${asker}`, asker)
    return found.map(({ share: from }) => from?.place.name)
  }

  beforeEach(async () => {
    channel('private', 'private', ['ann', 'bob'])
    await share('plan.pdf', text, { channelId: 'private', kind: 'mention' })
  })

  it('is asked for where only this was not asked, once', async () => {
    // So many other places come first that the name is not among the questions before the search.
    for (let n = 0; n < placeLimits.questions; n += 1) {
      channel(`c${n}`, 'private', [])
      await share(`c${n}.pdf`, 'Lunch is at noon.', {
        channelId: `c${n}`,
        kind: 'mention',
        sentAt: '2020-01-01T00:00:00Z',
      })
    }
    expect(await named('ann')).toEqual(['private'])
    expect(asked.filter((each) => each === 'look private')).toHaveLength(1)
    expect(await named('ann')).toEqual(['private'])
    expect(asked.filter((each) => each === 'look private')).toHaveLength(1)
  })

  it('is told by an event, also while the platform does not answer', async () => {
    expect(await named('ann')).toEqual(['private'])
    await rows.change({ kind: 'changed', place: address('private'), name: 'renamed' })
    const { rows: stored } = await database.pool.query(`select name from place where key = 'test/team/private'`)
    expect(stored).toEqual([{ name: 'renamed' }])
  })

  it('is not needed for the answer: a place without one is found all the same', async () => {
    facts.set(placeKey(address('private')), { kind: 'private', members: ['ann'] })
    expect(await named('ann')).toEqual([undefined])
    expect(await named('ann')).toEqual([undefined])
    expect(asked.filter((each) => each === 'look private')).toHaveLength(1)
  })
})

describe('an account whose roles changed', () => {
  const change = () => rows.change({ kind: 'accountChanged', platform: 'test', workspaceId: 'team', account: 'ann' })
  const ask = async (account: string) => {
    asked = []
    const found = await find(question, `dm-${account}`, account)
    return { found, asked: asked.toSorted() }
  }

  beforeEach(async () => {
    channel('private', 'private', ['ann', 'bob'])
    await share('plan.pdf', text, { channelId: 'private', kind: 'mention' })
    for (const account of ['ann', 'bob']) expect((await ask(account)).found).toEqual(['plan.pdf'])
  })

  it('is asked about again, and nobody else', async () => {
    channel('private', 'private', ['bob'])
    await change()
    expect(await ask('bob')).toEqual({ found: ['plan.pdf'], asked: [] })
    expect(await ask('ann')).toEqual({ found: [], asked: ['read private ann'] })
    expect(await ask('ann')).toEqual({ found: [], asked: [] })
  })

  it('is told nothing by an answer to a question from before, also where it was never asked about', async () => {
    const question = { place: address('private'), ask: 'reader', account: 'ann' } as const
    const { askedAt } = await rows.stale({ place: 'test/team/dm-ann', asker: undefined }, { limit: 1 })
    await database.pool.query('delete from place_member')
    await change()
    await rows.save([{ question, reads: true }], askedAt, '')
    channel('private', 'private', [])
    expect(await ask('ann')).toEqual({ found: [], asked: ['read private ann'] })
  })
})

it('where somebody could read when last asked is asked first, and last where they could not', async () => {
  for (const [n, channelId] of ['own', 'foreign', 'new'].entries()) {
    const sentAt = `2026-11-0${n + 1}T10:00:00Z`
    await share(`${channelId}.pdf`, text, { channelId, kind: 'mention', id: channelId, sentAt })
  }
  channel('own', 'private', ['ann'])
  channel('foreign', 'private', ['bob'])
  await find(question, 'dm-ann', 'ann')
  const reads = () => asked.filter((each) => each.startsWith('read'))
  expect(reads()).toEqual(['read new ann', 'read foreign ann', 'read own ann'])
  await rows.change({ kind: 'workspaceChanged', platform: 'test', workspaceId: 'team' })
  await database.pool.query(`delete from place_member where place_key = 'test/team/new'`)
  asked = []
  await find(question, 'dm-ann', 'ann')
  expect(reads()).toEqual(['read own ann', 'read new ann', 'read foreign ann'])
})

describe('an account that is the same in each workspace', () => {
  it('finds what it can read in each of them', async () => {
    channel('private', 'private', ['ann'])
    await share('plan.pdf', text, { channelId: 'private', kind: 'mention' })
    expect(await find(question, 'dm-ann', 'ann', 'direct chats')).toEqual([])
    expect(await find(question, 'dm-ann', 'ann', null)).toEqual(['plan.pdf'])
  })
})

describe('a file that an edit removes from its message', () => {
  it('is gone, and the others stay', async () => {
    const files = ['plan.pdf', 'other.pdf'].map((name) => ({ ...file(name), id: name, messageId: 'm7' }))
    for (const attachment of files)
      await share(attachment.name, text, {
        channelId: 'private',
        kind: 'mention',
        id: attachment.name,
        attachments: [attachment],
      })
    await database.pool.query(`update turn set state = 'done'`)
    const left = (messageIds: string[], ...ids: string[]) =>
      rows.change({ kind: 'filesLeft', platform: 'test', workspaceId: 'team', messageIds, left: ids })
    const shared = async () =>
      (await database.pool.query<{ title: string }>('select title from share order by title')).rows.map(
        ({ title }) => title,
      )
    await left(['m8'])
    expect(await shared()).toEqual(['other.pdf', 'plan.pdf'])
    await left(['m7'], 'other.pdf')
    expect(await shared()).toEqual(['other.pdf'])
    await left(['m7', 'm8'])
    expect(await shared()).toEqual([])
  })
})

describe('a file of a direct chat', () => {
  it('is found by its sender alone', async () => {
    await share('plan.pdf', text, { channelId: 'dm-ann', kind: 'direct', author: { id: 'ann' } })
    channel('general', 'public', ['ann'])
    expect(await find(question, 'dm-ann', 'ann')).toEqual(['plan.pdf'])
    expect(await find(question, 'dm-bob', 'bob')).toEqual([])
    expect(await find(question, 'general')).toEqual([])
  })
})

describe('a question whose answer its author alone sees', () => {
  it('shares its file with nobody else in the channel', async () => {
    await share('plan.pdf', text, { channelId: 'general', kind: 'command', private: true, author: { id: 'ann' } })
    channel('general', 'public', ['ann', 'bob'])
    expect(await find(question, 'general')).toEqual([])
    expect(await find(question, 'dm-ann', 'ann')).toEqual(['plan.pdf'])
  })
})

describe('a file in several versions', () => {
  it('is found in its newest', async () => {
    await share('plan.pdf', 'The Heron release is in April.', {
      channelId: 'private',
      kind: 'mention',
      sentAt: '2026-11-01T10:00:00Z',
    })
    await share('Plan.pdf', 'The Heron release is in May.', {
      channelId: 'private',
      kind: 'mention',
      id: 'm2',
      sentAt: '2026-11-08T10:00:00Z',
    })
    expect(await find(question, 'private')).toEqual(['Plan.pdf'])
  })
})
