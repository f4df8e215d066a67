/** `/v1/responses`: what is asked reaches the turn, and the answer comes as OpenAI's own client and description expect it. */
import { afterEach, describe, expect, test } from 'vitest'
import { all, answers, endAll, type Script, secret, setUp, used } from '../../test/servers/api-rig.ts'
import { openAiEventSpec, openAiSpec, specMissing } from '../../test/servers/openai-spec.ts'

afterEach(endAll)

const calls = [{ id: 'call_1', name: 'get_weather', arguments: '{"city":"Kobe"}' }]
const weather = {
  type: 'function' as const,
  name: 'get_weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: false,
}
const ask = { model: 'scripted', input: 'How long is the notice period?' }

async function use(script: Script = answers) {
  const rig = await setUp(script)
  const post = (body: object) =>
    fetch(`${rig.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: JSON.stringify({ ...ask, ...body }),
    })
  const events = async (body: object = {}) =>
    (await (await post({ stream: true, ...body })).text())
      .split('\n\n')
      .flatMap((frame) => frame.match(/^data: (.*)$/m)?.[1] ?? [])
      .map((data) => JSON.parse(data) as { type: string; sequence_number: number; [more: string]: unknown })
  return { ...rig, post, events }
}

test('an answer is one message, with its usage and what Parley adds', async () => {
  const { client, received } = await use()
  const response = await client.responses.create({ ...ask, instructions: 'Be short.', max_output_tokens: 99 })
  expect(response.output_text).toBe('Thirty days [1].')
  expect(response).toMatchObject({
    status: 'completed',
    model: 'scripted',
    instructions: 'Be short.',
    max_output_tokens: 99,
    usage: { input_tokens: 1200, output_tokens: 12, input_tokens_details: { cached_tokens: 1000 } },
    parley: { sources: [{ n: 1, title: 'contract.pdf' }] },
  })
  expect(received[0]).toMatchObject({
    text: 'How long is the notice period?',
    instructions: 'Be short.',
    overrides: { model: 'scripted', maxOutputTokens: 99 },
    program: { ownPrompt: true, ignored: [] },
  })
})

test('items are the conversation: words, files, calls and what they gave', async () => {
  const { client, received, contents } = await use()
  await client.responses.create({
    ...ask,
    input: [
      { role: 'developer', content: 'Be short.' },
      { role: 'user', content: 'Hello' },
      {
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Hi.', annotations: [] }],
        id: 'm',
        status: 'completed',
        type: 'message',
      },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'How is the weather?' },
          { type: 'input_image', image_url: 'data:image/png;base64,aGk=', detail: 'auto' },
          { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' },
        ],
      },
      { type: 'reasoning', id: 'rs_1', summary: [] },
      { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Kobe"}' },
      { type: 'function_call', call_id: 'call_2', name: 'get_weather', arguments: '{"city":"Nara"}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
      { type: 'function_call_output', call_id: 'call_2', output: [{ type: 'input_text', text: 'rain' }] },
    ],
    tools: [weather],
    tool_choice: 'required',
    reasoning: { effort: 'low' },
    text: { format: { type: 'json_schema', name: 'f', schema: { type: 'object' }, strict: true } },
  })
  expect(received[0]).toMatchObject({
    text: 'How is the weather?',
    instructions: 'Be short.',
    history: [
      { role: 'user', text: 'Hello' },
      { role: 'assistant', text: 'Hi.' },
    ],
    attachments: [{ name: 'image-2.png' }, { name: 'a.pdf' }],
    overrides: { sampling: { reasoningEffort: 'low' } },
    program: {
      after: [
        { role: 'assistant', calls: [{ id: 'call_1' }, { id: 'call_2' }] },
        {
          role: 'user',
          results: [
            { id: 'call_1', text: 'sunny' },
            { id: 'call_2', text: 'rain' },
          ],
        },
      ],
      tools: [{ name: 'get_weather' }],
      toolChoice: 'required',
      format: { type: 'schema', name: 'f', strict: true },
    },
  })
  expect([...contents.values()].map(String)).toEqual(['hi', '%PDF'])
})

describe('a stream', () => {
  const all_: Script = async (write) => {
    await write.think('A plan.')
    await write.text('Let me')
    await write.text('Let me look.')
    await write.end(
      { text: 'Let me look.' },
      { model: 'scripted', usage: used, finish: 'tool', calls, thoughts: 'A plan.' },
    )
  }

  test('has its typed events in order, numbered without a gap', async () => {
    const { events } = await use(all_)
    const seen = await events({ tools: [weather] })
    expect(seen.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.reasoning_summary_part.added',
      'response.reasoning_summary_text.delta',
      'response.reasoning_summary_text.done',
      'response.reasoning_summary_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(seen.map(({ sequence_number: n }) => n)).toEqual(seen.map((_, at) => at))
    expect(seen.at(-1)?.response).toMatchObject({
      status: 'completed',
      output: [{ type: 'reasoning' }, { type: 'message' }, { type: 'function_call', call_id: 'call_1' }],
    })
  })

  test('is put together by OpenAI’s own client', async () => {
    const { client } = await use(all_)
    const stream = client.responses.stream({ ...ask, tools: [weather] })
    await all(stream)
    const response = await stream.finalResponse()
    expect(response.output_text).toBe('Let me look.')
    expect(response.output.at(-1)).toMatchObject({ type: 'function_call', name: 'get_weather' })
  })

  test('that another model starts over ends with its text alone', async () => {
    const { events } = await use(async (write) => {
      await write.text('I think')
      await write.end({ text: 'No.' }, { finish: 'stop' })
    })
    const seen = await events()
    expect(seen.at(-1)?.response).toMatchObject({
      output: [{ type: 'message', status: 'completed', content: [{ text: 'No.' }] }],
    })
    expect(seen.filter(({ type }) => type === 'response.output_text.done').map(({ text }) => text)).toEqual([
      'I think',
      'No.',
    ])
  })

  test('of an answer that is cut says so', async () => {
    const { events } = await use((write) => write.end({ text: 'Thirty' }, { finish: 'length' }))
    expect((await events()).at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    })
  })

  test('that fails after its first words ends with the failure', async () => {
    const { events } = await use(async (write) => {
      await write.text('Thirty')
      await write.end({ text: 'The model is away. Try later.', state: 'failed' }, { error: 'model_unreachable' })
    })
    expect((await events()).slice(-2)).toMatchObject([
      { type: 'error', code: 'model_unreachable', message: 'The model is away. Try later.' },
      { type: 'response.failed', response: { status: 'failed', error: { code: 'server_error' } } },
    ])
  })
})

test.skipIf(specMissing !== undefined)(
  `bodies and events are as OpenAI's own description says (skipped: ${specMissing ?? 'not'})`,
  async () => {
    const script: Script = async (write) => {
      await write.think('A plan.')
      await write.text('Let me')
      await write.end(
        { text: 'Let me look.' },
        { model: 'scripted', usage: used, finish: 'tool', calls, thoughts: 'A plan.' },
      )
    }
    const whole = await (await (await use(script)).post({ tools: [weather] })).json()
    expect(openAiSpec('Response')(whole)).toEqual([])
    const valid = openAiEventSpec()
    const fresh = await use(script)
    const seen = await fresh.events({ tools: [weather] })
    expect(seen.length).toBeGreaterThan(15)
    for (const event of seen) expect([event.type, valid(event)]).toEqual([event.type, []])
    const failing = await use(async (write) => {
      await write.text('Thirty')
      await write.end({ text: 'Try later.', state: 'failed' }, { error: 'model_unreachable' })
    })
    for (const event of await failing.events()) expect([event.type, valid(event)]).toEqual([event.type, []])
  },
)

test.each<[string, object, string]>([
  ['a response before it', { previous_response_id: 'resp_1' }, 'previous_response_id'],
  ['a conversation that is kept', { conversation: 'conv_1' }, 'conversation'],
  ['an answer in the background', { background: true }, 'background'],
  ['a stored prompt', { prompt: { id: 'p' } }, 'prompt'],
  ['a tool of OpenAI’s own', { tools: [weather, { type: 'web_search' }] }, 'tools.1.type'],
  ['an item of another kind', { input: [{ type: 'computer_call_output', call_id: 'x' }] }, 'input.0.type'],
  ['a reference to an item', { input: [{ type: 'item_reference', id: 'x' }] }, 'input.0.type'],
  [
    'the result of a call that nobody made',
    {
      input: [
        { role: 'user', content: 'Hi' },
        { type: 'function_call_output', call_id: 'x', output: '' },
      ],
    },
    'input',
  ],
  ['a file by its id', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] }, 'messages'],
  ['no input', { input: undefined }, 'input'],
])('%s is refused by name, and nothing is taken in', async (_what, body, param) => {
  const { post, received } = await use()
  const response = await post(body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { param, message: expect.stringMatching(/\.$/) } })
  expect(received).toEqual([])
})
