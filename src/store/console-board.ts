/** The console's board on PostgreSQL (port: adapters/console/board.ts; app.ts puts the two together). */
import { ParleyError } from '../core/errors.ts'
import { storable, storableJson } from '../core/json.ts'
import type { Citation, Receipt } from '../core/reply.ts'
import type { Database, Statement } from './database.ts'

interface Chip {
  id: string
  name: string
  mediaType: string
  bytes: number
  alt?: string | undefined
}

interface MessageRow {
  [column: string]: unknown
  id: string
  threadId: string
  seq: number
  role: 'user' | 'parley'
  text: string
  state: 'sent' | 'streaming' | 'done' | 'stopped' | 'failed'
  createdAt: string
  turnId: string | null
  attachments: Chip[]
  citations: Citation[]
  buttons: { label: string; action: string; style?: 'primary' | 'danger' | undefined }[]
  receipt: Receipt | null
  feedback: 'good' | 'bad' | null
}

interface ThreadRow {
  [column: string]: unknown
  id: string
  title: string
  updatedAt: string
  busy: boolean
}

interface StatusRow {
  threadId: string
  turnId: string
  state: 'queued' | 'reading' | 'answering'
  text: string
}

interface UploadRow {
  uploadId: string
  name: string
  mediaType: string
  bytes: number
  contentHash: string
}

export function createConsoleBoard({ query, prisma }: Database) {
  return {
    threads: () => query<ThreadRow>(threads, []),

    async summary(id: string) {
      const [row] = await query<ThreadRow>(summary, [id])
      return row ?? null
    },

    async thread(id: string) {
      const [row] = await query<{ thread: ThreadRow; messages: MessageRow[] | null; status: StatusRow | null }>(
        thread,
        [id],
      )
      return row === undefined ? null : { thread: row.thread, messages: row.messages ?? [], status: row.status }
    },

    async deleteThread(id: string, conversationKey: string) {
      const rows = await query<{ hash: string }>(deleteThread, [id, conversationKey])
      return rows.map(({ hash }) => hash)
    },

    async addMessage(message: {
      id: string
      threadId: string
      text: string
      title: string
      attachments: Chip[]
    }): Promise<MessageRow> {
      const [row] = await query<{ message: MessageRow }>(addMessage, [
        message.threadId,
        storable(message.title),
        message.id,
        storable(message.text),
        storableJson(message.attachments),
      ])
      const stored = row?.message ?? (await known(message.id))
      if (stored.threadId !== message.threadId)
        throw new ParleyError('request_invalid', 'That message belongs to another thread. Send it anew.')
      return stored
    },

    async saveReply(
      reply: Pick<MessageRow, 'id' | 'threadId' | 'text' | 'state' | 'citations' | 'receipt'> & {
        turnId: string | null
      },
    ) {
      const [row] = await query<{ message: MessageRow }>(saveReply, [
        reply.id,
        reply.threadId,
        storable(reply.text),
        reply.state,
        reply.turnId,
        storableJson(reply.citations),
        reply.receipt === null ? null : storableJson(reply.receipt),
      ])
      // The thread was deleted while its reply was being written: the reply goes nowhere.
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

    async saveNotice(notice: Pick<MessageRow, 'id' | 'threadId' | 'text' | 'attachments' | 'buttons'>) {
      const { id, threadId, text, attachments, buttons } = notice
      const values = [id, threadId, storable(text), storableJson(attachments), storableJson(buttons)]
      const [row] = await query<{ message: MessageRow }>(saveNotice, values)
      if (row === undefined)
        throw new ParleyError('conversation_not_found', 'That thread is not here. It may have been deleted.')
      return row.message
    },

    async removeReply(id: string) {
      await prisma.consoleMessage.deleteMany({ where: { id } })
    },

    async saveUpload(upload: UploadRow) {
      const { uploadId, name, mediaType, bytes, contentHash } = upload
      const [row] = await query(saveUpload, [uploadId, storable(name), storable(mediaType), bytes, contentHash])
      if (row === undefined)
        throw new ParleyError('request_invalid', 'Another file was uploaded under that id. Attach the file again.')
    },

    async sweepUploads() {
      const rows = await query<{ hash: string }>(sweepUploads, [])
      return rows.map(({ hash }) => hash)
    },

    /** In the order of `ids`; unknown ones are left out. */
    async uploads(ids: string[]): Promise<UploadRow[]> {
      if (ids.length === 0) return []
      const rows = await prisma.consoleUpload.findMany({ where: { id: { in: ids } } })
      const byId = new Map(rows.map((row) => [row.id, row]))
      return ids.flatMap((id) => {
        const row = byId.get(id)
        if (row === undefined) return []
        return [
          {
            uploadId: id,
            name: row.name,
            mediaType: row.mediaType,
            bytes: Number(row.bytes),
            contentHash: row.contentHash,
          },
        ]
      })
    },

    async knowsFile(contentHash: string) {
      return (await prisma.consoleUpload.count({ where: { contentHash }, take: 1 })) > 0
    },
  }

  async function known(id: string): Promise<MessageRow> {
    const [row] = await query<{ message: MessageRow }>(oneMessage, [id])
    if (row === undefined) throw new Error('a console message vanished while it was stored')
    return row.message
  }
}

const messageJson = `jsonb_build_object(
  'id', message.id, 'threadId', message.thread_id, 'seq', message.seq, 'role', message.role, 'text', message.text,
  'state', message.state, 'createdAt', to_char(message.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  'turnId', coalesce(message.turn_id, (
    select inbound.turn_id from inbound where inbound.platform = 'console' and inbound.id = message.id)),
  'attachments', message.attachments, 'citations', message.citations, 'buttons', message.buttons, 'receipt', message.receipt,
  'feedback', case when message.role = 'parley' then (
    select feedback.value from feedback where feedback.turn_id = message.turn_id and feedback.by = 'local') end)`

/** With its outcome stored a turn has nothing left to show, though its worker still puts it away. */
const openTurn = `
  turn.conversation_key = 'console/local/' || thread.id and turn.state in ('queued', 'answering') and turn.outcome is null`

const threadJson = `
  thread.id, thread.title, to_char(thread.updated_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "updatedAt",
  exists (select from turn where ${openTurn}) as busy`

const threads: Statement = {
  name: 'console_threads',
  text: `select ${threadJson} from console_thread thread order by thread.updated_at desc limit 500`,
}

const summary: Statement = {
  name: 'console_summary',
  text: `select ${threadJson} from console_thread thread where thread.id = $1`,
}

const thread: Statement = {
  name: 'console_thread',
  text: `
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
from console_thread thread where thread.id = $1`,
}

/** A content goes when no other conversation and no other thread has it. */
const deleteThread: Statement = {
  name: 'console_delete_thread',
  text: `
with uploads as (
  select upload.id, upload.content_hash as hash from console_message message
    cross join jsonb_array_elements(message.attachments) chip
    join console_upload upload on upload.id::text = chip ->> 'id'
  where message.thread_id = $1::uuid
), orphans as (
  select distinct hash from uploads
  where not exists (
      select from turn_attachment file join turn on turn.id = file.turn_id
      where file.content_hash = uploads.hash and turn.conversation_key <> $2)
    and not exists (
      select from console_upload other where other.content_hash = uploads.hash and other.id not in (select id from uploads))
), board as (
  delete from console_thread where id = $1::uuid
), memory as (
  delete from conversation where key = $2
), shared as (
  delete from console_upload using uploads where console_upload.id = uploads.id
), artifacts as (
  delete from artifact using orphans where artifact.content_hash = orphans.hash
), passages as (
  delete from passage using orphans where passage.content_hash = orphans.hash
)
select hash from orphans`,
}

/** An upload has one content for good: a message may refer to it already. */
const saveUpload: Statement = {
  name: 'console_save_upload',
  text: `
insert into console_upload as upload (id, name, media_type, bytes, content_hash) values ($1::uuid, $2, $3, $4, $5)
on conflict (id) do update set name = excluded.name, media_type = excluded.media_type, created_at = now()
  where upload.content_hash = excluded.content_hash
returning id`,
}

const sweepUploads: Statement = {
  name: 'console_sweep_uploads',
  text: `
with unsent as (
  delete from console_upload upload
  where upload.created_at < now() - interval '1 day' and not exists (
    select from console_message message cross join jsonb_array_elements(message.attachments) chip
    where chip ->> 'id' = upload.id::text)
  returning upload.id, upload.content_hash as hash
)
select distinct hash from unsent
where not exists (
    select from console_upload other where other.content_hash = unsent.hash and other.id not in (select id from unsent))
  and not exists (select from turn_attachment file where file.content_hash = unsent.hash)`,
}

const addMessage: Statement = {
  name: 'console_add_message',
  text: `
with home as (
  insert into console_thread as thread (id, title) select $1::uuid, $2
  where not exists (select from console_message where id = $3 and thread_id <> $1::uuid)
  on conflict (id) do update set updated_at = now()
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
  text: `select ${messageJson} as message from console_message message where message.id = $1`,
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
  returning *
), touched as (
  update console_thread set updated_at = now() from message where console_thread.id = message.thread_id
)
select ${messageJson} as message from message`,
}
