/**
 * What Parley was told to know without a question, on its way through the workers: sources are claimed, read and shared in their place.
 * Files of theirs are attachments without a turn, which attachments.ts brings to a receipt (docs/decisions/0057-files-without-a-question.md).
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { LearnedDispatch } from '../core/collections.ts'
import { storable, storableJson } from '../core/json.ts'
import { conversationKey } from '../core/message.ts'
import { type PlaceAddress, type PostedFile, placeKey } from '../core/place.ts'
import { Spender } from '../core/scope.ts'
import type { Database, Statement } from './database.ts'
import { attachmentPrefix } from './turn-intake-postgres.ts'
import { type BrokenOff, type ClaimMode, suspectAfter } from './turns.ts'

const Place = z.object({
  platform: z.string(),
  workspaceId: z.string(),
  channelId: z.string(),
  threadId: z.string().optional(),
})

/** Where its content is found. */
export const LearnedFrom = {
  link: z.object({ address: z.string() }),
  site: z.object({ address: z.string(), pages: z.number() }),
  pins: z.object({ place: Place }),
  watch: z.object({ place: Place }),
}

export type LearnWork = z.infer<typeof Work>
const Work = z.intersection(
  z.object({ id: z.uuid(), spender: Spender }),
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('link'), locator: LearnedFrom.link }),
    z.object({ kind: z.literal('site'), locator: LearnedFrom.site }),
    z.object({ kind: z.literal('pins'), locator: LearnedFrom.pins }),
    z.object({ kind: z.literal('watch'), locator: LearnedFrom.watch }),
  ]),
)

export interface LearnedPage {
  address: string
  contentHash: string
  engine: string
  title: string
}

export interface KnownPage extends LearnedPage {
  /** It was seen in the present run. */
  seen: boolean
}

export interface LearnedSources {
  /** As of attachments. A run that was broken off goes on. */
  claim(
    id: string,
    owner: string,
    leaseMs: number,
    mode?: ClaimMode,
  ): Promise<LearnWork | 'held' | 'ended' | { suspect: BrokenOff }>
  /** Stores progress and extends the lease; `lost` when it is gone, or the source is. */
  progress(id: string, owner: string, leaseMs: number, text: string): Promise<'held' | 'lost'>
  release(id: string, owner: string): Promise<void>
  /** Pages that the source has now. */
  pages(id: string): Promise<KnownPage[]>
  /**
   * Shares a page in the source's place, in place of what the same address had, and keeps its bytes, which must be held meanwhile. False
   * when the lease is gone.
   */
  keepPage(id: string, owner: string, page: LearnedPage): Promise<boolean>
  /** Its files, each read by a job of its own. With `complete`, others that it had are gone. Returns those that are still to be read. */
  keepFiles(
    id: string,
    files: readonly (PostedFile & { place: PlaceAddress })[],
    options: { complete: boolean },
  ): Promise<LearnedDispatch[]>
  /** Ends the run. Pages that it has not seen go, but for those at `keep`. */
  finish(id: string, owner: string, result: { problems: readonly string[]; keep: readonly string[] }): Promise<void>
  /** Ends a run that gave nothing: what an earlier one read stays. */
  fail(id: string, owner: string, problem: string): Promise<void>
  /** The source that reads the files which are posted in a place, where an admin switched that on. */
  watching(place: PlaceAddress): Promise<string | undefined>
  /** What no job may bring to a worker any more. */
  orphaned(olderThanMs: number, limit: number): Promise<LearnedDispatch[]>
  /** Hands them out again: each with its next dispatch. */
  redispatch(lost: readonly LearnedDispatch[]): Promise<LearnedDispatch[]>
  /** Sources that are due to be read again; they count as waiting from now on. */
  due(limit: number): Promise<LearnedDispatch[]>
}

export function createLearnedSources({ query }: Pick<Database, 'query'>): LearnedSources {
  return {
    async claim(id, owner, leaseMs, mode = 'ordinary') {
      const [row] = await query<{
        claimed: boolean
        ended: boolean
        suspect: boolean
        tries: number
        tries_alone: number
        work: unknown
      }>(claim, [id, owner, leaseMs, mode])
      if (row === undefined || row.ended) return 'ended'
      if (!row.claimed) return row.suspect ? { suspect: { tries: row.tries, alone: row.tries_alone } } : 'held'
      return Work.parse(row.work)
    },
    async progress(id, owner, leaseMs, text) {
      return (await query(progress, [id, owner, leaseMs, text])).length === 0 ? 'lost' : 'held'
    },
    async release(id, owner) {
      await query(release, [id, owner])
    },
    async pages(id) {
      const rows = await query<{ link: string; content_hash: string; engine: string; title: string; seen: boolean }>(
        pages,
        [id],
      )
      return rows.map(({ link, content_hash: contentHash, engine, title, seen }) => {
        return { address: link, contentHash, engine, title, seen }
      })
    },
    async keepPage(id, owner, { address, contentHash, engine, title }) {
      const shareId = `${id}.${createHash('sha256').update(`${address} ${contentHash} ${engine}`).digest('hex')}`
      const values = [id, owner, shareId, address, contentHash, engine, storable(title)]
      return (await query(keepPage, values)).length > 0
    },
    async keepFiles(id, files, { complete }) {
      const rows = files.map((file) => rowOf(id, file))
      return (await query<{ id: string; dispatch: number }>(keepFiles, [id, storableJson(rows), complete])).map(
        (row) => ({ sourceId: id, attachmentId: row.id, dispatch: row.dispatch }),
      )
    },
    async finish(id, owner, { problems, keep }) {
      await query(finish, [id, owner, storableJson([...problems]), [...keep]])
    },
    async fail(id, owner, problem) {
      await query(fail, [id, owner, storableJson([problem])])
    },
    async watching(place) {
      return (await query<{ id: string }>(watching, [placeKey(place)]))[0]?.id
    },
    orphaned: (olderThanMs, limit) => query<DispatchRow>(orphaned, [olderThanMs, limit]).then(dispatches),
    redispatch: (lost) =>
      query<DispatchRow>(redispatch, [
        lost.map(({ sourceId }) => sourceId),
        lost.map(({ attachmentId }) => attachmentId ?? null),
        lost.map(({ dispatch }) => dispatch),
      ]).then(dispatches),
    due: (limit) => query<DispatchRow>(due, [limit]).then(dispatches),
  }
}

interface DispatchRow {
  [column: string]: unknown
  source_id: string
  attachment_id: string | null
  dispatch: number
}

const dispatches = (rows: DispatchRow[]): LearnedDispatch[] =>
  rows.map(({ source_id: sourceId, attachment_id, dispatch }) => ({
    sourceId,
    attachmentId: attachment_id ?? undefined,
    dispatch,
  }))

/** The same file, listed or announced again, is the same attachment. */
function rowOf(
  sourceId: string,
  { place, messageId, account, by, at, attachment }: PostedFile & { place: PlaceAddress },
) {
  const { platform, workspaceId, channelId } = place
  const digest = createHash('sha256')
    .update(`${sourceId} ${conversationKey({ platform, workspaceId, channelId })} ${messageId} ${attachment.id}`)
    .digest('hex')
  return {
    id: `${attachmentPrefix(platform, messageId)}${digest.slice(0, 32)}`,
    attachment,
    posted: { platform, workspaceId, channelId, messageId, account, by, at },
  }
}

const claim: Statement = {
  name: 'learned_claim',
  text: `
with wanted as (
  select id, broken_off + (state = 'reading')::int as tries,
    broken_off_alone + (state = 'reading' and alone)::int as tries_alone,
    state = 'waiting' or (state = 'reading' and lease_until < now()) as free,
    -- The same claim, sent again after a lost answer.
    state = 'reading' and lease_owner = $2 as mine
  from learned_source where id = $1::uuid
), taken as (
  update learned_source source set state = 'reading', lease_owner = $2, lease_until = now() + $3 * interval '1 millisecond',
    begun_at = case when source.state = 'waiting' and not (source.begun_at > coalesce(source.tried_at, '-infinity')) then now()
      else coalesce(source.begun_at, now()) end,
    broken_off = source.broken_off + (source.state = 'reading' and not wanted.mine)::int,
    broken_off_alone = source.broken_off_alone + (source.state = 'reading' and source.alone and not wanted.mine)::int,
    alone = $4 = 'alone'
  from wanted
  where source.id = $1::uuid and ($4 <> 'ordinary' or wanted.mine or wanted.tries < ${suspectAfter})
    and (source.state = 'waiting' or (source.state = 'reading' and (source.lease_until < now() or source.lease_owner = $2)))
  returning source.id
)
select exists (select from taken) as claimed, source.state in ('read', 'failed') as ended,
  wanted.tries, wanted.tries_alone, $4 = 'ordinary' and wanted.free and wanted.tries >= ${suspectAfter} as suspect,
  jsonb_build_object('id', source.id, 'kind', source.kind, 'locator', source.locator, 'spender', source.spender) as work
from learned_source source join wanted on wanted.id = source.id`,
}

const held = `select id, place_key, begun_at from learned_source where id = $1::uuid and lease_owner = $2 and state = 'reading'`

const progress: Statement = {
  name: 'learned_progress',
  text: `
update learned_source set progress = $4, lease_until = now() + $3 * interval '1 millisecond'
where id = $1::uuid and lease_owner = $2 and state = 'reading' returning id`,
}

const release: Statement = {
  name: 'learned_release',
  text: `
update learned_source set state = 'waiting', lease_owner = null, lease_until = null, alone = false
where id = $1::uuid and lease_owner = $2 and state = 'reading'`,
}

const pages: Statement = {
  name: 'learned_pages',
  text: `
select share.link, share.content_hash, share.engine, share.title, share.checked_at >= source.begun_at as seen
from share join learned_source source on source.id = share.source_id
where share.source_id = $1::uuid and share.attachment_id is null`,
}

const keepPage: Statement = {
  name: 'learned_page_keep',
  text: `
with held as (${held} for update),
older as (
  delete from share using held where share.source_id = held.id and share.attachment_id is null and share.link = $4 and share.id <> $3
),
kept as (
  insert into share (id, place_key, content_hash, engine, title, link, shared_at, source_id, checked_at)
  select $3, held.place_key, $5, $6, $7, $4, now(), held.id, now() from held
  on conflict (id) do update set checked_at = now(), title = excluded.title
  returning id, content_hash
)
insert into blob_ref (hash, owner_kind, owner_id) select content_hash, 'share', id from kept
on conflict (hash, owner_kind, owner_id) do update set owner_id = excluded.owner_id
returning hash`,
}

// One that could not be read is tried again where its source lists it again.
const keepFiles: Statement = {
  name: 'learned_files_keep',
  text: `
with source as (select id from learned_source where id = $1::uuid for key share),
given as (
  select distinct on (id) * from jsonb_to_recordset($2::jsonb) as g (id text, attachment jsonb, posted jsonb)
),
gone as (
  delete from turn_attachment using source
  where turn_attachment.source_id = source.id and $3 and turn_attachment.id not in (select id from given)
),
kept as (
  insert into turn_attachment (id, source_id, position, attachment, posted)
  select given.id, source.id, 0, given.attachment, given.posted from given cross join source
  on conflict (id) do update set attachment = excluded.attachment,
    state = case when turn_attachment.state = 'failed' and $3 then 'waiting' else turn_attachment.state end,
    dispatches = turn_attachment.dispatches + (turn_attachment.state = 'failed' and $3)::int
  returning id, state, dispatches
)
select id, dispatches as dispatch from kept where state = 'waiting'`,
}

const finish: Statement = {
  name: 'learned_finish',
  text: `
with held as (${held} for update),
gone as (
  delete from share using held where share.source_id = held.id and share.attachment_id is null
    and share.checked_at < held.begun_at and share.link <> all ($4::text[])
)
update learned_source source set state = 'read', problems = $3::jsonb, progress = null, tried_at = now(), refreshed_at = now(),
  lease_owner = null, lease_until = null, broken_off = 0, broken_off_alone = 0, alone = false
from held where source.id = held.id`,
}

const fail: Statement = {
  name: 'learned_fail',
  text: `
update learned_source set state = 'failed', problems = $3::jsonb, progress = null, tried_at = now(), lease_owner = null,
  lease_until = null, broken_off = 0, broken_off_alone = 0, alone = false
where id = $1::uuid and lease_owner = $2 and state = 'reading'`,
}

const watching: Statement = {
  name: 'learned_watching',
  text: `select id from learned_source where place_key = $1 and kind = 'watch'`,
}

const orphaned: Statement = {
  name: 'learned_orphaned',
  text: `
select id as source_id, null as attachment_id, dispatches as dispatch, dispatched_at from learned_source
where (state = 'waiting' or (state = 'reading' and lease_until < now())) and dispatched_at < now() - $1 * interval '1 millisecond'
union all
select source_id, id, dispatches, dispatched_at from turn_attachment
where turn_id is null and (state = 'waiting' or (state = 'reading' and lease_until < now()))
  and dispatched_at < now() - $1 * interval '1 millisecond'
order by dispatched_at limit $2`,
}

/** Sent twice it changes nothing more: the second time the dispatch is another. */
const redispatch: Statement = {
  name: 'learned_redispatch',
  text: `
with lost as (select * from unnest($1::uuid[], $2::text[], $3::int[]) as l (source_id, attachment_id, dispatch)),
sources as (
  update learned_source source set dispatches = dispatches + 1, dispatched_at = now() from lost
  where lost.attachment_id is null and source.id = lost.source_id and source.dispatches = lost.dispatch
  returning source.id, dispatches
), files as (
  update turn_attachment file set dispatches = dispatches + 1, dispatched_at = now() from lost
  where file.id = lost.attachment_id and file.dispatches = lost.dispatch
  returning file.source_id, file.id, file.dispatches
)
select id as source_id, null as attachment_id, dispatches as dispatch from sources
union all select source_id, id, dispatches from files`,
}

const due: Statement = {
  name: 'learned_due',
  text: `
update learned_source set state = 'waiting', dispatches = dispatches + 1, dispatched_at = now()
where id in (
  select id from learned_source where state in ('read', 'failed') and kind <> 'watch'
    and tried_at < now() - refresh_hours * interval '1 hour' order by tried_at limit $1 for update skip locked)
returning id as source_id, null as attachment_id, dispatches as dispatch`,
}
