/** The console's board on PostgreSQL: threads, messages and uploads in tables of the console's own. */

import { ParleyError } from '../../src/core/errors.ts'
import { storable, storableJson } from '../../src/core/json.ts'
import type { Query, Statement } from '../../src/core/platform-state.ts'
import { consoleWording } from '../../src/wording/page.ts'
import type { Message, Thread, TurnStatus } from './api.ts'
import type { Board, Owner, StoredUpload, WholeThread } from './board.ts'

/** Constant text in a statement. */
export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

type UploadRow = StoredUpload & { [column: string]: unknown }
type ThreadRow = Thread & { [column: string]: unknown }

export function createConsoleBoard(query: Query): Board {
  return {
    threads: (owner) => (owner === null ? query<ThreadRow>(threadsHere, []) : query<ThreadRow>(threadsOf, [owner])),

    summaries: (ids) => query<ThreadRow & { listed: boolean; owner: Owner }>(summaries, [ids]),

    thread: async (id, owner) => wholeOf(await query<WholeRow>(thread, [id, owner])),

    anyThread: async (id) => wholeOf(await query<WholeRow>(anyThread, [id])),

    async ownerOf(id) {
      const [row] = await query<{ owner: Owner }>(ownerOf, [id])
      return row?.owner
    },

    async threadIds(owner) {
      return (await query<{ id: string }>(threadIds, [owner])).map(({ id }) => id)
    },

    async hasTurn(turnId, owner) {
      return (await query(hasTurn, [turnId, owner])).length > 0
    },

    async addMessage(message) {
      const [row] = await query<{ message: Message }>(addMessage, [
        message.threadId,
        storable(message.title),
        message.id,
        storable(message.text),
        storableJson(message.attachments),
        message.listed,
        message.owner,
      ])
      const stored = row?.message ?? (await known(message.id, message.owner))
      if (stored.threadId !== message.threadId)
        throw new ParleyError('request_invalid', consoleWording.messageOfAnotherThread)
      return stored
    },

    async saveReply(reply) {
      const [row] = await query<{ message: Message }>(saveReply, [
        reply.id,
        reply.threadId,
        storable(reply.text),
        reply.state,
        reply.turnId,
        storableJson(reply.citations),
        reply.receipt === null ? null : storableJson(reply.receipt),
      ])
      // The thread was deleted while its answer was being written, so there is nothing to store.
      return (
        row?.message ?? {
          ...reply,
          seq: 0,
          role: 'parley' as const,
          createdAt: new Date().toISOString(),
          attachments: [],
          buttons: [],
          feedback: null,
        }
      )
    },

    async saveNotice({ id, threadId, text, attachments, buttons, listed }) {
      const values = [id, threadId, storable(text), storableJson(attachments), storableJson(buttons), listed]
      const [row] = await query<{ message: Message }>(saveNotice, values)
      if (row === undefined) throw new ParleyError('conversation_not_found', consoleWording.threadMissing)
      return row.message
    },

    async removeReply(id: string) {
      await query(removeReply, [id])
    },

    saveUpload: (upload, owner) => keepUpload(upload, owner, null),

    saveOwnFile: (upload, threadId) => keepUpload(upload, null, threadId),

    async sweepUploads() {
      return (await query(sweepUploads, [])).length
    },

    async uploads(ids, owner) {
      if (ids.length === 0) return []
      return await query<UploadRow>(uploadsById, [ids, owner])
    },

    async knowsFile(contentHash, owner) {
      return (await query(knowsFile, [contentHash, owner])).length > 0
    },

    async names(personIds) {
      const rows = await query<{ id: string; name: string }>(names, [personIds])
      return new Map(rows.map(({ id, name }) => [id, name]))
    },
  }

  async function known(id: string, owner: Owner): Promise<Message> {
    const [row] = await query<{ message: Message }>(oneMessage, [id, owner])
    if (row === undefined) throw new ParleyError('conversation_not_found', consoleWording.threadMissing)
    return row.message
  }

  async function keepUpload(
    { uploadId, name, mediaType, bytes, contentHash }: StoredUpload,
    owner: Owner,
    threadId: string | null,
  ): Promise<void> {
    const about = [uploadId, storable(name), storable(mediaType), bytes, contentHash]
    const [row] = await query(saveUpload, [...about, owner, threadId])
    if (row === undefined) throw new ParleyError('request_invalid', consoleWording.uploadIdTaken)
  }
}

interface WholeRow {
  [column: string]: unknown
  thread: Thread
  messages: Message[] | null
  status: TurnStatus | null
}

function wholeOf([row]: WholeRow[]): WholeThread | null {
  return row === undefined ? null : { thread: row.thread, messages: row.messages ?? [], status: row.status }
}

const messageJson = `jsonb_build_object(
  'id', message.id, 'threadId', message.thread_id, 'seq', message.seq, 'role', message.role, 'text', message.text,
  'state', message.state, 'createdAt', to_char(message.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  'turnId', coalesce(message.turn_id, (
    select inbound.turn_id from inbound where inbound.platform = 'console' and inbound.id = message.id)),
  'attachments', message.attachments, 'citations', message.citations, 'buttons', message.buttons, 'receipt', message.receipt,
  'feedback', case when message.role = 'parley' then (
    select feedback.value from feedback
    where feedback.turn_id = message.turn_id and feedback.by in ('local', (
      select owner_id::text from console_thread where console_thread.id = message.thread_id))
    -- An admin who took over what was asked before there were accounts may rate it anew.
    order by feedback.by = 'local' limit 1) end)`

/** Whether a thread or an upload belongs to the owner in this parameter. */
const isOf = (table: string, value: string) => `${table}.owner_id is not distinct from ${value}::uuid`

/** `null` for a turn of another platform. */
const threadOfTurn = `case when turn.conversation_key ~ '^console/local/[0-9a-f-]{36}$'
  then right(turn.conversation_key, 36)::uuid end`

/** With its outcome stored a turn has nothing left to show, though its worker still puts it away. */
const openTurn = `
  turn.conversation_key = 'console/local/' || thread.id and turn.state in ('queued', 'answering') and turn.outcome is null`

const threadJson = `
  thread.id, thread.title, to_char(thread.updated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "updatedAt",
  exists (select from turn where ${openTurn}) as busy`

const listed = (whose: string) =>
  `select ${threadJson} from console_thread thread where ${whose} and thread.listed order by thread.updated_at desc limit 500`
/** Two statements: for one that takes both, PostgreSQL would read all threads. */
const threadsOf: Statement = { name: 'console_threads', text: listed('thread.owner_id = $1::uuid') }
const threadsHere: Statement = { name: 'console_threads_here', text: listed('thread.owner_id is null') }

const summaries: Statement = {
  name: 'console_summaries',
  text: `select ${threadJson}, thread.listed, thread.owner_id as owner from console_thread thread where thread.id = any ($1::uuid[])`,
}

const whole = `
select (select to_jsonb(row) from (select ${threadJson}) row) as thread,
  (select jsonb_agg(${messageJson} order by message.seq) from console_message message where message.thread_id = thread.id) as messages,
  (select jsonb_build_object('threadId', thread.id, 'turnId', turn.id,
      'state', case when turn.state = 'answering' then 'answering' when file.id is null then 'queued' else 'reading' end,
      'text', case when turn.state = 'answering' then 'Answering' when file.id is null then 'Waiting to start'
        when file.progress like '%:__' then 'Listening to ' || (file.attachment ->> 'name') || ', ' || file.progress
        else 'Reading ' || (file.attachment ->> 'name') || coalesce(', ' || file.progress, '') end)
    from turn left join lateral (
      select id, attachment, progress from turn_attachment
      where turn_id = turn.source_id and turn_attachment.state in ('waiting', 'reading')
      order by turn_attachment.state desc, position limit 1) file on true
    where ${openTurn}
    order by turn.seq limit 1) as status
from console_thread thread where thread.id = $1`

const thread: Statement = { name: 'console_thread', text: `${whole} and ${isOf('thread', '$2')}` }
const anyThread: Statement = { name: 'console_any_thread', text: whole }

const ownerOf: Statement = {
  name: 'console_owner',
  text: `select owner_id as owner from console_thread where id = $1`,
}

const threadIds: Statement = {
  name: 'console_thread_ids',
  text: `select id from console_thread where owner_id = $1::uuid order by created_at, id`,
}

const hasTurn: Statement = {
  name: 'console_has_turn',
  text: `
select from turn join console_thread thread on thread.id = ${threadOfTurn}
where turn.id = $1 and ${isOf('thread', '$2')}`,
}

const names: Statement = { name: 'console_names', text: `select id, name from person where id = any ($1::uuid[])` }

/** An upload has one content for good: a message may refer to it already. */
const saveUpload: Statement = {
  name: 'console_save_upload',
  text: `
with saved as (
  insert into console_upload as upload (id, name, media_type, bytes, content_hash, owner_id)
  values ($1::uuid, $2, $3, $4, $5, coalesce($6::uuid, (select owner_id from console_thread where id = $7::uuid)))
  on conflict (id) do update set name = excluded.name, media_type = excluded.media_type, created_at = now()
    where upload.content_hash = excluded.content_hash and ${isOf('upload', 'excluded.owner_id')}
  returning id, content_hash
), ref as (
  insert into blob_ref (hash, owner_kind, owner_id) select content_hash, 'upload', id::text from saved on conflict do nothing
)
select id from saved`,
}

const uploadsById: Statement = {
  name: 'console_uploads',
  text: `
select upload.id as "uploadId", upload.name, upload.media_type as "mediaType", upload.bytes::float8 as bytes,
  upload.content_hash as "contentHash"
from unnest($1::uuid[]) with ordinality as wanted (id, place) join console_upload upload on upload.id = wanted.id
where ${isOf('upload', '$2')}
order by wanted.place`,
}

const knowsFile: Statement = {
  name: 'console_knows_file',
  // Also a web page that was read for an answer in one of their threads.
  text: `
select from console_upload upload where content_hash = $1 and ${isOf('upload', '$2')}
union all
select from web_page page join turn_page used on used.page_id = page.id join turn on turn.id = used.turn_id
  join console_thread thread on thread.id = ${threadOfTurn}
where page.content_hash = $1 and ${isOf('thread', '$2')}
limit 1`,
}

/** Of each upload whether a message carries it. */
export const unsent = `
  not exists (
    select from console_message message cross join jsonb_array_elements(message.attachments) chip
    where chip ->> 'id' = upload.id::text)`

const sweepUploads: Statement = {
  name: 'console_sweep_uploads',
  text: `
delete from console_upload upload where upload.created_at < now() - interval '1 day' and ${unsent} returning upload.id`,
}

const removeReply: Statement = { name: 'console_remove_reply', text: `delete from console_message where id = $1` }

/** Whether a row belongs to the user in $5. The users of this machine have no person: their rows have no owner. */
const ofUser = (table: string) =>
  `${table}.owner_id::text is not distinct from (case when $5::text in ('local', 'cli') then null else $5::text end)`

/** Whether the thread with this id is the one that goes ($3), or of the user who goes ($5). */
const gone = (threadId: string) => `(
  $3::text = ${threadId}::text or $3 is null and $5::text is not null
  and exists (select from console_thread owned where owned.id = ${threadId} and ${ofUser('owned')}))`

/**
 * Counts what `forgetOnConsole` deletes beside the turns: commands, what they were answered, and the files of both. The command that
 * deletes is not counted.
 */
export const countOnConsole: Statement = {
  name: 'console_forget_count',
  text: `
select count(*) filter (where message.role = 'user') as questions, count(*) filter (where message.role = 'parley') as answers,
  coalesce(sum(jsonb_array_length(message.attachments)), 0) as files, 0 as of_others
from console_message message
where $1 = 'console' and $2 = 'local' and $4::text is null
  and ${gone('message.thread_id')}
  and message.turn_id is null
  and not exists (select from inbound where inbound.platform = 'console' and inbound.id = message.id)
  and not exists (
    select from console_message asking
    where asking.id in (message.id, regexp_replace(message.id, '[.]answer$', '')) and asking.role = 'user'
      and asking.text ~* '^[[:space:]]*/(parley[[:space:]]+)?forget([[:space:]]|$)')`,
}

/**
 * Deletes the rest of a forgotten thread ($4) or user ($5) after their turns: their threads and uploads. What was asked in a thread
 * before it had an owner was asked by the user of this machine, and goes with the thread.
 */
export const forgetOnConsole: Statement[] = [
  {
    name: 'console_forget_turns',
    text: `
delete from turn using console_thread thread
where $1 = 'console' and $2 = 'local' and $3::text is null and $4::text is null and $5::text is not null
  and ${ofUser('thread')} and turn.conversation_key = 'console/local/' || thread.id`,
  },
  {
    name: 'console_forget_uploads',
    text: `
delete from console_upload upload using console_message message cross join jsonb_array_elements(message.attachments) chip
where $1 = 'console' and $2 = 'local' and ${gone('message.thread_id')}
  and $4::text is null and upload.id::text = chip ->> 'id'`,
  },
  {
    name: 'console_forget_threads',
    text: `
delete from console_thread where $1 = 'console' and $2 = 'local' and $4::text is null
  and ${gone('console_thread.id')}`,
  },
  {
    // Kept for commands that are sent again, also where nobody asked a question.
    name: 'console_forget_calls',
    text: `
delete from command_call where $1 = 'console' and $2 = 'local' and $4::text is null and $5::text is null
  and conversation_key = 'console/local/' || $3::text and notice is not null`,
  },
  {
    name: 'console_forget_unsent',
    text: `
delete from console_upload upload where $1 = 'console' and $2 = 'local' and $3::text is null and $4::text is null
  and $5::text is not null and ${ofUser('upload')} and ${unsent}`,
  },
]

/** And of a file: values are the turns that shared it, its name, and the turns whose answers went. */
export const forgetFileOnConsole: Statement[] = [
  {
    name: 'console_forget_file',
    text: `
with chips as (
  select message.id as message, message.thread_id, chip ->> 'id' as upload from console_message message
  join inbound on inbound.platform = 'console' and inbound.id = message.id
  cross join jsonb_array_elements(message.attachments) chip
  where inbound.turn_id = any ($1::uuid[]) and lower(chip ->> 'name') = lower($2)
), uploads as (
  delete from console_upload upload using chips where upload.id::text = chips.upload
), commands as (
  -- What was typed to delete it, and what was asked back, names it.
  delete from console_message message using chips
  where message.thread_id = chips.thread_id and message.turn_id is null
    and not exists (select from inbound where inbound.platform = 'console' and inbound.id = message.id)
    and strpos(lower(message.text || message.buttons::text), lower(trim('"' from to_jsonb($2::text)::text))) > 0
), titles as (
  -- A thread that begins with a file alone is called by it.
  update console_thread set title = ${quoted(consoleWording.deletedFile)} from chips
  where console_thread.id = chips.thread_id and lower(title) = lower(left($2, 80))
), answers as (
  update console_message set text = ${quoted(consoleWording.deletedAnswer)}, citations = '[]', receipt = null
  where turn_id = any ($3::uuid[])
)
update console_message message set attachments = coalesce((
  select jsonb_agg(chip order by place) from jsonb_array_elements(message.attachments) with ordinality as files (chip, place)
  where lower(chip ->> 'name') <> lower($2)), '[]')
where message.id in (select message from chips)`,
  },
]

const addMessage: Statement = {
  name: 'console_add_message',
  text: `
with home as (
  insert into console_thread as thread (id, title, listed, owner_id) select $1::uuid, $2, $6, $7::uuid
  where not exists (select from console_message where id = $3 and thread_id <> $1::uuid)
  -- A thread that began with a command is called by its first question.
  on conflict (id) do update set updated_at = now(), listed = thread.listed or excluded.listed,
    title = case when excluded.listed and not thread.listed then excluded.title else thread.title end
    where ${isOf('thread', 'excluded.owner_id')}
  returning id
), message as (
  insert into console_message (id, thread_id, role, text, state, attachments)
  select $3, home.id, 'user', $4, 'sent', $5::jsonb from home
  on conflict (id) do nothing
  returning *
)
select ${messageJson} as message from message`,
}

const oneMessage: Statement = {
  name: 'console_message',
  text: `
select ${messageJson} as message from console_message message join console_thread thread on thread.id = message.thread_id
where message.id = $1 and ${isOf('thread', '$2')}`,
}

const saveReply: Statement = {
  name: 'console_save_reply',
  text: `
with message as (
  insert into console_message (id, thread_id, role, text, state, turn_id, citations, receipt)
  select $1, thread.id, 'parley', $3, $4, $5::uuid, $6::jsonb, $7::jsonb from console_thread thread where thread.id = $2::uuid
  on conflict (id) do update set text = excluded.text, state = excluded.state, turn_id = excluded.turn_id,
    citations = excluded.citations, receipt = excluded.receipt
  -- A worker that was away must not put its half over the whole that another has written meanwhile.
  -- Nor does a reply that is being written get shorter.
  where (console_message.turn_id = excluded.turn_id and excluded.receipt is null
    and (console_message.receipt is not null or length(excluded.text) < length(console_message.text))) is not true
  returning *
), touched as (
  update console_thread set updated_at = now() from message where console_thread.id = message.thread_id and $4 <> 'streaming'
)
select ${messageJson} as message from message`,
}

const saveNotice: Statement = {
  name: 'console_save_notice',
  text: `
with message as (
  insert into console_message (id, thread_id, role, text, state, attachments, buttons)
  select $1, thread.id, 'parley', $3, 'done', $4::jsonb, $5::jsonb from console_thread thread where thread.id = $2::uuid
  on conflict (id) do update set text = excluded.text, attachments = excluded.attachments, buttons = excluded.buttons
    where console_message.thread_id = excluded.thread_id
  returning *
), touched as (
  update console_thread set updated_at = now(), listed = listed or $6
  from message where console_thread.id = message.thread_id
)
select ${messageJson} as message from message`,
}
