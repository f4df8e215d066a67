/** What people hear of an answer that its platform does not take. */
import { errorFields, type ParleyError } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import { sourceList } from '../src/core/markdown/sources.ts'
import type { Platform } from '../src/core/platform.ts'
import { scopeOf } from '../src/core/scope.ts'
import type { ReplyWriter } from '../src/reply/reply-writer.ts'
import type { StoredOutcome, TurnWork } from '../src/store/turns.ts'
import { undeliveredWording } from '../src/wording/answers.ts'
import { scopeName } from '../src/wording/commands.ts'
import type { Messaging } from './deps.ts'

interface Undelivered {
  platform: Platform
  work: TurnWork
  outcome: StoredOutcome
  replyWriter: ReplyWriter
  /** Why the platform refused it. */
  error: ParleyError
  signal: AbortSignal
}

/**
 * What is half written says why there is no answer; where nothing can be written any more, the asker alone gets the reason and
 * the answer with its sources, where the platform can tell them. The admins hear the reason, too. Never throws.
 */
export async function tellUndelivered(
  { messaging, log }: { messaging: Pick<Messaging, 'alerts'>; log: Log },
  { platform, work, outcome, replyWriter, error, signal }: Undelivered,
): Promise<void> {
  const [asked] = work.messages
  if (asked === undefined) return
  const { conversation, author } = asked
  const why = undeliveredWording.toAsker(error.userMessage)
  // A long answer does not fit into a notice.
  const answer = `${outcome.text}\n\n${sourceList(outcome.citations)}`.trimEnd()
  const told = undeliveredWording.withAnswer(why, answer)
  const text = outcome.state === 'done' && told.length <= platform.capabilities.maxChars ? told : why
  const key = `${work.id}-undelivered`
  const isRead = await replyWriter.giveUp(why, { state: 'failed', receipt: outcome.receipt })
  const tellAdmins = async () => {
    const channel = scopeOf.channel(conversation)
    const target = await messaging.alerts.target(channel)
    const where = target && scopeName(channel, { ...target.conversation, userId: '' })
    await messaging.alerts.send(
      channel,
      { text: undeliveredWording.toAdmins(author.name, where, error.userMessage) },
      key,
    )
  }
  const tries = [
    isRead ? undefined : platform.transport.tellAsker?.(work.replyTarget, { text, private: true }, { key, signal }),
    tellAdmins(),
  ]
  for (const result of await Promise.allSettled(tries))
    if (result.status === 'rejected')
      log.warn(
        { turnId: work.id, ...errorFields(result.reason) },
        'nobody could be told that a reply was not delivered',
      )
}
