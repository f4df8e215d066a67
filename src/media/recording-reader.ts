/**
 * Reads recordings: sound becomes a transcript with times, and a video also gives key
 * frames. No reading process is needed, because ffmpeg is an isolated process and the transcriber a server.
 */
import { open } from 'node:fs/promises'
import type { Artifact, Picture, Problem } from '../core/artifact.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import { createSemaphore } from '../core/semaphore.ts'
import { fileWording } from '../wording/files.ts'
import { recordingWording } from '../wording/recordings.ts'
import { announcedBy } from './formats.ts'
import { keyFrames } from './frames.ts'
import { addRecordings, createInnerRecordings } from './inner-recordings.ts'
import { type LimitOverrides, type Limits, limitsFor } from './limits.ts'
import type { CutPlan } from './pcm.ts'
import type { Ffmpeg, Probe } from './providers/ffmpeg.ts'
import type { PageRenderer, Reader, ReadOptions, ReadRequest } from './reader.ts'
import {
  endsInsideOggPage,
  type RecordingFormat,
  type RecordingType,
  recordings,
  recordingType,
  withoutVideo,
} from './recordings.ts'
import { type Sniffed, sampleBytes, sniff } from './sniff.ts'
import { speechSegments } from './speech.ts'
import { canSendUnchanged, cutOff, type TranscribedRecording, transcribeRecording } from './transcribe-recording.ts'
import { type Transcriber, withPaying } from './transcriber.ts'

export interface RecordingDeps {
  ffmpeg: Ffmpeg
  /** Absent: only the platform's own transcript can be used. */
  transcriber?: Transcriber
  limits?: LimitOverrides
  plan?: CutPlan
}

interface InspectedFile {
  request: ReadRequest
  bytes: number
  type: RecordingType
  format: RecordingFormat
  limits: Limits
  problems: Problem[]
}

/** Requests to the transcription server at once, for all recordings together. */
const transcribedAtOnce = 4

/** Extends `files` to read recordings too. */
export function withRecordings(files: Reader & PageRenderer, deps: RecordingDeps): Reader & PageRenderer {
  const semaphore = createSemaphore(transcribedAtOnce)
  const engineFor = ({ transcript }: ReadRequest) =>
    `recording-1/${deps.transcriber?.name ?? (transcript === undefined ? 'unheard' : 'platform')}`

  async function read(inspected: InspectedFile, options: ReadOptions): Promise<Artifact> {
    const { request, limits } = inspected
    const problems = [...inspected.problems]
    const input = { path: request.path, name: request.name, format: inspected.format }
    const probe = await probeOf(inspected, options)
    if (probe?.audio === false && !probe.video) throw nothingInside(request.name)
    const expectedMs = longest(request.durationMs, probe?.durationMs)
    const soundMs = probe?.video === true ? (probe.soundMs ?? expectedMs) : expectedMs
    const of = Math.round((expectedMs ?? 0) / 1000)
    options.onProgress({ done: 0, of, unit: 'second' })

    // In parallel, because one waits for the network and the other for the processor.
    const [heard, images] = await Promise.all([
      transcribe(),
      probe?.video === true && options.pictures !== undefined
        ? keyFrames({ ffmpeg: deps.ffmpeg, pictures: options.pictures }, input, {
            signal: options.signal,
            limits,
            durationMs: expectedMs,
          }).catch((error: unknown) => unlessAborted(error, options.signal))
        : undefined,
    ])
    const pictures: Picture[] = Array.isArray(images) ? images : []
    if (images instanceof ParleyError) problems.push({ code: images.code, userMessage: images.userMessage })
    if (probe === undefined && inspected.format.video) problems.push(picturesNeedFfmpeg(request.name))
    if (heard instanceof ParleyError) {
      if (pictures.length === 0) throw heard
      problems.push({ code: heard.code, userMessage: heard.userMessage })
    }
    return artifactOf(inspected, heard instanceof ParleyError ? { segments: [], problems: [] } : heard, {
      problems,
      pictures,
      durationMs: expectedMs,
      engine: engineFor(request),
    })

    async function transcribe(): Promise<TranscribedRecording | ParleyError> {
      if (probe?.audio === false) return { segments: [], problems: [silentVideo(request.name)] }
      try {
        if (deps.transcriber === undefined) throw noTranscriber(request.name)
        const { paying } = options
        const transcriber = paying === undefined ? deps.transcriber : withPaying(deps.transcriber, paying)
        const mediaType = probe?.video === false ? withoutVideo(inspected.type) : inspected.type
        const sendUnchanged =
          probe?.video !== true &&
          (expectedMs ?? 0) <= (limits.minutes ?? Number.POSITIVE_INFINITY) * 60_000 &&
          canSendUnchanged(transcriber, { mediaType, bytes: inspected.bytes, durationMs: expectedMs }, deps.plan)
        return await transcribeRecording(
          { ...deps, transcriber, semaphore },
          { ...input, bytes: inspected.bytes, mediaType, sendUnchanged, expectedMs: soundMs },
          {
            ...options,
            limits,
            onTranscribed: (ms) =>
              options.onProgress({
                done: Math.round(ms / 1000),
                of: Math.max(of, Math.round(ms / 1000)),
                unit: 'second',
              }),
          },
        )
      } catch (error) {
        const failure = await unlessAborted(error, options.signal)
        const { transcript } = request
        if (transcript === undefined || transcript.trim() === '') return failure
        const problem = {
          code: failure.code,
          userMessage: recordingWording.platformTranscript(failure.userMessage),
        }
        const whole = { text: transcript, fromMs: 0, toMs: expectedMs ?? 0 }
        return { segments: [whole], problems: deps.transcriber === undefined ? [] : [problem] }
      }
    }
  }

  /** Undefined if there is no ffmpeg and the file can be read without it. */
  async function probeOf(
    { request, limits, format, type, bytes }: InspectedFile,
    { signal }: ReadOptions,
  ): Promise<Probe | undefined> {
    try {
      return await deps.ffmpeg.probe({ path: request.path, name: request.name, format }, { signal, limits })
    } catch (error) {
      const failure = await unlessAborted(error, signal)
      const known = { mediaType: type, bytes, durationMs: request.durationMs }
      const without =
        deps.transcriber === undefined
          ? request.transcript !== undefined
          : canSendUnchanged(deps.transcriber, known, deps.plan)
      if (failure.code === 'ffmpeg_missing' && without) return undefined
      if (failure.code !== 'ffmpeg_missing') throw failure
      throw deps.transcriber === undefined && !format.video ? noTranscriber(request.name) : failure
    }
  }

  /** A file that may hold recordings, such as an email: they are read after it. */
  async function readOther(request: ReadRequest, options: ReadOptions): Promise<Artifact> {
    await using recordings = createInnerRecordings()
    const artifact = await files.read(request, { ...options, onRecording: recordings.store })
    return addRecordings(artifact, recordings.stored, async (inner) => {
      const inspected = await inspectRecording(inner, deps.limits)
      if (inspected === undefined) throw new ParleyError('file_damaged', recordingWording.nothingInside(inner.name))
      return read(inspected, { ...options, onProgress() {} })
    })
  }

  return {
    async identify(request) {
      const inspected = await inspectRecording(request, deps.limits)
      return inspected === undefined
        ? files.identify(request)
        : {
            engine: engineFor(request),
            mediaType: inspected.type,
            elsewhere: true,
            needsTranscript: deps.transcriber === undefined && request.transcript === undefined,
          }
    },
    async read(request, options) {
      options.signal.throwIfAborted()
      const inspected = await inspectRecording(request, deps.limits)
      return inspected === undefined ? readOther(request, options) : read(inspected, options)
    },
    render: files.render,
    close: files.close,
  }
}

/** Undefined for a file that is not a recording. Throws `file_too_large`. */
async function inspectRecording(
  request: ReadRequest,
  overrides: LimitOverrides | undefined,
): Promise<InspectedFile | undefined> {
  const { name, path } = request
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const { size: bytes } = await file.stat()
    const part = async (from: number) => {
      const { buffer, bytesRead } = await file.read(new Uint8Array(Math.min(bytes, sampleBytes)), 0, undefined, from)
      return buffer.subarray(0, bytesRead)
    }
    const sample = await part(0)
    const sniffed: Sniffed = await sniff(sample, request)
    // An album cover may push the first sound out of the sample.
    const tagged = Buffer.from(sample.subarray(0, 3)).toString('latin1') === 'ID3'
    const type = recordingType(sniffed.mediaType) ?? (tagged ? 'audio/mpeg' : undefined)
    if (type === undefined) return undefined
    const format = recordings[type]
    const limits = limitsFor(format.video ? 'video' : 'audio', overrides)
    if (bytes > limits.bytes) throw new ParleyError('file_too_large', fileWording.limit.size(name, bytes, limits.bytes))
    const announced = announcedBy(name)?.called
    const named = announced === 'a sound recording' || announced === 'a video'
    const torn = format.demuxers === 'ogg' && endsInsideOggPage(await part(Math.max(0, bytes - sampleBytes)))
    const problems = [
      ...(sniffed.problem === undefined || named ? [] : [sniffed.problem]),
      ...(torn ? [cutOff(name)] : []),
    ]
    return { request, bytes, type, format, limits, problems }
  } finally {
    await file.close()
  }
}

async function artifactOf(
  { request, type, limits }: InspectedFile,
  heard: TranscribedRecording,
  rest: { engine: string; pictures: Picture[]; problems: Problem[]; durationMs: number | undefined },
): Promise<Artifact> {
  const { countTokens } = await import('../core/text/count-tokens.ts')
  const { segments, cutAtMs } = speechSegments(heard.segments, limits.characters, countTokens)
  const durationMs = heard.durationMs ?? rest.durationMs
  const full = cutAtMs === undefined ? undefined : recordingWording.textLimit(request.name, cutAtMs, durationMs)
  const truncated = full ?? heard.truncated
  const known = new Set<string>()
  const problems = [...heard.problems, ...rest.problems].filter(({ code }) => !known.has(code) && known.add(code))
  return {
    contentHash: request.contentHash,
    engine: rest.engine,
    mediaType: rest.pictures.length > 0 ? type : withoutVideo(type),
    language: heard.language,
    segments,
    images: rest.pictures.length > 0 ? rest.pictures : undefined,
    durationMs,
    tokens: segments.reduce((sum, { tokens }) => sum + tokens, 0),
    truncated,
    problems,
  }
}

function longest(...values: (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

async function unlessAborted(error: unknown, signal: AbortSignal): Promise<ParleyError> {
  signal.throwIfAborted()
  return asParleyError(error)
}

function noTranscriber(name: string): ParleyError {
  return new ParleyError('transcriber_missing', recordingWording.noTranscriber(name))
}

function nothingInside(name: string): ParleyError {
  return new ParleyError('file_empty', recordingWording.nothingInside(name))
}

function picturesNeedFfmpeg(name: string): Problem {
  return { code: 'ffmpeg_missing', userMessage: recordingWording.picturesNeedFfmpeg(name) }
}

function silentVideo(name: string): Problem {
  return { code: 'no_sound', userMessage: recordingWording.noSound(name) }
}
