/**
 * Slack's events: messages here, buttons and dialogs in interactions.ts, commands in commands.ts. Intake commits each event
 * before it is acknowledged; all other work comes after.
 */
import { App, type BlockAction } from '@slack/bolt'
import { z } from 'zod'
import type { Connection } from '../../src/core/connection.ts'
import { asParleyError, errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { conversationKey, type IncomingMessage } from '../../src/core/message.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Intake, Listener } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { createCommands } from './commands.ts'
import type { Self } from './events.ts'
import { TargetData } from './events.ts'
import { noticeContent } from './format.ts'
import type { Ingress } from './ingress.ts'
import { type Installations, selfIn, type Workspace } from './installations.ts'
import { createInteractions } from './interactions.ts'
import { createMessages, tellAlone } from './messages.ts'
import { createNames, type NameLookUp } from './names.ts'
import { targetOf, threadConversation } from './normalize.ts'
import { type People, sweepPeople } from './people.ts'
import { placeEvents, takePlaceEvent } from './place-events.ts'
import { createPosts } from './post-keys.ts'
import { createRecent, type RecentConversations } from './recent.ts'
import { boltLogger, slackCode } from './sdk.ts'
import { platformName } from './settings.ts'
import { runningRecord } from './status.ts'

export interface ListenerDeps {
  ingress: Ingress
  installations: Installations
  people: People
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
  names: NameLookUp
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
const StoppedEvent = z.object({ channel: z.string(), thread_ts: z.string(), user: z.string(), event_ts: z.string() })
const HomeEvent = z.object({ user: z.string(), tab: z.string().nullish() })
const ThreadStarted = z.object({ assistant_thread: z.object({ channel_id: z.string(), thread_ts: z.string() }) })
/** Of an organization's app: it lost workspaces. */
const AccessRevoked = z.object({ team_ids: z.array(z.string()) })
const RevokedEvent = z.object({ tokens: z.object({ bot: z.array(z.string()).nullish() }) })

/** Some events name their workspace only outside their authorizations. */
function teamOf(body: unknown): string | undefined {
  const named = z.looseObject({ team_id: z.string() }).safeParse(body)
  return named.success ? named.data.team_id : undefined
}

export function createListener(deps: ListenerDeps, intake: Intake): Listener {
  const { ingress, installations, people, records, log, onIgnored } = deps
  const connections = [...(deps.connections ?? []), ...(ingress.socket ? [ingress.socket] : [])]
  const names = createNames(people)
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
    names,
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
      return { workspace, self: selfIn(workspace, team, enterpriseId) }
    },
    async ask(message, self, workspace) {
      const { membership, name, locale } = await people.person(workspace, self, message.author.id)
      const author = {
        ...message.author,
        name: name ?? message.author.name,
        // The message alone cannot tell a colleague of another workspace from a stranger.
        membership: membership ?? message.author.membership,
      }
      const received = await intake.receive({ ...message, author, locale: locale ?? message.locale })
      if (received.kind === 'stopped') return
      if (received.kind === 'refused') {
        slack.later('explaining why a question was refused', () =>
          tellAlone(workspace, message.replyTarget, noticeContent(received.notice)),
        )
        return
      }
      if (received.kind === 'late')
        slack.later('offering an answer with late files', () =>
          messages.offer(received.turnId, message.replyTarget, workspace, 'filesCameLate'),
        )
      slack.later('noting a conversation for the Home tab', () =>
        slack.recent.note(TargetData.parse(message.replyTarget.data), received.turnId),
      )
    },
  }

  app.event(/^(?:message|app_mention)$/, ({ event, context }) => messages.handle(event, context))
  app.event('agent_session_stopped', async ({ event, context }) => {
    const { channel, thread_ts: thread, user, event_ts: at } = StoppedEvent.parse(event)
    const { self, workspace } = await slack.at(context)
    const conversation = threadConversation(self.teamId, channel, thread)
    const turnId = await records.get(runningRecord(conversationKey(conversation)))
    if (typeof turnId !== 'string') return onIgnored?.(slackWording.ignored.nothingRunning)
    const replyTarget = targetOf(conversation, { team: self.teamId, channel, thread, user })
    const by = { id: user, name: (await people.person(workspace, self, user)).name }
    try {
      // Slack has stopped the stream already, whoever it was.
      await intake.act({ kind: 'stop', turnId, id: `stop-${channel}-${at}`, by, replyTarget, byPlatform: true })
    } catch (thrown) {
      const error = asParleyError(thrown)
      if (error.retry === 'later') throw thrown
      slack.later('explaining why an answer was not stopped', () =>
        tellAlone(workspace, replyTarget, noticeContent({ text: error.userMessage, private: true })),
      )
    }
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
  app.event(new RegExp(`^(?:${placeEvents.join('|')})$`), async ({ event, context }) => {
    const { self } = await slack.at(context)
    const changes = await takePlaceEvent(event, self, people, intake.placeChanged)
    if (changes === 0) onIgnored?.(slackWording.ignored.nothing(event.type))
  })
  app.event('app_uninstalled', ({ context, body }) => removed(context.teamId ?? teamOf(body), context.enterpriseId))
  app.event('tokens_revoked', async ({ event, context, body }) => {
    const { tokens } = RevokedEvent.parse(event)
    if ((tokens.bot ?? []).length > 0) await removed(context.teamId ?? teamOf(body), context.enterpriseId)
  })
  app.event('team_access_revoked', async ({ event }) => {
    for (const teamId of AccessRevoked.parse(event).team_ids) await forget(teamId)
  })

  const forget = (workspaceId: string) =>
    intake.placeChanged({ kind: 'workspaceRemoved', platform: platformName, workspaceId })

  /** Without its token, Slack's next delivery would not get this far, so the token goes last. */
  async function removed(teamId: string | undefined, enterpriseId: string | undefined): Promise<void> {
    for (const workspaceId of await installations.within(teamId, enterpriseId)) await forget(workspaceId)
    await installations.remove(teamId, enterpriseId)
  }

  const messages = createMessages(slack, (why) => onIgnored?.(why))
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
      const sweep = () => slack.later('deleting old records', () => Promise.all([posts.sweep(), sweepPeople(records)]))
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
