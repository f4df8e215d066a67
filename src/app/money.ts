/** What every paid call goes through, and what admins hear of it. A part of the composition root. */
import type { Log } from '../core/log.ts'
import type { Platform } from '../core/platform.ts'
import { createAlerts } from '../intake/alerts.ts'
import { createApprovalRequests } from '../intake/approvals.ts'
import { createCountAlerts } from '../intake/count-alerts.ts'
import { raiseButton } from '../intake/raise-budget.ts'
import { createToolRequests } from '../intake/tool-approvals.ts'
import { createTurnLimits } from '../intake/turn-limits.ts'
import type { Closing } from '../ops/closing.ts'
import type { Channel } from '../queue/channel.ts'
import { alertKey, alertMessage } from '../routing/budget.ts'
import { budgetsTopic, createLedgerBudget, createLimitedScopes } from '../routing/ledger-budget.ts'
import { createApprovals } from '../store/approvals.ts'
import { createBudgets } from '../store/budgets.ts'
import type { Database } from '../store/database.ts'
import { createLedger } from '../store/ledger.ts'
import { createLimits } from '../store/limits.ts'
import type { Settings } from '../store/settings.ts'
import { createToolCalls } from '../store/tool-calls.ts'
import type { ScopeNames } from '../wording/commands.ts'

export interface MoneyServices {
  database: Database
  channel: Channel
  settings: Settings
  names(): Promise<ScopeNames>
  platform(name: string): Platform
  roleOf: Parameters<typeof createApprovalRequests>[0]['roleOf']
  opening: Closing
  log: Log
}

export async function openMoney({ database, channel, settings, names, platform, roleOf, opening, log }: MoneyServices) {
  const budgets = createBudgets(database, () => channel.publish(budgetsTopic, null))
  const limited = await createLimitedScopes({ budgets, channel, log })
  opening.defer('limited scopes', () => limited.close())
  const ledger = createLedger(database)
  const alerts = createAlerts({ settings, platform, log })
  const budget = createLedgerBudget({
    ledger,
    budgets,
    limited: limited.scopes,
    log,
    miscounted: createCountAlerts({ alerts, ledger }),
    alert: async (due) => {
      const target = await alerts.target(due.scope)
      const buttons = due.threshold >= 100 ? [raiseButton(due)] : []
      const text = alertMessage(due, target?.conversation, await names())
      await alerts.send(due.scope, { text, buttons }, alertKey(due))
    },
  })
  opening.defer('budget', () => budget.close())
  const approvals = createApprovals(database)
  return {
    budget,
    budgets,
    ledger,
    speeds: ledger.speeds,
    alerts,
    approvals,
    approvalRequests: createApprovalRequests({ approvals, alerts, names, roleOf }),
    /** What models want to change, and the people who decide about it. */
    writes: { calls: createToolCalls(database), requests: createToolRequests({ alerts, platform, log }) },
    turnLimits: createTurnLimits({ settings, limits: createLimits(database) }),
  }
}
