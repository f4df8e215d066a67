/** The ledger's door in a process that a test starts and may kill. */
import { silentLog } from '../../src/core/log.ts'
import { createLocalChannel } from '../../src/queue/channel.ts'
import { createLedgerBudget, createLimitedScopes } from '../../src/routing/ledger-budget.ts'
import { createBudgets } from '../../src/store/budgets.ts'
import { openDatabase } from '../../src/store/database.ts'
import { createLedger } from '../../src/store/ledger.ts'

export async function openChildBudget(databaseUrl: string, leases: { leaseMs: number; renewMs?: number }) {
  const database = openDatabase({ connectionString: databaseUrl }, { log: silentLog })
  const budgets = createBudgets(database)
  const limited = await createLimitedScopes({ budgets, channel: createLocalChannel(), log: silentLog })
  const ledger = createLedger(database)
  const alert = async () => {}
  const budget = createLedgerBudget({ ledger, budgets, limited: limited.scopes, alert, log: silentLog, ...leases })
  return { database, budget }
}
