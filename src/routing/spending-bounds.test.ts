/** Money under absurd prices, counts and amounts: never overspent, never booked beyond the possible, never an error inside. */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { correction } from '../../test/ledger-rig.ts'
import { ParleyError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { bounds, usd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import { type Scope, type Spender, scopeOf, scopesOf } from '../core/scope.ts'
import { completeModel } from '../models/complete-model.ts'
import type { ModelRequest } from '../models/model.ts'
import { readPrice, type StatedPrice } from '../models/price.ts'
import { type Budgets, createBudgets } from '../store/budgets.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createLedger, type Ledger } from '../store/ledger.ts'
import { BudgetExhausted, isRefusal } from './budget.ts'
import { createHealth } from './health.ts'
import { createLedgerBudget, type LedgerBudget } from './ledger-budget.ts'
import { type AttemptEnd, createAttempts, NotCalled } from './metered-call.ts'
import { USEFUL_OUTPUT } from './sent-tokens.ts'

let server: TestServer
let database: Database
let ledger: Ledger
let budgets: Budgets
let budget: LedgerBudget
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  ledger = createLedger(database)
  budgets = createBudgets(database)
  budget = createLedgerBudget({ ledger, budgets, limited: budgets.scopes, alert: async () => {}, log: silentLog })
})
afterAll(async () => {
  await budget?.close()
  await database?.close()
  await server?.dispose()
})

/** Somebody new: budgets of one run do not meet those of another. */
const someone = (): Spender => {
  const keyId = randomUUID().slice(0, 12)
  return { platform: 'api', workspaceId: keyId, channelId: keyId, userId: keyId, keyId }
}
const limit = (scope: Scope, amount: bigint) => budgets.set({ scope, period: 'month', amount, timeZone: 'UTC' }, 'test')
const state = async (scope: Scope) => (await budgets.list([scope]))[0]
const booked = async (scope: Scope) => {
  const { rows } = await database.pool.query<{ cost: string; beyond: number; open: number }>(
    `select coalesce(sum(cost), 0) as cost, count(*) filter (where cost > reserved)::int as beyond,
       count(*) filter (where state = 'reserved')::int as open from ledger where $1 = any (scopes)`,
    [scope],
  )
  return { ...rows[0], cost: BigInt(rows[0]?.cost ?? -1) }
}

/** From nothing to beyond everything. */
const anyAmount = fc.oneof(
  fc.bigInt({ min: 0n, max: 10_000n }),
  fc.bigInt({ min: 0n, max: bounds.amount }),
  fc.bigInt({ min: 0n, max: 10n ** 30n }),
  fc.constantFrom(2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 10n ** 40n),
)
const anyCount = fc.oneof(
  fc.integer({ min: 0, max: 10_000 }),
  fc.constantFrom(0, 2 ** 31, Number.MAX_SAFE_INTEGER, 140_000_000),
)
const someLimit = fc.oneof(fc.bigInt({ min: 0n, max: 1_000_000n }), fc.bigInt({ min: 0n, max: bounds.amount }))

const step = fc.oneof(
  fc.record({ kind: fc.constant('call' as const), worst: anyAmount, told: anyAmount, output: anyCount }),
  fc.record({ kind: fc.constant('open' as const), worst: anyAmount }),
  fc.record({ kind: fc.constant('correct' as const), to: fc.bigInt({ min: 0n, max: 1_000n }) }),
)

describe('whatever is told and asked', () => {
  it('a budget is never overspent, nothing is booked above its reservation, and the sums are those of the ledger', async () => {
    await fc.assert(
      fc.asyncProperty(someLimit, fc.array(step, { minLength: 1, maxLength: 12 }), async (amount, steps) => {
        const spender = someone()
        const scope = scopeOf.key(spender.keyId ?? '')
        await limit(scope, amount)
        for (const each of steps) {
          if (each.kind === 'correct') {
            const [dearest] = await ledger.bookings({ scope, from: new Date(0), limit: 1 })
            if (dearest !== undefined && each.to <= dearest.cost)
              await ledger.correct(dearest.id, each.to, correction())
            continue
          }
          const paid = { kind: 'answer', provider: 'p', model: 'm', price: {} } as const
          const call = budget.reserve({ id: randomUUID(), spender, ...paid, worst: each.worst })
          const reservation = await call.catch((thrown: unknown) => {
            if (!isRefusal(thrown)) throw thrown
          })
          if (each.kind === 'open' || reservation === undefined) continue
          const usage: Usage = {
            input: 1,
            cacheRead: 0,
            cacheWrite: 0,
            output: each.output,
            reasoning: 0,
            source: 'provider',
          }
          await reservation.settle({ cost: each.told, usage, estimated: false, outcome: 'ok', ms: each.output })
        }
        const now = await state(scope)
        expect((now?.spent ?? 0n) + (now?.reserved ?? 0n)).toBeLessThanOrEqual(amount)
        const sums = await booked(scope)
        expect(sums).toMatchObject({ cost: now?.spent, beyond: 0 })
      }),
      { numRuns: 60 },
    )
    // What measures speeds reads every count that was booked.
    await expect(ledger.speeds()).resolves.toBeDefined()
  })

  it('prices, windows and limits of models give a worst case that is refused, never an error', async () => {
    const anyPrice = fc.bigInt({ min: 0n, max: 1_000_000_000n }).map(String)
    await fc.assert(
      fc.asyncProperty(anyPrice, anyPrice, anyCount, fc.double(), async (input, output, window, told) => {
        const model = completeModel({
          configured: { id: 'm', provider: 'p', price: readPrice({ input, output }) },
          origin: 'configured',
          info: { id: 'm', contextWindow: told, maxOutputTokens: window },
          address: 'https://models.example',
          published: undefined,
          defaultWindow: undefined,
          changes: {},
        })
        const spender = someone()
        const scope = scopeOf.key(spender.keyId ?? '')
        await limit(scope, usd('1'))
        const attempts = createAttempts({ budget, health: createHealth(), spender })
        const end: AttemptEnd = { reason: 'stop' }
        const attempt = attempts.begin(model)
        try {
          const sent = await attempt.reserve(requestOf({ maxOutputTokens: model.maxOutputTokens }))
          expect(sent.maxOutputTokens).toBeLessThanOrEqual(model.maxOutputTokens)
          attempt.record({ type: 'text', delta: 'Yes.' })
          const usage = { input: window, cacheRead: 0, cacheWrite: 0, output: window, reasoning: 0 }
          attempt.record({ type: 'usage', usage: { ...usage, source: 'provider' } })
          await attempt.end(end)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(NotCalled)
          expect((thrown as NotCalled).error).toBeInstanceOf(BudgetExhausted)
        }
        expect((await state(scope))?.spent).toBeLessThanOrEqual(usd('1'))
        expect(await booked(scope)).toMatchObject({ beyond: 0, open: 0 })
      }),
      { numRuns: 40 },
    )
  })

  it.each<StatedPrice>([
    { input: '99999999999999999999999', output: '1' },
    { input: '1', output: '1000000000.000000001' },
    { perHour: '1'.repeat(400) },
    { perAudioHour: '9'.repeat(21) },
  ])('a price that no column holds is none: %j', (stated) => {
    expect(() => readPrice(stated)).toThrow(RangeError)
  })

  it('a price that an older version took in leaves its model without one, and the others alone', () => {
    const stored = { 'p/m': { input: '1', output: '99999999999999999999999' } }
    const about = { origin: 'configured', info: undefined, address: undefined, published: undefined } as const
    const of = (id: string) =>
      completeModel({ configured: { id, provider: 'p' }, ...about, defaultWindow: 4096, changes: { prices: stored } })
    expect([of('m').priceSource, of('m').price]).toEqual(['unknown', undefined])
  })
})

function requestOf(more: Partial<ModelRequest> = {}): ModelRequest {
  const messages: ModelRequest['messages'] = [{ role: 'user', parts: [{ type: 'text', text: 'Hi?' }] }]
  return { model: 'm', system: '', messages, maxOutputTokens: 4_096, ...more }
}

const good = completeModel({
  configured: { id: 'good', provider: 'lab', price: readPrice({ input: '1', output: '10' }), maxOutputTokens: 4_096 },
  origin: 'configured',
  info: { id: 'good', contextWindow: 128_000, maxOutputTokens: 4_096 },
  address: 'https://lab.example',
  published: undefined,
  defaultWindow: undefined,
  changes: {},
})

describe('an answer within a small budget', () => {
  const attempt = (spender: Spender) => createAttempts({ budget, health: createHealth(), spender }).begin(good)
  const refusal = (spender: Spender, request = requestOf()) =>
    attempt(spender)
      .reserve(request)
      .then(
        () => undefined,
        (thrown: unknown) => (thrown as NotCalled).error,
      )

  it('gets as many tokens as the money holds, and the whole where it holds that', async () => {
    const spender = someone()
    // 4,096 tokens of output cost $0.04.
    await limit(scopeOf.key(spender.keyId ?? ''), usd('0.03'))
    const first = attempt(spender)
    const sent = await first.reserve(requestOf())
    expect(sent.maxOutputTokens).toBeGreaterThan(2_900)
    expect(sent.maxOutputTokens).toBeLessThan(3_000)
    first.record({ type: 'usage', usage: { ...used, output: 6 } })
    await first.end({ reason: 'stop' })
    expect((await state(scopeOf.key(spender.keyId ?? '')))?.spent).toBeLessThan(usd('0.0001'))
    const rich = someone()
    await limit(scopeOf.key(rich.keyId ?? ''), usd('0.05'))
    expect((await attempt(rich).reserve(requestOf())).maxOutputTokens).toBe(4_096)
  })

  const used = { input: 3, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, source: 'provider' } as const

  it('the tightest of several budgets decides', async () => {
    const spender = someone()
    const [, workspace, , user] = scopesOf(spender)
    await limit(workspace ?? 'all', usd('0.02'))
    await limit(user ?? 'all', usd('0.01'))
    expect((await attempt(spender).reserve(requestOf())).maxOutputTokens).toBeLessThan(1_000)
  })

  it('that holds no useful answer is exhausted; where calls under way hold the rest, it is a matter of seconds', async () => {
    const spender = someone()
    const scope = scopeOf.key(spender.keyId ?? '')
    await limit(scope, usd('0.002'))
    expect(await refusal(spender)).toBeInstanceOf(BudgetExhausted)
    await limit(scope, usd('0.03'))
    const open = attempt(spender)
    await open.reserve(requestOf())
    expect(await refusal(spender)).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) })
    open.record({ type: 'usage', usage: { ...used, output: 6 } })
    await open.end({ reason: 'stop' })
    expect(await refusal(spender)).toBeUndefined()
  })

  it('of which less was asked than is useful gets what was asked or nothing', async () => {
    const spender = someone()
    await limit(scopeOf.key(spender.keyId ?? ''), usd('0.0015'))
    const short = requestOf({ maxOutputTokens: USEFUL_OUTPUT / 2 })
    expect((await attempt(spender).reserve(short)).maxOutputTokens).toBe(USEFUL_OUTPUT / 2)
    expect(await refusal(spender, short)).toBeInstanceOf(ParleyError)
  })

  it('thirty at once never overspend, and those that wait are told to wait', async () => {
    const spender = someone()
    const scope = scopeOf.key(spender.keyId ?? '')
    await limit(scope, usd('0.03'))
    const ended = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const each = attempt(spender)
        try {
          await each.reserve(requestOf())
        } catch (thrown) {
          return (thrown as NotCalled).error.code
        }
        each.record({ type: 'usage', usage: { ...used, output: 2 } })
        await each.end({ reason: 'stop' })
        return 'answered'
      }),
    )
    expect(ended.filter((each) => each !== 'answered' && each !== 'rate_limited')).toEqual([])
    const now = await state(scope)
    expect(now?.reserved).toBe(0n)
    expect(now?.spent).toBe(BigInt(ended.filter((each) => each === 'answered').length) * 23_000n)
  })
})
