/** From what was asked to what is answered: route, content, stream, citations, receipt. Called by workers/turn.ts. */
import type { ParleyError } from '../src/core/errors.ts'
import type { Log } from '../src/core/log.ts'
import type { Citation, Receipt, Usage } from '../src/core/reply.ts'
import { type AskEvent, ask } from '../src/models/ask.ts'
import type { Catalogue, Model } from '../src/models/catalogue.ts'
import type { FinishReason, ModelProvider, ModelRequest } from '../src/models/model.ts'
import { priceUsage } from '../src/models/price.ts'
import { withoutRefusedImages } from '../src/models/refused-images.ts'
import { compose, estimateTokens, plainQuestion } from '../src/prompt/compose.ts'
import {
  type Content,
  type ContentDeps,
  chooseContent,
  contentNotices,
  type SourceFile,
  sourceFiles,
} from '../src/prompt/content.ts'
import { type HeardQuestion, hearQuestion } from '../src/prompt/heard.ts'
import {
  type ImageDeps,
  imageLimits,
  imageTokens,
  loadImages,
  type ShownImage,
  sourceImages,
} from '../src/prompt/images.ts'
import { pagesWanted } from '../src/prompt/page-range.ts'
import { createCitationStream } from '../src/reply/citations.ts'
import type { Pen } from '../src/reply/pen.ts'
import { withQuotes } from '../src/reply/quotes.ts'
import { describeUsed, type UsedPictures } from '../src/reply/receipt.ts'
import { type Route, route } from '../src/routing/router.ts'
import type { StoredOutcome, TurnWork } from '../src/store/turns.ts'

export interface AnswerDeps {
  catalogue: Catalogue
  provider(name: string): ModelProvider
  content: ContentDeps & ImageDeps
  /** The most tokens of files in a prompt, whatever the model's window. */
  limits: { promptTokens: number }
  log: Log
}

/** Room for the rules, the question's wrapping and the error of the estimates. */
const overheadTokens = 800
const historyShare = 0.2
/** A provider's whole list would be tried one after the other while somebody waits. */
const writingFallbacks = 2

export async function answer(
  deps: AnswerDeps,
  work: TurnWork,
  pen: Pen,
  stop: AbortSignal,
  gone: AbortSignal,
): Promise<StoredOutcome> {
  const plan = await planAnswer(deps, await hearQuestion(work, deps.content.artifacts))
  const said = await write(deps, plan, pen, AbortSignal.any([stop, gone]))
  gone.throwIfAborted()
  return outcomeOf(work, pen, plan, said)
}

interface Plan {
  /** What was heard of a spoken question, ahead of everything. */
  opening: string
  chosen: Route
  /** In the order in which they may be asked. */
  models: Model[]
  files: SourceFile[]
  /** Pictures of the files that a model which sees may be shown. */
  images: number
  prepare(model: Model): Promise<{ request: ModelRequest; content: Content; shown: ShownImage[] }>
}

async function planAnswer(deps: AnswerDeps, { work, opening }: HeardQuestion): Promise<Plan> {
  const question = plainQuestion(work)
  const wanted = pagesWanted(question)
  const files = sourceFiles(work)
  const fixedTokens = estimateTokens(question) + overheadTokens
  const images = await sourceImages(files, work, deps.content, { ...imageLimits, wanted })
  const models = await deps.catalogue.models()
  const chosen = route({ models, request: { tokensIn: fixedTokens, images: images.length } })
  const writing = chosen.fallbacks.filter((model) => !isQuoting(model)).slice(0, writingFallbacks)
  // Without files there is nothing to quote: a model's error says more than an empty search.
  const quoting = files.length > 0 ? chosen.fallbacks.filter(isQuoting) : []
  return {
    opening,
    chosen,
    models: [chosen.model, ...writing, ...quoting],
    files,
    images: images.length,
    async prepare(model) {
      const historyTokens = Math.floor(model.contextWindow * historyShare)
      const room = model.contextWindow - model.maxOutputTokens - historyTokens - fixedTokens
      // Half of the room for pictures: the passages hold what is written on them, and more.
      const shown = sees(model) ? await loadImages(images, room / 2, deps.content) : []
      const left = room - shown.reduce((sum, image) => sum + imageTokens(image), 0)
      const budget = Math.max(0, Math.min(left, deps.limits.promptTokens))
      const content = await chooseContent(files, question, budget, deps.content, wanted)
      // Quoting ranks passages by the words of the question: nothing is added to them.
      const pictures = { images: shown, unseen: isQuoting(model) ? 0 : images.length - shown.length }
      const request = compose({ work, content, ...pictures, model, historyTokens, today: new Date() })
      return { content, shown, request }
    },
  }
}

interface Said {
  text: string
  citations: Citation[]
  /** Citations of places that were not given. */
  unknown: number
  content: Content
  pictures: UsedPictures
  end: Extract<AskEvent<Model>, { type: 'end' }>
}

/** Streams the answer through the pen; a change of model or a restart begins it anew. */
async function write(deps: AnswerDeps, plan: Plan, pen: Pen, signal: AbortSignal): Promise<Said> {
  let content: Content = { files: plan.files, excerpts: [], tokens: 0, tokensAvailable: 0, whole: true }
  let reply = createCitationStream([])
  let pictures: UsedPictures = { shown: 0, of: 0 }
  let text = ''
  const say = (part: string) => {
    text += part
    pen.cite(reply.citations())
    pen.append(part)
  }
  pen.append(plan.opening)
  let asked: Model | undefined
  const begin = async (model: Model) => {
    asked = model
    const prepared = await plan.prepare(model)
    content = prepared.content
    pictures = {
      ...{ shown: prepared.shown.length, of: plan.images },
      ...(plan.images > 0 && !sees(model) && { blind: model.label ?? model.id }),
    }
    reply = createCitationStream(plan.files.map((file) => citable(file, content, prepared.shown)))
    return prepared.request
  }
  // The same model goes on without them: what it was shown is told as it was.
  const refused = () => {
    pictures = { ...pictures, shown: 0, ...(asked !== undefined && { blind: asked.label ?? asked.id }) }
  }
  const provider = (name: string) => withoutRefusedImages(deps.provider(name), refused)
  for await (const event of ask(plan.models, { provider, prepare: begin, log: deps.log }, signal)) {
    if (event.type === 'text') say(reply.push(event.delta))
    else if (event.type === 'restart') {
      text = ''
      pen.restart()
      pen.append(plan.opening)
    } else if (event.type === 'end') {
      say(reply.flush())
      return { text, citations: reply.citations(), unknown: reply.unknown(), content, pictures, end: event }
    }
  }
  throw new Error('a model ended without an end')
}

function outcomeOf(work: TurnWork, pen: Pen, { opening, chosen, files }: Plan, said: Said): StoredOutcome {
  const { end, content } = said
  const text = (isQuoting(end.model) && files.length === 0 ? unreadable(work) : null) ?? said.text
  return {
    text: opening + (text.trim() === '' ? emptyText(end.reason) : text),
    citations: withQuotes(text, said.citations, (citation) => textAt(content, citation)),
    state: end.reason === 'aborted' ? 'stopped' : 'done',
    receipt: {
      ...receiptBase(work, pen),
      model: end.model.id,
      provider: end.model.provider,
      reason: reasonFor(chosen, end.model),
      finish: end.reason,
      ...(files.length === 0 ? {} : { used: describeUsed(content, said.pictures) }),
      ...(end.usage ? { usage: end.usage } : {}),
      costNanoUsd: cost(end.usage, end.model),
      notices: [
        ...end.notices,
        ...contentNotices(content),
        ...endNotices(end.reason, end.model),
        ...quotingNotices(work, files, said),
        ...unknownNotices(said.unknown),
      ],
    },
  }
}

/** Unless it is known not to. */
function sees(model: Model): boolean {
  return model.vision !== false && !isQuoting(model)
}

function isQuoting(model: Model): boolean {
  return model.provider === 'extractive'
}

/** Said once a conversation; the receipt tells the model each time. */
function quotingNotices(work: TurnWork, files: SourceFile[], { end }: Said): string[] {
  const first = !work.history.some((past) => past.provider === end.model.provider)
  return isQuoting(end.model) && files.length > 0 && end.notices.length === 0 && first ? [quotingNotice] : []
}

function unknownNotices(count: number): string[] {
  if (count === 0) return []
  return [
    `${count === 1 ? 'One citation' : `${count} citations`} named a place that was not in the files and ${count === 1 ? 'was' : 'were'} removed.`,
  ]
}

function citable(file: SourceFile, content: Content, shown: ShownImage[]) {
  const given = [...content.excerpts, ...shown].filter((each) => each.file === file)
  const positions = [...new Map(given.map(({ at }) => [JSON.stringify(at), at])).values()]
  return { fileNumber: file.number, title: file.title, contentHash: file.contentHash, positions }
}

function textAt(content: Content, citation: Citation): string {
  const place = JSON.stringify(citation.at)
  return content.excerpts
    .filter(({ file, at }) => file.contentHash === citation.contentHash && JSON.stringify(at) === place)
    .map((excerpt) => excerpt.text)
    .join('\n')
}

const quotingNotice =
  'No language model is configured, so Parley answers by quoting the files. To get written answers, set OPENAI_API_KEY or OPENAI_BASE_URL, or run Ollama and set OLLAMA_HOST.'

/** What is said when files came but none could be read, and there is no model to say it. */
function unreadable(work: TurnWork): string | null {
  const tells = work.attachments.flatMap(({ receipt }) => receipt?.problems.map((problem) => problem.tell) ?? [])
  return tells.length === 0 ? null : tells.join('\n\n')
}

function endNotices(reason: FinishReason, model: Model): string[] {
  if (reason === 'aborted') return ['Stopped before the end.']
  if (reason === 'length')
    return [
      `The answer reached ${model.id}'s limit of ${model.maxOutputTokens} tokens and was cut. Ask for the rest to go on.`,
    ]
  if (reason === 'refusal' || reason === 'filter')
    return [`${model.id} declined to answer all of this. Rephrase the question, or ask another model.`]
  return []
}

function emptyText(reason: FinishReason): string {
  if (reason === 'aborted') return '_Stopped before an answer began._'
  return reason === 'refusal' || reason === 'filter'
    ? 'The model declined to answer this. Rephrase the question, or ask another model.'
    : 'The model gave no text. Please try again.'
}

function reasonFor(chosen: Route, model: Model): string {
  return model.id === chosen.model.id && model.provider === chosen.model.provider
    ? chosen.reason
    : `${chosen.model.id} could not answer; ${model.id} is the next that can.`
}

function cost(usage: Usage | undefined, model: Model): string | null {
  return usage === undefined || model.price === undefined ? null : priceUsage(usage, model.price).toString()
}

/** For a turn that was stopped before anything was asked. */
export function stoppedOutcome(work: TurnWork, pen: Pen): StoredOutcome {
  const receipt = {
    ...receiptBase(work, pen),
    model: 'none',
    provider: 'none',
    reason: 'The turn was stopped.',
    costNanoUsd: null,
    notices: ['Stopped before the end.'],
  }
  return { text: emptyText('aborted'), citations: [], state: 'stopped', receipt }
}

export function failedOutcome(work: TurnWork, pen: Pen, error: ParleyError): StoredOutcome {
  const receipt = {
    ...receiptBase(work, pen),
    model: 'none',
    provider: 'none',
    reason: `No answer: ${error.code}.`,
    error: error.code,
    costNanoUsd: null,
    notices: [],
  }
  return { text: error.tell, citations: [], state: 'failed', receipt }
}

function receiptBase(work: TurnWork, pen: Pen): Pick<Receipt, 'attachments' | 'ms' | 'attempts'> {
  const since = (moment: Date) => Math.max(0, moment.getTime() - work.createdAt.getTime())
  return {
    attachments: work.attachments.flatMap(({ receipt }) => (receipt === null ? [] : [receipt])),
    ms: {
      queued: since(work.startedAt),
      // What the pace still holds back is shown right after this.
      firstText: since(work.firstTextAt ?? pen.firstTextAt() ?? new Date()),
      total: since(new Date()),
    },
    attempts: work.attempts,
  }
}
