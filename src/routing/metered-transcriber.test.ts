import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { startTranscriber } from '../../test/servers/transcriber.ts'
import { type ErrorCode, ParleyError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { usd } from '../core/money.ts'
import { createOpenAiTranscriber } from '../media/providers/transcribe-openai.ts'
import { type Recording, withPaying } from '../media/transcriber.ts'
import { createCatalogue } from '../models/catalogue.ts'
import { readPrice } from '../models/price.ts'
import { createBudgets } from '../store/budgets.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createLedger } from '../store/ledger.ts'
import { createLedgerBudget, type LedgerBudget } from './ledger-budget.ts'
import { createMeteredTranscriber } from './metered-transcriber.ts'

const ann = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }
const turnId = '7f3a2b10-0000-4000-8000-000000000001'
const minute: Recording = { bytes: new Uint8Array(64), name: 'a.wav', mediaType: 'audio/wav', durationMs: 60_000 }
const tenSeconds: Recording = { ...minute, durationMs: 10_000 }
const said = { segments: [{ text: 'Hello.', fromMs: 0, toMs: 900 }] }

let server: TestServer
let database: Database
let budget: LedgerBudget
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  const budgets = createBudgets(database)
  const limited = async () => new Set<string>()
  const alert = async () => {}
  budget = createLedgerBudget({ ledger: createLedger(database), budgets, limited, alert, log: silentLog })
  await budgets.set({ scope: 'user:slack/T1/U1', period: 'day', amount: usd('0.01'), timeZone: 'UTC' }, 'test')
})
afterEach(async () => {
  await budget.close()
  await database.close()
})

/** Hears at $0.36 an hour, which is $0.006 a minute. */
function paying(id = 'stated') {
  const catalogue = createCatalogue({
    configured: [
      { id: 'stated', provider: 'transcriber', price: readPrice({ perAudioHour: '0.36' }) },
      { id: 'by-token', provider: 'transcriber', price: readPrice({ input: '2.5', output: '10' }) },
    ],
    addresses: { transcriber: 'https://ears.example.org' },
    providers: [],
    log: silentLog,
  })
  return createMeteredTranscriber({ budget, model: () => catalogue.about('transcriber', id) })(ann, turnId)
}
const rows = async () =>
  (
    await database.pool.query(
      `select kind, provider, model, turn_id, state::text, cost, estimated, (usage ->> 'audioMs')::int as transcription from ledger order by reserved_at`,
    )
  ).rows as unknown[]

describe('transcription', () => {
  it('is paid by the second that was heard, through the same door as answers', async () => {
    const record = await paying()(minute, async () => ({ ...said, durationMs: 45_000 }))
    expect(record.segments).toEqual(said.segments)
    expect(await rows()).toEqual([
      {
        kind: 'transcription',
        provider: 'transcriber',
        model: 'stated',
        turn_id: turnId,
        state: 'settled',
        cost: '4500000',
        estimated: false,
        transcription: 45_000,
      },
    ])
  })

  it('is refused before anything is sent when the budget does not hold it', async () => {
    await paying()(minute, async () => said)
    let requested = false
    const second = paying()(minute, async () => {
      requested = true
      return said
    })
    await expect(second).rejects.toMatchObject({ code: 'budget_exhausted' })
    expect(requested).toBe(false)
  })

  it.each<[ErrorCode, string, string]>([
    ['transcriber_busy', 'released', '0'],
    ['transcriber_rejected', 'released', '0'],
    ['transcriber_refused_key', 'released', '0'],
    ['transcriber_unreachable', 'settled', '6000000'],
  ])('that ends with %s is %s at %s nano-dollars', async (code, state, cost) => {
    const failing = paying()(minute, () => Promise.reject(new ParleyError(code, 'No.')))
    await expect(failing).rejects.toMatchObject({ code })
    expect(await rows()).toMatchObject([{ state, cost, estimated: state === 'settled' }])
  })

  it.each<[string, ErrorCode, object, string]>([
    ['a connection that was refused', 'transcriber_unreachable', { code: 'ECONNREFUSED' }, 'released'],
    ['a server that failed at once', 'transcriber_unreachable', { status: 500 }, 'released'],
    ['a gateway whose time ran out', 'transcriber_unreachable', { status: 504 }, 'settled'],
    ['a connection that broke', 'transcriber_unreachable', { code: 'ECONNRESET' }, 'settled'],
    ['an answer that nobody understands', 'transcriber_rejected', { status: 200 }, 'settled'],
  ])('that ends with %s (%s) is %s', async (_name, code, cause, state) => {
    const error = new ParleyError(code, 'No.', { cause: Object.assign(new Error('why'), cause) })
    await expect(paying()(minute, () => Promise.reject(error))).rejects.toBe(error)
    expect(await rows()).toMatchObject([{ state }])
  })

  it('that is aborted costs the whole recording', async () => {
    const stop = new AbortController()
    const hearing = paying()(minute, async () => {
      stop.abort()
      throw stop.signal.reason
    })
    await expect(hearing).rejects.toMatchObject({ name: 'AbortError' })
    expect(await rows()).toMatchObject([{ state: 'settled', cost: '6000000', estimated: true }])
  })

  it('is paid by tokens where the model is: as counted, or the most that there can be', async () => {
    const counted = { input: 310, audio: 300, output: 110 }
    await paying('by-token')(tenSeconds, async () => ({ ...said, tokens: counted }))
    await paying('by-token')(tenSeconds, async () => said)
    // At $2.50 in and $10 out a million; 320 and 120 tokens at most in ten seconds.
    expect(await rows()).toMatchObject([
      { cost: `${310 * 2_500 + 110 * 10_000}`, estimated: false },
      { cost: `${320 * 2_500 + 120 * 10_000}`, estimated: true },
    ])
  })

  it('that is tried again is reserved and booked for each try', async () => {
    let failures = 1
    const transcriber = await startTranscriber({
      fail: () => (failures-- > 0 ? { status: 504 } : undefined),
      transcribe: async () => ({ segments: [{ text: 'Good morning.', start: 0, end: 1 }] }),
    })
    const transcribes = withPaying(
      createOpenAiTranscriber({ baseUrl: transcriber.url, model: 'whisper-1', backoffMs: 1, log: silentLog }),
      paying(),
    )
    const record = await transcribes.transcribe(tenSeconds, { signal: new AbortController().signal })
    expect(record.segments).toMatchObject([{ text: 'Good morning.' }])
    expect(await rows()).toMatchObject([{ cost: '1000000', estimated: true }, { cost: '1000000' }])
    await transcriber.close()
  })

  it('of a recording of unknown length is reserved by its bytes and marked as an estimate', async () => {
    const { durationMs: _, ...unknown } = minute
    await paying()({ ...unknown, bytes: new Uint8Array(30_000) }, async () => said)
    expect(await rows()).toMatchObject([{ cost: '4000000', estimated: true, transcription: 40_000 }])
  })

  it('without a known price is not made', async () => {
    await expect(paying('unheard')(minute, async () => said)).rejects.toMatchObject({ code: 'model_price_unknown' })
    expect(await rows()).toEqual([])
  })
})
