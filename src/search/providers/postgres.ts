/**
 * The passage index on PostgreSQL: our own terms in a tsvector, ranked by BM25 in one statement.
 *
 * Everything that ranking needs is answered by the GIN index, because reading thousands of vectors back costs a hundred
 * times more: a term that occurs often is stored again as `term 2` and `term 4` (terms hold no spaces), and every passage
 * carries the lexeme `in <hash>/<engine>`, so that a search of few files stays inside them however many others there are.
 */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import { z } from 'zod'
import { Position, type Segment } from '../../core/artifact.ts'
import { PlaceKind } from '../../core/place.ts'
import type { Statement } from '../../core/platform-state.ts'
import { chunk } from '../chunk.ts'
import type { ArtifactRef, Passage, PassageIndex, PassageWriter, Retriever, ShareFacts } from '../passages.ts'
import { questionTerms, terms } from '../terms.ts'
import { amongValues, audienceValues, nearestShares, sharesFor, visibleFor, type Within } from './visible.ts'

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
/** Of a word in more passages than these, of all that are searched, neither frequency nor beginnings are looked up: they are many and tell little. */
const COMMON = { atLeast: 200, share: 0.02 }
/**
 * How much a pair of a script without spaces counts that occurs nowhere: most of them are the end of one word and the beginning of another.
 */
const PAIR_MISSED = 0.25
const PAIR = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]{2}$/u
/** Passages that one statement adds: well below a second of work on a slow disk, so no time-out sends it again meanwhile. */
const BATCH = 256

/** Sends one statement, which may be sent twice; `signal` ends it on the server, too. One with a name is planned once for each connection. */
export interface Statements {
  query(statement: string | Statement, values: unknown[], signal?: AbortSignal): Promise<{ rows: unknown[] }>
}

/** Finding by words costs nothing: who pays is of no interest here. */
export function createPassageIndex(pool: Statements): PassageIndex & Retriever {
  return {
    name: 'lexical',

    add: (artifact) => createPassageWriter(pool, artifact, true).finish(artifact),

    follow: (ref) => createPassageWriter(pool, ref, false),

    async retrieve(question, { audience, among, within = 'conversation', limit, signal }) {
      signal.throwIfAborted()
      const { asked, lookups, missed } = lookupsOf(question)
      if (lookups.length === 0 || among?.length === 0 || limit <= 0) return []
      const { rows } = await pool.query(
        RETRIEVE[within],
        [
          withinOf(among),
          ...amongValues(among),
          lookups.map(({ term }) => term),
          lookups.map(({ query }) => query),
          lookups.map(({ from }) => from),
          lookups.map(({ to }) => to),
          lookups.map(({ weight }) => weight),
          limit,
          asked,
          ...audienceValues(audience),
          missed,
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
      const { rows } = await pool.query(READ, [...columns, ...audienceValues(audience)], signal)
      return rows.map((row) => Shared.parse(row))
    },
  }
}

/**
 * Terms of the next batch are found while PostgreSQL stores the last one. While a file is read, its passages replace no others: a reading
 * that was cut short may give other ones than the whole file, whose passages may be there already. `finish` replaces what differs.
 */
function createPassageWriter(pool: Statements, { contentHash, engine }: ArtifactRef, replace: boolean): PassageWriter {
  const seen: Segment[] = []
  let open: Passage[] = []
  let ordinal = 0
  let complete = true
  let preparing: Promise<unknown> = Promise.resolve()
  let sending: Promise<unknown> = Promise.resolve()

  function send(passages: Passage[], last: boolean): void {
    const from = ordinal
    ordinal += passages.length
    const prepared = preparing.then(() => columnsOf(passages, scope(contentHash, engine)))
    preparing = prepared
    sending = Promise.all([sending, prepared]).then(async ([, columns]) => {
      const values = [contentHash, engine, from, ...columns, last ? from + passages.length : null, replace]
      const { rows } = await pool.query(ADD, values)
      if (Added.parse(rows[0]).added < passages.length) complete = false
    })
    // Thrown by `finish`; a reading that failed never comes to it.
    preparing.catch(() => {})
    sending.catch(() => {})
  }

  function add(segments: readonly Segment[]): void {
    seen.push(...segments)
    open.push(...chunk({ contentHash, engine, segments: [...segments] }))
    while (open.length > BATCH) {
      send(open.slice(0, BATCH), false)
      open = open.slice(BATCH)
    }
  }

  return {
    add,
    async finish(artifact) {
      const follows = artifact.contentHash === contentHash && artifact.engine === engine
      if (follows && seen.every((segment, at) => artifact.segments[at] === segment)) {
        add(artifact.segments.slice(seen.length))
        if (ordinal > 0 || open.length > 0) send(open, true)
        await sending
        if (replace || complete) return
      }
      await sending.catch(() => {})
      await createPassageWriter(pool, artifact, true).finish(artifact)
    },
  }
}

const Added = z.object({ added: z.number() })

type Columns = [text: string[], at: string[], tokens: number[], length: number[], terms: string[]]

async function columnsOf(passages: readonly Passage[], within: string): Promise<Columns> {
  const columns: Columns = [[], [], [], [], []]
  for (const [i, { text, at, tokens }] of passages.entries()) {
    const found = terms(text)
    columns[0].push(storable(text))
    columns[1].push(JSON.stringify(storablePosition(at)))
    columns[2].push(tokens)
    columns[3].push(found.length)
    columns[4].push(vector(found, within))
    if (i % 64 === 63) await yieldLoop()
  }
  return columns
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
const absent = <T>(value: T | null) => value ?? undefined
const Share = z.object({
  id: z.string(),
  title: z.string(),
  by: z.string().nullable().transform(absent),
  at: z.coerce.date(),
  link: z.string().nullable().transform(absent),
  newerAt: z.coerce.date().nullable().transform(absent),
  series: z.string(),
  near: z.enum(['conversation', 'place', 'elsewhere']),
  place: z.object({ key: z.string(), kind: PlaceKind, name: z.string().nullable().transform(absent) }),
}) satisfies z.ZodType<ShareFacts>
const Shared = Row.extend({ share: Share.optional() })
const Ranked = Shared.extend({ score: z.number(), coverage: z.number().optional() })

// GIN collects new entries in a list that every search would read through: it is sorted in at once. $9 is the number of passages once all
// are there: those behind it go, those that differ are replaced if $10 says so, and the totals are known.
const ADD = `
  with given as (
    select * from unnest($4::text[], $5::text[], $6::int[], $7::int[], $8::text[])
      with ordinality as given(text, at, tokens, length, terms, ordinal)
  ),
  added as (
    insert into passage (content_hash, engine, ordinal, text, at, tokens, length, terms)
    select $1, $2, $3::int + ordinal - 1, text, at::jsonb, tokens, length, terms::tsvector from given
    on conflict (content_hash, engine, ordinal) do update
      set text = excluded.text, at = excluded.at, tokens = excluded.tokens, length = excluded.length, terms = excluded.terms
      where $10::boolean and (passage.text, passage.at, passage.tokens) is distinct from (excluded.text, excluded.at, excluded.tokens)
    returning ordinal
  ),
  -- Another text has another meaning.
  changed as (delete from embedding using added where content_hash = $1 and engine = $2 and embedding.ordinal = added.ordinal),
  rest as (delete from passage where content_hash = $1 and engine = $2 and ordinal >= $9::int),
  total as (
    insert into passage_total (content_hash, engine, passages, length)
    select $1, $2, $9::int, (select coalesce(sum(length), 0) from given)
      + (select coalesce(sum(length), 0) from passage where content_hash = $1 and engine = $2 and ordinal < $3::int)
    where $9::int is not null
    on conflict (content_hash, engine) do update set passages = excluded.passages, length = excluded.length
  )
  select count(*)::int as added, case when count(*) > 0 then gin_clean_pending_list('passage_terms_idx') end from added`

/**
 * For each lookup the passages that hold it, as arrays: what is counted and weighed later is a row per lookup, not per hit. "offset 0" keeps
 * each lookup a scan of its own, and `passage_terms_read` keeps it to the index.
 */
const hitsOf = (lookups: string) => `
  select term, low, high, weight, held, ids, lengths
  from lookup cross join lateral (
    select count(*) as held, array_agg(id) as ids, array_agg(length) as lengths
    from (
      select ctid as id, length, content_hash, engine from passage
      where terms @@ lookup.query and (length >= 0 or passage_terms_read(terms)) offset 0
    ) holder
    where (content_hash, engine) in (select * from visible)
  ) holders
  where ${lookups}`

// A passage found at level 4 was found at 1 and 2 before, so each level adds what its frequency is worth beyond the one below it. Terms
// that occur nowhere count in `possible` as the rarest ones, pairs less ($18).
const ranked = (within: Within) => `
  ${visibleFor(11, 2, within)},
  corpus as materialized (
    select coalesce(sum(passages), 0)::float8 as size, greatest(sum(length)::float8 / greatest(sum(passages), 1), 1) as mean
    from passage_total where (content_hash, engine) in (select * from visible)
  ),
  lookup as (
    select term, low, high, weight, coalesce($1::tsquery && query::tsquery, query::tsquery) as query
    from unnest($4::int[], $5::text[], $6::float8[], $7::float8[], $8::float8[]) as l(term, query, low, high, weight)
    where exists (select from visible)
  ),
  plain as materialized (${hitsOf('low = 0 and term < $10::int')}),
  common as materialized (
    select term from plain, corpus where held > greatest(${COMMON.atLeast}, ${COMMON.share} * size)
  ),
  refined as materialized (${hitsOf('(low > 0 or term >= $10::int) and term % $10::int not in (select term from common)')}),
  hits as (select * from plain union all select * from refined),
  rarity as materialized (
    select term, held, ln(1 + (greatest(size - held, 0) + 0.5) / (held + 0.5)) as idf
    from (
      select term, coalesce(held, 0) as held
      from generate_series(0, 2 * $10::int - 1) as term left join (select term, held from hits where low = 0) hits using (term)
    ) counted, corpus
  ),
  possible as materialized (
    select sum(case when held = 0 then idf * ($18::float8[])[term + 1] else idf end) filter (where term < $10::int) as score from rarity
  ),
  weighed as (
    select low, high, weight * idf * ${K1 + 1} as worth, unnest(ids) as id, unnest(lengths)::float8 as length from hits join rarity using (term)
  ),
  best as (
    select id, sum(worth * (high / (high + norm) - low / (low + norm))) as score
    from (
      select id, worth, low, high, ${K1} * (${1 - B} + ${B} * length / (select mean from corpus)) as norm from weighed
    ) normed
    group by id order by score desc, id limit $9
  ),
  found as materialized (
    select content_hash, engine, ordinal, text, at, tokens, best.score,
      least(1, best.score / greatest((select score from possible), 1e-9)) as coverage
    from best cross join lateral (
      select content_hash, engine, ordinal, text, at, tokens from passage where ctid = best.id offset 0
    ) of
  )`

// Planning them takes as long as running them over a few files.
const RETRIEVE: Record<Within, Statement> = {
  conversation: {
    name: 'passages-in-conversation',
    text: `
      with ${ranked('conversation')}
      select content_hash as "contentHash", engine, ordinal, text, at, tokens, score, coverage from found
      order by score desc, content_hash, ordinal`,
  },
  places: {
    name: 'passages-in-places',
    text: `
      with ${ranked('places')}, ${nearestShares(11)}
      select content_hash as "contentHash", engine, ordinal, text, at, tokens, score, coverage, nearest.share
      from found join nearest using (content_hash, engine)
      order by score desc, content_hash, ordinal`,
  },
}

const READ: Statement = {
  name: 'passages-read',
  text: `
  with ${sharesFor(4)},
  found as materialized (
    select passage.content_hash, passage.engine, passage.ordinal, text, at, tokens from unnest($1::text[], $2::text[], $3::int[]) as wanted(content_hash, engine, ordinal)
      join passage using (content_hash, engine, ordinal)
  ), ${nearestShares(4)}
  select content_hash as "contentHash", engine, ordinal, text, at, tokens, nearest.share
  from found join nearest using (content_hash, engine)`,
}

interface Lookup {
  /** Which term of the question; lookups of one term share its rarity. */
  term: number
  query: string
  /** The frequency that is known before this lookup, and the one it shows. */
  from: number
  to: number
  weight: number
}

/** `missed`: what each counts that occurs nowhere. `asked`: how many terms there are; those from 0 on are the words themselves, and those behind are their beginnings. */
function lookupsOf(question: string): { asked: number; lookups: Lookup[]; missed: number[] } {
  const asked = questionTerms(question)
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_TERMS)
  const refined = asked.length <= MAX_REFINED
  const lookups = asked.flatMap((text, term) => {
    const levels = (refined ? LEVELS : LEVELS.slice(0, 1)).map((to, i) => {
      return { term, query: quoted(atLevel(text, to)), from: LEVELS[i - 1] ?? 0, to, weight: 1 }
    })
    if (!refined || !/^[\p{L}\p{M}]+$/u.test(text) || text.length < MIN_BEGINNING) return levels
    return [
      ...levels,
      { term: asked.length + term, query: `${quoted(text)}:*`, from: 0, to: 1, weight: BEGINNING_WEIGHT },
    ]
  })
  return { asked: asked.length, lookups, missed: asked.map((term) => (PAIR.test(term) ? PAIR_MISSED : 1)) }
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
