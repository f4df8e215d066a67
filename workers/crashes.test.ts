/** Questions and files that end the process that works on them, on a real database. A dead process is a claim without an end. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { listenForStops } from '../src/intake/stop.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import { createLocalChannel } from '../src/queue/channel.ts'
import type { JobContext } from '../src/queue/queue.ts'
import { createProgress } from '../src/reply/progress.ts'
import { type Attachments, createAttachments } from '../src/store/attachments.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import type { Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { noAnswerWording } from '../src/wording/answers.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { file, message } from '../test/fakes/message.ts'
import { createFakePlatform, type FakePlatform } from '../test/fakes/platform.ts'
import { turnRig } from '../test/worker-rig.ts'
import { createExtract, type ExtractDeps } from './extract.ts'
import { createIsolation, type Isolation } from './isolation.ts'
import { createTurn } from './turn.ts'

let server: TestServer
let database: Database
let turns: Turns
let attachments: Attachments
let fake: FakePlatform

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  attachments = createAttachments(database)
  fake = createFakePlatform()
  return () => database.close()
})

const context = (signal = new AbortController().signal): JobContext => ({ id: 'job', attempt: 1, last: false, signal })
const shown = () => [...fake.posted.values()].map(({ text }) => text)

/** Says one sentence; `before` runs first. */
function speaker(before = async () => {}): ModelProvider {
  return {
    name: 'openai',
    async models() {
      return [{ id: 'speaker', contextWindow: 32_000 }]
    },
    async *stream() {
      await before()
      yield { type: 'start', model: 'speaker' }
      yield { type: 'text', delta: 'An answer.' }
      yield { type: 'finish', reason: 'stop' }
    },
  }
}

async function worker(isolation: Isolation, provider = speaker()) {
  const catalogue = createCatalogue({
    configured: [],
    providers: [provider],
    log: silentLog,
    addresses: { openai: 'http://127.0.0.1:8000/v1' },
  })
  const models = { catalogue, provider: () => provider }
  const messaging = { platform: () => fake.platform }
  return createTurn(await turnRig(database, { models, messaging, isolation, owner: 'alive' }))
}

async function reader(isolation: Isolation): Promise<ReturnType<typeof createExtract>> {
  const deps = {
    isolation,
    owner: 'alive',
    log: silentLog,
    storage: { attachments },
    readers: 2,
    messaging: {
      platform: () => fake.platform,
      progress: createProgress({ platform: () => fake.platform, store: turns, log: silentLog }),
      stops: await listenForStops(createLocalChannel()),
    },
  }
  // Nothing of the file may be touched, so nothing that reads is there.
  return createExtract(deps as unknown as ExtractDeps)
}

/** A process that has lived for a minute. */
function oldProcess(): Isolation {
  let now = 0
  const isolation = createIsolation(() => now)
  now = 60_000
  return isolation
}

/** Processes that claim the turn and are killed. */
async function diesOf(turnId: string, times: number, mode: 'ordinary' | 'beside' | 'alone' = 'ordinary') {
  for (let at = 0; at < times; at += 1) {
    expect(await turns.claim(turnId, `dead:${mode}${at}`, 60_000, mode)).toEqual({ kind: 'claimed' })
    await turns.dropForeignLeases('alive')
  }
}

describe('a question whose process died three times', () => {
  it('waits in a young process while others are answered, and is answered in an old one', async () => {
    const { turnId } = await turns.accept(message({ channelId: 'one' }))
    await diesOf(turnId, 3)
    const young = await worker(createIsolation())
    expect(await young({ v: 1, turnId }, context())).toEqual({ delayMs: expect.any(Number) })
    const other = await turns.accept(message({ channelId: 'two' }))
    expect(await young({ v: 1, turnId: other.turnId }, context())).toBe('done')
    const old = await worker(oldProcess())
    expect(await old({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual(['An answer.', 'An answer.'])
  })

  it('is answered with nothing beside it: others are put off meanwhile, and go on after it', async () => {
    const { turnId } = await turns.accept(message({ channelId: 'one' }))
    const other = await turns.accept(message({ channelId: 'two' }))
    await diesOf(turnId, 3)
    const asked = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const before = async () => {
      asked.resolve()
      await goOn.promise
    }
    const run = await worker(oldProcess(), speaker(before))
    const answering = run({ v: 1, turnId }, context())
    await asked.promise
    expect(await run({ v: 1, turnId: other.turnId }, context())).toEqual({ delayMs: expect.any(Number) })
    goOn.resolve()
    expect(await answering).toBe('done')
    expect(await run({ v: 1, turnId: other.turnId }, context())).toBe('done')
  })

  it('is innocent again however often an operator stops its process in order', async () => {
    const { turnId } = await turns.accept(message())
    for (let times = 0; times < 12; times += 1) {
      const stop = new AbortController()
      const stopping = async () => stop.abort(new Error('the worker closes'))
      const run = await worker(createIsolation(), speaker(stopping))
      await expect(run({ v: 1, turnId }, context(stop.signal))).rejects.toThrow()
    }
    const run = await worker(createIsolation())
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual(['An answer.'])
  })

  it('and twice more while it ran alone is answered at the sixth try: five kills prove nothing', async () => {
    const { turnId } = await turns.accept(message())
    await diesOf(turnId, 3)
    await diesOf(turnId, 2, 'alone')
    const run = await worker(oldProcess())
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual(['An answer.'])
  })
})

describe('a question whose process died three times of it alone', () => {
  it('is ended with a sentence and a code, the model is not asked, and the conversation goes on', async () => {
    let asked = 0
    const { turnId } = await turns.accept(message({ author: 'ann' }))
    const next = await turns.accept(message({ author: 'bob' }))
    await diesOf(turnId, 3)
    await diesOf(turnId, 3, 'alone')
    const count = async () => {
      asked += 1
    }
    const run = await worker(createIsolation(), speaker(count))
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(asked).toBe(0)
    expect(shown()[0]).toContain(noAnswerWording.crashed)
    expect(await turns.ended(turnId)).toMatchObject({ state: 'failed', receipt: { error: 'turn_crashed' } })
    expect(await run({ v: 1, turnId: next.turnId }, context())).toBe('done')
    expect(asked).toBe(1)
  })

  it('can be asked again, apart from all others', async () => {
    const { turnId } = await turns.accept(message())
    await diesOf(turnId, 3)
    await diesOf(turnId, 3, 'alone')
    await (await worker(createIsolation()))({ v: 1, turnId }, context())
    const again = await turns.regenerate(turnId)
    const young = await worker(createIsolation())
    expect(await young({ v: 1, turnId: again.turnId }, context())).toEqual({ delayMs: expect.any(Number) })
    const old = await worker(oldProcess())
    expect(await old({ v: 1, turnId: again.turnId }, context())).toBe('done')
    expect(shown().at(-1)).toBe('An answer.')
  })

  it('is ended without a word when even the sentence ends the process', async () => {
    const { turnId } = await turns.accept(message({ author: 'ann' }))
    const next = await turns.accept(message({ author: 'bob' }))
    await diesOf(turnId, 3)
    await diesOf(turnId, 3, 'alone')
    await diesOf(turnId, 7, 'beside')
    const run = await worker(createIsolation())
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual([])
    expect(await turns.requestStop(turnId)).toBe('failed')
    expect(await run({ v: 1, turnId: next.turnId }, context())).toBe('done')
  })
})

describe('a file whose process died of it', () => {
  async function fileOfDeaths(free: number, alone: number) {
    const { turnId, dispatch } = await turns.accept(message({ attachments: [file('poison.zip')] }))
    const [attachmentId = ''] = dispatch.attachmentIds
    for (let at = 0; at < free + alone; at += 1) {
      await attachments.claim(attachmentId, `dead:${at}`, 60_000, at < free ? 'ordinary' : 'alone')
      await turns.dropForeignLeases('alive')
    }
    return { turnId, attachmentId }
  }

  it('waits in a young process', async () => {
    const { turnId, attachmentId } = await fileOfDeaths(3, 0)
    const read = await reader(createIsolation())
    expect(await read({ v: 1, turnId, attachmentId }, context())).toEqual({ delayMs: expect.any(Number) })
  })

  it('three times alone is left out with its reason, and the question is answered', async () => {
    const { turnId, attachmentId } = await fileOfDeaths(3, 3)
    const isolation = createIsolation()
    const read = await reader(isolation)
    expect(await read({ v: 1, turnId, attachmentId }, context())).toBe('done')
    const run = await worker(isolation)
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    const ended = await turns.ended(turnId)
    expect(ended).toMatchObject({ state: 'done', receipt: { attachments: [{ outcome: 'skipped' }] } })
    const [problem] = ended?.receipt.attachments[0]?.problems ?? []
    expect(problem).toMatchObject({ code: 'file_crashed' })
    expect(problem?.userMessage).toContain('poison.zip')
  })
})
