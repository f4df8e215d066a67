/** A listener on the simulated Slack, with an intake that remembers; what people press, fill in and type. */
import { afterEach, beforeEach } from 'vitest'
import { createSlack } from '../../adapters/slack/platform.ts'
import type { SlackSettings } from '../../adapters/slack/settings.ts'
import { commandSpecs } from '../../src/admin/specs.ts'
import type { Action } from '../../src/core/command.ts'
import { silentLog } from '../../src/core/log.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { fakeIntake } from '../fakes/intake.ts'
import { memoryRecords } from '../fakes/records.ts'
import { serveMounts } from './mounts.ts'
import { startSlack } from './slack.ts'
import { addPeople, alice } from './slack-rig.ts'
import type { SlackStandIn } from './slack-types.ts'

export const general = 'C0GENERAL1'

/** For the tests of one file; all of it is new for each test. */
export const rig = {} as {
  slack: SlackStandIn
  records: ReturnType<typeof memoryRecords>
  received: IncomingMessage[]
  acted: Action[]
}
const closing: (() => Promise<void>)[] = []

export function startSlackForEach(): void {
  beforeEach(async () => {
    Object.assign(rig, { slack: await startSlack(), records: memoryRecords(), received: [], acted: [] })
    addPeople(rig.slack)
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
    await rig.slack[Symbol.asyncDispose]()
  })
}

export async function open(
  settings: SlackSettings,
  own: Partial<Intake> = {},
): Promise<{ url: string; listener: Listener }> {
  const intake = fakeIntake({
    async receive(message) {
      rig.received.push(message)
      return { turnId: 't', kind: 'new' }
    },
    async act(action) {
      rig.acted.push(action)
      return {}
    },
    commands: commandSpecs,
    command: async ({ text }) => ({ text: `${text}: 3 of 10 questions`, private: true }),
    ...own,
  })
  const listener = createSlack({ settings, records: rig.records, quota: createLocalQuota(), log: silentLog }).listen(
    intake,
  )
  const http = await serveMounts(listener.mounts)
  await listener.start()
  closing.push(http.close, () => listener.stop())
  rig.slack.target = settings.signingSecret === undefined ? undefined : http.url
  return { url: http.url, listener }
}

export const press = (value: string, more: object = {}) =>
  rig.slack.interact({
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
export const submit = (callback_id: string, private_metadata: string, values: object) =>
  rig.slack.interact({
    type: 'view_submission',
    user: { id: alice },
    view: { id: 'V1', type: 'modal', callback_id, private_metadata, state: { values }, blocks: [] },
  })

export const typed = (text: string) =>
  rig.slack.form({
    command: '/parley',
    text,
    user_id: alice,
    user_name: 'alice',
    channel_id: general,
    channel_name: 'general',
  })
