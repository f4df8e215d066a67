/** What the operating system says when Parley's disk cannot take or give a file, as failures with a next step. */
import { statfs } from 'node:fs/promises'
import { ParleyError } from '../core/errors.ts'
import { storageWording } from '../wording/storage.ts'

const full = new Set(['ENOSPC', 'EDQUOT'])
/** Input and output errors, a disk that was made read-only, and no file handles left. */
const failed = new Set(['EIO', 'EROFS', 'EMFILE', 'ENFILE'])
/** Space is not freed within a second. */
const patienceMs = 15_000

/** The error as one of the disk, where it is one; anything else as it came. */
export function diskError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return thrown
  const options = { cause: thrown, retryAfterMs: patienceMs }
  if (full.has(thrown.code)) return new ParleyError('disk_full', storageWording.diskFull, options)
  if (!failed.has(thrown.code)) return thrown
  return new ParleyError('disk_failed', storageWording.diskFailed(thrown.code), options)
}

/** Below it, `doctor` warns: less than this many bytes, and less than this share of the disk. */
const lowBytes = 2e9
const lowShare = 0.1

export interface DiskSpace {
  freeBytes: number
  totalBytes: number
  low: boolean
}

/** Of the disk that holds this folder. */
export async function diskSpace(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(folder)
  const freeBytes = bavail * bsize
  const totalBytes = blocks * bsize
  return { freeBytes, totalBytes, low: freeBytes < lowBytes && freeBytes < totalBytes * lowShare }
}
