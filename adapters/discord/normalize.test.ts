/** Frames of the gateway → messages, in the shapes in which Discord sends them. */
import { existsSync, readdirSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { replayFolder } from '../../src/cli/replay.ts'
import { judge } from '../../src/core/addressing.ts'
import { IncomingMessage } from '../../src/core/message.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { createMessages } from './messages.ts'
import { type GatewayMessage, type Place, targetOfAsk } from './normalize.ts'
import { codes, DiscordRefusal } from './rest.ts'

const me = '900000000000000001'
const guildId = '800000000000000001'
const ownRole = '800000000000000009'
const ann = { id: '700000000000000001', username: 'ann', global_name: 'Ann', discriminator: '0', avatar: null }
const bob = { id: '700000000000000002', username: 'bob', global_name: null, discriminator: '0', avatar: null }
const parley = { id: me, username: 'parley', global_name: 'Parley', discriminator: '0', avatar: null, bot: true }

const channelCache: Record<string, Place> = {
  general: { id: '600000000000000001', type: 0, guildId, name: 'general' },
  voice: { id: '600000000000000002', type: 2, guildId, name: 'Lounge' },
  thread: { id: '600000000000000003', type: 11, guildId, parentId: '600000000000000001', name: 'A thread' },
  post: { id: '600000000000000004', type: 11, guildId, parentId: '600000000000000005', name: 'How do I grow basil?' },
}
const placeOf = (id: string): Place =>
  Object.values(channelCache).find((each) => each.id === id) ?? { id, type: 0, guildId }

let taken: IncomingMessage[]
let known: Map<string, object>
let takesPart: boolean
beforeEach(() => {
  taken = []
  known = new Map()
  takesPart = false
})

/** A message as the gateway sends it; `where` is a name of `places`, or `direct`. */
function frame(where: string, more: object = {}): GatewayMessage {
  const place = channelCache[where]
  return {
    id: '500000000000000001',
    type: 0,
    channel_id: place?.id ?? '400000000000000001',
    content: '',
    author: ann,
    timestamp: '2026-02-17T00:48:03.193000+00:00',
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    pinned: false,
    components: [],
    flags: 0,
    ...(place === undefined ? {} : { guild_id: guildId, member: { roles: [], nick: null } }),
    ...more,
  } as unknown as GatewayMessage
}

const called = (content: string) => ({ content: `<@${me}> ${content}`, mentions: [parley] })

async function take(message: GatewayMessage): Promise<IncomingMessage | undefined> {
  const messages = createMessages({
    api: {
      call: async (_, path) => {
        const found = known.get(path)
        if (found === undefined) throw new DiscordRefusal(404, codes.unknownMessage, new Error(path))
        return found as never
      },
    },
    channelCache: {
      channel: async (id) => placeOf(id),
      guild: async () => ({ id: guildId, ownerId: bob.id, roles: new Map([['1', 8n]]), ownRoleIds: [ownRole] }),
    },
    intake: fakeIntake({
      async receive(incoming) {
        taken.push(IncomingMessage.parse(incoming))
        return { kind: 'new', turnId: 't' }
      },
      concerns: async (message) => judge(message, { participates: takesPart, asked: true, followUps: 'always' }),
    }),
    me: () => me,
  })
  await messages.take(message)
  return taken.at(-1)
}

describe('which messages are for Parley', () => {
  it('every direct message', async () => {
    expect(await take(frame('direct', { content: 'Hi' }))).toMatchObject({
      kind: 'direct',
      text: 'Hi',
      id: '500000000000000001',
      conversation: { platform: 'discord', workspaceId: '@me', channelId: '400000000000000001' },
    })
  })

  it('a mention, with the mention removed from the text', async () => {
    expect(await take(frame('general', called('what is this?')))).toMatchObject({
      kind: 'mention',
      text: 'what is this?',
    })
  })

  it('a mention of Parley’s own role', async () => {
    const message = frame('general', { content: `<@&${ownRole}> hello`, mention_roles: [ownRole] })
    expect(await take(message)).toMatchObject({ kind: 'mention', text: 'hello' })
  })

  it('a reply to one of its messages, with or without a mention', async () => {
    const answer = frame('general', {
      type: 19,
      content: 'Why?',
      referenced_message: frame('general', { author: parley, content: 'So.' }),
    })
    expect(await take(answer)).toMatchObject({ kind: 'mention', text: 'Why?', quoted: 'Parley: So.' })
  })

  it('every message in a thread that it takes part in', async () => {
    takesPart = true
    expect(await take(frame('thread', { content: 'And then?' }))).toMatchObject({
      kind: 'thread',
      conversation: { channelId: '600000000000000001', threadId: '600000000000000003' },
    })
  })

  it.each([
    ['a message of nobody it knows in a channel', frame('general', { content: 'Lunch?' })],
    ['a thread of others', frame('thread', { content: 'Lunch?' })],
    ['a mention of everyone', frame('general', { content: '@everyone', mention_everyone: true })],
    ['a bot that mentions it', frame('general', { ...called('hello'), author: { ...bob, bot: true } })],
    ['a webhook that mentions it', frame('general', { ...called('hello'), webhook_id: '1' })],
    ['its own words', frame('direct', { author: parley, content: 'Hi' })],
    ['Discord’s own words', frame('general', { ...called(''), type: 7 })],
  ])('not %s', async (_, message) => {
    expect(await take(message)).toBeUndefined()
  })

  it('not messages between people in its thread', async () => {
    takesPart = true
    await take(frame('thread', { content: `<@${bob.id}> look`, mentions: [bob] }))
    const answer = frame('thread', {
      type: 19,
      content: 'Yes',
      referenced_message: frame('thread', { author: bob, content: 'Is it?' }),
    })
    expect(await take(answer)).toBeUndefined()
  })

  it.each([
    ['a role', { content: '<@&123456789012345678> who is on call?', mention_roles: ['123456789012345678'] }],
    ['everyone', { content: '@everyone lunch?', mention_everyone: true }],
    [
      'somebody in a reply to Parley',
      {
        type: 19,
        content: `<@${bob.id}> this is wrong`,
        mentions: [bob, parley],
        referenced_message: frame('thread', { author: parley, content: 'So.' }),
      },
    ],
  ])('not what is said to %s in its thread', async (_, said) => {
    takesPart = true
    expect(await take(frame('thread', said as Parameters<typeof frame>[1]))).toBeUndefined()
  })

  it('a reply that names Parley and somebody else', async () => {
    const said = frame('general', {
      type: 19,
      content: `<@${me}> and <@${bob.id}>: why?`,
      mentions: [bob, parley],
      referenced_message: frame('general', { author: parley, content: 'So.' }),
    })
    expect(await take(said)).toMatchObject({ kind: 'mention', text: expect.stringMatching(/why\?$/) })
  })
})

describe('where Parley answers', () => {
  it('a mention in a text channel: in a thread on that message', async () => {
    const message = await take(frame('general', called('What is a heat pump, and what does one cost?')))
    expect(message?.conversation.threadId).toBe('500000000000000001')
    expect(message?.replyTarget.data).toMatchObject({
      to: 'thread',
      channelId: '600000000000000001',
      replyTo: '500000000000000001',
      name: 'What is a heat pump, and what does one cost?',
    })
  })

  it('a mention where threads are impossible: as a reply', async () => {
    expect((await take(frame('voice', called('hello'))))?.replyTarget.data).toMatchObject({
      to: 'channel',
      replyTo: '500000000000000001',
    })
  })

  it('a reply to its answer in a channel: in the same conversation', async () => {
    const components = [{ type: 1, components: [{ type: 2, style: 2, custom_id: 'why:1#123456789012345678' }] }]
    const answer = frame('general', {
      type: 19,
      content: 'Why?',
      referenced_message: frame('general', { author: parley, components }),
    })
    expect(await take(answer)).toMatchObject({
      conversation: { threadId: '123456789012345678' },
      replyTarget: { data: { to: 'channel', replyTo: '500000000000000001' } },
    })
  })

  it('a question by command: in a new conversation, which only the asker shares when it is private', () => {
    const base = { id: '1', token: 't', application_id: '2', guild_id: guildId, channel: { id: '3', type: 0 } }
    const use = { ...base, member: { user: { ...ann } as never, permissions: '0' } }
    expect(targetOfAsk(use, false).conversation.threadId).toBe('1')
    expect(targetOfAsk(use, true).conversation.threadId).toBe(`private-3-${ann.id}`)
  })
})

describe('what a message contains', () => {
  it('mentions of others, emoji and times become text', async () => {
    const content = `<@${me}> ask <@${bob.id}> <:party:123> at <t:1771289283:R>`
    const message = await take(frame('general', { content, mentions: [parley, bob] }))
    expect(message?.text).toBe('ask @bob :party: at 2026-02-17T00:48:03.000Z')
  })

  it('embeds are quoted content', async () => {
    const embeds = [
      { type: 'rich', title: 'Deploy failed', description: 'Step 3', fields: [{ name: 'Branch', value: 'main' }] },
    ]
    expect((await take(frame('general', { ...called('why?'), embeds })))?.quoted).toBe(
      'Deploy failed\nStep 3\nBranch: main',
    )
  })

  it('a forwarded message is quoted and its files are read', async () => {
    const forwarded = { content: 'The key is under the mat.', embeds: [], attachments: [file('plan.pdf')] }
    const message = await take(frame('direct', { content: 'Where?', message_snapshots: [{ message: forwarded }] }))
    expect(message?.quoted).toContain('The key is under the mat.')
    expect(message?.attachments).toMatchObject([
      { name: 'plan.pdf', locator: { url: 'https://cdn.discordapp.com/plan.pdf' } },
    ])
  })

  it('the message replied to is quoted with its author, and its files are read', async () => {
    const input = frame('general', { author: bob, content: 'Look at this', attachments: [file('report.pdf')] })
    const message = await take(frame('general', { ...called('sum it up'), type: 19, referenced_message: input }))
    expect(message).toMatchObject({ quoted: 'bob: Look at this', attachments: [{ name: 'report.pdf' }] })
  })

  it('a voice message is a voice note with its length', async () => {
    const voice = { ...file('voice-message.ogg'), content_type: 'audio/ogg', duration_secs: 2.5, waveform: 'AAA' }
    const message = await take(frame('direct', { flags: 8192, attachments: [voice] }))
    expect(message?.attachments).toMatchObject([{ voiceNote: true, durationMs: 2500, mediaType: 'audio/ogg' }])
  })

  it('a voice message by someone else that is forwarded or replied to is content, not the question', async () => {
    const voice = { ...file('voice-message.ogg'), content_type: 'audio/ogg', duration_secs: 2.5, waveform: 'AAA' }
    const forwarded = { content: '', embeds: [], flags: 8192, attachments: [voice] }
    const notes = async (more: Record<string, unknown>) =>
      (await take(frame('general', { ...called(''), ...more })))?.attachments.map(({ voiceNote }) => voiceNote)
    expect(await notes({ message_snapshots: [{ message: forwarded }] })).toEqual([false])
    const said = (author: object) => frame('general', { author, content: '', flags: 8192, attachments: [voice] })
    const asker = frame('general', {}).author as object
    expect(await notes({ type: 19, referenced_message: said(bob) })).toEqual([false])
    expect(await notes({ type: 19, referenced_message: said(asker) })).toEqual([true])
  })

  it('when mentioned in a forum post, Parley reads the post first', async () => {
    const { id = '', parentId } = channelCache.post ?? {}
    known.set(
      `/channels/${id}/messages/${id}`,
      frame('post', { author: bob, content: 'It wilts.', attachments: [file('leaf.jpg')] }),
    )
    const message = await take(frame('post', called('what do you think?')))
    expect(message).toMatchObject({
      quoted: 'How do I grow basil?\n\nbob: It wilts.',
      attachments: [{ name: 'leaf.jpg' }],
    })
    expect(message?.conversation).toMatchObject({ channelId: parentId, threadId: id })
  })

  it('the owner of the server and its administrators are owners', async () => {
    expect((await take(frame('general', called('a'))))?.author.membership).toBeUndefined()
    expect((await take(frame('general', { ...called('b'), author: bob })))?.author.membership).toBe('owner')
    const rules = { ...called('c'), member: { roles: ['1'], nick: 'Annie' } }
    expect((await take(frame('general', rules)))?.author).toMatchObject({ membership: 'owner', name: 'Annie' })
  })

  it('a person invited to one voice channel is a guest', async () => {
    const guest = { ...called('a'), member: { roles: [], nick: null, flags: 16 } }
    expect((await take(frame('general', guest)))?.author.membership).toBe('guest')
  })

  it('a file keeps its sender’s name for it', async () => {
    const attachments = [{ ...file('Jahresbericht_2026.pdf'), title: 'Jahresbericht (2026)' }]
    expect((await take(frame('direct', { attachments })))?.attachments[0]?.name).toBe('Jahresbericht (2026).pdf')
  })
})

function file(filename: string) {
  const url = `https://cdn.discordapp.com/${filename}`
  return {
    id: `3${filename.length}`,
    filename,
    size: 10,
    url,
    proxy_url: url,
    content_type: 'application/octet-stream',
  }
}

const fixtures = new URL('../../../shared/fixtures/discord', import.meta.url).pathname
const missing = existsSync(fixtures) ? undefined : 'no recorded payloads in ../shared/fixtures/discord'

it.skipIf(missing)(
  `every recorded frame is taken in or ignored for a reason${missing ? ` (${missing})` : ''}`,
  async () => {
    const lines: string[] = []
    const failed = await replayFolder({
      platform: 'discord',
      folder: fixtures,
      json: false,
      print: (line) => lines.push(line),
    })
    expect(failed).toBe(0)
    expect(readdirSync(fixtures).length).toBeGreaterThan(0)
    expect(lines.join('\n')).toMatch(
      /^message +channel-discord\.json#mention {2}mention by 1033044521375764530 .*"Test"$/m,
    )
    expect(lines.join('\n')).toMatch(/^ignored +channel-discord\.json#channel_post_action/m)
  },
)
