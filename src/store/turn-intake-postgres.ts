/** What people do to turns: ask, change a question, stop and regenerate an answer. Each statement is safe to send twice. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { storable, storableJson } from '../core/json.ts'
import { conversationKey, type IncomingMessage } from '../core/message.ts'
import { placeKey, placeOf } from '../core/place.ts'
import type { TurnState } from '../core/platform.ts'
import { turnWording } from '../wording/storage.ts'
import type { Database, Statement } from './database.ts'
import { hasCalls } from './tool-calls.ts'
import { suspectAfter, type TurnAbout, type Turns } from './turns.ts'

type TurnIntake = Pick<
  Turns,
  | 'accept'
  | 'complete'
  | 'requestStop'
  | 'stopOfDisabled'
  | 'revise'
  | 'participation'
  | 'stopTarget'
  | 'about'
  | 'questionOf'
  | 'regenerate'
  | 'setAsker'
>

export function createTurnIntake({ query }: Pick<Database, 'query'>): TurnIntake {
  return {
    async accept(message) {
      const { platform, workspaceId, channelId, threadId } = message.conversation
      const fresh = randomUUID()
      const files = message.attachments.map((attachment, position) => ({
        id: attachmentId(message, position),
        position,
        attachment,
      }))
      const values = [
        conversationKey(message.conversation),
        platform,
        workspaceId,
        channelId,
        threadId ?? null,
        message.id,
        storableJson(message),
        message.author.id,
        fresh,
        storableJson(message.replyTarget),
        storableJson(files),
        placeKey(placeOf(message)),
        message.private === true,
      ]
      const [row] = await query<{ turn_id: string; known: boolean }>(accept, values)
      // A delivery at the same moment won: its row was not yet visible to this statement.
      const turnId = row?.turn_id ?? (await query<{ turn_id: string }>(inboundTurn, [platform, message.id]))[0]?.turn_id
      if (turnId === undefined) throw new ParleyError('internal', turnWording.notStored)
      const dispatch = { turnId, dispatch: 1, attachmentIds: files.map((file) => file.id) }
      if (row === undefined || row.known) return { kind: 'duplicate', turnId, dispatch }
      return { kind: turnId === fresh ? 'new' : 'joined', turnId, dispatch }
    },

    async complete(message) {
      const { platform } = message.conversation
      const [row] = await query<{ turn_id: string; queued: boolean; files: string[] }>(complete, [
        platform,
        message.id,
        storableJson(message.attachments),
        attachmentPrefix(platform, message.id),
      ])
      if (row === undefined) return null
      const { turn_id: turnId, files: attachmentIds } = row
      return { kind: row.queued ? 'joined' : 'late', turnId, dispatch: { turnId, dispatch: 1, attachmentIds } }
    },

    stopOfDisabled: (personId) => query<{ turnId: string; state: TurnState }>(stopOfDisabled, [personId]),

    async requestStop(turnId, eventId) {
      const [row] = await query<{ state: TurnState }>(requestStop, [turnId, eventId ?? null])
      return row?.state ?? null
    },

    async revise(platform, id, text, authorId) {
      const values = [platform, id, storable(text), authorId]
      const [row] = await query<{ id: string; revised: boolean; same: boolean }>(revise, values)
      if (row === undefined) return { kind: 'unknown' }
      if (row.same) return { kind: 'unchanged', turnId: row.id }
      return { kind: row.revised ? 'revised' : 'started', turnId: row.id }
    },

    async participation(key, personId) {
      const [row] = await query<ParticipationRow>(participation, [key, personId])
      if (row === undefined || row.taken === null) return null
      return { known: { upTo: row.up_to ?? undefined, taken: row.taken }, asked: row.asked }
    },

    async stopTarget(key, platform, messageId) {
      const [row] = await query<{ id: string | null }>(stopTarget, [key, platform, messageId])
      return row?.id ?? null
    },

    async about(turnId) {
      const [row] = await query<AboutRow>(about, [turnId])
      if (row === undefined) return null
      const { platform, workspace_id: workspaceId, channel_id: channelId, thread_id: threadId } = row
      const conversation = { platform, workspaceId, channelId, threadId: threadId ?? undefined }
      return {
        conversation,
        conversationKey: conversationKey(conversation),
        placeKey: row.place_key,
        author: row.author,
        direct: row.direct,
        private: row.private,
      }
    },

    async questionOf(turnId) {
      return (await query<{ message: IncomingMessage }>(questionOf, [turnId])).map(({ message }) => message)
    },

    async setAsker(turnId, { id, personId, teamIds }) {
      await query(setAsker, [turnId, id, storableJson({ personId, teamIds })])
    },

    async regenerate(turnId, overrides) {
      const [row] = await query<{ known: boolean; ended: boolean; latest: boolean; id: string | null }>(regenerate, [
        turnId,
        randomUUID(),
        overrides === undefined ? null : storableJson(overrides),
      ])
      if (row === undefined) throw new ParleyError('turn_not_found', turnWording.answerGone)
      if (!row.ended) throw new ParleyError('turn_not_latest', turnWording.stillWriting)
      if (!row.latest || row.id === null) throw new ParleyError('turn_not_latest', turnWording.notLatest)
      return { turnId: row.id, dispatch: 1, attachmentIds: [] }
    },
  }
}

/** Derived from the event, so that a redelivery names the same attachment. */
function attachmentId(message: IncomingMessage, position: number): string {
  return `${attachmentPrefix(message.conversation.platform, message.id)}${position}`
}

export function attachmentPrefix(platform: string, messageId: string): string {
  return `${platform}.${messageId}.`.replaceAll(/[^\w.-]/g, '_')
}

interface AboutRow extends Pick<TurnAbout, 'author' | 'direct' | 'private'> {
  [column: string]: unknown
  platform: string
  workspace_id: string
  channel_id: string
  thread_id: string | null
  place_key: string
}

/**
 * Stores an inbound message. The conversation's row is locked first, so messages of one conversation are numbered in the
 * order of their commits. A follow-up joins the latest turn when that is its author's and has not started; `for update`
 * looks again after waiting for a worker that claims the turn at this moment.
 */
const accept: Statement = {
  name: 'turn_accept',
  text: `
with known as (
  select turn_id from inbound where platform = $2 and id = $6
), held as (
  insert into conversation (key, platform, workspace_id, channel_id, thread_id, place_key) values ($1, $2, $3, $4, $5, $12)
  on conflict (key) do update set key = excluded.key
  returning key
), joinable as (
  select turn.id from turn join held on held.key = turn.conversation_key
  where turn.state = 'queued' and turn.author_id = $8 and turn.source_id = turn.id and turn.stop_requested_at is null
    and turn.outcome is null and turn.private = $13::boolean and not ${hasCalls('turn')}
    and turn.seq = (select max(latest.seq) from turn latest where latest.conversation_key = $1)
  for update of turn
), event as (
  insert into inbound (platform, id, turn_id, message)
  select $2, $6, coalesce((select id from joinable), $9::uuid), $7::jsonb from held
  where not exists (select from known)
  on conflict do nothing
  returning turn_id
), fresh as (
  insert into turn (id, conversation_key, source_id, author_id, private, platform, reply_target)
  select event.turn_id, $1, event.turn_id, $8, $13::boolean, $2, $10::jsonb from event where event.turn_id = $9::uuid
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

/** The turn is locked before its state is looked at: one that a worker claims at this moment counts as started. */
const complete: Statement = {
  name: 'inbound_complete',
  text: `
with held as (
  select turn.id, turn.state, inbound.message from inbound join turn on turn.id = inbound.turn_id
  where inbound.platform = $1 and inbound.id = $2
  for update of turn, inbound
), fresh as (
  select given.attachment, row_number() over (order by given.position) - 1 as position
  from held, jsonb_array_elements($3::jsonb) with ordinality as given (attachment, position)
  where not exists (
    select from jsonb_array_elements(held.message -> 'attachments') known where known -> 'id' = given.attachment -> 'id')
), files as (
  insert into turn_attachment (id, turn_id, position, attachment)
  select $4::text || (jsonb_array_length(held.message -> 'attachments') + fresh.position), held.id, fresh.position + (
    select count(*) from turn_attachment earlier where earlier.turn_id = held.id), fresh.attachment
  from fresh, held
  on conflict do nothing
  returning id, attachment ->> 'blob' as hash
), known_bytes as (
  select files.id, blob.hash from files join blob on blob.hash = files.hash for key share of blob
), refs as (
  insert into blob_ref (hash, owner_kind, owner_id) select hash, 'attachment', id from known_bytes
), changed as (
  update inbound set message = jsonb_set(inbound.message, '{attachments}',
    inbound.message -> 'attachments' || (select jsonb_agg(attachment order by position) from fresh))
  from held
  where inbound.platform = $1 and inbound.id = $2 and exists (select from fresh)
  returning inbound.turn_id
)
select changed.turn_id, held.state = 'queued' and not ${hasCalls('held')} as queued, coalesce((select array_agg(id) from files), '{}') as files
from changed, held`,
}

const inboundTurn: Statement = {
  name: 'inbound_turn',
  text: `select turn_id from inbound where platform = $1 and id = $2`,
}

const requestStop: Statement = {
  name: 'turn_request_stop',
  text: `
with asked as (
  update turn set stop_requested_at = coalesce(stop_requested_at, now()), stop_event = coalesce(stop_event, $2::text)
  where id = $1 and state in ('queued', 'answering')
)
select state from turn where id = $1`,
}

const stopOfDisabled: Statement = {
  name: 'turn_stop_of_disabled',
  text: `
update turn set stop_requested_at = coalesce(stop_requested_at, now())
from person_accounts($1::uuid) own, conversation
where exists (select from person where id = $1::uuid and disabled_at is not null)
  and turn.state in ('queued', 'answering') and turn.author_id = own.account
  and conversation.key = turn.conversation_key and conversation.platform = own.platform
  and conversation.workspace_id = coalesce(own.workspace, conversation.workspace_id)
returning turn.id as "turnId", turn.state`,
}

/** Without the spaces around and between them: some platforms report a change that is none. */
function words(text: string): string {
  return `btrim(regexp_replace(${text}, '\\s+', ' ', 'g'))`
}

/**
 * The turn is locked before its state is looked at: one that a worker claims at this moment counts as started. The message
 * is updated either way, for a later regeneration.
 */
const revise: Statement = {
  name: 'inbound_revise',
  text: `
with held as (
  select turn.id, turn.state, ${words(`inbound.message ->> 'text'`)} = ${words('$3::text')} as same
  from inbound join turn on turn.id = inbound.turn_id
  where inbound.platform = $1 and inbound.id = $2 and turn.author_id = $4
  for update of turn
), changed as (
  update inbound set message = jsonb_set(inbound.message, '{text}', to_jsonb($3::text)) from held
  where inbound.platform = $1 and inbound.id = $2 and not held.same
)
select id, state = 'queued' and not ${hasCalls('held')} as revised, same from held`,
}

interface ParticipationRow {
  taken: string[] | null
  up_to: { messageId: string; sentAt: string } | null
  asked: boolean
}

/** In a direct conversation every message is for Parley, so each one is known. What was asked privately is no part of a conversation. */
const participation: Statement = {
  name: 'conversation_participation',
  text: `
with taken as (
  select inbound.id, inbound.seq, inbound.message
  from inbound join turn on turn.id = inbound.turn_id
  where turn.conversation_key = $1 and not turn.private
  order by inbound.seq desc limit 500
)
select (select json_agg(id order by seq desc) from taken) as taken,
  (select json_build_object('messageId', id, 'sentAt', message ->> 'sentAt') from taken
    where message ->> 'kind' = 'direct' or (message ->> 'upToDate')::boolean
    order by seq desc limit 1) as up_to,
  exists (select from turn where conversation_key = $1 and author_id = $2 and not private) as asked`,
}

const stopTarget: Statement = {
  name: 'turn_stop_target',
  text: `
select turn.id from turn
where turn.conversation_key = $1 and (turn.stop_event = $3 or turn.state in ('queued', 'answering'))
  and not exists (select from inbound where inbound.platform = $2 and inbound.id = $3)
order by turn.stop_event is not distinct from $3 desc, turn.seq limit 1`,
}

const about: Statement = {
  name: 'turn_about',
  text: `
select conversation.platform, conversation.workspace_id, conversation.channel_id, conversation.thread_id,
  asked.message -> 'author' as author, asked.message ->> 'kind' = 'direct' as direct,
  turn.private, conversation.place_key
from turn join conversation on conversation.key = turn.conversation_key
  join lateral (
    select message from inbound where inbound.turn_id = turn.source_id order by inbound.seq limit 1) asked on true
where turn.id = $1`,
}

const questionOf: Statement = {
  name: 'turn_question',
  text: `
select message from inbound where turn_id = (select source_id from turn where id = $1) order by seq`,
}

const setAsker: Statement = {
  name: 'turn_set_asker',
  text: `
update inbound set message = message
  || jsonb_build_object('author', (message -> 'author') - 'personId' - 'teamIds' || $3::jsonb)
where turn_id = (select source_id from turn where id = $1) and message -> 'author' ->> 'id' = $2`,
}

/** The old turn leaves the history; what its reply was posted as goes to the new one when that is claimed. */
const regenerate: Statement = {
  name: 'turn_regenerate',
  text: `
with place as (
  -- Conversation first, then turn: the order in which everything else takes them.
  select conversation.key from turn join conversation on conversation.key = turn.conversation_key
  where turn.id = $1 for update of conversation
), old as (
  select turn.*, (state not in ('queued', 'answering') or outcome is not null) as ended,
    -- What people ask for themselves alone is no news to the others.
    seq = (select max(latest.seq) from turn latest where latest.conversation_key = turn.conversation_key
      and latest.private = turn.private and (not turn.private or latest.author_id = turn.author_id)) as latest
  from turn join place on place.key = turn.conversation_key where turn.id = $1 for update of turn
), fresh as (
  insert into turn (id, conversation_key, source_id, author_id, private, platform, reply_target, broken_off, overrides)
  select $2::uuid, conversation_key, source_id, author_id, private, platform, reply_target,
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
