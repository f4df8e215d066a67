/**
 * Teams' activities. Intake commits a message, and its short-lived files are downloaded, before it is acknowledged; all other
 * work comes after.
 */
import type { App } from '@microsoft/teams.apps'
import type { Notice } from '../../src/core/command.ts'
import { type ConnectionPauses, keepConnected, probed } from '../../src/core/connection.ts'
import { asksAboutDiscussion } from '../../src/core/context.ts'
import { errorFields } from '../../src/core/errors.ts'
import { storable } from '../../src/core/json.ts'
import type { Log } from '../../src/core/log.ts'
import { asContent, type ReplyTarget } from '../../src/core/message.ts'
import { placeOf as placeOfMessage } from '../../src/core/place.ts'
import type { Intake, KnownTalk, Listener } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { Activity, eventId, placeOf, plain, scopeOf, TargetData, tenantOf } from './activity.ts'
import type { Api } from './api.ts'
import type { Found } from './attachments.ts'
import type { SigningKeys, Tokens } from './auth.ts'
import { createCapture, type Origin } from './capture.ts'
import type { BlobStore } from './files.ts'
import type { Graph } from './graph.ts'
import { createHistory, type Earlier } from './history.ts'
import type { Hosts } from './hosts.ts'
import type { Ingress } from './ingress.ts'
import { type Answer, createInvokes } from './invokes.ts'
import type { KnownPlaces } from './known-places.ts'
import { createLinks } from './links.ts'
import { type Asked, type AskedMessage, type NormalizedActivity, normalize } from './normalize.ts'
import { createPages } from './pages.ts'
import type { People } from './people.ts'
import { placeChanges } from './place-changes.ts'
import { createPosts, sweepRecords } from './post-keys.ts'
import { botScopeOf, platformName, type TeamsSettings } from './settings.ts'
import type { TeamsTransport } from './transport.ts'

export interface ListenerDeps {
  settings: TeamsSettings
  sdk: App
  ingress: Ingress
  api: Api
  graph: Graph
  known: KnownPlaces
  transport: TeamsTransport
  tokens: Tokens
  people: People
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
  const { settings, sdk, ingress, people, known, transport, records, log } = deps
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

  const capture = createCapture({ ...deps, maxBytes: deps.maxFileBytes, later })
  const history = createHistory(deps)
  const openLinks = createLinks(deps)
  const posts = createPosts(records)
  const invokes = createInvokes({ ...deps, intake, posts, consents: transport.consents, capture, later })

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
    if (isTestPage(activity)) return greetTestPage(activity)
    if (!isServed(activity)) {
      log.warn({ tenant: tenantOf(activity) }, 'an organization that Parley does not serve sent a message')
      ignore(teamsWording.ignored.notServed)
      return activity.type === 'invoke' ? { status: 403 } : undefined
    }
    await known.remember(activity)
    for (const change of await placeChanges(activity, known.channelsOf)) await intake.placeChanged(change)
    if (activity.type === 'invoke')
      return (
        (await invokes(activity)) ??
        ignore(teamsWording.ignored.notForParley(activity.name ?? 'invoke')) ?? { status: 501 }
      )
    if (activity.type === 'installationUpdate' || activity.type === 'conversationUpdate') return await meet(activity)
    await handleActivity(normalize(activity, intake.commands), activity)
    return undefined
  }

  /** "Test in Web Chat" of the Azure portal, the first button that people see after creating the bot. */
  function greetTestPage(activity: Activity): undefined {
    if (activity.type === 'message')
      later('answering the test page', () =>
        say(placeOf(activity), { text: teamsWording.testPage }, `test-page-${eventId(activity)}`),
      )
    return ignore(teamsWording.ignored.testPage)
  }

  async function handleActivity(normalized: NormalizedActivity, activity: Activity): Promise<void> {
    if (normalized.kind === 'ignored') return ignore(normalized.why)
    const replyTarget = placeOf(activity)
    const at = TargetData.parse(replyTarget.data)
    switch (normalized.kind) {
      case 'revision':
        return await revise(normalized, activity)
      case 'deletion': {
        const known = await intake.withdraw({ platform: platformName, ids: normalized.ids })
        return known === 0 ? ignore(teamsWording.ignored.unknownDeletion) : undefined
      }
      case 'hello':
        return later('greeting', () => say(normalized.place, greeting(at.scope), `hello-${normalized.id}`))
      case 'unreadable':
        return later('saying what cannot be read', () =>
          say(normalized.place, { text: normalized.why.join('\n\n'), private: true }, `unreadable-${normalized.id}`),
        )
      case 'command':
        return await command(normalized, activity)
      case 'message':
        return await ask(normalized, activity)
    }
  }

  async function revise(
    { revision, asks }: Extract<NormalizedActivity, { kind: 'revision' }>,
    activity: Activity,
  ): Promise<void> {
    const revised = await intake.revise(revision)
    // Somebody added the mention of Parley to what they had said.
    if (revised.kind === 'unknown' && asks !== undefined) return await ask(asks, activity)
    if (revised.kind === 'unknown') return ignore(teamsWording.ignored.unknownMessage)
    if (revised.kind === 'unchanged') return ignore(teamsWording.ignored.sameWords)
    if (revised.kind === 'started')
      later('offering a new answer', () => offer(revised.turnId, placeOf(activity), revision.id))
  }

  async function ask({ message, files, addressing, repliesTo }: AskedMessage, activity: Activity): Promise<void> {
    const { replyTarget } = message
    const at = TargetData.parse(replyTarget.data)
    const { place, mentioned } = addressing
    const answersParley = place !== 'direct' && !mentioned && (await isOfParley(repliesTo, at))
    const concern = await intake.concerns({
      ...addressing,
      repliesToParley: answersParley,
      repliesToOther: repliesTo.length > 0 && !answersParley,
    })
    const messageId = activity.id ?? ''
    if (!concern.answers) {
      await notePosted(message, files, { eventId: message.id, messageId, at })
      return ignore(concern.why)
    }
    const called = mentioned || answersParley
    const [author, captured, earlier, linked] = await Promise.all([
      people.author(activity.from, at),
      capture(files, { eventId: message.id, messageId, at }),
      saidBefore(addressing, called, at, messageId, concern.known),
      openLinks(message.text, at, addressing.author.id),
    ])
    const read = [earlier, ...linked]
    const found = read.flatMap(({ files: of }) => of).slice(0, mostFiles)
    await using held = captured
    await using context = await capture(found, { eventId: `${message.id}/before`, messageId, at })
    const quoted = [...read.map((each) => each.quoted), message.quoted, ...held.said].filter(
      (each) => each !== undefined,
    )
    const unread = [...(message.unread ?? []), ...held.unread, ...read.flatMap((each) => each.unread)]
    const received = await intake.receive({
      ...message,
      author,
      kind: answersParley ? 'mention' : message.kind,
      attachments: [...held.attachments, ...asContent(context.attachments)].slice(0, mostFiles),
      quoted: quoted.length === 0 ? undefined : storable(quoted.join('\n\n')),
      unread: unread.length === 0 ? undefined : [...new Set(unread)],
      upToDate: earlier.upToDate,
    })
    if (received.kind === 'refused') {
      const notice = { ...received.notice, private: true }
      later('explaining why a question was refused', () => say(replyTarget, notice, `refused-${message.id}`))
    } else await held.assign(received.turnId)
    // Not awaited, because the message is already stored.
    if (received.kind === 'new') void transport.status(replyTarget, received.turnId, 'Taken in', 'queued')
  }

  /** Files of a message that is not for Parley. */
  async function notePosted(message: Asked, files: Found[], origin: Origin): Promise<void> {
    if (files.length === 0) return
    await using held = new AsyncDisposableStack()
    const { id: messageId, author, sentAt: at } = message
    await intake.filesPosted(placeOfMessage(message), async () => {
      const { attachments } = held.use(await capture(files, origin))
      const about = { messageId, account: author.id, by: author.name, at }
      return asContent(attachments).map((attachment) => ({ attachment, ...about }))
    })
  }

  /** The sender of a quoted message is not always named; what Parley posted is known. */
  async function isOfParley(quotes: AskedMessage['repliesTo'], at: TargetData): Promise<boolean> {
    for (const { byId, messageId } of quotes) {
      if (byId !== undefined && byId === at.bot) return true
      if (messageId !== undefined && (await posts.replyOf(at.conversation, messageId)) !== undefined) return true
    }
    return false
  }

  /**
   * What is new to Parley in a thread is read when it is called there, and when the question is about it; of a chat or a
   * channel, the newest messages if the question is about them.
   */
  async function saidBefore(
    { place, text, author }: AskedMessage['addressing'],
    called: boolean,
    at: TargetData,
    messageId: string,
    known: KnownTalk | undefined,
  ): Promise<Earlier> {
    const asksAbove = asksAboutDiscussion(text)
    const request = { at, asker: author.id, messageId }
    switch (place) {
      case 'direct':
        return nothingBefore
      case 'thread':
        return called || asksAbove ? await history({ ...request, what: 'thread', known }) : nothingBefore
      case 'group':
        return called && asksAbove ? await history({ ...request, what: 'recent', known }) : nothingBefore
      case 'channel':
        // A post begins a conversation.
        return { ...(asksAbove ? await history({ ...request, what: 'recent' }) : nothingBefore), upToDate: true }
    }
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

  /**
   * Parley was added or removed: greets once where it is new. Teams tells of it twice at the same moment, to any process. An
   * upgrade of the app is not told as `add`.
   */
  async function meet(activity: Activity): Promise<undefined> {
    const { recipient, membersAdded, membersRemoved, action, type } = activity
    const me = (members: Activity['membersAdded']) => members?.some(({ id }) => id === recipient?.id) === true
    const place = placeOf(activity)
    const { team, settings: chosen } = activity.channelData ?? {}
    // A team is told twice, in the channel that was chosen and in its first one.
    const key = `greeted/${team?.id ?? place.conversation.channelId}`
    if (action === 'remove' || me(membersRemoved)) {
      await records.remove(key)
      return ignore(teamsWording.ignored.removed)
    }
    if (action !== 'add' && !me(membersAdded)) return ignore(teamsWording.ignored.notForParley(action ?? type))
    if (!(await records.claim(key, { at: Date.now() }))) return ignore(teamsWording.ignored.alreadyGreeted)
    // In the channel itself, not in a thread.
    const conversation = chosen?.selectedChannel?.id ?? place.conversation.channelId
    const data = { ...TargetData.parse(place.data), conversation }
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
        { name: 'login', probe: () => deps.tokens.get(botScopeOf(settings)) },
        { name: 'signing keys', probe: deps.keys.read },
      ]
  const connections = needs.map(({ name, probe }) =>
    keepConnected({ platform: platformName, name, open: probed(probe, deps.pauses), log, pauses: deps.pauses }),
  )

  sdk.use(async ({ activity }) => await take(activity))

  return {
    mounts: [ingress.mount, createPages()],
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

/** Of a question, with those of what was read for it. */
const mostFiles = 20

const nothingBefore: Earlier = { files: [], unread: [] }

const isTestPage = ({ channelId }: Activity) => channelId === 'webchat' || channelId === 'directline'

function greeting(scope: TargetData['scope']): Notice {
  const { personal, channel, group } = teamsWording.greeting
  return {
    text: scope === 'personal' ? personal : scope === 'channel' ? channel : group,
    buttons: [{ label: chatWording.whatCanYouDo, action: { kind: 'command', text: 'help' } }],
  }
}
