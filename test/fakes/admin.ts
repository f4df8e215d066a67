/** Commands on a real database, as people type them: `say('models list', admin)`. Tests pass in parts that need servers. */
import { randomUUID } from 'node:crypto'
import { catalogueChanges } from '../../src/admin/changes.ts'
import { type CommandServices, createCommands, type TableDeps } from '../../src/admin/commands.ts'
import { chartPng } from '../../src/admin/providers/chart-png.ts'
import { createCollector } from '../../src/blobs/blobs.ts'
import type { Notice } from '../../src/core/command.ts'
import { type Log, silentLog } from '../../src/core/log.ts'
import type { Author, IncomingMessage } from '../../src/core/message.ts'
import { type ConfiguredModel, createCatalogue } from '../../src/models/catalogue.ts'
import type { LocalModels } from '../../src/models/local-models.ts'
import { readPrice } from '../../src/models/price.ts'
import { createExtractiveProvider } from '../../src/models/providers/extractive.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { createHealth } from '../../src/routing/health.ts'
import { createLedgerBudget } from '../../src/routing/ledger-budget.ts'
import { createAudit } from '../../src/store/audit.ts'
import { createBlobReferences } from '../../src/store/blob-references.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { createCommandCalls } from '../../src/store/command-calls.ts'
import { openDatabase } from '../../src/store/database.ts'
import { createForget } from '../../src/store/forget.ts'
import { createKeys } from '../../src/store/keys.ts'
import { createLedger } from '../../src/store/ledger.ts'
import { createSettings } from '../../src/store/settings.ts'
import type { Turns } from '../../src/store/turns.ts'
import { createTurns } from '../../src/store/turns-postgres.ts'
import { createUsage } from '../../src/store/usage.ts'
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
  { id: 'gpt-5', provider: 'openai', tier: 'large', price, local: false },
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

export interface AdminRig extends AsyncDisposable {
  say(text: string, author?: Author, options?: { id?: string; channelId?: string }): Promise<Notice>
  deps: Omit<TableDeps, 'turns'> & { turns: Turns; log: Log }
  commands: ReturnType<typeof createCommands>
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
  const settings = await createSettings({ database, channel: createLocalChannel(), log: silentLog })
  const catalogue = createCatalogue({
    configured,
    providers,
    defaultModel: 'gpt-5-mini',
    log: silentLog,
    changes: catalogueChanges(settings),
  })
  const budgets = createBudgets(database)
  const usage = createUsage(database)
  const budget = createLedgerBudget({
    ledger: createLedger(database),
    budgets,
    limited: budgets.scopes,
    log: silentLog,
    alert: async () => {},
  })
  const removed: string[] = []
  const storage = { remove: async (hash: string) => void removed.push(hash), clearAbandoned: async () => {} }
  const collector = createCollector(storage, createBlobReferences(database))
  const asked: IncomingMessage[] = []
  const posted: Notice[] = []
  const deps: AdminRig['deps'] = {
    settings,
    timeZone: 'UTC',
    models: () => catalogue.models(),
    admins: ['slack/T1/UROOT'],
    log: silentLog,
    calls: createCommandCalls(database),
    audit: createAudit(database),
    budgets,
    keys: createKeys(database),
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
    ...own,
  }
  const by = { id: 'test', via: 'test' }
  await settings.change('channel:slack/T1/C1', 'roles', () => ({ [people.manager.id]: 'manager' }), by)
  const { timeZone, admins, audit, calls, keys, turns, forget, ...others } = deps
  const services: CommandServices = {
    settings: { settings: deps.settings, timeZone, admins, audit },
    storage: { calls, keys, turns, forget },
    models: others,
    money: others,
    messaging: others,
    log: deps.log,
  }
  const commands = createCommands(services)
  return {
    deps,
    commands,
    database,
    asked,
    posted,
    removed,
    say: (text, author = people.root, { id = randomUUID(), channelId = here.channelId } = {}) => {
      const conversation = { ...here, channelId }
      return commands.command({ id, conversation, author, text, replyTarget: { conversation, data: null } })
    },
    [Symbol.asyncDispose]: async () => {
      await budget.close()
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
