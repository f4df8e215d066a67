import { describe, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import type { ModelRequest } from '../../src/models/model.ts'
import { createOpenAiProvider } from '../../src/models/providers/openai.ts'
import { type ReceivedRequest, startScriptedOpenAi } from './openai.ts'
import { openAiSpec, specMissing } from './openai-spec.ts'

const request: ModelRequest = {
  model: 'gpt-4o-mini',
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
  ],
  maxOutputTokens: 64,
}

async function received(): Promise<ReceivedRequest> {
  await using server = await startScriptedOpenAi()
  const provider = createOpenAiProvider({ name: 'stand-in', baseUrl: server.url, log: silentLog })
  for await (const event of provider.stream(request, new AbortController().signal)) if (event.type === 'finish') break
  return await server.request(0)
}

describe('the scripted server and OpenAI’s own description', () => {
  it('a request that Parley sends is one that OpenAI describes', async (context) => {
    context.skip(specMissing !== undefined, specMissing)
    const violations = openAiSpec('CreateChatCompletionRequest')
    const { body } = await received()
    expect(violations(body)).toEqual([])
    expect(violations({ ...(body as object), messages: 'none' })).not.toEqual([])
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
