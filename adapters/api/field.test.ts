/** What programs met in the field at the endpoint: each line once went wrong. */
import { afterEach, describe, expect, test } from 'vitest'
import { ParleyError } from '../../src/core/errors.ts'
import type { Json } from '../../src/core/json.ts'
import { keyRevokedTopic, sessionsEndedTopic } from '../../src/core/topics.ts'
import { all, answers, endAll, question, setUp, used, type Writer } from '../../test/servers/api-rig.ts'
import type { Topics } from './answer-events.ts'

afterEach(endAll)

const asking = (more: object) => ({ ...question, ...more })
const named = (more: object) => asking({ model: 'scripted', ...more })

describe('an answer holds the model’s words alone', () => {
  const notices = ['lab takes no more requests. So json answered instead.']

  test('so that a machine can read it: notices and files stand in a field beside it', async () => {
    const { client, post } = await setUp((write) => write.end({ text: '{"a":1}' }, { notices, model: 'json' }))
    const whole = await client.chat.completions.create(question)
    expect(JSON.parse(whole.choices[0]?.message.content ?? '')).toEqual({ a: 1 })
    expect(whole).toMatchObject({ parley: { notices, sources: [], files: [], reason: expect.any(String) } })
    const again = await setUp((write) => write.end({ text: '{"a":1}' }, { notices }))
    const chunks = await all(await again.client.chat.completions.create({ ...question, stream: true }))
    expect(JSON.parse(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''))).toEqual({ a: 1 })
    expect(chunks.at(-1)).toMatchObject({ parley: { notices } })
    expect((await post(question)).headers.get('content-type')).toContain('application/json')
  })

  test('a stream tells in each chunk which model writes it', async () => {
    const { client } = await setUp(async (write) => {
      await write.text('Thirty', 'json-8b')
      await write.text('Thirty days', 'json-8b')
      await write.end({ text: 'Thirty days.' }, { model: 'json-8b' })
    })
    const chunks = await all(await client.chat.completions.create({ ...question, stream: true }))
    expect(new Set(chunks.map(({ model }) => model))).toEqual(new Set(['json-8b']))
  })

  test('what was left out of the history is counted, in a header and the field', async () => {
    const { post } = await setUp((write) => write.end({ text: 'Yes.' }, { cutMessages: 7, ignored: ['seed'] }))
    const response = await post(asking({ top_k: 5 }))
    expect(response.headers.get('x-parley-cut-messages')).toBe('7')
    expect(await response.json()).toMatchObject({ parley: { cut_messages: 7, ignored: ['top_k', 'seed'] } })
  })
})

describe('what the model thinks', () => {
  const thinks = async (write: Writer) => {
    await write.think('First ')
    await write.think('First the lease')
    await write.text('Thirty')
    await write.end({ text: 'Thirty days.' }, { thoughts: 'First the lease', usage: used })
  }
  const deltas = (chunks: { choices: { delta: object }[] }[]) =>
    chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta)).filter((delta) => Object.keys(delta).length > 0)

  test('is beside the whole answer, with its tokens', async () => {
    const { client } = await setUp(thinks)
    const { choices, usage } = await client.chat.completions.create(question)
    expect(choices[0]?.message).toMatchObject({ content: 'Thirty days.', reasoning_content: 'First the lease' })
    expect(usage?.completion_tokens_details?.reasoning_tokens).toBe(used.reasoning)
    const plain = await (await setUp(answers)).client.chat.completions.create(question)
    expect(plain.choices[0]?.message).not.toHaveProperty('reasoning_content')
  })

  test('streams before the answer, as it comes', async () => {
    const { client } = await setUp(thinks)
    const options = { stream: true, stream_options: { include_usage: true } } as const
    const chunks = await all(await client.chat.completions.create({ ...question, ...options }))
    expect(deltas(chunks)).toEqual([
      { role: 'assistant', reasoning_content: 'First ' },
      { reasoning_content: 'the lease' },
      { content: 'Thirty' },
      { content: ' days.' },
    ])
    expect(chunks.at(-1)?.usage?.completion_tokens_details?.reasoning_tokens).toBe(used.reasoning)
  })

  test('of another model that thinks anew follows in a paragraph of its own', async () => {
    const { client } = await setUp(async (write) => {
      await write.think('A plan')
      await write.think('Another')
      await write.end({ text: 'Thirty days.' }, { thoughts: 'Another' })
    })
    const chunks = await all(await client.chat.completions.create({ ...question, stream: true }))
    const thought = deltas(chunks)
      .map((delta) => Reflect.get(delta, 'reasoning_content') ?? '')
      .join('')
    expect(thought).toBe('A plan\n\nAnother')
  })

  test('reaches a stream also where the messages about it were lost', async () => {
    const topics = (own: Topics) => ({
      ...own,
      publish: (topic: string, message: Json) =>
        void (JSON.stringify(message).includes('"end"') && own.publish(topic, message)),
    })
    const { client } = await setUp(thinks, { topics })
    const chunks = await all(await client.chat.completions.create({ ...question, stream: true }))
    expect(deltas(chunks)).toEqual([
      { role: 'assistant', reasoning_content: 'First the lease' },
      { content: 'Thirty days.' },
    ])
  })
})

describe('what a program asks for reaches the turn', () => {
  test.each<[string, object, object]>([
    [
      'a model by name: its own prompt, whole, by that model',
      named({}),
      { ownPrompt: true, overflow: 'refuse', fallback: false },
    ],
    ['parley: Parley’s rules and choice', asking({}), { ownPrompt: false, overflow: 'cut', fallback: true }],
    ['auto', asking({ model: 'auto' }), { ownPrompt: false, fallback: true }],
    ['another model may answer', named({ route: 'fallback' }), { ownPrompt: true, fallback: true }],
    ['the oldest messages may go', named({ truncation: 'auto' }), { overflow: 'cut' }],
    ['nothing may go, whoever answers', asking({ truncation: 'disabled' }), { overflow: 'refuse' }],
  ])('%s', async (_what, body, program) => {
    const { post, received } = await setUp(answers)
    expect((await post(body)).status).toBe(200)
    expect(received[0]?.program).toMatchObject(program)
  })

  test('how words are picked, and where to stop', async () => {
    const { post, received } = await setUp(answers)
    const sampling = { top_p: 0.5, seed: 7, presence_penalty: 1, frequency_penalty: -1, reasoning_effort: 'low' }
    const response = await post(named({ ...sampling, stop: '\n' }))
    expect(response.headers.get('x-parley-ignored')).toBeNull()
    expect(received[0]?.overrides?.sampling).toEqual({
      topP: 0.5,
      seed: 7,
      presencePenalty: 1,
      frequencyPenalty: -1,
      reasoningEffort: 'low',
      stop: ['\n'],
    })
  })

  const user = (content: string) => ({ role: 'user', content })
  const assistant = (content: string) => ({ role: 'assistant', content })
  const system = (content: string) => ({ role: 'system', content })
  test.each<[string, object[], object]>([
    [
      'an answer that is begun',
      [user('Name a color.'), assistant('The color is')],
      { text: 'Name a color.', history: undefined, program: { after: [{ role: 'assistant', text: 'The color is' }] } },
    ],
    [
      'instructions last',
      [user('Old?'), assistant('Yes.'), user('New?'), system('Reply in French.')],
      { text: 'New?', instructions: 'Reply in French.', history: [{ text: 'Old?' }, { text: 'Yes.' }] },
    ],
    [
      'nothing but instructions',
      [system('You are a poet.'), system('Write a haiku.')],
      { text: 'Write a haiku.', instructions: 'You are a poet.' },
    ],
    [
      'instructions after an answer that is begun',
      [user('List three.'), assistant('1.'), system('Be short.')],
      { text: 'List three.', instructions: 'Be short.', program: { after: [{ role: 'assistant', text: '1.' }] } },
    ],
  ])('%s', async (_what, messages, expected) => {
    const { post, received } = await setUp(answers)
    expect((await post(named({ messages }))).status).toBe(200)
    expect(received[0]).toMatchObject(expected)
  })

  test('parameters without effect are named, one and all', async () => {
    const { post } = await setUp(answers)
    const extra = {
      guided_json: {},
      thinking: {},
      reasoning: {},
      models: ['a'],
      top_k: 40,
      user: 'u',
      metadata: {},
      store: true,
    }
    const response = await post(
      asking({ ...extra, store: true, parallel_tool_calls: true, service_tier: 'auto', logit_bias: null }),
    )
    expect(response.headers.get('x-parley-ignored')?.split(', ').toSorted()).toEqual(Object.keys(extra).toSorted())
  })

  test('a parameter with a name that no header holds is no reason to fail', async () => {
    const { post } = await setUp(answers)
    const response = await post(asking({ 'ü\r\nset-cookie: a=b': 1, ['x'.repeat(5000)]: 1, fine: 1 }))
    expect(response.status).toBe(200)
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(response.headers.get('x-parley-ignored')).toContain('fine')
  })
})

describe('models', () => {
  const models = async () => [
    { id: 'good', provider: 'lab' },
    { id: 'meta-llama/Llama-3.1-8B-Instruct', provider: 'gpu' },
  ]
  test.each([
    ['good', 200],
    ['lab/good', 200],
    ['meta-llama/Llama-3.1-8B-Instruct', 200],
    ['gpu/meta-llama/Llama-3.1-8B-Instruct', 200],
    ['meta-llama%2FLlama-3.1-8B-Instruct', 200],
    ['lab/other', 404],
    ['%E0%A4%A', 404],
    ['%', 404],
  ])('/v1/models/%s answers %i', async (id, status) => {
    const { get } = await setUp(answers, { deps: { models } })
    const response = await get(`/v1/models/${id}`)
    expect(response.status).toBe(status)
    if (status === 200) expect(await response.json()).toMatchObject({ id: decodeURIComponent(id), object: 'model' })
    else expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } })
  })

  test('are listed for the key that asks', async () => {
    const asked: string[] = []
    const { client } = await setUp(answers, {
      deps: {
        async models(key) {
          asked.push(key.id)
          return []
        },
      },
    })
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['parley'])
    expect(asked).toEqual(['key-1'])
  })
})

describe('an Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'invoice-1' }
  test('stands for one request: another one with it is refused', async () => {
    const { post } = await setUp(answers)
    expect((await post(question, headers)).status).toBe(200)
    for (const other of [
      asking({ temperature: 1 }),
      asking({ messages: [{ role: 'user', content: 'Another?' }] }),
      named({}),
    ]) {
      const response = await post(other, headers)
      expect(response.status).toBe(422)
      expect(await response.json()).toMatchObject({ error: { code: 'idempotency_key_reused' } })
    }
  })

  test('of a request that is repeated with a file is refused', async () => {
    const { post } = await setUp(answers)
    expect((await post(question, headers)).status).toBe(200)
    const file = { filename: 'a.txt', file_data: `data:text/plain;base64,${btoa('secret of another customer')}` }
    const content = [
      { type: 'text', text: 'What is in it?' },
      { type: 'file', file },
    ]
    const response = await post(asking({ messages: [{ role: 'user', content }] }), headers)
    expect(response.status).toBe(422)
  })

  test('may repeat its request streamed or whole', async () => {
    const { post } = await setUp(answers)
    expect((await post(asking({ stream: true }), headers)).status).toBe(200)
    expect((await post(question, headers)).status).toBe(200)
    expect((await post(asking({ stream_options: null }), headers)).status).toBe(200)
  })

  test('does not refuse what nobody remembers any more', async () => {
    const { post } = await setUp(answers, { deps: { digestOf: async () => null } })
    await post(question, headers)
    expect((await post(named({}), headers)).status).toBe(200)
  })
})

describe('headers that clients go by', () => {
  test('every answer has an id of its own, failures too', async () => {
    const { get, post } = await setUp(answers)
    const ids = [await get('/v1/models'), await get('/v1/nothing'), await post(question), await post('{')].map(
      ({ headers }) => headers.get('x-request-id'),
    )
    expect(new Set(ids).size).toBe(4)
    for (const id of ids) expect(id).toMatch(/^req_[\w-]{36}$/)
  })

  test('the limit of requests per minute, and what is left of it', async () => {
    const rate = async () => ({ limit: 10, remaining: 3, resetMs: 41_200 })
    const { post } = await setUp(answers, { deps: { rate } })
    const { headers } = await post(question)
    expect(headers.get('x-ratelimit-limit-requests')).toBe('10')
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('3')
    expect(headers.get('x-ratelimit-reset-requests')).toBe('42s')
  })

  test.each<[string, number | undefined, number, string | null]>([
    ['rate_limited', 12_300, 429, '13'],
    ['rate_limited', undefined, 429, '5'],
    ['model_busy', 60_000, 503, '60'],
    ['model_unreachable', undefined, 503, '5'],
    ['budget_exhausted', undefined, 429, null],
    ['model_context_overflow', undefined, 400, null],
  ])('%s after %s ms says when to come again', async (error, retryAfterMs, status, expected) => {
    const { post } = await setUp((write) => write.end({ text: 'Not now.', state: 'failed' }, { error, retryAfterMs }))
    const response = await post(question)
    expect([response.status, response.headers.get('retry-after')]).toEqual([status, expected])
  })

  test('pages of the origins that parley.yaml names may call, and no others', async () => {
    const { url, post, get } = await setUp(answers, { deps: { origins: ['https://app.example.com'] } })
    const ask = (origin: string) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,x-stainless-os',
        },
      })
    const allowed = await ask('https://app.example.com')
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    expect(allowed.headers.get('access-control-allow-headers')).toBe('authorization,x-stainless-os')
    for (const origin of ['https://evil.example.com', 'https://app.example.com.evil.com', 'null'])
      expect((await ask(origin)).headers.get('access-control-allow-origin')).toBeNull()
    const answered = await post(question, { origin: 'https://app.example.com' })
    expect(answered.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    expect(answered.headers.get('access-control-expose-headers')).toContain('x-request-id')
    const failed = await get('/v1/nothing', { origin: 'https://app.example.com' })
    expect(failed.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    const none = await setUp(answers)
    expect((await none.get('/v1/models', { origin: 'https://app.example.com' })).headers.get('vary')).toBeNull()
  })
})

describe('pictures on the web', () => {
  const image = (url: string) =>
    asking({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] })

  test('are fetched and kept with the question', async () => {
    const asked: string[] = []
    const { post, received, contents } = await setUp(answers, {
      deps: {
        async fetchPicture(url, { maxBytes }) {
          asked.push(`${url.href} ${maxBytes}`)
          return { bytes: Buffer.from('png'), mediaType: 'image/png' }
        },
      },
    })
    expect((await post(image('https://example.com/a?b=c'))).status).toBe(200)
    expect(asked).toEqual(['https://example.com/a?b=c 2000000'])
    expect(received[0]?.attachments).toMatchObject([{ name: 'image-1.png', mediaType: 'image/png', bytes: 3 }])
    expect([...contents.values()].map(String)).toEqual(['png'])
  })

  test.each([
    ['file_fetch_failed', 'https://169.254.169.254/latest/meta-data', 400],
    ['file_too_large', 'https://example.com/large.png', 413],
    ['file_unsupported', 'https://example.com/page.html', 400],
  ] as const)('a refusal is told: %s', async (code, url, status) => {
    const { post, received } = await setUp(answers, {
      deps: {
        async fetchPicture() {
          throw new ParleyError(code, 'That is no picture. Send another one.')
        },
      },
    })
    const response = await post(image(url))
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code, message: 'That is no picture. Send another one.' } })
    expect(received).toEqual([])
  })
})

describe('a key that is revoked', () => {
  async function revokedMidStream(deps: Parameters<typeof setUp>[1]) {
    const acted = Promise.withResolvers<string>()
    const writing = Promise.withResolvers<Writer>()
    const rig = await setUp(
      async (write) => {
        await write.text('Thirty')
        writing.resolve(write)
      },
      {
        ...deps,
        intake: {
          async act({ kind }) {
            acted.resolve(kind)
            return {}
          },
        },
      },
    )
    const stream = await rig.client.chat.completions.create({ ...question, stream: true })
    const chunks = all(stream)
    await writing.promise
    return { rig, chunks, acted: acted.promise }
  }

  test('ends its answers at once, and their turns', async () => {
    const { rig, chunks, acted } = await revokedMidStream({})
    rig.topics.publish(keyRevokedTopic, 'another-key')
    rig.topics.publish(keyRevokedTopic, 'key-1')
    await expect(chunks).rejects.toThrow(/revoked/)
    expect(await acted).toBe('stop')
  })

  test('ends them at once when its owner is disabled, and goes on when they only sign out', async () => {
    let active = true
    const { rig, chunks, acted } = await revokedMidStream({
      deps: { isActive: async () => active, lookEveryMs: 60_000 },
    })
    rig.topics.publish(sessionsEndedTopic, 'owner-1')
    active = false
    rig.topics.publish(sessionsEndedTopic, 'owner-1')
    await expect(chunks).rejects.toThrow(/revoked/)
    expect(await acted).toBe('stop')
  })

  test('ends them also when the message about it is lost', async () => {
    let active = true
    const { chunks, acted } = await revokedMidStream({ deps: { isActive: async () => active } })
    active = false
    await expect(chunks).rejects.toThrow(/revoked/)
    expect(await acted).toBe('stop')
  })

  test('whole answers end with 401', async () => {
    const begun = Promise.withResolvers<void>()
    const { post, topics } = await setUp(() => begun.resolve())
    const answer = post(question)
    await begun.promise
    topics.publish(keyRevokedTopic, 'key-1')
    expect((await answer).status).toBe(401)
  })
})
