/**
 * The port of a parser. Implementations run in a reading process, isolated from everything else. Only the one for
 * plain text, which parses nothing, also runs in Parley's own process for small files (plain-text.ts).
 */
import type { PageFacts, Picture, Position, Problem } from '../core/artifact.ts'
import type { LimitOverrides, Limits } from './limits.ts'
import type { PageImage, ReadProgress } from './reader.ts'
import type { RecognizerOffer } from './wire.ts'

export interface Input {
  bytes: Uint8Array
  name: string
  /** The detected type. */
  mediaType: string
  /** The configured limits of all families, which apply to files inside an email or an archive. */
  overrides?: LimitOverrides
  /** 1 or absent for a shared file; higher for a file inside an email or an archive. */
  depth?: number
}

export type Drawn = Omit<Picture, 'contentHash'> & { data: Uint8Array }

export interface InnerRecording {
  /** Its path inside the file. */
  name: string
  mediaType: string
  data: Uint8Array
}

/** Receives what a provider reads. Awaiting each call bounds the data in flight between the processes. */
export interface Sink {
  /** Adds text; blank text is left out. False: the limit of characters is reached and this text was not taken. */
  segment(text: string, at: Position): Promise<boolean>
  progress(progress: ReadProgress): Promise<void>
  problem(problem: Problem): void
  /** Adds a picture for models with vision. False: no more pictures are kept. */
  image(image: Drawn): Promise<boolean>
  /**
   * Takes a recording inside the file, which is transcribed after this process ends. False: no more are taken. Absent if nothing
   * transcribes.
   */
  recording?: ((recording: InnerRecording) => Promise<boolean>) | undefined
  /** Recognizes text with a program outside this process, if there is one. */
  recognizer?: OuterRecognizer
}

/** Both take a binary portable graymap and return undefined on failure. */
export interface OuterRecognizer extends RecognizerOffer {
  /** Tesseract's TSV. */
  recognize(pgm: Uint8Array, languages: readonly string[]): Promise<string | undefined>
  /** Tesseract's name for the script. */
  script(pgm: Uint8Array): Promise<string | undefined>
}

export interface Ending {
  /** Pages in the file, of which fewer may have been read. */
  pages?: number
  /** A sentence about what a limit left out. */
  truncated?: string
  page?: PageFacts
}

/** An open file of pages. */
export interface Pages {
  /** `page` is 1-based. */
  render(page: number, options: { width: number; quote: string | undefined }): PageImage | Promise<PageImage>
}

export interface Provider {
  /** Throws a ParleyError `file_*` when nothing can be read. */
  read(input: Input, limits: Limits, sink: Sink): Promise<Ending>
  /** Only for formats that have pages to show. */
  pages?(input: Input): Promise<Pages>
}
