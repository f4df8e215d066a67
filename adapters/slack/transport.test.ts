/** What people see when Slack refuses a part of an answer, or all of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { OutgoingMessage, Transport } from '../../src/core/platform.ts'
import { createReplyWriter } from '../../src/reply/reply-writer.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { memoryRecords } from '../../test/fakes/records.ts'
import { citation } from '../../test/fakes/source.ts'
import { startSlack } from '../../test/servers/slack.ts'
import { addPeople, alice, finished, settingsFor } from '../../test/servers/slack-rig.ts'
import { buttonsOf, shown, team } from '../../test/servers/slack-state.ts'
import type { SlackStandIn } from '../../test/servers/slack-types.ts'
import type { TargetData } from './events.ts'
import { createSlack } from './platform.ts'

const general = 'C0GENERAL1'
const direct = `D${alice.slice(1)}`
const { errors } = slackWording
const { signal } = new AbortController()

let slack: SlackStandIn
let platform: ReturnType<typeof createSlack>
let transport: Transport
let turns = 0

beforeEach(async () => {
  slack = await startSlack()
  addPeople(slack)
  const deps = { settings: settingsFor(slack, 'http'), records: memoryRecords(), quota: createLocalQuota() }
  platform = createSlack({ ...deps, log: silentLog })
  transport = platform.transport
})
afterEach(() => slack[Symbol.asyncDispose]())

/** A question that somebody asked, and where its answer goes. */
function asked(channel = general, more: Partial<TargetData> = {}) {
  const ts = slack.state.nextTs()
  const question = { channel, ts, user: alice, text: 'go', blocks: [], tasks: new Map(), files: [], edits: 0 }
  slack.state.messages.push(question)
  const thread = channel.startsWith('D') ? undefined : ts
  const data: TargetData = { team, channel, ts, user: alice, thread, title: 'go', ...more }
  if (thread === undefined) data.direct = true
  const conversation = { platform: 'slack', workspaceId: team, channelId: channel, threadId: thread }
  return { target: { conversation, data: JSON.parse(JSON.stringify(data)) }, ts, turnId: `turn-${++turns}` }
}

/** Writes a whole answer as a worker does: the first words, more of them, the end. */
async function answer(place: ReturnType<typeof asked>, text = 'One two three.', citations = [citation(1)]) {
  const { target, turnId } = place
  await transport.status(target, turnId, 'Answering', 'answering')
  const writer = createReplyWriter({
    ...{
      platform,
      target,
      turnId,
      signal,
      question: 'go',
      posted: [],
      otherReplies: () => 0,
      resuming: false,
      held: () => true,
    },
    store: { savePart: async () => undefined, removePart: async () => undefined },
  })
  writer.append(text.slice(0, 5))
  await slack.until(
    () =>
      slack.calls.some(
        ({ method, args }) =>
          /startStream|postMessage/.test(method) && args.channel === place.target.conversation.channelId,
      ),
    'the first words',
  )
  writer.append(text.slice(5))
  try {
    await writer.finish(text, citations, { state: 'done', receipt })
  } finally {
    await transport.status(target, turnId, null, 'done')
  }
}
const replies = ({ target }: ReturnType<typeof asked>) =>
  slack.replies(target.conversation.channelId, target.conversation.threadId)
const has = (args: Record<string, unknown>) => Array.isArray(args.blocks) && args.blocks.length > 0
const started = () => slack.calls.filter(({ method }) => method === 'chat.startStream')

describe('a stream that Slack refuses', () => {
  it.each(['invalid_thread_ts', 'missing_recipient_team_id', 'missing_recipient_user_id', 'streaming_mode_mismatch'])(
    'with %s is a message that grows, and the next answer streams',
    async (code) => {
      slack.options.without = { 'chat.startStream': code }
      const first = asked()
      await answer(first)
      expect(replies(first).map(({ streaming_state }) => streaming_state)).toEqual([undefined])
      expect(replies(first).every(finished)).toBe(true)
      slack.options.without = {}
      const second = asked()
      await answer(second)
      expect(replies(second).map(({ streaming_state }) => streaming_state)).toEqual(['completed'])
    },
  )

  it('because of its channel is not tried there again, but in others', async () => {
    const refuses = (method: string, { channel }: Record<string, unknown>) =>
      method === 'chat.startStream' && channel === general ? 'method_not_supported_for_channel_type' : undefined
    slack.options.refuses = refuses
    await answer(asked())
    await answer(asked())
    expect(started()).toHaveLength(1)
    const other = asked('C0OTHER001')
    await answer(other)
    expect(replies(other)[0]?.streaming_state).toBe('completed')
  })

  it('by a workspace without streaming is not tried again for a while', async () => {
    slack.options.without = { 'chat.startStream': 'unknown_method' }
    await answer(asked())
    await answer(asked('C0OTHER001'))
    expect(started()).toHaveLength(1)
  })

  it('is none for a colleague of an Enterprise organization: the id of a team is sent', async () => {
    await answer(asked(general, { userTeam: 'E0ORG00001' }))
    expect(started()[0]?.args.recipient_team_id).toBe(team)
    await answer(asked(general, { userTeam: 'T0OTHER001' }))
    expect(started()[1]?.args.recipient_team_id).toBe('T0OTHER001')
  })
})

it.each(['thread_not_found', 'is_archived'])(
  'a status refused with %s is shown again with the next question',
  async (code) => {
    const { target, turnId } = asked()
    slack.options.without = { 'agents.sessions.setStatus': code, 'assistant.threads.setStatus': code }
    await transport.status(target, turnId, 'Answering', 'answering')
    slack.options.without = {}
    const next = asked()
    await transport.status(next.target, next.turnId, 'Answering', 'answering')
    expect(slack.state.sessions.get(`${general}/${next.ts}`)).toBe('processing')
    expect(slack.state.statuses.get(`${general}/${next.ts}`)).toBe('is answering…')
  },
)

describe('an end that Slack refuses', () => {
  it('because of its blocks comes without them, and the session ends', async () => {
    const refuses = (method: string, args: Record<string, unknown>) =>
      /stopStream|chat\.update/.test(method) && has(args) ? 'invalid_blocks' : undefined
    slack.options.refuses = refuses
    const place = asked()
    await answer(place)
    const [reply, ...others] = replies(place)
    expect(others).toEqual([])
    expect(reply).toMatchObject({ streaming_state: 'completed', text: 'One two three.' })
    expect(slack.state.sessions.get(`${general}/${place.ts}`)).toBe('active')
  })

  it('with blocks and without ends the stream, and the text comes by an edit without blocks', async () => {
    const refuses = (method: string, args: Record<string, unknown>) =>
      (method === 'chat.stopStream' && args.chunks !== undefined) || (method === 'chat.update' && has(args))
        ? 'invalid_arguments'
        : undefined
    slack.options.refuses = refuses
    const place = asked()
    await answer(place, 'One *two* three [1].')
    expect(replies(place)).toHaveLength(1)
    expect(replies(place)[0]?.text).toBe('One _two_ three [1].\n\n[1] report.pdf, p. 3')
    expect(slack.state.sessions.get(`${general}/${place.ts}`)).toBe('active')
  })

  it('where messages do not stream is the text alone, without a Stop button', async () => {
    const refuses = (method: string, args: Record<string, unknown>) =>
      method === 'chat.startStream'
        ? 'unknown_method'
        : has(args) && method !== 'chat.postMessage'
          ? 'invalid_blocks'
          : undefined
    slack.options.refuses = refuses
    const place = asked(direct)
    await answer(place)
    expect(replies(place).map(({ text }) => text)).toEqual(['One two three.'])
    expect(replies(place).flatMap(buttonsOf)).toEqual([])
  })

  it.each(['edit_window_closed', 'cant_update_message'])(
    'because of %s is a new message, and the one with the first words goes',
    async (code) => {
      slack.options.without = { 'chat.update': code }
      const place = asked(direct)
      await answer(place)
      expect(replies(place).map(shown)).toEqual(['One two three.'])
      expect(replies(place).every(finished)).toBe(true)
      expect(
        replies(place)
          .flatMap(buttonsOf)
          .some((value) => value.startsWith('stop:')),
      ).toBe(false)
    },
  )

  it('of an edit that is too long for plain text is a new message with all of it', async () => {
    const refuses = (method: string, args: Record<string, unknown>) =>
      method === 'chat.startStream' ? 'unknown_method' : has(args) ? 'msg_blocks_too_long' : undefined
    slack.options.refuses = refuses
    const place = asked()
    const text = 'many words '.repeat(600).trim()
    await answer(place, text)
    expect(replies(place).map((reply) => reply.text)).toEqual([text])
  })
})

describe('a channel where Parley may not write', () => {
  it.each([
    ['restricted_action_read_only_channel', errors.readOnly],
    ['restricted_action_thread_locked', errors.threadLocked],
    ['is_archived', errors.archived],
    ['not_in_channel', errors.noAccess],
  ])('%s: the answer fails with its reason, and nothing of it is shown', async (code, sentence) => {
    slack.state.closed.set(general, code)
    const place = asked()
    await expect(answer(place)).rejects.toMatchObject({ code: 'platform_rejected', userMessage: sentence })
    expect(replies(place)).toEqual([])
    expect(slack.state.sessions.get(`${general}/${place.ts}`)).not.toBe('processing')
    expect(slack.state.statuses.size).toBe(0)
  })

  const notice = { text: 'Your answer could not be posted.', private: true }

  it('the asker is told where they asked, if only they see it there', async () => {
    const place = asked(general)
    await transport.tellAsker?.(place.target, notice, { key: 'k', signal })
    expect(slack.state.messages.filter(({ only }) => only === alice).map(shown)).toEqual([notice.text])
  })

  it.each(['is_archived', 'not_in_channel'])('the asker is told once in a direct message when %s', async (code) => {
    slack.state.closed.set(general, code)
    const { target } = asked(general)
    for (let tries = 0; tries < 2; tries += 1) await transport.tellAsker?.(target, notice, { key: 'k', signal })
    expect(slack.replies(direct).map(shown)).toEqual([notice.text])
  })
})

describe('the answer to a question that is gone', () => {
  it.each([
    ['after the post', false],
    ['before the stream', true],
  ])('never appears in the channel for everybody (%s)', async (_, streaming) => {
    if (!streaming) slack.options.without = { 'chat.startStream': 'unknown_method' }
    const place = asked()
    slack.state.deleted.add(`${general}/${place.ts}`)
    await expect(answer(place)).rejects.toMatchObject({ code: 'platform_rejected', userMessage: errors.threadGone })
    expect(slack.replies(general)).toEqual([])
  })
})

describe('a message at the limits of Slack', () => {
  const final = (text: string, citations: OutgoingMessage['citations']): OutgoingMessage => ({
    ...{
      turnId: 't',
      text,
      phase: 'final',
      citations,
      end: { state: 'done', receipt: { ...receipt, notices: ['n'.repeat(3000)] } },
    },
  })
  const cited = (count: number) =>
    Array.from({ length: count }, (_, at) => {
      const each = citation(at + 1, `a rather long name of a file ${at}.pdf`)
      return {
        ...each,
        source: { ...each.source, url: `https://acme.slack.com/files/U1/F${at}/${'x'.repeat(80)}.pdf` },
      }
    })

  it.each([1, 40, 400])('is taken whole with %i sources and a long receipt', async (count) => {
    const { target } = asked()
    const text = `${'word '.repeat(1500)}${cited(count)
      .map(({ n }) => `[${n}]`)
      .join('')}`
    const ref = await transport.post(target, final(text, cited(count)), { key: 'k', signal })
    await transport.edit(target, ref, final(text, cited(count)), { signal })
    expect(slack.calls.flatMap(({ error }) => error ?? [])).toEqual([])
    expect(slack.replies(general).map((reply) => shown(reply).replaceAll(/\]\(https[^)]*\)|\[(?=\[)/g, ''))).toEqual([
      expect.stringContaining('word word'),
    ])
  })
})

describe('what is under an answer', () => {
  const under = async (state: 'done' | 'failed' | 'stopped', more: object = {}) => {
    const place = asked()
    const end = { state, receipt: { ...receipt, ...more } }
    await transport.post(
      place.target,
      { turnId: 't', text: 'x', phase: 'final', citations: [], end },
      { key: 'k', signal },
    )
    return JSON.parse(JSON.stringify(replies(place)[0]?.blocks.at(-1)?.elements)) as {
      type: string
      action_id: string
    }[]
  }

  it('is two thumbs and one menu', async () => {
    expect((await under('done')).map(({ type }) => type)).toEqual(['button', 'button', 'overflow'])
    const { buttons } = chatWording
    const words = JSON.stringify(slack.state.messages.at(-1)?.blocks)
    for (const each of ['👍', '👎', buttons.regenerate, buttons.cheaper, buttons.better, buttons.why])
      expect(words).toContain(each)
  })

  it('is one button below what is no answer', async () => {
    expect((await under('failed')).map(({ type }) => type)).toEqual(['button'])
    expect((await under('done', { error: 'model_failed' })).map(({ type }) => type)).toEqual(['button'])
    expect(JSON.stringify(slack.state.messages.at(-1)?.blocks)).toContain(chatWording.buttons.tryAgain)
  })

  it('is another try and the menu below an answer that was stopped', async () => {
    expect((await under('stopped')).map(({ type, action_id: id }) => [type, id])).toEqual([
      ['button', 'parley:regenerate'],
      ['overflow', 'parley:more'],
    ])
  })
})
