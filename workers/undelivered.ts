/** Replies that are removed because the question was deleted, and replies that the platform refuses for good. */
import { asParleyError, errorFields, type ParleyError } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import { sourceList } from '../src/core/markdown/sources.ts'
import { scopeOf } from '../src/core/scope.ts'
import type { ReplyWriter } from '../src/reply/reply-writer.ts'
import type { StoredOutcome, TurnWork } from '../src/store/turns.ts'
import { undeliveredWording } from '../src/wording/answers.ts'
import { scopeName } from '../src/wording/commands.ts'
import type { Messaging, Storage } from './deps.ts'

interface Deps {
  storage: Pick<Storage, 'turns'>
  messaging: Pick<Messaging, 'platform' | 'alerts'>
  log: Log
}

/** Removes what was posted of a reply. A message that the platform refuses to remove stays. */
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
 * Replaces a half-written message by the reason. If the platform takes that neither, the asker alone gets the reason and the
 * answer with its sources, where the platform can tell them. The admins get the reason in an alert.
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
  const answer = `${outcome.text}\n\n${sourceList(outcome.citations)}`.trimEnd()
  const told = undeliveredWording.withAnswer(why, answer)
  const text = outcome.state === 'done' && told.length <= capabilities.maxChars ? told : why
  const key = `${work.id}-undelivered`
  const isRead = await replyWriter.giveUp(why, { state: 'failed', receipt: outcome.receipt })
  const tellAdmins = async () => {
    const channel = scopeOf.channel(conversation)
    const target = await messaging.alerts.target(channel)
    const where = target && scopeName(channel, { ...target.conversation, userId: '' }, new Map())
    const toAdmins = undeliveredWording.toAdmins(author.name, where, error.userMessage)
    await messaging.alerts.send(channel, { text: toAdmins }, key)
  }
  const tries = [
    isRead ? undefined : transport.tellAsker?.(work.replyTarget, { text, private: true }, { key, signal }),
    tellAdmins(),
  ]
  for (const result of await Promise.allSettled(tries))
    if (result.status === 'rejected')
      log.warn(
        { turnId: work.id, ...errorFields(result.reason) },
        'nobody could be told that a reply was not delivered',
      )
}
