/** Sign-in at a provider as it is installed: two processes, parley.yaml, and an issuer that is down when they start. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestAccounts } from '../accounts-rig.ts'
import { startTestDatabase, type TestServer } from '../database.ts'
import { freePort } from '../servers/free-port.ts'
import { startOidcProvider } from '../servers/oidc-provider.ts'
import { type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

const publicUrl = 'https://parley.example.com'
const callback = `${publicUrl}/console/sign-in/work/callback`
const proxied = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' }

let server: TestServer
/** Where nobody listens while they start. */
let port: number
let here: ParleyProcess
let there: ParleyProcess
const folders: string[] = []

beforeAll(async () => {
  server = await startTestDatabase()
  port = await freePort()
  const cwd = await mkdtemp(join(tmpdir(), 'parley-config-'))
  folders.push(cwd, await temporaryHome(), await temporaryHome())
  await writeFile(
    join(cwd, 'parley.yaml'),
    `signIn:
  providers:
    - id: work
      kind: oidc
      issuer: http://127.0.0.1:${port}
      clientId: parley
      clientSecretVariable: WORK_SECRET
      scopes: [openid, profile, email, groups]
      allow: { groups: [staff] }
      roles: { money: viewer }
`,
  )
  const database = await server.createDatabase()
  await using accounts = openTestAccounts(database)
  await accounts.setUp()
  const env = {
    ROLE: 'gateway',
    DATABASE_URL: database.url,
    PUBLIC_URL: publicUrl,
    WORK_SECRET: 'a secret of the client',
  }
  const [, ...homes] = folders
  ;[here, there] = (await Promise.all(homes.map((home) => startParley(home, env, cwd)))) as [
    ParleyProcess,
    ParleyProcess,
  ]
})
afterAll(async () => {
  await Promise.all([here, there].map((each) => each?.[Symbol.asyncDispose]()))
  await server?.dispose()
  for (const folder of folders) await removeHome(folder)
})

it('begins at one process and ends at another, with an issuer that came up after both, and with roles by group', async () => {
  const begin = () => fetch(`${here.url}/console/sign-in/work?returnTo=/`, { redirect: 'manual', headers: proxied })
  expect((await begin()).headers.get('location')).toBe('/sign-in?problem=sign_in_provider_unreachable')

  const issuer = await startOidcProvider([callback], port)
  try {
    issuer.accounts.ada = { name: 'Ada', email: 'ada@example.com', email_verified: true, groups: ['staff', 'money'] }
    const sent = await begin()
    const cookie = sent.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    expect(cookie).toMatch(/^__Host-parley-flow=/)
    const back = await issuer.signIn(sent.headers.get('location') ?? '', 'ada')
    expect(back.href.startsWith(`${callback}?`)).toBe(true)

    const address = there.url + back.pathname + back.search
    const answer = await fetch(address, { redirect: 'manual', headers: { cookie, ...proxied } })
    expect(answer.headers.get('location')).toBe('/')
    const session = answer.headers.getSetCookie().find((each) => each.startsWith('__Host-parley='))
    const signedIn = { cookie: session?.split(';')[0] ?? '', ...proxied }
    for (const { url } of [here, there]) {
      const state = await (await fetch(`${url}/console/session`, { headers: signedIn })).json()
      expect(state).toMatchObject({ setUp: true, person: { name: 'Ada', role: 'viewer' }, providers: [{ id: 'work' }] })
    }
    const again = await fetch(address, { redirect: 'manual', headers: { cookie, ...proxied } })
    expect(again.headers.get('location')).toBe('/sign-in?problem=sign_in_expired')

    // Nothing of the way back is in the log.
    expect(here.log() + there.log()).not.toContain(back.searchParams.get('code'))
    expect(here.log() + there.log()).not.toContain('a secret of the client')
  } finally {
    await issuer.close()
  }
})
