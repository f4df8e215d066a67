/** Who reads what in Teams: through the real ingress, and asked of the connector and of Graph. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlaceAddress, PlaceChange, Places } from '../../src/core/place.ts'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { bot, type Person, tenant } from '../../test/servers/teams.ts'
import { alice, groupChat, personalChat } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'

const person = (name: string, more: Partial<Person> = {}): Person => ({
  id: `29:1${name}-of-the-directory`,
  name,
  aadObjectId: `bbbbbbbb-0000-4000-8000-${name.toLowerCase().padStart(12, '0')}`,
  ...more,
})
const [bob, cem] = [person('Bob'), person('Cem')]
const guest = person('Gil', { userRole: 'guest' })
const foreigner = person('Fay', { tenantId: 'ffffffff-0000-4000-8000-000000000000' })

const team = '19:team@thread.tacv2'
const sales = '19:sales@thread.tacv2'
const board = '19:board@thread.tacv2'
const wholeChat = '0001-01-01T00:00:00Z'
const place = (channelId: string): PlaceAddress => ({ platform: 'teams', workspaceId: tenant, channelId })
/** Each search has a signal of its own. */
const soon = () => ({ signal: AbortSignal.timeout(60_000) })

let rig: TeamsRig
let changes: PlaceChange[]
let places: Places

beforeEach(async () => {
  changes = []
  const records = memoryRecords()
  rig = await openTeamsRig(records, 'personal')
  await rig.open({ ...recorder().intake, placeChanged: async (change) => void changes.push(change) })
  for (const each of [bob, cem, guest, foreigner]) rig.teams.people.set(each.id, each)
  if (rig.platform.places === undefined) throw new Error('no places')
  ;({ places } = rig.platform)
})
afterEach(() => rig.close())

const look = (channelId: string) => places.look(place(channelId), soon())
const canRead = (channelId: string, { aadObjectId }: Person) => places.canRead(place(channelId), aadObjectId, soon())

/** Somebody says something there, so that Parley hears of the place. */
async function hear(conversation: string, more: { type?: string; timestamp?: string; in?: string } = {}) {
  const about = rig.people.message({ conversation }, 'Lunch?', { quiet: true })
  const { channelData } = about as { channelData?: object }
  await rig.teams.deliver({
    ...about,
    ...(more.timestamp && { timestamp: more.timestamp }),
    channelData: { ...channelData, channel: { id: more.in ?? conversation, type: more.type } },
  })
}

/** Graph's members of a chat or a channel. */
const members = (id: string, ...people: (readonly [Person, string] | Person)[]) =>
  rig.teams.said.members.set(
    id,
    new Map(people.map((each) => ('id' in each ? [each.aadObjectId, wholeChat] : [each[0].aadObjectId, each[1]]))),
  )

describe('a personal chat', () => {
  it('is direct, without a question', async () => {
    expect(await look(personalChat)).toEqual({ kind: 'direct' })
    expect(await canRead(personalChat, alice)).toBe(false)
    expect(rig.teams.places.asked).toEqual([])
  })
})

describe('a channel of the whole team', () => {
  beforeEach(() => {
    rig.teams.places.rosters.set(team, [alice, bob])
    // Teams leaves out who never used the channel.
    rig.teams.places.rosters.set(sales, [alice])
  })

  it('is read by the members of its team, and is not public', async () => {
    await hear(sales, { type: 'standard' })
    expect(await look(sales)).toEqual({
      kind: 'private',
      name: 'Sales & Co',
      members: [alice.aadObjectId, bob.aadObjectId],
      outsiders: false,
    })
    expect([await canRead(sales, bob), await canRead(sales, cem)]).toEqual([true, false])
  })

  it('whose type only the list of channels tells is asked about in the same way', async () => {
    rig.teams.places.channels.splice(0, 1, { id: sales, name: 'Sales', type: 'standard' })
    await hear(sales)
    expect(await look(sales)).toMatchObject({ members: [alice.aadObjectId, bob.aadObjectId] })
    expect([await canRead(sales, bob), await canRead(sales, cem)]).toEqual([true, false])
    expect(rig.teams.said.asked).toEqual([])
  })

  it('may be the first one of the team, whose name apps are not told', async () => {
    await hear(team)
    expect(await look(team)).toMatchObject({ name: teamsWording.generalChannel, members: { length: 2 } })
  })

  it('has outsiders if the team has guests', async () => {
    rig.teams.places.rosters.set(team, [alice, guest])
    await hear(sales, { type: 'standard' })
    expect(await look(sales)).toMatchObject({ kind: 'private', outsiders: true, members: { length: 2 } })
  })

  it('of more people than Parley compares has no members that are known, and single people are asked about', async () => {
    const crowd = Array.from({ length: 1200 }, (_, n) => person(`P${n}`))
    rig.teams.places.rosters.set(team, crowd)
    await hear(sales, { type: 'standard' })
    expect(await look(sales)).toMatchObject({ kind: 'private', members: undefined, outsiders: undefined })
    expect([await canRead(sales, crowd[1100] ?? alice), await canRead(sales, bob)]).toEqual([true, false])
    expect(rig.teams.places.asked.filter((path) => path.endsWith('pagedMembers'))).toHaveLength(3)
  })

  it('that Parley was removed from is read by nobody', async () => {
    await hear(sales, { type: 'standard' })
    rig.teams.places.closed.add(team)
    expect([await look(sales), await canRead(sales, alice)]).toEqual([null, false])
  })

  it('that Parley never heard of, or that belongs to another organization, is read by nobody', async () => {
    expect([await look(sales), await canRead(sales, alice)]).toEqual([null, false])
    await hear(sales, { type: 'standard' })
    const elsewhere = { ...place(sales), workspaceId: 'another' }
    expect(await places.look(elsewhere, soon())).toBeNull()
    expect(await places.canRead(elsewhere, alice.aadObjectId, soon())).toBe(false)
  })
})

it('one search asks for a team, for a person and for a chat once, and the next one asks again', async () => {
  const channels = Array.from({ length: 6 }, (_, n) => `19:c${n}@thread.tacv2`)
  rig.teams.places.rosters.set(team, [alice, bob])
  rig.teams.places.channels.splice(0, 1, ...channels.map((id) => ({ id, name: id, type: 'standard' as const })))
  for (const id of channels) await hear(id)
  await hear(groupChat)
  members(groupChat, alice, bob)
  const { asked } = rig.teams.places
  const search = async () => {
    asked.splice(0)
    rig.teams.said.asked.splice(0)
    const one = soon()
    await Promise.all(
      [...channels, groupChat].flatMap((id) => [
        places.look(place(id), one),
        places.canRead(place(id), alice.aadObjectId, one),
        places.canRead(place(id), cem.aadObjectId, one),
      ]),
    )
    return [...asked, ...rig.teams.said.asked].toSorted()
  }
  const first = await search()
  expect(first.filter((path) => path.endsWith('pagedMembers'))).toHaveLength(1)
  expect(first.filter((path) => path.includes('/members/'))).toHaveLength(2)
  expect(first.filter((path) => path.startsWith('teams/'))).toHaveLength(1)
  expect(rig.teams.said.asked).toHaveLength(1)
  rig.teams.places.rosters.set(team, [alice, bob, cem])
  expect((await search()).filter((path) => path.includes('/members/'))).toHaveLength(2)
  expect(await canRead(channels[0] ?? '', cem)).toBe(true)
})

describe('a private or shared channel', () => {
  it('is read by its own members, not by the team', async () => {
    rig.teams.places.rosters.set(team, [alice, bob, cem])
    await hear(board, { type: 'private' })
    members(board, alice, bob)
    expect(await look(board)).toEqual({
      kind: 'private',
      name: undefined,
      members: [alice.aadObjectId, bob.aadObjectId],
      outsiders: false,
    })
    expect([await canRead(board, bob), await canRead(board, cem)]).toEqual([true, false])
    expect(rig.teams.places.asked.filter((path) => path.startsWith('conversations/'))).toEqual([])
  })

  it('is external once people of another organization are in it', async () => {
    await hear(board, { type: 'shared' })
    members(board, alice, bob)
    expect(await look(board)).toMatchObject({ kind: 'private', outsiders: false })
    members(board, alice, foreigner)
    expect(await look(board)).toMatchObject({
      kind: 'external',
      outsiders: true,
      members: [alice.aadObjectId, foreigner.aadObjectId],
    })
  })

  it('whose members Graph does not list, or lists only in part, is not known', async () => {
    await hear(board, { type: 'shared' })
    members(board)
    expect(await look(board)).toMatchObject({ members: undefined, outsiders: undefined })
    members(board, ...Array.from({ length: 999 }, (_, n) => person(`P${n}`)))
    expect(await look(board)).toMatchObject({ members: undefined })
  })

  it('stands for a channel whose type Teams does not tell', async () => {
    rig.teams.places.rosters.set(team, [alice, bob, cem])
    await hear(sales)
    members(sales, alice)
    expect(await look(sales)).toMatchObject({ name: 'Sales & Co', members: [alice.aadObjectId] })
    expect([await canRead(sales, alice), await canRead(sales, bob)]).toEqual([true, false])
  })

  it('is read by nobody without the permission, and the question fails while Graph is away', async () => {
    await hear(board, { type: 'private' })
    rig.teams.consent.members = false
    expect([await look(board), await canRead(board, alice)]).toEqual([null, false])
    rig.teams.away.graph = true
    await expect(look(board)).rejects.toMatchObject({ code: 'platform_unreachable' })
    await expect(canRead(board, alice)).rejects.toMatchObject({ code: 'platform_unreachable' })
  })
})

describe('a group chat', () => {
  const [before, heard, after] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z']

  it('is read by its members', async () => {
    await hear(groupChat, { timestamp: heard })
    members(groupChat, alice, [bob, before])
    expect(await look(groupChat)).toEqual({
      kind: 'group',
      name: 'the chat of Alice and Bob',
      members: [alice.aadObjectId, bob.aadObjectId],
      outsiders: false,
    })
    expect([await canRead(groupChat, bob), await canRead(groupChat, cem)]).toEqual([true, false])
  })

  it('is not read by somebody who was added without its history', async () => {
    await hear(groupChat, { timestamp: heard })
    await hear(groupChat, { timestamp: after })
    members(groupChat, alice, [bob, after])
    expect([await canRead(groupChat, alice), await canRead(groupChat, bob)]).toEqual([true, false])
    // They read answers there, so that it cannot be compared with other places.
    expect(await look(groupChat)).toMatchObject({ kind: 'group', members: undefined })
  })

  it('has outsiders if guests or people of other organizations are in it', async () => {
    await hear(groupChat)
    for (const outsider of [guest, foreigner]) {
      members(groupChat, alice, outsider)
      expect(await look(groupChat)).toMatchObject({ kind: 'group', outsiders: true, members: { length: 2 } })
    }
  })

  it('ends a question that takes too long', async () => {
    await hear(groupChat)
    const over = AbortSignal.abort()
    await expect(places.look(place(groupChat), { signal: over })).rejects.toMatchObject({
      code: 'platform_unreachable',
    })
  })
})

describe('an event of Teams', () => {
  const parley = { id: bot.id, name: bot.name }
  const of = ({ id, aadObjectId }: Person) => ({ id, aadObjectId })
  const happen = (conversation: string, event: object, data: object = {}) => {
    const about = rig.people.about({ conversation }) as { channelData: object }
    const channelData = { ...about.channelData, channel: undefined, ...data }
    return rig.teams.deliver({ ...about, id: 'f:event', type: 'conversationUpdate', ...event, channelData })
  }
  const inEach = (change: object) => [
    { ...change, place: place(board) },
    { ...change, place: place(sales) },
    { ...change, place: place(team) },
  ]

  beforeEach(async () => {
    await hear(sales, { type: 'standard' })
    await hear(board, { type: 'private' })
    await hear(team)
  })

  it('about members of a chat concerns the chat', async () => {
    await happen(groupChat, { membersAdded: [of(bob)] })
    await happen(groupChat, { membersRemoved: [of(cem)] })
    expect(changes).toEqual([
      { kind: 'joined', place: place(groupChat), account: bob.aadObjectId },
      { kind: 'left', place: place(groupChat), account: cem.aadObjectId },
    ])
  })

  it('about members of a team concerns each of its channels', async () => {
    await happen(team, { membersRemoved: [of(bob)] }, { eventType: 'teamMemberRemoved' })
    expect(changes).toEqual(inEach({ kind: 'left', account: bob.aadObjectId }))
  })

  it('about somebody without an ID of the directory makes Parley ask again', async () => {
    await happen(groupChat, { membersRemoved: [{ id: '29:1somebody' }] })
    expect(changes).toEqual([{ kind: 'changed', place: place(groupChat) }])
  })

  it('about members of a shared channel concerns that channel', async () => {
    const data = { channel: { id: board, type: 'shared' }, eventType: 'channelMemberRemoved' }
    await happen(board, { membersRemoved: [of(foreigner)] }, data)
    await happen(board, { membersRemoved: [parley] }, data)
    expect(changes).toEqual([
      { kind: 'left', place: place(board), account: foreigner.aadObjectId },
      { kind: 'removed', place: place(board) },
    ])
  })

  it.for([
    ['channelRenamed', 'changed'],
    ['channelRestored', 'changed'],
    ['channelShared', 'changed'],
    ['channelUnShared', 'changed'],
    ['channelDeleted', 'removed'],
  ] as const)('%s says of the channel: %s', async ([eventType, kind]) => {
    await happen(team, {}, { channel: { id: sales, name: 'Sales' }, eventType })
    expect(changes).toEqual([{ kind, place: place(sales), name: kind === 'changed' ? 'Sales' : undefined }])
  })

  it.for([
    ['teamArchived', 'changed'],
    ['teamUnarchived', 'changed'],
    ['teamRenamed', 'changed'],
    ['teamRestored', 'changed'],
    ['teamDeleted', 'removed'],
    ['teamHardDeleted', 'removed'],
  ] as const)('%s says of each channel of the team: %s', async ([eventType, kind]) => {
    await happen(team, {}, { eventType })
    expect(changes).toEqual(inEach({ kind }))
  })

  it('about the removal of Parley concerns all that it was in', async () => {
    await happen(team, { membersRemoved: [parley] }, { eventType: 'teamMemberRemoved' })
    expect(changes.splice(0)).toEqual(inEach({ kind: 'removed' }))
    await happen(sales, { type: 'installationUpdate', action: 'remove' })
    expect(changes.splice(0)).toEqual(inEach({ kind: 'removed' }))
    for (const chat of [groupChat, personalChat]) {
      await happen(chat, { type: 'installationUpdate', action: 'remove' })
      expect(changes.splice(0)).toEqual([{ kind: 'removed', place: place(chat) }])
    }
  })

  it('without a change of readers says nothing', async () => {
    await happen(team, { membersAdded: [parley] }, { eventType: 'teamMemberAdded' })
    await happen(team, {}, { channel: { id: '19:new@thread.tacv2' }, eventType: 'channelCreated' })
    await happen(groupChat, { type: 'installationUpdate', action: 'add' })
    await happen(groupChat, { type: 'installationUpdate', action: 'remove-upgrade' })
    expect(changes).toEqual([])
  })
})
