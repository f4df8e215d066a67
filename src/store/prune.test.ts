import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { byTest, here, openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import { createBudgets } from './budgets.ts'
import { openDatabase } from './database.ts'
import { createLedger } from './ledger.ts'
import { createLimits } from './limits.ts'
import { createPrune } from './prune.ts'
import { createTurns } from './turns-postgres.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

it('old rows are deleted once a day; rows that still count or are in progress stay', async () => {
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  const { pool } = database
  const counted = async (table: string) => (await pool.query(`select from ${table}`)).rowCount
  const spender = { platform: 'test', workspaceId: 'team', channelId: 'general', userId: 'ann' }
  const budgets = createBudgets(database)
  const ledger = createLedger(database)
  const reserve = async (id: string) =>
    ledger.reserve(
      { id, spender, kind: 'answer', provider: 'p', model: 'm', price: null, worst: usd('0.1') },
      ['all'],
      { leaseMs: 60_000 },
    )
  await budgets.set({ scope: 'all', period: 'day', amount: usd('10'), timeZone: 'UTC' }, 'test')
  const [ended, open, recent] = [randomUUID(), randomUUID(), randomUUID()]
  for (const id of [ended, open, recent]) await reserve(id)
  for (const id of [ended, recent])
    await ledger.settle(id, { cost: usd('0.05'), estimated: false, outcome: 'ok', ms: 5 })
  await pool.query(`update ledger set reserved_at = now() - interval '14 months' where id = any ($1)`, [[ended, open]])
  await pool.query(`insert into budget_window select budget_id, starts_at - interval '14 months',
    ends_at - interval '14 months', spent, reserved from budget_window`)

  const turns = createTurns(database)
  const limits = createLimits(database)
  const [first, second] = [
    await turns.accept(message({ channelId: 'a' })),
    await turns.accept(message({ channelId: 'b' })),
  ]
  for (const { turnId } of [first, second])
    await limits.enter(turnId, [{ scope: 'user:test/team/ann', concurrentTurns: 9 }])
  await pool.query(`update turn_limit set at = now() - interval '2 days'`)
  await pool.query(`update turn set state = 'done' where id = $1`, [first.turnId])

  let now = 1
  const prune = createPrune(database, () => now)
  expect(await prune()).toBe(3)
  const { rows } = await pool.query<{ id: string }>('select id from ledger order by reserved_at')
  expect(rows.map(({ id }) => id)).toEqual([open, recent])
  expect(await counted('budget_window')).toBe(1)
  expect((await pool.query('select turn_id from turn_limit')).rows).toEqual([{ turn_id: second.turnId }])
  expect(await budgets.list()).toMatchObject([{ spent: usd('0.1') }])

  await ledger.settle(open, { cost: usd('0.05'), estimated: false, outcome: 'ok', ms: 5 })
  expect(await prune()).toBe(0)
  now += 24 * 3_600_000
  expect(await prune()).toBe(1)
  await database.close()
})

it('ended sessions, invitations, flows, codes and tries are deleted; those that hold stay', async () => {
  await using accounts = openTestAccounts(await server.createDatabase())
  const { database, sessions, invitations, attempts } = accounts
  const { pool } = database
  const ada = await accounts.setUp()
  for (const _ of [1, 2, 3]) {
    await sessions.create(ada, here)
    await invitations.create({ role: 'member' }, byTest)
    await attempts.begin('ada@example.com', here.address)
  }
  const [{ id: session } = { id: '' }] = await sessions.list(ada)
  for (const hash of ['old', 'new']) {
    await pool.query(
      `insert into sign_in_flow (hash, provider, purpose, checks, return_to, expires_at)
       values ($1, 'google', '{}', '{}', '/', now() + interval '10 minutes')`,
      [hash],
    )
    await pool.query(
      `insert into link_code (hash, person_id, session_id, expires_at) values ($1, $2, $3, now() + interval '10 minutes')`,
      [hash, ada, session],
    )
  }
  const prune = createPrune(database, () => 0)
  expect(await prune()).toBe(0)
  const one = (table: string, change: string, where = `ctid = (select min(ctid) from ${table})`) =>
    pool.query(`update ${table} set ${change} where ${where}`)
  await one(
    'session',
    `used_at = now() - interval '15 days'`,
    `id = (select id from session where id <> '${session}' limit 1)`,
  )
  await one(
    'session',
    `ends_at = now()`,
    `id = (select id from session where id <> '${session}' and used_at > now() - interval '1 day' limit 1)`,
  )
  await one('invitation', `expires_at = now()`)
  await one('sign_in_flow', `expires_at = now()`, `hash = 'old'`)
  await one('link_code', `expires_at = now()`, `hash = 'old'`)
  await one('sign_in_attempt', `at = now() - interval '16 minutes'`)
  expect(await createPrune(database, () => 0)()).toBe(6)
  // The session of the set-up itself is among those that stay.
  for (const [table, left] of Object.entries({
    session: 2,
    invitation: 2,
    sign_in_flow: 1,
    link_code: 1,
    sign_in_attempt: 8,
  }))
    expect((await pool.query(`select from ${table}`)).rowCount, table).toBe(left)
})
