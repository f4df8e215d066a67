/**
 * Teams' activities. Intake commits a message, and its short-lived files are downloaded, before it is acknowledged; all other
 * work comes after.
 */
import type { App } from '@microsoft/teams.apps'
import type { Notice } from '../../src/core/command.ts'
import { type ConnectionPauses, keepConnected, probed } from '../../src/core/connection.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/records.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { Activity, placeOf, plain, scopeOf, TargetData, tenantOf } from './activity.ts'
import type { Api } from './api.ts'
import type { SigningKeys, Tokens } from './auth.ts'
import { createCapture } from './capture.ts'
import type { BlobStore } from './files.ts'
import type { Hosts } from './hosts.ts'
import type { Ingress } from './ingress.ts'
import { type Answer, createInvokes } from './invokes.ts'
import { type NormalizedActivity, normalize } from './normalize.ts'
import { createPeople } from './people.ts'
import { createPosts, sweepRecords } from './post-keys.ts'
import { microsoft, platformName, type TeamsSettings } from './settings.ts'
import type { TeamsTransport } from './transport.ts'

export interface ListenerDeps {
  settings: TeamsSettings
  sdk: App
  ingress: Ingress
  api: Api
  transport: TeamsTransport
  tokens: Tokens
  keys: SigningKeys
  hosts: Hosts
  records: Records
  blobs: BlobStore
  maxFileBytes: number
  log: Log
  pauses?: Partial<ConnectionPauses> | undefined
  /** How long an acknowledgement may wait for files. */
  ackMs?: number
  /** Called with the reason when an event is ignored; replays print it. */
  onIgnored?(why: string): void
}

const dayMs = 24 * 3_600_000
const sayMs = 60_000

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { settings, sdk, ingress, api, transport, records, log } = deps
  const running = new Set<Promise<void>>()
  let daily: NodeJS.Timeout | undefined

  function later(what: string, work: () => Promise<unknown>): void {
    const task = work().then(
      () => undefined,
      (error: unknown) => log.warn(errorFields(error), `${what} failed`),
    )
    running.add(task)
    void task.finally(() => running.delete(task))
  }

  const people = createPeople({ api, log })
  const capture = createCapture({ ...deps, maxBytes: deps.maxFileBytes, later })
  const posts = createPosts(records)
  const invokes = createInvokes({ ...deps, intake, people, posts, consents: transport.consents, capture, later })

  function ignore(why: string): undefined {
    deps.onIgnored?.(why)
    return undefined
  }

  /** Whether the activity comes from an organization that Parley serves. */
  function isServed(activity: Activity): boolean {
    const { tenants } = settings
    const tenant = tenantOf(activity)
    return tenants.length === 0 || tenants.some((each) => each.toLowerCase() === tenant?.toLowerCase())
  }

  async function take(received: unknown): Promise<Answer | undefined> {
    const parsed = Activity.safeParse(received)
    if (!parsed.success) return ignore(teamsWording.ignored.notAnActivity)
    const activity = parsed.data
    if (!isServed(activity)) {
      log.warn({ tenant: tenantOf(activity) }, 'an organization that Parley does not serve sent a message')
      ignore(teamsWording.ignored.notServed)
      return activity.type === 'invoke' ? { status: 403 } : undefined
    }
    if (activity.type === 'invoke')
      return (
        (await invokes(activity)) ??
        ignore(teamsWording.ignored.notForParley(activity.name ?? 'invoke')) ?? { status: 501 }
      )
    if (activity.type === 'installationUpdate' || activity.type === 'conversationUpdate') return await meet(activity)
    await handleActivity(normalize(activity, intake.commands), activity)
    return undefined
  }

  async function handleActivity(normalized: NormalizedActivity, activity: Activity): Promise<void> {
    if (normalized.kind === 'ignored') return ignore(normalized.why)
    const replyTarget = placeOf(activity)
    const at = TargetData.parse(replyTarget.data)
    if (normalized.kind === 'revision') {
      const revised = await intake.revise(normalized.revision)
      if (revised.kind === 'unknown') return ignore(teamsWording.ignored.unknownMessage)
      if (revised.kind === 'started')
        later('offering a new answer', () => offer(revised.turnId, replyTarget, normalized.revision.id))
      return
    }
    if (normalized.kind === 'command') return await command(normalized, activity)
    const { message, files, part } = normalized
    const concern = await intake.concerns({
      conversation: message.conversation,
      author: message.author,
      text: message.text,
      place: message.kind === 'direct' ? 'direct' : 'thread',
      mentioned: !part && message.kind !== 'direct',
      hasFiles: files.length > 0,
    })
    if (!concern.answers) return ignore(concern.why)
    const [author, captured] = await Promise.all([
      people.author(activity.from, at),
      capture(files, { eventId: message.id, messageId: activity.id ?? '', at }),
    ])
    await using held = captured
    const received = await intake.receive({ ...message, author, attachments: held.attachments })
    if (received.kind === 'refused') {
      const notice = { ...received.notice, private: true }
      later('explaining why a question was refused', () => say(replyTarget, notice, `refused-${message.id}`))
    } else await held.assign(received.turnId)
    // Not awaited, because the message is already stored.
    if (received.kind === 'new') void transport.status(replyTarget, received.turnId, 'Taken in', 'queued')
  }

  async function command(
    { call, mentions }: Extract<NormalizedActivity, { kind: 'command' }>,
    { from }: Activity,
  ): Promise<void> {
    const at = TargetData.parse(call.replyTarget.data)
    let { text } = call
    for (const { id } of mentions) text = text.replaceAll(`<@${id}>`, `<@${await people.idOf(id, at)}>`)
    const notice = await intake.command({ ...call, text, author: await people.author(from, at) })
    later('answering a command', () => say(call.replyTarget, notice, `command-${call.id}`))
  }

  function say(target: ReplyTarget, notice: Notice, key: string) {
    return transport.notify(target, notice, { key, signal: AbortSignal.timeout(sayMs) })
  }

  /** The turn has started already: its author may ask for a new answer. */
  async function offer(turnId: string, target: ReplyTarget, id: string): Promise<void> {
    const text = chatWording.questionChanged
    const button = { label: chatWording.answerNewQuestion, action: { kind: 'regenerate', turnId } } as const
    await say(target, { text, buttons: [button], private: true }, `changed-${id}-${turnId}`)
  }

  /** Parley was added or removed: greets once where it is new. */
  async function meet(activity: Activity): Promise<undefined> {
    const { recipient, membersAdded, membersRemoved, action, type } = activity
    const me = (members: Activity['membersAdded']) => members?.some(({ id }) => id === recipient?.id) === true
    const place = placeOf(activity)
    const key = `greeted/${place.conversation.channelId}`
    if (action?.startsWith('remove') || me(membersRemoved)) {
      await records.remove(key)
      return ignore(teamsWording.ignored.removed)
    }
    if (!action?.startsWith('add') && !me(membersAdded)) return ignore(teamsWording.ignored.notForParley(type))
    if ((await records.get(key)) !== undefined) return ignore(teamsWording.ignored.alreadyGreeted)
    await records.put(key, { at: Date.now() })
    // In the channel itself, not in a thread.
    const data = { ...TargetData.parse(place.data), conversation: place.conversation.channelId }
    const notice = greeting(scopeOf(activity))
    later('greeting', () =>
      say({ conversation: place.conversation, data: plain(data) }, notice, `greeting-${activity.id ?? ''}-${key}`),
    )
    return undefined
  }

  /** The services that Parley needs to receive and send messages; none with TEAMS_AUTH=off. */
  const needs = settings.unchecked
    ? []
    : [
        { name: 'login', probe: () => deps.tokens.get(microsoft.botScope) },
        { name: 'signing keys', probe: deps.keys.read },
      ]
  const connections = needs.map(({ name, probe }) =>
    keepConnected({ platform: platformName, name, open: probed(probe, deps.pauses), log, pauses: deps.pauses }),
  )

  sdk.use(async ({ activity }) => await take(activity))

  return {
    mounts: [ingress.mount],
    connections: () => connections.map((each) => each.report()),
    async start() {
      await sdk.initialize()
      later('clearing old records', () => sweepRecords(records))
      daily = setInterval(() => later('clearing old records', () => sweepRecords(records)), dayMs)
      daily.unref()
      await Promise.all(connections.map((each) => each.start()))
    },
    async stop() {
      clearInterval(daily)
      await Promise.all(connections.map((each) => each.stop()))
      await ingress.close()
      await Promise.allSettled(running)
    },
  }
}

function greeting(scope: TargetData['scope']): Notice {
  return {
    text: scope === 'personal' ? teamsWording.greeting.personal : teamsWording.greeting.shared,
    buttons: [{ label: chatWording.whatCanYouDo, action: { kind: 'command', text: 'help' } }],
  }
}
