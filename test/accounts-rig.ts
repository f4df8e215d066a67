/** Accounts on a database of their own, as one process has them. Passwords are hashed cheaply. */
import { silentLog } from '../src/core/log.ts'
import type { IdentityKey, PersonRole } from '../src/core/person.ts'
import { createPasswordHasher } from '../src/identity/passwords.ts'
import { namedAdmins } from '../src/identity/people.ts'
import { createSignIn } from '../src/identity/sign-in.ts'
import { createLocalChannel } from '../src/queue/channel.ts'
import { createAttempts } from '../src/store/attempts.ts'
import { createAudit } from '../src/store/audit.ts'
import { openDatabase } from '../src/store/database.ts'
import { createInvitations } from '../src/store/invitations.ts'
import { createPasswords } from '../src/store/passwords.ts'
import { createPeople } from '../src/store/people.ts'
import { createSessions } from '../src/store/sessions.ts'
import type { TestDatabase } from './database.ts'

export const cheap = { memory: 64, passes: 2, parallelism: 1 }
export const goodPassword = 'plum tractor violin'
export const here = { userAgent: 'Firefox', address: '192.0.2.1' }
export const byTest = { id: 'cli', via: 'command' }

export type Accounts = ReturnType<typeof openTestAccounts>

export function openTestAccounts(db: Pick<TestDatabase, 'connection'>, admins: readonly string[] = []) {
  const database = openDatabase(db.connection, { log: silentLog })
  const channel = createLocalChannel()
  const named = namedAdmins(admins)
  const deps = { database, channel, named }
  const people = createPeople(deps)
  const sessions = createSessions(deps)
  const passwords = createPasswords(deps)
  const invitations = createInvitations(deps)
  const attempts = createAttempts(database)
  const hasher = createPasswordHasher(cheap)
  const signIn = createSignIn({ people, passwords, sessions, invitations, attempts, hasher })

  /** The first admin. */
  async function setUp(): Promise<string> {
    const account = { name: 'Ada Lovelace', email: 'ada@example.com', password: goodPassword }
    return (await signIn.createFirst(account, here)).personId
  }
  /** Somebody who accepted an invitation. */
  async function invited(name: string, role: PersonRole = 'member'): Promise<string> {
    const { code } = await invitations.create({ role }, byTest)
    const account = { name, email: `${name.toLowerCase()}@example.com`, password: goodPassword }
    return (await signIn.acceptInvitation(code, account, here)).personId
  }
  /** Somebody who is known from a chat and has never signed in. */
  async function fromChat(name: string, identity: IdentityKey): Promise<string> {
    const person = { name, email: null, role: 'member', signedIn: false } as const
    return (await people.create(person, { ...identity, name }, byTest)).id
  }
  return {
    ...{ database, channel, people, sessions, passwords, invitations, attempts, hasher, signIn },
    audit: createAudit(database),
    ...{ setUp, invited, fromChat },
    [Symbol.asyncDispose]: () => database.close(),
  }
}
