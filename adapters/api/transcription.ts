/** `/v1/audio/transcriptions`: the recording is a file of a turn, read like every other, and its transcript is the answer. */
import { z } from 'zod'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Transcript } from '../../src/core/reply.ts'
import { routedNames } from '../../src/core/route-decision.ts'
import { apiErrors, apiFileErrors, apiInstead } from '../../src/wording/api.ts'
import type { Answering } from './answering.ts'
import { limits } from './chat-request.ts'
import type { Dialect } from './dialect.ts'
import { ApiFailure } from './failure.ts'
import { keyOf } from './normalize.ts'
import { type Asked, digestOf, ignoredIn, invalid, type Refused, refuse } from './program-request.ts'
import { fileName } from './sent-files.ts'

export const transcriptFormats = ['json', 'text', 'srt', 'verbose_json', 'vtt'] as const

const TranscriptionRequest = z.object({
  model: z.string().min(1).max(200),
  response_format: z.enum(transcriptFormats).optional(),
})

const refused: Refused = {
  stream: { unless: (value) => value === 'false', instead: apiInstead.streamedTranscript },
  timestamp_granularities: { unless: (value) => value === 'segment', instead: apiInstead.words },
  chunking_strategy: { unless: (value) => value === 'auto', instead: apiInstead.chunks },
}
/** What Parley's own transcriber decides. */
const known = { file: true, 'timestamp_granularities[]': true }

interface AskedTranscript extends Asked {
  format: (typeof transcriptFormats)[number]
}

export function transcriptionRoute({ transcriber }: { transcriber: string | undefined }, answering: Answering): Route {
  async function transcribe(context: HttpContext): Promise<undefined> {
    const form = await formIn(context)
    const fields = Object.fromEntries([...form].filter(([name]) => name !== 'file'))
    const granularities = form.getAll('timestamp_granularities[]')
    refuse({ ...fields, timestamp_granularities: granularities.find((each) => each !== 'segment') }, refused)
    const parsed = TranscriptionRequest.safeParse(fields)
    if (!parsed.success) throw invalid(parsed.error.issues[0])
    const { model, response_format: format = 'json' } = parsed.data
    if (![...routedNames, 'whisper-1', transcriber].includes(model))
      throw new ApiFailure(404, apiErrors.transcriberUnknown(model, transcriber), {
        param: 'model',
        code: 'model_not_found',
      })
    const file = form.get('file')
    if (!(file instanceof File)) throw new ApiFailure(400, apiFileErrors.recordingMissing, { param: 'file' })
    const data = Buffer.from(await file.arrayBuffer())
    const mediaType = file.type.split(';')[0] || 'application/octet-stream'
    const asked: AskedTranscript = {
      format,
      model: 'parley',
      stream: false,
      choices: 1,
      text: '',
      instructions: undefined,
      history: [],
      after: [],
      files: [{ name: fileName(file.name, mediaType, 0), mediaType, data, voiceNote: false }],
      overrides: {},
      program: { task: 'transcript' },
      route: undefined,
      truncation: undefined,
      ignored: ignoredIn(fields, [TranscriptionRequest.shape, refused, known], {}),
      digest: digestOf({ fields, bytes: data.toString('base64') }),
    }
    await answering.answer(dialect, asked, keyOf(context), context)
    return undefined
  }

  return {
    method: 'POST',
    path: '/v1/audio/transcriptions',
    access: ['key:ask'],
    body: { maxBytes: limits.bodyBytes },
    handle: transcribe,
  }
}

async function formIn(context: HttpContext): Promise<FormData> {
  const type = context.req.header('content-type') ?? ''
  if (!/^multipart\/form-data\b/i.test(type)) throw new ApiFailure(400, apiErrors.noForm)
  try {
    return await new Response(new Uint8Array(context.get('body')), { headers: { 'content-type': type } }).formData()
  } catch {
    throw new ApiFailure(400, apiErrors.noForm)
  }
}

/** It is one body, and never a stream. */
const dialect: Dialect<AskedTranscript> = {
  read() {
    throw new Error('a recording comes as a form')
  },
  idOf: (id) => id,
  whole(_about, { format }, [answer]) {
    const { text = '', receipt } = answer?.ended ?? {}
    const { segments = [], language = '', durationMs = 0 } = receipt?.transcript ?? {}
    const seconds = durationMs / 1000
    const usage = { type: 'duration' as const, seconds: Math.ceil(seconds) }
    const notices = receipt?.notices ?? []
    const parley = notices.length === 0 ? undefined : { notices }
    if (format === 'text') return `${text}\n`
    if (format === 'srt') return subtitles(segments, ',', true)
    if (format === 'vtt') return `WEBVTT\n\n${subtitles(segments, '.', false)}`
    if (format === 'json') return { text, usage, parley }
    return {
      task: 'transcribe',
      language,
      duration: seconds,
      text,
      segments: segments.map(({ text: said, fromMs, toMs }, id) => ({
        id,
        start: fromMs / 1000,
        end: toMs / 1000,
        text: said,
        // What only the model's own decoder knows is not known here.
        ...{ seek: 0, tokens: [], temperature: 0, avg_logprob: 0, compression_ratio: 0, no_speech_prob: 0 },
      })),
      usage,
      parley,
    }
  },
  stream() {
    throw new Error('a transcript is no stream')
  },
}

function subtitles(segments: Transcript['segments'], point: string, numbered: boolean): string {
  return segments
    .map(({ text, fromMs, toMs }, at) => {
      // A blank line or an arrow in the text would end the block or begin another.
      const said = text
        .replaceAll(/\s*\n\s*/g, ' ')
        .replaceAll('-->', '->')
        .trim()
      return `${numbered ? `${at + 1}\n` : ''}${time(fromMs, point)} --> ${time(toMs, point)}\n${said}\n`
    })
    .join('\n')
}

function time(ms: number, point: string): string {
  const pad = (value: number, width = 2) => String(Math.floor(value)).padStart(width, '0')
  return `${pad(ms / 3_600_000)}:${pad((ms / 60_000) % 60)}:${pad((ms / 1000) % 60)}${point}${pad(ms % 1000, 3)}`
}
