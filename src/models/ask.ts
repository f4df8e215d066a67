/**
 * Asks one model after the other until one has answered: again when it broke off, the next when it cannot. Before any text
 * is visible a change costs nothing; afterwards the answer starts over in the same message, or is marked incomplete.
 */
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Usage } from '../core/reply.ts'
import type { FinishReason, ModelProvider, ModelRequest } from './model.ts'

/** A model that may answer, in the order of the route. */
export interface Choice {
  id: string
  provider: string
}

export type AskEvent<Model extends Choice> =
  | { type: 'text'; delta: string }
  /** What was said so far is void: the answer starts over. */
  | { type: 'restart' }
  | { type: 'end'; model: Model; reason: FinishReason; usage: Usage | undefined; notices: string[] }

export interface AskDeps<Model extends Choice> {
  provider(name: string): ModelProvider
  /** Composes for this model: another window holds other content. */
  prepare(model: Model): Promise<ModelRequest>
  log: Log
}

const attemptsEach = 2

/** Throws the last model's error when none has said anything. */
export async function* ask<Model extends Choice>(
  models: Model[],
  deps: AskDeps<Model>,
  signal: AbortSignal,
): AsyncGenerator<AskEvent<Model>> {
  const notices: string[] = []
  let failure: ParleyError | undefined
  for (const model of models) {
    if (failure) notices.push(`${failure.tell} ${insteadOf(model)}`)
    failure = undefined
    for (let attempt = 1; attempt <= attemptsEach; attempt += 1) {
      const state: Attempt = { visible: false, usage: undefined }
      let broken: ParleyError | undefined
      // Outside of the model's try: what fails here is Parley's own.
      const request = await deps.prepare(model)
      try {
        for await (const event of deps.provider(model.provider).stream(request, signal)) {
          if (event.type === 'text' && event.delta !== '') {
            state.visible = true
            yield event
          } else if (event.type === 'usage') {
            state.usage = event.usage
          } else if (event.type === 'finish') {
            state.reason = event.reason
          }
        }
      } catch (thrown) {
        if (signal.aborted) state.reason = 'aborted'
        else broken = asParleyError(thrown, `${model.id} failed while it answered. Please try again.`)
        deps.log.warn({ ...errorFields(thrown), model: model.id, attempt, visible: state.visible }, 'model failed')
      }
      const reason = state.reason ?? 'truncated'
      if (!broken && reason === 'contextOverflow') {
        failure = overflow(model)
        break
      }
      if (!broken && reason !== 'truncated') {
        yield { type: 'end', model, reason, usage: state.usage, notices }
        return
      }
      const again = attempt < attemptsEach && (broken === undefined || broken.retry === 'now')
      if (again) {
        if (state.visible) yield { type: 'restart' }
        continue
      }
      if (state.visible) {
        notices.push(
          `${model.id} broke off before its end, twice: this answer is incomplete. Regenerate it, or ask for the rest.`,
        )
        yield { type: 'end', model, reason: 'truncated', usage: state.usage, notices }
        return
      }
      failure = broken ?? silent(model)
      break
    }
  }
  throw failure ?? new Error('no model to ask')
}

interface Attempt {
  visible: boolean
  usage: Usage | undefined
  reason?: FinishReason
}

function insteadOf(model: Choice): string {
  if (model.provider === 'extractive') return 'So Parley quoted the passages of the files that fit best.'
  return `So ${model.id} answered instead.`
}

function overflow(model: Choice): ParleyError {
  return new ParleyError(
    'model_context_overflow',
    `The question and its files are too long for ${model.id}. Ask about fewer files, or choose a model with a larger window.`,
  )
}

function silent(model: Choice): ParleyError {
  return new ParleyError('model_truncated', `${model.id} ended without an answer. Please try again.`)
}
