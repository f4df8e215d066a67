/**
 * The passage index on PostgreSQL: our own terms in a tsvector, ranked by BM25 in one statement.
 *
 * Everything that ranking needs is answered by the GIN index, because reading thousands of vectors back costs a hundred
 * times more: a term that occurs often is stored again as `term 2` and `term 4` (terms hold no spaces), and every passage
 * carries the lexeme `in <hash>/<engine>`, so that a search of few files stays inside them however many others there are.
 */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { z } from 'zod'
import { Position } from '../../core/artifact.ts'
import { chunk } from '../chunk.ts'
import type { ArtifactRef, PassageIndex, Retriever } from '../passages.ts'
import { questionTerms, terms } from '../terms.ts'

/** BM25's usual constants: how fast repetition saturates, and how much length counts. */
const K1 = 1.2
const B = 0.75
/** Term frequencies that are told apart; above the last one BM25 is all but saturated. */
const LEVELS = [1, 2, 4]
/** Of a long question, the longest terms are looked up. */
const MAX_TERMS = 64
/** Up to so many terms, frequencies and word beginnings are looked up too. */
const MAX_REFINED = 16
/**
 * Up to so many files, the index itself keeps to them. With more, looking at each hit's file is faster: the index weighs
 * every alternative for every candidate.
 */
const MAX_SCOPED = 4
/** `Kündigung` also means `Kündigungsfrist`, and `terminate` means `termination`; less so than the word itself. */
const BEGINNING_WEIGHT = 0.35
const MIN_BEGINNING = 5
/** Passages that one statement adds: well below a second of work on a slow disk, so no time-out sends it again meanwhile. */
const BATCH = 256

/** Sends one statement, which may be sent twice; `signal` ends it on the server, too. */
export interface Statements {
  query(text: string, values: unknown[], signal?: AbortSignal): Promise<{ rows: unknown[] }>
}

/** Finding by words costs nothing: who pays is of no interest here. */
export function createPassageIndex(pool: Statements): PassageIndex & Retriever {
  return {
    name: 'lexical',

    async add(artifact) {
      const passages = chunk(artifact)
      if (passages.length === 0) return
      const { contentHash, engine } = artifact
      for (let from = 0; from < passages.length; from += BATCH) {
        const columns: [string[], string[], number[], number[], string[]] = [[], [], [], [], []]
        for (const [i, passage] of passages.slice(from, from + BATCH).entries()) {
          const found = terms(passage.text)
          columns[0].push(storable(passage.text))
          columns[1].push(JSON.stringify(storablePosition(passage.at)))
          columns[2].push(passage.tokens)
          columns[3].push(found.length)
          columns[4].push(vector(found, scope(contentHash, engine)))
          if (i % 64 === 63) await yieldLoop()
        }
        await pool.query(ADD, [contentHash, engine, from, ...columns])
      }
    },

    async retrieve(question, { audience, among, limit, signal }) {
      signal.throwIfAborted()
      const lookups = lookupsOf(question)
      if (lookups.length === 0 || among?.length === 0 || limit <= 0) return []
      const { rows } = await pool.query(
        RETRIEVE,
        [
          withinOf(among),
          among?.map(({ contentHash }) => contentHash) ?? null,
          among?.map(({ engine }) => engine) ?? null,
          lookups.map(({ term }) => term),
          lookups.map(({ query }) => query),
          lookups.map(({ from }) => from),
          lookups.map(({ to }) => to),
          lookups.map(({ weight }) => weight),
          limit,
          audience.conversation,
        ],
        signal,
      )
      return rows.map((row) => Ranked.parse(row))
    },

    async read(refs, { audience, signal }) {
      signal.throwIfAborted()
      if (refs.length === 0) return []
      const columns = [
        refs.map(({ contentHash }) => contentHash),
        refs.map(({ engine }) => engine),
        refs.map(({ ordinal }) => ordinal),
      ]
      const { rows } = await pool.query(READ, [...columns, audience.conversation], signal)
      return rows.map((row) => Row.parse(row))
    },
  }
}

/** The lexemes of a few files, to which the index itself then keeps. */
function withinOf(among: readonly ArtifactRef[] | undefined): string | null {
  if (among === undefined || among.length > MAX_SCOPED) return null
  return among.map(({ contentHash, engine }) => quoted(scope(contentHash, engine))).join(' | ')
}

const Row = z.object({
  contentHash: z.string(),
  engine: z.string(),
  ordinal: z.number(),
  text: z.string(),
  at: Position,
  tokens: z.number(),
})
const Ranked = Row.extend({ score: z.number() })

// GIN collects new entries in a list that every search would read through: it is sorted in at once.
const ADD = `
  with added as (
    insert into passage (content_hash, engine, ordinal, text, at, tokens, length, terms)
    select $1, $2, $3::int + ordinal - 1, text, at::jsonb, tokens, length, terms::tsvector
    from unnest($4::text[], $5::text[], $6::int[], $7::int[], $8::text[])
      with ordinality as given(text, at, tokens, length, terms, ordinal)
    on conflict do nothing
    returning 1
  )
  select case when count(*) > 0 then gin_clean_pending_list('passage_terms_idx') end from added`

/** What was shared in a conversation: the one reason why a passage may be found in it. */
const sharedIn = (conversation: string) => `
  select distinct file.content_hash, file.engine from turn_attachment file join turn on turn.id = file.turn_id
  where turn.conversation_key = ${conversation} and file.state = 'read'`

// "offset 0" keeps each lookup an index scan of its own. A passage found at level 4 was found at 1 and 2 before, so each
// level adds what its frequency is worth beyond the one below it.
const RETRIEVE = `
  with visible as materialized (
    select * from (${sharedIn('$10')}) shared
    where $2::text[] is null or (content_hash, engine) in (select * from unnest($2::text[], $3::text[]))
  ),
  lookup as (
    select term, low, high, weight, coalesce($1::tsquery && query::tsquery, query::tsquery) as query
    from unnest($4::int[], $5::text[], $6::float8[], $7::float8[], $8::float8[]) as l(term, query, low, high, weight)
    where exists (select from visible)
  ),
  hit as materialized (
    select term, low, high, weight, found.id, found.length
    from lookup cross join lateral (
      select ctid as id, length, content_hash, engine from passage where terms @@ lookup.query offset 0
    ) found
    where (content_hash, engine) in (select * from visible)
  ),
  corpus as (
    select count(*)::float8 as size, greatest(avg(length), 1)::float8 as mean
    from passage where (content_hash, engine) in (select * from visible)
  ),
  rarity as (
    select term, ln(1 + (greatest(size - count(*), 0) + 0.5) / (count(*) + 0.5)) as idf
    from hit, corpus where low = 0 group by term, size
  ),
  best as (
    select id, sum(weight * idf * ${K1 + 1} * (high / (high + norm) - low / (low + norm))) as score
    from (select *, ${K1} * (${1 - B} + ${B} * length / mean) as norm from hit, corpus) weighed join rarity using (term)
    group by id order by score desc, id limit $9
  )
  select content_hash as "contentHash", engine, ordinal, text, at, tokens, score
  from best join passage on passage.ctid = best.id
  order by score desc, content_hash, ordinal`

const READ = `
  select content_hash as "contentHash", engine, ordinal, text, at, tokens
  from unnest($1::text[], $2::text[], $3::int[]) as wanted(content_hash, engine, ordinal)
    join passage using (content_hash, engine, ordinal)
  where (content_hash, engine) in (${sharedIn('$4')})`

interface Lookup {
  /** Which term of the question; lookups of one term share its rarity. */
  term: number
  query: string
  /** The frequency that is known before this lookup, and the one it shows. */
  from: number
  to: number
  weight: number
}

function lookupsOf(question: string): Lookup[] {
  const asked = questionTerms(question)
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_TERMS)
  const refined = asked.length <= MAX_REFINED
  return asked.flatMap((text, term) => {
    const levels = (refined ? LEVELS : LEVELS.slice(0, 1)).map((to, i) => {
      return { term, query: quoted(atLevel(text, to)), from: LEVELS[i - 1] ?? 0, to, weight: 1 }
    })
    if (!refined || !/^[\p{L}\p{M}]+$/u.test(text) || text.length < MIN_BEGINNING) return levels
    return [
      ...levels,
      { term: asked.length + term, query: `${quoted(text)}:*`, from: 0, to: 1, weight: BEGINNING_WEIGHT },
    ]
  })
}

function atLevel(term: string, level: number): string {
  return level === 1 ? term : `${term} ${level}`
}

function scope(contentHash: string, engine: string): string {
  return `in ${contentHash}/${engine}`
}

/** A tsvector literal without positions: frequencies are in the lexemes, and a vector without positions is half as large. */
function vector(found: string[], within: string): string {
  const counts = new Map<string, number>()
  for (const term of found) counts.set(term, (counts.get(term) ?? 0) + 1)
  const lexemes = [quoted(within)]
  for (const [term, count] of counts) {
    for (const level of LEVELS) if (count >= level) lexemes.push(quoted(atLevel(term, level)))
  }
  return lexemes.join(' ')
}

/** As tsvector and tsquery literals quote: both signs are doubled. */
function quoted(lexeme: string): string {
  return `'${lexeme.replace(/['\\]/g, '$&$&')}'`
}

/** PostgreSQL takes every character but NUL, and UTF-8 has no half surrogates. */
function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}

function storablePosition(at: Position): Position {
  return at.kind === 'rows' && at.sheet !== undefined ? { ...at, sheet: storable(at.sheet) } : at
}
