/**
 * How long it takes to find something among 100,000 passages of 2,000 files that were shared earlier: for somebody who reads 20 places, for
 * somebody who reads all, and for a channel. Beside it, what PostgreSQL's own ranking takes for the same words in the same files, and what the
 * nearest vectors take, which are looked for at the same time where there is a server for embeddings.
 */
import { silentLog } from '../src/core/log.ts'
import { spenderOf } from '../src/core/scope.ts'
import { createMemory, memoryFloor } from '../src/search/memory.ts'
import type { Audience } from '../src/search/passages.ts'
import { createPlaceReaders } from '../src/search/places.ts'
import { createVectorIndex } from '../src/search/providers/embeddings-postgres.ts'
import { createPlaceRows } from '../src/search/providers/places-postgres.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { questionTerms } from '../src/search/terms.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { startTestDatabase } from '../test/database.ts'
import { seeded } from '../test/fixtures/manual-prose.ts'
import { wordyTexts } from '../test/fixtures/wordy-texts.ts'
import { audienceIn, openPlaces, shareInPlaces } from '../test/share-in-places.ts'
import { processUse } from './processes.ts'
import { type Aim, quantile, say, spread, type Table } from './report.ts'

const places = 200
const filesPerPlace = 10
const passagesPerFile = 50
const questions = 100
/** It reads the terms of each passage that it finds, and takes seconds. */
const askedOfPeer = 10
const few = 20
/** In a channel, each of them must read a place before anything of it is found. */
const members = 30
const width = 384

export async function measureSearch(): Promise<{ tables: Table[]; aims: Aim[] }> {
  const server = await startTestDatabase()
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  try {
    const { ask, sizes } = await fill(database)
    const scopes: [what: string, audience: Audience][] = [
      [`somebody who reads ${few} places`, audienceIn('dm-few', 'few')],
      ['a channel whose members all read the same 20 places', audienceIn('room')],
      ['somebody who reads all places', audienceIn('dm-all', 'all')],
    ]
    const rows: ReturnType<typeof spread>[] = []
    const p95: number[] = []
    const nearP95: number[] = []
    for (const [what, audience] of scopes) {
      say(`search: ${what}`)
      const ms = await measure(database, audience, ask)
      p95.push(quantile(ms, 0.95))
      rows.push(spread(what, ms))
      rows.push(spread('· the same words by ts_rank', await measurePeer(database, audience, ask.slice(0, askedOfPeer))))
      const near = await measureNearest(database, audience)
      nearP95.push(quantile(near, 0.95))
      rows.push(spread('· the nearest vectors', near))
    }
    const [ofFew = 0, ofRoom = 0, ofAll = 0] = p95
    const { rows: backends } = await database.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database()`,
    )
    const largest = Math.max(0, ...backends.map(({ pid }) => processUse(pid)?.pssMb ?? 0))
    return {
      tables: [
        {
          title: `Finding what was shared earlier, in ms: ${places * filesPerPlace} files of ${passagesPerFile} pages in ${places} places`,
          rows,
          notes: [sizes, `Largest process of PostgreSQL afterwards: ${Math.round(largest)} MB.`],
        },
      ],
      aims: [
        { what: 'p95 of somebody who reads 20 places', value: ofFew, unit: 'ms', atMost: 250 },
        { what: 'p95 of a channel', value: ofRoom, unit: 'ms', atMost: 250 },
        { what: 'p95 of somebody who reads all places', value: ofAll, unit: 'ms', atMost: 500 },
        { what: 'p95 of the nearest vectors in 20 places', value: nearP95[0] ?? 0, unit: 'ms', atMost: 250 },
        { what: 'p95 of the nearest vectors in all places', value: nearP95[2] ?? 0, unit: 'ms', atMost: 500 },
        { what: 'memory of a process of PostgreSQL', value: largest, unit: 'MB', atMost: 128 },
      ],
    }
  } finally {
    await database.close()
    await server.dispose()
  }
}

async function fill(database: Database) {
  const everybody = Array.from({ length: members }, (_, at) => `member-${at}`)
  const channels = Array.from({ length: places }, (_, at) => `channel-${at}`)
  const readers = channels.map((channel, at): [string, string[]] => [
    channel,
    at < few ? ['all', 'few', ...everybody] : ['all', 'member-0'],
  ])
  await openPlaces(database, Object.fromEntries([...readers, ['room', everybody]]))
  const texts = wordyTexts(7)
  const asked: string[] = []
  for (const [at, channelId] of channels.entries()) {
    say(`search: ${channelId} of ${places}`)
    const files = Array.from({ length: filesPerPlace }, (_, file) => ({
      channelId,
      title: `file-${file}.pdf`,
      texts: Array.from({ length: passagesPerFile }, () => texts.text(150)),
    }))
    await shareInPlaces(database, files)
    if (at < few) asked.push(...files.map(({ texts: [first = ''] }) => texts.questionAbout(first)))
  }
  // Of any vectors the signs are compared with all, and the numbers of a thousand.
  await database.pool.query(
    `insert into embedding_model (key, provider, model, width, state) values ('bench', 'bench', 'bench', ${width}, 'active')`,
  )
  say('search: vectors')
  for (const first of '0123456789abcdef')
    await database.pool.query(
      `insert into embedding (content_hash, engine, ordinal, model_id, vec, sig)
       select content_hash, engine, ordinal, 1, vec, ('x' || encode(substr(vec, 1, ${width / 8}), 'hex'))::bit(${width})::varbit
       from passage cross join lateral (
         select string_agg(sha512((content_hash || ordinal || part)::bytea), ''::bytea) as vec from generate_series(1, ${width / 64}) part
       ) made
       where content_hash like $1`,
      [`${first}%`],
    )
  await database.pool.query('vacuum analyze')
  const { rows } = await database.pool.query(
    `select count(*)::int as count, pg_size_pretty(pg_table_size('passage')) as rows,
       pg_size_pretty(pg_relation_size('passage_terms_idx')) as index, pg_size_pretty(pg_total_relation_size('embedding')) as vectors
     from passage`,
  )
  const [{ count, rows: table, index, vectors } = { count: 0, rows: '', index: '', vectors: '' }] = rows
  return {
    ask: asked.slice(0, questions),
    sizes: `${count} passages take ${table}, their index ${index}, and their vectors of ${width} numbers with all indexes ${vectors}.`,
  }
}

async function measure(database: Database, audience: Audience, ask: string[]): Promise<number[]> {
  const readers = createPlaceReaders({
    rows: createPlaceRows(database.lasting),
    places: () => undefined,
    log: silentLog,
  })
  const memory = createMemory({ retriever: createPassageIndex(database.lasting), places: readers })
  const spender = spenderOf({ platform: 'test', workspaceId: 'team', channelId: 'room' }, { id: 'few' })
  const ms: number[] = []
  for (const question of ask) {
    const started = performance.now()
    const signal = AbortSignal.timeout(60_000)
    const found = await memory.find(question, { audience, except: [], floor: memoryFloor.alone, signal, spender })
    ms.push(performance.now() - started)
    if (found.length === 0) throw new Error(`nothing was found for: ${question}`)
  }
  return ms
}

async function measureNearest(database: Database, audience: Audience): Promise<number[]> {
  const index = createVectorIndex(database.lasting)
  const random = seeded(11)
  const ms: number[] = []
  for (let at = 0; at < questions; at += 1) {
    const asked = Float32Array.from({ length: width }, () => random() * 2 - 1)
    const started = performance.now()
    const signal = AbortSignal.timeout(60_000)
    const options = { audience, among: undefined, within: 'places' as const, limit: 120, signal }
    const { found } = await index.nearest({ id: 1, width }, asked, options)
    ms.push(performance.now() - started)
    if (found.length < options.limit) throw new Error(`only ${found.length} vectors were found`)
  }
  return ms
}

/** What a search without Parley's own ranking does: match any of the words, rank by PostgreSQL, keep to the files of these places. */
async function measurePeer(database: Database, { place, asker }: Audience, ask: string[]): Promise<number[]> {
  const ms: number[] = []
  for (const question of ask) {
    const query = questionTerms(question)
      .map((term) => `'${term}'`)
      .join(' | ')
    const started = performance.now()
    await database.pool.query(
      `select passage.text, ts_rank(terms, $1::tsquery) as score from passage
       where terms @@ $1::tsquery and (content_hash, engine) in (
         select content_hash, engine from share where place_key in (select key from audience_places($2, 'test', 'team', $3, null, false)))
       order by score desc limit 120`,
      [query, place, asker?.account ?? null],
    )
    ms.push(performance.now() - started)
  }
  return ms
}
