/**
 * Where every platform's messages come in. The message is committed when `receive` returns; handing the turn to the queue
 * may fail after that, and then `sweep` does it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { conversationKey, IncomingMessage } from '../core/message.ts'
import type { Accepted, Intake } from '../core/platform.ts'
import type { Queue } from '../queue/queue.ts'
import type { Settings } from '../store/settings.ts'
import type { Dispatch, Turns } from '../store/turns.ts'
import { type ActionsDeps, createActions } from './actions.ts'
import { dispatchTurn, readingJobs } from './dispatch.ts'
import { refusalOf } from './guest-policy.ts'

/** How long a message waits for a busy queue: once committed, it may be acknowledged. */
const handOverMs = 50

export interface InboxDeps extends Omit<ActionsDeps, 'turns' | 'handOver' | 'commands' | 'refusal'> {
  turns: Turns
  queue: Queue
  settings: Pick<Settings, 'read'>
  commands: Pick<Intake, 'command' | 'suggest' | 'commands'>
  log: Log
}

export function createInbox({ turns, queue, settings, commands, log, ...rest }: InboxDeps): Intake {
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

  return {
    async receive(incoming) {
      const message = IncomingMessage.parse(incoming)
      const { platform } = message.conversation
      const text = await refusal(message.author, message.conversation)
      if (text !== undefined) {
        log.info({ platform, membership: message.author.membership }, 'message refused by the guest policy')
        return { kind: 'refused', notice: { text, private: true } }
      }
      const { kind, turnId, dispatch: next } = await turns.accept(message)
      log.info({ turnId, kind, platform, files: message.attachments.length }, 'message received')
      await shortly(handOver(next, kind))
      return { kind, turnId }
    },

    act: createActions({ ...rest, turns, commands, handOver, refusal }),

    async command(call) {
      const text = await refusal(call.author, call.conversation)
      return text === undefined ? await commands.command(call) : { text, private: true }
    },
    suggest: commands.suggest,
    commands: commands.commands,

    revise: ({ platform, id, text, by }) => turns.revise(platform, id, text, by.id),
    takesPart: (conversation) => turns.takesPart(conversationKey(conversation)),
  }
}

/** Until the work is done, or for a moment; it goes on all the same. */
async function shortly(work: Promise<void>): Promise<void> {
  const done = new AbortController()
  const moment = sleep(handOverMs, undefined, { signal: done.signal }).catch(() => undefined)
  await Promise.race([work.finally(() => done.abort()), moment])
}
