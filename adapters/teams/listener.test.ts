/** Teams' activities through the real ingress with signed tokens: recorded ones, files, forms, people, edits. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Attachment } from '../../src/core/message.ts'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import type { Intake, Received } from '../../src/core/platform.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { bot } from '../../test/servers/teams.ts'
import { alice, groupChat, personalChat, thread } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'
import { actionsOf, until } from '../../test/servers/teams-state.ts'
import { Activity } from './activity.ts'
import { createHosts } from './hosts.ts'
import { graphPermissions } from './settings.ts'

const chat = { conversation: personalChat }
const signal = new AbortController().signal
const fixtures = new URL('../../../shared/fixtures/teams', import.meta.url).pathname
const missing = existsSync(fixtures) ? undefined : 'no recorded payloads in ../shared/fixtures/teams'

let rig: TeamsRig
let inbox: ReturnType<typeof recorder>

async function open(more: Parameters<typeof openTeamsRig>[2] = {}, own: Partial<Intake> = {}): Promise<void> {
  rig = await openTeamsRig(memoryRecords(), 'personal', more)
  inbox = recorder()
  await rig.open({ ...inbox.intake, ...own })
}
beforeEach(() => open())
afterEach(() => rig.close())

const attachment = (at = 0) => Attachment.parse(JSON.parse(JSON.stringify(inbox.received.at(-1)?.attachments[at])))
const fetched = async (at = 0) => await buffer(await rig.platform.files.fetch(attachment(at), { signal }))

describe(`recorded activities${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const recorded = missing
    ? []
    : readdirSync(fixtures).flatMap((file) =>
        Object.entries(JSON.parse(readFileSync(join(fixtures, file), 'utf8'))).flatMap(([name, value]) =>
          Activity.safeParse(value).success ? [[`${file}#${name}`, value as Record<string, unknown>] as const] : [],
        ),
      )

  it('exist', ({ skip }) => {
    skip(missing !== undefined, missing)
    expect(recorded.length).toBeGreaterThanOrEqual(5)
  })

  it.for(recorded)('%s comes in through the door, in its own thread', async ([, activity]) => {
    await rig.close()
    await open({ tenants: [] })
    const recipient = { id: '28:11111111-2222-3333-4444-555555555555', name: 'Chat SDK Demo' }
    const { status } = await rig.teams.deliver({ ...activity, recipient, serviceUrl: rig.teams.serviceUrl })
    expect(status).toBe(200)
    const [message] = inbox.received
    const { id } = activity.conversation as { id: string }
    const [channelId, threadId] = id.split(';messageid=')
    expect(message?.conversation).toEqual({
      platform: 'teams',
      workspaceId: 'a1b2c3d4-e5f6-7890-abcd-ef1234567890',
      channelId,
      threadId,
    })
    expect(message).toMatchObject({
      id: `${id}#${activity.id}`,
      author: { id: '00000000-1111-2222-3333-444444444444' },
    })
    expect(message?.text).toBe(String(activity.text).replace('<at>Chat SDK Demo</at>', '').trim())
  })
})

describe('a file', () => {
  it('in a personal chat is downloaded before the acknowledgement, and its server gets no token', async () => {
    const file = rig.people.addFile('a.txt', Buffer.from('Hello'), { downloads: 1 })
    await rig.people.say(chat, 'Read', { files: [file] })
    expect(attachment().locator).toMatchObject({ kind: 'blob' })
    expect(JSON.stringify(inbox.received)).not.toContain('tempauth')
    expect((await fetched()).toString()).toBe('Hello')
    expect(rig.teams.seen.tokensAtFiles).toBe(0)
  })

  it('that takes longer is acknowledged in time, and the worker waits for it', async () => {
    await rig.close()
    await open({ ackMs: 50 })
    const { promise: after, resolve: arrive } = Promise.withResolvers<void>()
    const file = rig.people.addFile('slow.txt', Buffer.from('At last'), { after })
    await rig.people.say(chat, 'Read', { files: [file] })
    expect(attachment().locator).toMatchObject({ kind: 'coming' })
    arrive()
    expect((await fetched()).toString()).toBe('At last')
  })

  it('whose link expired comes from Graph; without consent it must be shared again', async () => {
    const file = rig.people.addFile('late.txt', Buffer.from('By Graph'), { downloads: 0 })
    await rig.people.say(chat, 'Read', { files: [file] })
    expect(attachment().locator).toMatchObject({ kind: 'expired' })
    delete file.downloads
    expect((await fetched()).toString()).toBe('By Graph')
    rig.teams.consent.files = false
    await expect(rig.platform.files.fetch(attachment(), { signal })).rejects.toMatchObject({
      code: 'file_missing',
      userMessage: teamsWording.files.expired('late.txt'),
    })
    expect(rig.teams.seen.tokensAtFiles).toBe(0)
  })

  it('over the limit is not stored', async () => {
    const file = rig.people.addFile('big.bin', Buffer.alloc(1_000_001))
    await rig.people.say(chat, 'Read', { files: [file] })
    await expect(rig.platform.files.fetch(attachment(), { signal })).rejects.toMatchObject({ code: 'file_too_large' })
  })

  it('on an unknown host is not downloaded, not even after a redirect', async () => {
    const message = rig.people.message(chat, 'Read')
    const urls = ['http://169.254.169.254/latest/meta-data', 'https://evil.example.com/a.txt', `http://127.0.0.1:1/x`]
    for (const downloadUrl of urls) {
      const contentType = 'application/vnd.microsoft.teams.file.download.info'
      const sent = { contentType, name: 'a.txt', content: { downloadUrl } }
      await rig.teams.deliver({ ...message, id: rig.teams.state.nextId(), attachments: [sent] })
      await expect(rig.platform.files.fetch(attachment(), { signal })).rejects.toMatchObject({ code: 'file_missing' })
    }
  })

  it('that is an image in the message is downloaded with the bot’s token', async () => {
    const file = rig.people.addFile('p.png', Buffer.from('png'))
    const contentUrl = `${rig.teams.serviceUrl}/v3/attachments/${file.id}/views/original`
    await rig.teams.deliver({
      ...rig.people.message(chat, 'See'),
      attachments: [{ contentType: 'image/png', contentUrl }],
    })
    expect((await fetched()).toString()).toBe('png')
  })

  it('in a channel comes from SharePoint; without consent the error names an admin’s next step', async () => {
    const place = thread('1767000000001')
    const file = rig.people.addFile('c.txt', Buffer.from('Of the channel'))
    const contentUrl = `https://contoso.sharepoint.com/sites/team/${file.id}/c.txt`
    rig.teams.graphMessages.set('messages/1767000000001/replies/1767000000002', {
      attachments: [{ id: 'x', contentType: 'reference', contentUrl, name: 'c.txt' }],
    })
    const message = { ...rig.people.message(place, 'Read', { id: '1767000000002' }) }
    const html = { contentType: 'text/html', content: '<p>Read</p><attachment id="x"></attachment>' }
    await rig.teams.deliver({ ...message, attachments: [html] })
    expect(attachment()).toMatchObject({ name: 'c.txt', locator: { kind: 'share' } })
    expect((await fetched()).toString()).toBe('Of the channel')
    rig.teams.consent.files = false
    await expect(rig.platform.files.fetch(attachment(), { signal })).rejects.toMatchObject({
      code: 'file_missing',
      userMessage: teamsWording.files.noConsent('c.txt', Object.keys(graphPermissions).join(', ')),
    })
  })

  it('whose message could not be looked up in time is looked up by the worker later', async () => {
    const place = thread('1767000000001')
    const file = rig.people.addFile('d.txt', Buffer.from('Found'))
    rig.teams.consent.messages = false
    const html = { contentType: 'text/html', content: '<attachment id="x"></attachment>' }
    await rig.teams.deliver({ ...rig.people.message(place, 'Read', { id: '1767000000003' }), attachments: [html] })
    expect(attachment().locator).toMatchObject({ kind: 'placed' })
    await expect(rig.platform.files.fetch(attachment(), { signal })).rejects.toMatchObject({ code: 'file_missing' })
    rig.teams.consent.messages = true
    const contentUrl = `https://contoso.sharepoint.com/sites/team/${file.id}/d.txt`
    rig.teams.graphMessages.set('replies/1767000000003', {
      attachments: [{ id: 'x', contentType: 'reference', contentUrl }],
    })
    expect((await fetched()).toString()).toBe('Found')
  })
})

describe('"Ask Parley about this message"', () => {
  const payload = {
    id: '17',
    body: { contentType: 'html', content: '<p>The valve <b>leaks</b>.</p>' },
    from: { user: { displayName: 'Bob' } },
  }

  it('opens a form, and its question arrives with the message quoted', async () => {
    const place = { conversation: groupChat }
    const value = { commandId: 'askParley', commandContext: 'message', messagePayload: payload }
    const form = await rig.people.invoke(place, 'composeExtension/fetchTask', value)
    expect(form).toMatchObject({
      status: 200,
      body: { task: { type: 'continue', value: { title: chatWording.ask.title } } },
    })
    expect(JSON.stringify(form.body)).toContain('The valve **leaks**.')
    const sent = await rig.people.invoke(place, 'composeExtension/submitAction', {
      ...value,
      data: { question: 'Since when?' },
    })
    expect(sent).toMatchObject({
      status: 200,
      body: { task: { type: 'message', value: teamsWording.answeringHere } },
    })
    expect(inbox.received).toMatchObject([
      { text: 'Since when?', quoted: 'Bob: The valve **leaks**.', conversation: { channelId: groupChat } },
    ])
  })

  it('without a question is rejected', async () => {
    const value = { commandId: 'askParley', messagePayload: payload, data: { question: ' ' } }
    expect((await rig.people.invoke(chat, 'composeExtension/submitAction', value)).status).toBe(400)
  })

  it('is not acknowledged if it cannot be stored', async () => {
    inbox.state.failing = true
    const value = { commandId: 'askParley', messagePayload: payload, data: { question: 'Why?' } }
    expect((await rig.people.invoke(chat, 'composeExtension/submitAction', value)).status).toBe(503)
  })
})

describe('the author of a message', () => {
  const people = [
    ['a member', {}, 'member'],
    ['a guest', { userRole: 'guest' }, 'guest'],
    ['a guest by name', { userPrincipalName: 'sam_other.org#EXT#@contoso.onmicrosoft.com' }, 'guest'],
    ['from another organization', { tenantId: 'b1b2c3d4-e5f6-4890-abcd-ef1234567890' }, 'stranger'],
    ['anonymous', { userRole: 'anonymous' }, 'stranger'],
  ] as const
  it.for(people)('%s', async ([, about, membership]) => {
    rig.teams.people.set(alice.id, { ...alice, ...about })
    await rig.people.say(chat, 'Hello')
    expect(inbox.received[0]?.author).toEqual({ id: alice.aadObjectId, name: 'Alice', membership })
  })

  it('is looked up once for many messages, and a failed look-up delays nothing', async () => {
    rig.teams.people.clear()
    await rig.people.say(chat, 'Hello')
    expect(inbox.received[0]?.author).toEqual({ id: alice.aadObjectId, name: 'Alice' })
  })

  it('mentioned in a command becomes their author ID', async () => {
    const bob = { id: '29:1bob', name: 'Bob', aadObjectId: 'bbbbbbbb-0000-4000-8000-000000000002' }
    rig.teams.people.set(bob.id, bob)
    const message = rig.people.message(chat, '/parley roles grant manager <at>Bob</at>')
    const entities = [{ type: 'mention', mentioned: { id: bob.id, name: 'Bob' }, text: '<at>Bob</at>' }]
    await rig.teams.deliver({ ...message, entities })
    expect(inbox.commands).toMatchObject([{ text: `roles grant manager <@${bob.aadObjectId}>` }])
  })
})

describe('an edited message', () => {
  it('gets the offer of a new answer while the old one is written', async () => {
    await rig.close()
    await open({}, { revise: async () => ({ kind: 'started', turnId: 't-1' }) })
    await rig.write({ eventId: 'e', text: 'Whta?' })
    await rig.revise?.({ eventId: 'e', text: 'What?' })
    const offer = await until(
      () =>
        rig.teams.state.messages(personalChat).find(({ activity }) => activity.text === chatWording.questionChanged),
      'an offer',
    )
    expect(actionsOf(offer)).toEqual(['regenerate:t-1'])
  })
})

describe('an impossible action', () => {
  it('is shown to the person who pressed, and an old or foreign button does no harm', async () => {
    inbox.state.refusing = 'Only Ann, who asked, can stop this answer.'
    const refused = await rig.people.press(chat, '1', { kind: 'stop', turnId: 't-1' })
    expect(refused).toMatchObject({ status: 200, body: { value: 'Only Ann, who asked, can stop this answer.' } })
    for (const data of [{}, { parley: 'nonsense' }, { parley: 7 }, null]) {
      const answer = await rig.people.invoke(chat, 'adaptiveCard/action', { action: { type: 'Action.Execute', data } })
      expect(answer).toMatchObject({ status: 200, body: { value: chatWording.foreignButton } })
    }
    expect((await rig.people.invoke(chat, 'config/fetch', {})).status).toBe(501)
  })

  it('is explained without formatting, and with the names that it mentions', async () => {
    await rig.people.say(chat, 'Hello')
    rig.teams.people.clear()
    inbox.state.refusing = `**No.** Ask <@${alice.aadObjectId}> about \`plan_v2_final.pdf\`.`
    const refused = await rig.people.press(chat, '1', { kind: 'stop', turnId: 't-1' })
    expect(refused).toMatchObject({ body: { value: 'No. Ask Alice about plan_v2_final.pdf.' } })
  })

  it('thumbs on a message that is not an answer of Parley are ignored', async () => {
    const value = { actionName: 'feedback', actionValue: { reaction: 'like', feedback: '{}' } }
    expect((await rig.people.invoke(chat, 'message/submitAction', value, { replyToId: 'none' })).status).toBe(200)
    expect(inbox.acted).toEqual([])
  })

  it('ends before the listener stops: accepted activities are answered', async () => {
    const receive = inbox.intake.receive
    const [begun, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    inbox.intake.receive = async (message): Promise<Received> => {
      begun.resolve()
      await late.promise
      return await receive(message)
    }
    const again = await openTeamsRig(memoryRecords(), 'personal')
    await again.open(inbox.intake)
    const answered = again.people.say(chat, 'Hello')
    await begun.promise
    const closed = again.close()
    late.resolve()
    expect((await answered).status).toBe(200)
    await closed
  })
})

it('accepts only the full names of Microsoft’s hosts', () => {
  const hosts = createHosts({
    tenants: [],
    unchecked: false,
    fileHosts: ['files.example.com'],
    streamMs: 1,
    clientId: bot.appId,
  })
  const files = [
    'https://contoso.sharepoint.com/a',
    'https://eu-api.svc.ms/x',
    'https://contoso-my.sharepoint.us/a',
    'https://files.example.com/a',
    'https://graph.microsoft.com/v1.0/x',
  ]
  for (const url of files) expect([url, hosts.isFile(url)]).toEqual([url, true])
  const others = [
    'http://contoso.sharepoint.com/a',
    'https://sharepoint.com.evil.org/a',
    'https://evil.org/sharepoint.com',
    'https://user@contoso.sharepoint.com/a',
    'https://contoso.sharepoint.com:8443/a',
    'https://evil.trafficmanager.net/a',
    'https://localhost/a',
    'https://2130706433/',
    'ftp://contoso.sharepoint.com/a',
  ]
  for (const url of others) expect([url, hosts.isFile(url)]).toEqual([url, false])
})
