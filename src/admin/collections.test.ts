/** Collections and watched channels as commands: who may do what, and who is told of what. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type AdminRig, adminRig, people } from '../../test/fakes/admin.ts'
import { file, message } from '../../test/fakes/message.ts'
import { knowBlobs } from '../../test/fixtures/blobs.ts'
import { addPerson, slackAccount } from '../../test/people.ts'
import { spenderOf } from '../core/scope.ts'
import { createPassageIndex } from '../search/providers/postgres.ts'
import { artifactOf } from '../search/retriever.contract.ts'
import { createAttachments } from '../store/attachments.ts'
import { createTurns } from '../store/turns-postgres.ts'
import { watchWording, collectionWording as wording } from '../wording/collections.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const sales = { channelId: 'C2' }
const all = async (rig: AdminRig) => await rig.deps.collections.list()
const docs = 'https://docs.example.com/guide/'

/** Somebody sends a file in channel C1, and a worker reads it. */
async function shareFile(rig: AdminRig, name: string, text: string) {
  const artifact = artifactOf(name, [text])
  await knowBlobs(rig.database.pool, artifact.contentHash)
  await createPassageIndex(rig.database.lasting).add(artifact)
  const sent = message({ platform: 'slack', channelId: 'C1', attachments: [file(name)] })
  const conversation = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', threadId: '1.1' }
  const { dispatch } = await createTurns(rig.database).accept({ ...sent, kind: 'mention', conversation })
  const attachments = createAttachments(rig.database)
  for (const id of dispatch.attachmentIds) {
    await attachments.claim(id, 'reader', 60_000)
    const receipt = { attachmentId: id, name, outcome: 'read' as const, summary: '', problems: [] }
    await attachments.finish(id, 'reader', { receipt, key: artifact })
  }
}

async function find(rig: AdminRig, question: string, channelId: string, asker?: { account: string; personId: string }) {
  const place = `slack/T1/${channelId}`
  const found = await createPassageIndex(rig.database.lasting).retrieve(question, {
    audience: { conversation: place, place, asker: asker && { platform: 'slack', workspaceId: 'T1', ...asker } },
    within: 'places',
    limit: 10,
    signal: AbortSignal.timeout(10_000),
    spender: spenderOf({ platform: 'slack', workspaceId: 'T1', channelId }, { id: 'U1' }),
  })
  return found.map(({ share }) => `${share?.title} of ${share?.place.name}`)
}

describe('learn', () => {
  it('makes a page known to the channel, a site with its pages to everybody, and reads both again as told', async () => {
    await using rig = await adminRig(server)
    const answer = await rig.say(`learn <${docs}|docs> as handbook`)
    expect(answer.text).toBe(wording.learned('link', 'docs.example.com', 'handbook', 'this channel'))
    await rig.say(`learn ${docs} pages 100 as handbook refresh daily for everybody`)
    expect(await all(rig)).toMatchObject([
      {
        name: 'handbook',
        grants: ['all', 'channel:slack/T1/C1'],
        sources: [
          { kind: 'link', address: docs, refreshHours: 168, state: 'waiting' },
          { kind: 'site', address: docs, pages: 100, refreshHours: 24 },
        ],
      },
    ])
    await rig.say(`learn ${docs} as handbook refresh off`)
    expect((await all(rig))[0]?.sources.map(({ refreshHours }) => refreshHours)).toEqual([null, 24])
    const { rows } = await rig.database.pool.query(
      `select name, scope from audit where name like 'collection%' order by at`,
    )
    expect(rows).toEqual([
      { name: 'collection', scope: 'channel:slack/T1/C1' },
      { name: 'collection source', scope: 'channel:slack/T1/C1' },
      { name: 'collection grant', scope: 'all' },
      { name: 'collection source', scope: 'all' },
      { name: 'collection source', scope: 'all' },
    ])
  })

  it('takes a file by its name where it was shared, and tells it to those it is for', async () => {
    await using rig = await adminRig(server)
    await shareFile(rig, 'Price list.pdf', 'The Falcon costs 200 euros.')
    expect((await rig.say('learn "price list.pdf"', people.root, sales)).text).toBe(wording.noFile('price list.pdf'))
    expect(await find(rig, 'falcon costs', 'C2')).toEqual([])
    await rig.say('learn "price list.pdf" as prices for <#C2>')
    expect(await find(rig, 'falcon costs', 'C2')).toEqual(['Price list.pdf of prices'])
    expect(await find(rig, 'falcon costs', 'C3')).toEqual([])
    expect((await rig.say('collections share prices for <#C2> --remove')).text).toBe(wording.lastGrant('prices'))
    expect(await find(rig, 'falcon costs', 'C2')).toEqual(['Price list.pdf of prices'])
    await rig.say('collections share prices for <#C3>')
    await rig.say('collections share prices for <#C2> --remove')
    expect(await find(rig, 'falcon costs', 'C2')).toEqual([])
    expect(await find(rig, 'falcon costs', 'C3')).toEqual(['Price list.pdf of prices'])
  })

  it('asks whom Parley may tell where there is no channel', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say(`learn ${docs}`, people.root, { direct: true })).text).toBe(wording.audienceMissing)
    expect((await rig.say('learn pins for everybody', people.root, { direct: true })).text).toBe(wording.noPins)
    expect((await rig.say('learn report.pdf pages 3')).text).toBe(wording.pagesOfLinks)
    expect(await all(rig)).toEqual([])
    await rig.say(`learn ${docs} for workspace`, people.root, { direct: true })
    expect(await all(rig)).toMatchObject([{ name: 'docs.example.com', grants: ['workspace:slack/T1'] }])
  })

  it('takes the pinned files of the channel', async () => {
    await using rig = await adminRig(server)
    await rig.say('learn pins as rules')
    expect((await all(rig))[0]?.sources).toMatchObject([{ kind: 'pins', state: 'waiting', refreshHours: 168 }])
  })
})

describe('who may teach', () => {
  it('is an admin for everybody, an owner for the workspace, a manager for the channel, and a team’s manager for the team', async () => {
    await using rig = await adminRig(server)
    await addPerson(rig.database, 'Mia', { accounts: [slackAccount('UMIA')] })
    await rig.say('team add Research')
    await rig.say('team member Research Mia manager')
    const mia = { id: 'UMIA', name: 'Mia' }
    const may = async (line: string, who: Parameters<AdminRig['say']>[1]) =>
      (await rig.say(`learn ${docs} as ${line}`, who)).failed !== true
    expect(await may('a for everybody', people.owner)).toBe(false)
    expect(await may('b for workspace', people.owner)).toBe(true)
    expect(await may('c for workspace', people.manager)).toBe(false)
    expect(await may('d', people.manager)).toBe(true)
    expect(await may('e', people.member)).toBe(false)
    expect(await may('f for team:Research', mia)).toBe(true)
    expect(await may('g for channel', mia)).toBe(false)
    expect((await all(rig)).map(({ name }) => name)).toEqual(['b', 'd', 'f'])
    // What is shared further than somebody's rights go is not theirs to change.
    await rig.say('collections share d for workspace', people.owner)
    expect(await rig.say('collections remove d --yes', people.manager)).toMatchObject({
      failed: true,
      text: wording.notYours('d'),
    })
    expect((await rig.say('collections remove d --yes', people.owner)).failed).toBeUndefined()
  })

  it('tells nobody the name of a collection that they may not see', async () => {
    await using rig = await adminRig(server)
    const max = await addPerson(rig.database, 'Max', { accounts: [slackAccount(people.member.id)] })
    await rig.say('team add Board')
    await rig.say(`learn ${docs} as layoffs for team:Board`)
    await rig.say(`learn ${docs} as handbook for everybody`)
    expect((await rig.say('collections list', people.member)).text).not.toContain('layoffs')
    expect((await rig.say('collections list', people.member)).text).toContain('handbook')
    const unknown = await rig.say('collections show layoffs', people.member)
    expect(unknown.text).toBe(wording.unknown('layoffs'))
    expect((await rig.say('collections show nothing', people.member)).text).toBe(wording.unknown('nothing'))
    // Another with the same name says nothing of the first.
    expect((await rig.say(`learn ${docs} as layoffs`, people.manager)).text).toContain('**layoffs**')
    expect((await rig.say('collections show layoffs')).text).toBe(wording.several('layoffs'))
    await rig.say('team member Board Max member')
    expect(await find(rig, 'x', 'D1', { account: people.member.id, personId: max })).toEqual([])
  })

  it('is told to a member of its team in a direct chat, and to nobody else', async () => {
    await using rig = await adminRig(server)
    const max = await addPerson(rig.database, 'Max', { accounts: [slackAccount(people.member.id)] })
    const eve = await addPerson(rig.database, 'Eve', { accounts: [slackAccount('UEVE')] })
    await rig.say('team add Board')
    await rig.say('team member Board Max member')
    await shareFile(rig, 'plan.pdf', 'The Heron is sold in May.')
    await rig.say('learn plan.pdf as board for team:Board')
    expect(await find(rig, 'heron sold', 'D1', { account: people.member.id, personId: max })).toEqual([
      'plan.pdf of board',
    ])
    expect(await find(rig, 'heron sold', 'D2', { account: 'UEVE', personId: eve })).toEqual([])
    expect(await find(rig, 'heron sold', 'C9')).toEqual([])
  })
})

describe('what is granted to a workspace or a team', () => {
  it('is not told where somebody from outside reads, or nobody knows who does', async () => {
    await using rig = await adminRig(server)
    await shareFile(rig, 'plan.pdf', 'The Heron is sold in May.')
    await rig.say('learn plan.pdf as plans for workspace')
    const room = async (outsiders: boolean | null, fresh = true) =>
      await rig.database.pool.query(
        `insert into place (key, platform, workspace_id, channel_id, kind, outsiders, checked_at)
         values ('slack/T1/C7', 'slack', 'T1', 'C7', 'private', $1, now() - $2 * interval '1 minute')
         on conflict (key) do update set outsiders = excluded.outsiders, checked_at = excluded.checked_at`,
        [outsiders, fresh ? 0 : 5],
      )
    expect(await find(rig, 'heron sold', 'C7')).toEqual([])
    await room(false)
    expect(await find(rig, 'heron sold', 'C7')).toEqual(['plan.pdf of plans'])
    await room(true)
    expect(await find(rig, 'heron sold', 'C7')).toEqual([])
    await room(false, false)
    expect(await find(rig, 'heron sold', 'C7')).toEqual([])
    await rig.say('collections share plans for <#C7>')
    expect(await find(rig, 'heron sold', 'C7')).toEqual(['plan.pdf of plans'])
  })
})

it('a collection is shown with its parts and removed after a question, whole or a part', async () => {
  await using rig = await adminRig(server)
  await shareFile(rig, 'plan.pdf', 'The Heron is sold in May.')
  await rig.say(`learn ${docs} as handbook`)
  await rig.say('learn plan.pdf as handbook')
  const shown = (await rig.say('collections show Handbook')).text
  expect(shown).toContain('1. “https://docs.example.com/guide/” (page)')
  expect(shown).toContain('2. “plan.pdf” (file): 1 file or page')
  expect((await rig.say('collections refresh handbook')).text).toBe(wording.refreshing('handbook', 1))
  const asked = await rig.say('collections remove handbook 2')
  expect(asked.buttons).toHaveLength(1)
  const action = asked.buttons?.[0]?.action
  await rig.say(action?.kind === 'command' ? action.text : '')
  expect((await all(rig))[0]?.sources.map(({ kind }) => kind)).toEqual(['link'])
  await rig.say('collections remove handbook --yes')
  expect(await all(rig)).toEqual([])
  expect((await rig.database.pool.query(`select 1 from place where kind = 'collection'`)).rows).toEqual([])
})

describe('policy files-of-channel', () => {
  it('is announced in the channel, shown in its rules, and undone by off', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('policy show')).text).not.toContain(watchWording.shown)
    expect((await rig.say('policy files-of-channel on', people.owner)).text).toBe(watchWording.on)
    expect(rig.posted.map(({ text }) => text)).toEqual([watchWording.announced])
    expect((await rig.say('policy show', people.member)).text).toContain(watchWording.shown)
    expect((await rig.say('policy show', people.member, sales)).text).not.toContain(watchWording.shown)
    expect((await rig.say('policy files-of-channel on', people.owner)).text).toBe(watchWording.wasOn)
    expect((await rig.say('policy files-of-channel off', people.owner)).text).toBe(watchWording.off)
    expect(rig.posted).toHaveLength(1)
    const { rows } = await rig.database.pool.query(
      `select scope, before, after from audit where name = 'policy.filesOfChannel' order by at`,
    )
    expect(rows).toEqual([
      { scope: 'channel:slack/T1/C1', before: null, after: true },
      { scope: 'channel:slack/T1/C1', before: true, after: null },
    ])
  })

  it('is for admins, in a channel, and stays off when it cannot be announced', async () => {
    await using rig = await adminRig(server, { notify: () => Promise.reject(new Error('not in the channel')) })
    expect((await rig.say('policy files-of-channel on', people.manager)).failed).toBe(true)
    expect((await rig.say('policy files-of-channel on', people.root, { direct: true })).text).toBe(watchWording.notHere)
    const inThread = { threadId: '1795000000.000100' }
    const on = (more: { threadId?: string; beginsThread?: boolean }) =>
      rig.say('policy files-of-channel on', people.root, more)
    expect((await on(inThread)).text).toBe(watchWording.notHere)
    // In Teams, a command in a channel is a post, and each post begins a thread.
    expect((await on({ ...inThread, beginsThread: true })).text).toBe(watchWording.notAnnounced)
    expect((await on({})).text).toBe(watchWording.notAnnounced)
    expect(await rig.deps.collections.isWatched({ platform: 'slack', workspaceId: 'T1', channelId: 'C1' })).toBe(false)
  })
})
