import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { addPerson, addTeam, discordAccount, slackAccount } from '../../test/people.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import type { Capabilities } from '../core/platform.ts'
import { ownScope, type Spender, scopeOf, scopesOf, spenderOf } from '../core/scope.ts'
import { peopleChangedTopic } from '../core/topics.ts'
import { createLocalChannel } from '../queue/channel.ts'
import { createLedgerBudget, createLimitedScopes } from '../routing/ledger-budget.ts'
import { createBudgets } from '../store/budgets.ts'
import { openDatabase } from '../store/database.ts'
import { createDirectoryRows } from '../store/directory.ts'
import { createLedger } from '../store/ledger.ts'
import { createDirectory, isAccountNamed } from './directory.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const kinds: Record<string, Capabilities['accounts']> = {
  slack: 'workspace',
  teams: 'workspace',
  discord: 'platform',
  console: 'person',
}
const slack = { platform: 'slack', workspaceId: 'T1', channelId: 'C1' }
const guild = (workspaceId: string) => ({ platform: 'discord', workspaceId, channelId: '7' })
const page = { platform: 'console', workspaceId: 'local', channelId: 'thread' }

async function rig(more: { most?: number } = {}) {
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  const channel = createLocalChannel()
  let now = 0
  const directory = await createDirectory({
    rows: createDirectoryRows(database, []),
    channel,
    accounts: (platform) => kinds[platform],
    now: () => now,
    ...more,
  })
  const told = async () => {
    channel.publish(peopleChangedTopic, null)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    database,
    channel,
    directory,
    told,
    pass: (ms: number) => {
      now += ms
    },
    [Symbol.asyncDispose]: async () => {
      await directory.close()
      await database.close()
    },
  }
}

describe('whose account asks', () => {
  it('is one person in Slack, in each server of Discord and on the page', async () => {
    await using at = await rig()
    const ann = await addPerson(at.database, 'Ann', { accounts: [slackAccount('U1'), discordAccount('99')] })
    const { know } = at.directory
    const known = [
      await know({ id: 'U1' }, slack),
      await know({ id: '99' }, guild('1')),
      await know({ id: '99' }, guild('2')),
      await know({ id: ann }, page),
    ]
    expect(known.map(({ personId }) => personId)).toEqual([ann, ann, ann, ann])
    // The same id in another workspace is somebody else's.
    expect((await know({ id: 'U1' }, { ...slack, workspaceId: 'T2' })).personId).toBeUndefined()
    expect((await know({ id: 'local' }, page)).personId).toBeUndefined()
  })

  it('costs no statement again, strangers included, until people change or some seconds pass', async () => {
    await using at = await rig()
    const ask = async () => (await at.directory.know({ id: 'U1' }, slack)).personId
    expect(await ask()).toBeUndefined()
    const before = at.database.roundTrips()
    await ask()
    expect(at.database.roundTrips()).toBe(before)
    const ann = await addPerson(at.database, 'Ann', { accounts: [slackAccount('U1')] })
    expect(await ask()).toBeUndefined()
    await at.told()
    expect(await ask()).toBe(ann)
    await at.database.pool.query('delete from identity')
    at.pass(4999)
    expect(await ask()).toBe(ann)
    at.pass(1)
    expect(await ask()).toBeUndefined()
  })

  it('remembers a bounded number of accounts', async () => {
    await using at = await rig({ most: 3 })
    for (let n = 0; n < 10; n += 1) await at.directory.know({ id: `U${n}` }, slack)
    const before = at.database.roundTrips()
    await at.directory.know({ id: 'U9' }, slack)
    expect(at.database.roundTrips()).toBe(before)
    await at.directory.know({ id: 'U0' }, slack)
    expect(at.database.roundTrips()).toBe(before + 1)
  })

  it('tells guests of the installation and disabled people, whatever the platform says', async () => {
    await using at = await rig()
    await addPerson(at.database, 'Gus', { role: 'guest', accounts: [slackAccount('UG')] })
    const dan = await addPerson(at.database, 'Dan', { accounts: [slackAccount('UD')] })
    await at.database.prisma.person.update({ where: { id: dan }, data: { disabledAt: new Date() } })
    const { know } = at.directory
    expect((await know({ id: 'UG', membership: 'member' }, slack)).membership).toBe('guest')
    expect((await know({ id: 'UD', membership: 'owner' }, slack)).membership).toBe('disabled')
  })

  it('belongs to the team of the place, elsewhere to their own', async () => {
    await using at = await rig()
    const ann = await addPerson(at.database, 'Ann', { accounts: [slackAccount('U1')] })
    const sales = await addTeam(at.database, 'Sales', { places: ['channel:slack/T1/C1'] })
    const research = await addTeam(at.database, 'Research', { members: { [ann]: 'member' } })
    await addTeam(at.database, 'Costs', { members: { [ann]: 'viewer' } })
    const { know } = at.directory
    expect((await know({ id: 'U1' }, slack)).teamIds).toEqual([sales])
    expect((await know({ id: 'U1' }, { ...slack, channelId: 'C2' })).teamIds).toEqual([research])
    expect((await know({ id: 'U2' }, { ...slack, channelId: 'C2' })).teamIds).toBeUndefined()
    expect((await know({ id: ann }, page)).teamIds).toEqual([research])
  })
})

describe('names of accounts in parley.yaml', () => {
  it('mean one account, in Discord in every server', () => {
    expect(isAccountNamed(slackAccount('U1'), 'slack/T1/U1')).toBe(true)
    expect(isAccountNamed(slackAccount('U1'), 'slack/T2/U1')).toBe(false)
    expect(isAccountNamed(discordAccount('99'), 'discord/42/99')).toBe(true)
    expect(isAccountNamed(discordAccount('99'), 'discord/42/98')).toBe(false)
  })
})

describe('the budget of a person', () => {
  it('holds for all their accounts together, whoever is first', async () => {
    await using at = await rig()
    const ann = await addPerson(at.database, 'Ann', { accounts: [slackAccount('U1'), discordAccount('99')] })
    const budgets = createBudgets(at.database)
    await budgets.set({ scope: scopeOf.person(ann), period: 'month', amount: usd('1'), timeZone: 'UTC' }, 'test')
    const limited = await createLimitedScopes({ budgets, channel: at.channel, log: silentLog })
    const ledger = createLedger(at.database)
    const budget = createLedgerBudget({
      ledger,
      budgets,
      limited: limited.scopes,
      alert: async () => {},
      log: silentLog,
    })
    const { know } = at.directory
    const sides: Spender[] = [
      spenderOf(slack, await know({ id: 'U1' }, slack)),
      spenderOf(guild('1'), await know({ id: '99' }, guild('1'))),
      spenderOf(page, await know({ id: ann }, page)),
      spenderOf(
        { platform: 'api', workspaceId: 'api', channelId: 'k1' },
        await know({ id: 'k1', personId: ann }, { platform: 'api', workspaceId: 'api', channelId: 'k1' }),
        'k1',
      ),
    ]
    const tries = await Promise.allSettled(
      Array.from({ length: 40 }, (_, n) =>
        budget.reserve({
          id: crypto.randomUUID(),
          spender: sides[n % sides.length] as Spender,
          kind: 'answer',
          provider: 'openai',
          model: 'gpt-5',
          worst: usd('0.10'),
          price: {},
        }),
      ),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    const [state] = await budgets.list([scopeOf.person(ann)])
    expect(state?.left).toBe(0n)
    await budget.close()
    await limited.close()
  })

  it('is their own scope, after the account and before the key', () => {
    const spender: Spender = { ...slack, userId: 'U1', personId: 'p', teamIds: ['t'], keyId: 'k' }
    expect(ownScope(spender)).toBe('person:p')
    expect(scopesOf(spender)).toEqual([
      'all',
      'workspace:slack/T1',
      'team:t',
      'channel:slack/T1/C1',
      'user:slack/T1/U1',
      'person:p',
      'key:k',
    ])
  })
})
