import { describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { ModelMessage, ModelProvider, ModelRequest, Part } from '../../src/models/model.ts'
import { createOpenAiProvider } from '../../src/models/providers/openai.ts'
import { createOpenAiResponsesProvider } from '../../src/models/providers/openai-responses.ts'
import { startScriptedOpenAi } from './openai.ts'
import { openAiEventSpec, openAiSpec, specMissing } from './openai-spec.ts'
import { startScriptedResponses } from './responses.ts'

const request: ModelRequest = {
  model: 'gpt-5-mini',
  system: 'Be brief.',
  messages: [
    { role: 'user', parts: [{ type: 'text', text: 'hello' }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'hi' }] },
    {
      role: 'user',
      parts: [
        { type: 'passage', source: '1:p1', title: 'a.pdf', at: { kind: 'page', page: 1 }, text: 'Page one.' },
        { type: 'image', mediaType: 'image/png', data: new Uint8Array([137, 80]) },
        { type: 'text', text: 'what is this?' },
      ],
    },
    {
      role: 'assistant',
      parts: [
        { type: 'text', text: 'I look it up.' },
        { type: 'toolCall', id: 'call_1', name: 'look_up', arguments: '{"word":"this"}' },
      ],
    },
    { role: 'user', parts: [{ type: 'toolResult', id: 'call_1', name: 'look_up', text: 'A picture.' }] },
  ],
  maxOutputTokens: 64,
  temperature: 0.5,
  tools: [
    {
      name: 'look_up',
      description: 'Looks a word up.',
      schema: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
    },
  ],
}
const pdf = { type: 'file', mediaType: 'application/pdf', title: 'a.pdf', source: '1' } as const

async function answered(provider: ModelProvider, asked: ModelRequest): Promise<void> {
  for await (const event of provider.stream(asked, new AbortController().signal)) if (event.type === 'finish') break
}

describe('the scripted servers and OpenAI’s own description', () => {
  it('a Chat Completions request that Parley sends is one that OpenAI describes', async (context) => {
    context.skip(specMissing !== undefined, specMissing)
    await using server = await startScriptedOpenAi()
    await answered(createOpenAiProvider({ name: 'stand-in', baseUrl: server.url, log: silentLog }), request)
    const violations = openAiSpec('CreateChatCompletionRequest')
    const { body } = await server.request(0)
    expect(violations(body)).toEqual([])
    expect(violations({ ...(body as object), messages: 'none' })).not.toEqual([])
  })

  it('a Responses request that Parley sends is one that OpenAI describes, pictures and files included', async (context) => {
    context.skip(specMissing !== undefined, specMissing)
    await using server = await startScriptedResponses()
    const file: Part = { ...pdf, data: new TextEncoder().encode('%PDF-1.7') }
    const messages: ModelMessage[] = [{ role: 'user', parts: [file] }, ...request.messages]
    const provider = createOpenAiResponsesProvider({ name: 'stand-in', baseUrl: server.url, log: silentLog })
    await answered(provider, { ...request, messages })
    const violations = openAiSpec('CreateResponse')
    const { body } = await server.request(0)
    expect(violations(body)).toEqual([])
    expect(violations({ ...(body as object), input: [{ role: 'nobody' }] })).not.toEqual([])
    expect(body).toMatchObject({ store: false, reasoning: { summary: 'auto' } })
  })

  it('the events of the scripted Responses server are those that OpenAI describes', async (context) => {
    context.skip(specMissing !== undefined, specMissing)
    const calls = [{ id: 'call_1', name: 'look_up', arguments: ['{"wo', 'rd":"a"}'] }]
    await using server = await startScriptedResponses({
      script: [
        { reasoning: ['hm'], tokens: ['a', 'b'], refusal: ['c'], calls },
        { tokens: ['a'], finish: 'max_output_tokens' },
        { tokens: ['a'], failure: { code: 'server_error', message: 'It failed.' } },
      ],
    })
    const violations = openAiEventSpec()
    const body = JSON.stringify({ model: 'm', stream: true, input: [{ role: 'user', content: 'hello' }] })
    // All are asked for first: reading the description may take longer than a connection is kept.
    const streams: string[] = []
    for (let n = 0; n < 3; n += 1)
      streams.push(await (await fetch(`${server.url}/responses`, { method: 'POST', body })).text())
    for (const [n, count] of [16, 6, 5].entries()) {
      const stream = streams[n] ?? ''
      const events = [...stream.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''))
      expect(events.flatMap((event) => violations(event).map((line) => `${event.type}: ${line}`))).toEqual([])
      expect(events.length).toBe(count)
    }
  })

  it('what the server streams, answers whole and lists is what OpenAI describes', async (context) => {
    context.skip(specMissing !== undefined, specMissing)
    await using server = await startScriptedOpenAi({
      script: [{ tokens: ['a', 'b'], refusal: ['c'] }],
      models: [{ id: 'gpt-4o-mini' }],
    })
    const chat = (body: object) =>
      fetch(`${server.url}/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'm', ...body }) })
    const messages = [{ role: 'user', content: 'hello there' }]
    const stream = await chat({ messages, stream: true, stream_options: { include_usage: true } })
    const lines = (await stream.text()).split('\n\n').filter((line) => line !== '')
    expect(lines.length).toBe(6)
    expect(lines.at(-1)).toBe('data: [DONE]')
    const chunk = openAiSpec('CreateChatCompletionStreamResponse')
    expect(lines.slice(0, -1).flatMap((line) => chunk(JSON.parse(line.slice(6))))).toEqual([])
    expect(openAiSpec('CreateChatCompletionResponse')(await (await chat({ messages })).json())).toEqual([])
    expect(openAiSpec('ListModelsResponse')(await (await fetch(`${server.url}/models`)).json())).toEqual([])
  })

  it('echoes the last user message word by word and counts a client that leaves', async () => {
    await using server = await startScriptedOpenAi({ script: [{}, { tokens: ['x'], cut: { after: 1, how: 'stall' } }] })
    const post = (signal: AbortSignal) =>
      fetch(`${server.url}/chat/completions`, {
        method: 'POST',
        signal,
        body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'good  morning' }] }),
      })
    const text = await (await post(new AbortController().signal)).text()
    const said = [...text.matchAll(/"content":"([^"]*)"/g)].map((match) => match[1])
    expect(said).toEqual(['good  ', 'morning'])
    const leave = new AbortController()
    await post(leave.signal)
    leave.abort()
    expect(await (await server.request(1)).closed).toBe('aborted')
  })
})
