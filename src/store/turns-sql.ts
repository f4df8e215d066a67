/**
 * The statements behind turns-postgres.ts. Each is atomic by itself and safe to send twice, so that a lost connection can
 * always be answered by sending it again.
 */
import type { Statement } from './database.ts'

/**
 * Stores an inbound message. The conversation's row is locked first, so messages of one conversation are numbered in the
 * order of their commits. A follow-up joins the latest turn when that is its author's and has not started; `for update`
 * looks again after waiting for a worker that claims the turn at this moment.
 */
export const accept: Statement = {
  name: 'turn_accept',
  text: `
with known as (
  select turn_id from inbound where platform = $2 and id = $6
), held as (
  insert into conversation (key, platform, workspace_id, channel_id, thread_id) values ($1, $2, $3, $4, $5)
  on conflict (key) do update set key = excluded.key
  returning key
), joinable as (
  select turn.id from turn join held on held.key = turn.conversation_key
  where turn.state = 'queued' and turn.author_id = $8 and turn.source_id = turn.id and turn.stop_requested_at is null
    and turn.outcome is null
    and turn.seq = (select max(latest.seq) from turn latest where latest.conversation_key = $1)
  for update of turn
), event as (
  insert into inbound (platform, id, turn_id, message)
  select $2, $6, coalesce((select id from joinable), $9::uuid), $7::jsonb from held
  where not exists (select from known)
  on conflict do nothing
  returning turn_id
), fresh as (
  insert into turn (id, conversation_key, source_id, author_id, platform, reply_target)
  select event.turn_id, $1, event.turn_id, $8, $2, $10::jsonb from event where event.turn_id = $9::uuid
), files as (
  insert into turn_attachment (id, turn_id, position, attachment)
  -- Those of a message that joins come after those that are there.
  select file.id, event.turn_id, file.position + (
    select count(*) from turn_attachment earlier where earlier.turn_id = event.turn_id), file.attachment
  from event, jsonb_to_recordset($11::jsonb) as file (id text, position int, attachment jsonb)
  on conflict do nothing
  returning id, attachment ->> 'blob' as hash
), known_bytes as (
  select files.id, blob.hash from files join blob on blob.hash = files.hash for key share of blob
), refs as (
  insert into blob_ref (hash, owner_kind, owner_id) select hash, 'attachment', id from known_bytes
)
select turn_id, false as known from event union all select turn_id, true from known`,
}

export const inboundTurn: Statement = {
  name: 'inbound_turn',
  text: `select turn_id from inbound where platform = $1 and id = $2`,
}

/** From how many broken tries on an ordinary claim refuses; workers/isolation.ts says what becomes of such work. */
export const suspectAfter = 3

const nothingEarlier = (turn: string) => `not exists (
      select from turn earlier
      where earlier.conversation_key = ${turn}.conversation_key and earlier.seq < ${turn}.seq
        and earlier.state in ('queued', 'answering'))`

/**
 * Takes the lease when nothing earlier is open, no file is left to read (unless the turn is to stop) and nobody holds it.
 * Files of the conversation that were skipped lately by a cause that passes ($4: codes), such as a full disk, become this
 * turn's: they are read for it. One that is skipped again waits for the question after this one.
 * A turn that is found `answering` was broken off: whoever ends or releases it changes its state.
 */
export const claim: Statement = {
  name: 'turn_claim',
  text: `
with wanted as (
  select turn.*, (
    select array_agg(file.id order by file.position) from turn_attachment file
    where file.turn_id = turn.source_id and file.state in ('waiting', 'reading') and turn.stop_requested_at is null
  ) as own,
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
        and earlier.state not in ('queued', 'answering')
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
  tries, tries_alone, free and tries >= ${suspectAfter} as suspect
from wanted, reading`,
}

const fileJson = (file: string) => `jsonb_build_object(
  'id', ${file}.id, 'attachment', ${file}.attachment, 'state', ${file}.state, 'contentHash', ${file}.content_hash,
  'engine', ${file}.engine, 'receipt', ${file}.receipt)`

/** Everything the answer needs, in one round trip. History and files reach back a bounded way. */
export const load: Statement = {
  name: 'turn_load',
  text: `
select turn.conversation_key, turn.platform, turn.reply_target, turn.created_at, turn.started_at, turn.first_text_at,
  turn.attempts, turn.stop_requested_at, turn.outcome, turn.overrides,
  (select jsonb_agg(inbound.message order by inbound.seq) from inbound where inbound.turn_id = turn.source_id) as messages,
  (select jsonb_agg(${fileJson('file')} order by file.position, file.id)
    from turn_attachment file where file.turn_id = turn.source_id) as attachments,
  (select jsonb_agg(${fileJson('file')} order by file.seq desc, file.position) from (
    select file.*, owner.seq from turn_attachment file join turn owner on owner.id = file.turn_id
    where owner.conversation_key = turn.conversation_key and owner.seq < turn.seq and owner.id <> turn.source_id
      and file.state = 'read'
    order by owner.seq desc, file.position limit 50) file) as earlier_files,
  (select jsonb_agg(past.item order by past.seq) from (
    select past.seq, jsonb_build_object('answer', past.answer, 'provider', past.receipt ->> 'provider',
      'model', past.receipt ->> 'model', 'messages',
      (select jsonb_agg(inbound.message order by inbound.seq) from inbound where inbound.turn_id = past.source_id)) as item
    from turn past
    where past.conversation_key = turn.conversation_key and past.seq < turn.seq and past.state in ('done', 'stopped')
      and past.superseded_by is null and past.source_id <> turn.source_id and past.answer is not null
    order by past.seq desc limit 30) past) as history,
  (select jsonb_agg(jsonb_build_object('ordinal', part.ordinal, 'ref', part.ref, 'text', part.text,
    'ahead', part.ahead) order by part.ordinal)
    from reply_part part where part.turn_id = turn.id) as parts,
  (select jsonb_agg(jsonb_build_object('n', step.n, 'kind', step.kind, 'inputHash', step.input_hash, 'result', step.result)
    order by step.n) from turn_step step where step.turn_id = turn.id) as steps
from turn where turn.id = $1`,
}

export const renew: Statement = {
  name: 'turn_renew',
  text: `
update conversation set lease_until = now() + $3 * interval '1 millisecond'
from turn
where turn.id = $1 and conversation.key = turn.conversation_key and conversation.lease_turn = turn.id
  and conversation.lease_owner = $2
returning turn.stop_requested_at is not null as stop`,
}

export const release: Statement = {
  name: 'turn_release',
  text: `
with freed as (
  update conversation set lease_turn = null, lease_owner = null, lease_until = null
  where lease_turn = $1 and lease_owner = $2 returning key
)
update turn set state = 'queued', alone = false, attempts = turn.attempts - $3::int,
  -- Whoever gives it back unused comes again by themselves.
  dispatched_at = case when $3::int = 1 then now() else turn.dispatched_at end
from freed
where turn.id = $1 and turn.state = 'answering'`,
}

export const saveStep: Statement = {
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

export const saveOutcome: Statement = {
  name: 'turn_save_outcome',
  text: `
update turn set outcome = $3::jsonb from conversation
where turn.id = $1 and conversation.key = turn.conversation_key and conversation.lease_turn = turn.id
  and conversation.lease_owner = $2
returning turn.id`,
}

export const ended: Statement = {
  name: 'turn_ended',
  text: `select outcome from turn where id = $1 and state not in ('queued', 'answering')`,
}

/** Ends a turn. Sent again after a lost answer it changes nothing and still names the next turn. */
export const finish: Statement = {
  name: 'turn_finish',
  text: `
with held as (
  -- Conversation first, then turn: the order in which everything else takes them.
  select conversation.key from turn join conversation on conversation.key = turn.conversation_key
  where turn.id = $1 and conversation.lease_turn = turn.id and conversation.lease_owner = $2
  for update of conversation
), ended as (
  update turn set state = $3::turn_state, outcome = $4::jsonb, answer = $5, receipt = $6::jsonb, finished_at = now(),
    first_text_at = coalesce(turn.first_text_at, $7)
  from held
  where turn.id = $1 and turn.state = 'answering' and turn.conversation_key = held.key
  returning turn.id, turn.source_id
), kept as (
  -- A regeneration that failed leaves the answer that it was to replace in the history.
  update turn set superseded_by = null from ended
  where $3 = 'failed' and turn.source_id = ended.source_id and turn.superseded_by = ended.id
), spent as (
  -- A turn that has ended is not resumed.
  delete from turn_step using ended where turn_step.turn_id = ended.id
), freed as (
  update conversation set lease_turn = null, lease_owner = null, lease_until = null
  from ended where lease_turn = ended.id and lease_owner = $2
)
select following.id, following.dispatches, null::text[] as files
from turn this join turn following on following.conversation_key = this.conversation_key and following.seq > this.seq
where this.id = $1 and following.state in ('queued', 'answering')
order by following.seq limit 1`,
}

export const savePart: Statement = {
  name: 'part_save',
  text: `
insert into reply_part (turn_id, ordinal, ref, text, ahead) values ($1, $2, $3::jsonb, $4, $5)
on conflict (turn_id, ordinal) do update set ref = excluded.ref, text = excluded.text, ahead = excluded.ahead`,
}

export const reservePart: Statement = {
  name: 'part_reserve',
  text: `
insert into reply_part (turn_id, ordinal, ref, text, posted_at) values ($1, $2, 'null', '', now())
on conflict (turn_id, ordinal) do update set posted_at = now()
-- A post takes at most 10 seconds: after this long whoever reserved it has died.
where reply_part.ref = 'null' and reply_part.posted_at < now() - interval '12 seconds'
returning ordinal`,
}

export const parts: Statement = {
  name: 'part_list',
  text: `select ordinal, ref, text, ahead from reply_part where turn_id = $1 order by ordinal`,
}

export const removePart: Statement = {
  name: 'part_remove',
  text: `delete from reply_part where turn_id = $1 and ordinal = $2`,
}

export const requestStop: Statement = {
  name: 'turn_request_stop',
  text: `
with asked as (
  update turn set stop_requested_at = coalesce(stop_requested_at, now())
  where id = $1 and state in ('queued', 'answering')
)
select state from turn where id = $1`,
}

/**
 * The turn is locked before its state is looked at: one that a worker claims at this moment counts as started. The message
 * as it is now is kept either way, for whoever regenerates the answer.
 */
export const revise: Statement = {
  name: 'inbound_revise',
  text: `
with held as (
  select turn.id, turn.state from inbound join turn on turn.id = inbound.turn_id
  where inbound.platform = $1 and inbound.id = $2 and turn.author_id = $4
  for update of turn
), changed as (
  update inbound set message = jsonb_set(inbound.message, '{text}', to_jsonb($3::text)) from held
  where inbound.platform = $1 and inbound.id = $2
)
select id, state = 'queued' as revised from held`,
}

export const takesPart: Statement = {
  name: 'conversation_known',
  text: `select exists (select from turn where conversation_key = $1) as known`,
}

export const about: Statement = {
  name: 'turn_about',
  text: `
select conversation.platform, conversation.workspace_id, conversation.channel_id, conversation.thread_id,
  asked.message -> 'author' as author, asked.message ->> 'kind' = 'direct' as direct,
  coalesce((asked.message ->> 'private')::boolean, false) as private
from turn join conversation on conversation.key = turn.conversation_key
  join lateral (
    select message from inbound where inbound.turn_id = turn.source_id order by inbound.seq limit 1) asked on true
where turn.id = $1`,
}

/** The old turn leaves the history; what its reply was posted as goes to the new one when that is claimed. */
export const regenerate: Statement = {
  name: 'turn_regenerate',
  text: `
with old as (
  select turn.*, (state not in ('queued', 'answering') or outcome is not null) as ended,
    seq = (select max(latest.seq) from turn latest where latest.conversation_key = turn.conversation_key) as latest
  from turn where id = $1 for update
), fresh as (
  insert into turn (id, conversation_key, source_id, author_id, platform, reply_target, broken_off, overrides)
  select $2::uuid, conversation_key, source_id, author_id, platform, reply_target,
    -- What ended its process runs apart from the first try on when it is asked again.
    case when receipt ->> 'error' = 'turn_crashed' then ${suspectAfter} else 0 end, coalesce(
    $3::jsonb || case when receipt ->> 'model' is null then '{}' else jsonb_build_object('from',
      jsonb_build_object('provider', receipt ->> 'provider', 'model', receipt ->> 'model')) end, overrides)
  from old
  where ended and latest and superseded_by is null
  returning id
), replaced as (
  update turn set superseded_by = fresh.id from fresh where turn.id = $1
)
select true as known, ended, latest or superseded_by is not null as latest,
  coalesce((select id from fresh), superseded_by) as id
from old`,
}

const unreadFiles = `(select array_agg(file.id order by file.position) from turn_attachment file
    where file.turn_id = turn.source_id and file.state in ('waiting', 'reading')
      and turn.stop_requested_at is null) as files`

/**
 * Only the first open turn of a conversation can be lost; the others wait for it. Whether it is, the queue knows: this
 * finds whom to ask about, everybody in turn.
 */
export const orphaned: Statement = {
  name: 'turn_stranded',
  text: `
with lost as (
  select turn.id from turn join conversation on conversation.key = turn.conversation_key
  where turn.state in ('queued', 'answering')
    and (conversation.lease_until is null or conversation.lease_until < now() or conversation.lease_turn <> turn.id)
    and turn.dispatched_at < now() - $1 * interval '1 millisecond'
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
export const redispatch: Statement = {
  name: 'turn_redispatch',
  text: `
update turn set dispatches = lost.dispatch + 1, dispatched_at = now()
from unnest($1::uuid[], $2::int[]) as lost (id, dispatch)
where turn.id = lost.id and turn.state in ('queued', 'answering') and turn.dispatches <= lost.dispatch + 1
returning turn.id, turn.dispatches, ${unreadFiles}`,
}

export const dropTurnLeases: Statement = {
  name: 'turn_drop_leases',
  text: `
update conversation set lease_turn = null, lease_owner = null, lease_until = null
where lease_owner is not null and not starts_with(lease_owner, $1)`,
}

export const dropFileLeases: Statement = {
  name: 'file_drop_leases',
  text: `
update turn_attachment set state = 'waiting', lease_owner = null, lease_until = null, broken_off = broken_off + 1,
  broken_off_alone = broken_off_alone + alone::int, alone = false
where state = 'reading' and not starts_with(lease_owner, $1)`,
}
