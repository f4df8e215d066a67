/** The part of statements that says which contents an audience may see. Every statement that finds passages begins with it. */
import type { ArtifactRef, Audience, Retrieval } from '../passages.ts'

export type Within = NonNullable<Retrieval['within']>

/** Arguments of `audience_places`. */
export function placeValues({ place, asker }: Pick<Audience, 'place' | 'asker'>) {
  const { platform, workspaceId, account, personId, outsider = false } = asker ?? {}
  return [place, platform ?? null, workspaceId ?? null, account ?? null, personId ?? null, outsider]
}

export function audienceValues(audience: Audience) {
  return [audience.conversation, ...placeValues(audience)]
}

/** The files that a search keeps to; null: all. */
export function amongValues(among: readonly ArtifactRef[] | undefined) {
  return [among?.map(({ contentHash }) => contentHash) ?? null, among?.map(({ engine }) => engine) ?? null]
}

/**
 * What the audience may see: the one reason why a passage may be found. `first` is the number of the first value of `audienceValues`.
 * In the conversation itself, too: a file of a question that its asker alone sees is not shared with the others there.
 */
export const sharesFor = (first: number, within: Within = 'places') => `
  audience as materialized (
    select key from audience_places($${first + 1}, $${first + 2}, $${first + 3}, $${first + 4}, $${first + 5}::uuid, $${first + 6}::boolean)
  ),
  shared as materialized (select share.* from share where share.place_key in (select key from audience)
    and ${within === 'conversation' ? `share.conversation_key = $${first}` : `$${first}::text is not null`})`

/** `visible` beside them: their contents, as far as they are among the files that were named (`amongValues`, from the number `among` on). */
export const visibleFor = (first: number, among: number, within: Within) => `
  ${sharesFor(first, within)},
  visible as materialized (
    select distinct content_hash, engine from shared
    where $${among}::text[] is null or (content_hash, engine) in (select * from unnest($${among}::text[], $${among + 1}::text[]))
  )`

/** For each content in `found`: its nearest share, then the newest. A later file of the same name in its place is a newer version. */
export const nearestShares = (first: number) => `
  own as materialized (
    select distinct on (content_hash, engine) *
    from (
      select *, case when conversation_key = $${first} then 2 when place_key = $${first + 1} then 1 else 0 end as nearness from shared
      where (content_hash, engine) in (select content_hash, engine from found)
    ) near
    order by content_hash, engine, nearness desc, shared_at desc, id
  ),
  newer as (
    select own.id, max(shared.shared_at) as at from own join shared on shared.place_key = own.place_key and own.checked_at is null
      and lower(shared.title) = lower(own.title) and shared.content_hash <> own.content_hash and shared.shared_at > own.shared_at
    group by own.id
  ),
  nearest as (
    select own.content_hash, own.engine,
      jsonb_build_object('id', own.id, 'title', own.title, 'by', own.shared_by, 'at', own.shared_at, 'link', own.link, 'newerAt', newer.at,
        -- Pages of one site often have one title: a page is its address.
        'series', case when own.checked_at is null then lower(own.title) else own.link end,
        'near', case own.nearness when 2 then 'conversation' when 1 then 'place' else 'elsewhere' end,
        'place', jsonb_build_object('key', place.key, 'kind', place.kind, 'name', place.name)) as share
    from own join place on place.key = own.place_key left join newer on newer.id = own.id
  )`
