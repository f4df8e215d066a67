/**
 * The port of a tool: something that a model may ask for while it answers. src/answer/loop.ts runs the calls; THE table of the tools that
 * Parley has itself is table.ts.
 */
import type { Position } from '../core/artifact.ts'
import type { Json } from '../core/json.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import type { Spender } from '../core/scope.ts'
import type { NewSource, Source } from '../core/source.ts'
import type { ModelTool } from '../models/model.ts'
import type { ArtifactRef, Audience, PassageRef } from '../search/passages.ts'

/** `write`: it changes something outside of the answer, so a person has to say yes to the call. */
export type ToolEffect = 'read' | 'write'

export interface Tool extends ModelTool {
  effect: ToolEffect
  /** The server that it belongs to, as people know it; absent for Parley's own. */
  server?: string | undefined
  /** An admin allowed its writing calls without asking. It does not count in a turn that has read what others wrote. */
  standing?: boolean | undefined
  /** Whether its results hold what strangers wrote: web pages, other people's systems. */
  openWorld: boolean
  /** Milliseconds that one call may take. */
  limitMs: number
  /** The most tokens of a result that the model is given. */
  mostTokens: number
  /** Models learn of it only from a result that `opens` it. */
  hidden?: boolean | undefined
  /** What people see while it runs, and in the receipt: "Searching the web: notice period". `args` is what the model wrote. */
  describe(args: Json): string
  /**
   * Runs one call. What the model should know of a failure is a result with `failed`, a ToolFailure or a ParleyError's sentence; anything
   * else that is thrown is logged, and the model learns only that the call failed. Ends soon after `signal` aborts.
   */
  run(args: Json, call: ToolCall): Promise<ToolResult>
}

/** The call failed, and the model may know why: `message` is Parley's own sentence. */
export class ToolFailure extends Error {}

/** What a call may know of the turn that it belongs to. */
export interface ToolCall {
  turnId: string
  /** Unique within the turn, the same after a crash. */
  callId: string
  /** In the person's own words. */
  question: string
  /** All that people wrote in the conversation, as far as the turn knows it. */
  words: readonly string[]
  /** What the model has been given of sources so far. */
  shown(): Promise<readonly ShownText[]>
  /** Where the text of a source is kept, by its number. */
  kept: ReadonlyMap<number, ArtifactRef>
  /** Who will read the answer: nothing else may be in a result. */
  audience: Audience
  /** Pays for what the call costs. */
  spender: Spender
  /** Nothing may leave the network. */
  localOnly: boolean
  /** The files of the conversation that were read. */
  files: readonly ToolFile[]
  /** All sources of the turn so far, by number. */
  sources: readonly Source[]
  /** Adds a sentence to the receipt. */
  note(sentence: string): void
  /** Shows people how far it is. */
  progress(sentence: string): void
  signal: AbortSignal
}

export interface ToolFile {
  source: Source
  contentHash: string
  engine: string
}

export interface ShownText {
  source: Source
  text: string
}

export interface ToolResult {
  /** For the model, as data. Empty where passages say it all. */
  text: string
  failed?: boolean | undefined
  /** Passages of sources; the loop gives each source its number, by which the model cites it. */
  excerpts?: readonly ToolExcerpt[] | undefined
  /** Names of hidden tools that the model may call from the next step on. */
  opens?: readonly string[] | undefined
}

export interface ToolExcerpt {
  source: NewSource
  at: Position
  text: string
  tokens: number
  /** Where the text is kept with its rights: after a crash it is read again from there, for the audience of then. */
  ref?: PassageRef | undefined
}

/** The tools that a turn may use. */
export interface Toolbox {
  offered(turn: OfferedTo): Promise<readonly Tool[]>
}

/** What decides which tools are offered. */
export interface OfferedTo {
  turnId: string
  platform: string
  /** Who asks, and where. */
  author: Author
  conversation: ConversationRef
  audience: Audience
  spender: Spender
  localOnly: boolean
  /** Whether files shared earlier may be searched, the web may be searched, and pages of it may be read. */
  memory: boolean
  web: boolean
  pages: boolean
  files: readonly ToolFile[]
  /** Adds a sentence to the receipt. */
  note(sentence: string): void
}
