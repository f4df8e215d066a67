/** Commands, menus of messages, buttons and forms as they are used, against the stand-in: what is acknowledged, and when. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Action, CommandCall, Notice } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { IncomingMessage } from '../../src/core/message.ts'
import type { Intake } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { discordWording } from '../../src/wording/discord.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { type StandInDiscord, startDiscord } from '../../test/servers/discord.ts'
import type { Using } from '../../test/servers/discord-people.ts'
import type { Use } from '../../test/servers/discord-state.ts'
import type { WorldChannel } from '../../test/servers/discord-world.ts'
import { createDiscord } from './platform.ts'

let discord: StandInDiscord
let ann: ReturnType<StandInDiscord['world']['addUser']>
let channel: WorldChannel
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
  const platform = createDiscord({
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
  channel = discord.world.addChannel(discord.world.addGuild('Team', discord.world.addUser('Olga')), 'general')
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
  const slow = <T>(value: T) => new Promise<T>((resolve) => setTimeout(resolve, 2300, value))

  it('Discord gets an acknowledgement within three seconds, and the command’s answer follows', async () => {
    await listen({ command: () => slow<Notice>({ text: 'Late but right.' }) })
    const use = await used({ type: 2, data: { type: 1, name: 'parley', options: [{ type: 1, name: 'help' }] } })
    expect(use.acknowledged.type).toBe(5)
    expect(use.acknowledged.afterMs).toBeLessThan(3000)
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

it('an empty mention gets a greeting and starts no answer', async () => {
  await listen()
  discord.write({ author: ann, channel, mention: true })
  const hello = await discord.until(() => discord.said(channel.id)[0], 'a greeting')
  expect(hello.content).toBe(discordWording.greeting)
  expect(received).toEqual([])
})
