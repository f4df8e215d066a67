import { calcPrice, findProvider } from '@pydantic/genai-prices'
import { describe, expect, it, vi } from 'vitest'
import { type NanoUsd, usd } from '../../core/money.ts'
import type { Usage } from '../../core/reply.ts'
import { describePrice, type Price, priceUsage } from '../price.ts'
import { createPublishedPrices } from './genai-prices.ts'

const openai = 'https://api.openai.com/v1'
const anthropic = 'https://api.anthropic.com'
const google = 'https://generativelanguage.googleapis.com/v1beta/openai'
const today = new Date('2026-11-21T12:00:00Z')
const find = createPublishedPrices()

function priceOf(address: string, id: string, at = today): Price {
  const price = find(address, id, at)?.price
  if (price === undefined) throw new Error(`${id} has no price`)
  return price
}
const used = (more: Partial<Usage>): Usage => ({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
  reasoning: 0,
  source: 'provider',
  ...more,
})

describe('published prices', () => {
  // Each sum is worked out by hand from the provider's own page of prices.
  it.each<[string, string, string, Partial<Usage>, NanoUsd]>([
    ['OpenAI, input, cached and not', openai, 'gpt-4o', { input: 10_000, cacheRead: 8_000, output: 500 }, usd('0.02')],
    ['OpenAI, a dated name', openai, 'gpt-4o-2024-08-06', { input: 1, output: 1 }, 12_500n],
    ['OpenAI, an older date with a price of its own', openai, 'gpt-4o-2024-05-13', { input: 1, output: 1 }, 20_000n],
    ['OpenAI, from 272,000 tokens all at the longer rates', openai, 'gpt-5.4', { input: 272_000 }, usd('1.36')],
    ['OpenAI, one token less', openai, 'gpt-5.4', { input: 271_999 }, 271_999n * 2_500n],
    ['OpenAI, a minute of Whisper at $0.006', openai, 'whisper-1', { audioMs: 60_000 }, usd('0.006')],
    [
      'OpenAI, sound as tokens',
      openai,
      'gpt-4o-transcribe',
      { input: 1_000, inputAudio: 1_000, output: 100 },
      usd('0.007'),
    ],
    [
      'Anthropic, a cache read at a tenth',
      anthropic,
      'claude-haiku-4-5-20251001',
      { input: 1_000, cacheRead: 1_000 },
      100_000n,
    ],
    [
      'Anthropic, a write at 1.25 times',
      anthropic,
      'claude-haiku-4-5',
      { input: 1_000, cacheWrite: 1_000 },
      1_250_000n,
    ],
    ['Gemini by the name that Google lists', google, 'models/gemini-2.5-pro', { input: 1_000 }, usd('0.00125')],
    ['Gemini, up to 200,000 tokens', google, 'gemini-2.5-pro', { input: 200_000, output: 1_000 }, usd('0.26')],
    [
      'Gemini, above 200,000 tokens',
      google,
      'gemini-2.5-pro',
      { input: 200_001, output: 1_000 },
      200_001n * 2_500n + usd('0.015'),
    ],
  ])('%s', (_name, address, id, usage, cost) => {
    expect(priceUsage(used(usage), priceOf(address, id))).toBe(cost)
  })

  it.each([
    ['gpt-4o-foo', openai],
    ['gpt-4o-', openai],
    ['GPT-4o', openai],
    ['my-gpt-4o', openai],
    ['openai/gpt-4o', openai],
    ['gpt-4o:latest', openai],
    ['gpt-4o-2024-13-45', openai],
    ['gpt-4o-2024-08-06-tuned', openai],
    ['gpt-4o-1234', openai],
    ['gpt-5-nano-tuned', openai],
    ['gpt-5-nano-', openai],
    ['ft:gpt-4o-2024-08-06:acme::abc', openai],
    ['gpt-4o-audio-preview-mine', openai],
    ['some-moderation', openai],
    ['claude-haiku-4-5', openai],
    ['', openai],
    ['__proto__', openai],
    ['claude-haiku-4-5-tuned', anthropic],
    ['claude-haiku-4', anthropic],
    ['claude', anthropic],
    ['gpt-4o', anthropic],
    ['gpt-4o', 'http://api.openai.com/v1'],
    ['gpt-4o', 'https://api.openai.com.example.org/v1'],
    ['gpt-4o', 'https://example.org/api.openai.com'],
    ['gpt-4o', 'https://eu.api.openai.com/v1'],
    ['gpt-4o', 'https://api.openai.com:8443/v1'],
    ['gpt-4o', 'http://localhost:8000/v1'],
    ['gpt-4o', 'https://mine.openai.azure.com'],
    ['gpt-4o', 'no address'],
    ['gpt-4o', 'https://constructor'],
  ])('%j at %s has none', (id, address) => {
    expect(find(address, id, today)).toBeUndefined()
  })

  it.each([
    ['before a change', '2025-06-09T23:59:00Z', '$10 in, $40 out'],
    ['from the day of the change', '2025-06-10T00:00:00Z', '$2 in, $8 out'],
  ])('%s the price of o3 is %s: %s', (_name, at, words) => {
    expect(describePrice(priceOf(openai, 'o3', new Date(at)))).toContain(words)
  })

  it.each([
    ['2026-11-20T00:59:59Z', '$0.22 in'],
    ['2026-11-20T01:00:00Z', '$0.44 in'],
    ['2026-11-20T04:00:00Z', '$0.22 in'],
    ['2026-11-20T09:59:59Z', '$0.44 in'],
  ])('follow the hour of the day: at %s DeepSeek takes %s', (at, words) => {
    expect(describePrice(priceOf('https://api.deepseek.com', 'deepseek-v4-flash', new Date(at)))).toContain(words)
  })

  it('an entry without amounts, or with a part that Parley cannot count, is no price', () => {
    expect(find(google, 'gemma-3', today)?.price).toBeUndefined()
    expect(find('https://api.mistral.ai/v1', 'mistral-ocr-latest', today)?.price).toBeUndefined()
  })

  it('are taken as the provider wrote them, never as the float that came of it', () => {
    expect(priceOf('https://api.deepseek.com', 'deepseek-v4-pro', new Date('2026-08-01T12:00:00Z'))).toMatchObject({
      rates: { cacheRead: 3_625_000n },
    })
    // Nine decimals of $0.08333333333333334 would lose something: rounded up.
    expect(priceOf('https://openrouter.ai/api/v1', 'google/gemini-2.5-flash-lite')).toMatchObject({
      rates: { cacheWrite: 83_333_334n },
    })
  })

  it('make no request', () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    createPublishedPrices()(openai, 'gpt-4o', today)
    expect(fetched).not.toHaveBeenCalled()
    fetched.mockRestore()
  })

  it("come to the library's own sums for every model of OpenAI, Anthropic and Google", () => {
    const usages: Partial<Usage>[] = [
      { input: 12_345, output: 678 },
      { input: 150_000, cacheRead: 120_000, output: 4_000 },
      { input: 300_000, cacheRead: 7_777, output: 1 },
    ]
    let compared = 0
    for (const [address, providerId] of [
      [openai, 'openai'],
      [anthropic, 'anthropic'],
      [google, 'google'],
    ] as const)
      for (const model of findProvider({ providerId })?.models ?? []) {
        const price = find(address, model.id, today)?.price
        for (const more of price === undefined ? [] : usages) {
          const { input, cacheRead, output } = used(more)
          const tokens = { input_tokens: input, cache_read_tokens: cacheRead, output_tokens: output }
          const theirs = calcPrice(tokens, model.id, { providerId, timestamp: today })
          // Their matching may come to another model for the same name; ours is the one that is called so.
          if (theirs?.model.id !== model.id || price === undefined) continue
          const ours = Number(priceUsage(used(more), price)) / 1e9
          expect(Math.abs(ours - theirs.total_price), `${model.id}: ${describePrice(price)}`).toBeLessThan(2e-9)
          compared += 1
        }
      }
    expect(compared).toBeGreaterThan(300)
  })
})
