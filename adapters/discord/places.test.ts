/** Who can read a place, and what was posted there, asked of the stand-in as a worker asks Discord. */
import { PermissionFlagsBits as may } from 'discord.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { PlaceAddress } from '../../src/core/place.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import type { WorldChannel, WorldGuild } from '../../test/servers/discord-world.ts'
import { createDiscord } from './platform.ts'

type User = ReturnType<StandInDiscord['world']['addUser']>
let discord: StandInDiscord
let platform: ReturnType<typeof createDiscord>
let guild: WorldGuild
let [olga, ann, bob] = [] as unknown as [User, User, User]
/** A role for Ann. */
let lead: string

beforeEach(async () => {
  discord = await startDiscord()
  const { world } = discord
  ;[olga, ann, bob] = ['Olga', 'Ann', 'Bob'].map((name) => world.addUser(name)) as [User, User, User]
  guild = world.addGuild('Team', olga)
  lead = world.addRole(guild, 'Lead')
  guild.members.set(ann.id, [lead]).set(bob.id, [])
  platform = createDiscord({
    token: discord.token,
    apiUrl: discord.url,
    records: memoryRecords(),
    quota: createLocalQuota(),
    log: silentLog,
  })
})
afterEach(() => discord[Symbol.asyncDispose]())

const at = ({ id, parentId, type }: WorldChannel): PlaceAddress => ({
  platform: 'discord',
  workspaceId: guild.id,
  channelId: parentId ?? id,
  threadId: type === 12 ? id : undefined,
})
const soon = () => ({ signal: AbortSignal.timeout(10_000) })
const look = (channel: WorldChannel) => platform.places?.look(at(channel), soon())
const reads = (channel: WorldChannel, { id }: User) => platform.places?.canRead(at(channel), id, soon())
const readers = async (channel: WorldChannel) => {
  const each = await Promise.all([olga, ann, bob].map((user) => reads(channel, user)))
  return [olga, ann, bob].filter((_, n) => each[n]).map(({ username }) => username)
}

const hidden = () => ({ id: guild.id, type: 0 as const, allow: '0', deny: String(may.ViewChannel) })
const shown = (id: string, type: 0 | 1 = 0) => ({ id, type, allow: String(may.ViewChannel), deny: '0' })
const botRole = () => shown(guild.roles[1]?.id ?? '')
const privateChannel = (...overwrites: WorldChannel['overwrites']) =>
  discord.world.addChannel(guild, 'leads', { overwrites: [hidden(), botRole(), ...overwrites] })

describe('a channel', () => {
  it('that everybody in the server can read is public', async () => {
    const general = discord.world.addChannel(guild, 'general')
    expect(await look(general)).toEqual({ kind: 'public', name: 'general', outsiders: false, groups: [guild.id] })
    expect(await readers(general)).toEqual(['olga', 'ann', 'bob'])
  })

  it('that a role or a member alone can read is private, and its readers are told by roles', async () => {
    const leads = privateChannel(shown(lead))
    expect(await look(leads)).toEqual({ kind: 'private', name: 'leads', outsiders: false, groups: [lead] })
    expect(await readers(leads)).toEqual(['olga', 'ann'])
    const both = privateChannel(shown(lead), shown(bob.id, 1))
    expect((await look(both))?.groups).toEqual([lead, bob.id].toSorted())
    expect(await readers(both)).toEqual(['olga', 'ann', 'bob'])
  })

  it('that hides itself from somebody is not public, and its readers are not told by roles', async () => {
    const deny = { id: lead, type: 0 as const, allow: '0', deny: String(may.ViewChannel) }
    const channel = discord.world.addChannel(guild, 'others', { overwrites: [deny] })
    expect(await look(channel)).toEqual({ kind: 'private', name: 'others', outsiders: false, groups: undefined })
    expect(await readers(channel)).toEqual(['olga', 'bob'])
  })

  it('whose history somebody may not read is no place of theirs', async () => {
    const deny = { id: bob.id, type: 1 as const, allow: '0', deny: String(may.ReadMessageHistory) }
    expect(await readers(discord.world.addChannel(guild, 'live', { overwrites: [deny] }))).toEqual(['olga', 'ann'])
  })

  it('is read by administrators whatever it says', async () => {
    const rule = discord.world.addRole(guild, 'Admin', may.Administrator)
    guild.members.set(bob.id, [rule])
    const leads = privateChannel(shown(lead))
    expect(await readers(leads)).toEqual(['olga', 'ann', 'bob'])
    expect((await look(leads))?.groups).toEqual([lead])
  })

  it("for adults alone is nobody's elsewhere", async () => {
    const channel = discord.world.addChannel(guild, 'adults', { nsfw: true })
    expect(await look(channel)).toMatchObject({ kind: 'private', groups: undefined })
    expect(await readers(channel)).toEqual([])
  })

  it('for voices may have guests, who read nothing else', async () => {
    const voice = discord.world.addChannel(guild, 'Voice', { type: 2 })
    expect((await look(voice))?.outsiders).toBeUndefined()
    guild.guests.add(bob.id)
    expect(await reads(discord.world.addChannel(guild, 'general'), bob)).toBe(false)
  })

  it('that is gone, that Parley cannot see, or whose server Parley left, is none', async () => {
    const closed = discord.world.addChannel(guild, 'closed', { overwrites: [hidden(), shown(lead)] })
    expect(await look(closed)).toBeNull()
    expect(await readers(closed)).toEqual([])
    const general = discord.world.addChannel(guild, 'general')
    discord.world.channels.delete(general.id)
    expect(await look(general)).toBeNull()
    const other = discord.world.addChannel(guild, 'other')
    discord.expel(guild)
    expect(await look(other)).toBeNull()
    expect(await readers(other)).toEqual([])
  })

  it('is read by nobody who left the server', async () => {
    const general = discord.world.addChannel(guild, 'general')
    expect(await reads(general, bob)).toBe(true)
    discord.changeMember(guild, bob.id, null)
    expect(await reads(general, bob)).toBe(false)
  })
})

describe('a private thread', () => {
  it('is read by those who were added and can see its channel, and by those who manage threads', async () => {
    const parent = privateChannel(shown(lead))
    const thread = discord.world.addChannel(guild, 'secret', {
      type: 12,
      parentId: parent.id,
      threadMembers: [ann.id, bob.id],
    })
    expect(await look(thread)).toEqual({ kind: 'private', name: 'secret', outsiders: false })
    expect(await readers(thread)).toEqual(['olga', 'ann'])
    const manager = discord.world.addRole(guild, 'Manager', may.ManageThreads)
    guild.members.set(bob.id, [lead, manager])
    discord.changeThread(thread, { removed: bob.id })
    expect(await reads(thread, bob)).toBe(true)
    guild.members.set(bob.id, [lead])
    expect(await reads(thread, bob)).toBe(false)
  })

  it('of another channel is none, and neither is the thread of a private answer', async () => {
    const general = discord.world.addChannel(guild, 'general')
    const thread = discord.world.addChannel(guild, 'secret', {
      type: 12,
      parentId: general.id,
      threadMembers: [ann.id],
    })
    const other = discord.world.addChannel(guild, 'other')
    expect(await platform.places?.look({ ...at(thread), channelId: other.id }, soon())).toBeNull()
    const answer = { ...at(general), threadId: `private-${general.id}-${ann.id}` }
    expect(await platform.places?.look(answer, soon())).toBeNull()
    expect(await platform.places?.canRead(answer, ann.id, soon())).toBe(false)
  })
})

it('a direct chat is read by the person in it', async () => {
  const chat = discord.world.directChat(ann.id)
  const place = { platform: 'discord', workspaceId: '@me', channelId: chat.id }
  expect(await platform.places?.look(place, soon())).toEqual({ kind: 'direct', members: [ann.id] })
  expect(await platform.places?.canRead(place, ann.id, soon())).toBe(true)
  expect(await platform.places?.canRead(place, bob.id, soon())).toBe(false)
})

it('one search asks for a server and for a member once, and the next one asks again', async () => {
  const channels = Array.from({ length: 12 }, (_, n) => discord.world.addChannel(guild, `channel ${n}`))
  const search = async () => {
    const one = soon()
    await Promise.all(channels.map((channel) => platform.places?.canRead(at(channel), ann.id, one)))
  }
  await search()
  const paths = discord.requests.map(({ path }) => path)
  expect(paths.filter((path) => path.startsWith('/guilds/'))).toHaveLength(4)
  discord.changeMember(guild, ann.id, null)
  discord.requests.length = 0
  await search()
  expect(discord.requests.map(({ path }) => path)).toEqual([`/guilds/${guild.id}/members/${ann.id}`])
  expect(await reads(channels[0] as WorldChannel, ann)).toBe(false)
})

it('when Discord does not answer, nothing is said of a place', async () => {
  const general = discord.world.addChannel(guild, 'general')
  discord.state.failing = /guilds/
  await expect(look(general)).rejects.toMatchObject({ code: 'platform_unreachable' })
  await expect(reads(general, ann)).rejects.toMatchObject({ code: 'platform_unreachable' })
})

describe('files of a channel', () => {
  const pdf = (name: string) => ({ name, data: Buffer.from('%PDF-1.7'), type: 'application/pdf' })
  const names = (files: { attachment: { name: string } }[] = []) => files.map(({ attachment }) => attachment.name)
  const options = (limit = 10) => ({ limit, ...soon() })

  it('that are pinned come with who posted them, when, and their link', async () => {
    const general = discord.world.addChannel(guild, 'general')
    const message = discord.write({ author: bob, channel: general, files: [pdf('handbook.pdf')] })
    discord.write({ author: bob, channel: general, files: [pdf('other.pdf')] })
    discord.pin(message)
    const [file, ...others] = (await platform.placeFiles?.pinned(at(general), options())) ?? []
    expect(others).toEqual([])
    expect(file).toMatchObject({ messageId: message.id, account: message.author.id, by: 'Bob', at: message.timestamp })
    expect(file?.attachment).toMatchObject({
      name: 'handbook.pdf',
      messageId: message.id,
      link: `https://discord.com/channels/${guild.id}/${general.id}/${message.id}`,
    })
  })

  it('that are pinned are read to the last of 250', async () => {
    const general = discord.world.addChannel(guild, 'general')
    for (let n = 0; n < 120; n += 1) {
      discord.world.clock.ahead += 1000
      discord.pin(discord.write({ author: bob, channel: general, files: [pdf(`${n}.pdf`)] }))
    }
    const all = await platform.placeFiles?.pinned(at(general), options(500))
    expect(new Set(names(all)).size).toBe(120)
    expect(names(await platform.placeFiles?.pinned(at(general), options(2)))).toEqual(['119.pdf', '118.pdf'])
  })

  it('that were posted lately are those of people in it and in its open threads, the newest first', async () => {
    const general = discord.world.addChannel(guild, 'general')
    const thread = discord.world.addChannel(guild, 'thread', { type: 11, parentId: general.id })
    const secret = discord.world.addChannel(guild, 'secret', {
      type: 12,
      parentId: general.id,
      threadMembers: [ann.id],
    })
    const robot = discord.world.addUser('Robot', true)
    const post = (author: User, channel: WorldChannel, name: string, mention = false) => {
      discord.world.clock.ahead += 1000
      discord.write({ author, channel, files: [pdf(name)], mention })
    }
    post(bob, general, 'old.pdf')
    post(ann, thread, 'thread.pdf')
    post(ann, secret, 'secret.pdf')
    post(robot, general, 'robot.pdf')
    post(ann, general, 'question.pdf', true)
    post(ann, general, 'new.pdf')
    const recent = (channel: WorldChannel, limit?: number) => platform.placeFiles?.recent(at(channel), options(limit))
    expect(names(await recent(general))).toEqual(['new.pdf', 'thread.pdf', 'old.pdf'])
    expect(names(await recent(general, 1))).toEqual(['new.pdf'])
    expect(names(await recent(secret))).toEqual(['secret.pdf'])
  })
})
