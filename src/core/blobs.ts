/** The port of files by content: bytes that are kept as long as a row refers to them (`blob_ref`), and no longer. */
import type { Readable } from 'node:stream'

export interface Blob {
  /** SHA-256 of the bytes, hex. */
  hash: string
  bytes: number
}

/** Bytes that are kept at least until this is disposed of. A reference that is written meanwhile keeps them from then on. */
export interface HeldBlob extends Blob, AsyncDisposable {}

export interface PutOptions {
  maxBytes: number
  signal?: AbortSignal | undefined
}

export interface Blobs {
  /** Takes in a stream. Throws `file_too_large` as soon as it passes `maxBytes`; nothing is left behind then. */
  put(content: Readable, options: PutOptions): Promise<HeldBlob>
  has(hash: string): Promise<boolean>
  /** Throws `file_missing`. */
  open(hash: string): Promise<Readable>
  /**
   * Lends the bytes as a file on this machine, for readers in other processes. It must not be changed, and may be gone when
   * `use` has returned. Throws `file_missing`.
   */
  withFile<T>(hash: string, signal: AbortSignal | undefined, use: (path: string) => Promise<T>): Promise<T>
}
