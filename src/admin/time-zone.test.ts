/** The time zone of budgets, from the typed line to the database. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { adminRig } from '../../test/fakes/admin.ts'
import { usd } from '../core/money.ts'
import { timeZoneWording } from '../wording/commands.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

it('the time zone is that of the configuration until a command sets another', async () => {
  await using rig = await adminRig(server, { timeZone: 'Asia/Tokyo' })
  expect((await rig.say('timezone')).text).toContain(timeZoneWording.current('Asia/Tokyo'))
  await rig.say('budget set workspace 20 month')
  expect(await rig.deps.budgets.list()).toMatchObject([{ timeZone: 'Asia/Tokyo' }])
  await rig.say('timezone UTC for workspace')
  expect((await rig.say('timezone')).text).toContain(timeZoneWording.current('UTC'))
})

it('a new time zone moves the budgets of its scope, and is audited', async () => {
  await using rig = await adminRig(server)
  for (const place of ['workspace', 'channel', 'everywhere', 'model:gpt-5-mini'])
    await rig.say(`budget set ${place} 20 month`)
  const zones = async () =>
    Object.fromEntries((await rig.deps.budgets.list()).map(({ scope, timeZone }) => [scope.split(':', 1)[0], timeZone]))
  const said = await rig.say('timezone Asia/Tokyo for workspace')
  expect(said.text).toContain(timeZoneWording.budgetsMoved(1))
  expect(await zones()).toEqual({ workspace: 'Asia/Tokyo', channel: 'UTC', all: 'UTC', model: 'UTC' })
  await rig.say('timezone Europe/Berlin for everywhere')
  expect(await zones()).toEqual({
    workspace: 'Asia/Tokyo',
    channel: 'UTC',
    all: 'Europe/Berlin',
    model: 'Europe/Berlin',
  })
  expect((await rig.deps.budgets.list()).every(({ amount }) => amount === usd('20'))).toBe(true)
  const log = await rig.deps.audit.list({ scopes: ['workspace:slack/T1'], limit: 5 })
  expect(log).toContainEqual(
    expect.objectContaining({
      name: 'budget month',
      before: { amount: '20', timeZone: 'UTC' },
      after: { amount: '20', timeZone: 'Asia/Tokyo' },
    }),
  )
})
