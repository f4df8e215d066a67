import { describe, expect, it } from 'vitest'
import type { CommandSpec, Notice } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { general, open, press, rig, startSlackForEach, typed as type } from '../../test/servers/slack-listener.ts'
import { alice, settingsFor } from '../../test/servers/slack-rig.ts'
import { isQuestion, typed } from './commands.ts'

startSlackForEach()

const spec = (name: string): CommandSpec => ({ name, summary: '', role: 'member', args: [], examples: [] })
const table = [spec('budget set'), spec('usage'), spec('help')]

describe('text after /parley', () => {
  it.each([
    ['roles set <@U123ABC|alice> admin', 'roles set <@U123ABC> admin'],
    ['budget set <#C123ABC|general> 20', 'budget set <#C123ABC> 20'],
    ['templates save x see <https://a.b/c|a.b> &amp; &lt;that&gt;', 'templates save x see https://a.b/c & <that>'],
    ['   ', ''],
  ])('%j is read as %j', (text, expected) => {
    expect(typed(text)).toBe(expected)
  })

  it.each([
    ['budget set channel 20 month', false],
    ['usage', false],
    ['bugdet set 20', false],
    ['what does the report say about rain', true],
    ['why?', true],
    ['help me', false],
  ])('%j: a question? %s', (text, question) => {
    expect(isQuestion(text, table)).toBe(question)
  })
})

describe('a command', () => {
  it('that takes long is acknowledged first, and answered when it is done', async () => {
    const { promise, resolve } = Promise.withResolvers<Notice>()
    await open(settingsFor(rig.slack, 'http'), { command: () => promise })
    const acknowledged = await type('usage')
    expect(acknowledged).toMatchObject({ status: 200, body: '' })
    resolve({
      text: 'Here it is.',
      private: true,
      files: [{ name: 'chart.svg', mediaType: 'image/svg+xml', data: Buffer.from('<svg/>') }],
    })
    const [answer] = await rig.slack.until(
      () => rig.slack.state.responses.length > 0 && rig.slack.state.responses,
      'the answer',
    )
    expect(answer).toMatchObject({ response_type: 'ephemeral', text: 'Here it is.' })
    const file = await rig.slack.until(
      () => [...rig.slack.state.files.values()].find(({ shares }) => shares.length > 0),
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
    await open(settingsFor(rig.slack, 'http'), { command })
    expect((await type('usage')).status).toBe(500)
    away = false
    expect((await type('usage')).body).toContain('There is no such budget.')
  })

  it.each([undefined, false, true])('is answered to its author alone (private: %s)', async (hidden) => {
    await open(settingsFor(rig.slack, 'http'), { command: async () => ({ text: 'So it is.', private: hidden }) })
    for (const text of ['help usage', 'usage', 'persona language German'])
      expect(JSON.parse((await type(text)).body)).toMatchObject({ response_type: 'ephemeral', text: 'So it is.' })
    expect(rig.slack.replies(general)).toEqual([])
  })

  it.each(['', 'help', 'Help'])('for help says how to ask, before the commands: "%s"', async (text) => {
    await open(settingsFor(rig.slack, 'http'), { command: async () => ({ text: 'All commands.' }) })
    const { blocks } = JSON.parse((await type(text)).body)
    expect(blocks).toMatchObject([{ type: 'markdown', text: `${slackWording.howToAsk}\n\nAll commands.` }])
  })

  const noCommand = { text: 'There is no such command.', private: true, failed: true } as const
  const elements = (body: string) =>
    (JSON.parse(body).blocks as { elements?: { action_id: string; value: string }[] }[]).flatMap(
      (each) => each.elements ?? [],
    )

  it.each(['summarise this', 'why is the sky blue', 'usage of energy in 2024?', 'budget set aside for trains?'])(
    'that is none is offered as a question, and the button asks it: %s',
    async (text) => {
      await open(settingsFor(rig.slack, 'http'), { command: async () => noCommand })
      const { body } = await type(text)
      const [ask] = elements(body)
      expect(ask).toMatchObject({ action_id: 'parley:ask-typed', value: text })
      await press('', { actions: [{ type: 'button', action_id: ask?.action_id, block_id: 'b', value: ask?.value }] })
      await rig.slack.until(() => rig.received.length === 1, 'the question')
      expect(rig.received[0]).toMatchObject({ text, kind: 'command', conversation: { channelId: general } })
      const told = await rig.slack.until(() => rig.slack.state.responses.at(-1), 'the notice')
      expect(told).toMatchObject({ replace_original: true, text: slackWording.answeringInThread })
    },
  )

  it.each(['usag', 'budget set 20 for them', 'budget list'])('that only fails is not: %s', async (text) => {
    await open(settingsFor(rig.slack, 'http'), { command: async () => noCommand })
    expect(elements((await type(text)).body)).toEqual([])
  })

  it('with a question pings nobody, neither people nor groups', async () => {
    await open(settingsFor(rig.slack, 'http'))
    await type('what do <@U0BOB00001|bob> and <!subteam^S0ONCALL1|@oncall> and <!channel> think of this')
    const [posted] = rig.slack.replies(general)
    expect(posted?.text).toBe(slackWording.asked('Alice', 'what do @bob and @oncall and @\u200bchannel think of this'))
    expect(rig.slack.calls.find(({ method }) => method === 'chat.postMessage')?.args).toMatchObject({ parse: 'none' })
  })
})
