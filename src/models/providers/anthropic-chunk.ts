/**
 * One event of an Anthropic stream → what it adds. `message_stop` ends an answer, or the stream's end after a reason to stop was
 * given, where a proxy leaves `message_stop` out. What a text block cites becomes the
 * labels of the cited passages behind it, as another model would have written them.
 */
import { z } from 'zod'
import type { Usage } from '../../core/reply.ts'
import type { SourceLabel } from '../../core/source.ts'
import type { FinishReason } from '../model.ts'
import type { CitedPart } from './anthropic-request.ts'
import { type Chunk, parseJson } from './chunk.ts'
import { readFinish } from './finish-words.ts'
import { isKeepAlive, type ServerEvent } from './server-events.ts'

const Count = z.number().int().nonnegative().nullish().catch(undefined)
const Text = z.string().nullish().catch(undefined)
const WireUsage = z
  .object({
    input_tokens: Count,
    output_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    output_tokens_details: z.object({ thinking_tokens: Count }).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)
const Citation = z.object({
  document_index: z.number().int().nonnegative(),
  start_page_number: Count,
  end_page_number: Count,
})
const Event = z.object({
  type: z.string(),
  index: z.number().nullish().catch(undefined),
  message: z.object({ usage: WireUsage }).nullish().catch(undefined),
  content_block: z
    .object({ type: z.string(), text: Text, thinking: Text, id: Text, name: Text })
    .nullish()
    .catch(undefined),
  delta: z
    .object({
      type: Text,
      text: Text,
      thinking: Text,
      partial_json: Text,
      stop_reason: Text,
      citation: Citation.nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  usage: WireUsage,
})
type Event = z.infer<typeof Event>
type WireUsage = z.infer<typeof WireUsage>

const finishes: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool',
  refusal: 'refusal',
  // Only Anthropic's server tools pause a turn, and Parley offers none, so a paused answer is incomplete.
  pause_turn: 'truncated',
}

/** `documents` are what the request's documents were made from, in order. */
export function createAnthropicReader(documents: CitedPart[]): (event: ServerEvent) => Chunk[] {
  let told: WireUsage
  let finish: FinishReason | undefined
  let block = ''
  let cited: SourceLabel[] = []
  /** White space at the end of a block, which comes behind its labels. */
  let space = ''

  function say(piece: string): Chunk[] {
    if (piece === '') return []
    block += piece
    if (documents.length === 0) return [{ text: piece }]
    const text = space + piece
    space = /\s*$/.exec(text)?.[0] ?? ''
    return [{ text: text.slice(0, text.length - space.length) }]
  }

  /** What the block cites, unless the model has written it itself. */
  function endBlock(): Chunk[] {
    const labels = [...new Set(cited)].filter((label) => !block.includes(`[${label}]`))
    const text = `${labels.length === 0 ? '' : ' '}${labels.map((label) => `[${label}]`).join('')}${space}`
    block = ''
    cited = []
    space = ''
    return text === '' ? [] : [{ text }]
  }

  function readDelta(delta: NonNullable<Event['delta']>, key: number): Chunk[] {
    switch (delta.type) {
      case 'text_delta':
        return say(delta.text ?? '')
      case 'thinking_delta':
        return [{ reasoning: delta.thinking ?? '' }]
      case 'input_json_delta':
        return [{ call: { key, arguments: delta.partial_json ?? '' } }]
      case 'citations_delta':
        cited.push(...labelOf(delta.citation, documents))
        return []
      default:
        return []
    }
  }

  function readEvent({ type, index, message, content_block: begun, delta, usage }: Event): Chunk[] {
    const key = index ?? 0
    switch (type) {
      case 'message_start':
        told = message?.usage
        return inputOf(told)
      case 'content_block_start':
        if (begun?.type === 'text') return say(begun.text ?? '')
        if (begun?.type === 'thinking') return [{ reasoning: begun.thinking ?? '' }]
        if (begun?.type !== 'tool_use') return []
        return [{ call: { key, name: begun.name ?? '', id: begun.id ? begun.id : undefined } }]
      case 'content_block_delta':
        return delta ? readDelta(delta, key) : []
      case 'content_block_stop':
        return endBlock()
      case 'message_delta': {
        told = laterUsage(told, usage)
        const ending = delta?.stop_reason ? finishOf(delta.stop_reason) : undefined
        if (typeof ending === 'string') finish = ending
        const whole = usage ? normalizeUsage(told) : undefined
        return [
          {
            usage: whole,
            usageIsWhole: finish !== undefined,
            finish: typeof ending === 'string' ? ending : undefined,
            error: typeof ending === 'object' ? ending : undefined,
          },
        ]
      }
      case 'message_stop':
        return [...endBlock(), { finish: finish ?? 'stop', done: true }]
      default:
        return []
    }
  }

  return ({ data }) => {
    // Proxies end streams of every dialect in the way of Chat Completions.
    if (data.trim() === '[DONE]') return finish === undefined ? [] : [...endBlock(), { done: true }]
    if (isKeepAlive(data)) return []
    const parsed = parseJson(data)
    const event = Event.safeParse(parsed).data
    if (event === undefined || event.type === 'error') return [{ error: parsed ?? { message: 'an event is not JSON' } }]
    return readEvent(event)
  }
}

/** Proxies also pass on words of Chat Completions. */
function finishOf(word: string): ReturnType<typeof readFinish> {
  return finishes[word] ?? readFinish(word)
}

/** The label of what is cited; nothing for a document that was not given. */
function labelOf(citation: z.infer<typeof Citation> | null | undefined, documents: CitedPart[]): SourceLabel[] {
  const document = citation ? documents[citation.document_index] : undefined
  if (!citation || document === undefined) return []
  if (document.type === 'passage') return [document.source]
  const from = citation.start_page_number
  if (!from) return []
  // The end is the page behind the last one.
  const to = Math.max(from, (citation.end_page_number ?? from + 1) - 1)
  return [`${document.source}:p${from === to ? from : `${from}-${to}`}`]
}

/** Counts are of the whole message so far: a later one stands for the earlier, one that is missing leaves it. */
function laterUsage(earlier: WireUsage, later: WireUsage): WireUsage {
  const known = Object.entries(later ?? {}).filter(([, value]) => value !== null && value !== undefined)
  return { ...(earlier ?? {}), ...Object.fromEntries(known) } as NonNullable<WireUsage>
}

/** Anthropic counts cached tokens beside its input, Parley within. */
function inputOf(usage: WireUsage): Chunk[] {
  const fresh = usage?.input_tokens
  if (fresh === null || fresh === undefined) return []
  const cacheRead = usage?.cache_read_input_tokens ?? 0
  const cacheWrite = usage?.cache_creation_input_tokens ?? 0
  const input = fresh + cacheRead + cacheWrite
  return input === 0 ? [] : [{ input: { input, cacheRead, cacheWrite } }]
}

function normalizeUsage(usage: WireUsage): Usage | undefined {
  const input = inputOf(usage)[0]?.input
  const output = usage?.output_tokens
  if (input === undefined || output === null || output === undefined) return undefined
  const reasoning = Math.min(usage?.output_tokens_details?.thinking_tokens ?? 0, output)
  return { ...input, output, reasoning, source: 'provider' }
}
