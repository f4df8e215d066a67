/** Slack's events other than messages: installation, removal, dialogs, the Home tab, approvals, Socket Mode reconnects. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Action, CommandSpec, Notice } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { serveMounts } from '../../test/servers/mounts.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople, alice, settingsFor } from '../../test/servers/slack-rig.ts'
import { bot, team } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import { createSlack } from './platform.ts'
import type { SlackSettings } from './settings.ts'

const general = 'C0GENERAL1'
const usage: CommandSpec = {
  name: 'usage',
  summary: 'What you have used',
  role: 'member',
  args: [],
  examples: ['usage'],
}

let slack: SlackStandIn
let records: ReturnType<typeof memoryRecords>
let received: IncomingMessage[]
let acted: Action[]
const closing: (() => Promise<void>)[] = []

beforeEach(async () => {
  slack = await startSlack()
  addPeople(slack)
  records = memoryRecords()
  received = []
  acted = []
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await slack[Symbol.asyncDispose]()
})

async function open(settings: SlackSettings, own: Partial<Intake> = {}): Promise<{ url: string; listener: Listener }> {
  const intake = fakeIntake({
    async receive(message) {
      received.push(message)
      return { turnId: 't', kind: 'new' }
    },
    async act(action) {
      acted.push(action)
      return {}
    },
    commands: [usage],
    command: async ({ text }) => ({ text: `${text}: 3 of 10 questions`, private: true }),
    ...own,
  })
  const listener = createSlack({ settings, records, quota: createLocalQuota(), log: silentLog }).listen(intake)
  const http = await serveMounts(listener.mounts)
  await listener.start()
  closing.push(http.close, () => listener.stop())
  slack.target = settings.signingSecret === undefined ? undefined : http.url
  return { url: http.url, listener }
}

const press = (value: string, more: object = {}) =>
  slack.interact({
    type: 'block_actions',
    user: { id: alice },
    channel: { id: general },
    container: { type: 'message' },
    message: {
      ts: '2.0',
      thread_ts: '1.0',
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: 'May it?' } },
        { type: 'actions', elements: [] },
      ],
    },
    actions: [{ type: 'button', action_id: 'parley:x', block_id: 'b', value }],
    ...more,
  })
const submit = (callback_id: string, private_metadata: string, values: object) =>
  slack.interact({
    type: 'view_submission',
    user: { id: alice },
    view: { id: 'V1', type: 'modal', callback_id, private_metadata, state: { values }, blocks: [] },
  })

describe('an installation', () => {
  const oauth = { clientId: 'client', clientSecret: 'client-secret' }
  const settings = (url: string): SlackSettings => ({
    signingSecret: slack.signingSecret,
    apiUrl: slack.apiUrl,
    oauth,
    publicUrl: url,
  })

  async function install(): Promise<{ url: string; page: Response }> {
    const { url } = await open(settings('http://127.0.0.1:1'))
    const asked = await fetch(`${url}/slack/install`, { redirect: 'manual' })
    const consent = await fetch(asked.headers.get('location') ?? '', { redirect: 'manual' })
    const back = new URL(consent.headers.get('location') ?? '')
    const cookie = (asked.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const page = await fetch(`${url}${back.pathname}${back.search}`, { headers: { cookie } })
    return { url, page }
  }

  it('by OAuth stores the token as a secret, and accepts events of that workspace', async () => {
    const { page } = await install()
    expect(page.status).toBe(200)
    expect(records.peek(`installation/${team}`)).toMatchObject({ token: 'xoxb-installed-token', botUserId: bot.user })
    await slack.say({ channel: general, text: `<@${bot.user}> hello`, mention: true })
    expect(received.length).toBeGreaterThan(0)
    expect(slack.calls.some(({ method }) => method === 'users.info')).toBe(true)
  })

  it('without the state that Parley issued is refused', async () => {
    const { url } = await open(settings('http://127.0.0.1:1'))
    const forged = await fetch(`${url}/slack/oauth_redirect?code=stand-in-code&state=forged`)
    expect(forged.status).toBeGreaterThanOrEqual(400)
    expect(records.peek(`installation/${team}`)).toBeUndefined()
  })

  it.each([{ type: 'app_uninstalled' }, { type: 'tokens_revoked', tokens: { bot: [bot.user] } }])(
    'is deleted by $type, and later events are ignored',
    async (event) => {
      await install()
      expect((await slack.event({ ...event, event_ts: '1.0' })).status).toBe(200)
      expect(records.peek(`installation/${team}`)).toBeUndefined()
      expect(
        (
          await slack.event({
            type: 'app_mention',
            user: alice,
            channel: general,
            ts: '9.0',
            text: `<@${bot.user}> hi`,
          })
        ).status,
      ).toBe(200)
      expect(received).toEqual([])
    },
  )
})

describe('a person', () => {
  it.each([
    ['U0OWNER001', 'owner'],
    ['U0GUEST001', 'guest'],
    ['U0STRANGE1', 'stranger'],
    [alice, 'member'],
  ])('%s comes with the standing of a %s', async (user, membership) => {
    await open(settingsFor(slack, 'http'))
    await slack.say({ channel: general, user, text: `<@${bot.user}> hello` })
    expect(received[0]?.author).toMatchObject({ id: user, membership })
    expect(received[0]?.locale).toBe('en-US')
  })

  it('sees usage in the Home tab, and the result of its buttons', async () => {
    await open(settingsFor(slack, 'http'))
    await slack.event({ type: 'app_home_opened', user: alice, channel: 'D0ALICE001', tab: 'home', event_ts: '1.0' })
    const home = () => slack.state.views.filter(({ kind }) => kind === 'home')
    const [shown] = await slack.until(() => home().length === 1 && home(), 'the Home tab')
    expect(JSON.stringify(shown)).toContain('usage: 3 of 10 questions')
    expect(JSON.stringify(shown)).toContain('/parley usage')
    await press('command:usage', { view: { type: 'home', id: 'V0' }, channel: undefined, message: undefined })
    await slack.until(() => home().length === 2, 'the new Home tab')
    expect(acted).toMatchObject([{ kind: 'command', text: 'usage', by: { id: alice } }])
  })

  it('gets suggested prompts in the agent view', async () => {
    await open(settingsFor(slack, 'http'))
    await slack.event({ type: 'app_home_opened', user: alice, channel: 'D0ALICE001', tab: 'messages', event_ts: '1.0' })
    const [prompts] = await slack.until(() => slack.state.prompts.length > 0 && slack.state.prompts, 'prompts')
    expect(prompts).toMatchObject({ channel_id: 'D0ALICE001' })
    expect(prompts).not.toHaveProperty('thread_ts')
  })
})

describe('buttons and dialogs', () => {
  it('"Bad answer" is recorded at once, and again with the reason', async () => {
    await open(settingsFor(slack, 'http'))
    await press('bad:turn-1')
    const [dialog] = await slack.until(() => slack.state.views.length > 0 && slack.state.views, 'a dialog')
    expect(dialog?.view).toMatchObject({ callback_id: 'parley_feedback', private_metadata: 'turn-1' })
    await submit('parley_feedback', 'turn-1', {
      reason: { reason: { type: 'plain_text_input', value: 'Page 4 is missing.' } },
    })
    expect(acted).toMatchObject([
      { kind: 'bad', turnId: 'turn-1' },
      { kind: 'bad', turnId: 'turn-1', comment: 'Page 4 is missing.' },
    ])
  })

  it('an approved request says who approved it, and loses its buttons', async () => {
    const approved: Notice = { text: 'The question is answered now.' }
    await open(settingsFor(slack, 'http'), { act: async () => ({ notice: approved }) })
    await press('approve:a1')
    const [replaced, told] = await slack.until(
      () => slack.state.responses.length === 2 && slack.state.responses,
      'both answers',
    )
    expect(replaced).toMatchObject({ replace_original: true, blocks: [{ type: 'section' }, { type: 'context' }] })
    expect(JSON.stringify(replaced)).toContain(`${slackWording.approvedBy} <@${alice}>`)
    expect(told).toMatchObject({ response_type: 'ephemeral', replace_original: false })
  })

  it('"Ask Parley about this" asks about the message and its files, and answers privately', async () => {
    await open(settingsFor(slack, 'http'))
    const file = slack.addFile({ name: 'log.txt', mimetype: 'text/plain', content: Buffer.from('x') })
    await slack.interact({
      type: 'message_action',
      callback_id: 'parley_ask_about',
      user: { id: alice },
      channel: { id: general },
      message_ts: '5.0',
      message: {
        type: 'message',
        user: 'U0BOB00001',
        ts: '5.0',
        text: 'The *server* is down',
        files: [slack.fileRecord(file)],
      },
    })
    const [dialog] = await slack.until(() => slack.state.views.length > 0 && slack.state.views, 'a dialog')
    await submit('parley_ask', String(dialog?.view.private_metadata), {
      question: { question: { type: 'plain_text_input', value: 'Why?' } },
      where: { where: { type: 'radio_buttons', selected_option: { value: 'direct' } } },
    })
    expect(received).toMatchObject([
      { text: 'Why?', kind: 'command', private: true, attachments: [{ name: 'log.txt' }] },
    ])
    expect(received[0]?.quoted).toContain('The **server** is down')
    expect(received[0]?.conversation.channelId).toBe(`D${alice.slice(1)}`)
    expect(await records.list('asked/')).toEqual([])
  })
})

describe('a question that is edited after its answer started', () => {
  const offered = () =>
    slack.state.messages.find(({ blocks }) => JSON.stringify(blocks).includes(chatWording.answerNewQuestion))
  const change = (channel: string, slackMessage: { ts: string; thread?: string }, text: string) => {
    const message = {
      type: 'message',
      user: alice,
      ts: slackMessage.ts,
      text,
      ...(slackMessage.thread && { thread_ts: slackMessage.thread }),
    }
    const type = channel.startsWith('D') ? 'im' : 'channel'
    return slack.event({
      type: 'message',
      subtype: 'message_changed',
      hidden: true,
      channel,
      channel_type: type,
      ts: slack.state.nextTs(),
      message,
      previous_message: { ...message, text: 'before' },
    })
  }

  it.each([
    ['in a channel', general, false],
    ['in a thread', general, true],
    ['in a direct chat', `D${alice.slice(1)}`, false],
    ['in a thread of a direct chat', `D${alice.slice(1)}`, true],
  ])('%s gets the offer of a new answer, where its author sees it', async (_, channel, inThread) => {
    await open(settingsFor(slack, 'http'), { revise: async () => ({ kind: 'started', turnId: 'turn-1' }) })
    const thread = inThread ? (await slack.say({ channel, text: 'The root.' })).ts : undefined
    const { ts } = await slack.say({ channel, text: `<@${bot.user}> before`, thread: thread ? thread : undefined })
    await change(channel, { ts, thread: thread ? thread : undefined }, `<@${bot.user}> after`)
    const offer = await slack.until(offered, 'the offer')
    expect(offer.channel).toBe(channel)
    // In the agent view each question begins a thread; in a channel nobody would see a whisper in a thread without replies.
    expect(offer.thread_ts).toBe(thread ?? (channel.startsWith('D') ? ts : undefined))
    expect(JSON.stringify(offer.blocks)).toContain('regenerate:turn-1')
  })
})

describe('a command', () => {
  const typed = (text: string) =>
    slack.form({
      command: '/parley',
      text,
      user_id: alice,
      user_name: 'alice',
      channel_id: general,
      channel_name: 'general',
    })

  it('that takes long is acknowledged first, and answered when it is done', async () => {
    const { promise, resolve } = Promise.withResolvers<Notice>()
    await open(settingsFor(slack, 'http'), { command: () => promise })
    const acknowledged = await typed('usage')
    expect(acknowledged).toMatchObject({ status: 200, body: '' })
    expect(acknowledged.ms).toBeLessThan(3000)
    resolve({
      text: 'Here it is.',
      private: true,
      files: [{ name: 'chart.svg', mediaType: 'image/svg+xml', data: Buffer.from('<svg/>') }],
    })
    const [answer] = await slack.until(() => slack.state.responses.length > 0 && slack.state.responses, 'the answer')
    expect(answer).toMatchObject({ response_type: 'ephemeral', text: 'Here it is.' })
    const file = await slack.until(
      () => [...slack.state.files.values()].find(({ shares }) => shares.length > 0),
      'the chart',
    )
    expect(file).toMatchObject({ name: 'chart.svg', shares: [{ channel: `D${alice.slice(1)}` }] })
  })

  it('that fails says why, and none is lost while the database is down', async () => {
    let away = true
    const command = async () => {
      throw away
        ? new ParleyError('database_unreachable', 'Away.')
        : new ParleyError('command_invalid', 'There is no such budget.')
    }
    await open(settingsFor(slack, 'http'), { command })
    expect((await typed('usage')).status).toBe(500)
    away = false
    expect((await typed('usage')).body).toContain('There is no such budget.')
  })
})
