import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { type AdminChanges, type CatalogueOptions, type ConfiguredModel, createCatalogue } from './catalogue.ts'
import type { ModelInfo, ModelProvider } from './model.ts'
import { free } from './price.ts'
import { createPublishedPrices } from './providers/genai-prices.ts'

function provider(name: string, models: () => Promise<ModelInfo[]>): ModelProvider {
  return { name, models, stream: () => (async function* () {})() }
}
const lists = (name: string, ...infos: (string | ModelInfo)[]) =>
  provider(name, async () => infos.map((info) => (typeof info === 'string' ? { id: info } : info)))
const fails = (name: string) =>
  provider(name, () => Promise.reject(new ParleyError('model_unreachable', 'Gone. Look.')))
const hangs = (name: string) => provider(name, () => new Promise(() => {}))

function catalogue(
  providers: ModelProvider[],
  configured: ConfiguredModel[] = [],
  more: Partial<CatalogueOptions> = {},
) {
  return createCatalogue({ configured, providers, log: silentLog, firstWaitMs: 50, ...more })
}
const ids = async (of: ReturnType<typeof catalogue>) => (await of.models()).map(({ id }) => id)

describe('the catalogue', () => {
  it('always has extractive, at no cost', async () => {
    const [only, ...rest] = await catalogue([]).models()
    expect(rest).toEqual([])
    expect(only).toMatchObject({ id: 'extractive', price: free })
  })

  it('a model whose server refused pictures cannot see for an hour, whatever was told of it', async () => {
    let at = 0
    const models = catalogue([lists('gate', { id: 'm', vision: true })], [], { now: () => at, refreshMs: 1e9 })
    const sees = async () => (await models.models()).find(({ id }) => id === 'm')?.vision
    expect(await sees()).toBe(true)
    models.refused({ provider: 'gate', id: 'm' }, 'pictures')
    expect(await sees()).toBe(false)
    expect((await models.models()).find(({ id }) => id === 'm')?.tools).not.toBe(false)
    models.refused({ provider: 'gate', id: 'm' }, 'tools')
    expect((await models.models()).find(({ id }) => id === 'm')?.tools).toBe(false)
    at = 3_599_000
    expect(await sees()).toBe(false)
    at = 3_660_000
    expect(await sees()).toBe(true)
  })

  it('puts configured models first, then discovered ones that chat, best default first', async () => {
    const openai = lists(
      'openai',
      'text-embedding-3-large',
      'whisper-1',
      'gpt-4o',
      'gpt-4o-2024-08-06',
      'gpt-5-mini',
      'tts-1',
      'dall-e-3',
      'gpt-image-1',
      'omni-moderation-latest',
      'gpt-4o-realtime-preview',
    )
    expect(await ids(catalogue([openai], [{ id: 'mine', provider: 'openai' }]))).toEqual([
      'mine',
      'gpt-5-mini',
      'gpt-4o',
      'gpt-4o-2024-08-06',
      'extractive',
    ])
  })

  it('leaves out configured models whose provider is not set up', async () => {
    const of = catalogue([lists('openai', 'a')], [{ id: 'claude', provider: 'anthropic' }])
    expect(await ids(of)).toEqual(['a', 'extractive'])
  })

  it('prefers models made for chat on a local server', async () => {
    const local = lists('local', 'nomic-embed-text', 'llama3.1:8b', 'bge-m3', 'qwen2.5:7b-instruct')
    expect(await ids(catalogue([local]))).toEqual(['qwen2.5:7b-instruct', 'llama3.1:8b', 'extractive'])
  })

  it('puts the configured default first, whether listed or discovered', async () => {
    const of = catalogue([lists('local', 'a', 'b')], [{ id: 'c', provider: 'local' }], { defaultModel: 'b' })
    expect(await ids(of)).toEqual(['b', 'c', 'a', 'extractive'])
    expect((await of.models())[0]).toMatchObject({ isDefault: true, origin: 'discovered' })
  })

  it.for([
    [
      'told by the provider',
      lists('vllm', { id: 'qwen', contextWindow: 32_768 }),
      { id: 'qwen', provider: 'vllm' },
      32_768,
    ],
    [
      'told, over a larger configured one',
      lists('vllm', { id: 'qwen', contextWindow: 32_768 }),
      { id: 'qwen', provider: 'vllm', contextWindow: 100_000 },
      32_768,
    ],
    [
      'configured below what is told',
      lists('vllm', { id: 'qwen', contextWindow: 32_768 }),
      { id: 'qwen', provider: 'vllm', contextWindow: 16_000 },
      16_000,
    ],
    ['configured', lists('local', 'x'), { id: 'x', provider: 'local', contextWindow: 16_000 }, 16_000],
    ['known by name', lists('openai', 'gpt-4o-2024-08-06'), { id: 'gpt-4o-2024-08-06', provider: 'openai' }, 128_000],
    ['small where Ollama says nothing', lists('ollama', 'llama3'), { id: 'llama3', provider: 'ollama' }, 4_096],
    ['modest where nobody knows', lists('local', 'gpt-4o-like'), { id: 'gpt-4o-like', provider: 'local' }, 8_192],
  ] as const)('has a window %s', async ([, from, model, window]) => {
    const [first] = await catalogue([from], [model]).models()
    expect(first?.contextWindow).toBe(window)
    expect(first?.maxOutputTokens).toBeLessThanOrEqual(window / 4)
  })

  it('loses only the models of a provider that fails, and asks it again soon', async () => {
    let time = 0
    let up = false
    const shaky = provider('shaky', () =>
      up ? Promise.resolve([{ id: 'back' }]) : fails('shaky').models(new AbortController().signal),
    )
    const of = catalogue([shaky, lists('local', 'a')], [], { now: () => time })
    expect(await ids(of)).toEqual(['a', 'extractive'])
    up = true
    time += 11_000
    await of.models()
    await of.refresh()
    expect(await ids(of)).toEqual(['back', 'a', 'extractive'])
    up = false
    await of.refresh()
    expect(await ids(of)).toEqual(['back', 'a', 'extractive'])
  })

  it('waits for a silent provider once and briefly, and gives the others at once', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const of = catalogue([hangs('silent'), lists('local', 'a')], [], { firstWaitMs: 2_000 })
    let isThere = false
    const first = ids(of).finally(() => (isThere = true))
    await vi.advanceTimersByTimeAsync(1_999)
    expect(isThere).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await first).toEqual(['a', 'extractive'])
    // No time passes now.
    expect(await ids(of)).toEqual(['a', 'extractive'])
  })

  it('serves what it has while it asks again in the background', async () => {
    let time = 0
    let calls = 0
    let answer = () => {}
    const counting = provider('local', async () => {
      calls += 1
      if (calls > 1)
        await new Promise<void>((resolve) => {
          answer = resolve
        })
      return [{ id: `v${calls}` }]
    })
    const of = catalogue([counting], [], { now: () => time, refreshMs: 1_000 })
    expect(await ids(of)).toEqual(['v1', 'extractive'])
    time += 2_000
    expect(await ids(of)).toEqual(['v1', 'extractive'])
    const refreshed = of.refresh()
    answer()
    await refreshed
    expect(await ids(of)).toEqual(['v2', 'extractive'])
  })
})

const openaiAt = { openai: 'https://api.openai.com/v1' }
const published = createPublishedPrices()

describe("admins' changes", () => {
  it('switch models off, name them and choose the default', async () => {
    let changes: AdminChanges = {}
    const of = catalogue([lists('openai', 'gpt-4o', 'gpt-5')], [{ id: 'mine', provider: 'openai', alias: 'fast' }], {
      defaultModel: 'mine',
      changes: async () => changes,
    })
    expect((await of.models()).find(({ isDefault }) => isDefault)?.id).toBe('mine')
    changes = { disabled: ['openai/gpt-5'], aliases: { fast: 'openai/gpt-4o' }, default: 'openai/gpt-4o' }
    expect((await of.models()).map(({ id, enabled, aliases }) => [id, enabled, aliases])).toEqual([
      ['gpt-4o', true, ['fast']],
      ['mine', true, []],
      ['gpt-5', false, []],
      ['extractive', true, []],
    ])
  })

  it('fall back to the configured default when theirs is gone', async () => {
    const of = catalogue([lists('openai', 'a', 'b')], [], {
      defaultModel: 'b',
      changes: async () => ({ default: 'openai/gone' }),
    })
    expect((await of.models())[0]).toMatchObject({ id: 'b', isDefault: true })
  })

  it('stay as they were while they cannot be read', async () => {
    let broken = false
    const of = catalogue([lists('openai', 'a')], [], {
      changes: async () => {
        if (broken) throw new Error('no database')
        return { disabled: ['openai/a'] }
      },
    })
    expect((await of.models())[0]?.enabled).toBe(false)
    broken = true
    expect((await of.models())[0]?.enabled).toBe(false)
  })
})

describe('five hundred models', () => {
  const many = Array.from({ length: 500 }, (_, n) => ({ id: `meta/llama-3.${n}-8b-instruct`, owner: 'x' }))

  it('are put together once until something changed', async () => {
    let time = Date.parse('2026-11-21T12:00:00Z')
    let remoteProviders = 0
    let changes: AdminChanges = { disabled: many.map(({ id }) => `openai/${id}`) }
    const of = catalogue([lists('openai', ...many)], [], {
      addresses: openaiAt,
      published(...about) {
        remoteProviders += 1
        return published(...about)
      },
      now: () => time,
      // As a store that reads its rows anew each time: equal, and not the same.
      changes: async () => structuredClone(changes),
    })
    const first = await of.models()
    expect(first).toHaveLength(501)
    expect(remoteProviders).toBe(500)
    for (let call = 0; call < 1_000; call += 1) expect(await of.models()).toBe(first)
    expect(remoteProviders).toBe(500)
    changes = {}
    expect((await of.models())[0]).toMatchObject({ enabled: true })
    expect(remoteProviders).toBe(1_000)
    time += 60_000
    await of.models()
    await of.refresh()
    expect(remoteProviders).toBeGreaterThan(1_000)
  })
})
