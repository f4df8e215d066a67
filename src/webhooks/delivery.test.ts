/** What programs outside are told: from what happened in the database to a receiver over HTTP that checks the signature. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import {
  type Received,
  startWebhookReceiver,
  status,
  verify,
  type WebhookReceiver,
} from '../../test/servers/webhook-receiver.ts'
import { silentLog } from '../core/log.ts'
import { decimalUsd, usd } from '../core/money.ts'
import type { Scope } from '../core/scope.ts'
import { webhookEventNames, webhookRetries } from '../core/webhook.ts'
import { createSender } from '../egress/send.ts'
import { createApprovals } from '../store/approvals.ts'
import { createBudgets } from '../store/budgets.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createForget } from '../store/forget.ts'
import { createLedger } from '../store/ledger.ts'
import { createPrune } from '../store/prune.ts'
import { createSecrets } from '../store/secrets.ts'
import type { StoredOutcome } from '../store/turns.ts'
import { createTurns } from '../store/turns-postgres.ts'
import { createWebhookOutbox, type DisabledHook } from '../store/webhook-outbox.ts'
import { createWebhooks, type NewWebhook, type Webhooks } from '../store/webhooks.ts'
import { webhookEgressWording } from '../wording/requests.ts'
import { webhookWording } from '../wording/webhooks.ts'
import { createWebhookDelivery, type WebhookDelivery } from './delivery.ts'

const secret = 'a secret of these tests'
const secrets = createSecrets(secret)
const channel: Scope = 'channel:test/team/general'
const teamId = randomUUID()

let server: TestServer
let receiver: WebhookReceiver
let place: TestDatabase
let database: Database
let webhooks: Webhooks
let delivery: WebhookDelivery
let alerts: { hook: DisabledHook; key: string }[]
/** What the platform says of places, by channel. */
let kinds: Record<string, 'public' | 'private' | 'group' | 'external' | 'direct'>

beforeAll(async () => {
  server = await startTestDatabase()
  place = await server.createDatabase()
  database = openDatabase(place.connection, { log: silentLog })
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})
beforeEach(async () => {
  receiver = await startWebhookReceiver()
  for (const table of ['webhook', 'conversation', 'approval', 'ledger', 'budget', 'place', 'team'])
    await database.pool.query(`delete from ${table}`)
  webhooks = createWebhooks(database, secrets)
  alerts = []
  kinds = {}
  delivery = createWebhookDelivery({
    outbox: createWebhookOutbox(database, secrets),
    sender: createSender([receiver.origin], { timeoutMs: 20_000 }),
    platform: () => ({
      places: {
        look: async ({ channelId }) => (kinds[channelId] === undefined ? null : { kind: kinds[channelId] }),
        canRead: async () => false,
      },
      linkTo: ({ workspaceId, channelId }) => `https://chat.example/${workspaceId}/${channelId}`,
    }),
    alert: async (hook, key) => void alerts.push({ hook, key }),
    log: silentLog,
  })
  return async () => {
    await delivery.close(0).catch(() => {})
    await receiver[Symbol.asyncDispose]()
  }
})

async function add(more: Partial<NewWebhook> = {}) {
  const made = await webhooks.add({
    name: 'crm',
    address: receiver.at('/hook'),
    events: webhookEventNames,
    scope: 'all',
    withText: false,
    createdBy: 'test',
    ...more,
  })
  if (made === null) throw new Error('taken')
  return made
}

const outcome = (text: string, state: StoredOutcome['state'] = 'done'): StoredOutcome => ({
  text,
  state,
  citations: [],
  receipt: { ...receipt, provider: 'openai', model: 'gpt-5-mini' },
})

/** A question with its answer, which cost something. */
async function ask(channelId = 'general', { database: at = database, isPrivate = false } = {}): Promise<string> {
  const turns = createTurns(at)
  const { turnId } = await turns.accept({
    ...message({ channelId, text: 'How tall is it?' }),
    private: isPrivate || undefined,
  })
  const spender = { platform: 'test', workspaceId: 'team', channelId, userId: 'ann' }
  const ledger = createLedger(at)
  const id = randomUUID()
  const call = {
    id,
    turnId,
    spender,
    kind: 'answer',
    provider: 'openai',
    model: 'gpt-5-mini',
    worst: usd('1'),
    price: null,
  } as const
  await ledger.reserve(call, ['all'], { leaseMs: 60_000 })
  await ledger.settle(id, { cost: usd('0.001234567'), estimated: false, outcome: 'ok', ms: 1 })
  await turns.claim(turnId, 'w', 60_000)
  await turns.finish(turnId, 'w', outcome('As tall as a tree.'), new Date())
  return turnId
}

/** Sends what is due and waits until it is stored. */
async function sendAll(): Promise<Received[]> {
  const before = receiver.received.length
  delivery.look()
  await delivery.idle()
  return receiver.received.slice(before)
}

/** As if the waits between attempts had passed. */
async function later(): Promise<void> {
  await database.pool.query(`update webhook_delivery set next_at = now() - interval '1 second' where state = 'waiting'`)
  await database.pool.query(`update webhook set retry_at = now() - interval '1 second'`)
}

const rows = async (what: string) => (await database.pool.query(what)).rows
const stateOf = async (id: string) =>
  (await webhooks.deliveries(id, 10)).map(({ state, attempts }) => ({ state, attempts }))

describe('a finished answer', () => {
  it('comes signed, with ids, state, model and cost, and without a word of anybody', async () => {
    const hook = await add()
    const turnId = await ask()
    const [received] = await sendAll()
    expect(received).toBeDefined()
    verify(hook.secret, received as Received)
    expect(received?.id).toBe(`turn_finished_${turnId}`)
    expect(received?.body).toMatchObject({
      type: 'turn.finished',
      data: {
        turnId,
        questionId: turnId,
        platform: 'test',
        workspaceId: 'team',
        channelId: 'general',
        threadId: null,
        userId: 'ann',
        state: 'done',
        provider: 'openai',
        model: 'gpt-5-mini',
        costUsd: decimalUsd(usd('0.001234567')),
        link: 'https://chat.example/team/general',
        finishedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    })
    expect(received?.raw).not.toMatch(/tall|tree/)
    expect(await stateOf(hook.id)).toEqual([{ state: 'done', attempts: 1 }])
    expect(await sendAll()).toEqual([])
  })

  it('another secret, body or time does not fit its signature', async () => {
    const hook = await add()
    await ask()
    const [received] = (await sendAll()) as [Received]
    const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
    expect(() => verify(other, received)).toThrow()
    expect(() => verify(hook.secret, { ...received, raw: received.raw.replace('done', 'lost') })).toThrow()
    const headers = { ...received.headers, 'webhook-timestamp': '1700000000' }
    expect(() => verify(hook.secret, { ...received, headers })).toThrow()
  })

  it('is written with the turn or not at all, once however often the end is stored', async () => {
    const hook = await add()
    const turns = createTurns(database)
    const { turnId } = await turns.accept(message())
    await turns.claim(turnId, 'w', 60_000)
    const failing = database.transaction(async (query) => {
      await createTurns({ query, transaction: database.transaction }).finish(turnId, 'w', outcome('x'), null)
      throw new Error('the process ends here')
    })
    await expect(failing).rejects.toThrow()
    expect(await webhooks.deliveries(hook.id, 10)).toEqual([])
    const ends = await Promise.all([1, 2, 3].map(() => turns.finish(turnId, 'w', outcome('x'), null)))
    expect(ends.every(({ hooked }) => hooked)).toBe(true)
    expect((await webhooks.deliveries(hook.id, 10)).map(({ eventId }) => eventId)).toEqual([`turn_finished_${turnId}`])
  })

  it('is told to receivers whose scope holds its place, and that want it', async () => {
    await database.pool.query(`insert into team (id, name) values ($1, 'Research')`, [teamId])
    await database.pool.query(`insert into team_place (scope, team_id) values ('channel:test/team/general', $1)`, [
      teamId,
    ])
    const scopes: Record<string, [Scope, boolean]> = {
      all: ['all', true],
      workspace: ['workspace:test/team', true],
      otherWorkspace: ['workspace:test/tea', false],
      channel: [channel, true],
      otherChannel: ['channel:test/team/genera', false],
      team: [`team:${teamId}`, true],
      otherTeam: [`team:${randomUUID()}`, false],
    }
    for (const [name, [scope]] of Object.entries(scopes)) await add({ name, scope, address: receiver.at(`/${name}`) })
    await add({ name: 'money', events: ['budget.alert'] })
    await ask()
    const told = await rows(`select name from webhook_delivery join webhook on webhook.id = webhook_id order by name`)
    const wanted = Object.entries(scopes).flatMap(([name, [, covered]]) => (covered ? [name] : []))
    expect(told.map(({ name }) => name)).toEqual(wanted.toSorted())
  })

  it('is no event where there are no webhooks', async () => {
    await ask()
    expect(await rows('select from webhook_delivery')).toEqual([])
  })
})

describe('a budget', () => {
  it('tells of the highest threshold that was reached, once, with the amounts of the ledger', async () => {
    const hook = await add({ events: ['budget.alert'] })
    const budgets = createBudgets(database)
    const ledger = createLedger(database)
    const spender = { platform: 'test', workspaceId: 'team', channelId: 'general', userId: 'ann' }
    await budgets.set({ scope: 'all', period: 'day', amount: usd('1'), timeZone: 'UTC' }, 'test')
    for (const cost of ['0.85', '0.01']) {
      const id = randomUUID()
      const call = { id, spender, kind: 'answer', provider: 'p', model: 'm', worst: usd(cost), price: null } as const
      await ledger.reserve(call, ['all'], { leaseMs: 60_000 })
      await ledger.settle(id, { cost: usd(cost), estimated: false, outcome: 'ok', ms: 1 })
    }
    const [alert, ...others] = await sendAll()
    expect(others).toEqual([])
    verify(hook.secret, alert as Received)
    expect(alert?.body).toMatchObject({
      type: 'budget.alert',
      data: { scope: 'all', period: 'day', timeZone: 'UTC', percent: 80, limitUsd: '1', spentUsd: '0.85' },
    })
  })
})

describe('a request for approval', () => {
  it('is told once, however often it is asked', async () => {
    const hook = await add({ events: ['approval.asked'], scope: channel })
    const budgets = createBudgets(database)
    const { after } = await budgets.set({ scope: 'all', period: 'day', amount: usd('1'), timeZone: 'UTC' }, 'test')
    const turnId = await ask()
    const approvals = createApprovals(database)
    const wanted = { turnId, budgetId: after.id, scope: 'all', amount: usd('2.5') } as const
    const { id } = await approvals.ask(wanted)
    await approvals.ask(wanted)
    const received = await sendAll()
    expect(received.map((each) => each.id)).toEqual([`approval_asked_${id}`])
    verify(hook.secret, received[0] as Received)
    expect(received[0]?.body.data).toMatchObject({
      kind: 'budget',
      approvalId: id,
      turnId,
      amountUsd: '2.5',
      channelId: 'general',
    })
  })
})

describe('a receiver that does not take it', () => {
  it('gets it again with the same id and a new signature, until it does', async () => {
    const hook = await add()
    receiver.reply('/hook', status(503))
    await ask()
    const [first] = (await sendAll()) as [Received]
    expect(await sendAll()).toEqual([])
    expect((await webhooks.list())[0]).toMatchObject({ problem: webhookWording.answered(503), waiting: 1 })
    await later()
    receiver.reply('/hook', status(200))
    const [second] = (await sendAll()) as [Received]
    expect(second.id).toBe(first.id)
    expect(second.raw).toBe(first.raw)
    verify(hook.secret, second)
    expect(await stateOf(hook.id)).toEqual([{ state: 'done', attempts: 2 }])
    expect((await webhooks.list())[0]).toMatchObject({ failingSince: null, problem: null })
  })

  it('waits as long as it asks for', async () => {
    await add()
    receiver.reply('/hook', status(429, { 'retry-after': '7200' }))
    await ask()
    await sendAll()
    const [wait] = await rows(`select extract(epoch from next_at - now()) / 3600 as hours from webhook_delivery`)
    expect(Number(wait.hours)).toBeGreaterThan(1.9)
    expect(Number(wait.hours)).toBeLessThan(2.1)
  })

  it('is disabled after three days of nothing else, and admins are told once', async () => {
    const hook = await add()
    receiver.reply('/hook', status(500))
    await ask()
    for (const _ of webhookRetries) {
      await sendAll()
      await later()
    }
    expect(await stateOf(hook.id)).toEqual([{ state: 'waiting', attempts: webhookRetries.length }])
    await database.pool.query(`update webhook set failing_since = now() - interval '76 hours'`)
    await sendAll()
    expect(await stateOf(hook.id)).toEqual([{ state: 'failed', attempts: webhookRetries.length + 1 }])
    await sendAll()
    expect(alerts).toMatchObject([{ hook: { id: hook.id, name: 'crm', reason: 'failing' } }])
    // Nothing more is noted for it, and what was given up can be sent again.
    await ask('another')
    expect(await stateOf(hook.id)).toHaveLength(1)
    receiver.reply('/hook', status(200))
    await webhooks.enable(hook.id)
    expect(await webhooks.replay(hook.id, { failed: true })).toBe(1)
    expect(await sendAll()).toHaveLength(1)
  })

  it('is disabled at once where it says that it is gone', async () => {
    const hook = await add()
    receiver.reply('/hook', status(410))
    await ask()
    expect(await sendAll()).toHaveLength(1)
    await later()
    expect(await sendAll()).toEqual([])
    expect(alerts).toMatchObject([{ hook: { id: hook.id, reason: 'gone' } }])
    expect((await webhooks.list())[0]).toMatchObject({ state: 'disabled', reason: 'gone' })
  })

  it('is told again where the channel for alerts did not take the message', async () => {
    const hook = await add()
    const told: string[] = []
    const outbox = createWebhookOutbox(database, secrets)
    receiver.reply('/hook', status(410))
    await ask()
    const parts = { outbox, sender: createSender([receiver.origin]), platform: () => undefined, log: silentLog }
    const down = createWebhookDelivery({ ...parts, alert: () => Promise.reject(new Error('the chat is away')) })
    down.look()
    await down.idle()
    const up = createWebhookDelivery({ ...parts, alert: async ({ id }) => void told.push(id) })
    up.look()
    await up.idle()
    expect(told).toEqual([hook.id])
  })

  it('redirects, and the redirect is not followed', async () => {
    const hook = await add()
    receiver.reply('/hook', status(302, { location: receiver.at('/elsewhere') }))
    await ask()
    expect(await sendAll()).toHaveLength(1)
    expect((await webhooks.deliveries(hook.id, 1))[0]).toMatchObject({
      status: 302,
      problem: webhookWording.answered(302),
    })
  })

  it('does not answer, and is let go after a time', async () => {
    const hook = await add()
    receiver.reply('/hook', () => {})
    await ask()
    const impatient = createWebhookDelivery({
      outbox: createWebhookOutbox(database, secrets),
      sender: createSender([receiver.origin], { timeoutMs: 200 }),
      platform: () => undefined,
      alert: async () => {},
      log: silentLog,
    })
    impatient.look()
    await impatient.idle()
    expect((await webhooks.deliveries(hook.id, 1))[0]).toMatchObject({
      state: 'waiting',
      attempts: 1,
      problem: webhookEgressWording.slow(0.2),
    })
  })

  it('is tried with one delivery at a time, and holds up no other receiver', async () => {
    await add({ name: 'slow', address: receiver.at('/slow') })
    const quick = await add({ name: 'quick', address: receiver.at('/quick') })
    await database.pool.query(`update webhook set failures = 1, failing_since = now() where name = 'slow'`)
    const held = Promise.withResolvers<void>()
    const asked: string[] = []
    receiver.reply('/slow', ({ id }, response) => {
      asked.push(id)
      void held.promise.then(() => response.writeHead(500).end())
    })
    const quickOnes = Promise.withResolvers<void>()
    let count = 0
    receiver.reply('/quick', (_, response) => {
      response.writeHead(204).end()
      count += 1
      if (count === 8) quickOnes.resolve()
    })
    for (let n = 0; n < 8; n += 1) await ask(`channel-${n}`)
    delivery.look()
    await quickOnes.promise
    expect(asked).toHaveLength(1)
    held.resolve()
    await delivery.idle()
    expect((await webhooks.deliveries(quick.id, 20)).every(({ state }) => state === 'done')).toBe(true)
    expect(asked).toHaveLength(1)
  })
})

describe('an address inside', () => {
  it.each([
    ['of this machine', 'https://127.0.0.1/hook'],
    ['of the own network', 'https://10.0.0.7/hook'],
    ['of the metadata of a cloud', 'https://169.254.169.254/hook'],
  ])('%s is sent nothing', async (_what, address) => {
    const hook = await add({ address })
    await ask()
    await sendAll()
    expect((await webhooks.deliveries(hook.id, 1))[0]).toMatchObject({ problem: webhookEgressWording.notPublic })
  })

  it('is refused by its resolved name, and by http without its exact origin', async () => {
    const lookup = (_: string, answer: (error: null, addresses: { address: string; family: number }[]) => void) =>
      answer(null, [{ address: '10.0.0.7', family: 4 }])
    const sender = createSender(['http://127.0.0.1:1'], { lookup })
    const post = { headers: {}, body: '{}', signal: AbortSignal.timeout(5_000) }
    const refusal = (userMessage: string) => ({ code: 'file_fetch_failed', userMessage })
    await expect(sender.post(new URL('https://crm.example/'), post)).rejects.toMatchObject(
      refusal(webhookEgressWording.notPublic),
    )
    await expect(sender.post(new URL(receiver.origin), post)).rejects.toMatchObject(
      refusal(webhookEgressWording.scheme('http:')),
    )
    expect(() => sender.check(new URL('https://crm.example:25/'))).toThrow(webhookEgressWording.port)
    expect(() => sender.check(new URL('https://me:word@crm.example/'))).toThrow(webhookEgressWording.credentials)
    expect(() => sender.check(new URL('http://127.0.0.1:1/hook'))).not.toThrow()
  })
})

describe('the table of events', () => {
  it('is what the database writes, and what the page explains', () => {
    const root = join(import.meta.dirname, '../..')
    const sql = readFileSync(join(root, 'prisma/functions/webhooks.sql'), 'utf8')
    const written = [...sql.matchAll(/perform webhook_note\('([\w.]+)'/g)].map((match) => match[1])
    expect(written.toSorted()).toEqual(webhookEventNames.toSorted())
    const page = readFileSync(join(root, 'docs/webhooks.md'), 'utf8')
    for (const name of webhookEventNames) expect(page).toContain(`**\`${name}\`**:`)
  })

  it('is heard by the receiver of the page', async () => {
    const root = join(import.meta.dirname, '../..')
    const code = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/webhooks.md'), 'utf8'))?.[1] ?? ''
    expect(code.trim().split('\n').length).toBeLessThanOrEqual(16)
    const listening = '.once("listening", function () { console.log(this.address().port) })'
    const hook = await add()
    await ask()
    const [received] = (await sendAll()) as [Received]
    const child = spawn(process.execPath, ['--input-type=module', '-e', code.trimEnd() + listening], {
      cwd: root,
      env: { PORT: '0', SECRET: hook.secret },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const port = (await lines.next()).value
    const {
      'webhook-id': id = '',
      'webhook-timestamp': at = '',
      'webhook-signature': signature = '',
    } = received.headers
    const headers = { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature }
    const post = async (body: string) =>
      (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })).status
    expect(await post(`${received.raw} `)).toBe(400)
    expect(await post(received.raw)).toBe(204)
    expect(await post(received.raw)).toBe(204)
    expect((await lines.next()).value).toContain(`${id} turn.finished`)
    child.kill()
    await once(child, 'exit')
  })
})

describe('a process that is killed', () => {
  const start = () =>
    spawn(
      process.execPath,
      [join(import.meta.dirname, '../../test/webhook-child.ts'), place.url, secret, receiver.origin],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )

  it('between the commit and the delivery, or within the delivery, loses nothing: the next one sends it by the same id', async () => {
    const hook = await add()
    const turnId = await ask()
    // Nothing was sent by the process that committed it; this one dies before it stores that it sent it.
    receiver.reply('/hook', () => {})
    const child = start()
    const first = await receiver.next()
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect((await webhooks.deliveries(hook.id, 1))[0]).toMatchObject({ state: 'waiting', attempts: 1 })
    receiver.reply('/hook', status(204))
    await database.pool.query(
      `select pg_sleep(greatest(0, extract(epoch from max(lease_until) - now()))) from webhook_delivery`,
    )
    const [second] = (await sendAll()) as [Received]
    expect([first.id, second.id]).toEqual(Array(2).fill(`turn_finished_${turnId}`))
    // The other process knows of no platform, and so of no link.
    expect(second.body).toMatchObject(first.body)
    verify(hook.secret, second)
    expect(await stateOf(hook.id)).toEqual([{ state: 'done', attempts: 2 }])
  })
})

describe('a process that closes', () => {
  it('gives back what it did not finish, as if it had not begun', async () => {
    const hook = await add()
    receiver.reply('/hook', () => {})
    await ask()
    delivery.look()
    await receiver.next()
    await delivery.close(0)
    expect(await stateOf(hook.id)).toEqual([{ state: 'waiting', attempts: 0 }])
  })
})

describe('replay', () => {
  it('sends one, those of a time or those given up again, each with its id and with what it said', async () => {
    const hook = await add()
    const ids = [await ask(), await ask('another')].map((turnId) => `turn_finished_${turnId}`)
    const before = await sendAll()
    expect(before.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(await webhooks.replay(hook.id, { eventId: ids[0] ?? '' })).toBe(1)
    const [again] = (await sendAll()) as [Received]
    expect(again.id).toBe(ids[0])
    expect(again.raw).toBe(before.find(({ id }) => id === ids[0])?.raw)
    expect(await webhooks.replay(hook.id, { since: new Date(0) })).toBe(2)
    expect((await sendAll()).map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
    expect(await webhooks.replay(hook.id, { since: new Date(Date.now() + 60_000) })).toBe(0)
    expect(await webhooks.replay(hook.id, { failed: true })).toBe(0)
  })
})

describe('secrets', () => {
  it('are sealed, and after a rotation both sign for a day', async () => {
    const hook = await add()
    const { secret: next } = await webhooks.rotate(hook.id)
    const stored = JSON.stringify(await rows('select * from webhook'))
    for (const each of [hook.secret, next]) expect(stored).not.toContain(each.slice('whsec_'.length))
    await ask()
    const [both] = (await sendAll()) as [Received]
    verify(hook.secret, both)
    verify(next, both)
    await database.pool.query(`update webhook set old_secret_until = now() - interval '1 second'`)
    await ask('another')
    const [one] = (await sendAll()) as [Received]
    verify(next, one)
    expect(() => verify(hook.secret, one)).toThrow()
  })

  it('that cannot be opened any more are a failure of that receiver alone', async () => {
    const hook = await add()
    await database.pool.query(`update webhook set secret = 'v1.x.y.z.w'`)
    const other = await add({ name: 'other' })
    await ask()
    await sendAll()
    expect(await stateOf(hook.id)).toEqual([{ state: 'waiting', attempts: 1 }])
    expect(await stateOf(other.id)).toEqual([{ state: 'done', attempts: 1 }])
  })
})

describe('what was asked and answered', () => {
  const textOf = (received: Received | undefined) => received?.body.data.text
  const words = { question: 'How tall is it?', answer: 'As tall as a tree.', cut: false }

  it('comes only where the admin asked for it and the place is public', async () => {
    await add({ withText: true, scope: 'workspace:test/team' })
    kinds = { open: 'public', closed: 'private', few: 'group', shared: 'external', chat: 'direct' }
    for (const channelId of [...Object.keys(kinds), 'unknown']) {
      await ask(channelId)
      expect(textOf((await sendAll())[0]), channelId).toEqual(channelId === 'open' ? words : undefined)
    }
    await ask('open', { isPrivate: true })
    expect(textOf((await sendAll())[0])).toBeUndefined()
  })

  it('comes from private places and direct chats only where they belong to the team of the receiver', async () => {
    await database.pool.query(`insert into team (id, name) values ($1, 'Research')`, [teamId])
    await database.pool.query(
      `insert into team_place (scope, team_id) values ('channel:test/team/closed', $1), ('channel:test/team/chat', $1), ('workspace:test/team', $1)`,
      [teamId],
    )
    kinds = { closed: 'private', chat: 'direct', elsewhere: 'private' }
    await add({ withText: true, scope: `team:${teamId}` })
    for (const [channelId, may] of Object.entries({ closed: true, chat: true, elsewhere: false })) {
      await ask(channelId)
      expect(textOf((await sendAll())[0]), channelId).toEqual(may ? words : undefined)
    }
    // An installation's or the channel's own receiver is none of the team.
    await database.pool.query('delete from webhook')
    for (const scope of ['all', 'channel:test/team/closed'] as const)
      await add({ name: `of-${scope.slice(0, 3)}`, withText: true, scope })
    await ask('closed')
    expect((await sendAll()).map(textOf)).toEqual([undefined, undefined])
  })

  it('stays away where the answer rests on a place that the receiver may not read, or on a file that is gone', async () => {
    await add({ withText: true, scope: 'workspace:test/team' })
    kinds = { open: 'public', closed: 'private', second: 'public' }
    for (const [key, kind] of Object.entries({ ...kinds, chat: 'direct' }))
      await database.pool.query(
        `insert into place (key, platform, workspace_id, channel_id, kind) values ('test/team/' || $1, 'test', 'team', $1, $2::place_kind)`,
        [key, kind],
      )
    await database.pool.query(
      `insert into share (id, place_key, content_hash, engine, title, shared_at)
       select key, key, 'h', 'e', 't', now() from place`,
    )
    const resting: Record<string, boolean> = {
      'test/team/second': true,
      'test/team/closed': false,
      'test/team/chat': false,
      'test/team/gone': false,
    }
    for (const [ref, may] of Object.entries(resting)) {
      const turnId = await ask('open')
      await database.pool.query(`update turn set rests_on = array[$2] where id = $1`, [turnId, ref])
      expect(textOf((await sendAll())[0]), ref).toEqual(may ? words : undefined)
    }
  })

  it('is read when it is sent, and stored nowhere beside the turn', async () => {
    const hook = await add({ withText: true })
    kinds = { general: 'public' }
    await ask()
    expect(textOf((await sendAll())[0])).toEqual(words)
    expect(JSON.stringify(await rows('select * from webhook_delivery'))).not.toMatch(/tall|tree/)
    await database.pool.query(`update turn set answer = null`)
    await webhooks.replay(hook.id, { since: new Date(0) })
    expect(textOf((await sendAll())[0])).toEqual({ ...words, answer: null })
  })
})

describe('deletion', () => {
  const forget = () => createForget({ database, collect: async () => {}, log: silentLog })

  it('of a question removes its events, sent or not', async () => {
    const hook = await add()
    const turns = createTurns(database)
    await ask()
    const asked = message({ channelId: 'another' })
    const { turnId } = await turns.accept(asked)
    await turns.claim(turnId, 'w', 60_000)
    await turns.finish(turnId, 'w', outcome('x'), null)
    await turns.withdraw('test', [asked.id])
    expect((await webhooks.deliveries(hook.id, 10)).map(({ eventId }) => eventId)).not.toContain(
      `turn_finished_${turnId}`,
    )
    expect(await webhooks.deliveries(hook.id, 10)).toHaveLength(1)
  })

  it('of a person removes whatever names them, and nothing of others', async () => {
    const hook = await add()
    await ask()
    const of = async (scope: string) => {
      const values = [hook.id, randomUUID(), scope]
      await database.pool.query(
        `insert into webhook_delivery (webhook_id, event_id, event, scope, data) values ($1, $2, 'budget.alert', $3, '{}')`,
        values,
      )
    }
    await of('user:test/team/ann')
    await of('user:test/team/bob')
    await forget().forget({ platform: 'test', workspaceId: 'team', userId: 'ann' }, 'ann')
    expect(await rows('select scope from webhook_delivery')).toEqual([{ scope: 'user:test/team/bob' }])
  })

  it('comes after a month by itself', async () => {
    await add()
    await ask()
    await sendAll()
    await ask('another')
    await database.pool.query(
      `update webhook_delivery set created_at = now() - interval '31 days' where state = 'done'`,
    )
    await createPrune(database, () => 1)()
    expect(await rows('select state from webhook_delivery')).toEqual([{ state: 'waiting' }])
  })
})
