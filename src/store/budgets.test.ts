import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import { windowOf } from '../core/window.ts'
import { type BudgetRule, type Budgets, createBudgets } from './budgets.ts'
import { type Database, openDatabase } from './database.ts'

let server: TestServer
let database: Database
let budgets: Budgets
let changes: number
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  changes = 0
  budgets = createBudgets(database, () => {
    changes += 1
  })
})
afterEach(() => database.close())

const rule = (amount: string, more: Partial<BudgetRule> = {}): BudgetRule => ({
  scope: 'all',
  period: 'month',
  amount: usd(amount),
  timeZone: 'Europe/Berlin',
  ...more,
})

describe('budgets', () => {
  it('are set, changed and removed, each with its previous value', async () => {
    const first = await budgets.set(rule('10'), 'slack/T1/U1')
    expect(first.before).toBeNull()
    const { startsAt, endsAt } = windowOf('month', 'Europe/Berlin', new Date())
    expect(first.after).toMatchObject({
      amount: usd('10'),
      extra: 0n,
      spent: 0n,
      reserved: 0n,
      left: usd('10'),
      createdBy: 'slack/T1/U1',
      startsAt,
      resetsAt: endsAt,
    })
    const second = await budgets.set(rule('20'), 'cli')
    expect(second).toMatchObject({ before: { amount: usd('10') }, after: { amount: usd('20'), id: first.after.id } })
    expect(await budgets.remove('all', 'month')).toMatchObject({ amount: usd('20') })
    expect(await budgets.remove('all', 'month')).toBeNull()
    expect(await budgets.list()).toEqual([])
    expect(changes).toBe(4)
  })

  it('one scope can have one per period, and a list can be limited to some scopes', async () => {
    for (const period of ['month', 'day', 'week'] as const) await budgets.set(rule('1', { period }), 'test')
    await budgets.set(rule('2', { scope: 'user:slack/T1/U1' }), 'test')
    expect((await budgets.list()).map(({ scope, period }) => `${scope} ${period}`)).toEqual([
      ...['all day', 'all month', 'all week', 'user:slack/T1/U1 month'],
    ])
    expect(await budgets.list(['user:slack/T1/U1'])).toHaveLength(1)
    expect(await budgets.scopes()).toEqual(new Set(['all', 'user:slack/T1/U1']))
  })

  it('negative amounts and empty grants are rejected', async () => {
    await expect(budgets.set(rule('0', { amount: -1n }), 'test')).rejects.toThrow(RangeError)
    await expect(budgets.grant(randomUUID(), { scope: 'all', period: 'month', amount: 0n }, 'test')).rejects.toThrow(
      RangeError,
    )
  })
})

describe('budgets of parley.yaml', () => {
  it('are applied once, however many processes start', async () => {
    const lines = [rule('10'), rule('1', { period: 'day' })]
    const at = await Promise.all(Array.from({ length: 4 }, () => createBudgets(database).seed(lines)))
    expect(at.flatMap(({ applied }) => applied)).toHaveLength(2)
    expect(await budgets.seed(lines)).toEqual({ applied: [], removed: [] })
    expect(await budgets.list()).toMatchObject([{ createdBy: 'parley.yaml' }, { createdBy: 'parley.yaml' }])
  })

  it('do not undo what an admin changed or removed, until their line changes', async () => {
    await budgets.seed([rule('10'), rule('1', { period: 'day' })])
    await budgets.set(rule('50'), 'slack/T1/U1')
    await budgets.remove('all', 'day')
    await budgets.seed([rule('10'), rule('1', { period: 'day' })])
    expect(await budgets.list()).toMatchObject([{ period: 'month', amount: usd('50') }])
    await budgets.seed([rule('12'), rule('1', { period: 'day' })])
    expect(await budgets.list()).toMatchObject([{ period: 'month', amount: usd('12'), createdBy: 'parley.yaml' }])
  })

  it('are removed with their line, unless an admin has changed them', async () => {
    await budgets.seed([rule('10'), rule('1', { period: 'day' })])
    await budgets.set(rule('2', { period: 'day' }), 'slack/T1/U1')
    expect((await budgets.seed([])).removed).toEqual([{ scope: 'all', period: 'month' }])
    expect(await budgets.list()).toMatchObject([{ period: 'day', amount: usd('2') }])
    await budgets.seed([rule('10')])
    expect(await budgets.list()).toHaveLength(2)
  })

  it('follow the file’s time zone', async () => {
    await budgets.seed([rule('10')])
    await budgets.seed([rule('10', { timeZone: 'Asia/Tokyo' })])
    expect(await budgets.list()).toMatchObject([{ timeZone: 'Asia/Tokyo', amount: usd('10') }])
  })
})
