/** What a turn gathers: real turns, index, prompts and receipts on a database; scripted models; crashes where they hurt. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { ParleyError } from '../src/core/errors.ts'
import type { PublishedEvent } from '../src/core/events.ts'
import { silentLog } from '../src/core/log.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider, ModelRequest } from '../src/models/model.ts'
import type { Retrieval, Retriever } from '../src/search/passages.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { artifactOf } from '../src/search/retriever.contract.ts'
import { createAttachments } from '../src/store/attachments.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createForget } from '../src/store/forget.ts'
import type { StoredOutcome, Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { noticeWording } from '../src/wording/answers.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { message } from '../test/fakes/message.ts'
import { perMillion } from '../test/fakes/model.ts'
import { knowBlobs } from '../test/fixtures/blobs.ts'
import { shareFiles } from '../test/share-files.ts'
import { openPlaces, shareInPlaces } from '../test/share-in-places.ts'
import { jobContext, type RigParts, turnRig } from '../test/worker-rig.ts'
import { createTurn } from './turn.ts'

let server: TestServer
let database: Database
let turns: Turns
const requests: ModelRequest[] = []
const failing = new Map<string, ParleyError>()

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  requests.length = 0
  failing.clear()
  return () => database.close()
})

const provider: ModelProvider = {
  name: 'cloud',
  models: async () => [],
  async *stream(request) {
    requests.push(request)
    const failure = failing.get(request.model)
    if (failure) throw failure
    yield { type: 'start', model: request.model }
    yield { type: 'text', delta: 'The valve is on page 21 [1:p21].' }
    yield { type: 'finish', reason: 'stop' }
  },
}

const model = (id: string, contextWindow: number) => ({
  id,
  contextWindow,
  provider: 'cloud',
  tier: 'medium' as const,
  price: perMillion('1', '1'),
  maxOutputTokens: 500,
})

async function worker(parts: Partial<RigParts> = {}) {
  const configured = [model('first', 64_000), model('second', 64_000), model('third', 64_000)]
  const run = createTurn(
    await turnRig(database, {
      models: {
        catalogue: createCatalogue({ configured, providers: [provider], defaultModel: 'first', log: silentLog }),
        provider: () => provider,
      },
      limits: { promptTokens: 60, ...parts.limits },
      ...parts,
    }),
  )
  return async (turnId: string): Promise<StoredOutcome | null> => {
    await run({ v: 1, turnId }, jobContext(true)).catch(() => undefined)
    return await turns.ended(turnId)
  }
}

/** The real one, and what it was asked. */
function counted(more: Partial<Retriever> = {}): Retriever & { asked: (Retrieval & { question: string })[] } {
  const index = createPassageIndex(database.lasting)
  const asked: (Retrieval & { question: string })[] = []
  return {
    name: 'lexical',
    asked,
    async retrieve(question, options) {
      asked.push({ question, ...options })
      return await (more.retrieve ?? index.retrieve)(question, options)
    },
  }
}

const manual = artifactOf('manual', [
  ...Array.from({ length: 20 }, (_, page) => `Page ${page + 1} is about pumps and their care.`),
  'The relief valve is replaced after 4,200 hours.',
])
const text = 'When is the relief valve replaced?'

async function asked(): Promise<string> {
  await knowBlobs(database.pool, manual.contentHash)
  await createPassageIndex(database.lasting).add(manual)
  await createAttachments(database).saveArtifact(manual)
  return (await shareFiles(database, [manual], { text, names: ['manual.pdf'] })).turnId
}

const passagesOf = (request: ModelRequest | undefined) =>
  (request?.messages.at(-1)?.parts ?? []).flatMap((part) => (part.type === 'passage' ? [part.text] : []))
const steps = async () => (await database.pool.query('select * from turn_step')).rows

describe('the passages for a question', () => {
  it('are looked for once, for the asker and their conversation, however many models are asked', async () => {
    const unreachable = () => new ParleyError('model_unreachable', 'It does not answer. Please ask again.')
    for (const id of ['first', 'second']) failing.set(id, unreachable())
    const retriever = counted()
    const turnId = await asked()
    const outcome = await (await worker({ retriever }))(turnId)
    expect(outcome?.receipt.model).toBe('third')
    expect(retriever.asked).toMatchObject([
      {
        question: text,
        audience: { conversation: 'test/team/general', place: 'test/team/general' },
        among: [{ contentHash: manual.contentHash, engine: 'pdf-1' }],
        spender: { platform: 'test', workspaceId: 'team', channelId: 'general', userId: 'ann' },
      },
    ])
    expect(new Set(requests.map(({ model }) => model))).toEqual(new Set(['first', 'second', 'third']))
    for (const request of requests)
      expect(passagesOf(request)).toContain('The relief valve is replaced after 4,200 hours.')
  })

  it('are not looked for where every model can be given all of the files, or nothing was asked in words', async () => {
    const retriever = counted()
    await (await worker({ retriever, limits: { promptTokens: 10_000 } }))(await asked())
    expect(passagesOf(requests[0])).toHaveLength(21)
    await knowBlobs(database.pool, manual.contentHash)
    await createAttachments(database).saveArtifact(manual)
    const { turnId } = await shareFiles(database, [manual], { text: '', channelId: 'other' })
    await (await worker({ retriever }))(turnId)
    expect(retriever.asked).toEqual([])
    expect(await steps()).toEqual([])
  })

  it('that come too late are left out, and the receipt says so', async () => {
    const retriever = counted({
      retrieve: (_question, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    })
    const outcome = await (await worker({ retriever, limits: { promptTokens: 60, searchMs: 20 } }))(await asked())
    expect(outcome?.state).toBe('done')
    expect(outcome?.receipt.notices).toContain(noticeWording.searchTooSlow)
    expect(passagesOf(requests[0]).length).toBeGreaterThan(0)
  })
})

describe('a crash after the passages were found', () => {
  /** Found and stored, and then the process dies before any model is asked. */
  async function crashed(): Promise<string> {
    const turnId = await asked()
    const died = new ParleyError('internal', 'The process died.')
    const money = { budget: { left: async () => [], reserve: () => Promise.reject(died) } }
    const run = createTurn(
      await turnRig(database, {
        models: {
          catalogue: createCatalogue({ configured: [model('first', 64_000)], providers: [provider], log: silentLog }),
          provider: () => provider,
        },
        limits: { promptTokens: 60 },
        money,
      }),
    )
    await expect(run({ v: 1, turnId }, jobContext(false))).rejects.toThrow('The process died.')
    expect(await steps()).toMatchObject([{ turn_id: turnId, n: 1, kind: 'gather' }])
    return turnId
  }

  it('resumes with what was found, without a second search', async () => {
    const turnId = await crashed()
    const retriever = counted()
    const outcome = await (await worker({ retriever }))(turnId)
    expect(outcome?.state).toBe('done')
    expect(retriever.asked).toEqual([])
    expect(passagesOf(requests[0])).toContain('The relief valve is replaced after 4,200 hours.')
    expect(outcome?.citations[0]?.source).toMatchObject({ n: 1, kind: 'file', title: 'manual.pdf' })
    // What has ended is not resumed: nothing is kept of its steps.
    expect(await steps()).toEqual([])
  })

  it('has stored no word of the file, and the steps go with the turn', async () => {
    await crashed()
    expect(JSON.stringify(await steps())).not.toMatch(/valve|pump|manual/i)
    const forget = createForget({ database, collect: async () => {}, log: silentLog })
    await forget.forget({ platform: 'test', workspaceId: 'team', userId: 'ann' }, 'ann')
    expect(await steps()).toEqual([])
  })

  it('searches again when the question has changed meanwhile', async () => {
    const turnId = await crashed()
    await turns.accept(message({ text: 'And the pumps?' }))
    const retriever = counted()
    await (await worker({ retriever }))(turnId)
    expect(retriever.asked.map(({ question }) => question)).toEqual([`${text}\n\nAnd the pumps?`])
  })
})

describe('what a turn publishes', () => {
  it('are its start and end, its steps, searches and model calls, by ids and numbers, and no content', async () => {
    const events: { name: string; at: string; event: object; copy: object }[] = []
    for (const name of ['parley:turn', 'parley:step', 'parley:retrieval', 'parley:model'])
      for (const at of ['start', 'error', 'asyncEnd']) {
        const listen = (event: unknown) =>
          events.push({ name, at, event: event as object, copy: { ...(event as object) } })
        subscribe(`tracing:${name}:${at}`, listen)
        onTestFinished(() => void unsubscribe(`tracing:${name}:${at}`, listen))
      }
    failing.set('first', new ParleyError('model_refused_key', 'manual.pdf could not be sent. Please ask again.'))
    const turnId = await asked()
    await openPlaces(database, { board: [] })
    await shareInPlaces(database, [{ channelId: 'board', title: 'other.pdf', texts: ['Something else.'] }])
    await (await worker())(turnId)
    // Files shared earlier are searched at the same time.
    const ofMemory = (event: object) => 'retriever' in event && event.retriever === 'memory'
    expect(events.filter(({ copy }) => ofMemory(copy)).map(({ at }) => at)).toEqual(['start', 'asyncEnd'])
    const told = events.filter(({ copy }) => !ofMemory(copy)).map(({ name, at }) => `${name.slice(7)} ${at}`)
    expect(told.slice(0, 3)).toEqual(['turn start', 'step start', 'retrieval start'])
    expect(told.slice(3, 5)).toEqual(['retrieval asyncEnd', 'step asyncEnd'])
    expect(told.slice(5).filter((each) => each !== 'turn asyncEnd')).toEqual([
      ...['model start', 'model error', 'model asyncEnd'],
      ...['model start', 'model asyncEnd'],
    ])
    const of = <Name extends 'parley:turn' | 'parley:step' | 'parley:retrieval' | 'parley:model'>(name: Name) =>
      events.flatMap((each) =>
        each.name === name && each.at === 'asyncEnd' ? [each.copy as PublishedEvent<Name>] : [],
      )
    expect(of('parley:turn')).toMatchObject([{ turnId, platform: 'test', attempt: 1, state: 'done' }])
    expect(of('parley:step')).toMatchObject([{ turnId, n: 1, step: 'gather', resumed: false }])
    expect(of('parley:retrieval')).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ turnId, retriever: 'lexical', late: false, found: 1 }),
        expect.objectContaining({ turnId, retriever: 'memory', late: false, found: 0 }),
      ]),
    )
    expect(of('parley:model')).toMatchObject([
      { turnId, provider: 'cloud', model: 'first', attempt: 1, errorCode: 'model_refused_key' },
      { turnId, provider: 'cloud', attempt: 2, finish: 'stop' },
    ])
    // One object from its start to its end, so that what subscribes can keep its span beside it.
    const starts = events.filter(({ at }) => at === 'start')
    for (const { event, at } of events)
      if (at === 'asyncEnd') expect(starts.some((each) => each.event === event)).toBe(true)
    for (const { copy, at } of events)
      if (at !== 'start') expect(copy).toMatchObject({ durationMs: expect.any(Number) })
    expect(JSON.stringify(events)).not.toMatch(/valve|pump|manual|page 2/i)
  })
})
