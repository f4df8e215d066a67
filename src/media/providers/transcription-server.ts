/** What all transcription servers share: Whisper's JSON, parsed into the types of the port, and failures as Parley's codes. */
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { retry } from '../../core/retry.ts'
import { recordingWording } from '../../wording/recordings.ts'
import type { TranscribedSegment, Transcription } from '../transcriber.ts'

export const Transcript = z.object({
  text: z.string().nullish(),
  language: z.string().nullish().catch(undefined),
  duration: z.coerce.number().nonnegative().nullish().catch(undefined),
  segments: z
    .array(
      z.object({
        text: z.string(),
        start: z.number().nonnegative(),
        end: z.number().nonnegative(),
        no_speech_prob: z.number().nullish().catch(undefined),
        avg_logprob: z.number().nullish().catch(undefined),
      }),
    )
    .nullish(),
  /** Reported by OpenAI's models that charge by token. */
  usage: z
    .object({
      input_tokens: z.int().nonnegative(),
      output_tokens: z.int().nonnegative(),
      input_token_details: z.object({ audio_tokens: z.int().nonnegative() }).nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
})

/** `durationMs`: of the recording, for a server that reports no times. */
export function transcriptionOf(transcript: z.infer<typeof Transcript>, durationMs: number | undefined): Transcription {
  const { text, segments, duration, usage } = transcript
  const language = languageCode(transcript.language)
  const ms = duration === null || duration === undefined ? undefined : Math.round(duration * 1000)
  const spoken = text?.trim() ?? ''
  const whole: TranscribedSegment[] = spoken === '' ? [] : [{ text: spoken, fromMs: 0, toMs: ms ?? durationMs ?? 0 }]
  const timed = segments?.filter((segment) => !imagined(segment)) ?? []
  return {
    segments:
      segments !== null && segments !== undefined && segments.length > 0
        ? timed.map(({ text, start, end }) => ({
            text: text.trim(),
            fromMs: Math.round(start * 1000),
            toMs: Math.round(Math.max(start, end) * 1000),
          }))
        : whole,
    language,
    durationMs: ms !== undefined && ms > 0 ? ms : undefined,
    tokens: usage
      ? {
          input: usage.input_tokens,
          audio: usage.input_token_details?.audio_tokens ?? usage.input_tokens,
          output: usage.output_tokens,
        }
      : undefined,
  }
}

/** Whisper's own rule for words invented in silence. */
function imagined({
  no_speech_prob: noSpeech,
  avg_logprob: likely,
}: {
  no_speech_prob?: number | null | undefined
  avg_logprob?: number | null | undefined
}): boolean {
  return (noSpeech ?? 0) > 0.6 && (likely ?? 0) < -1
}

const codes = (
  'af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jv ' +
  'ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su ' +
  'sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh'
).split(' ')

let byName: Map<string, string> | undefined

/** Some servers return `en`, others `english`. */
function languageCode(reported: string | null | undefined): string | undefined {
  const name = reported?.trim().toLowerCase() ?? ''
  if (/^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/.test(name) && codes.includes(name.split('-')[0] ?? '')) return name
  const names = new Intl.DisplayNames('en', { type: 'language' })
  byName ??= new Map(codes.map((code) => [names.of(code)?.toLowerCase() ?? code, code]))
  return byName.get(name)
}

export interface ServerFailure {
  /** Absent if there was no answer. */
  status?: number
  headers?: Headers
  cause?: unknown
}

const maxTries = 3
/** If a server asks for a longer pause, there is no retry. */
const maxPauseMs = 30_000

/** Nothing the server said reaches `userMessage`. */
export function transcriberError({ status, headers, cause: thrown }: ServerFailure): ParleyError {
  const found = thrown instanceof Error ? thrown : new Error(`status ${status}`)
  const cause = status === undefined ? thrown : Object.assign(found, { status })
  if (status === undefined || status >= 500 || status === 408) {
    return new ParleyError('transcriber_unreachable', recordingWording.serverUnreachable, { cause })
  }
  if (status === 429) {
    const seconds = Number(headers?.get('retry-after') ?? Number.NaN)
    return new ParleyError('transcriber_busy', recordingWording.serverBusy, {
      cause,
      retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
    })
  }
  if (status === 401 || status === 402 || status === 403) {
    return new ParleyError('transcriber_refused_key', recordingWording.serverRefusedKey, { cause })
  }
  return new ParleyError('transcriber_rejected', recordingWording.serverRejected(status), { cause })
}

/** Retries temporary failures. `ask` throws a ParleyError, or the signal's reason on abort. */
export async function patiently<T>(signal: AbortSignal, backoffMs: number, ask: () => Promise<T>): Promise<T> {
  return await retry(ask, {
    delays: { firstMs: backoffMs, mostMs: maxPauseMs },
    tries: maxTries,
    longestAskedMs: maxPauseMs,
    signal,
    on: (error) => error instanceof ParleyError && error.retry !== 'never',
    asked: (error) => (error instanceof ParleyError ? error.retryAfterMs : undefined),
  })
}
