/** Collections, what they are made of and who may be told of them; and channels whose posted files are read. Every change writes its audit row. */
import { createHash, randomUUID } from 'node:crypto'
import { CollectionAbout, type Collections, type LearnedDispatch, type NewSource } from '../core/collections.ts'
import { ParleyError } from '../core/errors.ts'
import { type Json, storable, storableJson } from '../core/json.ts'
import type { Changer } from '../core/person.ts'
import { placeKey } from '../core/place.ts'
import { type Scope, scopeOf } from '../core/scope.ts'
import { collectionWording } from '../wording/collections.ts'
import { auditExists, auditInsert, auditValues } from './audit.ts'
import type { Database, Statement } from './database.ts'

type Send = Database['query']

export function createCollections({ query, transaction }: Pick<Database, 'query' | 'transaction'>): Collections {
  /** `work` answers what to write down, or nothing where nothing changed. */
  async function change<T>(
    by: Changer,
    name: string,
    work: (send: Send) => Promise<{ scope: Scope; before: Json; after: Json; result: T } | null>,
  ): Promise<T | null> {
    const id = randomUUID()
    return await transaction(async (send) => {
      if ((await send(auditExists, [id])).length > 0) return null
      const changed = await work(send)
      if (changed === null) return null
      const { scope, before, after, result } = changed
      await send(auditInsert, auditValues({ id, by, scope, name, before, after }))
      return result
    })
  }

  async function read(send: Send, id: string | null): Promise<CollectionAbout[]> {
    return (await send(list, [id])).map((row) => CollectionAbout.parse(row))
  }

  /** Locked, so that it does not go meanwhile. */
  async function locked(send: Send, id: string): Promise<{ name: string; place_key: string; grants: Scope[] }> {
    const [found] = await send<{ name: string; place_key: string; grants: Scope[] }>(lock, [id])
    if (found === undefined) throw new ParleyError('request_invalid', collectionWording.gone)
    return found
  }

  /** Changes of a collection are found under the scope that it was made for. */
  const scopeOfGrants = (grants: readonly Scope[]): Scope => grants[0] ?? 'all'

  return {
    list: () => read(query, null),
    find: async (id) => (await read(query, id))[0] ?? null,

    async create(name, scope, by) {
      const id = randomUUID()
      await change(by, 'collection', async (send) => {
        await send(create, [id, `collection/local/${id}`, storable(name), by.id, scope])
        return { scope, before: null, after: { name, grants: [scope] }, result: null }
      })
      return { id }
    },

    async add(id, source, { by, spender }) {
      const row = rowOf(source)
      const added = await change(by, 'collection source', async (send) => {
        const { name, place_key: place, grants } = await locked(send, id)
        const values = [randomUUID(), place, row.kind, row.key, storableJson(row.locator), storable(row.title)]
        const more = [row.originId ?? null, by.id, storableJson(spender), row.refreshHours ?? null]
        const [stored] = await send<{ id: string; dispatch: number }>(addSource, [...values, ...more])
        if (stored === undefined) throw new ParleyError('request_invalid', collectionWording.fileGone)
        const work: LearnedDispatch[] = []
        if (source.kind === 'file') await send(copyShare, [stored.id])
        else if (source.kind === 'upload') {
          const attachmentId = `learned.${stored.id}`
          const values = [attachmentId, stored.id, storableJson(source.attachment), source.attachment.blob ?? null]
          const [file] = await send<{ dispatch: number }>(addUpload, values)
          work.push({ sourceId: stored.id, attachmentId, dispatch: file?.dispatch ?? 1 })
        } else work.push({ sourceId: stored.id, dispatch: stored.dispatch })
        const after = { collection: name, kind: row.kind, title: row.title }
        return { scope: scopeOfGrants(grants), before: null, after, result: work }
      })
      return added ?? []
    },

    async grant(id, scope, by) {
      await change(by, 'collection grant', async (send) => {
        const { name, grants } = await locked(send, id)
        if (grants.includes(scope)) return null
        await send(grant, [id, scope])
        return { scope, before: null, after: { collection: name }, result: null }
      })
    },

    async revoke(id, scope, by) {
      await change(by, 'collection grant', async (send) => {
        const { name, grants } = await locked(send, id)
        if (!grants.includes(scope)) return null
        if (grants.length === 1) throw new ParleyError('request_invalid', collectionWording.lastGrant(name))
        await send(revoke, [id, scope])
        return { scope, before: { collection: name }, after: null, result: null }
      })
    },

    refresh: async (id, sourceId) =>
      (await query<{ id: string; dispatch: number }>(refresh, [id, sourceId ?? null])).map((row) => ({
        sourceId: row.id,
        dispatch: row.dispatch,
      })),

    async removeSource(id, sourceId, by) {
      await change(by, 'collection source', async (send) => {
        const { name, grants } = await locked(send, id)
        const [gone] = await send<{ title: string; kind: string }>(removeSource, [id, sourceId])
        if (gone === undefined) return null
        const before = { collection: name, kind: gone.kind, title: gone.title }
        return { scope: scopeOfGrants(grants), before, after: null, result: null }
      })
    },

    async remove(id, by) {
      await change(by, 'collection', async (send) => {
        const { name, grants, place_key: place } = await locked(send, id)
        await send(removePlace, [place])
        return { scope: scopeOfGrants(grants), before: { name, grants }, after: null, result: null }
      })
    },

    async sharedFile(conversation, place, name) {
      const [found] = await query<{ id: string; title: string }>(sharedFile, [conversation, place, name])
      return found ?? null
    },

    async isWatched(place) {
      return (await query(watched, [placeKey(place)])).length > 0
    },

    async watch(place, { by, spender }) {
      const scope = scopeOf.channel(place)
      const work = await change(by, 'policy.filesOfChannel', async (send) => {
        const { platform, workspaceId, channelId, threadId } = place
        await send(knowPlace, [placeKey(place), platform, workspaceId, channelId, threadId ?? null])
        const values = [randomUUID(), placeKey(place), storableJson({ place }), by.id, storableJson(spender)]
        const [stored] = await send<{ id: string }>(startWatch, values)
        if (stored === undefined) return null
        return { scope, before: null, after: true, result: [{ sourceId: stored.id, dispatch: 1 }] }
      })
      return work ?? []
    },

    async unwatch(place, by) {
      await change(by, 'policy.filesOfChannel', async (send) => {
        if ((await send(endWatch, [placeKey(place)])).length === 0) return null
        return { scope: scopeOf.channel(place), before: true, after: null, result: null }
      })
    },
  }
}

interface SourceRow {
  kind: NewSource['kind']
  key: string
  locator: object
  title: string
  originId?: string
  refreshHours?: number | undefined
}

function rowOf(source: NewSource): SourceRow {
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
  switch (source.kind) {
    case 'file':
      return {
        kind: source.kind,
        key: source.share.id,
        locator: {},
        title: source.share.title,
        originId: source.share.id,
      }
    case 'upload': {
      const { blob = '', name } = source.attachment
      return { kind: source.kind, key: hashOf(`${blob} ${name}`), locator: {}, title: name }
    }
    case 'link':
      return { ...source, locator: { address: source.address } }
    case 'site':
      return { ...source, locator: { address: source.address, pages: source.pages } }
    case 'pins':
      return { ...source, key: placeKey(source.place), locator: { place: source.place } }
  }
}

const list: Statement = {
  name: 'collection_list',
  text: `
select collection.id, name, created_at as "createdAt",
  coalesce((select jsonb_agg(scope order by scope) from collection_grant where collection_id = collection.id), '[]') as grants,
  coalesce((
    select jsonb_agg(jsonb_build_object('id', source.id, 'kind', source.kind, 'title', source.title,
      'address', source.locator -> 'address', 'pages', source.locator -> 'pages', 'refreshHours', source.refresh_hours,
      'state', source.state, 'progress', source.progress, 'refreshedAt', source.refreshed_at,
      'found', (select count(*) from share where share.source_id = source.id),
      'waiting', (select count(*) from turn_attachment file where file.source_id = source.id and file.state in ('waiting', 'reading')),
      'problems', source.problems || coalesce((
        select jsonb_agg((file.attachment ->> 'name') || ': ' || (file.receipt ->> 'summary') order by file.id) from turn_attachment file
        where file.source_id = source.id and file.state = 'failed'), '[]'))
      order by source.added_at, source.id)
    from learned_source source where source.place_key = collection.place_key), '[]') as sources
from collection where $1::uuid is null or collection.id = $1::uuid
order by lower(name), created_at`,
}

const lock: Statement = {
  name: 'collection_lock',
  text: `
select name, place_key, array(select scope from collection_grant where collection_id = collection.id order by scope) as grants
from collection where id = $1::uuid for update`,
}

const create: Statement = {
  name: 'collection_create',
  text: `
with place as (
  insert into place (key, platform, workspace_id, channel_id, kind, name) values ($2, 'collection', 'local', $1::text, 'collection', $3)
  on conflict (key) do update set name = excluded.name returning key
), made as (
  insert into collection (id, name, place_key, created_by) select $1::uuid, $3, key, $4 from place
  on conflict (id) do update set name = excluded.name returning id
)
insert into collection_grant (collection_id, scope) select id, $5 from made on conflict do nothing`,
}

/** Nothing where the original of a file is gone. */
const addSource: Statement = {
  name: 'collection_source_add',
  text: `
insert into learned_source (id, place_key, kind, key, locator, title, origin_id, added_by, spender, refresh_hours, state)
select $1::uuid, $2, $3::learned_kind, $4, $5::jsonb, $6, $7, $8, $9::jsonb, $10::int,
  case when $3 in ('file', 'upload') then 'read' else 'waiting' end::learned_state
where $7::text is null or exists (select from share where id = $7)
on conflict (place_key, kind, key) do update set locator = excluded.locator, title = excluded.title, added_by = excluded.added_by,
  spender = excluded.spender, refresh_hours = excluded.refresh_hours,
  state = case when learned_source.state = 'reading' then 'reading' else excluded.state end,
  dispatches = learned_source.dispatches + 1, dispatched_at = now()
returning id, dispatches as dispatch`,
}

const copyShare: Statement = {
  name: 'collection_share_copy',
  text: `
with copied as (
  insert into share (id, place_key, content_hash, engine, title, shared_by, link, shared_at, source_id)
  select source.id || '.' || origin.content_hash, source.place_key, origin.content_hash, origin.engine, origin.title, origin.shared_by,
    origin.link, origin.shared_at, source.id
  from learned_source source join share origin on origin.id = source.origin_id where source.id = $1::uuid
  on conflict (id) do update set engine = excluded.engine
  returning id, content_hash
)
insert into blob_ref (hash, owner_kind, owner_id) select content_hash, 'share', id from copied on conflict do nothing`,
}

const addUpload: Statement = {
  name: 'collection_upload_add',
  text: `
with file as (
  insert into turn_attachment (id, source_id, position, attachment) values ($1, $2::uuid, 0, $3::jsonb)
  -- One that could not be read is tried again.
  on conflict (id) do update set dispatches = turn_attachment.dispatches + (turn_attachment.state = 'failed')::int,
    state = case when turn_attachment.state = 'failed' then 'waiting' else turn_attachment.state end
  returning dispatches
), referred as (
  insert into blob_ref (hash, owner_kind, owner_id) select hash, 'attachment', $1 from blob where hash = $4 on conflict do nothing
)
select dispatches as dispatch from file`,
}

const grant: Statement = {
  name: 'collection_grant_add',
  text: `insert into collection_grant (collection_id, scope) values ($1::uuid, $2) on conflict do nothing`,
}

const revoke: Statement = {
  name: 'collection_grant_remove',
  text: `delete from collection_grant where collection_id = $1::uuid and scope = $2`,
}

const refresh: Statement = {
  name: 'collection_refresh',
  text: `
update learned_source source set dispatches = dispatches + 1, dispatched_at = now(),
  state = case when source.state = 'reading' then source.state else 'waiting' end
from collection where collection.id = $1::uuid and source.place_key = collection.place_key
  and source.kind in ('link', 'site', 'pins') and ($2::uuid is null or source.id = $2::uuid)
returning source.id, source.dispatches as dispatch`,
}

const removeSource: Statement = {
  name: 'collection_source_remove',
  text: `
delete from learned_source source using collection
where collection.id = $1::uuid and source.place_key = collection.place_key and source.id = $2::uuid
returning source.title, source.kind`,
}

/** The collection, its sources and what they shared go with it. */
const removePlace: Statement = {
  name: 'collection_remove',
  text: `delete from place where key = $1 and kind = 'collection'`,
}

const sharedFile: Statement = {
  name: 'collection_shared_file',
  text: `
select id, title from share
where place_key = coalesce((select place_key from conversation where key = $1), $2) and lower(title) = lower($3)
order by conversation_key is not distinct from $1 desc, shared_at desc limit 1`,
}

const watched: Statement = {
  name: 'watch_look',
  text: `select from learned_source where place_key = $1 and kind = 'watch'`,
}

const knowPlace: Statement = {
  name: 'watch_place',
  text: `
insert into place (key, platform, workspace_id, channel_id, thread_id, kind) values ($1, $2, $3, $4, $5, 'private')
on conflict (key) do nothing`,
}

const startWatch: Statement = {
  name: 'watch_start',
  text: `
insert into learned_source (id, place_key, kind, key, locator, title, added_by, spender)
values ($1::uuid, $2, 'watch', '', $3::jsonb, '', $4, $5::jsonb) on conflict (place_key, kind, key) do nothing returning id`,
}

const endWatch: Statement = {
  name: 'watch_end',
  text: `delete from learned_source where place_key = $1 and kind = 'watch' returning id`,
}
