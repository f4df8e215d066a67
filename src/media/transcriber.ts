/** The port of speech recognition: a short recording in, a transcript out. Implementations pass transcriber.contract.ts. */
import { z } from 'zod'

export interface Recording {
  bytes: Uint8Array<ArrayBuffer>
  /** With the extension that tells the server its container, e.g. `voice.ogg`. Never the sender's own name. */
  name: string
  mediaType: string
  durationMs?: number
}

export type TranscribedSegment = z.infer<typeof TranscribedSegment>
export const TranscribedSegment = z.object({
  text: z.string(),
  /** Milliseconds from the start of the recording. */
  fromMs: z.number(),
  toMs: z.number(),
})

export type Transcription = z.infer<typeof Transcription>
export const Transcription = z.object({
  /** In order of time. Without text where nothing was said. */
  segments: z.array(TranscribedSegment),
  /** BCP 47, if the server reports it. */
  language: z.string().optional(),
  /** How much of the recording the server decoded, if it reports it. */
  durationMs: z.number().optional(),
  /** Tokens counted by the server, if it charges by token. */
  tokens: z.object({ input: z.number(), audio: z.number(), output: z.number() }).optional(),
})

export interface HearOptions {
  signal: AbortSignal
  language?: string
  /** Wraps each try. */
  each?: (ask: () => Promise<Transcription>) => Promise<Transcription>
}

export interface Transcriber {
  /** The model, e.g. `whisper-1`: part of the key under which a transcript is cached. */
  name: string
  /** Containers that it accepts unchanged. */
  accepts: ReadonlySet<string>
  maxBytes: number
  /**
   * Throws `transcriber_unreachable`, `transcriber_busy`, `transcriber_refused_key` or `transcriber_rejected`, and the
   * signal's reason on abort. Retries where that helps, each time through `each`. The cause of the error
   * has `status` or `code` (src/models/delivery.ts), which show whether a failure may have cost something.
   */
  transcribe(recording: Recording, options: HearOptions): Promise<Transcription>
  /** The line for `doctor`. Throws like `transcribe` when the server does not answer. */
  check(signal: AbortSignal): Promise<string>
}

/** Wraps each try: reserves what it may cost and settles what it did cost. Throws `budget_exhausted` and similar errors. */
export type Paying = (recording: Recording, transcribe: () => Promise<Transcription>) => Promise<Transcription>

export function withPaying(transcriber: Transcriber, paying: Paying): Transcriber {
  return {
    ...transcriber,
    transcribe: (recording, options) =>
      transcriber.transcribe(recording, { ...options, each: (ask) => paying(recording, ask) }),
  }
}
