/**
 * Transcribes a recording. Formats that the transcriber accepts are sent unchanged. Anything else is decoded by
 * ffmpeg and cut at quiet moments into overlapping pieces, which are transcribed in parallel and joined.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Problem } from '../core/artifact.ts'
import { asParleyError } from '../core/errors.ts'
import type { Semaphore } from '../core/semaphore.ts'
import { recordingWording } from '../wording/recordings.ts'
import type { Limits } from './limits.ts'
import { type CutPlan, cutIntoPieces, defaultPlan, isSilent, type Piece, sampleRate, toWav } from './pcm.ts'
import { damaged, type Ffmpeg, type FfmpegInput } from './providers/ffmpeg.ts'
import type { PartStore } from './reader.ts'
import { type RecordingType, recordings } from './recordings.ts'
import { joinSpeech, type TranscribedPiece } from './speech.ts'
import type { TranscribedSegment, Transcriber, Transcription } from './transcriber.ts'

export interface TranscribeRecordingDeps {
  ffmpeg: Ffmpeg
  transcriber: Transcriber
  /** Limits requests to the server, for all recordings of this process. */
  semaphore: Semaphore
  plan?: CutPlan
}

export interface RecordingInput extends FfmpegInput {
  bytes: number
  mediaType: RecordingType
  /** Whether the file can be sent unchanged, without ffmpeg. */
  sendUnchanged: boolean
  /** How long it should be. */
  expectedMs: number | undefined
}

export interface TranscribeRecordingOptions {
  signal: AbortSignal
  limits: Limits
  parts?: PartStore | undefined
  /** Milliseconds transcribed so far. */
  onTranscribed(ms: number): void
}

export interface TranscribedRecording {
  segments: TranscribedSegment[]
  language?: string | undefined
  /** The length that could be decoded. */
  durationMs?: number
  /** A sentence about what a limit or a failure left out. */
  truncated?: string
  problems: Problem[]
}

/** Pieces of one recording on their way at once; each is up to 10 MB. */
const piecesAtOnce = 3

export function canSendUnchanged(
  { accepts, maxBytes }: Transcriber,
  { mediaType, bytes, durationMs }: { mediaType: string; bytes: number; durationMs: number | undefined },
  plan: CutPlan = defaultPlan,
): boolean {
  return accepts.has(mediaType) && bytes <= maxBytes && (durationMs ?? 0) <= plan.pieceMs * 2
}

/** Throws `transcriber_*`, `ffmpeg_missing` or `file_*` when nothing was transcribed, and the signal's reason on abort. */
export async function transcribeRecording(
  deps: TranscribeRecordingDeps,
  input: RecordingInput,
  options: TranscribeRecordingOptions,
): Promise<TranscribedRecording> {
  const { sendUnchanged, name, expectedMs } = input
  const mostMs = (options.limits.minutes ?? Number.POSITIVE_INFINITY) * 60_000
  const transcribed = await (sendUnchanged
    ? transcribeWhole(deps, input, options)
    : transcribePieces(deps, input, mostMs, options))
  const { durationMs } = transcribed
  const expected = Math.min(expectedMs ?? 0, mostMs)
  if (transcribed.truncated !== undefined || durationMs === undefined) return transcribed
  if (missing(durationMs, expected) === 0) {
    if ((expectedMs ?? durationMs) <= mostMs + roundingMs) return transcribed
    const truncated = recordingWording.timeLimit(name, mostMs, expectedMs ?? 0)
    // Decoders end a few samples before the limit.
    return { ...transcribed, durationMs: Math.max(durationMs, mostMs), truncated }
  }
  return { ...transcribed, problems: [...transcribed.problems, cutOff(name, { durationMs, expectedMs: expected })] }
}

/** Containers and servers round lengths. */
const roundingMs = 1_500

/** How much shorter than expected something is; 0 within what is rounded. */
function missing(durationMs: number | undefined, expectedMs: number): number {
  const lacking = expectedMs - (durationMs ?? expectedMs)
  return lacking > Math.max(roundingMs, expectedMs * 0.03) ? lacking : 0
}

export function cutOff(name: string, times?: { durationMs: number; expectedMs: number }): Problem {
  const userMessage =
    times === undefined ? recordingWording.incomplete(name) : recordingWording.shorterThanExpected(name, times)
  return { code: 'recording_cut_off', userMessage }
}

async function transcribeWhole(
  { transcriber, semaphore }: TranscribeRecordingDeps,
  { path, mediaType, expectedMs }: RecordingInput,
  { signal, onTranscribed }: TranscribeRecordingOptions,
): Promise<TranscribedRecording> {
  const transcription = await semaphore.run(signal, async () => {
    const bytes = new Uint8Array(await readFile(path, { signal }))
    const recording = { bytes, name: `recording.${recordings[mediaType].extension}`, mediaType }
    return transcriber.transcribe({ ...recording, durationMs: expectedMs }, { signal })
  })
  onTranscribed(transcription.durationMs ?? expectedMs ?? 0)
  return { ...transcription, problems: [] }
}

async function transcribePieces(
  deps: TranscribeRecordingDeps,
  input: RecordingInput,
  mostMs: number,
  { signal, limits, parts, onTranscribed }: TranscribeRecordingOptions,
): Promise<TranscribedRecording> {
  const known = (await parts?.load()) ?? new Map<string, Transcription>()
  const args = ['-vn', '-sn', '-dn', '-map', '0:a:0', '-ac', '1', '-ar', String(sampleRate)]
  const limit = Number.isFinite(mostMs) ? ['-t', String(mostMs / 1000)] : []
  const failing = new AbortController()
  const asking = AbortSignal.any([signal, failing.signal])
  const results: Promise<PieceResult>[] = []
  let transcribedMs = 0
  /** What the server left out of the pieces. */
  let unheardMs = 0
  let decodedMs = 0

  async function transcribe(piece: Piece): Promise<PieceResult> {
    const { fromMs, toMs, cutMs } = piece
    const result = { fromMs, toMs, cutMs }
    try {
      const transcription: Transcription = isSilent(piece.samples) ? { segments: [] } : await transcribeOnce(piece)
      unheardMs += missing(transcription.durationMs, toMs - fromMs)
      transcribedMs += cutMs - fromMs
      onTranscribed(Math.min(transcribedMs, decodedMs))
      const segments = transcription.segments.map((each) => ({
        ...each,
        fromMs: Math.min(each.fromMs + fromMs, toMs),
        toMs: Math.min(each.toMs + fromMs, toMs),
      }))
      return { ...result, segments, language: transcription.language }
    } catch (error) {
      failing.abort(error)
      return { ...result, segments: [], error }
    }
  }

  /** A piece that an earlier attempt transcribed is not transcribed again. */
  async function transcribeOnce(piece: Piece): Promise<Transcription> {
    const part = createHash('sha256').update(piece.samples).digest('hex')
    const before = known.get(part)
    if (before !== undefined) return before
    const transcription = await transcribePiece(deps, piece, asking)
    await parts?.save(part, transcription)
    return transcription
  }

  const task = { args: [...args, ...limit, '-f', 's16le', 'pipe:1'] }
  let stopped: unknown
  const complete = await deps.ffmpeg
    .run(input, task, { signal, limits }, async ({ output, ended, kill }) => {
      const open = new Set<Promise<PieceResult>>()
      for await (const piece of cutIntoPieces(flowing(output, kill), deps.plan)) {
        if (failing.signal.aborted) break
        decodedMs = piece.toMs
        const result = transcribe(piece)
        results.push(result)
        open.add(result)
        void result.finally(() => open.delete(result))
        // ffmpeg waits while enough pieces are being transcribed.
        while (open.size >= piecesAtOnce) await Promise.race(open)
      }
      return failing.signal.aborted || (await ended).complete
    })
    .catch((error: unknown) => {
      if (signal.aborted || results.length === 0) throw error
      stopped = error
      return true
    })
  const transcription = await Promise.all(results)
  signal.throwIfAborted()
  if (transcription.length === 0) throw damaged(input.name)
  return joined(transcription, { input, complete, decodedMs, unheardMs, stopped })
}

/** A decoder that produces nothing for this long is taken to be stuck. */
const stallMs = 60_000

async function* flowing(output: AsyncIterable<Uint8Array>, kill: () => unknown): AsyncGenerator<Uint8Array> {
  let timer = setTimeout(kill, stallMs)
  try {
    for await (const chunk of output) {
      clearTimeout(timer)
      yield chunk
      timer = setTimeout(kill, stallMs)
    }
  } finally {
    clearTimeout(timer)
  }
}

interface PieceResult extends TranscribedPiece {
  language?: string | undefined
  error?: unknown
}

async function transcribePiece(
  { transcriber, semaphore }: TranscribeRecordingDeps,
  piece: Piece,
  signal: AbortSignal,
): Promise<Transcription> {
  const recording = { bytes: toWav(piece.samples), name: `piece-${piece.index + 1}.wav`, mediaType: 'audio/wav' }
  const durationMs = piece.toMs - piece.fromMs
  return semaphore.run(signal, () => transcriber.transcribe({ ...recording, durationMs }, { signal }))
}

function joined(
  results: PieceResult[],
  {
    input,
    complete,
    decodedMs,
    unheardMs,
    stopped,
  }: { input: RecordingInput; complete: boolean; decodedMs: number; unheardMs: number; stopped: unknown },
): TranscribedRecording {
  const failed = results.findIndex(({ error }) => error !== undefined)
  const usable = failed < 0 ? results : results.slice(0, failed)
  const last = usable.at(-1)
  const failure = results[failed]?.error ?? stopped
  if (last === undefined) throw failure
  const languages = usable.flatMap(({ language }) => (language === undefined ? [] : [language]))
  const language = mostFrequent(languages)
  const transcribed = {
    segments: joinSpeech(usable),
    language,
    durationMs: decodedMs,
    problems: complete ? [] : [cutOff(input.name)],
  }
  if (unheardMs > 0) {
    const userMessage = recordingWording.serverLeftOut(input.name, decodedMs - unheardMs, decodedMs)
    transcribed.problems.push({ code: 'transcript_incomplete', userMessage })
  }
  if (failure === undefined) return transcribed
  const { code, userMessage } = asParleyError(failure)
  const truncated = recordingWording.brokeOff(input.name, last.cutMs, input.expectedMs)
  return { ...transcribed, durationMs: last.cutMs, truncated, problems: [{ code, userMessage }] }
}

function mostFrequent(values: string[]): string | undefined {
  const counts = Map.groupBy(values, (value) => value)
  return [...counts].toSorted(([, a], [, b]) => b.length - a.length)[0]?.[0]
}
