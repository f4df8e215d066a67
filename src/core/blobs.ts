/**
 * Files by content: the port of bytes that are kept as long as a row refers to them (`blob_ref`), and no longer, and how
 * people read their sizes.
 */
import type { Readable } from 'node:stream'
import { attachmentWording } from '../wording/answers.ts'
import { ParleyError } from './errors.ts'

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

/** The first and the last byte. */
export interface ByteRange {
  from: number
  to: number
}

export interface Blobs {
  /** Takes in a stream. Throws `file_too_large` as soon as it passes `maxBytes`; nothing is left behind then. */
  put(content: Readable, options: PutOptions): Promise<HeldBlob>
  has(hash: string): Promise<boolean>
  /** All bytes, or a part of them. Throws `file_missing`. */
  open(hash: string, range?: ByteRange): Promise<Readable>
  /** Throws `file_missing`. */
  size(hash: string): Promise<number>
  /**
   * Lends the bytes as a file on this machine, for readers in other processes. It must not be changed, and may be gone when
   * `use` has returned. Throws `file_missing`.
   */
  withFile<T>(hash: string, signal: AbortSignal | undefined, use: (path: string) => Promise<T>): Promise<T>
}

/** The error of a file over a limit, with the limit in its sentence. */
export function tooLarge(maxBytes: number): ParleyError {
  return new ParleyError('file_too_large', attachmentWording.tooLarge(formatBytes(maxBytes)))
}

/** `31 MB`, `1.5 KB`: powers of 1000, as file managers print them. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]}`
}
