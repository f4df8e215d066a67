/** What admins met in the field with money, models and roles: each line once went wrong. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig, people } from '../../test/fakes/admin.ts'
import { call, cost, scopesFor } from '../../test/ledger-rig.ts'
import { usd } from '../core/money.ts'
import { scopeOf } from '../core/scope.ts'
import { countQuestion } from '../routing/complexity.ts'
import { route } from '../routing/router.ts'
import { createLedger } from '../store/ledger.ts'
import { commandWording, permissionWording, roleWording, templateWording } from '../wording/commands.ts'
import { modelWording } from '../wording/commands-models.ts'
import { budgetWording } from '../wording/commands-money.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const { owner, manager, member } = people
const plain = countQuestion({ text: 'Why?', instructions: [], files: [], images: 0, promptTokens: 1_000 })
const tooMuch = commandWording.wanted.usd

describe('amounts that no column holds', () => {
  it.each([
    'keys create huge 99999999999999999999 day',
    'keys create huge 1000000001 day',
    'models price gpt-5 1 99999999999999999999999',
    'models price gpt-5 --per-hour 1000000000.01',
    'budget set everywhere 9223372036.854775808 day',
    'budget grant everywhere 99999999999999999999 day',
  ])('are refused in a sentence, and nothing is made: %s', async (line) => {
    await using rig = await adminRig(server)
    await rig.say('budget set everywhere 5 day')
    expect((await rig.say(line)).text).toContain(tooMuch)
    expect(await rig.deps.keys.list()).toEqual([])
    expect((await rig.deps.models()).find(({ id }) => id === 'gpt-5')?.priceSource).toBe('configured')
    expect(await rig.deps.budgets.list()).toMatchObject([{ amount: usd('5'), extra: 0n }])
  })

  it('the most there is can be set, and no more granted to it', async () => {
    await using rig = await adminRig(server)
    await rig.say('budget set everywhere 1000000000 month')
    expect((await rig.say('budget grant everywhere 0.01 month')).text).toMatch(/at most a billion USD/)
  })

  it('a key whose budget cannot be set is not made either, and its name stays free', async () => {
    await using rig = await adminRig(server)
    await rig.say('timezone Asia/Tokyo for everywhere')
    // A zone that this PostgreSQL does not know: the budget fails after the key.
    await expect(
      rig.deps.keys.create({
        name: 'site',
        budget: { amount: usd('5'), period: 'day', timeZone: 'Nowhere/Land' },
        by: 'test',
        scopes: ['ask'],
      }),
    ).rejects.toThrow()
    expect(await rig.deps.keys.list()).toEqual([])
    await rig.say('keys create site 5 day')
    const [key] = await rig.deps.keys.list()
    expect(await rig.deps.budgets.list([scopeOf.key(key?.id ?? '')])).toMatchObject([
      { amount: usd('5'), timeZone: 'Asia/Tokyo' },
    ])
  })
})

describe('a wrong booking', () => {
  async function withBooking(amount: string) {
    const rig = await adminRig(server)
    const ledger = createLedger(rig.database)
    await rig.say('budget set channel 1000 month')
    const made = call(usd(amount))
    await ledger.reserve(made, scopesFor(made), { leaseMs: 60_000 })
    await ledger.settle(made.id, cost(usd(amount)))
    return { rig, made, ledger }
  }
  const spent = async (rig: Awaited<ReturnType<typeof adminRig>>) =>
    (await rig.deps.budgets.list(['channel:slack/T1/C1']))[0]?.spent

  it('is found by what it cost and corrected with a reason, in every sum, and the audit log says so', async () => {
    const { rig, made } = await withBooking('950')
    await using _rig = rig
    const listed = (await rig.say('budget bookings')).text
    expect(listed).toContain(`\`${made.id.slice(0, 8)}\`: $950.00, GPT-5`)
    const corrected = await rig.say(`budget correct ${made.id.slice(0, 8)} 0.02 140 million tokens for a word`)
    expect(corrected.text).toBe(
      budgetWording.corrected({ ...made, cost: usd('950'), estimated: false }, 'GPT-5', usd('0.02')),
    )
    expect(await spent(rig)).toBe(usd('0.02'))
    expect((await rig.say('usage today everywhere')).text).toContain('$0.02')
    expect((await rig.say('audit everywhere')).text).toContain(
      `Root corrected the cost of a call of openai/gpt-5 (${made.id.slice(0, 8)}) to $0.02 (was $950): “140 million tokens for a word”`,
    )
  })

  it('frees its budget, and the warnings that it brought may come again', async () => {
    const { rig, made, ledger } = await withBooking('990')
    await using _rig = rig
    expect((await ledger.claimAlerts()).map(({ threshold }) => threshold)).toEqual([80])
    await rig.say(`budget correct ${made.id} 600 counted twice`)
    const again = call(usd('300'))
    await ledger.reserve(again, scopesFor(again), { leaseMs: 60_000 })
    expect(await ledger.settle(again.id, cost(usd('300')))).toMatchObject({ alerts: 1 })
  })

  it.each([
    ['an id that is none', 'budget correct everything 1 because', budgetWording.noBooking('everything')],
    ['an unknown id', 'budget correct 00000000 1 because', budgetWording.noBooking('00000000')],
    ['an absurd amount', 'budget correct 00000000 99999999999999999999 because', tooMuch],
    ['no reason', 'budget correct 00000000 1', commandWording.missing('reason', 'Why, for the audit log')],
  ])('%s is refused in a sentence', async (_what, line, sentence) => {
    await using rig = await adminRig(server)
    expect((await rig.say(line)).text).toContain(sentence)
  })

  it('is for admins of the installation, because it is part of everybody’s budget', async () => {
    const { rig, made } = await withBooking('5')
    await using _rig = rig
    for (const who of [owner, manager, member])
      expect((await rig.say(`budget correct ${made.id} 0 mine`, who)).text).toMatch(/^Only /)
    expect((await rig.say('budget bookings', owner)).text).toMatch(/^Only /)
    expect(await spent(rig)).toBe(usd('5'))
  })
})

describe('keys are known by name', () => {
  it('in budgets and in the audit log', async () => {
    await using rig = await adminRig(server)
    await rig.say('keys create main 5 day')
    await rig.say('budget set key:main 7 day')
    expect((await rig.say('budget list')).text).toContain('The key `main`: $7.00 a day')
    expect((await rig.say('audit everywhere')).text).toContain('the daily budget for the key `main`')
    await rig.say('keys revoke main')
    expect((await rig.say('budget list')).text).toContain('The key `main`')
  })

  it('but nobody else learns which keys there are', async () => {
    await using rig = await adminRig(server)
    await rig.say('keys create main 5 day')
    for (const line of ['budget set key:NAME 5 day', 'budget remove key:NAME day', 'budget grant key:NAME 5 day']) {
      const answers = await Promise.all(
        ['main', 'other'].map(async (name) => (await rig.say(line.replace('NAME', name), owner)).text),
      )
      expect(answers[0]).toBe(answers[1])
      expect(answers[0]).toContain(permissionWording.installationAdmins)
    }
  })
})

describe('models', () => {
  it('`models default auto` lets the question decide, also where parley.yaml names a default', async () => {
    await using rig = await adminRig(server)
    const isDefault = async () => (await rig.deps.models()).some((model) => model.isDefault === true)
    expect(await isDefault()).toBe(true)
    expect((await rig.say('models default auto')).text).toBe(modelWording.noDefault('everyone', null))
    expect(await isDefault()).toBe(false)
    await rig.say('models default gpt-5')
    await rig.say('models default auto for channel')
    const chosen = route({ models: await rig.deps.models(), request: plain, defaultModel: 'auto' })
    expect(chosen.decision.by).toBe('tier')
    expect((await rig.say('models list gpt')).text).not.toContain('**default**')
  })

  it.each(['parley', 'auto', 'Parley', 'AUTO'])('%s is no alias, because it lets Parley choose', async (alias) => {
    await using rig = await adminRig(server)
    expect((await rig.say(`models alias ${alias} gpt-5`)).text).toBe(modelWording.aliasReserved(alias))
  })

  it('disabling the default says what answers then', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('models disable gpt-5')).text).not.toContain(modelWording.wasDefault)
    expect((await rig.say('models disable gpt-5-mini')).text).toContain(modelWording.wasDefault)
    await rig.say('models default gpt-5 for channel')
    expect((await rig.say('models disable gpt-5 for channel')).text).toContain(modelWording.wasDefault)
  })

  it('prices and --clear together are refused', async () => {
    await using rig = await adminRig(server)
    expect((await rig.say('models price gpt-5 1 2 --clear')).text).toContain(modelWording.priceOrClear)
  })
})

describe('roles', () => {
  const terminal = { platform: 'console', workspaceId: 'local', channelId: 'terminal' }
  const say = async (rig: Awaited<ReturnType<typeof adminRig>>, text: string) => {
    const author = { id: 'cli' }
    return (
      await rig.commands.command({
        id: randomUUID(),
        conversation: terminal,
        author,
        text,
        replyTarget: { conversation: terminal, data: null },
      })
    ).text
  }

  it('are set from the terminal for people of a platform, by their full id', async () => {
    await using rig = await adminRig(server, { admins: async () => ['console/local/cli'] })
    await say(rig, 'roles set slack/T1/U1 admin everywhere')
    await say(rig, 'roles set slack/T1/U2 manager channel:slack/T1/C1')
    await say(rig, 'roles set U3 admin workspace:slack/T1')
    const roles = async (scope: Parameters<typeof rig.deps.settings.read>[0][number]) =>
      (await rig.deps.settings.read([scope])).get(scope)?.roles
    expect(await roles('all')).toEqual({ 'slack/T1/U1': 'admin' })
    expect(await roles('channel:slack/T1/C1')).toMatchObject({ U2: 'manager' })
    expect(await roles('workspace:slack/T1')).toEqual({ U3: 'admin' })
  })

  it.each([
    ['roles set U1 admin everywhere', roleWording.notAPerson('U1')],
    ['roles set slack/U1 admin everywhere', roleWording.notAPerson('slack/U1')],
    ['roles set slack//U1 admin everywhere', roleWording.notAPerson('slack//U1')],
    ['roles set a/b/c/d admin everywhere', roleWording.notAPerson('a/b/c/d')],
    ['roles set slack/T2/U1 admin workspace:slack/T1', 'does not belong to'],
  ])('nobody is made an admin by a slip: %s', async (line, sentence) => {
    await using rig = await adminRig(server, { admins: async () => ['console/local/cli'] })
    expect(await say(rig, line)).toContain(sentence)
    expect((await rig.deps.settings.read(['all'])).get('all')?.roles).toBeUndefined()
  })
})

it.each(['{{ bad', 'Translate {{language}} to {{', 'closed }} only', '{{}} empty', '{{a b}} two words'])(
  'a template whose variable is broken is not saved: %s',
  async (text) => {
    await using rig = await adminRig(server)
    expect((await rig.say(`templates save s2 ${text}`)).text).toMatch(/is not a variable/)
    expect((await rig.say('templates list')).text).toBe(templateWording.none)
  },
)
