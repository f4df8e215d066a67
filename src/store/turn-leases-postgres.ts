/**
 * Which worker answers which turn: leases, the order within a conversation, and turns whose worker is gone. Each statement is
 * safe to send twice.
 */
import { errorCodes, ParleyError } from '../core/errors.ts'
import type { IncomingMessage } from '../core/message.ts'
import { turnWording } from '../wording/storage.ts'
import type { Database, Statement } from './database.ts'
import { waitsForPeople } from './tool-calls.ts'
import {
  type Dispatch,
  mostEarlierFiles,
  type PastTurn,
  type StoredAttachment,
  type StoredOutcome,
  type StoredPart,
  type StoredStep,
  suspectAfter,
  type TurnOverrides,
  type Turns,
  type TurnWork,
} from './turns.ts'

export interface DispatchRow {
  id: string
  dispatches: number
  files: string[] | null
}

export const toDispatch = (row: DispatchRow): Dispatch => ({
  turnId: row.id,
  dispatch: row.dispatches,
  attachmentIds: row.files ?? [],
})

/** What another reading of a file may get past: Parley could not fetch, keep or hear it at that time. */
const passing = Object.entries(errorCodes).flatMap(([code, retry]) => (retry === 'later' ? [code] : []))

type TurnLeases = Pick<Turns, 'claim' | 'load' | 'renew' | 'release' | 'orphaned' | 'redispatch' | 'dropForeignLeases'>

export function createTurnLeases({ query }: Pick<Database, 'query'>): TurnLeases {
  return {
    async claim(turnId, owner, leaseMs, mode = 'ordinary') {
      const [row] = await query<ClaimRow>(claim, [turnId, owner, leaseMs, passing, mode])
      if (row === undefined || row.ended) return { kind: 'ended' }
      if (row.claimed) return { kind: 'claimed' }
      if (row.waits) return { kind: 'waiting' }
      if (row.unread === null) {
        if (!row.suspect || mode !== 'ordinary') return { kind: 'busy', dispatch: row.dispatches }
        return { kind: 'suspect', dispatch: row.dispatches, brokenOff: { tries: row.tries, alone: row.tries_alone } }
      }
      return { kind: 'reading', unread: { turnId, dispatch: row.dispatches, attachmentIds: row.unread } }
    },

    async load(turnId) {
      const [row] = await query<LoadRow>(load, [turnId])
      if (row === undefined) throw new ParleyError('turn_not_found', turnWording.questionGone)
      return {
        id: turnId,
        conversationKey: row.conversation_key,
        placeKey: row.place_key,
        platform: row.platform,
        replyTarget: row.reply_target,
        messages: row.messages ?? [],
        attachments: row.attachments ?? [],
        earlierFiles: row.earlier_files ?? [],
        sharedElsewhere: row.shared_elsewhere,
        history: row.history ?? [],
        parts: row.parts ?? [],
        steps: row.steps ?? [],
        outcome: row.outcome,
        overrides: row.overrides ?? undefined,
        attempts: row.attempts,
        stopRequested: row.stop_requested_at !== null,
        withdrawn: row.withdrawn,
        createdAt: row.created_at,
        startedAt: row.started_at ?? new Date(),
        firstTextAt: row.first_text_at,
      }
    },

    async renew(turnId, owner, leaseMs) {
      const [row] = await query<{ stop: boolean }>(renew, [turnId, owner, leaseMs])
      if (row === undefined) return 'lost'
      return row.stop ? 'stop' : 'held'
    },

    async release(turnId, owner, use) {
      await query(release, [turnId, owner, use === 'unused' ? 1 : 0])
    },

    async orphaned(olderThanMs, limit) {
      return (await query<DispatchRow>(orphaned, [olderThanMs, limit])).map(toDispatch)
    },

    async redispatch(lost) {
      const values = [lost.map((one) => one.turnId), lost.map((one) => one.dispatch)]
      return (await query<DispatchRow>(redispatch, values)).map(toDispatch)
    },

    async dropForeignLeases(prefix) {
      await query(dropTurnLeases, [prefix])
      await query(dropFileLeases, [prefix])
    },
  }
}

interface ClaimRow {
  [column: string]: unknown
  claimed: boolean
  ended: boolean
  unread: string[] | null
  dispatches: number
  tries: number
  tries_alone: number
  suspect: boolean
  waits: boolean
}

interface LoadRow {
  [column: string]: unknown
  conversation_key: string
  place_key: string
  platform: string
  reply_target: TurnWork['replyTarget']
  created_at: Date
  started_at: Date | null
  first_text_at: Date | null
  attempts: number
  stop_requested_at: Date | null
  withdrawn: boolean
  steps: StoredStep[] | null
  outcome: StoredOutcome | null
  overrides: TurnOverrides | null
  messages: IncomingMessage[] | null
  attachments: StoredAttachment[] | null
  earlier_files: StoredAttachment[] | null
  shared_elsewhere: boolean
  history: PastTurn[] | null
  parts: StoredPart[] | null
}

const nothingEarlier = (turn: string) => `not exists (
      select from turn earlier
      where earlier.conversation_key = ${turn}.conversation_key and earlier.seq < ${turn}.seq
        and earlier.state in ('queued', 'answering'))`

/** Whether a turn may know of an earlier one: what somebody asked for themselves alone is known to them alone. */
const knows = (turn: string, earlier: string) =>
  `(not ${earlier}.private or (${turn}.private and ${earlier}.author_id = ${turn}.author_id))`

/**
 * Takes the lease when nothing earlier is open, no file is left to read (unless the turn is to stop) and no one holds it.
 * Files of the conversation that were skipped lately by a cause that passes ($4: codes), such as a full disk, become this
 * turn's: they are read for it. One that is skipped again waits for the question after this one.
 * A turn found in state `answering` was broken off, because ending or releasing a turn changes its state.
 */
const claim: Statement = {
  name: 'turn_claim',
  text: `
with wanted as (
  select turn.*, (
    select array_agg(file.id order by file.position) from turn_attachment file
    where file.turn_id = turn.source_id and file.state in ('waiting', 'reading') and turn.stop_requested_at is null
  ) as own,
    -- To stop or to be taken back it need not wait.
    turn.stop_requested_at is null and ${waitsForPeople('turn')} as waits,
    turn.broken_off + (turn.state = 'answering')::int as tries,
    turn.broken_off_alone + (turn.state = 'answering' and turn.alone)::int as tries_alone,
    -- The same claim, sent again after a lost answer.
    conversation.lease_owner is not distinct from $2 as mine,
    (conversation.lease_until is null or conversation.lease_until < now()) and ${nothingEarlier('turn')} as free
  from turn join conversation on conversation.key = turn.conversation_key where turn.id = $1
), revived as (
  update turn_attachment file set turn_id = asking.source_id, state = 'waiting', receipt = null, progress = null,
    position = file.position + 1000
  from wanted asking, (
    select skipped.id from wanted now, lateral (
      select earlier.id from turn earlier
      where earlier.conversation_key = now.conversation_key and earlier.seq < now.seq and earlier.id = earlier.source_id
        -- Whoever asks for themselves alone takes no file away from the others.
        and earlier.private = now.private and ${knows('now', 'earlier')} and earlier.state not in ('queued', 'answering')
      order by earlier.seq desc limit 3) past
    join turn_attachment skipped on skipped.turn_id = past.id
    where skipped.state = 'failed' and skipped.receipt -> 'problems' -> 0 ->> 'code' = any ($4::text[]) limit 10
  ) again
  where file.id = again.id and file.state = 'failed' and asking.state = 'queued' and asking.id = asking.source_id
    and asking.stop_requested_at is null
    and ${nothingEarlier('asking')}
  returning file.id
), reading as (
  select case when wanted.own is null and again.files is null then null
    else coalesce(wanted.own, '{}') || coalesce(again.files, '{}') end as unread
  from wanted, (select array_agg(id) as files from revived) again
), leased as (
  update conversation set lease_turn = wanted.id, lease_owner = $2, lease_until = now() + $3 * interval '1 millisecond'
  from wanted
  where conversation.key = wanted.conversation_key and wanted.state in ('queued', 'answering') and (select unread from reading) is null
    and not wanted.waits
    and (conversation.lease_until is null or conversation.lease_until < now() or conversation.lease_owner = $2)
    and ${nothingEarlier('wanted')} and ($5 <> 'ordinary' or wanted.mine or wanted.tries < ${suspectAfter})
  returning conversation.key
), started as (
  update turn set state = 'answering', attempts = turn.attempts + 1, started_at = coalesce(turn.started_at, now()),
    broken_off = turn.broken_off + (turn.state = 'answering' and not wanted.mine)::int,
    broken_off_alone = turn.broken_off_alone + (turn.state = 'answering' and turn.alone and not wanted.mine)::int,
    alone = $5 = 'alone'
  from leased, wanted where turn.id = $1 and turn.state in ('queued', 'answering')
  returning turn.id, turn.source_id
), taken as (
  insert into reply_part (turn_id, ordinal, ref, text)
  select started.id, part.ordinal, part.ref, part.text
  from started join turn old on old.source_id = started.source_id and old.superseded_by = started.id
    join reply_part part on part.turn_id = old.id
  on conflict do nothing
)
select exists (select from started) as claimed, state not in ('queued', 'answering') as ended, unread, dispatches,
  tries, tries_alone, free and tries >= ${suspectAfter} as suspect, waits
from wanted, reading`,
}

const fileJson = (file: string) => `jsonb_build_object(
  'id', ${file}.id, 'attachment', ${file}.attachment, 'state', ${file}.state, 'contentHash', ${file}.content_hash,
  'engine', ${file}.engine, 'receipt', ${file}.receipt)`

/** Everything the answer needs, in one round trip. History and files reach back a bounded way. */
const load: Statement = {
  name: 'turn_load',
  text: `
select turn.conversation_key, place.place_key, turn.platform, turn.reply_target, turn.created_at, turn.started_at, turn.first_text_at,
  turn.attempts, turn.stop_requested_at, turn.withdrawn, turn.outcome, turn.overrides,
  (select jsonb_agg(inbound.message order by inbound.seq) from inbound where inbound.turn_id = turn.source_id) as messages,
  (select jsonb_agg(${fileJson('file')} order by file.position, file.id)
    from turn_attachment file where file.turn_id = turn.source_id) as attachments,
  (select jsonb_agg(${fileJson('file')} order by file.seq desc, file.position) from (
    select file.*, owner.seq from turn_attachment file join turn owner on owner.id = file.turn_id
    where owner.conversation_key = turn.conversation_key and owner.seq < turn.seq and owner.id <> turn.source_id
      and file.state = 'read' and ${knows('turn', 'owner')}
    order by owner.seq desc, file.position limit ${mostEarlierFiles}) file) as earlier_files,
  -- Three look-ups in an index; "is distinct from" would read the whole table where all is shared here.
  exists (select from share where conversation_key < turn.conversation_key)
    or exists (select from share where conversation_key > turn.conversation_key)
    or exists (select from share where conversation_key is null) as shared_elsewhere,
  (select jsonb_agg(past.item order by past.seq) from (
    select past.seq, jsonb_build_object('answer', past.answer, 'provider', past.receipt ->> 'provider',
      'model', past.receipt ->> 'model', 'untrusted', past.receipt ? 'untrusted', 'messages',
      (select jsonb_agg(inbound.message order by inbound.seq) from inbound where inbound.turn_id = past.source_id)) as item
    from turn past
    where past.conversation_key = turn.conversation_key and past.seq < turn.seq and past.state in ('done', 'stopped')
      and past.superseded_by is null and past.source_id <> turn.source_id and past.answer is not null
      and ${knows('turn', 'past')}
    order by past.seq desc limit 30) past) as history,
  (select jsonb_agg(jsonb_build_object('ordinal', part.ordinal, 'ref', part.ref, 'text', part.text,
    'ahead', part.ahead) order by part.ordinal)
    from reply_part part where part.turn_id = turn.id) as parts,
  (select jsonb_agg(jsonb_build_object('n', step.n, 'kind', step.kind, 'inputHash', step.input_hash, 'result', step.result)
    order by step.n) from turn_step step where step.turn_id = turn.id) as steps
from turn join conversation place on place.key = turn.conversation_key where turn.id = $1`,
}

const renew: Statement = {
  name: 'turn_renew',
  text: `
update conversation set lease_until = now() + $3 * interval '1 millisecond'
from turn
where turn.id = $1 and conversation.key = turn.conversation_key and conversation.lease_turn = turn.id
  and conversation.lease_owner = $2
returning turn.stop_requested_at is not null as stop`,
}

const release: Statement = {
  name: 'turn_release',
  text: `
with freed as (
  update conversation set lease_turn = null, lease_owner = null, lease_until = null
  where lease_turn = $1 and lease_owner = $2 returning key
)
update turn set state = 'queued', alone = false, attempts = turn.attempts - $3::int,
  -- A worker that gives it back unused comes back for it.
  dispatched_at = case when $3::int = 1 then now() else turn.dispatched_at end
from freed
where turn.id = $1 and turn.state = 'answering'`,
}

const unreadFiles = `(select array_agg(file.id order by file.position) from turn_attachment file
    where file.turn_id = turn.source_id and file.state in ('waiting', 'reading')
      and turn.stop_requested_at is null) as files`

/**
 * Only the first open turn of a conversation can be lost; the others wait for it. The queue knows whether it is lost. This
 * finds the candidates, oldest first.
 */
const orphaned: Statement = {
  name: 'turn_stranded',
  text: `
with lost as (
  select turn.id from turn join conversation on conversation.key = turn.conversation_key
  where turn.state in ('queued', 'answering')
    and (conversation.lease_until is null or conversation.lease_until < now() or conversation.lease_turn <> turn.id)
    and turn.dispatched_at < now() - $1 * interval '1 millisecond'
    and (turn.stop_requested_at is not null or not ${waitsForPeople('turn')})
    and not exists (
      select from turn earlier where earlier.conversation_key = turn.conversation_key and earlier.seq < turn.seq
        and earlier.state in ('queued', 'answering'))
    and not exists (
      select from turn_attachment file where file.turn_id = turn.source_id and file.state = 'reading'
        and file.lease_until > now())
  order by turn.dispatched_at limit $2
  for update of turn skip locked
)
update turn set dispatched_at = now() from lost where turn.id = lost.id
returning turn.id, turn.dispatches, ${unreadFiles}`,
}

/** Sent again, or by two sweeps at once, it counts once. */
const redispatch: Statement = {
  name: 'turn_redispatch',
  text: `
update turn set dispatches = lost.dispatch + 1, dispatched_at = now()
from unnest($1::uuid[], $2::int[]) as lost (id, dispatch)
where turn.id = lost.id and turn.state in ('queued', 'answering') and turn.dispatches <= lost.dispatch + 1
returning turn.id, turn.dispatches, ${unreadFiles}`,
}

const dropTurnLeases: Statement = {
  name: 'turn_drop_leases',
  text: `
update conversation set lease_turn = null, lease_owner = null, lease_until = null
where lease_owner is not null and not starts_with(lease_owner, $1)`,
}

const dropFileLeases: Statement = {
  name: 'file_drop_leases',
  text: `
update turn_attachment set state = 'waiting', lease_owner = null, lease_until = null, broken_off = broken_off + 1,
  broken_off_alone = broken_off_alone + alone::int, alone = false
where state = 'reading' and not starts_with(lease_owner, $1)`,
}
