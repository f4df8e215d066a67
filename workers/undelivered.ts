/** Replies that do not stand: taken back because the question was deleted, or refused by the platform for good. */
import { asParleyError, errorFields, type ParleyError } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import { scopeOf } from '../src/core/scope.ts'
import type { ReplyWriter } from '../src/reply/reply-writer.ts'
import type { StoredOutcome, TurnWork } from '../src/store/turns.ts'
import { undeliveredWording } from '../src/wording/answers.ts'
import type { Messaging, Storage } from './deps.ts'

interface Deps {
  storage: Pick<Storage, 'turns'>
  messaging: Pick<Messaging, 'platform' | 'alerts'>
  log: Log
}

/** Removes what was posted of a reply. What the platform does not let go stays there. */
export async function removeReply(
  { storage: { turns }, messaging, log }: Deps,
  work: TurnWork,
  signal: AbortSignal,
): Promise<void> {
  const { transport } = messaging.platform(work.platform)
  for (const { ordinal, ref } of await turns.parts(work.id)) {
    if (ref !== null)
      await transport.remove(work.replyTarget, ref, { signal }).catch((thrown: unknown) => {
        if (asParleyError(thrown).retry !== 'never') throw thrown
        log.info({ turnId: work.id, ...errorFields(thrown) }, 'part of a withdrawn reply could not be removed')
      })
    await turns.removePart(work.id, ordinal)
  }
}

/**
 * What is half written says why there is no answer; where nothing can be written any more, the asker alone hears it, where
 * the platform can tell them. The admins hear it, too.
 */
export async function tellUndelivered(
  { messaging, log }: Deps,
  work: TurnWork,
  outcome: StoredOutcome,
  replyWriter: ReplyWriter,
  error: ParleyError,
  signal: AbortSignal,
): Promise<void> {
  const [asked] = work.messages
  if (asked === undefined) return
  const { conversation, author } = asked
  const { transport, capabilities } = messaging.platform(work.platform)
  const why = undeliveredWording.toAsker(error.userMessage)
  // A long answer does not fit into a notice.
  const told = undeliveredWording.withAnswer(why, outcome.text)
  const text = outcome.state === 'done' && told.length <= capabilities.maxChars ? told : why
  const key = `${work.id}-undelivered`
  const isRead = await replyWriter.giveUp(why, { state: 'failed', receipt: outcome.receipt })
  const toAdmins = undeliveredWording.toAdmins(author.name, error.userMessage)
  const tries = [
    isRead ? undefined : transport.tellAsker?.(work.replyTarget, { text, private: true }, { key, signal }),
    messaging.alerts.send(scopeOf.channel(conversation), { text: toAdmins }, key),
  ]
  for (const result of await Promise.allSettled(tries))
    if (result.status === 'rejected')
      log.warn(
        { turnId: work.id, ...errorFields(result.reason) },
        'nobody could be told that a reply was not delivered',
      )
}
