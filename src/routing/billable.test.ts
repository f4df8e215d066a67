import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { perMillion } from '../../test/fakes/model.ts'
import { fieldCase, fieldCasesMissing, fieldRequest, playCases } from '../../test/models/field-cases.ts'
import { usd } from '../core/money.ts'
import type { ModelEvent, ModelRequest } from '../models/model.ts'
import { type Price, priceUsage, worstCase } from '../models/price.ts'
import { type CallMeter, createCallMeter, HANG_UP_MS, mostTokensPerSecond } from './billable.ts'
import { LONGEST_MS, mostTokens } from './sent-tokens.ts'

const price = perMillion('1', '10')
const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'some-model',
  system: 'Be brief.',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'How long is the notice period of the lease?' }] }],
  maxOutputTokens: 4_096,
  ...more,
})

interface Rig {
  price?: Price
  request?: ModelRequest
  tokensPerSecond?: number
  billsWholeAnswer?: boolean
}

/** A call whose clock stands where the test puts it. */
function meterOf({
  price: costs = price,
  request: of = request(),
  tokensPerSecond = 100,
  billsWholeAnswer = false,
}: Rig) {
  let now = 0
  const bounds = { inputTokens: mostTokens(of), maxOutputTokens: of.maxOutputTokens, maxMs: LONGEST_MS }
  const worst = worstCase(costs, bounds)
  const meter = createCallMeter({ request: of, price: costs, worst, tokensPerSecond, billsWholeAnswer, now: () => now })
  meter.start()
  const at = (ms: number, ...events: ModelEvent[]): CallMeter => {
    now = ms
    for (const event of events) meter.take(event)
    return meter
  }
  return { at, worst }
}

const text = (delta: string): ModelEvent => ({ type: 'text', delta })
const reasoning = (delta: string): ModelEvent => ({ type: 'reasoning', delta })
const estimated = (output: number, input = 20): ModelEvent => ({
  type: 'usage',
  usage: { input, output, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'estimated' },
})

describe('a count that is more than was possible', () => {
  const counted = (input: number, output: number, more: object = {}): ModelEvent => ({
    type: 'usage',
    usage: { input, output, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'provider', ...more },
  })
  const most = mostTokens(request())

  it.for([
    ['everything', counted(50_000_000, 90_000_000), { input: most, output: 4_096 }],
    ['the answer', counted(20, 19_503), { input: 20, output: 4_096 }],
    [
      'the question, caches included',
      counted(9_000, 7, { cacheRead: 8_000 }),
      { input: most, cacheRead: most, output: 7 },
    ],
  ] as const)('of %s is booked at what was possible, marked, and keeps what was told', ([, event, expected]) => {
    const { at, worst } = meterOf({})
    const meter = at(900, text('Thirty days.'), event)
    const usage = meter.counted('stop')
    expect(usage).toMatchObject({ ...expected, source: 'estimated' })
    expect(usage?.told).toEqual(event.type === 'usage' && { input: event.usage.input, output: event.usage.output })
    expect(priceUsage(usage ?? fail(), price)).toBeLessThanOrEqual(worst)
    expect(meter.speed()).toBeUndefined()
  })

  it.skipIf(fieldCasesMissing)(`of F25-u-huge, 140 million tokens for three words${fieldCasesMissing}`, async () => {
    const played = await playCases([fieldCase('F25-u-huge')])
    const { at, worst } = meterOf({ request: fieldRequest })
    const meter = at(900, text(played.text), { type: 'usage', usage: played.usage ?? fail() })
    const usage = meter.counted('stop') ?? fail()
    expect(usage).toMatchObject({
      input: mostTokens(fieldRequest),
      output: fieldRequest.maxOutputTokens,
      source: 'estimated',
      told: { input: 50_000_000, output: 90_000_000 },
    })
    expect(priceUsage(usage, price)).toBeLessThanOrEqual(worst)
  })

  it('is believed up to that, and beyond the limit where so much text came', () => {
    expect(meterOf({}).at(900, counted(most, 4_096)).counted('stop')).toEqual(
      expect.objectContaining({ input: most, output: 4_096, source: 'provider' }),
    )
    const long = meterOf({ request: request({ maxOutputTokens: 10 }) })
    expect(long.at(900, text('word '.repeat(100)), counted(20, 101)).counted('stop')).toMatchObject({
      output: 101,
      source: 'provider',
    })
  })

  it('of a stopped answer counts neither', () => {
    const { at } = meterOf({})
    expect(at(900, text('Thirty'), counted(20, 90_000_000)).counted('aborted')).toMatchObject({ output: 4_096 })
    const input: ModelEvent = { type: 'input', counted: { input: 50_000_000, cacheRead: 0, cacheWrite: 0 } }
    expect(meterOf({}).at(900, input).most(0).usage.input).toBe(most)
  })
})

function fail(): never {
  throw new Error('nothing was counted')
}

describe('what a provider can bill for a call that it did not count', () => {
  it('before the first word is what it can have thought in that time, and all that was sent', () => {
    const { at } = meterOf({})
    const { usage } = at(2_000, { type: 'start', model: 'some-model' }).most(0)
    expect(usage).toMatchObject({ input: mostTokens(request()), output: 200, source: 'estimated' })
  })

  it('within visible thinking goes by time too: a summary is shown, and the whole is billed', () => {
    const { at } = meterOf({})
    for (let ms = 100; ms <= 3_000; ms += 100) at(ms, reasoning('hm '))
    expect(at(3_000).most(0).usage.output).toBe(300)
  })

  it('of text that streams is that text, with the silence before it and after it', () => {
    const { at } = meterOf({})
    for (let ms = 1_000; ms <= 9_000; ms += 100) at(ms, text('word '))
    const { output } = at(9_500).most(0).usage
    // 81 words of at most 3.2 tokens, a second before the first and half a second after the last.
    expect(output).toBeGreaterThan(81 + 150)
    expect(output).toBeLessThanOrEqual(Math.ceil(81 * 3.2) + 151)
  })

  it('counts a pause within the text as thinking', () => {
    const { at } = meterOf({})
    at(100, text('one'))
    at(200, text(' two'))
    at(5_200, text(' three'))
    expect(at(5_200).most(0).usage.output).toBeGreaterThan(500)
  })

  it('is never less than the text that came, however slow the model was measured', () => {
    const { at } = meterOf({ tokensPerSecond: 1 })
    expect(at(100, text('a long text at once '.repeat(50)), estimated(250)).most(0).usage.output).toBe(250)
  })

  it('goes by the speed of the call itself once it has shown it, where no other is known', () => {
    const { at } = meterOf({ tokensPerSecond: mostTokensPerSecond(undefined) })
    for (let ms = 1_000; ms <= 5_000; ms += 50) at(ms, text(' word word word word'))
    const { output } = at(5_000).most(3_000).usage
    // 80 tokens a second: 320 shown, and at most 80 × 8 generated by then.
    expect(output).toBeGreaterThan(640)
    expect(output).toBeLessThan(640 * 5)
  })

  it('takes the input as the provider counted it before its first word', () => {
    const counted = { input: 1_234, cacheRead: 1_000, cacheWrite: 200 }
    const { at } = meterOf({ request: request({ system: 'Be brief. '.repeat(500) }) })
    expect(at(10, { type: 'input', counted }).most(0).usage).toMatchObject(counted)
  })

  it('assumes that unknown input was written to the cache, and unknown output was thought, where that costs more', () => {
    const dear: Price = {
      kind: 'tokens',
      rates: { input: usd('3'), output: usd('15'), cacheWrite: usd('3.75'), reasoning: usd('20') },
    }
    const { at } = meterOf({ price: dear })
    const { usage, cost } = at(1_000).most(0)
    expect(usage).toMatchObject({ cacheWrite: usage.input, reasoning: usage.output })
    expect(cost).toBe(priceUsage(usage, dear))
  })

  it('of a model whose tokens Parley counts itself is close to what it has', () => {
    const prose = 'The notice period is thirty days and begins with the first day of the next month. '.repeat(40)
    const of = request({ model: 'gpt-5-mini', messages: [{ role: 'user', parts: [{ type: 'text', text: prose }] }] })
    const { at } = meterOf({ request: of })
    const { usage } = at(0, estimated(0, 650)).most(0)
    expect(usage.input).toBeGreaterThanOrEqual(650)
    expect(usage.input).toBeLessThan(800)
    expect(mostTokens(of)).toBeGreaterThan(1_500)
  })

  it('at a server that goes on without its client is the whole answer', () => {
    const { at, worst } = meterOf({ billsWholeAnswer: true })
    expect(at(10, text('one')).most(0)).toMatchObject({ cost: worst, usage: { output: 4_096 } })
  })

  it('on rented hardware is the time', () => {
    const { at } = meterOf({ price: { kind: 'hours', perHour: usd('3.6') } })
    expect(at(10_000).most(0).cost).toBe(usd('0.01'))
  })

  it('is never less than what the provider generated by then, and never more than was reserved', () => {
    fc.assert(
      fc.property(
        fc.record({
          // The provider's real speed, by which it was measured.
          speed: fc.integer({ min: 20, max: 3_000 }),
          maxOutputTokens: fc.integer({ min: 1, max: 16_384 }),
          pieces: fc.array(
            fc.record({
              gapMs: fc.integer({ min: 1, max: 3_000 }),
              kind: fc.constantFrom('text', 'reasoning', 'hidden' as const),
            }),
            { maxLength: 40 },
          ),
          afterMs: fc.integer({ min: 0, max: 5_000 }),
        }),
        ({ speed, maxOutputTokens, pieces, afterMs }) => {
          const of = request({ maxOutputTokens })
          const { at, worst } = meterOf({ request: of, tokensPerSecond: speed })
          let [ms, billed] = [0, 0]
          for (const { gapMs, kind } of pieces) {
            const generated = Math.floor((gapMs * speed) / 1_000)
            // What streams as text comes in small pieces; a model that is silent for longer may think.
            if (kind === 'text' && gapMs <= 500) at(ms + gapMs, text(' word'.repeat(generated)))
            else if (kind === 'reasoning') at(ms + gapMs, reasoning(' a summary'))
            ms += gapMs
            billed += generated
          }
          ms += afterMs
          billed += Math.floor((afterMs * speed) / 1_000)
          const { usage, cost } = at(ms).most(HANG_UP_MS)
          expect(usage.output).toBeGreaterThanOrEqual(Math.min(billed, maxOutputTokens))
          expect(cost).toBeLessThanOrEqual(worst)
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each([
    ['some-model', false, 2.2],
    ['claude-sonnet-5', true, 1.8],
    ['gpt-5-mini', false, 1.5],
  ])('of %s that is stopped after six seconds of an ordinary answer is not far from it', (model, tellsInput, most) => {
    // 3,000 tokens of prose, two seconds of hidden thinking, four of text, all at 80 tokens a second.
    const [speed, input] = [80, 3_000]
    const prose = 'The notice period is thirty days and begins with the first day of the next month. '.repeat(
      input / 16,
    )
    const of = request({ model, messages: [{ role: 'user', parts: [{ type: 'text', text: prose }] }] })
    const { at } = meterOf({ request: of, tokensPerSecond: 2 * speed })
    if (tellsInput) at(100, { type: 'input', counted: { input, cacheRead: 0, cacheWrite: 0 } })
    for (let ms = 2_000; ms <= 6_000; ms += 50) at(ms, text(' word'.repeat(speed / 20)))
    const bill = priceUsage(
      { input, output: 6 * speed, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'provider' },
      price,
    )
    const { cost } = at(6_000, estimated(4 * speed, input)).most(HANG_UP_MS)
    expect(cost).toBeGreaterThanOrEqual(bill)
    expect(Number(cost) / Number(bill)).toBeLessThan(most)
  })

  it('grows with the time ahead, for the case that its process dies', () => {
    const { at } = meterOf({})
    expect(at(1_000).most(6_000).usage.output).toBe(700)
  })
})

describe('how fast a model can be', () => {
  it('is bounded for every model until enough was measured, then by twice the fastest', () => {
    expect(mostTokensPerSecond(undefined)).toBe(3_000)
    expect(mostTokensPerSecond({ tokensPerSecond: 80, calls: 4 })).toBe(3_000)
    expect(mostTokensPerSecond({ tokensPerSecond: 80, calls: 5 })).toBe(160)
    expect(mostTokensPerSecond({ tokensPerSecond: 8, calls: 50 })).toBe(50)
  })

  const counted = (output: number, thought: number): ModelEvent => ({
    type: 'usage',
    usage: { input: 20, output, cacheRead: 0, cacheWrite: 0, reasoning: thought, source: 'provider' },
  })

  it('is measured over the text that was seen, and over the thoughts that were not', () => {
    expect(meterOf({}).at(1_000, text('one')) && meterOf({}).at(0).speed()).toBeUndefined()
    const visible = meterOf({})
    visible.at(1_000, text('one'))
    expect(visible.at(3_000, counted(100, 0)).speed()).toBe(50)
    const hidden = meterOf({})
    hidden.at(5_000, text('one'))
    expect(hidden.at(6_000, counted(1_000, 950)).speed()).toBe(190)
  })

  it('is not measured where the provider did not count, or where all came in one packet', () => {
    const guessed = meterOf({})
    guessed.at(1_000, text('one'))
    expect(guessed.at(3_000, estimated(100)).speed()).toBeUndefined()
    const burst = meterOf({})
    burst.at(1_000, text('one'))
    expect(burst.at(1_050, counted(100, 0)).speed()).toBeUndefined()
  })
})
