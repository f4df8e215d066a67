/** The circuit breaker, with a clock in hand; and what processes tell each other, over the channel between them. */
import { describe, expect, it } from 'vitest'
import { type ErrorCode, ParleyError } from '../core/errors.ts'
import { createLocalChannel } from '../queue/channel.ts'
import { healthWording } from '../wording/routing.ts'
import { type CallOutcome, createHealth, type Endpoint, type Health } from './health.ts'
import { healthTopic, shareHealth } from './health-shared.ts'

const unreachable = healthWording.reasons.model_unreachable

const gpt: Endpoint = { provider: 'openai', id: 'gpt' }
const mini: Endpoint = { provider: 'openai', id: 'mini' }
const llama: Endpoint = { provider: 'ollama', id: 'llama' }

const error = (code: ErrorCode, more: { retryAfterMs?: number; cause?: object } = {}) =>
  new ParleyError(code, `It failed: ${code}.`, {
    retryAfterMs: more.retryAfterMs,
    cause: more.cause === undefined ? undefined : Object.assign(new Error('the cause'), more.cause),
  })
const failed = (...of: Parameters<typeof error>): CallOutcome => ({ kind: 'failed', error: error(...of) })
const broken = failed('model_unreachable', { cause: { status: 500 } })
const notThere = failed('model_unreachable', { cause: { code: 'ECONNREFUSED' } })
const answered: CallOutcome = { kind: 'answered', ms: 1_000 }

/** `random` in the middle: cool-downs are exactly 5, 10, 20 … seconds. */
function rig() {
  const clock = { now: 1_000_000 }
  const health = createHealth({ now: () => clock.now, random: () => 0.5 })
  const call = (endpoint: Endpoint, outcome: CallOutcome) => health.begin(endpoint).end(outcome)
  const calls = (endpoint: Endpoint, ...outcomes: CallOutcome[]) => {
    for (const outcome of outcomes) call(endpoint, outcome)
  }
  return { health, call, calls, pass: (ms: number) => (clock.now += ms) }
}

const isOpen = (health: Health, endpoint: Endpoint) => health.because(endpoint) !== undefined

describe('a circuit', () => {
  it('opens after three failures in a row, and says why', () => {
    const { health, calls } = rig()
    calls(gpt, broken, broken)
    expect(isOpen(health, gpt)).toBe(false)
    calls(gpt, broken)
    expect(health.because(gpt)).toBe(healthWording.nextTry(unreachable, 5_000))
    expect(() => health.begin(gpt)).toThrow(expect.objectContaining({ code: 'model_unreachable', retryAfterMs: 5_000 }))
    expect(isOpen(health, mini), 'another model of the provider').toBe(false)
  })

  it('does not open for failures that come now and then', () => {
    const { health, calls } = rig()
    calls(gpt, broken, broken, answered, broken, broken, answered, answered, answered)
    expect(isOpen(health, gpt)).toBe(false)
  })

  it('opens when half of at least ten calls within a minute failed', () => {
    const { health, calls, pass } = rig()
    calls(gpt, broken, broken, answered, broken, answered, broken, answered, answered, broken)
    expect(isOpen(health, gpt)).toBe(false)
    calls(gpt, answered, broken)
    expect(isOpen(health, gpt)).toBe(true)
    pass(300_000)
    expect(isOpen(health, gpt)).toBe(false)
  })

  it('waits as long as the server asks for, and not longer than five minutes', () => {
    const { health, call, pass } = rig()
    call(gpt, failed('model_busy', { retryAfterMs: 40_000 }))
    expect(health.because(gpt)).toBe(healthWording.nextTry(healthWording.reasons.model_busy, 40_000))
    pass(39_999)
    expect(isOpen(health, gpt)).toBe(true)
    pass(1)
    expect(isOpen(health, gpt)).toBe(false)
    call(gpt, failed('model_busy', { retryAfterMs: 86_400_000 }))
    pass(300_000)
    expect(isOpen(health, gpt)).toBe(false)
  })

  it('a question that no other model can answer is tried again soon, however long the cool-down', () => {
    const { health, call } = rig()
    call(gpt, failed('model_busy', { retryAfterMs: 240_000 }))
    expect(() => health.begin(gpt)).toThrow(expect.objectContaining({ code: 'model_busy', retryAfterMs: 240_000 }))
  })

  it('lets one probe through when it has cooled down, and closes when that is answered', () => {
    const { health, calls, pass } = rig()
    calls(gpt, broken, broken, broken)
    pass(5_000)
    const probe = health.begin(gpt)
    expect(health.because(gpt)).toBe(healthWording.tryingNow(unreachable))
    expect(() => health.begin(gpt)).toThrow(ParleyError)
    probe.end(answered)
    expect(isOpen(health, gpt)).toBe(false)
    calls(gpt, broken, broken)
    expect(isOpen(health, gpt), 'counts anew').toBe(false)
  })

  it('cools down twice as long after each probe that fails', () => {
    const { health, calls, pass } = rig()
    calls(gpt, broken, broken, broken)
    for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300]) {
      pass(seconds * 1_000 - 1)
      expect(isOpen(health, gpt), `${seconds} s`).toBe(true)
      pass(1)
      calls(gpt, broken)
    }
  })

  it('gives the probe to the next one when it was stopped, or never ended', () => {
    const { health, calls, pass } = rig()
    calls(gpt, broken, broken, broken)
    pass(5_000)
    health.begin(gpt).end({ kind: 'stopped' })
    const lost = health.begin(gpt)
    expect(isOpen(health, gpt)).toBe(true)
    pass(180_000)
    expect(isOpen(health, gpt)).toBe(false)
    lost.end({ kind: 'stopped' })
  })

  it('takes failures of calls that were under way when it opened for the same trouble', () => {
    const { health, pass } = rig()
    const trials = Array.from({ length: 20 }, () => health.begin(gpt))
    for (const permit of trials) permit.end(broken)
    expect(health.because(gpt)).toContain('next try in 5 s')
    pass(5_000)
    expect(isOpen(health, gpt)).toBe(false)
  })

  it('is not closed by the success of a call from before the trouble', () => {
    const { health, calls } = rig()
    const early = health.begin(gpt)
    calls(gpt, broken, broken, broken)
    early.end(answered)
    expect(isOpen(health, gpt)).toBe(true)
  })

  it.for(['model_rejected_request', 'model_context_overflow'] as const)('never opens for %s', (code) => {
    const { health, calls } = rig()
    calls(gpt, ...Array.from({ length: 30 }, () => failed(code)))
    expect(isOpen(health, gpt)).toBe(false)
  })

  it('never opens for refusals, which are answers, and for calls that were stopped', () => {
    const { health, calls } = rig()
    calls(gpt, ...Array.from({ length: 30 }, (): CallOutcome => ({ kind: 'stopped' })), answered)
    expect(isOpen(health, gpt)).toBe(false)
  })

  it.for(['model_stalled', 'model_truncated', 'internal'] as const)('opens for %s', (code) => {
    const { health, calls } = rig()
    calls(gpt, failed(code), failed(code), failed(code))
    expect(isOpen(health, gpt)).toBe(true)
  })
})

describe('a provider', () => {
  it('that cannot be connected to is out of reach for all of its models, and for no one else’s', () => {
    const { health, calls } = rig()
    calls(gpt, notThere, notThere)
    calls(mini, notThere)
    expect([gpt, mini].map((of) => isOpen(health, of))).toEqual([true, true])
    expect(isOpen(health, llama)).toBe(false)
  })

  it('is probed once, by whichever model comes first', () => {
    const { health, calls, pass } = rig()
    calls(gpt, notThere, notThere, notThere)
    pass(5_000)
    const probe = health.begin(mini)
    expect(() => health.begin(gpt)).toThrow(ParleyError)
    // It answers, if only with a failure: it is there.
    probe.end(broken)
    expect(isOpen(health, gpt)).toBe(false)
  })

  it('that refuses the key is left alone, but for a model that the key may not use', () => {
    const { health, calls } = rig()
    const notThisModel = failed('model_refused_key', { cause: { status: 403 } })
    const wrongKey = failed('model_refused_key', { cause: { status: 401 } })
    calls(gpt, notThisModel, notThisModel, notThisModel)
    expect([isOpen(health, gpt), isOpen(health, mini)]).toEqual([true, false])
    calls(mini, wrongKey, wrongKey, wrongKey)
    expect(health.because(gpt)).toBe(healthWording.nextTry(healthWording.reasons.model_refused_key, 5_000))
  })
})

describe('speed', () => {
  it('is an average that leans to the newest calls', () => {
    const { health, call } = rig()
    expect(health.speed(gpt)).toBeUndefined()
    call(gpt, { kind: 'answered', ms: 2_000, firstTokenMs: 1_000, outputTokens: 50 })
    expect(health.speed(gpt)).toEqual({ firstTokenMs: 1_000, tokensPerSecond: 50 })
    call(gpt, { kind: 'answered', ms: 3_000, firstTokenMs: 2_000, outputTokens: 150 })
    expect(health.speed(gpt)).toEqual({ firstTokenMs: 1_300, tokensPerSecond: 80 })
  })

  it('is not judged by a handful of tokens', () => {
    const { health, call } = rig()
    call(gpt, { kind: 'answered', ms: 1_001, firstTokenMs: 1_000, outputTokens: 3 })
    expect(health.speed(gpt)).toEqual({ firstTokenMs: 1_000, tokensPerSecond: null })
  })
})

describe('the list for people', () => {
  it('names what is in trouble first, with why and how long', () => {
    const { health, calls } = rig()
    calls(llama, { kind: 'answered', ms: 900, firstTokenMs: 300, outputTokens: 60 })
    calls(gpt, broken, broken, broken)
    expect(health.list()[0]).toMatchObject({
      provider: 'openai',
      model: 'gpt',
      state: 'open',
      because: healthWording.nextTry(unreachable, 5_000),
      againInMs: 5_000,
      calls: 3,
      failures: 3,
    })
    expect(health.list().find(({ model }) => model === 'llama')).toMatchObject({
      state: 'closed',
      because: null,
      speed: { firstTokenMs: 300, tokensPerSecond: 100 },
    })
  })
})

describe('several processes', () => {
  async function pair() {
    const channel = createLocalChannel()
    const here = rig()
    const there = rig()
    const ends = [await shareHealth(here.health, channel), await shareHealth(there.health, channel)]
    const told = async () => {
      // The channel delivers in order: what comes after a message of ours has everything before it.
      const { promise, resolve } = Promise.withResolvers<void>()
      const end = await channel.subscribe(healthTopic, (message) => {
        if (message === 'end of test') resolve()
      })
      channel.publish(healthTopic, 'end of test')
      await promise
      await end()
    }
    return { here, there, told, channel, close: () => Promise.all([...ends.map((end) => end()), channel.close()]) }
  }

  it('learn from one that a model is out of reach, that somebody probes it, and that it is back', async () => {
    const { here, there, told, close } = await pair()
    here.calls(gpt, broken, broken, broken)
    await told()
    expect(there.health.because(gpt)).toBe(healthWording.nextTry(unreachable, 5_000))
    expect(() => there.health.begin(gpt)).toThrow(
      expect.objectContaining({ userMessage: 'It failed: model_unreachable.' }),
    )
    here.pass(5_000)
    there.pass(5_000)
    const probe = here.health.begin(gpt)
    await told()
    expect(there.health.because(gpt)).toBe(healthWording.tryingNow(unreachable))
    probe.end(answered)
    await told()
    expect(isOpen(there.health, gpt)).toBe(false)
    await close()
  })

  it('do not believe everything that comes over the channel', async () => {
    const { there, channel, told, close } = await pair()
    const news = {
      from: 'x',
      provider: 'openai',
      model: null,
      state: 'open',
      forMs: 1e12,
      code: null,
      userMessage: null,
    }
    channel.publish(healthTopic, { ...news, state: 'burning' })
    channel.publish(healthTopic, { ...news, forMs: -1 })
    await told()
    expect(isOpen(there.health, gpt)).toBe(false)
    channel.publish(healthTopic, news)
    await told()
    there.pass(300_000)
    expect(isOpen(there.health, gpt), 'bounded').toBe(false)
    await close()
  })
})
