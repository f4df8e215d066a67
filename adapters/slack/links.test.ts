/** Links to Slack messages in a question: opened where everyone who sees the answer may read them. */
import { beforeEach, describe, expect, it } from 'vitest'
import { slackWording } from '../../src/wording/slack.ts'
import { bob, general, messageOf, openSlackInbound, type SlackInbound } from '../../test/servers/slack-inbound.ts'
import { alice } from '../../test/servers/slack-rig.ts'
import { bot } from '../../test/servers/slack-state.ts'

const { links: linkWording } = slackWording.context

let rig: SlackInbound
let slack: SlackInbound['slack']
let received: SlackInbound['received']
let said: SlackInbound['said']
let ask: SlackInbound['ask']
let markdown: SlackInbound['markdown']
let callsOf: SlackInbound['callsOf']

beforeEach(async () => {
  rig = await openSlackInbound()
  ;({ slack, received, said, ask, markdown, callsOf } = rig)
  return () => rig.close()
})

describe('a link to a message in a question', () => {
  const linkTo = (channel: string, ts: string, thread?: string) =>
    `https://acme.slack.com/archives/${channel}/p${ts.replace('.', '')}${thread ? `?thread_ts=${thread}&amp;cid=${channel}` : ''}`
  const incidents = 'C0INCIDENT'

  it('is opened, with the thread below the message and its files', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', members: [alice, bot.user] })
    const root = said('The disk of web-1 is full', { channel: incidents, files: [markdown('log.md')] })
    said('Fixed at 10:40', { channel: incidents, thread: root })
    await ask(`what happened in <${linkTo(incidents, root)}>?`)
    expect(received[0]?.quoted).toBe(
      `Linked message (${linkTo(incidents, root)}):\nBob: The disk of web-1 is full\n[file: log.md]\n\nBob: Fixed at 10:40`,
    )
    expect(received[0]?.attachments.map(({ name }) => name)).toEqual(['log.md'])
  })

  it('to a reply opens that reply', async () => {
    const root = said('The root')
    const reply = said('The reply', { thread: root })
    said('Another reply', { thread: root })
    await ask(`explain <${linkTo(general, reply, root)}|this>`)
    expect(received[0]?.quoted).toContain('Bob: The reply')
    expect(received[0]?.quoted).not.toMatch(/root|Another/)
  })

  it('into a private channel is opened for its members in a direct message', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', private: true, members: [alice, bot.user] })
    const root = said('The merger is off', { channel: incidents })
    await slack.say({ channel: 'D0ALICE001', text: `<${linkTo(incidents, root)}>` })
    expect(received[0]?.quoted).toContain('The merger is off')
  })

  it.each([
    ['of which the asker is no member', [bot.user, bob], linkWording.notYours],
    ['of which others here are no members', [bot.user, alice], linkWording.notForAll],
  ])('into a private channel %s stays closed, and the answer says why', async (_, members, sentence) => {
    slack.state.channels.set(incidents, { name: 'incidents', private: true, members })
    slack.state.channels.set(general, { name: 'general', private: true, members: [bot.user, alice, bob] })
    const root = said('The merger is off', { channel: incidents })
    await ask(`what does <${linkTo(incidents, root)}> say?`)
    expect(received[0]?.quoted).toBeUndefined()
    expect(received[0]?.unread).toEqual([sentence(linkTo(incidents, root))])
  })

  it.each([
    ['is opened in another private channel whose members are all in it', true],
    ['stays closed in a public channel, which others may read than its members', false],
  ])('into a private channel %s', async (_, isPrivate) => {
    const members = [bot.user, alice, bob]
    slack.state.channels.set(incidents, { name: 'incidents', private: true, members })
    slack.state.channels.set(general, { name: 'general', private: isPrivate, members })
    const url = linkTo(incidents, said('The merger is off', { channel: incidents }))
    await ask(`what does <${url}> say?`)
    if (isPrivate) expect(received[0]?.quoted).toContain('The merger is off')
    else expect(received[0]).toMatchObject({ quoted: undefined, unread: [linkWording.notForAll(url)] })
  })

  it('of a guest into a public channel stays closed unless the guest is in it', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', members: [bot.user, alice] })
    const root = said('The disk is full', { channel: incidents })
    const url = linkTo(incidents, root)
    await slack.say({ channel: 'D0GUEST001', user: 'U0GUEST001', text: `What is <${url}>?` })
    expect(received[0]?.unread).toEqual([linkWording.notYours(url)])
  })

  describe('into a public channel', () => {
    const sister = 'W0SISTER01'
    const grid = { enterprise: 'E0ACME0001' }
    const direct = (user: string, url: string) =>
      slack.event(
        messageOf('', slack.state.nextTs(), { channel: `D0${user}`, channel_type: 'im', user, text: url }),
        grid,
      )
    /** Somebody asks in #general, whose members these are. */
    async function askAmong(members: string[], url: string): Promise<void> {
      slack.state.channels.set(general, { name: 'general', members })
      await ask(`what is <${url}>?`)
    }
    let url: string

    beforeEach(() => {
      const more = { enterprise_user: { enterprise_id: 'E0ACME0001', teams: ['T0SISTER01'] } }
      slack.state.users.set(sister, { id: sister, name: 'Sue', team: 'E0ACME0001', more })
      slack.state.channels.set(incidents, { name: 'incidents', members: [bot.user] })
      url = linkTo(incidents, said('The disk is full', { channel: incidents }))
    })

    it('stays closed for a colleague of another workspace of the organization', async () => {
      await direct(sister, url)
      expect(received).toMatchObject([{ author: { membership: 'member' }, unread: [linkWording.notYours(url)] }])
    })

    it('is opened for a colleague of another workspace who is a member of the channel', async () => {
      slack.state.channels.set(incidents, { name: 'incidents', members: [bot.user, sister] })
      await direct(sister, url)
      expect(received[0]?.quoted).toContain('The disk is full')
    })

    it('is opened for a colleague who is in this workspace, too', async () => {
      const more = { enterprise_user: { enterprise_id: 'E0ACME0001', teams: ['T0SISTER01', 'T0PARLEY01'] } }
      slack.state.users.set(sister, { id: sister, name: 'Sue', team: 'E0ACME0001', more })
      await direct(sister, url)
      expect(received[0]?.quoted).toContain('The disk is full')
    })

    it('of another workspace stays closed, although the token of the organization finds it', async () => {
      slack.state.channels.set(incidents, { name: 'incidents', members: [bot.user], teams: ['T0SISTER01'] })
      await direct(alice, url)
      expect(received[0]?.unread).toEqual([linkWording.notYours(url)])
    })

    it('is opened where only people of this workspace read the answer', async () => {
      await askAmong([bot.user, alice, bob], url)
      expect(received[0]?.quoted).toContain('The disk is full')
    })

    it.each([
      ['a guest', 'U0GUEST001'],
      ['somebody of another organization', 'U0STRANGE1'],
      ['a colleague of another workspace', sister],
      ['somebody Slack does not tell about', 'U0UNKNOWN1'],
    ])('stays closed where %s reads the answer, and the answer says why', async (_, id) => {
      await askAmong([bot.user, alice, bob, id], url)
      expect(received[0]?.quoted).toBeUndefined()
      expect(received[0]?.unread).toEqual([linkWording.notForAll(url)])
    })

    it('is opened where the guest who reads the answer is a member of the channel', async () => {
      slack.state.channels.set(incidents, { name: 'incidents', members: [bot.user, 'U0GUEST001'] })
      await askAmong([bot.user, alice, 'U0GUEST001'], url)
      expect(received[0]?.quoted).toContain('The disk is full')
    })

    it('stays closed where too many people read the answer to ask Slack about each', async () => {
      const crowd = Array.from({ length: 21 }, (_, at) => `U0CROWD${at}`)
      for (const id of crowd) slack.state.users.set(id, { id, name: id, team: 'T0PARLEY01', more: {} })
      await askAmong([bot.user, alice, ...crowd], url)
      expect(received[0]?.unread).toEqual([linkWording.notForAll(url)])
    })
  })

  it('that Parley cannot read is told', async () => {
    slack.state.channels.set(incidents, { name: 'incidents', without: true })
    const url = linkTo(incidents, '1795000000.000100')
    await ask(`what is <${url}>?`)
    expect(received[0]).toMatchObject({ unread: [linkWording.notFound(url)] })
  })

  it('is opened for three messages at most, and says so', async () => {
    const all = ['One', 'Two', 'Three', 'Four'].map((text) => said(text))
    await ask(`compare ${all.map((ts) => `<${linkTo(general, ts)}>`).join(' ')}`)
    expect(received[0]?.quoted).toContain('Bob: Three')
    expect(received[0]?.quoted).not.toContain('Bob: Four')
    expect(received[0]?.unread).toEqual([linkWording.tooMany(3)])
  })

  it('that Slack has unfurled already is not read again', async () => {
    const root = said('The disk is full')
    const url = linkTo(general, root)
    const attachments = [{ is_msg_unfurl: true, from_url: url, author_name: 'Bob', text: 'The disk is full' }]
    await ask(`what is <${url}>?`, undefined, { more: { attachments } })
    expect(received[0]?.quoted).toBe(`Message from Bob (${url}):\nThe disk is full`)
    expect(callsOf('conversations.replies')).toEqual([])
  })
})
