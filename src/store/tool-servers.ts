/** Servers of tools that were added by command, what all servers list, and what of it is approved. Every change writes its audit row. */
import { randomUUID } from 'node:crypto'
import { type Json, storable, storableJson } from '../core/json.ts'
import type { Changer } from '../core/person.ts'
import { type KnownTool, ToolDefinition, ToolServer, type ToolServerStore } from '../core/tool-servers.ts'
import { auditInsert, auditValues } from './audit.ts'
import type { Database, Statement } from './database.ts'

interface Row {
  [column: string]: unknown
  server: string
  name: string
  hash: string
  definition: unknown
  listed: boolean
  approved_hash: string | null
  approved_definition: unknown
  reads: boolean
  approved_by: string | null
  approved_at: Date | null
}

export function createToolServers({ query, transaction }: Pick<Database, 'query' | 'transaction'>): ToolServerStore {
  /** `work` answers what to write down, or nothing where nothing changed. */
  async function change(
    by: Changer,
    name: string,
    work: (send: Database['query']) => Promise<{ before: Json; after: Json } | null>,
  ): Promise<boolean> {
    const id = randomUUID()
    return await transaction(async (send) => {
      const changed = await work(send)
      if (changed === null) return false
      await send(auditInsert, auditValues({ id, by, scope: 'all', name, ...changed }))
      return true
    })
  }

  return {
    servers: async () => (await query<{ server: unknown }>(servers, [])).map(({ server }) => ToolServer.parse(server)),

    add: (server, by) =>
      change(by, 'tool server', async (send) => {
        const [added] = await send(addServer, [server.name, storableJson(server), by.id])
        return added === undefined ? null : { before: null, after: server }
      }),

    remove: (name, by) =>
      change(by, 'tool server', async (send) => {
        const [removed] = await send<{ server: Json }>(removeServer, [name])
        return removed === undefined ? null : { before: removed.server, after: null }
      }),

    async list(server, tools) {
      const rows = tools.map(({ name, hash, definition }) => ({ name: storable(name), hash, definition }))
      await query(list, [server, storableJson(rows)])
    },

    tools: async (names) => (await query<Row>(known, [names])).map(knownTool),

    async approve(server, tools, by) {
      const approved: string[] = []
      await change(by, 'tool approval', async (send) => {
        const rows = await send<{ name: string; hash: string; reads: boolean }>(approve, [
          server,
          storableJson(tools),
          by.id,
        ])
        approved.push(...rows.map(({ name }) => name))
        return rows.length === 0 ? null : { before: null, after: { server, tools: rows } }
      })
      return approved
    },

    revoke: (server, name, by) =>
      change(by, 'tool approval', async (send) => {
        const [revoked] = await send<{ hash: string }>(revoke, [server, name])
        return revoked === undefined ? null : { before: { server, name, hash: revoked.hash }, after: null }
      }),
  }
}

function knownTool(row: Row): KnownTool {
  const { server, name, hash, listed, reads, approved_hash, approved_by: by, approved_at: at } = row
  return {
    ...{ server, name, hash, listed },
    definition: ToolDefinition.parse(row.definition),
    approved:
      approved_hash === null || at === null
        ? undefined
        : { hash: approved_hash, definition: ToolDefinition.parse(row.approved_definition), reads, by: by ?? '', at },
  }
}

const servers: Statement = { name: 'tool_server_list', text: `select server from tool_server order by name` }

const addServer: Statement = {
  name: 'tool_server_add',
  text: `
insert into tool_server (name, server, added_by) values ($1, $2::jsonb, $3) on conflict (name) do nothing returning name`,
}

const removeServer: Statement = {
  name: 'tool_server_remove',
  text: `
with tools as (delete from tool_definition where server = $1)
delete from tool_server where name = $1 returning server`,
}

/** Of what is not listed any more only approvals are kept, because it may come back. Rows that are the same are not written again. */
const list: Statement = {
  name: 'tool_definition_list',
  text: `
with listed as (
  select * from jsonb_to_recordset($2::jsonb) as tool (name text, hash text, definition jsonb)
), forgotten as (
  delete from tool_definition known
  where server = $1 and approved_hash is null and not exists (select from listed where listed.name = known.name)
), gone as (
  update tool_definition known set listed = false
  where server = $1 and known.listed and approved_hash is not null
    and not exists (select from listed where listed.name = known.name)
)
insert into tool_definition as known (server, name, hash, definition) select $1, name, hash, definition from listed
on conflict (server, name) do update
set hash = excluded.hash, definition = excluded.definition, listed = true, listed_at = now()
where known.hash <> excluded.hash or not known.listed`,
}

const known: Statement = {
  name: 'tool_definition_known',
  text: `
select server, name, hash, definition, listed, approved_hash, approved_definition, reads, approved_by, approved_at
from tool_definition where server = any($1::text[]) order by server, name`,
}

const approve: Statement = {
  name: 'tool_definition_approve',
  text: `
update tool_definition known
set approved_hash = known.hash, approved_definition = known.definition, reads = wanted.reads, approved_by = $3, approved_at = now()
from jsonb_to_recordset($2::jsonb) as wanted (name text, hash text, reads boolean)
where known.server = $1 and known.name = wanted.name and known.hash = wanted.hash and known.listed
returning known.name, known.hash, known.reads`,
}

const revoke: Statement = {
  name: 'tool_definition_revoke',
  text: `
update tool_definition known
set approved_hash = null, approved_definition = null, reads = false, approved_by = null, approved_at = null
from (select hash from tool_definition where server = $1 and name = $2 for update) as before
where server = $1 and name = $2 and approved_hash is not null returning before.hash`,
}
