import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NanoUsd, usd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import { priceWording } from '../wording/models.ts'
import {
  type Bounds,
  describePrice,
  free,
  type HourPrice,
  type Price,
  priceSnapshot,
  priceUsage,
  readPrice,
  type TokenPrice,
  worstCase,
} from './price.ts'

const used = (more: Partial<Usage>): Usage => ({
  input: 0,
  cacheRead: 0,
  cacheWrite: 0,
  output: 0,
  reasoning: 0,
  source: 'provider',
  ...more,
})
const perMillion = (input: string, output: string, more: Partial<TokenPrice> = {}): TokenPrice => ({
  kind: 'tokens',
  rates: { input: usd(input), output: usd(output) },
  ...more,
})

const gpt5mini: Price = { kind: 'tokens', rates: { input: usd('0.25'), cacheRead: usd('0.025'), output: usd('2') } }
const sonnet: Price = {
  kind: 'tokens',
  rates: {
    input: usd('3'),
    output: usd('15'),
    cacheRead: usd('0.3'),
    cacheWrite: usd('3.75'),
  },
}
const tiered = perMillion('1.25', '10', {
  rates: { input: usd('1.25'), output: usd('10'), cacheRead: usd('0.125') },
  above: [{ tokens: 200_000, rates: { input: usd('2.5'), output: usd('15'), cacheRead: usd('0.25') } }],
})
const gpu: HourPrice = { kind: 'hours', perHour: usd('2.5') }

const examples: [name: string, price: Price, usage: Partial<Usage>, cost: NanoUsd, ms?: number][] = [
  ['one token of $0.25 a million', gpt5mini, { input: 1 }, 250n],
  [
    'cached input counted once: 2,000 of 10,000 at $0.25, 8,000 at $0.025, 500 out at $2',
    gpt5mini,
    { input: 10_000, cacheRead: 8_000, output: 500 },
    500_000n + 200_000n + 1_000_000n,
  ],
  ['reasoning is output', gpt5mini, { output: 500, reasoning: 400 }, 1_000_000n],
  [
    'reasoning at a price of its own',
    { kind: 'tokens', rates: { input: usd('1'), output: usd('2'), reasoning: usd('3') } },
    { output: 500, reasoning: 400 },
    200_000n + 1_200_000n,
  ],
  [
    'a cache read at a tenth and a write at 1.25 times of $3',
    sonnet,
    { input: 21_000, cacheRead: 15_000, cacheWrite: 5_000, output: 100 },
    3_000_000n + 4_500_000n + 18_750_000n + 1_500_000n,
  ],
  ['exactly 200,000 tokens at the lower rates', tiered, { input: 200_000, output: 1_000 }, usd('0.26')],
  [
    'above 200,000 the whole request at the higher rates',
    tiered,
    { input: 200_001, cacheRead: 100_001, output: 1_000 },
    usd('0.25') + 100_001n * 250n + usd('0.015'),
  ],
  [
    'ninety seconds of sound at $0.36 an hour',
    { ...free, fees: { audioHour: usd('0.36') } },
    { audioMs: 90_000 },
    usd('0.009'),
  ],
  [
    'sound as tokens at $6, text at $2.50',
    { kind: 'tokens', rates: { input: usd('2.5'), output: usd('10'), inputAudio: usd('6') } },
    { input: 1_100, inputAudio: 1_000, output: 50 },
    250_000n + 6_000_000n + 500_000n,
  ],
  ['the request by itself', perMillion('0', '0', { fees: { request: usd('0.005') } }), { input: 5 }, usd('0.005')],
  ['12 seconds of a GPU at $2.50 an hour, to the next nano', gpu, { input: 900, output: 300 }, 8_333_334n, 12_000],
  ['the same shared by four calls', { ...gpu, concurrency: 4 }, { output: 300 }, 2_083_334n, 12_000],
  ['a GPU call that nobody timed, as an hour', gpu, { output: 300 }, usd('2.5')],
  ['a stated zero', readPrice({ input: '0', output: '0' }), { input: 5_000, output: 5_000 }, 0n],
]

describe('the price of a usage', () => {
  it.each(examples)('%s', (_name, price, usage, cost, ms) => {
    expect(priceUsage(used(usage), price, ms)).toBe(cost)
  })

  it('is rounded up once, not for each kind of token', () => {
    // 3 × $0.0000001 a million each is far below a nano; three roundings would make 3 of it.
    const tiny = { kind: 'tokens', rates: { input: 100n, output: 100n, cacheRead: 100n } } as const
    expect(priceUsage(used({ input: 2, cacheRead: 1, output: 1 }), tiny)).toBe(1n)
  })

  it('of cached input without a price of its own is that of input', () => {
    expect(priceUsage(used({ input: 1_000, cacheRead: 400, cacheWrite: 300 }), perMillion('2', '8'))).toBe(2_000_000n)
  })
})

const amount = fc.bigInt({ min: 0n, max: 500_000_000_000n })
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const rates = fc.record(
  {
    input: amount,
    output: amount,
    cacheRead: amount,
    cacheWrite: amount,
    inputAudio: amount,
    reasoning: amount,
  },
  { requiredKeys: ['input', 'output'] },
)
const fees = fc.record({ request: amount, audioHour: amount }, { requiredKeys: [] })
const tokenPrice = fc
  .record({ rates, fees: some(fees), above: fc.array(fc.record({ tokens: fc.nat(500_000), rates }), { maxLength: 3 }) })
  .map(
    ({ above, fees: charged, ...rest }): Price => ({
      kind: 'tokens',
      ...rest,
      above: above.toSorted((a, b) => a.tokens - b.tokens),
      fees: charged,
    }),
  )
const hourPrice = fc
  .record({ perHour: amount, concurrency: fc.integer({ min: 1, max: 64 }) })
  .map((price): Price => ({ kind: 'hours', ...price }))
const bounds: fc.Arbitrary<Bounds> = fc.record(
  {
    inputTokens: fc.nat(1_000_000),
    maxOutputTokens: fc.nat(128_000),
    maxMs: fc.nat(900_000),
    audioMs: fc.nat(7_200_000),
  },
  { requiredKeys: ['inputTokens', 'maxOutputTokens'] },
)

describe('the worst case', () => {
  it('is never below what any usage within its bounds costs', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(
        fc.oneof(tokenPrice, hourPrice),
        bounds,
        fc.array(part, { minLength: 12, maxLength: 12 }),
        (price, bound, parts) => {
          const next = (most: number) => Math.floor((parts.pop() ?? 1) * most)
          const input = next(bound.inputTokens)
          const cacheRead = next(input)
          const cacheWrite = next(input - cacheRead)
          const output = next(bound.maxOutputTokens)
          const usage = used({
            input,
            cacheRead,
            cacheWrite,
            output,
            inputAudio: next(input),
            reasoning: next(output),
            audioMs: (parts.pop() ?? 1) * (bound.audioMs ?? 0),
          })
          const ms = bound.maxMs === undefined ? undefined : (parts.pop() ?? 1) * bound.maxMs
          expect(worstCase(price, bound)).toBeGreaterThanOrEqual(priceUsage(usage, price, ms))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('is reached: all of the input written to the cache, all of the output used', () => {
    const most = used({ input: 1_000, cacheWrite: 1_000, output: 200 })
    const bound = { inputTokens: 1_000, maxOutputTokens: 200 }
    expect(worstCase(sonnet, bound)).toBe(priceUsage(most, sonnet))
  })

  it('knows that a lower tier may be the dearer one', () => {
    const odd = perMillion('5', '5', { above: [{ tokens: 100, rates: { input: usd('1'), output: usd('1') } }] })
    expect(worstCase(odd, { inputTokens: 101, maxOutputTokens: 10 })).toBe(111n * 5_000n)
  })
})

describe('a price in words', () => {
  it.each<[Price, string]>([
    [gpt5mini, '$0.25 in, $2 out per million tokens, cached $0.025'],
    [sonnet, '$3 in, $15 out per million tokens, cached $0.30, cache write $3.75'],
    [
      tiered,
      '$1.25 in, $10 out per million tokens, cached $0.125; above 200,000 tokens $2.50 in, $15 out, cached $0.25',
    ],
    [gpu, priceWording.perHour('$2.50', 1)],
    [{ ...gpu, concurrency: 4 }, priceWording.perHour('$2.50', 4)],
    [{ ...free, fees: { audioHour: usd('0.36') } }, '$0.36 per hour of audio'],
    [free, 'free'],
  ])('%#: %s', (price, words) => {
    expect(describePrice(price)).toBe(words)
  })
})

it('a stated price is kept exactly, as decimals, for the ledger', () => {
  const stated = { input: '0.1', output: '0.000000001', cacheRead: '0.025' }
  expect(priceSnapshot(readPrice(stated))).toEqual({ kind: 'tokens', rates: stated })
  expect(priceSnapshot(readPrice({ perHour: '2.50', concurrency: 4 }))).toEqual({
    kind: 'hours',
    perHour: '2.5',
    concurrency: 4,
  })
})
