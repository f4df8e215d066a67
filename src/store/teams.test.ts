import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { byTest, openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { usd } from '../core/money.ts'
import { createBudgets } from './budgets.ts'
import type { Database } from './database.ts'
import { createTeams } from './teams.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

it('a team whose removal was saved while the connection broke is removed, once in the audit log', async () => {
  await using accounts = openTestAccounts(await server.createDatabase())
  await accounts.setUp()
  const { database, channel, audit } = accounts
  // The commit arrived and its answer did not, so the database sends all of it again.
  const transaction: Database['transaction'] = async (work) => {
    await database.transaction(work)
    return await database.transaction(work)
  }
  const teams = createTeams({ database: { query: database.query, transaction }, channel })
  const { id } = await teams.create('Red', byTest)
  await teams.remove(id, byTest)
  expect(await teams.find(id)).toBeNull()
  const entries = await audit.list({ scopes: [`team:${id}`], limit: 10 })
  expect(entries.map(({ before, after }) => ({ before, after }))).toEqual([
    { before: { name: 'Red', places: [] }, after: null },
    { before: null, after: { name: 'Red' } },
  ])
})

it('a removed team leaves no settings and no budgets, which nobody could name any more', async () => {
  await using accounts = openTestAccounts(await server.createDatabase())
  await accounts.setUp()
  const teams = createTeams(accounts)
  const [red, blue] = [await teams.create('Red', byTest), await teams.create('Blue', byTest)]
  const { query, prisma } = accounts.database
  for (const { id } of [red, blue]) {
    await prisma.setting.create({
      data: { scope: `team:${id}`, name: 'persona.instructions', value: 'Be brief.', changeId: randomUUID() },
    })
    await createBudgets({ query, prisma }).set(
      { scope: `team:${id}`, period: 'month', amount: usd('5'), timeZone: 'UTC' },
      'cli',
    )
  }
  await teams.remove(red.id, byTest)
  expect((await prisma.setting.findMany()).map(({ scope }) => scope)).toEqual([`team:${blue.id}`])
  expect((await prisma.budget.findMany()).map(({ scope }) => scope)).toEqual([`team:${blue.id}`])
})
