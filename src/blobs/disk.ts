/** Turns disk errors of the operating system into failures with a next step, and checks free space. */
import { statfs } from 'node:fs/promises'
import { ParleyError } from '../core/errors.ts'
import { storageWording } from '../wording/storage.ts'

const full = new Set(['ENOSPC', 'EDQUOT'])
/** I/O errors, a read-only disk, and no file handles left. */
const failed = new Set(['EIO', 'EROFS', 'EMFILE', 'ENFILE'])
/** Freeing space takes a while. */
const patienceMs = 15_000

/** A disk error as a ParleyError; any other error unchanged. */
export function diskError(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return thrown
  const options = { cause: thrown, retryAfterMs: patienceMs }
  if (full.has(thrown.code)) return new ParleyError('disk_full', storageWording.diskFull, options)
  if (!failed.has(thrown.code)) return thrown
  return new ParleyError('disk_failed', storageWording.diskFailed(thrown.code), options)
}

/** `doctor` warns when both free bytes and the free share of the disk are below these. */
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
