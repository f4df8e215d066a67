/** What Parley reads when it is called into a thread of a channel, or asked about a chat: through the real ingress and Graph's stand-in. */
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Attachment } from '../../src/core/message.ts'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import type { Concern, Intake, KnownTalk } from '../../src/core/platform.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { bot } from '../../test/servers/teams.ts'
import type { Saying } from '../../test/servers/teams-graph.ts'
import { alice, groupChat, type Place, thread } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'

const root = 1767000000000
const place = thread(String(root))
const group: Place = { conversation: groupChat }

let rig: TeamsRig
let inbox: ReturnType<typeof recorder>

async function open(own: Partial<Intake> = {}): Promise<void> {
  rig = await openTeamsRig(memoryRecords(), 'personal')
  inbox = recorder()
  await rig.open({ ...inbox.intake, ...own })
}
beforeEach(() => open())
afterEach(() => rig.close())

/** The first is the root; each comes a second after the one before. */
const say = ({ conversation }: Place, ...sayings: Saying[]) =>
  sayings.map((saying, n) => rig.teams.said.say(conversation, { id: String(root + n * 1000), ...saying }))
const ask = (text: string, where = place, more: Parameters<TeamsRig['people']['say']>[2] = {}) =>
  rig.people.say(where, text, { id: '1767009000000', ...more })
const file = (name: string) => {
  const shared = rig.people.addFile(name, Buffer.from(`Content of ${name}`))
  const contentUrl = `https://contoso.sharepoint.com/sites/team/${shared.id}/${name}`
  return { id: name, contentType: 'reference', contentUrl, name }
}
const answering = (known?: KnownTalk) => async (): Promise<Concern> => ({ answers: true, known })

describe('called into a thread that others began', () => {
  it('Parley reads its first message and its replies, by name', async () => {
    say(
      place,
      { from: 'Bob', html: '<p>The supplier wants <b>410</b> per unit</p>', more: { subject: 'Offer' } },
      { from: 'Olga', html: '<p><at id="0">Bob</at> last year it was 380</p>' },
      {
        from: { application: { id: 'x', displayName: 'Jira' } },
        html: '<attachment id="c"></attachment>',
        more: {
          attachments: [
            {
              id: 'c',
              contentType: 'application/vnd.microsoft.card.thumbnail',
              content: '{"title":"BUY-7","text":"Open"}',
            },
          ],
        },
      },
      { from: 'Bob', more: { body: { contentType: 'text', content: 'a < b' } } },
    )
    await ask('is that a fair price?')
    expect(inbox.received).toMatchObject([
      {
        text: 'is that a fair price?',
        quoted:
          'Bob: **Offer**\n\nThe supplier wants **410** per unit\n\nOlga: @Bob last year it was 380\n\nJira: BUY-7\nOpen\n\nBob: a < b',
      },
    ])
    expect(inbox.received[0]?.unread).toBeUndefined()
    expect(rig.teams.said.asked).toHaveLength(2)
  })

  it('what was deleted, what Teams says itself, what Parley said and the question itself are left out', async () => {
    say(
      place,
      { html: 'first' },
      { html: '', more: { deletedDateTime: '2026-01-01T00:00:00Z' } },
      { html: '<systemEventMessage/>', more: { messageType: 'systemEventMessage' }, from: {} },
      { from: { application: { id: bot.appId, displayName: 'Parley' } }, html: 'An answer' },
      { id: '1767009000000', from: 'Alice', html: 'is that so?' },
    )
    await ask('is that so?')
    expect(inbox.received[0]?.quoted).toBe('Bob: first')
  })

  it('a long thread is read to its end, with its first message; what is left out is counted', async () => {
    const long = Array.from({ length: 180 }, (_, n) => ({ html: `<p>message ${n} ${'x'.repeat(300)}</p>` }))
    say(place, ...long)
    await ask('what is the conclusion?')
    const quoted = inbox.received[0]?.quoted ?? ''
    expect(quoted).toMatch(/^Bob: message 0 /)
    expect(quoted).toMatch(/Bob: message 179 x+$/)
    const told = quoted.split('\n\n').filter((line) => line.startsWith('Bob: '))
    expect(inbox.received[0]?.unread).toEqual([teamsWording.unread.leftOut(180 - told.length)])
    // The first message, and 179 replies in pages of 50.
    expect(rig.teams.said.asked).toHaveLength(5)
  })

  it('of an endless thread, the newest messages are read, and the receipt says so', async () => {
    say(place, ...Array.from({ length: 300 }, (_, n) => ({ html: `m${n}` })))
    await ask('what is the conclusion?')
    expect(inbox.received[0]?.quoted).toMatch(/^Bob: m0\n\n.*Bob: m299$/s)
    expect(inbox.received[0]?.unread).toEqual([teamsWording.unread.tooLong])
    expect(rig.teams.said.asked).toHaveLength(5)
  })

  it('files, pictures and code in it are read, the newest first', async () => {
    say(
      place,
      { html: '<attachment id="plan.txt"></attachment>', more: { attachments: [file('plan.txt')] } },
      {
        html: `<img src="https://graph.microsoft.com/v1.0/teams/g/channels/c/messages/1/hostedContents/2/$value" alt="screen">`,
      },
      { html: '<attachment id="new.txt"></attachment>see', more: { attachments: [file('new.txt')] } },
    )
    const own = rig.people.addFile('own.txt', Buffer.from('own'))
    await ask('compare', place, { files: [own] })
    const [message] = inbox.received
    expect(message?.attachments.map(({ name }) => name)).toEqual(['own.txt', 'new.txt', 'screen.png', 'plan.txt'])
    expect(new Set(message?.attachments.map(({ id }) => id)).size).toBe(4)
    expect(message?.quoted).toContain('Bob: see\n\n[new.txt]')
    const plan = Attachment.parse(JSON.parse(JSON.stringify(message?.attachments[3])))
    const { signal } = new AbortController()
    expect(String(await buffer(await rig.platform.files.fetch(plan, { signal })))).toBe('Content of plan.txt')
  })

  it('of more than 20 files, the newest are read', async () => {
    say(place, ...Array.from({ length: 25 }, (_, n) => ({ html: 'f', more: { attachments: [file(`${n}.txt`)] } })))
    await ask('compare')
    expect(inbox.received[0]?.attachments.map(({ name }) => name)).toEqual(
      Array.from({ length: 20 }, (_, n) => `${24 - n}.txt`),
    )
  })

  it('a new post has nothing before it', async () => {
    await ask('hello', place, { id: String(root) })
    expect(inbox.received[0]?.quoted).toBeUndefined()
    expect(rig.teams.said.asked).toEqual([])
  })
})

describe('called again', () => {
  const idOf = (n: number) => `${place.conversation}#${root + n * 1000}`
  const talk = () => say(place, ...Array.from({ length: 60 }, (_, n) => ({ html: `m${n}` })))

  it('Parley reads only what was said since it was called last, without the follow-ups that it knows', async () => {
    await rig.close()
    const upTo = { messageId: idOf(50), sentAt: new Date(root + 50_000).toISOString() }
    await open({ concerns: answering({ upTo, taken: [idOf(57), idOf(53), idOf(50)] }) })
    talk()
    await ask('and now?')
    const fresh = [51, 52, 54, 55, 56, 58, 59]
    expect(inbox.received[0]).toMatchObject({
      quoted: fresh.map((n) => `Bob: m${n}`).join('\n\n'),
      upToDate: true,
    })
    expect(rig.teams.said.asked).toHaveLength(1)
  })

  it('Parley reads the thread from its beginning where it only answered follow-ups so far', async () => {
    await rig.close()
    await open({ concerns: answering({ taken: [idOf(3)] }) })
    talk()
    await ask('and now?')
    expect(inbox.received[0]?.quoted).toMatch(/^Bob: m0\n\nBob: m1\n\nBob: m2\n\nBob: m4\n/)
  })

  it('Parley does not stop at an old message that somebody reacted to today', async () => {
    await rig.close()
    await open({ concerns: answering({ upTo: { messageId: idOf(5), sentAt: '' }, taken: [] }) })
    const [, old] = say(place, ...Array.from({ length: 120 }, (_, n) => ({ html: `m${n}` })))
    if (old !== undefined) old.lastModifiedDateTime = new Date(root + 9e6).toISOString()
    await ask('and now?')
    expect(inbox.received[0]?.quoted).toMatch(/^Bob: m6\n\nBob: m7\n/)
    expect(inbox.received[0]?.quoted?.match(/Bob: m\d+/g)).toHaveLength(114)
  })

  it('a follow-up about the discussion reads it, too', async () => {
    say(place, { html: 'We meet on Monday' })
    await ask('so what did we decide?', place, { quiet: true })
    expect(inbox.received).toMatchObject([{ kind: 'thread', quoted: 'Bob: We meet on Monday', upToDate: true }])
  })

  it('a follow-up without a mention reads nothing', async () => {
    say(place, { html: 'first' })
    await ask('and in winter?', place, { quiet: true })
    expect(inbox.received).toMatchObject([{ text: 'and in winter?', kind: 'thread' }])
    expect(inbox.received[0]?.upToDate).toBeUndefined()
    expect(rig.teams.said.asked).toEqual([])
  })
})

describe('in a group chat', () => {
  it('what was said is read only if the question is about it', async () => {
    say(group, { html: 'we could meet on Monday' }, { from: 'Olga', html: 'or on Friday' })
    await ask('What is the capital of Latvia?', group)
    await ask('Summarise the discussion above', group, { id: '1767009000001' })
    expect(inbox.received.map(({ quoted }) => quoted)).toEqual([
      undefined,
      'Bob: we could meet on Monday\n\nOlga: or on Friday',
    ])
    // The members, to see what the asker may read, and the messages.
    expect(rig.teams.said.asked).toHaveLength(2)
  })

  const ids = (count: number) => Array.from({ length: count }, (_, n) => `bbbbbbbb-0000-4000-8000-${n + 1e11}`)
  const all = '0001-01-01T00:00:00Z'
  /** Alice is the last of 46 members, who are listed in three pages. */
  const addAlice = (since: string) =>
    rig.teams.said.members.set(
      groupChat,
      new Map([...ids(45).map((id) => [id, all] as const), [alice.aadObjectId, since]]),
    )

  it('who was added without its history is not shown that, nor its files', async () => {
    addAlice(new Date(root + 2000).toISOString())
    say(
      group,
      { html: 'her salary is 9,000', more: { attachments: [file('salaries.txt')] } },
      { html: 'do not tell Alice' },
      { html: 'hello Alice' },
      { html: 'lunch?' },
    )
    await ask('Summarise the discussion above', group)
    const [message] = inbox.received
    expect(message?.quoted).toBe('Bob: hello Alice\n\nBob: lunch?')
    expect(message?.attachments).toEqual([])
    expect(message?.unread).toBeUndefined()
  })

  it('who was added with all of it is shown all of it', async () => {
    addAlice(all)
    say(group, { html: 'first' }, { html: 'second' })
    await ask('Summarise the discussion above', group)
    expect(inbox.received[0]?.quoted).toBe('Bob: first\n\nBob: second')
  })

  it.each([
    ['is no member', () => new Map([[ids(1)[0] ?? '', all]])],
    ['is a member without that date in Graph', () => new Map([[alice.aadObjectId, '']])],
  ])('nothing is read for somebody who %s, and the receipt says so', async (_, members) => {
    rig.teams.said.members.set(groupChat, members())
    say(group, { html: 'secret' })
    await ask('Summarise the discussion above', group)
    expect(inbox.received).toMatchObject([{ unread: [teamsWording.unread.notMember] }])
    expect(inbox.received[0]?.quoted).toBeUndefined()
  })

  it('without permission to see its members nothing is read, and the receipt names it', async () => {
    rig.teams.consent.members = false
    say(group, { html: 'secret' })
    await ask('Summarise the discussion above', group)
    expect(inbox.received).toMatchObject([{ unread: [teamsWording.unread.notAllowed('ChatMember.Read.Chat')] }])
    expect(inbox.received[0]?.quoted).toBeUndefined()
  })

  it('without permission the receipt says which one is missing', async () => {
    rig.teams.consent.messages = false
    await ask('Summarise the discussion above', group)
    expect(inbox.received).toMatchObject([{ unread: [teamsWording.unread.notAllowed('ChatMessage.Read.Chat')] }])
  })
})

it('in a channel, a new post about the discussion reads the last posts', async () => {
  rig.teams.said.say(thread('1766000000000').conversation, { id: '1766000000000', html: 'The server is slow' })
  rig.teams.said.say(thread('1766000001000').conversation, {
    id: '1766000001000',
    from: 'Olga',
    html: 'It is the disk',
  })
  await ask('what did I miss?', place, { id: String(root) })
  expect(inbox.received[0]?.quoted).toBe('Bob: The server is slow\n\nOlga: It is the disk')
})

describe('a thread that cannot be read', () => {
  it('is named in the receipt, with the permission, and the question is answered', async () => {
    rig.teams.consent.messages = false
    await ask('is that a fair price?')
    expect(inbox.received).toMatchObject([
      { text: 'is that a fair price?', unread: [teamsWording.unread.notAllowed('ChannelMessage.Read.Group')] },
    ])
  })

  it('because Graph fails is told as such', async () => {
    rig.teams.away.graph = true
    await ask('is that a fair price?')
    expect(inbox.received).toMatchObject([{ unread: [teamsWording.unread.notNow] }])
  })
})
