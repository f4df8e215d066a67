/** Functions that a program offers, forms that it demands, and several answers to one request. */
import { afterEach, describe, expect, test } from 'vitest'
import { all, answers, endAll, question, type Script, setUp, used } from '../../test/servers/api-rig.ts'
import { openAiSpec, specMissing } from '../../test/servers/openai-spec.ts'

afterEach(endAll)

const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather of a city.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    strict: true,
  },
}
const calls = [
  { id: 'call_1', name: 'get_weather', arguments: '{"city":"Kobe"}' },
  { id: 'call_2', name: 'get_weather', arguments: '{"city":"Nara"}' },
]
const callsTools: Script = async (write) => {
  await write.end({ text: '' }, { model: 'scripted', usage: used, finish: 'tool', calls })
}

describe('functions', () => {
  test('reach the turn with the choice, and its calls come back', async () => {
    const { client, received } = await setUp(callsTools)
    const answer = await client.chat.completions.create({
      ...question,
      model: 'scripted',
      tools: [weather],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      parallel_tool_calls: false,
    })
    expect(received[0]?.program).toMatchObject({
      tools: [
        {
          name: 'get_weather',
          description: 'The weather of a city.',
          schema: weather.function.parameters,
          strict: true,
        },
      ],
      toolChoice: { name: 'get_weather' },
      parallelCalls: false,
      ignored: [],
    })
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Kobe"}' } },
          { id: 'call_2', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Nara"}' } },
        ],
      },
    })
  })

  test('are called in a stream, after the text, each with its index', async () => {
    const { client } = await setUp(async (write) => {
      await write.text('Let me look.')
      await write.end({ text: 'Let me look.' }, { finish: 'tool', calls })
    })
    const stream = client.chat.completions.stream({ ...question, tools: [weather] })
    const chunks = await all(stream)
    const indexes = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls?.map(({ index }) => index) ?? [])
    expect(indexes).toEqual([0, 1])
    expect((await stream.finalChatCompletion()).choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Let me look.', tool_calls: [{ id: 'call_1' }, { id: 'call_2' }] },
    })
  })

  test('give results, which stand behind the question as one message', async () => {
    const { client, received } = await setUp(answers)
    const made = calls.map(({ id, name, arguments: given }) => ({
      id,
      type: 'function' as const,
      function: { name, arguments: given },
    }))
    await client.chat.completions.create({
      model: 'scripted',
      messages: [
        { role: 'developer', content: 'Be short.' },
        { role: 'user', content: 'How is the weather?' },
        { role: 'assistant', content: null, tool_calls: made },
        { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
        { role: 'tool', tool_call_id: 'call_2', content: [{ type: 'text', text: 'rain' }] },
      ],
      tools: [weather],
    })
    expect(received[0]).toMatchObject({
      text: 'How is the weather?',
      instructions: 'Be short.',
      program: {
        after: [
          { role: 'assistant', text: '', calls },
          {
            role: 'user',
            text: '',
            results: [
              { id: 'call_1', name: 'get_weather', text: 'sunny' },
              { id: 'call_2', name: 'get_weather', text: 'rain' },
            ],
          },
        ],
      },
    })
  })

  test.skipIf(specMissing !== undefined)(
    `are called as OpenAI's own description says (skipped: ${specMissing ?? 'not'})`,
    async () => {
      const { post } = await setUp(callsTools)
      const body = await (await post({ ...question, tools: [weather] })).json()
      expect(openAiSpec('CreateChatCompletionResponse')(body)).toEqual([])
      const fresh = await setUp(callsTools)
      const streamed = await (await fresh.post({ ...question, tools: [weather], stream: true })).text()
      const valid = openAiSpec('CreateChatCompletionStreamResponse')
      const chunks = streamed.split('\n\n').filter((line) => line.startsWith('data: {'))
      expect(chunks.length).toBe(3)
      for (const chunk of chunks) expect(valid(JSON.parse(chunk.slice(6)))).toEqual([])
    },
  )
})

describe('a demanded form', () => {
  const schema = {
    type: 'object',
    properties: { days: { type: 'integer' } },
    required: ['days'],
    additionalProperties: false,
  }

  test.each([
    ['any JSON object', { type: 'json_object' as const }, { type: 'json' }],
    [
      'a schema',
      { type: 'json_schema' as const, json_schema: { name: 'notice', schema, strict: true } },
      { type: 'schema', name: 'notice', schema, strict: true },
    ],
    ['text, which is none', { type: 'text' as const }, undefined],
  ])('reaches the turn: %s', async (_what, response_format, format) => {
    const { client, received } = await setUp(answers)
    await client.chat.completions.create({ ...question, response_format })
    expect(received[0]?.program?.format).toEqual(format)
  })

  test('that the model breaks is a failure with a code of its own', async () => {
    const { client } = await setUp((write) =>
      write.end({ text: 'It does not fit.', state: 'failed' }, { error: 'model_format_broken' }),
    )
    await expect(
      client.chat.completions.create({ ...question, response_format: { type: 'json_object' } }),
    ).rejects.toMatchObject({ status: 502, code: 'model_format_broken' })
  })
})

describe('several answers', () => {
  const counting: Script = async (write, message) => {
    const n = message.id.slice(-1)
    await write.text(`Answer`)
    await write.end({ text: `Answer ${n}` }, { usage: used })
  }

  test('are turns of their own, with their usage added up', async () => {
    const { client, received } = await setUp(counting)
    const answer = await client.chat.completions.create({ ...question, n: 3 })
    expect(answer.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'Answer 1'],
      [1, 'Answer 2'],
      [2, 'Answer 3'],
    ])
    expect(answer.usage?.completion_tokens).toBe(36)
    expect(new Set(received.map(({ id }) => id)).size).toBe(3)
  })

  test('come in one stream, each with its index and its end', async () => {
    const { client } = await setUp(counting)
    const stream = client.chat.completions.stream({ ...question, n: 2 })
    const { choices } = await stream.finalChatCompletion()
    expect(choices.map(({ message, finish_reason: end }) => [message.content, end])).toEqual([
      ['Answer 1', 'stop'],
      ['Answer 2', 'stop'],
    ])
  })

  test('all end where one of them fails, because nobody reads the others', async () => {
    const stopped: string[] = []
    const { client } = await setUp(
      async (write, message) => {
        if (message.id.endsWith('-2')) await write.end({ text: 'Busy.', state: 'failed' }, { error: 'model_busy' })
      },
      {
        intake: {
          act: async ({ kind }) => {
            stopped.push(kind)
            return {}
          },
        },
      },
    )
    await expect(client.chat.completions.create({ ...question, n: 2 })).rejects.toMatchObject({ status: 503 })
    expect(stopped).toContain('stop')
  })
})

describe('how likely the tokens were', () => {
  const token = { token: 'Thirty', logprob: -0.1, bytes: [84], top: [{ token: 'Forty', logprob: -2, bytes: null }] }
  const script: Script = async (write) => {
    await write.text('Thirty')
    await write.end({ text: 'Thirty' }, { logprobs: [token] })
  }
  const content = [
    { token: 'Thirty', logprob: -0.1, bytes: [84], top_logprobs: [{ token: 'Forty', logprob: -2, bytes: null }] },
  ]

  test('is asked of the model, and told with the answer and at the end of a stream', async () => {
    const { client, received } = await setUp(script)
    const ask = { ...question, logprobs: true, top_logprobs: 1 }
    expect((await client.chat.completions.create(ask)).choices[0]?.logprobs?.content).toEqual(content)
    expect(received[0]?.overrides?.sampling).toMatchObject({ logprobs: 1 })
    const fresh = await setUp(script)
    const chunks = await all(await fresh.client.chat.completions.create({ ...ask, stream: true }))
    expect(chunks.at(-1)?.choices[0]?.logprobs?.content).toEqual(content)
    if (specMissing === undefined)
      expect(openAiSpec('CreateChatCompletionStreamResponse')(JSON.parse(JSON.stringify(chunks.at(-1))))).toEqual([])
  })

  test('is null where the model’s server tells nothing, and the answer says so', async () => {
    const { client } = await setUp((write) => write.end({ text: 'Thirty' }, { ignored: ['logprobs'] }))
    const answer = await client.chat.completions.create({ ...question, logprobs: true })
    expect(answer.choices[0]?.logprobs).toBeNull()
    expect(answer).toMatchObject({ parley: { ignored: ['logprobs'] } })
  })
})
