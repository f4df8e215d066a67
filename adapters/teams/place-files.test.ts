/** Files of channels and chats that nobody sent to Parley: as Teams delivers them, and as Graph lists them. */
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlaceAddress, PlaceFiles, PostedFile } from '../../src/core/place.ts'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { bot, tenant } from '../../test/servers/teams.ts'
import { alice, channel, groupChat, personalChat, thread } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'

const root = 1767000000000
const inThread = thread(String(root))
const place = (channelId: string): PlaceAddress => ({ platform: 'teams', workspaceId: tenant, channelId })
const signal = AbortSignal.timeout(60_000)
const { files: wording } = teamsWording

let rig: TeamsRig
let inbox: ReturnType<typeof recorder>
let posted: { place: PlaceAddress; file: PostedFile }[]
/** Places that intake was told of. */
let offered: PlaceAddress[]
let isWatched: boolean
let files: PlaceFiles

beforeEach(async () => {
  posted = []
  offered = []
  isWatched = true
  rig = await openTeamsRig(memoryRecords(), 'personal')
  inbox = recorder()
  inbox.state.takesPart = false
  await rig.open({
    ...inbox.intake,
    async filesPosted(at, told) {
      offered.push(at)
      if (isWatched) posted.push(...(await told()).map((file) => ({ place: at, file })))
    },
  })
  if (rig.platform.placeFiles === undefined) throw new Error('no files of places')
  files = rig.platform.placeFiles
})
afterEach(() => rig.close())

/** A file in SharePoint, as Graph tells it of a message. */
function shared(name: string) {
  const { id } = rig.people.addFile(name, Buffer.from(`Content of ${name}`))
  const contentUrl = `https://contoso.sharepoint.com/sites/team/${id}/${name}`
  return { id: name, contentType: 'reference', contentUrl, name }
}
const fetched = async ({ attachment }: PostedFile) =>
  (await buffer(await rig.platform.files.fetch(attachment, { signal }))).toString()

/** Somebody posts a file, which Teams delivers with the ID of the file alone. */
async function post(where: { conversation: string }, id: string, name: string, more: { quiet?: boolean } = {}) {
  const file = shared(name)
  const end = where.conversation.includes(';') ? `messages/${root}/replies/${id}` : `messages/${id}`
  rig.teams.graphMessages.set(end, { attachments: [file] })
  const message = rig.people.message(where, 'Here it is', { id, quiet: true, ...more })
  const html = { contentType: 'text/html', content: `<p>Here it is</p><attachment id="${name}"></attachment>` }
  await rig.teams.deliver({ ...message, attachments: [html] })
  return file
}

describe('a file that is posted', () => {
  it.for([
    ['in a thread of a channel', inThread, channel],
    ['in a group chat', { conversation: groupChat }, groupChat],
  ] as const)('%s without a mention is told, with its name and its address', async ([, where, id]) => {
    const { contentUrl } = await post(where, '1767000005000', 'plan.txt')
    expect(posted).toEqual([
      {
        place: place(id),
        file: {
          attachment: expect.objectContaining({ name: 'plan.txt', link: contentUrl, voiceNote: false }),
          messageId: `${where.conversation}#1767000005000`,
          account: alice.aadObjectId,
          by: 'Alice',
          at: expect.stringMatching(/^20\d\d-/),
        },
      },
    ])
    expect(inbox.received).toEqual([])
    expect(posted[0] && (await fetched(posted[0].file))).toBe('Content of plan.txt')
  })

  it('costs Microsoft nothing where files are not read', async () => {
    isWatched = false
    await rig.people.say(inThread, 'Microsoft has said how it signs', { quiet: true })
    const before = rig.teams.seen.requests
    await post(inThread, '1767000005000', 'plan.txt')
    expect(offered).toEqual([place(channel)])
    expect(rig.teams.seen.requests).toBe(before)
    isWatched = true
    await post(inThread, '1767000006000', 'map.txt')
    expect(posted).toMatchObject([{ file: { attachment: { name: 'map.txt' } } }])
    expect(rig.teams.seen.requests).toBeGreaterThan(before)
  })

  it('with a question to Parley is a file of the question', async () => {
    await post(inThread, '1767000005000', 'plan.txt', { quiet: false })
    expect(posted).toEqual([])
    expect(inbox.received[0]?.attachments).toMatchObject([{ name: 'plan.txt' }])
  })
})

describe('the folder of a channel', () => {
  beforeEach(() => rig.people.say(inThread, 'Lunch?', { quiet: true }))
  const put = (name: string, changed: string) => ({
    file: rig.people.addFile(name, Buffer.from(`Content of ${name}`)),
    name,
    by: 'Bob',
    changed,
  })

  it('has files, the newest first, and folders in it are left alone', async () => {
    rig.teams.places.folders.set(channel, [
      put('old.txt', '2026-01-01T00:00:00Z'),
      { name: 'Board only', by: 'Bob', changed: '2026-03-01T00:00:00Z' },
      put('new.txt', '2026-02-01T00:00:00Z'),
    ])
    const found = await files.pinned(place(channel), { limit: 10, signal })
    expect(found).toMatchObject([
      {
        attachment: { name: 'new.txt', bytes: 18, link: expect.stringContaining('sharepoint.com') },
        by: 'Bob',
        at: '2026-02-01T00:00:00.000Z',
      },
      { attachment: { name: 'old.txt' } },
    ])
    expect(await Promise.all(found.map(fetched))).toEqual(['Content of new.txt', 'Content of old.txt'])
    expect(await files.pinned(place(channel), { limit: 1, signal })).toMatchObject([
      { attachment: { name: 'new.txt' } },
    ])
  })

  it('cannot be listed without the permission, which the error names', async () => {
    rig.teams.consent.files = false
    await expect(files.pinned(place(channel), { limit: 10, signal })).rejects.toMatchObject({
      code: 'platform_rejected',
      userMessage: wording.notListed('Files.Read.All'),
    })
    rig.teams.away.graph = true
    await expect(files.pinned(place(channel), { limit: 10, signal })).rejects.toMatchObject({
      code: 'platform_unreachable',
    })
  })

  it('is nothing that a group chat has, nor a channel that Parley never heard of', async () => {
    await rig.people.say({ conversation: groupChat }, 'Lunch?', { quiet: true })
    for (const [id, userMessage] of [
      [groupChat, wording.noFolder],
      ['19:elsewhere@thread.tacv2', wording.unknownPlace],
      [personalChat, wording.unknownPlace],
    ] as const)
      await expect(files.pinned(place(id), { limit: 10, signal })).rejects.toMatchObject({ userMessage })
  })
})

describe('what was posted lately', () => {
  const at = (seconds: number) => String(root + seconds * 1000)
  const hear = (conversation: string, timestamp: string) =>
    rig.teams.deliver({ ...rig.people.message({ conversation }, 'Lunch?', { quiet: true }), timestamp })

  it('in a channel has files of first messages and replies, the newest first', async () => {
    await rig.people.say(inThread, 'Lunch?', { quiet: true })
    const attach = (name: string) => ({ more: { attachments: [shared(name)] } })
    rig.teams.said.say(inThread.conversation, { id: at(0), ...attach('first.txt') })
    rig.teams.said.say(inThread.conversation, { id: at(60), ...attach('reply.txt') })
    rig.teams.said.say(thread(at(30)).conversation, { id: at(30), ...attach('second.txt') })
    rig.teams.said.say(thread(at(90)).conversation, {
      id: at(90),
      from: { application: { id: bot.appId, displayName: 'Parley' } },
      ...attach('own.txt'),
    })
    const found = await files.recent(place(channel), { limit: 10, signal })
    expect(found.map(({ attachment, messageId }) => [attachment.name, messageId])).toEqual([
      ['reply.txt', `${inThread.conversation}#${at(60)}`],
      ['second.txt', `${thread(at(30)).conversation}#${at(30)}`],
      ['first.txt', `${inThread.conversation}#${at(0)}`],
    ])
    expect(found[0]).toMatchObject({ by: 'Bob', at: new Date(root + 60_000).toISOString() })
    expect(found[0] && (await fetched(found[0]))).toBe('Content of reply.txt')
    expect(await files.recent(place(channel), { limit: 1, signal })).toHaveLength(1)
  })

  it('has the identity that it has when Teams delivers it', async () => {
    const file = await post(inThread, at(60), 'plan.txt')
    rig.teams.said.say(inThread.conversation, { id: at(0) })
    const html = '<p>Here it is</p><attachment id="plan.txt"></attachment>'
    rig.teams.said.say(inThread.conversation, { id: at(60), html, more: { attachments: [file] } })
    const [found] = await files.recent(place(channel), { limit: 10, signal })
    const [told] = posted
    expect(found).toMatchObject({ messageId: told?.file.messageId, attachment: { id: told?.file.attachment.id } })
  })

  it('in a chat begins when Parley first heard of it', async () => {
    await hear(groupChat, new Date(root + 60_000).toISOString())
    for (const [seconds, name] of [
      [30, 'before.txt'],
      [90, 'after.txt'],
    ] as const)
      rig.teams.said.say(groupChat, { id: at(seconds), more: { attachments: [shared(name)] } })
    const found = await files.recent(place(groupChat), { limit: 10, signal })
    expect(found.map(({ attachment }) => attachment.name)).toEqual(['after.txt'])
  })

  it('cannot be read without the permission, which the error names', async () => {
    await rig.people.say(inThread, 'Lunch?', { quiet: true })
    await rig.people.say({ conversation: groupChat }, 'Lunch?', { quiet: true })
    rig.teams.consent.messages = false
    for (const [id, permission] of [
      [channel, 'ChannelMessage.Read.Group'],
      [groupChat, 'ChatMessage.Read.Chat'],
    ] as const)
      await expect(files.recent(place(id), { limit: 10, signal })).rejects.toMatchObject({
        code: 'platform_rejected',
        userMessage: wording.notListed(permission),
      })
  })
})
