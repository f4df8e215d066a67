/** Slack's events other than messages: installation, removal, dialogs, the Home tab, approvals, Socket Mode reconnects. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Action } from '../../src/core/action.ts'
import type { CommandSpec, Notice } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { silentLog } from '../../src/core/log.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota-local.ts'
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
const spec = (name: string): CommandSpec => ({ name, summary: '', role: 'member', args: [], examples: [name] })
const table = ['usage', 'why', 'budget set', 'budget list', 'persona show', 'limits show', 'models list'].map(spec)

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
    commands: table,
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

  it('of an app with token rotation keeps what is needed to renew its token', async () => {
    slack.options.rotationSeconds = 43_200
    await install()
    expect(records.peek(`installation/${team}`)).toMatchObject({
      token: 'xoxe.xoxb-1',
      refreshToken: 'xoxe-1-1',
      expiresAt: expect.closeTo(Date.now() / 1000 + 43_200, -2),
    })
  })

  const { pages } = slackWording
  it('ends with a page that names the workspace and leads back to Slack', async () => {
    const { page } = await install()
    const html = await page.text()
    expect(html).toContain(pages.installed('Acme'))
    expect(html).toContain('href="slack://app?team=T0PARLEY01&amp;id=A0PARLEY01"')
  })

  it.each([
    ['without the state that Parley issued is refused', 'code=stand-in-code&state=forged', 400, pages.stale],
    ['that the person cancels is no failure', 'error=access_denied&state=x', 200, pages.canceled],
    ['that Slack breaks off says so', 'error=server_error&state=x', 400, pages.stale],
  ])('%s', async (_, query, status, title) => {
    const { url } = await open(settings('http://127.0.0.1:1'))
    const page = await fetch(`${url}/slack/oauth_redirect?${query}`)
    expect(page.status).toBe(status)
    const html = await page.text()
    expect(html).toContain(title)
    expect(html).toContain('href="/slack/install"')
    expect(html).not.toContain('slack_oauth')
    expect(records.peek(`installation/${team}`)).toBeUndefined()
  })

  it('that Slack does not finish is a page with what to do', async () => {
    slack.options.without = { 'oauth.v2.access': 'internal_error' }
    const { page } = await install()
    expect(page.status).toBe(502)
    expect(await page.text()).toContain(pages.failed)
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

  const openHome = () =>
    slack.event({ type: 'app_home_opened', user: alice, channel: 'D0ALICE001', tab: 'home', event_ts: '1.0' })
  const home = () => slack.state.views.filter(({ kind }) => kind === 'home')

  it('sees usage, settings and limits in the Home tab, and the result of its buttons', async () => {
    await open(settingsFor(slack, 'http'))
    await openHome()
    const [shown] = await slack.until(() => home().length === 1 && home(), 'the Home tab')
    const words = JSON.stringify(shown)
    for (const [command, heading] of Object.entries(slackWording.home.headings)) {
      expect(words).toContain(heading)
      expect(words).toContain(`${command}: 3 of 10 questions`)
    }
    expect(words).not.toContain('models list')
    expect(words).not.toContain(slackWording.home.recent)
    await press('command:usage', { view: { type: 'home', id: 'V0' }, channel: undefined, message: undefined })
    await slack.until(() => home().length === 2, 'the new Home tab')
    expect(acted).toMatchObject([{ kind: 'command', text: 'usage', by: { id: alice } }])
  })

  it('sees in the Home tab what has an answer, not what failed', async () => {
    const command = async ({ text }: { text: string }): Promise<Notice> =>
      text === 'limits show' ? { text: 'The database is away.', failed: true } : { text }
    await open(settingsFor(slack, 'http'), { command })
    await openHome()
    const [shown] = await slack.until(() => home().length === 1 && home(), 'the Home tab')
    expect(JSON.stringify(shown)).not.toContain('The database is away.')
    expect(JSON.stringify(shown)).not.toContain(slackWording.home.headings['limits show'])
  })

  it('finds their latest conversations in the Home tab, each once, with links, and nobody else does', async () => {
    await open(settingsFor(slack, 'http'))
    const first = await slack.say({ channel: general, text: `<@${bot.user}> Where is the *key*?` })
    await slack.say({ channel: 'D0ALICE001', text: 'Only for me' })
    await slack.say({ channel: general, user: 'U0OWNER001', text: `<@${bot.user}> Something of Olga` })
    const { ts } = await slack.say({ channel: general, text: `<@${bot.user}> The newest` })
    await openHome()
    const [shown] = await slack.until(() => home().length === 1 && home(), 'the Home tab')
    const words = JSON.stringify(shown)
    const link = (at: string) => `<https://acme.slack.com/archives/${general}/p${at.replace('.', '')}|`
    expect(words).toContain(`${link(ts)}The newest>`)
    expect(words).toContain(`${link(first.ts)}Where is the`)
    expect(words.indexOf('The newest')).toBeLessThan(words.indexOf('Only for me'))
    expect(words).not.toContain('Olga')
    expect(words).not.toContain('<#D0ALICE001>')
  })

  it('gets the suggested prompts of the messages tab from the manifest, without a call', async () => {
    await open(settingsFor(slack, 'http'))
    await slack.event({ type: 'app_home_opened', user: alice, channel: 'D0ALICE001', tab: 'messages', event_ts: '1.0' })
    await openHome()
    await slack.until(() => home().length === 1, 'the Home tab')
    expect(slack.state.prompts).toEqual([])
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

  async function askAbout(channel: string, where: 'direct' | 'thread', files: object[] = []) {
    await slack.interact({
      type: 'message_action',
      callback_id: 'parley_ask_about',
      user: { id: alice },
      channel: { id: channel },
      message_ts: '5.0',
      message: { type: 'message', user: 'U0BOB00001', ts: '5.0', text: 'The *server* is down', files },
    })
    const [dialog] = await slack.until(() => slack.state.views.length > 0 && slack.state.views, 'a dialog')
    return await submit('parley_ask', String(dialog?.view.private_metadata), {
      question: { question: { type: 'plain_text_input', value: 'Why?' } },
      where: { where: { type: 'radio_buttons', selected_option: { value: where } } },
    })
  }

  it('"Ask Parley about this" asks about the message and its files, and answers privately', async () => {
    await open(settingsFor(slack, 'http'))
    const file = slack.addFile({ name: 'log.txt', mimetype: 'text/plain', content: Buffer.from('x') })
    await askAbout(general, 'direct', [slack.fileRecord(file)])
    expect(received).toMatchObject([
      { text: 'Why?', kind: 'command', private: true, attachments: [{ name: 'log.txt' }] },
    ])
    expect(received[0]?.quoted).toContain('The **server** is down')
    expect(received[0]?.conversation.channelId).toBe(`D${alice.slice(1)}`)
    expect(await records.list('asked/')).toEqual([])
  })

  it('"Ask Parley about this" answers in the thread where Parley may write', async () => {
    await open(settingsFor(slack, 'http'))
    expect((await askAbout(general, 'thread')).body).toBe('')
    expect(received).toMatchObject([{ conversation: { channelId: general, threadId: '5.0' } }])
  })

  const { dialog } = slackWording
  it.each([
    ['it is not in the channel', 'CNOTIN0001', undefined, dialog.notThere],
    ['the chat is between others', 'D0OTHERS01', undefined, dialog.notThere],
    ['the channel is archived', general, 'is_archived', dialog.archived],
    ['only some people may post', general, 'restricted_action_read_only_channel', dialog.readOnly],
  ])('"Ask Parley about this" says in the dialog, before a model is paid, that %s', async (_, channel, code, why) => {
    await open(settingsFor(slack, 'http'))
    if (code !== undefined) slack.state.closed.set(channel, code)
    const { body } = await askAbout(channel, 'thread')
    expect(JSON.parse(body)).toEqual({ response_action: 'errors', errors: { where: why } })
    expect(received).toEqual([])
    // The dialog is still open: the same question in a direct message is asked.
    const [open_] = slack.state.views
    await submit('parley_ask', String(open_?.view.private_metadata), {
      where: { where: { type: 'radio_buttons', selected_option: { value: 'direct' } } },
    })
    expect(received).toMatchObject([{ private: true }])
  })

  it('"Ask Parley about this" goes on if Slack does not describe the channel', async () => {
    await open(settingsFor(slack, 'http'))
    slack.options.without = { 'conversations.info': 'internal_error' }
    await askAbout(general, 'thread')
    expect(received).toHaveLength(1)
  })

  it.each([
    ['regenerate:turn-1', { kind: 'regenerate', turnId: 'turn-1' }],
    ['why:turn-1', { kind: 'why', turnId: 'turn-1' }],
  ])('a line of the menu under an answer does %s', async (value, action) => {
    await open(settingsFor(slack, 'http'))
    const chosen = { type: 'overflow', action_id: 'parley:more', selected_option: { value } }
    await press('', { actions: [chosen] })
    expect(acted).toMatchObject([action])
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
    expect(offer.thread_ts).toBe(thread)
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

  it.each([undefined, false, true])('is answered to its author alone (private: %s)', async (hidden) => {
    await open(settingsFor(slack, 'http'), { command: async () => ({ text: 'So it is.', private: hidden }) })
    for (const text of ['help', 'usage', 'persona language German'])
      expect(JSON.parse((await typed(text)).body)).toMatchObject({ response_type: 'ephemeral', text: 'So it is.' })
    expect(slack.replies(general)).toEqual([])
  })

  const noCommand = { text: 'There is no such command.', private: true, failed: true } as const
  const elements = (body: string) =>
    (JSON.parse(body).blocks as { elements?: { action_id: string; value: string }[] }[]).flatMap(
      (each) => each.elements ?? [],
    )

  it.each(['summarise this', 'why is the sky blue', 'usage of energy in 2024?', 'budget set aside for trains?'])(
    'that is none is offered as a question, and the button asks it: %s',
    async (text) => {
      await open(settingsFor(slack, 'http'), { command: async () => noCommand })
      const { body } = await typed(text)
      const [ask] = elements(body)
      expect(ask).toMatchObject({ action_id: 'parley:ask-typed', value: text })
      await press('', { actions: [{ type: 'button', action_id: ask?.action_id, block_id: 'b', value: ask?.value }] })
      await slack.until(() => received.length === 1, 'the question')
      expect(received[0]).toMatchObject({ text, kind: 'command', conversation: { channelId: general } })
      const told = await slack.until(() => slack.state.responses.at(-1), 'the notice')
      expect(told).toMatchObject({ replace_original: true, text: slackWording.answeringInThread })
    },
  )

  it.each(['usag', 'budget set 20 for them', 'budget list'])('that only fails is not: %s', async (text) => {
    await open(settingsFor(slack, 'http'), { command: async () => noCommand })
    expect(elements((await typed(text)).body)).toEqual([])
  })

  it('with a question pings nobody, neither people nor groups', async () => {
    await open(settingsFor(slack, 'http'))
    await typed('what do <@U0BOB00001|bob> and <!subteam^S0ONCALL1|@oncall> and <!channel> think of this')
    const [posted] = slack.replies(general)
    expect(posted?.text).toBe(slackWording.asked(alice, 'what do bob and oncall and channel think of this'))
    expect(slack.calls.find(({ method }) => method === 'chat.postMessage')?.args).toMatchObject({ parse: 'none' })
  })
})
