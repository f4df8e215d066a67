/** Accounts: persons, how they sign in, and their sessions. A part of the composition root. */
import { setUpMinutes } from '../identity/invitations.ts'
import { createPasswordHasher } from '../identity/passwords.ts'
import { loginOf, namedAdmins } from '../identity/people.ts'
import { createSignIn } from '../identity/sign-in.ts'
import type { LetIn } from '../ops/routes.ts'
import type { Channel } from '../queue/channel.ts'
import { createAttempts } from '../store/attempts.ts'
import type { Database } from '../store/database.ts'
import { createInvitations } from '../store/invitations.ts'
import { createPasswords } from '../store/passwords.ts'
import { createPeople } from '../store/people.ts'
import { createSessions } from '../store/sessions.ts'
import { createTeams } from '../store/teams.ts'

export type Accounts = ReturnType<typeof openAccounts>

/** `admins`: as parley.yaml names them. */
export function openAccounts(database: Database, channel: Channel, admins: readonly string[]) {
  const deps = { database, channel, named: namedAdmins(admins) }
  const people = createPeople(deps)
  const sessions = createSessions(deps)
  const passwords = createPasswords(deps)
  const invitations = createInvitations(deps)
  const teams = createTeams(deps)
  const attempts = createAttempts(database)
  const hasher = createPasswordHasher()
  const signIn = createSignIn({ people, passwords, sessions, invitations, attempts, hasher })
  const byTerminal = { id: 'cli', via: 'command' }
  const letIn: LetIn = {
    setUp: () => invitations.createSetUpCode(setUpMinutes),
    async invite({ role, email }) {
      const known = email === undefined ? null : await passwords.byLogin(loginOf(email))
      const { code } = await invitations.create({ role, email, personId: known?.personId }, byTerminal)
      return { code, resets: known !== null }
    },
  }
  return { people, sessions, passwords, invitations, teams, signIn, letIn }
}
