/**
 * Implements Reader: inspect → limits → a separate process (Parley's own for small plain text) → artifact; and the pictures of
 * pages that citations open.
 */
import { createReadStream } from 'node:fs'
import type { Artifact, Picture, Segment } from '../core/artifact.ts'
import { type Log, silentLog } from '../core/log.ts'
import { formats as allFormats, type Formats } from './formats.ts'
import { crashed, createPictures, createRecordings, failed, gather } from './gather.ts'
import { guard } from './guard.ts'
import { type InspectedFile, inspectFile, openTask } from './inspect-file.ts'
import { type LimitOverrides, largestMemoryMb } from './limits.ts'
import { plainTextBytes, readPlainText } from './plain-text.ts'
import { createProcesses } from './processes.ts'
import { createOffice, type Office } from './providers/soffice.ts'
import type { PageRenderer, Reader, ReadOptions, ReadRequest } from './reader.ts'
import type { Recognizer } from './recognizer.ts'
import { createRenderer } from './renderer.ts'
import { ReaderMessage } from './wire.ts'

export interface ReaderDeps {
  limits?: LimitOverrides
  log?: Log
  /** Recognizes text in pictures. Without it, the reading process does so in English. */
  recognizer?: Recognizer
  /** Makes old office files readable. Default: LibreOffice, where it is installed. */
  office?: Office
  /** Files read at once. Default: the cores of this host. */
  concurrency?: number
  /** Plain text up to this size is read in Parley's own process. Default: 64 KB; 0: none. */
  plainTextBytes?: number
  /** How long a spare process is kept unused; a process that shows pages is kept for at most 30 s. */
  idleMs?: number
  /** Another table of formats, and the files its providers may read besides Parley's code. */
  formats?: Formats
  readable?: readonly string[]
}

/** Pictures of one file that wait to be recognized; a reading process sends at most four. */
const mostAsked = 8

type End = Extract<ReaderMessage, { kind: 'end' }>

export function createReader(deps: ReaderDeps = {}): Reader & PageRenderer {
  const { limits: overrides = {}, log = silentLog, formats = allFormats, idleMs = 60_000, recognizer } = deps
  const { office = createOffice() } = deps
  const processes = createProcesses({
    heapMb: largestMemoryMb(overrides),
    log,
    spareMs: idleMs,
    concurrency: deps.concurrency,
    readable: deps.readable,
  })
  const look = (file: { path: string; name: string; mediaType: string; web?: boolean | undefined }) =>
    inspectFile(file, { formats, overrides })
  const renderer = createRenderer({
    processes,
    look: (path) => look({ path, name: 'The file', mediaType: '' }),
    idleMs: Math.min(idleMs, 30_000),
  })

  const isSmallText = ({ reader, bytes }: InspectedFile) =>
    reader.plain === true && bytes <= (deps.plainTextBytes ?? plainTextBytes)

  async function readHere(request: ReadRequest, inspected: InspectedFile, options: ReadOptions): Promise<Artifact> {
    const gathered = gather(inspected.limits, inspected.name)
    const end = await readPlainText(inspected, gathered, options)
    return artifactOf(request, inspected, gathered.segments, end)
  }

  async function read(request: ReadRequest, inspected: InspectedFile, options: ReadOptions): Promise<Artifact> {
    const { signal, onProgress } = options
    const { bytes, reader, limits, name } = inspected
    const slot = await processes.take(signal, reader)
    const { process } = slot
    const startedAt = performance.now()
    const guarded = guard(process, { name, limits, signal })
    const gathered = gather(limits, name)
    const pictures = createPictures(options.pictures, signal)
    const recordings = createRecordings(options.onRecording)
    const ended = new AbortController()
    let asked = 0
    try {
      const finished = new Promise<End>((resolve, reject) => {
        process.onMessage((raw) => {
          const message = ReaderMessage.safeParse(raw)
          if (!message.success) return reject(crashed(name, message.error))
          if (message.data.kind === 'fail') return reject(failed(message.data, name))
          if (message.data.kind === 'end') return resolve(message.data)
          if (message.data.kind === 'image' && !pictures.add(message.data)) {
            return reject(crashed(name, 'more pictures than allowed'))
          }
          if (message.data.kind === 'recording') {
            if (!recordings.add(message.data)) reject(crashed(name, 'more recordings than allowed'))
            return
          }
          if (message.data.kind === 'recognize') {
            const { id, pgm, languages } = message.data
            asked += 1
            if (asked > mostAsked) return reject(crashed(name, 'more pictures to recognize than allowed'))
            const answer = languages
              ? recognizer?.recognize(pgm, languages, ended.signal)
              : recognizer?.script(pgm, ended.signal)
            void answer?.then((found) => {
              asked -= 1
              process.send({ kind: 'recognized', id, found })
            })
            return
          }
          if (message.data.kind !== 'batch') return
          if (!gathered.add(message.data)) return reject(crashed(name, 'more text than allowed'))
          options.onSegments?.(message.data.segments)
          if (message.data.progress === undefined) return
          if (message.data.progress.by === 'ocr') guarded.extend(limits.ocrSeconds ?? 0)
          try {
            onProgress(message.data.progress)
          } catch (error) {
            reject(error)
          }
        })
      })
      finished.catch(() => {})
      const recordingsToo = options.onRecording !== undefined
      process.send(openTask('read', inspected, { recognizer, recordings: recordingsToo }))
      process.feed(createReadStream(request.path, { end: bytes - 1 })).catch(() => {})
      const end = await Promise.race([finished, guarded.broken]).catch((error: unknown) => gathered.partial(error))
      const images = await pictures.stored()
      await recordings.stored()
      return artifactOf(request, inspected, gathered.segments, end, images)
    } finally {
      guarded.release()
      ended.abort()
      const ms = Math.round(performance.now() - startedAt)
      log.debug({ engine: reader.engine, bytes, ms, peakMb: Math.round(guarded.peak() / 1e6) }, 'file read')
      // The next file's process is prepared only now, so that it takes no time from this one.
      processes.warm()
      await slot.release()
    }
  }

  /** The text comes from the converted file; the type stays that of the original. */
  async function readConverted(
    request: ReadRequest,
    inspected: InspectedFile,
    options: ReadOptions,
  ): Promise<Artifact> {
    const { name, reader, sniffed, limits } = inspected
    const to = reader.convert ?? 'docx'
    await using converted = await office.convert(
      { path: inspected.path, name, to, from: reader.from },
      limits,
      options.signal,
    )
    const again = await look({ path: converted.path, name: `${name}.${to}`, mediaType: '' })
    const artifact = await read({ ...request, path: converted.path }, { ...again, name }, options)
    const problems = [...(sniffed.problem === undefined ? [] : [sniffed.problem]), ...artifact.problems]
    return { ...artifact, engine: reader.engine, mediaType: sniffed.mediaType, problems }
  }

  return {
    async read(request, options) {
      options.signal.throwIfAborted()
      const inspected = await look(request)
      if (isSmallText(inspected)) return readHere(request, inspected, options)
      return inspected.reader.convert === undefined
        ? read(request, inspected, options)
        : readConverted(request, inspected, options)
    },
    async identify(request) {
      const inspected = await look(request)
      if (!isSmallText(inspected)) processes.warm()
      return { engine: inspected.reader.engine, mediaType: inspected.sniffed.mediaType, elsewhere: false }
    },
    render: renderer.render,
    async close() {
      renderer.close()
      await processes.close()
    },
  }
}

function artifactOf(
  { contentHash }: ReadRequest,
  { reader, sniffed }: InspectedFile,
  segments: Segment[],
  end: End,
  images: Picture[] = [],
): Artifact {
  return {
    contentHash,
    engine: reader.engine,
    mediaType: sniffed.mediaType,
    segments,
    images: images.length > 0 ? images : undefined,
    pages: end.pages,
    page: end.page,
    tokens: segments.reduce((sum, { tokens }) => sum + tokens, 0),
    truncated: end.truncated,
    problems: [...(sniffed.problem === undefined ? [] : [sniffed.problem]), ...end.problems],
  }
}
