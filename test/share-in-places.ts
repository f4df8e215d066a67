/**
 * Many files in many places at once, without messages that brought them: for measurements of what is found. Who reads a place is known
 * for a day.
 */
import { createHash } from 'node:crypto'
import { placeKey } from '../src/core/place.ts'
import type { Audience } from '../src/search/passages.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import type { Database } from '../src/store/database.ts'
import { knowBlobs } from './fixtures/blobs.ts'

export interface FileInPlace {
  channelId: string
  title: string
  texts: readonly string[]
}

const platform = 'test'
const workspaceId = 'team'
const engine = 'text-1'

/** Private channels, each with these readers. */
export async function openPlaces(database: Database, readers: Record<string, readonly string[]>): Promise<void> {
  const rows = Object.entries(readers).map(([channelId, accounts]) => ({ ...keyed(channelId), accounts }))
  await database.pool.query(
    `with given as (select * from jsonb_to_recordset($1::jsonb) as p (key text, "channelId" text, accounts jsonb)),
     made as (
       insert into place (key, platform, workspace_id, channel_id, kind, name, outsiders, complete, checked_at, members_at)
       select key, $2, $3, "channelId", 'private', "channelId", false, true, now() + interval '1 day', now() + interval '1 day' from given
     )
     insert into place_member (place_key, account, reads, checked_at)
     select key, account, true, now() + interval '1 day' from given, jsonb_array_elements_text(accounts) as account`,
    [JSON.stringify(rows), platform, workspaceId],
  )
}

/** The content hash of each file. Places must be open. */
export async function shareInPlaces(database: Database, files: readonly FileInPlace[]): Promise<string[]> {
  const index = createPassageIndex(database.lasting)
  const hashes = files.map(({ channelId, title, texts }) =>
    createHash('sha256')
      .update(JSON.stringify([channelId, title, texts]))
      .digest('hex'),
  )
  await knowBlobs(database.pool, ...hashes)
  for (const [at, { texts }] of files.entries()) {
    const segments = texts.map((text, i) => ({
      text,
      at: { kind: 'page' as const, page: i + 1 },
      tokens: Math.ceil(text.length / 4),
    }))
    const contentHash = hashes[at] ?? ''
    await index.add({ contentHash, engine, mediaType: 'text/plain', segments, tokens: 1, problems: [] })
  }
  const rows = files.map(({ channelId, title }, at) => ({ place: keyed(channelId).key, title, hash: hashes[at], at }))
  await database.pool.query(
    `insert into share (id, place_key, conversation_key, content_hash, engine, title, shared_by, shared_at)
     select place || '/' || hash, place, place, hash, $2, title, 'Ann', now() - at * interval '1 minute'
     from jsonb_to_recordset($1::jsonb) as f (place text, title text, hash text, at int)`,
    [JSON.stringify(rows), engine],
  )
  return hashes
}

/** Everybody in a channel, or one account in their direct chat. */
export function audienceIn(channelId: string, account?: string): Audience {
  const { key } = keyed(channelId)
  const asker = account === undefined ? undefined : { platform, workspaceId, account, personId: undefined }
  return { conversation: key, place: key, asker }
}

function keyed(channelId: string): { key: string; channelId: string } {
  return { key: placeKey({ platform, workspaceId, channelId }), channelId }
}
