/**
 * Opens zips, office documents included, within limits. Names, sizes and the number of entries are checked
 * before anything is unpacked, and bytes are counted while unpacking, because headers can be wrong.
 */
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { type Entry, fromBuffer, getFileNameLowLevel, type Options, type ZipFile } from 'yauzl'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults, type Limits } from '../limits.ts'
import { legacyEncodingOf } from '../text-encoding.ts'

export interface ArchiveEntry {
  name: string
  /** According to the header. */
  bytes: number
  encrypted: boolean
  /** Its path leads outside the archive, or it is not a regular file. */
  unsafe: boolean
}

export interface Archive {
  entries: readonly ArchiveEntry[]
  has(name: string): boolean
  /**
   * The entry's bytes as they are unpacked. Throws `file_too_large` at the archive's limit, `file_damaged` when they are broken.
   * `most` is a lower limit for this entry.
   */
  stream(name: string, most?: number): AsyncIterable<Uint8Array>
  bytes(name: string, most?: number): Promise<Uint8Array>
}

const open = promisify((bytes: Buffer, options: Options, done: (error: Error | null, zip: ZipFile) => void) =>
  fromBuffer(bytes, options, done),
)

/** The limit for parts that describe other parts, which are small. */
export const smallPart = 32e6

/** Opens the archive within its limits. Throws `file_damaged`, `file_too_large` or, for an entry, `file_encrypted`. */
export async function openArchive(bytes: Uint8Array, name: string, limits: Limits): Promise<Archive> {
  const { unpackedBytes, entries: mostEntries, ratio, freeBytes } = { ...archiveDefaults, ...limits }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const zip = await open(buffer, { lazyEntries: true, decodeStrings: false, autoClose: false }).catch(() => {
    throw damaged(name)
  })
  if (zip.entryCount > mostEntries) {
    throw new ParleyError('file_too_large', fileWording.limit.filesInArchive(name, zip.entryCount, mostEntries))
  }
  const found = await list(zip, name)
  const declared = found.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0)
  const allowed = Math.min(unpackedBytes, Math.max(freeBytes, bytes.byteLength * ratio))
  if (declared > allowed) throw bomb(name, allowed)

  const names = decodeNames(
    found.map((entry) => ({ raw: rawName(entry), utf8: (entry.generalPurposeBitFlag & 0x800) !== 0 })),
  )
  const byName = new Map<string, Entry>()
  const entries: ArchiveEntry[] = []
  for (const [at, entry] of found.entries()) {
    const called = (names[at] ?? '').replaceAll('\\', '/')
    if (called.endsWith('/') || byName.has(called)) continue
    byName.set(called, entry)
    const unsafe = /^\/|^[a-z]:|(?:^|\/)\.\.(?:\/|$)|\0/i.test(called) || isLink(entry)
    entries.push({ name: called, bytes: entry.uncompressedSize, encrypted: entry.isEncrypted(), unsafe })
  }
  let unpacked = 0

  async function* stream(entryName: string, most = allowed): AsyncGenerator<Uint8Array> {
    const entry = byName.get(entryName)
    if (entry === undefined) throw damaged(name)
    if (entry.isEncrypted()) throw new ParleyError('file_encrypted', fileWording.refusal.encrypted(name))
    let own = 0
    try {
      for await (const chunk of await contentOf(zip, entry)) {
        unpacked += chunk.length
        own += chunk.length
        if (unpacked > allowed || own > most) throw bomb(name, own > most ? most : allowed)
        yield chunk
      }
    } catch (error) {
      throw error instanceof ParleyError ? error : damaged(name, error)
    }
  }

  return {
    entries,
    has: (entryName) => byName.has(entryName),
    stream,
    async bytes(entryName, most) {
      const chunks: Uint8Array[] = []
      for await (const chunk of stream(entryName, most)) chunks.push(chunk)
      return Buffer.concat(chunks)
    },
  }
}

export function damaged(name: string, cause?: unknown): ParleyError {
  return new ParleyError('file_damaged', fileWording.damaged.archive(name), { cause })
}

function bomb(name: string, allowed: number): ParleyError {
  return new ParleyError('file_too_large', fileWording.limit.unpackedSize(name, allowed))
}

function list(zip: ZipFile, name: string): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const found: Entry[] = []
    zip.on('entry', (entry: Entry) => {
      found.push(entry)
      zip.readEntry()
    })
    zip.once('end', () => resolve(found))
    // Entries listed before the damage can still be read.
    zip.once('error', (error) => (found.length > 0 ? resolve(found) : reject(damaged(name, error))))
    zip.readEntry()
  })
}

function contentOf(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, content) => (error ? reject(error) : resolve(content)))
  })
}

/** The bytes of the name; a name that a writer stored a second time as Unicode comes back as UTF-8. */
function rawName(entry: Entry): Uint8Array {
  const raw = entry.fileNameRaw
  const unicode = entry.extraFields.some(({ id }) => id === 0x7075)
  return unicode ? Buffer.from(getFileNameLowLevel(entry.generalPurposeBitFlag, raw, entry.extraFields, false)) : raw
}

/** Unix marks links in the upper half of the attributes. */
function isLink(entry: Entry): boolean {
  return ((entry.externalFileAttributes >>> 16) & 0o170000) === 0o120000
}

// Decodes names in an archive: UTF-8 if declared or valid, otherwise the encoding that all names together suggest.

export function decodeNames(names: readonly { raw: Uint8Array; utf8: boolean }[]): string[] {
  const others = names.filter(({ raw, utf8 }) => !utf8 && !isUtf8(raw)).map(({ raw }) => raw)
  const legacy = others.length === 0 ? undefined : legacyEncodingOf(Buffer.concat(others.flatMap((raw) => [raw, feed])))
  return names.map(({ raw, utf8 }) =>
    utf8 || legacy === undefined || isUtf8(raw)
      ? Buffer.from(raw).toString('utf8')
      : new TextDecoder(legacy).decode(raw),
  )
}

const feed = Buffer.from('\n')

function isUtf8(raw: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(raw)
    return true
  } catch {
    return false
  }
}
