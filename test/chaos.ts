/**
 * Turns through model servers that fail: the real worker, ledger, providers, sockets and PostgreSQL; only the chat platform
 * and the queue are in memory, and the queue gives a turn as many tries, and waits between them, as the real one does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { asParleyError } from '../src/core/errors.ts'
import { silentLog } from '../src/core/log.ts'
import { listenForStops } from '../src/intake/stop.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import type { Timers } from '../src/models/providers/http.ts'
import { createOpenAiProvider } from '../src/models/providers/openai.ts'
import { createLocalChannel } from '../src/queue/channel.ts'
import { jobs } from '../src/queue/queue.ts'
import { createHealth, type HealthOptions } from '../src/routing/health.ts'
import { createLedgerBudget } from '../src/routing/ledger-budget.ts'
import { createBudgets } from '../src/store/budgets.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createLedger } from '../src/store/ledger.ts'
import type { PostgresConnection } from '../src/store/postgres/embedded.ts'
import type { StoredOutcome } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { createTurn } from '../workers/turn.ts'
import { message } from './fakes/message.ts'
import { perMillion } from './fakes/model.ts'
import { type ScriptedReply, startScriptedOpenAi } from './servers/openai.ts'
import { turnRig } from './worker-rig.ts'

/** What goes wrong, one as often as the other. */
export const faults = {
  'busy, and says for how long': { status: 429, headers: { 'retry-after': '1' } },
  busy: { status: 429 },
  'a failure': { status: 500 },
  'silence before the answer': { headersAfterMs: 3_600_000 },
  'silence within it': { cut: { after: 3, how: 'stall' } },
  'a reset before the answer': { cut: { after: 0, how: 'reset' } },
  'a reset within it': { cut: { after: 3, how: 'reset' } },
  'an end too soon': { cut: { after: 4, how: 'end' } },
} as const satisfies Record<string, Partial<ScriptedReply>>
export type Fault = keyof typeof faults

export const answerWords = ['Every ', 'turn ', 'ends ', 'in ', 'an ', 'answer ', 'or ', 'a ', 'sentence.']

export interface ChaosOptions {
  connection: PostgresConnection
  turns: number
  atATime: number
  /** Of the calls, how many fail. */
  share: number
  timers: Timers
  backoffMs: number
  health?: HealthOptions
  seed?: number
}

export interface ChaosResult {
  turns: { outcome: StoredOutcome; ms: number }[]
  /** How often each went wrong. */
  faults: Record<Fault, number>
  calls: number
  /** What the ledger says in the end. */
  ledger: { open: number; reserved: bigint; cost: bigint; rows: number }
}

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  await using stack = new AsyncDisposableStack()
  const happened = Object.fromEntries(Object.keys(faults).map((name) => [name, 0])) as Record<Fault, number>
  const random = seeded(options.seed ?? 1)
  const script = (): ScriptedReply => {
    const answer = { tokens: answerWords, everyMs: 2 }
    if (random() >= options.share) return answer
    const names = Object.keys(faults) as Fault[]
    const name = names[Math.floor(random() * names.length)] ?? 'busy'
    happened[name] += 1
    return { ...answer, ...faults[name] }
  }
  const servers = await Promise.all(['one', 'two'].map((id) => startScriptedOpenAi({ models: [{ id }], script })))
  for (const server of servers) stack.defer(() => server.close())
  const providers = servers.map(({ url }, at): ModelProvider => {
    const { timers, backoffMs } = options
    return createOpenAiProvider({ name: `server${at + 1}`, baseUrl: url, timers, backoffMs, log: silentLog })
  })
  const database = openDatabase(options.connection, { log: silentLog })
  stack.defer(() => database.close())
  const { run, turns } = await openWorker(options, providers, database, stack)

  const results: ChaosResult['turns'] = []
  let next = 0
  const talk = async () => {
    while (next < options.turns) {
      const channelId = `c${next++}`
      const { turnId } = await turns.accept(message({ channelId, author: channelId, text: 'What is so?' }))
      const started = performance.now()
      await answered(run, turnId)
      const outcome = await turns.ended(turnId)
      if (outcome === null) throw new Error(`turn ${turnId} did not end`)
      results.push({ outcome, ms: performance.now() - started })
    }
  }
  await Promise.all(Array.from({ length: options.atATime }, talk))
  const calls = servers.reduce((sum, { requests }) => sum + requests.length, 0)
  return { turns: results, faults: happened, calls, ledger: await ledgerOf(database) }
}

async function openWorker(
  { health }: ChaosOptions,
  providers: ModelProvider[],
  database: Database,
  stack: AsyncDisposableStack,
) {
  const turns = createTurns(database)
  const stops = await listenForStops(createLocalChannel())
  stack.defer(() => stops.close())
  const budgets = createBudgets(database)
  await budgets.set({ scope: 'all', period: 'day', amount: 1_000_000_000_000n, timeZone: 'UTC' }, 'test')
  const limited = async () => new Set(await budgets.scopes())
  const budget = createLedgerBudget({
    ledger: createLedger(database),
    budgets,
    limited,
    log: silentLog,
    alert: async () => {},
  })
  stack.defer(() => budget.close())
  const configured = ['one', 'two'].map((id, at) => ({
    id,
    provider: `server${at + 1}`,
    contextWindow: 32_000,
    maxOutputTokens: 500,
    price: perMillion('1', '10'),
  }))
  const byName = (name: string) => {
    const known = providers.find((provider) => provider.name === name)
    if (known === undefined) throw new Error(`no provider ${name}`)
    return known
  }
  const run = createTurn(
    await turnRig(database, {
      storage: { turns },
      messaging: { stops },
      models: {
        catalogue: createCatalogue({ configured, providers, log: silentLog }),
        provider: byName,
        health: createHealth(health),
      },
      money: { budget },
      owner: 'chaos',
    }),
  )
  return { run, turns }
}

/** What the queue does with a job: tries again after the wait that the error names, or the table of jobs. */
async function answered(run: ReturnType<typeof createTurn>, turnId: string): Promise<void> {
  const { attempts, backoffMs } = jobs.turn.failure
  for (let attempt = 1; ; attempt += 1) {
    const context = { id: turnId, attempt, last: attempt === attempts, signal: new AbortController().signal }
    try {
      if ((await run({ v: 1, turnId }, context)) === 'done') return
      throw new Error('a turn that nobody else has was put off')
    } catch (thrown) {
      if (context.last) throw thrown
      await sleep(asParleyError(thrown).retryAfterMs ?? backoffMs * 2 ** (attempt - 1))
    }
  }
}

async function ledgerOf(database: Database): Promise<ChaosResult['ledger']> {
  const { rows } = await database.pool.query<{ open: number; rows: number; cost: string | null }>(
    `select count(*) filter (where state = 'reserved')::int as open, count(*)::int as rows, sum(cost) as cost from ledger`,
  )
  const [budget] = await createBudgets(database).list()
  const [sum] = rows
  return {
    open: sum?.open ?? -1,
    rows: sum?.rows ?? -1,
    cost: BigInt(sum?.cost ?? 0),
    reserved: budget?.reserved ?? -1n,
  }
}

/** The same faults on every run, as far as the order of requests allows. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}
