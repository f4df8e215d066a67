/**
 * Asks one model after the other until one has answered: again when it broke off, the next when it cannot. Before any text
 * is visible a change costs nothing; afterwards the answer starts over in the same message, or is marked incomplete. Every
 * attempt is let through by the model's health and reserved over the budget for itself (src/routing/metered-call.ts).
 */
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Model } from '../models/catalogue.ts'
import { deliveryOf } from '../models/delivery.ts'
import type { FinishReason, ModelProvider, ModelRequest } from '../models/model.ts'
import { type Attempt, type Attempts, NotCalled } from '../routing/metered-call.ts'
import { noticeWording } from '../wording/answers.ts'
import { modelErrorWording } from '../wording/models.ts'

export type AskEvent =
  | { type: 'text'; delta: string }
  /** What was said so far is void: the answer starts over. */
  | { type: 'restart' }
  /** `refusal`: the budget did not hold a model that was to answer before this one. */
  | { type: 'end'; model: Model; reason: FinishReason; notices: string[]; refusal?: ParleyError }

export interface AskDeps {
  provider(name: string): ModelProvider
  /** Composes for this model: another window holds other content. */
  prepare(model: Model): Promise<ModelRequest>
  attempts: Pick<Attempts, 'begin'>
  /** Who may be asked instead of a model that the budget did not hold, best first; quoting may be among them. */
  cheaper(): Promise<Model[]>
  log: Log
}

const attemptsEach = 2

/** What became of one model. */
type Outcome =
  | { kind: 'ended'; reason: FinishReason }
  /** It has said something and broke off for good. */
  | { kind: 'incomplete'; why: string }
  | { kind: 'failed'; error: ParleyError }

/** Throws the last model's error when none has said anything; `budget_exhausted` of the first where money was in the way. */
export async function* ask(models: readonly Model[], deps: AskDeps, signal: AbortSignal): AsyncGenerator<AskEvent> {
  const notices: string[] = []
  let failure: ParleyError | undefined
  let refusal: ParleyError | undefined
  const tried = new Set<string>()
  let queue = [...models]
  for (let model = queue.shift(); model !== undefined; model = queue.shift()) {
    if (failure) notices.push(insteadOf(failure, model))
    tried.add(keyOf(model))
    const outcome = yield* askOne(model, deps, signal)
    if (outcome.kind === 'ended') {
      yield { type: 'end', model, reason: outcome.reason, notices, refusal }
      return
    }
    if (outcome.kind === 'incomplete') {
      notices.push(noticeWording.incomplete(outcome.why))
      yield { type: 'end', model, reason: 'truncated', notices }
      return
    }
    failure = outcome.error
    if (failure.code === 'budget_exhausted' && refusal === undefined) {
      refusal = failure
      queue = (await deps.cheaper()).filter((other) => !tried.has(keyOf(other)))
    }
  }
  if (failure?.code === 'budget_exhausted' && refusal !== undefined) throw refusal
  throw failure ?? new Error('no model to ask')
}

async function* askOne(model: Model, deps: AskDeps, signal: AbortSignal): AsyncGenerator<AskEvent, Outcome> {
  let visible = false
  for (let attempt = 1; ; attempt += 1) {
    let call: Attempt
    let request: ModelRequest
    try {
      call = deps.attempts.begin(model)
      request = await prepared(call, model, deps)
      await call.reserve(request)
    } catch (thrown) {
      // What else fails here is Parley's own, and no model's.
      if (!(thrown instanceof NotCalled)) throw thrown
      const { error } = thrown
      if (!visible) return { kind: 'failed', error }
      return { kind: 'incomplete', why: stoppedAnd(model, error) }
    }
    if (visible) yield { type: 'restart' }
    visible = false
    const outcome = yield* stream(call, model, request, deps, signal)
    visible = outcome.visible
    const { reason, error } = outcome
    if (error === undefined && reason !== 'truncated') return { kind: 'ended', reason }
    if (error !== undefined) {
      deps.log.warn({ ...errorFields(error), model: model.id, attempt, visible }, 'model failed')
    }
    if (attempt < attemptsEach && isWorthAgain(outcome)) continue
    if (visible) {
      const { stoppedMidAnswer, stoppedMidAnswerTwice } = noticeWording
      return { kind: 'incomplete', why: (attempt > 1 ? stoppedMidAnswerTwice : stoppedMidAnswer)(model.id) }
    }
    return { kind: 'failed', error: error ?? silent(model) }
  }
}

async function prepared(call: Attempt, model: Model, deps: AskDeps): Promise<ModelRequest> {
  try {
    return await deps.prepare(model)
  } catch (thrown) {
    await call.end({ reason: 'aborted' })
    throw thrown
  }
}

/** Whether the same model is asked again at once. What it refused before it began, its provider has tried again already. */
function isWorthAgain({ error, begun }: Streamed): boolean {
  if (error === undefined || error.retry === 'now') return true
  return error.retry === 'later' && error.retryAfterMs === undefined && (begun || deliveryOf(error) === 'taken')
}

interface Streamed {
  /** Whether it began to answer, and whether text of it was seen. */
  begun: boolean
  visible: boolean
  reason: FinishReason
  error?: ParleyError
}

/** One attempt, settled whatever way it ends, even when the reader walks away. */
async function* stream(
  call: Attempt,
  model: Model,
  request: ModelRequest,
  deps: AskDeps,
  signal: AbortSignal,
): AsyncGenerator<AskEvent, Streamed> {
  let begun = false
  let visible = false
  let reason: FinishReason = 'truncated'
  let over = false
  try {
    for await (const event of deps.provider(model.provider).stream(request, signal)) {
      call.record(event)
      begun = true
      if (event.type === 'text' && event.delta !== '') {
        visible = true
        yield event
      } else if (event.type === 'finish') reason = event.reason
    }
    over = true
  } catch (thrown) {
    over = true
    const error = asParleyError(thrown, modelErrorWording.failedWhileAnswering(model.id))
    if (!signal.aborted) {
      await call.end({ error })
      return { begun, visible, reason: 'truncated', error }
    }
    reason = 'aborted'
  } finally {
    if (!over) await call.end({ reason: 'aborted' })
  }
  await call.end({ reason })
  return { begun, visible, reason }
}

const keyOf = ({ provider, id }: Model) => `${provider}/${id}`

function insteadOf({ userMessage }: ParleyError, model: Model): string {
  if (model.kind === 'extractive') return noticeWording.quotedInstead(userMessage)
  return noticeWording.answeredInstead(userMessage, model.id)
}

/** That the model keeps stopping says nothing more. */
function stoppedAnd(model: Model, { code, userMessage }: ParleyError): string {
  if (code === 'model_truncated') return noticeWording.stoppedMidAnswer(model.id)
  return noticeWording.stoppedMidAnswerAnd(model.id, userMessage)
}

function silent(model: Model): ParleyError {
  return new ParleyError('model_truncated', modelErrorWording.silent(model.id))
}
