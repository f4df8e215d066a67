/** The user who runs Parley lets the first people in from the terminal. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { setUpWording } from '../../src/wording/sign-in.ts'
import { type Accounts, goodPassword, here, openTestAccounts } from '../accounts-rig.ts'
import { startTestDatabase, type TestDatabase, type TestServer } from '../database.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')
let server: TestServer
let db: TestDatabase
let home: string
let parley: ParleyProcess
let accounts: Accounts
let settings: Record<string, string>

beforeAll(async () => {
  server = await startTestDatabase()
  db = await server.createDatabase()
  home = await temporaryHome()
  settings = { DATABASE_URL: db.url, PUBLIC_URL: 'https://parley.example' }
  parley = await startParley(home, settings)
  accounts = openTestAccounts(db)
})
afterAll(async () => {
  await accounts?.[Symbol.asyncDispose]()
  await parley?.[Symbol.asyncDispose]()
  await removeHome(home)
  await server?.dispose()
})

const type = (...words: string[]) => run([cli, ...words], environment(home, settings))
const ada = { name: 'Ada', email: 'ada@example.com', password: goodPassword }

it('from the first account to a forgotten password', async () => {
  const early = await type('invite')
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('create the first one')])

  const first = await type('set-up')
  const [, code = ''] =
    /^To create the first account, open https:\/\/parley\.example\/set-up#(\S+)\n/.exec(first.stdout) ?? []
  expect(code).toMatch(/^[a-z0-9]{5}(?:-[a-z0-9]{5}){3}$/)
  // The start printed one, too, which still works.
  const [, printed = ''] = /https:\/\/parley\.example\/set-up#(\S+)\n.*24 hours/.exec(parley.output()) ?? []
  expect(await accounts.invitations.isSetUpCode(printed)).toBe(true)
  await accounts.signIn.setUp(code, ada, here)
  expect(await accounts.invitations.isSetUpCode(printed)).toBe(false)
  const again = await type('set-up')
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already set up')])

  const invited = await type('invite', '--role', 'viewer')
  const [, invitation = ''] = /https:\/\/parley\.example\/invite\/(\S+)\n/.exec(invited.stdout) ?? []
  expect(invited.stdout).toMatch(/^Send this link to the person you invite/)
  expect(invited.stdout).not.toContain(setUpWording.thisMachine)
  const bea = { ...ada, name: 'Bea', email: 'bea@example.com' }
  const { personId } = await accounts.signIn.acceptInvitation(invitation, bea, here)
  expect(await accounts.people.find(personId)).toMatchObject({ name: 'Bea', role: 'viewer' })

  const forgotten = await type('invite', 'Ada@Example.com')
  expect(forgotten.stdout).toMatch(/^Send this link to the owner of the account/)
  const [, reset = ''] = /\/invite\/(\S+)\n/.exec(forgotten.stdout) ?? []
  const password = 'walrus lantern quartz'
  await accounts.signIn.acceptInvitation(reset, { password }, here)
  expect(await accounts.signIn.signIn({ ...ada, password }, here)).toHaveProperty('secret')
  expect((await accounts.people.list())[0]).toMatchObject({ name: 'Ada', role: 'admin' })

  expect((await type('invite', '--role', 'owner')).code).toBe(2)
  for (const secret of [code, printed, invitation, reset, password]) expect(parley.log()).not.toContain(secret)
})

it('nothing is printed where only this machine reaches the page, because no sign-in is needed', async () => {
  const local = await temporaryHome()
  const other = await server.createDatabase()
  await using alone = await startParley(local, { DATABASE_URL: other.url })
  await run([cli, 'status'], environment(local, { DATABASE_URL: other.url }))
  expect(alone.output()).not.toContain('no accounts')
  await removeHome(local)
})
