/** `/v1/messages`: what is asked reaches the turn, and Anthropic's own client reads the answer and the failures. */
import { Anthropic } from '@anthropic-ai/sdk'
import { afterEach, describe, expect, test } from 'vitest'
import { all, answers, endAll, type Script, secret, setUp, used } from '../../test/servers/api-rig.ts'

afterEach(endAll)

const calls = [
  { id: 'call_1', name: 'get_weather', arguments: '{"city":"Kobe"}' },
  { id: 'call_2', name: 'get_weather', arguments: '{"city":"Nara"}' },
]
const weather = {
  name: 'get_weather',
  description: 'The weather of a city.',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
}
const ask = {
  model: 'scripted',
  max_tokens: 99,
  messages: [{ role: 'user' as const, content: 'How long is the notice period?' }],
}

async function use(script: Script = answers, given: { apiKey?: string; authToken?: string } = { apiKey: secret }) {
  const rig = await setUp(script)
  const { apiKey = null, authToken = null } = given
  const anthropic = new Anthropic({ baseURL: rig.url, apiKey, authToken, maxRetries: 0 })
  const post = (body: object, path = '/v1/messages') =>
    fetch(`${rig.url}${path}`, {
      method: 'POST',
      headers: { 'x-api-key': secret },
      body: JSON.stringify({ ...ask, ...body }),
    })
  return { ...rig, anthropic, post }
}

test('an answer is one text, with its usage, for a key in either header', async () => {
  for (const given of [{ apiKey: secret }, { authToken: secret }]) {
    const { anthropic, received } = await use(answers, given)
    const message = await anthropic.messages.create({
      ...ask,
      system: 'Be short.',
      stop_sequences: ['END'],
    })
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'scripted',
      content: [{ type: 'text', text: 'Thirty days [1].' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 200, cache_read_input_tokens: 1000, output_tokens: 12 },
    })
    expect(received[0]).toMatchObject({
      text: 'How long is the notice period?',
      instructions: 'Be short.',
      overrides: { model: 'scripted', maxOutputTokens: 99, sampling: { stop: ['END'] } },
    })
  }
})

test('blocks are the conversation: words, pictures, documents, calls and what they gave', async () => {
  const { anthropic, received, contents } = await use()
  await anthropic.messages.create({
    ...ask,
    system: [{ type: 'text', text: 'Be short.', cache_control: { type: 'ephemeral' } }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          {
            type: 'document',
            title: 'a.pdf',
            source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' },
          },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Notes' } },
          { type: 'text', text: 'How is the weather?' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm', signature: 's' },
          { type: 'text', text: 'Let me look.' },
          { type: 'tool_use', id: 'call_1', name: 'get_weather', input: { city: 'Kobe' } },
          { type: 'tool_use', id: 'call_2', name: 'get_weather', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1', content: 'sunny' },
          { type: 'tool_result', tool_use_id: 'call_2', content: [{ type: 'text', text: 'no city' }], is_error: true },
          { type: 'text', text: 'Go on.' },
        ],
      },
    ],
    tools: [weather],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
  })
  expect(received[0]).toMatchObject({
    text: 'How is the weather?',
    instructions: 'Be short.',
    attachments: [{ name: 'image-1.png' }, { name: 'a.pdf' }, { name: 'document-3.txt' }],
    program: {
      after: [
        { role: 'assistant', text: 'Let me look.', calls: [calls[0], { id: 'call_2', arguments: '{}' }] },
        {
          role: 'user',
          text: 'Go on.',
          results: [
            { id: 'call_1', name: 'get_weather', text: 'sunny' },
            { id: 'call_2', text: 'no city', failed: true },
          ],
        },
      ],
      tools: [{ name: 'get_weather', schema: weather.input_schema }],
      toolChoice: 'required',
      parallelCalls: false,
    },
  })
  expect([...contents.values()].map(String)).toEqual(['hi', '%PDF', 'Notes'])
})

describe('a stream', () => {
  const script: Script = async (write) => {
    await write.think('A plan.')
    await write.text('Let me')
    await write.text('Let me look.')
    await write.end(
      { text: 'Let me look.' },
      { model: 'scripted', usage: used, finish: 'tool', calls, thoughts: 'A plan.' },
    )
  }

  test('is put together by Anthropic’s own client, block by block', async () => {
    const { anthropic } = await use(script)
    const stream = anthropic.messages.stream({
      ...ask,
      tools: [weather],
      thinking: { type: 'enabled', budget_tokens: 1024 },
    })
    const kinds = (await all(stream)).map(({ type }) => type)
    expect(kinds).toEqual([
      'message_start',
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['content_block_start', 'content_block_delta', 'content_block_stop'],
      'message_delta',
      'message_stop',
    ])
    expect(await stream.finalMessage()).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'A plan.' },
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', id: 'call_1', name: 'get_weather', input: { city: 'Kobe' } },
        { type: 'tool_use', id: 'call_2', input: { city: 'Nara' } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 200, output_tokens: 12 },
    })
  })

  test('has no thoughts unless they are asked for', async () => {
    const { anthropic } = await use(script)
    const { content } = await anthropic.messages.stream({ ...ask, tools: [weather] }).finalMessage()
    expect(content.map(({ type }) => type)).toEqual(['text', 'tool_use', 'tool_use'])
  })

  test('that fails after its first words is an error of the client', async () => {
    const { anthropic } = await use(async (write) => {
      await write.text('Thirty')
      await write.end({ text: 'The model is away. Try later.', state: 'failed' }, { error: 'model_unreachable' })
    })
    await expect(anthropic.messages.stream(ask).finalMessage()).rejects.toThrow('The model is away. Try later.')
  })
})

test.each<[string, number, string]>([
  ['budget_exhausted', 429, 'rate_limit_error'],
  ['model_context_overflow', 400, 'invalid_request_error'],
  ['model_unknown', 404, 'not_found_error'],
  ['model_unreachable', 503, 'overloaded_error'],
  ['internal', 500, 'api_error'],
])('%s is told in Anthropic’s shape', async (error, status, type) => {
  const { anthropic } = await use((write) => write.end({ text: 'Not now.', state: 'failed' }, { error }))
  const thrown = await anthropic.messages.create(ask).catch((reason: unknown) => reason)
  expect(thrown).toMatchObject({ status, error: { type: 'error', error: { type, message: 'Not now.' } } })
})

test('a key that is none is told in Anthropic’s shape', async () => {
  const { anthropic } = await use(answers, { apiKey: 'parley-wrong-key-1' })
  await expect(anthropic.messages.create(ask)).rejects.toBeInstanceOf(Anthropic.AuthenticationError)
})

test.each<[string, object, string]>([
  ['a tool of Anthropic’s own', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools.0.type'],
  [
    'a block of another kind',
    { messages: [{ role: 'user', content: [{ type: 'search_result' }] }] },
    'messages.0.content.0.type',
  ],
  ['servers of tools', { mcp_servers: [{ url: 'https://example.com' }] }, 'mcp_servers'],
  ['no limit of length', { max_tokens: undefined }, 'max_tokens'],
  [
    'the result of a call that nobody made',
    { messages: [...ask.messages, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }] },
    'messages',
  ],
])('%s is refused by name, and nothing is taken in', async (_what, body, param) => {
  const { post, received } = await use()
  const response = await post(body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    type: 'error',
    error: { type: 'invalid_request_error', param, message: expect.stringMatching(/\.$/) },
    request_id: expect.stringMatching(/^req_/),
  })
  expect(received).toEqual([])
})

test('the tokens of a prompt are counted about, and cost nothing', async () => {
  const { anthropic, received } = await use()
  const short = await anthropic.messages.countTokens({ model: 'scripted', messages: ask.messages })
  const long = await anthropic.messages.countTokens({
    model: 'scripted',
    messages: [{ role: 'user', content: 'How long is the notice period? '.repeat(100) }],
    tools: [weather],
  })
  expect(short.input_tokens).toBeGreaterThan(3)
  expect(short.input_tokens).toBeLessThan(20)
  expect(long.input_tokens).toBeGreaterThan(500)
  expect(received).toEqual([])
})
