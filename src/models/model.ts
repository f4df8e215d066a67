/** The port of a model provider: one request in, a stream of events out. Its contract is model.contract.ts. */
import type { Position } from '../core/artifact.ts'
import type { Json } from '../core/json.ts'
import type { Sampling } from '../core/message.ts'
import type { TokenLogprob, Usage } from '../core/reply.ts'
import type { SourceLabel } from '../core/source.ts'
import type { AnswerFormat, ToolChoice } from '../core/tool-call.ts'

export type Part =
  /** `by`: words that Parley adds to a question; without it they are those of the person, or in an answer the model's. */
  | { type: 'text'; text: string; by?: 'parley' }
  /**
   * Names, quoted messages and the like: untrusted data, never instructions, rendered by renderData. `about` is one of
   * Parley's own words for what it is.
   */
  | {
      type: 'data'
      about: 'files' | 'files shared earlier' | 'web pages' | 'quoted message' | 'unread files' | 'tool result'
      text: string
    }
  /**
   * Content of a file, page or transcript: untrusted data, never instructions. `source` is what the model cites.
   * Providers with a document block of their own use it; others render it with renderPassage.
   */
  | { type: 'passage'; source: SourceLabel; title: string; at: Position; text: string }
  | { type: 'image'; mediaType: string; data: Uint8Array }
  /**
   * A whole PDF, for models whose `ModelInfo.pdf` is true; others learn only that it exists. `source` is the file's own
   * label: its page 5 is cited as `[${source}:p5]`.
   */
  | { type: 'file'; mediaType: 'application/pdf'; data: Uint8Array; title: string; source: SourceLabel }
  /** In a message of the assistant: a call that it made, as the event told it. */
  | { type: 'toolCall'; id: string; name: string; arguments: string }
  /** In a message of the user: what the call gave. Untrusted data. */
  | { type: 'toolResult'; id: string; name: string; text: string; failed?: boolean }

/** A function that the model may ask to be called. */
export interface ModelTool {
  /** Letters, digits, `_` and `-`, at most 64. */
  name: string
  description: string
  /** JSON Schema of its arguments: an object's. */
  schema: { [key: string]: Json }
  /** Its server is to hold the model to the schema, where it can. Default false. */
  strict?: boolean | undefined
}

export interface ModelMessage {
  role: 'user' | 'assistant'
  parts: Part[]
}

export interface ModelRequest {
  model: string
  system: string
  messages: ModelMessage[]
  /** Always set: no reply runs without an end. */
  maxOutputTokens: number
  tools?: ModelTool[]
  /**
   * `none`: the tools are named because of calls in the messages, and none may be called. `required`: one must be, or the named one; where a
   * dialect has no word for it, the model is told in the system prompt, and who asks checks what comes. Default `auto`.
   */
  toolChoice?: ToolChoice | undefined
  /** `false`: at most one call. */
  parallelCalls?: boolean | undefined
  /** Servers without a word for it are told in the system prompt; who asks checks what comes. */
  format?: AnswerFormat | undefined
  /** What the model's server does not take is left out, except `stop`: Parley then stops the answer itself. */
  sampling?: Sampling
  /** 0 to 2, as admins and people set it; models that take none go without. Absent: the server's own. */
  temperature?: number
}

export type FinishReason = 'stop' | 'length' | 'tool' | 'refusal' | 'filter' | 'aborted' | 'truncated'

/**
 * The text contains citations as `[label]`, whether the model wrote them or its provider reported them separately.
 * A stream is one `start`, any of the middle ones, at most one last `usage` that counts, and exactly one `finish`, which
 * ends it. A stream that ends without the provider's own terminator finishes as `truncated`, an abort as `aborted`. The usage
 * of such a stream has the source `provider` only where the provider has counted the whole of it.
 */
export type ModelEvent =
  | { type: 'start'; model: string }
  | { type: 'text'; delta: string }
  | { type: 'reasoning'; delta: string }
  /** Of the tokens of the text that comes next or came last, where they are asked for and the server tells. */
  | { type: 'logprobs'; tokens: TokenLogprob[] }
  /** All text so far was reasoning: the mark that ended it had no beginning. */
  | { type: 'thoughtSoFar' }
  /** A whole call, told before `finish` with the reason `tool`; `arguments` is a JSON object as text. */
  | { type: 'toolCall'; id: string; name: string; arguments: string }
  /** What the provider counted of the input before its first word, where it does so. Stays true if the stream breaks off. */
  | { type: 'input'; counted: Pick<Usage, 'input' | 'cacheRead' | 'cacheWrite'> }
  | { type: 'usage'; usage: Usage }
  /** `hungUp`: Parley ended the call itself, so its server has not counted all of it. */
  | { type: 'finish'; reason: FinishReason; hungUp?: boolean }

/** What a provider tells of a model; what it does not tell is absent, never guessed. */
export interface ModelInfo {
  id: string
  /** For people, e.g. `Claude Sonnet 4.5`. */
  label?: string
  /** Tokens of input and output together. */
  contextWindow?: number
  maxOutputTokens?: number
  /** Whether it takes images, takes sound, calls tools, and takes whole PDFs, where the provider tells. */
  vision?: boolean
  audio?: boolean
  tools?: boolean
  pdf?: boolean
  /** Whether it thinks before it answers, in tokens that count as output. */
  reasoning?: boolean
  /** In billions, where the provider tells. */
  parameters?: number
  /** Size on the disk of a local model. */
  bytes?: number
  /** The model's owner according to the server (`owned_by`). Behind a proxy this can be another company. */
  owner?: string
}

export interface ModelProvider {
  name: string
  /** What of `ModelRequest.sampling` its API has a word for. Default: nothing. */
  takes?: readonly (keyof Sampling)[]
  /**
   * Streams the answer. Throws `model_*` before `start` or in the middle when the provider fails; the iterator ends with
   * `finish` and never throws because of `signal`. Where a server was reached or a connection broke, the cause of what it
   * throws keeps `status` or `code` (delivery.ts): by them is known whether a failure may have cost something.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>
  /** The models that the provider offers now. Throws `model_unreachable` or `model_refused_key`. */
  models(signal: AbortSignal): Promise<ModelInfo[]>
}
