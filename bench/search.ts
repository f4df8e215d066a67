/**
 * How long it takes to find something among 100,000 passages of 2,000 files that were shared earlier: for somebody who reads 20 places, for
 * somebody who reads all, and for a channel. Beside it, what PostgreSQL's own ranking takes for the same words in the same files.
 */
import { silentLog } from '../src/core/log.ts'
import { spenderOf } from '../src/core/scope.ts'
import { createMemory, memoryFloor } from '../src/search/memory.ts'
import type { Audience } from '../src/search/passages.ts'
import { createPlaceReaders } from '../src/search/places.ts'
import { createPlaceRows } from '../src/search/providers/places-postgres.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { questionTerms } from '../src/search/terms.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { startTestDatabase } from '../test/database.ts'
import { wordyTexts } from '../test/fixtures/wordy-texts.ts'
import { audienceIn, openPlaces, shareInPlaces } from '../test/share-in-places.ts'
import { processUse } from './processes.ts'
import { type Aim, quantile, say, spread, type Table } from './report.ts'

const places = 200
const filesPerPlace = 10
const passagesPerFile = 50
const questions = 100
const few = 20
/** In a channel, each of them must read a place before anything of it is found. */
const members = 30

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
    for (const [what, audience] of scopes) {
      say(`search: ${what}`)
      const ms = await measure(database, audience, ask)
      p95.push(quantile(ms, 0.95))
      rows.push(spread(what, ms))
      rows.push(spread('· the same words by ts_rank', await measurePeer(database, audience, ask)))
    }
    const [ofFew = 0, ofRoom = 0, ofAll = 0] = p95
    const { rows: backends } = await database.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database()`,
    )
    const largest = Math.max(0, ...backends.map(({ pid }) => processUse(pid)?.pssMb ?? 0))
    return {
      tables: [
        {
          title: `Finding what was shared earlier, in ms: ${places * filesPerPlace * passagesPerFile} passages, ${places * filesPerPlace} files, ${places} places`,
          rows,
          notes: [sizes, `Largest process of PostgreSQL afterwards: ${Math.round(largest)} MB.`],
        },
      ],
      aims: [
        { what: 'p95 of somebody who reads 20 places', value: ofFew, unit: 'ms', atMost: 250 },
        { what: 'p95 of a channel', value: ofRoom, unit: 'ms', atMost: 250 },
        { what: 'p95 of somebody who reads all places', value: ofAll, unit: 'ms', atMost: 500 },
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
  await database.pool.query('vacuum analyze')
  const { rows } = await database.pool.query(
    `select pg_size_pretty(pg_table_size('passage')) as rows, pg_size_pretty(pg_relation_size('passage_terms_idx')) as index`,
  )
  const [{ rows: table, index } = { rows: '', index: '' }] = rows
  return { ask: asked.slice(0, questions), sizes: `Passages take ${table}, their index ${index}.` }
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
