/**
 * The story of one turn, from a job's id to a finished reply:
 *
 *   claim the conversation → load what was asked → choose a model → ask, with the content that fits it → write what it says
 *   → resolve what it cites → keep the outcome → finish the reply → end the turn, wake the next one
 *
 * Killed at any line, the next worker comes here again, edits the same messages and ends the turn once.
 */
import { randomUUID } from 'node:crypto'
import { answer } from '../src/answer/answer.ts'
import type { AnswerDeps } from '../src/answer/deps.ts'
import { failedOutcome, stoppedOutcome, type Trace, unsaidOutcome } from '../src/answer/outcome.ts'
import { LeaseLost } from '../src/answer/steps.ts'
import { WaitsForPeople } from '../src/answer/writes.ts'
import { moment } from '../src/core/clock.ts'
import { asParleyError, errorFields, ParleyError } from '../src/core/errors.ts'
import { traced } from '../src/core/events.ts'
import type { Platform } from '../src/core/platform.ts'
import { spenderOf } from '../src/core/scope.ts'
import type { Asked } from '../src/intake/approvals.ts'
import { readingJobs } from '../src/intake/dispatch.ts'
import { dispatchOf, type Handlers, type JobContext, jobId, type Outcome } from '../src/queue/queue.ts'
import { createReplyWriter, type ReplyWriter } from '../src/reply/reply-writer.ts'
import { BudgetExhausted } from '../src/routing/budget.ts'
import {
  type Claim,
  type EndState,
  keepTurnLease,
  type StoredOutcome,
  type TurnLease,
  type TurnWork,
  turnLeaseMs,
} from '../src/store/turns.ts'
import { approvalWording, noAnswerWording, progressWording } from '../src/wording/answers.ts'
import type { Messaging, Money, Storage } from './deps.ts'
import { claimInIsolation, type Isolation } from './isolation.ts'
import { removeReply, tellUndelivered } from './undelivered.ts'

export interface TurnDeps extends AnswerDeps {
  storage: AnswerDeps['storage'] & Pick<Storage, 'turns'>
  messaging: Pick<Messaging, 'queue' | 'stops' | 'platform' | 'alerts'>
  money: Pick<Money, 'budget' | 'turnLimits' | 'approvals'>
  isolation: Isolation
  /** This process, in leases. */
  owner: string
}

/** Within a second something is seen. */
const announceAfterMs = 700
/** A busy conversation is looked at again after this time; its turn's end wakes the next one sooner. */
const busyMs = 2000
/** A turn that would have to wait longer fails at once. */
const patienceMs = 30_000

export function createTurn(deps: TurnDeps): Handlers['turn'] {
  const { storage, messaging, money, log } = deps
  const { turns } = storage
  const { queue, stops } = messaging
  /** Replies that this process writes now. */
  const openReplies = new Set<ReplyWriter>()

  return async ({ turnId }, context) => {
    // Of this run, not of the job: the queue may give a job out again while its earlier run still ends.
    const owner = `${deps.owner}:${context.id}:${randomUUID()}`
    const asked = moment()
    const taken = await claimInIsolation<Claim>(
      deps.isolation,
      turnId,
      (mode) => turns.claim(turnId, owner, turnLeaseMs, mode),
      (claim) => (claim.kind === 'suspect' ? claim.brokenOff : undefined),
    )
    if ('waitMs' in taken) return { delayMs: taken.waitMs }
    using _place = taken.place
    const { claim, verdict } = taken
    // Whatever people decide, or nobody does in time, dispatches it again.
    if (claim.kind === 'ended' || claim.kind === 'waiting') return 'done'
    // Once a later dispatch of the turn is on its way, this one is left over.
    const isOld = (latest: number) => dispatchOf(context.id) < latest
    if (claim.kind === 'busy' || claim.kind === 'suspect') return isOld(claim.dispatch) ? 'done' : { delayMs: busyMs }
    if (claim.kind === 'reading') return isOld(claim.unread.dispatch) ? 'done' : { waitFor: readingJobs(claim.unread) }
    if (verdict === 'unspeakable') return await endUnsaid(turnId, owner)

    using stop = stops.watch(turnId)
    using lease = keepTurnLease(turns, turnId, owner, stop.stop, asked)
    try {
      const work = await turns.load(turnId)
      if (work.withdrawn) return await takeBack(work, owner, lease.lost)
      if (work.stopRequested) stop.stop()
      if (verdict === 'guilty') {
        log.error({ turnId, attempts: work.attempts }, 'turn ended its process again and again; given up')
        return await writeTraced({ ...work, outcome: null }, owner, context, stop.signal, lease, crashed())
      }
      // A follow-up with a file joined between the claim and now: its file comes first.
      if (!stop.signal.aborted && work.attachments.some(({ state }) => state === 'waiting' || state === 'reading')) {
        await turns.release(turnId, owner, 'unused')
        return { delayMs: 0 }
      }
      const entry = stop.signal.aborted || work.outcome !== null ? 'in' : await enter(work)
      if (typeof entry === 'object' && 'waiting' in entry) {
        await showWaiting(work, entry.waiting, lease)
        await turns.release(turnId, owner, 'unused')
        return { delayMs: busyMs }
      }
      // Awaited here: the lease and the watch end with this block.
      return await writeTraced(work, owner, context, stop.signal, lease, entry)
    } catch (thrown) {
      // This process lives, so the try was not broken off; nothing happens where it is given back already.
      await turns.release(turnId, owner).catch(() => {})
      throw thrown
    }
  }

  /** The question was deleted: what was posted goes with it, and nothing of the turn is kept. */
  async function takeBack(work: TurnWork, owner: string, lost: AbortSignal): Promise<Outcome> {
    await removeReply(deps, work, lost)
    await clearStatus(messaging.platform(work.platform), work, 'stopped')
    const { next } = await turns.erase(work.id, owner)
    log.info({ turnId: work.id }, 'turn ended: its question was deleted')
    if (next) await wake(next)
    return 'done'
  }

  /** Even posting the failure ended the process: nothing is posted, so that the conversation goes on. */
  async function endUnsaid(turnId: string, owner: string): Promise<Outcome> {
    log.error({ turnId }, 'turn ended without a message: its message ended the process, too')
    const isWithdrawn = await turns.withdrawn(turnId)
    const { next } = isWithdrawn
      ? await turns.erase(turnId, owner)
      : await turns.finish(turnId, owner, unsaidOutcome(crashed()), null)
    if (next) await wake(next)
    return 'done'
  }

  /** Whether the limits of its person and its channel let it in; the error is for its asker. */
  async function enter(work: TurnWork): Promise<'in' | { waiting: string } | ParleyError> {
    const [asked] = work.messages
    if (asked === undefined) return 'in'
    try {
      return await money.turnLimits.enter(work.id, spenderOf(asked.conversation, asked.author, asked.keyId))
    } catch (thrown) {
      if (thrown instanceof ParleyError && thrown.code === 'rate_limited') return thrown
      throw thrown
    }
  }

  async function writeTraced(...args: Parameters<typeof write>): Promise<Outcome> {
    const [{ id: turnId, platform, attempts: attempt }] = args
    const state = await traced(
      'parley:turn',
      { turnId, platform, attempt },
      () => write(...args),
      (state) => ({ state }),
    )
    return state === 'lost' ? { delayMs: busyMs } : 'done'
  }

  async function write(
    work: TurnWork,
    owner: string,
    context: JobContext,
    stop: AbortSignal,
    lease: TurnLease,
    entry: 'in' | ParleyError,
  ): Promise<EndState | 'lost' | 'waiting'> {
    const gone = AbortSignal.any([lease.lost, context.signal])
    const platform = messaging.platform(work.platform)
    const replyWriter = replyWriterFor(work, gone, lease)
    openReplies.add(replyWriter)
    using _open = { [Symbol.dispose]: () => void openReplies.delete(replyWriter) }
    using _progress = await showAnswering(platform, work, replyWriter)
    let outcome = work.outcome
    try {
      if (outcome === null) {
        outcome =
          entry === 'in'
            ? await decide(work, owner, replyWriter, context, stop, gone)
            : failedOutcome(work, replyWriter, entry)
        gone.throwIfAborted()
        const saved = await turns.saveOutcome(work.id, owner, outcome)
        if (saved === 'withdrawn') throw new Withdrawn()
        if (saved === 'lost') return 'lost'
      }
      await replyWriter.finish(outcome.text, outcome.citations, { state: outcome.state, receipt: outcome.receipt })
      await clearStatus(platform, work, outcome.state)
      return await end(work, owner, outcome, replyWriter)
    } catch (thrown) {
      await replyWriter.abandon()
      // A reply may be refused because its question is gone.
      if (thrown instanceof Withdrawn || (!gone.aborted && (await turns.withdrawn(work.id)))) {
        await takeBack(work, owner, lease.lost)
        return 'stopped'
      }
      if (thrown instanceof WaitsForPeople) {
        await turns.release(work.id, owner, 'unused')
        log.info({ turnId: work.id }, 'turn waits for people to decide')
        return 'waiting'
      }
      if (!lease.held() || thrown instanceof LeaseLost) {
        // Unless somebody else has it by now: this process lives, so the try was not broken off.
        await turns.release(work.id, owner).catch(() => {})
        return 'lost'
      }
      const final = asParleyError(thrown).retry === 'never' || context.last
      if (outcome !== null && final && !gone.aborted) {
        // The platform will not take it, and the conversation must go on.
        log.error({ turnId: work.id, ...errorFields(thrown) }, 'reply could not be delivered')
        await clearStatus(platform, work, 'failed')
        await tellUndelivered(deps, work, outcome, replyWriter, asParleyError(thrown), gone)
        return await end(work, owner, { ...outcome, state: 'failed' }, replyWriter)
      }
      throw thrown
    }
  }

  function replyWriterFor(work: TurnWork, signal: AbortSignal, lease: TurnLease): ReplyWriter {
    return createReplyWriter({
      platform: messaging.platform(work.platform),
      target: work.replyTarget,
      turnId: work.id,
      question: work.messages.map(({ text }) => text).join(' '),
      posted: work.parts,
      resuming: work.attempts > 1,
      store: turns,
      signal,
      otherReplies: () => openReplies.size - 1,
      held: lease.held,
    })
  }

  /** Until the turn is let in; a message says it once, and the answer takes that message over. */
  async function showWaiting(work: TurnWork, text: string, lease: TurnLease): Promise<void> {
    const platform = messaging.platform(work.platform)
    if (platform.capabilities.status !== 'message')
      return await platform.transport.status(work.replyTarget, work.id, text, 'queued')
    if (work.parts.length > 0) return
    const replyWriter = replyWriterFor(work, AbortSignal.any([lease.lost, AbortSignal.timeout(busyMs)]), lease)
    replyWriter.announce(text)
    await replyWriter.abandon()
  }

  /** Beside the conversation where the platform can; else as the reply's first message, unless the text is there sooner. */
  async function showAnswering(platform: Platform, work: TurnWork, replyWriter: ReplyWriter): Promise<Disposable> {
    if (platform.capabilities.status !== 'message') {
      await platform.transport.status(work.replyTarget, work.id, progressWording.answering, 'answering')
      return { [Symbol.dispose]() {} }
    }
    const timer = setTimeout(() => replyWriter.announce(progressWording.answering), announceAfterMs)
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  }

  /** What a tool does. It never fails the answer. */
  function showProgress(work: TurnWork, what: string, replyWriter: ReplyWriter): void {
    const platform = messaging.platform(work.platform)
    if (platform.capabilities.status === 'message') {
      replyWriter.announce(what)
      return
    }
    platform.transport.status(work.replyTarget, work.id, what, 'answering').catch((error: unknown) => {
      log.debug({ turnId: work.id, ...errorFields(error) }, 'progress not shown')
    })
  }

  async function clearStatus(platform: Platform, work: TurnWork, state: StoredOutcome['state']): Promise<void> {
    if (platform.capabilities.status !== 'message')
      await platform.transport.status(work.replyTarget, work.id, null, state)
  }

  async function end(
    work: TurnWork,
    owner: string,
    outcome: StoredOutcome,
    replyWriter: ReplyWriter,
  ): Promise<EndState> {
    const { ended, next, hooked } = await turns.finish(work.id, owner, outcome, replyWriter.firstTextAt())
    if (!ended && (await turns.withdrawn(work.id))) throw new Withdrawn()
    const { ms, model, attempts } = outcome.receipt
    log.info({ turnId: work.id, state: outcome.state, model, attempts, ...ms }, 'turn ended')
    if (next) await wake(next)
    if (hooked) await wakeWebhooks(work.id)
    return outcome.state
  }

  /** The answer, or what is said instead of one. Throws when another attempt may still give one. */
  async function decide(
    work: TurnWork,
    owner: string,
    replyWriter: ReplyWriter,
    context: JobContext,
    stop: AbortSignal,
    gone: AbortSignal,
  ): Promise<StoredOutcome> {
    if (stop.aborted) return stoppedOutcome(work, replyWriter)
    const trace: Trace = {}
    const progress = (what: string) => showProgress(work, what, replyWriter)
    try {
      const outcome = await answer(deps, { work, owner, replyWriter, stop, gone, progress }, trace)
      const asked = await askApproval(work, trace.refusal)
      return withApproval(outcome, asked, ({ receipt }, notice) => ({
        receipt: { ...receipt, notices: [...receipt.notices, approvalWording.untilThenQuotes(notice)] },
      }))
    } catch (thrown) {
      if (gone.aborted || thrown instanceof LeaseLost || thrown instanceof WaitsForPeople) throw thrown
      const error = asParleyError(thrown)
      log.warn({ turnId: work.id, attempt: context.attempt, ...errorFields(thrown) }, 'answering failed')
      if (error.retry !== 'never' && !context.last && (error.retryAfterMs ?? 0) <= patienceMs) throw thrown
      const outcome = failedOutcome(work, replyWriter, error, trace)
      const asked = await askApproval(work, error)
      return withApproval(outcome, asked, ({ text }, notice) => ({ text: `${text} ${notice}` }))
    }
  }

  /** `undefined` where no budget was in the way, or no admin can be asked. */
  async function askApproval(work: TurnWork, refusal: ParleyError | undefined): Promise<Asked | undefined> {
    if (!(refusal instanceof BudgetExhausted)) return undefined
    const [asked] = work.messages
    try {
      return asked && (await money.approvals.ask(work.id, asked.author, asked.conversation, refusal))
    } catch (error) {
      log.warn({ turnId: work.id, ...errorFields(error) }, 'no admin could be asked')
      return undefined
    }
  }

  async function wakeWebhooks(turnId: string): Promise<void> {
    await queue.add({ name: 'webhooks', id: jobId.webhooks(turnId), payload: { v: 1 } }).catch((error: unknown) => {
      log.warn({ ...errorFields(error), turnId }, 'webhooks not woken; the sweep sends them')
    })
  }

  async function wake(next: { turnId: string; dispatch: number; attachmentIds: string[] }): Promise<void> {
    try {
      await queue.nudge('turn', jobId.turn(next.turnId, next.dispatch))
    } catch (error) {
      log.warn({ ...errorFields(error), turnId: next.turnId }, 'next turn not woken; it looks again soon')
    }
  }
}

/** Stops the work on a turn whose question was deleted. */
class Withdrawn extends Error {}

function crashed(): ParleyError {
  return new ParleyError('turn_crashed', noAnswerWording.crashed)
}

function withApproval(
  outcome: StoredOutcome,
  asked: Asked | undefined,
  told: (outcome: StoredOutcome, notice: string) => Partial<StoredOutcome>,
): StoredOutcome {
  if (asked === undefined) return outcome
  const { notice, approvalId } = asked
  const all = notice === undefined ? outcome : { ...outcome, ...told(outcome, notice) }
  return { ...all, receipt: { ...all.receipt, approvalId } }
}
