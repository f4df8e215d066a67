/** The port of speech recognition: a short recording in, what was said out. Its law is transcriber.contract.ts. */

export interface Recording {
  bytes: Uint8Array<ArrayBuffer>
  /** With the extension that tells the server its container, e.g. `voice.ogg`. Never the sender's own name. */
  name: string
  mediaType: string
  durationMs?: number
}

export interface TranscribedSegment {
  text: string
  /** Milliseconds from the start of the recording. */
  fromMs: number
  toMs: number
}

export interface Transcription {
  /** In order of time. Without text where nothing was said. */
  segments: TranscribedSegment[]
  /** BCP 47, where the server tells. */
  language?: string
  /** How much of the recording the server decoded, where it tells. */
  durationMs?: number
  /** What the server counted, where it is paid by tokens. */
  tokens?: { input: number; audio: number; output: number } | undefined
}

export interface HearOptions {
  signal: AbortSignal
  language?: string
  /** Goes around each try. */
  each?: (ask: () => Promise<Transcription>) => Promise<Transcription>
}

export interface Transcriber {
  /** Names what hears, e.g. `whisper-1`: part of the key under which a transcript is cached. */
  name: string
  /** Containers that it takes as they are. */
  accepts: ReadonlySet<string>
  maxBytes: number
  /**
   * Throws `transcriber_unreachable`, `transcriber_busy`, `transcriber_refused_key` or `transcriber_rejected`, and the
   * signal's reason on abort. Tries again by itself where that helps, each time through `each`. The cause of what it throws
   * keeps `status` or `code` (src/models/delivery.ts): by them is known whether a failure may have cost something.
   */
  transcribe(recording: Recording, options: HearOptions): Promise<Transcription>
  /** What `doctor` tells. Throws as `hear` does when the server is not there. */
  check(signal: AbortSignal): Promise<string>
}

/** Goes around each try to hear: reserves what it may cost and settles what it did. Throws `budget_exhausted` and the like. */
export type Paying = (recording: Recording, transcribe: () => Promise<Transcription>) => Promise<Transcription>

export function withPaying(transcriber: Transcriber, paying: Paying): Transcriber {
  return {
    ...transcriber,
    transcribe: (recording, options) =>
      transcriber.transcribe(recording, { ...options, each: (ask) => paying(recording, ask) }),
  }
}
