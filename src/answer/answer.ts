/**
 * The story of an answer: hear → open the question → gather → plan → ask, with what each model is given → cite → outcome.
 * Called by workers/turn.ts, which claims the turn before and ends it afterwards.
 */
import type { Source } from '../core/source.ts'
import type { Model } from '../models/catalogue.ts'
import { withoutRefusedImages } from '../models/refused-images.ts'
import { withEvents } from '../models/with-events.ts'
import type { Content } from '../prompt/content.ts'
import type { ShownImage } from '../prompt/images.ts'
import { readVoiceQuestion } from '../prompt/voice-question.ts'
import { createCitationStream, type GivenSource } from '../reply/citations.ts'
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
  const gathered = await gather(deps, question, steps, signal)
  const plan = planAnswer(deps, question, gathered)
  trace.chosen = plan.chosen
  const { spender } = question
  const attempts = createAttempts({ budget: money.budget, health: models.health, spender, turnId: work.id })
  trace.attempts = attempts
  const answered = await write(deps, { question, gathered, plan, attempts, replyWriter }, signal)
  gone.throwIfAborted()
  if (answered.refusal !== undefined && answered.model.kind === 'extractive') trace.refusal = answered.refusal
  return answeredOutcome(replyWriter, question, plan, answered, trace)
}

interface Writing {
  question: Question
  gathered: Gathered
  plan: Plan
  attempts: Attempts
  replyWriter: ReplyWriter
}

/** Streams the answer through the reply writer; a change of model or a restart starts the text over. */
async function write(
  { models: { provider }, log }: AnswerDeps,
  { question, gathered, plan, attempts, replyWriter }: Writing,
  signal: AbortSignal,
): Promise<Answered> {
  const { opening, files, work } = question
  const images = gathered.images.length
  let content: Content = { files, excerpts: [], tokens: 0, tokensAvailable: 0, whole: true }
  let reply = createCitationStream([])
  let pictures: UsedPictures = { shown: 0, of: 0 }
  let maxOutputTokens = 0
  let text = ''
  const say = (part: string) => {
    text += part
    replyWriter.cite(reply.citations())
    replyWriter.append(part)
  }
  replyWriter.append(opening)
  let tried: Model | undefined
  const prepare = async (model: Model) => {
    tried = model
    const prepared = await plan.prepare(model)
    content = prepared.content
    maxOutputTokens = prepared.request.maxOutputTokens
    pictures = {
      shown: prepared.shown.length,
      of: images,
      blind: images > 0 && !sees(model) ? (model.label ?? model.id) : undefined,
    }
    reply = createCitationStream(givenSources(content, prepared.shown))
    return prepared.request
  }
  // The same model answers without pictures: the receipt says that it saw none.
  const refused = () => {
    pictures = { ...pictures, shown: 0, ...(tried !== undefined && { blind: tried.label ?? tried.id }) }
  }
  let calls = 0
  const counted = { turnId: work.id, next: () => ++calls }
  const asking = {
    provider: (name: string) => withoutRefusedImages(withEvents(provider(name), counted), refused),
    prepare,
    attempts,
    cheaper: plan.cheaper,
    log,
  }
  for await (const event of ask(plan.models, asking, signal)) {
    if (event.type === 'text') say(reply.push(event.delta))
    else if (event.type === 'restart') {
      text = ''
      replyWriter.restart()
      replyWriter.append(opening)
    } else {
      say(reply.flush())
      const { model, reason, notices, refusal } = event
      const citations = reply.citations()
      return {
        text,
        citations,
        unknown: reply.unknown(),
        content,
        pictures,
        model,
        reason,
        maxOutputTokens,
        notices,
        refusal,
      }
    }
  }
  throw new Error('a model ended without an end')
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
