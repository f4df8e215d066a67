/** Attempts, fallbacks and what each costs: scripted models, a budget in memory, the real health. */
import { describe, expect, it } from 'vitest'
import { createFakeBudget } from '../../test/fakes/budget.ts'
import { model, perMillion, quotingModel } from '../../test/fakes/model.ts'
import { ParleyError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import type { Model } from '../models/catalogue.ts'
import type { FinishReason, ModelEvent, ModelProvider, ModelRequest } from '../models/model.ts'
import { createHealth } from '../routing/health.ts'
import { createAttempts } from '../routing/metered-call.ts'
import { noticeWording } from '../wording/answers.ts'
import { modelErrorWording } from '../wording/models.ts'
import { healthWording } from '../wording/routing.ts'
import { type AskEvent, ask } from './ask.ts'

type Step = ModelEvent | ParleyError
const text = (delta: string): Step => ({ type: 'text', delta })
const finish = (reason: FinishReason): Step => ({ type: 'finish', reason })
const used = (input: number, output: number, source: Usage['source'] = 'provider'): Step => ({
  type: 'usage',
  usage: { input, output, cacheRead: 0, cacheWrite: 0, reasoning: 0, source },
})
const failure = (
  code: 'model_unreachable' | 'model_stalled' | 'model_refused_key' | 'model_busy' | 'model_context_overflow',
  cause: object = {},
) => new ParleyError(code, `It failed: ${code}.`, { cause: Object.assign(new Error('the cause'), cause) })
const refusedConnection = () => failure('model_unreachable', { code: 'ECONNREFUSED' })

// A million tokens cost $1 in and $10 out: a token costs 1,000 and 10,000 nano-USD.
const price = perMillion('1', '10')
const a = model('one/a', { price })
const b = model('two/b', { price })
const c = model('two/c', { price: perMillion('0.1', '1') })

interface Rig {
  /** Each call plays the model's next script. */
  scripts: Record<string, Step[][]>
  models?: Model[]
  limit?: string
  cheaper?: Model[]
  /** Stops reading after so many events. */
  leaveAfter?: number
  health?: ReturnType<typeof createHealth>
  /** The person has pressed stop. */
  stopped?: boolean
}

async function run({
  scripts,
  models = [a, b],
  limit,
  cheaper = [],
  leaveAfter,
  health = createHealth(),
  stopped,
}: Rig) {
  const tried: string[] = []
  const fake: ModelProvider = {
    name: 'fake',
    models: async () => [],
    async *stream(request) {
      tried.push(request.model)
      for (const step of scripts[request.model]?.shift() ?? []) {
        if (step instanceof ParleyError) throw step
        yield step
      }
    },
  }
  const budget = createFakeBudget(limit === undefined ? null : usd(limit))
  const spender = { platform: 'test', workspaceId: 'team', channelId: 'general', userId: 'ann' }
  const attempts = createAttempts({ budget, health, spender, turnId: 'turn' })
  const prepare = async ({ id }: Model): Promise<ModelRequest> => ({
    model: id,
    system: '',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'How long is it?' }] }],
    maxOutputTokens: 100,
  })
  const events: AskEvent[] = []
  let thrown: unknown
  try {
    const deps = { provider: () => fake, prepare, attempts, cheaper: async () => cheaper, log: silentLog }
    const signal = stopped === true ? AbortSignal.abort() : new AbortController().signal
    for await (const event of ask(models, deps, signal)) if (events.push(event) === leaveAfter) break
  } catch (error) {
    thrown = error
  }
  let shown = ''
  for (const event of events) {
    if (event.type === 'text') shown += event.delta
    if (event.type === 'begin' || event.type === 'thoughtSoFar') shown = ''
  }
  const end = events.find((event) => event.type === 'end')
  return { asked: tried, shown, end, notices: end?.notices, thrown, budget, attempts, health }
}

describe('asking models', () => {
  it('the first that answers ends it', async () => {
    const { asked: tried, shown, end } = await run({ scripts: { a: [[text('Hello'), finish('stop')]] } })
    expect(tried).toEqual(['a'])
    expect(shown).toBe('Hello')
    expect(end).toMatchObject({ model: a, reason: 'stop', notices: [] })
  })

  it('an unreachable model is replaced, and the receipt says so', async () => {
    const {
      asked: tried,
      shown,
      notices,
    } = await run({
      scripts: { a: [[refusedConnection()]], extractive: [[text('> quote'), finish('stop')]] },
      models: [a, quotingModel],
    })
    expect(tried).toEqual(['a', 'extractive'])
    expect(shown).toBe('> quote')
    expect(notices).toEqual([noticeWording.quotedInstead('It failed: model_unreachable.')])
  })

  it.for(['model_stalled', 'model_unreachable', 'model_busy', 'model_context_overflow', undefined] as const)(
    'an answer that broke off (%s) is started over by the next model in the same place, and the receipt says so',
    async (code) => {
      const breaks = code === undefined ? finish('truncated') : failure(code)
      const {
        asked: tried,
        shown,
        end,
        notices,
      } = await run({
        scripts: { a: [[text('Half an'), breaks]], b: [[text('A whole answer'), finish('stop')]] },
      })
      expect(tried).toEqual(['a', 'b'])
      expect(shown).toBe('A whole answer')
      expect(end).toMatchObject({ model: b, reason: 'stop' })
      expect(notices).toEqual([noticeWording.answeredInstead(noticeWording.stoppedMidAnswer('a'), 'b')])
    },
  )

  it('the only model is asked once more when it broke off, and twice is enough', async () => {
    const half = [text('Half an'), finish('truncated')]
    const whole = await run({ scripts: { a: [half, [text('A whole answer'), finish('stop')]] }, models: [a] })
    expect([whole.asked, whole.shown]).toEqual([['a', 'a'], 'A whole answer'])
    const twice = await run({ scripts: { a: [half, [text('Half'), finish('truncated')]] }, models: [a, quotingModel] })
    expect([twice.asked, twice.shown]).toEqual([['a', 'a'], 'Half'])
    expect(twice.end).toMatchObject({ model: a, reason: 'truncated' })
    expect(twice.notices).toEqual([noticeWording.incomplete(noticeWording.stoppedMidAnswerTwice('a'))])
  })

  it('a model that fell silent is not asked again, with text or without', async () => {
    const stalled = failure('model_stalled')
    const half = await run({ scripts: { a: [[text('Half'), stalled]] }, models: [a] })
    expect([half.asked, half.shown]).toEqual([['a'], 'Half'])
    expect(half.notices).toEqual([noticeWording.incomplete(noticeWording.stoppedMidAnswer('a'))])
    const silent = await run({ scripts: { a: [[stalled]], b: [[text('ok'), finish('stop')]] } })
    expect([silent.asked, silent.shown]).toEqual([['a', 'b'], 'ok'])
  })

  it('what was said stays until another model says something, and is incomplete when none does', async () => {
    const { asked, shown, end, notices } = await run({
      scripts: {
        a: [[text('Half an answer'), finish('truncated')], [failure('model_busy')]],
        b: [[failure('model_busy')]],
        c: [[failure('model_refused_key')]],
      },
      models: [a, b, c],
    })
    expect(asked).toEqual(['a', 'b', 'c', 'a'])
    expect(shown).toBe('Half an answer')
    expect(end).toMatchObject({ model: a, reason: 'truncated' })
    expect(notices).toEqual([
      noticeWording.incomplete(noticeWording.stoppedMidAnswerAnd('a', 'It failed: model_busy.')),
    ])
  })

  it.for([
    ['no event of text', [finish('stop')]],
    ['thoughts alone', [{ type: 'reasoning', delta: 'a plan' } as const, finish('stop')]],
    [
      'a call that nobody asked for',
      [{ type: 'toolCall', id: '1', name: 'search', arguments: '{}' } as const, finish('tool')],
    ],
  ] as const)(
    'an answer of %s is a failure: of the model, of its health, and the next one answers',
    async ([, steps]) => {
      const health = createHealth()
      for (let time = 0; time < 3; time += 1) {
        const {
          asked: tried,
          shown,
          notices,
        } = await run({
          scripts: { a: [[used(20, 5), ...steps]], b: [[text('ok'), finish('stop')]] },
          health,
        })
        expect([tried, shown]).toEqual([['a', 'b'], 'ok'])
        expect(notices).toEqual([noticeWording.answeredInstead(modelErrorWording.empty('a'), 'b')])
      }
      expect(health.because(a)).toContain(healthWording.reasons.model_empty)
      expect(health.speed(a)).toBeUndefined()
    },
  )

  it('an empty answer of the only model is asked for once more, paid as counted, and told as an error', async () => {
    const steps = [used(20, 5), finish('stop')]
    const { asked, thrown, budget } = await run({ scripts: { a: [steps, steps] }, models: [a] })
    expect(asked).toEqual(['a', 'a'])
    expect(thrown).toMatchObject({ code: 'model_empty', userMessage: modelErrorWording.empty('a') })
    expect(budget.rows).toMatchObject([{ settled: { cost: 70_000n, estimated: false, outcome: 'failed' } }, {}])
  })

  it('a question that a content filter declined is put to no other model', async () => {
    const filtered = new ParleyError('model_filtered', 'The filter declined it.')
    const { asked, thrown, health } = await run({ scripts: { a: [[filtered]], b: [[text('ok'), finish('stop')]] } })
    expect(asked).toEqual(['a'])
    expect(thrown).toMatchObject({ code: 'model_filtered' })
    expect(health.list().every(({ failures }) => failures === 0)).toBe(true)
  })

  it('thoughts that turn out to be no text leave the message', async () => {
    const steps = [text('so it is'), { type: 'thoughtSoFar' } as const, text('Thirty days.'), finish('stop')]
    const { shown, end } = await run({ scripts: { a: [steps] } })
    expect([shown, end?.reason]).toEqual(['Thirty days.', 'stop'])
  })

  it('a question too long for one goes to the next', async () => {
    const { asked: tried, end } = await run({
      scripts: { a: [[failure('model_context_overflow', { status: 400 })]], b: [[text('ok'), finish('stop')]] },
    })
    expect(tried).toEqual(['a', 'b'])
    expect(end).toMatchObject({ model: b })
  })

  it('a refusal is an answer', async () => {
    const { asked: tried, end } = await run({ scripts: { a: [[finish('refusal')]] } })
    expect(tried).toEqual(['a'])
    expect(end).toMatchObject({ reason: 'refusal' })
  })

  it('when none answers, the last one says why', async () => {
    const { asked: tried, thrown } = await run({
      scripts: { a: [[refusedConnection()]], b: [[failure('model_refused_key')]] },
    })
    expect(tried).toEqual(['a', 'b'])
    expect(thrown).toMatchObject({ code: 'model_refused_key' })
  })

  it('a model that failed repeatedly is skipped without a call, and the notice names its failure', async () => {
    const health = createHealth()
    for (let at = 0; at < 3; at += 1) health.begin(a).end({ kind: 'failed', error: failure('model_stalled') })
    const { asked: tried, notices, attempts } = await run({ scripts: { b: [[text('ok'), finish('stop')]] }, health })
    expect(tried).toEqual(['b'])
    expect(notices).toEqual([noticeWording.answeredInstead('It failed: model_stalled.', 'b')])
    expect(attempts.log()).toMatchObject([
      { model: 'one/a', outcome: 'not asked', because: 'model_stalled' },
      { model: 'two/b', outcome: 'answered' },
    ])
  })

  it('health hears of every end: failures open, answers, refusals and overflow do not', async () => {
    const { health } = await run({ scripts: { a: [[failure('model_busy')]], b: [[text('ok'), finish('stop')]] } })
    const overflow = failure('model_context_overflow', { status: 400 })
    for (const end of [finish('refusal'), finish('filter'), overflow])
      for (let at = 0; at < 5; at += 1) await run({ scripts: { b: [[end]] }, models: [b], health })
    expect(health.because(b)).toBeUndefined()
    for (let at = 0; at < 2; at += 1) await run({ scripts: { a: [[failure('model_busy')]] }, models: [a], health })
    expect(health.because(a)).toContain(healthWording.reasons.model_busy)
  })
})

describe('what is paid', () => {
  it('each attempt is reserved at its worst and settled at what it did cost, or may have cost', async () => {
    const { budget, attempts } = await run({
      scripts: {
        a: [
          [text('Half'), used(20, 1, 'estimated'), finish('truncated')],
          [text('Whole'), used(20, 2), finish('stop')],
        ],
      },
      models: [a],
    })
    expect(budget.rows).toMatchObject([
      {
        provider: 'one',
        model: 'a',
        kind: 'answer',
        settled: { cost: 1_090_000n, estimated: true, outcome: 'failed' },
      },
      { provider: 'one', model: 'a', kind: 'answer', settled: { cost: 40_000n, estimated: false, outcome: 'ok' } },
    ])
    expect(new Set(budget.rows.map(({ id }) => id)).size).toBe(2)
    for (const { worst, settled } of budget.rows) expect(worst).toBeGreaterThanOrEqual(settled?.cost ?? 0n)
    expect(attempts.spent()).toMatchObject({ cost: 1_130_000n, usage: { output: 102, source: 'estimated' } })
  })

  it.for([
    ['no connection', refusedConnection()],
    ['a status of failure', failure('model_unreachable', { status: 503 })],
    ['too many requests', failure('model_busy')],
    ['a wrong key', failure('model_refused_key')],
    ['a question too long', failure('model_context_overflow', { status: 400 })],
  ] as const)('%s costs nothing', async ([, thrown]) => {
    const { budget } = await run({ scripts: { a: [[thrown]] }, models: [a] })
    expect(budget.rows).toMatchObject([{ released: true }])
    expect(budget.open()).toBe(0)
  })

  it('what was taken and never answered costs the most that it may have, by an estimate', async () => {
    const { budget } = await run({ scripts: { a: [[failure('model_stalled')]] }, models: [a] })
    expect(budget.rows).toHaveLength(1)
    for (const { settled } of budget.rows) {
      expect(settled).toMatchObject({ estimated: true, outcome: 'failed', usage: { output: 100 } })
    }
  })

  it.for([
    ['cut before its first word', [{ type: 'start', model: 'a' }, used(500, 0, 'estimated'), failure('model_busy')]],
    ['reset after it was sent', [failure('model_unreachable', { code: 'ECONNRESET' })]],
  ] as const)('a try that was %s is booked, and the next one reserves for itself', async ([, lost]) => {
    const {
      asked: tried,
      shown,
      budget,
      attempts,
    } = await run({
      scripts: { a: [[...lost], [text('Whole'), used(20, 2), finish('stop')]] },
    })
    expect([tried, shown]).toEqual([['a', 'a'], 'Whole'])
    expect(budget.rows).toMatchObject([
      { settled: { estimated: true, outcome: 'failed' } },
      { settled: { cost: 40_000n, outcome: 'ok' } },
    ])
    expect(budget.rows[0]?.settled?.cost).toBeGreaterThan(0n)
    expect(attempts.spent().usage?.source).toBe('estimated')
  })

  it('a server that asks for a pause in the middle is not asked again at once', async () => {
    const busy = new ParleyError('model_busy', 'It is busy.', { retryAfterMs: 20_000 })
    const { asked: tried } = await run({
      scripts: { a: [[{ type: 'start', model: 'a' }, busy]], b: [[text('ok'), finish('stop')]] },
    })
    expect(tried).toEqual(['a', 'b'])
  })

  it('a reader who walks away pays for what may have been generated by then', async () => {
    const { budget } = await run({
      scripts: { a: [[{ type: 'start', model: 'a' }, text('one two three four'), text('five'), finish('stop')]] },
      leaveAfter: 1,
    })
    expect(budget.rows).toMatchObject([{ settled: { estimated: true, outcome: 'aborted' } }])
    expect(budget.rows[0]?.settled?.usage?.output).toBeGreaterThan(2)
  })

  it('a turn that is stopped before the first event pays for what may have been thought, unless nothing was sent', async () => {
    const stopped = new ParleyError('model_unreachable', 'It was stopped.')
    const cut = await run({ scripts: { a: [[stopped]] }, models: [a], stopped: true })
    expect(cut.budget.rows).toMatchObject([
      { settled: { estimated: true, outcome: 'aborted', usage: { output: 100 } } },
    ])
    const unsent: Step[] = [{ type: 'start', model: 'a' }, finish('aborted')]
    const early = await run({ scripts: { a: [unsent] }, models: [a], stopped: true })
    expect(early.budget.rows).toMatchObject([{ released: true }])
  })

  it('a provider that counts a stopped answer is believed', async () => {
    const steps = [text('one two'), used(20, 7), finish('aborted')]
    const { budget } = await run({ scripts: { a: [steps] }, models: [a], stopped: true })
    expect(budget.rows).toMatchObject([{ settled: { cost: 90_000n, estimated: false, outcome: 'aborted' } }])
  })

  it('a failure inside Parley leaves no reservation open', async () => {
    const broken = {
      ...a,
      price: {
        ...price,
        rates: {
          input: 1n,
          get output(): bigint {
            throw new Error('broken')
          },
        },
      },
    }
    const { thrown, budget } = await run({ scripts: {}, models: [broken] })
    expect(thrown).toMatchObject({ message: 'broken' })
    expect(budget.open()).toBe(0)
  })

  it('quoting costs nothing and reserves nothing', async () => {
    const { budget, attempts } = await run({
      scripts: { extractive: [[text('> quote'), used(0, 0), finish('stop')]] },
      models: [quotingModel],
      limit: '0',
    })
    expect(budget.rows).toEqual([])
    expect(attempts.spent().cost).toBe(0n)
  })

  it('a model without a price is not called', async () => {
    const { price: _unknown, ...unpriced } = a
    const { asked: tried, thrown } = await run({ scripts: {}, models: [{ ...unpriced, priceSource: 'unknown' }] })
    expect(tried).toEqual([])
    expect(thrown).toMatchObject({
      code: 'model_price_unknown',
      userMessage: expect.stringContaining('`models price one/a 0.25 2`'),
    })
  })
})

describe('at the limit', () => {
  it('a model over budget gives way to a cheaper one, and the receipt names the budget', async () => {
    const {
      asked: tried,
      notices,
      budget,
    } = await run({
      scripts: { c: [[text('ok'), used(10, 1), finish('stop')]] },
      limit: '0.0009',
      cheaper: [c],
    })
    expect(tried).toEqual(['c'])
    expect(notices).toEqual([
      noticeWording.answeredInstead('The budget has $0.00090 left for a. It resets on Monday.', 'c'),
    ])
    expect(budget.rows).toMatchObject([{ model: 'c' }])
  })

  it('where none is cheap enough, the reader sees the first refusal', async () => {
    const { asked: tried, thrown } = await run({ scripts: {}, limit: '0.00001', cheaper: [c] })
    expect(tried).toEqual([])
    expect(thrown).toMatchObject({
      code: 'budget_exhausted',
      userMessage: 'The budget has $0.000010 left for a. It resets on Monday.',
    })
  })

  it('where files can be quoted, they are', async () => {
    const {
      asked: tried,
      notices,
      end,
    } = await run({
      scripts: { extractive: [[text('> quote'), finish('stop')]] },
      limit: '0',
      cheaper: [quotingModel],
    })
    expect(tried).toEqual(['extractive'])
    expect(notices?.[0]).toContain(noticeWording.quotedInstead('It resets on Monday.'))
    expect(end).toMatchObject({ refusal: { code: 'budget_exhausted' } })
  })

  it('an answer whose restart the budget does not hold is kept and marked incomplete', async () => {
    const { shown, end, notices } = await run({
      scripts: { a: [[text('Half'), used(20, 90), finish('truncated')]] },
      limit: '0.0015',
      models: [a],
    })
    expect(shown).toBe('Half')
    expect(end).toMatchObject({ reason: 'truncated' })
    expect(notices?.[0]).toMatch(/^a .*\. The budget has .* It resets on Monday\. This answer is incomplete\./)
  })
})
