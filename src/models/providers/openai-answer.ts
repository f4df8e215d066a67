/** What one stream has said so far: its events, how it ended, and what it used. */
import type { Usage } from '../../core/reply.ts'
import type { FinishReason, ModelEvent, ModelRequest } from '../model.ts'
import { estimateTokens } from './estimate-tokens.ts'
import type { Chunk } from './openai-chunk.ts'
import { StreamError } from './openai-error.ts'
import { requestText } from './openai-request.ts'

export function createAnswer(request: ModelRequest) {
  let text = ''
  let reasoning = ''
  let usage: Usage | undefined
  let finish: FinishReason | undefined
  let refused = false
  let done = false

  const answer = {
    /** Whether anything was sent that may cost. */
    sent: false,
    get visible() {
      return text !== '' || reasoning !== ''
    },
    *take(chunk: Chunk): Generator<ModelEvent> {
      if (chunk.error !== undefined) throw new StreamError(chunk.error)
      if (chunk.reasoning !== '') {
        reasoning += chunk.reasoning
        yield { type: 'reasoning', delta: chunk.reasoning }
      }
      const said = chunk.text + chunk.refusal
      if (chunk.refusal !== '') refused = true
      if (said !== '') {
        text += said
        yield { type: 'text', delta: said }
      }
      usage = chunk.usage ?? usage
      finish = chunk.finish ?? finish
      done ||= chunk.done
    },
    reason(): FinishReason {
      if (finish === undefined && !done) return 'truncated'
      return refused && finish !== 'filter' ? 'refusal' : (finish ?? 'stop')
    },
    async usage(): Promise<Usage> {
      if (usage) return usage
      const reasoned = await estimateTokens(reasoning)
      return {
        input: await estimateTokens(requestText(request)),
        cacheRead: 0,
        cacheWrite: 0,
        output: reasoned + (await estimateTokens(text)),
        reasoning: reasoned,
        source: 'estimated',
      }
    },
    async *end(reason: FinishReason): AsyncGenerator<ModelEvent> {
      if (answer.sent) yield { type: 'usage', usage: await answer.usage() }
      yield { type: 'finish', reason }
    },
  }
  return answer
}
