import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Self } from './events.ts'
import { mentionedPeople, toMarkdown, withoutMention } from './mrkdwn.ts'
import { normalize, tsOf } from './normalize.ts'

const events = JSON.parse(readFileSync(join(import.meta.dirname, '../../test/fixtures/slack/events.json'), 'utf8'))
const self: Self = { teamId: 'T0ACME00001', botUserId: 'U0PARLEY001', botId: 'B0PARLEY001' }
const of = (name: string, names?: ReadonlyMap<string, string>) => normalize(events[name].event, self, names)
const messageOf = (name: string) => {
  const normalized = of(name)
  if (normalized.kind !== 'message') throw new Error(`${name} is ${JSON.stringify(normalized)}`)
  return normalized
}

describe('a Slack message', () => {
  it('becomes Markdown without the mention of Parley, with names for other mentions', () => {
    const normalized = of('mention', new Map([['U0BOB00001', 'Bob']]))
    expect(normalized).toMatchObject({
      kind: 'message',
      message: {
        id: 'C0GENERAL01-1795000001.000100',
        kind: 'mention',
        text: 'What does **it** say about #ops? See [the page](https://example.com/a?b=1&c=2) & tell @Bob',
        conversation: { workspaceId: 'T0ACME00001', channelId: 'C0GENERAL01', threadId: '1795000001.000100' },
        sentAt: '2026-11-18T11:06:41.000Z',
      },
    })
  })

  it('has one ID as an app_mention and as a message, and a mention alone is a greeting', () => {
    expect(messageOf('mentionAsMessage').message).toMatchObject({
      id: messageOf('mention').message.id,
      kind: 'mention',
      text: 'hey, hello',
    })
    expect(messageOf('mentionAlone').message.text).toBe(chatWording.emptyMention)
  })

  it('keeps code unchanged', () => {
    expect(messageOf('mentionInCode').message.text).toContain('```\nif (a < b) {\n  *x*\n}\n```')
    expect(messageOf('mentionInCode').message.text).toContain('`*nil*`')
  })

  it('in a direct message begins a conversation of the agent view', () => {
    const { event } = events.fileShare
    const root = normalize(event, { ...self, agentView: true })
    expect(root).toMatchObject({ message: { kind: 'direct', conversation: { threadId: event.ts } } })
    const reply = normalize({ ...event, ts: '1795000009.000100', thread_ts: event.ts }, { ...self, agentView: true })
    expect(reply).toMatchObject({ message: { conversation: { threadId: event.ts } } })
  })

  it('without the agent view, in a direct message belongs to the chat, or to its thread if there is one', () => {
    expect(messageOf('fileShare').message.conversation.threadId).toBeUndefined()
    expect(messageOf('agentView').message.conversation.threadId).toBe('1795000001.000100')
    expect(messageOf('assistantThread').message.conversation.threadId).toBe('1795000000.000900')
  })

  it('in a thread may be for Parley or for others', () => {
    expect(messageOf('threadReply')).toMatchObject({
      message: { kind: 'thread' },
      addressing: { place: 'thread', mentioned: false, namesOthers: false },
    })
    expect(messageOf('threadReplyToOthers').addressing).toMatchObject({ mentioned: false, namesOthers: true })
    expect(of('bystander')).toEqual({ kind: 'ignored', why: slackWording.ignored.notAddressed })
  })

  it.each([
    ['a user group', '<!subteam^S0ONCALL1|@oncall> please look at this'],
    ['those who are here', 'Lunch, <!here>?'],
    ['the whole channel', '<!channel> the build is red'],
    ['everyone', 'Welcome to our new colleague, <!everyone>'],
    ['a person in the middle', 'I would ask <@U0BOB00001|bob> first'],
  ])('in a thread is meant for others if it names %s', (_, text) => {
    const said = normalize({ ...events.threadReply.event, text }, self)
    expect(said).toMatchObject({ addressing: { mentioned: false, namesOthers: true } })
  })

  it.each(['bot', 'workflow', 'own', 'joined', 'unfurled'])('of kind %s is never answered', (name) => {
    expect(of(name).kind).toBe('ignored')
  })

  const hello = { channel: 'C0GENERAL01', ts: '1795000002.000100', text: '<@U0PARLEY001> hello?' }
  const monitor = { bot_id: 'B0MONITOR01', bot_profile: { id: 'B0MONITOR01', name: 'Monitor', app_id: 'A0MONITOR01' } }
  it.each([
    ['mentions Parley', { ...hello, ...monitor, type: 'app_mention', user: 'U0MONITOR01' }],
    ['has no user', { ...hello, ...monitor, type: 'message', subtype: 'bot_message', channel_type: 'channel' }],
    ['answers in a thread of Parley', { ...hello, ...monitor, type: 'message', thread_ts: '1795000001.000100' }],
    ['writes to Parley directly', { ...hello, ...monitor, type: 'message', channel: 'D0MONITOR1', channel_type: 'im' }],
    [
      'adds the mention by an edit',
      {
        ...{ type: 'message', subtype: 'message_changed', channel: hello.channel, channel_type: 'channel' },
        ts: '1795000003.000100',
        message: { ...hello, ...monitor, user: 'U0MONITOR01', edited: { ts: '1795000003.000100' } },
        previous_message: { ...hello, ...monitor, user: 'U0MONITOR01', text: 'hello?' },
      },
    ],
    ['is a reminder of Slackbot', { ...hello, type: 'app_mention', user: 'USLACKBOT' }],
  ])('of a bot that %s is never answered', (_, event) => {
    expect(normalize(event, self).kind).toBe('ignored')
  })

  it('that was deleted names the message, also if it leaves a stub behind its replies', () => {
    const place = {
      type: 'message',
      channel: 'C0GENERAL01',
      channel_type: 'channel',
      ts: '1795000009.000100',
      hidden: true,
    }
    const id = 'C0GENERAL01-1795000001.000100'
    const previous_message = { user: 'U0ALICE0001', ts: '1795000001.000100', text: 'My secret question' }
    const deleted = { ...place, subtype: 'message_deleted', deleted_ts: '1795000001.000100', previous_message }
    expect(normalize(deleted, self)).toEqual({ kind: 'deletion', id })
    const message = {
      subtype: 'tombstone',
      user: 'USLACKBOT',
      ts: '1795000001.000100',
      text: 'This message was deleted.',
    }
    expect(normalize({ ...place, subtype: 'message_changed', message, previous_message }, self)).toEqual({
      kind: 'deletion',
      id,
    })
    expect(normalize({ ...deleted, deleted_ts: undefined }, self)).toEqual({ kind: 'deletion', id })
  })

  it.each([
    ['a reply landed below it', { reply_count: 1 }, undefined],
    ['a link was unfurled after an edit', { edited: { ts: '5.0' } }, { edited: { ts: '5.0' } }],
    ['Slack sent it again', {}, {}],
  ])('is not edited when %s', (_, more, before) => {
    const message = { user: 'U0ALICE0001', ts: '1795000001.000100', text: '<@U0PARLEY001> look at this' }
    const event = {
      type: 'message',
      subtype: 'message_changed',
      channel: 'C0GENERAL01',
      channel_type: 'channel',
      ts: '9.0',
    }
    const previous_message = before && { ...message, ...before }
    expect(normalize({ ...event, message: { ...message, ...more }, previous_message }, self)).toEqual({
      kind: 'ignored',
      why: slackWording.ignored.sameText,
    })
  })

  it('that becomes a mention by an edit is a new question', () => {
    const { event } = events.edited
    const previous_message = { ...event.previous_message, text: 'What does it say?' }
    expect(normalize({ ...event, previous_message }, self)).toMatchObject({
      kind: 'revision',
      fresh: { message: { kind: 'mention', text: 'What does it say now?' } },
    })
  })

  it('of a colleague in the same Enterprise Grid organization is not from a stranger', () => {
    const grid = { ...self, enterpriseId: 'E0ACME00001' }
    const { event } = events.stranger
    const colleague = normalize({ ...event, team: 'E0ACME00001', user_team: 'E0ACME00001' }, grid)
    expect(colleague).toMatchObject({ message: { author: { id: event.user } } })
    expect(colleague).not.toMatchObject({ message: { author: { membership: 'stranger' } } })
  })

  it('tells its position, also if it came from a dialog', () => {
    const at = { sentAt: '2026-11-18T11:06:41.250Z' }
    expect(tsOf({ messageId: 'C0GENERAL01-1795000001.000100', ...at })).toBe('1795000001.000100')
    expect(tsOf({ messageId: 'C0GENERAL01-V0DIALOG1', ...at })).toBe('1795000001.250000')
  })

  it('marks people from other organizations', () => {
    expect(messageOf('stranger').message.author).toEqual({ id: 'U0ALICE0001', membership: 'stranger' })
    expect(messageOf('mention').message.author).toEqual({ id: 'U0ALICE0001' })
  })

  it('keeps its ID when it is edited, with the new text', () => {
    expect(of('edited')).toEqual({
      kind: 'revision',
      revision: {
        platform: 'slack',
        id: 'C0GENERAL01-1795000001.000100',
        text: 'What does it say now?',
        by: { id: 'U0ALICE0001' },
      },
      place: expect.objectContaining({
        data: expect.objectContaining({ channel: 'C0GENERAL01', ts: '1795000001.000100', thread: '1795000001.000100' }),
      }),
    })
  })
})

describe('the content of a message', () => {
  it('has files, voice clips with their Slack transcript, and canvases as HTML', () => {
    const [report, , canvas, clip] = messageOf('threeFilesAndClip').message.attachments
    expect(report).toMatchObject({ name: 'report.pdf', mediaType: 'application/pdf', bytes: 1234, voiceNote: false })
    expect(canvas).toMatchObject({ name: 'Plan.html', mediaType: 'text/html' })
    expect(clip).toMatchObject({ voiceNote: true, durationMs: 4200, transcript: 'compare these files please' })
    expect(messageOf('videoClip').message.attachments).toMatchObject([{ voiceNote: false, durationMs: 9000 }])
  })

  it('from a forwarded message is content, voice clips included', () => {
    const { event } = events.threeFilesAndClip
    const shared = { ...event, files: [], attachments: [{ is_share: true, author_name: 'Bob', files: event.files }] }
    const normalized = normalize(shared, self)
    if (normalized.kind !== 'message') throw new Error(JSON.stringify(normalized))
    expect(normalized.message.attachments.map(({ voiceNote }) => voiceNote)).toEqual([false, false, false, false])
    expect(normalized.message.attachments[3]).toMatchObject({ durationMs: 4200 })
  })

  it('has no URL in Slack Connect, and the name of its service if it is external', () => {
    const [connect] = messageOf('connectFile').message.attachments
    expect(connect?.locator).toEqual({ team: 'T0ACME00001', file: 'F0FILE00006' })
    const [drive] = messageOf('driveFile').message.attachments
    expect(drive?.locator).toMatchObject({ external: 'gdrive' })
  })

  it('quotes a forwarded message with its files', () => {
    const { message } = messageOf('forwarded')
    expect(message.text).toBe('What is this?')
    expect(message.quoted).toContain(
      'Message from Bob (https://acme.slack.com/archives/C1/p1):\nThe **server** is down',
    )
    expect(message.attachments.map(({ name }) => name)).toEqual(['log.txt'])
  })

  it('describes pictures by their alternative text', () => {
    const { event } = events.fileShare
    const files = [
      { id: 'F1', name: 'plan.png', mimetype: 'image/png', alt_txt: 'The floor plan, with room 17 in red' },
    ]
    expect(normalize({ ...event, files }, self)).toMatchObject({
      message: { quoted: '[image plan.png: The floor plan, with room 17 in red]' },
    })
  })

  it('says what kind of file cannot be downloaded', () => {
    const { event } = events.fileShare
    const files = [
      { id: 'F1', name: 'list', title: 'Task list', filetype: 'list', mode: 'list' },
      { id: 'F2', name: 'old.md', mode: 'hidden_by_limit' },
      { id: 'F3', name: 'gone.md', mode: 'tombstone' },
      { id: 'F4', name: 'fine.md', mode: 'hosted' },
    ]
    const normalized = normalize({ ...event, files }, self)
    expect(normalized).toMatchObject({
      message: {
        attachments: [
          { locator: { unreadable: 'list' } },
          { locator: { unreadable: 'hidden' } },
          { locator: { unreadable: 'deleted' } },
          { locator: { file: 'F4' } },
        ],
      },
    })
  })
})

describe('a table', () => {
  const cell = (text: string) => ({
    type: 'rich_text',
    elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text }] }],
  })
  const table = {
    type: 'table',
    rows: [
      ['Item', 'Owner', 'Amount'].map(cell),
      [cell('Pump'), cell('Kim'), { type: 'raw_number', value: 1200, text: '1,200' }],
      [cell('Valve'), cell(''), { type: 'raw_text', text: '340' }],
    ],
  }
  const rows = [
    '| Item | Owner | Amount |',
    '| --- | --- | --- |',
    '| Pump | Kim | 1,200 |',
    '| Valve |  | 340 |',
  ].join('\n')
  const quotedOf = (more: object) => {
    const normalized = normalize({ ...events.mention.event, ...more }, self)
    return normalized.kind === 'message' ? normalized.message.quoted : undefined
  }

  it('in a message keeps its rows and empty cells', () => {
    expect(quotedOf({ blocks: [{ type: 'rich_text', elements: [] }, table] })).toBe(rows)
  })

  it('that was pasted keeps its rows and empty cells', () => {
    expect(quotedOf({ attachments: [{ id: 1, fallback: '[no preview available]', blocks: [table] }] })).toBe(rows)
  })

  it('in a forwarded message keeps its rows, beside the text', () => {
    const shared = {
      is_share: true,
      author_name: 'Bob',
      text: 'See *this*:',
      message_blocks: [{ message: { blocks: [table] } }],
    }
    expect(quotedOf({ attachments: [shared] })).toBe(`Message from Bob:\nSee **this**:\n\n${rows}`)
  })

  it('keeps columns apart if cells hold bars and line breaks, and rows that are short', () => {
    const odd = { type: 'table', rows: [[cell('a|b'), cell('c\nd')], [cell('e')]] }
    expect(quotedOf({ blocks: [odd] })).toBe('| a\\|b | c d |\n| --- | --- |\n| e |  |')
  })

  it('with data of an app has its caption', () => {
    const data = {
      type: 'data_table',
      caption: 'Open orders',
      rows: [[{ type: 'raw_text', text: 'No.' }], [{ type: 'raw_number', value: 7 }]],
    }
    expect(quotedOf({ blocks: [data] })).toBe('**Open orders**\n\n| No. |\n| --- |\n| 7 |')
  })
})

describe('mrkdwn', () => {
  it.each([
    ['*bold* and _soft_ and ~gone~', '**bold** and _soft_ and ~~gone~~'],
    ['2*3*4 stays', '2*3*4 stays'],
    ['<https://a.b>', 'https://a.b'],
    ['<mailto:a@b.c|a@b.c>', '[a@b.c](mailto:a@b.c)'],
    ['<!here> <!subteam^S1|@ops> <!date^1^{date}|May 1>', '@here @ops May 1'],
    ['a &lt;b&gt; &amp;amp; c', 'a <b> &amp; c'],
  ])('%j becomes %j', (mrkdwn, markdown) => {
    expect(toMarkdown(mrkdwn)).toBe(markdown)
  })

  it.each([
    ['ask <!subteam^S0ONCALL1> in <#C0SECRET01>', 'ask a user group in a channel'],
    ['ask <!subteam^S0ONCALL1|@oncall> in <#C0SECRET01|ops>', 'ask @oncall in #ops'],
    ['ask <@U0BOB00001>', 'ask someone'],
  ])('without names, %j becomes %j', (mrkdwn, markdown) => {
    expect(toMarkdown(mrkdwn)).toBe(markdown)
  })

  it('with names shows no ids', () => {
    const names = new Map([
      ['S0ONCALL1', 'oncall'],
      ['C0SECRET01', 'ops'],
      ['U0BOB00001', 'Bob'],
    ])
    expect(toMarkdown('<@U0BOB00001>: <!subteam^S0ONCALL1> in <#C0SECRET01>', names)).toBe('@Bob: @oncall in #ops')
  })

  it('names each person once', () => {
    expect(mentionedPeople('<@U1> <@U2|bob> <@U1>')).toEqual(['U1', 'U2'])
    expect(withoutMention('<@U1>: hi <@U1>!', 'U1')).toBe('hi!')
    expect(withoutMention('<@U1> :wave: hi', 'U1')).toBe(':wave: hi')
    expect(withoutMention(':+1:', 'U1')).toBe(':+1:')
  })
})
