/** Messages between a reading process and its parent. Those of the reading process are validated, because it handles untrusted files. */
import { z } from 'zod'
import { PageFacts, Picture, Problem, Segment } from '../core/artifact.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { LimitOverrides, Limits } from './limits.ts'
import type { Recognizer } from './recognizer.ts'

/** Parent → process. After `open`, `bytes` bytes of the file follow on standard input. */
export type Task =
  | {
      kind: 'open'
      use: 'read' | 'pages'
      module: string
      name: string
      mediaType: string
      bytes: number
      limits: Limits
      /** For the files within this one. */
      overrides: LimitOverrides
      /** A program outside the process that can recognize text. */
      recognizer: RecognizerOffer | undefined
      /** Whether recordings inside the file are transcribed. */
      recordings: boolean
    }
  | { kind: 'render'; page: number; width: number; quote?: string }
  /** The answer to the `recognize` with this number. */
  | { kind: 'recognized'; id: number; found: string | undefined }

/** What the program can do. */
export type RecognizerOffer = Pick<Recognizer, 'languages' | 'scripts' | 'atOnce'>

const Unit = z.enum(['page', 'picture', 'row', 'line', 'slide', 'second', 'file'])
const FileCode = z.enum([
  'file_empty',
  'file_too_large',
  'file_encrypted',
  'file_damaged',
  'file_too_large',
  'file_unsupported',
  'file_missing',
  'file_reader_crashed',
]) satisfies z.ZodType<ErrorCode>

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array)

/** Process → parent. */
export type ReaderMessage = z.infer<typeof ReaderMessage>
export const ReaderMessage = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('batch'),
    segments: z.array(Segment),
    progress: z.object({ done: z.number(), of: z.number(), unit: Unit, by: z.literal('ocr').optional() }).optional(),
  }),
  z.object({
    kind: z.literal('end'),
    pages: z.number().int().nonnegative().optional(),
    truncated: z.string().optional(),
    page: PageFacts.optional(),
    problems: z.array(Problem),
  }),
  Picture.omit({ contentHash: true }).extend({ kind: z.literal('image'), data: bytes }),
  /** Asks for the text of a picture in some languages, or for its script. */
  z.object({
    kind: z.literal('recognize'),
    id: z.number().int(),
    languages: z.array(z.string()).optional(),
    pgm: bytes,
  }),
  z.object({ kind: z.literal('recording'), name: z.string(), mediaType: z.string(), data: bytes }),
  z.object({ kind: z.literal('opened') }),
  z.object({
    kind: z.literal('page'),
    png: bytes,
    width: z.number(),
    height: z.number(),
    marks: z.array(z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })),
  }),
  z.object({ kind: z.literal('fail'), code: FileCode, userMessage: z.string() }),
])
