/**
 * Where every platform's messages come in. The message is committed when `receive` returns; handing the turn to the queue
 * may fail after that, and then `sweep` does it (law 1).
 */
import { errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { conversationKey, IncomingMessage } from '../core/message.ts'
import type { Intake, Received } from '../core/platform.ts'
import type { Channel } from '../queue/channel.ts'
import type { Queue } from '../queue/queue.ts'
import type { Dispatch, Turns } from '../store/turns.ts'
import { dispatchTurn, readingJobs } from './dispatch.ts'
import { stopTopic } from './stop.ts'

/** The number of the job that a stop adds; dispatches count from 1. */
const stopDispatch = 0

export interface InboxDeps {
  turns: Turns
  queue: Queue
  channel: Channel
  commands: Pick<Intake, 'command' | 'suggest' | 'commands'>
  log: Log
}

export function createInbox({ turns, queue, channel, commands, log }: InboxDeps): Intake {
  async function handOver(next: Dispatch, kind: Received['kind']): Promise<void> {
    try {
      // The turn that was joined is on its way already; it waits for its new files when it starts.
      if (kind === 'joined') await Promise.all(readingJobs(next).map((job) => queue.add(job)))
      else await dispatchTurn(queue, next)
    } catch (error) {
      log.warn({ ...errorFields(error), turnId: next.turnId }, 'turn not handed to the queue; sweep will')
    }
  }

  return {
    async receive(message) {
      const { kind, turnId, dispatch: next } = await turns.accept(IncomingMessage.parse(message))
      log.info(
        { turnId, kind, platform: message.conversation.platform, files: message.attachments.length },
        'message received',
      )
      await handOver(next, kind)
      return { kind, turnId }
    },

    async act(action) {
      switch (action.kind) {
        case 'stop':
          return await stop(action.turnId)
        case 'regenerate': {
          const next = await turns.regenerate(action.turnId)
          await handOver(next, 'new')
          return { turnId: next.turnId }
        }
        default:
          throw new ParleyError('request_invalid', 'That button is of a newer Parley. Please ask the question again.')
      }
    },

    revise: ({ platform, id, text, by }) => turns.revise(platform, id, text, by.id),
    takesPart: (conversation) => turns.takesPart(conversationKey(conversation)),
    ...commands,
  }

  async function stop(turnId: string): Promise<{ turnId: string }> {
    const known = await turns.requestStop(turnId)
    if (known === null) throw new ParleyError('turn_not_found', 'That answer is no longer here. Nothing is running.')
    // The worker that holds the turn hears this at once; should it be lost, the next renewal of the lease tells.
    channel.publish(stopTopic, { turnId })
    // Nobody holds a turn whose files are still to be read: this job ends it without waiting for them.
    if (known === 'queued') await handOver({ turnId, dispatch: stopDispatch, attachmentIds: [] }, 'new')
    return { turnId }
  }
}
