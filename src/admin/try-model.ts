/** Sends one prompt to one model, metered like every paid call. For `models test` and `models compare`. */
import { asParleyError, type ParleyError } from '../core/errors.ts'
import type { NanoUsd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import type { Spender } from '../core/scope.ts'
import type { Model } from '../models/catalogue.ts'
import type { FinishReason, ModelProvider } from '../models/model.ts'
import { type AttemptsDeps, createAttempts, NotCalled } from '../routing/metered-call.ts'

export interface Tried {
  model: Model
  text: string
  /** Milliseconds; `null` when no text came. */
  firstTokenMs: number | null
  ms: number
  usage: Usage | undefined
  cost: NanoUsd
  error: ParleyError | null
}

export interface TryDeps extends Pick<AttemptsDeps, 'budget' | 'health'> {
  provider(name: string): ModelProvider
}

/** Never throws; a failure is in `error`. */
export async function tryModel(
  { provider, budget, health }: TryDeps,
  {
    model,
    prompt,
    maxOutputTokens,
    spender,
  }: { model: Model; prompt: string; maxOutputTokens: number; spender: Spender },
  signal: AbortSignal,
): Promise<Tried> {
  const attempts = createAttempts({ budget, health, spender })
  const request = {
    model: model.id,
    system: 'Answer the question.',
    maxOutputTokens: Math.min(maxOutputTokens, model.maxOutputTokens),
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: prompt }] }],
  }
  const startedAt = performance.now()
  let [text, firstTokenMs]: [string, number | null] = ['', null]
  let error: ParleyError | null = null
  try {
    const attempt = attempts.begin(model)
    await attempt.reserve(request)
    let reason: FinishReason = 'truncated'
    try {
      for await (const event of provider(model.provider).stream(request, signal)) {
        attempt.record(event)
        if (event.type === 'text') {
          if (event.delta !== '') firstTokenMs ??= performance.now() - startedAt
          text += event.delta
        } else if (event.type === 'finish') reason = event.reason
      }
      await attempt.end({ reason })
    } catch (thrown) {
      error = asParleyError(thrown)
      await attempt.end({ error })
    }
  } catch (thrown) {
    error = thrown instanceof NotCalled ? thrown.error : asParleyError(thrown)
  }
  return { model, text, firstTokenMs, ms: performance.now() - startedAt, ...attempts.spent(), error }
}
