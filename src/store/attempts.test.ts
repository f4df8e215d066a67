import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestAccounts } from '../../test/accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { attemptLimits } from '../identity/attempts.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())

const addresses = (count: number) => Array.from({ length: count }, (_, index) => `198.51.100.${index}`)

it('100 tries at once through several processes pass as often as the limit says', async () => {
  const db = await server.createDatabase()
  const processes = [openTestAccounts(db), openTestAccounts(db), openTestAccounts(db)]
  const tries = await Promise.all(
    Array.from({ length: 100 }, (_, index) => processes[index % 3]?.attempts.begin('ada@example.com', '192.0.2.1')),
  )
  expect(tries.filter((attempt) => attempt?.kind === 'in')).toHaveLength(attemptLimits.pair)
  for (const each of processes) await each[Symbol.asyncDispose]()
})

it('an account is closed to strangers after 20 tries from many addresses, but not to somebody who was let in from theirs before', async () => {
  await using accounts = openTestAccounts(await server.createDatabase())
  const { attempts, sessions } = accounts
  const home = { userAgent: 'Firefox', address: '192.0.2.1' }
  await sessions.create(await accounts.setUp(), home)
  const ada = 'ada@example.com'
  for (const address of addresses(attemptLimits.account))
    expect(await attempts.begin(ada, address)).toMatchObject({ kind: 'in' })
  const stranger = await attempts.begin(ada, '203.0.113.1')
  expect(stranger).toMatchObject({ kind: 'full' })
  expect(stranger.kind === 'full' && stranger.againMs).toBeLessThanOrEqual(15 * 60_000)
  const known = await attempts.begin(ada, home.address)
  if (known.kind !== 'in') throw new Error('the owner is locked out')
  // Their success forgets the wrong ones of the account.
  await attempts.succeed(known.id, ada, home.address)
  expect(await attempts.begin(ada, '203.0.113.1')).toMatchObject({ kind: 'in' })
  for (let n = 0; n < attemptLimits.pair; n += 1) await attempts.begin(ada, home.address)
  expect(await attempts.begin(ada, home.address)).toMatchObject({ kind: 'full' })
})

it('an address is closed from the 30th try, whatever accounts it names; a right one does not count', async () => {
  await using accounts = openTestAccounts(await server.createDatabase())
  const { attempts } = accounts
  const from = '2001:db8:1:2:3::1'
  const own = await attempts.begin('own@example.com', from)
  if (own.kind === 'in') await attempts.succeed(own.id, 'own@example.com', from)
  for (let n = 0; n < attemptLimits.address; n += 1)
    expect(await attempts.begin(`person${n}@example.com`, from)).toMatchObject({ kind: 'in' })
  expect(await attempts.begin('one@example.com', from)).toMatchObject({ kind: 'full' })
  // The rest of the same customer's network.
  expect(await attempts.begin('two@example.com', '2001:db8:1:2:ffff::')).toMatchObject({ kind: 'full' })
  expect(await attempts.begin('two@example.com', '2001:db8:1:3::1')).toMatchObject({ kind: 'in' })
  // An own account does not open it again.
  expect(await attempts.begin('own@example.com', from)).toMatchObject({ kind: 'full' })
})

it('tries that are 15 minutes old do not count, and a refused one does not prolong the wait', async () => {
  await using accounts = openTestAccounts(await server.createDatabase())
  const { attempts, database } = accounts
  const again = () => attempts.begin('ada@example.com', '192.0.2.1')
  for (let n = 0; n < attemptLimits.pair; n += 1) await again()
  const age = (minutes: number) =>
    database.pool.query(`update sign_in_attempt set at = at - make_interval(mins => $1)`, [minutes])
  await age(14)
  const refused = await again()
  expect(refused.kind === 'full' && refused.againMs).toBeLessThanOrEqual(60_000)
  await again()
  await age(1)
  expect(await again()).toMatchObject({ kind: 'in' })
  // The old ones are gone.
  expect((await database.pool.query('select from sign_in_attempt')).rowCount).toBe(3)
})
