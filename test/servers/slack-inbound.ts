/** The Slack adapter on the simulated Slack, with an intake that remembers what it was given: for tests of what comes in. */
import { createSlack } from '../../adapters/slack/platform.ts'
import { type Addressing, judge } from '../../src/core/addressing.ts'
import type { Action } from '../../src/core/command.ts'
import { silentLog } from '../../src/core/log.ts'
import type { IncomingMessage } from '../../src/core/message.ts'
import type { PlaceChange, PostedFile } from '../../src/core/place.ts'
import type { Intake, KnownTalk, Received, Revision } from '../../src/core/platform.ts'
import { createLocalQuota } from '../../src/store/quota.ts'
import { fakeIntake } from '../fakes/intake.ts'
import { memoryRecords } from '../fakes/records.ts'
import { serveMounts } from './mounts.ts'
import { startSlack } from './slack.ts'
import { addPeople, alice, settingsFor } from './slack-rig.ts'
import { bot, type StandInFile } from './slack-state.ts'

export const general = 'C0GENERAL1'
export const bob = 'U0BOB00001'

/** What somebody said before; Parley is not told. */
export interface Said {
  thread?: string
  user?: string
  more?: Record<string, unknown>
  files?: StandInFile[]
  channel?: string
}

export type SlackInbound = Awaited<ReturnType<typeof openSlackInbound>>

export async function openSlackInbound() {
  const slack = await startSlack()
  addPeople(slack)
  slack.state.users.set(bob, { id: bob, name: 'Bob', team: 'T0PARLEY01', more: {} })
  const records = memoryRecords()
  const received: IncomingMessage[] = []
  const withdrawn: string[] = []
  const revisions: Revision[] = []
  const asked: Addressing[] = []
  const acted: Action[] = []
  const changes: PlaceChange[] = []
  /** Files that were posted for others, with their channels. */
  const posted: (PostedFile & { channel: string })[] = []
  /** What Parley knows, by thread. */
  const known = new Map<string, KnownTalk>()
  /** What intake does otherwise, as a test says. */
  const own: Partial<Intake> = {}
  const closing: (() => Promise<void>)[] = []

  async function take(message: IncomingMessage): Promise<Received> {
    received.push(message)
    return { turnId: 't', kind: 'new' }
  }

  const intake = fakeIntake({
    receive: (message) => own.receive?.(message) ?? take(message),
    async concerns(message) {
      asked.push(message)
      const verdict = judge(message, { participates: true, asked: true, followUps: 'always' })
      return verdict.answers ? { answers: true, known: known.get(message.conversation.threadId ?? '') } : verdict
    },
    async withdraw(withdrawal) {
      const ids = 'ids' in withdrawal ? withdrawal.ids : []
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
    async placeChanged(change) {
      changes.push(change)
      await own.placeChanged?.(change)
    },
    async filesPosted(place, files) {
      if (own.filesPosted !== undefined) return await own.filesPosted(place, files)
      posted.push(...(await files()).map((file) => ({ ...file, channel: place.channelId })))
    },
  })

  /** A process that takes Slack's events in; several share the records. */
  async function gateway(): Promise<void> {
    const settings = settingsFor(slack, 'http')
    const listener = createSlack({ settings, records, quota: createLocalQuota(), log: silentLog }).listen(intake)
    const http = await serveMounts(listener.mounts)
    await listener.start()
    closing.push(http.close, () => listener.stop())
    slack.target = http.url
  }
  await gateway()

  return {
    ...{ slack, records, received, withdrawn, revisions, asked, acted, changes, posted, known, own },
    take,
    gateway,
    said(text: string, { thread, user = bob, more = {}, files = [], channel = general }: Said = {}): string {
      const ts = slack.state.nextTs()
      const ids = files.map(({ id }) => id)
      const message = { channel, ts, user, text, blocks: [], tasks: new Map(), files: ids, edits: 0, more }
      slack.state.messages.push(thread === undefined ? message : { ...message, thread_ts: thread })
      return ts
    },
    /** Alice mentions Parley. */
    ask: (text: string, thread?: string, more: object = {}) =>
      slack.say({ channel: general, text: `<@${bot.user}> ${text}`, mention: true, thread, ...more }),
    markdown: (name: string, more: Record<string, unknown> = {}) =>
      slack.addFile({ name, mimetype: 'text/markdown', content: Buffer.from(`# ${name}`), more }),
    callsOf: (method: string) => slack.calls.filter((call) => call.method === method),
    whispers: () => slack.state.messages.filter(({ only }) => only !== undefined),
    async close() {
      for (const close of closing.splice(0).reverse()) await close()
      await slack[Symbol.asyncDispose]()
    },
  }
}

/** One of the two events of a mention by Alice. */
export const mentionOf = (text: string, ts: string, more: object = {}) => ({
  type: 'app_mention',
  user: alice,
  team: 'T0PARLEY01',
  channel: general,
  ts,
  event_ts: ts,
  text: `<@${bot.user}> ${text}`,
  ...more,
})
/** The other one. */
export const messageOf = (text: string, ts: string, more: object = {}) => ({
  ...mentionOf(text, ts),
  type: 'message',
  channel_type: 'channel',
  ...more,
})
