/** Reads a file of this machine as if it had been shared. Its pictures are decoded and not kept. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import type { Artifact } from '../core/artifact.ts'
import type { Reader } from '../media/reader.ts'

export async function readLocally(reader: Pick<Reader, 'read'>, path: string): Promise<Artifact> {
  const request = { path, name: basename(path), mediaType: 'application/octet-stream', contentHash: await hashOf(path) }
  return await reader.read(request, {
    signal: new AbortController().signal,
    onProgress() {},
    pictures: { put: async (picture) => createHash('sha256').update(picture).digest('hex') },
  })
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path)) hash.update(piece)
  return hash.digest('hex')
}
