/**
 * One event of a Chat Completions stream → what it adds. Lenient on purpose: vLLM, SGLang, llama.cpp, LiteLLM, Ollama and
 * OPEA each leave fields out or add their own, and OPEA also sends text as a Python bytes literal or bare. What is no chunk
 * is never text where chunks came: keep-alives, errors and pages are sent in the same place.
 */
import { z } from 'zod'
import type { Usage } from '../../core/reply.ts'
import { type CallPiece, type Chunk, parseJson } from './chunk.ts'
import { readFinish } from './finish-words.ts'
import { isKeepAlive, type ServerEvent } from './server-events.ts'
import { createTextDeltas } from './text-deltas.ts'
import { isEndMark } from './thought-marks.ts'

const Piece = z.object({ type: z.string().catch('text'), text: z.string().catch(''), thinking: z.unknown().optional() })
/** Text, or a list of pieces of which some are thoughts (Mistral). */
const Said = z
  .union([
    z.string().transform((text) => ({ text, reasoning: '' })),
    z.array(Piece).transform((list) => ({
      text: list.map(({ type, text }) => (type === 'thinking' ? '' : text)).join(''),
      reasoning: list.map(({ type, thinking }) => (type === 'thinking' ? thoughtIn(thinking) : '')).join(''),
    })),
  ])
  .nullish()
  .catch(undefined)
const Text = Said.transform((said) => (said ? said.text : said))
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
    content: Said,
    reasoning_content: Text,
    reasoning: Text,
    reasoning_text: Text,
    thinking: Text,
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
    total_tokens: Count,
    prompt_cache_hit_tokens: Count,
    prompt_tokens_details: z.object({ cached_tokens: Count, cache_write_tokens: Count }).nullish().catch(undefined),
    completion_tokens_details: z.object({ reasoning_tokens: Count }).nullish().catch(undefined),
  })
  .nullish()
  .catch(undefined)
type WireUsage = z.infer<typeof WireUsage>
const Likely = z.object({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int()).nullish().catch(undefined),
})
const Logprobs = z
  .object({ content: z.array(Likely.extend({ top_logprobs: z.array(Likely).nullish().catch(undefined) })).nullish() })
  .nullish()
  .catch(undefined)
const Choice = z.object({
  logprobs: Logprobs,
  delta: Delta,
  message: Delta,
  text: Text,
  finish_reason: z.string().nullish().catch(undefined),
  error: z.unknown().optional(),
  // Moonshot.
  usage: WireUsage,
})
const Payload = z.object({
  choices: z.array(Choice).nullish().catch(undefined),
  usage: WireUsage,
  // Groq.
  x_groq: z.object({ usage: WireUsage, error: z.unknown().optional() }).nullish().catch(undefined),
  error: z.unknown().optional(),
  // MiniMax.
  base_resp: z
    .object({ status_code: z.number(), status_msg: z.string().catch('') })
    .nullish()
    .catch(undefined),
  object: z.string().nullish().catch(undefined),
  done: z.unknown().optional(),
})
type Payload = z.infer<typeof Payload>

const doneMark = /^\W*\[\W*(?:done|end)\W*\]\W*$/i
/** As `doneMark`, where no chunk can be a word of the answer. */
const doneWord = /^\W*(?:done|end|eos|finish(?:ed)?|completed?)\W*$/i

export interface ChunkReader {
  read(event: ServerEvent): Chunk[]
  /** What is left to say where the stream ends without a terminator. */
  end(): Chunk[]
}

/** A reader for one stream. `bareText`: the server is known to stream text without JSON around it. */
export function createChunkReader({ bareText = false }: { bareText?: boolean } = {}): ChunkReader {
  const decoder = new TextDecoder()
  let bare = bareText
  /** Bare text counts only where no chunk of JSON comes. */
  let held = ''
  let json = false
  /** Something that is neither a chunk nor a keep-alive stood among the chunks. */
  let odd = false
  let said = ''
  const texts = createTextDeltas()
  const thoughts = createTextDeltas()
  let deltas = false
  let whole = false
  let finished = false

  function read({ data, name, bare: outside }: ServerEvent): Chunk[] {
    const trimmed = data.trim()
    if (name !== undefined && /error|exception/i.test(name))
      return [{ error: parseJson(trimmed) ?? { message: trimmed } }]
    if (doneMark.test(trimmed) || (json && doneWord.test(trimmed))) return ended()
    const literal = /^b(['"])([\s\S]*)\1$/.exec(trimmed)?.[2]
    if (literal !== undefined) return readLiteral(literal)
    const parsed = /^[{[]/.test(trimmed) ? parseJson(trimmed) : undefined
    if (Array.isArray(parsed) && parsed.some((each) => Payload.safeParse(each).success)) return parsed.flatMap(readJson)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return readJson(parsed)
    if (trimmed.startsWith('{"') && !bare) return [{ error: { message: 'a chunk is not JSON' } }]
    if (trimmed === '') return bare ? [{ text: data }] : []
    if (isKeepAlive(trimmed, bare)) return []
    if (bare && !outside) return [{ text: data }]
    if (json) odd = true
    else held += data
    return []
  }

  function readLiteral(literal: string): Chunk[] {
    const text = decoder.decode(pythonBytes(literal), { stream: true })
    const nested = /^data: ?(.*\S)\s*$/s.exec(text)?.[1]
    if (nested !== undefined) return read({ data: nested })
    bare = true
    return isEndMark(text) ? [] : [{ text }]
  }

  function readJson(parsed: unknown): Chunk[] {
    const payload = Payload.safeParse(parsed).data
    if (payload === undefined) return [{ error: parsed }]
    const failure = failureIn(payload, parsed)
    if (failure !== undefined) return [{ usage: normalizeUsage(payload.usage), error: failure }]
    if (payload.choices === undefined && payload.done === true) return ended()
    json = true
    return chunksOf(payload)
  }

  function chunksOf(payload: Payload): Chunk[] {
    const choice = payload.choices?.[0]
    const delta = choice?.delta ?? choice?.message
    const text = newText(choice)
    const ending = readFinish(choice?.finish_reason)
    finished ||= ending !== undefined
    const thought =
      (delta?.reasoning_content ?? delta?.reasoning ?? delta?.reasoning_text ?? delta?.thinking ?? '') +
      (delta?.content?.reasoning ?? '')
    const rest: Chunk = {
      text: ending === undefined ? text : text + say(texts.rest()),
      reasoning: thoughts.take(thought) + (text === '' && ending === undefined ? '' : thoughts.rest()),
      refusal: delta?.refusal ?? '',
      finish: typeof ending === 'string' ? ending : undefined,
      usage: normalizeUsage(payload.usage ?? payload.x_groq?.usage ?? choice?.usage),
      error: typeof ending === 'object' ? ending : undefined,
    }
    const likely = (choice?.logprobs?.content ?? []).map(({ top_logprobs: top, ...token }) => ({
      ...likelyOf(token),
      top: (top ?? []).map(likelyOf),
    }))
    const logprobs: Chunk[] = likely.length === 0 ? [] : [{ logprobs: likely }]
    return [...logprobs, ...(delta?.tool_calls ?? []).map((call, at) => ({ call: callPiece(call, at) })), rest]
  }

  /** A last message that repeats the whole answer adds only what was not said before. */
  function newText(choice: z.infer<typeof Choice> | undefined): string {
    const delta = choice?.delta ?? undefined
    const message = delta === undefined ? choice?.message?.content?.text : undefined
    if (message !== undefined) {
      whole = true
      const before = say(texts.rest())
      if (said !== '' && message.startsWith(said)) return before + say(message.slice(said.length))
      return before + (deltas ? '' : say(message))
    }
    const text = delta?.content?.text ?? choice?.text ?? ''
    const repeats = choice?.finish_reason && text === said && said.length >= LEAST_REPEATED
    deltas ||= text !== ''
    return repeats ? '' : say(texts.take(text))
  }

  function say(text: string): string {
    said += text
    return text
  }

  function ended(): Chunk[] {
    if (odd && !finished) return [{ error: { message: 'text stands where chunks were expected' } }]
    const text = json ? '' : held
    held = ''
    return [...(text === '' ? heldBack() : [{ text }]), { done: true }]
  }

  function heldBack(): Chunk[] {
    const [text, reasoning] = [say(texts.rest()), thoughts.rest()]
    return text === '' && reasoning === '' ? [] : [{ text, reasoning }]
  }

  return {
    read,
    // One JSON body has no terminator. Bare text without one is a message of some proxy.
    end() {
      const last = heldBack()
      return whole && !deltas && !finished && said !== '' ? [...last, { done: true }] : last
    },
  }
}

function likelyOf({ token, logprob, bytes }: z.infer<typeof Likely>) {
  return { token, logprob, bytes: bytes ?? null }
}

/** A chunk that repeats a shorter answer as a whole may be the answer going on: "ha", "ha". */
const LEAST_REPEATED = 12

/** What a server says of its failure in the place of a chunk. */
function failureIn(payload: Payload, parsed: unknown): unknown {
  const { error, object, base_resp: answer, choices } = payload
  const told = [error, payload.x_groq?.error, choices?.[0]?.error].find(
    (each) => each !== undefined && !isNothing(each),
  )
  if (told !== undefined) return typeof told === 'object' || typeof told === 'string' ? told : parsed
  if (object === 'error') return parsed
  if (answer && answer.status_code !== 0) return { message: answer.status_msg }
  if (choices || payload.usage) return undefined
  return Failed.safeParse(parsed).success ? parsed : undefined
}

function isNothing(error: unknown): boolean {
  if (typeof error === 'object' && error !== null) return Object.keys(error).length === 0
  return error === null || error === false || error === '' || error === 0
}

const Told = z.union([z.string().min(1), z.array(z.unknown()).min(1), z.record(z.string(), z.unknown())])
/** FastAPI, AWS, Azure's gateway, DashScope, Baidu and others, which do not say `error`. */
const Failed = z.union([
  z.object({ detail: Told }),
  z.object({ message: z.string().min(1) }),
  z.object({
    msg: z.string().min(1),
    code: z.union([z.string().regex(/^(?!0$|ok$|success$)/i), z.number().refine((code) => code !== 0)]),
  }),
  z.object({ error_msg: z.string().min(1) }),
  z.object({ errors: Told }),
])

function thoughtIn(thinking: unknown): string {
  if (typeof thinking === 'string') return thinking
  const pieces = z.array(z.object({ text: z.string().catch('') })).safeParse(thinking).data ?? []
  return pieces.map(({ text }) => text).join('')
}

function callPiece({ index, id, function: named }: z.infer<typeof Call>, at: number): CallPiece {
  return {
    key: index ?? at,
    id: id ? id : undefined,
    name: named?.name ? named.name : undefined,
    arguments: named?.arguments ?? '',
  }
}

/**
 * `null` or absent is not 0, and a count of nothing at all is a server that does not count. Where the total tells more than
 * its parts (xAI, Gemini), it was thought beside the counted completion.
 */
function normalizeUsage(usage: WireUsage): Usage | undefined {
  const { prompt_tokens: input, completion_tokens: completion } = usage ?? {}
  if (input === undefined || input === null || completion === undefined || completion === null) return undefined
  if (input === 0 && completion === 0) return undefined
  const output = Math.max(completion, (usage?.total_tokens ?? 0) - input)
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? usage?.prompt_cache_hit_tokens ?? 0
  const cacheRead = Math.min(cached, input)
  return {
    input,
    cacheRead,
    cacheWrite: Math.min(usage?.prompt_tokens_details?.cache_write_tokens ?? 0, input - cacheRead),
    output,
    reasoning: Math.min(Math.max(usage?.completion_tokens_details?.reasoning_tokens ?? 0, output - completion), output),
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
