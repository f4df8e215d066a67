/** Budgets among processes: whatever is asked at once, fails or dies, a budget is never overspent and its ledger is exact. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { silentLog } from '../../src/core/log.ts'
import { usd } from '../../src/core/money.ts'
import { scopeOf } from '../../src/core/scope.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createLedger } from '../../src/store/ledger.ts'
import { startTestServer } from '../database.ts'
import { type PaidProvider, paidWorst, startPaidProvider } from '../servers/paid-provider.ts'
import { startExternalPostgres } from '../servers/postgres.ts'
import { watchCounters } from '../watch-counters.ts'

const Line = z.object({ turnId: z.string(), outcome: z.enum(['answered', 'refused', 'failed']) })
const processes = 4
const amount = usd('1')

const servers = {
  embedded: async () => startTestServer({ durable: true }),
  external: async () => startExternalPostgres(),
}

describe.each(Object.entries(servers))('two hundred turns at once on four processes, %s PostgreSQL', (_, start) => {
  let server: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('spend no more than the dollar there is, and the ledger is the provider’s bill to the nano-dollar', async () => {
    await using provider = await startPaidProvider()
    await using parts = await setUp(provider)
    const ended = await parts.spend(turnIds(200))
    expect(ended.size).toBe(200)
    const outcomes = Object.groupBy(ended.values(), (outcome) => outcome)
    // It was worth something: more was wanted than there was, and nearly all of it was used.
    expect(outcomes.refused?.length).toBeGreaterThan(10)
    expect(outcomes.answered?.length).toBe(provider.bills.length)
    const books = await parts.books()
    expect(books).toMatchObject({ open: 0, reserved: [0n, 0n], spent: [sumOf(provider), sumOf(provider)], beyond: 0 })
    expect(books.byId).toEqual(new Map(provider.bills.map(({ id, cost }) => [id, cost])))
    expect(sumOf(provider)).toBeLessThanOrEqual(amount)
    expect(books.most).toBeGreaterThan(amount - paidWorst)
  })

  it('nor when calls fail and fall back, streams break off and processes are killed', async () => {
    let kill = () => {}
    const killAt = new Set([10, 30, 50].map((at) => at + Math.floor(Math.random() * 15)))
    const onRequest = (count: number) => killAt.has(count) && kill()
    await using provider = await startPaidProvider({ failing: 0.2, breaking: 0.1, onRequest })
    await using parts = await setUp(provider, { leaseMs: 1500 })
    kill = parts.killOne
    const ended = await parts.spend(turnIds(200))
    expect(ended.size).toBe(200)
    expect(parts.killed()).toBe(3)
    // Whatever their processes left ends with its lease.
    await expect.poll(() => parts.sweep(), { interval: 100 }).toBe(0)
    const books = await parts.books()
    expect(books).toMatchObject({ open: 0, reserved: [0n, 0n], beyond: 0 })
    expect(books.spent[0]).toBe([...books.byId.values()].reduce((sum, cost) => sum + cost, 0n))
    for (const { id, cost } of provider.bills) expect(books.byId.get(id), id).toBeGreaterThanOrEqual(cost)
    const exact = provider.bills.filter(({ id }) => !books.estimated.has(id))
    for (const { id, cost } of exact) expect(books.byId.get(id)).toBe(cost)
    // Nothing that was not charged is in the books, but for attempts that were killed on their way.
    const billed = new Set(provider.bills.map(({ id }) => id))
    const unbilled = [...books.byId].filter(([id, cost]) => cost > 0n && !billed.has(id))
    expect(unbilled.every(([id]) => books.estimated.has(id))).toBe(true)
    expect(sumOf(provider)).toBeLessThanOrEqual(amount)
    expect(books.most).toBeLessThanOrEqual(amount)
  })

  /** A database with a dollar a day, and processes that spend it. */
  async function setUp(provider: PaidProvider, { leaseMs = 60_000 } = {}) {
    const { url, connection } = await server.createDatabase()
    const database = openDatabase(connection, { log: silentLog })
    const ledger = createLedger(database)
    const budgets = createBudgets(database)
    for (const scope of ['all', scopeOf.workspace({ platform: 'slack', workspaceId: 'T1' })] as const)
      await budgets.set({ scope, period: 'month', amount, timeZone: 'Europe/Berlin' }, 'test')
    const watched = await watchCounters(database)
    const running = new Set<ChildProcess>()
    const spending = new Set<ChildProcess>()
    let killed = 0

    async function process_(): Promise<{ child: ChildProcess; lines: AsyncIterableIterator<string> }> {
      const args = [join(import.meta.dirname, 'spender.ts'), url, provider.url, String(leaseMs)]
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      running.add(child)
      child.once('exit', () => running.delete(child))
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      expect(await lines.next()).toMatchObject({ value: '"begin"' })
      return { child, lines }
    }

    /** Each turn once to its end: what a killed process left undone is done by another one. */
    async function spend(turns: string[]): Promise<Map<string, string>> {
      const ended = new Map<string, string>()
      const shares = Array.from({ length: processes }, (_, n) => turns.filter((__, at) => at % processes === n))
      const first = await Promise.all(shares.map(process_))
      const work = async (share: string[], started?: Awaited<ReturnType<typeof process_>>): Promise<void> => {
        const { child, lines } = started ?? (await process_())
        child.stdin?.write(`${JSON.stringify(share)}\n`)
        spending.add(child)
        for await (const line of lines) {
          const { turnId, outcome } = Line.parse(JSON.parse(line))
          ended.set(turnId, outcome)
        }
        spending.delete(child)
        const left = share.filter((turnId) => !ended.has(turnId))
        if (left.length > 0) await work(left)
      }
      await Promise.all(shares.map((share, n) => work(share, first[n])))
      return ended
    }

    return {
      spend,
      killed: () => killed,
      killOne() {
        const victim = [...spending][Math.floor(Math.random() * spending.size)]
        if (victim === undefined) return
        killed += 1
        spending.delete(victim)
        victim.kill('SIGKILL')
      },
      /** Answers how many reservations are still open. */
      async sweep() {
        await ledger.expire(500)
        const { rows } = await database.pool.query<{ open: number }>(
          `select count(*)::int as open from ledger where state = 'reserved'`,
        )
        return rows[0]?.open
      },
      books: async () => ({ ...(await booksOf(database)), ...(await watched()) }),
      async [Symbol.asyncDispose]() {
        const gone = [...running].map((child) => once(child, 'exit'))
        for (const child of running) child.kill('SIGKILL')
        await Promise.all(gone)
        await database.close()
      },
    }
  }
})

async function booksOf(database: Database) {
  const { rows } = await database.pool.query<{ id: string; state: string; cost: string; estimated: boolean }>(
    'select id, state, cost, estimated from ledger',
  )
  const counters = await createBudgets(database).list()
  return {
    open: rows.filter(({ state }) => state === 'reserved').length,
    byId: new Map(rows.map(({ id, cost }) => [id, BigInt(cost)])),
    estimated: new Set(rows.flatMap(({ id, estimated }) => (estimated ? [id] : []))),
    spent: counters.map(({ spent }) => spent),
    reserved: counters.map(({ reserved }) => reserved),
  }
}

const turnIds = (count: number) => Array.from({ length: count }, () => randomUUID())
const sumOf = ({ bills }: PaidProvider) => bills.reduce((sum, { cost }) => sum + cost, 0n)
