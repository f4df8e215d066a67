/** Who can read a place: a channel of each kind, a direct chat, a group message, and what Slack does not tell. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { PlaceAddress, Places } from '../../src/core/place.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople, alice, settingsFor } from '../../test/servers/slack-rig.ts'
import { bot, type StandInChannel, team } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createInstallations } from './installations.ts'
import { createPeople } from './people.ts'
import { createSlack } from './platform.ts'

const [olga, guest, stranger, robot, gone] = ['U0OWNER001', 'U0GUEST001', 'U0STRANGE1', 'U0ROBOT001', 'U0GONE0001']
const id = 'C0PLANS001'

let slack: SlackStandIn
let places: Places
let records: ReturnType<typeof memoryRecords>

beforeEach(async () => {
  slack = await startSlack()
  addPeople(slack)
  slack.state.users.set(robot, { id: robot, name: 'Robot', team, more: { is_bot: true } })
  slack.state.users.set(gone, { id: gone, name: 'Gone', team, more: { deleted: true } })
  records = memoryRecords()
  const deps = { records, quota: createLocalQuota(), log: silentLog }
  const platform = createSlack({ settings: settingsFor(slack, 'http'), ...deps })
  if (platform.places === undefined) throw new Error('Slack has places')
  places = platform.places
})
afterEach(() => slack[Symbol.asyncDispose]())

const address = (channelId = id): PlaceAddress => ({ platform: 'slack', workspaceId: team, channelId })
const describeChannel = (channel: Partial<StandInChannel>, channelId = id) =>
  slack.state.channels.set(channelId, { name: 'plans', members: [alice, olga, bot.user], ...channel })
const search = () => ({ signal: AbortSignal.timeout(10_000) })
const look = (channelId?: string) => places.look(address(channelId), search())
const canRead = (account: string, channelId?: string) => places.canRead(address(channelId), account, search())
const callsOf = (method: string) => slack.calls.filter((call) => call.method === method).length

describe('what a place is', () => {
  it.each<[string, Partial<StandInChannel>, object]>([
    ['a public channel', {}, { kind: 'public', name: 'plans', outsiders: false }],
    ['a private channel', { private: true }, { kind: 'private', name: 'plans', outsiders: false }],
    ['an archived channel', { archived: true }, { kind: 'public', outsiders: false }],
    ['a group message', { group: true }, { kind: 'group', name: undefined, outsiders: false }],
    ['a channel shared with another organization', { shared: 'external' }, { kind: 'external', outsiders: true }],
    ['a channel to which one is invited', { shared: 'pending', private: true }, { kind: 'external', outsiders: true }],
    ['a channel of several workspaces', { shared: 'organization' }, { kind: 'external', outsiders: true }],
    [
      'a channel that another workspace has, too',
      { teams: [team, 'T0SISTER01'] },
      { kind: 'external', outsiders: true },
    ],
  ])('%s', async (_, channel, facts) => {
    describeChannel(channel)
    expect(await look()).toMatchObject({ members: [alice, olga], ...facts })
  })

  it('a direct message', async () => {
    describeChannel({ direct: alice }, 'D0ALICE001')
    expect(await look('D0ALICE001')).toMatchObject({ kind: 'direct', members: [alice] })
    expect(await canRead(alice, 'D0ALICE001')).toBe(true)
    expect(await canRead(olga, 'D0ALICE001')).toBe(false)
  })

  it('nothing, where there is no such channel or Parley is not in it', async () => {
    describeChannel({ private: true, without: true })
    expect(await look()).toBeNull()
    expect(await look('CNOTIN0001')).toMatchObject({ members: undefined })
    expect(await look('D0NOBODY01')).toBeNull()
    expect(await canRead(alice)).toBe(false)
  })
})

describe('the members of a place', () => {
  it('are people: apps and deactivated accounts are not among them', async () => {
    describeChannel({ private: true, members: [alice, robot, gone, bot.user] })
    expect(await look()).toMatchObject({ members: [alice], outsiders: false })
  })

  it.each([
    ['a guest', guest],
    ['somebody of another organization', stranger],
  ])('with %s are not only of the workspace', async (_, outsider) => {
    describeChannel({ members: [alice, outsider] })
    expect(await look()).toMatchObject({ members: [alice, outsider], outsiders: true })
  })

  it('count as guests from the event on, whichever process takes it in, and not from the next event on', async () => {
    describeChannel({ members: [alice, olga, bot.user] })
    expect(await look()).toMatchObject({ outsiders: false })
    // Another process, which is told by Slack's event.
    const gateway = createPeople(records)
    const tell = (more: object) => gateway.learn({ id: olga, team_id: team, ...more }, { teamId: team })
    await tell({ is_restricted: true })
    expect(callsOf('users.info')).toBe(2)
    expect(await look()).toMatchObject({ outsiders: true })
    await tell({})
    expect(await look()).toMatchObject({ outsiders: false })
    expect(callsOf('users.info')).toBe(2)
  })

  it('whom Slack does not know may be anybody', async () => {
    describeChannel({ members: [alice, 'U0UNKNOWN1'] })
    expect(await look()).toMatchObject({ members: [alice, 'U0UNKNOWN1'], outsiders: undefined })
  })

  it('are read in pages, and all people are listed at once instead of asked about one by one', async () => {
    const crowd = Array.from({ length: 1_000 }, (_, at) => `U0CROWD${String(at).padStart(4, '0')}`)
    for (const user of crowd) slack.state.users.set(user, { id: user, name: user, team, more: {} })
    describeChannel({ members: [...crowd, bot.user] })
    const found = await look()
    expect(found?.members).toHaveLength(1_000)
    expect(found?.outsiders).toBe(false)
    expect([callsOf('conversations.members'), callsOf('users.list'), callsOf('users.info')]).toEqual([2, 2, 0])

    // One more is too many to compare; whether a guest is among them is still known.
    describeChannel({ members: [...crowd, alice] })
    expect(await look()).toMatchObject({ members: undefined, outsiders: false })
    describeChannel({ members: [...crowd, guest] })
    expect(await look()).toMatchObject({ members: undefined, outsiders: true })
    expect(callsOf('users.list')).toBe(2)
  })
})

describe('who can read', () => {
  it.each<[string, Partial<StandInChannel>, string, boolean]>([
    ['a public channel: a member of the workspace', { members: [] }, alice, true],
    ['a public channel: not a guest who is not in it', { members: [alice] }, guest, false],
    ['a public channel: a guest who is in it', { members: [guest] }, guest, true],
    ['a public channel: not somebody of another organization', { members: [alice] }, stranger, false],
    ['a public channel: not a deactivated account', { members: [gone] }, gone, false],
    ['a public channel: not an app', { members: [robot] }, robot, false],
    ['a public channel: not an account that Slack does not know', { members: [] }, 'U0UNKNOWN1', false],
    ['a private channel: who is in it', { private: true }, alice, true],
    ['a private channel: not its former member', { private: true, members: [olga] }, alice, false],
    ['a private channel: not a deactivated member', { private: true, members: [gone] }, gone, false],
    ['a shared channel: who is in it', { shared: 'external' }, alice, true],
    [
      'a shared channel: who is in it, of the other organization',
      { shared: 'external', members: [stranger] },
      stranger,
      true,
    ],
    ['a shared channel: nobody else, although it is public', { shared: 'external', members: [olga] }, alice, false],
    ['a group message: who is in it', { group: true }, alice, true],
    ['a group message: nobody else', { group: true, members: [olga] }, alice, false],
    ['an archived channel: who is in it', { private: true, archived: true }, alice, true],
  ])('%s', async (_, channel, account, reads) => {
    describeChannel(channel)
    expect(await canRead(account)).toBe(reads)
  })

  it('a colleague of another workspace reads no public channel of this one', async () => {
    const grid = { enterprise_user: { enterprise_id: 'E0ACME0001', teams: ['T0SISTER01'] } }
    slack.state.users.set('W0SISTER01', { id: 'W0SISTER01', name: 'Sis', team: 'T0SISTER01', more: grid })
    describeChannel({ members: [alice] })
    expect(await canRead('W0SISTER01')).toBe(false)
  })

  it('is asked anew by each search, and once for all places of one search', async () => {
    const channels = Array.from({ length: 20 }, (_, at) => `C0MANY00${String(at).padStart(2, '0')}`)
    for (const channel of channels) describeChannel({ private: true }, channel)
    const options = search()
    const found = await Promise.all(channels.map((channel) => places.canRead(address(channel), alice, options)))
    expect(found).toEqual(channels.map(() => true))
    expect(slack.calls.map(({ method }) => method).sort()).toEqual(['auth.test', 'users.conversations', 'users.info'])

    describeChannel({ private: true, members: [olga] }, channels[0])
    expect(await canRead(alice, channels[0])).toBe(false)
    slack.state.users.set(alice, { id: alice, name: 'Alice', team, more: { deleted: true } })
    expect(await canRead(alice, channels[1])).toBe(false)
  })
})

describe('where Slack does not tell', () => {
  it('what somebody is in, the members of the channel do', async () => {
    describeChannel({ private: true })
    slack.options.without = { 'users.conversations': 'missing_scope' }
    expect(await canRead(alice)).toBe(true)
    expect(await canRead(guest)).toBe(false)
    expect(await look()).toMatchObject({ kind: 'private', members: [alice, olga] })
  })

  it('the members, they are not known', async () => {
    describeChannel({ private: true })
    slack.options.without = { 'conversations.members': 'fetch_members_failed' }
    expect(await look()).toEqual({ kind: 'private', name: 'plans', members: undefined, outsiders: undefined })
  })

  it('the people, they are members whose workspace is not known', async () => {
    describeChannel({ private: true })
    slack.options.without = { 'users.info': 'internal_error' }
    expect(await look()).toMatchObject({ members: [alice, olga], outsiders: undefined })
    await expect(canRead(alice)).rejects.toMatchObject({ code: 'platform_unreachable' })
  })

  it('anything, that is an error', async () => {
    describeChannel({ private: true })
    slack.options.limit = (method) => (method === 'users.conversations' ? 30 : undefined)
    await expect(look()).rejects.toMatchObject({ code: 'platform_rate_limited' })
    await expect(canRead(alice)).rejects.toMatchObject({ code: 'platform_rate_limited' })
  })
})

it('an app that an organization installed finds its token by the workspace alone, once an event named both', async () => {
  const settings = { oauth: { clientId: 'c', clientSecret: 's' }, apiUrl: slack.apiUrl }
  const deps = { settings, records: memoryRecords(), quota: createLocalQuota(), log: silentLog }
  const gateway = createInstallations(deps)
  await gateway.save({ token: bot.token, enterpriseId: 'E0ACME0001', scopes: [] })
  await expect(gateway.of(team)).rejects.toMatchObject({ code: 'platform_rejected' })
  await gateway.of(team, 'E0ACME0001')
  const worker = createInstallations(deps)
  expect(await worker.of(team)).toMatchObject({ token: bot.token, enterpriseId: 'E0ACME0001' })
  expect(await worker.within(undefined, 'E0ACME0001')).toEqual([team])
  expect(await worker.within(team, 'E0ACME0001')).toEqual([team])
})
