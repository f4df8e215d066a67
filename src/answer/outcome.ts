/** What is stored and shown of a turn that has ended: the answer or the message in its place, with its receipt. */
import type { ParleyError } from '../core/errors.ts'
import type { Citation, Receipt } from '../core/reply.ts'
import type { Model } from '../models/catalogue.ts'
import type { FinishReason } from '../models/model.ts'
import { type Content, contentNotices } from '../prompt/content.ts'
import { withQuotes } from '../reply/marked-quotes.ts'
import { describeUsed, type UsedPictures } from '../reply/receipt.ts'
import type { ReplyWriter } from '../reply/reply-writer.ts'
import type { Attempts } from '../routing/metered-call.ts'
import type { Route } from '../routing/router.ts'
import type { StoredOutcome, TurnWork } from '../store/turns.ts'
import { noAnswerWording, noticeWording, receiptWording } from '../wording/answers.ts'
import type { Plan } from './plan.ts'
import type { Question } from './question.ts'

/** What is known of a turn while it is answered; kept for its receipt when no answer comes of it, too. */
export interface Trace {
  chosen?: Route
  attempts?: Attempts
  /** Why the files are only quoted: an admin may let the answer itself pass. */
  refusal?: ParleyError
}

export interface Answered {
  text: string
  citations: Citation[]
  /** Citations of places that were not given. */
  unknown: number
  content: Content
  pictures: UsedPictures
  model: Model
  reason: FinishReason
  /** What the model was allowed. */
  maxOutputTokens: number
  notices: string[]
  /** The budget did not hold who was to answer first. */
  refusal?: ParleyError
}

export function answeredOutcome(
  replyWriter: ReplyWriter,
  question: Question,
  plan: Plan,
  answered: Answered,
  trace: Trace,
): StoredOutcome {
  const { work, opening, files } = question
  const { chosen } = plan
  const { model, content, reason } = answered
  const text = (model.kind === 'extractive' && files.length === 0 ? unreadable(work) : null) ?? answered.text
  return {
    text: opening + (text.trim() === '' ? emptyText(reason) : text),
    citations: withQuotes(text, answered.citations, (citation) => textAt(content, citation)),
    state: reason === 'aborted' ? 'stopped' : 'done',
    receipt: {
      ...receiptBase(work, replyWriter),
      ...spentOf(trace),
      model: model.id,
      provider: model.provider,
      reason: reasonFor(chosen, model),
      finish: reason,
      used: files.length === 0 ? undefined : describeUsed(content, answered.pictures),
      notices: [
        ...answered.notices,
        ...work.messages.flatMap(({ unread }) => unread ?? []),
        ...contentNotices(content),
        ...endNotices(answered),
        ...quotingNotices(question, plan, answered),
        ...unknownNotices(answered.unknown),
      ],
    },
    ...routeOf(trace),
  }
}

/** For a turn that was stopped before anything was asked. */
export function stoppedOutcome(work: TurnWork, replyWriter: ReplyWriter): StoredOutcome {
  const receipt = {
    ...receiptBase(work, replyWriter),
    model: 'none',
    provider: 'none',
    reason: receiptWording.stopped,
    costNanoUsd: null,
    // The text in the place of the answer says it.
    notices: [],
  }
  return { text: emptyText('aborted'), citations: [], state: 'stopped', receipt }
}

/** For a turn that nothing more is read of. */
export function unsaidOutcome(error: ParleyError): StoredOutcome {
  const receipt: Receipt = {
    attachments: [],
    ms: { queued: 0, firstText: 0, total: 0 },
    attempts: 0,
    model: 'none',
    provider: 'none',
    reason: receiptWording.noAnswer(error.code),
    error: error.code,
    costNanoUsd: null,
    notices: [],
  }
  return { text: error.userMessage, citations: [], state: 'failed', receipt }
}

export function failedOutcome(
  work: TurnWork,
  replyWriter: ReplyWriter,
  error: ParleyError,
  trace: Trace = {},
): StoredOutcome {
  const receipt = {
    ...receiptBase(work, replyWriter),
    ...spentOf(trace),
    model: 'none',
    provider: 'none',
    reason: receiptWording.noAnswer(error.code),
    error: error.code,
    notices: [],
  }
  return { text: error.userMessage, citations: [], state: 'failed', receipt, ...routeOf(trace) }
}

/** Over all attempts: what a fallback answered in the end was not all that was paid for. */
function spentOf({ attempts }: Trace): Pick<Receipt, 'usage' | 'costNanoUsd'> {
  if (attempts === undefined) return { costNanoUsd: null }
  const { usage, cost } = attempts.spent()
  return { costNanoUsd: cost.toString(), usage }
}

function routeOf({ chosen, attempts }: Trace): Pick<StoredOutcome, 'route'> {
  return chosen === undefined ? {} : { route: { ...chosen.decision, attempts: attempts?.log() ?? [] } }
}

/** Said once a conversation, unless quoting was asked for; the receipt tells the model each time. */
function quotingNotices({ work, files }: Question, { chosen }: Plan, { model, notices }: Answered): string[] {
  const first = !work.history.some((past) => past.provider === model.provider)
  const tried = chosen.decision.by !== 'nobody'
  if (model.kind !== 'extractive' || files.length === 0 || notices.length > 0 || tried || !first) return []
  return [chosen.refusal === undefined ? noticeWording.nothingConfigured : chosen.reason]
}

function unknownNotices(count: number): string[] {
  return count === 0 ? [] : [noticeWording.unknownCitations(count)]
}

function endNotices({ reason, model, maxOutputTokens, text }: Answered): string[] {
  // What stands in the place of an empty answer says it.
  if (reason === 'aborted') return text.trim() === '' ? [] : [noticeWording.stopped]
  if (reason === 'length') return [noticeWording.cutOff(model.id, maxOutputTokens)]
  if (reason === 'refusal' || reason === 'filter') return [noticeWording.partlyDeclined(model.id)]
  return []
}

function emptyText(reason: FinishReason): string {
  if (reason === 'aborted') return noAnswerWording.stopped
  return reason === 'refusal' || reason === 'filter' ? noAnswerWording.declined : noAnswerWording.noText
}

/** What is said when files came but none could be read, and there is no model to say it. */
function unreadable(work: TurnWork): string | null {
  const messageText = work.attachments.flatMap(
    ({ receipt }) => receipt?.problems.map((problem) => problem.userMessage) ?? [],
  )
  return messageText.length === 0 ? null : messageText.join('\n\n')
}

function reasonFor(chosen: Route, model: Model): string {
  return model.id === chosen.model.id && model.provider === chosen.model.provider
    ? chosen.reason
    : receiptWording.fellBack(chosen.model.id, model.id)
}

function textAt(content: Content, citation: Citation): string {
  const place = JSON.stringify(citation.at)
  return content.excerpts
    .filter(({ source, at }) => source.n === citation.source.n && JSON.stringify(at) === place)
    .map((excerpt) => excerpt.text)
    .join('\n')
}

function receiptBase(work: TurnWork, replyWriter: ReplyWriter): Pick<Receipt, 'attachments' | 'ms' | 'attempts'> {
  const since = (moment: Date) => Math.max(0, moment.getTime() - work.createdAt.getTime())
  return {
    attachments: work.attachments.flatMap(({ receipt }) => (receipt === null ? [] : [receipt])),
    ms: {
      queued: since(work.startedAt),
      // What the pace still holds back is shown right after this.
      firstText: since(work.firstTextAt ?? replyWriter.firstTextAt() ?? new Date()),
      total: since(new Date()),
    },
    attempts: work.attempts,
  }
}
