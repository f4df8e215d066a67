/** What remembering files costs a turn in statements, counted where they leave for PostgreSQL, as the bench counts them. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { counts } from '../bench/statements-count.ts'
import { silentLog } from '../src/core/log.ts'
import type { IncomingMessage } from '../src/core/message.ts'
import type { Places } from '../src/core/place.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import { openPolicy, plainRules } from '../src/routing/rules.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { message } from '../test/fakes/message.ts'
import { perMillion } from '../test/fakes/model.ts'
import { openPlaces, shareInPlaces } from '../test/share-in-places.ts'
import { jobContext, turnRig } from '../test/worker-rig.ts'
import { createTurn } from './turn.ts'

let server: TestServer
let database: Database
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

const provider: ModelProvider = {
  name: 'cloud',
  models: async () => [],
  async *stream({ model }) {
    yield { type: 'start', model }
    yield { type: 'text', delta: 'The heron nests in the reeds [1:p1].' }
    yield { type: 'finish', reason: 'stop' }
  },
}
const configured = [
  { id: 'm', provider: 'cloud', tier: 'medium' as const, price: perMillion('1', '1'), contextWindow: 64_000 },
]

/** Everybody of the team reads every channel: Ann and Bob. */
const places: Places = {
  look: async ({ channelId }) => ({ kind: 'private', name: channelId, members: ['ann', 'bob'], outsiders: false }),
  canRead: async () => true,
}

const question = 'Where does the heron nest?'

/** One turn from the claim to its end: its statements, and the titles that its answer rests on. */
async function turn({ memory, ...asked }: Partial<IncomingMessage> & { memory: boolean }) {
  const deps = await turnRig(database, {
    models: {
      catalogue: createCatalogue({ configured, providers: [provider], defaultModel: 'm', log: silentLog }),
      provider: () => provider,
    },
    places,
    rules: async () => ({ ...plainRules, policy: { ...openPolicy, memory } }),
  })
  const turns = createTurns(database)
  const { turnId } = await turns.accept({ ...message({ text: question }), kind: 'mention', ...asked })
  const before = { ...counts }
  await createTurn(deps)({ v: 1, turnId }, jobContext(true))
  // On a slow machine leases are renewed, whatever the turn does.
  const sent = Object.entries(counts).flatMap(([name, count]) =>
    name === 'turn_renew' ? [] : Array<string>(count - (before[name] ?? 0)).fill(name),
  )
  const outcome = await turns.ended(turnId)
  expect(outcome?.state).toBe('done')
  return { sent, cited: outcome?.citations.map(({ source }) => source.title) ?? [] }
}

/** What the one turn sent beyond the other. */
function beyond(sent: readonly string[], other: readonly string[]): string[] {
  const left = [...other]
  return sent.filter((name) => {
    const at = left.indexOf(name)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

it('nothing where nothing was shared elsewhere, else two statements; what platforms say is stored by two more, once a minute', async () => {
  const without = await turn({ memory: false })
  expect(without.sent.length).toBeGreaterThan(4)
  expect(await turn({ memory: true })).toEqual(without)

  await openPlaces(database, { board: [] })
  await shareInPlaces(database, [
    { channelId: 'board', title: 'birds.txt', texts: ['The heron nests in the reeds by the lake.'] },
  ])
  await database.pool.query(`update place set checked_at = null, members_at = null`)
  expect(beyond((await turn({ memory: true })).sent, without.sent)).toHaveLength(4)
  const found = await turn({ memory: true })
  expect(found.cited).toEqual(['birds.txt'])
  expect(beyond(found.sent, without.sent)).toHaveLength(2)

  // Alone with Parley, and where nothing that is shared fits.
  await turn({ memory: true, kind: 'direct' })
  const direct = await turn({ memory: true, kind: 'direct' })
  expect(direct.cited).toEqual(['birds.txt'])
  expect(beyond(direct.sent, without.sent)).toHaveLength(2)
  const unanswerable = await turn({ memory: true, text: 'How many tons of steel did the French navy order in 1960?' })
  expect(unanswerable.cited).toEqual([])
  expect(beyond(unanswerable.sent, without.sent).length).toBeLessThanOrEqual(2)

  // Nothing to search for, and no memory where an admin switched it off.
  expect(beyond((await turn({ memory: true, text: 'And what is it?' })).sent, without.sent)).toEqual([])
  const off = await turn({ memory: false })
  expect(off.cited).toEqual([])
  expect(beyond(off.sent, without.sent)).toEqual([])
})
