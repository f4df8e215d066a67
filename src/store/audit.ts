/** The port of the audit log: every change that a command made, for good. Implemented in audit-postgres.ts. */
import type { Json } from '../core/json.ts'
import type { Scope } from '../core/scope.ts'
import type { Changer } from './settings.ts'

export interface AuditEntry {
  /** A uuid from the caller. The same uuid again is the same entry. */
  id: string
  at: Date
  by: Changer
  scope: Scope
  /** What was changed: the name of a setting, `budget month`, `key`, `forget`. */
  name: string
  /** `null`: there was nothing, or there is nothing now. */
  before: Json
  after: Json
}

export interface Audit {
  /** For changes other than settings, which write their own entries. Safe to repeat. */
  record(entry: Omit<AuditEntry, 'at'>): Promise<void>
  /** Newest first. `scopes`: of these alone. */
  list(filter: { scopes?: readonly Scope[]; workspace?: Scope; limit: number; before?: Date }): Promise<AuditEntry[]>
}
