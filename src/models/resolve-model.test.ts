import { describe, expect, it } from 'vitest'
import { cpuTimeOf } from '../../test/cpu-time.ts'
import { ParleyError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { modelNameWording } from '../wording/models.ts'
import { createCatalogue } from './catalogue.ts'
import { modelKey } from './complete-model.ts'
import { resolveModel } from './resolve-model.ts'

const models = await createCatalogue({
  configured: [
    { id: 'gpt-5', provider: 'openai' },
    { id: 'gpt-5-mini', provider: 'openai', alias: 'fast' },
    { id: 'claude-haiku-4-5', provider: 'anthropic' },
    { id: 'llama3.1:8b', provider: 'ollama' },
    { id: 'gpt-5-mini', provider: 'proxy' },
  ],
  providers: ['openai', 'anthropic', 'ollama', 'proxy'].map((name) => ({
    name,
    models: async () => [],
    stream: () => (async function* () {})(),
  })),
  changes: async () => ({ aliases: { Think: 'openai/gpt-5' } }),
  log: silentLog,
}).models()

function userMessage(typed: string): string {
  try {
    resolveModel(models, typed)
  } catch (error) {
    if (error instanceof ParleyError && error.code === 'model_unknown') return error.userMessage
    throw error
  }
  throw new Error(`${typed} is a model`)
}

describe('the model that is meant', () => {
  it.each([
    ['gpt-5', 'openai/gpt-5'],
    ['openai/gpt-5', 'openai/gpt-5'],
    ['proxy/gpt-5-mini', 'proxy/gpt-5-mini'],
    ['gpt-5-mini', 'openai/gpt-5-mini'],
    ['GPT-5', 'openai/gpt-5'],
    ['fast', 'openai/gpt-5-mini'],
    ['think', 'openai/gpt-5'],
    ['claude', 'anthropic/claude-haiku-4-5'],
    ['Claude-Haiku', 'anthropic/claude-haiku-4-5'],
    [' llama ', 'ollama/llama3.1:8b'],
    ['ollama/', 'ollama/llama3.1:8b'],
    ['extractive', 'extractive/extractive'],
  ])('%j is %s', (typed, key) => {
    expect(modelKey(resolveModel(models, typed))).toBe(key)
  })

  it.each([
    ['gpt', modelNameWording.ambiguous('gpt', ['openai/gpt-5', 'openai/gpt-5-mini', 'proxy/gpt-5-mini'], 3)],
    ['gtp-5', modelNameWording.unknown('gtp-5', ['openai/gpt-5'])],
    ['haiku', modelNameWording.unknown('haiku', ['anthropic/claude-haiku-4-5'])],
    ['zzzzzzzz', modelNameWording.unknown('zzzzzzzz', [])],
    ['', modelNameWording.unknown('', [])],
  ])('%j is told: %s', (typed, sentence) => {
    expect(userMessage(typed)).toBe(sentence)
  })

  it('is said back without anything that a platform would act on', () => {
    expect(userMessage('<!everyone> **x**\n@here `y`')).toContain('“everyone xhere y”')
  })

  it('is found quickly, however long the name is', () => {
    const ms = cpuTimeOf(() => expect(userMessage('x'.repeat(1_000_000)).length).toBeLessThan(200))
    expect(ms).toBeLessThan(2_000)
  })
})
