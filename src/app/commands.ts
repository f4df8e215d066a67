/** What admins and people do by command and by button, wherever they do it. A part of the composition root. */
import { explain } from '../admin/commands/why.ts'
import { createCommands } from '../admin/commands.ts'
import { grantsOf } from '../admin/grants.ts'
import { chartPng } from '../admin/providers/chart-png.ts'
import type { Config } from '../config.ts'
import type { Intake } from '../core/platform.ts'
import { createApprovalActions } from '../intake/approvals.ts'
import type { InboxDeps } from '../intake/inbox.ts'
import { createAudit } from '../store/audit.ts'
import { createCommandCalls } from '../store/command-calls.ts'
import { createUsage } from '../store/usage.ts'
import type { Running } from './services.ts'

export function openCommands(
  { config, state, messaging, models, platforms, money, log }: Running,
  ask: Intake['receive'],
) {
  const { database } = state
  const { settings } = messaging
  const usage = createUsage(database)
  return createCommands({
    settings: { settings, timeZone: config.timeZone, admins: adminsOf(config), audit: createAudit(database) },
    storage: {
      calls: createCommandCalls(database),
      keys: state.keys,
      turns: state.turns,
      forget: state.forget,
    },
    models: {
      models: () => models.catalogue.models(),
      provider: models.provider,
      local: models.local,
      refreshModels: models.catalogue.refresh,
      health: messaging.health,
    },
    money: { budget: money.budget, budgets: money.budgets, usage, waiting: usage.waiting },
    messaging: {
      ask,
      draw: chartPng,
      notify: async (target, notice, key) => {
        const { transport } = platforms.platform(target.conversation.platform)
        await transport.notify?.(target, notice, { key, signal: AbortSignal.timeout(30_000) })
      },
    },
    log,
  })
}

/** Of the whole installation: the page, which is served on loopback alone, and the terminal, which has proven its user. */
function adminsOf({ admins, loopback }: Config): string[] {
  return [...admins, ...(loopback ? ['console/local/local'] : []), 'console/local/cli']
}

/** Permissions and effects of buttons. */
export function adminOf({
  config,
  messaging,
  state,
  money,
  log,
}: Running): Pick<InboxDeps, 'settings' | 'roleOf' | 'why' | 'approvals'> {
  const { turns } = state
  const { settings, queue } = messaging
  const { approvals, alerts } = money
  const admins = adminsOf(config)
  const roleOf: InboxDeps['roleOf'] = async (author, conversation) =>
    (await grantsOf({ author, conversation }, { settings, admins })).role
  return {
    settings,
    roleOf,
    approvals: createApprovalActions({ approvals, alerts, turns, queue, roleOf, log }),
    why: (turnId, by) => explain({ turns, usage: createUsage(state.database) }, turnId, by),
  }
}
