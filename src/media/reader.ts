/** The port of reading: a file on this machine in, an artifact out. */
import type { Artifact } from '../core/artifact.ts'

export interface ReadProgress {
  /** Finished units and their total, e.g. pages 120 of 200. */
  done: number
  of: number
  unit: 'page' | 'row' | 'line' | 'slide' | 'second'
}

export interface ReadRequest {
  /** A local file that does not change while it is read. */
  path: string
  contentHash: string
  /** The sender's name for it: a hint for text formats, and for telling when it lies. */
  name: string
  /** As declared by the platform: a hint. */
  mediaType: string
}

export interface Reader {
  /**
   * Reads the file in a process of its own that is killed at its limits or on abort. A partly readable file gives an
   * artifact with problems. Throws `file_*` when it gives nothing.
   */
  read(
    request: ReadRequest,
    options: { signal: AbortSignal; onProgress(progress: ReadProgress): void },
  ): Promise<Artifact>
  /**
   * What would read the file, e.g. `pdf-1`, by its bytes: with the content hash, the key of a cached artifact. Throws
   * `file_unsupported` or `file_empty` when nothing would.
   */
  identify(request: ReadRequest): Promise<{ engine: string; mediaType: string }>
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
  /** A picture of one page of a paged file, `width` pixels wide. Throws `file_*`. */
  render(
    path: string,
    page: number,
    options: { width: number; quote?: string; signal: AbortSignal },
  ): Promise<PageImage>
}
