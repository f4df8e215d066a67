import { describe, expect, it } from 'vitest'
import { teamsWording } from '../../src/wording/teams.ts'
import { contentOf, wordsOf } from './content.ts'

const card = (kind: string, content: unknown) => ({ contentType: `application/vnd.microsoft.card.${kind}`, content })
const words = (...attachments: { contentType: string; content?: unknown; name?: string }[]) =>
  wordsOf(contentOf({ html: '', attachments }))

describe('the words of a card', () => {
  it('adaptive: text, facts, columns, tables, pictures and buttons, in their order', () => {
    const content = {
      type: 'AdaptiveCard',
      body: [
        { type: 'TextBlock', text: 'Deploy 812 failed on node-7', weight: 'bolder' },
        { type: 'RichTextBlock', inlines: ['by ', { type: 'TextRun', text: 'Ann' }] },
        {
          type: 'FactSet',
          facts: [
            { title: 'Region', value: 'EU' },
            { title: 'Since', value: '{{DATE(2026-01-03T02:17:45Z, SHORT)}}' },
          ],
        },
        {
          type: 'ColumnSet',
          columns: [
            { type: 'Column', items: [{ type: 'TextBlock', text: 'CPU' }] },
            { type: 'Column', items: [{ type: 'TextBlock', text: '97 %' }] },
          ],
        },
        { type: 'Container', items: [{ type: 'Image', url: 'https://x.org/a.png', altText: 'A red graph' }] },
        {
          type: 'Table',
          rows: [
            {
              type: 'TableRow',
              cells: [
                { items: [{ type: 'TextBlock', text: 'Step' }] },
                { items: [{ type: 'TextBlock', text: 'State' }] },
              ],
            },
            { type: 'TableRow', cells: [{ items: [{ type: 'TextBlock', text: 'build' }] }, { items: [] }] },
          ],
        },
        { type: 'CodeBlock', language: 'Bash', codeSnippet: 'exit 1' },
      ],
      actions: [
        { type: 'Action.OpenUrl', title: 'Log', url: 'https://x.org/log' },
        {
          type: 'Action.ShowCard',
          title: 'Retry',
          card: { type: 'AdaptiveCard', body: [{ type: 'TextBlock', text: 'Sure?' }] },
        },
      ],
    }
    const expected = [
      'Deploy 812 failed on node-7',
      'by Ann',
      'Region: EU',
      'Since: 2026-01-03T02:17:45Z',
      'CPU | 97 %',
      'A red graph',
      '| Step | State |',
      '| --- | --- |',
      '| build |  |',
      '```',
      'exit 1',
      '```',
      '[Log](https://x.org/log)',
      '[Retry]',
      'Sure?',
    ].join('\n')
    expect(words(card('adaptive', content))).toBe(expected)
    // Graph has it as JSON.
    expect(words(card('adaptive', JSON.stringify(content)))).toBe(expected)
  })

  const others: [kind: string, content: unknown, said: string][] = [
    [
      'hero',
      {
        title: 'Lunch',
        subtitle: 'Friday',
        text: '<b>Pizza</b> or <i>pasta</i>?',
        buttons: [{ type: 'openUrl', title: 'Menu', value: 'https://x.org/menu' }],
      },
      'Lunch\nFriday\n**Pizza** or _pasta_?\n[Menu](https://x.org/menu)',
    ],
    [
      'thumbnail',
      { title: 'ABC-1', text: 'Closed', images: [{ url: 'https://x.org/i', alt: 'Jira' }] },
      'ABC-1\nClosed\nJira',
    ],
    [
      'receipt',
      {
        title: 'Order 7',
        facts: [{ key: 'Date', value: '3 May' }],
        items: [{ title: 'Pen', price: '$2' }],
        total: '$2',
      },
      'Order 7\n$2\nPen\n$2\nDate: 3 May',
    ],
    ['announcement', { title: 'New office', subTitle: 'From May on' }, 'New office\nFrom May on'],
  ]
  it.for(others)('%s', ([kind, content, said]) => {
    expect(words(card(kind, content)).split('\n').toSorted()).toEqual(said.split('\n').toSorted())
  })

  it('of a connector, with its sections', () => {
    const content = {
      title: 'Alert',
      sections: [{ activityTitle: 'db-1', activityText: 'disk full', facts: [{ name: 'Free', value: '0' }] }],
    }
    expect(words({ contentType: 'application/vnd.microsoft.teams.card.o365connector', content })).toBe(
      'Alert\ndb-1\ndisk full\nFree: 0',
    )
  })

  it('a card without words, of a kind that nobody knows or that is no JSON is said to be unreadable', () => {
    const unread = [
      card('adaptive', '{'),
      card('adaptive', { type: 'AdaptiveCard', body: [] }),
      card('fluidEmbedCard', { componentUrl: 'https://x.org/loop' }),
      { id: 'a', contentType: 'application/x-to-come', content: null },
    ]
    for (const attachment of unread)
      expect(contentOf({ html: '<attachment id="a"></attachment>', attachments: [attachment] })).toMatchObject({
        cards: [],
        unread: [teamsWording.unread.part],
      })
  })

  it('a card nested without end ends', () => {
    let content: object = { type: 'TextBlock', text: 'deep' }
    for (let depth = 0; depth < 5000; depth += 1) content = { type: 'Container', items: [content] }
    expect(words(card('adaptive', { type: 'AdaptiveCard', body: [{ type: 'TextBlock', text: 'top' }, content] }))).toBe(
      'top',
    )
  })
})

describe('what a message quotes', () => {
  it('is told with its author, in all forms of Teams', () => {
    const sender = { user: { id: 'u-1', displayName: 'Ann' } }
    const reply = { messageId: '5', messagePreview: 'We close &amp; go on Friday', messageSender: sender }
    const forward = {
      originalMessageId: '6',
      originalMessageContent: '<p>Quarter <b>closes</b></p>',
      originalMessageSender: sender,
    }
    const older = { body: { content: '<p>forwarded</p>' } }
    const { quotes } = contentOf({
      html: '<attachment id="5"></attachment><p>I disagree</p>',
      attachments: [
        { id: '5', contentType: 'messageReference', content: JSON.stringify(reply) },
        { contentType: 'forwardedMessageReference', content: forward },
        { contentType: 'forwardedMessageReference', content: JSON.stringify(older) },
      ],
    })
    expect(quotes).toMatchObject([
      { kind: 'reply', by: 'Ann', byId: '8:orgid:u-1', messageId: '5', text: 'We close & go on Friday' },
      { kind: 'forward', by: 'Ann', messageId: '6', text: 'Quarter **closes**' },
      { kind: 'forward', text: 'forwarded' },
    ])
  })

  it('without its text is said to be unreadable', () => {
    for (const content of ['{}', '{', null])
      expect(contentOf({ html: 'x', attachments: [{ contentType: 'messageReference', content }] }).unread).toEqual([
        teamsWording.unread.quote,
      ])
  })
})

describe('the plain text, which repeats what is quoted,', () => {
  const plain = 'Bob models list'
  const reply =
    '<blockquote itemtype="http://schema.skype.com/Reply" itemid="1"><strong itemprop="mri">Bob</strong><p>models list</p></blockquote>'
  const picture = '<img src="https://graph.microsoft.com/v1.0/x/$value" alt="image">'
  const forward = {
    id: '6',
    contentType: 'forwardedMessageReference',
    content: { originalMessageContent: '<p>models list</p>' },
  }

  it.each([
    ['a reply', reply],
    ['a reply with a screenshot', `${reply}<p>${picture}</p>`],
    ['a screenshot', picture],
    ['a file or a forwarded message that Graph has', '<attachment id="6"></attachment>'],
  ])('is not what %s says', (_, html) => {
    expect(contentOf({ html, plain }).text).toBe('')
  })

  it('is not what a forwarded message without a place in the HTML says', () => {
    expect(contentOf({ html: '<p></p>', plain, attachments: [forward] }).text).toBe('')
  })

  it('is what a message says whose HTML shows nothing', () => {
    expect(contentOf({ html: '<p>&nbsp;</p>', plain }).text).toBe(plain)
  })
})

it('code that somebody posted as a snippet is a file of that name', () => {
  const content = {
    name: 'build.py',
    language: 'Python',
    codeSnippetUrl: 'https://graph.microsoft.com/v1.0/chats/c/messages/1/hostedContents/2/$value',
  }
  expect(contentOf({ html: '', attachments: [card('codesnippet', JSON.stringify(content))] }).files).toMatchObject([
    { name: 'build.py', mediaType: 'text/plain', source: { kind: 'graph' } },
  ])
})

it('a message of others is told with its subject, quotes and cards', () => {
  const said = contentOf({
    subject: 'Budget',
    html: '<blockquote itemtype="http://schema.skype.com/Reply" itemid="1"><strong itemprop="mri" itemid="8:x">Bob</strong><p>too much?</p></blockquote><p><at id="0">Ann</at> no</p>',
    attachments: [card('hero', { title: 'Numbers' })],
  })
  expect(wordsOf(said)).toBe('**Budget**\n\n> Bob: too much?\n\n@Ann no\n\nNumbers')
})
