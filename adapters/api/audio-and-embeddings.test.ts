/** `/v1/embeddings`, `/v1/audio/transcriptions` and `/v1/models`: what is taken, what is refused by name, and each format of an answer. */
import { type OpenAI, toFile } from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { endAll, type Script, secret, setUp } from '../../test/servers/api-rig.ts'
import { openAiSpec, specMissing } from '../../test/servers/openai-spec.ts'
import type { ProgramEmbeddings } from './embeddings.ts'

afterEach(endAll)

/** A vector that tells the text apart: its length, and the code of its first letter. */
function embeddings(asked: string[][] = []): ProgramEmbeddings {
  return {
    models: async () => ['embed-small', 'embed-large'],
    async embed(_key, { texts }) {
      asked.push([...texts])
      return {
        vectors: texts.map((text) => Float32Array.of(text.length, text.charCodeAt(0) / 128)),
        tokens: texts.length,
      }
    },
  }
}

describe('embeddings', () => {
  async function use(given: ProgramEmbeddings | undefined = embeddings(), active: () => boolean = () => true) {
    const rig = await setUp(() => {}, { deps: { embeddings: given, isActive: async () => active() } })
    const post = (body: object) =>
      fetch(`${rig.url}/v1/embeddings`, {
        method: 'POST',
        headers: { authorization: `Bearer ${secret}` },
        body: JSON.stringify({ model: 'embed-small', input: 'Hi', ...body }),
      })
    return { ...rig, post }
  }

  test('come in the order of the texts, the same as numbers and as base64, in batches', async () => {
    const asked: string[][] = []
    const { client } = await use(embeddings(asked))
    const input = Array.from({ length: 100 }, (_, at) => 'x'.repeat(at + 1))
    const inBase64 = await client.embeddings.create({ model: 'embed-small', input })
    const asNumbers = await client.embeddings.create({ model: 'embed-small', input, encoding_format: 'float' })
    expect(inBase64.data.map(({ index, embedding }) => [index, embedding[0]])).toEqual(
      input.map((text, at) => [at, text.length]),
    )
    expect(asNumbers.data).toEqual(inBase64.data.map((each) => ({ ...each, embedding: [...each.embedding] })))
    expect(inBase64).toMatchObject({
      object: 'list',
      model: 'embed-small',
      usage: { prompt_tokens: 100, total_tokens: 100 },
    })
    expect(asked.map((texts) => texts.length)).toEqual([64, 36, 64, 36])
  })

  test('by `parley` are by the best model of the server', async () => {
    const { client } = await use()
    expect((await client.embeddings.create({ model: 'parley', input: 'Hi' })).model).toBe('embed-small')
  })

  test.skipIf(specMissing !== undefined)(
    `are as OpenAI's own description says (skipped: ${specMissing ?? 'not'})`,
    async () => {
      const { post } = await use()
      expect(openAiSpec('CreateEmbeddingResponse')(await (await post({ encoding_format: 'float' })).json())).toEqual([])
    },
  )

  test.each<[string, object, number, string]>([
    ['another width', { dimensions: 256 }, 400, 'dimensions'],
    ['tokens', { input: [[1, 2, 3]] }, 400, 'input'],
    ['an empty text', { input: ['Hi', ''] }, 400, 'input'],
    ['no text', { input: [] }, 400, 'input'],
    ['another format', { encoding_format: 'int8' }, 400, 'encoding_format'],
    ['an unknown model', { model: 'embed-huge' }, 404, 'model'],
  ])('%s is refused by name, and the server is not asked', async (_what, body, status, param) => {
    const asked: string[][] = []
    const { post } = await use(embeddings(asked))
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({
      error: { param: expect.stringContaining(param), message: expect.stringMatching(/\.$/) },
    })
    expect(asked).toEqual([])
  })

  test('end between two batches when the key is revoked', async () => {
    const asked: string[][] = []
    const { post } = await use(embeddings(asked), () => asked.length === 0)
    const response = await post({ input: Array(100).fill('Hi') })
    expect(response.status).toBe(401)
    expect(asked.length).toBe(1)
  })

  test('without a server are refused with what to do', async () => {
    const rig = await setUp(() => {})
    await expect(rig.client.embeddings.create({ model: 'embed-small', input: 'Hi' })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('EMBEDDINGS_URL'),
    })
  })
})

const transcript = {
  segments: [
    { text: 'Good morning.', fromMs: 0, toMs: 1_500 },
    { text: 'The doctor --> waits.', fromMs: 3_661_500, toMs: 3_663_042 },
  ],
  language: 'en',
  durationMs: 3_663_500,
}
const hears: Script = (write) => write.end({ text: 'Good morning. The doctor waits.' }, { transcript, finish: 'stop' })
const heard = { deps: { transcriber: 'whisper-large' } }
const wav = () => toFile(Buffer.from('RIFF'), 'talk.wav', { type: 'audio/wav' })

describe('transcription', () => {
  test('makes the recording the file of a turn that asks no model', async () => {
    const { client, received, contents } = await setUp(hears, heard)
    const { text } = await client.audio.transcriptions.create({ model: 'whisper-1', file: await wav(), language: 'en' })
    expect(text).toBe('Good morning. The doctor waits.')
    expect(received[0]).toMatchObject({
      text: '',
      attachments: [{ name: 'talk.wav', mediaType: 'audio/wav', voiceNote: false }],
      program: { task: 'transcript', ignored: ['language'] },
    })
    expect([...contents.values()].map(String)).toEqual(['RIFF'])
  })

  test('gives each format', async () => {
    const create = async <F extends 'text' | 'srt' | 'vtt' | 'verbose_json'>(response_format: F) => {
      const rig = await setUp(hears, heard)
      return await rig.client.audio.transcriptions.create({
        model: 'whisper-large',
        file: await wav(),
        response_format,
      })
    }
    expect(await create('text')).toBe('Good morning. The doctor waits.\n')
    expect(await create('srt')).toBe(
      '1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n2\n01:01:01,500 --> 01:01:03,042\nThe doctor -> waits.\n',
    )
    expect(await create('vtt')).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGood morning.\n\n01:01:01.500 --> 01:01:03.042\nThe doctor -> waits.\n',
    )
    expect(await create('verbose_json')).toMatchObject({
      language: 'en',
      duration: 3663.5,
      segments: [
        { id: 0, start: 0, end: 1.5, text: 'Good morning.' },
        { id: 1, start: 3661.5 },
      ],
    })
  })

  test.skipIf(specMissing !== undefined)(
    `gives bodies as OpenAI's own description says (skipped: ${specMissing ?? 'not'})`,
    async () => {
      const { client } = await setUp(hears, heard)
      const plain = await client.audio.transcriptions.create({ model: 'whisper-1', file: await wav() })
      expect(openAiSpec('CreateTranscriptionResponseJson')(plain)).toEqual([])
      const rig = await setUp(hears, heard)
      const verbose = await rig.client.audio.transcriptions.create({
        model: 'whisper-1',
        file: await wav(),
        response_format: 'verbose_json',
      })
      expect(openAiSpec('CreateTranscriptionResponseVerboseJson')(verbose)).toEqual([])
    },
  )

  test.each<[string, Record<string, unknown>, number, string]>([
    ['a stream', { stream: true }, 400, 'stream'],
    ['times of words', { timestamp_granularities: ['word'] }, 400, 'timestamp_granularities'],
    ['speakers', { response_format: 'diarized_json' }, 400, 'response_format'],
    ['an unknown model', { model: 'whisper-9' }, 404, 'model'],
  ])('refuses %s by name, and takes nothing in', async (_what, more, status, param) => {
    const { client, received } = await setUp(hears, heard)
    const ask = { model: 'whisper-1', file: await wav(), ...more } as OpenAI.Audio.TranscriptionCreateParamsNonStreaming
    await expect(client.audio.transcriptions.create(ask)).rejects.toMatchObject({ status, param })
    expect(received).toEqual([])
  })

  test('refuses what is no form, and a form without a recording', async () => {
    const { url, received } = await setUp(hears, heard)
    const headers = { authorization: `Bearer ${secret}` }
    const form = new FormData()
    form.set('model', 'whisper-1')
    for (const body of ['{}', form]) {
      const response = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', headers, body })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(/\.$/) } })
    }
    expect(received).toEqual([])
  })

  test('tells what the recording was refused for', async () => {
    const { client } = await setUp((write) =>
      write.end({ text: 'talk.wav is damaged.', state: 'failed' }, { error: 'file_damaged' }),
    )
    await expect(client.audio.transcriptions.create({ model: 'whisper-1', file: await wav() })).rejects.toMatchObject({
      status: 400,
      code: 'file_damaged',
    })
  })
})

test('models are listed with what they can do, for OpenAI’s clients and Anthropic’s', async () => {
  const { client, get } = await setUp(() => {}, {
    deps: {
      embeddings: embeddings(),
      transcriber: 'whisper-large',
      models: async () => [
        {
          id: 'scripted',
          provider: 'openai',
          contextWindow: 64_000,
          maxOutputTokens: 4_000,
          vision: true,
          tools: undefined,
        },
      ],
    },
  })
  const { data } = await client.models.list()
  expect(data.map(({ id }) => id)).toEqual(['parley', 'scripted', 'embed-small', 'embed-large', 'whisper-large'])
  expect(data[1]).toMatchObject({
    type: 'model',
    display_name: 'scripted',
    context_window: 64_000,
    max_output_tokens: 4_000,
    abilities: { images: true },
    endpoints: ['/v1/chat/completions', '/v1/responses', '/v1/messages'],
  })
  expect(data.at(-1)).toMatchObject({ endpoints: ['/v1/audio/transcriptions'] })
  expect(await (await get('/v1/models')).json()).toMatchObject({
    has_more: false,
    first_id: 'parley',
    last_id: 'whisper-large',
  })
  expect((await client.models.retrieve('embed-large')).id).toBe('embed-large')
})
