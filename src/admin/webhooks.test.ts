/** What admins do with webhooks by command. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type AdminRig, adminRig, people } from '../../test/fakes/admin.ts'
import { permissionWording, scopeWording } from '../wording/commands.ts'
import { webhookEgressWording } from '../wording/requests.ts'
import { webhookWording as wording } from '../wording/webhooks.ts'

let server: TestServer
let rig: AdminRig
let tested: string[]
let woken: string[]
beforeAll(async () => {
  server = await startTestDatabase()
  rig = await adminRig(server, {
    sendTest: async (id) => {
      tested.push(id)
      return { problem: wording.answered(404) }
    },
    wakeWebhooks: async (cause) => void woken.push(cause),
  })
})
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]()
  await server?.dispose()
})
beforeEach(async () => {
  tested = []
  woken = []
  await rig.database.pool.query('delete from webhook; delete from audit')
})

const address = 'https://example.com/hooks/secret-token'
const secretIn = (text: string) => /whsec_[\w+/=]+/.exec(text)?.[0]
const say = async (line: string, ...rest: [Parameters<AdminRig['say']>[1]?, Parameters<AdminRig['say']>[2]?]) =>
  await rig.say(line, ...rest)

describe('webhooks', () => {
  it('are added with a secret that is shown once and alone, and never stored in clear or audited', async () => {
    const call = { id: 'E1' }
    const added = await say(`webhooks add crm <${address}>`, people.root, call)
    const secret = secretIn(added.text)
    expect(secret).toBeDefined()
    expect(added.private).toBe(true)
    // The same call, delivered again.
    const again = await say(`webhooks add crm <${address}>`, people.root, call)
    expect(again.text).toContain(wording.shownOnce('crm'))
    expect(secretIn(again.text)).toBeUndefined()
    const stored = await Promise.all(
      ['webhook', 'audit', 'command_call'].map((table) => rig.database.pool.query(`select * from ${table}`)),
    )
    const all = JSON.stringify(stored.map(({ rows }) => rows))
    expect(all).not.toContain(secret?.slice('whsec_'.length))
    const [entry] = await rig.deps.audit.list({ limit: 1 })
    expect(entry).toMatchObject({
      name: 'webhook',
      scope: 'all',
      before: null,
      after: { name: 'crm', origin: 'https://example.com' },
    })
    expect(JSON.stringify(entry)).not.toContain('secret-token')
    expect((await say('webhooks list')).text).toBe(
      `- ${wording.line({ name: 'crm', address, events: ['turn.finished', 'budget.alert', 'approval.asked'], who: scopeWording.everyone, withText: false, waiting: 0 }, wording.neverSent)}`,
    )
  })

  it('show no secret where others could read it', async () => {
    await using teams = await adminRig(server, { keepsSecrets: () => false })
    for (const line of [`webhooks add crm ${address}`, 'webhooks rotate crm'])
      expect((await teams.say(line)).text).toBe(wording.notPrivate)
    expect((await teams.say('webhooks list')).text).toBe(wording.none)
    expect(secretIn((await teams.say(`webhooks add crm ${address}`, people.root, { direct: true })).text)).toBeDefined()
  })

  it('are for admins, and each admin sees and changes those of their own places', async () => {
    for (const person of [people.member, people.manager])
      expect((await say(`webhooks add crm ${address}`, person)).text).toContain(permissionWording.askThem)
    expect((await say(`webhooks add crm ${address} for everywhere`, people.owner)).text).toContain(
      permissionWording.askThem,
    )
    expect((await say(`webhooks add crm ${address} for workspace:slack/T9`, people.owner)).text).toContain(
      permissionWording.askThem,
    )
    await say(`webhooks add whole ${address} for everywhere`)
    expect((await say(`webhooks add own ${address}`, people.owner)).text).toContain(
      wording.added('own', ['turn.finished', 'budget.alert', 'approval.asked'], 'this workspace', false),
    )
    expect((await say('webhooks list', people.owner)).text).not.toContain('whole')
    for (const verb of ['remove', 'rotate', 'test', 'enable', 'deliveries'])
      expect((await say(`webhooks ${verb} whole`, people.owner)).text).toBe(wording.unknown('whole'))
    expect((await say('webhooks replay whole failed', people.owner)).text).toBe(wording.unknown('whole'))
    expect((await say('webhooks list')).text).toMatch(/own[\s\S]*whole/)
  })

  it.each([
    ['webhooks add crm ftp://example.com', wording.addressWanted],
    ['webhooks add crm http://example.com/', webhookEgressWording.scheme('http:')],
    ['webhooks add crm https://10.0.0.7/', webhookEgressWording.notPublic],
    ['webhooks add crm https://me:word@example.com/', webhookEgressWording.credentials],
    [`webhooks add "two words" ${address}`, wording.notOneWord('two words')],
    [
      `webhooks add crm ${address} --events turn.begun`,
      wording.eventsWanted(['turn.finished', 'budget.alert', 'approval.asked']),
    ],
    [`webhooks add crm ${address} for me`, wording.wrongScope],
    [`webhooks add crm ${address} for model:gpt-5`, ''],
    ['webhooks replay crm soon', wording.replayWanted],
    ['webhooks test nothing', wording.unknown('nothing')],
  ])('%s is refused in a sentence', async (line, sentence) => {
    const notice = await say(line)
    expect(notice).toMatchObject({ failed: true, text: expect.stringContaining(sentence) })
    expect((await say('webhooks list')).text).toBe(wording.none)
  })

  it('have names of their own', async () => {
    await say(`webhooks add crm ${address}`)
    expect((await say(`webhooks add crm ${address}`)).text).toBe(wording.taken('crm'))
  })

  it('are tested, rotated, enabled, replayed and removed, each with its entry in the audit log', async () => {
    await say(`webhooks add crm ${address} --events budget.alert --text for channel`)
    expect((await say('webhooks test CRM')).text).toBe(wording.testFailed('crm', wording.answered(404)))
    expect(tested).toHaveLength(1)
    expect((await say('webhooks deliveries crm')).text).toMatch(/`test_[\w-]+`: waiting/)
    const rotated = await say('webhooks rotate crm')
    expect(secretIn(rotated.text)).toBeDefined()
    await rig.database.pool.query(`update webhook set state = 'disabled', reason = 'gone'`)
    expect((await say('webhooks list')).text).toContain(wording.isDisabled('gone', null))
    expect((await say('webhooks enable crm')).text).toBe(wording.enabled('crm'))
    await rig.database.pool.query(
      `insert into webhook_delivery (webhook_id, event_id, event, scope, data, state, attempts, status)
       select id, 'budget_alert_1', 'budget.alert', scope, '{}', 'failed', 10, 500 from webhook`,
    )
    expect((await say('webhooks replay crm failed')).text).toBe(wording.replayed('crm', 1))
    expect((await say('webhooks replay crm budget_alert_1')).text).toBe(wording.replayed('crm', 1))
    expect((await say('webhooks replay crm budget_alert_2')).text).toBe(wording.replayed('crm', 0))
    expect(woken).toHaveLength(3)
    const asked = await say('webhooks remove crm')
    expect(asked).toMatchObject({ text: wording.askRemove('crm'), private: true })
    const [button] = asked.buttons ?? []
    const line = button?.action.kind === 'command' ? button.action.text : ''
    expect((await say(line)).text).toBe(wording.removed('crm'))
    expect((await say('webhooks list')).text).toBe(wording.none)
    const entries = await rig.deps.audit.list({ limit: 10 })
    expect(entries.map(({ after }) => after)).toMatchObject([
      null,
      { replayed: 0 },
      { replayed: 1 },
      { replayed: 1 },
      { enabled: true },
      { rotated: true },
      { tested: true },
      { name: 'crm' },
    ])
  })
})
