/**
 * Slack's events: messages here, buttons and dialogs in interactions.ts, commands in commands.ts. Intake commits each event
 * before it is acknowledged; all other work comes after.
 */
import { App, type BlockAction } from '@slack/bolt'
import { z } from 'zod'
import type { Connection } from '../../src/core/connection.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { conversationKey, type IncomingMessage, type ReplyTarget } from '../../src/core/message.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { createCommands } from './commands.ts'
import { MessageEvent, type Self, SlackMessage, TargetData, whisperThread } from './events.ts'
import { noticeContent } from './format.ts'
import type { Ingress } from './ingress.ts'
import type { Installations, Workspace } from './installations.ts'
import { createInteractions } from './interactions.ts'
import { mentionedPeople, type Names, quoteThread } from './mrkdwn.ts'
import { normalize, targetOf, threadConversation } from './normalize.ts'
import { createPeople, type People } from './people.ts'
import { createPosts } from './post-keys.ts'
import { createRecent, type RecentConversations } from './recent.ts'
import { boltLogger, slackCode } from './sdk.ts'
import { runningRecord } from './status.ts'

export interface ListenerDeps {
  ingress: Ingress
  installations: Installations
  records: Records
  log: Log
  /** Connections to keep open besides Socket Mode. */
  connections?: Connection[]
  /** Called with the reason when an event is ignored; replays print it. */
  onIgnored?(why: string): void
}

/** What all parts of the listener share. */
export interface SlackContext {
  intake: Intake
  installations: Installations
  records: Records
  people: People
  recent: RecentConversations
  log: Log
  /** Runs work after the acknowledgement; `stop` waits for it. */
  later(what: string, work: () => Promise<unknown>): void
  /** The workspace that an event came from. */
  at(context: EventContext): Promise<{ self: Self; workspace: Workspace }>
  /** Hands a question to intake, with everything known about its author. */
  ask(message: IncomingMessage, self: Self, workspace: Workspace): Promise<void>
}

export interface EventContext {
  teamId?: string | undefined
  enterpriseId?: string | undefined
}

const dayMs = 24 * 3_600_000
const Replies = z.object({ messages: z.array(SlackMessage).default([]) })
const StoppedEvent = z.object({ channel: z.string(), thread_ts: z.string(), user: z.string(), event_ts: z.string() })
const HomeEvent = z.object({ user: z.string(), tab: z.string().nullish() })
const ThreadStarted = z.object({ assistant_thread: z.object({ channel_id: z.string(), thread_ts: z.string() }) })
const RevokedEvent = z.object({ tokens: z.object({ bot: z.array(z.string()).nullish() }) })

/** Some events name their workspace only outside their authorizations. */
function teamOf(body: unknown): string | undefined {
  const named = z.looseObject({ team_id: z.string() }).safeParse(body)
  return named.success ? named.data.team_id : undefined
}

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { ingress, installations, records, log, onIgnored } = deps
  const connections = [...(deps.connections ?? []), ...(ingress.socket ? [ingress.socket] : [])]
  const people = createPeople()
  const posts = createPosts(records)
  const running = new Set<Promise<void>>()
  let daily: NodeJS.Timeout | undefined

  const app = new App({
    receiver: ingress.receiver,
    logger: boltLogger(log),
    ignoreSelf: false,
    async authorize(source, body) {
      const { enterpriseId } = source
      const teamId = source.teamId ?? teamOf(body)
      const { botId, botUserId, token } = await installations.of(teamId, enterpriseId)
      return {
        botToken: token,
        ...omitUndefined({ botId, botUserId, teamId, enterpriseId }),
      }
    },
  })
  app.error(async (error) => {
    // The app was uninstalled: a second delivery would fail in the same way, so the event is acknowledged.
    const cause = 'original' in error ? error.original : undefined
    if (cause instanceof ParleyError && cause.code === 'platform_rejected' && slackCode(cause) === undefined) {
      onIgnored?.(cause.userMessage)
      return
    }
    throw error
  })

  const slack: SlackContext = {
    intake,
    installations,
    records,
    people,
    recent: createRecent(records),
    log,
    later(what, work) {
      const task = work().then(
        () => undefined,
        (error: unknown) => log.warn(errorFields(error), `${what} failed`),
      )
      running.add(task)
      void task.finally(() => running.delete(task))
    },
    async at({ teamId, enterpriseId }) {
      const workspace = await installations.of(teamId, enterpriseId)
      const team = teamId ?? workspace.teamId ?? workspace.enterpriseId ?? 'unknown'
      const { botId, botUserId } = workspace
      return { workspace, self: { teamId: team, botId, botUserId, enterpriseId } }
    },
    async ask(message, self, workspace) {
      const { membership, name, locale } = await people.person(workspace, self, message.author.id)
      const author = {
        ...message.author,
        name: name ?? message.author.name,
        membership: message.author.membership ?? membership,
      }
      const received = await intake.receive({ ...message, author, locale: locale ?? message.locale })
      if (received.kind === 'stopped') return
      if (received.kind === 'refused') {
        slack.later('explaining why a question was refused', () =>
          tellAlone(workspace, message.replyTarget, noticeContent(received.notice)),
        )
        return
      }
      slack.later('noting a conversation for the Home tab', () =>
        slack.recent.note(TargetData.parse(message.replyTarget.data), received.turnId),
      )
    },
  }

  async function handleEvent(event: unknown, context: EventContext): Promise<void> {
    const { self, workspace } = await slack.at(context)
    const names = await namesIn(event, self, workspace)
    const normalized = normalize(event, self, names)
    if (normalized.kind === 'ignored') return onIgnored?.(normalized.why)
    if (normalized.kind === 'revision') return await revise(normalized, self, workspace)
    const { message, needs } = normalized
    // Starts the look-up now; `ask` awaits it, so both look-ups run in parallel.
    void people.person(workspace, self, message.author.id)
    const { conversation, author, text, kind } = message
    const concern = await intake.concerns({
      conversation,
      author,
      text,
      place: kind === 'direct' ? 'direct' : needs.part || needs.thread ? 'thread' : 'channel',
      mentioned: kind === 'mention',
      hasFiles: message.attachments.length > 0,
    })
    if (!concern.answers) return onIgnored?.(concern.why)
    const called = needs.thread && concern.last === undefined ? await withThread(message, self, workspace) : message
    await slack.ask(called, self, workspace)
  }

  async function namesIn(event: unknown, self: Self, workspace: Workspace): Promise<Names> {
    const parsed = MessageEvent.safeParse(event)
    if (!parsed.success) return new Map()
    const text = parsed.data.message?.text ?? parsed.data.text ?? ''
    const ids = mentionedPeople(text).filter((id) => id !== self.botUserId)
    const found = await Promise.all(
      ids.slice(0, 10).map(async (id) => [id, (await people.person(workspace, self, id)).name ?? id] as const),
    )
    return new Map(found)
  }

  /** Parley was mentioned in a thread that others started: their messages are the context of the question. */
  async function withThread(message: IncomingMessage, self: Self, workspace: Workspace): Promise<IncomingMessage> {
    const { channel, thread, ts } = TargetData.parse(message.replyTarget.data)
    try {
      const answer = await workspace.api.call(
        'conversations.replies',
        { channel, ts: thread, latest: ts, limit: 50 },
        { courtesy: true, patienceMs: 0, signal: AbortSignal.timeout(800) },
      )
      const before = Replies.parse(answer).messages.filter((each) => each.ts !== ts && each.user !== self.botUserId)
      const context = quoteThread(before, () => undefined)
      const quoted = [message.quoted, context].filter((part) => part !== undefined).join('\n\n')
      return quoted === '' ? message : { ...message, quoted }
    } catch (error) {
      log.debug(errorFields(error), 'a thread could not be read; the question goes on without it')
      return message
    }
  }

  async function revise(
    normalized: Extract<ReturnType<typeof normalize>, { kind: 'revision' }>,
    self: Self,
    workspace: Workspace,
  ): Promise<void> {
    const { revision, fresh } = normalized
    const revised = await intake.revise(revision)
    if (revised.kind === 'unknown') {
      if (fresh) return await slack.ask(fresh, self, workspace)
      return onIgnored?.(slackWording.ignored.unknownMessage)
    }
    if (revised.kind === 'started')
      slack.later('offering a new answer', () => offer(revised.turnId, normalized.place, workspace))
  }

  /** The turn has started already: its author may ask for a new answer. */
  async function offer(turnId: string, place: ReplyTarget, workspace: Workspace): Promise<void> {
    const button = { type: 'button', action_id: 'parley:regenerate', value: `regenerate:${turnId}` }
    const text = chatWording.questionChanged
    await tellAlone(workspace, place, {
      text,
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text } },
        {
          type: 'actions',
          elements: [{ ...button, text: { type: 'plain_text', text: chatWording.answerNewQuestion } }],
        },
      ],
    })
  }

  /** Visible to one person only. A direct chat has no other readers, so an ordinary message does, and it stays. */
  async function tellAlone({ api }: Workspace, place: ReplyTarget, content: object): Promise<void> {
    const data = TargetData.parse(place.data)
    const { channel, user } = data
    const alone = data.direct !== true && user !== undefined
    const thread = alone ? whisperThread(data) : data.thread
    const where = { channel, ...content, thread_ts: thread }
    if (alone) await api.call('chat.postEphemeral', { ...where, user })
    else await api.call('chat.postMessage', where)
  }

  app.event(/^(?:message|app_mention)$/, ({ event, context }) => handleEvent(event, context))
  app.event('agent_session_stopped', async ({ event, context }) => {
    const { channel, thread_ts: thread, user, event_ts: at } = StoppedEvent.parse(event)
    const { self } = await slack.at(context)
    const conversation = threadConversation(self.teamId, channel, thread)
    const turnId = await records.get(runningRecord(conversationKey(conversation)))
    if (typeof turnId !== 'string') return onIgnored?.(slackWording.ignored.nothingRunning)
    const replyTarget = targetOf(conversation, { team: self.teamId, channel, thread, user })
    await intake.act({ kind: 'stop', turnId, id: `stop-${channel}-${at}`, by: { id: user }, replyTarget })
  })
  app.event('app_home_opened', async ({ event, context }) => {
    const { user, tab } = HomeEvent.parse(event)
    // The prompts of the messages tab come from the manifest.
    if (tab !== 'home') return
    const { self, workspace } = await slack.at(context)
    slack.later('showing the Home tab', () => interactions.publishHome(user, self, workspace))
  })
  app.event('assistant_thread_started', async ({ event, context }) => {
    const { assistant_thread: thread } = ThreadStarted.parse(event)
    const { workspace } = await slack.at(context)
    slack.later('suggesting prompts', () =>
      workspace.api.call('assistant.threads.setSuggestedPrompts', {
        ...thread,
        prompts: slackWording.suggestedPrompts,
      }),
    )
  })
  app.event('app_uninstalled', ({ context, body }) =>
    installations.remove(context.teamId ?? teamOf(body), context.enterpriseId),
  )
  app.event('tokens_revoked', async ({ event, context, body }) => {
    const { tokens } = RevokedEvent.parse(event)
    if ((tokens.bot ?? []).length > 0) await installations.remove(context.teamId ?? teamOf(body), context.enterpriseId)
  })

  const commands = createCommands(slack)
  const interactions = createInteractions(slack, commands, onIgnored)
  app.command(/.*/, (args) => commands.run(args.command, args.context, args.ack, args.respond))
  app.action<BlockAction>({ type: 'block_actions' }, async (args) => {
    await interactions.press(args.body, args.context, args.respond)
    await args.ack()
  })
  app.view(/.*/, async (args) => {
    await args.ack(await interactions.submit(args.body, args.context))
  })
  app.view({ callback_id: /.*/, type: 'view_closed' }, async (args) => {
    await args.ack(await interactions.submit(args.body, args.context))
  })
  app.shortcut(/.*/, async ({ shortcut, context, ack }) => {
    if (shortcut.type === 'message_action') await interactions.shortcut(shortcut, context)
    else onIgnored?.(slackWording.ignored.foreignShortcut)
    await ack()
  })
  app.options(/.*/, ({ ack }) => ack({ options: [] }))

  return {
    mounts: ingress.mounts,
    connections: () => connections.map((each) => each.report()),
    async start() {
      const sweep = () => slack.later('deleting old records', () => posts.sweep())
      sweep()
      daily = setInterval(sweep, dayMs).unref()
      await Promise.all(connections.map((each) => each.start()))
    },
    async stop() {
      clearInterval(daily)
      await ingress.settled()
      await Promise.all(connections.map((each) => each.stop()))
      await Promise.allSettled(running)
    },
  }
}
