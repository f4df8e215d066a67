import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { silentLog } from '../core/log.ts'
import { createLocalChannel } from '../queue/channel.ts'
import { createAudit } from './audit.ts'
import { createCommandCalls } from './command-calls.ts'
import { type Database, openDatabase } from './database.ts'
import { createSettings } from './settings.ts'

let server: TestServer
const open: Database[] = []
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(async () => {
  await Promise.all(open.map((database) => database.close()))
  await server.dispose()
})

const by = { id: 'slack/T1/U1', name: 'Ada', via: 'command' }

async function rig(options: { now?: () => number } = {}) {
  const { connection } = await server.createDatabase()
  const channel = createLocalChannel()
  const database = openDatabase(connection, { log: silentLog })
  open.push(database)
  const settings = await createSettings({ database, channel, log: silentLog, ...options })
  return { database, channel, settings, audit: createAudit(database), connection }
}

describe('settings', () => {
  it('are read per scope as they were set', async () => {
    const { settings } = await rig()
    await settings.change('all', 'policy.localOnly', () => true, by)
    await settings.change('workspace:slack/T1', 'models.default', () => 'openai/gpt-5', by)
    const found = await settings.read(['all', 'workspace:slack/T1', 'channel:slack/T1/C1'])
    expect([...found]).toEqual([
      ['all', { 'policy.localOnly': true }],
      ['workspace:slack/T1', { 'models.default': 'openai/gpt-5' }],
      ['channel:slack/T1/C1', {}],
    ])
  })

  it('every change is in the audit log with author, old value and new value', async () => {
    const { settings, audit } = await rig()
    await settings.change('all', 'models.default', () => 'a/one', by)
    await settings.change('all', 'models.default', () => 'a/two', by)
    await settings.change('all', 'models.default', () => null, by)
    const entries = await audit.list({ limit: 10 })
    expect(entries.map(({ before, after }) => [before, after])).toEqual([
      ['a/two', null],
      ['a/one', 'a/two'],
      [null, 'a/one'],
    ])
    expect(entries[0]).toMatchObject({ by, scope: 'all', name: 'models.default' })
    expect(Date.now() - (entries[0]?.at.getTime() ?? 0)).toBeLessThan(60_000)
  })

  it('an unchanged value writes nothing', async () => {
    const { settings, audit } = await rig()
    await settings.change('all', 'models.disabled', () => ['a/one'], by)
    await settings.change('all', 'models.disabled', (before) => [...(before ?? [])], by)
    await settings.change('all', 'persona.language', () => null, by)
    expect(await audit.list({ limit: 10 })).toHaveLength(1)
  })

  it('forty concurrent additions to one list from two processes are all kept', async () => {
    const { settings, connection, audit } = await rig()
    const other = openDatabase(connection, { log: silentLog })
    open.push(other)
    const elsewhere = await createSettings({ database: other, channel: createLocalChannel(), log: silentLog })
    const words = Array.from({ length: 40 }, (_, n) => `a/${n}`)
    await Promise.all(
      words.map((word, n) =>
        (n % 2 === 0 ? settings : elsewhere).change(
          'all',
          'models.disabled',
          (before) => [...(before ?? []), word],
          by,
        ),
      ),
    )
    const list = (await settings.read(['all'])).get('all')?.['models.disabled'] ?? []
    expect(list.toSorted()).toEqual(words.toSorted())
    const log = await audit.list({ limit: 100 })
    expect(log).toHaveLength(40)
    const steps = log.toSorted((a, b) => size(a.after) - size(b.after))
    for (const [n, step] of steps.entries()) expect(step.before ?? []).toHaveLength(n)
  })

  it('a read needs no query until something changes, and then one', async () => {
    const { settings, database } = await rig()
    await settings.read(['all', 'workspace:slack/T1'])
    const before = database.roundTrips()
    for (let n = 0; n < 100; n += 1) await settings.read(['all', 'workspace:slack/T1'])
    expect(database.roundTrips()).toBe(before)
    await settings.change('all', 'policy.localOnly', () => true, by)
    const changed = database.roundTrips()
    expect((await settings.read(['all', 'workspace:slack/T1'])).get('all')).toEqual({ 'policy.localOnly': true })
    expect(database.roundTrips()).toBe(changed + 1)
  })

  it('a change in another process is seen with its message, or when the copy is too old', async () => {
    let time = 0
    const { settings, connection, channel } = await rig({ now: () => time })
    const other = openDatabase(connection, { log: silentLog })
    open.push(other)
    const told = await createSettings({ database: other, channel, log: silentLog })
    const untold = await createSettings({ database: other, channel: createLocalChannel(), log: silentLog })
    const localOnly = async () => (await settings.read(['all'])).get('all')?.['policy.localOnly']
    expect(await localOnly()).toBe(undefined)
    await told.change('all', 'policy.localOnly', () => true, by)
    await expect.poll(localOnly).toBe(true)
    await untold.change('all', 'policy.localOnly', () => null, by)
    expect(await localOnly()).toBe(true)
    time += 5001
    expect(await localOnly()).toBe(undefined)
  })

  it('an invalid value is rejected, and a stored one is ignored', async () => {
    const { settings, database } = await rig()
    await expect(settings.change('all', 'persona.temperature', () => 9, by)).rejects.toMatchObject({
      code: 'command_invalid',
    })
    await database.pool.query(
      `insert into setting values ('all', 'persona.temperature', '"hot"', gen_random_uuid()), ('all', 'of.tomorrow', '1', gen_random_uuid()),
       ('all', 'timezone', '"Europe/Berlin"', gen_random_uuid())`,
    )
    expect((await settings.read(['all'])).get('all')).toEqual({ timezone: 'Europe/Berlin' })
  })

  it('a workspace’s log covers its own channels and people only', async () => {
    const { settings, audit } = await rig()
    for (const scope of ['workspace:slack/T1', 'channel:slack/T1/C1', 'user:slack/T1/U1'] as const)
      await settings.change(scope, 'persona.language', () => 'German', by)
    for (const scope of ['all', 'workspace:slack/T10', 'channel:slack/T10/C1'] as const)
      await settings.change(scope, 'persona.language', () => 'Greek', by)
    const own = await audit.list({ workspace: 'workspace:slack/T1', limit: 10 })
    expect(own.map(({ after }) => after)).toEqual(['German', 'German', 'German'])
    // Names are percent-encoded in scopes: that sign must not stand for any text.
    await settings.change('channel:slack/T%2F1/C1', 'persona.language', () => 'Welsh', by)
    await settings.change('channel:slack/T-secret-2F1/C1', 'persona.language', () => 'Secret', by)
    const encoded = await audit.list({ workspace: 'workspace:slack/T%2F1', limit: 10 })
    expect(encoded.map(({ after }) => after)).toEqual(['Welsh'])
  })
})

describe('commands delivered twice', () => {
  it('run once, and get the first answer', async () => {
    const calls = createCommandCalls((await rig()).database)
    expect(await calls.begin('slack E1')).toEqual({ kind: 'begun' })
    expect(await calls.begin('slack E1')).toEqual({ kind: 'running' })
    await calls.end('slack E1', { text: 'done' })
    expect(await calls.begin('slack E1')).toEqual({ kind: 'ended', notice: { text: 'done' } })
  })

  it('run again when the first process died', async () => {
    const { database } = await rig()
    const calls = createCommandCalls(database)
    await calls.begin('slack E1')
    await database.pool.query(`update command_call set started_at = now() - interval '2 minutes'`)
    expect(await calls.begin('slack E1')).toEqual({ kind: 'begun' })
    await calls.abandon('slack E1')
    expect(await calls.begin('slack E1')).toEqual({ kind: 'begun' })
  })
})

const size = (value: unknown) => (Array.isArray(value) ? value.length : 0)
