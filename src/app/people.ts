/** The people who ask: persons behind accounts, the names of scopes, and how accounts are linked. A part of the composition root. */
import { withModelLabels } from '../admin/model-labels.ts'
import type { Config } from '../config.ts'
import type { Platform } from '../core/platform.ts'
import { createDirectory } from '../identity/directory.ts'
import { createLinking } from '../identity/linking.ts'
import { namedAdmins } from '../identity/people.ts'
import type { Model } from '../models/catalogue.ts'
import type { Closing } from '../ops/closing.ts'
import { createDirectoryRows, createScopeNames } from '../store/directory.ts'
import { createLinkCodes } from '../store/link-codes.ts'
import type { Accounts } from './accounts.ts'
import type { Messaging, State } from './services.ts'

const tellingMs = 30_000

interface Opening {
  config: Config
  state: Pick<State, 'database'>
  messaging: Pick<Messaging, 'channel'>
  accounts: Pick<Accounts, 'people' | 'invitations' | 'teams'>
  /** Those that are open by the time somebody asks. */
  platforms(): readonly Platform[]
  models(): Promise<readonly Model[]>
  opening: Closing
}

export async function openPeople({
  config,
  state: { database },
  messaging,
  accounts,
  platforms,
  models,
  opening,
}: Opening) {
  const platform = (name: string) => platforms().find((each) => each.name === name)
  const directory = await createDirectory({
    rows: createDirectoryRows(database, namedAdmins(config.admins)),
    channel: messaging.channel,
    accounts: (name) => platform(name)?.capabilities.accounts,
  })
  opening.defer('directory', () => directory.close())
  const linking = createLinking({
    codes: createLinkCodes(database),
    people: accounts.people,
    publicUrl: config.publicUrl,
    async notify(target, notice, key) {
      const transport = platform(target.conversation.platform)?.transport
      await transport?.notify?.(target, notice, { key, signal: AbortSignal.timeout(tellingMs) })
    },
  })
  const names = withModelLabels(createScopeNames(database), models)
  const { people, invitations, teams } = accounts
  return { directory, names, linking, teams, people, invitations, publicUrl: config.publicUrl }
}
