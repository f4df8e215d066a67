/** What people change and delete after they wrote it, against the stand-in. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chatWording } from '../../src/wording/chat.ts'
import { discordUnread, discordWording } from '../../src/wording/discord.ts'
import { type DiscordRig, openDiscordRig } from '../../test/servers/discord-rig.ts'
import type { WorldMessage } from '../../test/servers/discord-world.ts'

let rig: DiscordRig
beforeEach(async () => {
  rig = await openDiscordRig()
})
afterEach(async () => {
  expect(rig.discord.violations).toEqual([])
  await rig[Symbol.asyncDispose]()
})

const named = () => ({ mentions: [rig.discord.world.bot] })
const calling = (text: string) => `<@${rig.discord.world.bot.id}> ${text}`
const unknown = { revise: async () => ({ kind: 'unknown' as const }) }

describe('a mention that is added by an edit', () => {
  it('is answered, once', async () => {
    await rig.listen(unknown)
    const { discord, ann, general } = rig
    const message = discord.write({ author: ann, channel: general, text: 'What is the capital of Latvia?' })
    discord.edit(message, calling('What is the capital of Latvia?'), named())
    expect(await rig.taken('What is the capital of Latvia?')).toMatchObject({ id: message.id, kind: 'mention' })
    // Discord sends the message once more when it has made a preview of its links.
    discord.edit(message, message.content, { embeds: [{ type: 'link', title: 'Latvia' } as never] })
    await rig.settled()
    expect(rig.received.map(({ id }) => id)).toEqual([message.id, message.id])
  })

  it('in a thread is answered with what was said there', async () => {
    const place = rig.discord.world.addChannel(rig.guild, 'Trip', { type: 11, parentId: rig.general.id })
    rig.discord.write({ author: rig.bob, channel: place, text: 'Riga or Lisbon?' })
    rig.recorded.state.takesPart = false
    await rig.listen(unknown)
    const message = rig.discord.write({ author: rig.ann, channel: place, text: 'which one?' })
    rig.discord.edit(message, calling('which one?'), named())
    expect((await rig.taken('which one?')).quoted).toContain('Bob: Riga or Lisbon?')
  })

  it('to a message without a question makes it one', async () => {
    await rig.listen(unknown)
    const message = rig.discord.write({ author: rig.ann, channel: rig.general, mention: true })
    await rig.discord.until(() => rig.discord.said(rig.general.id)[0], 'a greeting')
    rig.discord.edit(message, calling('What is HTTP?'))
    await rig.taken('What is HTTP?')
  })

  it('is looked up when Discord sends a part of the message', async () => {
    await rig.listen(unknown)
    const message = rig.discord.write({ author: rig.ann, channel: rig.general, text: 'Where?' })
    const { id, channel_id, guild_id, author } = message
    Object.assign(message, { content: calling('Where?'), ...named() })
    const at = new Date().toISOString()
    const part = { id, channel_id, guild_id, author, content: message.content, edited_timestamp: at, ...named() }
    rig.discord.gateway.dispatch('MESSAGE_UPDATE', part, guild_id)
    expect((await rig.taken('Where?')).kind).toBe('mention')
  })

  it.each([
    ['without a mention of Parley', (text: string) => ({ text, more: {} })],
    [
      'to a message of last week',
      (text: string) => ({ text: calling(text), more: { ...named(), timestamp: lastWeek } }),
    ],
    ['of a bot', (text: string) => ({ text: calling(text), more: { ...named(), author: rig.discord.world.bot } })],
  ])('is not taken in %s', async (_, change) => {
    await rig.listen(unknown)
    const message = rig.discord.write({ author: rig.ann, channel: rig.general, text: 'Hm' })
    const { text, more } = change('Hm?')
    rig.discord.edit(message, text, more)
    await rig.settled()
    expect(rig.received).toEqual([])
  })
})

const lastWeek = new Date(Date.now() - 7 * 24 * 3_600_000).toISOString()

describe('a question that changes after its answer began', () => {
  const started = { revise: async () => ({ kind: 'started' as const, turnId: 't-1' }) }
  const offers = (channelId: string) =>
    rig.discord.said(channelId).filter(({ content }) => content === chatWording.questionChanged)

  it('gets one offer to answer the new one, in the thread of the answer, and the offer goes when it is used', async () => {
    const acted: object[] = []
    await rig.listen({
      ...started,
      async act(action) {
        acted.push(action)
        return { turnId: 't-2' }
      },
    })
    const message = rig.discord.write({ author: rig.ann, channel: rig.general, text: 'five plus four', mention: true })
    await rig.taken('five plus four')
    rig.discord.edit(message, calling('five plus six'))
    const [offer] = await rig.discord.until(() => offers(message.id).length > 0 && offers(message.id), 'an offer')
    rig.discord.edit(message, calling('five plus seven'))
    await rig.settled()
    expect(offers(message.id)).toHaveLength(1)
    expect(offers(rig.general.id)).toEqual([])
    const custom = /"custom_id":"(regenerate:[^"]+)"/.exec(JSON.stringify(offer?.components))?.[1]
    const channel = rig.discord.world.channels.get(message.id) as typeof rig.general
    rig.discord.use({ user: rig.ann, channel, type: 3, data: { component_type: 2, custom_id: custom }, message: offer })
    await rig.discord.until(() => offers(message.id).length === 0, 'the offer to go')
    expect(acted).toMatchObject([{ kind: 'regenerate', turnId: 't-1', by: { id: rig.ann.id } }])
  })

  it.each(['unchanged', 'revised'] as const)('gets none when the question is %s', async (kind) => {
    await rig.listen({ revise: async () => ({ kind, turnId: 't-1' }) })
    const message = rig.discord.write({ author: rig.ann, channel: rig.general, text: 'five', mention: true })
    await rig.taken('five')
    rig.discord.edit(message, calling('five '))
    await rig.settled()
    expect(offers(message.id)).toEqual([])
  })

  it('in a forum, is told with its title', async () => {
    await rig.listen()
    const forum = rig.discord.world.addChannel(rig.guild, 'help', { type: 15 })
    const id = rig.discord.world.snowflake()
    const post = rig.discord.world.addChannel(rig.guild, 'Router loses settings', { id, type: 11, parentId: forum.id })
    const message = rig.discord.write({ author: rig.ann, channel: post, id, text: 'why?', mention: true })
    rig.discord.edit(message, calling('why, every night?'))
    await rig.discord.until(() => rig.recorded.revisions[0], 'the change')
    expect(rig.recorded.revisions).toMatchObject([{ id, text: 'Router loses settings\n\nwhy, every night?' }])
  })
})

describe('a message that is deleted', () => {
  const question = (text: string) => rig.discord.write({ author: rig.ann, channel: rig.general, text, mention: true })

  it('is withdrawn, alone or with many others', async () => {
    await rig.listen()
    const [one, two, three] = ['1', '2', '3'].map(question) as [WorldMessage, WorldMessage, WorldMessage]
    await rig.taken('3')
    rig.discord.delete(one)
    rig.discord.delete(two, three)
    await rig.discord.until(() => rig.recorded.withdrawn.length === 3, 'the withdrawals')
    expect(rig.recorded.withdrawn).toEqual([one.id, two.id, three.id])
  })

  it('right after it was written is withdrawn after it is taken in', async () => {
    await rig.listen()
    rig.discord.delete(question('please forget this'))
    await rig.discord.until(() => rig.recorded.withdrawn[0], 'the withdrawal')
    expect(rig.received).toHaveLength(1)
  })

  it('in a direct chat is withdrawn', async () => {
    await rig.listen()
    const chat = rig.discord.world.directChat(rig.ann.id)
    rig.discord.delete(rig.discord.write({ author: rig.ann, channel: chat, text: 'secret' }))
    await rig.discord.until(() => rig.recorded.withdrawn[0], 'the withdrawal')
  })

  it('leaves none of its words in the name of the thread that Parley opened on it', async () => {
    await rig.listen()
    const message = question('my secret')
    const thread = await rig.discord.until(() => rig.discord.world.channels.get(message.id), 'the thread')
    expect(thread.name).toContain('my secret')
    rig.discord.delete(message)
    await rig.discord.until(() => thread.name === discordWording.deletedQuestion, 'another name')
  })

  it('while Discord is away leaves none of them either, although its words are forgotten at the first try', async () => {
    const known = [1, 0]
    await rig.listen({ withdraw: async () => known.shift() ?? 0 })
    const message = question('my secret')
    const thread = await rig.discord.until(() => rig.discord.world.channels.get(message.id), 'the thread')
    rig.discord.state.failing = /^PATCH/
    rig.discord.delete(message)
    await rig.discord.until(() => rig.discord.requests.some(({ status }) => status === 500), 'a failure')
    rig.discord.state.failing = undefined
    await rig.discord.until(() => thread.name === discordWording.deletedQuestion, 'another name')
    expect(known).toEqual([])
  })

  it('with its whole thread or channel withdraws everything in it', async () => {
    const places: object[] = []
    await rig.listen({
      async withdraw(withdrawal) {
        if ('place' in withdrawal) places.push(withdrawal.place)
        return 0
      },
    })
    const { world } = rig.discord
    const thread = world.addChannel(rig.guild, 'Trip', { type: 11, parentId: rig.general.id })
    rig.discord.deleteChannel(thread)
    rig.discord.deleteChannel(rig.general)
    await rig.discord.until(() => places.length === 2, 'both')
    const base = { workspaceId: rig.guild.id, channelId: rig.general.id }
    expect(places).toEqual([{ ...base, threadId: thread.id }, base])
  })
})

it('a mention that answers something unreadable, and says nothing, is told so', async () => {
  await rig.listen()
  const empty = rig.discord.write({ author: rig.bob, channel: rig.general, more: { flags: 32768 } })
  rig.discord.write({ author: rig.ann, channel: rig.general, mention: true, replyTo: empty })
  const told = await rig.discord.until(() => rig.discord.said(rig.general.id)[0], 'a sentence')
  expect(told.content).toBe(discordUnread.reply)
  expect(rig.received).toEqual([])
})

it('"Ask about this message" on something unreadable is told to the asker alone, and opens no form', async () => {
  await rig.listen()
  const empty = rig.discord.write({ author: rig.bob, channel: rig.general, more: { flags: 32768 } })
  const data = {
    type: 3,
    name: 'Ask about this message',
    target_id: empty.id,
    resolved: { messages: { [empty.id]: empty } },
  }
  const use = rig.discord.use({ user: rig.ann, channel: rig.general, type: 2, data })
  await rig.discord.until(() => use.acknowledged, 'an acknowledgement')
  expect(use).toMatchObject({
    ephemeral: true,
    acknowledged: { type: 4, data: { content: discordWording.messageEmpty } },
  })
})
