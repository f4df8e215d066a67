/** Slack's message events: questions, edits and deletions. */
import { type Addressing, saysStop } from '../../src/core/addressing.ts'
import { asksAboutDiscussion } from '../../src/core/context.ts'
import type { IncomingMessage, ReplyTarget } from '../../src/core/message.ts'
import type { KnownTalk } from '../../src/core/platform.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { type About, createContext, limited } from './context.ts'
import { MessageEvent, type Self, TargetData, whisperThread } from './events.ts'
import type { Workspace } from './installations.ts'
import type { EventContext, SlackContext } from './listener.ts'
import { mentions } from './mrkdwn.ts'
import { isDirect, type Normalized, normalize } from './normalize.ts'
import { createOnce } from './once.ts'
import { changesByMessage } from './place-events.ts'
import { createPosted, mayHold } from './posted.ts'
import { platformName } from './settings.ts'

const deletedRecord = (id: string) => `deleted/${id}`
/** Names are worth a moment. */
const namesMs = 1000

export interface Messages {
  handle(event: unknown, context: EventContext): Promise<void>
  /** Offers its author a new answer for a turn that has started already. */
  offer(
    turnId: string,
    place: ReplyTarget,
    workspace: Workspace,
    why: 'questionChanged' | 'filesCameLate',
  ): Promise<void>
}

export function createMessages(slack: SlackContext, ignore: (why: string) => void): Messages {
  const { intake, people, names, records } = slack
  const reading = createContext(slack)
  const filesIn = createPosted(people)
  const once = createOnce()

  async function handle(given: unknown, context: EventContext): Promise<void> {
    const parsed = MessageEvent.safeParse(given)
    if (!parsed.success) return ignore(slackWording.ignored.notAMessage)
    const { self, workspace } = await slack.at(context)
    for (const change of changesByMessage(parsed.data, self)) await intake.placeChanged(change)
    // Most messages of a channel are none of Parley's business: only for the others, Slack is asked for more.
    const bare = normalize(parsed.data, self)
    if (bare.kind === 'ignored') return await leave(parsed.data, bare.why, self, workspace)
    if (bare.kind === 'deletion') return await remove(bare.id, parsed.data, self)
    if (bare.kind === 'revision') {
      const named = normalize(parsed.data, self, await namesOf(parsed.data, self, workspace))
      if (named.kind === 'revision') await revise(named, parsed.data, self, workspace)
      return
    }
    const { message, addressing } = bare
    const take = () => question(parsed.data, addressing, self, workspace)
    // Only a mention comes twice.
    if (!addressing.mentioned || addressing.place === 'direct') return await take()
    const files = message.attachments.map(({ id }) => id)
    await once.take({ id: message.id, event: parsed.data.type, files }, take)
  }

  const namesOf = (event: MessageEvent, self: Self, workspace: Workspace) =>
    names.namesIn(event.message ?? event, self, workspace, { patienceMs: 0, signal: AbortSignal.timeout(namesMs) })

  /** It is not for Parley; its files may be for those who search later. */
  async function leave(event: MessageEvent, why: string, self: Self, workspace: Workspace): Promise<void> {
    if (mayHold(event, self)) {
      const place = { platform: platformName, workspaceId: self.teamId, channelId: event.channel }
      await intake.filesPosted(place, () => filesIn(event, event.channel, self, workspace, limited()))
    }
    ignore(why)
  }

  async function question(bare: MessageEvent, addressing: Addressing, self: Self, workspace: Workspace): Promise<void> {
    // Starts the look-up now; `ask` awaits it, so both look-ups run in parallel.
    void people.person(workspace, self, addressing.author.id)
    const concern = await intake.concerns(addressing)
    if (!concern.answers) return await leave(bare, concern.why, self, workspace)
    const [event, known] = await Promise.all([reading.withFiles(bare, workspace), namesOf(bare, self, workspace)])
    const normalized = normalize(event, self, known)
    if (normalized.kind !== 'message') return
    await askWith(normalized.message, event, concern.known, self, workspace)
  }

  /** The question with what belongs to it. A message that only stops an answer needs no context. */
  async function askWith(
    message: IncomingMessage,
    event: MessageEvent,
    known: KnownTalk | undefined,
    self: Self,
    workspace: Workspace,
  ): Promise<void> {
    const { thread, ts } = TargetData.parse(message.replyTarget.data)
    const inThread = thread !== undefined && thread !== ts
    // A direct conversation is known from its first message on, unless it is below one of Parley's own.
    const called = message.kind === 'mention' || (message.kind === 'direct' && known === undefined)
    const asksAbove = message.kind !== 'direct' && asksAboutDiscussion(message.text)
    const above = inThread ? (called || asksAbove ? 'thread' : 'nothing') : asksAbove ? 'discussion' : 'nothing'
    const about: About = { event, above, begins: !inThread, known }
    const whole = saysStop(message.text) ? message : await reading.withContext(message, about, self, workspace)
    if (once.isRemoved(message.id)) return ignore(slackWording.ignored.deleted)
    await slack.ask(whole, self, workspace)
    slack.later('taking back a question that was deleted meanwhile', async () => {
      if ((await records.get(deletedRecord(message.id))) !== undefined) await withdraw(message.id)
    })
  }

  /**
   * Another process may be taking the question in at this moment: it finds the record when it has, or its message is found
   * here once the record is there.
   */
  async function remove(id: string, event: MessageEvent, self: Self): Promise<void> {
    await once.remove(id)
    if ((await withdraw(id)) > 0) return
    const { text, thread_ts: thread } = event.previous_message ?? {}
    // Follow-ups need no mention.
    const mayBeForParley = isDirect(event) || thread != null || mentions(text ?? '', self.botUserId)
    if (mayBeForParley) {
      await records.put(deletedRecord(id), true)
      if ((await withdraw(id)) > 0) return
    }
    ignore(slackWording.ignored.unknownDeletion)
  }

  const withdraw = (id: string) => intake.withdraw({ platform: platformName, ids: [id] })

  async function revise(
    { revision, place, fresh }: Extract<Normalized, { kind: 'revision' }>,
    change: MessageEvent,
    self: Self,
    workspace: Workspace,
  ): Promise<void> {
    const revised = await intake.revise(revision)
    if (revised.kind === 'started')
      slack.later('offering a new answer', () => offer(revised.turnId, place, workspace, 'questionChanged'))
    if (revised.kind !== 'unknown') return
    if (fresh === undefined) return ignore(slackWording.ignored.unknownMessage)
    const { message, type, channel, channel_type } = { ...change, type: 'message' as const }
    const event = MessageEvent.parse({ ...message, subtype: undefined, type, channel, channel_type })
    const files = fresh.message.attachments.map(({ id }) => id)
    await once.take({ id: fresh.message.id, event: 'message', files }, () =>
      question(event, fresh.addressing, self, workspace),
    )
  }

  async function offer(
    turnId: string,
    place: ReplyTarget,
    workspace: Workspace,
    why: 'questionChanged' | 'filesCameLate',
  ) {
    const text = chatWording[why]
    const label = why === 'filesCameLate' ? chatWording.answerWithFiles : chatWording.answerNewQuestion
    const button = { type: 'button', action_id: 'parley:regenerate', value: `regenerate:${turnId}` }
    await tellAlone(workspace, place, {
      text,
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text } },
        { type: 'actions', elements: [{ ...button, text: { type: 'plain_text', text: label } }] },
      ],
    })
  }

  return { handle, offer }
}

/** Visible to one person only. A direct chat has no other readers, so an ordinary message does, and it stays. */
export async function tellAlone({ api }: Workspace, place: ReplyTarget, content: object): Promise<void> {
  const data = TargetData.parse(place.data)
  const { channel, user } = data
  const alone = data.direct !== true && user !== undefined
  const thread = alone ? whisperThread(data) : data.thread
  const where = { channel, ...content, thread_ts: thread }
  if (alone) await api.call('chat.postEphemeral', { ...where, user })
  else await api.call('chat.postMessage', where)
}
