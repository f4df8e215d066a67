import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import type { Usage } from '../core/reply.ts'
import { type Scope, type Spender, scopeOf } from '../core/scope.ts'
import { type Price, priceSnapshot, priceUsage, worstCase } from '../models/price.ts'
import { type Channel, createLocalChannel } from '../queue/channel.ts'
import type { DueAlert } from '../store/budget-alerts.ts'
import { type Budgets, createBudgets } from '../store/budgets.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createLedger, type Ledger } from '../store/ledger.ts'
import { budgetWording } from '../wording/routing.ts'
import { BudgetExhausted, type BudgetHeld, type PaidCall, type Settlement } from './budget.ts'
import {
  budgetsTopic,
  createLedgerBudget,
  createLimitedScopes,
  type LedgerBudget,
  type LedgerBudgetDeps,
  type LimitedScopes,
} from './ledger-budget.ts'

const ann: Spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }
const mini = { provider: 'openai', id: 'gpt-5-mini' }
const large = { provider: 'openai', id: 'gpt-5' }
const settled = (cost: bigint, more: Partial<Settlement> = {}): Settlement => ({
  cost,
  estimated: false,
  outcome: 'ok',
  ms: 5,
  ...more,
})

let server: TestServer
let database: Database
let ledger: Ledger
let budgets: Budgets
let channel: Channel
let limited: LimitedScopes
let budget: LedgerBudget
let sending: DueAlert[]
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  ledger = createLedger(database)
  channel = createLocalChannel()
  budgets = createBudgets(database, () => channel.publish(budgetsTopic, null))
  limited = await createLimitedScopes({ budgets, channel, log: silentLog })
  sending = []
  budget = open()
})
afterEach(async () => {
  await budget.close()
  await database.close()
})

function open(more: Partial<LedgerBudgetDeps> = {}): LedgerBudget {
  const alert = async (due: DueAlert) => void sending.push(due)
  return createLedgerBudget({ ledger, budgets, limited: limited.scopes, alert, log: silentLog, ...more })
}
function call(worst: bigint, more: Partial<PaidCall> = {}): PaidCall {
  return {
    id: randomUUID(),
    spender: ann,
    kind: 'answer',
    provider: 'openai',
    model: 'gpt-5',
    worst,
    price: {},
    ...more,
  }
}
const limit = (amount: string, scope: Parameters<Budgets['set']>[0]['scope'] = 'all') =>
  budgets.set({ scope, period: 'day', amount: usd(amount), timeZone: 'Europe/Berlin' }, 'test')
const total = async () => {
  const { rows } = await database.pool.query<{ cost: string; open: number }>(
    `select coalesce(sum(cost), 0) as cost, count(*) filter (where state = 'reserved')::int as open from ledger`,
  )
  return { cost: BigInt(rows[0]?.cost ?? -1), open: rows[0]?.open }
}

describe('what may be spent', () => {
  it('a refusal is one sentence with the rule, what is spent, the reset in local time and a next step', async () => {
    await limit('1', scopeOf.user(ann))
    await (await budget.reserve(call(usd('0.95')))).settle(settled(usd('0.93')))
    const refused = await budget.reserve(call(usd('0.12'))).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(BudgetExhausted)
    expect(refused).toMatchObject({
      code: 'budget_exhausted',
      worst: usd('0.12'),
      by: { scope: 'user:slack/T1/U1', period: 'day', limit: usd('1'), spent: usd('0.93'), reserved: 0n },
    })
    const { by, worst, userMessage } = refused as BudgetExhausted
    expect(userMessage).toBe(budgetWording.exceeded({ ...by, worst }))
    expect(userMessage).toContain('your daily budget ($1.00): $0.93 is spent')
    expect(userMessage).toMatch(/resets on \w+day \d+ \w+ \d{4} at 00:00 \(Europe\/Berlin\)\. An admin can raise it\.$/)
  })

  it('where answers under way hold the rest back, it says to try again when they have ended', async () => {
    await limit('1')
    await budget.reserve(call(usd('0.9')))
    await expect(budget.reserve(call(usd('0.2')))).rejects.toMatchObject({
      code: 'rate_limited',
      retryAfterMs: expect.any(Number),
      userMessage:
        'The rest of the daily budget for everyone is set aside for answers in progress. Try again in a few seconds.',
    })
  })

  it.each<[string, Scope, boolean]>([
    ['everybody', 'all', false],
    ['the workspace', scopeOf.workspace(ann), false],
    ['the channel', scopeOf.channel(ann), false],
    ['a model', scopeOf.model('openai', 'gpt-5'), false],
    ['the asker', scopeOf.user(ann), true],
    ['the asker’s key', scopeOf.key('k1'), true],
  ])('the budget of %s tells its amounts only to whom alone it belongs', async (_whose, scope, tells) => {
    await limit('1', scope)
    const spender = { ...ann, keyId: 'k1' }
    await (await budget.reserve(call(usd('0.95'), { spender }))).settle(settled(usd('0.93')))
    const refused = await budget.reserve(call(usd('0.12'), { spender })).catch((error: unknown) => error)
    expect(/\$/.test((refused as BudgetExhausted).userMessage)).toBe(tells)
    await (await budget.reserve(call(usd('0.07'), { spender }))).release()
    await budget.reserve(call(usd('0.05'), { spender }))
    const held = await budget.reserve(call(usd('0.05'), { spender })).catch((error: unknown) => error)
    expect((held as BudgetHeld).userMessage).not.toContain('$')
  })

  it('a count that is told beyond all reason is booked at what was reserved, marked as an estimate', async () => {
    await limit('1')
    const absurd = await budget.reserve(call(usd('0.1')))
    expect(await absurd.settle(settled(usd('950')))).toBe(usd('0.1'))
    expect(await budgets.list()).toMatchObject([{ spent: usd('0.1'), reserved: 0n }])
    const { rows } = await database.pool.query('select cost, estimated from ledger')
    expect(rows).toEqual([{ cost: String(usd('0.1')), estimated: true }])
  })

  it('a free model answers although the budget is used up, and the paid one that it falls back to is asked for money', async () => {
    await limit('0.1')
    await (await budget.reserve(call(usd('0.1')))).settle(settled(usd('0.1')))
    const local = await budget.reserve(call(0n, { provider: 'ollama', model: 'qwen3' }))
    await local.settle(settled(0n, { outcome: 'failed' }))
    await expect(budget.reserve(call(usd('0.01')))).rejects.toMatchObject({ code: 'budget_exhausted' })
    expect(await total()).toEqual({ cost: usd('0.1'), open: 0 })
  })

  it('what a stopped stream had cost is booked', async () => {
    await limit('1')
    const stopped = await budget.reserve(call(usd('0.5')))
    await stopped.settle(settled(usd('0.07'), { outcome: 'aborted', estimated: true }))
    expect(await budgets.list()).toMatchObject([{ spent: usd('0.07'), reserved: 0n }])
  })

  it('cached tokens are booked once, and a request’s fee beside them', async () => {
    const price: Price = {
      kind: 'tokens',
      rates: { input: usd('3'), output: usd('15'), cacheRead: usd('0.3'), cacheWrite: usd('3.75') },
      fees: { request: usd('0.02') },
    }
    const usage: Usage = {
      input: 21_000,
      cacheRead: 15_000,
      cacheWrite: 5_000,
      output: 100,
      reasoning: 0,
      source: 'provider',
    }
    const worst = worstCase(price, { inputTokens: 21_000, maxOutputTokens: 200 })
    const reservation = await budget.reserve(call(worst, { price: priceSnapshot(price) }))
    await reservation.settle(settled(priceUsage(usage, price), { usage }))
    // 1,000 fresh at $3, 15,000 read at $0.30, 5,000 written at $3.75, 100 out at $15, two cents for the request.
    expect((await total()).cost).toBe(3_000_000n + 4_500_000n + 18_750_000n + 1_500_000n + 20_000_000n)
    const { rows } = await database.pool.query('select usage, price from ledger')
    expect(rows).toEqual([{ usage, price: priceSnapshot(price) }])
  })

  it('a settlement that cannot be written at once is written later', async () => {
    let away = true
    const flaky: Ledger = {
      ...ledger,
      settle: (id, settlement) => (away ? Promise.reject(new Error('away')) : ledger.settle(id, settlement)),
    }
    const patient = open({ ledger: flaky, leaseMs: 300 })
    const reservation = await patient.reserve(call(usd('0.5')))
    await reservation.settle(settled(usd('0.2')))
    expect(await total()).toEqual({ cost: 0n, open: 1 })
    away = false
    await expect.poll(total).toEqual({ cost: usd('0.2'), open: 0 })
    await patient.close()
  })

  it('a long answer keeps its reservation; one whose process died is charged in full by the sweep', async () => {
    const leaseOf = async (id: string) =>
      (await database.pool.query<{ at: Date }>('select lease_until as at from ledger where id = $1', [id])).rows[0]?.at
    const living = open({ leaseMs: 3_000 })
    const long = call(usd('0.3'))
    const reservation = await living.reserve(long)
    const first = (await leaseOf(long.id)) ?? new Date(0)
    await expect.poll(async () => (await leaseOf(long.id))?.getTime()).toBeGreaterThan(first.getTime())
    const dead = call(usd('0.4'))
    await ledger.reserve(dead, ['all'], { leaseMs: 0 })
    await living.sweep()
    expect(await total()).toEqual({ cost: usd('0.4'), open: 1 })
    await reservation.settle(settled(usd('0.1')))
    expect(await total()).toEqual({ cost: usd('0.5'), open: 0 })
    await living.close()
  })

  it('a process that is alone ends what dead ones left at its start, at what had come until their last renewals', async () => {
    await limit('1')
    let most = usd('0.1')
    const dead = open({ leaseMs: 60_000, renewMs: 50 })
    await dead.reserve(call(usd('0.9'), { most: () => most }))
    most = usd('0.25')
    await expect
      .poll(async () => (await database.pool.query<{ at_most: string }>('select at_most from ledger')).rows)
      .toEqual([{ at_most: usd('0.25').toString() }])
    // It dies: nothing is renewed or settled any more.
    await dead.close()
    await budget.sweep()
    expect(await total()).toEqual({ cost: 0n, open: 1 })
    await budget.takeOver()
    expect(await total()).toEqual({ cost: usd('0.25'), open: 0 })
    expect(await budgets.list()).toMatchObject([{ spent: usd('0.25'), reserved: 0n }])
  })

  it('admins are warned once; a later sweep sends what could not be sent', async () => {
    let broken = true
    const alert = async (due: DueAlert) => {
      if (broken) throw new Error('the chat is away')
      sending.push(due)
    }
    const warning = open({ alert })
    await limit('1')
    await (await warning.reserve(call(usd('0.9')))).settle(settled(usd('0.85')))
    await warning.close()
    broken = false
    await warning.sweep()
    expect(sending).toEqual([])
    await database.pool.query(`update budget_alert set claimed_at = claimed_at - interval '2 minutes'`)
    await warning.sweep()
    await warning.sweep()
    expect(sending).toMatchObject([{ threshold: 80, spent: usd('0.85'), limit: usd('1') }])
  })
})

describe('what is left', () => {
  it('is the least over the scopes, for each model, less what is held back', async () => {
    await limit('10')
    await limit('1', scopeOf.user(ann))
    await limit('0.5', scopeOf.model(large.provider, large.id))
    await budget.reserve(call(usd('0.3')))
    expect(await budget.left(ann, [mini, large])).toEqual([usd('0.7'), usd('0.2')])
    expect(await budget.left({ ...ann, userId: 'U2' }, [mini, large])).toEqual([usd('9.7'), usd('0.2')])
    await limit('0', scopeOf.user(ann))
    expect(await budget.left(ann, [mini])).toEqual([0n])
  })

  it('asks the database nothing where no budget concerns the question', async () => {
    expect(await budget.left(ann, [mini, large])).toEqual([null, null])
    await limit('1', scopeOf.channel({ ...ann, channelId: 'C2' }))
    await budget.left(ann, [mini])
    const before = database.roundTrips()
    for (let n = 0; n < 100; n += 1) await budget.left(ann, [mini, large])
    expect(database.roundTrips()).toBe(before)
  })

  it('sees a budget that another process has set, through the channel', async () => {
    expect(await budget.left(ann, [mini])).toEqual([null])
    await createBudgets(database).set({ scope: 'all', period: 'day', amount: 5n, timeZone: 'UTC' }, 'elsewhere')
    expect(await budget.left(ann, [mini])).toEqual([null])
    channel.publish(budgetsTopic, null)
    await expect.poll(() => budget.left(ann, [mini])).toEqual([5n])
  })

  it('and after a while, should the channel have lost that', async () => {
    let now = 0
    const mute = await createLimitedScopes({ budgets, channel: createLocalChannel(), log: silentLog, now: () => now })
    expect((await mute.scopes()).size).toBe(0)
    await limit('1')
    expect((await mute.scopes()).size).toBe(0)
    now = 20_000
    await expect.poll(async () => (await mute.scopes()).size).toBe(1)
  })
})
