import { afterEach, describe, expect, it } from 'vitest'
import { dialects, scriptedRig } from '../../../test/models/dialects.ts'
import { type ScriptedOpenAi, type ScriptedReply, startScriptedOpenAi } from '../../../test/servers/openai.ts'
import { silentLog } from '../../core/log.ts'
import { modelContract } from '../model.contract.ts'
import type { ModelEvent, ModelProvider, ModelRequest } from '../model.ts'
import { createOpenAiProvider } from './openai.ts'

const secret = 'sk-test-0123456789abcdef'

function provider(server: { url: string }): ModelProvider {
  const timers = { connectMs: 30_000, idleMs: 400, totalMs: 60_000 }
  return createOpenAiProvider({
    name: 'stand-in',
    baseUrl: server.url,
    apiKey: secret,
    timers,
    backoffMs: 5,
    log: silentLog,
  })
}

modelContract('chat completions', scriptedRig(dialects['chat completions']))

describe('openai: dialects and odd servers', () => {
  let server: ScriptedOpenAi | undefined
  afterEach(() => server?.close())

  const request: ModelRequest = {
    model: 'scripted',
    system: '',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'hello' }] }],
    maxOutputTokens: 50,
  }
  async function answer(script: ScriptedReply[] | Parameters<typeof startScriptedOpenAi>[0]): Promise<ModelEvent[]> {
    server = await startScriptedOpenAi(Array.isArray(script) ? { script } : script)
    return collect(provider(server))
  }
  async function collect(from: ModelProvider): Promise<ModelEvent[]> {
    const events: ModelEvent[] = []
    for await (const event of from.stream(request, new AbortController().signal)) events.push(event)
    return events
  }
  const text = (events: ModelEvent[]) => events.map((event) => (event.type === 'text' ? event.delta : '')).join('')
  const finish = (events: ModelEvent[]) => events.at(-1)

  it('takes what was counted within a stream that breaks off for the part before, and its input as it is', async () => {
    const chunk = (content: string, completion_tokens: number) =>
      `data: ${JSON.stringify({ choices: [{ delta: { content } }], usage: { prompt_tokens: 70, completion_tokens } })}\n\n`
    const events = await answer([
      { raw: [chunk('one', 40), chunk(' two', 80)], cut: { after: 2, how: 'reset' }, everyMs: 5 },
    ])
    expect(events).toContainEqual({ type: 'input', counted: { input: 70, cacheRead: 0, cacheWrite: 0 } })
    expect(events.filter(({ type }) => type === 'usage')).toMatchObject([
      { usage: { input: 70, output: 80, source: 'estimated' } },
    ])
    expect(finish(events)).toEqual({ type: 'finish', reason: 'truncated' })
  })

  it('reads bytes literals, bare text and nested chunks as OPEA sends them', async () => {
    const raw = [
      `data: b'Caf\\xc3\\xa9 '\n\n`,
      `data: b"it\\'s \\xe4\\xbd"\n\n`,
      `data: b'\\xa0'\n\n`,
      ': keep-alive\n\n',
      'data:  bare {text}\n\n',
      `data: b'data: {"choices":[{"delta":{"content":"!"}}]}\\n\\n'\n\n`,
      'data: [DONE]\n\n',
    ]
    const events = await answer([{ raw }])
    expect(text(events)).toBe("Café it's 你 bare {text}!")
    expect(finish(events)).toEqual({ type: 'finish', reason: 'stop' })
  })

  it('reads chunks with missing fields, events without blank lines and role-only deltas', async () => {
    const chunks = [
      { choices: [{ delta: { role: 'assistant', content: null } }] },
      {},
      { choices: [] },
      { choices: [{ delta: { content: 'a' } }], usage: null },
      { choices: [{ text: 'b' }] },
      { choices: [{ delta: { content: [{ type: 'text', text: 'c' }] }, finish_reason: 'eos' }] },
    ]
    const events = await answer([{ raw: chunks.map((chunk) => `event: message\r\ndata:${JSON.stringify(chunk)}\r\n`) }])
    expect(text(events)).toBe('abc')
    expect(finish(events)).toEqual({ type: 'finish', reason: 'stop' })
  })

  it('drops a half-sent last chunk and calls the answer truncated', async () => {
    const raw = ['data: {"choices":[{"delta":{"content":"kept"}}]}\n\n', 'data: {"choices":[{"delta":{"cont']
    const events = await answer([{ raw }])
    expect(text(events)).toBe('kept')
    expect(finish(events)).toEqual({ type: 'finish', reason: 'truncated' })
  })

  it('takes a whole JSON answer from a server that does not stream', async () => {
    const body = {
      choices: [{ message: { content: 'all at once' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 4 },
    }
    const events = await answer([{ raw: [JSON.stringify(body)], headers: { 'content-type': 'application/json' } }])
    expect(text(events)).toBe('all at once')
    expect(events).toContainEqual({
      type: 'usage',
      usage: expect.objectContaining({ input: 3, output: 4, source: 'provider' }),
    })
  })

  it('says a refusal and finishes as one', async () => {
    const events = await answer([{ tokens: [], refusal: ['I cannot ', 'do that.'] }])
    expect(text(events)).toBe('I cannot do that.')
    expect(finish(events)).toEqual({ type: 'finish', reason: 'refusal' })
  })

  it('does without stream_options where a server rejects it, and remembers', async () => {
    const events = await answer({
      script: ({ body }) =>
        'stream_options' in (body as object)
          ? { status: 400, error: { message: 'Unrecognized request argument supplied: stream_options' } }
          : { tokens: ['fine'] },
    })
    expect(text(events)).toBe('fine')
    expect(server?.requests.length).toBe(2)
  })

  it.for([
    [
      `Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.`,
      'max_tokens',
    ],
    ['Unrecognized request argument supplied: max_tokens', null],
  ] as const)('changes the word for the limit: %s', async ([message, param]) => {
    server = await startScriptedOpenAi({
      script: ({ body }) =>
        'max_tokens' in (body as object) ? { status: 400, error: { message, param } } : { tokens: ['fine'] },
    })
    const client = provider(server)
    expect(text(await collect(client))).toBe('fine')
    expect(text(await collect(client))).toBe('fine')
    expect(server.requests.length).toBe(3)
    expect(server.requests.at(-1)?.body).toMatchObject({ max_completion_tokens: 50 })
  })

  it('tells an error inside the stream by its kind, and never tries again after it', async () => {
    const error = `data: ${JSON.stringify({ error: { message: 'engine overloaded', code: 503 } })}\n\n`
    const late = ['data: {"choices":[{"delta":{"content":"x"}}]}\n\n', error]
    for (const raw of [[error], late]) {
      await expect(answer([{ raw }])).rejects.toMatchObject({ code: 'model_busy' })
      expect(server?.requests.length).toBe(1)
      await server?.close()
    }
  })

  it('stopped while it waits to try again, has used nothing', async () => {
    server = await startScriptedOpenAi({ script: [{ status: 429, headers: { 'retry-after': '10' } }] })
    const stop = new AbortController()
    const log = { ...silentLog, info: () => stop.abort() }
    const busy = createOpenAiProvider({ name: 'busy', baseUrl: server.url, log })
    const events: ModelEvent[] = []
    for await (const event of busy.stream(request, stop.signal)) events.push(event)
    expect(events.map(({ type }) => type)).toEqual(['start', 'finish'])
    expect(finish(events)).toEqual({ type: 'finish', reason: 'aborted' })
  })

  it('asks OPEA’s pipeline at its own address, always with a limit, and calls it by its name', async () => {
    server = await startScriptedOpenAi({
      script: [{ raw: [`data: b' Thirty'\n\n`, `data: b' days.'\n\n`, 'data: [DONE]\n\n'] }],
    })
    const pipeline = createOpenAiProvider({ name: 'opea', baseUrl: `${server.url}/chatqna/`, log: silentLog })
    expect(text(await collect(pipeline))).toBe(' Thirty days.')
    expect(server.requests[0]).toMatchObject({ path: '/v1/chatqna', body: { max_tokens: 50, stream: true } })
    const signal = new AbortController().signal
    expect((await pipeline.models(signal)).map(({ id }) => id)).toEqual(['chatqna'])
    await server.close()
    await expect(pipeline.models(signal)).rejects.toMatchObject({ code: 'model_unreachable' })
  })

  it('does not wait for a server that keeps the line open after its last word', async () => {
    const raw = ['data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n', '']
    const events = await answer([{ raw, cut: { after: 1, how: 'stall' } }])
    expect(finish(events)).toEqual({ type: 'finish', reason: 'stop' })
  })

  it('stops a drip that never falls silent when the whole takes too long', async () => {
    server = await startScriptedOpenAi({ script: [{ tokens: Array.from({ length: 500 }, () => 'x'), everyMs: 20 }] })
    const timers = { connectMs: 1_000, idleMs: 1_000, totalMs: 200 }
    const slow = createOpenAiProvider({ name: 'slow', baseUrl: server.url, timers, log: silentLog })
    await expect(collect(slow)).rejects.toMatchObject({ code: 'model_stalled' })
  })

  it('sends no Authorization header without a key, and images as data URLs', async () => {
    server = await startScriptedOpenAi()
    const keyless = createOpenAiProvider({ name: 'local', baseUrl: server.url, log: silentLog })
    const image = { type: 'image', mediaType: 'image/png', data: new Uint8Array([1, 2, 3]) } as const
    const parts = [{ type: 'text' as const, text: 'see' }, image]
    const events: ModelEvent[] = []
    const stream = keyless.stream({ ...request, messages: [{ role: 'user', parts }] }, new AbortController().signal)
    for await (const event of stream) events.push(event)
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
    expect(server.requests[0]?.body).toMatchObject({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AQID' } },
          ],
        },
      ],
    })
  })

  it('sends the headers of its server with questions and lists, and they win over its own', async () => {
    server = await startScriptedOpenAi()
    const headers = { 'x-portkey-provider': 'openai', 'Api-Key': 'sesame', authorization: 'Basic abc' }
    const gate = createOpenAiProvider({ name: 'gate', baseUrl: server.url, apiKey: 'k', headers, log: silentLog })
    await collect(gate)
    await gate.models(new AbortController().signal)
    expect(server.requests.length).toBeGreaterThan(0)
    for (const { headers: got } of server.requests)
      expect(got).toMatchObject({ 'x-portkey-provider': 'openai', 'api-key': 'sesame', authorization: 'Basic abc' })
  })

  it('Google’s names lose their prefix, and other servers keep theirs', async () => {
    const ids = async (baseUrl: string) => {
      const fetch = async () => Response.json({ data: [{ id: 'models/gemini-2.5-flash' }] })
      const client = createOpenAiProvider({ name: 'listed', baseUrl, fetch, log: silentLog })
      return (await client.models(new AbortController().signal)).map(({ id }) => id)
    }
    expect(await ids('https://generativelanguage.googleapis.com/v1beta/openai')).toEqual(['gemini-2.5-flash'])
    expect(await ids('http://gpu:8000/v1')).toEqual(['models/gemini-2.5-flash'])
  })

  it('keeps its connections for the answers that follow', async () => {
    server = await startScriptedOpenAi()
    const client = provider(server)
    for (let i = 0; i < 8; i++) await collect(client)
    // A connection is given back a moment after its answer ended, so two may take turns.
    expect(new Set(server.requests.map(({ clientPort }) => clientPort)).size).toBeLessThanOrEqual(2)
  })

  it('reads context windows from the list of models, and a refused key as such', async () => {
    server = await startScriptedOpenAi({ models: [{ id: 'qwen', max_model_len: 32_768 }, { id: 'plain' }] })
    const signal = new AbortController().signal
    expect(await provider(server).models(signal)).toEqual([
      { id: 'qwen', owner: 'scripted', contextWindow: 32_768 },
      { id: 'plain', owner: 'scripted' },
    ])
    await server.close()
    server = await startScriptedOpenAi({ models: 401 })
    await expect(provider(server).models(signal)).rejects.toMatchObject({ code: 'model_refused_key' })
  })
})
