/** The endpoint by the official client, its answers held to OpenAI's own description; the worker's side is played here. */
import { once } from 'node:events'
import { type IncomingMessage as HttpMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { Intake } from '../../src/core/platform.ts'
import { all, answers, endAll, question, secret, setUp, type Writer } from '../../test/servers/api-rig.ts'
import { openAiSpec, specMissing } from '../../test/servers/openai-spec.ts'
import type { Topics } from './answer-events.ts'
import { openApiDocument } from './openapi.ts'

afterEach(endAll)

describe('the official client', () => {
  test('gets a complete answer with sources, usage and model', async () => {
    const { client, received } = await setUp(answers)
    const answer = await client.chat.completions.create(question)
    expect(answer.choices[0]?.message.content).toBe('Thirty days [1].')
    expect(answer).toMatchObject({ parley: { sources: [{ n: 1, title: 'contract.pdf', place: 'p. 3' }], notices: [] } })
    expect(answer.choices[0]?.finish_reason).toBe('stop')
    expect(answer.model).toBe('scripted')
    expect(answer.usage).toMatchObject({
      prompt_tokens: 1200,
      completion_tokens: 12,
      total_tokens: 1212,
      prompt_tokens_details: { cached_tokens: 1000 },
    })
    expect(received[0]).toMatchObject({ text: 'How long is the notice period?', keyId: 'key-1', kind: 'direct' })
  })

  test('streams the answer as it grows, with usage in the last chunk on request', async () => {
    const { client } = await setUp(answers)
    const stream = await client.chat.completions.create({
      ...question,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await all(stream)
    const said = chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? [])
    expect(said).toEqual(['Thirty', ' days', ' [1].'])
    expect(chunks.at(-2)).toMatchObject({ parley: { sources: [{ n: 1, title: 'contract.pdf' }] } })
    expect(chunks.flatMap(({ choices }) => choices[0]?.delta.role ?? [])).toEqual(['assistant'])
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 1212 } })
  })

  test.skipIf(specMissing !== undefined)(
    `gets bodies and chunks that OpenAI's own description allows (skipped: ${specMissing ?? 'not'})`,
    async () => {
      const { client, post } = await setUp(answers)
      const body = await client.chat.completions.create(question)
      expect(openAiSpec('CreateChatCompletionResponse')(body)).toEqual([])
      const fresh = await setUp(answers)
      const streamed = await fresh.post({ ...question, stream: true, stream_options: { include_usage: true } })
      const events = (await streamed.text()).split('\n\n').filter((line) => line.startsWith('data: {'))
      const valid = openAiSpec('CreateChatCompletionStreamResponse')
      expect(events.length).toBeGreaterThan(4)
      for (const event of events) expect(valid(JSON.parse(event.slice(6)))).toEqual([])
      const models = await client.models.list()
      expect(openAiSpec('ListModelsResponse')({ object: 'list', data: models.data })).toEqual([])
      const refusal = await post({ ...question, n: 99 })
      expect(openAiSpec('ErrorResponse')(await refusal.json())).toEqual([])
    },
  )

  test('lists the models to choose from, and `parley` for automatic routing', async () => {
    const { client } = await setUp(answers)
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['parley', 'scripted'])
    expect((await client.models.retrieve('scripted')).owned_by).toBe('openai')
    await expect(client.models.retrieve('gpt-99')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })

  test.each([
    ['budget_exhausted', 429, 'insufficient_quota'],
    ['rate_limited', 429, 'rate_limit_error'],
    ['model_not_allowed', 403, 'permission_error'],
    ['model_unreachable', 503, 'server_error'],
    ['internal', 500, 'server_error'],
  ])('is told %s by status %i, with the sentence', async (code, status, type) => {
    const userMessage = 'The budget of this key is spent: $5 a day. It resets at midnight.'
    const { client } = await setUp((write) => write.end({ text: userMessage, state: 'failed' }, { error: code }))
    for (const stream of [false, true])
      await expect(client.chat.completions.create({ ...question, stream })).rejects.toMatchObject({
        status,
        type,
        code,
        message: expect.stringContaining(userMessage),
      })
  })

  test('gets a failure mid-stream as an error, never as a normal end', async () => {
    const { client } = await setUp(async (write) => {
      await write.text('Thirty')
      await write.end({ text: 'It broke off. Please try again.', state: 'failed' }, { error: 'model_stalled' })
    })
    const stream = await client.chat.completions.create({ ...question, stream: true })
    await expect(all(stream)).rejects.toThrow('It broke off')
  })

  test('without a valid key, learns where to get one', async () => {
    const { clientWith, url } = await setUp(answers)
    await expect(clientWith('parley-wrong-key-1').chat.completions.create(question)).rejects.toMatchObject({
      status: 401,
      code: 'invalid_api_key',
    })
    expect((await fetch(`${url}/v1/models`)).status).toBe(401)
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200)
  })

  test('gets errors about addresses, methods and bodies in OpenAI’s format', async () => {
    const { url } = await setUp(answers)
    const headers = { authorization: `Bearer ${secret}` }
    const body = (code: string | null) => ({
      error: { message: expect.any(String), type: expect.any(String), param: null, code },
    })
    for (const path of ['/v1/models/%E0%A4%A', '/v1/%', '/v1/nothing', '/v1']) {
      const unknown = await fetch(`${url}${path}`, { headers })
      expect([path, unknown.status, await unknown.json()]).toEqual([path, 404, body('unknown_url')])
    }
    const wrong = await fetch(`${url}/v1/chat/completions`, { headers })
    expect([wrong.status, wrong.headers.get('allow'), await wrong.json()]).toEqual([
      405,
      'POST',
      body('method_not_allowed'),
    ])
    // Refused by what it announces, before it is sent.
    const announced = { ...headers, 'content-length': 48_000_001 }
    const parsed = request(`${url}/v1/chat/completions`, { method: 'POST', headers: announced })
    parsed.on('error', () => undefined).flushHeaders()
    const [large] = (await once(parsed, 'response')) as [HttpMessage]
    expect([large.statusCode, JSON.parse(await text(large))]).toEqual([413, body('request_too_large')])
    parsed.destroy()
    const slashed = await fetch(`${url}/v1/models/openai%2Fgpt%2F5`, { headers })
    expect([slashed.status, await slashed.text()]).toEqual([404, expect.stringContaining('openai/gpt/5')])
  })
})

describe('requests', () => {
  test('instructions, history, options and files reach the turn', async () => {
    const { client, received, contents } = await setUp(answers)
    const png = 'data:image/png;base64,aGVsbG8='
    await client.chat.completions.create({
      model: 'scripted',
      temperature: 0.2,
      max_completion_tokens: 99,
      messages: [
        { role: 'system', content: 'Answer in French.' },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: png } },
            { type: 'text', text: 'What is it?' },
          ],
        },
        { role: 'assistant', content: 'A picture.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'And these?' },
            { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } },
            { type: 'input_audio', input_audio: { data: 'aGk=', format: 'mp3' } },
          ],
        },
      ],
    })
    expect(received[0]).toMatchObject({
      text: 'And these?',
      instructions: 'Answer in French.',
      history: [
        { role: 'user', text: 'What is it?' },
        { role: 'assistant', text: 'A picture.' },
      ],
      overrides: { model: 'scripted', temperature: 0.2, maxOutputTokens: 99 },
      attachments: [
        { name: 'a.pdf', mediaType: 'application/pdf', bytes: 4, voiceNote: false },
        { name: 'audio-3.mp3', mediaType: 'audio/mpeg', voiceNote: true },
        { name: 'image-1.png', mediaType: 'image/png' },
      ],
    })
    expect([...contents.values()].map(String)).toEqual(['%PDF', 'hi', 'hello'])
  })

  const image = (url: string) => ({ role: 'user', content: [{ type: 'image_url', image_url: { url } }] })
  const asking = (more: object) => ({ ...question, ...more })
  const tool = (name: string) => ({ type: 'function', function: { name } })
  const schema = (given: object) => ({
    type: 'json_schema',
    json_schema: { name: 'form', strict: true, schema: given },
  })
  test.each<[string, unknown, number, string | null]>([
    ['no JSON', '{', 400, null],
    ['a list', [], 400, null],
    ['no messages', { model: 'parley', messages: [] }, 400, 'messages'],
    ['an empty question', { model: 'parley', messages: [{ role: 'user', content: ' ' }] }, 400, 'messages'],
    ['nothing but an answer', asking({ messages: [{ role: 'assistant', content: 'Well,' }] }), 400, 'messages'],
    [
      'the result of a call that nobody made',
      asking({ messages: [...question.messages, { role: 'tool', tool_call_id: '1', content: 'x' }] }),
      400,
      'messages',
    ],
    ['too many answers', asking({ n: 99 }), 400, 'n'],
    ['a tool of OpenAI’s own', asking({ tools: [{ type: 'web_search' }] }), 400, 'tools.0.type'],
    ['a function with an odd name', asking({ tools: [tool('a b')] }), 400, 'tools.0.function.name'],
    ['two functions of one name', asking({ tools: [tool('f'), tool('f')] }), 400, 'tools'],
    ['a choice without tools', asking({ tool_choice: 'required' }), 400, 'tool_choice'],
    [
      'a choice of what is not offered',
      asking({ tools: [tool('f')], tool_choice: { type: 'function', function: { name: 'g' } } }),
      400,
      'tool_choice',
    ],
    [
      'a schema that cannot be checked',
      asking({ response_format: schema({ if: { type: 'string' } }) }),
      400,
      'response_format',
    ],
    ['functions of the old kind', asking({ functions: [{ name: 'f' }] }), 400, 'functions'],
    ['spoken answers', asking({ modalities: ['text', 'audio'] }), 400, 'modalities'],
    ['too many log probabilities', asking({ logprobs: true, top_logprobs: 21 }), 400, 'top_logprobs'],
    ['an empty stop word', asking({ stop: [''] }), 400, 'stop.0'],
    ['a picture on the web that is not there', asking({ messages: [image('https://example.com/a.png')] }), 400, null],
    ['a picture of this machine', asking({ messages: [image('file:///etc/passwd')] }), 400, 'messages'],
    ['broken base64', asking({ messages: [image('data:image/png;base64,*')] }), 400, 'messages'],
    [
      'a file by its id',
      asking({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] }),
      400,
      'messages',
    ],
    ['an unknown model', asking({ model: 'gpt-99' }), 404, null],
    ['a long text', asking({ messages: [{ role: 'user', content: 'x'.repeat(10_001) }] }), 400, 'messages'],
    [
      'a file over the limit',
      asking({ messages: [image(`data:image/png;base64,${'A'.repeat(3_000_000)}`)] }),
      413,
      null,
    ],
    [
      'too many files',
      asking({ messages: [{ role: 'user', content: Array(11).fill(image('data:image/png;base64,AAAA').content[0]) }] }),
      400,
      'messages',
    ],
  ])('%s is refused with a sentence, and nothing is taken in', async (_what, body, status, param) => {
    const { post, received } = await setUp(answers)
    const response = await post(body)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringMatching(/\.$/), param, type: 'invalid_request_error' },
    })
    expect(received).toEqual([])
  })

  test('ignored parameters are listed in a header', async () => {
    const { post } = await setUp(answers)
    const response = await post(asking({ top_k: 40, verbosity: 'low', user: 'me', n: 1, tools: [], stop: null }))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-parley-ignored')).toBe('top_k, verbosity, user')
  })

  test('every JSON body gets a response in OpenAI’s format', async () => {
    const { post } = await setUp(answers)
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom('', 'messages', 'model', 'stream'), async (value, at) => {
        const response = await post(at === '' ? value : { ...question, [at]: value })
        expect([200, 400, 404]).toContain(response.status)
        const text = await response.text()
        if (response.status !== 200) expect(JSON.parse(text).error.message).toMatch(/\S/)
      }),
      { numRuns: 150 },
    )
  })

  test('accepted requests fit the published description', async () => {
    const { components } = openApiDocument('0')
    const valid = new Ajv2020({ strict: false }).compile({ components, $ref: '#/components/schemas/ChatRequest' })
    expect(valid(question)).toBe(true)
    expect(valid(asking({ stream: true, temperature: 1, messages: [image('data:image/png;base64,AAAA')] }))).toBe(true)
    expect(valid({ model: 'parley' })).toBe(false)
  })
})

describe('interruptions', () => {
  test('text lost on the channel comes with the end, and from the store when the end is lost too', async () => {
    let count = 0
    const lossy = (topics: Topics): Topics => ({
      subscribe: topics.subscribe,
      publish: (topic, message) => {
        count += 1
        if (count === 1) topics.publish(topic, message)
      },
    })
    const { client } = await setUp(answers, { topics: lossy })
    const stream = await client.chat.completions.create({ ...question, stream: true })
    const chunks = await all(stream)
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Thirty days [1].')
  })

  test('an answer that starts over says so in a field of its own and repeats the full text', async () => {
    const { client } = await setUp(async (write) => {
      await write.text('Thirty da')
      await write.text('The notice')
      await write.end({ text: 'The notice period is thirty days.' })
    })
    const stream = await client.chat.completions.create({ ...question, stream: true })
    const chunks = await all(stream)
    expect(chunks.map((chunk) => ('parley' in chunk ? chunk.parley : chunk.choices[0]?.delta.content))).toEqual([
      'Thirty da',
      { restarted: true },
      'The notice period is thirty days.',
      expect.objectContaining({ restarted: true, notices: [] }),
    ])
  })

  test('a client that disconnects stops its turn; with an Idempotency-Key it finds the answer later', async () => {
    const acted: string[] = []
    const stopped = Promise.withResolvers<void>()
    const intake: Partial<Intake> = {
      async act({ kind }) {
        acted.push(kind)
        stopped.resolve()
        return {}
      },
    }
    const held = Promise.withResolvers<Writer>()
    const first = await setUp(
      async (write) => {
        await write.text('Thirty')
        held.resolve(write)
      },
      { intake },
    )
    const body = { ...question, stream: true }
    for (const headers of [{ 'idempotency-key': 'again' }, {}] as Record<string, string>[]) {
      const response = await first.post(body, headers)
      const reader = response.body?.getReader()
      await reader?.read()
      await reader?.cancel()
    }
    await stopped.promise
    expect(acted).toEqual(['stop'])
    await (await held.promise).end({ text: 'Thirty days.' })
    const again = await first.post(question, { 'idempotency-key': 'again' })
    expect((await again.json()).choices[0].message.content).toBe('Thirty days.')
    expect(first.received.map(({ id }) => id)).toEqual([
      first.received[0]?.id,
      expect.any(String),
      first.received[0]?.id,
    ])
  })

  test('a stream shows activity within a second', async () => {
    const { post } = await setUp(async (write) => {
      await write.status('Reading contract.pdf')
    })
    const response = await post({ ...question, stream: true })
    const reader = response.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(': Reading contract.pdf\n\n')
    await reader?.cancel()
  })
})
