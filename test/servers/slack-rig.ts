/** The rig for the platform contract on the simulated Slack, over HTTP or Socket Mode. */
import { createSlack } from '../../adapters/slack/platform.ts'
import type { SlackSettings } from '../../adapters/slack/settings.ts'
import { decodeAction, encodeAction } from '../../src/core/command.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Answered, PlatformRig } from '../../src/core/platform.contract.rig.ts'
import type { Intake } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { serveMounts } from './mounts.ts'
import { startSlack } from './slack.ts'
import { bot, buttonsOf, type StandInMessage, shown } from './slack-state.ts'
import type { Delivered, SlackStandIn } from './slack-types.ts'

export const alice = 'U0ALICE001'

export function settingsFor(slack: SlackStandIn, way: 'http' | 'socket'): SlackSettings {
  const ingress = way === 'http' ? { signingSecret: slack.signingSecret } : { appToken: bot.appToken }
  return { botToken: bot.token, apiUrl: slack.apiUrl, ...ingress }
}

export function addPeople(slack: SlackStandIn): void {
  const users = [
    { id: alice, name: 'Alice', team: 'T0PARLEY01', more: {} },
    { id: 'U0OWNER001', name: 'Olga', team: 'T0PARLEY01', more: { is_owner: true } },
    { id: 'U0GUEST001', name: 'Gus', team: 'T0PARLEY01', more: { is_restricted: true } },
    { id: 'U0STRANGE1', name: 'Sam', team: 'T0OTHER001', more: { is_stranger: true } },
  ]
  for (const user of users) slack.state.users.set(user.id, user)
}

/** Whether an answer is finished: its buttons are shown. */
export const finished = (message: StandInMessage) => buttonsOf(message).some((value) => value.startsWith('regenerate:'))

export async function openSlackRig(
  records: Records,
  way: 'http' | 'socket',
): Promise<PlatformRig & { slack: SlackStandIn }> {
  const slack = await startSlack()
  addPeople(slack)
  const platform = createSlack({
    settings: settingsFor(slack, way),
    records,
    quota: createLocalQuota(),
    log: silentLog,
  })
  const channel = 'C0GENERAL1'
  const stamps = new Map<string, string>()
  let refused = false
  let listener: ReturnType<typeof platform.listen> | undefined
  let http: Awaited<ReturnType<typeof serveMounts>> | undefined

  /** Messages that only the author has seen since `from`. */
  const whispered = (from: number) => slack.state.messages.slice(from).find(({ only }) => only === alice)
  const answered = async (act: () => Promise<Delivered>): Promise<Answered> => {
    const [from, responses] = [slack.state.messages.length, slack.state.responses.length]
    const delivered = await act()
    if (delivered.status !== 200) return { acknowledged: false }
    const inAck = /"text":"((?:[^"\\]|\\.)*)"/.exec(delivered.body)?.[1]
    if (inAck !== undefined) return { acknowledged: true, told: inAck }
    const told = await slack
      .until(() => whispered(from)?.text ?? slack.state.responses[responses]?.text, 'an answer', 700)
      .catch(() => undefined)
    return { acknowledged: true, told: told === undefined ? undefined : String(told) }
  }
  const inPlace = (thread: string | undefined) => slack.replies(channel, thread)
  const kindOf = (message: StandInMessage) => message.metadata?.event_type

  return {
    slack,
    platform,
    async open(intake: Intake) {
      listener = platform.listen({
        ...intake,
        async receive(message) {
          const received = await intake.receive(message)
          refused = received.kind === 'refused'
          return received
        },
      })
      http = await serveMounts(listener.mounts)
      slack.target = way === 'http' ? http.url : undefined
      await listener.start()
    },
    async write({ eventId, text, file }) {
      const ts = stamps.get(eventId) ?? slack.state.nextTs()
      stamps.set(eventId, ts)
      const files = file ? [slack.addFile({ name: file.name, mimetype: 'text/plain', content: file.content })] : []
      const from = slack.state.messages.length
      const event = {
        type: 'app_mention',
        user: alice,
        ts,
        channel,
        event_ts: ts,
        text: `<@${bot.user}> ${text.replaceAll('**', '*')}`,
        files: files.map(slack.fileRecord),
      }
      const { status } = await slack.event(event)
      if (status !== 200) return { acknowledged: false }
      if (!refused) return { acknowledged: true }
      return { acknowledged: true, told: await slack.until(() => whispered(from)?.text, 'a refusal') }
    },
    async seen({ conversation }) {
      const replies = inPlace(conversation.threadId).filter(
        (each) => kindOf(each) !== 'parley_notice' && each.files.length === 0,
      )
      return replies.map((message) => ({ text: shown(message).trimEnd(), finished: finished(message) }))
    },
    async attached({ conversation }) {
      const ids = inPlace(conversation.threadId).flatMap(({ files }) => files)
      return ids.flatMap((id) => {
        const file = slack.state.files.get(id)
        return file === undefined || file.deleted ? [] : [{ name: file.name, content: file.content }]
      })
    },
    async notices({ conversation }) {
      return inPlace(conversation.threadId)
        .filter((each) => kindOf(each) === 'parley_notice')
        .map(shown)
    },
    async buttons({ conversation }) {
      const last = inPlace(conversation.threadId).at(-1)
      return (last ? buttonsOf(last) : []).flatMap((value) => decodeAction(value) ?? [])
    },
    press: ({ button, target }) =>
      answered(() => {
        const last = inPlace(target.conversation.threadId).at(-1)
        return slack.interact({
          type: 'block_actions',
          user: { id: alice, name: 'alice' },
          channel: { id: channel, name: 'general' },
          container: { type: 'message', message_ts: last?.ts, channel_id: channel },
          message: { ts: last?.ts, thread_ts: last?.thread_ts, blocks: last?.blocks },
          actions: [{ type: 'button', action_id: `parley:${button.kind}`, block_id: 'b', value: encodeAction(button) }],
        })
      }),
    command: ({ text }) =>
      answered(() =>
        slack.form({
          command: '/parley',
          text,
          user_id: alice,
          user_name: 'alice',
          channel_id: channel,
          channel_name: 'general',
        }),
      ),
    async revise({ eventId, text }) {
      const ts = stamps.get(eventId) ?? ''
      const message = { type: 'message', user: alice, ts, text: `<@${bot.user}> ${text}`, edited: { user: alice, ts } }
      const event = {
        type: 'message',
        subtype: 'message_changed',
        hidden: true,
        channel,
        channel_type: 'channel',
        ts: slack.state.nextTs(),
      }
      await slack.event({ ...event, message, previous_message: { ...message, text: 'before' } })
    },
    async follow({ text, target }) {
      const ts = slack.state.nextTs()
      const said = { user: alice, ts, thread_ts: target.conversation.threadId, text, channel, event_ts: ts }
      const { status } = await slack.event({ type: 'message', channel_type: 'channel', ...said })
      return { acknowledged: status === 200 }
    },
    async close() {
      await listener?.stop()
      await http?.close()
      await slack[Symbol.asyncDispose]()
    },
  }
}
