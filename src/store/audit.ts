/** The audit log: every change that a command made, for good. The port, and its rows. */
import { type Json, storableJson } from '../core/json.ts'
import type { Changer } from '../core/person.ts'
import type { Scope } from '../core/scope.ts'
import type { Database, Statement } from './database.ts'
import { Prisma } from './generated/client.ts'

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

interface Row {
  [column: string]: unknown
  id: string
  at: Date
  by: string
  by_name: string | null
  via: string
  scope: Scope
  name: string
  before: Json | null
  after: Json | null
}

export function createAudit({ query, prisma }: Pick<Database, 'query' | 'prisma'>): Audit {
  return {
    async record({ id, by, scope, name, before, after }) {
      const who = { by: by.id, byName: by.name ?? null, via: by.via }
      const values = { before: jsonOf(before), after: jsonOf(after) }
      // Sent twice it is one entry.
      await prisma.audit.createMany({ data: { id, scope, name, ...who, ...values }, skipDuplicates: true })
    },
    async list({ scopes, workspace, limit, before }) {
      const below = workspace?.slice(workspace.indexOf(':') + 1) ?? null
      const rows = await query<Row>(list, [scopes ?? null, below, before ?? null, limit])
      return rows.map(({ id, at, by, by_name, via, scope, name, before, after }) => ({
        id,
        at,
        scope,
        name,
        before,
        after,
        by: { id: by, via, name: by_name ?? undefined },
      }))
    },
  }
}

/** No value is SQL's null, which Prisma distinguishes from JSON's. */
function jsonOf(value: Json) {
  return value === null ? Prisma.DbNull : (JSON.parse(storableJson(value)) as Prisma.InputJsonValue)
}

/** Writes an entry within a transaction of its change. Sent twice it is one entry. */
export const auditInsert: Statement = {
  name: 'audit_insert',
  text: `
insert into audit (id, by, by_name, via, scope, name, before, after)
values ($1::uuid, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb) on conflict (id) do nothing`,
}

export function auditValues({ id, by, scope, name, before, after }: Omit<AuditEntry, 'at'>): unknown[] {
  const values = [before, after].map((each) => (each === null ? null : storableJson(each)))
  return [id, by.id, by.name ?? null, by.via, scope, name, ...values]
}

/** Whether the transaction that wrote this entry was committed although its connection was lost. */
export const auditExists: Statement = { name: 'audit_exists', text: `select from audit where id = $1::uuid` }

/**
 * Of a workspace, with its channels and people: their scopes start with its own parts. Prisma's `startsWith` would take the
 * `%` of an encoded name for a wildcard and show another workspace's entries.
 */
const list: Statement = {
  name: 'audit_list',
  text: `
select id, at, by, by_name, via, scope, name, before, after from audit
where ($1::text[] is null or scope = any($1))
  and ($2::text is null or scope = 'workspace:' || $2
    or starts_with(scope, 'channel:' || $2 || '/') or starts_with(scope, 'user:' || $2 || '/'))
  and ($3::timestamptz is null or at < $3)
order by at desc, id limit $4`,
}
