import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { createBlobs, createCollector } from '../blobs/blobs.ts'
import { createLocalBlobs } from '../blobs/local.ts'
import type { Artifact } from '../core/artifact.ts'
import { silentLog } from '../core/log.ts'
import { createAttachments } from './attachments.ts'
import { createBlobReferences } from './blob-references.ts'
import { openDatabase } from './database.ts'
import { createRecords } from './records-postgres.ts'
import { createSecrets } from './secrets.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

async function open() {
  const home = await mkdtemp(join(tmpdir(), 'parley-refs-'))
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  onTestFinished(async () => {
    await database.close()
    await rm(home, { recursive: true, force: true })
  })
  const storage = createLocalBlobs(home)
  const references = createBlobReferences(database)
  const blobs = createBlobs(storage, references)
  const put = (bytes: Uint8Array) => blobs.put(Readable.from([bytes]), { maxBytes: bytes.length })
  const records = createRecords(database, createSecrets(undefined), 'teams')
  const files = async () => {
    const entries = await readdir(home, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
  }
  const count = async (table: string) => {
    const { rows } = await database.pool.query<{ n: number }>(`select count(*)::int as n from ${table}`)
    return rows[0]?.n
  }
  const collector = createCollector(storage, references)
  return { storage, references, blobs, put, database, records, files, count, collector }
}

describe('bytes', () => {
  it('without references are deleted once released', async () => {
    const { put, blobs, collector, files, count } = await open()
    const blob = await put(randomBytes(10))
    await collector.collect()
    expect(await blobs.has(blob.hash)).toBe(true)
    await blob[Symbol.asyncDispose]()
    expect(await blobs.has(blob.hash)).toBe(true)
    await collector.collect()
    expect(await files()).toEqual([])
    expect(await count('blob')).toBe(0)
    expect(await count('blob_released')).toBe(0)
  })

  it('are kept while any row refers to them and deleted with the last one', async () => {
    const { put, records, blobs, collector } = await open()
    const bytes = randomBytes(10)
    for (const key of ['a', 'b']) {
      await using blob = await put(bytes)
      await records.put(key, 1, { blobs: [blob.hash] })
    }
    const { hash } = await put(bytes)
    await collector.collect()
    await records.remove('a')
    await collector.collect()
    expect(await blobs.has(hash)).toBe(true)
    // Put again without: the row is there, and refers to nothing.
    await records.put('b', 1)
    await collector.collect()
    // It is still held by the last put.
    expect(await blobs.has(hash)).toBe(true)
  })

  it('held by a killed process are deleted an hour later', async () => {
    const { put, database, blobs, collector } = await open()
    const { hash } = await put(randomBytes(10))
    await database.pool.query(`update blob_ref set created_at = now() - interval '61 minutes'`)
    await collector.collect()
    expect(await blobs.has(hash)).toBe(false)
  })

  it('are written once, however often they arrive', async () => {
    const { put, storage, blobs } = await open()
    let kept = 0
    const receive = storage.receive.bind(storage)
    storage.receive = async (...given) => {
      const incoming = await receive(...given)
      const keep = async () => {
        kept++
        await incoming.keep()
      }
      return { ...incoming, keep }
    }
    const bytes = randomBytes(10)
    const [first] = [await put(bytes), await put(bytes)]
    expect(kept).toBe(1)
    expect(await buffer(await blobs.open(first.hash))).toEqual(bytes)
  })

  it('that arrive again during their deletion are kept', async () => {
    const { put, storage, references, blobs, records, database } = await open()
    const bytes = randomBytes(10)
    const { hash } = await put(bytes).then(async (blob) => {
      await blob[Symbol.asyncDispose]()
      return blob
    })
    const removing = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const collecting = references.collect(async (each) => {
      removing.resolve()
      await go.promise
      await storage.remove(each)
    })
    await removing.promise
    const again = put(bytes).then(async (blob) => {
      await using held = blob
      await records.put('a', 1, { blobs: [held.hash] })
    })
    // It waits for the collector's lock.
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await expect.poll(async () => (await database.pool.query(waiting)).rowCount).toBe(1)
    go.resolve()
    await Promise.all([collecting, again])
    while ((await references.collect(storage.remove)) > 0);
    expect(await buffer(await blobs.open(hash))).toEqual(bytes)
  })

  it('whose collector is killed after deleting them are cleaned up by the next', async () => {
    const { put, storage, references, count, files } = await open()
    const blob = await put(randomBytes(10))
    await blob[Symbol.asyncDispose]()
    const killed = references.collect(async (hash) => {
      await storage.remove(hash)
      throw new Error('killed')
    })
    await expect(killed).rejects.toThrow('killed')
    expect(await count('blob')).toBe(1)
    while ((await references.collect(storage.remove)) > 0);
    expect(await count('blob')).toBe(0)
    expect(await files()).toEqual([])
  })

  it('are deleted when two deletions happen at the same moment', async () => {
    const { put, records, database, collector, blobs } = await open()
    const bytes = randomBytes(10)
    for (const key of ['a', 'b']) {
      await using blob = await put(bytes)
      await records.put(key, 1, { blobs: [blob.hash] })
    }
    const [one, two] = [await database.pool.connect(), await database.pool.connect()]
    const remove = `delete from platform_record where key = $1`
    await one.query('begin')
    await two.query('begin')
    await one.query(remove, ['a'])
    await two.query(remove, ['b'])
    await one.query('commit')
    await two.query('commit')
    for (const client of [one, two]) client.release()
    await collector.collect()
    const { rows } = await database.pool.query('select from blob')
    expect(rows).toEqual([])
    expect(await blobs.has(await hashOf(bytes))).toBe(false)
  })
})

describe('artifacts of a file', () => {
  it('are deleted, with their pictures, in the transaction that removes the last reference', async () => {
    const { put, records, database, collector, count, files } = await open()
    const attachments = createAttachments(database)
    await using file = await put(randomBytes(10))
    await using picture = await put(randomBytes(20))
    await records.put('file', 1, { blobs: [file.hash] })
    await attachments.saveArtifact(artifact(file.hash, picture.hash))
    await database.pool.query(
      `insert into passage (content_hash, engine, ordinal, text, at, tokens, length, terms) values ($1, 'pdf-1', 0, 'x', '{}', 1, 1, '')`,
      [file.hash],
    )
    await file[Symbol.asyncDispose]()
    await picture[Symbol.asyncDispose]()
    await collector.collect()
    expect(await files()).toHaveLength(2)
    await records.remove('file')
    expect([await count('artifact'), await count('passage'), await count('blob_ref')]).toEqual([0, 0, 0])
    await collector.collect()
    expect(await files()).toEqual([])
  })

  it('are not stored when the bytes are gone, and are deleted with them', async () => {
    const { put, database, collector, count } = await open()
    const attachments = createAttachments(database)
    const file = await put(randomBytes(10))
    await file[Symbol.asyncDispose]()
    await attachments.saveArtifact(artifact(file.hash))
    await collector.collect()
    expect(await count('artifact')).toBe(0)
    await expect(attachments.saveArtifact(artifact(file.hash))).rejects.toThrow(/foreign key/)
  })

  it('and the parts of its transcript are kept until it is whole, and go with the bytes', async () => {
    const { put, records, database, count } = await open()
    const attachments = createAttachments(database)
    await using file = await put(randomBytes(10))
    await records.put('file', 1, { blobs: [file.hash] })
    const key = { contentHash: file.hash, engine: 'recording-1/whisper' }
    const other = { ...key, engine: 'recording-1/other' }
    for (const each of [key, key, other]) await attachments.savePart(each, 'a', { segments: [] })
    expect([...(await attachments.parts(key))]).toEqual([['a', { segments: [] }]])
    await attachments.saveArtifact({ ...artifact(file.hash), engine: key.engine })
    expect([...(await attachments.parts(key))]).toEqual([])
    expect(await count('transcript_part')).toBe(1)
    await file[Symbol.asyncDispose]()
    await records.remove('file')
    expect(await count('transcript_part')).toBe(0)
    await attachments.savePart(other, 'b', { segments: [] })
    expect(await count('transcript_part')).toBe(0)
  })
})

function artifact(contentHash: string, picture?: string): Artifact {
  const images = picture === undefined ? [] : [{ contentHash: picture, mediaType: 'image/png', width: 1, height: 1 }]
  return { contentHash, engine: 'pdf-1', mediaType: 'application/pdf', segments: [], images, tokens: 0, problems: [] }
}

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
}
