/** Publishes each call to a model (core/events.ts): who was asked, how long it took, how many tokens; never what was said. */

import { asParleyError } from '../core/errors.ts'
import { startSpan } from '../core/events.ts'
import type { ModelProvider } from './model.ts'

export interface CallsOf {
  turnId: string | undefined
  /** Counts the calls of the turn. */
  next(): number
}

export function withEvents(provider: ModelProvider, calls: CallsOf): ModelProvider {
  return {
    ...provider,
    async *stream(request, signal) {
      const { turnId } = calls
      const startedAt = performance.now()
      const span = startSpan('parley:model', {
        turnId,
        provider: provider.name,
        model: request.model,
        attempt: calls.next(),
      })
      let firstTokenMs: number | undefined
      let finish = 'aborted'
      let usage = { input: 0, output: 0 }
      try {
        for await (const event of provider.stream(request, signal)) {
          if (event.type === 'text' || event.type === 'reasoning') firstTokenMs ??= performance.now() - startedAt
          if (event.type === 'usage') usage = event.usage
          if (event.type === 'finish') finish = event.reason
          yield event
        }
      } catch (thrown) {
        span.fail(asParleyError(thrown).code)
        throw thrown
      } finally {
        // Also where the reader walks away.
        span.end({ finish, firstTokenMs, inputTokens: usage.input, outputTokens: usage.output })
      }
    },
  }
}
