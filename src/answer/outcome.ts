/** What is stored and shown of a turn that has ended: the answer or the message in its place, with its receipt. */
import type { ParleyError } from '../core/errors.ts'
import type { Citation, MemoryReceipt, Receipt, TokenLogprob, ToolReceipt, WebReceipt } from '../core/reply.ts'
import type { Source } from '../core/source.ts'
import type { ToolCall } from '../core/tool-call.ts'
import type { Model } from '../models/catalogue.ts'
import type { FinishReason } from '../models/model.ts'
import { type Content, contentNotices } from '../prompt/content.ts'
import { withQuotes } from '../reply/marked-quotes.ts'
import { describeUsed, type UsedPictures } from '../reply/receipt.ts'
import type { ReplyWriter } from '../reply/reply-writer.ts'
import { type Attempts, sumUsage } from '../routing/metered-call.ts'
import type { Route } from '../routing/router.ts'
import type { StoredOutcome, TurnWork } from '../store/turns.ts'
import { noAnswerWording, noticeWording, receiptWording } from '../wording/answers.ts'
import { memoryWording, snippetWording } from '../wording/search.ts'
import type { Gathered } from './gather.ts'
import type { Plan } from './plan.ts'
import type { Question } from './question.ts'

/** What is known of a turn while it is answered; kept for its receipt when no answer comes of it, too. */
export interface Trace {
  chosen?: Route
  attempts?: Attempts
  /** What was asked of models to gather. */
  preparing?: Attempts
  /** Why the files are only quoted: an admin may let the answer itself pass. */
  refusal?: ParleyError
}

export interface Answered {
  text: string
  /** What the model asks the program that asked to call. */
  programCalls?: ToolCall[]
  thoughts: string | undefined
  /** Of the answer's tokens, where a program asked for it. */
  logprobs?: TokenLogprob[]
  citations: Citation[]
  /** Citations of places that were not given. */
  unknown: number
  /** Citations of places that do not bear what was said. */
  unsupported: number
  /** Addresses that were made plain text, because nobody asked for them. */
  unlinked: number
  content: Content
  pictures: UsedPictures
  model: Model
  reason: FinishReason
  /** What the model was allowed. */
  maxOutputTokens: number
  /** A budget did not hold more. */
  shortened: boolean
  /** Messages of a program's history that the model was not given. */
  cut: number
  /** Names of a program's parameters that its server takes no notice of. */
  ignored: string[]
  notices: string[]
  /** The budget did not hold who was to answer first. */
  refusal?: ParleyError | undefined
  tools?: ToolReceipt[] | undefined
  /** What of others' words the answer may rest on. */
  untrusted?: readonly string[] | undefined
}

export function answeredOutcome(
  replyWriter: ReplyWriter,
  {
    question,
    fromWeb,
    fromMemory,
    searchNotes,
  }: { question: Question } & Pick<Gathered, 'fromWeb' | 'fromMemory' | 'searchNotes'>,
  plan: Plan,
  answered: Answered,
  trace: Trace,
): StoredOutcome {
  const { work, opening, files } = question
  const { pages = [], memory = [] } = answered.content
  const { chosen } = plan
  const { model, content, reason, programCalls = [] } = answered
  const text =
    (model.kind === 'extractive' && files.length === 0 && pages.length === 0 && memory.length === 0
      ? unreadable(work)
      : null) ?? answered.text
  return {
    text: opening + (text.trim() === '' && programCalls.length === 0 && !stops(work) ? emptyText(reason) : text),
    citations: withQuotes(text, answered.citations, (citation) => textAt(content, citation)),
    state: reason === 'aborted' ? 'stopped' : 'done',
    receipt: {
      ...receiptBase(work, replyWriter),
      ...spentOf(trace),
      model: model.id,
      modelLabel: model.label,
      provider: model.provider,
      reason: reasonFor(chosen, model),
      finish: reason,
      cutMessages: answered.cut === 0 ? undefined : answered.cut,
      ignored: answered.ignored.length === 0 ? undefined : answered.ignored,
      calls: programCalls.length === 0 ? undefined : programCalls,
      logprobs: answered.logprobs === undefined || answered.logprobs.length === 0 ? undefined : answered.logprobs,
      thoughts: answered.thoughts,
      used: files.length === 0 ? undefined : describeUsed(content, answered.pictures),
      web: webReceipt(fromWeb, pages),
      memory: memoryReceipt(fromMemory, memory),
      tools: answered.tools,
      untrusted: answered.untrusted?.length ? [...answered.untrusted] : undefined,
      notices: [
        ...answered.notices,
        ...webNotices(fromWeb, pages),
        ...memoryNotices(fromMemory, memory),
        ...searchNotes,
        ...question.notes,
        ...work.messages.flatMap(({ unread }) => unread ?? []),
        ...contentNotices(content),
        ...(answered.cut === 0 ? [] : [noticeWording.historyCut(answered.cut)]),
        ...(answered.pictures.blind === undefined || work.messages.at(-1)?.program === undefined
          ? []
          : [noticeWording.blind(answered.pictures.blind)]),
        ...endNotices(answered),
        ...quotingNotices(question, plan, answered),
        ...(answered.unknown === 0 ? [] : [noticeWording.unknownCitations(answered.unknown)]),
        ...(answered.unsupported === 0 ? [] : [noticeWording.unsupportedCitations(answered.unsupported)]),
        ...(answered.unlinked === 0 ? [] : [noticeWording.unlinked(answered.unlinked)]),
        ...pictureNotices(work, answered),
      ],
    },
    ...routeOf(trace),
  }
}

function webReceipt(fromWeb: Gathered['fromWeb'], used: readonly Source[]): WebReceipt | undefined {
  if (fromWeb === undefined) return undefined
  const { because, kept } = fromWeb
  const given = new Set(used.map(({ ref }) => ref))
  return {
    because,
    engine: kept.engine,
    queries: kept.queries,
    pages: kept.pages.map(({ title, address, read, problem }) => ({
      title,
      address,
      outcome: read === undefined ? 'unread' : given.has(read.id) ? 'used' : 'unused',
      problem: given.has(address) ? [problem, snippetWording.receipt].join(' ') : problem,
    })),
  }
}

/** Only what was found: where else was looked is told by `why`, to those who may know. */
function memoryReceipt(fromMemory: Gathered['fromMemory'], used: readonly Source[]): MemoryReceipt | undefined {
  if (fromMemory === undefined) return undefined
  return {
    words: fromMemory.words.length === 0 ? undefined : fromMemory.words,
    files: fromMemory.found.map(({ source }) => ({
      title: source.title,
      ref: source.ref,
      where: memoryWording.about(source.shared ?? { at: '' }),
      outcome: used.some(({ n }) => n === source.n) ? 'used' : 'unused',
    })),
  }
}

function memoryNotices(fromMemory: Gathered['fromMemory'], used: readonly Source[]): string[] {
  return [
    ...(fromMemory?.late === true ? [memoryWording.tooSlow] : []),
    ...used.flatMap(({ title, shared }) => (shared?.older === true ? [memoryWording.older(title)] : [])),
  ]
}

/** What the reader must know: a search that failed, and a link of theirs that could not be read. */
function webNotices(fromWeb: Gathered['fromWeb'], used: readonly Source[]): string[] {
  if (fromWeb === undefined) return []
  const { because, refused, kept } = fromWeb
  const failed = new Set(kept.queries.flatMap(({ problem }) => problem ?? []))
  const nothing = kept.queries.length > 0 && failed.size === 0 && kept.pages.every(({ read }) => read === undefined)
  return [
    ...(refused ? [because] : []),
    ...failed,
    ...(used.some(({ snippet }) => snippet) ? [snippetWording.notice] : nothing ? [noticeWording.webNothing] : []),
    ...kept.pages.flatMap(({ by, address, problem }) =>
      by === 'person' && problem !== undefined ? [noticeWording.linkUnread(address, problem)] : [],
    ),
  ]
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
    retryAfterMs: error.retryAfterMs,
    notices: [],
  }
  return { text: error.userMessage, citations: [], state: 'failed', receipt, ...routeOf(trace) }
}

/** Over all attempts: what a fallback answered in the end was not all that was paid for. */
function spentOf({ attempts, preparing }: Trace): Pick<Receipt, 'usage' | 'costNanoUsd'> {
  const before = preparing?.spent()
  if (attempts === undefined) return { costNanoUsd: before?.cost ? before.cost.toString() : null, usage: before?.usage }
  const { usage, cost } = attempts.spent()
  return { costNanoUsd: (cost + (before?.cost ?? 0n)).toString(), usage: sumUsage([before?.usage, usage]) }
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

/** Of pictures that were sent as such: those within documents are described by the receipt. */
function pictureNotices({ attachments }: TurnWork, { pictures: { blind }, model }: Answered): string[] {
  const sent = attachments.filter(({ receipt }) => receipt?.mediaType?.startsWith('image/')).length
  if (sent === 0 || blind === undefined || model.kind === 'extractive') return []
  return [noticeWording.picturesUnseen(sent, blind)]
}

function endNotices({ reason, model, maxOutputTokens, shortened, text }: Answered): string[] {
  // What stands in the place of an empty answer says it.
  if (reason === 'aborted') return text.trim() === '' ? [] : [noticeWording.stopped]
  if (reason === 'length')
    return [shortened ? noticeWording.cutByBudget(maxOutputTokens) : noticeWording.cutOff(model.id, maxOutputTokens)]
  if (reason === 'refusal' || reason === 'filter') return [noticeWording.partlyDeclined(model.id)]
  return []
}

/** An answer that ends at a word may end before it begins. */
function stops({ messages }: TurnWork): boolean {
  return (messages.at(-1)?.overrides?.sampling?.stop ?? []).length > 0
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

export function receiptBase(
  work: TurnWork,
  replyWriter: ReplyWriter,
): Pick<Receipt, 'attachments' | 'ms' | 'attempts'> {
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
