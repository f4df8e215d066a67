/**
 * The story of an answer: hear → open the question → gather → plan → loop (ask, with what each model is given, and run the tools that it
 * calls) → cite → outcome. Called by workers/turn.ts, which claims the turn before and ends it afterwards.
 */
import { formatProblem } from '../core/answer-format.ts'
import { ParleyError } from '../core/errors.ts'
import { readVoiceQuestion } from '../prompt/voice-question.ts'
import type { ReplyWriter } from '../reply/reply-writer.ts'
import { createAttempts } from '../routing/metered-call.ts'
import type { StoredOutcome, TurnWork } from '../store/turns.ts'
import { modelErrorWording } from '../wording/models.ts'
import type { AnswerDeps } from './deps.ts'
import { gather } from './gather.ts'
import { loop, numberedBefore } from './loop.ts'
import { type Answered, answeredOutcome, type Trace } from './outcome.ts'
import { planAnswer } from './plan.ts'
import { openQuestion } from './question.ts'
import { createSteps } from './steps.ts'
import { transcribed } from './transcript.ts'
import { createWrites } from './writes.ts'

export interface Answering {
  work: TurnWork
  /** Of the turn's lease. */
  owner: string
  replyWriter: ReplyWriter
  /** The person wants no more of it. */
  stop: AbortSignal
  /** Another worker has the turn, or this one ends. */
  gone: AbortSignal
  /** Shows people what is being done for the answer. */
  progress(what: string): void
}

/** Fills `trace` as it goes, so that the receipt of a failed answer also has what was tried and spent. */
export async function answer(
  deps: AnswerDeps,
  { work, owner, replyWriter, stop, gone, progress }: Answering,
  trace: Trace,
): Promise<StoredOutcome> {
  const { storage, models, money } = deps
  const signal = AbortSignal.any([stop, gone])
  if (work.messages.at(-1)?.program?.task === 'transcript') return await transcribed(deps, work, replyWriter)
  const steps = createSteps(work, owner, storage.turns)
  const question = await openQuestion(
    deps,
    await readVoiceQuestion(work, storage.attachments.artifacts),
    numberedBefore(work.steps),
  )
  const { spender } = question
  const metered = { budget: money.budget, health: models.health, spender, turnId: work.id }
  const preparing = createAttempts(metered)
  trace.preparing = preparing
  const gathered = await gather(deps, question, steps, preparing, signal)
  const plan = planAnswer(deps, question, gathered)
  trace.chosen = plan.chosen
  const attempts = createAttempts(metered)
  trace.attempts = attempts
  const { images, memory: remembered = [] } = gathered
  const { approvals: approvers } = question.rules.policy
  const writes = deps.writes && createWrites(deps.writes, { work, owner, approvers })
  const own = { question, plan, attempts, replyWriter, steps, progress, remembered, writes, images: images.length }
  const looping = { ...deps, ...own }
  const answered = await loop(looping, signal)
  gone.throwIfAborted()
  checkForm(work, answered)
  if (answered.refusal !== undefined && answered.model.kind === 'extractive') trace.refusal = answered.refusal
  return answeredOutcome(replyWriter, { ...gathered, question }, plan, answered, trace)
}

/** A program that wants a form of answer, or a call, gets that or a failure. What ended early has an end that says so. */
function checkForm({ messages }: TurnWork, { model, reason, text, programCalls = [] }: Answered): void {
  const { format, toolChoice } = messages.at(-1)?.program ?? {}
  if (reason !== 'stop' && reason !== 'tool') return
  const demanded = toolChoice === 'required' || typeof toolChoice === 'object'
  const named = typeof toolChoice === 'object' ? toolChoice.name : undefined
  if (demanded && !programCalls.some(({ name }) => named === undefined || name === named))
    throw new ParleyError('model_format_broken', modelErrorWording.noCall(model.id, named))
  const problem = format === undefined || programCalls.length > 0 ? undefined : formatProblem(format, text)
  if (problem !== undefined)
    throw new ParleyError('model_format_broken', modelErrorWording.formBroken(model.id, problem))
}
