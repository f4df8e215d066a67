/**
 * Vectors on PostgreSQL without an extension: signs as a bit string, and whole numbers of one byte. The statement takes those whose signs
 * differ least, and their numbers decide (docs/decisions/0058-embeddings-without-pgvector.md).
 */
import { z } from 'zod'
import type { Statement } from '../../core/platform-state.ts'
import { embeddingKey } from '../embedding.ts'
import type { EmbeddingFill, EmbeddingRows, KnownModel, Nearest, VectorIndex } from '../embeddings.ts'
import { backgroundOf, similarity, storedVector } from '../vectors.ts'
import type { Statements } from './postgres.ts'
import { amongValues, audienceValues, visibleFor, type Within } from './visible.ts'

/** So many vectors are compared exactly. In a view of no more passages, all are. */
const shortlist = 1_000
const sampled = 250
const oldFor = '1 day'

export function createEmbeddingRows(pool: Statements): EmbeddingRows {
  async function fill(model: number, notIn: readonly string[]): Promise<EmbeddingFill> {
    const { rows } = await pool.query(FILL, [model, notIn])
    return Fill.parse(rows[0])
  }
  return {
    async models() {
      const { rows } = await pool.query(MODELS, [])
      return rows.map((row) => Known.parse(row))
    },

    async want(key) {
      await pool.query(WANT, [embeddingKey(key), key.provider, key.model, key.width])
    },

    async claim(model, owner, leaseMs) {
      const { rows } = await pool.query(CLAIM, [model, owner, leaseMs])
      return rows.length > 0
    },

    async release(model, owner) {
      await pool.query(RELEASE, [model, owner])
    },

    async missing(model, { after, notIn, limit }) {
      const { contentHash = '', engine = '', ordinal = -1 } = after ?? {}
      const { rows } = await pool.query(MISSING, [model, contentHash, engine, ordinal, notIn, limit])
      return rows.map((row) => Missing.parse(row))
    },

    async save(model, given) {
      const rows = given.map(({ passage, vector }) => ({ ...passage, ...storedVector(vector) }))
      await pool.query(SAVE, [
        model,
        rows.map(({ contentHash }) => contentHash),
        rows.map(({ engine }) => engine),
        rows.map(({ ordinal }) => ordinal),
        rows.map(({ version }) => version),
        rows.map(({ vec }) => Buffer.from(vec.buffer)),
        rows.map(({ sig }) => sig),
      ])
    },

    fill,

    async activate(model, notIn) {
      const { rows } = await pool.query(ACTIVATE, [model, notIn])
      return rows.length > 0
    },

    async measure(model) {
      const { rows } = await pool.query(SAMPLE, [model, sampled])
      const sample = rows.map((row) => Sampled.parse(row))
      const background = backgroundOf(sample)
      if (background === undefined) return
      await pool.query(MEASURED, [model, background.mean, background.deviation, sample.length])
    },

    async places() {
      const { rows } = await pool.query(PLACES, [])
      return rows.map((row) => Place.parse(row))
    },

    async dropOld() {
      await pool.query(DROP_OLD, [])
    },
  }
}

export function createVectorIndex(pool: Statements): VectorIndex {
  return {
    async nearest(model, question, { audience, among, within, limit, signal }) {
      signal.throwIfAborted()
      if (among?.length === 0 || limit <= 0) return { found: [], share: 1 }
      const { sig } = storedVector(question)
      const values = [...amongValues(among), model.id, sig, shortlist, ...audienceValues(audience)]
      const { rows } = await pool.query(NEAREST[within], values, signal)
      const { passages, embedded, candidates } = Candidates.parse(rows[0])
      const ranked = candidates.map(({ ref, vec }) => ({ ref, similarity: similarity(question, vec) }))
      ranked.sort((a, b) => b.similarity - a.similarity)
      const nearest: Nearest = { found: ranked.slice(0, limit), share: passages === 0 ? 1 : embedded / passages }
      return nearest
    },
  }
}

const Ref = { contentHash: z.string(), engine: z.string(), ordinal: z.number() }
const Vec = z.instanceof(Uint8Array).transform((bytes) => new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length))
const Known = z
  .object({
    id: z.number(),
    provider: z.string(),
    model: z.string(),
    width: z.number(),
    state: z.enum(['filling', 'active', 'old']),
    mean: z.number().nullable(),
    deviation: z.number().nullable(),
    backgroundSize: z.number(),
  })
  .transform(({ mean, deviation, ...rest }): KnownModel => {
    return { ...rest, background: mean === null || deviation === null ? undefined : { mean, deviation } }
  })
const Missing = z.object({ ...Ref, text: z.string(), version: z.string() })
const Fill = z.object({ passages: z.number(), embedded: z.number() })
const Place = z.object({ key: z.string(), platform: z.string(), workspaceId: z.string(), channelId: z.string() })
const Sampled = z.object({ contentHash: z.string(), vec: Vec })
const Candidates = z
  .object({
    passages: z.number(),
    embedded: z.number(),
    hashes: z.array(z.string()),
    engines: z.array(z.string()),
    ordinals: z.array(z.number()),
    vecs: z.instanceof(Uint8Array),
  })
  .transform(({ passages, embedded, hashes, engines, ordinals, vecs }) => {
    const width = hashes.length === 0 ? 0 : vecs.length / hashes.length
    const candidates = hashes.map((contentHash, at) => ({
      ref: { contentHash, engine: engines[at] ?? '', ordinal: ordinals[at] ?? 0 },
      vec: new Int8Array(vecs.buffer, vecs.byteOffset + at * width, width),
    }))
    return { passages, embedded, candidates }
  })

const MODELS = `
  select id, provider, model, width, state, background_mean as mean, background_deviation as deviation,
    background_size as "backgroundSize"
  from embedding_model where state <> 'old' order by id desc`

const WANT = `
  with given_up as (
    update embedding_model set state = 'old', changed_at = now() where state = 'filling' and key <> $1
  )
  insert into embedding_model (key, provider, model, width) values ($1, $2, $3, $4::int)
  on conflict (key) do update set state = 'filling', changed_at = now() where embedding_model.state = 'old'`

const CLAIM = `
  update embedding_model set lease_owner = $2, lease_until = now() + $3::float8 * interval '1 ms'
  where id = $1 and state <> 'old' and (lease_owner = $2 or lease_until is null or lease_until < now())
  returning id`

const RELEASE = `update embedding_model set lease_owner = null, lease_until = null where id = $1 and lease_owner = $2`

/** What is shared with nobody is found by nobody, so it needs no vector. */
const embeddable = (notIn: string) => `
  exists (select from share where share.content_hash = passage.content_hash and share.engine = passage.engine)
  and not exists (select from share where share.content_hash = passage.content_hash and share.place_key = any($${notIn}::text[]))`

const hasVector = `
  exists (select from embedding e where e.content_hash = passage.content_hash and e.engine = passage.engine
    and e.ordinal = passage.ordinal and e.model_id = $1::smallint)`

const MISSING = `
  select content_hash as "contentHash", engine, ordinal, text, md5(text) as version from passage
  where (content_hash, engine, ordinal) > ($2, $3, $4::int) and not ${hasVector} and ${embeddable('5')}
  order by content_hash, engine, ordinal limit $6`

// The lock keeps the passage until its vector is there; a passage that is gone, or has another text, gets none.
const SAVE = `
  insert into embedding (content_hash, engine, ordinal, model_id, vec, sig)
  select passage.content_hash, passage.engine, passage.ordinal, model.id, given.vec, given.sig::varbit
  from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::bytea[], $7::text[])
      as given(content_hash, engine, ordinal, version, vec, sig)
    join passage using (content_hash, engine, ordinal)
    join embedding_model model on model.id = $1::smallint and model.width = length(given.vec)
  where md5(passage.text) = given.version
  order by 1, 2, 3
  for key share of passage
  on conflict do nothing`

const counted = (notIn: string) => `
  select count(*)::int as passages, count(*) filter (where ${hasVector})::int as embedded
  from passage where ${embeddable(notIn)}`

const FILL = counted('2')

// One statement: whoever reads the models sees either the one or the other.
const ACTIVATE = `
  with fill as (${counted('2')}),
  filled as (
    select id from embedding_model where id = $1::smallint and state = 'filling'
      and (select embedded >= 0.99 * passages from fill) for update
  ),
  switched as (
    update embedding_model set state = case when id = $1::smallint then 'active' else 'old' end::embedding_state, changed_at = now()
    where exists (select from filled) and (id = $1::smallint or state = 'active') returning id
  )
  select id from switched where id = $1::smallint`

const SAMPLE = `
  select content_hash as "contentHash", vec from embedding
  where ctid = any(array(select ctid from embedding where model_id = $1::smallint order by random() limit $2))`

const MEASURED = `
  update embedding_model set background_mean = $2, background_deviation = $3, background_size = $4 where id = $1::smallint`

const PLACES = `
  select key, platform, workspace_id as "workspaceId", channel_id as "channelId" from place
  where exists (select from share where share.place_key = place.key)`

const DROP_OLD = `delete from embedding_model where state = 'old' and changed_at < now() - interval '${oldFor}'`

// Signs of other widths cannot be compared: PostgreSQL refuses it. They are read from their index, file by file. What follows is a row per
// file, not per passage. "offset 0" keeps to the rows that were chosen.
const nearest = (within: Within) => `
  with ${visibleFor(6, 1, within)},
  total as (select coalesce(sum(passages), 0)::int as passages from passage_total where (content_hash, engine) in (select * from visible)),
  compared as materialized (
    select row_number() over () as file, visible.content_hash, visible.engine, near.*
    from visible cross join lateral (
      select count(*)::int as embedded, array_agg(ordinal) as ordinals, array_agg(bit_count(sig # $4::varbit)::int) as distances
      from embedding where (content_hash, engine) = (visible.content_hash, visible.engine) and model_id = $3::smallint
    ) near
  ),
  nearest as materialized (
    select file, ordinal from (select file, unnest(ordinals) as ordinal, unnest(distances) as distance from compared) each
    order by distance, file, ordinal limit $5
  )
  select (select passages from total) as passages, (select coalesce(sum(embedded), 0)::int from compared) as embedded,
    coalesce(array_agg(content_hash), '{}') as hashes, coalesce(array_agg(engine), '{}') as engines,
    coalesce(array_agg(ordinal), '{}') as ordinals, coalesce(string_agg(vec, ''::bytea), ''::bytea) as vecs
  from nearest join compared using (file) cross join lateral (
    select vec from embedding
    where (content_hash, engine, model_id, ordinal) = (compared.content_hash, compared.engine, $3::smallint, nearest.ordinal) offset 0
  ) of`

const NEAREST: Record<Within, Statement> = {
  conversation: { name: 'nearest-in-conversation', text: nearest('conversation') },
  places: { name: 'nearest-in-places', text: nearest('places') },
}
