/** Slack's message events as people cause them: mentions that come twice, deletions, edits. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ParleyError } from '../../src/core/errors.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { erase } from '../../test/servers/slack-context.ts'
import {
  bob,
  general,
  mentionOf,
  messageOf,
  openSlackInbound,
  type SlackInbound,
} from '../../test/servers/slack-inbound.ts'
import { alice } from '../../test/servers/slack-rig.ts'
import { bot } from '../../test/servers/slack-state.ts'

const note = () =>
  slack.fileRecord(slack.addFile({ name: 'gate.md', mimetype: 'text/markdown', content: Buffer.from('QX-4471') }))
/** The stand-in knows the message, so that it can be deleted. */
function known(ts: string, text = `<@${bot.user}> my secret question`, thread?: string): void {
  slack.state.messages.push({
    ...(thread !== undefined && { thread_ts: thread }),
    channel: general,
    ts,
    user: 'U0ALICE001',
    text,
    blocks: [],
    tasks: new Map(),
    files: [],
    edits: 0,
  })
}

let rig: SlackInbound
let slack: SlackInbound['slack']
let received: SlackInbound['received']
let withdrawn: SlackInbound['withdrawn']
let revisions: SlackInbound['revisions']
let asked: SlackInbound['asked']
let own: SlackInbound['own']
let whispers: SlackInbound['whispers']
let take: SlackInbound['take']
let gateway: SlackInbound['gateway']

beforeEach(async () => {
  rig = await openSlackInbound()
  ;({ slack, received, withdrawn, revisions, asked, own, whispers, take, gateway } = rig)
  return () => rig.close()
})

describe('a mention, which Slack announces twice,', () => {
  it('whose first event lacks the files is one question with the files', async () => {
    const ts = slack.state.nextTs()
    const first = slack.event(mentionOf('what is the gate code?', ts))
    await slack.until(() => true, 'a moment')
    const second = slack.event(messageOf('what is the gate code?', ts, { subtype: 'file_share', files: [note()] }))
    expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200])
    expect(received).toMatchObject([{ text: 'what is the gate code?', attachments: [{ name: 'gate.md' }] }])
  })

  it('is read and taken in once if both events are whole, in either order', async () => {
    const root = (await slack.say({ channel: general, text: 'The root', user: bob })).ts
    for (const order of [
      [mentionOf, messageOf],
      [messageOf, mentionOf],
    ]) {
      const ts = slack.state.nextTs()
      await Promise.all(order.map((event) => slack.event(event('and?', ts, { thread_ts: root }))))
    }
    expect(received).toHaveLength(2)
    expect(slack.calls.filter(({ method }) => method === 'conversations.replies')).toHaveLength(2)
  })

  it('is answered if the second event never comes', async () => {
    const { status } = await slack.event(mentionOf('hello', slack.state.nextTs()))
    expect(status).toBe(200)
    expect(received).toMatchObject([{ text: 'hello' }])
  })

  it('whose files come after the answer began gets the offer of an answer with them', async () => {
    const ts = slack.state.nextTs()
    await slack.event(mentionOf('what is the gate code?', ts))
    own.receive = async (message) => {
      received.push(message)
      return { kind: 'late', turnId: 'turn-1' }
    }
    await slack.event(messageOf('what is the gate code?', ts, { subtype: 'file_share', files: [note()] }))
    expect(received.map(({ attachments }) => attachments.length)).toEqual([0, 1])
    const [offer] = await slack.until(() => whispers().length > 0 && whispers(), 'the offer')
    expect(offer).toMatchObject({ only: alice, text: chatWording.filesCameLate })
    expect(JSON.stringify(offer?.blocks)).toContain('regenerate:turn-1')
  })

  it('that could not be taken in is delivered again by either event', async () => {
    const ts = slack.state.nextTs()
    own.receive = async () => {
      throw new ParleyError('database_unreachable', 'Away.')
    }
    const events = [messageOf('hello', ts), mentionOf('hello', ts)]
    const failed = await Promise.all(events.map((event) => slack.event(event)))
    expect(failed.map(({ status }) => status)).toEqual([500, 500])
    own.receive = undefined
    await Promise.all(events.map((event) => slack.event(event, { retry: 1 })))
    expect(received).toMatchObject([{ text: 'hello' }])
  })
})

describe('a deleted message', () => {
  it('is taken back', async () => {
    const { ts } = await slack.say({ channel: general, text: `<@${bot.user}> my secret question` })
    expect(await erase(slack, general, ts)).toBe(200)
    expect(withdrawn).toEqual([`${general}-${ts}`])
  })

  it('with replies leaves a stub, and is taken back all the same', async () => {
    const { ts } = await slack.say({ channel: general, text: `<@${bot.user}> my secret question` })
    await slack.say({ channel: general, text: 'A reply', thread: ts, user: bob })
    await erase(slack, general, ts)
    expect(withdrawn).toEqual([`${general}-${ts}`])
  })

  it('that is being taken in is taken back after that', async () => {
    const held = Promise.withResolvers<void>()
    own.receive = async (message) => {
      await held.promise
      return await take(message)
    }
    const { ts } = { ts: slack.state.nextTs() }
    known(ts)
    const question = slack.event(messageOf('my secret question', ts))
    await slack.until(() => asked.length > 0, 'the question')
    const deletion = erase(slack, general, ts)
    held.resolve()
    await Promise.all([question, deletion])
    expect(received).toHaveLength(1)
    expect(withdrawn).toEqual([`${general}-${ts}`])
  })

  it('whose second event comes after the deletion is not answered', async () => {
    const ts = slack.state.nextTs()
    known(ts)
    await erase(slack, general, ts)
    expect((await slack.event(mentionOf('my secret question', ts))).status).toBe(200)
    expect(received).toEqual([])
  })

  it.each([
    ['mention', `<@${bot.user}> my secret question`, undefined],
    ['follow-up without a mention', 'my secret question', '1795000000.000100'],
  ])('that another process is taking in, a %s, is taken back after that', async (_, text, thread) => {
    const held = Promise.withResolvers<void>()
    own.receive = async (message) => {
      await held.promise
      return await take(message)
    }
    const ts = slack.state.nextTs()
    known(ts, text, thread)
    const question = slack.event(messageOf('', ts, { text, thread_ts: thread }))
    await slack.until(() => asked.length > 0, 'the question')
    await gateway()
    await erase(slack, general, ts)
    const before = withdrawn.length
    held.resolve()
    await question
    await expect.poll(() => withdrawn.slice(before)).toEqual([`${general}-${ts}`])
  })

  it('one after the other, each is taken back', async () => {
    const said = await Promise.all(
      ['a', 'b', 'c'].map((text) => slack.say({ channel: general, text: `<@${bot.user}> ${text}` })),
    )
    await Promise.all(said.map(({ ts }) => erase(slack, general, ts)))
    expect(withdrawn.toSorted()).toEqual(said.map(({ ts }) => `${general}-${ts}`).toSorted())
  })
})

describe('an edited follow-up in a thread', () => {
  const change = (before: object | undefined, after: object, root: string, ts: string) =>
    slack.event({
      type: 'message',
      subtype: 'message_changed',
      hidden: true,
      channel: general,
      channel_type: 'channel',
      ts: slack.state.nextTs(),
      message: { type: 'message', user: alice, ts, thread_ts: root, ...after },
      previous_message: before && { type: 'message', user: alice, ts, thread_ts: root, ...before },
    })

  it('gets the offer of a new answer in that thread', async () => {
    const root = (await slack.say({ channel: general, text: 'The root', user: bob })).ts
    const { ts } = await slack.say({ channel: general, text: 'in thread red', thread: root })
    await change({ text: 'in thread red' }, { text: 'in thread blue', edited: { user: alice, ts: '1' } }, root, ts)
    const [offer] = await slack.until(() => whispers().length > 0 && whispers(), 'the offer')
    expect(offer).toMatchObject({ only: alice, thread_ts: root, text: chatWording.questionChanged })
  })

  it('gets it there, too, if only the earlier version tells the thread', async () => {
    const root = (await slack.say({ channel: general, text: 'The root', user: bob })).ts
    const { ts } = await slack.say({ channel: general, text: 'red', thread: root })
    await change({ text: 'red' }, { text: 'blue', edited: { user: alice, ts: '1' }, thread_ts: undefined }, root, ts)
    const [offer] = await slack.until(() => whispers().length > 0 && whispers(), 'the offer')
    expect(offer?.thread_ts).toBe(root)
  })

  it.each([
    ['only a space changed', 'unchanged'],
    ['the turn had not started', 'revised'],
  ] as const)('gets none if %s', async (_, kind) => {
    own.revise = async () => ({ kind, turnId: 'turn-1' })
    const root = (await slack.say({ channel: general, text: 'The root', user: bob })).ts
    const { ts } = await slack.say({ channel: general, text: 'red', thread: root })
    await change({ text: 'red' }, { text: 'red ', edited: { user: alice, ts: '1' } }, root, ts)
    expect(revisions).toHaveLength(1)
    await slack.event(mentionOf('another', slack.state.nextTs()))
    expect(whispers()).toEqual([])
  })
})
