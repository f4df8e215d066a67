/**
 * Budgets end to end: a gateway and four workers as processes of their own, two hundred questions at once under a dollar, and a
 * model server that counts what it charges. Model calls fail, fall back and break off; killed processes are in budget.test.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { type NanoUsd, usd } from '../../src/core/money.ts'
import { priceUsage, readPrice } from '../../src/models/price.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { startTestServer } from '../database.ts'
import { startScriptedOpenAi } from '../servers/openai.ts'
import { startExternalPostgres } from '../servers/postgres.ts'
import type { ScriptedReply } from '../servers/scripted.ts'
import { watchCounters } from '../watch-counters.ts'
import { ConsoleClient, environment } from './parley.ts'

const root = join(import.meta.dirname, '../..')
const questions = 200
const stated = { input: '3', output: '15', cacheRead: '0.3' }
const model = (id: string) =>
  `    - {id: ${id}, provider: openai, contextWindow: 16000, maxOutputTokens: 500, price: {input: 3, output: 15, cacheRead: 0.3}}`
const settings = ['models:', '  default: first', '  list:', model('first'), model('second'), 'timezone: Asia/Tokyo']
const budgets = ['budgets:', '  - {scope: all, period: month, usd: 1}']

const servers = {
  embedded: async () => startTestServer({ durable: true }),
  external: async () => startExternalPostgres(),
}

describe.each(Object.entries(servers))('Parley on four workers and %s PostgreSQL', (_, start) => {
  let server: Awaited<ReturnType<typeof start>>
  let folder: string
  const running: ChildProcess[] = []
  beforeAll(async () => {
    server = await start()
    folder = await mkdtemp(join(tmpdir(), 'parley-budget-'))
    await writeFile(join(folder, 'parley.yaml'), [...settings, ...budgets].join('\n'))
  })
  afterAll(async () => {
    await Promise.all(
      running.map(async (child) => {
        const gone = once(child, 'exit')
        if (child.exitCode === null && child.kill('SIGKILL')) await gone
      }),
    )
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** Resolves with the line that says it is ready. */
  async function launch(role: 'gateway' | 'worker', env: Record<string, string>): Promise<string> {
    const child = spawn(process.execPath, [join(root, 'src/cli.ts'), role], {
      cwd: folder,
      env: environment(folder, { LOG_LEVEL: 'error', ...env }),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running.push(child)
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the ${role} ended before it was ready`)))
    const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer]
    return line.toString()
  }

  it('two hundred questions at once spend no more than the dollar, and the ledger is the model server’s own count', {
    timeout: 240_000,
  }, async () => {
    const charged = { cost: 0n, told: 0 }
    await using provider = await startScriptedOpenAi({
      models: [{ id: 'first' }, { id: 'second' }],
      script: ({ body }) => reply(charged, (body as { max_tokens: number }).max_tokens),
    })
    const { url, connection } = await server.createDatabase()
    const database = openDatabase(connection, { log: silentLog })
    const env = { DATABASE_URL: url, OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: 'sk-test' }
    const gateway = await launch('gateway', env)
    const watched = await watchCounters(database)
    const client = new ConsoleClient(/http:\S+/.exec(gateway)?.[0] ?? '')
    // Taken in before anybody works, so that all of them are there at once.
    await Promise.all(Array.from({ length: questions }, (__, n) => client.send(randomUUID(), `Question ${n}?`)))
    await Promise.all(Array.from({ length: 4 }, () => launch('worker', env)))
    await vi.waitFor(async () => expect(await open(database)).toBe(0), { timeout: 200_000, interval: 200 })

    const { rows } = await database.pool.query<{ state: string; cost: string; usage: { source: string } | null }>(
      'select state::text, cost, usage from ledger',
    )
    const [counter] = await createBudgets(database).list()
    const told = rows.filter(({ state, usage }) => state === 'settled' && usage?.source === 'provider')
    expect(rows.filter(({ state }) => state === 'reserved')).toEqual([])
    expect(told).toHaveLength(charged.told)
    expect(sum(told)).toBe(charged.cost)
    expect(counter).toMatchObject({ reserved: 0n, spent: sum(rows), timeZone: 'Asia/Tokyo' })
    expect(sum(rows)).toBeLessThanOrEqual(usd('1'))
    const { most, beyond } = await watched()
    expect(beyond).toBe(0)
    // It was worth something: the dollar was nearly used up, and questions were refused by the rule.
    expect(most).toBeGreaterThan(usd('0.95'))
    const answers = await database.pool.query<{ state: string; count: number; refused: number }>(
      `select state::text, count(*)::int as count, count(*) filter (where answer like 'Your question would exceed the monthly budget%')::int as refused
       from turn group by state order by state`,
    )
    const failed = answers.rows.find(({ state }) => state === 'failed')
    expect(answers.rows.reduce((all, { count }) => all + count, 0)).toBe(questions)
    expect(failed?.refused).toBeGreaterThan(10)
    await database.close()
  })
})

/** One answer in six is refused by the server, one in ten breaks off in the middle without a word of its usage. */
function reply(charged: { cost: NanoUsd; told: number }, allowed: number): ScriptedReply {
  const chance = Math.random()
  if (chance < 0.16) return { status: 500 }
  const pace = { tokens: ['An ', 'answer ', 'of ', 'some ', 'words.'], everyMs: 10 }
  if (chance < 0.26) return { ...pace, cut: { after: 3, how: 'reset' } }
  // Never more than was sent and allowed: the rules alone are longer.
  const input = 60 + Math.floor(Math.random() * 100)
  const cached = Math.floor(Math.random() * input)
  const output = Math.min(allowed, 300 + Math.floor(Math.random() * 200))
  const counts = { input, cacheRead: cached, cacheWrite: 0, output, reasoning: 0, source: 'provider' } as const
  charged.cost += priceUsage(counts, readPrice(stated))
  charged.told += 1
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  return { ...pace, usage: { ...usage, prompt_tokens_details: { cached_tokens: cached } } }
}

async function open(database: Database): Promise<number | undefined> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*)::int as count from turn where state in ('queued', 'answering')`,
  )
  return rows[0]?.count
}

const sum = (rows: { cost: string }[]) => rows.reduce((all, { cost }) => all + BigInt(cost), 0n)
