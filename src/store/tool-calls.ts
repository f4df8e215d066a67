/**
 * Calls of tools that change something. A row is asked about, decided once, and run once: every change of its state names the state
 * before it, so that presses, workers and crashes at the same moment have one effect. Each statement is safe to send twice.
 */
import type { ApprovalAction } from '../core/command.ts'
import { type Json, storableJson } from '../core/json.ts'
import type { Database, Statement } from './database.ts'
import { type Dispatch, openStates } from './turns.ts'

export type Approvers = 'asker' | 'admins'

/** A call that a model asked for, before anybody was asked about it. */
export interface PlannedWrite {
  id: string
  callId: string
  server: string | undefined
  tool: string
  /** In canonical form. */
  arguments: string
  argsHash: string
  definitionHash: string
  approvers: Approvers
  /** An admin allowed it without asking. */
  standing: boolean
}

export interface WriteCall {
  id: string
  turnId: string
  tool: string
  argsHash: string
  definitionHash: string
  /** `overdue`: nobody decided in time, and no worker has seen that yet. */
  state: 'planned' | 'waiting' | 'overdue' | 'approved' | 'denied' | 'expired' | 'running' | 'done' | 'unknown'
  approvers: Approvers
  /** `slack/T1/U1`, or `standing`. */
  decidedBy: string | null
  /** Of one that is done. */
  result: Json | null
}

export type Decided =
  /** `next`: nothing is left to decide, so the turn goes on. */
  | { kind: 'decided'; next: Dispatch | null }
  | { kind: 'already'; call: WriteCall }
  /** The question has ended, or is to. */
  | { kind: 'ended' }

export interface ToolCalls {
  /** The turn's calls with these arguments, stored if they are new. In the same order. */
  plan(turnId: string, calls: readonly PlannedWrite[]): Promise<WriteCall[]>
  /** People have been asked: from now on the turn waits for them, for `forMs`. */
  asked(ids: readonly string[], forMs: number): Promise<void>
  /** Nobody can be asked, nobody decided in time, or the tool has changed: it is not made. */
  close(ids: readonly string[], state: 'denied' | 'expired'): Promise<void>
  find(id: string): Promise<WriteCall | null>
  decide(id: string, decision: ApprovalAction, by: string): Promise<Decided>
  /**
   * Takes an approved call for this run. `begun`: make it. Otherwise its state: `running` where another run began it and did not end, which is
   * then `unknown` for good; `lost` where another worker has the turn, or it is to stop.
   */
  begin(id: string, of: { owner: string; definitionHash: string; run: string }): Promise<'begun' | 'lost' | WriteCall>
  /** Without a result: it was ended while it ran, so nobody knows what it did. */
  end(id: string, run: string, result: Json | undefined): Promise<void>
}

/** Whether people have to decide on something before a turn can go on. */
export const waitsForPeople = (turn: string) => `exists (
      select from tool_call asked where asked.turn_id = ${turn}.id and asked.state = 'waiting' and asked.expires_at > now())`

/** Whether a turn has begun to change something: its question is settled. */
export const hasCalls = (turn: string) => `exists (select from tool_call call where call.turn_id = ${turn}.id)`

interface Row {
  [column: string]: unknown
  id: string
  turn_id: string
  tool: string
  args_hash: string
  definition_hash: string
  state: WriteCall['state']
  approvers: Approvers
  decided_by: string | null
  result: Json | null
}

const toCall = (row: Row): WriteCall => ({
  id: row.id,
  turnId: row.turn_id,
  tool: row.tool,
  argsHash: row.args_hash,
  definitionHash: row.definition_hash,
  state: row.state,
  approvers: row.approvers,
  decidedBy: row.decided_by,
  result: row.result,
})

export function createToolCalls({ query }: Pick<Database, 'query'>): ToolCalls {
  async function find(id: string): Promise<WriteCall | null> {
    const [row] = await query<Row>(findCall, [id])
    return row === undefined ? null : toCall(row)
  }
  return {
    find,
    async plan(turnId, calls) {
      const rows = await query<Row>(plan, [turnId, storableJson(calls)])
      return calls.map(({ tool, argsHash }) => {
        const row = rows.find((each) => each.tool === tool && each.args_hash === argsHash)
        if (row === undefined) throw new Error('a call of a tool was not stored')
        return toCall(row)
      })
    },
    async asked(ids, forMs) {
      await query(asked, [ids, forMs])
    },
    async close(ids, state) {
      await query(close, [ids, state])
    },
    async decide(id, decision, by) {
      const state = decision === 'approve' ? 'approved' : 'denied'
      const [row] = await query<{ turn_id: string; left: number; dispatches: number }>(decide, [id, state, by])
      if (row !== undefined) {
        const next = { turnId: row.turn_id, dispatch: row.dispatches, attachmentIds: [] }
        return { kind: 'decided', next: row.left === 0 ? next : null }
      }
      const call = await find(id)
      return call === null || call.state === 'waiting' || call.state === 'planned'
        ? { kind: 'ended' }
        : { kind: 'already', call }
    },
    async begin(id, { owner, definitionHash, run }) {
      if ((await query(begin, [id, owner, definitionHash, run])).length > 0) return 'begun'
      const [broken] = await query<Row>(breakOff, [id, owner, run])
      const call = broken === undefined ? await find(id) : toCall(broken)
      return call === null || call.state === 'approved' || call.state === 'running' ? 'lost' : call
    },
    async end(id, run, result) {
      await query(end, [id, run, result === undefined ? null : storableJson(result)])
    },
  }
}

const columns = `id, turn_id, tool, args_hash, definition_hash, approvers, decided_by, result,
  case when state = 'waiting' and expires_at <= now() then 'overdue' else state::text end as state`

const plan: Statement = {
  name: 'tool_call_plan',
  text: `
insert into tool_call (id, turn_id, call_id, server, tool, arguments, args_hash, definition_hash, approvers, state, decided_by, decided_at)
select given.id, $1::uuid, given."callId", given.server, given.tool, given.arguments, given."argsHash", given."definitionHash", given.approvers,
  case when given.standing then 'approved' else 'planned' end::tool_call_state,
  case when given.standing then 'standing' end, case when given.standing then now() end
from jsonb_to_recordset($2::jsonb) as given (id uuid, "callId" text, server text, tool text, arguments text, "argsHash" text,
  "definitionHash" text, approvers text, standing boolean)
on conflict (turn_id, tool, args_hash) do update set turn_id = excluded.turn_id
returning ${columns}`,
}

const findCall: Statement = { name: 'tool_call_find', text: `select ${columns} from tool_call where id = $1` }

const asked: Statement = {
  name: 'tool_call_asked',
  text: `
update tool_call set state = 'waiting', expires_at = now() + $2 * interval '1 millisecond'
where id = any ($1::uuid[]) and state = 'planned'`,
}

const close: Statement = {
  name: 'tool_call_close',
  text: `
update tool_call set state = $2::tool_call_state
where id = any ($1::uuid[]) and (state in ('planned', 'approved') or (state = 'waiting' and expires_at <= now()))`,
}

/** One press counts: the row is locked, and only a call that waits is decided. */
const decide: Statement = {
  name: 'tool_call_decide',
  text: `
with decided as (
  update tool_call set state = $2::tool_call_state, decided_by = $3, decided_at = clock_timestamp()
  from turn
  where tool_call.id = $1 and tool_call.state = 'waiting' and tool_call.expires_at > now() and turn.id = tool_call.turn_id
    and turn.state in ${openStates} and turn.stop_requested_at is null and not turn.withdrawn
  returning tool_call.turn_id, turn.dispatches
)
select decided.turn_id, decided.dispatches, (
  select count(*)::int from tool_call other
  where other.turn_id = decided.turn_id and other.id <> $1 and other.state = 'waiting' and other.expires_at > now()) as left
from decided`,
}

/** Only the worker that has the turn begins, and only what was approved for this very definition. */
const begin: Statement = {
  name: 'tool_call_begin',
  text: `
update tool_call set state = 'running', run = $4, started_at = coalesce(tool_call.started_at, now())
from turn join conversation on conversation.key = turn.conversation_key
where tool_call.id = $1 and tool_call.definition_hash = $3 and turn.id = tool_call.turn_id
  and (tool_call.state = 'approved' or (tool_call.state = 'running' and tool_call.run = $4))
  and conversation.lease_turn = turn.id and conversation.lease_owner = $2
  and turn.stop_requested_at is null and not turn.withdrawn
returning tool_call.id`,
}

const breakOff: Statement = {
  name: 'tool_call_break_off',
  text: `
update tool_call set state = 'unknown', finished_at = now()
where id = $1 and state = 'running' and run <> $3 and exists (
  select from conversation where lease_turn = tool_call.turn_id and lease_owner = $2)
returning ${columns}`,
}

const end: Statement = {
  name: 'tool_call_end',
  text: `
update tool_call set state = case when $3::jsonb is null then 'unknown' else 'done' end::tool_call_state, result = $3::jsonb, finished_at = now()
where id = $1 and run = $2 and state = 'running'`,
}
