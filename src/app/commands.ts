/** What admins and people do by command and by button, wherever they do it. A part of the composition root. */
import { explain } from '../admin/commands/why.ts'
import { createCommands } from '../admin/commands.ts'
import { chartPng } from '../admin/providers/chart-png.ts'
import { standingOf } from '../admin/standing.ts'
import type { Config } from '../config.ts'
import type { Intake } from '../core/platform.ts'
import { createApprovals } from '../intake/approvals.ts'
import type { InboxDeps } from '../intake/inbox.ts'
import { createAudit } from '../store/audit-postgres.ts'
import { createCommandCalls } from '../store/command-calls.ts'
import { createUsage } from '../store/usage-postgres.ts'
import type { Running } from './parts.ts'

export function openCommands({ config, state, ways, models, platforms, money, log }: Running, ask: Intake['receive']) {
  const { database } = state
  const { settings } = ways
  const usage = createUsage(database)
  const stores = {
    audit: createAudit(database),
    calls: createCommandCalls(database),
    keys: state.keys,
    budgets: money.budgets,
    usage,
    waiting: usage.waiting,
    turns: state.turns,
    forget: state.forget,
  }
  return createCommands({
    ...{ settings, timeZone: config.timeZone, ...stores, models: () => models.catalogue.models() },
    ...{ provider: models.provider, local: models.local, refreshModels: models.catalogue.refresh },
    ...{ budget: money.budget, health: ways.health },
    ...{ admins: adminsOf(config), ask, draw: chartPng, log },
    tell: async (target, notice, key) => {
      const { transport } = platforms.platform(target.conversation.platform)
      await transport.notify?.(target, notice, { key, signal: AbortSignal.timeout(30_000) })
    },
  })
}

/** Of the whole installation. Whoever reaches the console sits at this machine: it is served on loopback alone. */
function adminsOf({ admins, loopback }: Config): string[] {
  return loopback ? [...admins, 'console/local/local', 'console/local/cli'] : admins
}

/** Who may press what, and what buttons lead to. */
export function adminOf({
  config,
  ways,
  state,
  money,
  log,
}: Running): Pick<InboxDeps, 'settings' | 'roleOf' | 'why' | 'approvals'> {
  const { turns } = state
  const { settings, queue } = ways
  const { approvals, notices } = money
  const admins = adminsOf(config)
  const roleOf: InboxDeps['roleOf'] = async (author, conversation) =>
    (await standingOf({ author, conversation }, { settings, admins })).role
  return {
    settings,
    roleOf,
    approvals: createApprovals({ approvals, notices, turns, queue, roleOf, log }),
    why: (turnId, by) => explain({ turns, usage: createUsage(state.database) }, turnId, by),
  }
}
