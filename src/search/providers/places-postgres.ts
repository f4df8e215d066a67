/** Places, their readers and what is shared in them, on PostgreSQL. Who may be told what is decided in prisma/functions/places.sql. */
import { z } from 'zod'
import { monotonic } from '../../core/clock.ts'
import { type PlaceFacts, placeFrom, placeKey } from '../../core/place.ts'
import type { PlaceAnswer, PlaceQuestion, PlaceRows, SearchedPlace } from '../places.ts'
import type { Statements } from './postgres.ts'
import { placeValues } from './visible.ts'

const sweepEveryMs = 60_000

export function createPlaceRows(pool: Statements, now: () => number = monotonic): PlaceRows {
  let sweepAt = Number.NEGATIVE_INFINITY
  return {
    async stale(audience, { limit, contentHash }) {
      const values = placeValues(audience).slice(0, -1)
      const { rows } = await pool.query(STALE, [...values, limit, contentHash ?? null])
      if (rows.length === 0) return { questions: [], askedAt: new Date() }
      const questions = rows.map((row): PlaceQuestion => {
        const { key, account } = Stale.parse(row)
        const place = placeFrom(key)
        return account === null ? { place, ask: 'facts' } : { place, ask: 'reader', account }
      })
      const places = questions.map(({ place }) => ({ key: placeKey(place), ...place }))
      const noted = await pool.query(NOTE, [JSON.stringify(places)])
      return { questions, askedAt: Noted.parse(noted.rows[0]).asked_at }
    },

    async nameless(keys) {
      const { rows } = await pool.query(NAMELESS, [keys])
      const asked = rows.map((row) => Nameless.parse(row))
      const questions = asked.map(({ key }): PlaceQuestion => ({ place: placeFrom(key), ask: 'facts' }))
      return { questions, askedAt: asked[0]?.asked_at ?? new Date() }
    },

    async save(answers, askedAt, room) {
      const facts = answers.flatMap(factsRow)
      const readers = answers.flatMap(({ question, reads }) =>
        question.ask === 'reader' ? [{ key: placeKey(question.place), account: question.account, reads }] : [],
      )
      await pool.query(SAVE, [JSON.stringify(facts), JSON.stringify(readers), askedAt, room])
    },

    async change(change) {
      switch (change.kind) {
        case 'left':
          await pool.query(LEFT, [placeKey(change.place), change.account])
          return
        case 'joined':
          await pool.query(PLACE_CHANGED, [placeKey(change.place), null])
          return
        case 'changed':
          await pool.query(PLACE_CHANGED, [placeKey(change.place), change.name ?? null])
          return
        case 'workspaceChanged':
          await pool.query(WORKSPACE_CHANGED, [change.platform, change.workspaceId])
          return
        case 'accountGone':
          await pool.query(ACCOUNT_GONE, [change.platform, change.workspaceId, change.account])
          return
        case 'accountChanged':
          await pool.query(ACCOUNT_CHANGED, [change.platform, change.workspaceId, change.account])
          return
        case 'removed':
          await pool.query(REMOVED, [
            change.place.platform,
            change.place.workspaceId,
            change.place.channelId,
            change.place.threadId ?? null,
          ])
          return
        case 'workspaceRemoved':
          await pool.query(REMOVED, [change.platform, change.workspaceId, null, null])
          return
        case 'fileDeleted':
          await pool.query(FILE_DELETED, [change.platform, change.workspaceId, change.attachmentId])
          return
        case 'filesLeft':
          await pool.query(FILES_LEFT, [change.platform, change.workspaceId, change.messageIds, change.left])
      }
    },

    async visible(audience) {
      const { rows } = await pool.query(VISIBLE, placeValues(audience))
      return rows.map((row) => Visible.parse(row))
    },

    async maySee(audience, contentHash) {
      const { rows } = await pool.query(MAY_SEE, [contentHash, ...placeValues(audience)])
      return MaySee.parse(rows[0]).may
    },

    async sweep() {
      if (now() < sweepAt) return
      sweepAt = now() + sweepEveryMs
      await pool.query(SWEEP, [])
    },
  }
}

const Stale = z.object({ key: z.string(), account: z.string().nullable() })
const Nameless = z.object({ key: z.string(), asked_at: z.date() })
const MaySee = z.object({ may: z.boolean() })
const Noted = z.object({ asked_at: z.date() })
const Visible = z.object({
  key: z.string(),
  kind: z.enum(['direct', 'group', 'private', 'public', 'external', 'collection']),
  name: z
    .string()
    .nullable()
    .transform((name) => name ?? undefined),
  files: z.number(),
}) satisfies z.ZodType<SearchedPlace>

/** What is not there, or not for Parley to see, has no readers. */
function factsRow({ question: { place, ask }, facts }: PlaceAnswer) {
  if (ask !== 'facts' || facts === undefined) return []
  const nobody: PlaceFacts = { kind: 'private', members: [] }
  const { kind, name, outsiders, groups, members } = facts ?? nobody
  return [{ key: placeKey(place), kind, name, outsiders, groups, members }]
}

// Where the asker alone reads the answer: for each of their accounts, whether it can read the places where something is shared, and those
// that collections are granted to. Where a room reads it: what the room is, and what the other places of its workspace are.
const STALE = `
  with own as materialized (select * from asker_accounts($2, $3, $4, $5::uuid)),
  shared as materialized (
    select place_key as key, max(shared_at) as last from share
    where place_key <> $1 and ($7::text is null or content_hash = $7) group by place_key
  ),
  granted as (
    select distinct substr(scope, 9) as key, null::timestamptz as last from collection_grant
    where $4::text is not null and starts_with(scope, 'channel:')
  ),
  known as (
    select candidate.*, split_part(candidate.key, '/', 1) as platform, place.kind, place.workspace_id, place.checked_at, place.changed_at
    from (select * from shared union all select * from granted where key <> $1 and key not in (select key from shared)) candidate
      left join place on place.key = candidate.key
    where place.kind is null or place.kind not in ('direct', 'collection')
  ),
  own_places as (
    -- First where they could read when last asked, in the end where they could not.
    select known.key, own.account, known.last, case when reader.reads then 1 when reader.reads is null then 2 else 3 end as rank
    from own join known on known.platform = own.platform
        and (own.workspace is null or known.workspace_id is null or known.workspace_id = own.workspace)
      left join place_member reader on reader.place_key = known.key and reader.account = own.account
    where not reader_counts(reader.checked_at, known.changed_at, known.platform, known.workspace_id, own.account)
  ),
  -- What people call them is asked once, and after a change.
  own_names as (
    select distinct known.key, null::text as account, known.last, 4 as rank from own join known on known.platform = own.platform
      and (own.workspace is null or known.workspace_id = own.workspace)
    where known.checked_at is null or known.changed_at > known.checked_at
  ),
  room as (
    select room.kind, room.outsiders, room.complete,
      coalesce(place_counts(room.checked_at, room.changed_at) and place_counts(room.members_at, room.changed_at), false) as known
    from (select) one left join place room on room.key = $1 where $4::text is null
  ),
  beside as (
    select * from known where starts_with(key, split_part($1, '/', 1) || '/' || split_part($1, '/', 2) || '/')
  ),
  asked_room as (
    select $1 as key, null::text as account, null::timestamptz as last, 0 as rank from room
    where kind is distinct from 'direct' and not known
      -- Nothing is shared elsewhere, so nobody needs to know who reads here.
      and (exists (select from beside) or exists (select from collection_grant where scope in (select scope from room_scopes($1) where insiders)))
  ),
  room_places as (
    select beside.key, null::text as account, beside.last, 1 as rank from beside, room
    where not place_counts(beside.checked_at, beside.changed_at)
      -- Its readers are compared with those of the room: others than at the last look, perhaps.
      or (beside.kind <> 'public' or room.outsiders is distinct from false) and not room.known
      or beside.kind <> 'public' and room.complete and exists (
        select from place_member member where member.place_key = $1 and member.reads and not exists (
          select from place_member reader where reader.place_key = beside.key and reader.account = member.account
            and place_counts(reader.checked_at, beside.changed_at)))
  )
  select key, account from (select * from asked_room union all select * from own_places
    union all select * from own_names union all select * from room_places) questions
  order by rank, last desc nulls last, key limit $6`

// Places have rows before platforms are asked about them, so that an event which comes meanwhile is noted.
const NOTE = `
  with noted as (
    insert into place (key, platform, workspace_id, channel_id, thread_id, kind)
    select key, platform, "workspaceId", "channelId", "threadId", 'private' from jsonb_to_recordset($1::jsonb)
      as given (key text, platform text, "workspaceId" text, "channelId" text, "threadId" text)
    on conflict do nothing
  )
  select now() as asked_at`

// Some have no name, such as chats of several people.
const NAMELESS = `
  select key, now() as asked_at from place where key = any ($1::text[]) and name is null and kind not in ('direct', 'collection')
    and (checked_at is null or changed_at > checked_at)`

// $3: when the platforms were asked. What was asked later stays, and the rule leaves out what was asked before an event. Of another place
// than the room ($4) it is stored which of the room's readers can read it: by each room for itself, whoever asked last.
const SAVE = `
  with facts as materialized (
    select given.*, place.checked_at is null or place.checked_at <= $3 as newest,
      given.key = $4 and (place.members_at is null or place.members_at <= $3) as own
    from jsonb_to_recordset($1::jsonb) as given (key text, kind place_kind, name text, outsiders boolean, groups text[], members jsonb)
      join place on place.key = given.key
    where place.kind not in ('direct', 'collection')
  ),
  saved as (
    update place set kind = case when newest then facts.kind else place.kind end,
      name = case when newest then coalesce(facts.name, place.name) else place.name end,
      outsiders = case when newest then facts.outsiders else place.outsiders end,
      groups = case when newest then facts.groups else place.groups end,
      checked_at = case when newest then $3 else place.checked_at end,
      members_at = case when own then $3 else place.members_at end,
      complete = case when own then facts.members is not null else place.complete end
    from facts where place.key = facts.key and (newest or own)
  ),
  in_room as materialized (
    select member as account from facts cross join jsonb_array_elements_text(facts.members) member where own
    union
    select account from place_member where place_key = $4 and reads and not exists (select from facts where own)
  ),
  gone as (
    delete from place_member using facts where place_key = facts.key and own and facts.members is not null
      and place_member.checked_at < $3 and place_member.account not in (select account from in_room)
  ),
  readers as (
    select key, account, true as reads from facts cross join in_room where own and members is not null
    union all
    -- A public place has more readers than members.
    select key, account, members ? account from facts cross join in_room
    where key <> $4 and members is not null and (kind <> 'public' or members ? account)
    union all
    select given.key, given.account, given.reads from jsonb_to_recordset($2::jsonb) as given (key text, account text, reads boolean)
      join place on place.key = given.key where place.kind not in ('direct', 'collection')
  )
  insert into place_member (place_key, account, reads, checked_at)
  select distinct on (key, account) key, account, reads, $3::timestamptz from readers order by key, account, reads
  on conflict (place_key, account) do update set reads = excluded.reads, checked_at = excluded.checked_at
    where place_member.checked_at < excluded.checked_at`

const changed = (where: string, more = '') =>
  `update place set changed_at = now()${more && `, ${more}`} where kind not in ('direct', 'collection') and ${where}`

// A thread with readers of its own changes with its channel.
const PLACE_CHANGED = changed(
  `(key = $1 or starts_with(key, $1 || '/'))`,
  'name = case when key = $1 then coalesce($2, name) else name end',
)
const WORKSPACE_CHANGED = changed('platform = $1 and workspace_id = $2')

// The others read as before. The row stays as a no: an answer to a question from before the event comes too late.
const leftPlaces = (where: string, account: string) => `
  insert into place_member (place_key, account, reads, checked_at)
  select key, ${account}, false, now() from place where kind not in ('direct', 'collection') and ${where}
  on conflict (place_key, account) do update set reads = false, checked_at = excluded.checked_at`

// Whoever leaves a public channel may go on reading it: that is asked again.
const LEFT = `
  with again as (${changed(`kind = 'public' and (key = $1 or starts_with(key, $1 || '/'))`)})
  ${leftPlaces(`kind <> 'public' and (key = $1 or starts_with(key, $1 || '/'))`, '$2')}`
// A guest goes on reading where they were invited: who reads there is asked again.
const ACCOUNT_GONE = `
  with again as (
    update place set changed_at = now() from place_member reader
    where reader.place_key = place.key and reader.account = $3 and reader.reads
      and place.kind not in ('direct', 'collection') and place.platform = $1 and place.workspace_id = $2
  )${leftPlaces('platform = $1 and workspace_id = $2', '$3')}`

const ACCOUNT_CHANGED = `
  insert into account_change (platform, workspace_id, account) values ($1, $2, $3)
  on conflict (platform, workspace_id, account) do update set changed_at = now()`

// Files and what was made of them go at once. A question that is being answered keeps its files until its end, and the sweep removes them
// then; nothing else finds them from here on.
const filesGone = (where: string) => `
  chosen as (
    select turn_attachment.id, turn.state = 'answering' as answering from turn_attachment join turn on turn.id = turn_attachment.turn_id
      join conversation on conversation.key = turn.conversation_key
    where conversation.platform = $1 and conversation.workspace_id = $2 and ${where}
  ),
  kept as (
    update turn_attachment set gone_at = coalesce(gone_at, now()) from chosen where chosen.answering and turn_attachment.id = chosen.id
  ),
  unshared as (delete from share using chosen where chosen.answering and share.attachment_id = chosen.id),
  files as (delete from turn_attachment using chosen where not chosen.answering and turn_attachment.id = chosen.id)`

// What was said stays as long as its thread is kept.
const REMOVED = `
  with ${filesGone('($3::text is null or conversation.channel_id = $3) and ($4::text is null or conversation.thread_id = $4)')},
  posted as (
    delete from turn_attachment using share, place where turn_attachment.turn_id is null and share.attachment_id = turn_attachment.id
      and place.key = share.place_key and place.kind <> 'collection' and place.platform = $1 and place.workspace_id = $2
      and ($3::text is null or place.channel_id = $3) and ($4::text is null or place.thread_id = $4)
  ),
  pins as (
    delete from learned_source where kind = 'pins' and locator -> 'place' ->> 'platform' = $1
      and locator -> 'place' ->> 'workspaceId' = $2 and ($3::text is null or locator -> 'place' ->> 'channelId' = $3)
      and ($4::text is null or locator -> 'place' ->> 'threadId' = $4)
  )
  delete from place where kind <> 'collection' and platform = $1 and workspace_id = $2
    and ($3::text is null or channel_id = $3) and ($4::text is null or thread_id = $4)`

const FILE_DELETED = `
  with posted as (
    delete from turn_attachment where turn_id is null and attachment ->> 'id' = $3 and posted ->> 'platform' = $1
      and posted ->> 'workspaceId' = $2
  ),
  ${filesGone(`turn_attachment.attachment ->> 'id' = $3`)}
  select`

const FILES_LEFT = `
  with posted as (
    delete from turn_attachment where turn_id is null and posted ->> 'messageId' = any ($3::text[])
      and attachment ->> 'id' <> all ($4::text[]) and posted ->> 'platform' = $1 and posted ->> 'workspaceId' = $2
  ),
  ${filesGone(`turn_attachment.attachment ->> 'messageId' = any ($3::text[]) and turn_attachment.attachment ->> 'id' <> all ($4::text[])`)}
  select`

const VISIBLE = `
  select place.key, place.kind, place.name, shared.files from place
    join (select place_key, count(*)::int as files, max(shared_at) as last from share group by place_key) shared on shared.place_key = place.key
  where place.key in (select key from audience_places($1, $2, $3, $4, $5::uuid, $6::boolean))
  order by shared.last desc, place.key limit 50`

const MAY_SEE = 'select audience_may_see($1, $2, $3, $4, $5, $6::uuid, $7::boolean) as may'

const SWEEP = 'select place_sweep(), deletion_sweep()'
