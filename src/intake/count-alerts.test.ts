import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { call, cost } from '../../test/ledger-rig.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import { createLedgerBudget } from '../routing/ledger-budget.ts'
import { createBudgets } from '../store/budgets.ts'
import { openDatabase } from '../store/database.ts'
import { createLedger } from '../store/ledger.ts'
import { countAlertWording } from '../wording/models.ts'
import { createCountAlerts } from './count-alerts.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())
let sent: string[]
beforeEach(() => {
  sent = []
})

const counted = { input: 900, output: 40, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'estimated' as const }
const impossible = { ...counted, told: { input: 900, output: 140_000_000 } }

it('admins are told once a day and model of counts that are not possible, whichever process met them', async () => {
  await using database = await openTest()
  const ledger = createLedger(database)
  const budgets = createBudgets(database)
  let at = new Date()
  const send = async (_: string, { text }: { text: string }) => {
    sent.push(text)
    return 'sent' as const
  }
  const process = () => {
    const miscounted = createCountAlerts({ alerts: { send }, ledger, now: () => at })
    const parts = { ledger, budgets, limited: budgets.scopes, alert: async () => {}, log: silentLog }
    return createLedgerBudget({ ...parts, miscounted })
  }
  const spend = async (budget: ReturnType<typeof process>, model: string, usage = impossible) => {
    const reservation = await budget.reserve(call(usd('1'), { model }))
    await reservation.settle({ ...cost(usd('0.5')), estimated: true, usage })
  }
  const [one, other] = [process(), process()]
  await spend(one, 'broken')
  await spend(one, 'broken')
  await one.close()
  await spend(other, 'broken')
  await spend(other, 'another')
  await other.close()
  expect(sent).toEqual(['openai/broken', 'openai/another'].map((name) => countAlertWording.tooMany(name, impossible)))
  expect(sent[0]).toContain('140,000,000')
  at = new Date(at.getTime() + 2 * 86_400_000)
  const later = process()
  await spend(later, 'broken')
  await later.close()
  expect(sent).toHaveLength(3)
})

it('where they could not be told, the next such count tells them', async () => {
  await using database = await openTest()
  const ledger = createLedger(database)
  let away = true
  const send = async (_: string, { text }: { text: string }) => {
    if (away) throw new Error('the platform is away')
    sent.push(text)
    return 'sent' as const
  }
  const tell = createCountAlerts({ alerts: { send }, ledger })
  const made = { id: randomUUID(), provider: 'openai', model: 'broken' }
  await expect(tell(made, impossible)).rejects.toThrow('away')
  away = false
  await tell(made, impossible)
  expect(sent).toHaveLength(1)
})

async function openTest() {
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() })
}
