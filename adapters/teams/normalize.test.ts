import { describe, expect, it } from 'vitest'
import type { CommandSpec } from '../../src/core/command.ts'
import { conversationKey } from '../../src/core/message.ts'
import { Activity } from './activity.ts'
import { fileIn } from './attachments.ts'
import { commandIn, type NormalizedActivity, normalize } from './normalize.ts'

const bot = { id: '28:bot', name: 'Parley' }
const arg = { name: 'x', summary: '', required: true, type: 'word' } as const
const specs: Pick<CommandSpec, 'name' | 'args'>[] = [
  { name: 'help', args: [{ ...arg, required: false }] },
  { name: 'why', args: [] },
  { name: 'models list', args: [{ ...arg, required: false }] },
  { name: 'models', args: [] },
  { name: 'timezone', args: [{ ...arg, required: false }] },
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
    const { message: asked, addressing } = message(normalize(activity(), specs))
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
    expect(addressing).toMatchObject({ place: 'thread', mentioned: true, namesOthers: false })
    const edited = normalize(activity({ type: 'messageUpdate', channelData: { eventType: 'editMessage' } }), specs)
    expect(edited).toMatchObject({
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

  it('says who it is for', () => {
    const facts = (more: Record<string, unknown>) => message(normalize(activity(more), specs)).addressing
    expect(facts({ text: 'Lunch?', entities: [] })).toMatchObject({
      place: 'thread',
      mentioned: false,
      namesOthers: false,
    })
    expect(facts({ ...personal, text: 'Hi' })).toMatchObject({ place: 'direct' })
    const newPost = { id: '19:c@thread.tacv2;messageid=1767406665397', conversationType: 'channel', tenantId: 't-1' }
    expect(facts({ conversation: newPost })).toMatchObject({ place: 'channel' })
    for (const id of ['19:g@thread.v2', '19:meeting_abc@thread.v2'])
      for (const conversationType of ['groupChat', undefined])
        expect(facts({ conversation: { id, conversationType, tenantId: 't-1' } })).toMatchObject({ place: 'group' })
  })

  it('from an app, of another kind or without content is ignored', () => {
    const passed = [
      { from: { id: '28:other', name: 'Bot' } },
      { type: 'typing' },
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
      quoted: 'Bob: It leaks.',
    })
  })

  it('that is deleted is told by the ids that it can have come with', () => {
    const deleted = (more: object) =>
      normalize(activity({ type: 'messageDelete', channelData: { eventType: 'softDeleteMessage' }, ...more }), specs)
    expect(deleted({})).toEqual({
      kind: 'deletion',
      ids: ['19:c@thread.tacv2;messageid=1767406652277#1767406665397'],
    })
    expect(deleted({ id: '1767406652277' })).toEqual({
      kind: 'deletion',
      ids: ['19:c@thread.tacv2;messageid=1767406652277#1767406652277', '19:c@thread.tacv2#1767406652277'],
    })
    expect(deleted(personal)).toEqual({ kind: 'deletion', ids: ['a:1#1767406665397'] })
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
      { source: { kind: 'graph', url: 'https://graph.microsoft.com/v1.0/x/$value' } },
      { source: { kind: 'placed', id: 'f-1' } },
    ])
  })
})

describe('the mention of Parley', () => {
  const called = (name: string, text: string, more: Record<string, unknown> = {}) => {
    const me = { id: '28:bot', name }
    return message(
      normalize(
        activity({
          recipient: me,
          text,
          entities: [{ type: 'mention', mentioned: me, text: `<at>${name}</at>` }],
          ...more,
        }),
        specs,
      ),
    ).message.text
  }
  const span = (name: string) =>
    `<span itemtype="http://schema.skype.com/Mention" itemscope="" itemid="0">${name}</span>`

  it('is taken out, whatever is in it and around it', () => {
    const written: [name: string, html: string, text: string][] = [
      ['Parley', `<p>${span('<strong>Parley</strong>')}&nbsp;what is up</p>`, 'what is up'],
      ['Parley', `<p><b>${span('Parley')}</b>&nbsp;what is <b>up</b></p>`, 'what is **up**'],
      ['R&D Helper', `<p>${span('R&amp;D Helper')}, what is up</p>`, 'what is up'],
      ['Parley', `<p>${span('Parley')} ${span('Parley')} is who?</p>`, 'Parley is who?'],
      ['Parley', `<p>Do you, ${span('Parley')}, know?</p>`, 'Do you, , know?'],
    ]
    for (const [name, content, text] of written)
      expect(called(name, `<at>${name}</at> x`, { attachments: html(content) })).toBe(text)
  })

  it('is taken out of the plain text of old clients, which encode it', () => {
    expect(called('Parley', '<at>Parley</at>&nbsp;is 1 &lt; 2 &amp; 3?')).toBe('is 1 < 2 & 3?')
    expect(called('R&D Helper', '<at>R&amp;D Helper</at>&nbsp;hello')).toBe('hello')
    expect(called('Parley', '<at>Parley</at> what does &lt; mean?')).toBe('what does &lt; mean?')
    expect(called('Parley', '<at>Parley</at> <b>bold</b>', { textFormat: 'xml' })).toBe('**bold**')
  })

  it('in code of a question about Teams stays as it was typed', () => {
    const content = `<p>${span('Parley')} how do I send <code>&lt;at&gt;Bob&lt;/at&gt;</code>?</p>`
    expect(called('Parley', '', { attachments: html(content) })).toBe('how do I send `<at>Bob</at>`?')
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

describe('a line is a command', () => {
  const cases: [text: string, command: string | undefined][] = [
    ['/parley budget set channel 20 month', 'budget set channel 20 month'],
    ['/Parley', 'help'],
    ['/parley', 'help'],
    ['help', 'help'],
    ['Help budget set', 'Help budget set'],
    ['help budget', 'help budget'],
    ['help me with this', undefined],
    ['HELP', 'HELP'],
    ['models', undefined],
    ['Models list', 'Models list'],
    ['Models list local', 'Models list local'],
    ['models are expensive', undefined],
    ['why', undefined],
    ['Why', undefined],
    ['timezone', undefined],
    ['/why', 'why'],
    ['/Models list', 'Models list'],
    ['/parley why', 'why'],
    ['/shrug', undefined],
    ['/etc/hosts is empty', undefined],
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
