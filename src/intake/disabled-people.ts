/** Ends the answers that are under way for somebody who is disabled, wherever they asked. */
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { sessionsEndedTopic } from '../core/topics.ts'
import type { Channel } from '../queue/channel.ts'
import type { Queue } from '../queue/queue.ts'
import type { Turns } from '../store/turns.ts'
import { stopJob } from './actions.ts'
import { dispatchTurn } from './dispatch.ts'
import { stopTopic } from './stop.ts'

export interface DisabledPeopleDeps {
  turns: Pick<Turns, 'stopOfDisabled'>
  channel: Pick<Channel, 'publish' | 'subscribe'>
  queue: Pick<Queue, 'add' | 'addFlow'>
  log: Log
}

/** Returns the end. */
export async function stopForDisabled({
  turns,
  channel,
  queue,
  log,
}: DisabledPeopleDeps): Promise<() => Promise<void>> {
  async function stop(personId: string): Promise<void> {
    for (const { turnId, state } of await turns.stopOfDisabled(personId)) {
      channel.publish(stopTopic, { turnId })
      // No worker holds a turn whose files are still unread: this job ends it.
      if (state === 'queued') await dispatchTurn(queue, stopJob(turnId))
    }
  }
  return await channel.subscribe(sessionsEndedTopic, (personId) => {
    if (typeof personId !== 'string') return
    stop(personId).catch((error: unknown) =>
      log.warn(errorFields(error), 'answers to a person whose sessions ended could not be stopped'),
    )
  })
}
