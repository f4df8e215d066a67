/** Budgets for calls that nobody counts: stopped, broken off, walked away from, killed. The ledger never holds less than the bill. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { silentLog } from '../../src/core/log.ts'
import { formatUsd, type NanoUsd, usd } from '../../src/core/money.ts'
import { scopeOf } from '../../src/core/scope.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { openDatabase } from '../../src/store/database.ts'
import { createLedger } from '../../src/store/ledger.ts'
import { startTestServer, type TestServer } from '../database.ts'
import { type BillingModel, type FateName, startBillingModel } from '../servers/billing-model.ts'
import { watchCounters } from '../watch-counters.ts'

const Line = z.object({ turnId: z.string(), outcome: z.string() })

interface Call {
  turnId: string
  userId: string
  dialect: 'chat' | 'responses' | 'anthropic' | 'nowhere'
  fate: FateName
  stopAfterMs?: number
  leaves?: boolean
}

/** What becomes of the calls' process: it lives, is killed, or stands still for longer than a lease and goes on. */
type Process = 'lives' | 'killed' | 'suspended'

const dialects = ['chat', 'responses', 'anthropic'] as const
const callsEach = 250
const processes: Process[] = ['killed', 'suspended', 'killed', 'lives']
const leaseMs = 1_500

describe('a thousand calls that are stopped, cut or killed', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ durable: true })
  })
  afterAll(() => server.dispose())

  it('cost at least what their providers could bill, in all and for each budget, and no budget is billed beyond its limit', async () => {
    await using model = await startBillingModel()
    const { url, connection } = await server.createDatabase()
    const database = openDatabase(connection, { log: silentLog })
    const ledger = createLedger(database)
    const budgets = createBudgets(database)
    const limits = { all: usd('1000'), rich: usd('1000'), poor: usd('0.4') }
    const users = ['rich', 'poor'] as const
    const scopes = { all: 'all', rich: userScope('rich'), poor: userScope('poor') } as const
    for (const name of ['all', ...users] as const)
      await budgets.set({ scope: scopes[name], period: 'month', amount: limits[name], timeZone: 'UTC' }, 'test')
    const watched = await watchCounters(database)

    const calls = new Map<string, Call>()
    const outcomes = new Map<string, string>()
    let left: Call[] = []
    for (const fate of processes) {
      const share = callsFor(fate)
      for (const call of share) calls.set(call.turnId, call)
      await run({ fate, share: [...share, ...left], outcomes, url, model })
      left = [...calls.values()].filter(({ turnId }) => !outcomes.has(turnId))
    }
    // What a killed process has not begun is asked by the next one.
    expect(left).toEqual([])
    await model.idle()
    // What dead processes left ends with its lease, as the sweep of any other process does it.
    await vi.waitFor(
      async () => {
        await ledger.expire(500)
        expect(await openReservations(database)).toBe(0)
      },
      { timeout: 20_000, interval: 100 },
    )

    const booked = await bookedByTurn(database)
    const billed = model.billed()
    const sums = { all: [0n, 0n], rich: [0n, 0n], poor: [0n, 0n] }
    for (const [turnId, call] of calls) {
      const [bill, cost] = [billed.get(turnId) ?? 0n, booked.get(turnId) ?? 0n]
      expect(cost, `${JSON.stringify(call)} ${outcomes.get(turnId)}`).toBeGreaterThanOrEqual(bill)
      for (const sum of [sums.all, sums[call.userId === 'rich' ? 'rich' : 'poor']]) {
        sum[0] = (sum[0] ?? 0n) + bill
        sum[1] = (sum[1] ?? 0n) + cost
      }
    }
    const states = new Map((await budgets.list()).map((state) => [state.scope, state]))
    for (const name of ['all', ...users] as const) {
      const [bill = 0n, cost = 0n] = sums[name]
      expect(states.get(scopes[name])).toMatchObject({ spent: cost, reserved: 0n })
      expect(cost).toBeGreaterThanOrEqual(bill)
      expect(bill).toBeLessThanOrEqual(limits[name])
    }
    // It was a test: of every way some were worked on, and the poor one's budget was used up.
    expect(
      [...outcomes.values()].filter((outcome) => /^(?:budget_exhausted|rate_limited)$/.test(outcome)).length,
    ).toBeGreaterThan(10)
    for (const [fate, each] of Map.groupBy(calls.values(), (call) => call.fate)) {
      const worked = each.filter(({ turnId }) => billed.has(turnId)).length
      if (fate !== 'busy' && fate !== 'key') expect(worked, fate).toBeGreaterThan(each.length / 3)
    }
    expect([...outcomes.values()].filter((outcome) => outcome === 'begun').length).toBeGreaterThan(20)
    expect(await watched()).toMatchObject({ beyond: 0 })
    // What was refused before any work costs nothing.
    for (const [turnId, { fate, dialect }] of calls)
      if ((dialect === 'nowhere' || fate === 'busy' || fate === 'key') && outcomes.get(turnId) !== 'begun')
        expect(booked.get(turnId) ?? 0n, `${JSON.stringify(calls.get(turnId))} ${outcomes.get(turnId)}`).toBe(0n)
    const ended = [...calls.values()].filter(({ fate }) => fate !== 'answers')
    const sumOf = (of: ReadonlyMap<string, NanoUsd>) =>
      ended.reduce((sum, { turnId }) => sum + (of.get(turnId) ?? 0n), 0n)
    const ratio = Number(sumOf(booked)) / Number(sumOf(billed))
    console.log(
      `${calls.size} calls, ${model.requests()} requests: ${formatUsd(sums.all[0] ?? 0n)} could be billed, ${formatUsd(sums.all[1] ?? 0n)} are booked; ${ratio.toFixed(2)} times the bill of those that nobody counted`,
    )
    await database.close()
  })
})

async function run(deps: {
  fate: Process
  share: Call[]
  outcomes: Map<string, string>
  url: string
  model: BillingModel
}): Promise<void> {
  const { fate, share, outcomes, url, model } = deps
  const args = [join(import.meta.dirname, 'caller.ts'), url, model.origin, String(leaseMs), '300']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  try {
    const lines = createInterface({ input: child.stdout })
    let ended = 0
    for await (const line of lines) {
      if (line === '"begin"') {
        child.stdin.write(`${JSON.stringify(share)}\n`)
        continue
      }
      const { turnId, outcome } = Line.parse(JSON.parse(line))
      outcomes.set(turnId, outcome)
      if (outcome !== 'begun') ended += 1
      // In the middle, with many calls under way.
      if (ended === Math.floor(share.length / 2) && fate === 'killed') child.kill('SIGKILL')
      if (ended === Math.floor(share.length / 2) && fate === 'suspended') await suspend(child)
    }
    await exited
  } finally {
    child.kill('SIGKILL')
  }
}

/** For longer than its reservations' leases. */
async function suspend(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, leaseMs + 500))
  child.kill('SIGCONT')
}

/** Every way to end, with every dialect; the first ones are answered, which tells how fast the models are. */
function callsFor(process: Process): Call[] {
  const ways: Omit<Call, 'turnId' | 'userId' | 'dialect'>[] = [
    { fate: 'answers' },
    { fate: 'thinks', stopAfterMs: 20 },
    { fate: 'thinks', stopAfterMs: 1_500 },
    { fate: 'loads', stopAfterMs: 800 },
    { fate: 'shows', stopAfterMs: 1_200 },
    { fate: 'writes', stopAfterMs: 1_500 },
    { fate: 'writes', leaves: true },
    { fate: 'resets' },
    { fate: 'ends' },
    { fate: 'fails' },
    { fate: 'stalls' },
    { fate: 'busy' },
    { fate: 'key' },
  ]
  // Those that a killed process leaves behind would go on for long.
  const long: typeof ways = [
    { fate: 'writes', stopAfterMs: 3_000 },
    { fate: 'thinks', stopAfterMs: 3_000 },
  ]
  const all = process === 'killed' ? [...ways, ...long, ...long, ...long] : ways
  return Array.from({ length: callsEach }, (_, n) => {
    const dialect = dialects[n % 3] ?? 'chat'
    const who = { turnId: randomUUID(), userId: n % 5 === 0 ? 'poor' : 'rich' }
    if (n < 18) return { ...who, userId: 'rich', dialect, fate: 'answers' }
    if (n % 40 === 0) return { ...who, dialect: 'nowhere', fate: 'answers' }
    const way = all[Math.floor(n / 3) % all.length] ?? { fate: 'answers' }
    return { ...who, dialect, ...way }
  })
}

function userScope(userId: string) {
  return scopeOf.user({ platform: 'slack', workspaceId: 'T1', userId })
}

async function openReservations(database: ReturnType<typeof openDatabase>): Promise<number> {
  const { rows } = await database.pool.query<{ open: number }>(
    `select count(*)::int as open from ledger where state = 'reserved'`,
  )
  return rows[0]?.open ?? -1
}

async function bookedByTurn(database: ReturnType<typeof openDatabase>): Promise<Map<string, NanoUsd>> {
  const { rows } = await database.pool.query<{ turn_id: string; cost: string }>(
    'select turn_id, sum(cost)::text as cost from ledger group by turn_id',
  )
  return new Map(rows.map(({ turn_id, cost }) => [turn_id, BigInt(cost)]))
}
