/** Who may stop an answer, who counts as a colleague, and which messages Parley leaves alone. */
import { beforeEach, describe, expect, it } from 'vitest'
import { ParleyError } from '../../src/core/errors.ts'
import { conversationKey } from '../../src/core/message.ts'
import { actionWording } from '../../src/wording/answers.ts'
import { bob, general, mentionOf, openSlackInbound, type SlackInbound } from '../../test/servers/slack-inbound.ts'
import { alice } from '../../test/servers/slack-rig.ts'
import { bot } from '../../test/servers/slack-state.ts'
import { runningRecord } from './status.ts'

let rig: SlackInbound
let slack: SlackInbound['slack']
let received: SlackInbound['received']
let asked: SlackInbound['asked']
let acted: SlackInbound['acted']
let own: SlackInbound['own']
let records: SlackInbound['records']
let whispers: SlackInbound['whispers']

beforeEach(async () => {
  rig = await openSlackInbound()
  ;({ slack, received, asked, acted, own, records, whispers } = rig)
  return () => rig.close()
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
