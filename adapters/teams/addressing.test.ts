/** Which messages of Teams are for Parley, and what greets people: through the real ingress. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recorder } from '../../src/core/platform.contract.rig.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { bot, type Person } from '../../test/servers/teams.ts'
import { alice, channel, groupChat, type Place, personalChat, thread } from '../../test/servers/teams-people.ts'
import { openTeamsRig, type TeamsRig } from '../../test/servers/teams-rig.ts'
import { until } from '../../test/servers/teams-state.ts'
import { createPosts } from './post-keys.ts'

const chat: Place = { conversation: personalChat }
const group: Place = { conversation: groupChat }
const meeting: Place = { conversation: '19:meeting_MjAyNg@thread.v2' }
const inThread = thread('1767000000001')
const bob: Person = { id: '29:1bob', name: 'Bob', aadObjectId: 'bbbbbbbb-0000-4000-8000-000000000002' }

let rig: TeamsRig
let records: ReturnType<typeof memoryRecords>
let inbox: ReturnType<typeof recorder>

beforeEach(async () => {
  records = memoryRecords()
  rig = await openTeamsRig(records, 'personal')
  inbox = recorder()
  await rig.open(inbox.intake)
  rig.teams.people.set(bob.id, bob)
})
afterEach(() => rig.close())

const texts = () => inbox.received.map(({ text }) => text)
const html = (content: string) => [{ contentType: 'text/html', content }]
const mentionOf = (id: string, name: string, more: object = {}) => ({
  type: 'mention',
  mentioned: { id, name, ...more },
  text: `<at>${name}</at>`,
})
const quiet = (place: Place, text: string, more: object = {}) =>
  rig.teams.deliver({ ...rig.people.message(place, text, { quiet: true }), ...more })
const shown = ({ conversation }: Place) => rig.teams.state.messages(conversation)
const said = (place: Place) => shown(place).map(({ activity }) => activity.text)

describe('in a group chat', () => {
  it.for([group, meeting])('Parley answers when mentioned, and leaves the talk of people alone (%o)', async (place) => {
    await rig.people.say(place, 'Summarise the plan')
    await quiet(place, 'Thanks. Bob, can you send me the invoice?')
    await rig.people.say(place, 'sure, give me five minutes', { quiet: true, from: bob })
    await quiet(place, 'lol')
    await quiet(place, 'And when does it end?')
    expect(texts()).toEqual(['Summarise the plan'])
  })

  it('a reply to an answer of Parley needs no mention, in both forms of Teams', async () => {
    const mine = { messageId: '17', senderId: bot.id, senderName: 'Parley', preview: 'It ends in May.' }
    await quiet(group, 'Why so late?', { entities: [{ type: 'quotedReply', quotedReply: mine }] })
    await createPosts(records).keepReply(groupChat, '18', 'f0000000-0000-4000-8000-000000000000')
    const blockquote =
      '<blockquote itemtype="http://schema.skype.com/Reply" itemid="18"><strong itemprop="mri">Parley</strong><p>In June.</p></blockquote>'
    await quiet(group, 'Sure?', { attachments: html(`${blockquote}<p>Are you sure?</p>`) })
    expect(inbox.received).toMatchObject([
      { text: 'Why so late?', quoted: 'Parley: It ends in May.', kind: 'mention' },
      { text: 'Are you sure?', quoted: 'Parley: In June.', kind: 'mention' },
    ])
  })

  it('thanks for an answer, and a reply to somebody else, get none', async () => {
    const mine = { messageId: '17', senderId: bot.id, preview: 'It ends in May.' }
    await quiet(group, 'Thanks!', { entities: [{ type: 'quotedReply', quotedReply: mine }] })
    const theirs = { messageId: '16', senderId: bob.id, preview: 'It begins in May.' }
    await quiet(group, 'Why so late?', { entities: [{ type: 'quotedReply', quotedReply: theirs }] })
    expect(texts()).toEqual([])
  })
})

describe('in a thread that Parley takes part in', () => {
  const meant: [to: string, name: string, mentioned: object][] = [
    ['a person', 'Bob', { id: bob.id }],
    ['a tag', 'Designers', { id: 'MjAyNg==', type: 'tag' }],
    ['the channel', 'General', { id: channel, type: 'channel' }],
    ['the team', 'Works', { id: '19:team@thread.tacv2', type: 'team' }],
    ['everybody', 'Everyone', { id: '19:everyone', type: 'everyone' }],
  ]
  it.for(meant)('a message to %s is left alone', async ([, name, mentioned]) => {
    await quiet(inThread, `<at>${name}</at> what do you think?`, { entities: [mentionOf('', name, mentioned)] })
    expect(texts()).toEqual([])
  })

  it('a message to a person and to Parley is answered, and names the person', async () => {
    const entities = [mentionOf(bob.id, 'Bob'), mentionOf(bot.id, bot.name)]
    await quiet(inThread, `<at>Bob</at> asked: <at>${bot.name}</at> why?`, { entities })
    expect(texts()).toEqual(['@Bob asked:  why?'])
  })

  it('a mention that only the HTML shows counts, too', async () => {
    const span = '<span itemtype="http://schema.skype.com/Mention" itemscope="" itemid="0">Designers</span>'
    await quiet(inThread, 'Designers what do you think?', {
      attachments: html(`<p>${span}&nbsp;what do you think?</p>`),
    })
    expect(texts()).toEqual([])
  })

  it('a reply that quotes somebody else is left alone; one that quotes oneself or forwards is not', async () => {
    const quote = (kind: string, by: string) =>
      html(
        `<blockquote itemtype="http://schema.skype.com/${kind}" itemid="1"><strong itemprop="mri" itemid="8:orgid:${by}">X</strong><p itemprop="preview">the blue one?</p></blockquote><p>what about that one</p>`,
      )
    await quiet(inThread, 'x', { attachments: quote('Reply', bob.aadObjectId) })
    const reference = { messageId: '5', messagePreview: 'blue?', messageSender: { user: { id: bob.aadObjectId } } }
    await quiet(inThread, 'yes that', {
      attachments: [{ contentType: 'messageReference', content: JSON.stringify(reference) }],
    })
    expect(texts()).toEqual([])
    await quiet(inThread, 'x', { attachments: quote('Reply', alice.aadObjectId) })
    await quiet(inThread, 'x', { attachments: quote('Forward', bob.aadObjectId) })
    expect(texts()).toEqual(['what about that one', 'what about that one'])
  })

  it('thanks, emoji and a new post without a mention are left alone; a question is not', async () => {
    await quiet(inThread, 'thanks!')
    await quiet(inThread, '👍👍')
    const { id, ...post } = rig.people.message({ conversation: `${channel};messageid=1767000000099` }, 'Lunch?', {
      quiet: true,
    })
    await rig.teams.deliver({ ...post, id: '1767000000099' })
    await quiet(inThread, 'and in winter?')
    expect(id).not.toBe('')
    expect(texts()).toEqual(['and in winter?'])
  })
})

describe('a greeting', () => {
  const added = (place: Place) => [
    { ...rig.people.about(place), type: 'installationUpdate', action: 'add', id: 'f:installed' },
    { ...rig.people.about(place), type: 'conversationUpdate', membersAdded: [{ id: bot.id }], id: 'f:added' },
  ]

  it.for([chat, group, { conversation: channel }])(
    'comes once when Teams tells of it twice at the same moment (%o)',
    async (place) => {
      for (const _ of [1, 2, 3]) {
        await Promise.all(added(place).flatMap((each) => [rig.teams.deliver(each), rig.teams.deliver(each)]))
        await until(() => shown(place)[0], 'a greeting')
      }
      await sleep(50)
      const { personal, channel: inChannel, group: inGroup } = teamsWording.greeting
      expect(said(place)).toEqual([place === chat ? personal : place === group ? inGroup : inChannel])
    },
  )

  it('comes from one of two processes', async () => {
    const other = await openTeamsRig(records, 'personal')
    await other.open(recorder().intake)
    const [installed, joined] = added(group)
    await Promise.all([
      rig.teams.deliver(installed ?? {}),
      other.teams.deliver({ ...joined, serviceUrl: other.teams.serviceUrl }),
    ])
    await until(() => [...shown(group), ...other.teams.state.messages(groupChat)][0], 'a greeting')
    await sleep(50)
    expect([...shown(group), ...other.teams.state.messages(groupChat)]).toHaveLength(1)
    await other.close()
  })

  it('is in the channel that was chosen, and an upgrade of the app brings none', async () => {
    const place = { conversation: channel }
    const chosen = { conversation: '19:chosen@thread.tacv2' }
    const [installed, joined] = added(place)
    const about = rig.people.about(place) as { channelData: object }
    const settings = { selectedChannel: { id: chosen.conversation } }
    await rig.teams.deliver({ ...installed, channelData: { ...about.channelData, settings } })
    await rig.teams.deliver(joined ?? {})
    await until(() => shown(chosen)[0], 'a greeting')
    for (const action of ['remove-upgrade', 'add-upgrade'])
      await rig.teams.deliver({ ...installed, action, id: `f:${action}` })
    await sleep(50)
    expect([shown(place).length, shown(chosen).length]).toEqual([0, 1])
    await rig.teams.deliver({ ...installed, action: 'remove', id: 'f:removed' })
    await rig.teams.deliver({ ...joined, id: 'f:again' })
    await until(() => shown(place)[0], 'a greeting for the new installation')
  })

  it('answers a mention alone, in a channel and in a group, and no model is asked', async () => {
    for (const place of [inThread, group]) {
      await rig.people.say(place, ' ')
      await until(() => shown(place)[0], 'a greeting')
    }
    expect(said(inThread)).toEqual([teamsWording.greeting.channel])
    expect(said(group)).toEqual([teamsWording.greeting.group])
    expect(inbox.received).toEqual([])
    await rig.people.say(chat, ' ')
    expect(inbox.received).toEqual([])
  })

  it('is no answer to a mention that quotes something: that is a question', async () => {
    const quotedReply = { messageId: '5', senderId: bob.id, senderName: 'Bob', preview: 'Rent is due in May' }
    await quiet(group, `<at>${bot.name}</at>`, {
      entities: [mentionOf(bot.id, bot.name), { type: 'quotedReply', quotedReply }],
    })
    expect(inbox.received).toMatchObject([{ text: '', quoted: 'Bob: Rent is due in May' }])
  })
})

describe('in a personal chat', () => {
  it('a forwarded message is read, in both forms of Teams', async () => {
    const older =
      '<p></p><blockquote itemscope itemtype="http://schema.skype.com/Forward" itemid="99"><p>Quarter closes on Friday</p></blockquote>'
    await quiet(chat, '', { attachments: html(older) })
    const content = {
      originalMessageId: '99',
      originalMessageContent: '<p>Quarter closes on <b>Monday</b></p>',
      originalMessageSender: { user: { id: 'x', displayName: 'Bob' } },
    }
    const newer = { id: '99', contentType: 'forwardedMessageReference', content: JSON.stringify(content) }
    await quiet(chat, '', { attachments: [...html('<attachment id="99"></attachment>'), newer] })
    await quiet(chat, 'when?', { attachments: [...html('<attachment id="99"></attachment><p>when?</p>'), newer] })
    expect(inbox.received).toMatchObject([
      { text: '', quoted: 'Quarter closes on Friday', attachments: [] },
      { text: '', quoted: 'Bob: Quarter closes on **Monday**', attachments: [] },
      { text: 'when?', quoted: 'Bob: Quarter closes on **Monday**', attachments: [] },
    ])
    expect(inbox.received.every(({ unread }) => unread === undefined)).toBe(true)
  })

  it('one word is part of the talk, and a command with a slash', async () => {
    await rig.people.say(chat, 'Is the sky green')
    for (const word of ['Why', 'usage', 'timezone', 'forget']) await rig.people.say(chat, word)
    expect(texts()).toEqual(['Is the sky green', 'Why', 'usage', 'timezone', 'forget'])
    expect(inbox.commands).toEqual([])
    for (const line of ['/parley why', 'help']) await rig.people.say(chat, line)
    expect(inbox.commands.map(({ text }) => text)).toEqual(['why', 'help'])
  })

  it('a forwarded picture and a forwarded voice message are files, and no words of the one who forwards them', async () => {
    const url = 'https://graph.microsoft.com/v1.0/chats/c/messages/1/hostedContents/1/$value'
    const content = JSON.stringify({
      originalMessageContent: `<p><img src="${url}" alt="plan"></p>`,
      originalMessageSender: {},
    })
    await quiet(chat, '', { attachments: [{ contentType: 'forwardedMessageReference', content }] })
    const audio = {
      contentType: 'application/vnd.microsoft.card.audio',
      content: { duration: 'PT5S', media: [{ url: `${rig.teams.serviceUrl}/v3/attachments/a/views/original` }] },
    }
    const voice = JSON.stringify({ originalMessageContent: '<p>listen</p>' })
    await quiet(chat, '', { attachments: [{ contentType: 'forwardedMessageReference', content: voice }, audio] })
    await quiet(chat, '', { attachments: [audio] })
    expect(inbox.received.map(({ attachments }) => attachments)).toMatchObject([
      [{ name: 'plan.png', locator: { kind: 'graph', url } }],
      [{ mediaType: 'audio/mp4', voiceNote: false }],
      [{ mediaType: 'audio/mp4', voiceNote: true }],
    ])
  })

  it('a message of nothing but a Loop component gets a sentence, and no model is asked', async () => {
    const loop = {
      id: 'l',
      contentType: 'application/vnd.microsoft.card.fluidEmbedCard',
      content: '{"componentUrl":"https://x.org"}',
    }
    await quiet(chat, '', { attachments: [...html('<attachment id="l"></attachment>'), loop] })
    await until(() => shown(chat)[0], 'a sentence')
    expect([said(chat), inbox.received]).toEqual([[teamsWording.unread.part], []])
  })

  it('the preview of a link is no part that cannot be read', async () => {
    await quiet(chat, 'see https://x.org', {
      attachments: [{ contentType: 'application/x-link-preview', content: null }],
    })
    expect(inbox.received).toMatchObject([{ text: 'see https://x.org' }])
    expect(inbox.received[0]?.unread).toBeUndefined()
  })

  it('a Loop component in a question is said to be unreadable', async () => {
    const loop = {
      id: 'l',
      contentType: 'application/vnd.microsoft.card.fluidEmbedCard',
      content: '{"componentUrl":"https://x.org"}',
    }
    await quiet(chat, 'Sum it up', { attachments: [...html('<p>Sum it up</p><attachment id="l"></attachment>'), loop] })
    expect(inbox.received).toMatchObject([{ text: 'Sum it up', attachments: [], unread: [teamsWording.unread.part] }])
  })
})

describe('"Test in Web Chat" of the Azure portal', () => {
  it('gets one sentence that says where Parley answers', async () => {
    const place = { conversation: 'webchat-1' }
    const about = {
      ...rig.people.about(place),
      channelId: 'webchat',
      conversation: { id: 'webchat-1' },
      channelData: {},
    }
    for (const type of ['conversationUpdate', 'message', 'typing'])
      expect((await rig.teams.deliver({ ...about, type, id: `w-${type}`, text: 'hello' })).status).toBe(200)
    await until(() => shown(place)[0], 'a sentence')
    expect(said(place)).toEqual([teamsWording.testPage])
    expect(inbox.received).toEqual([])
  })

  it.each([
    ['that names its channel directline', { channelId: 'directline' }],
    ['with files alone', { text: undefined, attachments: [{ contentType: 'image/png', contentUrl: 'https://a.b/c' }] }],
    ['with a command', { text: 'budget list' }],
    ['from an organization that is not served', { conversation: { id: 'webchat-1', tenantId: 'other' } }],
  ])('gets it for each message %s', async (_, more) => {
    const place = { conversation: 'webchat-1' }
    const base = {
      ...rig.people.about(place),
      channelId: 'webchat',
      conversation: { id: 'webchat-1' },
      channelData: {},
    }
    for (const id of ['w-1', 'w-2'])
      expect((await rig.teams.deliver({ ...base, type: 'message', id, text: 'hello', ...more })).status).toBe(200)
    await until(() => shown(place)[1], 'two sentences')
    expect(said(place)).toEqual([teamsWording.testPage, teamsWording.testPage])
    expect(inbox.received).toEqual([])
    expect(inbox.commands).toEqual([])
  })

  it('changes nothing when a button is pressed there', async () => {
    const base = rig.people.about({ conversation: 'webchat-1' })
    const press = { ...base, channelId: 'webchat', type: 'invoke', name: 'adaptiveCard/action', id: 'w', value: {} }
    await rig.teams.deliver(press)
    expect(inbox.acted).toEqual([])
  })
})
