/** One API key with a small budget, asked by many programs at once: real HTTP, real PostgreSQL, a model server with bills. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLog } from '../../src/core/log.ts'
import { type NanoUsd, usd } from '../../src/core/money.ts'
import { scopeOf } from '../../src/core/scope.ts'
import { priceUsage, readPrice } from '../../src/models/price.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { openDatabase } from '../../src/store/database.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { startScriptedOpenAi } from '../servers/openai.ts'
import type { ScriptedReply } from '../servers/scripted.ts'
import { watchCounters } from '../watch-counters.ts'
import { environment, removeHome, run, startParley, temporaryHome } from './parley.ts'

const stated = { input: '3', output: '15' }
const limit = '0.02'
const settings = [
  'models:',
  '  default: paid',
  '  list:',
  '    - {id: paid, provider: openai, contextWindow: 16000, maxOutputTokens: 300, price: {input: 3, output: 15}}',
]

let server: TestServer
let home: string
beforeAll(async () => {
  server = await startTestDatabase()
  home = await temporaryHome()
  await writeFile(join(home, 'parley.yaml'), settings.join('\n'))
})
afterAll(async () => {
  await server?.dispose()
  if (home) await removeHome(home)
})

it('many requests at once on one key never cost more than its budget, and the ledger is the bill to the nano-dollar', async () => {
  let billed: NanoUsd = 0n
  await using provider = await startScriptedOpenAi({
    models: [{ id: 'paid' }],
    script: ({ body }) => {
      const { reply, cost } = billedReply((body as { max_tokens: number }).max_tokens)
      billed += cost
      return reply
    },
  })
  const { url, connection } = await server.createDatabase()
  const env = { DATABASE_URL: url, OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: 'sk-test' }
  await using parley = await startParley(home, env, home)
  await using database = closing(openDatabase(connection, { log: silentLog }))
  const created = await run(['src/cli.ts', 'admin', 'keys', 'create', 'shop', limit, 'month'], environment(home, env))
  const secret = /parley-[\w-]{20,}/.exec(created.stdout)?.[0] ?? `no key: ${created.stderr}`
  const watched = await watchCounters(database)

  const ask = async (n: number) => {
    const response = await fetch(`${parley.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'paid',
        stream: n % 2 === 0,
        messages: [{ role: 'user', content: `Question ${n}?` }],
      }),
    })
    const body = await response.text()
    // A stream has begun before its answer is paid for, so its refusal is an event.
    return body.includes('"error"') ? 429 : response.status
  }
  const statuses: number[] = []
  // In waves: what a budget set aside for one wave is free for the next.
  for (let wave = 0; wave < 3; wave += 1)
    statuses.push(...(await Promise.all(Array.from({ length: 40 }, (_, n) => ask(wave * 40 + n)))))

  const keys = await database.prisma.apiKey.findMany({ select: { id: true } })
  const [counter] = await createBudgets(database).list([scopeOf.key(keys[0]?.id ?? '')])
  const { rows } = await database.pool.query<{ state: string; cost: string | null }>('select state, cost from ledger')
  expect(new Set(statuses)).toEqual(new Set([200, 429]))
  expect(rows.filter(({ state }) => state === 'reserved')).toEqual([])
  expect(rows.reduce((sum, { cost }) => sum + BigInt(cost ?? 0), 0n)).toBe(billed)
  expect(counter).toMatchObject({ spent: billed, reserved: 0n })
  expect(billed).toBeLessThanOrEqual(usd(limit))
  expect(await watched()).toMatchObject({ beyond: 0 })
  // It was worth something: most of the budget was used.
  expect(billed).toBeGreaterThan(usd(limit) / 2n)
  expect(statuses.filter((status) => status === 200)).toHaveLength(provider.requests.length)
})

/** Never more than was sent and allowed: the question and the rules around it are longer. */
function billedReply(allowed: number): { reply: ScriptedReply; cost: NanoUsd } {
  const input = 20 + Math.floor(Math.random() * 20)
  const output = Math.min(allowed, 1 + Math.floor(Math.random() * allowed))
  const counts = { input, cacheRead: 0, cacheWrite: 0, output, reasoning: 0, source: 'provider' } as const
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  return {
    reply: { tokens: Array.from({ length: 8 }, () => 'word '), everyMs: 2, usage },
    cost: priceUsage(counts, readPrice(stated)),
  }
}

function closing<T extends { close(): Promise<void> }>(resource: T): T & AsyncDisposable {
  return Object.assign(resource, { [Symbol.asyncDispose]: () => resource.close() })
}
