/**
 * Turns as rows of PostgreSQL: what people do to them (turn-intake-postgres.ts), which of them people deleted
 * (turn-withdrawal-postgres.ts), which worker has them (turn-leases-postgres.ts), and, here, what a worker stores of an answer:
 * steps, the parts of its reply, and its end. Each statement is safe to send twice.
 */
import { storable, storableJson } from '../core/json.ts'
import type { Database, Statement } from './database.ts'
import { createTurnIntake } from './turn-intake-postgres.ts'
import { createTurnLeases, type DispatchRow, toDispatch } from './turn-leases-postgres.ts'
import { createTurnWithdrawal } from './turn-withdrawal-postgres.ts'
import type { StoredOutcome, StoredPart, Turns } from './turns.ts'

export function createTurns(database: Pick<Database, 'query' | 'transaction'>): Turns {
  return {
    ...createTurnIntake(database),
    ...createTurnWithdrawal(database),
    ...createTurnLeases(database),
    ...createTurnProgress(database),
  }
}

type TurnProgress = Pick<
  Turns,
  | 'saveStep'
  | 'saveAhead'
  | 'saveOutcome'
  | 'ended'
  | 'digestOf'
  | 'finish'
  | 'savePart'
  | 'reservePart'
  | 'parts'
  | 'removePart'
>

function createTurnProgress({ query }: Pick<Database, 'query'>): TurnProgress {
  return {
    async saveStep(turnId, owner, { n, kind, inputHash, result }) {
      const rows = await query(saveStep, [turnId, owner, n, kind, inputHash, storableJson(result)])
      return rows.length > 0 ? 'saved' : 'lost'
    },

    async saveAhead(turnId, { kind, inputHash, result }) {
      await query(saveAhead, [turnId, kind, inputHash, storableJson(result)])
    },

    async saveOutcome(turnId, owner, outcome) {
      const [row] = await query<{ withdrawn: boolean }>(saveOutcome, [turnId, owner, storableJson(outcome)])
      if (row === undefined) return 'lost'
      return row.withdrawn ? 'withdrawn' : 'saved'
    },

    async ended(turnId) {
      const [row] = await query<{ outcome: StoredOutcome | null }>(ended, [turnId])
      return row?.outcome ?? null
    },

    async digestOf(turnId) {
      const [row] = await query<{ digest: string | null }>(digestOf, [turnId])
      return row?.digest ?? null
    },

    async finish(turnId, owner, outcome, firstTextAt) {
      const values = [
        turnId,
        owner,
        outcome.state,
        storableJson(outcome),
        outcome.text,
        storableJson(outcome.receipt),
        firstTextAt,
      ]
      const [row] = await query<DispatchRow & { ended: boolean; hooked: boolean; id: string | null }>(finish, values)
      const next = row === undefined || row.id === null ? null : toDispatch(row)
      return { ended: row?.ended === true, next, hooked: row?.hooked === true }
    },

    async savePart(turnId, part) {
      await query(savePart, [turnId, part.ordinal, storableJson(part.ref), storable(part.text), part.ahead ?? 0])
    },

    async reservePart(turnId, ordinal) {
      return (await query(reservePart, [turnId, ordinal])).length > 0
    },

    async parts(turnId) {
      return query<StoredPart & { [column: string]: unknown }>(parts, [turnId])
    },

    async removePart(turnId, ordinal) {
      await query(removePart, [turnId, ordinal])
    },
  }
}

const saveStep: Statement = {
  name: 'turn_save_step',
  text: `
with held as (
  select turn.id from turn join conversation on conversation.key = turn.conversation_key
  where turn.id = $1 and conversation.lease_turn = turn.id and conversation.lease_owner = $2
), stale as (
  delete from turn_step using held where turn_step.turn_id = held.id and turn_step.n > $3
)
insert into turn_step (turn_id, n, kind, input_hash, result)
select held.id, $3, $4, $5, $6::jsonb from held
on conflict (turn_id, n) do update
  set kind = excluded.kind, input_hash = excluded.input_hash, result = excluded.result
returning turn_id`,
}

const saveAhead: Statement = {
  name: 'turn_save_ahead',
  text: `
with open as (select id from turn where id = $1 and state = 'queued' and not withdrawn for key share)
insert into turn_step (turn_id, n, kind, input_hash, result) select id, 0, $2, $3, $4::jsonb from open
on conflict (turn_id, n) do update set kind = excluded.kind, input_hash = excluded.input_hash, result = excluded.result`,
}

const saveOutcome: Statement = {
  name: 'turn_save_outcome',
  text: `
update turn set outcome = case when turn.withdrawn then null else $3::jsonb end, rests_on = outcome_rests_on($3::jsonb) from conversation
where turn.id = $1 and conversation.key = turn.conversation_key and conversation.lease_turn = turn.id
  and conversation.lease_owner = $2
returning turn.withdrawn`,
}

const ended: Statement = {
  name: 'turn_ended',
  text: `select outcome from turn where id = $1 and state not in ('queued', 'answering')`,
}

const digestOf: Statement = {
  name: 'turn_digest',
  text: `
select message -> 'program' ->> 'digest' as digest from inbound
where turn_id = coalesce((select source_id from turn where id = $1), $1) limit 1`,
}

/** Ends a turn. Sent again after a lost answer it changes nothing and still names the next turn. */
const finish: Statement = {
  name: 'turn_finish',
  text: `
with held as (
  -- Conversation first, then turn: the order in which everything else takes them.
  select conversation.key from turn join conversation on conversation.key = turn.conversation_key
  where turn.id = $1 and conversation.lease_turn = turn.id and conversation.lease_owner = $2
  for update of conversation
), ended as (
  update turn set state = $3::turn_state, outcome = $4::jsonb, answer = $5, receipt = $6::jsonb, finished_at = now(),
    rests_on = outcome_rests_on($4::jsonb),
    first_text_at = coalesce(turn.first_text_at, $7)
  from held
  where turn.id = $1 and turn.state = 'answering' and turn.conversation_key = held.key
    and not turn.withdrawn
  returning turn.id, turn.source_id
), kept as (
  -- A regeneration that failed leaves the answer that it was to replace in the history.
  update turn set superseded_by = null from ended
  where $3 = 'failed' and turn.source_id = ended.source_id and turn.superseded_by = ended.id
), spent as (
  -- A turn that has ended is not resumed.
  delete from turn_step using ended where turn_step.turn_id = ended.id
), called as (
  update tool_call set arguments = null, result = null from ended where tool_call.turn_id = ended.id
), freed as (
  update conversation set lease_turn = null, lease_owner = null, lease_until = null
  from ended where lease_turn = ended.id and lease_owner = $2
)
select exists (select from ended) as ended, webhook_wanted('turn.finished') as hooked, following.id, following.dispatches,
  null::text[] as files
from (select) one left join lateral (
  select next.id, next.dispatches
  from turn this join turn next on next.conversation_key = this.conversation_key and next.seq > this.seq
  where this.id = $1 and next.state in ('queued', 'answering')
  order by next.seq limit 1) following on true`,
}

const savePart: Statement = {
  name: 'part_save',
  text: `
insert into reply_part (turn_id, ordinal, ref, text, ahead) values ($1, $2, $3::jsonb, $4, $5)
on conflict (turn_id, ordinal) do update set ref = excluded.ref, text = excluded.text, ahead = excluded.ahead`,
}

const reservePart: Statement = {
  name: 'part_reserve',
  text: `
insert into reply_part (turn_id, ordinal, ref, text, posted_at) values ($1, $2, 'null', '', now())
on conflict (turn_id, ordinal) do update set posted_at = now()
-- A post takes at most 10 seconds, so after this time its worker has died.
where reply_part.ref = 'null' and reply_part.posted_at < now() - interval '12 seconds'
returning ordinal`,
}

const parts: Statement = {
  name: 'part_list',
  text: `select ordinal, ref, text, ahead from reply_part where turn_id = $1 order by ordinal`,
}

const removePart: Statement = {
  name: 'part_remove',
  text: `delete from reply_part where turn_id = $1 and ordinal = $2`,
}
