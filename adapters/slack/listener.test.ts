/** Slack's events other than messages: installation, removal, dialogs, the Home tab, approvals. */
import { describe, expect, it } from 'vitest'
import { createTable, type TableDeps } from '../../src/admin/commands.ts'
import { parseLine } from '../../src/admin/parse.ts'
import type { Notice } from '../../src/core/command.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { general, open, press, rig, startSlackForEach, submit, typed } from '../../test/servers/slack-listener.ts'
import { alice, settingsFor } from '../../test/servers/slack-rig.ts'
import { bot, team } from '../../test/servers/slack-state.ts'
import type { SlackSettings } from './settings.ts'

startSlackForEach()

describe('an installation', () => {
  const oauth = { clientId: 'client', clientSecret: 'client-secret' }
  const settings = (url: string): SlackSettings => ({
    signingSecret: rig.slack.signingSecret,
    apiUrl: rig.slack.apiUrl,
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
    expect(rig.records.peek(`installation/${team}`)).toMatchObject({
      token: 'xoxb-installed-token',
      botUserId: bot.user,
    })
    await rig.slack.say({ channel: general, text: `<@${bot.user}> hello`, mention: true })
    expect(rig.received.length).toBeGreaterThan(0)
    expect(rig.slack.calls.some(({ method }) => method === 'users.info')).toBe(true)
  })

  it('of an app with token rotation keeps what is needed to renew its token', async () => {
    rig.slack.options.rotationSeconds = 43_200
    await install()
    expect(rig.records.peek(`installation/${team}`)).toMatchObject({
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
    expect(rig.records.peek(`installation/${team}`)).toBeUndefined()
  })

  it('that Slack does not finish is a page with what to do', async () => {
    rig.slack.options.without = { 'oauth.v2.access': 'internal_error' }
    const { page } = await install()
    expect(page.status).toBe(502)
    expect(await page.text()).toContain(pages.failed)
  })

  it.each([{ type: 'app_uninstalled' }, { type: 'tokens_revoked', tokens: { bot: [bot.user] } }])(
    'is deleted by $type, and later events are ignored',
    async (event) => {
      await install()
      expect((await rig.slack.event({ ...event, event_ts: '1.0' })).status).toBe(200)
      expect(rig.records.peek(`installation/${team}`)).toBeUndefined()
      expect(
        (
          await rig.slack.event({
            type: 'app_mention',
            user: alice,
            channel: general,
            ts: '9.0',
            text: `<@${bot.user}> hi`,
          })
        ).status,
      ).toBe(200)
      expect(rig.received).toEqual([])
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
    await open(settingsFor(rig.slack, 'http'))
    await rig.slack.say({ channel: general, user, text: `<@${bot.user}> hello` })
    expect(rig.received[0]?.author).toMatchObject({ id: user, membership })
    expect(rig.received[0]?.locale).toBe('en-US')
  })

  const openHome = () =>
    rig.slack.event({ type: 'app_home_opened', user: alice, channel: 'D0ALICE001', tab: 'home', event_ts: '1.0' })
  const home = () => rig.slack.state.views.filter(({ kind }) => kind === 'home')

  it('sees usage, settings and limits in the Home tab, and the result of its buttons', async () => {
    await open(settingsFor(rig.slack, 'http'))
    await openHome()
    const [shown] = await rig.slack.until(() => home().length === 1 && home(), 'the Home tab')
    const words = JSON.stringify(shown)
    for (const [command, heading] of Object.entries(slackWording.home.headings)) {
      expect(words).toContain(heading)
      expect(words).toContain(`${command}: 3 of 10 questions`)
    }
    expect(words).not.toContain('models list')
    expect(words).not.toContain(slackWording.home.recent)
    await press('command:usage', { view: { type: 'home', id: 'V0' }, channel: undefined, message: undefined })
    await rig.slack.until(() => home().length === 2, 'the new Home tab')
    expect(rig.acted).toMatchObject([{ kind: 'command', text: 'usage', by: { id: alice } }])
  })

  it('finds in the Home tab and in help only commands that exist, written as they are typed', () => {
    const texts = [slackWording.home.change, slackWording.howToAsk].join(' ')
    const lines = [...texts.matchAll(/`\/parley ([^`]+)`/g)].map(([, line = '']) => line)
    const table = createTable({} as TableDeps)
    const commands = lines.filter((line) => !line.endsWith('?'))
    expect(commands.length).toBeGreaterThanOrEqual(2)
    for (const line of commands) expect(parseLine(line, table).command.name).not.toBe('')
    for (const name of Object.keys(slackWording.home.headings)) expect(table.map((each) => each.name)).toContain(name)
  })

  it('sees in the Home tab what has an answer, not what failed', async () => {
    const command = async ({ text }: { text: string }): Promise<Notice> =>
      text === 'limits show' ? { text: 'The database is away.', failed: true } : { text }
    await open(settingsFor(rig.slack, 'http'), { command })
    await openHome()
    const [shown] = await rig.slack.until(() => home().length === 1 && home(), 'the Home tab')
    expect(JSON.stringify(shown)).not.toContain('The database is away.')
    expect(JSON.stringify(shown)).not.toContain(slackWording.home.headings['limits show'])
  })

  it('finds their latest conversations in the Home tab, each once, with links, and nobody else does', async () => {
    await open(settingsFor(rig.slack, 'http'))
    const first = await rig.slack.say({ channel: general, text: `<@${bot.user}> Where is the *key*?` })
    await rig.slack.say({ channel: 'D0ALICE001', text: 'Only for me' })
    await rig.slack.say({ channel: general, user: 'U0OWNER001', text: `<@${bot.user}> Something of Olga` })
    const { ts } = await rig.slack.say({ channel: general, text: `<@${bot.user}> The newest` })
    await openHome()
    const [shown] = await rig.slack.until(() => home().length === 1 && home(), 'the Home tab')
    const words = JSON.stringify(shown)
    const link = (at: string) => `<https://acme.slack.com/archives/${general}/p${at.replace('.', '')}|`
    expect(words).toContain(`${link(ts)}The newest>`)
    expect(words).toContain(`${link(first.ts)}Where is the`)
    expect(words.indexOf('The newest')).toBeLessThan(words.indexOf('Only for me'))
    expect(words).not.toContain('Olga')
    expect(words).not.toContain('<#D0ALICE001>')
  })

  it('gets the suggested prompts of the messages tab from the manifest, without a call', async () => {
    await open(settingsFor(rig.slack, 'http'))
    await rig.slack.event({
      type: 'app_home_opened',
      user: alice,
      channel: 'D0ALICE001',
      tab: 'messages',
      event_ts: '1.0',
    })
    await openHome()
    await rig.slack.until(() => home().length === 1, 'the Home tab')
    expect(rig.slack.state.prompts).toEqual([])
  })
})

describe('buttons and dialogs', () => {
  it('"Bad answer" is recorded at once, and again with the reason', async () => {
    await open(settingsFor(rig.slack, 'http'))
    await press('bad:turn-1')
    const [dialog] = await rig.slack.until(() => rig.slack.state.views.length > 0 && rig.slack.state.views, 'a dialog')
    expect(dialog?.view).toMatchObject({ callback_id: 'parley_feedback', private_metadata: 'turn-1' })
    await submit('parley_feedback', 'turn-1', {
      reason: { reason: { type: 'plain_text_input', value: 'Page 4 is missing.' } },
    })
    expect(rig.acted).toMatchObject([
      { kind: 'bad', turnId: 'turn-1' },
      { kind: 'bad', turnId: 'turn-1', comment: 'Page 4 is missing.' },
    ])
  })

  it('an approved request says who approved it, and loses its buttons', async () => {
    const approved: Notice = { text: 'The question is answered now.' }
    await open(settingsFor(rig.slack, 'http'), { act: async () => ({ notice: approved }) })
    await press('approve:a1')
    const [replaced, told] = await rig.slack.until(
      () => rig.slack.state.responses.length === 2 && rig.slack.state.responses,
      'both answers',
    )
    expect(replaced).toMatchObject({ replace_original: true, blocks: [{ type: 'section' }, { type: 'context' }] })
    expect(JSON.stringify(replaced)).toContain(`${slackWording.approvedBy} <@${alice}>`)
    expect(told).toMatchObject({ response_type: 'ephemeral', replace_original: false })
  })

  async function askAbout(channel: string, where: 'direct' | 'thread', files: object[] = []) {
    await rig.slack.interact({
      type: 'message_action',
      callback_id: 'parley_ask_about',
      user: { id: alice },
      channel: { id: channel },
      message_ts: '5.0',
      message: { type: 'message', user: 'U0BOB00001', ts: '5.0', text: 'The *server* is down', files },
    })
    const [dialog] = await rig.slack.until(() => rig.slack.state.views.length > 0 && rig.slack.state.views, 'a dialog')
    return await submit('parley_ask', String(dialog?.view.private_metadata), {
      question: { question: { type: 'plain_text_input', value: 'Why?' } },
      where: { where: { type: 'radio_buttons', selected_option: { value: where } } },
    })
  }

  it('"Ask Parley about this" asks about the message and its files, and answers privately', async () => {
    await open(settingsFor(rig.slack, 'http'))
    const file = rig.slack.addFile({ name: 'log.txt', mimetype: 'text/plain', content: Buffer.from('x') })
    await askAbout(general, 'direct', [rig.slack.fileRecord(file)])
    expect(rig.received).toMatchObject([
      { text: 'Why?', kind: 'command', private: true, attachments: [{ name: 'log.txt' }] },
    ])
    expect(rig.received[0]?.quoted).toContain('The **server** is down')
    expect(rig.received[0]?.conversation.channelId).toBe(`D${alice.slice(1)}`)
    expect(await rig.records.list('asked/')).toEqual([])
  })

  it('"Ask Parley about this" answers in the thread where Parley may write', async () => {
    await open(settingsFor(rig.slack, 'http'))
    expect((await askAbout(general, 'thread')).body).toBe('')
    expect(rig.received).toMatchObject([{ conversation: { channelId: general, threadId: '5.0' } }])
  })

  it('is a direct question where Parley and the asker are alone: in the thread of a direct message, and by /parley', async () => {
    await open(settingsFor(rig.slack, 'http'))
    const direct = `D${alice.slice(1)}`
    rig.slack.state.channels.set(direct, { name: '', direct: alice })
    expect((await askAbout(direct, 'thread')).body).toBe('')
    const who = { user_id: alice, user_name: 'alice' }
    const where = { channel_id: direct, channel_name: 'directmessage' }
    await rig.slack.form({ command: '/parley', text: 'what is the plan for today?', ...who, ...where })
    await typed('what is the plan for today?')
    expect(rig.received).toMatchObject([{ kind: 'direct' }, { kind: 'direct' }, { kind: 'command' }])
    expect(rig.received.map((message) => message.private)).toEqual([undefined, undefined, undefined])
  })

  const { dialog } = slackWording
  it.each([
    ['it is not in the channel', 'CNOTIN0001', undefined, dialog.notThere],
    ['the chat is between others', 'D0OTHERS01', undefined, dialog.notThere],
    ['the channel is archived', general, 'is_archived', dialog.archived],
    ['only some people may post', general, 'restricted_action_read_only_channel', dialog.readOnly],
  ])('"Ask Parley about this" says in the dialog, before a model is paid, that %s', async (_, channel, code, why) => {
    await open(settingsFor(rig.slack, 'http'))
    if (code !== undefined) rig.slack.state.closed.set(channel, code)
    const { body } = await askAbout(channel, 'thread')
    expect(JSON.parse(body)).toEqual({ response_action: 'errors', errors: { where: why } })
    expect(rig.received).toEqual([])
    // The dialog is still open: the same question in a direct message is asked.
    const [open_] = rig.slack.state.views
    await submit('parley_ask', String(open_?.view.private_metadata), {
      where: { where: { type: 'radio_buttons', selected_option: { value: 'direct' } } },
    })
    expect(rig.received).toMatchObject([{ private: true }])
  })

  it('"Ask Parley about this" goes on if Slack does not describe the channel', async () => {
    await open(settingsFor(rig.slack, 'http'))
    rig.slack.options.without = { 'conversations.info': 'internal_error' }
    await askAbout(general, 'thread')
    expect(rig.received).toHaveLength(1)
  })

  it.each([
    ['regenerate:turn-1', { kind: 'regenerate', turnId: 'turn-1' }],
    ['why:turn-1', { kind: 'why', turnId: 'turn-1' }],
  ])('a line of the menu under an answer does %s', async (value, action) => {
    await open(settingsFor(rig.slack, 'http'))
    const chosen = { type: 'overflow', action_id: 'parley:more', selected_option: { value } }
    await press('', { actions: [chosen] })
    expect(rig.acted).toMatchObject([action])
  })
})

describe('a question that is edited after its answer started', () => {
  const offered = () =>
    rig.slack.state.messages.find(({ blocks }) => JSON.stringify(blocks).includes(chatWording.answerNewQuestion))
  const change = (channel: string, slackMessage: { ts: string; thread?: string }, text: string) => {
    const message = {
      type: 'message',
      user: alice,
      ts: slackMessage.ts,
      text,
      ...(slackMessage.thread && { thread_ts: slackMessage.thread }),
    }
    const type = channel.startsWith('D') ? 'im' : 'channel'
    return rig.slack.event({
      type: 'message',
      subtype: 'message_changed',
      hidden: true,
      channel,
      channel_type: type,
      ts: rig.slack.state.nextTs(),
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
    await open(settingsFor(rig.slack, 'http'), { revise: async () => ({ kind: 'started', turnId: 'turn-1' }) })
    const thread = inThread ? (await rig.slack.say({ channel, text: 'The root.' })).ts : undefined
    const { ts } = await rig.slack.say({ channel, text: `<@${bot.user}> before`, thread: thread ? thread : undefined })
    await change(channel, { ts, thread: thread ? thread : undefined }, `<@${bot.user}> after`)
    const offer = await rig.slack.until(offered, 'the offer')
    expect(offer.channel).toBe(channel)
    // In the agent view each question begins a thread; in a channel nobody would see a whisper in a thread without replies.
    expect(offer.thread_ts).toBe(thread ?? (channel.startsWith('D') ? ts : undefined))
    expect(JSON.stringify(offer.blocks)).toContain('regenerate:turn-1')
  })
})
