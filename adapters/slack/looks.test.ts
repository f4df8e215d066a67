/**
 * Answers as Slack gets them, to be read by people: test/fixtures/slack-answers. Each is what the simulated Slack accepts.
 * After a change that is meant, `vitest run adapters/slack/looks.test.ts -u` writes them again.
 */
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import { split } from '../../src/reply/split.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { budgetWording } from '../../src/wording/commands-money.ts'
import { bulleted } from '../../src/wording/phrases.ts'
import { answers, longAnswer, messageOf, messagesOf, pageOf, turnId } from '../../test/fakes/answers.ts'
import { helpOf } from '../../test/fakes/help.ts'
import { checkBlocks } from '../../test/servers/slack-blocks.ts'
import { open, rig, startSlackForEach, typed } from '../../test/servers/slack-listener.ts'
import { alice, settingsFor } from '../../test/servers/slack-rig.ts'
import { team } from '../../test/servers/slack-state.ts'
import { contentsOf, replyChars, tail } from './format.ts'
import { createSlack } from './platform.ts'

const file = (name: string) => `../../test/fixtures/slack-answers/${name}.md`

/** A message: its Markdown, which Slack draws, then everything around it. */
function shown(message: OutgoingMessage): string {
  const [{ text, blocks }] = contentsOf(message.text, message.citations, tail(message))
  checkBlocks(blocks)
  const [body, ...under] = blocks
  return pageOf(String(body?.text), { notification: text, blocks: under })
}

describe('an answer in Slack', () => {
  it.each(Object.entries(answers))('that is %s', async (name, answer) => {
    await expect(shown(messageOf(answer))).toMatchFileSnapshot(file(name))
  })

  it('that is long is several messages, the last with its controls', async () => {
    const texts = split(`${longAnswer}\n\n${longAnswer}`, replyChars)
    expect(texts.length).toBeGreaterThan(1)
    await expect(messagesOf(texts).map(shown).join('\n')).toMatchFileSnapshot(file('long-split'))
  })
})

describe('in Slack', () => {
  startSlackForEach()

  it('an answer in the agent view is a session with a title, and a stream', async () => {
    const { slack, records } = rig
    const settings = settingsFor(slack, 'http')
    const { transport } = createSlack({ settings, records, quota: createLocalQuota(), log: silentLog })
    const channel = `D${alice.slice(1)}`
    const ts = slack.state.nextTs()
    const question = { channel, ts, user: alice, text: 'go', blocks: [], tasks: new Map(), files: [], edits: 0 }
    slack.state.messages.push(question)
    const conversation = { platform: 'slack', workspaceId: team, channelId: channel, threadId: ts }
    const data = { team, channel, ts, user: alice, thread: ts, title: 'When does the contract end?', direct: true }
    const target = { conversation, data }
    const { signal } = new AbortController()
    const message = messageOf(answers['cited-with-links'])
    await transport.status(target, turnId, 'Answering', 'answering')
    const begun: OutgoingMessage = {
      ...message,
      text: 'The notice period is ',
      phase: 'streaming',
      end: undefined,
      citations: [],
    }
    const ref = await transport.post(target, begun, { key: 'k', signal })
    await transport.edit(target, ref, message, { signal })
    await transport.status(target, turnId, null, 'done')
    const ids = new Map([
      [ts, 'TS_OF_QUESTION'],
      [String((ref as { ts?: string }).ts), 'TS_OF_ANSWER'],
    ])
    const calls = slack.calls
      .filter(({ method }) => /^(?:chat|agents|assistant|reactions)\./.test(method))
      .map(({ method, args }) => ({ method, ...args }))
    const plain = JSON.stringify(calls, undefined, 2).replaceAll(/\d{10}\.\d{6}/g, (each) => ids.get(each) ?? each)
    expect(calls).toHaveLength(5)
    await expect(`\`\`\`json\n${plain}\n\`\`\`\n`).toMatchFileSnapshot(file('agent-view'))
  })

  const response = async (text: string) => {
    const { body } = await typed(text)
    const { blocks, ...around } = JSON.parse(body) as { blocks: { text?: unknown }[] }
    checkBlocks(blocks as never)
    const [first, ...under] = blocks
    const of = first?.text as string | { text: string }
    const words = typeof of === 'string' ? of : of.text
    return pageOf(words, { ...around, blocks: under })
  }

  it('the answer to a command is for its author alone', async () => {
    const state = { amount: 20_000_000_000n, extra: 0n, spent: 12_340_000_000n, reserved: 0n, left: 7_660_000_000n }
    const line = (who: string, period: 'day' | 'month') =>
      budgetWording.line(who, { ...state, period } as never, 'Tuesday, 1 December, 00:00 (UTC)')
    const text = bulleted([line('this channel', 'month'), line(`<@${alice}>`, 'day')])
    await open(settingsFor(rig.slack, 'http'), { command: async () => ({ text }) })
    await expect(await response('budget list')).toMatchFileSnapshot(file('command'))
  })

  it('help says first how to ask', async () => {
    await open(settingsFor(rig.slack, 'http'), { command: () => helpOf() })
    await expect(await response('help')).toMatchFileSnapshot(file('help'))
  })
})
