import { afterEach, describe, expect, it } from 'vitest'
import { dialects, scriptedRig } from '../../../test/models/dialects.ts'
import { type ScriptedOllama, type ScriptedOllamaOptions, startScriptedOllama } from '../../../test/servers/ollama.ts'
import { silentLog } from '../../core/log.ts'
import { collect, failure, never, textOf } from '../model.contract.rig.ts'
import { modelContract } from '../model.contract.ts'
import type { ModelEvent, ModelRequest } from '../model.ts'
import { createOllamaProvider, createWindows, type OllamaOptions } from './ollama.ts'

modelContract('ollama', scriptedRig(dialects.ollama))

describe('ollama', () => {
  let server: ScriptedOllama | undefined
  afterEach(() => server?.close())

  const request: ModelRequest = {
    model: 'llama3.1:8b',
    system: '',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'hello' }] }],
    maxOutputTokens: 500,
  }
  const long = (words: number): ModelRequest => ({
    ...request,
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'word '.repeat(words) }] }],
  })

  async function start(options: ScriptedOllamaOptions, more: Partial<OllamaOptions> = {}) {
    server = await startScriptedOllama(options)
    const timers = { idleMs: 5_000 }
    return createOllamaProvider({
      name: 'ollama',
      baseUrl: server.origin,
      backoffMs: 5,
      timers,
      log: silentLog,
      ...more,
    })
  }

  async function requestedWindows(): Promise<number[]> {
    return (server?.requests ?? []).map(({ body }) => (body as { options: { num_ctx: number } }).options.num_ctx)
  }

  it('is loaded with the window that a question needs, in few sizes, and no larger than the model or the admin allows', async () => {
    const models = { 'llama3.1:8b': { contextLength: 131_072 }, small: { contextLength: 10_000 } }
    const provider = await start(
      { models, script: [{ tokens: ['ok'] }] },
      { contextWindows: { 'llama3.1:8b': 24_000 } },
    )
    for (const words of [5, 9_000, 18_000, 5]) await collect(provider.stream(long(words), never))
    await collect(provider.stream({ ...long(8_000), model: 'small' }, never))
    expect(await requestedWindows()).toEqual([8_192, 16_384, 24_000, 24_000, 10_000])
  })

  it('tells what is longer than the window without asking: older servers would cut it silently', async () => {
    const provider = await start({ models: { 'llama3.1:8b': { contextLength: 4_096 } } })
    const { error } = await failure(provider.stream(long(8_000), never))
    expect(error.code).toBe('model_context_overflow')
    expect(server?.requests.length).toBe(0)
  })

  it('a large window is kept for a while, and let go when nobody needs it', () => {
    let now = 0
    const windows = createWindows(() => now)
    const sizes = [100, 30_000, 100, 100].map((tokens) => windows.choose('m', tokens, 131_072))
    now = 240_000
    sizes.push(windows.choose('m', 100, 131_072))
    now = 310_000
    sizes.push(windows.choose('m', 100, 131_072), windows.choose('other', 100, 4_096))
    expect(sizes).toEqual([8_192, 65_536, 65_536, 65_536, 65_536, 8_192, 4_096])
  })

  it('one answer is stopped and the other goes on', async () => {
    const provider = await start({
      models: { 'llama3.1:8b': {} },
      script: [{ tokens: ['one', ' two', ' three'], everyMs: 60 }],
    })
    const stop = new AbortController()
    const stopped: ModelEvent[] = []
    const first = (async () => {
      for await (const event of provider.stream(request, stop.signal)) {
        stopped.push(event)
        if (event.type === 'text') stop.abort()
      }
    })()
    const second = collect(provider.stream(request, never))
    await first
    expect(stopped.at(-1)).toEqual({ type: 'finish', reason: 'aborted' })
    expect(textOf(await second)).toBe('one two three')
    expect((await second).at(-1)).toEqual({ type: 'finish', reason: 'stop' })
  })

  it('lists what writes answers, with window, size and abilities, and asks about a model once', async () => {
    const provider = await start({
      models: {
        'llama3.2-vision:11b': {
          size: 7_816_589_186,
          parameterSize: '10.7B',
          contextLength: 131_072,
          capabilities: ['completion', 'vision'],
        },
        'qwen3:8b': {
          capabilities: ['completion', 'tools', 'thinking'],
          parameters: 'num_ctx                        16384\ntop_k 20',
        },
        'nomic-embed-text:latest': { capabilities: ['embedding'], parameterSize: '137M' },
      },
    })
    const vision = {
      id: 'llama3.2-vision:11b',
      contextWindow: 131_072,
      parameters: 10.7,
      bytes: 7_816_589_186,
      vision: true,
      tools: false,
      reasoning: false,
    }
    const qwen = {
      id: 'qwen3:8b',
      contextWindow: 16_384,
      parameters: 8,
      bytes: 4_920_753_328,
      vision: false,
      tools: true,
      reasoning: true,
    }
    expect(await provider.models(never)).toEqual([vision, qwen])
    expect(await provider.models(never)).toEqual([vision, qwen])
    expect(server?.log.filter(({ path }) => path === '/api/show').length).toBe(3)
  })
})
