/** Frames of the gateway → messages, in the shapes in which Discord sends them. */
import { existsSync, readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import { replayFolder } from '../../src/cli/replay.ts'
import { judge } from '../../src/core/addressing.ts'
import { IncomingMessage } from '../../src/core/message.ts'
import { discordPlaces, discordUnread } from '../../src/wording/discord.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { createContextReader } from './context.ts'
import { createMessages } from './messages.ts'
import { type GatewayMessage, type Place, targetOfAsk } from './normalize.ts'
import { type Api, codes, DiscordRefusal } from './rest.ts'

const me = '900000000000000001'
const guildId = '800000000000000001'
const ownRole = '800000000000000009'
const ann = { id: '700000000000000001', username: 'ann', global_name: 'Ann', discriminator: '0', avatar: null }
const bob = { id: '700000000000000002', username: 'bob', global_name: null, discriminator: '0', avatar: null }
const parley = { id: me, username: 'parley', global_name: 'Parley', discriminator: '0', avatar: null, bot: true }

const channelCache: Record<string, Place> = {
  general: { id: '600000000000000001', type: 0, guildId, name: 'general', overwrites: [] },
  voice: { id: '600000000000000002', type: 2, guildId, name: 'Lounge' },
  thread: { id: '600000000000000003', type: 11, guildId, parentId: '600000000000000001', name: 'A thread' },
  forum: { id: '600000000000000005', type: 15, guildId, name: 'garden', overwrites: [] },
  post: { id: '600000000000000004', type: 11, guildId, parentId: '600000000000000005', name: 'How do I grow basil?' },
}
const placeOf = (id: string): Place =>
  Object.values(channelCache).find((each) => each.id === id) ?? { id, type: 0, guildId }

let taken: IncomingMessage[]
let known: Map<string, object>
let takesPart: boolean
/** By address. */
let pasted: Map<string, string>
beforeEach(() => {
  pasted = new Map()
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

const roleNames = new Map([['123456789012345678', 'Moderators']])
const api: Pick<Api, 'call'> = {
  call: async (_, path) => {
    const found = known.get(path)
    if (found === undefined) throw new DiscordRefusal(404, codes.unknownMessage, new Error(path))
    return found as never
  },
}
/** Everybody may see every channel. */
const roles = new Map([
  ['1', 8n],
  [guildId, 0x10400n],
])
const cache = {
  channel: async (id: string) => placeOf(id),
  guild: async () => ({ id: guildId, ownerId: bob.id, roles, ownRoleIds: [ownRole], roleNames }),
}

async function take(message: GatewayMessage): Promise<IncomingMessage | undefined> {
  const messages = createMessages({
    api,
    channelCache: cache,
    context: createContextReader({ api, channelCache: cache, me: () => ({ id: me }) }),
    files: {
      fetch: async ({ locator }) => Readable.from([pasted.get((locator as { url: string }).url) ?? '']),
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

describe('who a message in its thread is for', () => {
  beforeEach(() => {
    takesPart = true
  })
  const parleySaid = frame('thread', { author: parley, content: 'So.' })
  const bobSaid = frame('thread', { author: bob, content: 'Is it?' })
  const replyTo = (referenced_message: object, content: string, mentions: object[] = []) =>
    frame('thread', { type: 19, content, mentions, referenced_message })

  it.each([
    ['a reply to Parley without a ping', replyTo(parleySaid, 'Why?')],
    ['a reply to Parley with a ping', replyTo(parleySaid, 'Why?', [parley])],
    ['a reply to their own message', replyTo(frame('thread', { content: 'First' }), 'And also this')],
    ['a reply to Bob that names Parley', replyTo(bobSaid, `<@${me}> is he right?`, [bob, parley])],
    ['words about @everyone in code', frame('thread', { content: 'what does `@everyone` do?' })],
  ])('Parley: %s', async (_, message) => {
    expect(await take(message)).toBeDefined()
  })

  it.each([
    ['a reply to Bob without a ping', replyTo(bobSaid, 'Yes')],
    ['a reply to Bob with a ping', replyTo(bobSaid, 'Yes', [bob])],
    ['a reply to Parley that names Bob, without a ping', replyTo(parleySaid, `<@${bob.id}> look`, [bob])],
    ['@here of somebody who may not ping all', frame('thread', { content: '@here lunch?' })],
    ['a sticker', frame('thread', { sticker_items: [{ id: '1', name: 'Wave hello', format_type: 1 }] })],
    ['nothing that anybody can read', frame('thread', { flags: 4 })],
  ])('nobody, or others: %s', async (_, message) => {
    expect(await take(message)).toBeUndefined()
  })

  it('a reply is looked up where Discord does not send what it answers', async () => {
    const reference = { type: 0, channel_id: bobSaid.channel_id, message_id: '500000000000000009' }
    known.set(`/channels/${bobSaid.channel_id}/messages/500000000000000009`, bobSaid)
    const message = frame('thread', { type: 19, content: 'Yes', message_reference: reference })
    expect(await take(message)).toBeUndefined()
  })
})

describe('a forum post that mentions Parley', () => {
  const id = '600000000000000004'

  it('asks with its title and its body', async () => {
    expect((await take(frame('post', { id, ...called('any idea why?') })))?.text).toBe(
      'How do I grow basil?\n\nany idea why?',
    )
  })

  it('asks with its title alone when it has no other words', async () => {
    const message = await take(frame('post', { id, ...called(''), attachments: [file('leaf.jpg')] }))
    expect(message).toMatchObject({ text: 'How do I grow basil?', attachments: [{ name: 'leaf.jpg' }] })
  })

  it('is not repeated by later messages in it', async () => {
    expect((await take(frame('post', called('and now?'))))?.text).toBe('and now?')
  })
})

describe('tags in the text', () => {
  const text = async (content: string, more: object = {}) =>
    (await take(frame('general', { ...called(content), ...more })))?.text

  it('channels and roles have their names', async () => {
    expect(await text('Summarise the rules of <#600000000000000001> for <@&123456789012345678>')).toBe(
      'Summarise the rules of #general for @Moderators',
    )
  })

  it('what nobody knows is called unknown, as Discord does', async () => {
    expect(await text('<#1> and <@&2>')).toBe('#unknown and @unknown-role')
  })

  it('pages of the server have the names that Discord shows', async () => {
    expect(await text('see <id:customize>, <id:browse>, <id:guide> and <id:linked-roles:12>')).toBe(
      `see ${discordPlaces.customize}, ${discordPlaces.browse}, ${discordPlaces.guide} and ${discordPlaces['linked-roles']}`,
    )
  })

  it.each([
    'why does `<@123>` not ping?',
    'what is ``<#1> ` <@&2>`` for?',
    '```ts\nconst tag = `<@123>` // <t:0>\n```\nexplain',
    'how do I sort a Map<string> by List<a:b>?',
    'is a < b and c > d here?',
    '<div><p>why?</p></div>',
  ])('what is typed as code or as brackets stays: %s', async (typed) => {
    expect(await text(typed)).toBe(typed)
  })

  it('an unclosed backtick is no code', async () => {
    expect(await text('a ` and <#600000000000000001>')).toBe('a ` and #general')
  })
})

describe('what is shown beside words', () => {
  const poll = {
    question: { text: 'Which offsite city?' },
    answers: [
      { answer_id: 1, poll_media: { text: 'Lisbon', emoji: { name: '🇵🇹' } } },
      { answer_id: 2, poll_media: { text: 'Riga' } },
    ],
    allow_multiselect: true,
    results: { is_finalized: false, answer_counts: [{ id: 1, count: 4, me_voted: false }] },
  }
  const told = 'Poll: Which offsite city? (several answers allowed, still open)\n- 🇵🇹 Lisbon: 4 votes\n- Riga: 0 votes'
  const incident = {
    content: '',
    flags: 32768,
    components: [
      {
        type: 17,
        components: [
          { type: 10, content: '## Incident 4711 for <@&123456789012345678>' },
          {
            type: 9,
            components: [{ type: 10, content: 'Database primary is down since 10:02' }],
            accessory: { type: 2, style: 5, label: 'Runbook', url: 'https://example.com/run' },
          },
          { type: 12, items: [{ media: { url: cdn('graph.png'), content_type: 'image/png' }, description: 'Load' }] },
          { type: 13, file: { url: cdn('dump.log') }, name: 'dump.log', size: 7 },
          { type: 1, components: [{ type: 2, style: 1, label: 'Acknowledge', custom_id: 'ack' }] },
        ],
      },
    ],
  }
  const incidentTold =
    '## Incident 4711 for @Moderators\n\nDatabase primary is down since 10:02\n\n[Runbook](https://example.com/run)\n\nPicture: Load'
  const answering = async (referenced: object) =>
    await take(frame('general', { ...called('and?'), type: 19, referenced_message: frame('general', referenced) }))
  const forwarding = async (message: object) =>
    await take(frame('direct', { content: 'and?', message_snapshots: [{ message }] }))

  it('a poll that is replied to, with its counts', async () => {
    expect((await answering({ author: bob, poll }))?.quoted).toBe(`bob: ${told}`)
  })

  it('a poll whose counts are not known, and one that the asker sends', async () => {
    expect((await forwarding({ content: '', poll: { ...poll, results: undefined } }))?.quoted).toContain('\n- Riga')
    const own = await take(frame('direct', { poll }))
    expect(own).toMatchObject({ text: '', quoted: told })
  })

  it('the result of a poll', async () => {
    const fields = [
      { name: 'poll_question_text', value: 'Which city?' },
      { name: 'victor_answer_text', value: 'Lisbon' },
    ]
    expect((await answering({ author: bob, type: 46, embeds: [{ type: 'poll_result', fields }] }))?.quoted).toContain(
      'victor answer text: Lisbon',
    )
  })

  it('components of a message that is replied to, with their files', async () => {
    const message = await answering({ author: { ...bob, bot: true }, ...incident })
    expect(message?.quoted).toBe(`bob: ${incidentTold}`)
    expect(message?.attachments).toMatchObject([
      { name: 'graph.png', mediaType: 'image/png' },
      { name: 'dump.log', bytes: 7, locator: { url: cdn('dump.log') } },
    ])
  })

  it('components of a message that is forwarded', async () => {
    const message = await forwarding({ ...incident, embeds: [], attachments: [] })
    expect(message?.quoted).toContain('Database primary is down')
    expect(message?.attachments).toHaveLength(2)
  })

  it('stickers and alt text', async () => {
    const picture = { ...file('chart.png'), description: 'Sales by month' }
    const sticker_items = [{ id: '1', name: 'Wave', format_type: 1 }]
    expect((await answering({ author: bob, sticker_items }))?.quoted).toBe('bob: Sticker: Wave')
    expect((await forwarding({ content: '', attachments: [picture] }))?.quoted).toBe(
      'Forwarded:\nAlt text of chart.png: Sales by month',
    )
    expect((await take(frame('direct', { content: 'why?', attachments: [picture], sticker_items })))?.quoted).toBe(
      'Sticker: Wave\n\nAlt text of chart.png: Sales by month',
    )
  })

  it('the receipt says when there is nothing to read in what is replied to or forwarded', async () => {
    const separators = { content: '', flags: 32768, components: [{ type: 17, components: [{ type: 14 }] }] }
    expect((await answering({ author: bob, ...separators }))?.unread).toEqual([discordUnread.reply])
    expect((await forwarding(separators))?.unread).toEqual([discordUnread.forward])
    const gone = frame('general', { ...called('and?'), type: 19, referenced_message: null })
    expect((await take(gone))?.unread).toEqual([discordUnread.reply])
  })
})

describe('a long paste that Discord turned into message.txt', () => {
  const paste = (content_type = 'text/plain; charset=utf-8') => ({
    ...file('message.txt'),
    url: cdn('message.txt'),
    content_type,
  })
  const words = 'Translate this for @bob. The cat sits on the mat.'
  beforeEach(() => {
    pasted.set(cdn('message.txt'), `Translate this for <@${bob.id}>. The cat sits on the mat.`)
  })

  it.each([
    ['direct chat', frame('direct', { mentions: [bob] })],
    ['mention', frame('general', { content: `<@${me}>`, mentions: [parley, bob] })],
  ])('is the question, in a %s', async (_, message) => {
    message.attachments = [paste()] as GatewayMessage['attachments']
    expect(await take(message)).toMatchObject({ text: words, attachments: [] })
  })

  it('is the question of a follow-up in a thread', async () => {
    takesPart = true
    const message = frame('thread', { attachments: [paste()] })
    expect((await take(message))?.text).toContain('The cat sits on the mat.')
  })

  it.each([
    ['with other words', { content: 'What is this?' }],
    ['that is no text', { attachments: [paste('application/pdf')] }],
    ['beside another file', { attachments: [paste(), file('a.pdf')] }],
    ['that is very long', { attachments: [{ ...paste(), size: 70_000 }] }],
    ['of another name', { attachments: [{ ...paste(), filename: 'notes.txt' }] }],
  ])('is a file %s', async (_, more) => {
    const message = await take(frame('direct', { attachments: [paste()], ...more }))
    expect(message?.attachments.length).toBeGreaterThan(0)
    expect(message?.text).not.toContain('cat')
  })
})

function cdn(name: string): string {
  return `https://cdn.discordapp.com/attachments/1/9${name.length}/${name}`
}

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
    known.set(`/channels/${id}/messages`, [
      frame('post', { id, author: bob, content: 'It wilts.', attachments: [file('leaf.jpg')] }),
    ])
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
