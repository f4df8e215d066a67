import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blobsContract } from './blobs.contract.ts'
import { createLocalBlobs } from './local.ts'

blobsContract('blobs in a folder', async () => {
  const home = await mkdtemp(join(tmpdir(), 'parley-blobs-'))
  const incoming = join(home, 'blobs', 'incoming')
  return {
    storage: createLocalBlobs(home),
    async everything() {
      const entries = await readdir(home, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
    },
    async age(until) {
      for (const name of await readdir(incoming)) await utimes(join(incoming, name), until, until)
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
})
