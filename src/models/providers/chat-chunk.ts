/**
 * One payload of a Chat Completions stream → what it adds. Lenient on purpose: vLLM, SGLang, llama.cpp, LiteLLM, Ollama
 * and OPEA each leave fields out or add their own, and OPEA also sends text as a Python bytes literal or bare.
 */
import { z } from 'zod'
import type { Usage } from '../../core/reply.ts'
import type { FinishReason } from '../model.ts'
import { type CallPiece, type Chunk, parseJson } from './chunk.ts'

const Text = z
  .union([
    z.string(),
    z.array(z.object({ text: z.string().catch('') })).transform((list) => list.map((part) => part.text).join('')),
  ])
  .nullish()
  .catch(undefined)
const Call = z.object({
  index: z.number().nullish().catch(undefined),
  id: z.string().nullish().catch(undefined),
  function: z
    .object({
      name: z.string().nullish().catch(undefined),
      // A string by OpenAI's account; some servers send the object itself.
      arguments: z
        .union([z.string(), z.record(z.string(), z.unknown()).transform((value) => JSON.stringify(value))])
        .nullish()
        .catch(undefined),
    })
    .nullish()
    .catch(undefined),
})
const Delta = z
  .object({
    content: Text,
    reasoning_content: Text,
    reasoning: Text,
    refusal: Text,
    tool_calls: z.array(Call).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)
const Count = z.number().int().nonnegative().nullish().catch(undefined)
const WireUsage = z
  .object({
    prompt_tokens: Count,
    completion_tokens: Count,
    prompt_cache_hit_tokens: Count,
    prompt_tokens_details: z.object({ cached_tokens: Count, cache_write_tokens: Count }).nullish().catch(undefined),
    completion_tokens_details: z.object({ reasoning_tokens: Count }).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)
const Choice = z.object({
  delta: Delta,
  message: Delta,
  text: Text,
  finish_reason: z.string().nullish().catch(undefined),
})
const Payload = z.object({
  choices: z.array(Choice).nullish().catch(undefined),
  usage: WireUsage,
  error: z.unknown().optional(),
  object: z.string().nullish().catch(undefined),
})

/** Other words for an end are an end like any other. */
const finishes: Record<string, FinishReason> = {
  stop: 'stop',
  length: 'length',
  max_tokens: 'length',
  tool_calls: 'tool',
  function_call: 'tool',
  content_filter: 'filter',
  refusal: 'refusal',
  abort: 'truncated',
}

/** What the model itself ends with; pipelines that pass its tokens on pass this on, too. */
const endOfSequence = /^\s*(?:<\/s>|<\|(?:eot_id|im_end|endoftext|end)\|>)\s*$/

export type ReadChunk = (data: string) => Chunk[]

/** A reader for one stream; bare text may follow bare text, and a character may be cut between two bytes literals. */
export function createChunkReader(): ReadChunk {
  const decoder = new TextDecoder()
  let bare = false
  return function read(data: string): Chunk[] {
    const trimmed = data.trim()
    if (trimmed === '[DONE]') return [{ done: true }]
    const literal = /^b(['"])([\s\S]*)\1$/.exec(trimmed)?.[2]
    if (literal !== undefined) {
      const text = decoder.decode(pythonBytes(literal), { stream: true })
      const nested = /^data: ?(.*\S)\s*$/s.exec(text)?.[1]
      if (nested !== undefined) return read(nested)
      return endOfSequence.test(text) ? [] : [{ text }]
    }
    const parsed = trimmed.startsWith('{') ? parseJson(trimmed) : undefined
    const payload = parsed === undefined ? undefined : Payload.safeParse(parsed).data
    if (payload) return payloadChunks(payload, parsed)
    if (trimmed.startsWith('{"') && !bare) return [{ error: { message: 'a chunk is not JSON' } }]
    bare = true
    return [{ text: data }]
  }
}

/** An answer that came as one JSON body although a stream was asked for. */
export function readWhole(body: string): Chunk[] {
  const parsed = parseJson(body)
  const payload = Payload.safeParse(parsed).data
  if (payload === undefined || (payload.choices ?? []).length === 0) {
    return [{ error: parsed ?? { message: 'the answer is not JSON' } }]
  }
  return [...payloadChunks(payload, parsed), { done: true }]
}

function payloadChunks(payload: z.infer<typeof Payload>, parsed: unknown): Chunk[] {
  if (payload.error !== undefined && payload.error !== null) return [{ error: payload.error }]
  if (payload.object === 'error') return [{ error: parsed }]
  const choice = payload.choices?.[0]
  const delta = choice?.delta ?? choice?.message
  const usage = normalizeUsage(payload.usage)
  const finish = choice?.finish_reason
  const calls = (delta?.tool_calls ?? []).map((call, at) => ({ call: callPiece(call, at) }))
  const rest: Chunk = {
    text: delta?.content ?? choice?.text ?? '',
    reasoning: delta?.reasoning_content ?? delta?.reasoning ?? '',
    refusal: delta?.refusal ?? '',
    finish: finish ? (finishes[finish] ?? 'stop') : undefined,
    usage: usage ? usage : undefined,
  }
  return [...calls, rest]
}

function callPiece({ index, id, function: named }: z.infer<typeof Call>, at: number): CallPiece {
  return {
    key: index ?? at,
    id: id ? id : undefined,
    name: named?.name ? named.name : undefined,
    arguments: named?.arguments ?? '',
  }
}

/** `null` or absent is not 0, and a count of nothing at all is a server that does not count. */
function normalizeUsage(usage: z.infer<typeof WireUsage>): Usage | undefined {
  const { prompt_tokens: input, completion_tokens: output } = usage ?? {}
  if (input === undefined || input === null || output === undefined || output === null) return undefined
  if (input === 0 && output === 0) return undefined
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? usage?.prompt_cache_hit_tokens ?? 0
  const cacheRead = Math.min(cached, input)
  return {
    input,
    cacheRead,
    cacheWrite: Math.min(usage?.prompt_tokens_details?.cache_write_tokens ?? 0, input - cacheRead),
    output,
    reasoning: Math.min(usage?.completion_tokens_details?.reasoning_tokens ?? 0, output),
    source: 'provider',
  }
}

const escapes: Record<string, number> = {
  n: 10,
  r: 13,
  t: 9,
  '\\': 92,
  "'": 39,
  '"': 34,
  a: 7,
  b: 8,
  f: 12,
  v: 11,
  '0': 0,
}

/** The bytes that Python prints as `b'caf\xc3\xa9'`. */
function pythonBytes(literal: string): Uint8Array {
  const parts: Buffer[] = []
  for (const [piece] of literal.matchAll(/\\x[0-9a-fA-F]{2}|\\[\s\S]|[^\\]+|\\/g)) {
    if (!piece.startsWith('\\')) parts.push(Buffer.from(piece))
    else if (piece.startsWith('\\x') && piece.length === 4)
      parts.push(Buffer.from([Number.parseInt(piece.slice(2), 16)]))
    else parts.push(Buffer.from([escapes[piece[1] ?? '\\'] ?? (piece.codePointAt(1) ?? 92) & 0xff]))
  }
  return Buffer.concat(parts)
}
