/** Links to messages in a question: which are opened, and who may read them. Through the real ingress and Graph's stand-in. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { tenant } from '../../test/servers/teams.ts'
import { alice, channel, groupChat, type Place, personalChat, thread } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'
import { linksIn } from './links.ts'

const { links: wording } = teamsWording.unread
const root = 1767000000000
const other = '19:incidents0000000000000000000000@thread.tacv2'
const otherChat = '19:lunch00000000000000000000000000@thread.v2'
const bob = 'bbbbbbbb-0000-4000-8000-000000000002'
const whole = '0001-01-01T00:00:00Z'
const personal: Place = { conversation: personalChat }
const group: Place = { conversation: groupChat }
const question = thread(String(root + 500_000))

let rig: TeamsRig
let inbox: ReturnType<typeof recorder>
beforeEach(async () => {
  rig = await openTeamsRig(memoryRecords(), 'personal')
  inbox = recorder()
  await rig.open(inbox.intake)
  Object.assign(rig.teams.consent, { messages: true, members: true })
})
afterEach(() => rig.close())

const channelLink = (id: string, message: string, more = '') =>
  `https://teams.microsoft.com/l/message/${encodeURIComponent(id)}/${message}?tenantId=${tenant}&groupId=group-1${more}`
const chatLink = (id: string, message: string) =>
  `https://teams.microsoft.com/l/message/${id}/${message}?context=${encodeURIComponent('{"contextType":"chat"}')}`
const say = (conversation: string, html: string, n = 0) =>
  rig.teams.said.say(conversation, { id: String(root + n), html }).id
const membersOf = (place: string, ...ids: string[]) =>
  rig.teams.said.members.set(place, new Map(ids.map((id) => [id, whole])))

async function ask(text: string, where = personal) {
  await rig.people.say(where, text, { id: String(root + 600_000) })
  const { quoted, unread, attachments } = inbox.received.at(-1) ?? {}
  return { quoted, unread, files: attachments?.map(({ name }) => name) }
}

describe('a link', () => {
  const of = (url: string) => linksIn(`see ${url} please`)
  it.each([
    ['a post', channelLink(channel, '1767000000000'), { id: channel, group: 'group-1', root: '1767000000000' }],
    [
      'a reply',
      channelLink(channel, '1767000000009', '&parentMessageId=1767000000000&createdTime=1767000000009'),
      { id: channel, message: '1767000000009', root: '1767000000000' },
    ],
    ['a message of a chat', chatLink(groupChat, '1767000000000'), { id: groupChat }],
    ['of the newer address', `https://teams.cloud.microsoft/l/message/${groupChat}/1767000000000`, { id: groupChat }],
    ['of a government cloud', `https://gov.teams.microsoft.us/l/message/${groupChat}/1767000000000`, { id: groupChat }],
    [
      'in HTML',
      `<a href="${channelLink(channel, '1767000000000').replaceAll('&', '&amp;')}">x</a>`,
      { group: 'group-1' },
    ],
  ])('to %s is read', (_, url, found) => expect(of(url)).toMatchObject([found]))

  it.each([
    'https://teams.microsoft.com.evil.example/l/message/19:x@thread.v2/1767000000000',
    'https://evil.example/?u=https:/teams.microsoft.com/l/message/19:x/1767000000000',
    'https://teams.microsoft.com/l/message/19:x@thread.v2/../../secret',
    'http://teams.microsoft.com/l/message/19:x@thread.v2/1767000000000',
    'https://teams.microsoft.com/l/channel/19:x@thread.tacv2/General',
  ])('that is none is not: %s', (url) => expect(of(url)).toEqual([]))

  it('counts once, and cannot name another path of Graph', () => {
    const url = channelLink('19:a/../../users@thread.tacv2', '1767000000000', '&parentMessageId=..%2F..')
    expect(linksIn(`${url} ${url}`)).toMatchObject([{ id: '19:a/../../users@thread.tacv2', root: '1767000000000' }])
  })
})

describe('in a personal chat', () => {
  it('a post comes with its thread and its files, a reply alone', async () => {
    const post = say(`${other};messageid=${root}`, 'The disk is full')
    const reply = say(`${other};messageid=${root}`, 'I am on it', 1000)
    membersOf(other, alice.aadObjectId)
    expect((await ask(`What is ${channelLink(other, post)}?`)).quoted).toBe(
      wording.linked(channelLink(other, post), 'Bob: The disk is full\n\nBob: I am on it'),
    )
    const link = channelLink(other, reply, `&parentMessageId=${post}`)
    expect((await ask(`What is ${link}?`)).quoted).toBe(wording.linked(link, 'Bob: I am on it'))
  })

  it('a message of a chat is opened if the asker is in the chat and sees it', async () => {
    const id = say(otherChat, 'Pizza at noon')
    const url = chatLink(otherChat, id)
    membersOf(otherChat, alice.aadObjectId, bob)
    expect((await ask(url)).quoted).toBe(wording.linked(url, 'Bob: Pizza at noon'))
    rig.teams.said.members.set(otherChat, new Map([[alice.aadObjectId, new Date(root + 1000).toISOString()]]))
    expect(await ask(url)).toMatchObject({ quoted: undefined, unread: [wording.notYours(url)] })
    membersOf(otherChat, bob)
    expect(await ask(url)).toMatchObject({ quoted: undefined, unread: [wording.notYours(url)] })
  })

  it('a channel stays closed for those who are not in it', async () => {
    const url = channelLink(other, say(`${other};messageid=${root}`, 'The merger is off'))
    membersOf(other, bob)
    expect(await ask(url)).toMatchObject({ quoted: undefined, unread: [wording.notYours(url)] })
  })

  it.each([
    ['of another organization', (url: string) => url.replace(tenant, 'another-tenant'), wording.foreign],
    ['to a message that is gone', (url: string) => url.replace(/\d{13}\?/, '1767000000009?'), undefined],
    ['into a team without Parley', (url: string) => url.replace('group-1', 'group-2'), wording.notAllowed],
  ])('a link %s is told', async (_, change, sentence) => {
    membersOf(other, alice.aadObjectId)
    const url = change(channelLink(other, say(`${other};messageid=${root}`, 'The disk is full')))
    const { unread = [] } = await ask(url)
    expect(unread).toEqual([sentence?.(url, 'ChannelMember.Read.Group') ?? wording.notFound(url)])
  })

  it('a permission that is missing is named', async () => {
    const url = channelLink(other, say(`${other};messageid=${root}`, 'The disk is full'))
    rig.teams.consent.members = false
    expect((await ask(url)).unread).toEqual([wording.notAllowed(url, 'ChannelMember.Read.Group')])
    Object.assign(rig.teams.consent, { members: true, messages: false })
    expect((await ask(url)).unread).toEqual([wording.notAllowed(url, 'ChannelMessage.Read.Group')])
  })

  it('of more than three links, three are opened', async () => {
    membersOf(otherChat, alice.aadObjectId)
    const urls = [1, 2, 3, 4].map((n) => chatLink(otherChat, say(otherChat, `Thought ${n}`, n)))
    const { quoted, unread } = await ask(urls.join(' '))
    expect(quoted).toContain('Thought 3')
    expect(quoted).not.toContain('Thought 4')
    expect(unread).toEqual([wording.tooMany(3)])
  })
})

describe('where others read the answer', () => {
  const incident = () => channelLink(other, say(`${other};messageid=${root}`, 'The disk is full'))

  it.each([
    ['a channel', question, channel],
    ['a group chat', group, groupChat],
  ])('%s, a link is opened only if all of them may read it', async (_, where, room) => {
    const url = incident()
    membersOf(other, alice.aadObjectId, bob)
    membersOf(room, alice.aadObjectId, bob)
    expect((await ask(url, where)).quoted).toContain('The disk is full')
    membersOf(room, alice.aadObjectId, bob, 'cccccccc-0000-4000-8000-000000000003')
    expect(await ask(url, where)).toMatchObject({ quoted: undefined, unread: [wording.notForAll(url)] })
  })

  it('a link stays closed in a channel with more members than Graph may list', async () => {
    const url = incident()
    const crowd = Array.from({ length: 1000 }, (_, n) => `eeeeeeee-0000-4000-8000-${n + 1e11}`)
    membersOf(other, alice.aadObjectId, ...crowd)
    membersOf(channel, alice.aadObjectId, ...crowd)
    expect(await ask(url, question)).toMatchObject({ quoted: undefined, unread: [wording.notForAll(url)] })
  })

  it('a link into the same channel needs no look at its members', async () => {
    const url = channelLink(channel, say(`${channel};messageid=${root}`, 'The disk is full'))
    expect((await ask(url, question)).quoted).toContain('The disk is full')
    expect(rig.teams.said.asked.filter((path) => /members$/i.test(path))).toEqual([])
  })

  it('a follow-up without a mention opens its links, too, and its own thread is no link', async () => {
    const url = channelLink(channel, say(`${channel};messageid=${root}`, 'The disk is full'))
    const own = channelLink(channel, String(root + 500_000))
    await rig.people.say(question, `and ${url} or ${own}?`, { id: String(root + 700_000), quiet: true })
    expect(inbox.received.at(-1)).toMatchObject({
      kind: 'thread',
      quoted: wording.linked(url, 'Bob: The disk is full'),
    })
  })
})
