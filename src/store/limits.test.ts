import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { silentLog } from '../core/log.ts'
import type { Scope } from '../core/scope.ts'
import { type Database, openDatabase } from './database.ts'
import { createLimits, type Limits, type TurnLimit } from './limits.ts'
import type { Turns } from './turns.ts'
import { createTurns } from './turns-postgres.ts'

const ann: Scope = 'user:test/team/ann'
const channel: Scope = 'channel:test/team/general'

let server: TestServer
/** Each with connections of its own, as processes have. */
let databases: Database[]
let turns: Turns
let limits: Limits
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())
beforeEach(async () => {
  const { connection } = await server.createDatabase()
  databases = Array.from({ length: 4 }, () => openDatabase(connection, { log: silentLog, connections: 5 }))
  const [database] = databases
  if (database === undefined) throw new Error('no database')
  turns = createTurns(database)
  limits = createLimits(database)
})
afterEach(async () => void (await Promise.all(databases.map((database) => database.close()))))

let conversations = 0
/** A turn that a worker has claimed. */
async function claimed(leaseMs = 60_000): Promise<string> {
  const { turnId } = await turns.accept(message({ channelId: `c${++conversations}` }))
  expect(await turns.claim(turnId, 'w', leaseMs)).toEqual({ kind: 'claimed' })
  return turnId
}
const finish = (turnId: string) =>
  turns.finish(turnId, 'w', { text: 'So.', state: 'done', citations: [], receipt }, new Date())
/** All at once, through the connections of four processes. */
const enterAll = (turnIds: string[], all: TurnLimit[]) =>
  Promise.all(
    turnIds.map(async (turnId, n) => {
      const database = databases[n % databases.length]
      return database ? (await createLimits(database).enter(turnId, all)).kind : undefined
    }),
  )
const count = (kinds: unknown[], kind: string) => kinds.filter((each) => each === kind).length
const claimedMany = (many: number) => Promise.all(Array.from({ length: many }, () => claimed()))

describe('limits of turns', () => {
  it('hold exactly for concurrent turns across processes', async () => {
    const concurrent = [{ scope: ann, concurrentTurns: 5 }]
    const ids = await claimedMany(40)
    const kinds = await enterAll(ids, concurrent)
    expect([count(kinds, 'in'), count(kinds, 'wait')]).toEqual([5, 35])
    // Those that are in are in however often they ask; one that ends lets one more in.
    expect(count(await enterAll(ids, concurrent), 'in')).toBe(5)
    await finish(ids[kinds.indexOf('in')] ?? '')
    const waiting = ids.filter((_, n) => kinds[n] === 'wait')
    expect(count(await enterAll(waiting, concurrent), 'in')).toBe(1)
  })

  it('a dead worker’s place is free when its lease expires', async () => {
    const concurrent = [{ scope: ann, concurrentTurns: 1 }]
    const dead = await claimed(1)
    await limits.enter(dead, concurrent)
    const next = await claimed()
    await expect.poll(() => enterAll([next], concurrent)).toEqual(['in'])
    // Taken up again, it waits as any other.
    await turns.claim(dead, 'other', 60_000)
    expect(await enterAll([dead], concurrent)).toEqual(['wait'])
  })

  it('hold exactly per minute and say when the next turn can start', async () => {
    const perMinute = [{ scope: ann, requestsPerMinute: 7 }]
    const ids = await claimedMany(30)
    const kinds = await enterAll(ids, perMinute)
    expect([count(kinds, 'in'), count(kinds, 'full')]).toEqual([7, 23])
    expect(count(await enterAll(ids, perMinute), 'in')).toBe(7)
    const [database] = databases
    await database?.pool.query(`update turn_limit set at = now() - interval '50 seconds'`)
    const late = await claimed()
    const refused = await limits.enter(late, perMinute)
    expect(refused).toMatchObject({ kind: 'full', by: { requestsPerMinute: 7 } })
    if (refused.kind === 'full') expect(refused.againMs).toBeLessThanOrEqual(10_000)
    await database?.pool.query(`update turn_limit set at = now() - interval '60 seconds'`)
    expect(await limits.enter(late, perMinute)).toEqual({ kind: 'in' })
  })

  it('rejected and waiting turns do not count as running, and the narrowest limit is named', async () => {
    const both: TurnLimit[] = [
      { scope: ann, concurrentTurns: 5 },
      { scope: channel, concurrentTurns: 1, requestsPerMinute: 2 },
    ]
    const [first = '', second = '', third = ''] = await claimedMany(3)
    expect(await limits.enter(first, both)).toEqual({ kind: 'in' })
    expect(await limits.enter(second, both)).toMatchObject({ kind: 'wait', by: { scope: channel } })
    expect(await limits.enter(third, both)).toMatchObject({ kind: 'full', by: { scope: channel } })
    const entered = await enterAll([second, third], [{ scope: ann, concurrentTurns: 2 }])
    expect(entered.toSorted()).toEqual(['in', 'wait'])
  })

  it('needs no query without a limit, and leaves no rows of old turns', async () => {
    const [database] = databases
    const before = database?.roundTrips()
    expect(await limits.enter('any', [{ scope: ann }])).toEqual({ kind: 'in' })
    expect(database?.roundTrips()).toBe(before)
    const perMinute = [{ scope: ann, requestsPerMinute: 5 }]
    const old = await claimed()
    await limits.enter(old, perMinute)
    await finish(old)
    await database?.pool.query(`update turn_limit set at = now() - interval '2 minutes'`)
    const next = await claimed()
    await limits.enter(next, perMinute)
    expect((await database?.pool.query('select turn_id from turn_limit'))?.rows).toEqual([{ turn_id: next }])
  })
})
