/** A ledger on a fresh database for each test, on both kinds of PostgreSQL; the tests are divided by what they hold. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { usd } from '../src/core/money.ts'
import { type Scope, type Spender, scopeOf, scopesOf } from '../src/core/scope.ts'
import type { PaidCall, Settlement } from '../src/routing/budget.ts'
import { type Budgets, createBudgets } from '../src/store/budgets.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { type Admission, type Correction, createLedger, type Ledger } from '../src/store/ledger.ts'
import { startTestDatabase } from './database.ts'
import { startExternalPostgres } from './servers/postgres.ts'

export const ann: Spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }
export const leaseMs = 60_000

export function call(worst: bigint, more: Partial<PaidCall> = {}): PaidCall {
  const price = { inputPerMillion: '1000000000' }
  return { id: randomUUID(), spender: ann, kind: 'answer', provider: 'openai', model: 'gpt-5', worst, price, ...more }
}

export const scopesFor = ({ spender, provider, model }: PaidCall): Scope[] => [
  ...scopesOf(spender),
  scopeOf.model(provider, model),
]

export const cost = (amount: bigint): Settlement => ({ cost: amount, estimated: false, outcome: 'ok', ms: 1 })

export const correction = (): Correction => ({
  id: randomUUID(),
  by: { id: 'slack/T1/UROOT', name: 'Root', via: 'command' },
  scope: 'user:slack/T1/U1',
  name: 'booking',
  before: { model: 'openai/gpt-5' },
  after: { reason: 'counted twice' },
})

export interface LedgerRig {
  database: Database
  ledger: Ledger
  budgets: Budgets
  reserve(each: PaidCall, at?: string): Promise<Admission>
  limit(
    scope: Scope,
    amount: string,
    more?: { period?: 'day' | 'week' | 'month'; timeZone?: string },
  ): ReturnType<Budgets['set']>
  state(scope?: Scope): Promise<{ spent: bigint; reserved: bigint; left: bigint }>
  rows(): Promise<Record<string, unknown>[]>
}

const servers = {
  embedded: async () => startTestDatabase(),
  external: async () => startExternalPostgres(),
}

/** What `at` has is that of the test under way. */
export function describeLedger(what: string, tests: (at: LedgerRig) => void): void {
  describe.each(Object.entries(servers))(`${what}, on %s PostgreSQL`, (_, start) => {
    let server: Awaited<ReturnType<typeof start>>
    let open: Pick<LedgerRig, 'database' | 'ledger' | 'budgets'>
    beforeAll(async () => {
      server = await start()
    })
    afterAll(() => server[Symbol.asyncDispose]())
    beforeEach(async () => {
      const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
      open = { database, ledger: createLedger(database), budgets: createBudgets(database) }
    })
    afterEach(() => open.database.close())

    tests({
      get database() {
        return open.database
      },
      get ledger() {
        return open.ledger
      },
      get budgets() {
        return open.budgets
      },
      reserve: (each, at) =>
        open.ledger.reserve(each, scopesFor(each), { leaseMs, at: at === undefined ? undefined : new Date(at) }),
      limit: (scope, amount, more = {}) =>
        open.budgets.set({ scope, period: 'month', amount: usd(amount), timeZone: 'UTC', ...more }, 'test'),
      async state(scope = 'all') {
        const [found] = await open.budgets.list([scope])
        if (found === undefined) throw new Error(`no budget for ${scope}`)
        return { spent: found.spent, reserved: found.reserved, left: found.left }
      },
      rows: async () =>
        (await open.database.pool.query<Record<string, unknown>>('select * from ledger order by reserved_at, id')).rows,
    })
  })
}
