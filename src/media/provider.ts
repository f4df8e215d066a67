/**
 * The port of a parser. Its implementations run in a reading process, away from everything worth protecting; only that of
 * plain text, which parses nothing, also runs in Parley's own process for small files (plain-text.ts).
 */
import type { Picture, Position, Problem } from '../core/artifact.ts'
import type { LimitOverrides, Limits } from './limits.ts'
import type { PageImage, ReadProgress } from './reader.ts'

export interface Input {
  bytes: Uint8Array
  name: string
  /** What the bytes are. */
  mediaType: string
  /** What the configuration sets for other families: a mail's or an archive's own files have limits too. */
  overrides?: LimitOverrides
  /** 1, or absent, for a file as it was shared; more for one within a mail or an archive. */
  depth?: number
}

export type Drawn = Omit<Picture, 'contentHash'> & { data: Uint8Array }

/** Where a provider delivers. Awaiting each call keeps what is under way between the processes bounded. */
export interface Sink {
  /** Adds text; blank text is left out. False: the limit of characters is reached and this text was not taken. */
  segment(text: string, at: Position): Promise<boolean>
  progress(progress: ReadProgress): Promise<void>
  problem(problem: Problem): void
  /** Adds a picture for models that see. False: the file has given as many as are kept. */
  image(image: Drawn): Promise<boolean>
  /**
   * Recognises text by a program outside this process: tesseract's TSV, or undefined when that failed. Absent where there
   * is no such program. `pgm` is a binary portable graymap.
   */
  recognize?(pgm: Uint8Array): Promise<string | undefined>
}

export interface Ending {
  /** Pages in the file, of which fewer may have been read. */
  pages?: number
  /** What a limit left out, as a sentence. */
  truncated?: string
}

/** An open file of pages. */
export interface Pages {
  /** `page` is 1-based. */
  render(page: number, options: { width: number; quote?: string }): PageImage | Promise<PageImage>
}

export interface Provider {
  /** Throws a ParleyError `file_*` when the file gives nothing. */
  read(input: Input, limits: Limits, sink: Sink): Promise<Ending>
  /** Only for formats that have pages to show. */
  pages?(input: Input): Promise<Pages>
}
