/** The port of reading: a file on this machine in, an artifact out. */
import type { Artifact, Segment } from '../core/artifact.ts'
import type { InnerRecording } from './provider.ts'
import type { Paying, Transcription } from './transcriber.ts'

export interface ReadProgress {
  /** Finished units and their total, e.g. pages 120 of 200. */
  done: number
  of: number
  unit: 'page' | 'picture' | 'row' | 'line' | 'slide' | 'second' | 'file'
  /** Set during OCR, which takes seconds per page. */
  by?: 'ocr' | undefined
}

export interface Identified {
  engine: string
  mediaType: string
  /** Another server does most of the work (transcription), so reading takes no slot from other files. */
  elsewhere: boolean
  /** Nothing but a transcript by the platform can tell what is said in it. */
  needsTranscript?: boolean
}

export interface ReadRequest {
  /** A local file that does not change while it is read. */
  path: string
  contentHash: string
  /** The sender's name for it: a hint for text formats, and checked against the content. */
  name: string
  /** As declared by the platform: a hint. */
  mediaType: string
  /** Length of a recording according to the platform, used to detect a truncated file. */
  durationMs?: number
  /** The platform's transcript of a recording, used when there is no transcriber. */
  transcript?: string
  /** It was fetched from the web: of a page, the article is read without what surrounds it. */
  web?: boolean | undefined
}

/** Stores the pictures of a file for as long as its artifact may be needed. Returns the hash of the bytes. */
export interface PictureStore {
  put(picture: Uint8Array, signal: AbortSignal): Promise<string>
}

/** Keeps what is transcribed so far of one recording, so that the next attempt goes on from there. */
export interface PartStore {
  /** By the key of each part. */
  load(): Promise<ReadonlyMap<string, Transcription>>
  save(part: string, transcription: Transcription): Promise<void>
}

export interface ReadOptions {
  signal: AbortSignal
  onProgress(progress: ReadProgress): void
  /** Segments of the artifact as they are read, in order. Some readers give them only at the end, with the artifact. */
  onSegments?: ((segments: readonly Segment[]) => void) | undefined
  /** Pays for transcription. */
  paying?: Paying | undefined
  /** Takes the recordings inside a file, in their order. Without it, they are not read. */
  onRecording?: ((recording: InnerRecording) => Promise<void>) | undefined
  parts?: PartStore | undefined
  /** Without it, only the text is read. */
  pictures?: PictureStore | undefined
}

export interface Reader {
  /**
   * Reads the file in a separate process that is killed at its limits or on abort; small plain text in Parley's own. A partly readable file gives an
   * artifact with problems; a scan gives one without segments. Throws `file_*` when nothing can be read, and the signal's
   * reason on abort.
   *
   * The problems `file_too_slow`, `file_too_hungry` and `file_reader_crashed` concern this attempt, not the file:
   * another attempt may read more, so such an artifact is not kept for other turns.
   */
  read(request: ReadRequest, options: ReadOptions): Promise<Artifact>
  /**
   * The engine that would read the file, e.g. `pdf-1`. With the content hash it is the key of a cached artifact. Throws
   * `file_unsupported`, `file_too_large`, `file_missing` or `file_empty` when the file cannot be read.
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
  /** Where `quote` is on the page; empty when it was not found. */
  marks: Mark[]
}

export interface PageRenderer {
  /**
   * A picture of one page, `width` pixels wide (at most 2,000). Throws `file_missing` for a page that does not
   * exist, other `file_*` for a file that cannot be shown, and the signal's reason on abort.
   */
  render(
    path: string,
    page: number,
    options: { width: number; quote?: string; signal: AbortSignal },
  ): Promise<PageImage>
}
