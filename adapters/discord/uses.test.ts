/** Commands, menus of messages, buttons and forms as they are used, against the stand-in: what is acknowledged, and when. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Action, CommandCall, Notice } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { IncomingMessage } from '../../src/core/message.ts'
import type { Intake, OutgoingMessage, Platform } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { discordWording } from '../../src/wording/discord.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import type { Using } from '../../test/servers/discord-people.ts'
import type { Use } from '../../test/servers/discord-state.ts'
import type { WorldChannel } from '../../test/servers/discord-world.ts'
import { createDiscord } from './platform.ts'

let discord: StandInDiscord
let ann: ReturnType<StandInDiscord['world']['addUser']>
let guild: ReturnType<StandInDiscord['world']['addGuild']>
let channel: WorldChannel
let platform: Platform
let received: IncomingMessage[]
let acted: Action[]
let called: CommandCall[]
let stop: () => Promise<void>

async function listen(own: Partial<Intake> = {}): Promise<void> {
  const intake = fakeIntake({
    async receive(message) {
      received.push(IncomingMessage.parse(message))
      return { kind: 'new', turnId: 't' }
    },
    async act(action) {
      acted.push(action)
      return {}
    },
    async command(call) {
      called.push(call)
      return { text: 'Done.' }
    },
    ...own,
  })
  platform = createDiscord({
    token: discord.token,
    apiUrl: discord.url,
    records: memoryRecords(),
    quota: createLocalQuota(),
    log: silentLog,
    retryMs: 20,
  })
  const listener = platform.listen(intake)
  await listener.start()
  stop = () => listener.stop()
}

beforeEach(async () => {
  discord = await startDiscord()
  ann = discord.world.addUser('Ann')
  guild = discord.world.addGuild('Team', discord.world.addUser('Olga'))
  channel = discord.world.addChannel(guild, 'general')
  received = []
  acted = []
  called = []
})
afterEach(async () => {
  await stop()
  expect(discord.violations).toEqual([])
  await discord[Symbol.asyncDispose]()
})

async function used(using: Omit<Using, 'user' | 'channel'>): Promise<Use & Required<Pick<Use, 'acknowledged'>>> {
  const use = discord.use({ user: ann, channel, ...using })
  const acknowledged = await discord.until(() => use.acknowledged, 'an acknowledgement')
  return { ...use, acknowledged }
}

const press = (id: string, values?: string[]) =>
  used({
    type: 3,
    data: { component_type: values === undefined ? 2 : 3, custom_id: id, ...(values === undefined ? {} : { values }) },
  })
const onMessage = (name: string, message: object & { id: string }) =>
  used({ type: 2, data: { type: 3, name, target_id: message.id, resolved: { messages: { [message.id]: message } } } })
const form = (id: unknown, fields: Record<string, string>) =>
  used({
    type: 5,
    data: {
      custom_id: id,
      components: Object.entries(fields).map(([name, value]) => ({
        type: 18,
        component: { type: 4, custom_id: name, value },
      })),
    },
  })

describe('commands on a message', () => {
  it('"Ask about this message" opens a form, and the question comes with the message and its files', async () => {
    await listen()
    const about = discord.write({
      author: ann,
      channel,
      text: 'The plan',
      files: [{ name: 'plan.pdf', data: Buffer.from('x') }],
    })
    const { acknowledged } = await onMessage('Ask about this message', about)
    expect(acknowledged.type).toBe(9)
    const sent = await form(acknowledged.data?.custom_id, { text: 'Is it any good?' })
    expect(sent.acknowledged.type).toBe(5)
    expect(received).toMatchObject([
      { text: 'Is it any good?', quoted: 'Ann: The plan', attachments: [{ name: 'plan.pdf' }] },
    ])
  })

  it('"Ask about this message" reads what a bot posted as components, with names of channels', async () => {
    await listen()
    const components = [
      { type: 17, components: [{ type: 10, content: `Database primary is down, see <#${channel.id}>` }] },
    ]
    const about = discord.write({ author: ann, channel, more: { flags: 32768, components } })
    const { acknowledged } = await onMessage('Ask about this message', about)
    await form(acknowledged.data?.custom_id, { text: 'What is down?' })
    expect(received).toMatchObject([{ text: 'What is down?', quoted: 'Ann: Database primary is down, see #general' }])
  })

  it('a form opened by another process still finds its message', async () => {
    await listen()
    const about = discord.write({ author: ann, channel, text: 'The plan' })
    await form(`about/${channel.id}/${about.id}`, { text: 'And?' })
    expect(received).toMatchObject([{ text: 'And?', quoted: 'Ann: The plan' }])
  })

  it('"Transcribe" asks for a transcript that only the asker sees', async () => {
    await listen()
    const files = [{ name: 'voice-message.ogg', data: Buffer.from('x'), type: 'audio/ogg', durationSecs: 2 }]
    const { acknowledged, ephemeral } = await onMessage('Transcribe', discord.write({ author: ann, channel, files }))
    expect([acknowledged.type, ephemeral]).toEqual([5, true])
    // Somebody else said it: it is content, and not the question.
    expect(received).toMatchObject([{ private: true, attachments: [{ voiceNote: false, durationMs: 2000 }] }])
  })

  it('"Transcribe" on a message without a recording says so', async () => {
    await listen()
    const { acknowledged } = await onMessage('Transcribe', discord.write({ author: ann, channel, text: 'Only words' }))
    expect(acknowledged.data?.content).toBe(discordWording.noRecording)
    expect(received).toEqual([])
  })
})

describe('buttons', () => {
  it('leave the message unchanged when there is nothing to say', async () => {
    await listen()
    const { acknowledged, id } = await press('regenerate:t1#123456789012345678')
    expect(acknowledged.type).toBe(6)
    expect(acted).toMatchObject([{ id, kind: 'regenerate', turnId: 't1', by: { id: ann.id } }])
  })

  it('a menu choice runs its action', async () => {
    await listen()
    await press('choose', ['cheaper:t1'])
    expect(acted).toMatchObject([{ kind: 'cheaper', turnId: 't1' }])
  })

  it('thumbs down asks what was wrong and keeps the comment', async () => {
    await listen()
    const { acknowledged } = await press('bad:t1')
    expect(acknowledged.type).toBe(9)
    await form(acknowledged.data?.custom_id, { comment: 'Too long' })
    expect(acted).toMatchObject([{ kind: 'bad', turnId: 't1', comment: 'Too long' }])
  })

  it('of another version are explained to the person who pressed them', async () => {
    await listen()
    const { acknowledged, ephemeral } = await press('unheard-of')
    expect(acknowledged.data?.content).toBe(discordWording.outdated)
    expect(ephemeral).toBe(true)
  })
})

describe('when intake is slow', () => {
  it('Discord gets an acknowledgement first, and the command’s answer follows', async () => {
    const { promise, resolve } = Promise.withResolvers<Notice>()
    await listen({ command: () => promise })
    const use = await used({ type: 2, data: { type: 1, name: 'parley', options: [{ type: 1, name: 'usage' }] } })
    expect(use.acknowledged.type).toBe(5)
    resolve({ text: 'Late but right.' })
    await discord.until(() => discord.state.uses.get(use.id)?.original?.content === 'Late but right.', 'the answer')
  })

  it('while the database is down a question is acknowledged and kept, and answered when it is back', async () => {
    let tries = 0
    await listen({
      async receive(message) {
        tries += 1
        if (tries < 4) throw new ParleyError('database_unreachable', 'The database is away. Please try again.')
        received.push(message)
        return { kind: 'new', turnId: 't' }
      },
    })
    const use = await used({
      type: 2,
      data: { type: 1, name: 'ask', options: [{ type: 3, name: 'text', value: 'Hello?' }] },
    })
    expect(use.acknowledged.type).toBe(5)
    await discord.until(() => received.length === 1, 'the question')
    expect(received).toMatchObject([{ id: use.id, text: 'Hello?' }])
  })

  it('a question that can never be accepted is rejected at once', async () => {
    await listen({
      receive: () =>
        Promise.reject(new ParleyError('message_too_long', 'The message is too long. Attach it as a file.')),
    })
    const use = await used({
      type: 2,
      data: { type: 1, name: 'ask', options: [{ type: 3, name: 'text', value: 'Hello?' }] },
    })
    expect(use.acknowledged.data?.content).toBe('The message is too long. Attach it as a file.')
  })
})

describe('where a person brought Parley along', () => {
  const ask = {
    type: 2 as const,
    data: { type: 1, name: 'ask', options: [{ type: 3, name: 'text', value: 'Hello?' }] },
  }
  const calls = () => discord.requests.filter(({ path }) => !/^\/(?:gateway|users\/@me$|applications)/.test(path))

  it('a question in a foreign server is answered by the interaction alone, and no channel is touched', async () => {
    await listen()
    const use = await used({ ...ask, alone: true, permissions: 8n })
    expect(use.acknowledged.type).toBe(5)
    const [message] = received
    // Whoever rules that server rules nothing of Parley's.
    expect(message).toMatchObject({ text: 'Hello?', author: { id: ann.id, membership: 'stranger' } })
    expect(message?.conversation.threadId).toBe(use.id)
    const { transport } = platform
    const reply = (text: string, end?: OutgoingMessage['end']): OutgoingMessage => ({
      turnId: 't',
      text,
      citations: [],
      phase: end === undefined ? 'streaming' : 'final',
      end,
    })
    const signal = AbortSignal.timeout(5000)
    const target = message?.replyTarget
    if (target === undefined) throw new Error('nothing was taken in')
    const first = await transport.post(target, reply('One'), { key: 't-0', signal })
    await transport.edit(target, first, reply('One.'), { signal })
    await transport.post(target, reply('Two.', { state: 'done', receipt }), { key: 't-1', signal })
    await transport.tellAsker?.(target, { text: 'Only for you' }, { key: 'told', signal })
    const { original, followUps } = discord.state.uses.get(use.id) ?? use
    expect(original?.content).toBe('One.')
    expect(followUps.map(({ content, visibleTo }) => [content.split('\n')[0], visibleTo])).toEqual([
      ['Two.', undefined],
      ['Only for you', ann.id],
    ])
    expect(calls().filter(({ path }) => !/^\/(?:webhooks|interactions)\//.test(path))).toEqual([])
  })

  it('two questions in one foreign thread share nothing', async () => {
    await listen()
    const thread = discord.world.addChannel(guild, 'a thread', { type: 11, parentId: channel.id })
    for (let n = 0; n < 2; n += 1) {
      const use = discord.use({ user: ann, channel: thread, alone: true, ...ask })
      await discord.until(() => use.acknowledged, 'an acknowledgement')
    }
    expect(new Set(received.map(({ conversation }) => conversation.threadId)).size).toBe(2)
  })

  it('a question in a chat between people is a conversation of its own', async () => {
    await listen()
    const chat = discord.world.directChat(discord.world.addUser('Bob').id)
    const use = discord.use({ user: ann, channel: chat, alone: true, ...ask })
    await discord.until(() => use.acknowledged, 'an acknowledgement')
    expect(received).toMatchObject([{ conversation: { workspaceId: '@me', channelId: chat.id, threadId: use.id } }])
  })

  it('an answer that outlives its token ends in the direct chat', async () => {
    await listen()
    await used({ ...ask, alone: true })
    const [message] = received
    if (message === undefined) throw new Error('nothing was taken in')
    const signal = AbortSignal.timeout(5000)
    const reply = { turnId: 't', text: 'One', citations: [], phase: 'streaming' as const }
    const ref = await platform.transport.post(message.replyTarget, reply, { key: 't-0', signal })
    discord.state.tokenLifeMs = -1
    const end = { state: 'done' as const, receipt }
    await platform.transport.edit(message.replyTarget, ref, { ...reply, text: 'One.', phase: 'final', end }, { signal })
    expect(discord.said(discord.world.directChat(ann.id).id)[0]?.content).toContain('One.')
  })

  it('administrators of a server that added Parley still rule there', async () => {
    await listen()
    await used({ ...ask, permissions: 8n })
    expect(received).toMatchObject([{ author: { membership: 'owner' } }])
  })
})

it('a question that joins another says so instead of waiting for its own answer', async () => {
  await listen({ receive: async () => ({ kind: 'joined', turnId: 't' }) })
  const use = await used({
    type: 2,
    data: { type: 1, name: 'ask', options: [{ type: 3, name: 'text', value: 'And this?' }] },
  })
  expect(use.acknowledged).toMatchObject({
    type: 4,
    data: { content: discordWording.joined },
  })
})

it('a refusal is shown only to the asker, with the reason', async () => {
  await listen({ receive: async () => ({ kind: 'refused', notice: { text: 'Guests are not answered here.' } }) })
  const use = await used({ type: 2, data: { type: 1, name: 'ask', options: [{ type: 3, name: 'text', value: 'Hi' }] } })
  expect(use).toMatchObject({ ephemeral: true, acknowledged: { data: { content: 'Guests are not answered here.' } } })
})

it('a command’s answer with a picture and more than five buttons fits into one message', async () => {
  const buttons = Array.from({ length: 12 }, (_, n) => ({
    label: `Model ${n}`,
    action: { kind: 'command', text: `models pin m${n}` } as const,
  }))
  const files = [{ name: 'usage.png', mediaType: 'image/png', data: new Uint8Array([1, 2, 3]), alt: 'Spent by day' }]
  await listen({ command: async () => ({ text: `Spent ${'a lot '.repeat(600)}`, files, buttons }) })
  const use = await used({ type: 2, data: { type: 1, name: 'parley', options: [{ type: 1, name: 'usage' }] } })
  const original = discord.state.uses.get(use.id)?.original
  expect(original?.attachments.map(({ filename }) => filename)).toEqual(['usage.png', 'all.md'])
  expect(original?.content.length).toBeLessThanOrEqual(2000)
  expect(JSON.stringify(original?.components).match(/"value":"command:/g)).toHaveLength(12)
})

it('help is for the one who asks, and says first how to ask a question', async () => {
  await listen({ command: async ({ text }) => ({ text: `About ${text}` }) })
  const help = (options: object[]) =>
    used({ type: 2, data: { type: 1, name: 'parley', options: [{ type: 1, name: 'help', options }] } })
  const list = await help([])
  expect(list).toMatchObject({
    ephemeral: true,
    acknowledged: { data: { content: `${discordWording.howToAsk}\n\nAbout help\n\n${discordWording.fields}` } },
  })
  const one = await help([{ type: 3, name: 'command', value: 'models' }])
  expect(one.ephemeral).toBe(true)
  expect(one.acknowledged.data?.content).toMatch(/^About help/)
  expect(one.acknowledged.data?.content).toContain(discordWording.fields)
})

it('an empty mention gets a greeting and starts no answer', async () => {
  await listen()
  discord.write({ author: ann, channel, mention: true })
  const hello = await discord.until(() => discord.said(channel.id)[0], 'a greeting')
  expect(hello.content).toBe(discordWording.greeting)
  expect(received).toEqual([])
})

describe('the menu of an answer', () => {
  async function opened() {
    const use = await press('more:t1#123456789012345678')
    expect(use).toMatchObject({ ephemeral: true, acknowledged: { type: 4, data: { content: discordWording.menu } } })
    const message = discord.state.uses.get(use.id)?.original
    const ids = [...JSON.stringify(message?.components).matchAll(/"custom_id":"([^"]+)"/g)].map(([, id = '']) => id)
    return { message, ids }
  }

  it('opens for the one who pressed it, also after a restart', async () => {
    await listen()
    const { ids } = await opened()
    expect(ids.map((id) => id.split(':')[0])).toEqual(['regenerate', 'better', 'cheaper', 'why', 'mine'])
    expect(acted).toEqual([])
  })

  it('is replaced by what its button answers', async () => {
    await listen({ act: async () => ({ notice: { text: 'Because it fits.', private: true } }) })
    const { message, ids } = await opened()
    const data = { component_type: 2, custom_id: ids[3] }
    const use = await used({ type: 3, data, message })
    expect(use.acknowledged.type).toBe(7)
    expect(message).toMatchObject({ content: 'Because it fits.', components: [] })
  })

  it('says that the answer is written again', async () => {
    await listen()
    const { message, ids } = await opened()
    await used({ type: 3, data: { component_type: 2, custom_id: ids[2] }, message })
    expect(acted).toMatchObject([{ kind: 'cheaper', turnId: 't1' }])
    expect(message).toMatchObject({ content: discordWording.regenerating, components: [] })
  })
})
