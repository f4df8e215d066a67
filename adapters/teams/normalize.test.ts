import { describe, expect, it } from 'vitest'
import type { CommandSpec } from '../../src/core/command.ts'
import { conversationKey } from '../../src/core/message.ts'
import { Activity } from './activity.ts'
import { fileIn } from './attachments.ts'
import { readHtml } from './html.ts'
import { commandIn, type NormalizedActivity, normalize } from './normalize.ts'

const bot = { id: '28:bot', name: 'Parley' }
const arg = { name: 'x', summary: '', required: true, type: 'word' } as const
const specs: Pick<CommandSpec, 'name' | 'args'>[] = [
  { name: 'help', args: [{ ...arg, required: false }] },
  { name: 'why', args: [] },
  { name: 'models list', args: [{ ...arg, required: false }] },
  { name: 'models', args: [] },
  { name: 'budget set', args: [arg] },
]

/** An activity as Teams sends it, by default from a thread of a channel. */
function activity(more: Record<string, unknown> = {}): Activity {
  return Activity.parse({
    type: 'message',
    id: '1767406665397',
    serviceUrl: 'https://smba.trafficmanager.net/amer/',
    locale: 'en-US',
    timestamp: '2026-01-03T02:17:45.4416506Z',
    from: { id: '29:ann', name: 'Ann', aadObjectId: 'a-1' },
    recipient: bot,
    conversation: {
      id: '19:c@thread.tacv2;messageid=1767406652277',
      conversationType: 'channel',
      tenantId: 't-1',
      isGroup: true,
    },
    text: '<at>Parley</at> Who are you?',
    entities: [{ type: 'mention', mentioned: bot, text: '<at>Parley</at>' }],
    channelData: { tenant: { id: 't-1' }, team: { id: '19:team@thread.tacv2', aadGroupId: 'g-1' } },
    ...more,
  })
}
const personal = { conversation: { id: 'a:1', conversationType: 'personal', tenantId: 't-1' }, entities: [] }
const html = (content: string) => [{ contentType: 'text/html', content }]
const message = (normalized: NormalizedActivity) => {
  if (normalized.kind !== 'message') throw new Error(`it is ${JSON.stringify(normalized)}`)
  return normalized
}

describe('a message', () => {
  it('in a thread belongs to that thread, and its edits keep its ID', () => {
    const { message: asked, part } = message(normalize(activity(), specs))
    expect(asked).toMatchObject({
      id: '19:c@thread.tacv2;messageid=1767406652277#1767406665397',
      conversation: {
        platform: 'teams',
        workspaceId: 't-1',
        channelId: '19:c@thread.tacv2',
        threadId: '1767406652277',
      },
      author: { id: 'a-1', name: 'Ann' },
      kind: 'mention',
      text: 'Who are you?',
      sentAt: '2026-01-03T02:17:45.441Z',
      locale: 'en-US',
      replyTarget: {
        data: { scope: 'channel', team: { group: 'g-1' }, serviceUrl: 'https://smba.trafficmanager.net/amer' },
      },
    })
    expect(part).toBe(false)
    const edited = normalize(activity({ type: 'messageUpdate', channelData: { eventType: 'editMessage' } }), specs)
    expect(edited).toEqual({
      kind: 'revision',
      revision: { platform: 'teams', id: asked.id, text: 'Who are you?', by: { id: 'a-1', name: 'Ann' } },
    })
  })

  it('in another thread of the same channel belongs to another conversation', () => {
    const other = activity({ conversation: { ...activity().conversation, id: '19:c@thread.tacv2;messageid=9' } })
    const keys = [activity(), other].map((each) =>
      conversationKey(message(normalize(each, specs)).message.conversation),
    )
    expect(new Set(keys).size).toBe(2)
  })

  it('without a mention counts only if Parley is part of the conversation', () => {
    expect(message(normalize(activity({ text: 'Lunch?', entities: [] }), specs))).toMatchObject({
      part: true,
      message: { kind: 'thread' },
    })
    expect(message(normalize(activity({ ...personal, text: 'Hi' }), specs))).toMatchObject({
      part: false,
      message: { kind: 'direct' },
    })
  })

  it('from an app, of another kind or without content is ignored', () => {
    const passed = [
      { from: { id: '28:other', name: 'Bot' } },
      { type: 'typing' },
      { type: 'messageDelete', channelData: { eventType: 'softDeleteMessage' } },
      { type: 'messageUpdate', channelData: { eventType: 'undeleteMessage' } },
      { text: '  ', entities: [] },
    ]
    for (const more of passed) expect(normalize(activity(more), specs).kind).toBe('ignored')
  })

  it('keeps the names of mentioned people; a command gets their IDs', () => {
    const entities = [
      { type: 'mention', mentioned: bot, text: '<at>Parley</at>' },
      { type: 'mention', mentioned: { id: '29:bob', name: 'Bob B' }, text: '<at>Bob B</at>' },
    ]
    const asked = activity({ entities, text: '<at>Parley</at> what did <at>Bob B</at> say?' })
    expect(message(normalize(asked, specs)).message.text).toBe('what did @Bob B say?')
    const command = normalize(activity({ entities, text: '<at>Parley</at> budget set <at>Bob B</at> 5 day' }), specs)
    expect(command).toMatchObject({
      kind: 'command',
      call: { text: 'budget set <@29:bob> 5 day' },
      mentions: [{ id: '29:bob' }],
    })
  })

  it('quotes the message that it replies to', () => {
    const quotedReply = { messageId: '1', senderName: 'Bob', preview: 'The valve leaks.' }
    const entities = [...(activity().entities ?? []), { type: 'quotedReply', quotedReply }]
    const asked = activity({ entities, text: '<quoted messageId="1"/><at>Parley</at> Why?' })
    expect(message(normalize(asked, specs)).message).toMatchObject({ text: 'Why?', quoted: 'Bob: The valve leaks.' })
    const content =
      '<blockquote itemscope itemtype="http://schema.skype.com/Reply" itemid="1"><strong itemprop="mri">Bob</strong><p itemprop="preview">It leaks.</p></blockquote><p><span itemtype="http://schema.skype.com/Mention" itemscope itemid="0">Parley</span>&nbsp;Why?</p>'
    expect(message(normalize(activity({ attachments: html(content) }), specs)).message).toMatchObject({
      text: 'Why?',
      quoted: expect.stringContaining('It leaks.'),
    })
  })

  it('has its files: attached, placed in the text, images, voice messages', () => {
    const attachments = [
      ...html('<p>Read</p><attachment id="f-1"></attachment><img src="https://graph.microsoft.com/v1.0/x/$value">'),
      {
        contentType: 'application/vnd.microsoft.card.audio',
        content: { duration: 'PT1M5S', media: [{ url: 'https://smba.trafficmanager.net/a' }] },
      },
    ]
    expect(message(normalize(activity({ attachments }), specs)).files).toMatchObject([
      { mediaType: 'audio/mp4', voiceNote: true, durationMs: 65_000, source: { kind: 'service' } },
      { source: { kind: 'placed', id: 'f-1' } },
      { source: { kind: 'graph', url: 'https://graph.microsoft.com/v1.0/x/$value' } },
    ])
  })
})

describe('an attachment', () => {
  const cases: [string, Record<string, unknown>, object | undefined][] = [
    ['a card', { contentType: 'application/vnd.microsoft.card.adaptive', content: {} }, undefined],
    ['HTML', { contentType: 'text/html', content: '<p>x</p>' }, undefined],
    [
      'a picture',
      { contentType: 'image/*', contentUrl: 'https://smba.trafficmanager.net/p' },
      { name: 'image.png', mediaType: 'image/png' },
    ],
    ['a clip', { contentType: 'video/mp4', contentUrl: 'https://smba.trafficmanager.net/v' }, { name: 'video.mp4' }],
    [
      'a reference',
      { contentType: 'reference', name: 'a.docx', contentUrl: 'https://c.sharepoint.com/a.docx' },
      { source: { kind: 'share' } },
    ],
    [
      'a file',
      {
        contentType: 'application/vnd.microsoft.teams.file.download.info',
        name: 'b.pdf',
        contentUrl: 'https://c.sharepoint.com/b.pdf',
        content: { downloadUrl: 'https://x.svc.ms/b' },
      },
      {
        name: 'b.pdf',
        mediaType: 'application/pdf',
        source: { kind: 'download', url: 'https://x.svc.ms/b', cloudUrl: 'https://c.sharepoint.com/b.pdf' },
      },
    ],
    [
      'a file without address',
      { contentType: 'application/vnd.microsoft.teams.file.download.info', content: null },
      undefined,
    ],
  ]
  it.for(cases)('%s', ([, raw, found]) => {
    const made = fileIn({ contentType: '', ...raw })
    if (found === undefined) expect(made).toBeUndefined()
    else expect(made).toMatchObject(found)
  })
})

describe('HTML from the editor', () => {
  const cases: [html: string, markdown: string][] = [
    ['<p>One</p><p>Two</p>', 'One\n\nTwo'],
    [
      '<div><b>bold</b> and <em>not</em> &amp; <a href="https://x.org">there</a></div>',
      '**bold** and _not_ & [there](https://x.org)',
    ],
    ['<ul><li>a</li><li><p>b</p><ol><li>c</li></ol></li></ul>', '- a\n- b\n  1. c'],
    ['<pre class="language-ts"><code>if (a &lt; b) {\n  go()\n}</code></pre>', '```\nif (a < b) {\n  go()\n}\n```'],
    ['<blockquote>said</blockquote><p>so</p>', '> said\n\nso'],
    ['a<br>b', 'a\nb'],
    ['<img itemtype="http://schema.skype.com/Emoji" alt="😀">', '😀'],
    ['1 < 2 &#x1F600; &unknown;', '1 < 2 😀 &unknown;'],
    ['<blockquote>never closed', '> never closed'],
    ['<p', '<p'],
  ]
  it.for(cases)('%s', ([from, to]) => {
    expect(readHtml(from).text).toBe(to)
  })
})

describe('a line is a command', () => {
  const cases: [text: string, command: string | undefined][] = [
    ['/parley budget set channel 20 month', 'budget set channel 20 month'],
    ['/Parley', 'help'],
    ['/parley', 'help'],
    ['help', 'help'],
    ['Help budget set', 'Help budget set'],
    ['help budget', 'help budget'],
    ['help me with this', undefined],
    ['models', 'models'],
    ['Models list local', 'Models list local'],
    ['models are expensive', undefined],
    ['why', 'why'],
    ['why is the sky blue', undefined],
    ['budget set', undefined],
    ['budget set me 5 day', 'budget set me 5 day'],
    ['budget set me 5 day?', undefined],
    ['parley, who are you?', undefined],
    ['/parleyish things', undefined],
  ]
  it.for(cases)('%j: %s', ([text, command]) => {
    expect(commandIn(text, specs)).toBe(command)
  })
})
