/** One event of a Responses stream → what it adds. Only `completed`, `incomplete` and `failed` end an answer. */
import { z } from 'zod'
import type { Usage } from '../../core/reply.ts'
import type { FinishReason } from '../model.ts'
import { type Chunk, parseJson } from './chunk.ts'

const Count = z.number().int().nonnegative().nullish().catch(undefined)
const WireUsage = z
  .object({
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: z.object({ cached_tokens: Count, cache_write_tokens: Count }).nullish().catch(undefined),
    output_tokens_details: z.object({ reasoning_tokens: Count }).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)
const Payload = z.object({
  type: z.string(),
  delta: z.string().nullish().catch(undefined),
  summary_index: z.number().nullish().catch(undefined),
  output_index: z.number().nullish().catch(undefined),
  item: z
    .object({
      type: z.string(),
      call_id: z.string().nullish().catch(undefined),
      name: z.string().nullish().catch(undefined),
      arguments: z.string().nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  response: z
    .object({
      status: z.string().nullish().catch(undefined),
      usage: WireUsage,
      incomplete_details: z.object({ reason: z.string().nullish() }).nullish().catch(undefined),
      error: z.unknown().optional(),
    })
    .nullish()
    .catch(undefined),
})
type Payload = z.infer<typeof Payload>

const incomplete: Record<string, FinishReason> = { max_output_tokens: 'length', content_filter: 'filter' }

export function createResponsesReader(): (data: string) => Chunk[] {
  return (data) => {
    if (data.trim() === '[DONE]') return []
    const parsed = parseJson(data)
    const payload = Payload.safeParse(parsed).data
    if (payload !== undefined) return [readEvent(payload, parsed)]
    const error = typeof parsed === 'object' && parsed !== null && 'error' in parsed ? parsed : notAnEvent
    return [{ error }]
  }
}

const notAnEvent = { message: 'an event of the stream is not JSON' }

function readEvent({ type, delta, item, response, output_index, summary_index }: Payload, parsed: unknown): Chunk {
  const usage = normalizeUsage(response?.usage)
  const ended = usage ? { usage, done: true } : { done: true }
  switch (type) {
    case 'response.output_text.delta':
      return { text: delta ?? '' }
    case 'response.refusal.delta':
      return { refusal: delta ?? '' }
    case 'response.reasoning_summary_text.delta':
    case 'response.reasoning_text.delta':
      return { reasoning: delta ?? '' }
    case 'response.reasoning_summary_part.added':
      return summary_index ? { reasoning: '\n\n' } : {}
    case 'response.output_item.done':
      return item?.type === 'function_call' ? { call: wholeCall(item, output_index ?? 0) } : {}
    case 'response.completed':
    case 'response.incomplete': {
      const whole = type === 'response.completed' && response?.status !== 'incomplete'
      return { ...ended, finish: whole ? 'stop' : (incomplete[response?.incomplete_details?.reason ?? ''] ?? 'length') }
    }
    case 'response.failed':
      return { usage: usage ? usage : undefined, error: response?.error ?? { message: 'the response failed' } }
    case 'error':
      return { error: parsed }
    default:
      return usage ? { usage } : {}
  }
}

function wholeCall(item: NonNullable<Payload['item']>, key: number): NonNullable<Chunk['call']> {
  return {
    key,
    whole: true,
    name: item.name ?? '',
    arguments: item.arguments ?? '',
    id: item.call_id ? item.call_id : undefined,
  }
}

/** Its input includes cached tokens, as Parley's does; `null` is not 0. */
function normalizeUsage(usage: z.infer<typeof WireUsage>): Usage | undefined {
  const { input_tokens: input, output_tokens: output } = usage ?? {}
  if (input === undefined || input === null || output === undefined || output === null) return undefined
  const cacheRead = Math.min(usage?.input_tokens_details?.cached_tokens ?? 0, input)
  return {
    input,
    cacheRead,
    cacheWrite: Math.min(usage?.input_tokens_details?.cache_write_tokens ?? 0, input - cacheRead),
    output,
    reasoning: Math.min(usage?.output_tokens_details?.reasoning_tokens ?? 0, output),
    source: 'provider',
  }
}
