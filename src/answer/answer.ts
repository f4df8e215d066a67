/**
 * The story of an answer: hear → open the question → gather → plan → ask, with what each model is given → cite → outcome.
 * Called by workers/turn.ts, which claims the turn before and ends it afterwards.
 */
import type { Source } from '../core/source.ts'
import type { Model } from '../models/catalogue.ts'
import type { ModelProvider, ModelRequest } from '../models/model.ts'
import { withoutRefusedImages } from '../models/refused-images.ts'
import { withStopSequences } from '../models/stop-sequences.ts'
import { withEvents } from '../models/with-events.ts'
import type { Content } from '../prompt/content.ts'
import type { ShownImage } from '../prompt/images.ts'
import { readVoiceQuestion } from '../prompt/voice-question.ts'
import { type CitationStream, createCitationStream, type GivenSource, type Supported } from '../reply/citations.ts'
import type { UsedPictures } from '../reply/receipt.ts'
import type { ReplyWriter } from '../reply/reply-writer.ts'
import { type Attempts, createAttempts } from '../routing/metered-call.ts'
import type { StoredOutcome, TurnWork } from '../store/turns.ts'
import { ask } from './ask.ts'
import type { AnswerDeps } from './deps.ts'
import { type Gathered, gather } from './gather.ts'
import { type Answered, answeredOutcome, type Trace } from './outcome.ts'
import { type Plan, planAnswer, sees } from './plan.ts'
import { openQuestion, type Question } from './question.ts'
import { createSteps } from './steps.ts'
import { supportOf } from './support.ts'

export interface Answering {
  work: TurnWork
  /** Of the turn's lease. */
  owner: string
  replyWriter: ReplyWriter
  /** The person wants no more of it. */
  stop: AbortSignal
  /** Another worker has the turn, or this one ends. */
  gone: AbortSignal
}

/** Fills `trace` as it goes, so that the receipt of a failed answer also has what was tried and spent. */
export async function answer(
  deps: AnswerDeps,
  { work, owner, replyWriter, stop, gone }: Answering,
  trace: Trace,
): Promise<StoredOutcome> {
  const { storage, models, money } = deps
  const signal = AbortSignal.any([stop, gone])
  const steps = createSteps(work, owner, storage.turns)
  const question = await openQuestion(deps, await readVoiceQuestion(work, storage.attachments.artifacts))
  const { spender } = question
  const metered = { budget: money.budget, health: models.health, spender, turnId: work.id }
  const preparing = createAttempts(metered)
  trace.preparing = preparing
  const gathered = await gather(deps, question, steps, preparing, signal)
  const plan = planAnswer(deps, question, gathered)
  trace.chosen = plan.chosen
  const attempts = createAttempts(metered)
  trace.attempts = attempts
  const answered = await write(deps, { question, gathered, plan, attempts, replyWriter }, signal)
  gone.throwIfAborted()
  if (answered.refusal !== undefined && answered.model.kind === 'extractive') trace.refusal = answered.refusal
  return answeredOutcome(replyWriter, { ...gathered, question }, plan, answered, trace)
}

interface Writing {
  question: Question
  gathered: Gathered
  plan: Plan
  attempts: Attempts
  replyWriter: ReplyWriter
}

/** The answer to one request: what the model was given, and what it has said so far. */
interface Draft {
  model: string
  content: Content
  given: GivenSource[]
  support: Supported | undefined
  reply: CitationStream
  pictures: UsedPictures
  maxOutputTokens: number
  /** A budget did not hold more. */
  shortened: boolean
  /** Messages of a program's history that did not fit. */
  cut: number
  /** What of the sampling its server takes no notice of. */
  ignored: string[]
  thoughts: string
  text: string
}

/** The most characters of a model's thoughts that are kept. */
const mostThoughts = 20_000

/** Streams the answer through the reply writer; a change of model or a restart starts the text over. */
async function write(
  { models: { provider, catalogue }, log }: AnswerDeps,
  { question, gathered, plan, attempts, replyWriter }: Writing,
  signal: AbortSignal,
): Promise<Answered> {
  const { opening, work } = question
  const images = gathered.images.length
  /** What is shown, and what the model that is asked now will say instead. */
  let draft: Draft | undefined
  let next: Draft | undefined
  const say = (into: Draft, part: string) => {
    into.text += part
    replyWriter.cite(into.reply.citations(), into.model)
    replyWriter.append(part)
  }
  replyWriter.append(opening)
  let tried: Model | undefined
  const prepare = async (model: Model) => {
    tried = model
    const { content, shown, request, cut } = await plan.prepare(model)
    const given = givenSources(content, shown)
    const support = model.kind === 'extractive' ? undefined : supportOf(question, content, shown)
    next = {
      model: model.id,
      content,
      given,
      support,
      reply: createCitationStream(given, support),
      pictures: {
        shown: shown.length,
        of: images,
        blind: images > 0 && !sees(model) ? (model.label ?? model.id) : undefined,
      },
      maxOutputTokens: request.maxOutputTokens,
      shortened: false,
      cut,
      ignored: ignoredOf(request, provider(model.provider)),
      thoughts: '',
      text: '',
    }
    return request
  }
  const reserved = ({ maxOutputTokens }: ModelRequest) => {
    if (next === undefined || maxOutputTokens >= next.maxOutputTokens) return
    next = { ...next, maxOutputTokens, shortened: true }
  }
  // The same model answers without pictures: the receipt says that it saw none.
  const refused = {
    onRefused() {
      if (next === undefined || tried === undefined) return
      next.pictures = { ...next.pictures, shown: 0, blind: tried.label ?? tried.id }
    },
    onLearnt: () => tried && catalogue.refusedPictures(tried),
  }
  let calls = 0
  const counted = { turnId: work.id, next: () => ++calls }
  const asking = {
    provider: (name: string) => withStopSequences(withoutRefusedImages(withEvents(provider(name), counted), refused)),
    prepare,
    attempts,
    reserved,
    cheaper: plan.cheaper,
    log,
  }
  for await (const event of ask(plan.models, asking, signal)) {
    if (event.type === 'reasoning') {
      if (next !== undefined) next.thoughts = think(next.thoughts, event.delta)
      replyWriter.think(next?.thoughts ?? '')
      continue
    }
    if (event.type === 'begin' || event.type === 'thoughtSoFar') {
      if (draft !== undefined && draft.text !== '') {
        replyWriter.restart()
        replyWriter.append(opening)
      }
      if (event.type === 'thoughtSoFar' && draft !== undefined) {
        const { given, support, thoughts, text } = draft
        next = { ...draft, reply: createCitationStream(given, support), thoughts: think(thoughts, text), text: '' }
        replyWriter.think(next.thoughts)
      }
      draft = next
      continue
    }
    if (draft === undefined) throw new Error('a model answered before it was asked')
    if (event.type === 'text') say(draft, draft.reply.push(event.delta))
    else {
      say(draft, draft.reply.flush())
      const { model, reason, notices, refusal } = event
      const { text, thoughts, reply, content, pictures, maxOutputTokens, shortened, cut, ignored } = draft
      const citations = reply.citations()
      return {
        text,
        thoughts: thoughts.trim() || undefined,
        citations,
        unknown: reply.unknown(),
        unsupported: reply.unsupported(),
        content,
        pictures,
        model,
        reason,
        maxOutputTokens,
        shortened,
        cut,
        ignored,
        notices,
        refusal,
      }
    }
  }
  throw new Error('a model ended without an end')
}

/** What the server does not take of the sampling. `stop` is never among it: Parley stops the answer itself. */
function ignoredOf({ sampling = {} }: ModelRequest, { takes = [] }: ModelProvider): string[] {
  const set = Object.entries(sampling).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  return set.filter((name) => name !== 'stop' && !takes.some((each) => each === name))
}

function think(before: string, more: string): string {
  // It was cut before.
  if (before.length > mostThoughts) return before
  const all = before + more
  return all.length <= mostThoughts ? all : `${all.slice(0, mostThoughts)}…`
}

/** Each source of which the model was given something, with the places of it that it was given. */
function givenSources({ excerpts }: Content, shown: ShownImage[]): GivenSource[] {
  const given = new Map<Source, GivenSource>()
  const seen = new Set<string>()
  for (const { source, at } of [...excerpts, ...shown]) {
    const known = given.get(source) ?? { source, positions: [] }
    given.set(source, known)
    const place = `${source.n} ${JSON.stringify(at)}`
    if (!seen.has(place)) known.positions.push(at)
    seen.add(place)
  }
  return [...given.values()]
}
