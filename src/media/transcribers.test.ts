/** Both dialects of transcription against a server of this machine. */
import { describe, expect, it, vi } from 'vitest'
import {
  type ReceivedRequest,
  startTranscriber,
  type Transcribed,
  type TranscriberOptions,
} from '../../test/servers/transcriber.ts'
import { silentLog } from '../core/log.ts'
import { createAsrTranscriber } from './providers/transcribe-asr.ts'
import { createOpenAiTranscriber } from './providers/transcribe-openai.ts'
import { type TranscriberRig, transcriberContract } from './transcriber.contract.ts'
import type { Transcriber } from './transcriber.ts'

async function rig(create: (urls: { url: string; asrUrl: string }) => Transcriber): Promise<TranscriberRig> {
  let segments: Transcribed['segments'] = []
  let statuses: number[] = []
  let hanging = false
  const server = await startTranscriber({
    async transcribe() {
      if (hanging) await new Promise(() => {})
      return { segments, language: 'english', duration: 4 }
    },
    fail() {
      const status = statuses.shift()
      return status === undefined ? undefined : { status }
    },
  })
  return {
    transcriber: create(server),
    says: (next) => {
      segments = next
    },
    fails: (...next) => {
      statuses = next
    },
    hangs: () => {
      hanging = true
    },
    requestCount: () => server.asked.length,
    goes: server.close,
    close: server.close,
  }
}

const openai = (baseUrl: string, more: { apiKey?: string } = {}) =>
  createOpenAiTranscriber({ baseUrl, model: 'whisper-1', backoffMs: 5, log: silentLog, ...more })

transcriberContract('OpenAI', () => rig(({ url }) => openai(url)))
transcriberContract('whisper-asr-webservice', () =>
  rig(({ asrUrl }) => createAsrTranscriber({ url: asrUrl, backoffMs: 5 })),
)

describe('the OpenAI dialect', () => {
  const signal = new AbortController().signal
  const recording = {
    bytes: new Uint8Array([1, 2, 3]),
    name: 'recording.ogg',
    mediaType: 'audio/ogg',
    durationMs: 4_000,
  }
  const hello = { segments: [{ text: 'Hello there.', start: 0, end: 1 }] }

  it.for([undefined, 'configured-key'])('sends nothing of the environment or the machine (key: %s)', async (apiKey) => {
    vi.stubEnv('OPENAI_API_KEY', 'planted-key')
    vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'x-planted: planted-header')
    vi.stubEnv('OPENAI_ORG_ID', 'planted-organisation')
    const sent = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json({ text: 'Hello there.' }))
    try {
      await openai('http://hears.test/v1', apiKey === undefined ? {} : { apiKey }).transcribe(recording, { signal })
      const headers = sent.mock.calls.flatMap(([, init]) =>
        [...new Headers(init?.headers)].map((each) => each.join(': ')),
      )
      expect(sent).toHaveBeenCalled()
      expect(headers.join('\n')).not.toMatch(/planted|stainless/)
      expect(headers.some((header) => header === 'authorization: Bearer configured-key')).toBe(apiKey !== undefined)
    } finally {
      vi.unstubAllEnvs()
      vi.restoreAllMocks()
    }
  })
  const serve = (options: Partial<TranscriberOptions> = {}) =>
    startTranscriber({ transcribe: async () => hello, ...options })

  it('a model without times is asked for plain text, from then on at once', async () => {
    const server = await serve({ refuseVerbose: true })
    const transcriber = openai(server.url)
    const whole = { segments: [{ text: 'Hello there.', fromMs: 0, toMs: 4_000 }] }
    expect(await transcriber.transcribe(recording, { signal })).toEqual(whole)
    expect(await transcriber.transcribe(recording, { signal })).toEqual(whole)
    const formats = server.asked.map(({ fields }) => fields.response_format)
    expect(formats).toEqual(['verbose_json', 'json', 'json'])
    await server.close()
  })

  it('sends the file under its container name, and the key only where one is set', async () => {
    const server = await serve()
    await openai(server.url).transcribe(recording, { signal })
    await openai(server.url, { apiKey: 'sk-hush' }).transcribe(recording, { signal, language: 'de' })
    expect(server.asked).toMatchObject([
      {
        name: 'recording.ogg',
        mediaType: 'audio/ogg',
        bytes: 3,
        fields: { model: 'whisper-1' },
        authorization: undefined,
      },
      { fields: { language: 'de' }, authorization: 'Bearer sk-hush' },
    ] satisfies Partial<ReceivedRequest>[])
    await server.close()
  })

  it('words invented in silence are left out', async () => {
    const imagined = { text: 'Thanks for watching!', start: 2, end: 4, no_speech_prob: 0.95, avg_logprob: -1.4 }
    const server = await serve({ transcribe: async () => ({ segments: [...hello.segments, imagined] }) })
    expect((await openai(server.url).transcribe(recording, { signal })).segments).toHaveLength(1)
    await server.close()
  })
})
