/** whisper-asr-webservice: `POST /asr?output=json&task=transcribe`. The server decodes any container with its own ffmpeg. */

import { recordingWording } from '../../wording/recordings.ts'
import type { Transcriber } from '../transcriber.ts'
import { patiently, Transcript, transcriberError, transcriptionOf } from './transcription-server.ts'

export interface AsrTranscriberOptions {
  /** With its path, e.g. `http://localhost:9000/asr`. */
  url: string
  apiKey?: string
  timeoutMs?: number
  backoffMs?: number
}

const maxBytes = 100_000_000
const accepts = new Set(
  ['mpeg', 'wav', 'flac', 'ogg', 'mp4', 'webm', 'aac', 'amr', 'aiff'].map((each) => `audio/${each}`),
)

export function createAsrTranscriber(options: AsrTranscriberOptions): Transcriber {
  const { url, apiKey, timeoutMs = 600_000, backoffMs = 1_000 } = options
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }

  async function send(address: URL, init: RequestInit, signal: AbortSignal): Promise<unknown> {
    let response: Response
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      response = await fetch(address, { ...init, headers, signal: limited, redirect: 'error' })
      if (response.ok) return await response.json()
    } catch (cause) {
      signal.throwIfAborted()
      throw transcriberError({ cause })
    }
    await response.body?.cancel()
    throw transcriberError({ status: response.status, headers: response.headers })
  }

  return {
    name: 'whisper-asr',
    accepts,
    maxBytes,
    async transcribe({ bytes, name, mediaType, durationMs }, { signal, language, each = (once) => once() }) {
      const address = new URL(url)
      for (const [key, value] of Object.entries({ output: 'json', task: 'transcribe', encode: 'true', language }))
        if (value !== undefined) address.searchParams.set(key, value)
      const once = async () => {
        const body = new FormData()
        body.set('audio_file', new File([bytes], name, { type: mediaType }))
        const transcript = Transcript.safeParse(await send(address, { method: 'POST', body }, signal))
        if (!transcript.success) throw transcriberError({ status: 200, cause: transcript.error })
        return transcriptionOf(transcript.data, durationMs)
      }
      return await patiently(signal, backoffMs, () => each(once))
    },
    async check(signal) {
      const address = new URL(url)
      await fetch(new URL('/', address), { headers, signal }).catch((cause: unknown) => {
        throw transcriberError({ cause })
      })
      return recordingWording.server('whisper-asr-webservice', address.host)
    },
  }
}
