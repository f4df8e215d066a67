/** Messages between a reading process and its parent. Those of the reading process are validated, because it handles untrusted files. */
import { z } from 'zod'
import { Picture, Problem, Segment } from '../core/artifact.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { LimitOverrides, Limits } from './limits.ts'

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
      /** Whether a program outside the process can recognize text. */
      recognizer: boolean
    }
  | { kind: 'render'; page: number; width: number; quote?: string }
  /** The answer to `recognize`. */
  | { kind: 'recognized'; tsv: string | undefined }

const Unit = z.enum(['page', 'row', 'line', 'slide', 'second', 'file'])
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
    problems: z.array(Problem),
  }),
  Picture.omit({ contentHash: true }).extend({ kind: z.literal('image'), data: bytes }),
  /** Asks for the text of a picture, one at a time. */
  z.object({ kind: z.literal('recognize'), pgm: bytes }),
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
