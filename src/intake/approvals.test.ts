/** From a refusal at the limit to the one answer that an admin let pass, on a real database. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { createFakePlatform } from '../../test/fakes/platform.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import type { Notice, Role } from '../core/command.ts'
import { silentLog } from '../core/log.ts'
import type { Author, ConversationRef } from '../core/message.ts'
import { usd } from '../core/money.ts'
import type { Platform } from '../core/platform.ts'
import { type Scope, spenderOf } from '../core/scope.ts'
import { createLocalChannel } from '../queue/channel.ts'
import type { Job } from '../queue/queue.ts'
import { alertMessage, BudgetExhausted } from '../routing/budget.ts'
import { createLedgerBudget, createLimitedScopes, type LedgerBudget } from '../routing/ledger-budget.ts'
import { createApprovals as createApprovalStore } from '../store/approvals.ts'
import { type Budgets, createBudgets } from '../store/budgets.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createLedger } from '../store/ledger.ts'
import type { SettingsOf } from '../store/settings.ts'
import type { Turns } from '../store/turns.ts'
import { createTurns } from '../store/turns-postgres.ts'
import { approvalWording } from '../wording/answers.ts'
import { budgetWording } from '../wording/routing.ts'
import type { Approvals } from './actions.ts'
import { createAlerts } from './alerts.ts'
import { type ApprovalRequests, createApprovalActions, createApprovalRequests } from './approvals.ts'
import { raiseButton } from './raise-budget.ts'

const alertsChannel: ConversationRef = { platform: 'test', workspaceId: 'team', channelId: 'money' }
const ada = { id: 'ada', name: 'Ada' }

let server: TestServer
let database: Database
let turns: Turns
let budgets: Budgets
let budget: LedgerBudget
let requests: ApprovalRequests
let approvals: Approvals
let settings: Map<Scope, SettingsOf>
let sent: { notice: Notice; key: string }[]
let jobs: Job[]
let role: Role
/** Of Ann, who asks. */
let askerRole: Role
const here = message().conversation
const roleOf = async ({ id }: Author) => (id === 'ann' ? askerRole : role)
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  budgets = createBudgets(database)
  const limited = await createLimitedScopes({ budgets, channel: createLocalChannel(), log: silentLog })
  const ledger = createLedger(database)
  budget = createLedgerBudget({ ledger, budgets, limited: limited.scopes, alert: async () => {}, log: silentLog })
  settings = new Map([['all', { 'alerts.target': { conversation: alertsChannel, data: null } }]])
  sent = []
  jobs = []
  role = 'admin'
  askerRole = 'member'
  const { platform: fake } = createFakePlatform()
  const platform: Platform = {
    ...fake,
    transport: { ...fake.transport, notify: async (_target, notice, { key }) => void sent.push({ notice, key }) },
  }
  const alerts = createAlerts({ settings: { read: async () => settings }, platform: () => platform, log: silentLog })
  const store = createApprovalStore(database)
  requests = createApprovalRequests({ approvals: store, alerts, names: async () => new Map(), roleOf })
  const add = async (job: Job) => void jobs.push(job)
  approvals = createApprovalActions({
    approvals: store,
    alerts,
    turns,
    log: silentLog,
    queue: { add, addFlow: add },
    roleOf,
    names: async () => new Map(),
  })
  await budgets.set({ scope: 'all', period: 'month', amount: usd('1'), timeZone: 'UTC' }, 'test')
})
afterEach(async () => {
  await budget.close()
  await database.close()
})

const reserve = (turnId: string, worst = usd('2')) =>
  budget.reserve({
    id: randomUUID(),
    turnId,
    worst,
    kind: 'answer',
    provider: 'openai',
    model: 'gpt-5',
    price: null,
    spender: spenderOf(message().conversation, { id: 'ann' }),
  })

/** A turn that ended with the refusal of its reservation. */
async function refused(): Promise<{ turnId: string; error: BudgetExhausted }> {
  const { turnId } = await turns.accept(message())
  await turns.claim(turnId, 'w', 60_000)
  const error: unknown = await reserve(turnId).catch((thrown: unknown) => thrown)
  if (!(error instanceof BudgetExhausted)) throw new Error('it was not refused')
  await turns.finish(turnId, 'w', { text: error.userMessage, state: 'failed', citations: [], receipt }, null)
  return { turnId, error }
}

async function approval() {
  const { turnId, error } = await refused()
  await requests.ask(turnId, { id: 'ann', name: 'Ann' }, here, error)
  const [button] = sent.at(-1)?.notice.buttons ?? []
  if (button?.action.kind !== 'approve') throw new Error('there is no button that approves')
  return { turnId, approvalId: button.action.approvalId }
}

describe('a warning about a budget', () => {
  const due = { budgetId: 'b1', period: 'day', limit: usd('20'), spent: usd('16'), threshold: 80 } as const
  const at = (workspaceId: string, channelId: string) => ({ platform: 'slack', workspaceId, channelId })
  it.each([
    ['this channel', at('T1', 'C1')],
    ['<#C1>', at('T1', 'COPS')],
    ['the channel slack/T1/C1', at('T2', 'C1')],
    ['the channel slack/T1/C1', undefined],
  ])('names the channel as those who read it know it: %s', (name, reader) => {
    const day = { startsAt: new Date(0), resetsAt: new Date(86_400_000), timeZone: 'UTC' }
    expect(alertMessage({ ...due, ...day, scope: 'channel:slack/T1/C1' }, reader)).toContain(
      `the daily budget for ${name} ($20.00)`,
    )
  })
})

it.each([
  ['20', 'channel:slack/T1/C1', 'day', 'Add $5 today', 'budget grant 5 day for channel:slack/T1/C1'],
  ['100', 'model:openai/gpt-5', 'month', 'Add $20 this month', 'budget grant 20 month for model:openai/gpt-5'],
  ['0.03', 'user:teams/t/u', 'week', 'Add $0.010 this week', 'budget grant 0.01 week for user:teams/t/u'],
  ['9', 'all', 'month', 'Add $2 this month', 'budget grant 2 month for everywhere'],
] as const)(
  'a budget of $%s that is used up can be raised by a quarter with one button',
  (limit, scope, period, label, text) => {
    expect(raiseButton({ scope, period, limit: usd(limit) })).toEqual({ label, action: { kind: 'command', text } })
  },
)

describe('a one-time approval', () => {
  it('is asked for where alerts go, by three buttons and without a word of the question, once', async () => {
    const { turnId, error } = await refused()
    const told = await requests.ask(turnId, { id: 'ann', name: 'Ann' }, here, error)
    expect(told).toEqual({ notice: approvalWording.requested })
    await requests.ask(turnId, { id: 'ann', name: 'Ann' }, here, error)
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1)
    expect(sent[0]?.notice).toMatchObject({
      text: budgetWording.approval({
        scope: 'all',
        at: undefined,
        period: 'month',
        limit: usd('1'),
        spent: 0n,
        worst: usd('2'),
        asker: '<@ann>',
      }),
      buttons: [
        { action: { kind: 'approve' } },
        { action: { kind: 'decline' } },
        { label: 'Add $0.20 this month', action: { kind: 'command', text: 'budget grant 0.2 month for everywhere' } },
      ],
    })
  })

  it('can be given by an admin who asked, at once, whether or not alerts go anywhere', async () => {
    askerRole = 'admin'
    const first = await refused()
    const told = await requests.ask(first.turnId, { id: 'ann' }, here, first.error)
    expect(told?.notice).toBe(approvalWording.requested)
    settings.clear()
    const { turnId, error } = await refused()
    const { approvalId = '', notice } = (await requests.ask(turnId, { id: 'ann' }, here, error)) ?? {}
    expect(notice).toBeUndefined()
    expect((await approvals.decide(approvalId, 'approve', ada, here)).turnId).toBeDefined()
  })

  it('is not asked for where no channel is chosen for alerts', async () => {
    settings.clear()
    const { turnId, error } = await refused()
    expect(await requests.ask(turnId, { id: 'ann' }, here, error)).toBeUndefined()
    expect((await database.pool.query('select from approval')).rowCount).toBe(0)
  })

  it('regenerates the answer and lets exactly one reservation exceed the budget, which is booked', async () => {
    const { turnId, approvalId } = await approval()
    const pressed = await approvals.decide(approvalId, 'approve', ada, alertsChannel)
    expect(pressed.notice?.text).toBe(approvalWording.approved(usd('2')))
    expect(jobs).toMatchObject([{ name: 'turn', payload: { turnId: pressed.turnId } }])
    expect(pressed.turnId).not.toBe(turnId)
    const again = pressed.turnId ?? ''
    const ann = spenderOf(message().conversation, { id: 'ann' })
    const gpt = [{ provider: 'openai', id: 'gpt-5' }]
    expect(await budget.left(ann, gpt, again)).toEqual([usd('2')])
    expect(await budget.left(ann, gpt)).toEqual([usd('1')])
    // Neither another question nor a dearer attempt may use it.
    await expect(reserve(randomUUID())).rejects.toThrow(BudgetExhausted)
    await expect(reserve(again, usd('2.01'))).rejects.toThrow(BudgetExhausted)
    const passed = await reserve(again)
    await expect(reserve(again)).rejects.toThrow(BudgetExhausted)
    await passed.settle({ cost: usd('1.7'), estimated: false, outcome: 'ok', ms: 1 })
    await expect(reserve(again)).rejects.toThrow(BudgetExhausted)
    expect(await budgets.list()).toMatchObject([{ spent: usd('1.7'), reserved: 0n, left: -usd('0.7') }])
  })

  it('is not used up by an attempt that cost nothing', async () => {
    const { approvalId } = await approval()
    const { turnId = '' } = await approvals.decide(approvalId, 'approve', ada, alertsChannel)
    await (await reserve(turnId)).release()
    await expect(reserve(turnId)).resolves.toBeDefined()
  })

  it('pressed by many at once answers the question once', async () => {
    const { approvalId } = await approval()
    const pressed = await Promise.allSettled(
      Array.from({ length: 5 }, () => approvals.decide(approvalId, 'approve', ada, alertsChannel)),
    )
    const answered = pressed.filter((each) => each.status === 'fulfilled' && each.value.turnId !== undefined)
    expect(answered).toHaveLength(1)
    expect(jobs).toHaveLength(1)
    const late = await approvals.decide(approvalId, 'decline', ada, alertsChannel)
    expect(late.notice).toEqual({ text: approvalWording.already('approved', 'you'), private: true })
  })

  it('declined, nothing is answered, and that stands', async () => {
    const { turnId, approvalId } = await approval()
    expect((await approvals.decide(approvalId, 'decline', ada, alertsChannel)).notice?.text).toBe(
      approvalWording.declined,
    )
    expect((await approvals.decide(approvalId, 'approve', ada, alertsChannel)).notice?.text).toBe(
      approvalWording.already('declined', 'you'),
    )
    expect(jobs).toEqual([])
    await expect(reserve(turnId)).rejects.toThrow(BudgetExhausted)
  })

  it('is decided by admins alone, and from nowhere but its workspace and where it was sent', async () => {
    const { approvalId } = await approval()
    role = 'manager'
    await expect(approvals.decide(approvalId, 'approve', ada, alertsChannel)).rejects.toMatchObject({
      code: 'command_forbidden',
    })
    role = 'admin'
    const elsewhere = { ...alertsChannel, workspaceId: 'other' }
    for (const [id, at] of [
      [approvalId, elsewhere],
      [randomUUID(), alertsChannel],
      ["' or 1=1", alertsChannel],
    ] as const)
      await expect(approvals.decide(id, 'approve', ada, at)).rejects.toMatchObject({ code: 'approval_not_found' })
    expect(jobs).toEqual([])
  })

  it('of a question whose conversation has gone on approves nothing', async () => {
    const { approvalId } = await approval()
    const later = await turns.accept(message({ text: 'And another thing' }))
    await turns.claim(later.turnId, 'w', 60_000)
    await turns.finish(later.turnId, 'w', { text: 'So.', state: 'done', citations: [], receipt }, null)
    await expect(approvals.decide(approvalId, 'approve', ada, alertsChannel)).rejects.toMatchObject({
      code: 'turn_not_latest',
    })
    const { rows } = await database.pool.query('select state from approval')
    expect(rows).toEqual([{ state: 'asked' }])
  })
})
