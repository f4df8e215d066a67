/** Stores blobs as files: `PARLEY_HOME/blobs/ab/abcdef…`. Each is written once, completely or not at all. */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { access, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ParleyError } from '../core/errors.ts'
import { storageWording } from '../wording/storage.ts'
import { type BlobStorage, measure } from './blobs.ts'
import { diskError } from './disk.ts'

export function createLocalBlobs(home: string): BlobStorage {
  const root = join(home, 'blobs')
  const incomingFolder = join(root, 'incoming')
  const folderOf = (hash: string) => join(root, hash.slice(0, 2))
  const pathOf = (hash: string) => {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw missing()
    return join(folderOf(hash), hash)
  }
  return {
    async receive(content, { maxBytes, signal }) {
      const path = join(incomingFolder, randomUUID())
      const discard = () => rm(path, { force: true })
      const { through, result } = measure(maxBytes)
      try {
        await mkdir(incomingFolder, { recursive: true })
        await pipeline(content, through, createWriteStream(path, { flags: 'wx', flush: true }), { signal })
      } catch (error) {
        await discard()
        throw diskError(error)
      }
      const { hash, bytes } = result()
      return {
        hash,
        bytes,
        async keep() {
          try {
            await mkdir(folderOf(hash), { recursive: true })
            await rename(path, pathOf(hash))
            await syncFolder(folderOf(hash))
          } catch (error) {
            throw diskError(error)
          }
        },
        [Symbol.asyncDispose]: discard,
      }
    },
    has: (hash) =>
      access(pathOf(hash)).then(
        () => true,
        () => false,
      ),
    async open(hash, range) {
      const handle = await open(pathOf(hash), 'r').catch(throwMissing)
      return handle.createReadStream(range === undefined ? {} : { start: range.from, end: range.to })
    },
    size: async (hash) => (await stat(pathOf(hash)).catch(throwMissing)).size,
    async withFile(hash, signal, use) {
      signal?.throwIfAborted()
      const path = pathOf(hash)
      await access(path).catch(throwMissing)
      return await use(path)
    },
    remove: (hash) => rm(pathOf(hash), { force: true }),
    async clearAbandoned(before) {
      for await (const { name } of await opendir(incomingFolder).catch(throwUnlessAbsent)) {
        const path = join(incomingFolder, name)
        const known = await stat(path).catch(() => null)
        if (known?.isFile() && known.mtimeMs < before.getTime()) await rm(path, { force: true })
      }
    },
  }
}

function missing(cause?: unknown): ParleyError {
  return new ParleyError('file_missing', storageWording.fileGone, { cause })
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function throwMissing(error: unknown): never {
  throw isAbsent(error) ? missing(error) : error
}

function throwUnlessAbsent(error: unknown): [] {
  if (isAbsent(error)) return []
  throw error
}

/** The new name must also survive a power cut, because the message that refers to it is about to be committed. */
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
