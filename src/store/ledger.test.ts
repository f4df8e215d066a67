import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase } from '../../test/database.ts'
import { startExternalPostgres } from '../../test/servers/postgres.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import { type Scope, type Spender, scopeOf, scopesOf } from '../core/scope.ts'
import type { PaidCall, Settlement } from '../routing/budget.ts'
import type { Budgets } from './budgets.ts'
import { createBudgets } from './budgets-postgres.ts'
import { type Database, openDatabase } from './database.ts'
import type { Ledger } from './ledger.ts'
import { createLedger } from './ledger-postgres.ts'

const ann: Spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }
const ben: Spender = { ...ann, userId: 'U2' }
const leaseMs = 60_000

function call(worst: bigint, more: Partial<PaidCall> = {}): PaidCall {
  const price = { inputPerMillion: '1000000000' }
  return { id: randomUUID(), spender: ann, kind: 'answer', provider: 'openai', model: 'gpt-5', worst, price, ...more }
}
const scopesFor = ({ spender, provider, model }: PaidCall): Scope[] => [
  ...scopesOf(spender),
  scopeOf.model(provider, model),
]
const cost = (amount: bigint): Settlement => ({ cost: amount, estimated: false, outcome: 'ok', ms: 1 })

const servers = {
  embedded: async () => startTestDatabase(),
  external: async () => startExternalPostgres(),
}

describe.each(Object.entries(servers))('the ledger on %s PostgreSQL', (_, start) => {
  let server: Awaited<ReturnType<typeof start>>
  let database: Database
  let ledger: Ledger
  let budgets: Budgets
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(async () => {
    database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
    ledger = createLedger(database)
    budgets = createBudgets(database)
  })
  afterEach(() => database.close())

  const reserve = (each: PaidCall, at?: string) =>
    ledger.reserve(each, scopesFor(each), { leaseMs, ...(at === undefined ? {} : { at: new Date(at) }) })
  const limit = (scope: Scope, amount: string, more: { period?: 'day' | 'week' | 'month'; timeZone?: string } = {}) =>
    budgets.set({ scope, period: 'month', amount: usd(amount), timeZone: 'UTC', ...more }, 'test')
  const state = async (scope: Scope = 'all') => {
    const [found] = await budgets.list([scope])
    if (found === undefined) throw new Error(`no budget for ${scope}`)
    return { spent: found.spent, reserved: found.reserved, left: found.left }
  }
  const rows = async () =>
    (await database.pool.query<Record<string, unknown>>('select * from ledger order by reserved_at, id')).rows

  it('keeps one row for each attempt, whether there is a budget or not', async () => {
    const turnId = randomUUID()
    const asked = call(usd('0.5'), { turnId, spender: { ...ann, keyId: 'k1' } })
    await reserve(asked)
    const usage = { input: 10, cacheRead: 4, cacheWrite: 0, output: 5, reasoning: 1, source: 'provider' as const }
    await ledger.settle(asked.id, { ...cost(123_456_789n), usage, firstTokenMs: 12.4, ms: 99.6 })
    expect(await rows()).toMatchObject([
      {
        ...{ id: asked.id, turn_id: turnId, platform: 'slack', workspace_id: 'T1', channel_id: 'C1', user_id: 'U1' },
        ...{ key_id: 'k1', kind: 'answer', provider: 'openai', model: 'gpt-5', state: 'settled', outcome: 'ok' },
        ...{ reserved: '500000000', cost: '123456789', usage, price: asked.price, estimated: false },
        ...{ ms: 100, first_token_ms: 12 },
        scopes: [
          'all',
          'workspace:slack/T1',
          'channel:slack/T1/C1',
          'user:slack/T1/U1',
          'key:k1',
          'model:openai/gpt-5',
        ],
      },
    ])
  })

  it('holds the whole worst case back, and refuses the whole call rather than a part of it', async () => {
    await limit('all', '1')
    expect(await reserve(call(usd('0.6')))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(usd('0.4') + 1n))).toMatchObject({ kind: 'refused' })
    expect(await state()).toEqual({ spent: 0n, reserved: usd('0.6'), left: usd('0.4') })
    expect(await reserve(call(usd('0.4')))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(1n))).toMatchObject({ kind: 'refused' })
    expect((await rows()).length).toBe(2)
  })

  it('a refusal names the budget, what is spent and reserved, and when it resets', async () => {
    await limit(scopeOf.channel(ann), '1', { period: 'day', timeZone: 'Europe/Berlin' })
    const first = call(usd('0.7'))
    await reserve(first, '2026-03-28T12:00:00Z')
    await ledger.settle(first.id, cost(usd('0.4')))
    await reserve(call(usd('0.5')), '2026-03-28T12:00:00Z')
    const answer = await reserve(call(usd('0.2')), '2026-03-28T12:00:00Z')
    expect(answer).toMatchObject({
      kind: 'refused',
      by: {
        ...{ scope: 'channel:slack/T1/C1', period: 'day', timeZone: 'Europe/Berlin', limit: usd('1') },
        ...{ spent: usd('0.4'), reserved: usd('0.5'), resetsAt: new Date('2026-03-28T23:00:00Z') },
      },
    })
  })

  it('reserves in all scopes or in none', async () => {
    await limit('all', '10')
    await limit(scopeOf.user(ann), '0.1')
    await limit(scopeOf.model('openai', 'gpt-5'), '5')
    expect(await reserve(call(usd('0.2')))).toMatchObject({ kind: 'refused', by: { scope: 'user:slack/T1/U1' } })
    expect(await state('all')).toMatchObject({ reserved: 0n })
    expect(await reserve(call(usd('0.2'), { spender: ben }))).toEqual({ kind: 'admitted' })
    for (const scope of ['all', scopeOf.model('openai', 'gpt-5')] as const)
      expect(await state(scope)).toMatchObject({ reserved: usd('0.2') })
    expect(await reserve(call(usd('5'), { spender: ben }))).toMatchObject({ by: { scope: 'model:openai/gpt-5' } })
    expect(await reserve(call(usd('5'), { spender: ben, model: 'gpt-5-mini' }))).toEqual({ kind: 'admitted' })
  })

  it('the same id reserves once, and ends once', async () => {
    await limit('all', '1')
    const twice = call(usd('0.6'))
    expect(await Promise.all([reserve(twice), reserve(twice), reserve(twice)])).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'admitted' })),
    )
    expect(await state()).toMatchObject({ reserved: usd('0.6') })
    const ends = await Promise.all(
      [usd('0.1'), usd('0.1'), usd('0.1')].map((each) => ledger.settle(twice.id, cost(each))),
    )
    expect(ends.filter((end) => end?.first)).toHaveLength(1)
    expect(await ledger.settle(twice.id, cost(usd('0.9')))).toMatchObject({ first: false })
    expect(await ledger.release(twice.id)).toMatchObject({ first: false })
    expect(await reserve(twice)).toEqual({ kind: 'admitted' })
    expect(await state()).toEqual({ spent: usd('0.1'), reserved: 0n, left: usd('0.9') })
    expect(await ledger.settle(randomUUID(), cost(1n))).toBeUndefined()
  })

  it('what is released was not spent', async () => {
    await limit('all', '1')
    const never = call(usd('1'))
    await reserve(never)
    await ledger.release(never.id)
    expect(await state()).toEqual({ spent: 0n, reserved: 0n, left: usd('1') })
    expect(await rows()).toMatchObject([{ state: 'released', cost: '0' }])
  })

  it('a hundred calls at once through several connections never hold back more than there is', async () => {
    await limit('all', '1')
    await limit(scopeOf.user(ann), '0.5')
    const calls = Array.from({ length: 100 }, (_, n) => call(usd('0.03'), { spender: n % 2 === 0 ? ann : ben }))
    const answers = await Promise.all(calls.map((each) => reserve(each)))
    // 16 of Ann's fit in half a dollar, 33 of both in one.
    expect(answers.filter(({ kind }) => kind === 'admitted').length).toBeLessThanOrEqual(33)
    const held = await state()
    expect(held.reserved).toBe(usd('0.03') * BigInt(answers.filter(({ kind }) => kind === 'admitted').length))
    expect(held.left).toBeGreaterThanOrEqual(0n)
    expect((await state(scopeOf.user(ann))).left).toBeGreaterThanOrEqual(0n)
    // Ben's alone could use what Ann's may not.
    for (const each of calls.slice(0, 40)) await reserve({ ...each, id: randomUUID(), spender: ben })
    expect((await state()).reserved).toBe(usd('0.99'))
  })

  it('amounts are exact where floats are not', async () => {
    await limit('all', '9000000000')
    const many = call(9_007_199_254_740_993n)
    await reserve(many)
    await ledger.settle(many.id, cost(9_007_199_254_740_993n))
    for (let n = 0; n < 10; n += 1) {
      const each = call(usd('0.1'))
      await reserve(each)
      await ledger.settle(each.id, cost(usd('0.1') + 1n))
    }
    expect((await state()).spent).toBe(9_007_199_254_740_993n + usd('1') + 10n)
  })

  it('a call that can cost nothing passes an exhausted budget; the paid one it falls back to does not', async () => {
    await limit('all', '0.1')
    const used = call(usd('0.1'))
    await reserve(used)
    await ledger.settle(used.id, cost(usd('0.1')))
    expect(await reserve(call(0n, { provider: 'ollama', model: 'qwen3' }))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(1n))).toMatchObject({ kind: 'refused' })
  })

  it('a settlement beyond its reservation is booked in full', async () => {
    await limit('all', '1')
    const more = call(usd('0.1'))
    await reserve(more)
    expect(await ledger.settle(more.id, cost(usd('1.5')))).toMatchObject({ first: true, reserved: usd('0.1') })
    expect(await state()).toEqual({ spent: usd('1.5'), reserved: 0n, left: -usd('0.5') })
    expect(await reserve(call(1n))).toMatchObject({ kind: 'refused', by: { spent: usd('1.5') } })
  })

  it('an attempt whose process died counts as its worst case, marked as an estimate; its real cost corrects that', async () => {
    await limit('all', '1')
    const lost = call(usd('0.6'))
    await ledger.reserve(lost, scopesFor(lost), { leaseMs: 0 })
    const alive = call(usd('0.2'))
    await reserve(alive)
    expect(await ledger.expire(10)).toMatchObject({ expired: 1 })
    expect(await ledger.expire(10)).toMatchObject({ expired: 0 })
    expect(await state()).toEqual({ spent: usd('0.6'), reserved: usd('0.2'), left: usd('0.2') })
    expect((await rows()).find(({ id }) => id === lost.id)).toMatchObject({
      ...{ state: 'expired', cost: '600000000', estimated: true },
    })
    await ledger.settle(lost.id, cost(usd('0.05')))
    expect(await state()).toEqual({ spent: usd('0.05'), reserved: usd('0.2'), left: usd('0.75') })
    expect((await rows()).find(({ id }) => id === lost.id)).toMatchObject({ state: 'settled', estimated: false })
  })

  it('a renewed lease does not end', async () => {
    const long = call(usd('0.6'))
    await ledger.reserve(long, scopesFor(long), { leaseMs: 0 })
    await ledger.renew([long.id], leaseMs)
    expect(await ledger.expire(10)).toMatchObject({ expired: 0 })
  })

  it('a reservation belongs to the window in which it was made, whenever it is settled', async () => {
    await limit('all', '1', { period: 'day', timeZone: 'Europe/Berlin' })
    const late = call(usd('0.8'))
    // A second before midnight of the day that is 23 hours long.
    await reserve(late, '2026-03-29T21:59:59.999Z')
    expect(await reserve(call(usd('0.3')), '2026-03-29T21:59:59.999Z')).toMatchObject({ kind: 'refused' })
    expect(await reserve(call(usd('0.9')), '2026-03-29T22:00:00Z')).toEqual({ kind: 'admitted' })
    await ledger.settle(late.id, cost(usd('0.7')))
    const windows = await database.pool.query('select starts_at, spent, reserved from budget_window order by starts_at')
    expect(windows.rows).toEqual([
      { starts_at: new Date('2026-03-28T23:00:00Z'), spent: '700000000', reserved: '0' },
      { starts_at: new Date('2026-03-29T22:00:00Z'), spent: '0', reserved: '900000000' },
    ])
  })

  it('a budget set in the middle of its window knows what was spent and is under way, once', async () => {
    const spent = call(usd('0.5'))
    const open = call(usd('0.4'))
    for (const each of [spent, open]) await reserve(each)
    await ledger.settle(spent.id, cost(usd('0.3')))
    await limit('all', '1')
    expect(await state()).toEqual({ spent: usd('0.3'), reserved: usd('0.4'), left: usd('0.3') })
    expect(await reserve(call(usd('0.3') + 1n))).toMatchObject({ kind: 'refused' })
    for (let again = 0; again < 3; again += 1) await limit('all', '2')
    expect(await state()).toEqual({ spent: usd('0.3'), reserved: usd('0.4'), left: usd('1.3') })
    await budgets.remove('all', 'month')
    await limit('all', '1')
    expect(await state()).toEqual({ spent: usd('0.3'), reserved: usd('0.4'), left: usd('0.3') })
    await ledger.settle(open.id, cost(usd('0.1')))
    expect(await state()).toEqual({ spent: usd('0.4'), reserved: 0n, left: usd('0.6') })
  })

  it('another zone makes other windows, added up anew', async () => {
    await limit('all', '1', { period: 'day', timeZone: 'Pacific/Auckland' })
    await reserve(call(usd('0.5')))
    await limit('all', '1', { period: 'day', timeZone: 'Pacific/Pago_Pago' })
    const [found] = await budgets.list(['all'])
    expect(found).toMatchObject({ timeZone: 'Pacific/Pago_Pago', reserved: usd('0.5') })
    expect(await reserve(call(usd('0.6')))).toMatchObject({ by: { timeZone: 'Pacific/Pago_Pago' } })
  })

  it('counters stay the ledger’s sums while budgets come, change and go between calls at once', async () => {
    const calls = Array.from({ length: 60 }, async (_, n) => {
      const each = call(usd('0.01'), { spender: n % 3 === 0 ? ben : ann })
      const { kind } = await reserve(each)
      expect(kind).toBe('admitted')
      if (n % 4 !== 0) await ledger.settle(each.id, cost(BigInt(n) * 1000n))
    })
    const changes = async () => {
      for (let n = 1; n < 6; n += 1) {
        await limit('all', `${n}`)
        await limit(scopeOf.user(ann), `${n}`)
        if (n % 2 === 0) await budgets.remove('all', 'month')
      }
    }
    await Promise.all([...calls, changes()])
    await limit('all', '100')
    const kept = await budgets.list()
    await database.pool.query('delete from budget_window')
    const counted = await budgets.list()
    expect(kept.map(({ spent, reserved }) => ({ spent, reserved }))).toEqual(
      counted.map(({ spent, reserved }) => ({ spent, reserved })),
    )
    expect(counted[0]?.reserved).toBe(usd('0.15'))
  })

  it('a grant adds to the window under way alone', async () => {
    await limit('all', '1')
    expect(
      await budgets.grant(randomUUID(), { scope: 'all', period: 'month', amount: usd('0.5') }, 'test'),
    ).toMatchObject({
      extra: usd('0.5'),
      left: usd('1.5'),
    })
    expect(await reserve(call(usd('1.5')))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(usd('1.2')), '2031-01-01T00:00:00Z')).toMatchObject({ by: { limit: usd('1') } })
    expect(
      await budgets.grant(randomUUID(), { scope: scopeOf.key('none'), period: 'day', amount: 1n }, 'test'),
    ).toBeNull()
  })

  it('warns once for each window and threshold, and once where several are passed at once', async () => {
    await limit('all', '1')
    const spend = async (amount: string) => {
      const each = call(usd(amount))
      await reserve(each)
      return (await ledger.settle(each.id, cost(usd(amount))))?.alerts
    }
    expect(await spend('0.49')).toBe(0)
    expect(await spend('0.01')).toBe(1)
    expect(await spend('0.01')).toBe(0)
    const [half, ...rest] = await ledger.claimAlerts()
    expect(rest).toEqual([])
    expect(half).toMatchObject({ scope: 'all', threshold: 50, limit: usd('1'), spent: usd('0.51') })
    expect(await ledger.claimAlerts()).toEqual([])
    if (half) await ledger.alertTold(half)
    expect(await spend('0.49')).toBe(2)
    expect(await ledger.claimAlerts()).toMatchObject([{ threshold: 100 }])
  })

  it('a warning that its teller could not tell is told by the next', async () => {
    await limit('all', '1')
    await ledger.reserve(call(usd('2')), ['all'], { leaseMs })
    expect(await ledger.claimAlerts()).toMatchObject([{ threshold: 100 }])
    await database.pool.query(`update budget_alert set claimed_at = now() - interval '61 seconds'`)
    expect(await ledger.claimAlerts()).toMatchObject([{ threshold: 100 }])
  })

  it('what calls under way merely hold back is no reason to warn', async () => {
    await limit('all', '1')
    await reserve(call(usd('0.9')))
    expect(await reserve(call(usd('0.2')))).toMatchObject({ kind: 'refused', alerts: 0 })
    expect(await ledger.claimAlerts()).toEqual([])
  })

  it('an amount below nothing and a zone that is none are refused', async () => {
    await expect(reserve(call(-1n))).rejects.toThrow(RangeError)
    expect(() => ledger.settle(randomUUID(), cost(-1n))).toThrow(RangeError)
    await expect(limit('all', '1', { timeZone: 'Mars/Olympus' })).rejects.toMatchObject({
      code: 'command_invalid',
      tell: '"Mars/Olympus" is no time zone. Use an IANA name, such as Europe/Berlin, America/New_York or UTC.',
    })
  })
})
