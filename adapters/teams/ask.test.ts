/** "Ask Parley about this message": what of the message reaches the question. Through the real ingress. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { thread } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'

const place = thread('1767000000001')
const bob = { user: { id: 'b-1', displayName: 'Bob' } }

let rig: TeamsRig
let inbox: ReturnType<typeof recorder>
beforeEach(async () => {
  rig = await openTeamsRig(memoryRecords(), 'channel')
  inbox = recorder()
  await rig.open(inbox.intake)
})
afterEach(() => rig.close())

interface Payload {
  id?: string
  subject?: string
  from?: object
  body?: { contentType: string; content: string }
  attachments?: object[]
}

const requestOf = (messagePayload: Payload) => ({
  commandId: 'askParley',
  commandContext: 'message',
  messagePayload: { id: '17', from: bob, ...messagePayload },
})

async function ask(payload: Payload) {
  const value = { ...requestOf(payload), data: { question: 'what is this?' } }
  const { body } = await rig.people.invoke(place, 'composeExtension/submitAction', value)
  return { toast: JSON.stringify(body), message: inbox.received.at(-1) }
}

async function formText(payload: Payload): Promise<string> {
  const { body } = await rig.people.invoke(place, 'composeExtension/fetchTask', requestOf(payload))
  return JSON.stringify(body)
}

const html = (content: string) => ({ contentType: 'html', content })
const placed = (id: string, contentType: string, content: object) => ({
  body: html(`<attachment id="${id}"></attachment>`),
  attachments: [{ id, contentType, content: JSON.stringify(content) }],
})

describe('the question has', () => {
  const cases: [what: string, payload: Payload, quoted: string][] = [
    [
      'the words of an adaptive card',
      placed('c1', 'application/vnd.microsoft.card.adaptive', {
        type: 'AdaptiveCard',
        body: [{ type: 'TextBlock', text: 'Deploy 812 failed on node-7' }],
      }),
      'Bob: Deploy 812 failed on node-7',
    ],
    [
      'the words of a hero card',
      placed('c1', 'application/vnd.microsoft.card.hero', { title: 'Lunch', text: 'Pizza?' }),
      'Bob: Lunch\nPizza?',
    ],
    [
      'the words of a thumbnail card',
      placed('c1', 'application/vnd.microsoft.card.thumbnail', { title: 'ABC-1', subtitle: 'Bug', text: 'Closed' }),
      'Bob: ABC-1\nBug\nClosed',
    ],
    [
      'what a reply quotes',
      {
        body: html('<attachment id="m1"></attachment><p>I disagree</p>'),
        attachments: [
          {
            id: 'm1',
            contentType: 'messageReference',
            content: '{"messageId":"m1","messagePreview":"We close the office on Friday"}',
          },
        ],
      },
      'Bob: > We close the office on Friday\n\nI disagree',
    ],
    [
      'what somebody forwarded',
      placed('f1', 'forwardedMessageReference', {
        originalMessageContent: '<p>Quarter closes</p>',
        originalMessageSender: { user: { id: 'x', displayName: 'Olga' } },
      }),
      'Bob: > Olga: Quarter closes',
    ],
    [
      'the subject',
      { subject: 'Holidays', body: html('<p>Please enter yours</p>') },
      'Bob: **Holidays**\n\nPlease enter yours',
    ],
    ['plain text as it is', { body: { contentType: 'text', content: 'if a < b & c > d' } }, 'Bob: if a < b & c > d'],
    [
      'the name of an app that wrote it',
      { from: { application: { id: 'j', displayName: 'Jira' } }, body: html('<p>Ticket ABC-1 closed</p>') },
      'Jira: Ticket ABC-1 closed',
    ],
    [
      'the name of a device that wrote it',
      { from: { device: { id: 'd', displayName: 'Meeting room 2' } }, body: html('<p>Recording started</p>') },
      'Meeting room 2: Recording started',
    ],
    [
      'the person, where an app wrote it for them',
      {
        from: { user: { id: 'b-1', displayName: 'Bob' }, application: { displayName: 'Jira' } },
        body: html('<p>x</p>'),
      },
      'Bob: x',
    ],
    [
      'the app, where the person has no name',
      {
        from: { user: { id: 'b-1', displayName: null }, application: { displayName: 'Jira' } },
        body: html('<p>x</p>'),
      },
      'Jira: x',
    ],
    ['no name where nobody is named', { from: { user: { id: 'gone' } }, body: html('<p>Old words</p>') }, 'Old words'],
    [
      'the name of an app that somebody forwarded',
      placed('f1', 'forwardedMessageReference', {
        originalMessageContent: '<p>Build failed</p>',
        originalMessageSender: { application: { id: 'x', displayName: 'CI' } },
      }),
      'Bob: > CI: Build failed',
    ],
    ['names of mentioned people', { body: html('<p><at id="0">Ann</at> see this</p>') }, 'Bob: @Ann see this'],
  ]
  it.for(cases)('%s', async ([, payload, quoted]) => {
    const { message, toast } = await ask(payload)
    expect(message).toMatchObject({ text: 'what is this?', quoted, attachments: [] })
    expect(message?.unread).toBeUndefined()
    expect(toast).toContain(teamsWording.answeringHere)
    // The form shows what the question is about.
    expect(await formText(payload)).not.toContain(teamsWording.askForm.nothingToRead)
  })

  it('the picture in the message, named', async () => {
    const content =
      '<p>see <img src="https://graph.microsoft.com/v1.0/chats/c/messages/1/hostedContents/1/$value" alt="screen"></p>'
    const { message } = await ask({ body: html(content) })
    expect(message?.attachments).toMatchObject([
      { name: 'screen.png', mediaType: 'image/png', locator: { kind: 'graph' }, voiceNote: false },
    ])
  })

  it('the file in the message, and one that only Graph has', async () => {
    const reference = {
      id: 'x',
      contentType: 'reference',
      contentUrl: 'https://contoso.sharepoint.com/a/plan.docx',
      name: 'plan.docx',
    }
    const { message } = await ask({ body: html('<attachment id="x"></attachment>'), attachments: [reference] })
    expect(message?.attachments).toMatchObject([{ name: 'plan.docx', locator: { kind: 'share' } }])
    rig.teams.graphMessages.set('/replies/17', { attachments: [reference] })
    const later = await ask({ body: html('<attachment id="x"></attachment>') })
    expect(later.message?.attachments).toMatchObject([{ name: 'plan.docx', locator: { kind: 'share' } }])
  })

  it('a card that only Graph has', async () => {
    rig.teams.graphMessages.set('/replies/17', {
      attachments: [{ id: 'x', contentType: 'application/vnd.microsoft.card.hero', content: '{"title":"Lunch"}' }],
    })
    const { message } = await ask({ body: html('<attachment id="x"></attachment>') })
    expect(message).toMatchObject({ quoted: 'Bob: Lunch', attachments: [] })
  })

  it('code that was posted as a snippet, as a file', async () => {
    const url = 'https://graph.microsoft.com/v1.0/chats/c/messages/1/hostedContents/1/$value'
    const { message } = await ask(
      placed('s', 'application/vnd.microsoft.card.codesnippet', { language: 'Go', codeSnippetUrl: url }),
    )
    expect(message?.attachments).toMatchObject([
      { name: 'snippet (Go).txt', mediaType: 'text/plain', locator: { kind: 'graph', url } },
    ])
  })
})

describe('a message in which nothing can be read', () => {
  const nothing: [what: string, payload: Payload][] = [
    [
      'of a Loop component',
      placed('l', 'application/vnd.microsoft.card.fluidEmbedCard', { componentUrl: 'https://x.org' }),
    ],
    ['of an empty card', placed('c', 'application/vnd.microsoft.card.adaptive', { type: 'AdaptiveCard', body: [] })],
    ['without anything', { body: html('<p></p>') }],
  ]
  it.for(nothing)('%s: the form, the answer and the receipt say so', async ([, payload]) => {
    expect(await formText(payload)).toContain(teamsWording.askForm.nothingToRead)
    const { message, toast } = await ask(payload)
    expect(message?.quoted).toBeUndefined()
    expect(message?.unread).toContain(teamsWording.unread.message)
    expect(toast).toContain(teamsWording.unread.message)
  })
})
