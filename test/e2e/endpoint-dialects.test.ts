/** Embeddings, transcripts, Responses and Messages against Parley as people run it: one key, one ledger, one budget. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Anthropic } from '@anthropic-ai/sdk'
import { OpenAI, toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbeddingsServer, startEmbeddings } from '../servers/embeddings.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { startTranscriber, type TranscriberServer } from '../servers/transcriber.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

let home: string
let model: ScriptedOpenAi
let embeddings: EmbeddingsServer
let transcriber: TranscriberServer
let parley: ParleyProcess
let secret: string

const weather = { name: 'get_weather', arguments: ['{"city":"Kobe"}'] }

beforeAll(async () => {
  home = await temporaryHome()
  model = await startScriptedOpenAi({
    script: ({ body }) => {
      const usage = { prompt_tokens: 1_000, completion_tokens: 100 }
      const text = JSON.stringify(body)
      if (text.includes('sunny')) return { tokens: ['It is ', 'sunny.'], usage }
      if (text.includes('get_weather'))
        return { tokens: [], calls: [{ id: 'call_7', ...weather }], finish: 'tool_calls', usage }
      if (text.includes('json_schema'))
        return { tokens: ['{"days":', text.includes('wrongly') ? '"30"}' : '30}'], usage }
      return { tokens: ['Thirty ', 'days.'], usage }
    },
    models: [{ id: 'house' }],
  })
  embeddings = await startEmbeddings('openai')
  transcriber = await startTranscriber({
    transcribe: async () => ({
      segments: [
        { text: 'Good morning.', start: 0, end: 0.5 },
        { text: 'Is it nine?', start: 0.5, end: 1 },
      ],
      language: 'en',
      duration: 1,
    }),
  })
  await writeFile(
    join(home, 'parley.yaml'),
    [
      'models:',
      '  default: house',
      '  list:',
      '    - { id: house, provider: openai, contextWindow: 64000, price: { input: 1, output: 1 } }',
      '    - { id: embed-small, provider: embeddings, price: { input: 1, output: 0 } }',
      '',
    ].join('\n'),
  )
  const servers = { OPENAI_BASE_URL: model.url, EMBEDDINGS_URL: embeddings.url, TRANSCRIBE_URL: transcriber.url }
  parley = await startParley(home, servers, home)
  const { stdout, stderr } = await run(
    ['src/cli.ts', 'admin', 'keys', 'create', 'programs', '1', 'month', '--scopes', 'ask,usage:read'],
    environment(home),
  )
  const [found] = /parley-[\w-]{20,}/.exec(stdout) ?? []
  if (found === undefined) throw new Error(`no key was made: ${stdout}${stderr}`)
  secret = found
}, 60_000)
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await Promise.all([model?.close(), embeddings?.close(), transcriber?.close()])
  if (home) await removeHome(home)
})

const client = () => new OpenAI({ baseURL: `${parley.url}/v1`, apiKey: secret, maxRetries: 0 })
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

interface KeyUsage {
  cost_usd: string
  by_model: { model: string; calls: number; input_tokens: number }[]
}

async function usage(): Promise<KeyUsage> {
  const response = await fetch(`${parley.url}/v1/usage?period=month`, {
    headers: { authorization: `Bearer ${secret}` },
  })
  return (await response.json()) as KeyUsage
}

/** A second of silence. */
function wav(): Buffer {
  const samples = 8_000
  const head = Buffer.alloc(44)
  head.write('RIFF', 0)
  head.writeUInt32LE(36 + samples * 2, 4)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(8_000, 24)
  head.writeUInt32LE(16_000, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.write('data', 36)
  head.writeUInt32LE(samples * 2, 40)
  return Buffer.concat([head, Buffer.alloc(samples * 2)])
}

describe('a program', () => {
  it('has texts embedded as they are, and its key pays', async () => {
    const { data } = await client().embeddings.create({ model: 'parley', input: ['One text', 'Another text'] })
    expect(data.map(({ embedding }) => embedding.length)).toEqual([256, 256])
    expect(embeddings.asked.at(-1)).toMatchObject({ model: 'embed-small', texts: ['One text', 'Another text'] })
    const { by_model } = await usage()
    expect(by_model).toContainEqual(
      expect.objectContaining({ model: expect.stringContaining('embed-small'), calls: 1 }),
    )
  })

  it('gets the transcript of a recording, with the times of its segments, and it stands in its usage', async () => {
    const verbose = await client().audio.transcriptions.create({
      model: 'whisper-1',
      file: await toFile(wav(), 'talk.wav', { type: 'audio/wav' }),
      response_format: 'verbose_json',
    })
    expect(verbose).toMatchObject({ text: expect.stringMatching(/^Good morning\. .*Is it nine\?$/), language: 'en' })
    expect(verbose.segments?.[0]).toMatchObject({ start: 0, text: expect.stringContaining('Good morning.') })
    expect(transcriber.asked.length).toBe(1)
    expect(model.requests.length).toBe(0)
    expect((await usage()).by_model).toContainEqual(
      expect.objectContaining({ model: expect.stringContaining('whisper-1'), calls: 1 }),
    )
  })

  it('is told that a text is no recording', async () => {
    const file = await toFile(Buffer.from('Not a sound.\n'), 'talk.txt', { type: 'text/plain' })
    await expect(client().audio.transcriptions.create({ model: 'whisper-1', file })).rejects.toMatchObject({
      status: 400,
      code: 'file_unsupported',
    })
  })

  it('calls its own function through Responses and Messages, and the call and its result reach the model', async () => {
    const tool = {
      type: 'function' as const,
      name: 'get_weather',
      description: 'The weather.',
      parameters: schema,
      strict: false,
    }
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'How is the weather?' }]
    const first = await client().responses.create({ model: 'house', input, tools: [tool] })
    const called = first.output.filter((item) => item.type === 'function_call')
    expect(called).toMatchObject([{ call_id: 'call_7', name: 'get_weather', arguments: '{"city":"Kobe"}' }])
    const then = await client().responses.create({
      model: 'house',
      input: [...input, ...called, { type: 'function_call_output', call_id: 'call_7', output: 'sunny' }],
      tools: [tool],
    })
    expect(then.output_text).toBe('It is sunny.')
    expect(model.requests.at(-1)?.body).toMatchObject({
      messages: [
        { role: 'user' },
        { role: 'assistant', tool_calls: [{ id: 'call_7', function: { name: 'get_weather' } }] },
        { role: 'tool', tool_call_id: 'call_7', content: 'sunny' },
      ],
    })

    const anthropic = new Anthropic({ baseURL: parley.url, apiKey: secret, maxRetries: 0 })
    const tools = [
      { name: 'get_weather', description: 'The weather.', input_schema: { ...schema, type: 'object' as const } },
    ]
    const ask = { model: 'house', max_tokens: 200, tools }
    const asked: Anthropic.MessageParam[] = [{ role: 'user', content: 'How is the weather?' }]
    const message = await anthropic.messages.stream({ ...ask, messages: asked }).finalMessage()
    expect(message).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', id: 'call_7', input: { city: 'Kobe' } }],
    })
    const answer = await anthropic.messages.create({
      ...ask,
      messages: [
        ...asked,
        { role: 'assistant', content: message.content },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_7', content: 'sunny' }] },
      ],
    })
    expect(answer.content).toMatchObject([{ type: 'text', text: 'It is sunny.' }])
  })

  it('gets JSON that fits its schema, and a failure where the model breaks it', async () => {
    const response_format = {
      type: 'json_schema' as const,
      json_schema: {
        name: 'notice',
        strict: true,
        schema: {
          type: 'object',
          properties: { days: { type: 'integer' } },
          required: ['days'],
          additionalProperties: false,
        },
      },
    }
    const ask = (content: string) =>
      client().chat.completions.create({ model: 'house', messages: [{ role: 'user', content }], response_format })
    expect((await ask('How long?')).choices[0]?.message.content).toBe('{"days":30}')
    await expect(ask('How long, wrongly?')).rejects.toMatchObject({ status: 502, code: 'model_format_broken' })
  })

  it('has one budget for all of it: where that is used up, every route says so', async () => {
    const { stdout } = await run(
      ['src/cli.ts', 'admin', 'keys', 'create', 'poor', '0.0000001', 'month'],
      environment(home),
    )
    const [poor = ''] = /parley-[\w-]{20,}/.exec(stdout) ?? []
    const openai = new OpenAI({ baseURL: `${parley.url}/v1`, apiKey: poor, maxRetries: 0 })
    const anthropic = new Anthropic({ baseURL: parley.url, apiKey: poor, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'How long?' }]
    const refused = [
      openai.chat.completions.create({ model: 'house', messages }),
      openai.responses.create({ model: 'house', input: 'How long?' }),
      anthropic.messages.create({ model: 'house', max_tokens: 100, messages }),
      openai.embeddings.create({ model: 'embed-small', input: 'How long?' }),
    ]
    for (const each of await Promise.allSettled(refused))
      expect(each).toMatchObject({
        status: 'rejected',
        reason: { status: 429, message: expect.stringContaining('budget') },
      })
  })
})
