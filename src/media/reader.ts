/** The port of reading: a file on this machine in, an artifact out. */
import type { Artifact } from '../core/artifact.ts'
import type { Paying } from './transcriber.ts'

export interface ReadProgress {
  /** Finished units and their total, e.g. pages 120 of 200. */
  done: number
  of: number
  unit: 'page' | 'row' | 'line' | 'slide' | 'second' | 'file'
  /** Set while text is recognised in pictures, which takes seconds a page. */
  by?: 'ocr' | undefined
}

export interface Identified {
  engine: string
  mediaType: string
  /** Another server does most of the work (a transcription): reading it takes no place that other files need. */
  elsewhere: boolean
}

export interface ReadRequest {
  /** A local file that does not change while it is read. */
  path: string
  contentHash: string
  /** The sender's name for it: a hint for text formats, and for telling when it lies. */
  name: string
  /** As declared by the platform: a hint. */
  mediaType: string
  /** Of a recording, as the platform tells it: what a truncated file is held against. */
  durationMs?: number
  /** What the platform heard in a recording, for want of a transcriber. */
  transcript?: string
}

/** Keeps the pictures that a file gives, for as long as its artifact may be needed. Answers the hash of the bytes. */
export interface PictureStore {
  put(picture: Uint8Array, signal: AbortSignal): Promise<string>
}

export interface ReadOptions {
  signal: AbortSignal
  onProgress(progress: ReadProgress): void
  /** Pays for what a transcriber hears. */
  paying?: Paying | undefined
  /** Without it, only the text is read. */
  pictures?: PictureStore | undefined
}

export interface Reader {
  /**
   * Reads the file in a process of its own that is killed at its limits or on abort; small plain text in Parley's. A partly readable file gives an
   * artifact with problems; a scan gives one without segments. Throws `file_*` when it gives nothing, and the signal's
   * reason on abort.
   *
   * Problems named `file_too_slow`, `file_too_hungry` or `file_reader_crashed` speak of this attempt and not of the file:
   * another may give more, so such an artifact is not worth keeping for other turns.
   */
  read(request: ReadRequest, options: ReadOptions): Promise<Artifact>
  /**
   * What would read the file, e.g. `pdf-1`, by its bytes: with the content hash, the key of a cached artifact. Throws
   * `file_unsupported`, `file_too_large`, `file_missing` or `file_empty` when nothing would.
   */
  identify(request: ReadRequest): Promise<Identified>
  close(): Promise<void>
}

/** Rectangles in fractions (0 to 1) of the page's width and height, from the top left. */
export interface Mark {
  x: number
  y: number
  width: number
  height: number
}

export interface PageImage {
  png: Uint8Array
  width: number
  height: number
  /** Where `quote` stands on the page; empty when it was not found. */
  marks: Mark[]
}

export interface PageRenderer {
  /**
   * A picture of one page of a paged file, `width` pixels wide (at most 2,000). Throws `file_missing` for a page that is not
   * there, other `file_*` for a file that cannot be shown, and the signal's reason on abort.
   */
  render(
    path: string,
    page: number,
    options: { width: number; quote?: string; signal: AbortSignal },
  ): Promise<PageImage>
}
