/** Tests that every blob storage must pass, be it a folder or a bucket. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { BlobStorage } from './blobs.ts'

export interface BlobsRig extends AsyncDisposable {
  storage: BlobStorage
  /** The names of everything stored, including files that are still arriving. */
  everything(): Promise<string[]>
  /** Makes files that are still arriving look last written at this moment. */
  age(until: Date): Promise<void>
}

export function blobsContract(name: string, open: () => Promise<BlobsRig>): void {
  async function rigged(): Promise<BlobsRig> {
    const rig = await open()
    onTestFinished(() => rig[Symbol.asyncDispose]())
    return rig
  }
  async function stored(storage: BlobStorage, bytes: Uint8Array): Promise<string> {
    await using incoming = await storage.receive(Readable.from([bytes]), { maxBytes: bytes.length })
    await incoming.keep()
    return incoming.hash
  }

  describe(name, () => {
    it('returns the stored bytes as a stream and as a file', async () => {
      const { storage } = await rigged()
      const bytes = randomBytes(300_000)
      const hash = await stored(storage, bytes)
      expect(hash).toBe(await sha256(bytes))
      expect(await storage.has(hash)).toBe(true)
      expect(await buffer(await storage.open(hash))).toEqual(bytes)
      expect(await storage.size(hash)).toBe(300_000)
      expect(await buffer(await storage.open(hash, { from: 200_000, to: 200_009 }))).toEqual(
        bytes.subarray(200_000, 200_010),
      )
      expect(await storage.withFile(hash, undefined, (path) => readFile(path))).toEqual(bytes)
    })

    it('shows nothing before a file is complete, and leaves nothing behind when it is not kept', async () => {
      const { storage, everything } = await rigged()
      const bytes = randomBytes(10)
      {
        await using incoming = await storage.receive(Readable.from([bytes]), { maxBytes: 10 })
        expect(incoming.bytes).toBe(10)
        expect(await storage.has(incoming.hash)).toBe(false)
      }
      expect(await everything()).toEqual([])
    })

    it('ends a stream that is too large, fails or is aborted, and leaves nothing behind', async () => {
      const { storage, everything } = await rigged()
      const tooLarge = storage.receive(Readable.from([randomBytes(6), randomBytes(6)]), { maxBytes: 11 })
      await expect(tooLarge).rejects.toMatchObject({ code: 'file_too_large' })
      const broken = Readable.from(
        (async function* () {
          yield randomBytes(6)
          throw new Error('the line went dead')
        })(),
      )
      await expect(storage.receive(broken, { maxBytes: 100 })).rejects.toThrow('the line went dead')
      const stop = new AbortController()
      const endless = Readable.from(
        (async function* () {
          for (;;) {
            yield randomBytes(6)
            stop.abort()
          }
        })(),
      )
      await expect(storage.receive(endless, { maxBytes: 1e9, signal: stop.signal })).rejects.toThrow(/abort/i)
      expect(await everything()).toEqual([])
    })

    it('removes a file once or twice, and reports a missing one', async () => {
      const { storage, everything } = await rigged()
      const hash = await stored(storage, randomBytes(10))
      await storage.remove(hash)
      await storage.remove(hash)
      expect(await storage.has(hash)).toBe(false)
      await expect(storage.open(hash)).rejects.toMatchObject({ code: 'file_missing' })
      await expect(storage.withFile(hash, undefined, async () => 'used')).rejects.toMatchObject({
        code: 'file_missing',
      })
      await expect(storage.open('../../etc/passwd')).rejects.toMatchObject({ code: 'file_missing' })
      expect(await everything()).toEqual([])
    })

    it('stores the same bytes twice at once', async () => {
      const { storage, everything } = await rigged()
      const bytes = randomBytes(100_000)
      const [first, second] = await Promise.all([stored(storage, bytes), stored(storage, bytes)])
      expect(first).toBe(second)
      expect(await buffer(await storage.open(first))).toEqual(bytes)
      expect(await everything()).toHaveLength(1)
    })

    it('opens no file after abort', async () => {
      const { storage } = await rigged()
      const hash = await stored(storage, randomBytes(10))
      const lent = storage.withFile(hash, AbortSignal.abort(new Error('stopped')), async () => 'used')
      await expect(lent).rejects.toThrow('stopped')
    })

    it('clears partial files of killed processes, and keeps files that are still arriving', async () => {
      const { storage, everything, age } = await rigged()
      const kept = await stored(storage, randomBytes(10))
      // Neither kept nor disposed of, as by a process that was killed.
      await storage.receive(Readable.from([randomBytes(10)]), { maxBytes: 10 })
      await age(new Date(Date.now() - 2 * 3_600_000))
      await using fresh = await storage.receive(Readable.from([randomBytes(10)]), { maxBytes: 10 })
      expect(await everything()).toHaveLength(3)
      await storage.clearAbandoned(new Date(Date.now() - 3_600_000))
      expect(await everything()).toHaveLength(2)
      await fresh.keep()
      expect(await storage.has(kept)).toBe(true)
      expect(await storage.has(fresh.hash)).toBe(true)
    })
  })
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
}
