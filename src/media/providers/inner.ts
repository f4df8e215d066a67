/**
 * Reads the files inside an email or an archive by their content, with the same table and limits as shared
 * files. An archive or email inside is opened too; archives and emails inside that one are only named.
 */
import type { Position } from '../../core/artifact.ts'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { formats, readerOf } from '../formats.ts'
import { type Limits, limitsFor } from '../limits.ts'
import type { Input, Provider, Sink } from '../provider.ts'
import { readWith } from '../read-with.ts'
import { recordingType } from '../recordings.ts'
import { furtherLook, sampleBytes, sniff } from '../sniff.ts'
import { split } from './pieces.ts'

/** How deep archives and emails are nested at most; the file itself is 1. */
export const deepest = 2

export interface InnerFile {
  /** Its path inside the container. */
  name: string
  mediaType?: string
  bytes: Uint8Array
}

export interface Inner {
  /** Reads one inner file. False: the limit of the whole is reached. A failure becomes a problem of the whole. */
  read(file: InnerFile): Promise<boolean>
  /** Files with readable content. */
  count(): number
}

export function createInner(input: Input, limits: Limits, sink: Sink): Inner {
  const depth = input.depth ?? 1
  let read = 0
  let full = false

  async function attempt(file: InnerFile): Promise<void> {
    const { name, bytes } = file
    if (bytes.length === 0) return
    const hint = { name, mediaType: file.mediaType ?? '' }
    const sample = bytes.subarray(0, sampleBytes)
    const more = furtherLook(sample, bytes.length)
    const further = more === undefined ? sample : bytes.subarray(more.from, more.from + more.length)
    const { mediaType, problem } = await sniff(sample, hint, formats, further)
    const recording = recordingType(mediaType)
    if (recording !== undefined) {
      if (!(await sink.recording?.({ name, mediaType: recording, data: bytes })))
        throw new ParleyError('file_unsupported', fileWording.inner.unsupported(name))
      read += 1
      return
    }
    const reader = readerOf(mediaType, name, formats)
    const own = limitsFor(reader.family, input.overrides)
    if (reader.convert !== undefined) throw new ParleyError('file_unsupported', fileWording.inner.unsupported(name))
    const isContainer = reader.family === 'mail' || reader.family === 'archive'
    if (isContainer && depth >= deepest) {
      throw new ParleyError('file_unsupported', fileWording.inner.tooDeep(name))
    }
    if (bytes.length > own.bytes)
      throw new ParleyError('file_too_large', fileWording.limit.size(name, bytes.length, own.bytes))
    const loaded: { provider?: Provider } = await import(reader.module.href)
    if (loaded.provider === undefined) throw new Error(`${reader.module.href} exports no provider`)
    const within = placedIn(sink, name, () => {
      full = true
    })
    if (problem !== undefined) within.problem(problem)
    const inner: Input = {
      bytes,
      name,
      mediaType,
      depth: depth + 1,
      overrides: input.overrides ? input.overrides : undefined,
    }
    const unpackedBytes = Math.min(limits.unpackedBytes ?? Infinity, own.unpackedBytes ?? Infinity)
    const bounded = { ...own, ...(Number.isFinite(unpackedBytes) && { unpackedBytes }), characters: limits.characters }
    const ending = await readWith(loaded.provider, inner, bounded, within)
    if (within.gave()) read += 1
    if (ending.truncated !== undefined && !full)
      sink.problem({ code: 'inner_truncated', userMessage: ending.truncated })
  }

  return {
    count: () => read,
    async read(given) {
      const file = { ...given, name: shownPath(given.name) }
      try {
        await attempt(file)
      } catch (error) {
        sink.problem(problemOf(error, file.name))
      }
      return !full
    },
  }
}

/** The same sink, with the path of the inner file in every position. `onFull` tells that the limit of the whole is reached. */
export function placedIn(sink: Sink, path: string, onFull: () => void): Sink & { gave(): boolean } {
  let gave = false
  const placed = (at: Position): Position => ({ ...at, inner: at.inner === undefined ? path : `${path}/${at.inner}` })
  const { recording } = sink
  return {
    ...sink,
    gave: () => gave,
    async segment(text, at) {
      if (text.trim() === '') return true
      gave = true
      const head = at.inner === undefined ? `[${path}]\n` : ''
      const taken = await sink.segment(`${head}${text}`, placed(at))
      if (!taken) onFull()
      return taken
    },
    image: (image) => sink.image({ ...image, at: image.at && placed(image.at) }),
    recording: recording && ((file) => recording({ ...file, name: `${path}/${file.name}` })),
    // Progress counts whole files.
    progress: async () => {},
    problem(problem) {
      sink.problem({
        code: problem.code,
        userMessage: problem.userMessage.startsWith(path) ? problem.userMessage : `${path}: ${problem.userMessage}`,
      })
    },
  }
}

/** The name, or with a number if it is taken. */
export function uniqueName(name: string, taken: Set<string>): string {
  let free = name
  for (let number = 2; taken.has(free); number += 1) free = `${name} (${number})`
  taken.add(free)
  return free
}

/** Makes an untrusted name one line that can be stored and shown. */
export function shownPath(name: string): string {
  return name
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .toWellFormed()
    .slice(0, 200)
}

export function problemOf(error: unknown, name: string) {
  if (error instanceof ParleyError) return { code: `inner_${error.code}`, userMessage: error.userMessage }
  return {
    code: 'inner_file_damaged',
    userMessage: fileWording.inner.unreadable(name),
  }
}

/** Delivers the list of inner files as text, split into segments. */
export async function deliverList(sink: Sink, lines: readonly string[], at: (from: number, to: number) => Position) {
  let open: string[] = []
  let from = 1
  let size = 0
  for (const [place, line] of lines.entries()) {
    for (const part of split(line)) {
      if (size + part.length > 1_500 && open.length > 0) {
        if (!(await sink.segment(open.join('\n'), at(from, place)))) return false
        open = []
        size = 0
        from = place + 1
      }
      open.push(part)
      size += part.length
    }
  }
  return open.length === 0 || sink.segment(open.join('\n'), at(from, lines.length))
}
