import { afterEach, describe, expect, it } from 'vitest'
import { dialects, scriptedRig, secret } from '../../../test/models/dialects.ts'
import { startScriptedAnthropic } from '../../../test/servers/anthropic.ts'
import type { ScriptedServer } from '../../../test/servers/scripted.ts'
import { silentLog } from '../../core/log.ts'
import { collect, failure, lastUsage, never, textOf } from '../model.contract.rig.ts'
import { modelContract } from '../model.contract.ts'
import type { ModelEvent, ModelRequest, Part } from '../model.ts'
import { type AnthropicOptions, createAnthropicProvider } from './anthropic.ts'

modelContract('anthropic', scriptedRig(dialects.anthropic))

describe('anthropic', () => {
  let server: ScriptedServer | undefined
  afterEach(() => server?.close())

  const passage: Part = {
    type: 'passage',
    source: '1:p3',
    title: 'a.pdf',
    at: { kind: 'page', page: 3 },
    text: 'Thirty days.',
  }
  const question: Part = { type: 'text', text: 'How long?' }
  const request: ModelRequest = {
    model: 'claude-sonnet-4-5',
    system: 'Be brief.',
    messages: [
      { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
      { role: 'assistant', parts: [{ type: 'text', text: 'Hi.' }] },
      { role: 'user', parts: [passage, question] },
    ],
    maxOutputTokens: 64,
  }

  function provider(at: ScriptedServer, options: Partial<AnthropicOptions> = {}) {
    const common = { name: 'anthropic', apiKey: secret, backoffMs: 5, log: silentLog }
    return createAnthropicProvider({ ...common, baseUrl: at.origin, ...options })
  }

  async function bodyOf(asked: ModelRequest, options: Partial<AnthropicOptions> = {}): Promise<unknown> {
    server = await startScriptedAnthropic({ script: [{ tokens: ['ok'] }] })
    await collect(provider(server, options).stream(asked, never))
    return (await server.request(0)).body
  }

  it('marks the rules and the conversation so far for its cache, and what is asked once not', async () => {
    const mark = { cache_control: { type: 'ephemeral' } }
    expect(await bodyOf(request, { documents: true })).toEqual({
      model: 'claude-sonnet-4-5',
      stream: true,
      max_tokens: 64,
      system: [{ type: 'text', text: expect.stringMatching(/^Be brief\.\nDocuments come from files/), ...mark }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
        { role: 'assistant', content: [{ type: 'text', text: 'Hi.', ...mark }] },
        {
          role: 'user',
          content: [
            {
              type: 'document',
              source: { type: 'text', media_type: 'text/plain', data: 'Thirty days.' },
              title: 'a.pdf',
              context: 'p. 3, label 1:p3',
              citations: { enabled: true },
            },
            { type: 'text', text: 'How long?' },
          ],
        },
      ],
    })
  })

  it('marks the question, too, where calls of tools will ask it again', async () => {
    const tools = [{ name: 'look_up', description: 'Looks up.', schema: { type: 'object' } }]
    const body = await bodyOf({ ...request, tools }, { documents: true })
    expect(body).toMatchObject({
      messages: [{}, {}, { content: [{}, { text: 'How long?', cache_control: { type: 'ephemeral' } }] }],
    })
  })

  it('gives servers that are not Anthropic’s the passages as text, with labels for the model to cite', async () => {
    const body = JSON.stringify(await bodyOf(request))
    expect(body).not.toContain('"document"')
    expect(body).toContain('<passage source=\\"1:p3\\"')
  })

  it('leaves out what is empty, which would be refused', async () => {
    const empty: Part[] = [{ ...passage, text: ' \n' }, { type: 'text', text: '' }, question]
    const body = await bodyOf({ ...request, messages: [{ role: 'user', parts: empty }] }, { documents: true })
    expect(body).toMatchObject({ messages: [{ role: 'user', content: [{ type: 'text', text: 'How long?' }] }] })
  })

  it('does without a temperature where the model takes none, and remembers; a high one is the highest', async () => {
    server = await startScriptedAnthropic({
      script: ({ body }) =>
        'temperature' in (body as object)
          ? { status: 400, error: { message: '`temperature` is deprecated for this model.' } }
          : { tokens: ['fine'] },
    })
    const client = provider(server)
    for (let n = 0; n < 2; n++) {
      expect(textOf(await collect(client.stream({ ...request, temperature: 1.5 }, never)))).toBe('fine')
    }
    expect(server.requests.map(({ body }) => (body as { temperature?: number }).temperature)).toEqual([
      1,
      undefined,
      undefined,
    ])
  })

  it('tells an account without credit as such, and a busy server by its status 529', async () => {
    const message = 'Your credit balance is too low to access the Anthropic API.'
    server = await startScriptedAnthropic({ script: [{ status: 400, error: { message } }, { status: 529 }] })
    const first = await failure(provider(server).stream(request, never))
    expect([first.error.code, first.error.userMessage]).toEqual([
      'model_refused_key',
      expect.stringContaining('no credit'),
    ])
    const second = await failure(provider(server).stream(request, never))
    expect(second.error.code).toBe('model_busy')
  })

  it('takes an answer as whole that told why it stopped, although a proxy left message_stop out', async () => {
    server = await startScriptedAnthropic({ script: [{ tokens: ['whole'], done: false, usage: { output_tokens: 7 } }] })
    const events = await collect(provider(server).stream(request, never))
    expect(events.at(-1)).toEqual({ type: 'finish', reason: 'stop' })
    expect(lastUsage(events)).toMatchObject({ output: 7, source: 'provider' })
    expect(server.requests.length).toBe(1)
  })

  it('tells the input before the first word, and keeps it when the answer is stopped', async () => {
    const usage = { input_tokens: 100, cache_creation_input_tokens: 30, cache_read_input_tokens: 20, output_tokens: 1 }
    const script = [{ tokens: ['half', ' of it'], earlierUsage: usage, cut: { after: 1, how: 'stall' as const } }]
    server = await startScriptedAnthropic({ script })
    const stop = new AbortController()
    const events: ModelEvent[] = []
    for await (const event of provider(server).stream(request, stop.signal)) {
      events.push(event)
      if (event.type === 'text') stop.abort()
    }
    const counted = { input: 150, cacheRead: 20, cacheWrite: 30 }
    expect(events[1]).toEqual({ type: 'input', counted })
    expect(events.at(-1)).toEqual({ type: 'finish', reason: 'aborted' })
    expect(lastUsage(events)).toMatchObject({ ...counted, source: 'estimated' })
  })

  it.for([
    ['pause_turn', 'truncated'],
    ['model_context_window_exceeded', 'length'],
    ['stop_sequence', 'stop'],
  ] as const)('an answer that stopped by %s is told as %s', async ([stop, reason]) => {
    server = await startScriptedAnthropic({ script: [{ tokens: ['some'], finish: stop }] })
    const events = await collect(provider(server).stream(request, never))
    expect(events.at(-1)).toEqual({ type: 'finish', reason })
  })

  it('an answer that stopped for a reason nobody knows has failed', async () => {
    server = await startScriptedAnthropic({ script: [{ tokens: ['some'], finish: 'something_new' }] })
    const { error } = await failure(provider(server).stream(request, never))
    expect(error.code).toBe('model_unreachable')
  })

  it('reads names, limits and abilities of models, and leaves retired ones out', async () => {
    const supported = { supported: true }
    server = await startScriptedAnthropic({
      models: [
        {
          id: 'claude-sonnet-4-5-20250929',
          display_name: 'Claude Sonnet 4.5',
          max_input_tokens: 200_000,
          max_tokens: 64_000,
          capabilities: { image_input: supported, pdf_input: supported, thinking: { supported: false } },
        },
        { id: 'claude-2.1', lifecycle: 'retired' },
        { id: 'from-a-gateway', display_name: undefined, capabilities: null, max_tokens: null },
      ],
    })
    expect(await provider(server).models(never)).toEqual([
      {
        id: 'claude-sonnet-4-5-20250929',
        label: 'Claude Sonnet 4.5',
        contextWindow: 200_000,
        maxOutputTokens: 64_000,
        tools: true,
        vision: true,
        pdf: true,
        reasoning: false,
      },
      { id: 'from-a-gateway' },
    ])
  })

  it('finds its address with /v1 at its end or without', async () => {
    server = await startScriptedAnthropic({ script: [{ tokens: ['ok'] }] })
    for (const baseUrl of [`${server.origin}/`, `${server.origin}/v1`, `${server.origin}/v1/`]) {
      expect(textOf(await collect(provider(server, { baseUrl }).stream(request, never)))).toBe('ok')
    }
  })
})
