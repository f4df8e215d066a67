/** What admins and people do by command and by button, wherever they do it. A part of the composition root. */
import { explain } from '../admin/commands/why.ts'
import { createCommands } from '../admin/commands.ts'
import { grantsOf, roleHere } from '../admin/grants.ts'
import { chartPng } from '../admin/providers/chart-png.ts'
import { createTurnRules } from '../admin/turn-rules.ts'
import { searchForMe } from '../answer/for-me.ts'
import type { Intake } from '../core/platform.ts'
import { keyRevokedTopic, toolServersTopic } from '../core/topics.ts'
import { linkLine } from '../identity/linking.ts'
import { createApprovalActions } from '../intake/approvals.ts'
import type { InboxDeps } from '../intake/inbox.ts'
import { createLearning } from '../intake/learning.ts'
import { createToolDecisions } from '../intake/tool-approvals.ts'
import { createAudit } from '../store/audit.ts'
import { createCommandCalls } from '../store/command-calls.ts'
import type { Settings } from '../store/settings.ts'
import { createUsage } from '../store/usage.ts'
import type { Running } from './services.ts'

export function openCommands(running: Running, ask: Intake['receive']) {
  const { config, state, messaging, models, platforms, people, money, log } = running
  const { database } = state
  const { settings } = messaging
  const usage = createUsage(database)
  return createCommands({
    settings: { settings, timeZone: config.timeZone, admins: adminsOf(running), audit: createAudit(database) },
    storage: {
      calls: createCommandCalls(database),
      keys: state.keys,
      announceRevoked: (keyId) => messaging.channel.publish(keyRevokedTopic, keyId),
      turns: state.turns,
      forget: state.forget,
      webhooks: state.webhooks,
      toolServers: {
        store: state.toolServers,
        configured: config.toolServers.map(({ server }) => server),
        changed: () => messaging.channel.publish(toolServersTopic, null),
      },
      collections: createLearning({ collections: state.collections, queue: messaging.queue, log }),
    },
    models: {
      models: () => models.catalogue.models(),
      provider: models.provider,
      local: models.local,
      refreshModels: models.catalogue.refresh,
      health: messaging.health,
    },
    money: { budget: money.budget, budgets: money.budgets, ledger: money.ledger, usage, waiting: usage.waiting },
    messaging: {
      ask,
      checkAddress: running.webhooks.checkAddress,
      sendTest: running.webhooks.delivery.sendTest,
      wakeWebhooks: running.webhooks.wake,
      keepsSecrets: (name) => platforms.platform(name).capabilities.keepsPrivate === true,
      tellsOwners: (name) => platforms.platform(name).capabilities.tellsOwners === true,
      showsThoughts: showsThoughts(platforms),
      hasPins: (name) => platforms.platform(name).placeFiles !== undefined,
      searchedPlaces: running.places.searched,
      accounts: accountsOf(platforms),
      draw: chartPng,
      notify: async (target, notice, key) => {
        const { transport } = platforms.platform(target.conversation.platform)
        await transport.notify?.(target, notice, { key, signal: AbortSignal.timeout(30_000) })
      },
    },
    people,
    log,
  })
}

/**
 * Of the whole installation, beside admins by their role: those in parley.yaml, the terminal, which has proven its user, and the
 * user of this machine while there are no accounts.
 */
function adminsOf({ config, pageAccounts }: Pick<Running, 'config' | 'pageAccounts'>) {
  const always = [...config.admins, 'console/local/cli']
  return async () => ((await pageAccounts.people.areSetUp()) ? always : ['console/local/local', ...always])
}

const accountsOf =
  ({ platform }: Running['platforms']) =>
  (name: string) =>
    platform(name).capabilities.accounts

const showsThoughts =
  ({ platform }: Running['platforms']) =>
  (name: string) =>
    platform(name).capabilities.showsThoughts === true

export function rolesOf(
  whose: Pick<Running, 'config' | 'pageAccounts'>,
  settings: Pick<Settings, 'read'>,
  people: Parameters<typeof grantsOf>[1]['people'],
): InboxDeps['roleOf'] {
  const admins = adminsOf(whose)
  return async (author, conversation) =>
    roleHere(await grantsOf({ author, conversation }, { settings, admins, people }))
}

/** Permissions and effects of buttons. */
export function adminOf({
  config,
  messaging,
  state,
  people,
  pageAccounts,
  money,
  platforms,
  places,
  memory,
  log,
}: Running): Pick<InboxDeps, 'settings' | 'know' | 'linkLine' | 'roleOf' | 'why' | 'mine' | 'approvals'> {
  const { turns, index } = state
  const { settings, queue } = messaging
  const { approvals, alerts, writes } = money
  const roleOf = rolesOf({ config, pageAccounts }, settings, people.directory)
  return {
    settings,
    know: people.directory.know,
    linkLine: (text, author, at) =>
      people.directory.accountOf(author.id, at) === undefined ? undefined : linkLine(text),
    roleOf,
    approvals: createApprovalActions({
      ...{ approvals, alerts, turns, queue, roleOf, names: people.names, log },
      decideToolCall: createToolDecisions({
        ...{ calls: writes.calls, alerts, turns, queue, roleOf, names: people.names, log },
      }),
    }),
    why: (turnId, by) =>
      explain(
        {
          turns,
          usage: createUsage(state.database),
          showsThoughts: showsThoughts(platforms),
          searchedPlaces: places.searched,
          accounts: accountsOf(platforms),
        },
        turnId,
        by,
      ),
    mine: (turnId, by) =>
      searchForMe(
        { turns, memory, index, rules: createTurnRules(settings), accounts: accountsOf(platforms) },
        turnId,
        by,
      ),
  }
}
