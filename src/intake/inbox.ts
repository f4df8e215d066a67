/**
 * Where every platform's messages come in. The message is committed when `receive` returns; handing the turn to the queue
 * may fail after that, and then `sweep` does it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type FollowUps, judge, judgeAlone, saysStop } from '../core/addressing.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type Author, type ConversationRef, conversationKey, IncomingMessage } from '../core/message.ts'
import type { Accepted, Intake } from '../core/platform.ts'
import { scopesOf, spenderOf } from '../core/scope.ts'
import type { Queue } from '../queue/queue.ts'
import type { Settings } from '../store/settings.ts'
import type { Dispatch, Turns } from '../store/turns.ts'
import { type ActionsDeps, createActions, stopJob } from './actions.ts'
import { dispatchTurn, readingJobs } from './dispatch.ts'
import { refusalOf } from './guest-policy.ts'
import { stopTopic } from './stop.ts'

/** How long a message waits for a busy queue: once committed, it may be acknowledged. */
const handOverMs = 50
/** The most messages of a deleted channel that one statement deletes. */
const withdrawnAtOnce = 500

export interface InboxDeps extends Omit<ActionsDeps, 'turns' | 'handOver' | 'commands' | 'refusal'> {
  turns: Turns
  queue: Queue
  settings: Pick<Settings, 'read'>
  commands: Pick<Intake, 'command' | 'suggest' | 'commands'>
  /** The line of a command, if a message is a code that links its author's account. */
  linkLine(text: string, author: Author, at: ConversationRef): string | undefined
  placeChanged: Intake['placeChanged']
  filesPosted: Intake['filesPosted']
  /** Whether the web is searched for a message, or its links are read: that begins while its files are read. */
  concernsWeb?: ((message: IncomingMessage) => Promise<boolean>) | undefined
  log: Log
}

export function createInbox({
  turns,
  queue,
  settings,
  commands,
  channel,
  placeChanged,
  filesPosted,
  concernsWeb,
  log,
  ...rest
}: InboxDeps): Intake {
  const refusal: ActionsDeps['refusal'] = (person, at) => refusalOf(settings, person, at)

  async function handOver(next: Dispatch, kind: Accepted['kind'], message?: IncomingMessage): Promise<void> {
    try {
      // The turn that was joined is on its way already; it waits for its new files when it starts.
      if (kind === 'joined') await Promise.all(readingJobs(next).map((job) => queue.add(job)))
      else {
        const withFiles = message !== undefined && next.attachmentIds.length > 0
        const search = withFiles && (await concernsWeb?.(message).catch(() => false)) === true
        await dispatchTurn(queue, next, { search })
      }
    } catch (error) {
      log.warn({ ...errorFields(error), turnId: next.turnId }, 'turn not handed to the queue; sweep will')
    }
  }

  const act = createActions({ ...rest, channel, turns, commands, handOver, refusal })

  /** "stop", said while an answer is being written, is no question. Whoever may not stop it asks the model. */
  async function stopIfSaid({ id, text, attachments, conversation, author, replyTarget }: IncomingMessage) {
    if (attachments.length > 0 || !saysStop(text)) return undefined
    const turnId = await turns.stopTarget(conversationKey(conversation), conversation.platform, id)
    if (turnId === null) return undefined
    try {
      await act({ kind: 'stop', turnId, id, by: author, replyTarget })
      return turnId
    } catch (error) {
      if (error instanceof ParleyError && error.code === 'request_forbidden') return undefined
      throw error
    }
  }

  /**
   * A platform may announce one message twice, first without its files. A program does not: the same id with other files is another
   * request, whose files must not reach the first one.
   */
  async function taken(message: IncomingMessage) {
    const accepted = await turns.accept(message)
    const late = message.attachments.length > 0 && message.program === undefined
    if (accepted.kind !== 'duplicate' || !late) return accepted
    return (await turns.complete(message)) ?? accepted
  }

  async function followUpsFor(author: Author, conversation: ConversationRef): Promise<FollowUps | undefined> {
    const scopes = scopesOf(spenderOf(conversation, await rest.know(author, conversation)))
    const values = await settings.read(scopes)
    return scopes.map((scope) => values.get(scope)?.['policy.followUps']).findLast((set) => set !== undefined)
  }

  return {
    async receive(incoming) {
      const parsed = IncomingMessage.parse(incoming)
      const message = { ...parsed, author: await rest.know(parsed.author, parsed.conversation) }
      const { platform } = message.conversation
      const text = await refusal(message.author, message.conversation)
      if (text !== undefined) {
        log.info({ platform, membership: message.author.membership }, 'message refused by the guest policy')
        return { kind: 'refused', notice: { text, private: true } }
      }
      // A code of linking is for Parley alone: no model reads it, and no other part stores it.
      const line = rest.linkLine(message.text, message.author, message.conversation)
      if (line !== undefined) {
        const { id, conversation, author, replyTarget, locale, kind } = message
        const call = { id, conversation, author, replyTarget, locale, text: line, direct: kind === 'direct' }
        return { kind: 'refused', notice: { ...(await commands.command(call)), private: true } }
      }
      const stopped = await stopIfSaid(message)
      if (stopped !== undefined) return { kind: 'stopped', turnId: stopped }
      const { kind, turnId, dispatch: next } = await taken(message)
      log.info({ turnId, kind, platform, files: message.attachments.length }, 'message received')
      await shortly(handOver(next, kind, message))
      return { kind, turnId }
    },

    act,

    placeChanged,

    filesPosted,

    async command(call) {
      const author = await rest.know(call.author, call.conversation)
      const text = await refusal(author, call.conversation)
      return text === undefined ? await commands.command({ ...call, author }) : { text, private: true }
    },
    async suggest(call, ...typed) {
      return await commands.suggest({ ...call, author: await rest.know(call.author, call.conversation) }, ...typed)
    },
    commands: commands.commands,

    revise: ({ platform, id, text, by }) => turns.revise(platform, id, text, by.id),

    async concerns(message) {
      const alone = judgeAlone(message)
      const { conversation, author } = message
      // A mention at the top of a channel begins a conversation, so nothing is known of it yet.
      if (alone !== undefined && (!alone.answers || message.place === 'channel')) return alone
      if (message.place === 'direct') {
        if (conversation.threadId === undefined) return { answers: true }
        const direct = await turns.participation(conversationKey(conversation), author.id)
        return { answers: true, known: direct?.known }
      }
      const [participation, followUps] = await Promise.all([
        turns.participation(conversationKey(conversation), author.id),
        followUpsFor(author, conversation),
      ])
      const asked = participation?.asked === true
      const verdict = judge(message, { participates: participation !== null, asked, followUps: followUps ?? 'always' })
      return verdict.answers ? { answers: true, known: participation?.known } : verdict
    },

    async withdraw(withdrawal) {
      const { platform } = withdrawal
      const ids =
        'ids' in withdrawal
          ? withdrawal.ids
          : await turns.messagesIn(conversationKey({ platform, ...withdrawal.place }))
      let known = 0
      for (let from = 0; from < ids.length; from += withdrawnAtOnce) {
        const some = await turns.withdraw(platform, ids.slice(from, from + withdrawnAtOnce))
        known += some.known
        for (const { turnId, state } of some.open) {
          channel.publish(stopTopic, { turnId })
          // No worker holds it: this job lets one take back what was shown.
          if (state === 'queued') await shortly(handOver(stopJob(turnId), 'new'))
        }
      }
      if (known > 0) log.info({ platform, messages: known }, 'messages deleted by their authors')
      return known
    },
  }
}

/** Until the work is done, or for a moment; it goes on all the same. */
async function shortly(work: Promise<void>): Promise<void> {
  const done = new AbortController()
  const moment = sleep(handOverMs, undefined, { signal: done.signal }).catch(() => undefined)
  await Promise.race([work.finally(() => done.abort()), moment])
}
