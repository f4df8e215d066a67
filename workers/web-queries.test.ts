/** What turns send to a search engine, and a search that a dead process left: the real gather step and a search server that notes what it is asked. */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import type { ConversationRef } from '../src/core/message.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import { createMeteredSearch } from '../src/routing/metered-search.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { createSearxng } from '../src/search/providers/searxng.ts'
import { artifactOf } from '../src/search/retriever.contract.ts'
import { wordsOf } from '../src/search/web-queries.ts'
import { createAttachments } from '../src/store/attachments.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { createWebPages } from '../src/store/web-pages.ts'
import { createWebSources } from '../src/web/gather-web.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { createFakeBudget } from '../test/fakes/budget.ts'
import { message } from '../test/fakes/message.ts'
import { perMillion } from '../test/fakes/model.ts'
import { knowBlobs } from '../test/fixtures/blobs.ts'
import { type SearchServer, startSearch } from '../test/servers/search.ts'
import { shareFiles } from '../test/share-files.ts'
import { jobContext, turnRig } from '../test/worker-rig.ts'
import { createTurn } from './turn.ts'

let server: TestServer
let database: Database
let search: SearchServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  search = await startSearch('searxng')
  return async () => {
    await search.close()
    await database.close()
  }
})

interface Rig {
  owner?: string
  /** What the model says. */
  says?: string
  /** Runs before the model answers, and before a page is read. */
  asking?: () => Promise<void>
  reading?: () => Promise<never>
}

async function worker({ owner, says = 'So.', asking, reading = () => Promise.reject(new Error('no page')) }: Rig = {}) {
  const provider: ModelProvider = {
    name: 'cloud',
    models: async () => [],
    async *stream({ model }) {
      await asking?.()
      yield { type: 'start', model }
      yield { type: 'text', delta: says }
      yield { type: 'finish', reason: 'stop' }
    },
  }
  const configured = [
    { id: 'm', provider: 'cloud', tier: 'medium' as const, price: perMillion('1', '1'), contextWindow: 64_000 },
  ]
  const engine = createSearxng({ url: search.url })
  const web = createWebSources({
    search: createMeteredSearch({ engine, pricePerSearch: 0n, budget: createFakeBudget() }),
    reader: { read: reading, fetch: reading, take: reading },
    pages: createWebPages(database),
    artifacts: createAttachments(database),
    log: silentLog,
  })
  const deps = await turnRig(database, {
    models: {
      catalogue: createCatalogue({ configured, providers: [provider], defaultModel: 'm', log: silentLog }),
      provider: () => provider,
    },
    web,
    owner,
  })
  const run = createTurn(deps)
  return (turnId: string) => run({ v: 1, turnId }, jobContext(true))
}

const vocabulary = [
  ...'heron reeds pump valve nozzle Straße façade naïve ledger invoice 4,200 quartz turbine Łódź winter harbor copper'.split(
    ' ',
  ),
  ...'乙烯基泵 在冬季 每小时 流量 东京 水泵 の 温度 は 高い ปั๊ม น้ำ'.split(' '),
]
const words = (min: number, max: number) => fc.array(fc.constantFrom(...vocabulary), { minLength: min, maxLength: max })
const spoken = (text: string) => wordsOf(text.normalize('NFKC').toLowerCase())
/** Eight consecutive words, whatever their case and the signs between them. */
const runsOf = (text: string) => {
  const all = spoken(text)
  return all.slice(7).map((_, at) => all.slice(at, at + 8).join(' '))
}
const changed: Record<string, (text: string) => string> = {
  plain: (text) => text,
  upper: (text) => text.toUpperCase(),
  dotted: (text) => text.replaceAll(' ', ', '),
  joined: (text) => text.replaceAll(' ', ''),
}

const Case = fc.record({
  file: words(20, 40),
  pasted: fc.tuple(fc.nat(10), fc.nat(16)),
  own: words(1, 6),
  how: fc.constantFrom(...Object.keys(changed)),
  where: fc.constantFrom('here' as const, 'before' as const, 'elsewhere' as const),
})

it('no query has eight consecutive words of a file of the conversation, nor of another one unless the person wrote them', async () => {
  const counts = { queries: 0, withWords: 0, pastedRuns: 0 }
  await fc.assert(
    fc.asyncProperty(Case, async ({ file, pasted: [from, length], own, how, where }) => {
      const artifact = artifactOf(randomUUID(), [`${file.join(' ')}.`])
      await knowBlobs(database.pool, artifact.contentHash)
      await createPassageIndex(database.lasting).add(artifact)
      await createAttachments(database).saveArtifact(artifact)
      const pasted = (changed[how] ?? String)(file.slice(from, from + length).join(' '))
      const text = `Search the web for ${own.join(' ')} ${pasted}`
      const conversation: ConversationRef = { platform: 'test', workspaceId: 'team', channelId: randomUUID() }
      const asked = search.asked.length
      let turnId: string
      if (where === 'here') ({ turnId } = await shareFiles(database, [artifact], { conversation, text }))
      else {
        const shared = where === 'before' ? conversation : { ...conversation, channelId: randomUUID() }
        const first = await shareFiles(database, [artifact], { conversation: shared, text: 'What is in it?' })
        // The answer repeats the file, and is in the history of the next question.
        await (await worker({ says: file.join(' ') }))(first.turnId)
        turnId = (await createTurns(database).accept({ ...message({ text }), conversation })).turnId
      }
      await (await worker())(turnId)
      const private_ = new Set(runsOf(file.join(' ')))
      const wrote = new Set(runsOf(text))
      for (const query of search.asked.slice(asked)) {
        counts.queries += 1
        const runs = runsOf(query).filter((run) => private_.has(run))
        if (spoken(query).some((word) => spoken(file.join(' ')).includes(word))) counts.withWords += 1
        counts.pastedRuns += runs.length
        const forbidden = where === 'elsewhere' ? runs.filter((run) => !wrote.has(run)) : runs
        expect(forbidden, `${where}: ${query}`).toEqual([])
      }
    }),
    { numRuns: 200 },
  )
  expect(counts.queries).toBeGreaterThan(150)
  expect(counts.withWords).toBeGreaterThan(100)
  // It can fail: whoever pastes from a file of another place is searched for in their own words.
  expect(counts.pastedRuns).toBeGreaterThan(0)
})

const question = 'Search the web for the height of the Zugspitze'

/** As after kill -9: the lease runs out, and nothing else is left of the process. */
const leaseRunsOut = () => database.pool.query(`update conversation set lease_until = now() - interval '1 second'`)

it('a process that dies while it reads a page leaves one more search at most, and one answer', async () => {
  search.finds({ url: 'https://mountains.example/', title: 'Zugspitze', snippet: '2,962 m' })
  const turns = createTurns(database)
  const { turnId } = await turns.accept(message({ text: question }))
  const reached = Promise.withResolvers<void>()
  const never = Promise.withResolvers<never>()
  const reading = () => {
    reached.resolve()
    return never.promise
  }
  const dead = (await worker({ owner: 'dead', says: 'Of the dead.', reading }))(turnId)
  await reached.promise
  await leaseRunsOut()
  await (await worker({ owner: 'alive', says: 'Of the living.' }))(turnId)
  expect((await turns.ended(turnId))?.text).toBe('Of the living.')
  expect(search.asked.length).toBeLessThanOrEqual(2)
  // And if it was not dead, it finds that the turn is no longer its own.
  never.reject(new Error('no page'))
  await dead.catch(() => {})
  expect((await turns.ended(turnId))?.text).toBe('Of the living.')
})

it('a process that dies after the search leaves its result: nothing is searched again', async () => {
  search.finds({ url: 'https://mountains.example/', title: 'Zugspitze', snippet: '2,962 m' })
  const turns = createTurns(database)
  const { turnId } = await turns.accept(message({ text: question }))
  const reached = Promise.withResolvers<void>()
  const never = Promise.withResolvers<void>()
  const asking = () => {
    reached.resolve()
    return never.promise
  }
  const dead = (await worker({ owner: 'dead', says: 'Of the dead.', asking }))(turnId)
  await reached.promise
  await leaseRunsOut()
  // What the engine found is not remembered either: only the step is left.
  await database.pool.query('delete from web_result')
  await (await worker({ owner: 'alive', says: 'Of the living.' }))(turnId)
  const outcome = await turns.ended(turnId)
  expect(outcome?.text).toBe('Of the living.')
  expect(outcome?.receipt.web?.queries).toMatchObject([{ found: 1 }])
  expect(search.asked).toHaveLength(1)
  never.resolve()
  await dead.catch(() => {})
  expect((await turns.ended(turnId))?.text).toBe('Of the living.')
})
