/** What moderators and people change, as the listener tells it: who can read a place now, what is gone, and what was posted. */
import { PermissionFlagsBits as may } from 'discord.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { placeOf } from '../../src/core/place.ts'
import { type DiscordRig, openDiscordRig } from '../../test/servers/discord-rig.ts'
import type { WorldChannel } from '../../test/servers/discord-world.ts'

let rig: DiscordRig
beforeEach(async () => {
  rig = await openDiscordRig()
})
afterEach(async () => {
  expect(rig.discord.violations).toEqual([])
  await rig[Symbol.asyncDispose]()
})

const server = () => ({ platform: 'discord', workspaceId: rig.guild.id })
const place = (channelId: string, threadId?: string) => ({ ...server(), channelId, threadId })
const pdf = (name: string) => ({ name, data: Buffer.from('%PDF-1.7'), type: 'application/pdf' })
const privateThread = () =>
  rig.discord.world.addChannel(rig.guild, 'secret', {
    type: 12,
    parentId: rig.general.id,
    threadMembers: [rig.ann.id],
  })
/** Events have no order among each other; whatever was sent before is told when this returns. */
const told = async (count: number) => {
  await rig.discord.until(() => rig.changes.length >= count, `${count} changes`)
  await rig.settled()
  return rig.changes
}

describe('without privileged intents', () => {
  it('a channel, a role, the server and its removal are told', async () => {
    const role = rig.discord.world.addRole(rig.guild, 'Lead')
    const other = rig.discord.world.addGuild('Other', rig.olga)
    await rig.listen()
    rig.discord.allow(rig.general, [{ id: rig.guild.id, type: 0, allow: '0', deny: String(may.ViewChannel) }])
    expect(await told(1)).toEqual([{ kind: 'changed', place: place(rig.general.id), name: 'general' }])
    rig.discord.changeRole(rig.guild, role, may.ViewChannel)
    rig.discord.changeRole(rig.guild, role, null)
    rig.discord.gateway.dispatch('GUILD_UPDATE', { ...raw(), owner_id: rig.ann.id }, rig.guild.id)
    expect((await told(4)).slice(1)).toEqual(Array(3).fill({ kind: 'workspaceChanged', ...server() }))
    rig.discord.gateway.dispatch('GUILD_DELETE', { id: rig.guild.id, unavailable: true }, rig.guild.id)
    rig.discord.expel(other)
    expect((await told(5)).slice(4)).toEqual([{ kind: 'workspaceRemoved', platform: 'discord', workspaceId: other.id }])
  })

  it('a deleted channel and a deleted private thread are gone with what was shared there', async () => {
    const thread = privateThread()
    const open = rig.discord.world.addChannel(rig.guild, 'open', { type: 11, parentId: rig.general.id })
    await rig.listen()
    rig.discord.deleteChannel(open)
    rig.discord.deleteChannel(thread)
    await told(1)
    rig.discord.deleteChannel(rig.general)
    expect(await told(2)).toEqual([
      { kind: 'removed', place: place(rig.general.id, thread.id) },
      { kind: 'removed', place: place(rig.general.id) },
    ])
  })

  it("Parley's own roles and its removal from a private thread are told, and nothing of other people", async () => {
    const thread = privateThread()
    await rig.listen()
    rig.discord.changeMember(rig.guild, rig.ann.id, null)
    rig.discord.changeThread(thread, { added: rig.bob.id })
    rig.discord.changeThread(thread, { removed: rig.discord.world.bot.id })
    expect(await told(1)).toEqual([{ kind: 'removed', place: place(rig.general.id, thread.id) }])
    rig.discord.changeMember(rig.guild, rig.discord.world.bot.id, [])
    expect((await told(2)).slice(1)).toEqual([{ kind: 'workspaceChanged', ...server() }])
  })
})

it('with the server members intent, people who leave or get other roles, and readers of private threads are told at once', async () => {
  rig.discord.state.flags |= 1 << 15
  const thread = privateThread()
  await rig.listen()
  const secret = place(rig.general.id, thread.id)
  rig.discord.changeThread(thread, { added: rig.bob.id })
  expect(await told(1)).toEqual([{ kind: 'joined', place: secret, account: rig.bob.id }])
  rig.discord.changeThread(thread, { removed: rig.bob.id })
  rig.discord.changeMember(rig.guild, rig.ann.id, null)
  rig.discord.changeMember(rig.guild, rig.bob.id, [rig.discord.world.addRole(rig.guild, 'Lead')])
  const changes = (await told(4)).slice(1)
  expect(changes).toContainEqual({ kind: 'left', place: secret, account: rig.bob.id })
  expect(changes).toContainEqual({ kind: 'accountGone', ...server(), account: rig.ann.id })
  expect(changes).toContainEqual({ kind: 'accountChanged', ...server(), account: rig.bob.id })
})

describe('files of a message', () => {
  it('are gone with it, and one that an edit removes is gone alone', async () => {
    await rig.listen()
    const write = (text: string) =>
      rig.discord.write({
        author: rig.ann,
        channel: rig.general,
        text,
        files: [pdf('a.pdf'), pdf('b.pdf')],
        mention: true,
      })
    const message = write('read this')
    const { attachments } = await rig.taken('read this')
    const [kept] = message.attachments
    expect(attachments.map(({ messageId }) => messageId)).toEqual([message.id, message.id])
    rig.discord.edit(message, message.content, { attachments: message.attachments.slice(0, 1) })
    expect(await told(1)).toEqual([{ kind: 'filesLeft', ...server(), messageIds: [message.id], left: [kept?.id] }])
    const more = ['one', 'two'].map(write)
    rig.discord.delete(message)
    await told(2)
    rig.discord.delete(...more)
    expect((await told(3)).slice(1)).toEqual([
      { kind: 'filesLeft', ...server(), messageIds: [message.id], left: [] },
      { kind: 'filesLeft', ...server(), messageIds: more.map(({ id }) => id), left: [] },
    ])
  })

  it('cost Discord nothing where files are not read, also in a channel that is not known', async () => {
    rig.recorded.state.takesPart = false
    const offered: string[] = []
    await rig.listen({ filesPosted: async ({ channelId }) => void offered.push(channelId) })
    const unknown = rig.discord.world.addChannel(rig.guild, 'new')
    rig.reads()
    for (const channel of [rig.general, unknown])
      rig.discord.write({ author: rig.bob, channel, files: [pdf('plan.pdf')] })
    await rig.discord.until(() => offered.length >= 2, 'two places')
    expect(offered.toSorted()).toEqual([rig.general.id, unknown.id].toSorted())
    expect(rig.reads()).toEqual([])
  })

  it('that is not for Parley are passed on with their place; those of questions and of bots are not', async () => {
    rig.recorded.state.takesPart = false
    const thread = rig.discord.world.addChannel(rig.guild, 'thread', { type: 11, parentId: rig.general.id })
    const secret = privateThread()
    const robot = rig.discord.world.addUser('Robot', true)
    await rig.listen()
    const post = (channel: WorldChannel, name: string, more = {}) =>
      rig.discord.write({ author: rig.bob, channel, files: [pdf(name)], ...more })
    const message = post(rig.general, 'plan.pdf')
    post(rig.general, 'robot.pdf', { author: robot })
    post(rig.general, 'asked.pdf', { mention: true, text: 'what is it?' })
    post(thread, 'thread.pdf')
    post(secret, 'secret.pdf')
    await rig.taken('what is it?')
    await rig.discord.until(() => rig.posted.length >= 3, 'posted files')
    await rig.settled()
    const found = new Map(rig.posted.map(({ place, file }) => [file.attachment.name, { place, file }]))
    expect([...found.keys()].toSorted()).toEqual(['plan.pdf', 'secret.pdf', 'thread.pdf'])
    expect(found.get('plan.pdf')?.place).toEqual(place(rig.general.id))
    const about = { messageId: message.id, by: 'Bob', at: message.timestamp }
    expect(found.get('plan.pdf')?.file).toMatchObject({ ...about, attachment: { messageId: message.id } })
    expect(found.get('thread.pdf')?.place).toEqual(place(rig.general.id))
    expect(found.get('secret.pdf')?.place).toEqual(place(rig.general.id, secret.id))
  })
})

describe('a question', () => {
  const use = (channel: WorldChannel, text: string, isPrivate: boolean) => {
    const options = [
      { type: 3, name: 'text', value: text },
      { type: 5, name: 'private', value: isPrivate },
    ]
    rig.discord.use({ user: rig.ann, channel, type: 2, data: { type: 1, name: 'ask', options } })
    return rig.taken(text)
  }

  it('in a private thread belongs to the thread, and one in a public thread to its channel', async () => {
    const secret = privateThread()
    const open = rig.discord.world.addChannel(rig.guild, 'open', { type: 11, parentId: rig.general.id })
    await rig.listen()
    rig.discord.write({ author: rig.ann, channel: secret, text: 'by mention', mention: true })
    expect(placeOf(await rig.taken('by mention'))).toMatchObject(place(rig.general.id, secret.id))
    expect(placeOf(await use(secret, 'by command', false))).toMatchObject(place(rig.general.id, secret.id))
    expect(placeOf(await use(open, 'in the open', false))).toEqual(place(rig.general.id))
  })

  it('with a private answer says so, and shares its conversation with nobody', async () => {
    await rig.listen()
    const message = await use(rig.general, 'between us', true)
    expect(message.private).toBe(true)
    expect(message.conversation).toMatchObject(place(rig.general.id, `private-${rig.general.id}-${rig.ann.id}`))
    expect((await use(rig.general, 'for all', false)).private).toBeUndefined()
  })
})

const raw = () => ({ id: rig.guild.id, name: rig.guild.name, owner_id: rig.guild.ownerId, roles: rig.guild.roles })
