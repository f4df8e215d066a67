/** What two persons spent and said, after they turned out to be one. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { byTest, goodPassword, here, openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { call, cost, leaseMs, scopesFor } from '../../test/ledger-rig.ts'
import { slackAccount } from '../../test/people.ts'
import { usd } from '../core/money.ts'
import { type Spender, scopeOf } from '../core/scope.ts'
import { createBudgets } from './budgets.ts'
import { createLedger } from './ledger.ts'
import { createTurns } from './turns-postgres.ts'
import { createUsage } from './usage.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

async function rig() {
  const accounts = openTestAccounts(await server.createDatabase())
  await accounts.setUp()
  const chat = await accounts.fromChat('Ben in Slack', slackAccount('UBEN'))
  const page = await accounts.invited('Ben')
  const { database } = accounts
  const inSlack: Spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'UBEN', personId: chat }
  const onPage: Spender = { platform: 'console', workspaceId: 'local', channelId: 't', userId: page, personId: page }
  const budgets = createBudgets(database)
  const limit = (personId: string, amount: string) =>
    budgets.set({ scope: scopeOf.person(personId), period: 'month', amount: usd(amount), timeZone: 'UTC' }, 'test')
  return { ...accounts, chat, page, inSlack, onPage, budgets, limit, ledger: createLedger(database) }
}

describe('two accounts with passwords', () => {
  it('become one for whoever knows both passwords: threads, keys and sign-in of the other one end or move', async () => {
    const at = await rig()
    const other = await at.invited('Bea')
    const session = await at.sessions.create(other, here)
    const threadId = randomUUID()
    const { query } = at.database
    const insert = {
      name: 'test_thread',
      text: `insert into console_thread (id, title, owner_id) values ($1, 'Plans', $2)`,
    }
    await query(insert, [threadId, other])
    await expect(at.signIn.prove({ email: 'bea@example.com', password: 'wrong' }, here)).rejects.toMatchObject({
      code: 'sign_in_refused',
    })
    const proven = await at.signIn.prove({ email: 'bea@example.com', password: goodPassword }, here)
    expect(proven).toBe(other)
    await at.people.merge(proven, at.page, byTest)
    const owner = { name: 'test_owner', text: `select owner_id as owner from console_thread where id = $1` }
    expect(await query(owner, [threadId])).toEqual([{ owner: at.page }])
    expect(await at.sessions.find(session)).toBeNull()
    const again = at.signIn.signIn({ email: 'bea@example.com', password: goodPassword }, here)
    await expect(again).rejects.toMatchObject({ code: 'sign_in_refused' })
    expect(await at.signIn.signIn({ email: 'ben@example.com', password: goodPassword }, here)).toMatchObject({
      personId: at.page,
    })
  })
})

describe('two persons that become one', () => {
  it('have spent the sum of both, what is under way included, within the tighter of their budgets', async () => {
    const at = await rig()
    await at.limit(at.chat, '5')
    await at.limit(at.page, '3')
    await at.budgets.grant(
      randomUUID(),
      { scope: scopeOf.person(at.chat), period: 'month', amount: usd('0.5') },
      'test',
    )
    const spend = async (spender: Spender, amount: string, settled = true) => {
      const paid = call(usd(amount), { spender })
      expect((await at.ledger.reserve(paid, scopesFor(paid), { leaseMs })).kind).toBe('admitted')
      if (settled) await at.ledger.settle(paid.id, cost(usd(amount)))
      return paid
    }
    await spend(at.inSlack, '1')
    await spend(at.onPage, '0.75')
    const open = await spend(at.inSlack, '0.25', false)
    await at.people.merge(at.chat, at.page, byTest)

    const scope = scopeOf.person(at.page)
    const state = async () => (await at.budgets.list([scope]))[0]
    expect(await state()).toMatchObject({
      amount: usd('3'),
      extra: usd('0.5'),
      spent: usd('1.75'),
      reserved: usd('0.25'),
      left: usd('1.5'),
    })
    await at.ledger.settle(open.id, cost(usd('0.2')))
    expect(await state()).toMatchObject({ spent: usd('1.95'), reserved: 0n })
    expect(await at.budgets.list([scopeOf.person(at.chat)])).toEqual([])
    const window = { from: new Date(Date.now() - 60_000), to: new Date(Date.now() + 60_000) }
    const [sum] = await createUsage(at.database).rows({ within: { personId: at.page }, ...window })
    expect(sum?.cost).toBe(usd('1.95'))
    await at.database.close()
  })

  it('never spend more than the budget, whoever spends while they are merged', async () => {
    const at = await rig()
    await at.limit(at.chat, '1')
    await at.limit(at.page, '1')
    const sides = [at.inSlack, at.onPage]
    const spending = Array.from({ length: 30 }, async (_, n) => {
      const paid = call(usd('0.1'), { spender: sides[n % 2] as Spender })
      const admitted = await at.ledger.reserve(paid, scopesFor(paid), { leaseMs })
      if (admitted.kind === 'admitted') await at.ledger.settle(paid.id, cost(usd('0.1')))
      return admitted.kind
    })
    await Promise.all([...spending, at.people.merge(at.chat, at.page, byTest)])
    const admitted = (await Promise.all(spending)).filter((kind) => kind === 'admitted').length
    const { rows } = await at.database.pool.query(`select sum(cost) as cost from ledger`)
    expect(BigInt(rows[0].cost)).toBe(BigInt(admitted) * usd('0.1'))
    const [state] = await at.budgets.list([scopeOf.person(at.page)])
    // A call that was asked for before the merge and reserved after it names a person who is gone.
    const late = await at.database.pool.query(`select count(*)::int as n from ledger where $1 = any (scopes)`, [
      scopeOf.person(at.chat),
    ])
    expect(state?.spent).toBe(BigInt(admitted - late.rows[0].n) * usd('0.1'))
    await at.database.close()
  })

  it('keep the page threads as the asker of both', async () => {
    const at = await rig()
    const other = await at.invited('Benjamin')
    const threadId = randomUUID()
    await at.database.prisma.consoleThread.create({ data: { id: threadId, title: 'x', ownerId: other } })
    const conversation = { platform: 'console', workspaceId: 'local', channelId: threadId }
    const turns = createTurns(at.database)
    const { turnId } = await turns.accept({
      id: 'm1',
      conversation,
      author: { id: other, personId: other },
      text: 'Hi',
      kind: 'direct',
      attachments: [],
      replyTarget: { conversation, data: null },
      sentAt: '2026-01-01T00:00:00Z',
    })
    await at.people.merge(other, at.page, byTest)
    expect((await turns.about(turnId))?.author).toEqual({ id: at.page, personId: at.page })
    await at.database.close()
  })
})
