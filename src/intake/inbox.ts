/**
 * Where every platform's messages come in. The message is committed when `receive` returns; handing the turn to the queue
 * may fail after that, and then `sweep` does it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { judge, judgeAlone, saysStop } from '../core/addressing.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { conversationKey, IncomingMessage } from '../core/message.ts'
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
  log: Log
}

export function createInbox({ turns, queue, settings, commands, channel, log, ...rest }: InboxDeps): Intake {
  const refusal: ActionsDeps['refusal'] = (person, at) => refusalOf(settings, person, at)

  async function handOver(next: Dispatch, kind: Accepted['kind']): Promise<void> {
    try {
      // The turn that was joined is on its way already; it waits for its new files when it starts.
      if (kind === 'joined') await Promise.all(readingJobs(next).map((job) => queue.add(job)))
      else await dispatchTurn(queue, next)
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

  /** A platform may announce one message twice, first without its files. */
  async function taken(message: IncomingMessage) {
    const accepted = await turns.accept(message)
    if (accepted.kind !== 'duplicate' || message.attachments.length === 0) return accepted
    return (await turns.complete(message)) ?? accepted
  }

  return {
    async receive(incoming) {
      const message = IncomingMessage.parse(incoming)
      const { platform } = message.conversation
      const text = await refusal(message.author, message.conversation)
      if (text !== undefined) {
        log.info({ platform, membership: message.author.membership }, 'message refused by the guest policy')
        return { kind: 'refused', notice: { text, private: true } }
      }
      const stopped = await stopIfSaid(message)
      if (stopped !== undefined) return { kind: 'stopped', turnId: stopped }
      const { kind, turnId, dispatch: next } = await taken(message)
      log.info({ turnId, kind, platform, files: message.attachments.length }, 'message received')
      await shortly(handOver(next, kind))
      return { kind, turnId }
    },

    act,

    async command(call) {
      const text = await refusal(call.author, call.conversation)
      return text === undefined ? await commands.command(call) : { text, private: true }
    },
    suggest: commands.suggest,
    commands: commands.commands,

    revise: ({ platform, id, text, by }) => turns.revise(platform, id, text, by.id),

    async concerns(message) {
      const alone = judgeAlone(message)
      const { conversation, author } = message
      // A mention at the top of a channel begins a conversation, so nothing is known of it yet.
      if (alone !== undefined && (!alone.answers || message.place === 'channel')) return alone
      if (message.place === 'direct') {
        const known =
          conversation.threadId === undefined
            ? null
            : await turns.participation(conversationKey(conversation), author.id)
        return { answers: true, last: known?.last }
      }
      const scopes = scopesOf(spenderOf(conversation, author.id))
      const [participation, values] = await Promise.all([
        turns.participation(conversationKey(conversation), author.id),
        settings.read(scopes),
      ])
      const followUps = scopes
        .map((scope) => values.get(scope)?.['policy.followUps'])
        .findLast((set) => set !== undefined)
      const asked = participation?.asked === true
      const verdict = judge(message, { participates: participation !== null, asked, followUps: followUps ?? 'always' })
      return verdict.answers ? { answers: true, last: participation?.last } : verdict
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
