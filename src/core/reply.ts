/** What Parley says back, before any platform gives it its own form. */
import { z } from 'zod'
import { Position, Problem } from './artifact.ts'
import { Source } from './source.ts'

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
})

/** Everything a person or an admin may ask about one reply. */
export type Receipt = z.infer<typeof Receipt>
export const Receipt = z.object({
  model: z.string(),
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
  usage: Usage.optional(),
  /** How the model's answer ended; absent where none began. */
  finish: z.string().optional(),
  /** The code of what is said instead of an answer (docs/ERRORS.md). */
  error: z.string().optional(),
  /** Decimal nano-USD as a string, `null` when the price is not known. */
  costNanoUsd: z.string().nullable(),
  /** Milliseconds. `queued`: arrival → start. `firstText`: arrival → first visible text. `total`: arrival → done. */
  ms: z.object({ queued: z.number(), firstText: z.number().nullable(), total: z.number() }),
  /** More than 1 when a crash or a fallback made Parley start over. */
  attempts: z.number().int().positive(),
  /** What the reader must know: cut answers, fallbacks, limits. Sentences. */
  notices: z.array(z.string()),
})

/** Whether a model wrote the text that the receipt belongs to. Parley itself writes errors, and quotes files without a model. */
export const isFromModel = ({ provider }: Receipt): boolean => provider !== 'none' && provider !== 'extractive'
