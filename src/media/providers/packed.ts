/**
 * Reads archives of other kinds than zip: tar, 7z, rar, and tar in bzip2 or xz with libarchive (as WebAssembly), gzip and zstd with Node. Names
 * and sizes are checked before anything is unpacked, and bytes are counted while unpacking.
 */
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { ArchiveReader, type LibarchiveWasm, libarchiveWasm } from 'libarchive-wasm'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults, type Limits } from '../limits.ts'
import type { Input, Provider, Sink } from '../provider.ts'
import { type ArchiveEntry, bomb, damaged, isUnsafePath } from './archive.ts'
import { type ArchiveFiles, readArchive } from './archive-files.ts'
import { uniqueName } from './inner.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    return readArchive(await open(input, limits, sink), input, limits, sink)
  },
}

async function open(input: Input, limits: Limits, sink: Sink): Promise<ArchiveFiles> {
  const { bytes, name, mediaType } = input
  const allowed = allowedFor(bytes, limits)
  if (mediaType !== 'application/gzip' && mediaType !== 'application/zstd') {
    return openPacked(input, allowed, limits, sink)
  }
  const unpacked = decompress(input, allowed)
  const cutOff = { code: 'file_damaged', userMessage: fileWording.partlyDamaged.cutOff(name) }
  if (isTar(unpacked.bytes)) return openPacked({ ...input, bytes: unpacked.bytes }, allowed, limits, sink, unpacked.cut)
  if (unpacked.cut) sink.problem(cutOff)
  const only = { name: innerName(name), bytes: unpacked.bytes.length, encrypted: false, unsafe: false }
  return { entries: [only], intact: async () => ({ bytes: unpacked.bytes, error: undefined }) }
}

function allowedFor(bytes: Uint8Array, limits: Limits): number {
  const { unpackedBytes, ratio, freeBytes } = { ...archiveDefaults, ...limits }
  return Math.min(unpackedBytes, Math.max(freeBytes, bytes.byteLength * ratio))
}

/** Of a file that is cut off, the part before the break. */
function decompress({ bytes, name, mediaType }: Input, allowed: number): { bytes: Uint8Array; cut: boolean } {
  const gzip = mediaType === 'application/gzip'
  const attempt = (cut: boolean) => {
    const finishFlush = cut ? (gzip ? constants.Z_SYNC_FLUSH : constants.ZSTD_e_flush) : undefined
    const options = { maxOutputLength: allowed, finishFlush }
    return { bytes: new Uint8Array(gzip ? gunzipSync(bytes, options) : zstdDecompressSync(bytes, options)), cut }
  }
  const failed = (error: unknown) =>
    error instanceof RangeError || codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? bomb(name, allowed) : undefined
  try {
    return attempt(false)
  } catch (error) {
    const tooLarge = failed(error)
    if (tooLarge !== undefined) throw tooLarge
  }
  try {
    const found = attempt(true)
    if (found.bytes.length > 0) return found
  } catch (error) {
    throw failed(error) ?? damaged(name, error)
  }
  throw damaged(name)
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function isTar(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 257, 262) === 'ustar'
}

/** `log.txt.gz` holds `log.txt`. */
function innerName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? name
  return base.replace(/\.(?:gz|zst)$/i, '').replace(/\.tgz$/i, '.tar') || base
}

async function openPacked(
  { bytes, name, mediaType }: Pick<Input, 'bytes' | 'name' | 'mediaType'>,
  allowed: number,
  limits: Limits,
  sink: Pick<Sink, 'problem'>,
  isCut = false,
): Promise<ArchiveFiles> {
  const mostEntries = limits.entries ?? archiveDefaults.entries
  const library = await libarchiveWasm()
  const { entries, error } = list(library, bytes, mostEntries)
  if (/encrypt/i.test(error)) throw new ParleyError('file_encrypted', fileWording.refusal.encryptedArchive(name))
  if (entries.length === 0 && error !== '') {
    // Of a single file in bzip2 or xz, libarchive finds no archive inside.
    if (/bzip2|xz$/.test(mediaType)) throw new ParleyError('file_unsupported', fileWording.refusal.compressed(name))
    throw damaged(name, new Error(error))
  }
  if (entries.length > mostEntries) {
    throw new ParleyError('file_too_large', fileWording.limit.filesInArchive(name, entries.length, mostEntries))
  }
  if (entries.reduce((sum, entry) => sum + entry.bytes, 0) > allowed) throw bomb(name, allowed)
  if (isCut || error !== '') {
    sink.problem({ code: 'file_damaged', userMessage: fileWording.partlyDamaged.cutOff(name) })
  }
  let unpacked = 0
  let next = 0
  let reader: ArchiveReader | undefined
  return {
    entries,
    async intact(entryName, most = allowed) {
      reader ??= new ArchiveReader(library, signed(bytes))
      while (next < entries.length) {
        nextEntry(library, reader)
        const entry = entries[next]
        next += 1
        if (entry?.name !== entryName) continue
        const largest = Math.min(most, allowed - unpacked)
        if (entry.bytes > largest) return { bytes: new Uint8Array(), error: bomb(name, largest) }
        const content = contentOf(library, reader, largest)
        unpacked += content.bytes.length
        const whole = !content.failed && content.bytes.length === entry.bytes
        return { bytes: content.bytes, error: whole ? undefined : damaged(name) }
      }
      return { bytes: new Uint8Array(), error: damaged(name) }
    },
  }
}

/** All files, without their content; `error` is not empty if the list ends at a damage. */
function list(library: LibarchiveWasm, bytes: Uint8Array, most: number): { entries: ArchiveEntry[]; error: string } {
  const entries: ArchiveEntry[] = []
  try {
    const reader = new ArchiveReader(library, signed(bytes))
    const taken = new Set<string>()
    for (let entry = nextEntry(library, reader); entry !== undefined; entry = nextEntry(library, reader)) {
      entries.push({ ...entry, name: uniqueName(entry.name, taken) })
      if (entries.length > most) return { entries, error: '' }
    }
    const encrypted = entries.length === 0 && reader.hasEncryptedData() === true
    const error = library.error_string(reader.archive) ?? ''
    reader.free()
    return { entries, error: encrypted ? 'encrypted' : error }
  } catch (error) {
    return { entries, error: error instanceof Error ? error.message || 'unknown' : 'unknown' }
  }
}

/** The next file or link; undefined at the end, or at a damage. */
function nextEntry(library: LibarchiveWasm, reader: ArchiveReader): ArchiveEntry | undefined {
  for (;;) {
    const pointer = library.read_next_entry(reader.archive)
    if (pointer === 0) return undefined
    const type = reader.getEntryFiletype(pointer)
    if (type === 'Directory') continue
    const path: string | null = reader.getEntryPathname(pointer)
    const name = (path ?? 'file without a name').replaceAll('\\', '/').replace(/^(?:\.\/)+/, '')
    const isLink = type !== 'File' || Boolean(reader.getHardlinkTarget(pointer))
    return {
      name,
      bytes: Math.max(0, Number(reader.getEntrySize(pointer))),
      encrypted: reader.isEntryEncrypted(pointer),
      unsafe: isLink || isUnsafePath(name),
    }
  }
}

const pieceBytes = 256 * 1024

function contentOf(
  library: LibarchiveWasm,
  reader: ArchiveReader,
  most: number,
): { bytes: Uint8Array; failed: boolean } {
  const pieces: Uint8Array[] = []
  const memory = library.module._malloc(pieceBytes)
  let total = 0
  let failed = false
  try {
    for (;;) {
      const length = library.read_data(reader.archive, memory, pieceBytes)
      if (length <= 0) break
      total += length
      if (total > most) {
        failed = true
        break
      }
      pieces.push(new Uint8Array(library.module.HEAP8.slice(memory, memory + length).buffer))
    }
  } catch {
    failed = true
  }
  library.module._free(memory)
  return { bytes: Buffer.concat(pieces), failed }
}

function signed(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
