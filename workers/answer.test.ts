/** What rules, wishes, buttons and the conversation so far make of a turn: the real worker, store and router, scripted models. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ParleyError } from '../src/core/errors.ts'
import { silentLog } from '../src/core/log.ts'
import type { IncomingMessage } from '../src/core/message.ts'
import { describeDecision } from '../src/core/route-decision.ts'
import type { ApprovalRequests } from '../src/intake/approvals.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider, ModelRequest } from '../src/models/model.ts'
import { BudgetExhausted } from '../src/routing/budget.ts'
import { openPolicy, plainRules, type TurnRules } from '../src/routing/rules.ts'
import { createAttachments } from '../src/store/attachments.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import type { Exceeded } from '../src/store/ledger.ts'
import type { StoredOutcome, Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { approvalWording, receiptWording } from '../src/wording/answers.ts'
import { gateWording, howWording, reasonWording } from '../src/wording/routing.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { createFakeBudget, type FakeBudget } from '../test/fakes/budget.ts'
import { file, message } from '../test/fakes/message.ts'
import { perMillion } from '../test/fakes/model.ts'
import { turnRig } from '../test/worker-rig.ts'
import { createTurn } from './turn.ts'

const exceeded: Exceeded = {
  id: 'b1',
  scope: 'all',
  period: 'month',
  timeZone: 'UTC',
  limit: 0n,
  spent: 0n,
  reserved: 0n,
  resetsAt: new Date('2026-02-01T00:00:00Z'),
}

let server: TestServer
let database: Database
let turns: Turns
let budget: FakeBudget
let rules: TurnRules
/** What was asked of models, and those that fail. */
const requests: ModelRequest[] = []
const failing = new Map<string, ParleyError>()

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  budget = createFakeBudget()
  rules = plainRules
  requests.length = 0
  failing.clear()
  return () => database.close()
})

function speaker(name: string): ModelProvider {
  return {
    name,
    models: async () => [],
    async *stream(request) {
      requests.push(request)
      const failure = failing.get(request.model)
      if (failure) throw failure
      yield { type: 'start', model: request.model }
      yield { type: 'reasoning', delta: 'It is clear' }
      yield { type: 'reasoning', delta: ' enough.' }
      yield { type: 'text', delta: `${request.model} says so.` }
      yield {
        type: 'usage',
        usage: { input: 100, output: 5, cacheRead: 0, cacheWrite: 0, reasoning: 0, source: 'provider' },
      }
      yield { type: 'finish', reason: 'stop' }
    },
  }
}

async function worker(approvals: ApprovalRequests = { ask: async () => undefined }) {
  const providers = [speaker('cloud'), speaker('house')]
  const model = (id: string, tier: 'small' | 'medium' | 'large', price: string) => ({
    id,
    tier,
    provider: 'cloud',
    price: perMillion(price, price),
    contextWindow: 64_000,
    maxOutputTokens: 1_000,
  })
  const configured = [
    model('mid', 'medium', '1'),
    model('mini', 'small', '0.1'),
    model('big', 'large', '5'),
    { ...model('own', 'small', '0'), provider: 'house', local: true },
  ]
  const run = createTurn(
    await turnRig(database, {
      models: {
        catalogue: createCatalogue({ configured, providers, defaultModel: 'mid', log: silentLog }),
        provider: (name) => providers.find((each) => each.name === name) ?? speaker(name),
      },
      money: { budget, approvals },
      rules: async () => rules,
    }),
  )
  return async (turnId: string): Promise<StoredOutcome> => {
    await run({ v: 1, turnId }, { id: 'job', attempt: 1, last: true, signal: new AbortController().signal })
    const outcome = await turns.ended(turnId)
    if (outcome === null) throw new Error('the turn did not end')
    return outcome
  }
}

async function ask(more: Partial<IncomingMessage> = {}): Promise<StoredOutcome> {
  const { turnId } = await turns.accept({ ...message(), ...more })
  return (await worker())(turnId)
}

/** As a worker reads it. */
async function readFile(id: string): Promise<void> {
  const files = createAttachments(database)
  await files.claim(id, 'reader', 60_000)
  const key = { contentHash: 'ab'.repeat(32), engine: 'test-1' }
  const receipt = { attachmentId: id, name: 'report.pdf', outcome: 'read', summary: 'one page' } as const
  await files.finish(id, 'reader', { receipt: { ...receipt, problems: [] }, key })
}

describe('a turn is answered', () => {
  it('by the default, and its decision, cost and usage are kept', async () => {
    const { text, receipt, route } = await ask()
    expect(text).toBe('mid says so.')
    expect(receipt).toMatchObject({
      reason: reasonWording.isDefault('mid'),
      costNanoUsd: '105000',
      usage: { output: 5 },
      thoughts: 'It is clear enough.',
    })
    expect(route).toMatchObject({
      model: 'cloud/mid',
      by: 'default',
      attempts: [{ model: 'cloud/mid', outcome: 'answered', costNanoUsd: '105000' }],
    })
    expect(budget.rows).toMatchObject([
      { spender: { channelId: 'general', userId: 'ann' }, settled: { cost: 105_000n } },
    ])
  })

  it('by the model that the message asks for, and what follows in the conversation by the same', async () => {
    expect((await ask({ overrides: { model: 'big' } })).text).toBe('big says so.')
    expect((await ask()).receipt.reason).toBe(reasonWording.requested('big', howWording.conversation))
  })

  it('by the next tier when a button says so', async () => {
    const { turnId } = await turns.accept(message())
    const run = await worker()
    await run(turnId)
    const better = await turns.regenerate(turnId, { tier: 'better' })
    expect((await run(better.turnId)).receipt).toMatchObject({
      model: 'big',
      reason: reasonWording.requested('big', howWording.button('better')),
    })
    const cheaper = await turns.regenerate(better.turnId, { tier: 'cheaper' })
    expect((await run(cheaper.turnId)).receipt.model).toBe('mid')
  })

  it('by own hardware where only that is allowed, whatever is pinned', async () => {
    rules = { ...plainRules, policy: { ...openPolicy, localOnly: true }, pinned: { model: 'cloud/big', by: 'for you' } }
    const { receipt } = await ask()
    expect(receipt.model).toBe('own')
    expect(receipt.reason).toBe(reasonWording.instead(reasonWording.ruledOut('big', gateWording.local.because), 'own'))
    expect(receipt.costNanoUsd).toBe('0')
  })

  it('not by a model that is not allowed or does not exist, and nothing else answers for it', async () => {
    rules = { ...plainRules, policy: { ...openPolicy, disabled: ['cloud/big'] } }
    const forbidden = await ask({ overrides: { model: 'big' } })
    expect(forbidden).toMatchObject({ state: 'failed', receipt: { error: 'model_not_allowed' } })
    expect(forbidden.text).toBe(gateWording.requestRefused('big', gateWording.disabled.because))
    expect((await ask({ overrides: { model: 'bog' } })).receipt.error).toBe('model_unknown')
    expect(requests).toEqual([])
  })

  it('by a cheaper model where the budget does not hold the default, or not at all where the policy refuses', async () => {
    budget = createFakeBudget(200_000n)
    const { text, receipt } = await ask()
    expect(text).toMatch(/^(?:mini|own) says so\.$/)
    expect(receipt.notices[0]).toMatch(
      /^The budget has .* left for mid\. It resets on Monday\. \w+ answered instead\.$/,
    )
    rules = { ...plainRules, policy: { ...openPolicy, atLimit: 'refuse' } }
    const refused = await ask({ conversation: { platform: 'test', workspaceId: 'team', channelId: 'other' } })
    expect(refused).toMatchObject({ state: 'failed', receipt: { error: 'budget_exhausted' } })
    expect(refused.text).toContain('It resets on Monday.')
    expect(refused.route?.attempts).toMatchObject([
      { model: 'cloud/mid', outcome: 'not asked', because: 'budget_exhausted' },
    ])
  })

  it('by quotes of its files where the budget holds no model, while an admin is asked to let the answer pass', async () => {
    const exhausted = new BudgetExhausted(exceeded, 5_000_000n)
    budget = {
      ...createFakeBudget(0n),
      reserve: () => Promise.reject(exhausted),
    }
    const asked: unknown[] = []
    const run = await worker({
      ask: async (turnId, asker, _at, error) => {
        asked.push([turnId, asker.id, error])
        return { notice: approvalWording.requested, approvalId: 'a1' }
      },
    })
    const { turnId, dispatch } = await turns.accept(message({ attachments: [file('report.pdf')] }))
    await readFile(dispatch.attachmentIds[0] ?? '')
    rules = { ...plainRules, policy: { ...openPolicy, atLimit: 'refuse' } }
    const { state, receipt } = await run(turnId)
    expect([state, receipt.provider, receipt.finish]).toEqual(['done', 'extractive', 'stop'])
    expect(receipt.approvalId).toBe('a1')
    expect(receipt.notices).toContain(approvalWording.untilThenQuotes(approvalWording.requested))
    expect(asked).toEqual([[turnId, 'ann', exhausted]])
  })

  it('by another provider when the first fails, and a failure of all is explained as well', async () => {
    const stalled = () => new ParleyError('model_stalled', 'It fell silent. Please ask again.')
    for (const id of ['mid', 'mini', 'big']) failing.set(id, stalled())
    const { text, receipt, route } = await ask()
    expect(text).toBe('own says so.')
    expect(receipt.reason).toBe(receiptWording.fellBack('mid', 'own'))
    expect(route?.attempts?.map(({ outcome }) => outcome)).toEqual(['failed', 'answered'])
    // A call was taken and fell silent: it is paid for, by an estimate.
    expect(BigInt(receipt.costNanoUsd ?? 0)).toBeGreaterThan(0n)
    expect(receipt.usage?.source).toBe('estimated')
    failing.set('own', stalled())
    const failed = await ask({ conversation: { platform: 'test', workspaceId: 'team', channelId: 'other' } })
    expect(failed).toMatchObject({ state: 'failed', text: 'It fell silent. Please ask again.' })
    expect(failed.route === undefined ? '' : describeDecision(failed.route)).toContain('- cloud/mid: failed after')
    expect(budget.open()).toBe(0)
  })
})

describe('a model is told', () => {
  it('the instructions of the place and of the sender, the language, the temperature, and the least of all limits', async () => {
    const persona = {
      instructions: ['Speak like a pirate.'],
      language: 'German',
      temperature: 0.3,
      maxOutputTokens: 300,
    }
    rules = { ...plainRules, persona }
    await ask({ instructions: 'Name your sources.', overrides: { maxOutputTokens: 200 } })
    const [request] = requests
    expect(request).toMatchObject({ temperature: 0.3, maxOutputTokens: 200 })
    expect(request?.system).toContain('in this language: German')
    expect(request?.system).toMatch(/Speak like a pirate\.\nName your sources\.$/)
  })

  it('the history that its sender tells, instead of what Parley remembers', async () => {
    await ask({ text: 'Remembered.' })
    await ask({
      text: 'And now?',
      history: [
        { role: 'user', text: 'Told.' },
        { role: 'assistant', text: 'Heard.' },
      ],
    })
    const answered = requests[1]?.messages.map(({ role, parts }) => [
      role,
      parts.map((part) => ('text' in part ? part.text : '')),
    ])
    expect(answered).toEqual([
      ['user', ['Told.']],
      ['assistant', ['Heard.']],
      ['user', ['And now?']],
    ])
  })
})
