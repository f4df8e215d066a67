/** What Parley says back, before any platform gives it its own form. */
import { z } from 'zod'
import { Position, Problem } from './artifact.ts'
import { Source } from './source.ts'
import { ToolCall } from './tool-call.ts'

/** A place in a source that the answer rests on. In the text it stands as `[n]`; `addressOf` and each platform open it. */
export type Citation = z.infer<typeof Citation>
export const Citation = z.object({
  /** 1-based, in order of first use in the answer. */
  n: z.number().int().positive(),
  source: Source,
  at: Position,
  /** The words of the source that bear the claim, as they stand there; absent where none could be told apart. */
  quote: z.string().optional(),
})

export type AttachmentReceipt = z.infer<typeof AttachmentReceipt>
export const AttachmentReceipt = z.object({
  attachmentId: z.string(),
  name: z.string(),
  outcome: z.enum(['read', 'partly', 'skipped']),
  /** One line for people: "200 pages read", "skipped: 31 MB is over the limit of 25 MB". */
  summary: z.string(),
  problems: z.array(Problem),
  contentHash: z.string().optional(),
  mediaType: z.string().optional(),
  pages: z.number().int().optional(),
  /** Pictures that models can be shown. */
  images: z.number().int().optional(),
  tokens: z.number().int().optional(),
  readMs: z.number().optional(),
})

/**
 * What the provider counted. `input` includes what was read from or written to a cache and what was heard; `output` includes
 * the reasoning. Absent: none.
 */
export type Usage = z.infer<typeof Usage>
export const Usage = z.object({
  input: z.number().int().nonnegative(),
  cacheRead: z.number().int().nonnegative(),
  cacheWrite: z.number().int().nonnegative(),
  output: z.number().int().nonnegative(),
  reasoning: z.number().int().nonnegative(),
  /** Of `input`, what was sound; and milliseconds of sound, where those are charged. */
  inputAudio: z.number().int().nonnegative().optional(),
  audioMs: z.number().nonnegative().optional(),
  source: z.enum(['provider', 'estimated']),
  /** What the provider counted, where that is more than was possible: the rest is what was possible at most. */
  told: z.object({ input: z.number().nonnegative(), output: z.number().nonnegative() }).optional(),
})

/** What the web gave for an answer, or why it gave nothing. Queries and titles are shown to those who see the answer. */
export type WebReceipt = z.infer<typeof WebReceipt>
export const WebReceipt = z.object({
  /** Why the web was searched, or not, as a sentence. */
  because: z.string(),
  engine: z.string().optional(),
  queries: z.array(z.object({ query: z.string(), found: z.number(), problem: z.string().optional() })),
  pages: z.array(
    z.object({
      title: z.string(),
      address: z.string(),
      /** Whether the model was given something of it. */
      outcome: z.enum(['used', 'unused', 'unread']),
      problem: z.string().optional(),
    }),
  ),
})

/** Files shared earlier that were found for an answer; empty where they were searched and none fits. */
export type MemoryReceipt = z.infer<typeof MemoryReceipt>
export const MemoryReceipt = z.object({
  /** Other words that were searched for, because those of the question found little. */
  words: z.array(z.string()).optional(),
  files: z.array(
    z.object({
      title: z.string(),
      /** Its share. */
      ref: z.string().optional(),
      /** Who shared it, where and when, for people. */
      where: z.string(),
      /** Whether the model was given something of it. */
      outcome: z.enum(['used', 'unused']),
    }),
  ),
})

/** A call that the model asked for. */
export type ToolReceipt = z.infer<typeof ToolReceipt>
export const ToolReceipt = z.object({
  name: z.string(),
  /** What it was for, for people: "Searching the web: notice period". */
  about: z.string(),
  /** `repeated`: it was made before, and not again. `denied`: nobody approved it. `unknown`: it was interrupted while it ran. */
  outcome: z.enum(['done', 'failed', 'repeated', 'denied', 'unknown']),
  ms: z.number(),
})

const Likely = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullable() })

/** How likely a token of the answer was, and others in its place. */
export type TokenLogprob = z.infer<typeof TokenLogprob>
export const TokenLogprob = Likely.extend({ top: z.array(Likely) })

/** Of a recording that a program wants in words. */
export type Transcript = z.infer<typeof Transcript>
export const Transcript = z.object({
  /** Milliseconds from its start. */
  segments: z.array(z.object({ text: z.string(), fromMs: z.number(), toMs: z.number() })),
  /** BCP 47, if the server reports it. */
  language: z.string().optional(),
  durationMs: z.number().optional(),
})

/** Everything a person or an admin may ask about one reply. */
export type Receipt = z.infer<typeof Receipt>
export const Receipt = z.object({
  model: z.string(),
  /** What people call the model, where that is known. */
  modelLabel: z.string().optional(),
  provider: z.string(),
  /** Why this model, as a sentence. */
  reason: z.string(),
  attachments: z.array(AttachmentReceipt),
  /** How much of the readable content the model was given; absent when there was none. */
  used: z
    .object({
      /** "all of 3 files" or "14 of 200 pages of report.pdf, those that fit the question best". */
      summary: z.string(),
      tokens: z.number().int(),
      tokensAvailable: z.number().int(),
    })
    .optional(),
  web: WebReceipt.optional(),
  memory: MemoryReceipt.optional(),
  /** In the order in which the model asked for them. */
  tools: z.array(ToolReceipt).optional(),
  /** What of others' words the answer may rest on; absent where there are none. It decides what is asked about (src/answer/untrusted.ts). */
  untrusted: z.array(z.string()).optional(),
  usage: Usage.optional(),
  /** What the model thought before it answered, as far as its server tells. Shown folded. */
  thoughts: z.string().optional(),
  transcript: Transcript.optional(),
  /** Of the answer's tokens, if a program asked for it and the server tells. */
  logprobs: z.array(TokenLogprob).optional(),
  /** What the model asks the program to call. */
  calls: z.array(ToolCall).optional(),
  /** How the model's answer ended; absent where none began. */
  finish: z.string().optional(),
  /** The code of what is said instead of an answer (docs/ERRORS.md). */
  error: z.string().optional(),
  /** Decimal nano-USD as a string, `null` when the price is not known. */
  costNanoUsd: z.string().nullable(),
  /** Messages of the history that a program sent and the model was not given. */
  cutMessages: z.number().int().positive().optional(),
  /** Parameters of a program's request without effect. */
  ignored: z.array(z.string()).optional(),
  /** A request that its asker, who is an admin, can approve: the question then passes its budget once. */
  approvalId: z.string().optional(),
  /** When to try again after an error. */
  retryAfterMs: z.number().nonnegative().optional(),
  /** Milliseconds. `queued`: arrival → start. `firstText`: arrival → first visible text. `total`: arrival → done. */
  ms: z.object({ queued: z.number(), firstText: z.number().nullable(), total: z.number() }),
  /** More than 1 when a crash or a fallback made Parley start over. */
  attempts: z.number().int().positive(),
  /** What the reader must know: cut answers, fallbacks, limits. Sentences. */
  notices: z.array(z.string()),
})

/** Whether a model wrote the text that the receipt belongs to. Parley itself writes errors, and quotes files without a model. */
export const isFromModel = ({ provider }: Receipt): boolean => provider !== 'none' && provider !== 'extractive'
