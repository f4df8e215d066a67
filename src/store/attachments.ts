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
  target: ReplyTarget
  /** Whose question it belongs to. */
  spender: Spender
  turnId: string
  stopRequested: boolean
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
  saveArtifact(artifact: Artifact): Promise<void>
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
        reply_target: ReplyTarget
        turn_id: string
        workspace_id: string
        channel_id: string
        author_id: string
        key_id: string | null
        stop: boolean
        tries: number
        tries_alone: number
        suspect: boolean
      }>(claim, [id, owner, leaseMs, mode])
      if (row === undefined || row.ended) return 'ended'
      if (!row.claimed) return row.suspect ? { suspect: { tries: row.tries, alone: row.tries_alone } } : 'held'
      return {
        attachment: Attachment.parse(row.attachment),
        platform: row.platform,
        target: row.reply_target,
        spender: {
          platform: row.platform,
          workspaceId: row.workspace_id,
          channelId: row.channel_id,
          userId: row.author_id,
          keyId: row.key_id ?? undefined,
        },
        turnId: row.turn_id,
        stopRequested: row.stop,
      }
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
select exists (select from taken) as claimed, file.state in ('read', 'failed') as ended, file.attachment, file.turn_id,
  turn.platform, turn.reply_target, turn.stop_requested_at is not null as stop, turn.author_id,
  conversation.workspace_id, conversation.channel_id,
  wanted.tries, wanted.tries_alone, $4 = 'ordinary' and wanted.free and wanted.tries >= ${suspectAfter} as suspect,
  (select inbound.message ->> 'keyId' from inbound where inbound.turn_id = turn.source_id order by inbound.seq limit 1) as key_id
from turn_attachment file join wanted on wanted.id = file.id join turn on turn.id = file.turn_id
  join conversation on conversation.key = turn.conversation_key
where file.id = $1`,
}

const progress: Statement = {
  name: 'file_progress',
  text: `
update turn_attachment file set progress = $4, lease_until = now() + $3 * interval '1 millisecond' from turn
where file.id = $1 and file.state = 'reading' and file.lease_owner = $2 and turn.id = file.turn_id
returning turn.stop_requested_at is not null as stop`,
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

const finish: Statement = {
  name: 'file_finish',
  text: `
update turn_attachment set state = $3::attachment_state, receipt = $4::jsonb, content_hash = $5, engine = $6,
  progress = null, lease_owner = null, lease_until = null
where id = $1 and lease_owner = $2 and state = 'reading'`,
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
)
insert into blob_ref (hash, owner_kind, owner_id)
select distinct blob.hash, 'artifact', saved.id from saved
cross join jsonb_array_elements(coalesce(saved.body -> 'images', '[]')) picture
join blob on blob.hash = picture ->> 'contentHash'`,
}

const latestArtifact: Statement = {
  name: 'artifact_latest',
  text: `select body from artifact where content_hash = $1 order by created_at desc limit 1`,
}
