/** Attachments on their way from "waiting" to a receipt, and the artifacts that reading them gave. */

import type { Artifact } from '../core/artifact.ts'
import { storableJson } from '../core/json.ts'
import { Attachment, type ReplyTarget } from '../core/message.ts'
import type { AttachmentReceipt } from '../core/reply.ts'
import type { Spender } from '../core/scope.ts'
import type { Database, Statement } from './database.ts'
import { type BrokenOff, type ClaimMode, suspectAfter } from './turns.ts'

export interface ReadingWork {
  attachment: Attachment
  platform: string
  /** Whose question it belongs to, or who had it read without one. */
  spender: Spender
  /** Absent: nobody asked anything about it (docs/decisions/0057-files-without-a-question.md). */
  turn?: { id: string; target: ReplyTarget; stopRequested: boolean } | undefined
}

export interface ArtifactKey {
  contentHash: string
  engine: string
}

export interface Attachments {
  /** Takes the attachment for reading, unless it is read already, another worker holds it, or it was broken off several times. */
  claim(
    id: string,
    owner: string,
    leaseMs: number,
    mode?: ClaimMode,
  ): Promise<ReadingWork | 'held' | 'ended' | { suspect: BrokenOff }>
  /** Stores progress and extends the lease. `stop` when the turn is to stop, `lost` when the lease is gone. */
  progress(id: string, owner: string, leaseMs: number, text: string): Promise<'held' | 'stop' | 'lost'>
  /**
   * Keeps bytes as long as the attachment is there: those of the file, before it is known whether it can be read, and pictures
   * that are made of it. False when the attachment or the bytes are gone, or another worker has the lease.
   */
  refer(id: string, owner: string, hash: string): Promise<boolean>
  finish(id: string, owner: string, result: { receipt: AttachmentReceipt; key: ArtifactKey | null }): Promise<void>
  /** Gives the attachment back after a failed attempt that will be followed by another. */
  release(id: string, owner: string): Promise<void>
  artifacts(keys: ArtifactKey[]): Promise<Artifact[]>
  /** Forgets the parts that it was made of. */
  saveArtifact(artifact: Artifact): Promise<void>
  /** What is transcribed so far of a recording, by the key of each part. */
  parts(key: ArtifactKey): Promise<Map<string, unknown>>
  savePart(key: ArtifactKey, part: string, body: object): Promise<void>
  /** What the newest reader made of a file. */
  latestArtifact(contentHash: string): Promise<Artifact | null>
}

export function createAttachments({ query }: Database): Attachments {
  return {
    async claim(id, owner, leaseMs, mode = 'ordinary') {
      const [row] = await query<{
        claimed: boolean
        ended: boolean
        attachment: unknown
        platform: string
        turn: ReadingWork['turn'] | null
        spender: Spender
        tries: number
        tries_alone: number
        suspect: boolean
      }>(claim, [id, owner, leaseMs, mode])
      if (row === undefined || row.ended) return 'ended'
      if (!row.claimed) return row.suspect ? { suspect: { tries: row.tries, alone: row.tries_alone } } : 'held'
      const { attachment, platform, spender, turn } = row
      return { attachment: Attachment.parse(attachment), platform, spender, turn: turn ?? undefined }
    },
    async progress(id, owner, leaseMs, text) {
      const [row] = await query<{ stop: boolean }>(progress, [id, owner, leaseMs, text])
      if (row === undefined) return 'lost'
      return row.stop ? 'stop' : 'held'
    },
    async refer(id, owner, hash) {
      return (await query(refer, [id, owner, hash])).length > 0
    },
    async finish(id, owner, { receipt, key }) {
      const state = receipt.outcome === 'skipped' ? 'failed' : 'read'
      await query(finish, [id, owner, state, storableJson(receipt), key?.contentHash ?? null, key?.engine ?? null])
    },
    async release(id, owner) {
      await query(release, [id, owner])
    },
    async artifacts(keys) {
      if (keys.length === 0) return []
      const rows = await query<{ body: Artifact }>(artifacts, [
        keys.map((key) => key.contentHash),
        keys.map((key) => key.engine),
      ])
      return rows.map((row) => row.body)
    },
    async latestArtifact(contentHash) {
      const [row] = await query<{ body: Artifact }>(latestArtifact, [contentHash])
      return row?.body ?? null
    },
    async saveArtifact(artifact) {
      await query(saveArtifact, [artifact.contentHash, artifact.engine, storableJson(artifact)])
    },
    async parts({ contentHash, engine }) {
      const rows = await query<{ part: string; body: unknown }>(parts, [contentHash, engine])
      return new Map(rows.map(({ part, body }) => [part, body]))
    },
    async savePart({ contentHash, engine }, part, body) {
      await query(savePart, [contentHash, engine, part, storableJson(body)])
    },
  }
}

const claim: Statement = {
  name: 'file_claim',
  text: `
with wanted as (
  select id, broken_off + (state = 'reading')::int as tries,
    broken_off_alone + (state = 'reading' and alone)::int as tries_alone,
    state = 'waiting' or (state = 'reading' and lease_until < now()) as free,
    -- The same claim, sent again after a lost answer.
    state = 'reading' and lease_owner = $2 as mine
  from turn_attachment where id = $1
), taken as (
  update turn_attachment file set state = 'reading', lease_owner = $2, lease_until = now() + $3 * interval '1 millisecond',
    broken_off = file.broken_off + (file.state = 'reading' and not wanted.mine)::int,
    broken_off_alone = file.broken_off_alone + (file.state = 'reading' and file.alone and not wanted.mine)::int,
    alone = $4 = 'alone'
  from wanted
  where file.id = $1 and ($4 <> 'ordinary' or wanted.mine or wanted.tries < ${suspectAfter})
    and (file.state = 'waiting' or (file.state = 'reading' and (file.lease_until < now() or file.lease_owner = $2)))
  returning file.id
)
select exists (select from taken) as claimed, file.state in ('read', 'failed') as ended, file.attachment,
  wanted.tries, wanted.tries_alone, $4 = 'ordinary' and wanted.free and wanted.tries >= ${suspectAfter} as suspect,
  coalesce(turn.platform, file.posted ->> 'platform', source.spender ->> 'platform') as platform,
  case when turn.id is not null then jsonb_build_object(
    'id', turn.id, 'target', turn.reply_target, 'stopRequested', turn.stop_requested_at is not null) end as turn,
  coalesce(source.spender, jsonb_strip_nulls(jsonb_build_object('platform', turn.platform, 'workspaceId', conversation.workspace_id,
    'channelId', conversation.channel_id, 'userId', turn.author_id, 'keyId', (
      select inbound.message -> 'keyId' from inbound where inbound.turn_id = turn.source_id order by inbound.seq limit 1)))) as spender
from turn_attachment file join wanted on wanted.id = file.id left join turn on turn.id = file.turn_id
  left join conversation on conversation.key = turn.conversation_key left join learned_source source on source.id = file.source_id
where file.id = $1`,
}

const progress: Statement = {
  name: 'file_progress',
  text: `
update turn_attachment file set progress = $4, lease_until = now() + $3 * interval '1 millisecond'
where file.id = $1 and file.state = 'reading' and file.lease_owner = $2
returning exists (select from turn where turn.id = file.turn_id and turn.stop_requested_at is not null) as stop`,
}

/** Both rows are locked, so neither is deleted before the reference is there and goes with it. */
const refer: Statement = {
  name: 'file_refer',
  text: `
insert into blob_ref (hash, owner_kind, owner_id)
select blob.hash, 'attachment', file.id from turn_attachment file, blob
where file.id = $1 and file.lease_owner = $2 and file.state = 'reading' and blob.hash = $3
for key share
on conflict (hash, owner_kind, owner_id) do update set owner_id = excluded.owner_id
returning hash`,
}

/**
 * What was read is shared in the place of its conversation from here on, or in that of its source. A question whose answer its author
 * alone sees shares its files with nobody else, as in a direct chat.
 */
const finish: Statement = {
  name: 'file_finish',
  text: `
with ended as (
  update turn_attachment set state = $3::attachment_state, receipt = $4::jsonb, content_hash = $5, engine = $6,
    progress = null, lease_owner = null, lease_until = null
  where id = $1 and lease_owner = $2 and state = 'reading'
  returning id, turn_id, source_id, attachment, posted, gone_at
), shared as (
  select ended.id, ended.attachment, turn.author_id, conversation.*, asked.message,
    asked.message ->> 'kind' = 'direct' or turn.private as alone,
    case when turn.private then conversation.place_key || '/for/' || turn.author_id else conversation.place_key end as place
  from ended join turn on turn.id = ended.turn_id join conversation on conversation.key = turn.conversation_key
    join lateral (
      -- The message that brought it.
      select message from inbound where inbound.turn_id = turn.source_id
      order by inbound.message -> 'attachments' @> jsonb_build_array(jsonb_build_object('id', ended.attachment -> 'id')) desc, inbound.seq
      limit 1) asked on true
  where $3 = 'read' and $5::text is not null and ended.gone_at is null
), place as (
  insert into place (key, platform, workspace_id, channel_id, thread_id, kind)
  select place, platform, workspace_id, channel_id, case when place_key = key then thread_id end,
    case when alone then 'direct' else 'private' end::place_kind
  from shared on conflict (key) do update set key = excluded.key
), reader as (
  insert into place_member (place_key, account, reads) select place, author_id, true from shared where alone
  on conflict do nothing
), whole as (
  select id, place, key as conversation, attachment, message -> 'author' ->> 'name' as by,
    (message ->> 'sentAt')::timestamptz as at, null::uuid as source
  from shared
  union all
  select ended.id, source.place_key, null, attachment, posted ->> 'by', coalesce((posted ->> 'at')::timestamptz, source.added_at), source.id
  from ended join learned_source source on source.id = ended.source_id
  where $3 = 'read' and $5::text is not null
)
insert into share (id, place_key, conversation_key, attachment_id, content_hash, engine, title, shared_by, link, shared_at, source_id)
select id, place, conversation, id, $5, $6, attachment ->> 'name', by, attachment ->> 'link', at, source from whole
on conflict (id) do update set content_hash = excluded.content_hash, engine = excluded.engine`,
}

const release: Statement = {
  name: 'file_release',
  text: `
update turn_attachment set state = 'waiting', lease_owner = null, lease_until = null, alone = false
where id = $1 and lease_owner = $2 and state = 'reading'`,
}

const artifacts: Statement = {
  name: 'artifact_load',
  text: `
select artifact.body from unnest($1::text[], $2::text[]) with ordinality as wanted (content_hash, engine, place)
join artifact on artifact.content_hash = wanted.content_hash and artifact.engine = wanted.engine
order by wanted.place`,
}

const saveArtifact: Statement = {
  name: 'artifact_save',
  text: `
with saved as (
  insert into artifact (content_hash, engine, body) values ($1, $2, $3::jsonb) on conflict do nothing
  returning content_hash || '/' || engine as id, body
), whole as (
  delete from transcript_part where content_hash = $1 and engine = $2
)
insert into blob_ref (hash, owner_kind, owner_id)
select distinct blob.hash, 'artifact', saved.id from saved
cross join jsonb_array_elements(coalesce(saved.body -> 'images', '[]')) picture
join blob on blob.hash = picture ->> 'contentHash'`,
}

const parts: Statement = {
  name: 'transcript_parts',
  text: `select part, body from transcript_part where content_hash = $1 and engine = $2`,
}

/** Nothing is kept of bytes that are gone meanwhile. */
const savePart: Statement = {
  name: 'transcript_part_save',
  text: `
insert into transcript_part (content_hash, engine, part, body)
select hash, $2, $3, $4::jsonb from blob where hash = $1 and exists (select from blob_ref where blob_ref.hash = blob.hash)
for key share
on conflict do nothing`,
}

const latestArtifact: Statement = {
  name: 'artifact_latest',
  text: `select body from artifact where content_hash = $1 order by created_at desc limit 1`,
}
