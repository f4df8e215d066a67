/** Questions that people deleted: their words and files go at once, and the turn goes when its worker has taken back what was posted. */
import type { TurnState } from '../core/platform.ts'
import type { Database, Statement } from './database.ts'
import { attachmentPrefix } from './turn-intake-postgres.ts'
import { type DispatchRow, toDispatch } from './turn-leases-postgres.ts'
import type { Turns } from './turns.ts'

type TurnWithdrawal = Pick<Turns, 'withdraw' | 'messagesIn' | 'withdrawn' | 'erase'>

export function createTurnWithdrawal({ query, transaction }: Pick<Database, 'query' | 'transaction'>): TurnWithdrawal {
  return {
    async withdraw(platform, ids) {
      const prefixes = ids.map((id) => attachmentPrefix(platform, id))
      // Two statements: the second one sees what the holders of the conversations have committed.
      const rows = await transaction(async (send) => {
        await send(lockConversations, [platform, ids])
        return await send<{ known: string; id: string | null; state: TurnState }>(withdraw, [platform, ids, prefixes])
      })
      return {
        known: Number(rows[0]?.known ?? 0),
        open: rows.flatMap(({ id, state }) => (id === null ? [] : [{ turnId: id, state }])),
      }
    },

    async messagesIn(key) {
      return (await query<{ id: string }>(messagesIn, [key])).map(({ id }) => id)
    },

    async withdrawn(turnId) {
      const [row] = await query<{ withdrawn: boolean }>(withdrawn, [turnId])
      return row?.withdrawn === true
    },

    async erase(turnId, owner) {
      const [row] = await query<DispatchRow>(erase, [turnId, owner])
      return { next: row === undefined ? null : toDispatch(row) }
    },
  }
}

/** A message that joins one of their turns at this moment is waited for. */
const lockConversations: Statement = {
  name: 'inbound_lock',
  text: `
select key from conversation where key in (
  select turn.conversation_key from inbound join turn on turn.id = inbound.turn_id
  where inbound.platform = $1 and inbound.id = any ($2::text[]))
order by key for update`,
}

/**
 * The turns are locked before their states are looked at. An open one keeps its row, with what was posted, until its worker has
 * taken that back. Files are looked for in the whole conversation: one that could not be read moves to the next question there. Files
 * that were posted without Parley have no turn.
 */
const withdraw: Statement = {
  name: 'inbound_withdraw',
  text: `
with deleted as (
  select inbound.id, inbound.turn_id from inbound
  where inbound.platform = $1 and inbound.id = any ($2::text[])
), held as (
  select turn.id, turn.source_id, turn.state, turn.conversation_key from turn
  where turn.source_id in (select turn_id from deleted) order by turn.seq for update
), files as (
  delete from turn_attachment using unnest($3::text[]) as prefix
  where turn_attachment.turn_id in (
      select turn.id from turn where turn.conversation_key in (select conversation_key from held))
    and starts_with(turn_attachment.id, prefix)
), posted as (
  delete from turn_attachment where turn_id is null and posted ->> 'messageId' = any ($2::text[]) and posted ->> 'platform' = $1
), messages as (
  delete from inbound using deleted where inbound.platform = $1 and inbound.id = deleted.id
  returning inbound.id
), empty as (
  select held.id, held.state from held
  where not exists (select from inbound kept where kept.turn_id = held.source_id and kept.id <> all ($2::text[]))
), stopped as (
  update turn set stop_requested_at = coalesce(turn.stop_requested_at, now()), withdrawn = true, outcome = null from empty
  where turn.id = empty.id and empty.state in ('queued', 'answering')
  returning turn.id, turn.state
), gone as (
  delete from turn using empty where turn.id = empty.id and empty.state not in ('queued', 'answering')
)
select (select count(*) from messages) as known, stopped.id, stopped.state from (select) one left join stopped on true`,
}

/** A key contains no slash but between its parts. */
const messagesIn: Statement = {
  name: 'conversation_messages',
  text: `
select inbound.id from conversation
  join turn on turn.conversation_key = conversation.key
  join inbound on inbound.turn_id = turn.id
where conversation.key = $1 or starts_with(conversation.key, $1 || '/')`,
}

const withdrawn: Statement = {
  name: 'turn_withdrawn',
  text: `
select withdrawn from turn where id = $1`,
}

/** Deletes a turn whose messages were deleted. Sent again after a lost answer it changes nothing; the next turn looks again soon. */
const erase: Statement = {
  name: 'turn_erase',
  text: `
with held as (
  select conversation.key, turn.id, turn.seq from turn join conversation on conversation.key = turn.conversation_key
  where turn.id = $1 and conversation.lease_turn = turn.id and conversation.lease_owner = $2
    and turn.withdrawn
  for update of conversation
), gone as (
  delete from turn using held where turn.id = held.id
), freed as (
  update conversation set lease_turn = null, lease_owner = null, lease_until = null from held where conversation.key = held.key
)
select following.id, following.dispatches, null::text[] as files
from held join turn following on following.conversation_key = held.key and following.seq > held.seq
where following.state in ('queued', 'answering')
order by following.seq limit 1`,
}
