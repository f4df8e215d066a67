/** What Parley reads before it answers: the thread above a question, its files, linked messages, names. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { judge } from '../../src/core/addressing.ts'
import { silentLog } from '../../src/core/log.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { Concern, Intake } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota-local.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople, alice, settingsFor } from '../../test/servers/slack-rig.ts'
import { bot, type StandInFile } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createSlack } from './platform.ts'

const general = 'C0GENERAL1'
const bob = 'U0BOB00001'
const { above: aboveWording, thread: threadWording, links: linkWording } = slackWording.context

let slack: SlackStandIn
let received: IncomingMessage[]
/** What Parley took in last, by thread. */
let last: Map<string, { messageId: string; sentAt: string }>
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  slack = await startSlack()
  addPeople(slack)
  slack.state.users.set(bob, { id: bob, name: 'Bob', team: 'T0PARLEY01', more: {} })
  received = []
  last = new Map()
  const intake: Intake = fakeIntake({
    async receive(message) {
      received.push(message)
      return { turnId: 't', kind: 'new' }
    },
    async concerns(message): Promise<Concern> {
      const verdict = judge(message, { participates: true, asked: true, followUps: 'always' })
      return verdict.answers ? { answers: true, last: last.get(message.conversation.threadId ?? '') } : verdict
    },
  })
  const settings = settingsFor(slack, 'http')
  const listener = createSlack({
    settings,
    records: memoryRecords(),
    quota: createLocalQuota(),
    log: silentLog,
  }).listen(intake)
  const http = await serveMounts(listener.mounts)
  await listener.start()
  closing.push(http.close, () => listener.stop())
  slack.target = http.url
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await slack[Symbol.asyncDispose]()
})

/** People talk, and Parley is not told. */
function said(text: string, { thread, user = bob, more = {}, files = [], channel = general }: Said = {}): string {
  const ts = slack.state.nextTs()
  const ids = files.map(({ id }) => id)
  const message = { channel, ts, user, text, blocks: [], tasks: new Map(), files: ids, edits: 0, more }
  slack.state.messages.push(thread === undefined ? message : { ...message, thread_ts: thread })
  return ts
}
interface Said {
  thread?: string
  user?: string
  more?: Record<string, unknown>
  files?: StandInFile[]
  channel?: string
}

const ask = (text: string, thread?: string, more: object = {}) =>
  slack.say({ channel: general, text: `<@${bot.user}> ${text}`, mention: true, thread, ...more })
const markdown = (name: string, more: Record<string, unknown> = {}) =>
  slack.addFile({ name, mimetype: 'text/markdown', content: Buffer.from(`# ${name}`), more })
const callsOf = (method: string) => slack.calls.filter((call) => call.method === method)

describe('called into a thread of others, Parley knows', () => {
  it('its first message and its newest ones, however long it is', async () => {
    const root = said('Where do we stand with the release?')
    for (let at = 1; at <= 180; at += 1)
      said(at === 179 ? 'Decision: we roll back to build 4711.' : `Reply ${at}`, { thread: root })
    await ask('what did we decide?', root)
    const [question] = received
    expect(received).toHaveLength(1)
    expect(question?.quoted).toMatch(/^Bob: Where do we stand with the release\?\n/)
    expect(question?.quoted).toContain('Bob: Decision: we roll back to build 4711.')
    expect(question?.quoted).not.toContain('what did we decide?')
    expect(question?.unread).toBeUndefined()
    expect(callsOf('conversations.replies')).toHaveLength(1)
  })

  it('the end of a thread of several pages, and says how much was left out', async () => {
    const root = said('How it began')
    for (let at = 1; at <= 2300; at += 1) said(`Reply ${at}`, { thread: root })
    await ask('and now?', root)
    expect(received[0]?.quoted).toContain('Bob: How it began')
    expect(received[0]?.quoted).toContain('Bob: Reply 2300')
    expect(received[0]?.quoted).not.toContain('Bob: Reply 1000\n')
    expect(received[0]?.unread).toEqual([threadWording.leftOut(2000)])
    expect(callsOf('conversations.replies')).toHaveLength(3)
  })

  it('who said what, with names instead of ids', async () => {
    slack.state.groups.set('S0ONCALL1', 'oncall')
    slack.state.channels.set('C0LAUNCH01', { name: 'launch' })
    slack.state.channels.set('C0SECRET01', { name: 'merger', private: true })
    const root = said('Ship on Friday, see <#C0LAUNCH01> and <#C0SECRET01>')
    said(`I would wait, <@${bob}>. Ask <!subteam^S0ONCALL1>.`, { thread: root, user: alice })
    said('', {
      thread: root,
      user: 'U0MONITOR1',
      more: {
        bot_id: 'B0MONITOR1',
        bot_profile: { name: 'Monitor' },
        blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'web-1: *disk 97 % full*' } }],
      },
    })
    said('Left the company', { thread: root, user: 'U0UNKNOWN1' })
    await ask('who wants to wait?', root)
    expect(received[0]?.quoted).toBe(
      [
        'Bob: Ship on Friday, see #launch and a channel',
        'Alice: I would wait, @Bob. Ask @oncall.',
        'Monitor: web-1: **disk 97 % full**',
        'Someone: Left the company',
      ].join('\n\n'),
    )
  })

  it('the files in it, those of the first message and the newest ones', async () => {
    const root = said('The spec', { files: [markdown('spec.md')] })
    said('New version', { thread: root, files: [markdown('spec-2.md')] })
    await ask('how long is the cable?', root)
    expect(received[0]?.attachments.map(({ name }) => name)).toEqual(['spec-2.md', 'spec.md'])
    expect(received[0]?.quoted).toContain('Bob: The spec\n[file: spec.md]')
  })

  it('at most twenty of its files, and says so', async () => {
    const root = said('The first', { files: [markdown('root.md')] })
    for (let at = 1; at <= 24; at += 1) said(`No. ${at}`, { thread: root, files: [markdown(`${at}.md`)] })
    await ask('what is in them?', root, { files: [markdown('own.md')] })
    const names = received[0]?.attachments.map(({ name }) => name) ?? []
    expect(names).toHaveLength(21)
    expect(names).toEqual(expect.arrayContaining(['own.md', '24.md', 'root.md']))
    expect(names).not.toContain('1.md')
    expect(received[0]?.unread).toEqual([threadWording.filesLeftOut(5)])
  })

  it('a voice message in it is content, not the question', async () => {
    const clip = markdown('clip.m4a', { subtype: 'slack_audio', duration_ms: 4200 })
    const root = said('', { files: [clip] })
    await ask('what does Bob say?', root)
    expect(received[0]?.attachments).toMatchObject([{ name: 'clip.m4a', voiceNote: false }])
  })
})

describe('called again, Parley knows', () => {
  it('what was said since it was called last, and nothing twice', async () => {
    const root = said('Plan the launch')
    const before = said('The budget is fixed.', { thread: root })
    last.set(root, { messageId: `${general}-${before}`, sentAt: '2026-11-26T10:00:00Z' })
    said('the deadline is 5 May, room 17', { thread: root })
    said('My answer', { thread: root, user: bot.user, more: { bot_id: bot.id } })
    await ask('when is the deadline?', root)
    expect(received[0]?.quoted).toBe('Bob: the deadline is 5 May, room 17')
  })

  it('nothing new if nothing was said', async () => {
    const root = said('Plan the launch')
    last.set(root, { messageId: `${general}-${root}`, sentAt: '2026-11-26T10:00:00Z' })
    await ask('when is the deadline?', root)
    expect(received[0]?.quoted).toBeUndefined()
  })
})

describe('asked about the discussion in a channel, Parley knows', () => {
  it('its newest messages and their files, in their order', async () => {
    for (let at = 1; at <= 60; at += 1) said(`Thought ${at}`)
    said('The numbers', { files: [markdown('numbers.md')] })
    said('A reply elsewhere', { thread: said('I agree') })
    said('Sue has joined the channel', { more: { subtype: 'channel_join' } })
    await ask('summarize the discussion above')
    const lines = received[0]?.quoted?.split('\n\n') ?? []
    expect(lines.at(0)).toBe('Bob: Thought 14')
    expect(lines.slice(-2)).toEqual(['Bob: The numbers\n[file: numbers.md]', 'Bob: I agree'])
    expect(received[0]?.attachments.map(({ name }) => name)).toEqual(['numbers.md'])
    expect(callsOf('conversations.history')).toHaveLength(1)
  })

  it('nothing of it for another question, which costs no call', async () => {
    said('A thought')
    await ask('what is the capital of Latvia?')
    expect(received[0]?.quoted).toBeUndefined()
    expect(callsOf('conversations.history')).toEqual([])
  })

  it('that it could not be read', async () => {
    slack.options.without = { 'conversations.history': 'missing_scope' }
    await ask('what did I miss?')
    expect(received[0]?.unread).toEqual([aboveWording.noAccess])
  })
})

describe('a thread that Slack does not give', () => {
  it('at once is read a moment later', async () => {
    slack.options.limit = (method) =>
      method === 'conversations.replies' && callsOf(method).length === 1 ? 1 : undefined
    const root = said('Ship on Friday')
    await ask('when?', root)
    expect(received[0]?.quoted).toBe('Bob: Ship on Friday')
    expect(received[0]?.unread).toBeUndefined()
  })

  it.each([
    ['in time', 'limit', aboveWording.unread],
    ['because Parley is not in the channel', 'access', aboveWording.noAccess],
  ])('%s is told under the answer', async (_, why, sentence) => {
    if (why === 'limit') slack.options.limit = (method) => (method === 'conversations.replies' ? 30 : undefined)
    else slack.options.without = { 'conversations.replies': 'not_in_channel' }
    await ask('when?', said('Ship on Friday'))
    expect(received).toMatchObject([{ text: 'when?', unread: [sentence] }])
  })

  it('is no reason to forget it: of fourteen threads within a moment, each is read or told', async () => {
    const roots = Array.from({ length: 14 }, (_, at) => said(`Topic ${at}`))
    await Promise.all(roots.map((root) => ask('what is it?', root)))
    expect(received).toHaveLength(14)
    for (const [at, root] of roots.entries()) {
      const question = received.find(({ conversation }) => conversation.threadId === root)
      expect(question?.quoted ?? question?.unread?.[0]).toMatch(
        new RegExp(`^Bob: Topic ${at}$|^${aboveWording.unread}$`),
      )
    }
    expect(callsOf('conversations.replies').length).toBeLessThanOrEqual(14)
  })
})

describe('in a direct message', () => {
  const direct = 'D0ALICE001'

  it('a thread under a notice of Parley begins with that notice', async () => {
    const notice = said('The budget of this month is nearly spent.', {
      channel: direct,
      user: bot.user,
      more: { bot_id: bot.id },
    })
    await slack.say({ channel: direct, text: 'Who spent it?', thread: notice })
    expect(received).toMatchObject([{ kind: 'direct', conversation: { threadId: notice } }])
    expect(received[0]?.quoted).toBe('Parley: The budget of this month is nearly spent.')
  })

  it('a conversation that Parley knows is not read again', async () => {
    const { ts } = await slack.say({ channel: direct, text: 'What is new?' })
    last.set(ts, { messageId: `${direct}-${ts}`, sentAt: '2026-11-26T10:00:00Z' })
    await slack.say({ channel: direct, text: 'And today?', thread: ts })
    expect(received.map(({ conversation }) => conversation.threadId)).toEqual([ts, ts])
    expect(callsOf('conversations.replies')).toEqual([])
  })
})

describe('a link to a message in a question', () => {
  const linkTo = (channel: string, ts: string, thread?: string) =>
    `https://acme.slack.com/archives/${channel}/p${ts.replace('.', '')}${thread ? `?thread_ts=${thread}&amp;cid=${channel}` : ''}`
  const incidents = 'C0INCIDENT'

  it('is opened, with the thread below the message and its files', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', members: [alice, bot.user] })
    const root = said('The disk of web-1 is full', { channel: incidents, files: [markdown('log.md')] })
    said('Fixed at 10:40', { channel: incidents, thread: root })
    await ask(`what happened in <${linkTo(incidents, root)}>?`)
    expect(received[0]?.quoted).toBe(
      `Linked message (${linkTo(incidents, root)}):\nBob: The disk of web-1 is full\n[file: log.md]\n\nBob: Fixed at 10:40`,
    )
    expect(received[0]?.attachments.map(({ name }) => name)).toEqual(['log.md'])
  })

  it('to a reply opens that reply', async () => {
    const root = said('The root')
    const reply = said('The reply', { thread: root })
    said('Another reply', { thread: root })
    await ask(`explain <${linkTo(general, reply, root)}|this>`)
    expect(received[0]?.quoted).toContain('Bob: The reply')
    expect(received[0]?.quoted).not.toMatch(/root|Another/)
  })

  it('into a private channel is opened for its members in a direct message', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', private: true, members: [alice, bot.user] })
    const root = said('The merger is off', { channel: incidents })
    await slack.say({ channel: 'D0ALICE001', text: `<${linkTo(incidents, root)}>` })
    expect(received[0]?.quoted).toContain('The merger is off')
  })

  it.each([
    ['of which the asker is no member', [bot.user, bob], linkWording.notYours],
    ['of which others here are no members', [bot.user, alice], linkWording.notForAll],
  ])('into a private channel %s stays closed, and the answer says why', async (_, members, sentence) => {
    slack.state.channels.set(incidents, { name: 'incidents', private: true, members })
    slack.state.channels.set(general, { name: 'general', members: [bot.user, alice, bob] })
    const root = said('The merger is off', { channel: incidents })
    await ask(`what does <${linkTo(incidents, root)}> say?`)
    expect(received[0]?.quoted).toBeUndefined()
    expect(received[0]?.unread).toEqual([sentence(linkTo(incidents, root))])
  })

  it('of a guest into a public channel stays closed unless the guest is in it', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', members: [bot.user, alice] })
    const root = said('The disk is full', { channel: incidents })
    const url = linkTo(incidents, root)
    await slack.say({ channel: 'D0GUEST001', user: 'U0GUEST001', text: `What is <${url}>?` })
    expect(received[0]?.unread).toEqual([linkWording.notYours(url)])
  })

  it('that Parley cannot read is told', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', without: true })
    const url = linkTo(incidents, '1795000000.000100')
    await ask(`what is <${url}>?`)
    expect(received[0]).toMatchObject({ unread: [linkWording.notFound(url)] })
  })

  it('is opened for three messages at most, and says so', async () => {
    const all = ['One', 'Two', 'Three', 'Four'].map((text) => said(text))
    await ask(`compare ${all.map((ts) => `<${linkTo(general, ts)}>`).join(' ')}`)
    expect(received[0]?.quoted).toContain('Bob: Three')
    expect(received[0]?.quoted).not.toContain('Bob: Four')
    expect(received[0]?.unread).toEqual([linkWording.tooMany(3)])
  })

  it('that Slack has unfurled already is not read again', async () => {
    const root = said('The disk is full')
    const url = linkTo(general, root)
    const attachments = [{ is_msg_unfurl: true, from_url: url, author_name: 'Bob', text: 'The disk is full' }]
    await ask(`what is <${url}>?`, undefined, { more: { attachments } })
    expect(received[0]?.quoted).toBe(`Message from Bob (${url}):\nThe disk is full`)
    expect(callsOf('conversations.replies')).toEqual([])
  })
})

describe('a question', () => {
  it('has names for user groups and public channels, whatever Slack calls them', async () => {
    slack.state.groups.set('S0ONCALL1', 'oncall')
    slack.state.channels.set('C0LAUNCH01', { name: 'launch' })
    await ask('ask <!subteam^S0ONCALL1> in <#C0LAUNCH01>')
    expect(received[0]?.text).toBe('ask @oncall in #launch')
  })

  it('without the scope for user groups says "a user group", and Slack is not asked each time', async () => {
    slack.options.without = { 'usergroups.list': 'missing_scope' }
    await ask('ask <!subteam^S0ONCALL1>')
    await ask('ask <!subteam^S0ONCALL1> again')
    expect(received.map(({ text }) => text)).toEqual(['ask a user group', 'ask a user group again'])
    expect(callsOf('usergroups.list')).toHaveLength(1)
  })

  it('with a file of another organization has its name, type and link', async () => {
    const file = markdown('cable-spec.md')
    const stub = { id: file.id, mode: 'file_access', file_access: 'check_file_info' }
    const ts = slack.state.nextTs()
    const event = {
      type: 'app_mention',
      user: alice,
      channel: general,
      ts,
      text: `<@${bot.user}> how long?`,
      files: [stub],
    }
    await slack.event(event)
    expect(received).toMatchObject([
      {
        attachments: [
          {
            name: 'cable-spec.md',
            mediaType: 'text/markdown',
            locator: { permalink: expect.stringContaining('cable-spec.md') },
          },
        ],
      },
    ])
  })

  it('that says stop reads nothing', async () => {
    await ask('stop', said('Ship on Friday'))
    expect(received).toMatchObject([{ text: 'stop' }])
    expect(callsOf('conversations.replies')).toEqual([])
  })
})
