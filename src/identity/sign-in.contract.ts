/**
 * The laws of signing in at a provider, for any OpenID issuer: who comes in, as whom, and who does not. Each runs on a real database
 * and over real HTTP, with two processes that share nothing but the database.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { openAccounts } from '../app/accounts.ts'
import { type Log, silentLog } from '../core/log.ts'
import { createConfiguredFetch } from '../egress/configured.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createFlowRows } from '../store/sign-in-flows.ts'
import { createFlows, type Finished, type Flows, type Purpose } from './flows.ts'
import type { ProviderSettings } from './provider.ts'
import { createProviders } from './providers/create.ts'

export const redirectUri = 'https://parley.example.com/console/sign-in/work/callback'

/** An issuer as a test uses it. */
export interface IssuerRig {
  url: string
  clientId: string
  clientSecret: string
  scopes: string[]
  /** What the issuer says of an account from now on. */
  set(account: string, claims: Record<string, unknown>): void
  /** Signs in there and returns where the browser is sent back to. */
  signIn(address: string, account: string): Promise<URL>
  close(): Promise<void>
}

export const from = { userAgent: 'a test', address: '192.0.2.1' }
const quiet = { publish: () => undefined }

export interface Process {
  flows: Flows
  accounts: ReturnType<typeof openAccounts>
}

export interface Installation extends AsyncDisposable {
  database: Database
  /** Another process of the same Parley. */
  open(settings: readonly ProviderSettings[], more?: { inviteOnly?: boolean; admins?: string[]; log?: Log }): Process
  /** Signs in from the click to the way back, in a browser that knows nobody. */
  signIn(process: Process, issuer: IssuerRig, account: string, options?: { invitation?: string }): Promise<Finished>
  /** Everything that a sign-in might have made. */
  count(): Promise<{ people: number; identities: number; sessions: number }>
  adminId: string
}

export function settingsFor(issuer: IssuerRig, more: Partial<ProviderSettings> = {}): ProviderSettings {
  const { url, clientId, clientSecret, scopes } = issuer
  return {
    id: 'work',
    kind: 'oidc',
    label: 'Work',
    issuer: url,
    clientId,
    clientSecret,
    scopes,
    groupsClaim: 'groups',
    tenants: [],
    allow: { everyone: true, groups: [], domains: [] },
    roles: {},
    teams: {},
    trustEmail: false,
    prompt: undefined,
    ...more,
  }
}

/** A Parley whose first admin signs in by password. */
export async function install(server: TestServer): Promise<Installation> {
  const { connection } = await server.createDatabase()
  const opened: Database[] = []
  const openOne = () => {
    const database = openDatabase(connection, { log: silentLog, connections: 4 })
    opened.push(database)
    return database
  }
  const database = openOne()
  const first = await openAccounts(database, quiet as never, []).people.setUp({
    code: null,
    name: 'First Admin',
    login: 'first@example.com',
    email: 'first@example.com',
    passwordHash: 'none',
  })
  if (first.kind !== 'made') throw new Error('set-up failed')
  return {
    database,
    adminId: first.personId,
    open(settings, { inviteOnly = false, admins = [], log = silentLog } = {}) {
      const own = openOne()
      const accounts = openAccounts(own, quiet as never, admins)
      const providers = createProviders(settings, { fetchFrom: createConfiguredFetch() })
      const { people, invitations, sessions } = accounts
      const flows = createFlows({
        providers,
        inviteOnly,
        rows: createFlowRows(own),
        people,
        invitations,
        sessions,
        log,
      })
      return { flows, accounts }
    },
    async signIn(process, issuer, account, { invitation } = {}) {
      const purpose: Purpose = invitation === undefined ? { kind: 'signIn' } : { kind: 'invitation' }
      const { url, cookie } = await begin(process, purpose, invitation)
      const back = await issuer.signIn(url.href, account)
      return await finish(process, back, cookie)
    },
    async count() {
      const { rows } = await database.pool.query(`select (select count(*)::int from person) as people,
        (select count(*)::int from identity) as identities, (select count(*)::int from session) as sessions`)
      return rows[0]
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((each) => each.close()))
    },
  }
}

export async function begin(
  { flows }: Process,
  purpose: Purpose = { kind: 'signIn' },
  invitation?: string,
  id = 'work',
) {
  const provider = flows.find(id)
  if (provider === undefined) throw new Error(`no provider ${id}`)
  return await flows.begin(provider, purpose, { redirectUri, returnTo: '/t/1', invitation })
}

export async function finish({ flows }: Process, back: URL, cookie: string | undefined, provider = 'work') {
  return await flows.finish({ provider, parameters: back.searchParams, cookie, signedIn: null, from })
}

/** Who came in. Fails with the problem otherwise. */
export function personIn(finished: Finished): string {
  expect(finished).toMatchObject({ kind: 'entered' })
  return finished.kind === 'entered' ? finished.personId : ''
}

export const refusal = (problem: string) => expect.objectContaining({ kind: 'refused', problem })

export function signInContract(name: string, startIssuer: () => Promise<IssuerRig>): void {
  describe(`signing in at ${name}`, () => {
    let server: TestServer
    let issuer: IssuerRig
    let parley: Installation

    beforeAll(async () => {
      server = await startTestDatabase()
    })
    afterAll(() => server?.dispose())
    beforeEach(async () => {
      issuer = await startIssuer()
      parley = await install(server)
      issuer.set('ada', { name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true })
      issuer.set('eve', { name: 'Eve', email: 'eve@evil.example', email_verified: false })
      return async () => {
        await parley[Symbol.asyncDispose]()
        await issuer.close()
      }
    })

    it('makes one person, who is the same the next time', async () => {
      const process = parley.open([settingsFor(issuer)])
      const first = await parley.signIn(process, issuer, 'ada')
      expect(first).toMatchObject({ kind: 'entered', returnTo: '/t/1' })
      const again = await parley.signIn(process, issuer, 'ada')
      expect(personIn(again)).toBe(personIn(first))
      expect(await parley.count()).toEqual({ people: 2, identities: 1, sessions: 2 })
      const person = await process.accounts.people.find(personIn(first))
      expect(person).toMatchObject({ name: 'Ada Lovelace', email: 'ada@example.com', role: 'member' })
      expect(await process.accounts.sessions.find(again.kind === 'entered' ? again.secret : '')).toMatchObject({
        personId: personIn(first),
      })
    })

    it('begins at one process and ends at another', async () => {
      const [here, there] = [parley.open([settingsFor(issuer)]), parley.open([settingsFor(issuer)])]
      const { url, cookie } = await begin(here)
      personIn(await finish(there, await issuer.signIn(url.href, 'ada'), cookie))
    })

    it('counts one answer once, at whichever process it arrives', async () => {
      const processes = [parley.open([settingsFor(issuer)]), parley.open([settingsFor(issuer)])]
      const [here] = processes
      const { url, cookie } = await begin(here as Process)
      const back = await issuer.signIn(url.href, 'ada')
      const tries = Array.from({ length: 10 }, (_, at) => finish(processes[at % 2] as Process, back, cookie))
      const ends = await Promise.all(tries)
      expect(ends.filter(({ kind }) => kind === 'entered')).toHaveLength(1)
      expect(ends.filter(({ kind }) => kind === 'refused')).toHaveLength(9)
      expect((await parley.count()).sessions).toBe(1)
    })

    it('refuses an answer in a browser that began nothing, or began something else', async () => {
      const process = parley.open([settingsFor(issuer)])
      const { url, cookie } = await begin(process)
      const back = await issuer.signIn(url.href, 'eve')
      const ada = await begin(process)
      expect(await finish(process, back, undefined)).toEqual(refusal('sign_in_expired'))
      expect(await finish(process, back, 'x'.repeat(43))).toEqual(refusal('sign_in_expired'))
      expect(await finish(process, back, ada.cookie)).toEqual(refusal('sign_in_forged'))
      expect(await parley.count()).toMatchObject({ people: 1, sessions: 0 })
      // Neither flow was used up by that.
      personIn(await finish(process, back, cookie))
      personIn(await finish(process, await issuer.signIn(ada.url.href, 'ada'), ada.cookie))
    })

    it('refuses a flow that took too long', async () => {
      const process = parley.open([settingsFor(issuer)])
      const { url, cookie } = await begin(process)
      const back = await issuer.signIn(url.href, 'ada')
      await parley.database.pool.query(`update sign_in_flow set expires_at = now() - interval '1 second'`)
      expect(await finish(process, back, cookie)).toEqual(refusal('sign_in_expired'))
      expect(await parley.count()).toMatchObject({ people: 1, sessions: 0 })
    })

    it('refuses the answer of one provider at the address of another', async () => {
      const settings = [settingsFor(issuer), settingsFor(issuer, { id: 'other' })]
      const process = parley.open(settings)
      const { url, cookie } = await begin(process)
      const back = await issuer.signIn(url.href, 'ada')
      expect(await finish(process, back, cookie, 'other')).toEqual(refusal('sign_in_forged'))
    })

    it('refuses a code that was stolen from another flow', async () => {
      const process = parley.open([settingsFor(issuer)])
      const stolen = await issuer.signIn((await begin(process)).url.href, 'eve')
      const { url, cookie } = await begin(process)
      stolen.searchParams.set('state', url.searchParams.get('state') ?? '')
      expect(await finish(process, stolen, cookie)).toEqual(refusal('sign_in_code_invalid'))
      expect(await parley.count()).toMatchObject({ people: 1, sessions: 0 })
    })

    it('keeps nothing in the database that works as a cookie or a token', async () => {
      const process = parley.open([settingsFor(issuer)])
      const { url, cookie } = await begin(process)
      const back = await issuer.signIn(url.href, 'ada')
      const ended = await finish(process, back, cookie)
      const secret = ended.kind === 'entered' ? ended.secret : ''
      const tables = ['sign_in_flow', 'session', 'identity', 'person', 'audit']
      const stored = await Promise.all(
        tables.map(async (table) => JSON.stringify((await parley.database.pool.query(`select * from ${table}`)).rows)),
      )
      for (const text of stored) {
        expect(text).not.toContain(cookie)
        expect(text).not.toContain(secret)
        expect(text).not.toContain(back.searchParams.get('code'))
        expect(text).not.toMatch(/eyJ[\w-]{20,}\./)
      }
    })

    it('lets nobody in by themselves where nothing is allowed, and says which of both it is', async () => {
      const nobody = { everyone: false, groups: [], domains: [] }
      const closed = parley.open([settingsFor(issuer, { allow: nobody })])
      expect(await parley.signIn(closed, issuer, 'ada')).toEqual(refusal('sign_in_not_allowed'))
      const byInvitation = parley.open([settingsFor(issuer)], { inviteOnly: true })
      expect(await parley.signIn(byInvitation, issuer, 'ada')).toEqual(refusal('sign_in_not_invited'))
      expect(await parley.count()).toEqual({ people: 1, identities: 0, sessions: 0 })
    })

    it('lets a domain in only with an address that the issuer vouches for', async () => {
      const allow = { everyone: false, groups: [], domains: ['example.com'] }
      const process = parley.open([settingsFor(issuer, { allow })])
      issuer.set('mallory', { name: 'Mallory', email: 'mallory@example.com', email_verified: false })
      issuer.set('sub', { name: 'Sub', email: 'x@sub.example.com', email_verified: true })
      expect(await parley.signIn(process, issuer, 'mallory')).toEqual(refusal('sign_in_email_unverified'))
      expect(await parley.signIn(process, issuer, 'sub')).toEqual(refusal('sign_in_not_allowed'))
      personIn(await parley.signIn(process, issuer, 'ada'))
    })

    it('never lets an address make somebody somebody else', async () => {
      const process = parley.open([settingsFor(issuer)])
      const ada = personIn(await parley.signIn(process, issuer, 'ada'))
      issuer.set('mallory', { name: 'Ada Lovelace', email: 'ada@example.com', email_verified: true })
      issuer.set('root', { name: 'First Admin', email: 'first@example.com', email_verified: true })
      const mallory = personIn(await parley.signIn(process, issuer, 'mallory'))
      const root = personIn(await parley.signIn(process, issuer, 'root'))
      expect(new Set([ada, mallory, root, parley.adminId]).size).toBe(4)
      expect(await process.accounts.people.find(root)).toMatchObject({ role: 'member' })
    })

    describe('with trustEmail', () => {
      it('links a verified address to the one person whom an admin invited by it', async () => {
        const { accounts } = parley.open([])
        const by = { id: `console/local/${parley.adminId}`, via: 'page' }
        const { code } = await accounts.invitations.create({ role: 'viewer', email: 'Ada@Example.com' }, by)
        const proof = { kind: 'password', login: 'ada@example.com', email: 'ada@example.com', hash: 'none' } as const
        const invited = await accounts.invitations.accept(code, 'Ada', proof)
        const process = parley.open([settingsFor(issuer, { trustEmail: true })])
        expect(personIn(await parley.signIn(process, issuer, 'ada'))).toBe(invited?.personId)
        // Somebody who gets the same address later is somebody else.
        issuer.set('ada2', { name: 'Ada the second', email: 'ada@example.com', email_verified: true })
        expect(personIn(await parley.signIn(process, issuer, 'ada2'))).not.toBe(invited?.personId)
      })

      it('does not link an address that is not verified', async () => {
        issuer.set('mallory', { name: 'Mallory', email: 'first@example.com', email_verified: false })
        const process = parley.open([settingsFor(issuer, { trustEmail: true })])
        expect(personIn(await parley.signIn(process, issuer, 'mallory'))).not.toBe(parley.adminId)
      })

      it('does not link an address that a person claimed for themselves', async () => {
        const untrusted = parley.open([settingsFor(issuer)])
        const eve = personIn(await parley.signIn(untrusted, issuer, 'eve'))
        await untrusted.accounts.people.setProfile(eve, { email: 'ada@example.com' })
        const process = parley.open([settingsFor(issuer, { trustEmail: true, id: 'work' })])
        expect(personIn(await parley.signIn(process, issuer, 'ada'))).not.toBe(eve)
      })

      it('links to nobody where two have the address', async () => {
        const process = parley.open([settingsFor(issuer, { trustEmail: true })])
        const eve = personIn(await parley.signIn(parley.open([settingsFor(issuer)]), issuer, 'eve'))
        await parley.database.pool.query(`update person set vouched_email = 'first@example.com' where id = $1`, [eve])
        await parley.database.pool.query(`delete from identity`)
        issuer.set('root', { name: 'Root', email: 'first@example.com', email_verified: true })
        const root = personIn(await parley.signIn(process, issuer, 'root'))
        expect([eve, parley.adminId]).not.toContain(root)
      })
    })

    describe('with an invitation', () => {
      const by = { id: 'cli', via: 'cli' }

      it('gives what the invitation says, whoever is allowed otherwise', async () => {
        const nobody = { everyone: false, groups: [], domains: [] }
        const process = parley.open([settingsFor(issuer, { allow: nobody })], { inviteOnly: true })
        const { code } = await process.accounts.invitations.create({ role: 'viewer' }, by)
        const ada = personIn(await parley.signIn(process, issuer, 'ada', { invitation: code }))
        expect(await process.accounts.people.find(ada)).toMatchObject({ role: 'viewer', name: 'Ada Lovelace' })
        expect(personIn(await parley.signIn(process, issuer, 'ada'))).toBe(ada)
      })

      it('works once', async () => {
        const process = parley.open([settingsFor(issuer)], { inviteOnly: true })
        const { code } = await process.accounts.invitations.create({ role: 'member' }, by)
        const flows = [
          await begin(process, { kind: 'invitation' }, code),
          await begin(process, { kind: 'invitation' }, code),
        ]
        const [ada, eve] = flows.map(async ({ url, cookie }, at) =>
          finish(process, await issuer.signIn(url.href, at === 0 ? 'ada' : 'eve'), cookie),
        )
        const ends = await Promise.all([ada, eve])
        expect(ends.map((each) => each?.kind).toSorted()).toEqual(['entered', 'refused'])
        expect(ends).toContainEqual(refusal('sign_in_invitation_invalid'))
        expect((await parley.count()).people).toBe(2)
        await expect(begin(process, { kind: 'invitation' }, code)).rejects.toMatchObject({
          code: 'sign_in_invitation_invalid',
        })
      })

      it('lets somebody who is known from a chat sign in, as themselves', async () => {
        const process = parley.open([settingsFor(issuer)], { inviteOnly: true })
        const { people, invitations } = process.accounts
        const identity = { provider: 'oidc', issuer: issuer.url, subject: 'ada' }
        const known = await people.create({ name: 'ada', email: null, role: 'guest', signedIn: false }, identity, by)
        expect(await parley.signIn(process, issuer, 'ada')).toEqual(refusal('sign_in_not_invited'))
        const { code } = await invitations.create({ role: 'member' }, by)
        expect(personIn(await parley.signIn(process, issuer, 'ada', { invitation: code }))).toBe(known.id)
        expect(await people.find(known.id)).toMatchObject({ role: 'member' })
      })
    })

    it('refuses a disabled person with their own sentence', async () => {
      const process = parley.open([settingsFor(issuer)])
      const ada = personIn(await parley.signIn(process, issuer, 'ada'))
      await process.accounts.people.setDisabled(ada, true, { id: 'cli', via: 'cli' })
      expect(await parley.signIn(process, issuer, 'ada')).toEqual(refusal('sign_in_account_disabled'))
      expect((await parley.count()).sessions).toBe(0)
    })

    describe('with groups', () => {
      const roles = { bosses: 'admin', money: 'viewer', contractors: 'guest' } as const
      const teams = {
        help: { team: 'Support', role: 'member' },
        leads: { team: 'Support', role: 'manager' },
        lab: { team: 'Research', role: 'member' },
      } as const
      const asGroups = (...groups: string[]) =>
        issuer.set('ada', { name: 'Ada', email: 'ada@example.com', email_verified: true, groups })

      it('takes the widest role at every sign-in, and takes it away again', async () => {
        const process = parley.open([settingsFor(issuer, { roles })])
        const roleWith = async (...groups: string[]) => {
          asGroups(...groups)
          const id = personIn(await parley.signIn(process, issuer, 'ada'))
          return (await process.accounts.people.find(id))?.role
        }
        expect(await roleWith('money', 'bosses', 'contractors')).toBe('admin')
        expect(await roleWith('money')).toBe('viewer')
        expect(await roleWith('something else')).toBe('member')
        expect(await roleWith('contractors')).toBe('guest')
        expect(await roleWith()).toBe('guest')
        expect(await roleWith('bosses')).toBe('admin')
      })

      it('leaves roles alone where none are mapped', async () => {
        const process = parley.open([settingsFor(issuer)])
        const ada = personIn(await parley.signIn(process, issuer, 'ada'))
        await process.accounts.people.setRole(ada, 'viewer', { id: 'cli', via: 'cli' })
        await parley.signIn(process, issuer, 'ada')
        expect(await process.accounts.people.find(ada)).toMatchObject({ role: 'viewer' })
      })

      it('joins teams and leaves them, but for those that an admin chose by hand', async () => {
        const process = parley.open([settingsFor(issuer, { teams })])
        const teamsWith = async (...groups: string[]) => {
          asGroups(...groups)
          const id = personIn(await parley.signIn(process, issuer, 'ada'))
          const people = await process.accounts.people.list()
          return people.find((person) => person.id === id)?.teams.map(({ name, role }) => `${name}:${role}`)
        }
        expect(await teamsWith('help', 'leads', 'lab')).toEqual(['Research:member', 'Support:manager'])
        expect(await teamsWith('help')).toEqual(['Support:member'])
        await parley.database.pool.query(`insert into team_member (team_id, person_id, role)
          select team.id, person.id, 'viewer' from team, person where team.name = 'Research' and person.name = 'Ada'`)
        expect(await teamsWith()).toEqual(['Research:viewer'])
      })

      it('never takes the right of admins who are named in parley.yaml', async () => {
        const admins = [`oidc:${issuer.url}#ada`]
        const process = parley.open([settingsFor(issuer, { roles })], { admins })
        asGroups('contractors')
        const ada = personIn(await parley.signIn(process, issuer, 'ada'))
        expect(await process.accounts.people.find(ada)).toMatchObject({ role: 'admin', namedAdmin: true })
      })

      it('lets people in by group', async () => {
        const allow = { everyone: false, groups: ['help'], domains: [] }
        const process = parley.open([settingsFor(issuer, { allow })])
        asGroups('lab')
        expect(await parley.signIn(process, issuer, 'ada')).toEqual(refusal('sign_in_not_allowed'))
        asGroups('lab', 'help')
        personIn(await parley.signIn(process, issuer, 'ada'))
      })
    })

    describe('to connect an account', () => {
      it('gives it to whoever is signed in, who may sign in with it from then on', async () => {
        const process = parley.open([settingsFor(issuer)])
        const eve = personIn(await parley.signIn(process, issuer, 'eve'))
        const { url, cookie } = await begin(process, { kind: 'connect', personId: eve })
        const back = await issuer.signIn(url.href, 'ada')
        const signedIn = { personId: eve, name: 'Eve', role: 'member', sessionId: eve } as const
        const parameters = back.searchParams
        const ended = await process.flows.finish({ provider: 'work', parameters, cookie, signedIn, from })
        expect(ended).toMatchObject({ kind: 'connected' })
        expect(personIn(await parley.signIn(process, issuer, 'ada'))).toBe(eve)
      })

      it('does nothing for who is signed out or somebody else by then', async () => {
        const process = parley.open([settingsFor(issuer)])
        const eve = personIn(await parley.signIn(process, issuer, 'eve'))
        for (const signedIn of [
          null,
          { personId: parley.adminId, name: 'A', role: 'admin', sessionId: eve } as const,
        ]) {
          const { url, cookie } = await begin(process, { kind: 'connect', personId: eve })
          const { searchParams: parameters } = await issuer.signIn(url.href, 'ada')
          const ended = await process.flows.finish({ provider: 'work', parameters, cookie, signedIn, from })
          expect(ended).toEqual(refusal('sign_in_session_changed'))
        }
        expect((await parley.count()).identities).toBe(1)
      })

      it('takes no account of somebody who signs in', async () => {
        const process = parley.open([settingsFor(issuer)])
        const eve = personIn(await parley.signIn(process, issuer, 'eve'))
        const ada = personIn(await parley.signIn(process, issuer, 'ada'))
        const { url, cookie } = await begin(process, { kind: 'connect', personId: eve })
        const { searchParams: parameters } = await issuer.signIn(url.href, 'ada')
        const signedIn = { personId: eve, name: 'Eve', role: 'member', sessionId: eve } as const
        const ended = await process.flows.finish({ provider: 'work', parameters, cookie, signedIn, from })
        expect(ended).toEqual(refusal('sign_in_account_taken'))
        expect(personIn(await parley.signIn(process, issuer, 'ada'))).toBe(ada)
      })

      it('makes one person of the one who signs in and the one who is known from chats alone', async () => {
        const process = parley.open([settingsFor(issuer)])
        const eve = personIn(await parley.signIn(process, issuer, 'eve'))
        const identity = { provider: 'oidc', issuer: issuer.url, subject: 'ada' }
        const known = { name: 'ada', email: null, role: 'member', signedIn: false } as const
        const chat = await process.accounts.people.create(known, identity, { id: 'cli', via: 'cli' })
        const { url, cookie } = await begin(process, { kind: 'connect', personId: eve })
        const { searchParams: parameters } = await issuer.signIn(url.href, 'ada')
        const signedIn = { personId: eve, name: 'Eve', role: 'member', sessionId: eve } as const
        expect(await process.flows.finish({ provider: 'work', parameters, cookie, signedIn, from })).toMatchObject({
          kind: 'connected',
        })
        expect(await process.accounts.people.find(chat.id)).toBeNull()
        expect(await process.accounts.people.personOf(identity)).toBe(eve)
      })
    })

    it('shows an admin which claims came, and signs nobody in for it', async () => {
      const process = parley.open([settingsFor(issuer)])
      expect(await process.flows.claimsOf('work')).toBeNull()
      const { url, cookie } = await begin(process, { kind: 'try' })
      const ended = await finish(process, await issuer.signIn(url.href, 'ada'), cookie)
      expect(ended).toEqual({ kind: 'tried', returnTo: '/t/1' })
      const claims = await process.flows.claimsOf('work')
      expect(claims).toEqual(expect.arrayContaining(['email', 'email_verified', 'name', 'sub']))
      expect(JSON.stringify(claims)).not.toContain('Lovelace')
      expect(await parley.count()).toEqual({ people: 1, identities: 0, sessions: 0 })
    })
  })
}
