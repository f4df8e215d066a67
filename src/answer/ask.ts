/**
 * Asks one model after the other until one has answered. Until text is visible a change of model costs the reader nothing;
 * afterwards the next model starts the answer over in the same message. Only when none can, the broken answer stays and is
 * marked incomplete. Every attempt is let through by the model's health and reserved over the budget for itself
 * (src/routing/metered-call.ts).
 */
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { deliveryOf } from '../models/delivery.ts'
import type { FinishReason, ModelEvent, ModelProvider, ModelRequest } from '../models/model.ts'
import { BudgetHeld, isRefusal } from '../routing/budget.ts'
import { type Attempt, type Attempts, NotCalled } from '../routing/metered-call.ts'
import { noticeWording } from '../wording/answers.ts'
import { modelErrorWording } from '../wording/models.ts'

export type AskEvent =
  | { type: 'text'; delta: string }
  /** Of the request that was prepared last, before its text or within it. */
  | { type: 'reasoning'; delta: string }
  /** Of the tokens of its text. */
  | Extract<ModelEvent, { type: 'logprobs' }>
  /** What was said since the last `begin` was thought, and is no text. */
  | { type: 'thoughtSoFar' }
  /** What follows is the answer to the request that was prepared last; what was said before is void. */
  | { type: 'begin' }
  /** `refusal`: the budget did not hold a model that was to answer before this one. */
  | { type: 'end'; model: Model; reason: FinishReason; calls: ModelCall[]; notices: string[]; refusal?: ParleyError }

/** A call that a model asks for; `arguments` is a JSON object as text. */
export type ModelCall = Omit<Extract<ModelEvent, { type: 'toolCall' }>, 'type'>

export interface AskDeps {
  provider(name: string): ModelProvider
  /** Composes for this model: another window holds other content. */
  prepare(model: Model): Promise<ModelRequest>
  attempts: Pick<Attempts, 'begin'>
  /** The request that is sent: with less room for the answer than was prepared, where a budget does not hold all of it. */
  reserved?(request: ModelRequest): void
  /** Who may be asked instead of a model that the budget did not hold, best first; quoting may be among them. */
  cheaper(): Promise<Model[]>
  log: Log
}

/** What became of one model. */
type Outcome =
  | { kind: 'ended'; reason: FinishReason; visible: boolean; calls: ModelCall[] }
  /** `visible`: some text of it stands in the message. `again`: it may do better when it is asked once more. */
  | { kind: 'failed'; error: ParleyError; visible: boolean; again: boolean }

/** Throws the last model's error when none has said anything; `budget_exhausted` of the first where money was in the way. */
export async function* ask(models: readonly Model[], deps: AskDeps, signal: AbortSignal): AsyncGenerator<AskEvent> {
  const failures: ParleyError[] = []
  /** Whose broken answer stands in the message, and how often it broke. */
  let broken: { model: Model; times: number } | undefined
  let refusal: ParleyError | undefined
  const tried = new Set<string>()
  const again: Model[] = []
  let queue = [...models]
  for (let model = queue.shift(); model !== undefined; model = queue.shift() ?? again.shift()) {
    // Quotes say less than what stands there.
    if (broken !== undefined && model.kind === 'extractive') continue
    const first = !tried.has(modelKey(model))
    tried.add(modelKey(model))
    const outcome = yield* askOne(model, deps, signal)
    if (outcome.kind === 'ended') {
      const { reason } = outcome
      // Stopped before it said anything: what another one has said stays.
      const keeps = broken !== undefined && reason === 'aborted' && !outcome.visible
      if (!outcome.visible && !keeps) yield { type: 'begin' }
      const shown = keeps && broken !== undefined ? broken.model : model
      const { calls } = outcome
      yield { type: 'end', model: shown, reason, calls, notices: keeps ? [] : insteadOf(failures, model), refusal }
      return
    }
    const { error, visible } = outcome
    if (visible) broken = { model, times: broken?.model === model ? broken.times + 1 : 1 }
    failures.push(error)
    if (outcome.again && first) again.push(model)
    if (error.code === 'model_filtered') break
    if (isRefusal(error) && refusal === undefined) {
      refusal = error
      // Where only calls under way are in the way, waiting for them is better than quoting.
      const waits = error instanceof BudgetHeld
      queue = (await deps.cheaper()).filter(
        (other) => !tried.has(modelKey(other)) && !(waits && other.kind === 'extractive'),
      )
    }
  }
  const failure = failures.at(-1)
  if (broken !== undefined) {
    const notices = [noticeWording.incomplete(whyIncomplete(broken, failure))]
    yield { type: 'end', model: broken.model, reason: 'truncated', calls: [], notices }
    return
  }
  if (isRefusal(failure) && refusal !== undefined) throw refusal
  throw failure ?? new Error('no model to ask')
}

/** Asks again at once only where nothing was to be seen yet. */
async function* askOne(model: Model, deps: AskDeps, signal: AbortSignal): AsyncGenerator<AskEvent, Outcome> {
  for (let attempt = 1; ; attempt += 1) {
    let call: Attempt
    let request: ModelRequest
    try {
      call = deps.attempts.begin(model)
      request = await call.reserve(await prepared(call, model, deps))
      deps.reserved?.(request)
    } catch (thrown) {
      // What else fails here is Parley's own, and no model's.
      if (!(thrown instanceof NotCalled)) throw thrown
      return { kind: 'failed', error: thrown.error, visible: false, again: false }
    }
    const outcome = yield* stream(call, model, request, deps, signal)
    const { reason, error, visible, calls } = outcome
    if (error === undefined && reason !== 'truncated') return { kind: 'ended', reason, visible, calls }
    if (error !== undefined) {
      deps.log.warn({ ...errorFields(error), model: model.id, attempt, visible }, 'model failed')
    }
    if (visible) return { kind: 'failed', error: broke(model, error), visible, again: error?.code !== 'model_stalled' }
    if (error?.code === 'model_empty') return { kind: 'failed', error, visible, again: true }
    if (attempt > 1 || !isWorthAgain(outcome))
      return { kind: 'failed', error: error ?? silent(model), visible, again: false }
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
  /** Whole calls of an answer that ended well. */
  calls: ModelCall[]
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
  const called: ModelCall[] = []
  let reason: FinishReason = 'truncated'
  let hungUp = false
  let over = false
  try {
    for await (const event of deps.provider(model.provider).stream(request, signal)) {
      call.record(event)
      begun = true
      if (event.type === 'text' && event.delta !== '') {
        if (!visible) yield { type: 'begin' }
        visible = true
        yield event
      } else if (event.type === 'reasoning' || event.type === 'logprobs') yield event
      else if (event.type === 'thoughtSoFar') {
        if (visible) yield event
        visible = false
      } else if (event.type === 'toolCall') called.push({ id: event.id, name: event.name, arguments: event.arguments })
      else if (event.type === 'finish') {
        reason = event.reason
        hungUp = event.hungUp === true
      }
    }
    over = true
  } catch (thrown) {
    over = true
    const error = asParleyError(thrown, modelErrorWording.failedWhileAnswering(model.id))
    if (!signal.aborted) {
      await call.end({ error })
      return { begun, visible, reason: 'truncated', calls: [], error }
    }
    reason = 'aborted'
  } finally {
    if (!over) await call.end({ reason: 'aborted' })
  }
  const wanted = called.length > 0 && (request.tools ?? []).length > 0 && request.toolChoice !== 'none'
  // Where it may stop at a word, it may do so before it says anything.
  const mayStop = (request.sampling?.stop ?? []).length > 0
  const error = !visible && !wanted && !mayStop && shouldSpeak(model, reason) ? empty(model) : undefined
  await call.end({ reason: hungUp ? 'aborted' : reason, error })
  const calls = wanted && error === undefined && (reason === 'tool' || reason === 'stop') ? called : []
  return { begun, visible, reason, calls, error }
}

/** An end by a limit, a filter, a refusal or the person says itself why there is no text. */
function shouldSpeak({ kind }: Model, reason: FinishReason): boolean {
  return kind !== 'extractive' && (reason === 'stop' || reason === 'tool')
}

/** Why another model has answered: what went wrong before, each thing once. */
function insteadOf(failures: readonly ParleyError[], model: Model): string[] {
  if (failures.length === 0) return []
  const why = [...new Set(failures.map(({ userMessage }) => userMessage))].join(' ')
  return [model.kind === 'extractive' ? noticeWording.quotedInstead(why) : noticeWording.answeredInstead(why, model.id)]
}

function whyIncomplete({ model, times }: { model: Model; times: number }, last: ParleyError | undefined): string {
  if (times > 1) return noticeWording.stoppedMidAnswerTwice(model.id)
  // That it stopped says nothing more.
  if (last === undefined || last.code === 'model_truncated') return noticeWording.stoppedMidAnswer(model.id)
  return noticeWording.stoppedMidAnswerAnd(model.id, last.userMessage)
}

/** The model that broke off within its text; only a filter needs more words. */
function broke(model: Model, error: ParleyError | undefined): ParleyError {
  if (error?.code === 'model_filtered') return error
  return new ParleyError('model_truncated', noticeWording.stoppedMidAnswer(model.id), { cause: error })
}

function silent(model: Model): ParleyError {
  return new ParleyError('model_truncated', modelErrorWording.silent(model.id))
}

function empty(model: Model): ParleyError {
  return new ParleyError('model_empty', modelErrorWording.empty(model.id))
}
