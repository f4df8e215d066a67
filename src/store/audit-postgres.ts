import { type Json, storableJson } from '../core/json.ts'
import type { Scope } from '../core/scope.ts'
import type { Audit } from './audit.ts'
import type { Database, Statement } from './database.ts'

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

export function createAudit({ query }: Pick<Database, 'query'>): Audit {
  return {
    async record({ id, by, scope, name, before, after }) {
      const values = [before, after].map((value) => (value === null ? null : storableJson(value)))
      await query(record, [id, by.id, by.name ?? null, by.via, scope, name, ...values])
    },
    async list({ scopes, workspace, limit, before }) {
      const below = workspace?.slice(workspace.indexOf(':') + 1) ?? null
      const rows = await query<Row>(list, [scopes ?? null, below, before ?? null, limit])
      return rows.map(({ id, at, by, by_name, via, scope, name, before, after }) => ({
        ...{ id, at, scope, name, before, after },
        by: { id: by, via, ...(by_name === null ? {} : { name: by_name }) },
      }))
    },
  }
}

const record: Statement = {
  name: 'audit_record',
  text: `
insert into audit (id, by, by_name, via, scope, name, before, after)
values ($1::uuid, $2, $3, $4, $5, $6, $7::jsonb, $8::jsonb) on conflict (id) do nothing`,
}

/** Of a workspace, with its channels and people: their scopes start with its own parts. */
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
