/** What one stream has said so far: its events, how it ended, and what it used. */
import type { Usage } from '../../core/reply.ts'
import type { FinishReason, ModelEvent, ModelRequest } from '../model.ts'
import { type CallPiece, type Chunk, parseArguments } from './chunk.ts'
import { StreamError } from './failure.ts'
import { countInput, countTokens } from './request-tokens.ts'

interface Call {
  id: string
  name: string
  arguments: string
}

export function createAnswer(request: ModelRequest) {
  let text = ''
  let reasoning = ''
  let usage: Usage | undefined
  /** The usage came with the provider's end, or after it. */
  let usageAtEnd = false
  let input: Chunk['input']
  let finish: FinishReason | undefined
  let refused = false
  let done = false
  const calls = new Map<CallPiece['key'], Call>()

  function takeCall({ key, id, name, whole, arguments: piece = '' }: CallPiece): void {
    const call = calls.get(key) ?? { id: `call_${calls.size}`, name: '', arguments: '' }
    calls.set(key, {
      id: id ?? call.id,
      name: name ?? call.name,
      arguments: whole ? piece : call.arguments + piece,
    })
  }

  const answer = {
    /** Whether anything was sent that may cost. */
    sent: false,
    get visible() {
      return text !== '' || reasoning !== ''
    },
    *take(chunk: Chunk): Generator<ModelEvent> {
      usage = chunk.usage ?? usage
      const counted = chunk.input ?? chunk.usage
      if (counted !== undefined && input === undefined) {
        input = { input: counted.input, cacheRead: counted.cacheRead, cacheWrite: counted.cacheWrite }
        yield { type: 'input', counted: input }
      }
      if (chunk.error !== undefined) throw new StreamError(chunk.error)
      if (chunk.reasoning) {
        reasoning += chunk.reasoning
        yield { type: 'reasoning', delta: chunk.reasoning }
      }
      const said = (chunk.text ?? '') + (chunk.refusal ?? '')
      if (chunk.refusal) refused = true
      if (said !== '') {
        text += said
        yield { type: 'text', delta: said }
      }
      if (chunk.call) takeCall(chunk.call)
      finish = chunk.finish ?? finish
      done ||= chunk.done === true
      if (chunk.usage !== undefined) usageAtEnd = finish !== undefined || done || chunk.usageIsWhole === true
    },
    reason(): FinishReason {
      if (finish === undefined && !done) return 'truncated'
      if (refused && finish !== 'filter') return 'refusal'
      const ended = finish ?? 'stop'
      if (ended !== 'stop' && ended !== 'tool') return ended
      // Some servers call the end of a message with calls an end like any other.
      if (calls.size === 0) return 'stop'
      return [...calls.values()].every(isWhole) ? 'tool' : 'truncated'
    },
    /** `whole`: the answer ended by itself. What was counted of another one counts only the part before. */
    async usage(whole: boolean): Promise<Usage> {
      if (usage && (whole || usageAtEnd)) return usage
      const reasoned = await countTokens(reasoning)
      const called = [...calls.values()].map((call) => `${call.name} ${call.arguments}`).join('\n')
      const output = reasoned + (await countTokens(text)) + (await countTokens(called))
      return {
        ...(input ?? { input: await countInput(request), cacheRead: 0, cacheWrite: 0 }),
        output: Math.max(output, usage?.output ?? 0),
        reasoning: reasoned,
        source: 'estimated',
      }
    },
    async *end(reason: FinishReason): AsyncGenerator<ModelEvent> {
      if (reason === 'tool') {
        for (const call of calls.values()) yield { type: 'toolCall', ...call, arguments: call.arguments.trim() || '{}' }
      }
      const whole = reason !== 'aborted' && reason !== 'truncated'
      if (answer.sent) yield { type: 'usage', usage: await answer.usage(whole) }
      yield { type: 'finish', reason }
    },
  }
  return answer
}

/** Arguments that are cut off are no call: what they ask for is not known. */
function isWhole(call: Call): boolean {
  return call.name !== '' && parseArguments(call.arguments) !== undefined
}
