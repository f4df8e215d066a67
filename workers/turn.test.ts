/** The turn worker on a real database, with a platform and a queue in memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ParleyError } from '../src/core/errors.ts'
import { silentLog } from '../src/core/log.ts'
import type { Scope } from '../src/core/scope.ts'
import { createTurnLimits } from '../src/intake/turn-limits.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import type { Queue } from '../src/queue/queue.ts'
import { createProgress } from '../src/reply/progress.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createLimits } from '../src/store/limits.ts'
import type { SettingName, SettingValue } from '../src/store/settings.ts'
import type { Turns } from '../src/store/turns.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { noAnswerWording, progressWording, undeliveredWording } from '../src/wording/answers.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { message } from '../test/fakes/message.ts'
import { createFakePlatform, type FakePlatform } from '../test/fakes/platform.ts'
import { receipt } from '../test/fakes/receipt.ts'
import { citation } from '../test/fakes/source.ts'
import { jobContext as context, turnRig } from '../test/worker-rig.ts'
import { createTurn, type TurnDeps } from './turn.ts'

let server: TestServer
let database: Database
let turns: Turns
let fake: FakePlatform
let limits: Map<Scope, { [Name in SettingName]?: SettingValue<Name> }>
const nudged: string[] = []

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  turns = createTurns(database)
  fake = createFakePlatform()
  limits = new Map()
  nudged.length = 0
  return () => database.close()
})

/** Says each word, a moment apart. */
function speaker(words: string[], everyMs = 0): ModelProvider {
  return {
    name: 'openai',
    async models() {
      return [{ id: 'speaker', contextWindow: 32_000 }]
    },
    async *stream(_request, signal) {
      yield { type: 'start', model: 'speaker' }
      for (const delta of words) {
        if (signal.aborted) break
        yield { type: 'text', delta }
        if (everyMs > 0) await sleep(everyMs)
      }
      yield { type: 'finish', reason: signal.aborted ? 'aborted' : 'stop' }
    },
  }
}

async function worker(provider: ModelProvider, messaging: Partial<TurnDeps['messaging']> = {}) {
  const catalogue = createCatalogue({
    configured: [],
    providers: [provider],
    log: silentLog,
    addresses: { openai: 'http://127.0.0.1:8000/v1' },
  })
  const queue = { nudge: async (_name: string, id: string) => void nudged.push(id) } as Partial<Queue> as Queue
  const turnLimits = createTurnLimits({ settings: { read: async () => limits }, limits: createLimits(database) })
  return createTurn(
    await turnRig(database, {
      models: { catalogue, provider: () => provider },
      messaging: { queue, platform: () => fake.platform, ...messaging },
      money: { turnLimits },
    }),
  )
}

const shown = () => [...fake.posted.values()].map(({ text }) => text)

describe('a turn', () => {
  it('is answered once, and wakes the next one', async () => {
    const run = await worker(speaker(['Hello ', 'there.']))
    const first = await turns.accept(message({ author: 'ann' }))
    const second = await turns.accept(message({ author: 'bob' }))
    expect(await run({ v: 1, turnId: second.turnId }, context())).toEqual({ delayMs: 2000 })
    expect(await run({ v: 1, turnId: first.turnId }, context())).toBe('done')
    expect(shown()).toEqual(['Hello there.'])
    expect(nudged).toEqual([`turn-${second.turnId}-1`])
    expect(await run({ v: 1, turnId: first.turnId }, context())).toBe('done')
    expect(fake.calls.filter((call) => call.startsWith('post'))).toHaveLength(1)
  })

  it('whose platform refuses for good ends as failed, and the conversation goes on', async () => {
    const run = await worker(speaker(['Hello']))
    const first = await turns.accept(message({ author: 'ann' }))
    const second = await turns.accept(message({ author: 'bob' }))
    const refusal = () => new ParleyError('platform_rejected', 'The channel is archived.')
    fake.failures.push(refusal(), refusal())
    expect(await run({ v: 1, turnId: first.turnId }, context())).toBe('done')
    expect(await turns.requestStop(first.turnId)).toBe('failed')
    expect(await run({ v: 1, turnId: second.turnId }, context())).toBe('done')
  })

  it('whose answer cannot be posted reaches its asker alone, with the reason, which the admins hear too', async () => {
    fake = createFakePlatform({ streaming: 'none' })
    const alerts: string[] = []
    const run = await worker(speaker(['Hello']), {
      alerts: {
        target: async () => ({ conversation: { platform: 'test', workspaceId: 'team', channelId: 'ops' }, data: null }),
        async send(scope, { text }) {
          alerts.push(`${scope}: ${text}`)
          return 'sent'
        },
      },
    })
    const { turnId } = await turns.accept(message({ author: 'ann' }))
    fake.failures.push(new ParleyError('platform_rejected', 'The channel is archived.'))
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect([...fake.told.values()]).toEqual([
      {
        text: undeliveredWording.withAnswer(undeliveredWording.toAsker('The channel is archived.'), 'Hello'),
        private: true,
      },
    ])
    expect(alerts).toEqual([
      `channel:test/team/general: ${undeliveredWording.toAdmins(undefined, '<#general>', 'The channel is archived.')}`,
    ])
  })

  it('whose answer cannot be posted reaches its asker with the names of its sources', async () => {
    fake = createFakePlatform({ streaming: 'none' })
    const run = await worker(speaker([]))
    const { turnId } = await turns.accept(message())
    await turns.claim(turnId, 'before', 60_000)
    const citations = [citation(1, 'contract.pdf')]
    await turns.saveOutcome(turnId, 'before', { text: 'Three months [1].', citations, state: 'done', receipt })
    await turns.release(turnId, 'before')
    fake.failures.push(new ParleyError('platform_rejected', 'It is archived.'))
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    const answer = 'Three months [1].\n\n- [1] contract.pdf, p. 3'
    const text = undeliveredWording.withAnswer(undeliveredWording.toAsker('It is archived.'), answer)
    expect([...fake.told.values()]).toEqual([{ text, private: true }])
  })

  it('whose end is refused says why in what is half written, and nobody is told a second time', async () => {
    fake = createFakePlatform({ streaming: 'none' })
    const run = await worker(speaker(['Hello']))
    const { turnId } = await turns.accept(message({ author: 'ann' }))
    await turns.savePart(turnId, { ordinal: 0, ref: `${turnId}-0`, text: 'Hel' })
    const refusal = () => new ParleyError('platform_rejected', 'It is too large.')
    fake.failures.push(refusal(), refusal())
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect([...fake.posted.values()]).toMatchObject([
      { text: undeliveredWording.toAsker('It is too large.'), phase: 'final', end: { state: 'failed' } },
    ])
    expect(fake.told.size).toBe(0)
  })

  it('whose question is deleted before it starts is never asked, and leaves nothing', async () => {
    const run = await worker(speaker(['Hello']))
    const asked = message({ text: 'a secret' })
    const { turnId } = await turns.accept(asked)
    await turns.withdraw('test', [asked.id])
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(fake.calls).toEqual([])
    expect((await database.pool.query('select from turn')).rows).toEqual([])
  })

  it('that is stopped before its answer began says so once', async () => {
    const run = await worker(speaker(['Hello']))
    const { turnId } = await turns.accept(message())
    await turns.requestStop(turnId)
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual([noAnswerWording.stopped])
    expect([...fake.posted.values()][0]?.end).toMatchObject({ state: 'stopped', receipt: { notices: [] } })
  })

  it('whose question is deleted in mid-answer stops, takes back what was shown, and wakes the next one', async () => {
    const words = Array.from({ length: 200 }, (_, n) => `word${n} `)
    const run = await worker(speaker(words, 20))
    const asked = message()
    const { turnId } = await turns.accept(asked)
    const next = await turns.accept(message({ author: 'bob' }))
    const running = run({ v: 1, turnId }, context())
    await expect.poll(() => shown().length).toBe(1)
    await turns.withdraw('test', [asked.id])
    expect(await running).toBe('done')
    expect(shown()).toEqual([])
    expect((await database.pool.query('select id from turn')).rows).toEqual([{ id: next.turnId }])
    expect(nudged).toEqual([`turn-${next.turnId}-1`])
  })

  it('whose question is deleted after its worker died is taken back by the next worker', async () => {
    const run = await worker(speaker(['Hello']))
    const asked = message()
    const { turnId } = await turns.accept(asked)
    fake.posted.set('half', { turnId, text: 'Half an', phase: 'streaming', citations: [] })
    await turns.claim(turnId, 'dead', 1)
    await turns.savePart(turnId, { ordinal: 0, ref: 'half', text: 'Half an' })
    await turns.withdraw('test', [asked.id])
    await sleep(5)
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual([])
    expect((await database.pool.query('select from turn')).rows).toEqual([])
  })

  it('given out twice in one process is written by one run alone, and asked once', async () => {
    let asked = 0
    const go = Promise.withResolvers<void>()
    const model = speaker(['One ', 'two ', 'three.'])
    const run = await worker({
      ...model,
      async *stream(request, signal) {
        asked += 1
        await go.promise
        yield* model.stream(request, signal)
      },
    })
    const { turnId } = await turns.accept(message())
    const runs = [run({ v: 1, turnId }, context()), run({ v: 1, turnId }, context())]
    // One of them has the turn; the other one is sent away before the model says anything.
    await Promise.race(runs)
    go.resolve()
    const outcomes = await Promise.all(runs)
    expect(outcomes).toContainEqual('done')
    expect(outcomes).toContainEqual({ delayMs: 2000 })
    expect(asked).toBe(1)
    expect(shown()).toEqual(['One two three.'])
  })

  it('on a platform without native status takes over the message that showed progress, also after its poster died', async () => {
    fake = createFakePlatform({ status: 'message', streaming: 'none' })
    const run = await worker(speaker(['Hello ', 'there.']))
    const { turnId } = await turns.accept(message())
    const progress = createProgress({ platform: () => fake.platform, store: turns, log: silentLog })
    const target = message().replyTarget
    progress.open({ turnId, platform: 'test', target }, 'Reading report.pdf, page 3 of 9')
    await expect.poll(() => shown()).toEqual(['_Reading report.pdf, page 3 of 9…_'])
    await expect.poll(async () => (await turns.parts(turnId))[0]?.ref).toBe(`${turnId}-0`)
    // Nobody closes that line: its worker is gone.
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual(['Hello there.'])
    expect(fake.calls.filter((call) => call.startsWith('post'))).toHaveLength(1)
    expect(fake.statuses).toEqual([])
  })

  it('shows within a second that it is answering, in the message that the answer takes over', async () => {
    fake = createFakePlatform({ status: 'message' })
    const go = Promise.withResolvers<void>()
    const slow = speaker(['Hello.'])
    const run = await worker({
      ...slow,
      async *stream(request, signal) {
        await go.promise
        yield* slow.stream(request, signal)
      },
    })
    const { turnId } = await turns.accept(message())
    const running = run({ v: 1, turnId }, context())
    await expect.poll(() => shown()).toEqual(['_Answering…_'])
    go.resolve()
    expect(await running).toBe('done')
    expect(shown()).toEqual(['Hello.'])
    expect(fake.calls.filter((call) => call.startsWith('post'))).toHaveLength(1)
  })

  it('is answered though a worker died between claiming the progress message and posting it', async () => {
    fake = createFakePlatform({ status: 'message', streaming: 'none' })
    const run = await worker(speaker(['Hello.']))
    const { turnId } = await turns.accept(message())
    expect(await turns.reservePart(turnId, 0)).toBe(true)
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual(['Hello.'])
  })

  it('that is long and whose worker dies after its file is finished with one file', async () => {
    fake = createFakePlatform({ maxChars: 500, maxMessages: 1, streaming: 'none' })
    const run = await worker(speaker([Array.from({ length: 300 }, (_, n) => `word${n} `).join('')]))
    const { turnId } = await turns.accept(message({ text: 'Tell me everything!' }))
    // One message and the file go through, the end does not, and then the platform is back.
    fake.failures.push(null, null, new ParleyError('request_invalid', 'no'), new ParleyError('request_invalid', 'no'))
    await run({ v: 1, turnId }, context()).catch(() => undefined)
    await run({ v: 1, turnId }, context())
    expect([...fake.attached.values()].map(({ name }) => name)).toEqual(['tell-me-everything.md'])
    expect(shown()).toHaveLength(1)
  })

  it('says that it is answering before the first word', async () => {
    const run = await worker(speaker(['Hello']))
    const { turnId } = await turns.accept(message())
    await run({ v: 1, turnId }, context())
    expect(fake.statuses).toEqual(['Answering', null])
  })

  it('whose database failed is not reported as the model’s failure', async () => {
    const run = await worker(speaker(['Hello']))
    const { turnId } = await turns.accept(message())
    fake.failures.push(new ParleyError('database_unreachable', 'The database does not answer.', { retryAfterMs: 1 }))
    expect(await run({ v: 1, turnId }, context())).toBe('done')
    expect(shown()).toEqual(['Hello'])
  })

  it('whose only model asks for ten minutes fails at once, and so does the next one, without a call', async () => {
    let asked = 0
    const run = await worker({
      ...speaker([]),
      // biome-ignore lint/correctness/useYield: it fails before its first event.
      async *stream() {
        asked += 1
        throw new ParleyError('model_busy', 'It takes no more requests. Ask again shortly.', { retryAfterMs: 600_000 })
      },
    })
    for (const channelId of ['one', 'two']) {
      const { turnId } = await turns.accept(message({ channelId }))
      expect(await run({ v: 1, turnId }, context())).toBe('done')
      expect(await turns.ended(turnId)).toMatchObject({ state: 'failed', receipt: { error: 'model_busy' } })
    }
    expect(asked).toBe(1)
  })

  it('waits while as many as allowed are under way, and holds neither lease nor attempt meanwhile', async () => {
    limits.set('all', { 'limits.concurrentTurns': 1 })
    const run = await worker(speaker(['One ', 'two ', 'three.'], 200))
    const first = await turns.accept(message({ author: 'ann', channelId: 'one' }))
    const second = await turns.accept(message({ author: 'ann', channelId: 'two' }))
    const other = await turns.accept(message({ author: 'bob', channelId: 'three' }))
    const answering = run({ v: 1, turnId: first.turnId }, context())
    await expect.poll(() => shown().length).toBe(1)
    expect(await run({ v: 1, turnId: second.turnId }, context())).toEqual({ delayMs: 2000 })
    expect(fake.statuses.at(-1)).toBe(progressWording.waiting(1, 'your'))
    expect(await run({ v: 1, turnId: other.turnId }, context())).toBe('done')
    expect(await turns.claim(second.turnId, 'looks', 1)).toEqual({ kind: 'claimed' })
    expect(await turns.load(second.turnId)).toMatchObject({ attempts: 1 })
    await turns.release(second.turnId, 'looks', 'unused')
    expect(await answering).toBe('done')
    expect(await run({ v: 1, turnId: second.turnId }, context())).toBe('done')
    expect(shown()).toHaveLength(3)
  })

  it('that waits says so once in a message, which says next that it is being answered, and then the answer', async () => {
    fake = createFakePlatform({ status: 'message', streaming: 'none' })
    limits.set('all', { 'limits.concurrentTurns': 1 })
    const go = Promise.withResolvers<void>()
    const slow = speaker(['Hello.'])
    const run = await worker({
      ...slow,
      async *stream(request, signal) {
        await go.promise
        yield* slow.stream(request, signal)
      },
    })
    const first = await turns.accept(message({ author: 'ann', channelId: 'one' }))
    const second = await turns.accept(message({ author: 'ann', channelId: 'two' }))
    await turns.claim(first.turnId, 'w', 60_000)
    await createLimits(database).enter(first.turnId, [{ scope: 'user:test/team/ann', concurrentTurns: 1 }])
    for (let times = 0; times < 2; times += 1)
      expect(await run({ v: 1, turnId: second.turnId }, context())).toEqual({ delayMs: 2000 })
    expect(shown()).toEqual([progressWording.inMessage(progressWording.waiting(1, 'your'))])
    await turns.release(first.turnId, 'w')
    const answering = run({ v: 1, turnId: second.turnId }, context())
    await expect.poll(() => shown()).toEqual(['_Answering…_'])
    go.resolve()
    expect(await answering).toBe('done')
    expect(shown()).toEqual(['Hello.'])
    expect(fake.calls.filter((call) => call.startsWith('post'))).toHaveLength(1)
  })

  it('beyond the requests of a minute is refused in a sentence that names the limit, and is tried no further', async () => {
    limits.set('all', { 'limits.requestsPerMinute': 1 })
    const run = await worker(speaker(['Hello.']))
    const first = await turns.accept(message({ author: 'ann', channelId: 'one' }))
    const second = await turns.accept(message({ author: 'ann', channelId: 'two' }))
    expect(await run({ v: 1, turnId: first.turnId }, context())).toBe('done')
    expect(await run({ v: 1, turnId: second.turnId }, context())).toBe('done')
    expect(shown()[1]).toMatch(/^You have reached the limit of 1 question per minute\. Try again in \d+ seconds\.$/)
    expect(await turns.requestStop(second.turnId)).toBe('failed')
  })
})
