/**
 * `POST /v1/audio/transcriptions`, the dialect that OpenAI, Speaches (faster-whisper-server), vLLM and Groq share. Times come
 * with `verbose_json`; if a server or model does not support it, this and later requests use plain `json`.
 */
import { APIError, APIUserAbortError, OpenAI } from 'openai'
import type { Log } from '../../core/log.ts'
import { omitUndefined } from '../../core/omit-undefined.ts'
import { recordingWording } from '../../wording/recordings.ts'
import type { Transcriber } from '../transcriber.ts'
import { patiently, Transcript, transcriberError, transcriptionOf } from './transcription-server.ts'

export interface OpenAiTranscriberOptions {
  /** With its version, e.g. `http://localhost:8000/v1`. */
  baseUrl: string
  model: string
  apiKey?: string
  /** For one piece of a recording. */
  timeoutMs?: number
  backoffMs?: number
  log: Log
}

/** OpenAI's limit, which the others share. */
const maxBytes = 25_000_000
const accepts = new Set([
  'audio/mpeg',
  'audio/wav',
  'audio/flac',
  'audio/ogg',
  'audio/mp4',
  'audio/webm',
  'video/mp4',
  'video/webm',
])

export function createOpenAiTranscriber(options: OpenAiTranscriberOptions): Transcriber {
  const { baseUrl, model, apiKey, log, timeoutMs = 600_000, backoffMs = 1_000 } = options
  let format: 'verbose_json' | 'json' = 'verbose_json'
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey: apiKey ?? 'none',
    // Set everything that the SDK would otherwise read from the environment.
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: timeoutMs,
    fetch: (input, init) => fetch(input, { ...init, headers: headersOf(init?.headers, apiKey) }),
  })

  async function ask(file: File, language: string | undefined, signal: AbortSignal): Promise<unknown> {
    const used = format
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const body = omitUndefined({ file, model, language })
    try {
      return await client.audio.transcriptions.create({ ...body, response_format: used }, { signal: limited })
    } catch (thrown) {
      signal.throwIfAborted()
      if (used === 'json' || !(thrown instanceof APIError) || !(thrown.status === 400 || thrown.status === 422))
        throw failure(thrown)
      const plain = await client.audio.transcriptions
        .create({ ...body, response_format: 'json' }, { signal: limited })
        .catch((error: unknown) => {
          signal.throwIfAborted()
          throw failure(error)
        })
      format = 'json'
      log.info({ model }, 'transcription server reports no times')
      return plain
    }
  }

  return {
    name: model,
    accepts,
    maxBytes,
    async transcribe({ bytes, name, mediaType, durationMs }, { signal, language, each = (once) => once() }) {
      const file = new File([bytes], name, { type: mediaType })
      const once = async () => {
        const answer = await ask(file, language, signal)
        const transcript = Transcript.safeParse(typeof answer === 'string' ? { text: answer } : answer)
        if (!transcript.success) throw transcriberError({ status: 200, cause: transcript.error })
        return transcriptionOf(transcript.data, durationMs)
      }
      return await patiently(signal, backoffMs, () => each(once))
    },
    async check(signal) {
      const where = new URL(baseUrl).host
      try {
        const { data } = await client.models.list({ signal })
        const known = data.some(({ id }) => id === model)
        return known || data.length === 0
          ? recordingWording.server(model, where)
          : recordingWording.serverWithoutModel(model, where)
      } catch (thrown) {
        // Not every transcription server lists its models; any answer means that it is there.
        if (
          thrown instanceof APIError &&
          thrown.status !== undefined &&
          ![401, 403].includes(thrown.status) &&
          thrown.status < 500
        )
          return recordingWording.server(model, where)
        throw failure(thrown)
      }
    },
  }
}

/** The SDK adds headers from the environment and about the machine, so only those the API needs are sent. */
function headersOf(given: HeadersInit | undefined, apiKey: string | undefined): Headers {
  const headers = new Headers(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` })
  for (const [name, value] of new Headers(given)) if (/^(?:accept|content-type)$/.test(name)) headers.set(name, value)
  return headers
}

function failure(thrown: unknown) {
  if (thrown instanceof APIUserAbortError) return transcriberError({ cause: thrown })
  if (!(thrown instanceof APIError) || thrown.status === undefined) return transcriberError({ cause: thrown })
  // A server's message may repeat what was said in the recording.
  const cause = new Error(`${thrown.status} ${thrown.code ?? ''}`)
  return transcriberError({ status: thrown.status, headers: thrown.headers, cause })
}
