/** Offline for longer than Discord keeps the session: what was written meanwhile is read once and answered. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type DiscordRig, openDiscordRig } from '../../test/servers/discord-rig.ts'
import type { WorldChannel } from '../../test/servers/discord-world.ts'

let rig: DiscordRig
let chat: WorldChannel
let thread: WorldChannel
beforeEach(async () => {
  rig = await openDiscordRig()
  chat = rig.discord.world.directChat(rig.ann.id)
  thread = rig.discord.world.addChannel(rig.guild, 'Trip', { type: 11, parentId: rig.general.id })
})
afterEach(() => rig[Symbol.asyncDispose]())

const write = (channel: WorldChannel, text: string, mention = false) =>
  rig.discord.write({ author: rig.ann, channel, text, mention })
const texts = () => rig.received.map(({ text }) => text)

/** A first process that takes in a direct message and ends; Discord forgets its session. */
async function away(): Promise<void> {
  await rig.listen()
  write(chat, 'before')
  await rig.taken('before')
  await rig.stop()
  rig.discord.gateway.fault.forgetful = true
}

it('direct messages, follow-ups in a thread, and mentions are answered, oldest first', async () => {
  await away()
  write(chat, 'one')
  write(chat, 'two')
  write(thread, 'and then?')
  write(rig.general, 'what is HTTP?', true)
  write(rig.general, 'lunch?')
  await rig.listen()
  await Promise.all(['two', 'and then?', 'what is HTTP?'].map(rig.taken))
  await rig.settled()
  expect(texts().filter((text) => text === 'one' || text === 'two')).toEqual(['one', 'two'])
  expect(texts()).not.toContain('lunch?')
})

it('roles come with a question that is read later, as with one that arrives', async () => {
  await away()
  rig.guild.members.set(rig.ann.id, [])
  rig.guild.ownerId = rig.ann.id
  write(rig.general, 'am I the owner?', true)
  await rig.listen()
  expect((await rig.taken('am I the owner?')).author).toMatchObject({ id: rig.ann.id, membership: 'owner' })
})

it('what is written in the new session comes after what was missed in the same chat', async () => {
  await away()
  write(chat, 'missed')
  await rig.listen()
  write(chat, 'new')
  await rig.taken('new')
  // What was taken in before comes again: intake knows its id.
  expect(texts().filter((text, at) => texts().indexOf(text) === at)).toEqual(['before', 'missed', 'new'])
})

it('when Discord ends the session of a running process, nothing is lost either', async () => {
  await rig.listen()
  write(chat, 'before')
  await rig.taken('before')
  rig.discord.gateway.fault.forgetful = true
  rig.discord.gateway.refuse(true)
  rig.discord.gateway.cut()
  await rig.discord.until(() => rig.discord.gateway.connected() === 0, 'the cut')
  write(chat, 'while away')
  write(thread, 'in the thread')
  // The old session never hears of them.
  rig.discord.gateway.refuse(false)
  await Promise.all([rig.taken('while away'), rig.taken('in the thread')])
})

it('channels where nothing was written cost no call', async () => {
  await away()
  const quiet = rig.discord.world.addChannel(rig.guild, 'quiet')
  write(thread, 'and then?')
  rig.reads()
  await rig.listen()
  await rig.taken('and then?')
  const read = rig.reads().filter((path) => path.endsWith('/messages'))
  expect(read).toContain(`/channels/${thread.id}/messages`)
  expect(read).not.toContain(`/channels/${quiet.id}/messages`)
})

it('the first start of all reads nothing of the past', async () => {
  write(chat, 'long ago')
  write(rig.general, 'long ago, too', true)
  await rig.listen()
  await rig.settled()
  expect(texts()).toEqual([])
})

it('a session that is resumed reads nothing: Discord sends its events', async () => {
  await away()
  rig.discord.gateway.fault.forgetful = false
  write(chat, 'meanwhile')
  rig.reads()
  await rig.listen()
  await rig.taken('meanwhile')
  expect(rig.reads().filter((path) => path.endsWith('/messages'))).toEqual([])
})

it('after a crash in the middle of reading, the next process reads again', async () => {
  await away()
  write(thread, 'and then?')
  // Discord is away for reading, so the first event of the server stays open.
  rig.discord.state.failing = /^GET .*\/messages$/
  await rig.listen()
  await rig.discord.until(
    () => rig.discord.requests.some(({ path, status }) => path.endsWith('/messages') && status === 500),
    'a failed read',
  )
  rig.discord.gateway.fault.forgetful = false
  await rig.stop()
  rig.discord.state.failing = undefined
  await rig.listen()
  await rig.taken('and then?')
})

it('a question older than a day is not answered any more', async () => {
  await away()
  write(chat, 'two days old')
  rig.discord.world.clock.ahead = 2 * 24 * 3_600_000
  write(chat, 'fresh')
  await rig.listen({})
  await rig.taken('fresh')
})
