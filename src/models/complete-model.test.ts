import { describe, expect, it } from 'vitest'
import { silentLog } from '../core/log.ts'
import { priceWording } from '../wording/models.ts'
import { type CatalogueOptions, createCatalogue, type Model } from './catalogue.ts'
import { onOwnHardware } from './complete-model.ts'
import type { ModelInfo, ModelProvider } from './model.ts'
import { describePrice, readPrice } from './price.ts'
import { createPublishedPrices } from './providers/genai-prices.ts'

const lists = (name: string, info: ModelInfo): ModelProvider => ({
  name,
  models: async () => [info],
  stream: () => (async function* () {})(),
})

const openaiAt = { openai: 'https://api.openai.com/v1' }
const published = createPublishedPrices()
const stated = (input: string, output: string) => readPrice({ input, output })

async function one(id: string, more: Partial<CatalogueOptions> & { info?: Partial<ModelInfo>; yaml?: object } = {}) {
  const { info, yaml, ...options } = more
  const name = Object.keys(options.addresses ?? openaiAt)[0] ?? 'openai'
  const mine = yaml === undefined ? [] : [{ id, provider: name, ...yaml }]
  const [model] = await createCatalogue({
    configured: mine,
    providers: [lists(name, { id, ...info })],
    log: silentLog,
    addresses: openaiAt,
    published,
    now: () => Date.parse('2026-11-21T12:00:00Z'),
    ...options,
  }).models()
  if (model === undefined) throw new Error('no model')
  return model
}
const says = (model: Model) => [model.priceSource, model.price === undefined ? null : describePrice(model.price)]

describe('what a model costs', () => {
  it.each<[string, Parameters<typeof one>, [string, string | null]]>([
    [
      'as an admin says, over everything',
      [
        'gpt-4o',
        {
          yaml: { price: stated('2', '3') },
          changes: async () => ({ prices: { 'openai/gpt-4o': { input: '1', output: '2' } } }),
        },
      ],
      ['admin', '$1 in, $2 out per million tokens'],
    ],
    [
      'an hour of the hardware, as an admin says',
      [
        'qwen',
        {
          addresses: { local: 'http://gpu:8000' },
          changes: async () => ({ prices: { 'local/qwen': { perHour: '2.5' } } }),
        },
      ],
      ['admin', priceWording.perHour('$2.50', 1)],
    ],
    [
      'as parley.yaml says, over what is published',
      ['gpt-4o', { yaml: { price: stated('2', '3') } }],
      ['configured', '$2 in, $3 out per million tokens'],
    ],
    ['as published', ['gpt-4o'], ['published', '$2.50 in, $10 out per million tokens, cached $1.25']],
    [
      'nothing on own hardware, where no one says otherwise',
      ['llama3.1:8b', { addresses: { ollama: 'http://localhost:11434' } }],
      ['hardware', 'free'],
    ],
    [
      'nothing where parley.yaml says that it is own hardware',
      ['qwen', { addresses: { openai: 'https://gpu.example.org/v1' }, yaml: { local: true } }],
      ['hardware', 'free'],
    ],
    ['a stated zero', ['gpt-4o', { yaml: { price: stated('0', '0') } }], ['configured', 'free']],
    ['unknown for a name that nobody published', ['gpt-4o-foo'], ['unknown', null]],
    [
      'unknown for a published name at another address',
      ['gpt-4o', { addresses: { openai: 'https://llm.example.org/v1' } }],
      ['unknown', null],
    ],
    [
      'unknown for what a proxy passes on',
      ['gpt-4o', { addresses: { openai: 'http://localhost:4000/v1' }, info: { owner: 'openai' } }],
      ['unknown', null],
    ],
    [
      'unknown for what Ollama runs at its company',
      ['gpt-oss:120b-cloud', { addresses: { ollama: 'http://localhost:11434' } }],
      ['unknown', null],
    ],
  ])('is %s', async (_name, asked, expected) => {
    expect(says(await one(...asked))).toEqual(expected)
  })

  it.each<[string, string, string, [string, string | null]]>([
    ['OpenAI', 'https://api.openai.com/v1', 'whisper-1', ['published', '$0.36 per hour of audio']],
    ['own server', 'http://ears:9000/asr', 'whisper-1', ['hardware', 'free']],
    [
      'server of somebody else, as parley.yaml says',
      'https://ears.example.org',
      'stated',
      ['configured', '$0.20 per hour of audio'],
    ],
    ['server of somebody else', 'https://ears.example.org', 'unheard', ['unknown', null]],
  ])('is known of what hears recordings: %s', async (_name, address, id, expected) => {
    const of = createCatalogue({
      configured: [{ id: 'stated', provider: 'transcriber', price: readPrice({ perAudioHour: '0.2' }) }],
      providers: [],
      addresses: { transcriber: address },
      published,
      log: silentLog,
    })
    expect(says(await of.about('transcriber', id))).toEqual(expected)
    expect(await of.models()).toHaveLength(1)
  })

  it('changes on the day that the provider said, without anybody asking again', async () => {
    let time = Date.parse('2025-06-09T23:59:30Z')
    const of = createCatalogue({
      configured: [],
      providers: [lists('openai', { id: 'o3' })],
      log: silentLog,
      addresses: openaiAt,
      published,
      now: () => time,
    })
    const words = async () => says((await of.models())[0] as Model)[1]
    expect(await words()).toContain('$10 in, $40 out')
    time += 30_000
    expect(await words()).toContain('$2 in, $8 out')
  })
})

describe('what a model can do', () => {
  it.each<[string, Parameters<typeof one>, Partial<Model>]>([
    [
      'as its provider tells',
      ['llama3.1:8b', { info: { vision: true, tools: false, label: 'Llama' } }],
      { vision: true, tools: false, label: 'Llama' },
    ],
    [
      'as parley.yaml says, over its provider',
      ['x', { info: { vision: true, tools: false }, yaml: { vision: false, tools: true, audio: true, label: 'X' } }],
      { vision: false, tools: true, audio: true, label: 'X' },
    ],
    [
      'as its name tells',
      ['qwen2.5vl:7b', { addresses: { local: 'http://vllm:8000' } }],
      { vision: true, local: true, tier: 'small' },
    ],
    ['a window as published', ['gpt-5.4'], { contextWindow: 1_050_000, tier: 'large' }],
    [
      'a window of its family where a cloud tells none',
      ['llama-3.1-8b-unheard', { addresses: { cloud: 'https://llm.example.org' } }],
      { contextWindow: 131_072 },
    ],
    [
      'a modest window on own hardware, whatever it was trained for',
      ['llama-3.1-8b', { addresses: { local: 'http://vllm:8000' } }],
      { contextWindow: 8_192 },
    ],
    ['a tier that parley.yaml says', ['gpt-5', { yaml: { tier: 'small' } }], { tier: 'small' }],
    ['a tier of its price: cheap', ['unheard', { yaml: { price: stated('0.1', '0.4') } }], { tier: 'small' }],
    ['a tier of its price: dear', ['unheard', { yaml: { price: stated('15', '75') } }], { tier: 'large' }],
    ['a tier of its size', ['unheard:70b', { addresses: { ollama: 'http://localhost:11434' } }], { tier: 'large' }],
    [
      'a tier of the size that its provider tells',
      ['unheard', { addresses: { ollama: 'http://localhost:11434' }, info: { parameters: 3.2 } }],
      { tier: 'small' },
    ],
    [
      'the middle tier where nothing tells',
      ['unheard', { addresses: { local: 'http://vllm:8000' } }],
      { tier: 'medium' },
    ],
  ])('is %s', async (_name, asked, expected) => {
    expect(await one(...asked)).toMatchObject(expected)
  })
})

describe('own hardware', () => {
  it.each<[string, string, string | undefined, { id: string; owner?: string }, boolean]>([
    ['Ollama on the same machine', 'ollama', 'http://127.0.0.1:11434', { id: 'llama3.1:8b' }, true],
    ['Ollama on a machine with a public name', 'ollama', 'https://gpu.example.org', { id: 'llama3.1:8b' }, true],
    ['what Ollama passes on to its company', 'ollama', 'http://127.0.0.1:11434', { id: 'gpt-oss:120b-cloud' }, false],
    ['the company itself', 'ollama', 'https://ollama.com', { id: 'gpt-oss:120b' }, false],
    ['a server on the same machine', 'openai', 'http://localhost:8000/v1', { id: 'qwen' }, true],
    ['one on IPv6', 'openai', 'http://[::1]:8000/v1', { id: 'qwen' }, true],
    ['one of the private network', 'openai', 'http://192.168.1.20:8000/v1', { id: 'qwen' }, true],
    ['one of 172.16/12', 'openai', 'http://172.31.255.1/v1', { id: 'qwen' }, true],
    ['the first address beyond 172.16/12', 'openai', 'http://172.32.0.1/v1', { id: 'qwen' }, false],
    ['one of a tailnet', 'openai', 'http://100.100.1.1/v1', { id: 'qwen' }, true],
    ['a service of the same compose file', 'openai', 'http://vllm:8000/v1', { id: 'qwen' }, true],
    ['a service of the same cluster', 'openai', 'http://vllm.models.svc.cluster.local/v1', { id: 'qwen' }, true],
    ['the machine around the container', 'openai', 'http://host.docker.internal:1234/v1', { id: 'qwen' }, true],
    ['vLLM, which says that it is its own', 'openai', 'http://localhost:8000/v1', { id: 'qwen', owner: 'vllm' }, true],
    [
      'a proxy, which says whose models it passes on',
      'openai',
      'http://localhost:4000/v1',
      { id: 'gpt-4o', owner: 'openai' },
      false,
    ],
    ['a gateway to Claude', 'anthropic', 'http://gateway:8080', { id: 'claude-haiku-4-5' }, false],
    ['another model behind the same API', 'anthropic', 'http://localhost:1234', { id: 'qwen3' }, true],
    ['OpenAI', 'openai', 'https://api.openai.com/v1', { id: 'gpt-4o' }, false],
    ['a name that only looks private', 'openai', 'https://127.0.0.1.example.org/v1', { id: 'qwen' }, false],
    ['a public address', 'openai', 'http://8.8.8.8/v1', { id: 'qwen' }, false],
    ['an address in disguise', 'openai', 'http://0x08080808/v1', { id: 'qwen' }, false],
    ['nobody knows where', 'other', undefined, { id: 'qwen' }, false],
    ['no address at all', 'other', 'nowhere', { id: 'qwen' }, false],
  ])('%s', (_name, provider, address, info, own) => {
    expect(onOwnHardware(provider, address, info)).toBe(own)
  })
})
