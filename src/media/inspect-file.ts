/** Inspects a file in Parley's own process: its size and first bytes. Nothing is parsed. */
import { type FileHandle, open } from 'node:fs/promises'
import { diskError } from '../blobs/disk.ts'
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import { type FormatReader, type Formats, readerOf } from './formats.ts'
import { type LimitOverrides, type Limits, limitsFor } from './limits.ts'
import type { Recognizer } from './recognizer.ts'
import { furtherLook, type Sniffed, sampleBytes, sniff } from './sniff.ts'
import type { Task } from './wire.ts'

export interface InspectedFile {
  path: string
  name: string
  bytes: number
  sniffed: Sniffed
  reader: FormatReader
  limits: Limits
  overrides: LimitOverrides
}

/** Throws `file_missing`, `file_empty`, `file_unsupported` or `file_too_large`. */
export async function inspectFile(
  file: { path: string; name: string; mediaType: string; web?: boolean | undefined },
  { formats, overrides }: { formats: Formats; overrides: LimitOverrides },
): Promise<InspectedFile> {
  const { path, name } = file
  const { sample, further, bytes } = await firstBytes(path, name)
  if (bytes === 0) throw new ParleyError('file_empty', fileWording.empty.noBytes(name))
  const sniffed = await sniff(sample, file, formats, further)
  const web = file.web === true ? formats[sniffed.mediaType]?.web : undefined
  const reader = web ?? readerOf(sniffed.mediaType, name, formats)
  const limits = limitsFor(reader.family, overrides)
  if (bytes > limits.bytes) throw new ParleyError('file_too_large', fileWording.limit.size(name, bytes, limits.bytes))
  return { path, name, bytes, sniffed, reader, limits, overrides }
}

/** The message that opens a file in a reading process. */
export function openTask(
  use: 'read' | 'pages',
  { name, bytes, reader, sniffed, limits, overrides }: InspectedFile,
  { recognizer, recordings = false }: { recognizer?: Recognizer | undefined; recordings?: boolean } = {},
): Task {
  const { module } = reader
  const offer = recognizer && {
    languages: recognizer.languages,
    scripts: recognizer.scripts,
    atOnce: recognizer.atOnce,
  }
  return {
    kind: 'open',
    use,
    module: module.href,
    name,
    mediaType: sniffed.mediaType,
    bytes,
    limits,
    overrides,
    recognizer: offer,
    recordings,
  }
}

async function firstBytes(path: string, name: string) {
  let file: FileHandle
  try {
    file = await open(path)
  } catch (error) {
    const reason = diskError(error)
    if (reason instanceof ParleyError) throw reason
    throw new ParleyError('file_missing', fileWording.refusal.gone(name), { cause: error })
  }
  try {
    const { size } = await file.stat()
    const part = async (from: number, length: number) => {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, from)
      return buffer.subarray(0, bytesRead)
    }
    const sample = await part(0, Math.min(size, sampleBytes))
    const more = furtherLook(sample, size)
    return { sample, further: more === undefined ? sample : await part(more.from, more.length), bytes: size }
  } finally {
    await file.close()
  }
}
