/** Files on this machine by content: `PARLEY_HOME/blobs/ab/abcdef…`. Written once, complete or not at all. */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ParleyError } from '../core/errors.ts'
import { diskError } from './disk.ts'

export interface Blob {
  hash: string
  bytes: number
}

export interface Blobs {
  /** Takes in a stream. Throws `file_too_large` as soon as it passes `maxBytes`; nothing stays behind then. */
  put(content: Readable, options: { maxBytes: number; signal?: AbortSignal }): Promise<Blob>
  has(hash: string): Promise<boolean>
  /** Where the blob lies, for readers in other processes. */
  path(hash: string): string
  open(hash: string): Readable
  /** Nothing happens when it is not there. */
  remove(hash: string): Promise<void>
}

/** Nothing is written to an upload for this long but when its process is gone. */
const abandonedAfterMs = 3_600_000
const clearedAtOnce = 10_000

export function createBlobs(home: string): Blobs {
  const root = join(home, 'blobs')
  void clearAbandoned(join(root, 'incoming')).catch(() => {})
  const path = (hash: string) => {
    if (!/^[0-9a-f]{64}$/.test(hash))
      throw new ParleyError('file_missing', 'That file is not here. Please share it again.')
    return join(root, hash.slice(0, 2), hash)
  }
  return {
    path,
    async put(content, { maxBytes, signal }) {
      const incoming = join(root, 'incoming', randomUUID())
      const digest = createHash('sha256')
      let bytes = 0
      const measure = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          bytes += chunk.length
          digest.update(chunk)
          done(bytes > maxBytes ? tooLarge(maxBytes) : null, chunk)
        },
      })
      try {
        await mkdir(join(root, 'incoming'), { recursive: true })
        const sink = createWriteStream(incoming, { flags: 'wx', flush: true })
        await pipeline(content, measure, sink, ...(signal ? [{ signal }] : []))
        const hash = digest.digest('hex')
        await mkdir(join(root, hash.slice(0, 2)), { recursive: true })
        await rename(incoming, path(hash))
        await syncFolder(join(root, hash.slice(0, 2)))
        return { hash, bytes }
      } catch (error) {
        await rm(incoming, { force: true })
        throw diskError(error)
      }
    },
    has: (hash) =>
      stat(path(hash)).then(
        () => true,
        () => false,
      ),
    open: (hash) => createReadStream(path(hash)),
    remove: (hash) => rm(path(hash), { force: true }),
  }
}

/** Uploads that were under way when their process was killed. */
async function clearAbandoned(incoming: string): Promise<void> {
  const before = Date.now() - abandonedAfterMs
  let left = clearedAtOnce
  for await (const { name } of await opendir(incoming)) {
    if (left-- === 0) return
    const path = join(incoming, name)
    const known = await stat(path).catch(() => null)
    if (known?.isFile() && known.mtimeMs < before) await rm(path, { force: true })
  }
}

/** The new name, too, must outlive a power cut: the message that refers to it is about to be committed. */
async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The bytes of a small blob, or null when it is not here. */
export function pictureIn(blobs: Pick<Blobs, 'path'>): (hash: string) => Promise<Uint8Array | null> {
  return (hash) => readFile(blobs.path(hash)).catch(() => null)
}

export function tooLarge(maxBytes: number): ParleyError {
  return new ParleyError(
    'file_too_large',
    `The file is over the limit of ${formatBytes(maxBytes)}. Share a smaller one, or ask an admin to raise the limit.`,
  )
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
