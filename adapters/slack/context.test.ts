/** What Parley reads before it answers: the thread above a question, its files, the discussion in a channel, names. */
import { beforeEach, describe, expect, it } from 'vitest'
import { slackWording } from '../../src/wording/slack.ts'
import { bob, general, openSlackInbound, type SlackInbound } from '../../test/servers/slack-inbound.ts'
import { alice } from '../../test/servers/slack-rig.ts'
import { bot } from '../../test/servers/slack-state.ts'
import { botEvents, botScopes } from './settings.ts'

const { above: aboveWording, thread: threadWording } = slackWording.context

let rig: SlackInbound
let slack: SlackInbound['slack']
let received: SlackInbound['received']
let known: SlackInbound['known']
let said: SlackInbound['said']
let ask: SlackInbound['ask']
let markdown: SlackInbound['markdown']
let callsOf: SlackInbound['callsOf']

beforeEach(async () => {
  rig = await openSlackInbound()
  ;({ slack, received, known, said, ask, markdown, callsOf } = rig)
  return () => rig.close()
})

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
  const sentAt = '2026-11-26T10:00:00Z'
  const knownTo = (ts: string, ...followUps: string[]) => ({
    upTo: { messageId: `${general}-${ts}`, sentAt },
    taken: [...followUps, ts].map((each) => `${general}-${each}`),
  })

  it('what was said since it was called last, and neither follow-ups nor its answers twice', async () => {
    const root = said('Plan the launch')
    const called = said('The budget is fixed.', { thread: root })
    said('the deadline is 5 May, room 17', { thread: root })
    said('My answer', { thread: root, user: bot.user, more: { bot_id: bot.id } })
    const followUp = said('And who pays?', { thread: root, user: alice })
    said(`<@${alice}> I do`, { thread: root })
    known.set(root, knownTo(called, followUp))
    await ask('when is the deadline?', root)
    expect(received[0]?.quoted).toBe('Bob: the deadline is 5 May, room 17\n\nBob: @Alice I do')
    expect(received[0]?.upToDate).toBe(true)
    expect(callsOf('conversations.replies')).toHaveLength(1)
  })

  it('the thread from its beginning, where it only answered follow-ups so far', async () => {
    const root = said('Plan the launch')
    const followUp = said('When is it?', { thread: root, user: alice })
    known.set(root, { taken: [`${general}-${followUp}`] })
    await ask('when is the deadline?', root)
    expect(received[0]?.quoted).toBe('Bob: Plan the launch')
  })

  it('what was said, if a follow-up without a mention asks about it, and only then', async () => {
    const root = said('Plan the launch')
    known.set(root, knownTo(root))
    said('the deadline is 5 May', { thread: root })
    await slack.say({ channel: general, text: 'and in room 17?', thread: root })
    await slack.say({ channel: general, text: 'so what did we decide?', thread: root })
    expect(received.map(({ quoted, upToDate }) => [quoted, upToDate])).toEqual([
      [undefined, undefined],
      ['Bob: the deadline is 5 May\n\nAlice: and in room 17?', true],
    ])
  })

  it('nothing more if Slack could not say it, so that it is read the next time', async () => {
    const root = said('Plan the launch')
    slack.options.refuses = (method) => (method === 'conversations.replies' ? 'missing_scope' : undefined)
    await ask('when is the deadline?', root)
    expect(received[0]).toMatchObject({ unread: [aboveWording.noAccess] })
    expect(received[0]?.upToDate).toBeUndefined()
  })

  it('nothing new if nothing was said', async () => {
    const root = said('Plan the launch')
    known.set(root, knownTo(root))
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

/** The events of an app that lacks one of them. */
const without = (event: string) => botEvents.filter((each) => each !== event)

describe('in a direct message', () => {
  const direct = 'D0ALICE001'

  it.each([
    ['whose manifest is printed by Parley', {}, true],
    ['that does not subscribe to app_context_changed', { subscribed: without('app_context_changed') }, true],
    [
      'without the scope of the agent view',
      { granted: botScopes.filter((scope) => scope !== 'assistant:write') },
      false,
    ],
  ])('each message of an app %s begins a conversation: %#', async (_, options, apart) => {
    Object.assign(slack.options, options)
    const texts = ['What is new?', 'Who wrote it?']
    const asked = []
    for (const text of texts) asked.push((await slack.say({ channel: direct, text })).ts)
    expect(received.map(({ text }) => text)).toEqual(texts)
    expect(received.map(({ conversation }) => conversation.threadId)).toEqual(apart ? asked : [undefined, undefined])
  })

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
    known.set(ts, { taken: [`${direct}-${ts}`] })
    await slack.say({ channel: direct, text: 'And today?', thread: ts })
    expect(received.map(({ conversation }) => conversation.threadId)).toEqual([ts, ts])
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
            link: expect.stringContaining('cable-spec.md'),
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
