/** What belongs to a question and was said before it, read from the stand-in as Parley is called. */
import { PermissionFlagsBits as may } from 'discord.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { discordUnread } from '../../src/wording/discord.ts'
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

const pdf = (name: string) => ({ name, data: Buffer.from(name), type: 'application/pdf' })
const say = (author: DiscordRig['ann'], channel: WorldChannel, text: string, more: object = {}) =>
  rig.discord.write({ author, channel, text, ...more })

/** A thread of people on a message in #general. */
function thread(name: string, starter: string, more: Partial<WorldChannel> = {}): WorldChannel {
  const { world } = rig.discord
  const message = say(rig.bob, rig.general, starter)
  const made = world.addChannel(rig.guild, name, { id: message.id, type: 11, parentId: rig.general.id, ...more })
  world.put({
    ...message,
    id: world.snowflake(),
    type: 21,
    channel_id: made.id,
    content: '',
    referenced_message: message,
  })
  return made
}

async function asked(channel: WorldChannel, text: string) {
  say(rig.ann, channel, text, { mention: true })
  return await rig.taken(text)
}

describe('a mention in the middle of a thread', () => {
  it('comes with what people said there, by name, the first message first', async () => {
    const place = thread('Supplier', 'The supplier wants 410 per unit')
    say(rig.olga, place, 'we offered 380')
    await rig.listen()
    rig.reads()
    expect((await asked(place, 'how far apart are they?')).quoted).toBe(
      'Supplier\n\nBob: The supplier wants 410 per unit\n\nOlga: we offered 380',
    )
    // Members and roles come with the event; the thread begins on this page.
    expect(rig.reads()).toEqual([`/channels/${place.id}/messages`])
  })

  it('in a forum comes with its title, its first message and the answers', async () => {
    const forum = rig.discord.world.addChannel(rig.guild, 'help', { type: 15 })
    const id = rig.discord.world.snowflake()
    const post = rig.discord.world.addChannel(rig.guild, 'Basil wilts', { id, type: 11, parentId: forum.id })
    say(rig.bob, post, 'Any idea why?', { id, files: [pdf('leaf.pdf')] })
    say(rig.olga, post, 'Too much water')
    await rig.listen()
    const message = await asked(post, 'is Olga right?')
    expect(message.quoted).toBe('Basil wilts\n\nBob: Any idea why?\n\nOlga: Too much water')
    expect(message.attachments).toMatchObject([{ name: 'leaf.pdf', voiceNote: false }])
  })

  it('of 180 messages comes with the first and the newest, and says how many were left out', async () => {
    const place = thread('Long', 'Where it began')
    for (let n = 1; n <= 180; n += 1) say(rig.bob, place, `message ${n} ${'and so on '.repeat(20)}`)
    await rig.listen()
    rig.reads()
    const message = await asked(place, 'what was decided?')
    expect(message.quoted).toMatch(/^Long\n\nBob: Where it began\n\n…\n\nBob: message \d+ /)
    expect(message.quoted).toContain('message 180 ')
    const kept = message.quoted?.match(/message \d+ /g)?.length ?? 0
    expect(message.unread).toEqual([discordUnread.messages(180 - kept)])
    expect(rig.reads()).toHaveLength(2)
  })

  it('comes with the files shared there: those of the first message and the newest, 20 at most', async () => {
    const place = thread('Files', 'start')
    for (let n = 1; n <= 25; n += 1) say(rig.bob, place, '', { files: [pdf(`${n}.pdf`)] })
    await rig.listen()
    const { attachments, unread, quoted } = await asked(place, 'compare them')
    expect(attachments.map(({ name }) => name)).toEqual(Array.from({ length: 20 }, (_, n) => `${25 - n}.pdf`))
    expect(unread).toEqual([discordUnread.files(5)])
    expect(quoted).toContain('Bob: [25.pdf]')
  })

  it('comes later with what was said since Parley was called last, without the follow-ups that it knows', async () => {
    const place = thread('Later', 'old news')
    const called = say(rig.ann, place, 'what is new?', { mention: true })
    say(rig.olga, place, 'The price fell to 395', { files: [pdf('offer.pdf')] })
    const followUp = say(rig.ann, place, 'And the colour?')
    say(rig.olga, place, 'It is grey')
    const upTo = { messageId: called.id, sentAt: called.timestamp }
    rig.recorded.state.known = { upTo, taken: [followUp.id, called.id] }
    await rig.listen()
    const message = await asked(place, 'and now?')
    expect(message.quoted).toBe('Olga: The price fell to 395\n\nOlga: It is grey')
    expect(message.attachments).toMatchObject([{ name: 'offer.pdf' }])
    expect(message.upToDate).toBe(true)
  })

  it('comes with the thread from its beginning, where Parley only answered follow-ups so far', async () => {
    const place = thread('Never read', 'old news')
    const followUp = say(rig.ann, place, 'what is new?')
    rig.recorded.state.known = { taken: [followUp.id] }
    await rig.listen()
    expect((await asked(place, 'and now?')).quoted).toBe('Never read\n\nBob: old news')
  })

  it('is answered without it, and says so, where Parley lacks Read Message History', async () => {
    const place = thread('Closed', 'you cannot read this')
    const own = rig.guild.roles[1]?.id ?? ''
    rig.general.overwrites.push({ id: own, type: 0, allow: '0', deny: String(may.ReadMessageHistory) })
    rig.general.overwrites.push({ id: rig.guild.id, type: 0, allow: '0', deny: String(may.ReadMessageHistory) })
    rig.general.overwrites.push({ id: rig.ann.id, type: 1, allow: String(may.ReadMessageHistory), deny: '0' })
    await rig.listen()
    const message = await asked(place, 'what is this about?')
    expect(message.quoted).toBeUndefined()
    expect(message.unread).toEqual([discordUnread.thread])
    expect(message.upToDate).toBeUndefined()
  })

  it('in a thread that Parley takes part in needs no call for a follow-up without a mention', async () => {
    const place = thread('Talk', 'hello')
    await rig.listen()
    rig.reads()
    say(rig.ann, place, 'and what then?')
    const message = await rig.taken('and what then?')
    expect(message.quoted).toBeUndefined()
    expect(message.upToDate).toBeUndefined()
    expect(rig.reads()).toEqual([])
  })

  it('in a thread that Parley takes part in is read for a follow-up about the discussion', async () => {
    const place = thread('Talk about it', 'We ship on the 14th')
    await rig.listen()
    say(rig.ann, place, 'so what did we decide?')
    expect((await rig.taken('so what did we decide?')).quoted).toBe('Talk about it\n\nBob: We ship on the 14th')
  })

  it('by /ask reads the thread as well', async () => {
    const place = thread('Slash', 'We ship on the 14th')
    await rig.listen()
    const options = [{ type: 3, name: 'text', value: 'when do we ship?' }]
    rig.discord.use({ user: rig.ann, channel: place, type: 2, data: { type: 1, name: 'ask', options } })
    expect((await rig.taken('when do we ship?')).quoted).toBe('Slash\n\nBob: We ship on the 14th')
  })
})

describe('a question in a channel', () => {
  const talk = () => {
    say(rig.bob, rig.general, 'We should ship on the 14th')
    say(rig.olga, rig.general, 'No, the 21st', { files: [pdf('plan.pdf')] })
  }

  it('about the discussion above comes with it', async () => {
    talk()
    await rig.listen()
    rig.reads()
    const message = await asked(rig.general, 'summarise the discussion above')
    expect(message.quoted).toBe('Bob: We should ship on the 14th\n\nOlga: No, the 21st')
    expect(message.attachments).toMatchObject([{ name: 'plan.pdf' }])
    expect(rig.reads()).toEqual([`/channels/${rig.general.id}/messages`])
  })

  it('that does not speak of it comes alone', async () => {
    talk()
    await rig.listen()
    rig.reads()
    expect((await asked(rig.general, 'What is the capital of Latvia?')).quoted).toBeUndefined()
    expect(rig.reads()).toEqual([])
  })

  it('by /ask, too: "tl;dr" reads what is above', async () => {
    talk()
    await rig.listen()
    const options = [{ type: 3, name: 'text', value: 'tl;dr' }]
    rig.discord.use({ user: rig.ann, channel: rig.general, type: 2, data: { type: 1, name: 'ask', options } })
    expect((await rig.taken('tl;dr')).quoted).toContain('the 21st')
  })

  it('says so when the asker may not read what is above', async () => {
    talk()
    rig.general.overwrites.push({ id: rig.ann.id, type: 1, allow: '0', deny: String(may.ReadMessageHistory) })
    await rig.listen()
    const message = await asked(rig.general, 'summarise the discussion above')
    expect(message.quoted).toBeUndefined()
    expect(message.unread).toEqual([discordUnread.discussion])
  })
})

describe('a link to a message', () => {
  const linkTo = ({ channel_id, id }: { channel_id: string; id: string }, guildId = rig.guild.id) =>
    `https://discord.com/channels/${guildId}/${channel_id}/${id}`

  it('of a channel that the asker sees is opened, with its files', async () => {
    const news = rig.discord.world.addChannel(rig.guild, 'news')
    const url = linkTo(say(rig.bob, news, 'The office moves in May', { files: [pdf('map.pdf')] }))
    await rig.listen()
    const message = await asked(rig.general, `when is this? ${url}`)
    expect(message.quoted).toBe(`${url}\nBob: The office moves in May`)
    expect(message.attachments).toMatchObject([{ name: 'map.pdf' }])
  })

  it('of a channel that is hidden from the asker is not opened, and the receipt says so', async () => {
    const denied = { id: rig.guild.id, type: 0 as const, allow: '0', deny: String(may.ViewChannel) }
    const own = { id: rig.guild.roles[1]?.id ?? '', type: 0 as const, allow: String(may.ViewChannel), deny: '0' }
    const board = rig.discord.world.addChannel(rig.guild, 'board', { overwrites: [denied, own] })
    const url = linkTo(say(rig.bob, board, 'We close the office'))
    await rig.listen()
    say(rig.ann, rig.general, `what does ${url} say about <#${board.id}>?`, { mention: true })
    const message = await rig.taken(`what does ${url} say about #unknown?`)
    expect(message.quoted).toBeUndefined()
    expect(message.unread).toEqual([discordUnread.link(url)])
  })

  it('of a private thread is opened for its members alone', async () => {
    const secret = rig.discord.world.addChannel(rig.guild, 'secret', {
      type: 12,
      parentId: rig.general.id,
      threadMembers: [rig.bob.id],
    })
    const url = linkTo(say(rig.bob, secret, 'The code is 4471'))
    await rig.listen()
    expect((await asked(rig.general, `1 ${url}`)).unread).toEqual([discordUnread.link(url)])
    say(rig.bob, rig.general, `2 ${url}`, { mention: true })
    expect((await rig.taken(`2 ${url}`)).quoted).toContain('4471')
  })

  it('of another server is not opened, and more than three are not', async () => {
    const foreign = linkTo({ channel_id: '1', id: '2' }, '123')
    const links = Array.from({ length: 4 }, (_, n) => linkTo(say(rig.bob, rig.general, `line ${n}`)))
    await rig.listen()
    expect((await asked(rig.general, `see ${foreign}`)).unread).toEqual([discordUnread.foreignLink(foreign)])
    const many = await asked(rig.general, links.join(' '))
    expect(many.quoted).toMatch(/line 0[\s\S]*line 1[\s\S]*line 2/)
    expect(many.unread).toEqual([discordUnread.moreLinks(3)])
  })
})
