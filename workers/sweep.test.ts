/** The sweep on a real database and a real queue: what was lost on the way to a worker comes back, and only that. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ParleyError } from '../src/core/errors.ts'
import { silentLog } from '../src/core/log.ts'
import { dispatchTurn, turnJob } from '../src/intake/dispatch.ts'
import { createBullQueue } from '../src/queue/bullmq.ts'
import type { Job, Queue } from '../src/queue/queue.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import type { Dispatch, Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { file, message } from '../test/fakes/message.ts'
import { createSweep } from './sweep.ts'

let server: TestServer
let database: Database
let turns: Turns
let queue: Queue

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  const { connection } = await server.createDatabase()
  database = openDatabase(connection, { log: silentLog })
  turns = createTurns(database)
  queue = await createBullQueue({ kind: 'postgres', config: connection }, { log: silentLog })
  return async () => {
    await queue.close()
    await database.close()
  }
})

const patienceMs = 6_000
const sweep = (on: Pick<Queue, 'add' | 'addFlow' | 'states' | 'remove'> = queue) =>
  createSweep({ turns, queue: on, log: silentLog })(patienceMs)

/** As much time passes for every turn. */
const later = (seconds: number) =>
  database.pool.query(`update turn set dispatched_at = dispatched_at - $1 * interval '1 second'`, [seconds])

async function asked(channelId: string, names: string[] = []): Promise<Dispatch> {
  return (await turns.accept(message({ channelId, attachments: names.map(file) }))).dispatch
}

const dispatched = (next: Dispatch, dispatch: number): Job => turnJob({ ...next, dispatch })

describe('a turn', () => {
  it('whose job the queue has lost is handed over at the next look, however often it was interrupted before', async () => {
    const next = await asked('a')
    for (let times = 2; times <= 9; times += 1) {
      await later(7)
      expect(await sweep()).toBe(1)
      expect(await queue.states([dispatched(next, times)])).toEqual(['waiting'])
      await queue.remove([dispatched(next, times)])
    }
    // Just handed over: it has a moment to arrive.
    expect(await sweep()).toBe(0)
  })

  it('whose job waits in the queue is left there, however long: the sweep does not fill the queue', async () => {
    const next = await asked('a')
    await dispatchTurn(queue, next)
    for (let minutes = 0; minutes < 5; minutes += 1) {
      await later(60)
      expect(await sweep()).toBe(0)
    }
    expect((await queue.counts()).turn.waiting).toBe(1)
  })

  it('that waits for its files is left while one of their jobs waits, and handed over when none does', async () => {
    const next = await asked('a', ['one.txt', 'two.txt'])
    await dispatchTurn(queue, next)
    await later(60)
    expect(await sweep()).toBe(0)
    // The files were read by the way; nothing has told the parent.
    const states = await queue.states([dispatched(next, 1)])
    expect(states).toEqual(['parked'])
    await database.pool.query(`update turn_attachment set state = 'read'`)
    await later(60)
    expect(await sweep()).toBe(1)
    expect(await queue.states([dispatched(next, 1), dispatched(next, 2)])).toEqual(['unknown', 'waiting'])
    expect((await queue.counts()).media.waiting).toBe(0)
  })

  it('whose job has ended without it is handed over, and the old job goes', async () => {
    const next = await asked('a')
    await dispatchTurn(queue, next)
    const handlers = {
      turn: async () => 'done' as const,
      extract: async () => 'done' as const,
      search: async () => 'done' as const,
      learn: async () => 'done' as const,
      webhooks: async () => 'done' as const,
      embed: async () => 'done' as const,
      sweep: async () => 'done' as const,
    }
    const processor = await queue.process(handlers, { turn: 1 })
    await expect.poll(() => queue.states([dispatched(next, 1)])).toEqual(['ended'])
    await processor.close(1_000)
    await later(7)
    expect(await sweep()).toBe(1)
    expect(await queue.states([dispatched(next, 1), dispatched(next, 2)])).toEqual(['unknown', 'waiting'])
  })
})

describe('a queue that fails', () => {
  const away = () => new ParleyError('queue_unreachable', 'The job queue is out of reach.')

  it('once costs one turn its place in this sweep, not all of them', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, (_, at) => asked(`c${at}`)))
    await later(7)
    let adds = 0
    const limping: typeof queue = {
      ...queue,
      add: (job) => (++adds === 1 ? Promise.reject(away()) : queue.add(job)),
    }
    expect(await sweep(limping)).toBe(5)
    await later(7)
    expect(await sweep()).toBe(1)
    const states = await queue.states(all.flatMap((next) => [dispatched(next, 2), dispatched(next, 3)]))
    expect(states.filter((state) => state === 'waiting')).toHaveLength(6)
  })

  it('altogether changes nothing: all are found when it is back, after the same time as ever', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, at) => asked(`c${at}`)))
    const gone = { ...queue, states: () => Promise.reject(away()) }
    for (let times = 0; times < 20; times += 1) {
      await later(7)
      await expect(sweep(gone)).rejects.toMatchObject({ code: 'queue_unreachable' })
    }
    await later(7)
    expect(await sweep()).toBe(6)
  })

  it('is asked about more turns than one look takes', async () => {
    await Promise.all(Array.from({ length: 230 }, (_, at) => asked(`c${at}`)))
    await later(7)
    expect(await sweep()).toBe(230)
    expect((await queue.counts()).turn.waiting).toBe(230)
  })
})
