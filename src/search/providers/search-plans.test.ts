/** Searching reads indexes, however many passages there are and whatever PostgreSQL knows of the tables: no statement goes through all passages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../../test/database.ts'
import { spender } from '../../../test/share-files.ts'
import { audienceIn, openPlaces } from '../../../test/share-in-places.ts'
import { silentLog } from '../../core/log.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { createVectorIndex } from './embeddings-postgres.ts'
import { createPassageIndex, type Statements } from './postgres.ts'

const places = 40
const width = 64

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

/** Each passage has a word that all have, words that some have, and one of its own. */
async function fill(database: Database, files: number, passages: number): Promise<void> {
  const channels = Array.from({ length: places }, (_, at) => `channel-${at}`)
  const readers = channels.map((channel, at): [string, string[]] => [channel, at < 4 ? ['all', 'few'] : ['all']])
  await openPlaces(database, Object.fromEntries([...readers, ['room', ['few']]]))
  await database.pool.query(`
    create temporary view file as select n, encode(sha256(n::text::bytea), 'hex') as hash, 'channel-' || n % ${places} as channel
      from generate_series(1, ${files}) n;
    insert into blob (hash) select hash from file;
    insert into passage (content_hash, engine, ordinal, text, at, tokens, length, terms)
      select hash, 'text-1', i, 'pump', '{"kind":"page","page":1}', 10, 30,
        array_to_tsvector(array['pump', 'valv', 'valv 2', 'line' || i % 7, 'shelf' || i, 'part' || n * 100 + i, 'in ' || hash || '/text-1'])
      from file, generate_series(0, ${passages - 1}) i;
    insert into passage_total (content_hash, engine, passages, length)
      select hash, 'text-1', ${passages}, ${passages * 30} from file;
    insert into share (id, place_key, conversation_key, content_hash, engine, title, shared_at)
      select hash, place.key, place.key, hash, 'text-1', n || '.txt', now() from file join place on place.channel_id = file.channel;
    insert into embedding_model (key, provider, model, width, state) values ('k', 'p', 'm', ${width}, 'active');
    insert into embedding (content_hash, engine, ordinal, model_id, vec, sig)
      select content_hash, engine, ordinal, 1, decode(repeat('01', ${width}), 'hex'), repeat('1', ${width})::varbit from passage`)
}

/** The plans of what a search sends: with these values, and one for any values. */
async function plansOf(database: Database, search: (statements: Statements) => Promise<unknown>): Promise<string[]> {
  const plans: string[] = []
  await search({
    async query(statement, values) {
      const text = typeof statement === 'string' ? statement : statement.text
      for (const [options, bound] of [
        ['costs off', values],
        ['costs off, generic_plan', undefined],
      ] as const) {
        const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`explain (${options}) ${text}`, bound)
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'))
      }
      return await database.lasting.query(statement, values)
    },
  })
  return plans
}

const question = 'Which pump has valve line3 of shelf4 and part 1204?'
const searches: [what: string, search: (statements: Statements) => Promise<unknown[]>][] = (
  [
    ['what somebody may see in a few places', audienceIn('dm', 'few'), 'places'],
    ['what somebody may see in all places', audienceIn('dm', 'all'), 'places'],
    ['what everybody in a channel may see', audienceIn('room'), 'places'],
    ['the files of a conversation', audienceIn('channel-1'), 'conversation'],
  ] as const
).flatMap(([what, audience, within]) => {
  const options = { audience, within, limit: 20, signal: AbortSignal.timeout(60_000), spender }
  return [
    [`${what}, by words`, (statements: Statements) => createPassageIndex(statements).retrieve(question, options)],
    [
      `${what}, by meaning`,
      async (statements: Statements) => {
        const asked = Float32Array.from({ length: width }, () => 1)
        const { found } = await createVectorIndex(statements).nearest({ id: 1, width }, asked, {
          ...options,
          among: undefined,
        })
        return found
      },
    ],
  ] satisfies [string, (statements: Statements) => Promise<unknown[]>][]
})

describe.each([
  ['one file', 1, 300],
  ['many files', 800, 30],
])('in passages of %s', (_, files, passages) => {
  let database: Database
  beforeAll(async () => {
    database = openDatabase((await server.createDatabase()).connection, { log: silentLog, connections: 2 })
    await fill(database, files, passages)
  }, 60_000)
  afterAll(() => database?.close())

  it.each([
    ['before PostgreSQL has looked at them', false],
    ['after PostgreSQL has looked at them', true],
  ])('%s', async (_, analyzed) => {
    if (analyzed) await database.pool.query('analyze')
    for (const [what, search] of searches) {
      let found: unknown[] = []
      const plans = await plansOf(database, async (statements) => {
        found = await search(statements)
      })
      expect(found, what).toHaveLength(20)
      expect(plans, what).toHaveLength(2)
      for (const plan of plans) {
        expect(plan, what).not.toMatch(/Seq Scan on passage\b(?!_)/)
        if (files > 1) expect(plan, what).not.toContain('Seq Scan on embedding')
      }
    }
  })
})
