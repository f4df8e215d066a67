import { describe, expect, it } from 'vitest'
import { chats, type KnownModel, knownFamily, knownModel, mostImageTokens, parametersIn } from './known-models.ts'

describe('what a name tells', () => {
  it.each<[string, KnownModel]>([
    ['gpt-5.4-nano', { tier: 'small', vision: true, tools: true }],
    ['gpt-6-sol', { tier: 'large', vision: true, tools: true }],
    ['gpt-5.6-terra', { tier: 'medium' }],
    ['claude-3-opus-20240229', { tier: 'large', maxOutputTokens: 4_096, contextWindow: 200_000 }],
    ['claude-opus-4-20250514', { tier: 'large', maxOutputTokens: 32_000 }],
    ['claude-3-5-haiku-20241022', { tier: 'small', maxOutputTokens: 8_192 }],
    ['claude-haiku-4-5-20251001', { tier: 'medium', vision: true, tools: true }],
    ['claude-sonnet-4-5', { tier: 'large', maxOutputTokens: 64_000 }],
    ['claude-opus-5-5', { tier: 'large' }],
    ['gemini-2.5-flash', { tier: 'medium', audio: true, vision: true }],
    ['llama3.1:8b', { contextWindow: 131_072, vision: false, tools: true }],
    ['meta-llama/Llama-3.1-8B-Instruct', { contextWindow: 131_072, vision: false, tools: true }],
    ['llama3.2-vision:11b', { vision: true }],
    ['meta-llama/Llama-3.2-11B-Vision-Instruct', { vision: true }],
    ['llama3:8b', { contextWindow: 8_192 }],
    ['qwen2.5:7b-instruct', { contextWindow: 32_768, tools: true, vision: false }],
    ['Qwen/Qwen2.5-VL-7B-Instruct', { vision: true }],
    ['qwen2.5vl:7b', { vision: true }],
    ['qwen3:30b-a3b', { tools: true, vision: false }],
    ['mistral:latest', { tools: true, vision: false }],
    ['mistralai/Mistral-7B-Instruct-v0.3', { tools: true, vision: false }],
    ['pixtral:12b', { vision: true }],
    ['gemma3:4b', { vision: true, contextWindow: 131_072 }],
    ['gemma3:1b', { vision: false }],
    ['gemma2:9b', { vision: false, contextWindow: 8_192 }],
    ['phi4-mini', { tools: true, contextWindow: 131_072 }],
    ['phi3.5-vision', { vision: true }],
    ['deepseek-r1:14b', { tools: false, contextWindow: 131_072 }],
    ['deepseek-ai/DeepSeek-V3', { tools: true }],
    ['gpt-oss:20b', { tools: true, vision: false, contextWindow: 131_072 }],
  ])('%s is one of its family: %o', (id, expected) => {
    expect(knownFamily(id)).toMatchObject(expected)
  })

  it.each(['mystery', 'my-llm', 'gpt-4o-like', 'granite4'])('%s is of no family', (id) => {
    expect(knownFamily(id)).toBeUndefined()
  })

  it.each(['gpt-4o-foo', 'my-gpt-4o', 'gpt-4o-2024-99-99', '__proto__', 'constructor'])(
    '%s is no known model',
    (id) => {
      expect(knownModel(id)).toBeUndefined()
    },
  )

  it.each([
    ['llama3.1:8b', 8],
    ['meta-llama/Llama-3.1-70B-Instruct', 70],
    ['mixtral:8x7b', 56],
    ['qwen3:30b-a3b', 30],
    ['qwen2.5:0.5b-instruct-q4_0', 0.5],
    ['smollm2:135m', 0.135],
    ['gemma3n:e4b', 4],
    ['gpt-oss:120b', 120],
    ['gpt-4.1', undefined],
    ['claude-3-5-haiku', undefined],
  ])('%s has %s billion parameters', (id, billions) => {
    expect(parametersIn(id)).toBe(billions)
  })

  it.each([
    ['gpt-5-image', false],
    ['gpt-5.4', true],
    ['claude-haiku-4-5', true],
    ['nomic-embed-text', false],
    ['gpt-4o-transcribe', false],
  ])('%s writes answers: %s', (id, writes) => {
    expect(chats(id)).toBe(writes)
  })
})

/** What providers bill, by their own formulas, for pictures of any shape with at most 1,568 pixels a side. */
const shapes = Array.from({ length: 98 }, (_, w) => Array.from({ length: 98 }, (_, h) => [(w + 1) * 16, (h + 1) * 16]))
  .flat()
  .map(([width = 0, height = 0]) => ({ width, height }))
type Shape = (typeof shapes)[number]

const patched = (multiplier: number, most = Number.POSITIVE_INFINITY) => {
  return ({ width, height }: Shape) => Math.min(most, Math.ceil(width / 32) * Math.ceil(height / 32)) * multiplier
}
const tiled = (base: number, each: number) => {
  return ({ width, height }: Shape) => {
    const scale = Math.min(1, 768 / Math.min(width, height))
    return base + each * Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512)
  }
}
const byArea =
  (most: number) =>
  ({ width, height }: Shape) =>
    Math.min(most, Math.ceil(width / 28) * Math.ceil(height / 28))
const cropped = ({ width, height }: Shape) => {
  const unit = Math.min(768, Math.max(256, Math.floor(Math.min(width, height) / 1.5)))
  return 258 * Math.ceil(width / unit) * Math.ceil(height / unit)
}

const bills: [model: string, bill: (shape: Shape) => number][] = [
  ['gpt-4o', tiled(85, 170)],
  ['gpt-4o-2024-08-06', tiled(85, 170)],
  ['gpt-4o-mini', tiled(2_833, 5_667)],
  ['gpt-4o-mini-2024-07-18', tiled(2_833, 5_667)],
  ['azure/gpt-4o-mini', tiled(2_833, 5_667)],
  ['gpt-4.1', patched(1, 1_536)],
  ['gpt-4.1-mini', patched(1.62, 1_536)],
  ['gpt-4.1-nano-2025-04-14', patched(2.46, 1_536)],
  ['o1', tiled(75, 150)],
  ['o3', tiled(75, 150)],
  ['o4-mini', patched(1.72, 1_536)],
  ['gpt-5', tiled(70, 140)],
  ['gpt-5-mini', patched(1.62, 1_536)],
  ['gpt-5-nano', patched(2.46, 1_536)],
  ['gpt-5.4', patched(1.2)],
  ['claude-sonnet-4-5-20250929', byArea(1_568)],
  ['claude-opus-4-7', byArea(4_784)],
  ['gemini-2.5-flash', cropped],
  ['qwen2.5-vl-72b-instruct', byArea(16_384)],
]

describe('the most tokens of a picture', () => {
  it.for(bills)('%s: never less than its provider bills, whatever the shape', ([model, bill]) => {
    const dearest = shapes.reduce((most, shape) => Math.max(most, bill(shape)), 0)
    expect(dearest).toBeGreaterThan(1_000)
    expect(mostImageTokens(model)).toBeGreaterThanOrEqual(dearest)
  })

  it('is not many times what a picture costs', () => {
    expect(mostImageTokens('gpt-4o')).toBeLessThan(2_000)
    expect(mostImageTokens('gpt-5')).toBeLessThan(4_000)
    expect(mostImageTokens('claude-sonnet-4-5')).toBeLessThan(2_000)
  })
})
