/**
 * Opens zips, office documents included, within limits. Names, sizes and the number of entries are checked
 * before anything is unpacked, and bytes are counted while unpacking, because headers can be wrong.
 */
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { type Entry, fromBuffer, getFileNameLowLevel, type Options, type ZipFile } from 'yauzl'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults, type Limits } from '../limits.ts'
import type { Sink } from '../provider.ts'
import { decodeAs, legacyEncodingOf } from '../text-encoding.ts'
import { fromLocalHeaders, type RepairedZip, withSoundEnd } from './zip-repair.ts'

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
  /** The end of the archive is missing. This was reported as a problem. */
  incomplete: boolean
  has(name: string): boolean
  /**
   * The entry's bytes as they are unpacked. Throws `file_too_large` at the archive's limit, `file_damaged` when they are broken.
   * `most` is a lower limit for this entry.
   */
  stream(name: string, most?: number): AsyncIterable<Uint8Array>
  bytes(name: string, most?: number): Promise<Uint8Array>
  /** The bytes before the damage, if there is any; `error` says what it is. */
  intact(name: string, most?: number): Promise<{ bytes: Uint8Array; error: unknown }>
}

const open = promisify((bytes: Buffer, options: Options, done: (error: Error | null, zip: ZipFile) => void) =>
  fromBuffer(bytes, options, done),
)

/** The limit for parts that describe other parts, which are small. */
export const smallPart = 32e6

/**
 * Opens the archive within its limits. Throws `file_damaged`, `file_too_large` or, for an entry, `file_encrypted`. If the archive is cut off,
 * reports a problem and opens the files before the break.
 */
export async function openArchive(
  bytes: Uint8Array,
  name: string,
  limits: Limits,
  sink: Pick<Sink, 'problem'>,
): Promise<Archive> {
  const { unpackedBytes, entries: mostEntries, ratio, freeBytes } = { ...archiveDefaults, ...limits }
  const { zip, found, cut, incomplete } = await openRepaired(bytes, name, mostEntries)
  if (zip.entryCount > mostEntries) {
    throw new ParleyError('file_too_large', fileWording.limit.filesInArchive(name, zip.entryCount, mostEntries))
  }
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
    const unsafe = isUnsafePath(called) || isLink(entry)
    entries.push({ name: called, bytes: entry.uncompressedSize, encrypted: entry.isEncrypted(), unsafe })
  }
  let unpacked = 0

  async function* stream(entryName: string, most = allowed): AsyncGenerator<Uint8Array> {
    const entry = byName.get(entryName)
    if (entry === undefined) throw damaged(name)
    if (entry.isEncrypted()) throw new ParleyError('file_encrypted', fileWording.refusal.encrypted(name))
    const whole = !cut.has(entry.relativeOffsetOfLocalHeader)
    let own = 0
    let sum = 0
    try {
      for await (const chunk of await contentOf(zip, entry)) {
        unpacked += chunk.length
        own += chunk.length
        sum = crc32(chunk, sum)
        if (unpacked > allowed || own > most) throw bomb(name, own > most ? most : allowed)
        if (whole && own > entry.uncompressedSize) throw new Error('more bytes than the directory says')
        yield chunk
      }
      if (!whole || own !== entry.uncompressedSize) throw new Error('fewer bytes than the directory says')
      // Some writers leave the checksum out.
      if (entry.crc32 !== 0 && sum !== entry.crc32) throw new Error('another checksum than the directory says')
    } catch (error) {
      throw error instanceof ParleyError ? error : damaged(name, error)
    }
  }

  async function intact(entryName: string, most?: number): Promise<{ bytes: Uint8Array; error: unknown }> {
    const chunks: Uint8Array[] = []
    let error: unknown
    try {
      for await (const chunk of stream(entryName, most)) chunks.push(chunk)
    } catch (reason) {
      error = reason
    }
    return { bytes: Buffer.concat(chunks), error }
  }

  if (incomplete) sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.cutOff(name) })
  return {
    entries,
    incomplete,
    has: (entryName) => byName.has(entryName),
    stream,
    intact,
    async bytes(entryName, most) {
      const { bytes: content, error } = await intact(entryName, most)
      if (error !== undefined) throw error
      return content
    },
  }
}

interface OpenZip extends Omit<RepairedZip, 'bytes'> {
  zip: ZipFile
  found: Entry[]
}

/** Opens the archive as it is, else with another end, else with a directory made from the headers before the files. */
async function openRepaired(bytes: Uint8Array, name: string, mostEntries: number): Promise<OpenZip> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const attempts: readonly (() => RepairedZip | undefined)[] = [
    () => ({ bytes: buffer, incomplete: false, cut: new Set() }),
    () => withSoundEnd(buffer),
    () => fromLocalHeaders(buffer, mostEntries),
  ]
  let cause: unknown
  for (const attempt of attempts) {
    const repaired = attempt()
    if (repaired === undefined) continue
    try {
      const zip = await open(repaired.bytes, options)
      const found = zip.entryCount > mostEntries ? [] : await list(zip, repaired.bytes)
      return { zip, found, cut: repaired.cut, incomplete: repaired.incomplete }
    } catch (error) {
      cause = error
    }
  }
  throw damaged(name, cause)
}

/** Sizes are compared in `stream`, which also knows the files that are cut off. */
const options: Options = { lazyEntries: true, decodeStrings: false, autoClose: false, validateEntrySizes: false }

/** What a part beside the text gives; undefined if that part is damaged, which does not end the reading of the others. */
export async function ifIntact<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ParleyError && error.code !== 'file_damaged') throw error
    return undefined
  }
}

export function damaged(name: string, cause?: unknown): ParleyError {
  return new ParleyError('file_damaged', fileWording.damaged.archive(name), { cause })
}

/** Whether a path leads outside the archive. */
export function isUnsafePath(path: string): boolean {
  return /^\/|^[a-z]:|(?:^|\/)\.\.(?:\/|$)|\0/i.test(path)
}

export function bomb(name: string, allowed: number): ParleyError {
  return new ParleyError('file_too_large', fileWording.limit.unpackedSize(name, allowed))
}

/** Rejects if the directory is broken, or does not lead to the files. */
function list(zip: ZipFile, bytes: Buffer): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const found: Entry[] = []
    zip.on('entry', (entry: Entry) => {
      const at = entry.relativeOffsetOfLocalHeader
      if (bytes.toString('latin1', at, at + 4) !== 'PK\x03\x04')
        return reject(new Error('no file where the directory says'))
      found.push(entry)
      zip.readEntry()
    })
    zip.once('end', () => resolve(found))
    zip.once('error', reject)
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
    utf8 || legacy === undefined || isUtf8(raw) ? Buffer.from(raw).toString('utf8') : decodeAs(raw, legacy),
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
