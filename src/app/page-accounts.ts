/** Accounts as the page's routes and the gate use them. A part of the composition root. */
import { createHash, randomUUID } from 'node:crypto'
import type { Accounts as PageAccounts } from '../../adapters/console/account.ts'
import type { AdminRoutes } from '../../adapters/console/admin.ts'
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import { scopeOf } from '../core/scope.ts'
import { createConfiguredFetch } from '../egress/configured.ts'
import { createFlows } from '../identity/flows.ts'
import { createProviders } from '../identity/providers/create.ts'
import { createSmtpMailer } from '../identity/providers/smtp.ts'
import { rememberSetUp } from '../identity/set-up.ts'
import { createClientAddress } from '../ops/client-address.ts'
import type { Closing } from '../ops/closing.ts'
import { createCookies } from '../ops/cookies.ts'
import { whyNotThisMachine } from '../ops/this-machine.ts'
import { createAudit } from '../store/audit.ts'
import { createFlowRows } from '../store/sign-in-flows.ts'
import type { Accounts } from './accounts.ts'
import type { Messaging, State } from './services.ts'

export interface OpenPageAccounts extends PageAccounts {
  recordReading: AdminRoutes['recordReading']
}

export async function openPageAccounts(
  config: Config,
  { database, forget }: Pick<State, 'database' | 'forget'>,
  { channel, settings }: Pick<Messaging, 'channel' | 'settings'>,
  { people, sessions, passwords, invitations, teams, signIn }: Accounts,
  opening: Closing,
  log: Log,
): Promise<OpenPageAccounts> {
  const remembered = await rememberSetUp(people.areSetUp, channel)
  opening.defer('memory of set-up', () => remembered.close())
  const audit = createAudit(database)
  const scope = (of: { personId: string } | { teamId: string }) =>
    'personId' in of ? scopeOf.person(of.personId) : scopeOf.team(of.teamId)
  return {
    people: { ...people, areSetUp: remembered.areSetUp },
    sessions,
    invitations,
    signIn,
    teams,
    hasPassword: async (personId) => (await passwords.ofPerson(personId)) !== null,
    async forgetChats(personId) {
      for (const account of await forget.accountsOf(personId)) await forget.forget(account, account.userId ?? '')
    },
    persona: {
      async read(of) {
        const set = (await settings.read([scope(of)])).get(scope(of))
        return { instructions: set?.['persona.instructions'] ?? null, language: set?.['persona.language'] ?? null }
      },
      async write(of, changes, by) {
        for (const name of ['instructions', 'language'] as const) {
          const text = changes[name]
          if (text !== undefined) await settings.change(scope(of), `persona.${name}`, () => text?.trim() || null, by)
        }
      },
    },
    flows: createFlows({
      providers: createProviders(config.signIn.providers, { fetchFrom: createConfiguredFetch() }),
      inviteOnly: config.signIn.inviteOnly,
      rows: createFlowRows(database),
      people,
      invitations,
      sessions,
      log,
    }),
    mailer: config.mail === undefined ? undefined : createSmtpMailer(config.mail),
    cookies: createCookies({
      publicUrl: config.publicUrl,
      // One home is one Parley on this machine.
      installation: createHash('sha256').update(config.home).digest('hex').slice(0, 4),
    }),
    addressOf: createClientAddress(config.trustedProxies),
    baseUrlOf: (request) =>
      config.publicUrl ?? (whyNotThisMachine(request) === undefined ? `http://${request.headers.host}` : undefined),
    async recordReading({ threadId, owner, reason }, by) {
      await audit.record({
        id: randomUUID(),
        by,
        scope: owner === null ? 'all' : scope({ personId: owner }),
        name: 'thread read',
        before: null,
        after: { thread: threadId, reason },
      })
    },
  }
}
