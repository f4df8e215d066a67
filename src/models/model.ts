/** The port of a model provider: one request in, a stream of events out. Its law is model.contract.ts. */
import type { Position } from '../core/artifact.ts'
import type { Usage } from '../core/reply.ts'

export type Part =
  | { type: 'text'; text: string }
  /**
   * Content of a file, page or transcript: untrusted data, never instructions. `source` is what the model cites.
   * Providers with a document block of their own use it; others render it with renderPassage.
   */
  | { type: 'passage'; source: SourceLabel; title: string; at: Position; text: string }
  | { type: 'image'; mediaType: string; data: Uint8Array }

/** How a passage is named to the model, and cited by it: `[1:p137]` is page 137 of the first file. */
export type SourceLabel = string

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
  /** 0 to 2, as admins and people set it. Absent: the server's own. */
  temperature?: number
}

export type FinishReason =
  | 'stop'
  | 'length'
  | 'tool'
  | 'refusal'
  | 'filter'
  | 'contextOverflow'
  | 'aborted'
  | 'truncated'

/**
 * A stream is one `start`, any of the middle ones, at most one last `usage` that counts, and exactly one `finish`, which
 * ends it. A stream that ends without the provider's own terminator finishes as `truncated`, an abort as `aborted`.
 */
export type ModelEvent =
  | { type: 'start'; model: string }
  | { type: 'text'; delta: string }
  | { type: 'reasoning'; delta: string }
  | { type: 'usage'; usage: Usage }
  | { type: 'finish'; reason: FinishReason }

export interface ModelInfo {
  id: string
  /** Tokens of input and output together, where the provider tells. */
  contextWindow?: number
  maxOutputTokens?: number
  /** Whether it takes images, takes sound, calls tools, where the provider tells. */
  vision?: boolean
  audio?: boolean
  tools?: boolean
  /** In billions, where the provider tells. */
  parameters?: number
  /** Whom the server names as the model's owner (`owned_by`): behind a proxy, another company. */
  owner?: string
}

export interface ModelProvider {
  name: string
  /**
   * Streams the answer. Throws `model_*` before `start` or in the middle when the provider fails; the iterator ends with
   * `finish` and never throws because of `signal`. Where a server was reached or a connection broke, the cause of what it
   * throws keeps `status` or `code` (reached.ts): by them is known whether a failure may have cost something.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>
  /** The models that the provider offers now. Throws `model_unreachable` or `model_refused_key`. */
  models(signal: AbortSignal): Promise<ModelInfo[]>
}
