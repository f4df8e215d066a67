/** Commands on a real database, as people type them: `say('models list', admin)`. Tests pass in parts that need servers. */
import { randomUUID } from 'node:crypto'
import { catalogueChanges } from '../../src/admin/changes.ts'
import { type CommandServices, createCommands, type TableDeps } from '../../src/admin/commands.ts'
import { withModelLabels } from '../../src/admin/model-labels.ts'
import { chartPng } from '../../src/admin/providers/chart-png.ts'
import { createCollector } from '../../src/blobs/blobs.ts'
import type { CommandCall, Notice } from '../../src/core/command.ts'
import { type Log, silentLog } from '../../src/core/log.ts'
import type { Author, IncomingMessage } from '../../src/core/message.ts'
import { createSender } from '../../src/egress/send.ts'
import { createDirectory, type Directory } from '../../src/identity/directory.ts'
import { createLinking } from '../../src/identity/linking.ts'
import { namedAdmins } from '../../src/identity/people.ts'
import { type ConfiguredModel, createCatalogue } from '../../src/models/catalogue.ts'
import type { LocalModels } from '../../src/models/local-models.ts'
import { readPrice } from '../../src/models/price.ts'
import { createExtractiveProvider } from '../../src/models/providers/extractive.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { createHealth } from '../../src/routing/health.ts'
import { createLedgerBudget } from '../../src/routing/ledger-budget.ts'
import { createPlaceReaders } from '../../src/search/places.ts'
import { createPlaceRows } from '../../src/search/providers/places-postgres.ts'
import { createAudit } from '../../src/store/audit.ts'
import { createBlobReferences } from '../../src/store/blob-references.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { createCollections } from '../../src/store/collections.ts'
import { createCommandCalls } from '../../src/store/command-calls.ts'
import { openDatabase } from '../../src/store/database.ts'
import { createDirectoryRows, createScopeNames } from '../../src/store/directory.ts'
import { createForget } from '../../src/store/forget.ts'
import { createInvitations } from '../../src/store/invitations.ts'
import { createKeys } from '../../src/store/keys.ts'
import { createLedger, type Ledger } from '../../src/store/ledger.ts'
import { createLinkCodes } from '../../src/store/link-codes.ts'
import { createPeople } from '../../src/store/people.ts'
import { createSecrets } from '../../src/store/secrets.ts'
import { createSettings } from '../../src/store/settings.ts'
import { createTeams } from '../../src/store/teams.ts'
import { createToolServers } from '../../src/store/tool-servers.ts'
import type { Turns } from '../../src/store/turns.ts'
import { createTurns } from '../../src/store/turns-postgres.ts'
import { createUsage } from '../../src/store/usage.ts'
import { createWebhooks } from '../../src/store/webhooks.ts'
import type { TestServer } from '../database.ts'

const price = readPrice({ input: '0.25', output: '2' })
/** They answer by quoting, under well-known names. */
const providers = ['openai', 'ollama', 'extractive'].map((name) => {
  const quoting = createExtractiveProvider()
  return {
    ...quoting,
    name,
    models: async (signal: AbortSignal) => (name === quoting.name ? quoting.models(signal) : []),
  }
})
const configured: ConfiguredModel[] = [
  { id: 'gpt-5-mini', provider: 'openai', tier: 'medium', price, vision: true, tools: true, local: false },
  { id: 'gpt-5', provider: 'openai', label: 'GPT-5', tier: 'large', price, local: false },
  { id: 'llama3.2', provider: 'ollama', tier: 'small', local: true },
]

export const people = {
  /** Admin of the whole installation, by parley.yaml. */
  root: { id: 'UROOT', name: 'Root' },
  /** Admin of the workspace, by the platform. */
  owner: { id: 'UOWNER', name: 'Olga', membership: 'owner' },
  manager: { id: 'UMANAGER', name: 'Mara', membership: 'member' },
  member: { id: 'UMEMBER', name: 'Max', membership: 'member' },
} as const satisfies Record<string, Author>

export const here = { platform: 'slack', workspaceId: 'T1', channelId: 'C1' }

type SayOptions = Partial<Pick<CommandCall, 'id' | 'direct' | 'beginsThread'>> & {
  channelId?: string
  threadId?: string
}

export interface AdminRig extends AsyncDisposable {
  say(text: string, author?: Author, options?: SayOptions): Promise<Notice>
  deps: Omit<TableDeps, 'turns' | 'ledger'> & { turns: Turns; ledger: Ledger; log: Log }
  commands: ReturnType<typeof createCommands>
  know: Directory['know']
  database: ReturnType<typeof openDatabase>
  /** Questions that commands asked, messages they posted later, and hashes of the files they removed. */
  asked: IncomingMessage[]
  posted: Notice[]
  removed: string[]
}

/** With a manager of the channel `C1`. */
export async function adminRig(server: TestServer, own: Partial<AdminRig['deps']> = {}): Promise<AdminRig> {
  const { connection } = await server.createDatabase()
  const database = openDatabase(connection, { log: silentLog })
  const channel = createLocalChannel()
  const named = namedAdmins(['slack/T1/UROOT'])
  const settings = await createSettings({ database, channel, log: silentLog })
  const catalogue = createCatalogue({
    configured,
    providers,
    defaultModel: 'gpt-5-mini',
    log: silentLog,
    changes: catalogueChanges(settings),
  })
  const budgets = createBudgets(database)
  const usage = createUsage(database)
  const ledger = createLedger(database)
  const budget = createLedgerBudget({
    ledger,
    budgets,
    limited: budgets.scopes,
    log: silentLog,
    alert: async () => {},
  })
  const directory = await createDirectory({
    rows: createDirectoryRows(database, named),
    channel,
    accounts: (platform) => (platform === 'discord' ? 'platform' : platform === 'console' ? 'person' : 'workspace'),
  })
  const stores = { database, channel, named }
  const persons = createPeople(stores)
  const removed: string[] = []
  const storage = { remove: async (hash: string) => void removed.push(hash), clearAbandoned: async () => {} }
  const collector = createCollector(storage, createBlobReferences(database))
  const asked: IncomingMessage[] = []
  const posted: Notice[] = []
  const deps: AdminRig['deps'] = {
    settings,
    timeZone: 'UTC',
    models: () => catalogue.models(),
    admins: async () => ['slack/T1/UROOT'],
    log: silentLog,
    calls: createCommandCalls(database),
    audit: createAudit(database),
    budgets,
    ledger,
    keys: createKeys(database),
    announceRevoked: () => {},
    usage,
    waiting: usage.waiting,
    turns: createTurns(database),
    draw: chartPng,
    forget: createForget({ database, collect: collector.collect, log: silentLog }),
    budget,
    health: createHealth(),
    local: undefined,
    refreshModels: catalogue.refresh,
    provider: (name) => catalogue.provider(name) ?? createExtractiveProvider(),
    notify: async (_target, notice) => void posted.push(notice),
    ask: async (message) => asked.push(message),
    collections: createCollections(database),
    webhooks: createWebhooks(database, createSecrets('a secret of these tests')),
    checkAddress: createSender([]).check,
    sendTest: async () => ({ status: 200, ms: 12 }),
    wakeWebhooks: async () => {},
    keepsSecrets: (platform) => platform === 'slack',
    toolServers: { store: createToolServers(database), configured: [], changed: () => {} },
    hasPins: (platform) => platform === 'slack',
    tellsOwners: (platform) => platform === 'slack',
    showsThoughts: (platform) => platform !== 'slack',
    accounts: () => 'workspace',
    searchedPlaces: createPlaceReaders({
      rows: createPlaceRows(database.lasting),
      places: () => undefined,
      log: silentLog,
    }).searched,
    people: persons,
    teams: createTeams(stores),
    invitations: createInvitations(stores),
    publicUrl: 'https://parley.example',
    linking: createLinking({
      codes: createLinkCodes(database),
      people: persons,
      publicUrl: 'https://parley.example',
      notify: async (_target, notice) => void posted.push(notice),
    }),
    accountOf: directory.accountOf,
    ...own,
  }
  const by = { id: 'test', via: 'test' }
  await settings.change('channel:slack/T1/C1', 'roles', () => ({ [people.manager.id]: 'manager' }), by)
  const {
    timeZone,
    admins,
    audit,
    calls,
    keys,
    announceRevoked,
    turns,
    forget,
    collections,
    webhooks,
    toolServers,
    ...others
  } = deps
  const { linking, teams, invitations, publicUrl } = deps
  const names = withModelLabels(createScopeNames(database), deps.models)
  const services: CommandServices = {
    settings: { settings: deps.settings, timeZone, admins, audit },
    storage: { calls, keys, announceRevoked, turns, forget, collections, webhooks, toolServers },
    models: others,
    money: others,
    messaging: others,
    people: { directory, names, linking, teams, people: persons, invitations, publicUrl },
    log: deps.log,
  }
  const commands = createCommands(services)
  return {
    deps,
    commands,
    know: directory.know,
    database,
    asked,
    posted,
    removed,
    say: async (text, by = people.root, { id = randomUUID(), channelId = here.channelId, threadId, ...more } = {}) => {
      const conversation = { ...here, channelId, threadId }
      const author = await directory.know(by, conversation)
      return commands.command({ id, conversation, author, text, ...more, replyTarget: { conversation, data: null } })
    },
    [Symbol.asyncDispose]: async () => {
      await budget.close()
      await directory.close()
      await settings.close()
      await database.close()
    },
  }
}

/** Local models in memory. */
export function localModels(): LocalModels {
  const names: string[] = []
  return {
    provider: 'ollama',
    list: async () => [],
    show: () => Promise.reject(new Error('not used')),
    async *pull(id) {
      yield { status: 'pulling', completed: 1, total: 2, done: false }
      names.push(id)
    },
    async delete(id) {
      names.splice(names.indexOf(id), 1)
    },
  }
}
