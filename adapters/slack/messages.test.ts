/** Slack's message events as people cause them: mentions that come twice, edits, deletions, stops, colleagues. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Action } from '../../src/core/action.ts'
import type { Addressing } from '../../src/core/addressing.ts'
import { judge } from '../../src/core/addressing.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import { conversationKey, type IncomingMessage } from '../../src/core/message.ts'
import type { Intake, Received, Revision } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota-local.ts'
import { actionWording } from '../../src/wording/answers.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { erase } from '../../test/servers/slack-context.ts'
import { addPeople, alice, settingsFor } from '../../test/servers/slack-rig.ts'
import { bot } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createSlack } from './platform.ts'
import { runningRecord } from './status.ts'

const general = 'C0GENERAL1'
const bob = 'U0BOB00001'

let slack: SlackStandIn
let records: ReturnType<typeof memoryRecords>
let received: IncomingMessage[]
let withdrawn: string[]
let revisions: Revision[]
let asked: Addressing[]
let acted: Action[]
/** What intake does, as a test says. */
let own: Partial<Intake>
let secondGateway: () => Promise<string>
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  slack = await startSlack()
  addPeople(slack)
  slack.state.users.set(bob, { id: bob, name: 'Bob', team: 'T0PARLEY01', more: {} })
  records = memoryRecords()
  received = []
  withdrawn = []
  revisions = []
  asked = []
  acted = []
  own = {}
  const intake = fakeIntake({
    receive: (message) => own.receive?.(message) ?? take(message),
    async concerns(message) {
      asked.push(message)
      return judge(message, { participates: true, asked: true, followUps: 'always' })
    },
    async withdraw({ ids }) {
      withdrawn.push(...ids)
      return received.filter(({ id }) => ids.includes(id)).length
    },
    async revise(revision) {
      revisions.push(revision)
      return own.revise?.(revision) ?? { kind: 'started', turnId: 'turn-1' }
    },
    async act(action) {
      acted.push(action)
      return own.act?.(action) ?? {}
    },
  })
  slack.target = await gateway(intake)
  secondGateway = () => gateway(intake)
})

/** A process that takes Slack's events in; several share the database. */
async function gateway(intake: Intake): Promise<string> {
  const settings = settingsFor(slack, 'http')
  const listener = createSlack({ settings, records, quota: createLocalQuota(), log: silentLog }).listen(intake)
  const http = await serveMounts(listener.mounts)
  await listener.start()
  closing.push(http.close, () => listener.stop())
  return http.url
}
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await slack[Symbol.asyncDispose]()
})

async function take(message: IncomingMessage): Promise<Received> {
  received.push(message)
  return { turnId: 't', kind: 'new' }
}
const mentionOf = (text: string, ts: string, more: object = {}) => ({
  type: 'app_mention',
  user: alice,
  team: 'T0PARLEY01',
  channel: general,
  ts,
  event_ts: ts,
  text: `<@${bot.user}> ${text}`,
  ...more,
})
const messageOf = (text: string, ts: string, more: object = {}) => ({
  ...mentionOf(text, ts),
  type: 'message',
  channel_type: 'channel',
  ...more,
})
const note = () =>
  slack.fileRecord(slack.addFile({ name: 'gate.md', mimetype: 'text/markdown', content: Buffer.from('QX-4471') }))
const whispers = () => slack.state.messages.filter(({ only }) => only !== undefined)
/** Deletes a message that the stand-in knows; `say` made it known. */
const known = (ts: string) =>
  slack.state.messages.push({
    channel: general,
    ts,
    user: alice,
    text: `<@${bot.user}> x`,
    blocks: [],
    tasks: new Map(),
    files: [],
    edits: 0,
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

  it('is answered without waiting long if the second event never comes', async () => {
    const { status, ms } = await slack.event(mentionOf('hello', slack.state.nextTs()))
    expect(status).toBe(200)
    expect(ms).toBeLessThan(1500)
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

  it('that another process is taking in is taken back after that', async () => {
    const held = Promise.withResolvers<void>()
    own.receive = async (message) => {
      await held.promise
      return await take(message)
    }
    const ts = slack.state.nextTs()
    known(ts)
    const question = slack.event(messageOf('my secret question', ts))
    await slack.until(() => asked.length > 0, 'the question')
    slack.target = await secondGateway()
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

describe("Slack's own stop button", () => {
  const stopped = (thread: string, user: string) =>
    slack.event({
      type: 'agent_session_stopped',
      channel: general,
      thread_ts: thread,
      user,
      streaming_message_ts: [],
      event_ts: slack.state.nextTs(),
    })
  async function running(): Promise<string> {
    const { ts } = await slack.say({ channel: general, text: `<@${bot.user}> long answer` })
    const key = conversationKey({ platform: 'slack', workspaceId: 'T0PARLEY01', channelId: general, threadId: ts })
    await records.put(runningRecord(key), 'turn-1')
    await slack.say({ channel: general, text: 'The beginning of the answer', thread: ts, user: bot.user })
    return ts
  }

  it('stops the answer whoever pressed it', async () => {
    expect((await stopped(await running(), bob)).status).toBe(200)
    expect(acted).toMatchObject([{ kind: 'stop', turnId: 'turn-1', byPlatform: true, by: { id: bob, name: 'Bob' } }])
  })

  it('tells why the answer was not stopped, and Slack does not try again', async () => {
    own.act = async () => {
      throw new ParleyError('turn_not_found', actionWording.notFound)
    }
    expect((await stopped(await running(), bob)).status).toBe(200)
    const [told] = await slack.until(() => whispers().length > 0 && whispers(), 'the reason')
    expect(told?.only).toBe(bob)
    expect(JSON.stringify(told?.blocks)).toContain(actionWording.notFound)
  })

  it('is tried again while the database is away', async () => {
    own.act = async () => {
      throw new ParleyError('database_unreachable', 'Away.')
    }
    expect((await stopped(await running(), bob)).status).toBe(500)
  })

  it('in a thread where nothing runs does nothing', async () => {
    expect((await stopped('1795000000.000100', bob)).status).toBe(200)
    expect(acted).toEqual([])
  })
})

describe('a colleague on Enterprise Grid', () => {
  it.each([
    ['of this workspace', 'W0GRID0002', 'E0ACME0001', { enterprise_user: { teams: ['T0PARLEY01'] } }],
    [
      'of another workspace',
      'W0GRID0003',
      'T0SISTER01',
      { enterprise_user: { enterprise_id: 'E0ACME0001', teams: ['T0SISTER01'] } },
    ],
  ])('%s is a member', async (_, id, home, more) => {
    slack.state.users.set(id, { id, name: 'Grid', team: home, more })
    const event = mentionOf('hello', slack.state.nextTs(), { user: id, team: home, user_team: home })
    await slack.event(event, { enterprise: 'E0ACME0001' })
    expect(received[0]?.author).toMatchObject({ id, membership: 'member' })
  })

  it('of another organization is not', async () => {
    slack.state.users.set('W0OTHER001', {
      id: 'W0OTHER001',
      name: 'Sam',
      team: 'T0OTHER001',
      more: { enterprise_user: { enterprise_id: 'E0OTHER001', teams: ['T0OTHER001'] } },
    })
    const event = mentionOf('hello', slack.state.nextTs(), {
      user: 'W0OTHER001',
      team: 'T0OTHER001',
      user_team: 'T0OTHER001',
    })
    await slack.event(event, { enterprise: 'E0ACME0001' })
    expect(received[0]?.author.membership).toBe('stranger')
  })

  it('is answered without the name of the organization as a team', async () => {
    const event = mentionOf('hello', slack.state.nextTs(), { user_team: 'E0ACME0001' })
    await slack.event(event, { enterprise: 'E0ACME0001' })
    expect(received[0]?.replyTarget.data).not.toHaveProperty('userTeam')
  })
})

describe("in Parley's thread", () => {
  it.each([
    ['a user group', '<!subteam^S0ONCALL1|@oncall> please look at this'],
    ['those who are here', '<!here> who is in?'],
    ['thanks', 'thanks!'],
    ['an emoji', ':+1:'],
  ])('%s is left to people', async (_, text) => {
    await slack.say({ channel: general, text, thread: '1795000000.000100', user: bob })
    expect(asked).toHaveLength(1)
    expect(received).toEqual([])
  })

  it('a file without words is read', async () => {
    const file = slack.addFile({ name: 'gate.md', mimetype: 'text/markdown', content: Buffer.from('x') })
    await slack.say({ channel: general, text: '', thread: '1795000000.000100', files: [file] })
    expect(received).toMatchObject([{ text: '', attachments: [{ name: 'gate.md' }] }])
  })
})

describe('a question by /parley', () => {
  const typed = (text: string) =>
    slack.form({
      command: '/parley',
      text,
      user_id: alice,
      user_name: 'alice',
      channel_id: general,
      channel_name: 'general',
    })

  it.each([
    ['a user group', 'please tell <!subteam^S0ONCALL1|@oncall> what the plan is today?', '@oncall'],
    ['a person', `what does <@${bob}|bob> plan for today?`, '@Bob'],
    ['the channel', 'what should I tell <!channel> about the outage?', 'about the outage'],
  ])('that names %s notifies nobody', async (_, text, shownAs) => {
    await typed(text)
    const [posted] = slack.replies(general)
    expect(posted?.text).toContain(shownAs)
    expect(posted?.text).toMatch(/^\*Alice\* asks: /)
    expect(posted?.text).not.toMatch(/<[@!]|@(?:here|channel|everyone)/)
    expect(slack.calls.find(({ method }) => method === 'chat.postMessage')?.args).toMatchObject({ parse: 'none' })
  })
})
