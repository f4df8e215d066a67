import { describe, expect, it } from 'vitest'
import { chats, type KnownModel, knownFamily, knownModel, parametersIn } from './known-models.ts'

describe('what a name tells', () => {
  it.each<[string, KnownModel]>([
    ['gpt-5.4-nano', { tier: 'small', vision: true, tools: true }],
    ['gpt-6-sol', { tier: 'large', vision: true, tools: true }],
    ['gpt-5.6-terra', { tier: 'medium' }],
    ['claude-3-opus-20240229', { tier: 'large', maxOutputTokens: 4_096, contextWindow: 200_000 }],
    ['claude-opus-4-20250514', { tier: 'large', maxOutputTokens: 32_000 }],
    ['claude-3-5-haiku-20241022', { tier: 'small', maxOutputTokens: 8_192 }],
    ['claude-haiku-4-5-20251001', { tier: 'small', vision: true, tools: true }],
    ['claude-sonnet-4-5', { tier: 'medium', maxOutputTokens: 64_000 }],
    ['claude-opus-5-5', { tier: 'large' }],
    ['gemini-2.5-flash', { tier: 'small', audio: true, vision: true }],
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
