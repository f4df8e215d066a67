import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Self } from './events.ts'
import { mentionedPeople, quoteThread, toMarkdown, withoutMention } from './mrkdwn.ts'
import { normalize } from './normalize.ts'

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

  it('in a direct message belongs to the chat, or to its thread if there is one', () => {
    expect(messageOf('fileShare').message.conversation.threadId).toBeUndefined()
    expect(messageOf('agentView').message.conversation.threadId).toBe('1795000001.000100')
    expect(messageOf('assistantThread').message.conversation.threadId).toBe('1795000000.000900')
  })

  it('in a thread counts only if Parley is part of it, and not if it starts with another mention', () => {
    expect(messageOf('threadReply')).toMatchObject({ message: { kind: 'thread' }, needs: { part: true } })
    expect(of('threadReplyToOthers')).toEqual({ kind: 'ignored', why: slackWording.ignored.addressedToOthers })
    expect(of('bystander')).toEqual({ kind: 'ignored', why: slackWording.ignored.notAddressed })
  })

  it.each(['bot', 'workflow', 'own', 'joined', 'deleted', 'unfurled'])('of kind %s is never answered', (name) => {
    expect(of(name).kind).toBe('ignored')
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

  it('of a thread has its first message and as many of the latest as fit', () => {
    const slackMessage = (at: number, text: string) => ({ ts: `${at}.0`, user: 'U1', text })
    const thread = [
      slackMessage(1, 'The *question*'),
      ...Array.from({ length: 40 }, (_, at) => slackMessage(at + 2, `${at} ${'x'.repeat(900)}`)),
    ]
    const quoted = quoteThread(thread, () => 'Ann') ?? ''
    expect(quoted.startsWith('Ann: The **question**\n\n…\n\n')).toBe(true)
    expect(quoted).toContain('Ann: 39 ')
    expect(quoted.length).toBeLessThanOrEqual(12_100)
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

  it('names each person once', () => {
    expect(mentionedPeople('<@U1> <@U2|bob> <@U1>')).toEqual(['U1', 'U2'])
    expect(withoutMention('<@U1>: hi <@U1>!', 'U1')).toBe('hi!')
  })
})
